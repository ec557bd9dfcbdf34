//! Drift: what is told as better or worse must have been looked at on both sides.

use proofbook_checks::inventory::{Completeness, Listing, Reason};
use proofbook_checks::resource::Resource;
use proofbook_checks::settings::{CheckSettings, ExcludeRule, ParamSetting};
use proofbook_checks::{Plan, Verdict};
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::diff::{ChangeClass, Diff, Side, compare};
use serde_json::json;

use crate::platform::Platform;

const LATER: &str = "2026-06-02T00:00:00Z";

fn between(older: &Platform, newer: &Platform) -> Diff {
    let ledger = tempfile::tempdir().unwrap();
    let open = |platform: &Platform| Side::sealed(&Bundle::open(&platform.seal(ledger.path()).path).unwrap()).unwrap();
    compare(&open(older), &open(&newer.clone().at(LATER)))
}

// The class of the change of a check about a subject.
fn class(diff: &Diff, check: &str, subject: &str) -> Option<(ChangeClass, bool)> {
    let found = diff.findings.iter().find(|change| change.check == check && change.subject == subject)?;
    Some((found.class, found.worse))
}

fn why(diff: &Diff, check: &str, subject: Option<&str>) -> Option<String> {
    let found = diff.incomparable.iter().find(|found| found.check == check && found.subject.as_deref() == subject)?;
    Some(found.why.clone())
}

// Sets the owner of a namespace of the platform; an empty one is none.
fn own(platform: &mut Platform, at: usize, owner: &str) {
    platform.objects[at]["metadata"]["labels"]["owner"] = json!(owner);
}

fn exclude(platform: &mut Platform, check: &str, subject: &str) {
    let rule = ExcludeRule { subject: subject.to_owned(), reason: "is being taken down".to_owned() };
    platform.settings.checks.insert(check.parse().unwrap(), CheckSettings { exclude: vec![rule], ..CheckSettings::default() });
}

#[test]
fn the_same_platform_a_day_later_has_not_changed() {
    let diff = between(&Platform::new(), &Platform::new());
    assert!(diff.is_empty() && !diff.is_worse() && !diff.lost_sight(), "{diff:?}");
}

#[test]
fn a_verdict_that_turned_is_fixed_or_regressed() {
    let (older, mut newer) = (Platform::new(), Platform::new());
    own(&mut newer, 0, "");
    own(&mut newer, 1, "bob");
    own(&mut newer, 2, "cem");
    let diff = between(&older, &newer);
    assert_eq!(class(&diff, "ns-owner", "Namespace/a"), Some((ChangeClass::Regressed, true)));
    assert_eq!(class(&diff, "ns-owner", "Namespace/b"), Some((ChangeClass::Fixed, false)));
    assert_eq!(class(&diff, "ns-owner", "Namespace/c"), Some((ChangeClass::Changed, false)), "another owner");
    assert_eq!((diff.findings.len(), diff.incomparable.len(), diff.is_worse()), (3, 0, true), "{diff:?}");
    assert_eq!(diff.findings[0].class, ChangeClass::Regressed, "the worst comes first");
}

#[test]
fn subjects_come_and_go_and_a_new_failure_is_worse() {
    let (older, mut newer) = (Platform::new(), Platform::new());
    newer.objects.remove(1);
    newer.objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "d", "labels": {"tenant": "x"}}}));
    let diff = between(&older, &newer);
    assert_eq!(class(&diff, "ns-owner", "Namespace/b"), Some((ChangeClass::Gone, false)), "gone is not fixed");
    assert_eq!(class(&diff, "ns-owner", "Namespace/d"), Some((ChangeClass::New, true)));
    assert!(diff.is_worse() && !diff.lost_sight());
}

#[test]
fn a_failure_that_nobody_looked_for_again_is_not_fixed() {
    let ledger = tempfile::tempdir().unwrap();
    let older = Platform::new().seal(ledger.path());
    // The listing of namespaces breaks off, and with it the failing one is not seen.
    let newer = Platform::new().at(LATER);
    let catalog = newer.catalog();
    let plan: Plan<'_> = newer.plan(&catalog);
    let mut inventory = newer.inventory(&plan);
    inventory.listings.insert(Resource::kubernetes("namespaces"), Listing::failed(Reason::IncompleteList, "broke off"));
    let newer = newer.seal_inventory(ledger.path(), &inventory);
    let open = |path| Side::sealed(&Bundle::open(path).unwrap()).unwrap();
    let diff = compare(&open(&older.path), &open(&newer.path));
    assert!(diff.findings.iter().all(|change| change.check != "ns-owner"), "{:?}", diff.findings);
    assert!(why(&diff, "ns-owner", None).unwrap().contains("incomplete-list"), "{:?}", diff.incomparable);
    assert!(diff.lost_sight() && !diff.is_worse());
    let population = diff.populations.iter().find(|change| change.check == "ns-owner").unwrap();
    assert!(population.older.complete && !population.newer.complete);
    // The other way round it is seen again, which fixes nothing either.
    let back = compare(&open(&newer.path), &open(&older.path));
    assert!(why(&back, "ns-owner", None).is_some() && !back.lost_sight());
    assert_eq!(inventory.completeness(&Resource::kubernetes("resourcequotas")), &Completeness::Complete);
}

#[test]
fn what_was_left_out_or_not_selected_is_not_comparable() {
    let (older, mut newer) = (Platform::new(), Platform::new());
    exclude(&mut newer, "ns-owner", "Namespace/b");
    let diff = between(&older, &newer);
    assert!(why(&diff, "ns-owner", Some("Namespace/b")).unwrap().contains("being taken down"), "{diff:?}");
    assert_eq!(class(&diff, "ns-owner", "Namespace/b"), None);
    newer.only = Some("ns-quota");
    let diff = between(&older, &newer);
    assert!(why(&diff, "ns-owner", None).unwrap().contains("did not select"));
    assert!(!diff.newer.full && diff.older.full && !diff.lost_sight());
}

#[test]
fn parameters_and_rules_are_told_beside_the_verdict_that_they_may_have_turned() {
    let (older, mut newer) = (Platform::new(), Platform::new());
    newer.settings.parameters.insert("floor".to_owned(), ParamSetting::Plain(json!(2.0)));
    let diff = between(&older, &newer);
    let change = diff.findings.iter().find(|change| change.subject == "Namespace/a").unwrap();
    assert_eq!((change.class, change.beside.as_slice()), (ChangeClass::Regressed, &["parameters".to_owned()][..]));
    assert_eq!(diff.parameters.len(), 1);
    assert_eq!(diff.parameters[0].newer.as_ref().map(|parameter| &parameter.value), Some(&json!(2.0)));
}

#[test]
fn another_library_over_the_same_bundle_shows_what_it_changes() {
    let ledger = tempfile::tempdir().unwrap();
    let platform = Platform::new();
    let bundle = Bundle::open(&platform.seal(ledger.path()).path).unwrap();
    let sealed = Side::sealed(&bundle).unwrap();
    assert!(compare(&sealed, &Side::decided_by(&bundle, &platform.files, "same").unwrap()).is_empty());

    let path = "checks/library/made/ns-quota.yaml";
    let stricter = platform.files.get(path).unwrap().replace(">= 0.5", ">= 0.2");
    assert_ne!(stricter, platform.files.get(path).unwrap());
    let mut files = platform.files.clone();
    files.insert(path, stricter);
    let diff = compare(&sealed, &Side::decided_by(&bundle, &files, "other").unwrap());
    assert_eq!(class(&diff, "ns-quota", "ResourceQuota/c/quota"), Some((ChangeClass::Fixed, false)), "{diff:?}");
    assert_eq!(diff.findings[0].beside, ["rule"]);
    assert_eq!(diff.rules.len(), 1);
}

#[test]
fn a_rule_that_reads_what_was_not_collected_decides_nothing() {
    let ledger = tempfile::tempdir().unwrap();
    let platform = Platform::new();
    let bundle = Bundle::open(&platform.seal(ledger.path()).path).unwrap();
    let path = "checks/library/made/ns-quota.yaml";
    let mut files = platform.files.clone();
    files.insert(
        path,
        platform.files.get(path).unwrap().replace("double(subject.spec.share) >= 0.5", "subject.spec.?other.orValue(1) == 1"),
    );
    let diff = compare(&Side::sealed(&bundle).unwrap(), &Side::decided_by(&bundle, &files, "other").unwrap());
    assert!(diff.findings.iter().all(|change| change.check != "ns-quota"), "{diff:?}");
    let why = why(&diff, "ns-quota", None).unwrap();
    assert!(why.contains("was not collected") && why.contains("other"), "{why}");
}

#[test]
fn a_loss_of_rights_is_told() {
    let ledger = tempfile::tempdir().unwrap();
    let platform = Platform::new();
    let catalog = platform.catalog();
    let plan = platform.plan(&catalog);
    let mut inventory = platform.inventory(&plan);
    let mut seal = |at: &str, rights: &str| {
        inventory.targets[0].actor.rights_sha256 = Some(rights.to_owned());
        let sealed = platform.clone().at(at).seal_inventory(ledger.path(), &inventory);
        Side::sealed(&Bundle::open(&sealed.path).unwrap()).unwrap()
    };
    let (older, newer) = (seal("2026-06-01T00:00:00Z", "aa"), seal(LATER, "bb"));
    let diff = compare(&older, &newer);
    assert_eq!(diff.rights.len(), 1);
    assert_eq!((&*diff.rights[0].target, diff.rights[0].what), ("kubernetes/cluster", "rights"));
    assert!(!diff.is_empty() && !diff.is_worse());
}

#[test]
fn a_cluster_of_another_uid_is_another_platform() {
    let ledger = tempfile::tempdir().unwrap();
    let platform = Platform::new();
    let catalog = platform.catalog();
    let plan = platform.plan(&catalog);
    let mut inventory = platform.inventory(&plan);
    let older = platform.seal(ledger.path());
    inventory.targets[0].identity = "uid-2".to_owned();
    let mut other = platform.clone().at(LATER);
    own(&mut other, 1, "bob");
    let newer = other.seal_inventory(ledger.path(), &{
        let mut moved = other.inventory(&plan);
        moved.targets.clone_from(&inventory.targets);
        moved
    });
    let open = |path| Side::sealed(&Bundle::open(path).unwrap()).unwrap();
    let diff = compare(&open(&older.path), &open(&newer.path));
    assert!(diff.findings.is_empty(), "{:?}", diff.findings);
    assert!(why(&diff, "ns-owner", None).unwrap().contains("targets of kubernetes"));
    assert_eq!(diff.incomparable[0].older.get(&Verdict::Fail), Some(&1));
}
