//! Scope: it is sealed with the run, decides the roll-up, and decides it again.

use proofbook_controls::{FrameworkId, RequirementId};
use proofbook_evidence::assessment::Coverage;
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::scope::{Scope, Scopes};
use proofbook_evidence::verify::{self, DeviationKind};

use crate::platform::{Platform, edit, reseal};

fn scopes(id: &str, exclude: &[(&str, &str)]) -> Scopes {
    let framework = FrameworkId::new(id).unwrap();
    let exclude = exclude.iter().map(|(id, reason)| (RequirementId::new(id).unwrap(), (*reason).to_owned())).collect();
    Scopes([(framework.clone(), Scope { framework, level: None, exclude })].into())
}

#[test]
fn what_is_tailored_out_is_sealed_and_decided_again() {
    let ledger = tempfile::tempdir().unwrap();
    let whole = Platform::new().seal(ledger.path());
    let platform = Platform { scopes: scopes("made", &[("R2", "why")]), ..Platform::new() };
    let sealed = platform.seal(ledger.path());
    assert_ne!(whole.run_id, sealed.run_id);
    let coverage = |sealed: &proofbook_evidence::bundle::Sealed| sealed.assessment.frameworks["made"]["R2"].coverage;
    assert_eq!((coverage(&whole), coverage(&sealed)), (Coverage::Attested, Coverage::NotApplicable));
    assert!(sealed.assessment.frameworks["made"]["R2"].controls.is_empty());
    assert_eq!(Bundle::open(&sealed.path).unwrap().scopes(), &platform.scopes);
    assert!(Bundle::open(&whole.path).unwrap().scopes().is_empty());
    for path in [&whole.path, &sealed.path] {
        assert!(verify::verify(path).unwrap().is_intact());
    }
    // The same scope again is the same run.
    assert_eq!(platform.seal(ledger.path()).run_id, sealed.run_id);
}

#[test]
fn a_framework_that_is_not_in_scope_is_not_assessed() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = Platform { scopes: scopes("another", &[]), ..Platform::new() }.seal(ledger.path());
    assert!(sealed.assessment.frameworks.is_empty());
    // Controls and checks are looked at whatever is in scope.
    assert_eq!(sealed.assessment.controls.len(), 6);
    assert!(verify::verify(&sealed.path).unwrap().is_intact());
}

#[test]
fn a_scope_that_was_changed_and_sealed_anew_adds_up_to_something_else() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = Platform { scopes: scopes("made", &[("R2", "why")]), ..Platform::new() }.seal(ledger.path());
    edit(&sealed.path, "library.tar.zst", |text| text.replace(r#""exclude":{"R2":"why"}"#, r#""exclude":{"R1":"why"}"#));
    let report = verify::verify(&reseal(&sealed.path)).unwrap();
    let found: Vec<_> = report.deviations.iter().map(|deviation| (deviation.kind, deviation.file.as_str())).collect();
    assert_eq!(found, [(DeviationKind::Replay, "assessment.json")], "{report}");
}
