//! Whether a chain of certificates leads to a trusted root, at the time of the handshake.
//!
//! The name is not part of this question: an expired certificate and a certificate for another host are two findings.
//! Revocation is not looked up, since that would ask third parties.

use std::path::Path;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use serde::Serialize;

use super::TlsError;
use crate::text::one_line;

/// The chain as it stands in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ChainRecord {
    /// How many certificates the server sent.
    pub(super) length: usize,
    /// Whether they lead to a trusted root; absent where there is no root to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verifies: Option<bool>,
    /// Why they do not; empty where they do.
    pub(super) error: String,
}

/// The roots that are trusted.
#[derive(Debug)]
pub(super) struct Trust {
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    /// The roots of the web PKI as this machine has them.
    pub(super) fn of_machine(algorithms: WebPkiSupportedAlgorithms) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self { roots, algorithms }
    }

    /// The certificates in a PEM file.
    pub(super) fn from_file(path: &Path, algorithms: WebPkiSupportedAlgorithms) -> Result<Self, TlsError> {
        let fault = |detail: String| TlsError::CaFile { path: path.to_owned(), detail };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))? {
            let certificate = certificate.map_err(|error| fault(error.to_string()))?;
            roots.add(certificate).map_err(|error| fault(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(fault("it holds no certificate".to_owned()));
        }
        Ok(Self { roots, algorithms })
    }

    /// Judges a chain, leaf first.
    pub(super) fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> ChainRecord {
        let (verifies, error) = if self.roots.is_empty() {
            (None, "this machine has no trusted roots".to_owned())
        } else {
            match self.verify(chain, now) {
                Ok(()) => (Some(true), String::new()),
                Err(error) => (Some(false), error),
            }
        };
        ChainRecord { length: chain.len(), verifies, error }
    }

    fn verify(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), String> {
        let (leaf, rest) = chain.split_first().ok_or("the server sent no certificate")?;
        let leaf = ParsedCertificate::try_from(leaf).map_err(|error| explain(&error))?;
        verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, rest, now, self.algorithms.all).map_err(|error| explain(&error))
    }
}

/// Whether the certificate names the host among its alternative names; the common name does not count.
pub(super) fn covers(leaf: &CertificateDer<'_>, host: &str) -> bool {
    let (Ok(leaf), Ok(host)) = (ParsedCertificate::try_from(leaf), ServerName::try_from(host)) else {
        return false;
    };
    verify_server_name(&leaf, &host).is_ok()
}

/// The reason in few words. The library's own text holds the time of looking, which differs from run to run.
fn explain(error: &Error) -> String {
    let Error::InvalidCertificate(error) = error else {
        return one_line(&error.to_string());
    };
    match error {
        CertificateError::BadEncoding => "certificate cannot be read".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not yet valid".to_owned(),
        CertificateError::UnknownIssuer => "unknown issuer".to_owned(),
        CertificateError::BadSignature => "bad signature".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => "not for server authentication".to_owned(),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => "unsupported signature algorithm".to_owned(),
        CertificateError::Other(other) => one_line(&other.to_string()),
        other => one_line(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs;

    use super::*;

    fn certificate(pem: &[u8]) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem).unwrap()
    }

    fn leaf() -> CertificateDer<'static> {
        certificate(include_bytes!("../../tests/tls/leaf.pem"))
    }

    fn trust(roots: &[CertificateDer<'static>]) -> Trust {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        Trust { roots: store, algorithms: aws_lc_rs::default_provider().signature_verification_algorithms }
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
    }

    const IN_2023: u64 = 1_680_000_000;
    const IN_2027: u64 = 1_800_000_000;

    #[test]
    fn a_chain_is_judged_at_a_time_and_against_roots() {
        let root = certificate(include_bytes!("../../tests/tls/root.pem"));
        let trusting = trust(std::slice::from_ref(&root));
        let judged = |trust: &Trust, chain: &[CertificateDer<'_>], seconds| {
            let record = trust.judge(chain, at(seconds));
            (record.length, record.verifies, record.error)
        };
        assert_eq!(judged(&trusting, &[leaf(), root.clone()], IN_2027), (2, Some(true), String::new()));
        assert_eq!(judged(&trusting, &[leaf()], IN_2023), (1, Some(false), "not yet valid".to_owned()));
        assert_eq!(judged(&trust(&[leaf()]), &[leaf(), root], IN_2027).1, Some(false));
        assert_eq!(judged(&trusting, &[CertificateDer::from(vec![1, 2, 3])], IN_2027).2, "certificate cannot be read");
        assert_eq!(judged(&trusting, &[], IN_2027), (0, Some(false), "the server sent no certificate".to_owned()));
    }

    #[test]
    fn without_roots_there_is_no_verdict() {
        let record = trust(&[]).judge(&[leaf()], at(IN_2027));
        assert_eq!((record.verifies, record.error.as_str()), (None, "this machine has no trusted roots"));
    }

    #[test]
    fn only_alternative_names_cover_a_host() {
        for (host, covered) in
            [("app.example.test", true), ("APP.example.test", true), ("192.0.2.7", true), ("2001:db8::7", true), ("example.test", false)]
        {
            assert_eq!(covers(&leaf(), host), covered, "{host}");
        }
        let root = certificate(include_bytes!("../../tests/tls/root.pem"));
        assert!(!covers(&root, "Example Root"));
        assert!(!covers(&CertificateDer::from(vec![0x30]), "app.example.test"));
    }
}
