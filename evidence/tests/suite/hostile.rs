//! Parsers of bytes that anybody may have written: whatever comes, they answer and never break.
//!
//! Finds of the past lie in `tests/data/hostile` and are tried first. `PROOFBOOK_CASES` sets how many more are tried.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use proofbook_controls::yaml;
use proofbook_evidence::attestation::Attestation;
use proofbook_evidence::bundle::manifest::Manifest;
use proofbook_evidence::claims::ClaimsFile;
use proofbook_evidence::exception::Exception;
use proofbook_evidence::seal::dsse::Envelope;
use proofbook_evidence::seal::key::{PrivateKey, PublicKey, Signer};
use proofbook_evidence::seal::minisign;
use proofbook_evidence::seal::timestamp::{self, Circumstances, Granted, Request};
use proofbook_evidence::seal::trust::Trust;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::authority::{Authority, Kind, SigningKey, trusted_authority};
use crate::changes::{changed, changes, config};
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
    statements: Vec<Vec<u8>>,
    private: Vec<u8>,
    public: PublicKey,
    trust: Trust,
}

/// Files that people write about evidence.
const STATEMENTS: [&str; 3] = [
    "need: review
statement: All was reviewed.
signed_by: {role: CISO, person_ref: p-1}
signed_at: 2026-05-01T00:00:00Z
evidence: [{file: minutes.pdf, sha256: 0000000000000000000000000000000000000000000000000000000000000000}]
",
    "id: EX-1
kind: exception
check: ns-owner
subjects: [Namespace/b, 'Namespace/c*']
reason: It goes away.
risk: moderate
requester: {role: Head of operations}
approver: {role: CISO}
created: 2026-05-01T00:00:00Z
expires: 2026-08-01T00:00:00Z
review: 2026-07-01T00:00:00Z
ticket: OPS-1
",
    "claims:
  - id: logs
    statement: Logs are kept for 30 days.
    topic: retention
    value: '>= 30 d'
    checks: [log-retention]
    class: assertion
",
];

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
        statements: STATEMENTS.iter().map(|text| text.as_bytes().to_vec()).collect(),
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
        let _ = yaml::parse::<Attestation>("a.yaml", text);
        let _ = yaml::parse::<Exception>("e.yaml", text);
        let _ = yaml::parse::<ClaimsFile>("claims.yaml", text);
    }
}

fn samples() -> Vec<&'static [u8]> {
    let samples = &*SAMPLES;
    let mut all: Vec<&[u8]> =
        vec![&samples.envelope, &samples.minisign, &samples.manifest, &samples.request, &samples.trust_text, &samples.private];
    all.extend(samples.statements.iter().map(Vec::as_slice));
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
    let config = config(1500);
    let all = samples();
    proptest!(config, |(sample in any::<Index>(), changes in changes())| parse_all(&changed(all[sample.index(all.len())], &changes)));
}

#[test]
fn bytes_without_form_are_answered() {
    let config = config(500);
    proptest!(config, |(bytes in prop::collection::vec(any::<u8>(), 0..600))| parse_all(&bytes));
}
