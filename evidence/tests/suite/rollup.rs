//! The roll-up: always the worst, and green only where everything that is required is.

use std::collections::BTreeMap;

use proofbook_checks::Verdict::{self, Error, Exception, Fail, Manual, NotApplicable, Pass, Skipped, Stale};
use proofbook_controls::files::Files;
use proofbook_controls::{Control, Controls};
use proofbook_evidence::approval::{Approval, Holder, Role};
use proofbook_evidence::assessment::Basis;
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::rollup::{roll, worst};

use crate::platform::Platform;

const ALL: [Verdict; 8] = [Fail, Error, Stale, Exception, Skipped, Manual, Pass, NotApplicable];

#[test]
fn the_worst_is_that_of_the_table() {
    for (verdicts, expected) in [
        (&[][..], None),
        (&[Pass], Some(Pass)),
        (&[NotApplicable, NotApplicable], Some(NotApplicable)),
        (&[NotApplicable, Pass], Some(Pass)),
        (&[Pass, Manual], Some(Manual)),
        (&[Manual, Skipped], Some(Skipped)),
        (&[Skipped, Exception], Some(Exception)),
        (&[Exception, Stale], Some(Stale)),
        (&[Stale, Error], Some(Error)),
        (&[Error, Fail], Some(Fail)),
        (&[Pass, NotApplicable, Error, Manual], Some(Error)),
        (&ALL, Some(Fail)),
    ] {
        assert_eq!(worst(verdicts.iter().copied()), expected, "{verdicts:?}");
        assert_eq!(worst(verdicts.iter().rev().copied()), expected, "{verdicts:?} reversed");
    }
}

fn control(required: usize, supporting: usize, attestations: usize) -> Control {
    let names = |prefix: &str, count| (0..count).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(", ");
    let needs = (0..attestations).map(|at| format!("{{id: a{at}, statement: S, valid_days: 9}}")).collect::<Vec<_>>().join(", ");
    let evidence = if required + attestations == 0 { "no_evidence: none\n" } else { "" };
    let mut files = Files::default();
    let text = format!(
        "id: c\ntitle: T\nobjective: O\nlayer: data\nresponsibility: {{split: provider, provider: [Do.], customer: [Use.]}}\nreview_months: 12\n\
         checks: {{required: [{}], supporting: [{}]}}\nattestations: [{needs}]\n{evidence}",
        names("r", required),
        names("s", supporting),
    );
    files.insert("controls/library/c.yaml", text);
    let controls = Controls::load(&files).unwrap_or_else(|errors| panic!("{errors}"));
    controls.controls.into_values().next().unwrap()
}

#[test]
fn a_control_is_green_only_if_every_required_part_is() {
    for (required, supporting, attestations) in [(0, 1, 0), (1, 0, 0), (2, 0, 0), (2, 1, 0), (1, 1, 1), (0, 1, 1), (2, 0, 1), (0, 0, 2)] {
        let control = control(required, supporting, attestations);
        let parts = required + supporting + attestations;
        for choice in 0..ALL.len().pow(u32::try_from(parts).unwrap()) {
            let status = |at: usize| ALL[choice / ALL.len().pow(u32::try_from(at).unwrap()) % ALL.len()];
            let number = |id: &str| id[1..].parse::<usize>().unwrap();
            let rolled = roll(
                &control,
                |id| if id.as_str().starts_with('r') { status(number(id.as_str())) } else { status(required + number(id.as_str())) },
                |need| status(required + supporting + number(need)),
            );
            let needed: Vec<Verdict> = (0..required).chain(required + supporting..parts).map(status).collect();
            let good = |verdict: &Verdict| matches!(verdict, Pass | Manual | NotApplicable);
            let green = good(&rolled.status);
            assert_eq!(green, !needed.is_empty() && needed.iter().all(good), "{needed:?} gave {:?}", rolled.status);
            assert_eq!(rolled.parts.len(), parts);
        }
    }
}

#[test]
fn supporting_checks_change_nothing() {
    let control = control(1, 1, 0);
    for required in ALL {
        for supporting in ALL {
            let rolled = roll(&control, |id| if id.as_str() == "r0" { required } else { supporting }, |_| Error);
            assert_eq!(rolled.status, required);
        }
    }
}

#[test]
fn the_basis_says_what_a_status_rests_on() {
    let basis = |required, attestations| roll(&control(required, 0, attestations), |_| Pass, |_| Manual).basis;
    assert_eq!((basis(1, 0), basis(1, 1), basis(0, 1), basis(0, 0)), (Basis::Automated, Basis::Attested, Basis::Attested, Basis::None));
}

#[test]
fn attestations_count_from_signing_to_expiry_and_are_missed_otherwise() {
    let ledger = tempfile::tempdir().unwrap();
    let status = |platform: Platform| platform.seal(ledger.path()).assessment.controls["reviewed"].status;
    assert_eq!(status(Platform::new()), Error);
    let signed = || Platform::new().attested("2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z");
    assert_eq!(status(signed()), Manual);
    assert_eq!(status(signed().at("2026-07-01T00:00:00Z")), Fail);
    assert_eq!(status(signed().at("2026-04-30T23:59:59Z")), Fail);
}

#[test]
fn faults_of_attestations_are_told_with_their_place() {
    let controls = Platform::new().catalog().controls;
    let good = "id: review\ncontrol: reviewed\nstatement: I did.\nrole: CISO\nperson_ref: p\nsigned_at: 2026-05-01T00:00:00Z\n\
        expires_at: 2026-06-01T00:00:00Z\nevidence: [{file: f, sha256: SUM, description: d}]\n"
        .replace("SUM", &format!("'{}'", "a".repeat(64)));
    let load = |text: &str| {
        let mut files = Files::default();
        files.insert("attestations/review.yaml", text);
        Attestations::load(&files, &controls, &Approval::default())
            .map(|_| ())
            .map_err(|errors| errors.0.iter().map(|error| error.code).collect::<Vec<_>>())
    };
    assert_eq!(load(&good), Ok(()));
    let evidence = good.find("evidence").unwrap();
    for (text, code) in [
        (good.replace("control: reviewed", "control: reviewd"), "unknown-control"),
        (good.replace("id: review\n", "id: reviw\n"), "unknown-need"),
        (good.replace("control: reviewed", "control: owned"), "unknown-need"),
        (good.replace("2026-06-01", "2027-06-01"), "expiry"),
        (good.replace("2026-06-01", "2026-04-01"), "expiry"),
        (good.replace("aaaa", "AAAA"), "digest"),
        (good.replace("role: CISO", "role: ' '"), "blank"),
        (format!("{}evidence: []\n", &good[..evidence]), "no-evidence"),
        (good.replace("role: CISO\n", ""), "yaml"),
        (format!("{good}other: 1\n"), "yaml"),
    ] {
        assert_eq!(load(&text), Err(vec![code]), "{text}");
    }
}

#[test]
fn two_methods_that_differ_are_flagged_and_the_status_stays_the_worst() {
    let ledger = tempfile::tempdir().unwrap();
    let assessment = Platform::new().seal(ledger.path()).assessment;
    // Namespace a: both pass; b: both fail; c: owned, and below its quota.
    let owned = &assessment.controls["owned"];
    assert_eq!(owned.status, Fail);
    let [found] = owned.disagree.as_slice() else { panic!("{:?}", owned.disagree) };
    assert_eq!(found.on, "c");
    let verdicts: BTreeMap<&str, Verdict> = found.verdicts.iter().map(|(id, verdict)| (id.as_str(), *verdict)).collect();
    assert_eq!(verdicts, BTreeMap::from([("ns-owner", Pass), ("ns-quota", Fail)]));
    assert!(assessment.controls["quota"].disagree.is_empty(), "the other check is no part of it");
}

#[test]
fn a_statement_counts_once_it_is_final_and_until_a_newer_one_takes_its_place() {
    let ledger = tempfile::tempdir().unwrap();
    let signed = || Platform::new().attested("2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z");
    let with = |change: &dyn Fn(&str) -> String| {
        let mut platform = signed();
        let text = change(platform.attestations.get("attestations/review.yaml").unwrap());
        platform.attestations.insert("attestations/review.yaml", text);
        platform
    };
    let status = |platform: &Platform| platform.seal(ledger.path()).assessment.controls["reviewed"].status;
    for word in ["draft", "withdrawn"] {
        assert_eq!(status(&with(&|text| format!("{text}status: {word}\n")).at("2026-05-20T00:00:00Z")), Error, "{word}");
    }
    // The older one has run out; the newer one says whose place it takes.
    let mut both = signed();
    let older = both.attestations.get("attestations/review.yaml").unwrap().to_owned();
    let newer = older.replace("2026-06-01", "2026-08-01").replace("2026-05-01", "2026-05-20");
    both.attestations.insert("attestations/review-2.yaml", format!("{newer}supersedes: attestations/review.yaml\n"));
    assert_eq!((status(&signed()), status(&both)), (Fail, Manual));
}

#[test]
fn what_a_statement_leaves_out_has_its_usual_value_and_rules_of_its_own() {
    let mut files = Platform::new().files;
    let slight = "id: slight\ntitle: T\nobjective: O.\nlayer: operations\nreview_months: 12\nresponsibility: {split: shared, provider: [Run it.], \
        customer: [Use it.]}\nattestations: [{id: word, statement: It is so., valid_days: 400, assertion_suffices: true}]\n";
    files.insert("controls/library/slight.yaml", slight);
    let controls = Controls::load(&files).unwrap_or_else(|errors| panic!("{errors}"));
    let load = |text: &str, approval: &Approval| {
        let mut files = Files::default();
        files.insert("attestations/word.yaml", text);
        Attestations::load(&files, &controls, approval).map_err(|errors| errors.0.iter().map(|error| error.code).collect::<Vec<_>>())
    };
    let text = "id: word\ncontrol: slight\nstatement: It is so.\nrole: CISO\nperson_ref: p-1\nsigned_at: 2026-01-01T00:00:00Z\n";
    let of = |text: &str| load(text, &Approval::default()).unwrap().by_need.remove("word").unwrap();
    let plain = of(text);
    assert!(plain.is_assertion());
    assert_eq!(plain.expires_at().to_string(), "2027-01-01T00:00:00Z");
    assert_eq!(of(&format!("{text}review_cycle: quarterly\n")).expires_at().to_string(), "2026-04-11T00:00:00Z");
    let holder = Holder { person_ref: "p-1".into(), from: "2025-01-01".parse().unwrap(), until: Some("2026-01-01".parse().unwrap()) };
    let role = Role { approves: false, holders: vec![holder] };
    let approval = Approval { roles: BTreeMap::from([("CISO".to_owned(), role)]), ..Approval::default() };
    assert!(load(text, &approval).is_ok());
    for (text, code) in [
        (text.replace("2026-01-01", "2026-01-02"), "role"),
        (text.replace("p-1", "p-2"), "role"),
        (text.replace("CISO", "CTO"), "role"),
        (format!("{text}review_cycle: quarterly\nexpires_at: 2026-04-12T00:00:00Z\n"), "expiry"),
        (format!("{text}period: {{from: 2025-10-01T00:00:00Z, to: 2026-01-02T00:00:00Z}}\n"), "period"),
        (format!("{text}supersedes: attestations/other.yaml\n"), "supersedes"),
        (format!("{text}method: test\n"), "yaml"),
    ] {
        assert_eq!(load(&text, &approval).map(drop), Err(vec![code]), "{text}");
    }
}
