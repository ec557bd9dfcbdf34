//! Signatures of Notation in their JSON form (Notary Project, JWS envelope): by a certificate for signing code that leads to an authority
//! which the workspace trusts for this.
//!
//! Verified are the signature over payload and protected headers, the digest that it is about, its expiry, and the certificate. Time
//! stamps are not read, so certificates must be valid at the moment, as Notation itself demands without one. The binary form (COSE) is
//! seen and told, and never counts; neither does a signature that demands something that is not known here.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value as Json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::keys::PublicKey;
use super::sigstore::{Signer, leads_to};

/// The type of artifact by which the registry tells such signatures.
pub(super) const KIND: &str = "application/vnd.cncf.notary.signature";

/// The JSON form.
const JWS: &str = "application/jose+json";
/// What is signed.
const PAYLOAD: &str = "application/vnd.cncf.notary.payload.v1+json";

const SCHEME: &str = "io.cncf.notary.signingScheme";
const EXPIRY: &str = "io.cncf.notary.expiry";
const SIGNED_AT: &str = "io.cncf.notary.authenticSigningTime";

/// Who made a signature over an image, as far as it can be proved.
pub(super) fn judge(media_type: &str, envelope: &[u8], digest: &str, authorities: &[Vec<u8>], now: Timestamp) -> Signer {
    if media_type != JWS {
        return unproved(&format!("signatures of Notation are verified as {JWS} only, this one is {media_type}"));
    }
    let Some(envelope) = Envelope::read(envelope) else { return unproved("the signature is no JWS of Notation") };
    let Ok((_, leaf)) = X509Certificate::from_der(&envelope.certificates[0]) else { return unproved("its certificate cannot be read") };
    let problem = envelope.problem(&leaf, digest, authorities, now);
    Signer {
        verified: problem.is_none(),
        who: leaf.subject().to_string(),
        issuer: leaf.issuer().to_string(),
        problem: problem.unwrap_or_default().to_owned(),
    }
}

fn unproved(problem: &str) -> Signer {
    Signer { problem: problem.to_owned(), ..Signer::default() }
}

struct Envelope {
    /// What is signed: the protected headers and the payload as they stand there, with a dot between.
    message: String,
    protected: Json,
    payload: Json,
    signature: Vec<u8>,
    /// In DER, the leaf first; never empty.
    certificates: Vec<Vec<u8>>,
}

impl Envelope {
    fn read(bytes: &[u8]) -> Option<Self> {
        let told: Json = serde_json::from_slice(bytes).ok()?;
        let (protected, payload) = (told["protected"].as_str()?, told["payload"].as_str()?);
        let read = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        let certificates: Option<Vec<_>> =
            told["header"]["x5c"].as_array()?.iter().map(|certificate| STANDARD.decode(certificate.as_str()?).ok()).collect();
        Some(Self {
            message: format!("{protected}.{payload}"),
            protected: read(protected)?,
            payload: read(payload)?,
            signature: URL_SAFE_NO_PAD.decode(told["signature"].as_str()?).ok()?,
            certificates: certificates.filter(|certificates| !certificates.is_empty())?,
        })
    }

    // Why the signature does not count.
    fn problem(&self, leaf: &X509Certificate<'_>, digest: &str, authorities: &[Vec<u8>], now: Timestamp) -> Option<&'static str> {
        if authorities.is_empty() {
            return Some("signed by a certificate, and the workspace names no authority for signatures of Notation");
        }
        if !self.is_understood() {
            return Some("it demands what is not known here, so that nobody can say whether it holds");
        }
        if !self.is_signed_by(leaf) {
            return Some("the signature is not one of the certificate's key");
        }
        if self.payload["targetArtifact"]["digest"] != digest {
            return Some("the signature is of another image");
        }
        let expiry = &self.protected[EXPIRY];
        if !expiry.is_null() && expiry.as_str().and_then(|text| text.parse::<Timestamp>().ok()).is_none_or(|expiry| expiry <= now) {
            return Some("the signature has expired");
        }
        if !signs_code(leaf) {
            return Some("its certificate is not one for signing code");
        }
        let validity = leaf.validity();
        if !(validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now.as_second()) {
            return Some("its certificate is not valid at the moment, and time stamps are not read");
        }
        leads_to(&self.certificates, authorities, now.as_second()).err()
    }

    fn is_understood(&self) -> bool {
        let protected = &self.protected;
        let scheme = protected[SCHEME].as_str().unwrap_or_default();
        let critical = protected["crit"].as_array().map(Vec::as_slice).unwrap_or_default();
        let known = |name: &Json| name.as_str().is_some_and(|name| [SCHEME, EXPIRY, SIGNED_AT].contains(&name));
        protected["cty"] == PAYLOAD
            && matches!(scheme, "notary.x509" | "notary.x509.signingAuthority")
            && critical.iter().any(|name| name == SCHEME)
            && critical.iter().all(known)
    }

    fn is_signed_by(&self, leaf: &X509Certificate<'_>) -> bool {
        let signature = match self.protected["alg"].as_str() {
            Some("PS256" | "PS384" | "PS512") => Some(self.signature.clone()),
            Some("ES256" | "ES384" | "ES512") => of_halves(&self.signature),
            _ => None,
        };
        let key = PublicKey::from_spki(leaf.public_key().raw);
        signature.zip(key).is_some_and(|(signature, key)| key.verifies(self.message.as_bytes(), &signature))
    }
}

// Whether a certificate may sign code: else one that the same authority gave to a web server would do.
fn signs_code(leaf: &X509Certificate<'_>) -> bool {
    let usage = leaf.key_usage().ok().flatten().is_some_and(|usage| usage.value.digital_signature());
    let purpose = match leaf.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(purpose)) => {
            let purpose = purpose.value;
            purpose.code_signing && !(purpose.any || purpose.server_auth || purpose.email_protection || purpose.time_stamping)
        }
        Err(_) => false,
    };
    usage && purpose && !leaf.is_ca()
}

// A signature of ECDSA as JOSE writes it (RFC 7518, 3.4: two numbers of equal length), in the DER that verifiers read.
fn of_halves(signature: &[u8]) -> Option<Vec<u8>> {
    let half = signature.len() / 2;
    if !matches!(signature.len(), 64 | 96 | 132) {
        return None;
    }
    let mut content = Vec::new();
    for number in [&signature[..half], &signature[half..]] {
        let first = number.iter().position(|byte| *byte != 0).unwrap_or(half - 1);
        let number = &number[first..];
        // A leading bit would make it negative.
        let padding: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
        content.push(2);
        content.push(u8::try_from(number.len() + padding.len()).ok()?);
        content.extend(padding.iter().chain(number));
    }
    let length = u8::try_from(content.len()).ok()?;
    let mut out = vec![0x30];
    out.extend(if length < 0x80 { vec![length] } else { vec![0x81, length] });
    out.extend(content);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_signatures_are_written_as_der_has_them() {
        let mut signature = vec![0; 64];
        (signature[30], signature[31], signature[32]) = (0x01, 0x02, 0x80);
        let mut expected = vec![0x30, 4 + 35, 2, 2, 1, 2, 2, 33, 0, 0x80];
        expected.extend([0; 31]);
        assert_eq!(of_halves(&signature), Some(expected));
        assert_eq!(of_halves(&[0; 64]).map(|der| der[1]), Some(6));
        assert_eq!((of_halves(&[1; 63]), of_halves(&[])), (None, None));
        assert_eq!(of_halves(&[0xff; 132]).map(|der| (der[1], der[2])), Some((0x81, 138)));
    }
}
