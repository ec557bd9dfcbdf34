//! People's names never reach evidence where the workspace has a key for pseudonyms, and every rule decides as before.

use std::collections::BTreeSet;
use std::path::Path;

use proofbook_checks::pseudonym::{Pseudonyms, is_pseudonym};
use serde_json::{Value as Json, json};

use crate::support::contents::{files_below, find_all, unpacked};
use crate::support::{AT, Finding, Workspace, data, facts};

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Names that stand in the cluster, each once known to the workspace and once not.
const PEOPLE: [&str; 3] = ["quokka.wombat@example.com", "quokka-sre", "quokka.numbat@example.com"];

// The committed cluster, with three people who hold everything.
fn cluster(to: &Path) {
    for (path, bytes) in files_below(&data("cluster-small")) {
        let name = Path::new(&path).file_name().unwrap().to_str().unwrap().trim_end_matches(".gz").to_owned();
        if !name.ends_with(".json") || name == "truth.json" {
            continue;
        }
        let (_, plain) = unpacked(&name, bytes).pop().unwrap();
        let mut list: Json = serde_json::from_slice(&plain).unwrap();
        if name.starts_with("clusterrolebindings") {
            for (at, person) in PEOPLE.iter().enumerate() {
                list["items"].as_array_mut().unwrap().push(json!({
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                    "metadata": {"name": format!("breakglass-{at}"), "uid": format!("b-{at}")},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person}]}));
            }
        }
        std::fs::write(to.join(name), list.to_string()).unwrap();
    }
}

fn workspace(pseudonyms: &Json) -> Workspace {
    let mut settings = json!({
        "workspace": "people", "facts": facts(),
        "parameters": {"cluster_admins": ["Group/system:masters", "User/quokka.wombat@example.com", "User/quokka-sre"]},
    });
    if !pseudonyms.is_null() {
        settings["pseudonyms"] = pseudonyms.clone();
    }
    let workspace = Workspace::with_settings(&settings);
    workspace.write("ws/people.key", format!("{KEY}\n"));
    workspace
}

// Everything that the program wrote; what the workspace says itself is its own affair.
fn written(workspace: &Workspace) -> impl Iterator<Item = (String, Vec<u8>)> {
    let files = files_below(workspace.folder()).into_iter().filter(|(name, _)| !name.ends_with("proofbook.yaml"));
    files.flat_map(|(name, bytes)| unpacked(&name, bytes))
}

fn holds(workspace: &Workspace, text: &str) -> bool {
    written(workspace).any(|(_, bytes)| !find_all(&bytes, text.as_bytes()).is_empty())
}

fn quokkas(workspace: &Workspace) -> Vec<String> {
    written(workspace).filter(|(_, bytes)| !find_all(&bytes.to_ascii_lowercase(), b"quokka").is_empty()).map(|(name, _)| name).collect()
}

#[test]
fn names_of_people_are_not_kept() {
    let dump = tempfile::tempdir().unwrap();
    cluster(dump.path());
    let scan = format!("--dump {} --at {AT}", dump.path().display());
    // As they are, where no key is there.
    let open = workspace(&Json::Null);
    let (_, plain) = open.scan(&scan);
    assert!(!quokkas(&open).is_empty());

    let closed = workspace(&json!({"key": "people.key"}));
    let (_, hidden) = closed.scan(&scan);
    closed.run(&format!("build --profile assessor --at {AT}")).ends_with(0);
    for format in ["auditor-zip", "oscal-ar", "sarif"] {
        closed.run(&format!("export --format {format} --at {AT} --out export.{format}")).ends_with(0);
    }
    assert_eq!(quokkas(&closed), Vec::<String>::new());

    // Every rule decides as before, and of people under their other names.
    let own = Pseudonyms::new(KEY.as_bytes()).unwrap();
    let decided = |findings: &[Finding], named: &dyn Fn(&str) -> String| {
        let all = findings.iter().map(|finding| {
            let subject = finding.subject();
            let subject = match subject.strip_prefix("User/") {
                Some(name) if !name.contains(':') => format!("User/{}", named(name)),
                _ => subject,
            };
            format!("{} {subject} {}", finding.check, finding.verdict)
        });
        all.collect::<BTreeSet<String>>()
    };
    let (before, after) = (decided(&plain, &|name| own.of(name)), decided(&hidden, &str::to_owned));
    assert_eq!(before.symmetric_difference(&after).collect::<Vec<_>>(), Vec::<&String>::new());
    let of = |at: usize| {
        let subject = format!("ClusterRoleBinding/breakglass-{at}");
        let found = hidden.iter().find(|finding| finding.check == "rbac-cluster-admin" && finding.subject() == subject);
        found.unwrap_or_else(|| panic!("{subject}")).verdict.as_str()
    };
    // Two are expected, under other names now too; one is not.
    assert_eq!([of(0), of(1), of(2)], ["pass", "pass", "fail"]);
    // What was kept in their place can be made again with the key, and with nothing else.
    let kept = own.of("quokka-sre");
    assert!(is_pseudonym(&kept) && holds(&closed, &kept) && !holds(&open, &kept));
    closed.run("verify").ends_with(0);
}

#[test]
fn a_key_that_is_none_ends_the_scan_before_anything_is_read() {
    let dump = data("cluster-small");
    for (pseudonyms, said) in [
        (json!({"key": "nowhere.key"}), "nowhere.key"),
        (json!({"key_env": "PROOFBOOK_NO_SUCH_KEY"}), "PROOFBOOK_NO_SUCH_KEY"),
        (json!({}), "name either `key`"),
    ] {
        let workspace = workspace(&pseudonyms);
        workspace.run(&format!("scan --dump {} --at {AT}", dump.display())).ends_with(2).without_result().says(&[said]);
    }
    let short = workspace(&json!({"key": "people.key"}));
    short.write("ws/people.key", "short\n");
    short.run(&format!("scan --dump {} --at {AT}", dump.display())).ends_with(2).says(&["holds 5 bytes", "openssl rand"]);
    assert!(!short.path("ws/evidence").join("people").exists());
}
