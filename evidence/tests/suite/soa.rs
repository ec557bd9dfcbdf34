//! The statement of applicability: all rows of Annex A, each with its justification and what the evidence proposes.

use std::sync::LazyLock;

use proofbook_checks::{Catalog, Verdict};
use proofbook_controls::{FrameworkId, RequirementId};
use proofbook_evidence::assessment::Assessment;
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::rollup;
use proofbook_evidence::scope::{Scope, Scopes};
use proofbook_evidence::views::soa::{Implemented, SoaView, Times};

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}")));

fn scopes(exclude: &[(&str, &str)]) -> Scopes {
    let framework = FrameworkId::new("iso27001-2022").unwrap();
    let exclude = exclude.iter().map(|(id, reason)| (RequirementId::new(id).unwrap(), (*reason).to_owned())).collect();
    Scopes([(framework.clone(), Scope { framework, level: None, exclude })].into())
}

/// The statement where every control but some has one status.
fn made(scopes: &Scopes, status: Verdict, but: &[(&str, Verdict)]) -> SoaView {
    let mut assessment = Assessment::default();
    for control in CATALOG.controls.controls.values() {
        let own = but.iter().find(|(id, _)| *id == control.id.as_str()).map_or(status, |(_, status)| *status);
        let mut rolled = rollup::roll(control, |_| own, |_| own);
        rolled.status = own;
        assessment.controls.insert(control.id.clone(), rolled);
    }
    rollup::requirements(&CATALOG.controls, scopes, &mut assessment);
    let times = Times { collected_at: "2026-06-01T00:00:00Z".parse().unwrap(), as_of: "2026-06-01T06:00:00Z".parse().unwrap() };
    SoaView::new(&CATALOG, scopes, &assessment, &Attestations::default(), times).unwrap()
}

#[test]
fn all_93_rows_are_there_in_order() {
    let view = made(&scopes(&[]), Verdict::Pass, &[]);
    let series = |prefix: &str| view.rows.iter().filter(|row| row.id.starts_with(prefix)).count();
    assert_eq!((view.rows.len(), series("A.5."), series("A.6."), series("A.7."), series("A.8.")), (93, 37, 8, 14, 34));
    assert_eq!((view.applicable, view.excluded), (93, 0));
    assert_eq!(view.implemented.values().sum::<u64>(), view.applicable);
    assert_eq!((view.rows[0].id.as_str(), view.rows[92].id.as_str()), ("A.5.1", "A.8.34"));
    assert!(view.rows.iter().all(|row| !row.justification.is_empty() && !row.responsibility.is_empty()));
}

#[test]
fn what_is_excluded_says_why_and_is_not_implemented() {
    let view = made(&scopes(&[("A.8.30", "nobody outside writes code")]), Verdict::Pass, &[]);
    let row = view.rows.iter().find(|row| row.id == "A.8.30").unwrap();
    assert_eq!((row.applicable, row.implemented, row.justification.as_str()), (false, None, "nobody outside writes code"));
    assert_eq!((view.applicable, view.excluded), (92, 1));
    assert_eq!(view.implemented.values().sum::<u64>(), 92);
}

#[test]
fn implemented_is_proposed_only_where_everything_mapped_is_good() {
    let of = |status, but: &[(&str, Verdict)]| {
        made(&scopes(&[]), status, but).rows.into_iter().find(|row| row.id == "A.8.24").unwrap().implemented
    };
    assert_eq!(of(Verdict::Pass, &[]), Some(Implemented::Yes));
    assert_eq!(of(Verdict::Manual, &[]), Some(Implemented::Yes));
    for bad in [Verdict::Fail, Verdict::Error, Verdict::Stale, Verdict::Skipped, Verdict::Exception] {
        assert_eq!(of(bad, &[]), Some(Implemented::No), "{bad}");
        assert_eq!(of(Verdict::Pass, &[("encryption-in-transit", bad)]), Some(Implemented::Partly), "{bad}");
    }
    assert_eq!(of(Verdict::NotApplicable, &[]), Some(Implemented::NotShown), "nothing that applies shows anything");
    let unmapped = made(&scopes(&[]), Verdict::Pass, &[]).rows.into_iter().filter(|row| row.controls.is_empty());
    assert!(unmapped.into_iter().all(|row| row.implemented == Some(Implemented::NotShown)));
}

#[test]
fn a_row_names_what_it_rests_on_and_what_else_asks_for_it() {
    let row = made(&Scopes::default(), Verdict::Fail, &[]).rows.into_iter().find(|row| row.id == "A.8.24").unwrap();
    assert!(row.controls.iter().any(|control| control.id == "encryption-in-transit" && control.status == Verdict::Fail), "{row:?}");
    assert!(row.checks.contains_key("tls-min-version"), "{row:?}");
    assert!(
        row.justification.starts_with("baseline; the same controls serve ") && row.justification.contains("SOC 2 (CC"),
        "{}",
        row.justification
    );
    let only = made(&scopes(&[]), Verdict::Fail, &[]).rows.into_iter().find(|row| row.id == "A.8.24").unwrap();
    assert!(!only.justification.contains("SOC 2"), "a framework that is not in scope asks for nothing: {}", only.justification);
    let physical = made(&scopes(&[]), Verdict::Pass, &[]).rows.into_iter().find(|row| row.id == "A.7.1").unwrap();
    assert!(physical.attested.iter().all(|statement| statement.status == Verdict::Error && statement.signed.is_none()), "{physical:?}");
    assert!(!physical.attested.is_empty());
}
