//! The SPRS score over the requirements of CMMC level 2: the ends of its range, partial credit, and what may stand open.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proofbook_checks::{Catalog, Verdict};
use proofbook_controls::files::Files;
use proofbook_controls::framework::Poam;
use proofbook_controls::{FrameworkId, RequirementId};
use proofbook_evidence::approval::Approval;
use proofbook_evidence::assessment::{
    Assessment, Basis, ControlAssessment, Coverage, ExceptionAssessment, Part, PartKind, RequirementAssessment,
};
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::exception::Kind;
use proofbook_evidence::scope::{Scope, Scopes};
use proofbook_evidence::views::sprs::{SprsFinding, SprsView, Standing};

const CMMC: &str = "cmmc-2.0";
const NOW: &str = "2026-06-01T00:00:00Z";
const MFA: &str = "IA.L2-3.5.3";
const FIPS: &str = "SC.L2-3.13.11";
const PLAN: &str = "CA.L2-3.12.4";

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}")));

fn scopes(exclude: &[(&str, &str)]) -> Scopes {
    let framework = FrameworkId::new(CMMC).unwrap();
    let exclude = exclude.iter().map(|(id, reason)| (RequirementId::new(id).unwrap(), (*reason).to_owned())).collect();
    Scopes([(framework.clone(), Scope { framework, level: Some("level-2".to_owned()), exclude })].into())
}

/// An assessment in which every requirement has the status that is asked for.
fn assessed(status: impl Fn(&str) -> Option<Verdict>) -> Assessment {
    let framework = &CATALOG.controls.frameworks[CMMC];
    let of = |id: &RequirementId| {
        let status = status(id.as_str());
        let coverage = if status.is_some() { Coverage::Automated } else { Coverage::None };
        (id.clone(), RequirementAssessment { coverage, status, controls: Vec::new() })
    };
    let requirements = framework.requirements.iter().map(|requirement| of(&requirement.id)).collect();
    Assessment { frameworks: BTreeMap::from([(framework.id.clone(), requirements)]), ..Assessment::default() }
}

fn statement(requirement: &str, expires_at: &str) -> Attestations {
    let mut files = Files::default();
    let text = format!(
        "id: in-part\npartial_credit: {{framework: {CMMC}, requirement: {requirement}}}\nstatement: It is met in part.\nrole: CISO\n\
         person_ref: p\nsigned_at: 2026-01-01T00:00:00Z\nexpires_at: {expires_at}\n\
         evidence: [{{file: f, sha256: '{}', description: d}}]\n",
        "a".repeat(64)
    );
    files.insert("attestations/in-part.yaml", text);
    Attestations::load(&files, &CATALOG.controls, &Approval::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn score(assessment: &Assessment, attestations: &Attestations) -> SprsView {
    SprsView::new(&CATALOG, &scopes(&[]), assessment, attestations, NOW.parse().unwrap()).unwrap()
}

/// The score where all is met but some.
fn without(open: &[&str], attestations: &Attestations) -> SprsView {
    score(&assessed(|id| Some(if open.contains(&id) { Verdict::Fail } else { Verdict::Pass })), attestations)
}

#[test]
fn all_met_is_110_and_nothing_met_but_the_plan_is_minus_203() {
    let all = without(&[], &Attestations::default());
    assert_eq!((all.score, all.start, all.lowest, all.threshold), (Some(110), 110, -203, 88));
    assert_eq!((all.standing, all.met, all.not_met), (Standing::Final, 110, 0));
    let none = score(&assessed(|id| Some(if id == PLAN { Verdict::Manual } else { Verdict::Fail })), &Attestations::default());
    assert_eq!((none.score, none.standing, none.met, none.not_met), (Some(-203), Standing::Open, 1, 109));
    assert_eq!(none.requirements.iter().map(|row| row.deduction).sum::<u32>(), 313);
}

#[test]
fn without_a_security_plan_there_is_no_score() {
    for status in [Some(Verdict::Fail), Some(Verdict::Error), Some(Verdict::NotApplicable), None] {
        let view = score(&assessed(|id| if id == PLAN { status } else { Some(Verdict::Pass) }), &Attestations::default());
        assert_eq!((view.score, view.standing), (None, Standing::NoScore), "{status:?}");
        assert!(view.because.starts_with(PLAN), "{}", view.because);
    }
    let scopes = scopes(&[(PLAN, "we have none")]);
    let all = assessed(|_| Some(Verdict::Pass));
    let view = SprsView::new(&CATALOG, &scopes, &all, &Attestations::default(), NOW.parse().unwrap()).unwrap();
    assert_eq!((view.score, view.standing), (None, Standing::NoScore));
}

#[test]
fn partial_credit_needs_a_statement_that_counts() {
    for id in [MFA, FIPS] {
        let deduction = |attestations: &Attestations| {
            let view = without(&[id], attestations);
            let row = view.requirements.iter().find(|row| row.id == id).unwrap().clone();
            (view.score, row.deduction, row.partial.unwrap().earned)
        };
        assert_eq!(deduction(&Attestations::default()), (Some(105), 5, false), "{id}");
        assert_eq!(deduction(&statement(id, "2026-12-01T00:00:00Z")), (Some(107), 3, true), "{id}");
        assert_eq!(deduction(&statement(id, "2026-06-01T00:00:00Z")), (Some(105), 5, false), "{id}: expired");
        let other = if id == MFA { FIPS } else { MFA };
        assert_eq!(deduction(&statement(other, "2026-12-01T00:00:00Z")), (Some(105), 5, false), "{id}: of the other");
        let met = without(&[], &statement(id, "2026-12-01T00:00:00Z"));
        assert_eq!(met.score, Some(110), "what is met loses nothing");
    }
}

#[test]
fn a_plan_of_action_takes_what_the_rule_allows() {
    let credit = statement(FIPS, "2026-12-01T00:00:00Z");
    let standing = |open: &[&str], attestations: &Attestations| without(open, attestations).standing;
    // One point, and allowed; one point, and never; more than one point.
    assert_eq!(standing(&["AC.L2-3.1.3"], &Attestations::default()), Standing::Conditional);
    assert_eq!(standing(&["AC.L2-3.1.20"], &Attestations::default()), Standing::Open);
    assert_eq!(standing(&["AC.L2-3.1.5"], &Attestations::default()), Standing::Open);
    // Encryption that is not validated may stand open, none may not, and partial multifactor authentication may not.
    assert_eq!(standing(&[FIPS], &credit), Standing::Conditional);
    assert_eq!(standing(&[FIPS], &Attestations::default()), Standing::Open);
    assert_eq!(standing(&[MFA], &statement(MFA, "2026-12-01T00:00:00Z")), Standing::Open);
    let allowed = without(&[], &credit).requirements.iter().filter(|row| row.poam == Poam::Allowed).count();
    assert_eq!(allowed, 46, "51 of one point, less five that are named");
}

#[test]
fn below_88_there_is_no_conditional_status() {
    let all = without(&[], &Attestations::default());
    let one_point: Vec<String> = all.requirements.iter().filter(|row| row.poam == Poam::Allowed).map(|row| row.id.clone()).collect();
    let open = |number: usize| {
        let open: Vec<&str> = one_point.iter().take(number).map(String::as_str).collect();
        let view = without(&open, &Attestations::default());
        (view.score, view.standing)
    };
    assert_eq!(open(22), (Some(88), Standing::Conditional));
    assert_eq!(open(23), (Some(87), Standing::Open));
}

#[test]
fn what_was_not_seen_is_not_met_and_what_does_not_apply_is() {
    let id = "AC.L2-3.1.3";
    let finding = |status| {
        let view = score(&assessed(|one| if one == id { status } else { Some(Verdict::Pass) }), &Attestations::default());
        view.requirements.into_iter().find(|row| row.id == id).unwrap().finding
    };
    for status in [Verdict::Fail, Verdict::Error, Verdict::Stale, Verdict::Skipped, Verdict::Exception].map(Some).into_iter().chain([None])
    {
        assert_eq!(finding(status), SprsFinding::NotMet, "{status:?}");
    }
    assert_eq!(finding(Some(Verdict::Pass)), SprsFinding::Met);
    assert_eq!(finding(Some(Verdict::Manual)), SprsFinding::Met);
    assert_eq!(finding(Some(Verdict::NotApplicable)), SprsFinding::NotApplicable);
    let failing = assessed(|one| Some(if one == id { Verdict::Fail } else { Verdict::Pass }));
    let scopes = scopes(&[(id, "there is no such flow")]);
    let view = SprsView::new(&CATALOG, &scopes, &failing, &Attestations::default(), NOW.parse().unwrap()).unwrap();
    assert_eq!((view.score, view.met_as_not_applicable), (Some(110), 1));
}

#[test]
fn the_deductions_make_the_score_and_each_says_why() {
    let view = score(&assessed(|id| Some(if id.ends_with('1') { Verdict::Error } else { Verdict::Manual })), &Attestations::default());
    let deducted: i64 = view.requirements.iter().map(|row| i64::from(row.deduction)).sum();
    assert_eq!(view.score, Some(110 - deducted));
    assert!(view.requirements.iter().all(|row| !row.because.is_empty() && (row.deduction == 0) == (row.finding != SprsFinding::NotMet)));
    assert_eq!(view.met + view.not_met, 110);
}

#[test]
fn other_levels_and_frameworks_have_no_score() {
    let all = assessed(|_| Some(Verdict::Pass));
    let of = |framework: &str, level: Option<&str>| {
        let framework = FrameworkId::new(framework).unwrap();
        let scope = Scope { level: level.map(str::to_owned), ..Scope::whole(framework.clone()) };
        SprsView::new(&CATALOG, &Scopes([(framework, scope)].into()), &all, &Attestations::default(), NOW.parse().unwrap())
    };
    assert!(of(CMMC, Some("level-1")).is_none());
    assert!(of("iso27001-2022", None).is_none());
    assert_eq!(of(CMMC, None).unwrap().score, Some(110), "the other levels are not counted");
}

#[test]
fn partial_credit_is_given_where_the_framework_knows_it() {
    let load = |text: &str| {
        let mut files = Files::default();
        files.insert("attestations/in-part.yaml", text);
        let loaded = Attestations::load(&files, &CATALOG.controls, &Approval::default());
        loaded.map(|_| ()).map_err(|errors| errors.0.iter().map(|error| error.code).collect::<Vec<_>>())
    };
    let good = format!(
        "id: in-part\npartial_credit: {{framework: {CMMC}, requirement: {MFA}}}\nstatement: S.\nrole: CISO\nperson_ref: p\n\
         signed_at: 2026-01-01T00:00:00Z\nexpires_at: 2026-06-01T00:00:00Z\nevidence: [{{file: f, sha256: '{}', description: d}}]\n",
        "a".repeat(64)
    );
    assert_eq!(load(&good), Ok(()));
    for (text, code) in [
        (good.replace(MFA, "IA.L2-3.5.4"), "no-partial-credit"),
        (good.replace(MFA, "IA.L2-9.9.9"), "no-partial-credit"),
        (good.replace(CMMC, "cmmc-9"), "unknown-framework"),
        (good.replace("2026-06-01", "2027-06-01"), "expiry"),
        (format!("{good}control: backup\n"), "target"),
        (good.replace(&format!("partial_credit: {{framework: {CMMC}, requirement: {MFA}}}\n"), ""), "target"),
    ] {
        assert_eq!(load(&text), Err(vec![code]), "{text}");
    }
}

#[test]
fn a_deviation_is_met_only_where_the_security_plan_describes_it() {
    let cmmc = FrameworkId::new(CMMC).unwrap();
    let control = CATALOG.controls.mappings_of(&cmmc).find(|mapping| mapping.requirement.as_str() == FIPS);
    let control = control.unwrap().control.clone();
    let finding = |kind: Kind| {
        let mut assessment = assessed(|_| Some(Verdict::Pass));
        let requirement = assessment.frameworks.get_mut(CMMC).unwrap().get_mut(FIPS).unwrap();
        requirement.status = Some(Verdict::Exception);
        for mapping in CATALOG.controls.mappings_of(&FrameworkId::new(CMMC).unwrap()).filter(|mapping| mapping.requirement.as_str() == FIPS)
        {
            let status = if mapping.control == control { Verdict::Exception } else { Verdict::Pass };
            let excepted = BTreeMap::from([("EX-1".to_owned(), 1)]);
            let part = Part { kind: PartKind::Check, id: "any".to_owned(), required: true, status, excepted };
            let assessed =
                ControlAssessment { status, basis: Basis::Automated, parts: vec![part], disagree: Vec::new(), not_applicable: None };
            assessment.controls.insert(mapping.control.clone(), assessed);
        }
        let standing = proofbook_evidence::exception::Standing::InEffect;
        let until = "2026-12-01T00:00:00Z".parse().unwrap();
        let exception = ExceptionAssessment { kind, verdict: Verdict::Exception, standing, until, findings: 1, broad: false };
        assessment.exceptions.insert("EX-1".to_owned(), exception);
        let view = score(&assessment, &Attestations::default());
        view.requirements.iter().find(|row| row.id == FIPS).unwrap().finding
    };
    for kind in Kind::ALL {
        let described = matches!(kind, Kind::EnduringException | Kind::TemporaryDeficiency);
        assert_eq!(finding(kind), if described { SprsFinding::Met } else { SprsFinding::NotMet }, "{kind}");
    }
}
