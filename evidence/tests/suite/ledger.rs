//! The chain of runs: it grows by whole bundles or not at all, whatever happens to the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use proofbook_evidence::bundle::manifest::sha256_hex;
use proofbook_evidence::bundle::{BundleError, Sealed};
use proofbook_evidence::ledger::{Custody, HandedOver, Ledger, LedgerError, Period, Retention, RetentionClass, Tombstone, TombstonedFile};
use proofbook_evidence::verify::{self, DeviationKind};

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

const RUNS: &str = "runs.ndjson";
const DAYS: [&str; 4] = ["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z", "2026-06-04T00:00:00Z"];

fn days(ledger: &Path, count: usize) -> Vec<Sealed> {
    DAYS[..count].iter().map(|at| Platform::new().at(at).seal(ledger)).collect()
}

#[track_caller]
fn intact(ledger: &Path) {
    let report = Ledger::open(ledger).unwrap().check().unwrap();
    assert!(report.is_intact(), "{report}");
}

#[track_caller]
fn deviates(ledger: &Path, says: &str) {
    let report = Ledger::open(ledger).unwrap().check().unwrap();
    let told = report.deviations.iter().any(|found| format!("{}: {}", found.part, found.detail).contains(says));
    assert!(told, "{says:?} is missing in\n{report}");
}

#[test]
fn records_are_made_from_the_bundles_and_held_against_them() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 3);
    let path = ledger.path().join(RUNS);
    let written = fs::read_to_string(&path).unwrap();
    let opened = Ledger::open(ledger.path()).unwrap();
    let last = opened.last().unwrap().unwrap();
    assert_eq!(
        (last.position, &last.manifest_sha256, last.previous.as_ref()),
        (3, &sealed[2].manifest_sha256, Some(&sealed[1].manifest_sha256))
    );
    assert_eq!(
        last.verdicts.values().sum::<u64>(),
        sealed[2].assessment.checks.values().flat_map(|check| check.counts.values()).sum::<u64>()
    );
    let library = manifest(&sealed[2].path).subject.into_iter().find(|file| file.name == "library.tar.zst").unwrap();
    assert_eq!(last.library_sha256, Some(library.digest.sha256));
    intact(ledger.path());
    // Without records the runs give the same ones, and the next writer writes them.
    let records = opened.records(None).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(opened.records(None).unwrap(), records);
    Platform::new().at(DAYS[3]).seal(ledger.path());
    let again = fs::read_to_string(&path).unwrap();
    assert!(again.starts_with(&written) && again.lines().count() == 4, "{again}");
    intact(ledger.path());
    // A record that says something else than its bundle is found.
    fs::write(&path, again.replacen("\"fail\":", "\"fail\":9", 1)).unwrap();
    deviates(ledger.path(), "is not what the bundle gives");
    // One that is left out does not hide its run.
    fs::write(&path, again.lines().take(3).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    assert_eq!(opened.last().unwrap().unwrap().position, 4);
    deviates(ledger.path(), "3 runs are recorded, and 4 are there");
}

#[test]
fn a_record_that_was_cut_off_at_any_byte_leaves_the_chain() {
    let ledger = tempfile::tempdir().unwrap();
    days(ledger.path(), 3);
    let path = ledger.path().join(RUNS);
    let whole = fs::read(&path).unwrap();
    let before = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let records = Ledger::open(ledger.path()).unwrap().records(None).unwrap();
    for end in before..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert_eq!(Ledger::open(ledger.path()).unwrap().records(None).unwrap(), records, "cut off at {end}");
    }
    for end in [before, before + 1, whole.len() - 1] {
        fs::write(&path, &whole[..end]).unwrap();
        let copy = tempfile::tempdir().unwrap();
        assert!(Command::new("cp").arg("-r").arg(ledger.path().join(".")).arg(copy.path()).status().unwrap().success());
        Platform::new().at(DAYS[3]).seal(copy.path());
        intact(copy.path());
        assert_eq!(chain(copy.path()).len(), 4);
    }
}

#[test]
fn a_record_whose_run_was_never_named_is_void() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 2);
    // A writer that was killed between the record and the name of the folder.
    fs::rename(&sealed[1].path, ledger.path().join(".staging-1")).unwrap();
    let opened = Ledger::open(ledger.path()).unwrap();
    assert_eq!(opened.last().unwrap().unwrap().run_id, sealed[0].run_id);
    assert_eq!(opened.records(None).unwrap().len(), 1);
    intact(ledger.path());
    let next = Platform::new().at(DAYS[2]).seal(ledger.path());
    assert_eq!(manifest(&next.path).predicate.previous.as_ref(), Some(&sealed[0].manifest_sha256));
    assert!(!ledger.path().join(".staging-1").exists());
    intact(ledger.path());
}

#[test]
fn a_newest_run_that_is_gone_does_not_make_an_older_one_the_newest() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 2);
    fs::remove_dir_all(&sealed[1].path).unwrap();
    let opened = Ledger::open(ledger.path()).unwrap();
    let error = opened.newest_full().unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }) && error.to_string().contains(RUNS), "{error}");
    assert!(Platform::new().at(DAYS[2]).try_seal(ledger.path(), &mut |_| {}).is_err());
    deviates(ledger.path(), "2 runs are recorded, and 1 are there");
    // What was removed on purpose is said so by hand.
    fs::remove_file(ledger.path().join(RUNS)).unwrap();
    assert_eq!(opened.newest_full().unwrap().as_ref(), Some(&sealed[0].path));
}

#[test]
fn the_oldest_runs_cannot_vanish() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 3);
    fs::remove_dir_all(&sealed[0].path).unwrap();
    let says = format!("follows one that is gone: sha256:{}", sealed[0].manifest_sha256);
    deviates(ledger.path(), &says);
    // Nor with the records beside it, which are made again from what is there.
    fs::remove_file(ledger.path().join(RUNS)).unwrap();
    deviates(ledger.path(), &says);
    fs::remove_dir_all(&sealed[1].path).unwrap();
    deviates(ledger.path(), &format!("follows one that is gone: sha256:{}", sealed[1].manifest_sha256));
}

#[test]
fn a_tombstone_excuses_no_more_than_it_says() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 2).remove(0);
    let opened = Ledger::open(ledger.path()).unwrap();
    let name = "values.ndjson";
    fs::remove_file(sealed.path.join(name)).unwrap();
    let sha256 = manifest(&sealed.path).subject.into_iter().find(|file| file.name == name).unwrap().digest.sha256;
    let right = Tombstone {
        run_id: sealed.run_id.clone(),
        manifest_sha256: sealed.manifest_sha256.clone(),
        class: RetentionClass::Records,
        reason: "by hand".to_owned(),
        since: DAYS[0].parse().unwrap(),
        files: vec![TombstonedFile { name: name.to_owned(), sha256 }],
    };
    let other = |change: &dyn Fn(&mut Tombstone)| {
        let mut stone = right.clone();
        change(&mut stone);
        stone
    };
    for wrong in [
        other(&|stone| stone.files[0].sha256 = "0".repeat(64)),
        other(&|stone| stone.manifest_sha256 = "0".repeat(64)),
        other(&|stone| stone.class = RetentionClass::Observations),
        other(&|stone| stone.since = DAYS[3].parse().unwrap()),
    ] {
        opened.tombstones().append(DAYS[3].parse().unwrap(), "me", wrong).unwrap();
        let report = verify::verify(&sealed.path).unwrap();
        assert!(report.deviations.iter().any(|found| found.kind == DeviationKind::Missing && found.file == name), "{report}");
        deviates(ledger.path(), "is gone, and no tombstone names it");
    }
    opened.tombstones().append(DAYS[3].parse().unwrap(), "me", right.clone()).unwrap();
    let report = verify::verify(&sealed.path).unwrap();
    assert!(report.is_intact() && report.to_string().contains("nobody signed the tombstones"), "{report}");
    let report = opened.check().unwrap();
    assert!(report.is_intact() && report.to_string().contains("nobody signed them"), "{report}");
}

#[test]
fn names_in_the_chains_lead_nowhere_else() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 1).remove(0);
    let at = DAYS[1].parse().unwrap();
    let opened = Ledger::open(ledger.path()).unwrap();
    let stone = |run_id: &str, name: &str| Tombstone {
        run_id: run_id.to_owned(),
        manifest_sha256: sealed.manifest_sha256.clone(),
        class: RetentionClass::Exports,
        reason: "r".to_owned(),
        since: DAYS[0].parse().unwrap(),
        files: vec![TombstonedFile { name: name.to_owned(), sha256: "0".repeat(64) }],
    };
    let chain = ledger.path().join("tombstones.ndjson");
    for name in ["../x", "/etc/x", "a/../../x", ".x", "", "manifest.json", "seal/timestamp.tsr"] {
        opened.tombstones().append(at, "me", stone(&sealed.run_id, name)).unwrap();
        assert!(opened.tombstones().entries(None).unwrap_err().to_string().contains("no name of a file that is deleted"), "{name}");
        fs::remove_file(&chain).unwrap();
    }
    for run_id in ["..", "../x", "", "exports"] {
        opened.tombstones().append(at, "me", stone(run_id, "values.ndjson")).unwrap();
        assert!(opened.tombstones().entries(None).unwrap_err().to_string().contains("no id of a run"), "{run_id}");
        fs::remove_file(&chain).unwrap();
    }
    let export = |kept: &str| Custody::Exported {
        run_id: sealed.run_id.clone(),
        manifest_sha256: sealed.manifest_sha256.clone(),
        format: "sarif".to_owned(),
        to: None,
        purpose: None,
        file: HandedOver { name: "a".to_owned(), sha256: "0".repeat(64), size: 1 },
        kept: Some(kept.to_owned()),
    };
    let digest = "0a".repeat(32);
    for kept in ["../x", "exports/../x", "exports", &digest, &format!("other/{digest}"), &format!("exports/{}", digest.to_uppercase())] {
        opened.custody().append(at, "me", export(kept)).unwrap();
        assert!(opened.custody().entries(None).unwrap_err().to_string().contains("no place of what is kept"), "{kept}");
        fs::remove_file(ledger.path().join("custody.ndjson")).unwrap();
    }
    opened.custody().append(at, "me", export(&format!("exports/{digest}"))).unwrap();
    assert_eq!(opened.custody().entries(None).unwrap().len(), 1);
}

#[test]
fn custody_is_a_chain_of_its_own() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 1).remove(0);
    assert!(matches!(&sealed.custody[..], [Custody::Collected { .. }, Custody::Sealed { .. }]), "{:?}", sealed.custody);
    let opened = Ledger::open(ledger.path()).unwrap();
    let at = DAYS[1].parse().unwrap();
    for event in sealed.custody {
        opened.custody().append(at, "scanner", event).unwrap();
    }
    let bytes = b"exactly this";
    let export = |kept: Option<String>| Custody::Exported {
        run_id: sealed.run_id.clone(),
        manifest_sha256: sealed.manifest_sha256.clone(),
        format: "sarif".to_owned(),
        to: Some("the assessor".to_owned()),
        purpose: Some("stage 2".to_owned()),
        file: HandedOver { name: "a.sarif".to_owned(), sha256: sha256_hex(bytes), size: 12 },
        kept,
    };
    let name = opened.keep(bytes).unwrap();
    opened.custody().append(at, "me", export(Some(name.clone()))).unwrap();
    opened.custody().append(at, "me", export(None)).unwrap();
    let next = Platform::new().at(DAYS[1]).seal(ledger.path());
    assert!(matches!(&next.custody[2], Custody::Superseded { run_id, by } if *run_id == sealed.run_id && *by == next.run_id));
    intact(ledger.path());
    // Bytes that were kept and are not what they were, or are gone.
    fs::write(ledger.path().join(&name), "exactly that").unwrap();
    deviates(ledger.path(), "has other bytes than were handed over");
    fs::remove_file(ledger.path().join(&name)).unwrap();
    deviates(ledger.path(), "is gone, and no tombstone names it");
    opened.keep(bytes).unwrap();
    // Every change of an entry, and every entry that is taken out, changed in place or put elsewhere.
    let path = ledger.path().join("custody.ndjson");
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let broken = [
        (whole.replacen("the assessor", "nobody", 1), "does not follow"),
        (format!("{}\n{}\n{}\n", lines[0], lines[2], lines[3]), "does not follow"),
        (format!("{}\n{}\n{}\n{}\n", lines[1], lines[0], lines[2], lines[3]), "calls itself"),
        (whole.replacen("\"position\":1", "\"position\": 1", 1), "canonical"),
        (whole.replacen(&sealed.manifest_sha256, &"0".repeat(64), 1), "not in the chain"),
        (format!("{whole}{{\n"), "cannot be read"),
    ];
    for (text, says) in broken {
        fs::write(&path, text).unwrap();
        deviates(ledger.path(), says);
    }
    // A line without its end was never an entry.
    fs::write(&path, format!("{whole}{{\"position\":5,")).unwrap();
    assert_eq!(opened.custody().entries(None).unwrap().len(), 4);
    opened.custody().append(at, "me", export(None)).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with(&whole));
    intact(ledger.path());
}

#[test]
fn writers_of_custody_at_once_do_not_fork() {
    let ledger = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for writer in 0..6 {
            let ledger = ledger.path();
            scope.spawn(move || {
                for event in 0..10 {
                    let event = Custody::Attested { attestation: format!("{writer}-{event}"), sha256: String::new() };
                    Ledger::open(ledger).unwrap().custody().append(DAYS[0].parse().unwrap(), "me", event).unwrap();
                }
            });
        }
    });
    let (links, faults) = Ledger::open(ledger.path()).unwrap().custody().checked().unwrap();
    assert_eq!((links.len(), faults), (60, Vec::new()));
}

#[test]
fn periods_are_of_the_calendar() {
    let period = |text: &str| text.parse::<Period>().unwrap();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(period("13 months").after(at("2026-01-31T00:00:00Z")), at("2027-02-28T00:00:00Z"));
    assert_eq!(period("6 years").after(at("2024-02-29T00:00:00Z")), at("2030-02-28T00:00:00Z"));
    assert_eq!(period("3d").before(at(DAYS[3])), at(DAYS[0]));
    assert_eq!((period("2 weeks").hours(), period("1 month").hours(), period("12 h").hours()), (Some(336), None, Some(12)));
    assert_eq!((period("1 day").to_string(), period("90d").to_string()), ("1 day".to_owned(), "90 days".to_owned()));
    for wrong in ["", "6", "years", "0 days", "-1 days", "1.5 years", "6 fortnights", "999999999999 days"] {
        assert!(wrong.parse::<Period>().is_err(), "{wrong}");
    }
}

#[test]
fn retention_deletes_by_class_and_leaves_tombstones() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 3);
    Platform { only: Some("ns-quota"), ..Platform::new().at(DAYS[3]) }.seal(ledger.path());
    let opened = Ledger::open(ledger.path()).unwrap();
    let retention = Retention::default();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    // Nothing has passed; a second before, and at the time itself.
    assert_eq!(opened.plan_removal(&retention, at("2027-06-30T23:59:59Z")).unwrap().removals, []);
    let passed = at("2027-07-01T00:00:00Z");
    let plan = opened.plan_removal(&retention, passed).unwrap();
    assert!(plan.removals.len() == 1 && plan.removals[0].run.run_id == sealed[0].run_id, "{plan:?}");
    assert!(plan.removals[0].files.iter().all(|file| file.name.starts_with("observations/") || file.name == "requests.ndjson.zst"));
    assert!(verify::verify(&sealed[0].path).unwrap().replayed, "a plan deletes nothing");
    assert_eq!(opened.remove_passed(&retention, passed, passed, "keeper").unwrap(), plan);
    assert_eq!(opened.plan_removal(&retention, passed).unwrap().removals, []);
    let report = verify::verify(&sealed[0].path).unwrap();
    assert!(report.is_intact() && !report.replayed && report.withheld.len() == plan.removals[0].files.len(), "{report}");
    assert!(report.to_string().contains("retention: observations are kept for 13 months") && report.to_string().contains("tombstone 1"));
    intact(ledger.path());
    let events = opened.custody().entries(None).unwrap();
    assert!(matches!(&events[0].event, Custody::Deleted { of, tombstone: 1 } if *of == sealed[0].run_id));

    // Years later everything but manifests goes, and never the newest full run, partial ones after it or not.
    let late = at("2040-01-01T00:00:00Z");
    let plan = opened.remove_passed(&retention, late, late, "keeper").unwrap();
    assert!(plan.removals.iter().all(|removal| removal.run.run_id != sealed[2].run_id) && plan.removals.len() == 5, "{plan:?}");
    assert!(verify::verify(&sealed[2].path).unwrap().replayed);
    assert_eq!(opened.newest_full().unwrap().as_ref(), Some(&sealed[2].path));
    assert!(sealed[0].path.join("manifest.json").exists() && !sealed[0].path.join("assessment.json").exists());
    for run in &sealed[..2] {
        assert!(verify::verify(&run.path).unwrap().is_intact());
    }
    intact(ledger.path());
    // Records outlive the files that they were made from.
    Platform::new().at("2040-01-02T00:00:00Z").seal(ledger.path());
    intact(ledger.path());
}

#[test]
fn nothing_vanishes_without_its_own_tombstone() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 3);
    let opened = Ledger::open(ledger.path()).unwrap();
    let retention = Retention { observations: "1 day".parse().unwrap(), ..Retention::default() };
    let at = "2026-06-10T00:00:00Z".parse().unwrap();
    opened.remove_passed(&retention, at, at, "keeper").unwrap();
    assert!(verify::verify(&sealed[0].path).unwrap().is_intact());
    // Another file of the run, and the same file of the newest run: no tombstone speaks of those.
    for path in [sealed[0].path.join("values.ndjson"), sealed[2].path.join("observations/listings.ndjson.zst")] {
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let report = verify::verify(path.ancestors().find(|dir| dir.join("manifest.json").exists()).unwrap()).unwrap();
        assert!(report.deviations.iter().any(|found| found.kind == DeviationKind::Missing), "{report}");
        deviates(ledger.path(), "is gone, and no tombstone names it");
        fs::write(&path, bytes).unwrap();
    }
    intact(ledger.path());
    // A tombstone that was written by hand, and one of a file that is still there.
    let stones = ledger.path().join("tombstones.ndjson");
    let text = fs::read_to_string(&stones).unwrap();
    fs::write(&stones, text.replacen("keeper", "nobody", 1)).unwrap();
    let report = verify::verify(&sealed[0].path).unwrap();
    assert!(report.deviations.iter().any(|found| found.detail.contains("chain of tombstones")), "{report}");
    deviates(ledger.path(), "does not follow");
    fs::write(&stones, &text).unwrap();
    fs::write(sealed[0].path.join("requests.ndjson.zst"), "").unwrap();
    let report = opened.check().unwrap();
    assert!(report.is_intact() && report.notes.iter().any(|note| note.contains("although tombstone 1 names it")), "{report}");
    // Whoever wrote the tombstone did not come to delete it: the next one does, without another tombstone.
    let plan = opened.remove_passed(&retention, at, at, "keeper").unwrap();
    assert!(plan.removals.len() == 1 && plan.removals[0].tombstoned, "{plan:?}");
    assert_eq!(opened.tombstones().entries(None).unwrap().len(), 2);
    // A bundle that lies elsewhere has no tombstones to show.
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join(&sealed[0].run_id);
    fs::rename(&sealed[0].path, &moved).unwrap();
    assert!(!verify::verify(&moved).unwrap().is_intact());
}

#[test]
fn exports_go_after_their_time_too() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = days(ledger.path(), 1).remove(0);
    let opened = Ledger::open(ledger.path()).unwrap();
    let name = opened.keep(b"bytes").unwrap();
    let export = || Custody::Exported {
        run_id: sealed.run_id.clone(),
        manifest_sha256: sealed.manifest_sha256.clone(),
        format: "sarif".to_owned(),
        to: None,
        purpose: None,
        file: HandedOver { name: "a".to_owned(), sha256: sha256_hex(b"bytes"), size: 5 },
        kept: Some(name.clone()),
    };
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    opened.custody().append(at("2026-06-01T00:00:00Z"), "me", export()).unwrap();
    opened.custody().append(at("2027-06-01T00:00:00Z"), "me", export()).unwrap();
    let retention = Retention::default();
    // The last time that the bytes were handed over counts.
    assert_eq!(opened.plan_removal(&retention, at("2032-07-01T00:00:00Z")).unwrap().removals, []);
    let late = at("2033-06-01T00:00:00Z");
    let plan = opened.remove_passed(&retention, late, late, "keeper").unwrap();
    assert!(plan.removals.len() == 1 && plan.removals[0].class == RetentionClass::Exports, "{plan:?}");
    assert_eq!(opened.kept(&name).unwrap(), None);
    intact(ledger.path());
    assert!(verify::verify(&sealed.path).unwrap().replayed);
}
