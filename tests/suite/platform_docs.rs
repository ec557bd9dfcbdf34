//! The documents of the example platforms: in the compliant variant each promise is backed or attested, in the drifted one exactly
//! the promises of `expected-docs.yaml` are contradicted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value as Json;

use crate::platforms::workspace_of;
use crate::support::{root, skipped};

fn documents_come_to_what_is_expected(name: &str, variant: &str) {
    let platform = root().join("platforms").join(name);
    let text = fs::read_to_string(platform.join("expected-docs.yaml")).unwrap();
    let expected: BTreeMap<String, BTreeSet<String>> = serde_saphyr::from_str(&text).unwrap();

    let (workspace, endpoint) = workspace_of(name, variant);
    if name == "eidp" && endpoint.is_none() {
        return skipped("the documents of EIDP", "openssl is missing");
    }
    let (_, _) = workspace.scan(&format!("-e {variant} --fail-on fail"));
    let ran = workspace.run(&format!("-e {variant} docs check --at 2026-11-20T04:00:00Z --format json"));
    let told: Json = serde_json::from_str(&ran.ends_with(i32::from(!expected[variant].is_empty())).stdout).unwrap();
    let mut contradicted = BTreeSet::new();
    for notice in told["diagnostics"].as_array().unwrap() {
        match notice["verdict"].as_str().unwrap() {
            "backed" | "attested" => {}
            "contradicted" => drop(contradicted.insert(notice["claim"].as_str().unwrap().to_owned())),
            other => panic!("{other}: {notice}"),
        }
    }
    assert_eq!(contradicted, expected[variant]);
}

#[test]
fn documents_of_unstructured() {
    documents_come_to_what_is_expected("unstructured", "compliant");
    documents_come_to_what_is_expected("unstructured", "drifted");
}

#[test]
fn documents_of_enclii() {
    documents_come_to_what_is_expected("enclii", "compliant");
    documents_come_to_what_is_expected("enclii", "drifted");
}

#[test]
fn documents_of_eidp() {
    documents_come_to_what_is_expected("eidp", "compliant");
    documents_come_to_what_is_expected("eidp", "drifted");
}
