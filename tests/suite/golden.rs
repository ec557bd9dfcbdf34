//! Golden bundles: what earlier versions of the program sealed decides the same today, byte for byte.

use std::path::PathBuf;

use serde_json::json;

use crate::support::{Workspace, data};

fn folders(path: PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

#[test]
fn bundles_of_every_version_of_evaluation_are_replayed() {
    let workspace = Workspace::new("workspace: w");
    let mut replayed = 0;
    for version in folders(data("golden")) {
        let name = version.file_name().unwrap().to_str().unwrap().to_owned();
        let semantics: u64 = name.strip_prefix("semantics-").unwrap().parse().unwrap();
        for bundle in folders(version) {
            let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(bundle.join("manifest.json")).unwrap()).unwrap();
            assert_eq!(manifest["predicate"]["semantics"], semantics, "{}", bundle.display());
            let ran = workspace.bare(["verify".as_ref(), bundle.as_os_str(), "--format".as_ref(), "json".as_ref()]).ends_with(0);
            let report = ran.json();
            assert_eq!((&report["replayed"], &report["deviations"]), (&json!(true), &json!([])), "{report}");
            assert!(report["findings"].as_u64().unwrap() > 500, "{report}");
            replayed += 1;
        }
    }
    assert!(replayed > 0, "there are no golden bundles");
}
