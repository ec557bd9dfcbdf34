//! The chain of runs: it grows by whole bundles or not at all, whatever happens to the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use proofbook_evidence::bundle::BundleError;
use proofbook_evidence::ledger::{Ledger, LedgerError};
use proofbook_evidence::verify;

use crate::platform::{Platform, manifest, one_run};

fn chain(ledger: &Path) -> Vec<String> {
    Ledger::open(ledger).unwrap().runs().unwrap().into_iter().map(|entry| entry.run_id).collect()
}

fn head(ledger: &Path) -> Option<String> {
    Ledger::open(ledger).unwrap().head().unwrap().map(|entry| entry.run_id)
}

#[test]
fn runs_are_chained_by_the_digests_of_their_manifests() {
    let ledger = tempfile::tempdir().unwrap();
    assert_eq!(head(ledger.path()), None);
    let sealed: Vec<_> = ["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"]
        .iter()
        .map(|at| Platform::new().at(at).seal(ledger.path()))
        .collect();
    assert_eq!(chain(ledger.path()), sealed.iter().map(|run| run.run_id.clone()).collect::<Vec<_>>());
    assert_eq!(manifest(&sealed[2].path).predicate.previous.as_ref(), Some(&sealed[1].manifest_sha256));
    for run in &sealed {
        let report = verify::verify(&run.path).unwrap();
        assert!(report.is_intact() && report.notes.is_empty(), "{report}");
    }
}

#[test]
fn a_partial_run_is_chained_and_never_the_newest_full_one() {
    let ledger = tempfile::tempdir().unwrap();
    let full = Platform::new().seal(ledger.path());
    let partial = Platform { only: Some("ns-quota"), ..Platform::new().at("2026-06-02T00:00:00Z") }.seal(ledger.path());
    let opened = Ledger::open(ledger.path()).unwrap();
    assert_eq!(opened.head().unwrap().unwrap().run_id, partial.run_id);
    assert_eq!(opened.newest_full().unwrap(), Some(full.path));
}

#[test]
fn an_equal_run_adds_nothing_and_another_run_between_makes_it_new() {
    let ledger = tempfile::tempdir().unwrap();
    let first = Platform::new().seal(ledger.path());
    assert_eq!(Platform::new().seal(ledger.path()).path, first.path);
    assert_eq!(chain(ledger.path()).len(), 1);
    Platform::new().at("2026-06-02T00:00:00Z").seal(ledger.path());
    assert_ne!(Platform::new().seal(ledger.path()).run_id, first.run_id);
    assert_eq!(chain(ledger.path()).len(), 3);
}

#[test]
fn an_equal_run_does_not_stand_in_for_one_that_was_changed() {
    let (ledger, path) = one_run();
    fs::write(path.join("values.ndjson"), "").unwrap();
    let error = Platform::new().try_seal(ledger.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BundleError::Standing { .. }), "{error}");
}

#[test]
fn a_writer_that_dies_midway_leaves_the_head_and_the_next_run_clears_up() {
    let (ledger, path) = one_run();
    let before = head(ledger.path());
    let died = catch_unwind(AssertUnwindSafe(|| {
        let _ = Platform::new().at("2026-06-02T00:00:00Z").try_seal(ledger.path(), &mut |_| panic!("killed"));
    }));
    assert!(died.is_err());
    // A killed process cannot clear up after itself.
    let left = ledger.path().join(".staging-1");
    fs::create_dir_all(left.join("observations")).unwrap();
    fs::write(left.join("manifest.json"), "{").unwrap();
    assert_eq!(head(ledger.path()), before);
    assert!(verify::verify(&path).unwrap().is_intact());
    Platform::new().at("2026-06-02T00:00:00Z").seal(ledger.path());
    assert!(!left.exists());
    assert_eq!(chain(ledger.path()).len(), 2);
}

const VICTIM: &str = "PROOFBOOK_TEST_LEDGER";

#[test]
fn a_process_killed_at_any_moment_leaves_a_whole_chain() {
    if let Some(ledger) = env::var_os(VICTIM) {
        for second in 0.. {
            let clock = Platform::new().clock.checked_add(jiff::SignedDuration::from_secs(second)).unwrap();
            Platform { clock, ..Platform::new() }.seal(Path::new(&ledger));
        }
    }
    let ledger = tempfile::tempdir().unwrap();
    let mut length = 0;
    for round in 0..12 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ledger::a_process_killed_at_any_moment_leaves_a_whole_chain"])
            .env(VICTIM, ledger.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(40 + 17 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let runs = Ledger::open(ledger.path()).unwrap().runs().unwrap();
        assert!(runs.len() >= length);
        length = runs.len();
        if let Some(head) = runs.last() {
            let report = verify::verify(&head.path).unwrap();
            assert!(report.is_intact(), "{report}");
        }
    }
    assert!(length > 0);
}

#[test]
fn two_writers_at_once_do_not_fork() {
    let ledger = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for second in 0..8 {
            let at = format!("2026-06-01T00:00:0{second}Z");
            let ledger = ledger.path();
            scope.spawn(move || Platform::new().at(&at).seal(ledger));
        }
    });
    assert_eq!(chain(ledger.path()).len(), 8);
}

#[test]
fn a_broken_chain_is_no_ledger_to_add_to() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed: Vec<_> = ["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"]
        .iter()
        .map(|at| Platform::new().at(at).seal(ledger.path()))
        .collect();
    fs::remove_dir_all(&sealed[1].path).unwrap();
    let opened = Ledger::open(ledger.path()).unwrap();
    assert!(matches!(opened.head().unwrap_err(), LedgerError::Fork { .. }));
    let error = Platform::new().at("2026-06-04T00:00:00Z").try_seal(ledger.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BundleError::Ledger(LedgerError::Fork { .. })), "{error}");
}

#[test]
fn a_damaged_manifest_does_not_make_an_older_run_the_newest() {
    let ledger = tempfile::tempdir().unwrap();
    Platform::new().seal(ledger.path());
    let newest = Platform::new().at("2026-06-02T00:00:00Z").seal(ledger.path());
    fs::write(newest.path.join("manifest.json"), "{}").unwrap();
    let opened = Ledger::open(ledger.path()).unwrap();
    assert!(matches!(opened.newest_full().unwrap_err(), LedgerError::Damaged { .. }));
    fs::remove_file(newest.path.join("manifest.json")).unwrap();
    assert!(matches!(opened.newest_full().unwrap_err(), LedgerError::Damaged { .. }));
}

#[test]
fn what_people_put_beside_the_runs_is_no_run() {
    let (ledger, path) = one_run();
    fs::write(ledger.path().join("README.md"), "notes").unwrap();
    fs::create_dir(ledger.path().join("old")).unwrap();
    fs::copy(path.join("manifest.json"), ledger.path().join("old/manifest.json")).unwrap();
    assert_eq!(chain(ledger.path()).len(), 1);
}
