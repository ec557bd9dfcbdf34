//! Exceptions: each row of the tables of evidence.md sections 7 and 9, over the made-up platform.
//!
//! There the check `ns-owner` passes for the namespaces `a` and `c` and fails for `b`; `ns-quota` passes for the quotas of `a` and
//! fails for those of `b` and `c`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_controls::files::Files;
use proofbook_evidence::approval::{Approval, Holder, Role};
use proofbook_evidence::assessment::Assessment;
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::exception::{Exceptions, Kind, Standing};
use proofbook_evidence::facts::Facts;
use proofbook_evidence::verify;
use proofbook_evidence::views::Publication;
use serde_json::json;

use crate::platform::Platform;

const APPROVED: &str = "2026-05-01T00:00:00Z";

fn approval() -> Approval {
    let holder = |person: &str, until: Option<&str>| Holder {
        person_ref: person.to_owned(),
        from: "2024-01-01".parse().unwrap(),
        until: until.map(|day| day.parse().unwrap()),
    };
    let roles = [
        ("CISO", true, vec![holder("p-1", None), holder("p-9", Some("2026-04-30"))]),
        ("Head of operations", false, vec![holder("p-2", None)]),
    ];
    let roles = roles.map(|(name, approves, holders)| (name.to_owned(), Role { approves, holders }));
    Approval { roles: BTreeMap::from(roles), ..Approval::default() }
}

/// An exception that covers the namespace without an owner, with more lines at its end.
fn text(kind: &str, rest: &str) -> String {
    format!(
        "id: EX-1\nkind: {kind}\ncheck: ns-owner\nsubjects: [Namespace/b]\nreason: It goes away.\nrisk: moderate\n\
         requester: {{role: Head of operations, person_ref: p-2}}\napprover: {{role: CISO, person_ref: p-1}}\n\
         created: {APPROVED}\nexpires: 2026-08-01T00:00:00Z\nreview: 2026-07-01T00:00:00Z\nticket: OPS-1\n{rest}"
    )
}

fn with(text: &str) -> Platform {
    let mut platform = Platform { approval: approval(), ..Platform::new() };
    platform.exceptions.insert("exceptions/EX-1.yaml", text);
    platform
}

/// Seals, and holds that a replay decides the same.
fn assess(platform: &Platform) -> Assessment {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = platform.seal(ledger.path());
    let report = verify::verify(&sealed.path).unwrap();
    assert!(report.is_intact() && report.replayed, "{report}");
    sealed.assessment
}

fn standing(assessment: &Assessment) -> Standing {
    assessment.exceptions["EX-1"].standing
}

/// What each kind needs besides, and what the roll-up makes of the failure.
const KINDS: [(&str, &str, Verdict); 11] = [
    ("exception", "", Verdict::Exception),
    ("risk-acceptance", "accepting_authority: Managing director\n", Verdict::Exception),
    ("false-positive", "proof: [ticket OPS-1]\ncheck_version: 1\n", Verdict::Exception),
    ("operational-requirement", "mitigation: It is watched.\n", Verdict::Exception),
    ("vendor-dependency", "product: Storage driver\nlast_checkin: 2026-05-20T00:00:00Z\n", Verdict::Exception),
    ("risk-adjustment", "adjusted: low\nmitigation: It is watched.\n", Verdict::Fail),
    ("not-applicable", "", Verdict::NotApplicable),
    ("compensating-control", "compensating: [ns-all]\n", Verdict::Exception),
    ("compensating-control", "compensating: [ns-all]\naccepted_by: Assessor Ltd\n", Verdict::Manual),
    ("enduring-exception", "described_in: SSP 9.2\nplan_of_action: POA-4\n", Verdict::Exception),
    ("temporary-deficiency", "described_in: SSP 9.2\nplan_of_action: POA-4\n", Verdict::Exception),
];

/// A check that passes for all, so that it can compensate.
fn with_compensation(text: &str) -> Platform {
    let mut platform = with(text);
    platform.files.insert(
        "checks/library/made/ns-all.yaml",
        "id: ns-all\nversion: 1\ntitle: T\nseverity: low\nmethod: examine\nproves: p\ndoes_not_prove: d\nremedy: r\nmanual: m\n\
         subject: {resource: namespaces, population: every namespace}\noutcomes: [{verdict: pass}]\n",
    );
    platform
}

#[test]
fn each_kind_has_its_effect_and_none_makes_a_failure_pass() {
    for (kind, rest, verdict) in KINDS {
        let assessment = assess(&with_compensation(&text(kind, rest)));
        let check = &assessment.checks["ns-owner"];
        let mut counts = BTreeMap::from([(Verdict::Pass, 2)]);
        *counts.entry(verdict).or_insert(0) += 1;
        assert_eq!(check.counts, counts, "{kind}");
        // What does not apply is ignored beside what does.
        let status = if verdict == Verdict::NotApplicable { Verdict::Pass } else { verdict };
        assert_eq!(check.status, status, "{kind}");
        assert_eq!(assessment.controls["owned"].status, status, "{kind}");
        assert_eq!((standing(&assessment), assessment.exceptions["EX-1"].findings), (Standing::InEffect, 1), "{kind}");
        assert_eq!(assessment.exceptions["EX-1"].kind.as_str(), kind);
    }
    let kinds: std::collections::BTreeSet<&str> = KINDS.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, Kind::ALL.iter().map(|kind| kind.as_str()).collect());
}

#[test]
fn the_finding_stays_a_failure_with_the_id_beside_it() {
    let ledger = tempfile::tempdir().unwrap();
    let path = with(&text("exception", "")).seal(ledger.path()).path;
    let mut found = Vec::new();
    let bundle = Bundle::open(&path).unwrap();
    bundle
        .findings(|finding| {
            if finding.verdict == Verdict::Fail || !finding.exceptions.is_empty() {
                found.push((finding.check.to_string(), finding.subject.to_string(), finding.verdict, finding.exceptions));
            }
        })
        .unwrap();
    found.retain(|(check, ..)| check == "ns-owner");
    assert_eq!(found, [("ns-owner".to_owned(), "Namespace/b".to_owned(), Verdict::Fail, vec!["EX-1".to_owned()])]);
}

#[test]
fn a_run_without_exceptions_is_sealed_as_before() {
    let plain = serde_json::to_string(&assess(&Platform::new())).unwrap();
    for word in ["excepted", "exceptions", "not_applicable"] {
        assert!(!plain.contains(&format!("\"{word}\"")), "{word}");
    }
}

#[test]
fn outside_of_its_time_it_covers_nothing_and_says_why() {
    let vendor = |rest: &str| text("vendor-dependency", &format!("product: Driver\n{rest}"));
    let high = vendor("last_checkin: 2026-05-25T00:00:00Z\n").replace("risk: moderate", "risk: high");
    for (text, at, expected) in [
        (text("exception", ""), "2026-08-01T00:00:00Z", Standing::Expired),
        (text("exception", ""), "2026-04-30T23:59:59Z", Standing::NotYet),
        (vendor("last_checkin: 2026-05-01T00:00:00Z\n"), "2026-05-31T00:00:00Z", Standing::CheckinOverdue),
        (high.clone(), "2026-05-31T00:00:00Z", Standing::NotMitigated),
        (text("false-positive", "proof: [p]\ncheck_version: 2\n"), "2026-06-01T00:00:00Z", Standing::OtherVersion),
        (text("exception", "compensating: [ns-quota]\n"), "2026-06-01T00:00:00Z", Standing::CompensationFails),
    ] {
        let assessment = assess(&with(&text).at(at));
        assert_eq!(standing(&assessment), expected, "{text}");
        assert_eq!(assessment.checks["ns-owner"].status, Verdict::Fail, "{text}");
        assert_eq!(assessment.controls["owned"].status, Verdict::Fail, "{text}");
    }
    let mitigated = assess(&with(&format!("{high}mitigated_to: moderate\n")).at("2026-05-31T00:00:00Z"));
    assert_eq!(standing(&mitigated), Standing::InEffect);
}

fn facts() -> Facts {
    let facts = json!({
        "organisation": {"legal_name": "L", "address": "A", "country": "DE", "security_contact": "s", "privacy_contact": "p"},
        "product": {"name": "N", "description": "D"},
    });
    serde_json::from_value(facts).unwrap()
}

#[test]
fn what_an_exception_covered_fails_again_once_it_is_over() {
    let ledger = tempfile::tempdir().unwrap();
    let short = text("exception", "").replace("2026-08-01", "2026-06-02").replace("2026-07-01", "2026-06-01");
    let bundle = Bundle::open(&with(&short).seal(ledger.path()).path).unwrap();
    let at = |time: &str| {
        let publication = Publication::new(&bundle, facts(), time.parse::<Timestamp>().unwrap(), None).unwrap();
        (publication.checks["ns-owner"].status, publication.controls["owned"].status, publication.summary.findings[&Verdict::Fail])
    };
    assert_eq!(at("2026-06-01T12:00:00Z"), (Verdict::Exception, Verdict::Exception, 2));
    assert_eq!(at("2026-06-02T00:00:00Z"), (Verdict::Fail, Verdict::Fail, 3));
}

const FAILING: &str = "checks/library/made/ns-owner.yaml";

#[test]
fn a_compensation_lasts_as_long_as_the_result_of_the_check_that_compensates() {
    let ledger = tempfile::tempdir().unwrap();
    let mut platform = with_compensation(&text("compensating-control", "compensating: [ns-all]\naccepted_by: Assessor Ltd\n"));
    // The failure counts for 90 days, what compensates for a day.
    let failing = format!("{}freshness: process\n", platform.files.get(FAILING).unwrap());
    platform.files.insert(FAILING, failing);
    let bundle = Bundle::open(&platform.seal(ledger.path()).path).unwrap();
    let at = |time: &str| {
        let publication = Publication::new(&bundle, facts(), time.parse::<Timestamp>().unwrap(), None).unwrap();
        (publication.checks["ns-owner"].status, publication.controls["owned"].status, publication.exceptions["EX-1"].standing)
    };
    assert_eq!(at("2026-06-01T12:00:00Z"), (Verdict::Manual, Verdict::Manual, Standing::InEffect));
    assert_eq!(at("2026-06-02T12:00:00Z"), (Verdict::Fail, Verdict::Fail, Standing::CompensationFails));
}

#[test]
fn an_exception_of_a_control_counts_there_alone() {
    let of_control = text("exception", "").replace("check: ns-owner", "control: owned");
    let assessment = assess(&with(&of_control));
    assert_eq!(assessment.checks["ns-owner"].status, Verdict::Fail);
    assert_eq!(assessment.controls["owned"].status, Verdict::Exception);
    let quota = of_control.replace("control: owned", "control: quota").replace("Namespace/b", "ResourceQuota/b/*, ResourceQuota/c/quota");
    let assessment = assess(&with(&quota));
    assert_eq!((assessment.controls["quota"].status, assessment.exceptions["EX-1"].findings), (Verdict::Exception, 2));
    assert!(assessment.exceptions["EX-1"].broad);
    assert_eq!(assessment.controls["owned"].parts.iter().find(|part| part.id == "ns-quota").unwrap().status, Verdict::Fail);
}

#[test]
fn a_control_that_does_not_apply_and_a_need_that_is_not_met() {
    let of = |kind: &str, subject: &str| text(kind, "").replace("check: ns-owner", "control: reviewed").replace("Namespace/b", subject);
    let status = |text: &str| assess(&with(text)).controls["reviewed"].status;
    assert_eq!(status(&of("exception", "Namespace/b")), Verdict::Error);
    assert_eq!(status(&of("exception", "Attestation/review")), Verdict::Exception);
    assert_eq!(status(&of("not-applicable", "Control/reviewed")), Verdict::NotApplicable);
}

#[test]
fn what_could_not_be_looked_at_is_not_covered() {
    let text = text("exception", "").replace("check: ns-owner", "check: pod-known").replace("Namespace/b", "Population/pod-*");
    let errors = Exceptions::load(&with(&text).exceptions, &Platform::new().catalog(), approval()).unwrap_err();
    assert!(errors.to_string().contains("could not be looked at"), "{errors}");
    let unused = assess(&with(&text.replace("Population/pod-*", "Pod/b/x")));
    assert_eq!((unused.checks["pod-known"].status, standing(&unused)), (Verdict::Error, Standing::Unused));
    let not_run = assess(&with(&text.replace("pod-known", "node-probe").replace("Population/pod-*", "Node/n")));
    assert_eq!(standing(&not_run), Standing::NotRun);
}

#[test]
fn faults_are_told_with_their_place() {
    let catalog = with_compensation("").catalog();
    let load = |text: &str| {
        let mut files = Files::default();
        files.insert("exceptions/EX-1.yaml", text);
        let loaded = Exceptions::load(&files, &catalog, approval());
        loaded.map(drop).map_err(|errors| {
            assert!(errors.0.iter().all(|error| error.file == "exceptions/EX-1.yaml" && error.span.is_some()), "{errors}");
            errors.0.iter().map(|error| error.code).collect::<Vec<_>>()
        })
    };
    let good = text("exception", "");
    assert_eq!(load(&good), Ok(()));
    for (text, code) in [
        (good.replace("id: EX-1", "id: 'a/b'"), "name"),
        (good.replace("check: ns-owner", "check: ns-ownr"), "unknown-check"),
        (good.replace("check: ns-owner", "control: ownd"), "unknown-control"),
        (good.replace("check: ns-owner", "check: ns-owner\ncontrol: owned"), "target"),
        (good.replace("check: ns-owner\n", ""), "target"),
        (good.replace("[Namespace/b]", "[]"), "subjects"),
        (good.replace("Namespace/b", "'*'"), "subjects"),
        (good.replace("Namespace/b", "'*/*'"), "subjects"),
        (good.replace("Namespace/b", "Namespace/*"), "subjects"),
        (good.replace("Namespace/b", "Namespace"), "subjects"),
        (good.replace("Namespace/b", "Control/owned"), "subjects"),
        (good.replace("Namespace/b", "Attestation/review"), "subjects"),
        (good.replace("person_ref: p-2", "person_ref: p-1"), "approver"),
        (
            good.replace("role: CISO, person_ref: p-1", "role: Head of operations, person_ref: p-2").replacen(
                "person_ref: p-2",
                "person_ref: p-3",
                1,
            ),
            "approver",
        ),
        (good.replace("role: CISO, person_ref: p-1", "role: CISO, person_ref: p-9"), "approver"),
        (good.replace("role: CISO, person_ref: p-1", "role: CTO, person_ref: p-1"), "approver"),
        (good.replace("expires: 2026-08-01", "expires: 2026-10-29"), "expiry"),
        (good.replace("2026-07-01", "2026-08-02"), "review"),
        (good.replace("reason: It goes away.", "reason: ' '"), "blank"),
        (text("risk-acceptance", ""), "kind"),
        (text("exception", "product: P\n"), "kind"),
        (text("compensating-control", ""), "kind"),
        (text("exception", "compensating: [ns-owner]\n"), "compensating"),
        (text("exception", "compensating: [ns-non]\n"), "unknown-check"),
        (text("operational-requirement", "mitigation: m\n").replace("risk: moderate", "risk: high"), "risk"),
        (text("risk-adjustment", "mitigation: m\nadjusted: high\n"), "risk"),
        (format!("{good}other: 1\n"), "yaml"),
        (good.replace("ticket: OPS-1\n", ""), "yaml"),
    ] {
        assert_eq!(load(&text), Err(vec![code]), "{text}");
    }
}
