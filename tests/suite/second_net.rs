//! Credentials that no collector masked: they stand in a recording, which is read back as it lies there. None of them reaches
//! evidence, and what was taken out is counted in the manifest.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::support::contents::{files_below, find_all, unpacked};
use crate::support::{AT, Ran, Workspace, data, facts};

/// Stands in every planted credential.
const CORE: &str = "zQ7xKv9wT4mB2nR8";

// A recording of the committed cluster, made by a workspace of its own.
fn recording() -> (Workspace, Ran, PathBuf) {
    let workspace = Workspace::with_settings(&json!({"workspace": "planted", "facts": facts()}));
    let (ran, _) = workspace.scan(&format!("--dump {} --at {AT} --record recorded", data("cluster-small").display()));
    let recorded = workspace.path("recorded");
    assert!(recorded.join("recording.json").is_file());
    (workspace, ran, recorded)
}

// Plants a credential in every value of a label that was kept, and in why a listing failed. Returns how many.
fn plant(recorded: &Path) -> u64 {
    let mut planted = 0;
    let mut credential = || {
        planted += 1;
        format!("ghp_{CORE}{planted:05}")
    };
    // What failed to be listed is not read, so nothing is planted there.
    let read = |path: &str| path.ends_with(".ndjson") && !path.contains("networkpolicies");
    for (path, bytes) in files_below(recorded).into_iter().filter(|(path, _)| read(path)) {
        let lines = std::str::from_utf8(&bytes).unwrap().lines().map(|line| {
            let mut object: Json = serde_json::from_str(line).unwrap();
            let labels = object.pointer_mut("/metadata/labels").and_then(Json::as_object_mut);
            labels.into_iter().flat_map(serde_json::Map::values_mut).filter(|value| value.is_string()).for_each(|value| {
                *value = credential().into();
            });
            format!("{object}\n")
        });
        let text = lines.collect::<Vec<_>>().concat();
        std::fs::write(path, text).unwrap();
    }
    let path = recorded.join("recording.json");
    let mut recording: Json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let detail = format!("https://app:{CORE}@cluster.example said no");
    recording["resources"]["kubernetes/networkpolicies.networking.k8s.io"]["completeness"] =
        json!({"state": "failed", "reason": "not-permitted", "detail": detail});
    std::fs::write(path, recording.to_string()).unwrap();
    planted + 1
}

// The files below the evidence and the exports that hold a planted credential.
fn leaks(workspace: &Workspace) -> Vec<String> {
    let files = files_below(workspace.folder()).into_iter().filter(|(name, _)| !name.contains("/recorded/"));
    let parts = files.flat_map(|(name, bytes)| unpacked(&name, bytes));
    parts.filter(|(_, bytes)| !find_all(bytes, CORE.as_bytes()).is_empty()).map(|(name, _)| name).collect()
}

fn removed(workspace: &Workspace, ran: &Ran) -> u64 {
    let manifest = std::fs::read(workspace.folder().join(ran.path()).join("manifest.json")).unwrap();
    let manifest: Json = serde_json::from_slice(&manifest).unwrap();
    manifest["predicate"]["collection"]["redactions"]["secret"].as_u64().unwrap_or(0)
}

#[test]
fn what_a_recording_lets_through_is_taken_out_and_counted() {
    let (workspace, first, recorded) = recording();
    let before = removed(&workspace, &first);
    let planted = plant(&recorded);
    assert!(planted > 50, "{planted}");

    let (ran, findings) = workspace.scan(&format!("--dump {} --at {AT}", recorded.display()));
    assert!(!ran.stdout.contains(CORE) && !ran.stderr.contains(CORE), "{ran:?}");
    let told = findings.iter().filter(|finding| finding.message.contains("[removed: url-password]")).count();
    assert!(told > 0, "why a listing failed is told by nobody");
    for format in ["auditor-zip", "records", "sarif"] {
        workspace.run(&format!("export --format {format} --at {AT} --out export.{format}")).ends_with(0);
    }
    assert_eq!(leaks(&workspace), Vec::<String>::new());
    assert_eq!(removed(&workspace, &ran), before + planted);
    // Rules decide again as they did: they saw the same.
    workspace.run("verify").ends_with(0);
    // Who is handed the archive is told.
    let archive = std::fs::read(workspace.path("export.auditor-zip")).unwrap();
    let (_, readme) = unpacked("a.zip", archive).into_iter().find(|(name, _)| name.ends_with("README.md")).unwrap();
    let said = format!("{0} values removed: {0} secrets", before + planted);
    assert!(String::from_utf8(readme).unwrap().contains(&said), "{said}");
}

#[test]
fn a_parameter_that_holds_a_credential_ends_the_scan() {
    let url = format!("https://app:{CORE}@shop.example");
    let workspace =
        Workspace::with_settings(&json!({"workspace": "planted", "facts": facts(), "parameters": {"allowed_registries": [url]}}));
    let ran = workspace.run(&format!("scan --dump {} --at {AT}", data("cluster-small").display())).ends_with(2).without_result();
    assert!(ran.stderr.contains("`allowed_registries` holds a credential") && !ran.stderr.contains(CORE), "{ran:?}");
    assert!(!workspace.path("ws/evidence/planted").exists());
}
