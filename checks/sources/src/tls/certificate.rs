//! The server's certificate, read into the fields that checks judge.
//!
//! A certificate that cannot be read still has its digest: it was seen, and no field of it is guessed.

use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::objects::{oid_registry, oid2sn};
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::bits;
use crate::text::{hex, one_line};

/// The certificate as it stands in the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct CertificateRecord {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    read: Option<CertificateFields>,
    sha256: String,
    covers_host: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct CertificateFields {
    subject: String,
    issuer: String,
    names: Vec<String>,
    serial: String,
    spki_sha256: String,
    not_before: String,
    not_after: String,
    key: Key,
    signature: String,
    self_signed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Key {
    #[serde(rename = "type")]
    kind: String,
    bits: usize,
}

impl CertificateRecord {
    /// Reads a certificate in DER.
    pub(super) fn read(der: &[u8], covers_host: bool) -> Self {
        let read = X509Certificate::from_der(der).ok().map(|(_, certificate)| fields(&certificate));
        Self { read, sha256: hex(&Sha256::digest(der)), covers_host }
    }

    /// Whether the certificate names itself as its issuer.
    pub(super) fn is_self_signed(&self) -> bool {
        self.read.as_ref().is_some_and(|read| read.self_signed)
    }
}

fn fields(certificate: &X509Certificate<'_>) -> CertificateFields {
    CertificateFields {
        subject: one_line(&certificate.subject().to_string()),
        issuer: one_line(&certificate.issuer().to_string()),
        names: names(certificate),
        serial: hex(certificate.raw_serial()),
        spki_sha256: hex(&Sha256::digest(certificate.public_key().raw)),
        not_before: rfc3339(certificate.validity().not_before),
        not_after: rfc3339(certificate.validity().not_after),
        key: key(certificate.public_key()),
        signature: algorithm(&certificate.signature_algorithm.algorithm),
        self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(one_line(name)),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
}

/// Written out by hand, as certificates without an end say 9999-12-31, which is later than most clocks go.
fn rfc3339(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

fn key(info: &SubjectPublicKeyInfo<'_>) -> Key {
    let kind = match info.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => "RSA".to_owned(),
        "1.2.840.10045.2.1" => "EC".to_owned(),
        "1.2.840.10040.4.1" => "DSA".to_owned(),
        "1.3.101.112" => return Key { kind: "Ed25519".to_owned(), bits: 256 },
        "1.3.101.113" => return Key { kind: "Ed448".to_owned(), bits: 456 },
        _ => algorithm(&info.algorithm.algorithm),
    };
    let bits = match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => bits(rsa.modulus),
        Ok(PublicKey::EC(point)) => match point.key_size() {
            // P-521 is padded to whole bytes.
            528 => 521,
            bits => bits,
        },
        Ok(other) => other.key_size(),
        Err(_) => 0,
    };
    Key { kind, bits }
}

fn algorithm(oid: &Oid<'_>) -> String {
    oid2sn(oid, oid_registry()).map_or_else(|_| oid.to_id_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_what_openssl_shows() {
        let leaf = CertificateDer::from_pem_slice(include_bytes!("../../tests/tls/leaf.pem")).unwrap();
        let expected = json!({
            "subject": "CN=app.example.test, O=Example",
            "issuer": "CN=Example Root",
            "names": ["app.example.test", "192.0.2.7", "2001:db8::7"],
            "serial": "5eb396777cc60253c924109cd8369d71f4e14ba2",
            "sha256": "d635d400e3e49d44703d57947714b329101725e34c69e070c34e03d2d83b376d",
            "spki_sha256": "96960417ff9226c172929fba5b166f156f6c425e458faf11717a4c5aa9f42d9b",
            "not_before": "2024-01-01T00:00:00Z",
            "not_after": "9999-12-31T23:59:59Z",
            "key": {"type": "Ed25519", "bits": 256},
            "signature": "ed25519",
            "self_signed": false,
            "covers_host": true,
        });
        assert_eq!(serde_json::to_value(CertificateRecord::read(&leaf, true)).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_read_has_only_its_digest() {
        let record = CertificateRecord::read(&[0x30, 0x82, 0xff], false);
        let digest = hex(&Sha256::digest([0x30, 0x82, 0xff]));
        assert_eq!(serde_json::to_value(&record).unwrap(), json!({"sha256": digest, "covers_host": false}));
        assert!(!record.is_self_signed());
    }

    #[test]
    fn damage_anywhere_in_a_certificate_is_survived() {
        let leaf = CertificateDer::from_pem_slice(include_bytes!("../../tests/tls/leaf.pem")).unwrap();
        for at in 0..leaf.len() {
            for value in [0, 0x7f, 0x80, 0xff, leaf[at] ^ 1] {
                let mut damaged = leaf.to_vec();
                damaged[at] = value;
                CertificateRecord::read(&damaged, false);
                CertificateRecord::read(&damaged[..at], false);
            }
        }
    }
}
