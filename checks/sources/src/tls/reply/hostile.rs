//! Answers that no server should send: whatever comes, a reading ends, keeps to its limit, and is the same however it was cut.

#[path = "../../../../../tests/support/changes.rs"]
mod changes;

use proptest::prelude::*;
use proptest::sample::Index;

use self::changes::{changed, changes, config};
use super::tests::{certificate_body, flight, message, record, server_hello_body};
use super::*;
use crate::tls::certificate::CertificateRecord;
use crate::tls::staple::StapleRecord;

/// Of a key on P-256, with two names.
const CERTIFICATE_DER: &[u8] = include_bytes!("../../../tests/data/tls/sample.der");

fn samples() -> Vec<Vec<u8>> {
    let modern = [0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 29, 0, 32].into_iter().chain([7; 32]).collect::<Vec<u8>>();
    vec![
        record(HANDSHAKE, &flight()),
        record(HANDSHAKE, &[server_hello_body(0x0303, 0xc02f, &[]), certificate_body(&[CERTIFICATE_DER])].concat()),
        record(HANDSHAKE, &server_hello_body(0x0303, 0x1301, &modern)),
        record(HANDSHAKE, &message(SERVER_HELLO_DONE, &[])),
        record(ALERT, &[2, 70]),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    ]
}

// Reads an answer whole and in steps; both must come to the same.
fn read(bytes: &[u8], version: Version, brief: bool, step: usize) {
    let start = || if brief { Reply::brief(version) } else { Reply::to(version) };
    let mut whole = start();
    let finished = whole.feed(bytes);
    assert!(whole.trace().0 <= LIMIT as u64);
    let ending = if finished { Ending::Enough } else { Ending::Closed };
    let answer = whole.finish(ending);
    let mut parts = start();
    let finished = bytes.chunks(step).any(|part| parts.feed(part));
    let ending = if finished { Ending::Enough } else { Ending::Closed };
    assert_eq!(parts.finish(ending).result(), answer.result(), "{version:?} in steps of {step}: {bytes:02x?}");
    if let Answer::Accepted(accepted) = answer {
        for der in &accepted.certificates {
            let record = CertificateRecord::read(der, false);
            let _ = (record.is_self_signed(), serde_json::to_value(&record).unwrap());
        }
    }
}

#[test]
fn changed_answers_are_read_to_an_end() {
    let samples = samples();
    proptest!(config(1500), |(sample in any::<Index>(), changes in changes(), version in any::<Index>(), brief: bool, step in 1..40_usize)| {
        let bytes = changed(&samples[sample.index(samples.len())], &changes);
        read(&bytes, Version::ALL[version.index(Version::ALL.len())], brief, step);
    });
}

#[test]
fn bytes_without_form_are_read_to_an_end() {
    proptest!(config(500), |(bytes in prop::collection::vec(any::<u8>(), 0..600), version in any::<Index>(), brief: bool, step in 1..40_usize)| {
        read(&bytes, Version::ALL[version.index(Version::ALL.len())], brief, step);
    });
}

#[test]
fn changed_certificates_and_staples_are_read_to_an_end() {
    proptest!(config(1500), |(changes in changes())| {
        let der = changed(CERTIFICATE_DER, &changes);
        let record = CertificateRecord::read(&der, false);
        let _ = (record.is_self_signed(), serde_json::to_value(&record).unwrap());
        // DER within DER: the parser of staples meets the same shapes.
        let _ = serde_json::to_value(StapleRecord::read(&der)).unwrap();
    });
}

#[test]
fn the_sample_of_a_certificate_is_a_good_one() {
    let told = serde_json::to_value(CertificateRecord::read(CERTIFICATE_DER, true)).unwrap();
    assert!(told["subject"].as_str().is_some_and(|subject| subject.contains("sample.example")), "{told}");
}
