//! Views: what is printed adds up, ages, and comes from the bundle alone.

use std::collections::BTreeMap;

use proofbook_checks::definition::Freshness;
use proofbook_checks::settings::CheckSettings;
use proofbook_checks::{Reason, Verdict};
use proofbook_controls::{CheckId, ControlId, Controls, FrameworkId, RequirementId};
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::facts::Facts;
use proofbook_evidence::freshness::Windows;
use proofbook_evidence::ledger::RunRef;
use proofbook_evidence::scope::{Scope, Scopes};
use proofbook_evidence::status::Status;
use proofbook_evidence::verify;
use proofbook_evidence::views::Publication;
use serde_json::json;

use crate::platform::Platform;

fn facts() -> Facts {
    serde_json::from_value(json!({
        "organisation": {"legal_name": "L", "address": "A", "country": "DE", "security_contact": "s", "privacy_contact": "p"},
        "product": {"name": "N", "description": "D"},
    }))
    .unwrap()
}

fn publish(platform: &Platform, as_of: &str) -> Publication {
    let ledger = tempfile::tempdir().unwrap();
    let bundle = Bundle::open(&platform.seal(ledger.path()).path).unwrap();
    Publication::new(&bundle, facts(), as_of.parse().unwrap(), None).unwrap()
}

fn passing() -> Platform {
    let mut platform = Platform::new().attested("2026-05-01T00:00:00Z", "2026-06-01T12:00:00Z");
    platform.objects.retain(|object| !matches!(object["metadata"]["name"].as_str(), Some("b")));
    platform
}

#[test]
fn the_numbers_add_up() {
    let publication = publish(&Platform::new(), "2026-06-01T01:00:00Z");
    let summary = &publication.summary;
    let controls =
        summary.controls_automated + summary.controls_attested + summary.controls_not_satisfied + summary.controls_not_applicable;
    assert_eq!(controls, publication.controls.len() as u64);
    assert_eq!(summary.checks.values().sum::<u64>(), publication.checks.len() as u64);
    assert_eq!(summary.findings.values().sum::<u64>(), 8);
    let made = &publication.frameworks["made"];
    let requirements = made.groups.iter().map(|group| group.requirements.len() as u64).sum::<u64>();
    assert_eq!(made.coverage.values().sum::<u64>(), requirements);
    assert_eq!(publication.matrix.len(), 7);
    assert_eq!(publication.matrix.iter().map(|layer| layer.rows.len()).sum::<usize>(), publication.controls.len());
    assert_eq!(publication.run.requests, 2);
}

#[test]
fn a_check_is_printed_with_its_subjects_rule_and_parameters() {
    let publication = publish(&Platform::new(), "2026-06-01T01:00:00Z");
    let check = &publication.checks["ns-owner"];
    assert_eq!(check.failing.iter().map(|finding| finding.subject.to_string()).collect::<Vec<_>>(), ["Namespace/b"]);
    assert_eq!(check.passing, ["Namespace/a", "Namespace/c"]);
    assert_eq!((check.params[0].value.clone(), check.params[0].source.as_str()), (json!(1.0), "workspace"));
    assert_eq!(check.manual_example.as_deref(), Some("kubectl get b"));
    assert!(check.rule.contains("nobody owns it"));
    assert!(check.reads["kubernetes/namespaces"].contains(&"metadata.labels.owner".to_owned()), "{:?}", check.reads);
    assert_eq!(publication.checks["pod-known"].failing[0].reason_code, Reason::NotPermitted);
    assert_eq!(publication.values["ns-owner.owner"].distinct, [(json!(""), 1), (json!("ann"), 2)]);
}

#[test]
fn a_result_past_its_window_is_stale_and_never_green() {
    let status = |as_of: &str| {
        let publication = publish(&passing(), as_of);
        let requirement = publication.frameworks["made"].groups[0].requirements[0].status;
        (publication.checks["ns-owner"].status, publication.controls["owned"].status, requirement, publication.run.stale)
    };
    assert_eq!(status("2026-06-01T11:59:59Z"), (Verdict::Pass, Verdict::Pass, Some(Verdict::Manual), false));
    assert_eq!(status("2026-06-01T12:00:00Z"), (Verdict::Pass, Verdict::Pass, Some(Verdict::Fail), true), "the attestation expired");
    assert_eq!(status("2026-06-01T23:59:59Z").0, Verdict::Pass);
    assert_eq!(status("2026-06-02T00:00:00Z"), (Verdict::Stale, Verdict::Stale, Some(Verdict::Fail), true));
}

#[test]
fn fresh_until_is_the_first_end_of_anything_that_counts() {
    let until = |platform: &Platform| publish(platform, "2026-06-01T01:00:00Z").run.fresh_until.to_string();
    assert_eq!(until(&Platform::new()), "2026-06-02T00:00:00Z");
    assert_eq!(until(&passing()), "2026-06-01T12:00:00Z", "a statement runs out before any result");
    let own = |control: &str| [(ControlId::new(control).unwrap(), 6)].into();
    assert_eq!(until(&Platform { freshness: own("owned"), ..passing() }), "2026-06-01T06:00:00Z");
    assert_eq!(until(&Platform { freshness: own("outside"), ..passing() }), "2026-06-01T12:00:00Z", "what does not count has no end");
    // The state of the environment is told by the same times.
    let ledger = tempfile::tempdir().unwrap();
    let sealed = Platform { freshness: own("owned"), ..passing() }.seal(ledger.path());
    let run = RunRef { run_id: sealed.run_id, manifest_sha256: sealed.manifest_sha256 };
    let status = Status::of(&sealed.path, run, "2026-06-01T01:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(status.fresh_until.unwrap().to_string(), "2026-06-01T06:00:00Z");
}

#[test]
fn what_was_switched_off_is_no_state_that_holds() {
    let framework = FrameworkId::new("made").unwrap();
    let exclude = [(RequirementId::new("R4").unwrap(), "nobody can look".to_owned())].into();
    let scopes = Scopes([(framework.clone(), Scope { framework, level: None, exclude })].into());
    let status = |platform: Platform| {
        let ledger = tempfile::tempdir().unwrap();
        let sealed = Platform { scopes: scopes.clone(), ..platform }.seal(ledger.path());
        let run = RunRef { run_id: sealed.run_id, manifest_sha256: sealed.manifest_sha256 };
        let of = Status::of(&sealed.path, run, "2026-06-01T01:00:00Z".parse().unwrap()).unwrap();
        let ids = |ids: Vec<&str>| ids.join(" ");
        let off = ids(of.switched_off.iter().map(CheckId::as_str).collect());
        (of.holds(), off, ids(of.not_looked_at.iter().map(ControlId::as_str).collect()))
    };
    let told = |holds: bool, off: &str, unseen: &str| (holds, off.to_owned(), unseen.to_owned());
    assert_eq!(status(passing()), told(true, "", ""));
    assert_eq!(status(Platform::new()), told(false, "", ""), "a check fails, and a statement is missing");
    // What nobody asked for was not looked at; what was switched off cannot be told from what would fail.
    let only = || Platform { only: Some("ns-quota"), ..passing() };
    assert_eq!(status(only()), told(true, "", "owned"));
    let mut off = only();
    off.settings.checks.insert(CheckId::new("ns-owner").unwrap(), CheckSettings { enabled: Some(false), ..CheckSettings::default() });
    assert_eq!(status(off.clone()), told(false, "ns-owner", ""));
    let ledger = tempfile::tempdir().unwrap();
    let sealed = off.seal(ledger.path());
    let reason = |id: &str| sealed.assessment.checks[id].reason;
    assert_eq!((reason("ns-owner"), reason("node-probe")), (Reason::SwitchedOff, Reason::OptIn));
    assert!(verify::verify(&sealed.path).unwrap().is_intact());
}

#[test]
fn a_level_never_makes_the_window_of_another_framework_longer() {
    let framework = FrameworkId::new("made").unwrap();
    let hours = |level: &str| {
        let mut files = crate::platform::library();
        let text = files.get("controls/frameworks/made.yaml").unwrap();
        let levels = "levels:\n- {id: long, title: Long, fresh_hours: {live-config: 72}}\n- {id: short, title: Short, fresh_hours: {live-config: 12}}\nrequirements:";
        files.insert("controls/frameworks/made.yaml", text.replace("requirements:", levels));
        let controls = Controls::load(&files).unwrap_or_else(|errors| panic!("{errors}"));
        let scope = Scope { framework: framework.clone(), level: Some(level.to_owned()), exclude: BTreeMap::new() };
        let windows = Windows::new(&controls, &Scopes([(framework.clone(), scope)].into()));
        (windows.hours(Freshness::LiveConfig), windows.limit(Freshness::LiveConfig))
    };
    assert_eq!((hours("long"), hours("short")), ((24, Some(72)), (12, Some(12))));
}

#[test]
fn what_was_not_run_is_skipped_and_not_stale() {
    let publication = publish(&Platform::new(), "2026-06-01T01:00:00Z");
    assert_eq!((publication.checks["node-probe"].status, publication.controls["probed"].status), (Verdict::Skipped, Verdict::Skipped));
    assert!(!publication.run.stale);
    assert_eq!(publication.run.fresh_until.to_string(), "2026-06-02T00:00:00Z");
}

#[test]
fn a_failure_stays_a_failure_when_it_is_old() {
    let publication = publish(&Platform::new(), "2027-06-01T00:00:00Z");
    assert_eq!(publication.checks["ns-owner"].status, Verdict::Fail);
    assert!(publication.checks.values().all(|check| check.status != Verdict::Pass));
}

#[test]
fn the_same_bundle_gives_the_same_views() {
    let print = || serde_json::to_string(&publish(&Platform::new(), "2026-06-01T01:00:00Z")).unwrap();
    assert_eq!(print(), print());
}
