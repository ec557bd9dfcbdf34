//! What is sealed comes back as it was, and the same inputs give the same bytes.

use std::fs;

use proofbook_checks::inventory::Assurance;
use proofbook_checks::resource::Resource;
use proofbook_checks::settings::ExcludeRule;
use proofbook_checks::{Reason, Verdict};
use proofbook_evidence::assessment::Coverage;
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::bundle::{Bundle, BundleError};
use proofbook_evidence::exception::Exceptions;
use proofbook_evidence::scope::Scopes;
use proofbook_evidence::verify;
use serde_json::json;

use crate::platform::{Platform, contents, manifest, one_run};

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let (_first, a) = one_run();
    let (_second, b) = one_run();
    assert_eq!(a.file_name(), b.file_name());
    assert_eq!(contents(&a), contents(&b));
}

#[test]
fn the_files_are_those_of_the_design() {
    let (_ledger, path) = one_run();
    let names: Vec<String> = contents(&path).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "assessment.json",
            "findings.ndjson.zst",
            "library.tar.zst",
            "manifest.json",
            "observations/kubernetes/namespaces.ndjson.zst",
            "observations/kubernetes/resourcequotas.ndjson.zst",
            "observations/listings.ndjson.zst",
            "requests.ndjson.zst",
            "values.ndjson",
            "verify.txt",
        ]
    );
    let run = manifest(&path).predicate;
    assert!(run.run_id.starts_with("20260601T000000Z-") && run.full && run.previous.is_none());
    assert_eq!(run.assurance, Assurance::Live);
    assert_eq!(run.sizes["verify.txt"], fs::metadata(path.join("verify.txt")).unwrap().len());
}

#[test]
fn the_inventory_comes_back_as_it_was() {
    let platform = Platform::new();
    let ledger = tempfile::tempdir().unwrap();
    let bundle = Bundle::open(&platform.seal(ledger.path()).path).unwrap();
    let catalog = platform.catalog();
    let mut before = platform.inventory(&platform.plan(&catalog));
    let after = bundle.inventory().unwrap();
    before.requests.sort();
    assert_eq!(after.requests, before.requests);
    assert_eq!(after.targets, before.targets);
    assert_eq!(after.listings.keys().collect::<Vec<_>>(), before.listings.keys().collect::<Vec<_>>());
    for (resource, listing) in &before.listings {
        let found = &after.listings[resource];
        assert_eq!((&found.completeness, &found.resource_version), (&listing.completeness, &listing.resource_version), "{resource}");
        assert_eq!(found.objects, listing.objects, "{resource}");
    }
}

#[test]
fn only_the_fields_that_are_read_are_sealed() {
    let (_ledger, path) = one_run();
    let bytes = zstd::decode_all(&*fs::read(path.join("observations/kubernetes/namespaces.ndjson.zst")).unwrap()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("ann") && !text.contains("unread"), "{text}");
}

#[test]
fn a_run_is_decided_again_and_equal() {
    let (_ledger, path) = one_run();
    let report = verify::verify(&path).unwrap();
    assert!(report.is_intact() && report.replayed, "{report}");
    assert_eq!(report.findings, 8);
    assert!(report.to_string().contains("UNSIGNED"), "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["deviations"], json!([]));
}

#[test]
fn what_could_not_be_looked_at_is_an_error_and_replays_as_one() {
    let (_ledger, path) = one_run();
    let bundle = Bundle::open(&path).unwrap();
    let assessment = bundle.assessment().unwrap();
    let of =
        |id: &str| assessment.checks.iter().find(|(check, _)| check.as_str() == id).map(|(_, check)| (check.status, check.reason)).unwrap();
    assert_eq!(of("vm-known"), (Verdict::Error, Reason::NotServed));
    assert_eq!(of("pod-known"), (Verdict::Error, Reason::NotPermitted));
    assert_eq!(of("node-probe"), (Verdict::Skipped, Reason::OptIn));
    assert_eq!(of("ns-owner"), (Verdict::Fail, Reason::NotAsPromised));
}

#[test]
fn whole_numbers_with_a_point_stay_numbers_with_a_point() {
    let (_ledger, path) = one_run();
    let bundle = Bundle::open(&path).unwrap();
    let values: Vec<String> = bundle.values().unwrap().iter().map(|value| serde_json::to_string(&value.distinct).unwrap()).collect();
    assert_eq!(values, ["[[1.0,3]]", r#"[["",1],["ann",2]]"#, "[[0.25,1],[0.30000000000000004,1],[1.0,1]]"]);
}

#[test]
fn fixtures_stay_out_of_the_sealed_library_and_attestations_go_in() {
    let ledger = tempfile::tempdir().unwrap();
    let platform = Platform::new().attested("2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let path = platform.seal(ledger.path()).path;
    let tar = zstd::decode_all(&*fs::read(path.join("library.tar.zst")).unwrap()).unwrap();
    let mut archive = tar::Archive::new(&*tar);
    let names: Vec<String> = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    assert!(names.contains(&"attestations/review.yaml".to_owned()) && names.contains(&"settings.json".to_owned()));
    assert!(names.iter().all(|name| !name.ends_with(".test.yaml")));
    assert!(verify::verify(&path).unwrap().is_intact());
}

#[test]
fn a_partial_run_says_so() {
    let ledger = tempfile::tempdir().unwrap();
    let sealed = Platform { only: Some("ns-quota"), ..Platform::new() }.seal(ledger.path());
    let run = manifest(&sealed.path).predicate;
    assert!(!run.full);
    assert_eq!(run.checks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ns-quota"]);
    assert!(verify::verify(&sealed.path).unwrap().is_intact());
}

#[test]
fn exclusions_and_requirements_are_sealed() {
    let ledger = tempfile::tempdir().unwrap();
    let mut platform = Platform::new();
    let exclude = vec![ExcludeRule { subject: "Namespace/b".to_owned(), reason: "going away".to_owned() }];
    platform.settings.checks.entry("ns-owner".parse().unwrap()).or_default().exclude = exclude;
    let sealed = platform.seal(ledger.path());
    let check = &sealed.assessment.checks["ns-owner"];
    assert_eq!((check.status, check.counts[&Verdict::Pass]), (Verdict::Pass, 2));
    assert!(check.population.excluded.iter().any(|excluded| excluded.reason == "going away" && excluded.count == 1));
    let made = &sealed.assessment.frameworks["made"];
    let coverage: Vec<Coverage> = made.values().map(|requirement| requirement.coverage).collect();
    assert_eq!(coverage, [Coverage::Automated, Coverage::Attested, Coverage::Customer, Coverage::None, Coverage::None]);
    assert!(verify::verify(&sealed.path).unwrap().is_intact());
}

#[test]
fn a_resource_cannot_name_a_file_outside_the_bundle() {
    let ledger = tempfile::tempdir().unwrap();
    // No check with such a resource loads, yet what is written must not depend on that.
    let platform = Platform::new();
    let catalog = platform.catalog();
    let plan = platform.plan(&catalog);
    let mut inventory = platform.inventory(&plan);
    let listing = inventory.listings.values().find(|listing| !listing.objects.is_empty()).cloned().unwrap();
    inventory.listings.insert(Resource::kubernetes("../../../evil"), listing);
    let inputs = proofbook_evidence::bundle::RunInputs {
        catalog: &catalog,
        files: &platform.files,
        plan: &plan,
        inventory: &inventory,
        attestations: &Attestations::default(),
        exceptions: &Exceptions::default(),
        scopes: &Scopes::default(),
        workspace: "made",
        environment: "prod",
        clock: platform.clock,
        tool_version: "0.0.0",
        collection: &proofbook_evidence::bundle::Collection::default(),
        freshness: &std::collections::BTreeMap::new(),
        ledger: &proofbook_evidence::ledger::Ledger::open(ledger.path()).unwrap(),
        full: true,
        pseudonyms: None,
    };
    let error = proofbook_evidence::bundle::scan_to_bundle(&inputs, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BundleError::Malformed { .. }), "{error}");
}

#[test]
fn fields_that_were_not_collected_stay_told_from_absent_ones() {
    let ledger = tempfile::tempdir().unwrap();
    let mut platform = Platform::new();
    // Measuring the whole subject, comparing cut-down maps, and lists with holes: whatever the run said, the replay says.
    let text = "id: whole\nversion: 1\ntitle: T\nseverity: low\nmethod: examine\nsubject: {resource: namespaces, population: p}\n\
        outcomes:\n  - {when: 'subject.metadata.?labels.?tenant.orValue(\"\") == \"x\"', verdict: pass}\n  - {verdict: fail, message: m}\n\
        measure: {all: subject, finalizers: 'size(subject.?spec.?finalizers.orValue([]))'}\n\
        proves: p\ndoes_not_prove: d\nremedy: r\nmanual: m\n";
    platform.files.insert("checks/library/made/whole.yaml", text);
    platform.objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "d"}, "spec": {"finalizers": [null, "k"]}}));
    let sealed = platform.seal(ledger.path());
    let report = verify::verify(&sealed.path).unwrap();
    assert!(report.is_intact(), "{report}");
}
