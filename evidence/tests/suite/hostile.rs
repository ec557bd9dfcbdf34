//! Parsers of bytes that anybody may have written: whatever comes, they answer and never break.
//!
//! Finds of the past lie in `tests/data/hostile` and are tried first. `PROOFBOOK_CASES` sets how many more are tried.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use proofbook_evidence::bundle::manifest::Manifest;
use proofbook_evidence::seal::dsse::Envelope;
use proofbook_evidence::seal::key::{PrivateKey, PublicKey, Signer};
use proofbook_evidence::seal::minisign;
use proofbook_evidence::seal::timestamp::{self, Circumstances, Granted, Request};
use proofbook_evidence::seal::trust::Trust;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::authority::{Authority, Kind, SigningKey, trusted_authority};
use crate::edits::cases;
use crate::platform::one_run;
use crate::sealing::{now, signer, trust};

const OVER: &[u8] = b"{\"a\": 1}";

/// One good sample of each kind, from which bad ones are made.
struct Samples {
    envelope: Vec<u8>,
    minisign: Vec<u8>,
    manifest: Vec<u8>,
    request: Vec<u8>,
    answers: Vec<Vec<u8>>,
    trust_text: Vec<u8>,
    private: Vec<u8>,
    public: PublicKey,
    trust: Trust,
}

static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
    let key = SigningKey::ed25519();
    let signer = signer(&key);
    let authorities = [Authority::new(Kind::P256), Authority::new(Kind::Rsa)];
    let request = Request::over(OVER, [9; 8], None).unwrap().to_der();
    let roots: String = authorities.iter().map(Authority::root).collect();
    let trust_text = format!("keys:\n{}{}", key.entry(&signer.public_key().id(), ""), trusted_authority(&roots));
    let (_ledger, path) = one_run();
    Samples {
        envelope: Envelope::sign(OVER, &signer).unwrap().to_bytes(),
        minisign: minisign::sign(OVER, "a comment", &signer).unwrap().into_bytes(),
        manifest: fs::read(path.join("manifest.json")).unwrap(),
        answers: authorities.iter().map(|authority| authority.answer(&request)).collect(),
        request,
        private: fs::read(key.private()).unwrap(),
        public: signer.public_key().clone(),
        trust: trust(&trust_text),
        trust_text: trust_text.into_bytes(),
    }
});

fn judge(answer: &[u8]) -> Option<Granted> {
    let request = Request::read(&SAMPLES.request).unwrap();
    let circumstances = Circumstances {
        digest: request.digest,
        request: &request,
        not_before: "2026-06-01T00:00:00Z".parse().unwrap(),
        not_after: Some(now()),
        authorities: SAMPLES.trust.authorities(),
    };
    timestamp::verify(answer, &circumstances).ok()
}

/// Hands bytes to every parser; what holds is asserted of what was taken for good.
fn parse_all(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::read(bytes) {
        let again = Envelope::read(&envelope.to_bytes()).unwrap();
        assert_eq!(envelope, again);
        assert!(!envelope.verifies(&SAMPLES.public) || envelope.payload == OVER, "a signature over something else holds");
    }
    if let Ok(request) = Request::read(bytes) {
        assert_eq!(Request::read(&request.to_der()).unwrap(), request);
    }
    if let Some(granted) = judge(bytes) {
        assert!(granted.authority.is_some());
    }
    let _ = minisign::verify(bytes, OVER, &SAMPLES.public);
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
        let _ = (manifest.run_id(), manifest.to_bytes());
    }
    let _ = (PublicKey::from_pem(bytes), PublicKey::from_spki(bytes), PrivateKey::from_pem(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Trust::parse("trust.yaml", text);
    }
}

#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Vec<u8>),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let index = any::<Index>;
    let change = prop_oneof![
        // Bytes that mean something to DER: lengths, and the tags next to each other.
        (index(), prop::sample::select(vec![0, 1, 2, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa1, 0xff]))
            .prop_map(|(at, byte)| Change::Set(at, byte)),
        (index(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (index(), index()).prop_map(|(from, to)| Change::Cut(from, to)),
        (index(), index()).prop_map(|(from, to)| Change::Repeat(from, to)),
        (index(), prop::collection::vec(any::<u8>(), 1..12)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ];
    prop::collection::vec(change, 1..4)
}

fn changed(sample: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        let range = |from: &Index, to: &Index| {
            let (from, to) = (from.index(length), to.index(length));
            from.min(to)..from.max(to)
        };
        match change {
            Change::Set(at, byte) => bytes[at.index(length)] = *byte,
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Cut(from, to) => drop(bytes.drain(range(from, to))),
            Change::Repeat(from, to) => {
                let again = bytes[range(from, to)].to_vec();
                bytes.extend(again);
            }
            Change::Insert(at, more) => drop(bytes.splice(at.index(length)..at.index(length), more.iter().copied())),
        }
    }
    bytes
}

fn samples() -> Vec<&'static [u8]> {
    let samples = &*SAMPLES;
    let mut all: Vec<&[u8]> =
        vec![&samples.envelope, &samples.minisign, &samples.manifest, &samples.request, &samples.trust_text, &samples.private];
    // Answers have the deepest parser.
    all.extend(samples.answers.iter().flat_map(|answer| [&**answer; 4]));
    all
}

#[test]
fn the_samples_themselves_are_good() {
    assert!(SAMPLES.answers.iter().all(|answer| judge(answer).is_some()));
    assert!(Envelope::read(&SAMPLES.envelope).unwrap().verifies(&SAMPLES.public));
    minisign::verify(&SAMPLES.minisign, OVER, &SAMPLES.public).unwrap();
    serde_json::from_slice::<Manifest>(&SAMPLES.manifest).unwrap();
}

#[test]
fn finds_of_the_past_are_answered() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    let mut count = 0;
    for entry in fs::read_dir(dir).unwrap() {
        parse_all(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}

#[test]
fn changed_samples_are_answered() {
    let config = ProptestConfig { cases: cases(1500), failure_persistence: None, ..ProptestConfig::default() };
    let all = samples();
    proptest!(config, |(sample in any::<Index>(), changes in changes())| parse_all(&changed(all[sample.index(all.len())], &changes)));
}

#[test]
fn bytes_without_form_are_answered() {
    let config = ProptestConfig { cases: cases(500), failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bytes in prop::collection::vec(any::<u8>(), 0..600))| parse_all(&bytes));
}
