//! The signature: a DSSE envelope (protocol version 1) around the exact bytes of the manifest, which is an in-toto Statement.
//!
//! What is signed is not the JSON of the envelope but its payload with type and lengths before it (the PAE), so that no
//! way of writing JSON matters, and nothing signed for another purpose can pass as a bundle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::is_key_id;
use super::key::{PublicKey, SignError, Signer, signed};

/// The type of the payload: an in-toto Statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What is signed for a payload: `DSSEv1 <length of type> <type> <length of payload> <payload>`.
#[must_use]
pub fn pae(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// An envelope with one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The bytes that were signed.
    pub payload: Vec<u8>,
    /// The id of the key that signed, as the envelope says.
    pub key_id: String,
    /// The signature over the [`pae`] of the payload.
    pub signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeFile {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<SignatureFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureFile {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs a payload.
    ///
    /// # Errors
    /// Where no signature of the key came.
    pub fn sign(payload: &[u8], signer: &dyn Signer) -> Result<Self, SignError> {
        let signature = signed(signer, &pae(payload))?;
        Ok(Self { payload: payload.to_vec(), key_id: signer.public_key().id(), signature })
    }

    /// The envelope as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let file = EnvelopeFile {
            payload: STANDARD.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![SignatureFile { keyid: self.key_id.clone(), sig: STANDARD.encode(&self.signature) }],
        };
        serde_json::to_vec(&file).expect("an envelope is strings alone, which JSON can hold")
    }

    /// Reads an envelope. What it is worth is not judged here.
    ///
    /// # Errors
    /// What is no envelope around an in-toto Statement with one signature, in words.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let file: EnvelopeFile = serde_json::from_slice(bytes).map_err(|error| format!("no DSSE envelope: {error}"))?;
        if file.payload_type != PAYLOAD_TYPE {
            return Err(format!("an envelope around `{}`, not `{PAYLOAD_TYPE}`", file.payload_type.escape_debug()));
        }
        let [signature] = file.signatures.as_slice() else {
            return Err(format!("an envelope with {} signatures; each key has a file of its own", file.signatures.len()));
        };
        if !is_key_id(&signature.keyid) {
            return Err("the key id is no SHA-256 in lower-case hex".to_owned());
        }
        let decode = |what: &str, text: &str| STANDARD.decode(text).map_err(|error| format!("the {what} is no base64: {error}"));
        Ok(Self {
            payload: decode("payload", &file.payload)?,
            key_id: signature.keyid.clone(),
            signature: decode("signature", &signature.sig)?,
        })
    }

    /// Whether the signature is one of the key over the payload.
    #[must_use]
    pub fn verifies(&self, key: &PublicKey) -> bool {
        key.verifies(&pae(&self.payload), &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_that_of_the_protocol() {
        let expected: &[u8] = b"DSSEv1 28 application/vnd.in-toto+json 2 {}";
        assert_eq!(pae(b"{}"), expected);
    }

    #[test]
    fn an_envelope_comes_back_and_what_is_none_is_refused() {
        let envelope = Envelope { payload: b"{}".to_vec(), key_id: "0f".repeat(32), signature: vec![1, 2, 3] };
        let text = String::from_utf8(envelope.to_bytes()).unwrap();
        assert_eq!(Envelope::read(text.as_bytes()).unwrap(), envelope);
        for (from, to) in [
            ("in-toto+json", "in-toto+xml"),
            ("AQID", "AQ ID"),
            ("0f0f", "0F0f"),
            ("\"signatures\":[{", "\"signatures\":[],\"other\":[{"),
            ("}]}", "},{\"keyid\":\"\",\"sig\":\"\"}]}"),
            ("{\"keyid\"", "{\"extra\":1,\"keyid\""),
        ] {
            let broken = text.replacen(from, to, 1);
            assert!(broken != text && Envelope::read(broken.as_bytes()).is_err(), "{broken}");
        }
        // Bits beyond the last byte of base64 must be zero: one signature has one text.
        assert!(Envelope::read(text.replace("e30=", "e31=").as_bytes()).is_err());
    }
}
