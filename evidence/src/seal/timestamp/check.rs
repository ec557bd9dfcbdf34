//! Judging an answer, in the order of RFC 3161 section 2.2: granted, over the right digest, for the right request, signed by
//! a certificate for time stamps alone that leads to a root of the reader's, at a time that can be.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use der::asn1::ObjectIdentifier;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::aws_lc_rs as algorithms;
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::der::{BIT_STRING, Element, OCTET_STRING, OID, SEQUENCE, SET};
use super::request::{self, algorithm};
use super::response::{self, Response, Signer, SignerId, TST_INFO, Token, attribute};
use super::{Circumstances, Fault, Granted};
use crate::bundle::manifest::hex;
use crate::deviation::DeviationKind::{
    self, TimestampCertificate, TimestampChain, TimestampExpired, TimestampImprint, TimestampKeyUsage, TimestampMalformed, TimestampNonce,
    TimestampPolicy, TimestampRefused, TimestampSignature, TimestampTime,
};
use crate::freshness::SKEW;
use crate::seal::trust::Authority;

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

// id-kp-timeStamping, 1.3.6.1.5.5.7.3.8, as the content of an OBJECT IDENTIFIER.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

pub(super) fn verify(answer: &[u8], held_to: &Circumstances<'_>) -> Result<Granted, Fault> {
    let malformed = |detail: String| Fault::new(TimestampMalformed, detail);
    let Response { status, words, token } = response::read(answer).map_err(malformed)?;
    if status > 1 {
        let words = if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) };
        return Err(Fault::new(TimestampRefused, format!("the authority answered with status {status}{words}")));
    }
    let token = token.ok_or_else(|| Fault::new(TimestampMalformed, "the answer grants a stamp and holds none"))?;
    let info = &token.info;
    if info.digest != held_to.digest {
        let detail = format!("the stamp is over sha256:{}, not over sha256:{}", hex(&info.digest), hex(&held_to.digest));
        return Err(Fault::new(TimestampImprint, detail));
    }
    if info.nonce != held_to.request.nonce {
        return Err(Fault::new(TimestampNonce, "the stamp repeats another nonce than the request holds"));
    }
    if held_to.request.policy.as_ref().is_some_and(|asked| *asked != info.policy) {
        return Err(Fault::new(TimestampPolicy, format!("the stamp was made under {}, which was not asked for", oid(&info.policy))));
    }
    let (der, certificate) = signing_certificate(&token)?;
    for_time_stamps_alone(&certificate)?;
    bound_to_certificate(&token.signer, der)?;
    signature(&token, &certificate)?;
    let authority = anchored(der, &token, held_to.authorities)?;
    let accuracy = SignedDuration::from_micros(info.accuracy.unwrap_or(0).try_into().unwrap_or(i64::MAX));
    plausible(info.time, accuracy, held_to)?;
    Ok(Granted {
        time: info.time,
        accuracy_us: info.accuracy,
        policy: oid(&info.policy),
        serial: hex(&info.serial),
        signer: certificate.subject().to_string(),
        authority,
    })
}

fn signing_certificate<'a>(token: &Token<'a>) -> Result<(&'a [u8], X509Certificate<'a>), Fault> {
    for der in &token.certificates {
        let Ok(([], certificate)) = X509Certificate::from_der(der) else { continue };
        let named = match token.signer.certificate {
            SignerId::Issuer { name, serial } => certificate.issuer().as_raw() == name && certificate.raw_serial() == serial,
            SignerId::Key(id) => certificate
                .extensions()
                .iter()
                .any(|extension| matches!(extension.parsed_extension(), ParsedExtension::SubjectKeyIdentifier(known) if known.0 == id)),
        };
        if named {
            return Ok((der, certificate));
        }
    }
    Err(Fault::new(TimestampCertificate, "the certificate of who signed the stamp did not come along"))
}

fn for_time_stamps_alone(certificate: &X509Certificate<'_>) -> Result<(), Fault> {
    let fault = |detail: &str| Err(Fault::new(TimestampKeyUsage, format!("{}: {detail}", certificate.subject())));
    let Ok(Some(extension)) = certificate.extended_key_usage() else {
        return fault("the certificate does not say what its key is for, and a time stamp needs `timeStamping`");
    };
    let usage = extension.value;
    let others = usage.any || usage.server_auth || usage.client_auth || usage.code_signing || usage.email_protection || usage.ocsp_signing;
    if !usage.time_stamping {
        fault("the certificate is not for time stamps")
    } else if others || !usage.other.is_empty() {
        fault("the certificate is for other things besides time stamps")
    } else if !extension.critical {
        fault("that the certificate is for time stamps alone is not marked as critical")
    } else {
        Ok(())
    }
}

// RFC 5816: the signed attribute that ties the signature to one certificate.
fn bound_to_certificate(signer: &Signer<'_>, certificate: &[u8]) -> Result<(), Fault> {
    let fault = |detail: String| Fault::new(TimestampCertificate, detail);
    let find = |wanted| attribute(signer.attributes, wanted).map_err(fault);
    let (value, second) = match (find(SIGNING_CERTIFICATE_V2)?, find(SIGNING_CERTIFICATE)?) {
        (Some(value), _) => (value, true),
        (None, Some(value)) => (value, false),
        (None, None) => return Err(fault("the stamp is not tied to a certificate by the attribute signing-certificate".to_owned())),
    };
    let named = first_named(value, second).map_err(fault)?;
    let matches = digest::digest(named.0, certificate).as_ref() == named.1;
    if matches { Ok(()) } else { Err(fault("the attribute signing-certificate names another certificate".to_owned())) }
}

// The digest of the first certificate that the attribute names: the signer's own.
fn first_named(value: Element<'_>, second: bool) -> Result<(&'static digest::Algorithm, &[u8]), String> {
    const WHAT: &str = "the attribute signing-certificate";
    if value.tag != SEQUENCE {
        return Err(format!("{WHAT}: no sequence"));
    }
    let mut ids = value.fields(WHAT)?.required(SEQUENCE)?.fields(WHAT)?;
    let mut id = ids.required(SEQUENCE)?.fields(WHAT)?;
    let by = match id.optional(SEQUENCE)? {
        Some(named) if second => digest_of(algorithm(named)?).ok_or_else(|| format!("{WHAT}: by an unknown digest"))?,
        None if second => &SHA256,
        Some(_) => return Err(format!("{WHAT}: no digest")),
        // The first version knows SHA-1 alone. The signature and the chain carry the proof; this attribute only picks the certificate.
        None => &SHA1_FOR_LEGACY_USE_ONLY,
    };
    Ok((by, id.required(OCTET_STRING)?.value))
}

fn signature(token: &Token<'_>, certificate: &X509Certificate<'_>) -> Result<(), Fault> {
    let fault = |detail: &str| Fault::new(TimestampSignature, detail);
    let Signer { digest_algorithm, attributes, signature_algorithm, signature, .. } = token.signer;
    let find = |wanted| attribute(attributes, wanted).map_err(|detail| fault(&detail));
    let by = digest_of(digest_algorithm).ok_or_else(|| fault("the digest is none of SHA-256, SHA-384 and SHA-512"))?;
    if find(CONTENT_TYPE)?.is_none_or(|value| value.tag != OID || value.value != TST_INFO.as_bytes()) {
        return Err(fault("the signed attributes do not say that a time stamp was signed"));
    }
    let content = digest::digest(by, token.content);
    if find(MESSAGE_DIGEST)?.is_none_or(|value| value.tag != OCTET_STRING || value.value != content.as_ref()) {
        return Err(fault("the signed attributes hold another digest than the time stamp has"));
    }
    let verifier = verifier(certificate, by, signature_algorithm).map_err(|detail| fault(&detail))?;
    // What was signed is the set with its own tag in place of the implicit one (RFC 5652, section 5.4).
    let signed = [&[SET], &attributes[1..]].concat();
    let key = key(certificate).map_err(|detail| fault(&detail))?.1;
    verifier.verify_signature(key, &signed, signature).map_err(|_| fault("the signature is not one of the certificate's key"))
}

fn digest_of(algorithm: &[u8]) -> Option<&'static digest::Algorithm> {
    const SHA384_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
    const SHA512_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
    let known = [(request::SHA256, &SHA256), (SHA384_ID, &SHA384), (SHA512_ID, &SHA512)];
    known.into_iter().find(|(id, _)| id.as_bytes() == algorithm).map(|(_, digest)| digest)
}

// The content of the AlgorithmIdentifier, and the key.
fn key<'a>(certificate: &'a X509Certificate<'a>) -> Result<(&'a [u8], &'a [u8]), String> {
    const WHAT: &str = "the certificate's key";
    let mut fields = Element::only(certificate.public_key().raw, SEQUENCE, WHAT)?.fields(WHAT)?;
    let algorithm = fields.required(SEQUENCE)?.value;
    let key = fields.required(BIT_STRING)?.value;
    fields.end()?;
    // The first byte of a BIT STRING counts unused bits.
    let key = key.strip_prefix(&[0]).ok_or_else(|| format!("{WHAT}: not whole bytes"))?;
    Ok((algorithm, key))
}

// By digest: what verifies signatures of RSA (PKCS #1 v1.5) and of ECDSA on P-256, P-384 and P-521.
fn verifier(
    certificate: &X509Certificate<'_>,
    by: &'static digest::Algorithm,
    signature_algorithm: &[u8],
) -> Result<&'static dyn SignatureVerificationAlgorithm, String> {
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    let by_digest: [(&digest::Algorithm, [&str; 2], [&dyn SignatureVerificationAlgorithm; 4]); 3] = [
        (
            &SHA256,
            ["1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"],
            [
                algorithms::RSA_PKCS1_2048_8192_SHA256,
                algorithms::ECDSA_P256_SHA256,
                algorithms::ECDSA_P384_SHA256,
                algorithms::ECDSA_P521_SHA256,
            ],
        ),
        (
            &SHA384,
            ["1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"],
            [
                algorithms::RSA_PKCS1_2048_8192_SHA384,
                algorithms::ECDSA_P256_SHA384,
                algorithms::ECDSA_P384_SHA384,
                algorithms::ECDSA_P521_SHA384,
            ],
        ),
        (
            &SHA512,
            ["1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"],
            [
                algorithms::RSA_PKCS1_2048_8192_SHA512,
                algorithms::ECDSA_P256_SHA512,
                algorithms::ECDSA_P384_SHA512,
                algorithms::ECDSA_P521_SHA512,
            ],
        ),
    ];
    let known = by_digest.into_iter().find(|(digest, ..)| *digest == by);
    let (_, named, verifiers) = known.ok_or_else(|| "the digest is none that signatures are made with".to_owned())?;
    // RSA is named alone, or with the digest, which must then be the one of the attributes.
    let name = oid(signature_algorithm);
    if signature_algorithm != RSA.as_bytes() && !named.contains(&name.as_str()) {
        return Err(format!("the signature is by {name}, which is not known here or goes with another digest"));
    }
    let (algorithm, _) = key(certificate)?;
    let fits = |verifier: &&dyn SignatureVerificationAlgorithm| verifier.public_key_alg_id().as_ref() == algorithm;
    verifiers.into_iter().find(fits).ok_or_else(|| "the certificate's key is neither RSA nor on P-256, P-384 or P-521".to_owned())
}

fn anchored(certificate: &[u8], token: &Token<'_>, authorities: &[Authority]) -> Result<Option<String>, Fault> {
    if authorities.is_empty() {
        return Ok(None);
    }
    let der = CertificateDer::from(certificate);
    let entity = EndEntityCert::try_from(&der).map_err(|error| Fault::new(TimestampChain, format!("the certificate: {error}")))?;
    let others: Vec<CertificateDer<'_>> = token.certificates.iter().map(|der| CertificateDer::from(*der)).collect();
    let seconds = u64::try_from(token.info.time.as_second()).unwrap_or(0);
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    // The certificate's own purpose was looked at; one of an issuer binds too, where it is stated.
    let usage = KeyUsage::required_if_present(TIME_STAMPING);
    let mut worst = None;
    for authority in authorities {
        let held = entity.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, authority.anchors(), &others, time, usage, None, None);
        match held {
            Ok(_) => return Ok(Some(authority.name.clone())),
            Err(error) => {
                let (kind, detail) = chain_fault(&error, token.info.time);
                // That a chain leads to a root and was over says more than that it does not lead to another one.
                if kind == TimestampExpired || worst.is_none() {
                    worst = Some(Fault::new(kind, detail));
                }
            }
        }
    }
    Err(worst.unwrap_or_else(|| Fault::new(TimestampChain, "no authority is trusted")))
}

fn chain_fault(error: &webpki::Error, time: Timestamp) -> (DeviationKind, String) {
    match error {
        webpki::Error::CertExpired { .. } => (TimestampExpired, format!("a certificate of the chain had run out at {time}")),
        webpki::Error::CertNotValidYet { .. } => (TimestampExpired, format!("a certificate of the chain was not valid yet at {time}")),
        webpki::Error::UnknownIssuer => {
            (TimestampChain, "the certificate leads to no root of the time-stamping authorities in the trust file".to_owned())
        }
        other => (TimestampChain, format!("the chain of certificates does not hold: {other}")),
    }
}

fn plausible(time: Timestamp, accuracy: SignedDuration, held_to: &Circumstances<'_>) -> Result<(), Fault> {
    let slack = SKEW.saturating_add(accuracy);
    if held_to.not_before.duration_since(time) > slack {
        let detail = format!("the stamp tells {time}, and the run is of {}", held_to.not_before);
        return Err(Fault::new(TimestampTime, detail));
    }
    if let Some(now) = held_to.not_after
        && time.duration_since(now) > slack
    {
        return Err(Fault::new(TimestampTime, format!("the stamp tells {time}, which is to come: it is {now}")));
    }
    Ok(())
}

// An object identifier in dots, or in hex where it is longer than any that is in use.
fn oid(content: &[u8]) -> String {
    ObjectIdentifier::from_bytes(content).map_or_else(|_| hex(content), |oid| oid.to_string())
}
