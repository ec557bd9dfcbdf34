//! Coverage: one kind a requirement, decided in the order that is documented, and totals that add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proofbook_checks::Catalog;
use proofbook_controls::files::Files;
use proofbook_controls::{Binds, CheckId, FrameworkId, RequirementId};
use proofbook_evidence::assessment::Coverage::{self, Attested, Automated, Customer, Inherited, None, NotApplicable};
use proofbook_evidence::scope::{Scope, Scopes};
use proofbook_evidence::views::coverage::{CoverageView, LossView};

const CONTROLS: [(&str, &str, &str); 8] = [
    ("checked", "shared", "checks: {required: [one]}"),
    ("checked-twice", "provider", "checks: {required: [one, two]}"),
    ("checked-and-stated", "provider", "checks: {required: [two]}\nattestations: [{id: n1, statement: S., valid_days: 9}]"),
    ("stated", "provider", "checks: {supporting: [one]}\nattestations: [{id: n2, statement: S., valid_days: 9}]"),
    ("hidden", "provider", "no_evidence: nobody can look"),
    ("housed", "provider", "attestations: [{id: n3, statement: S., valid_days: 9}]\ninherited_from: the data centre"),
    ("customers", "customer", "no_evidence: the customer does it"),
    ("customers-checked", "customer", "checks: {required: [one]}"),
];

/// A requirement with what it binds, the mapped controls, and the kind that follows.
type Case = (Binds, &'static [&'static str], Coverage);

const CASES: [Case; 23] = [
    (Binds::Provider, &[], None),
    (Binds::Both, &[], None),
    (Binds::Customer, &[], Customer),
    (Binds::Authority, &[], NotApplicable),
    (Binds::Nobody, &[], NotApplicable),
    (Binds::Nobody, &["checked"], NotApplicable),
    (Binds::Provider, &["checked"], Automated),
    (Binds::Customer, &["checked"], Automated),
    (Binds::Provider, &["stated"], Attested),
    (Binds::Provider, &["stated", "checked"], Automated),
    (Binds::Provider, &["checked-and-stated"], Automated),
    (Binds::Provider, &["hidden"], None),
    (Binds::Customer, &["hidden"], Customer),
    (Binds::Provider, &["hidden", "stated"], Attested),
    (Binds::Provider, &["hidden", "housed"], None),
    (Binds::Provider, &["housed"], Inherited),
    (Binds::Provider, &["housed", "customers"], Inherited),
    (Binds::Provider, &["housed", "stated"], Attested),
    (Binds::Provider, &["customers"], Customer),
    (Binds::Both, &["customers-checked"], Customer),
    (Binds::Both, &["customers-checked", "checked"], Automated),
    (Binds::Both, &["customers", "hidden"], None),
    (Binds::Provider, &["checked-twice"], Automated),
];

fn catalog() -> Catalog {
    let mut files = Files::default();
    for id in ["one", "two"] {
        let text = format!(
            "id: {id}\nversion: 1\ntitle: T\nseverity: high\nmethod: examine\nproves: p\ndoes_not_prove: d\nremedy: r\nmanual: m\n\
             subject: {{resource: namespaces, population: every namespace}}\noutcomes: [{{verdict: pass}}]\n"
        );
        files.insert(format!("checks/library/made/{id}.yaml"), text);
    }
    for (id, split, rest) in CONTROLS {
        let duties = format!("responsibility: {{split: {split}, provider: [Run it.], customer: [Use it.]}}");
        let text = format!("id: {id}\ntitle: T\nobjective: O.\nlayer: data\nreview_months: 12\n{duties}\n{rest}\n");
        files.insert(format!("controls/library/{id}.yaml"), text);
    }
    let mut framework = "id: made\ntitle: Made up\nshort_title: Made\npublisher: P\nedition: '1'\nsource: S\nlicence: L\n\
         groups: [{id: G, title: All}]\nlevels: [{id: low, title: Low}]\nrequirements:\n"
        .to_owned();
    let mut mappings = "framework: made\nreviewed_by: me\nmappings:\n".to_owned();
    for (at, (binds, controls, _)) in CASES.iter().enumerate() {
        let levels = if at < 10 { ", levels: [low]" } else { "" };
        writeln!(framework, "  - {{id: R{at}, group: G, title: Title {at}, binds: {}{levels}}}", binds.as_str()).unwrap();
        for control in *controls {
            let entry = format!("requirement: R{at}, control: {control}, relation: subset, rationale: r, limits: l{at}");
            writeln!(mappings, "  - {{{entry}}}").unwrap();
        }
    }
    framework.push_str("  - {id: GONE, group: G, title: Gone, withdrawn: true, withdrawn_into: [R0]}\n");
    files.insert("controls/frameworks/made.yaml", framework);
    files.insert("controls/mappings/made.yaml", mappings);
    Catalog::load_without_fixtures(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

fn made(catalog: &Catalog, scopes: &Scopes) -> CoverageView {
    CoverageView::new(catalog, scopes, &catalog.controls.frameworks["made"])
}

fn scope(level: Option<&str>, exclude: &[(&str, &str)]) -> Scopes {
    let framework = FrameworkId::new("made").unwrap();
    let exclude = exclude.iter().map(|(id, reason)| (RequirementId::new(id).unwrap(), (*reason).to_owned())).collect();
    Scopes([(framework.clone(), Scope { framework, level: level.map(str::to_owned), exclude })].into())
}

#[test]
fn each_requirement_has_the_first_kind_that_holds() {
    let view = made(&catalog(), &Scopes::default());
    for (row, (binds, controls, kind)) in view.requirements.iter().zip(CASES) {
        assert_eq!(row.status, kind, "{binds:?} {controls:?}");
        let shown: BTreeSet<&str> = row.controls.iter().map(String::as_str).collect();
        assert_eq!(shown, if kind == NotApplicable { BTreeSet::new() } else { controls.iter().copied().collect() });
        assert_eq!(row.checks.is_empty(), kind != Automated, "{row:?}");
        let without_reason = matches!(kind, Automated | Attested | None);
        assert_eq!(row.reason.is_none(), without_reason, "{row:?}");
    }
    let gone = view.requirements.last().unwrap();
    assert_eq!((gone.status, gone.reason.as_deref()), (NotApplicable, Some("withdrawn into R0")));
    assert_eq!(view.requirements.len(), CASES.len() + 1);
    assert_eq!(view.requirements[15].reason.as_deref(), Some("from the data centre"));
}

#[test]
fn a_level_chooses_and_what_is_tailored_out_stays_with_its_reason() {
    let view = made(&catalog(), &scope(Some("low"), &[("R6", "there is no such thing")]));
    assert_eq!(view.requirements.len(), 10, "what is withdrawn belongs to no level");
    assert_eq!(view.level.as_deref(), Some("low"));
    let row = &view.requirements[6];
    assert_eq!((row.status, row.reason.as_deref()), (NotApplicable, Some("tailored out: there is no such thing")));
    assert!(row.controls.is_empty() && row.checks.is_empty());
    let totals: Vec<u64> = Coverage::ALL.map(|kind| view.totals[&kind]).to_vec();
    assert_eq!(totals, [2, 1, 1, 0, 2, 4]);
}

#[test]
fn a_framework_that_was_not_chosen_is_not_counted() {
    let catalog = catalog();
    let other = FrameworkId::new("other").unwrap();
    assert!(CoverageView::all(&catalog, &Scopes([(other.clone(), Scope::whole(other))].into())).is_empty());
    assert_eq!(CoverageView::all(&catalog, &Scopes::default()).len(), 1);
}

#[test]
fn it_is_told_what_rests_on_a_check_and_what_would_be_left_without_it() {
    let catalog = catalog();
    let view = made(&catalog, &Scopes::default());
    let reliance: Vec<_> = view.checks.iter().map(|check| (check.id.as_str(), check.requirements, check.alone)).collect();
    assert_eq!(reliance, [("one", 5, 4), ("two", 2, 1)]);
    let loss = LossView::new(&catalog, &Scopes::default(), &CheckId::new("one").unwrap());
    let lost: Vec<_> = loss.lost.iter().map(|row| (row.id.as_str(), row.becomes)).collect();
    assert_eq!(lost, [("R6", None), ("R7", Customer), ("R9", Attested), ("R20", None)]);
    assert_eq!(loss.reduced.iter().map(|row| (row.id.as_str(), row.left)).collect::<Vec<_>>(), [("R22", 1)]);
    let loss = LossView::new(&catalog, &Scopes::default(), &CheckId::new("two").unwrap());
    assert_eq!(loss.lost.iter().map(|row| (row.id.as_str(), row.becomes)).collect::<Vec<_>>(), [("R10", Attested)]);
}

#[test]
fn the_library_adds_up_at_every_level() {
    let catalog = Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}"));
    for framework in catalog.controls.frameworks.values() {
        let levels = framework.levels.iter().map(|level| Some(level.id.as_str()));
        for level in std::iter::once(Option::None).chain(levels) {
            let of = Scope { level: level.map(str::to_owned), ..Scope::whole(framework.id.clone()) };
            let scopes = Scopes([(framework.id.clone(), of)].into());
            let view = CoverageView::new(&catalog, &scopes, framework);
            let expected = framework.requirements.iter().filter(|one| level.is_none_or(|level| one.levels.iter().any(|of| of == level)));
            let (expected, counted) = (expected.count() as u64, view.requirements.len() as u64);
            assert_eq!((counted, view.totals.values().sum()), (expected, expected), "{} {level:?}", framework.id);
            let ids: BTreeSet<&str> = view.requirements.iter().map(|row| row.id.as_str()).collect();
            assert_eq!(ids.len() as u64, counted);
            assert_eq!(view.totals.keys().copied().collect::<Vec<_>>(), Coverage::ALL);
            for row in &view.requirements {
                assert_eq!(row.status == Automated, !row.checks.is_empty(), "{}: {row:?}", framework.id);
                assert!(row.status != NotApplicable || (row.controls.is_empty() && row.reason.is_some()), "{}: {row:?}", framework.id);
                assert!(!matches!(row.status, Attested | Inherited) || !row.controls.is_empty(), "{}: {row:?}", framework.id);
                let own: BTreeSet<&String> = row.controls.iter().collect();
                assert!(row.limits.keys().eq(own.iter().copied()) && row.relations.keys().eq(own.iter().copied()), "{row:?}");
            }
            alone_is_lost(&catalog, &scopes, &view);
        }
    }
}

// The two sides of the same question agree: what rests on a check alone, and what is lost without it.
fn alone_is_lost(catalog: &Catalog, scopes: &Scopes, view: &CoverageView) {
    let alone: BTreeMap<&str, u64> = view.checks.iter().map(|check| (check.id.as_str(), check.alone)).collect();
    for check in view.checks.iter().take(3) {
        let loss = LossView::new(catalog, scopes, &CheckId::new(&check.id).unwrap());
        assert_eq!(loss.lost.len() as u64, alone[check.id.as_str()], "{}", check.id);
        assert_eq!((loss.lost.len() + loss.reduced.len()) as u64, check.requirements, "{}", check.id);
        assert!(loss.lost.iter().all(|row| row.becomes != Automated));
    }
}
