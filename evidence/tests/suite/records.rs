//! Evidence records: each fact of a run stands in every record that rests on it, and none can be changed or taken out unseen.

use std::collections::BTreeSet;

use proofbook_checks::inventory::Reason;
use proofbook_evidence::bundle::manifest::sha256_hex;
use proofbook_evidence::bundle::{Bundle, BundleError};
use proofbook_evidence::records::{SCHEMA, each};
use serde_json::{Value as Json, json};

use crate::platform::{CLOCK, one_run};

fn lines(bundle: &Bundle) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    each::<BundleError>(bundle, |line| {
        out.push(line.to_vec());
        Ok(())
    })
    .unwrap();
    out
}

fn records() -> (Vec<Json>, String) {
    let (_ledger, path) = one_run();
    let bundle = Bundle::open(&path).unwrap();
    let read = lines(&bundle).iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
    (read, bundle.manifest_sha256().to_owned())
}

fn of<'r>(records: &'r [Json], check: &str, name: &str) -> &'r Json {
    let found = records.iter().find(|record| record["check"]["id"] == check && record["subject"]["name"] == name);
    found.unwrap_or_else(|| panic!("no record of {check} about {name}"))
}

#[test]
fn a_record_says_what_was_looked_at_by_whom_and_what_was_decided() {
    let (records, manifest) = records();
    let record = of(&records, "ns-owner", "a");
    assert_eq!(record["schema"], SCHEMA);
    assert_eq!((&record["workspace"], &record["environment"]), (&json!("made"), &json!("prod")));
    assert_eq!(record["parameters"], json!({"floor": {"value": 1, "source": "workspace"}}));
    assert_eq!(record["subject"]["id"], "Namespace/a");
    assert_eq!(record["subject"]["location"], json!(["kubernetes/cluster uid-1"]));
    assert_eq!((&record["population"]["enumerated"], &record["population"]["count"]), (&json!(4), &json!(3)));
    assert_eq!(record["population"]["complete"], true);
    assert_eq!(record["population"]["excluded"][0]["count"], 1);
    assert_eq!(record["population"]["listings"][0]["resource_version"], "77");
    assert_eq!(record["actors"][0]["identity"], "reader");
    assert_eq!(record["time_source"][0]["offset_ms"], 3);
    assert_eq!((&record["observed_period"]["from"], &record["observed_period"]["to"]), (&json!(CLOCK), &json!(CLOCK)));
    assert_eq!((&record["evaluation"]["verdict"], &record["evaluation"]["reason_code"]), (&json!("pass"), &json!("as-promised")));
    assert_eq!(record["evaluation"]["measured"], json!({"owner": "ann", "floor": 1}));
    assert_eq!(record["validity"], json!({"fresh_until": "2026-06-02T00:00:00Z", "window_hours": 24, "class": "live-config"}));
    assert_eq!(record["controls"], json!([{"id": "owned", "required": true}]));
    assert_eq!(record["seal"]["manifest_sha256"], manifest.as_str());
}

#[test]
fn requests_are_those_of_the_resources_behind_the_check() {
    let (records, _) = records();
    for (check, name, path) in [("ns-owner", "a", "/api/v1/namespaces"), ("ns-quota", "quota", "/api/v1/resourcequotas")] {
        let requests = of(&records, check, name)["collection"]["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert_eq!((&requests[0]["path"], &requests[0]["status"], &requests[0]["items"]), (&json!(path), &json!("200"), &json!(3)));
        assert_eq!(requests[0]["continue_exhausted"], true);
    }
}

#[test]
fn normalised_holds_the_fields_that_the_check_reads_and_no_others() {
    let (records, _) = records();
    let normalised = &of(&records, "ns-owner", "a")["normalised"];
    assert_eq!(normalised["subject"]["metadata"]["labels"], json!({"owner": "ann", "tenant": "x"}));
    let canonical = serde_json_canonicalizer::to_vec(&normalised["subject"]).unwrap();
    assert_eq!(normalised["sha256"], sha256_hex(&canonical));
}

#[test]
fn what_could_not_be_looked_at_is_a_record_about_the_population() {
    let (records, _) = records();
    let record = of(&records, "pod-known", "pod-known");
    assert_eq!(record["subject"]["type"], "Population");
    assert_eq!(record["population"]["complete"], false);
    assert_eq!((&record["evaluation"]["verdict"], &record["evaluation"]["reason_code"]), (&json!("error"), &json!("not-permitted")));
    assert_eq!(record["normalised"].get("subject"), None);
}

#[test]
fn records_are_chained_and_each_has_an_id_of_its_own() {
    let (records, _) = records();
    let mut before: Option<String> = None;
    let mut ids = BTreeSet::new();
    for (at, record) in records.iter().enumerate() {
        assert_eq!(record["chain"]["index"], at + 1);
        assert_eq!(record["chain"].get("prev_sha256").and_then(Json::as_str), before.as_deref());
        let own = record["chain"]["record_sha256"].as_str().unwrap().to_owned();
        let mut without = record.clone();
        without["chain"].as_object_mut().unwrap().remove("record_sha256");
        assert_eq!(own, sha256_hex(&serde_json_canonicalizer::to_vec(&without).unwrap()));
        assert!(ids.insert(record["id"].as_str().unwrap().to_owned()), "{}", record["id"]);
        assert_eq!(record["id"].as_str().unwrap().as_bytes()[14], b'5', "a UUID of version 5");
        before = Some(own);
    }
    assert!(!records.is_empty());
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    let (_ledger, path) = one_run();
    let bundle = Bundle::open(&path).unwrap();
    assert_eq!(lines(&bundle), lines(&bundle));
    for line in lines(&bundle) {
        let read: Json = serde_json::from_slice(&line).unwrap();
        assert_eq!([serde_json_canonicalizer::to_vec(&read).unwrap(), b"\n".to_vec()].concat(), line);
        // What is no reason of the closed list does not parse as one.
        serde_json::from_value::<Reason>(read["evaluation"]["reason_code"].clone()).unwrap();
    }
}
