//! Signatures in the forms of sigstore: simple signing, DSSE envelopes, bundles; by known keys, or by short-lived certificates of an
//! authority that is trusted together with the log that says when they were used.
//!
//! A signature counts only when it verifies against what the workspace trusts. Whatever is wrong with one is told, so that "signed by
//! somebody" is never read as "signed by us".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::keys::PublicKey;
use crate::text::hex;

/// What the workspace trusts.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Keys by their names.
    pub keys: Vec<(String, PublicKey)>,
    /// Certificates, in DER, of the authorities that certify identities.
    pub authorities: Vec<Vec<u8>>,
    /// The key of the log that records signatures.
    pub log: Option<PublicKey>,
    /// Certificates, in DER, of the authorities that certify signers of Notation.
    pub notation: Vec<Vec<u8>>,
}

/// Who made a signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signer {
    /// Whether the signature holds, by what is trusted.
    pub verified: bool,
    /// The name of the key, or the identity in the certificate.
    pub who: String,
    /// Who vouches for the identity.
    pub issuer: String,
    /// Why the signature does not count.
    pub problem: String,
}

impl Signer {
    pub(super) fn to_json(&self, scheme: &str) -> Json {
        json!({"scheme": scheme, "verified": self.verified, "signer": self.who, "issuer": self.issuer, "problem": self.problem})
    }

    fn unproved(problem: &str) -> Self {
        Self { problem: problem.to_owned(), ..Self::default() }
    }
}

/// The entry of the log that goes with a signature by certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct LogEntry {
    body: String,
    integrated_time: i64,
    log_id: String,
    log_index: i64,
    promise: Vec<u8>,
}

impl LogEntry {
    /// As an annotation of a signature has it: `{"SignedEntryTimestamp": …, "Payload": {…}}`.
    pub(super) fn of_annotation(text: &str) -> Option<Self> {
        let told: Json = serde_json::from_str(text).ok()?;
        let payload = &told["Payload"];
        Some(Self {
            body: payload["body"].as_str()?.to_owned(),
            integrated_time: payload["integratedTime"].as_i64()?,
            log_id: payload["logID"].as_str()?.to_owned(),
            log_index: payload["logIndex"].as_i64()?,
            promise: STANDARD.decode(told["SignedEntryTimestamp"].as_str()?).ok()?,
        })
    }

    /// As a bundle has it; its numbers may be text.
    pub(super) fn of_bundle(entry: &Json) -> Option<Self> {
        let number = |value: &Json| value.as_i64().or_else(|| value.as_str()?.parse().ok());
        Some(Self {
            body: entry["canonicalizedBody"].as_str()?.to_owned(),
            integrated_time: number(&entry["integratedTime"])?,
            log_id: hex(&STANDARD.decode(entry["logId"]["keyId"].as_str()?).ok()?),
            log_index: number(&entry["logIndex"])?,
            promise: STANDARD.decode(entry["inclusionPromise"]["signedEntryTimestamp"].as_str()?).ok()?,
        })
    }

    // Whether the log promised to hold this entry; the promise is over its canonical JSON.
    fn is_promised(&self, log: &PublicKey) -> bool {
        let text = format!(
            r#"{{"body":"{}","integratedTime":{},"logID":"{}","logIndex":{}}}"#,
            self.body, self.integrated_time, self.log_id, self.log_index
        );
        log.verifies(text.as_bytes(), &self.promise)
    }

    // Whether the entry is about a signature over a payload: by the digest of the payload and the signature itself.
    fn is_about(&self, payload: &[u8], signature: &str) -> bool {
        let body = STANDARD.decode(&self.body).ok().and_then(|body| serde_json::from_slice::<Json>(&body).ok());
        let Some(body) = body else { return false };
        let digest = hex(&Sha256::digest(payload));
        let spec = &body["spec"];
        let hashed = spec["data"]["hash"]["value"] == digest.as_str() && spec["signature"]["content"] == signature;
        let signatures = spec["signatures"].as_array().into_iter().flatten();
        let enveloped = spec["payloadHash"]["value"] == digest.as_str() && signatures.clone().any(|told| told["signature"] == signature);
        hashed || enveloped
    }
}

/// One signature with what goes with it.
pub(super) struct Signature<'s> {
    /// What was signed, byte by byte.
    pub message: &'s [u8],
    /// What the log has the digest of.
    pub payload: &'s [u8],
    /// The signature in base64.
    pub signature: &'s str,
    /// The certificate in DER, and those above it.
    pub certificates: Vec<Vec<u8>>,
    pub log_entry: Option<LogEntry>,
}

/// The bytes that a DSSE envelope signs.
pub(super) fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// The certificates in a PEM text.
pub(super) fn certificates(pem: &str) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().map(|certificate| certificate.to_vec()).collect()
}

impl Trust {
    /// Who made a signature, as far as it can be proved.
    pub(super) fn judge(&self, signature: &Signature<'_>) -> Signer {
        let Ok(bytes) = STANDARD.decode(signature.signature) else { return Signer::unproved("the signature is no base64") };
        if signature.certificates.is_empty() {
            let by = self.keys.iter().find(|(_, key)| key.verifies(signature.message, &bytes));
            return match by {
                Some((name, _)) => Signer { verified: true, who: name.clone(), ..Signer::default() },
                None if self.keys.is_empty() => Signer::unproved("signed by a key, and the workspace names none"),
                None => Signer::unproved("signed by none of the keys that the workspace names"),
            };
        }
        self.by_certificate(signature, &bytes)
    }

    fn by_certificate(&self, signature: &Signature<'_>, bytes: &[u8]) -> Signer {
        let Some((_, leaf)) = signature.certificates.first().and_then(|der| X509Certificate::from_der(der).ok()) else {
            return Signer::unproved("its certificate cannot be read");
        };
        let mut signer = identity(&leaf);
        let problem = if self.authorities.is_empty() {
            Some("signed by a certificate, and the workspace names no authority for such")
        } else if !PublicKey::from_spki(leaf.public_key().raw).is_some_and(|key| key.verifies(signature.message, bytes)) {
            Some("the signature is not one of the certificate's key")
        } else {
            self.time_of_signing(signature).and_then(|time| leads_to(&signature.certificates, &self.authorities, time)).err()
        };
        signer.verified = problem.is_none();
        signer.problem = problem.unwrap_or_default().to_owned();
        signer
    }

    // When the signature was made, as the log promises: the certificate is long past its time when it is looked at.
    fn time_of_signing(&self, signature: &Signature<'_>) -> Result<i64, &'static str> {
        let log = self.log.as_ref().ok_or("the workspace names no key of a log, so nobody can say when it was signed")?;
        let entry = signature.log_entry.as_ref().ok_or("no entry of a log with its promise goes with the signature")?;
        if !entry.is_promised(log) {
            return Err("the log that is trusted did not promise the entry");
        }
        if !entry.is_about(signature.payload, signature.signature) {
            return Err("the entry of the log is about another signature");
        }
        Ok(entry.integrated_time)
    }
}

/// Whether a certificate, the first of some, leads to an authority, each certificate being valid at the time.
pub(super) fn leads_to(certificates: &[Vec<u8>], authorities: &[Vec<u8>], time: i64) -> Result<(), &'static str> {
    const DEEPEST: usize = 4;
    let mut current = certificates.first().ok_or("no certificate")?.clone();
    for _ in 0..DEEPEST {
        let (_, certificate) = X509Certificate::from_der(&current).map_err(|_| "a certificate above it cannot be read")?;
        let validity = certificate.validity();
        if !(validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&time) {
            return Err("a certificate was not valid when it was signed");
        }
        if authorities.iter().any(|authority| is_signed_by(&current, authority, time)) {
            return Ok(());
        }
        let above = certificates.iter().find(|above| **above != current && is_signed_by(&current, above, time));
        current = above.ok_or("its certificate leads to no authority that the workspace names")?.clone();
    }
    Err("its certificate leads to no authority that the workspace names")
}

// Whether `issuer` is an authority, was valid, and signed `subject`.
fn is_signed_by(subject: &[u8], issuer: &[u8], time: i64) -> bool {
    let (Ok((_, subject)), Ok((_, issuer))) = (X509Certificate::from_der(subject), X509Certificate::from_der(issuer)) else { return false };
    let valid = (issuer.validity().not_before.timestamp()..=issuer.validity().not_after.timestamp()).contains(&time);
    let key = PublicKey::from_spki(issuer.public_key().raw);
    valid
        && issuer.is_ca()
        && subject.issuer().as_raw() == issuer.subject().as_raw()
        && key.is_some_and(|key| key.verifies(subject.tbs_certificate.as_ref(), &subject.signature_value.data))
}

// The identity in a certificate, and who vouched for it (the extensions .1.8 and, formerly, .1.1 of the authority).
fn identity(leaf: &X509Certificate<'_>) -> Signer {
    const ISSUER: &str = "1.3.6.1.4.1.57264.1.8";
    const FORMER_ISSUER: &str = "1.3.6.1.4.1.57264.1.1";
    let names = leaf.subject_alternative_name().ok().flatten();
    let who = names.and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some((*text).to_owned()),
            _ => None,
        })
    });
    let extension = |oid: &str| leaf.extensions().iter().find(|extension| extension.oid.to_id_string() == oid).map(|found| found.value);
    // The newer form is a UTF8String in DER, the former one the plain text.
    let newer = extension(ISSUER).filter(|value| value.len() >= 2 && value[0] == 0x0c).map(|value| &value[2..]);
    let issuer = newer.or_else(|| extension(FORMER_ISSUER)).map(|text| String::from_utf8_lossy(text).into_owned());
    Signer { who: who.unwrap_or_default(), issuer: issuer.unwrap_or_default(), ..Signer::default() }
}
