//! Samples: drawn again by anybody, from whole populations alone.

use aws_lc_rs::hmac;
use proofbook_checks::Verdict;
use proofbook_controls::CheckId;
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::records::sheets;
use proofbook_evidence::sample::{Sample, SampleError, draw};

use crate::platform::one_run;

fn drawn(bundle: &Bundle, size: usize, seed: &str) -> Sample {
    draw(bundle, &"ns-owner".parse().unwrap(), size, seed).unwrap()
}

fn ids(sample: &Sample) -> Vec<&str> {
    sample.drawn.iter().map(|drawn| drawn.id.as_str()).collect()
}

#[test]
fn the_order_is_that_of_the_codes_and_a_smaller_sample_is_its_beginning() {
    let (_ledger, path) = one_run();
    let bundle = Bundle::open(&path).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"2026-06-05 R. Auditor");
    let mut all: Vec<_> =
        ["Namespace/a", "Namespace/b", "Namespace/c"].map(|id| (hmac::sign(&key, id.as_bytes()).as_ref().to_vec(), id)).to_vec();
    all.sort();
    let expected: Vec<&str> = all.iter().map(|(_, id)| *id).collect();
    let sample = drawn(&bundle, 10, "2026-06-05 R. Auditor");
    assert_eq!((ids(&sample), sample.population), (expected.clone(), 3));
    assert_eq!(ids(&drawn(&bundle, 2, "2026-06-05 R. Auditor")), expected[..2]);
    assert_eq!(sample, drawn(&bundle, 10, "2026-06-05 R. Auditor"));
    let mut others = (0..20).map(|seed| drawn(&bundle, 1, &seed.to_string()));
    assert!(others.any(|other| ids(&other) != expected[..1]), "the seed decides");
}

#[test]
fn what_was_drawn_has_its_verdict_and_its_command() {
    let (_ledger, path) = one_run();
    let sample = drawn(&Bundle::open(&path).unwrap(), 3, "s");
    let b = sample.drawn.iter().find(|drawn| drawn.id == "Namespace/b").unwrap();
    assert_eq!((b.verdict, b.message.as_str(), b.manual.as_deref()), (Verdict::Fail, "nobody owns it", Some("kubectl get b")));
}

#[test]
fn nothing_is_drawn_from_what_is_not_whole_or_was_not_looked_at() {
    let (_ledger, path) = one_run();
    let bundle = Bundle::open(&path).unwrap();
    let refused = |check: &str| draw(&bundle, &check.parse().unwrap(), 1, "s").unwrap_err();
    assert!(matches!(refused("pod-known"), SampleError::Incomplete { .. }));
    assert!(matches!(refused("vm-known"), SampleError::Incomplete { .. }));
    assert!(matches!(refused("node-probe"), SampleError::NotRun { .. }));
}

#[test]
fn a_sheet_names_what_the_population_rests_on() {
    let (_ledger, path) = one_run();
    let bundle = Bundle::open(&path).unwrap();
    let all = sheets(&bundle, |_| true).unwrap();
    let sealed: Vec<&str> = bundle.manifest().predicate.checks.iter().map(CheckId::as_str).collect();
    assert_eq!(all.iter().map(|sheet| sheet.shared.check.id.as_str()).collect::<Vec<_>>(), sealed);
    let sheet = all.iter().find(|sheet| sheet.shared.check.id == "ns-owner").unwrap();
    let file = &sheet.files[0];
    let of_manifest = bundle.manifest().subject.iter().find(|sealed| sealed.name == file.file).unwrap();
    assert_eq!((file.count, file.sha256.as_ref()), (4, Some(&of_manifest.digest.sha256)));
    assert!(sheet.fields.iter().any(|field| field.contains("labels.owner")), "{:?}", sheet.fields);
    assert_eq!(sheet.manual, "kubectl get <metadata.name>");
}
