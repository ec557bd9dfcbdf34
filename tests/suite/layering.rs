//! The direction of imports, read from the manifests: a stage knows only the stages before it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Each crate with the crates of the project that it may depend on.
const ALLOWED: &[(&str, &str, &[&str])] = &[
    ("controls", "proofbook-controls", &[]),
    ("checks", "proofbook-checks", &["proofbook-controls"]),
    ("checks/sources", "proofbook-sources", &["proofbook-controls", "proofbook-checks"]),
    ("evidence", "proofbook-evidence", &["proofbook-controls", "proofbook-checks"]),
    ("claims", "proofbook-claims", &["proofbook-controls", "proofbook-checks", "proofbook-evidence"]),
    ("exchange", "proofbook-exchange", &["proofbook-controls", "proofbook-checks", "proofbook-evidence"]),
    ("templates", "proofbook-documents", &["proofbook-controls", "proofbook-checks", "proofbook-evidence"]),
    // The site prints which words may be said of a status; they are data of the claims.
    ("site", "proofbook-site", &["proofbook-controls", "proofbook-checks", "proofbook-evidence", "proofbook-claims"]),
];

/// Crates that talk to a network, or cost minutes to compile, and the one crate that may name them.
const CONFINED: &[(&str, &str)] = &[
    ("kube", "proofbook-sources"),
    ("rustls", "proofbook-sources"),
    ("object_store", "proofbook-evidence"),
    ("typst", "proofbook-documents"),
    ("mdbook-driver", "proofbook-site"),
];

fn dependencies(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn a_stage_knows_only_the_stages_before_it() {
    for (folder, name, allowed) in ALLOWED {
        let own: Vec<String> = dependencies(folder).into_iter().filter(|dependency| dependency.starts_with("proofbook-")).collect();
        for dependency in own {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn networks_and_dear_dependencies_are_confined() {
    let by_crate: BTreeMap<&str, BTreeSet<String>> = ALLOWED.iter().map(|(folder, name, _)| (*name, dependencies(folder))).collect();
    for (dependency, only) in CONFINED {
        for (name, dependencies) in &by_crate {
            assert!(name == only || !dependencies.contains(*dependency), "{name} must not depend on {dependency}");
        }
    }
}
