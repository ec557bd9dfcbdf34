//! Public keys that signatures are held against: ECDSA, Ed25519 and RSA, out of PEM files and certificates.

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    // The content of the AlgorithmIdentifier, by which a verifier is chosen.
    algorithm: Vec<u8>,
    key: Vec<u8>,
}

impl PublicKey {
    /// Reads a key of the form `-----BEGIN PUBLIC KEY-----`.
    pub(super) fn from_pem(pem: &[u8]) -> Option<Self> {
        Self::from_spki(SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?.as_ref())
    }

    /// Reads a SubjectPublicKeyInfo.
    pub(super) fn from_spki(der: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).ok()?;
        let algorithm = content(content(der)?)?.to_vec();
        Some(Self { algorithm, key: info.subject_public_key.data.to_vec() })
    }

    /// Whether the signature is one of this key over the message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let all = aws_lc_rs::default_provider().signature_verification_algorithms.all;
        let fitting = all.iter().filter(|algorithm| algorithm.public_key_alg_id().as_ref() == self.algorithm);
        fitting.into_iter().any(|algorithm| algorithm.verify_signature(&self.key, message, signature).is_ok())
    }
}

// The content of the first element of DER.
fn content(der: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = der.get(1..)?.split_first()?;
    if length < 0x80 {
        return rest.get(..usize::from(length));
    }
    let count = usize::from(length & 0x7f);
    let (length, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
    rest.get(..length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    // Made by `openssl ecparam -name prime256v1 -genkey` and `openssl dgst -sha256 -sign` over the text `payload`.
    const KEY: &str = include_str!("tests/ec.pub");
    const SIGNATURE: &str = include_str!("tests/ec.sig");

    #[test]
    fn a_signature_belongs_to_one_key_and_one_message() {
        let key = PublicKey::from_pem(KEY.as_bytes()).unwrap();
        let signature = STANDARD.decode(SIGNATURE.trim()).unwrap();
        assert!(key.verifies(b"payload", &signature));
        assert!(!key.verifies(b"payload!", &signature));
        assert!(!key.verifies(b"payload", &signature[1..]));
        let mut other = key.clone();
        other.key[10] ^= 1;
        assert!(!other.verifies(b"payload", &signature));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for pem in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", &KEY.replace("PUBLIC KEY", "CERTIFICATE")] {
            assert_eq!(PublicKey::from_pem(pem.as_bytes()), None, "{pem}");
        }
        assert_eq!(content(&[0x30, 0x82, 0xff, 0xff, 0]), None);
        assert_eq!(content(&[0x30, 0x81]), None);
        assert_eq!(content(&[]), None);
    }
}
