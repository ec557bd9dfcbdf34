//! Dumps that were damaged anyhow: they are read to an end, and what is not whole is said to be so.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proofbook_checks::inventory::Completeness;
use proptest::prelude::*;
use proptest::sample::Index;

use super::changes::{changed, changes, config};
use super::read_files;

fn list() -> Vec<u8> {
    let item = |n: usize| {
        format!("{{\"metadata\": {{\"name\": \"n{n}\", \"uid\": \"u{n}\"}}, \"spec\": {{\"a\": [1, 2.5, null, true, \"\\u00e4\"]}}}}")
    };
    let items: Vec<String> = (0..4).map(item).collect();
    format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"NamespaceList\", \"metadata\": {{\"resourceVersion\": \"7\"}}, \"items\": [{}]}}",
        items.join(",")
    )
    .into_bytes()
}

const YAML: &str = "apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {x: &anchor 'text'}}
spec:
  finalizers: [kubernetes]
  text: |
    of lines
---
apiVersion: v1
kind: Namespace
metadata:
  name: b
  labels: {<<: {y: z}}
";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

// Reads a file; what it holds is whole, or its reason says why it is not.
fn read(name: &str, bytes: &[u8]) {
    let inventory = read_files(&[(name, bytes), ("dump.yaml", b"absent: [pods]\n")], &["namespaces"]);
    for (resource, listing) in &inventory.listings {
        if let Completeness::Failed { detail, .. } = &listing.completeness {
            assert!(!detail.is_empty() && !detail.contains('\n'), "{resource}: {detail:?}");
        }
    }
}

#[test]
fn damaged_dumps_are_read_to_an_end() {
    let samples = [("namespaces.json", list()), ("objects.yaml", YAML.into()), ("namespaces.json.gz", gzip(&list()))];
    proptest!(config(400), |(sample in any::<Index>(), changes in changes())| {
        let (name, bytes) = &samples[sample.index(samples.len())];
        read(name, &changed(bytes, &changes));
    });
}

#[test]
fn damage_beneath_the_compression_is_told_too() {
    let list = list();
    proptest!(config(200), |(changes in changes())| read("namespaces.json.gz", &gzip(&changed(&list, &changes))));
}

#[test]
fn files_without_form_are_read_to_an_end() {
    let names = ["namespaces.json", "objects.yaml", "namespaces.json.gz"];
    proptest!(config(200), |(name in any::<Index>(), bytes in prop::collection::vec(any::<u8>(), 0..300))| {
        read(names[name.index(names.len())], &bytes);
    });
}

#[test]
fn the_samples_themselves_are_whole() {
    for (name, bytes) in [("namespaces.json", list()), ("objects.yaml", YAML.into()), ("namespaces.json.gz", gzip(&list()))] {
        let inventory = read_files(&[(name, &bytes)], &["namespaces"]);
        assert_eq!(*super::completeness(&inventory, "namespaces"), Completeness::Complete, "{name}");
    }
}
