//! The program's own checks from the command line: what it knows of its runs, its ledger, what was published and what is said, judged
//! like anything else and sealed with the run.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::support::server::{Reply, Server};
use crate::support::{AT, Finding, Workspace, facts};

const OWN: [&str; 6] =
    ["artifact-values-current", "collector-health", "docs-claims-backed", "evidence-freshness", "exceptions-valid", "ledger-integrity"];

const LATER: &str = "2026-11-01T12:00:00Z";

fn workspace() -> Workspace {
    let enabled: serde_json::Map<String, Json> = OWN.iter().map(|id| ((*id).to_owned(), json!({"enabled": true}))).collect();
    let role = |approves: bool, person: &str| json!({"approves": approves, "holders": [{"person_ref": person, "from": "2024-01-01"}]});
    let workspace = Workspace::with_settings(&json!({
        "workspace": "w", "facts": facts(), "checks": enabled,
        "roles": {"CISO": role(true, "p-1"), "Head of operations": role(false, "p-2")},
    }));
    workspace.write("ws/docs/a.md", "All nodes run in Japan.\n");
    workspace
}

/// A dump of a node in Frankfurt and a namespace with the level that it enforces.
fn dump(workspace: &Workspace, name: &str, level: &str) -> PathBuf {
    let labels = json!({"topology.kubernetes.io/region": "eu-central-1"});
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "uid-n", "labels": labels}});
    let labels = json!({"proofbook.dev/tenant": "t", "pod-security.kubernetes.io/enforce": level});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "uid": "uid-a", "labels": labels}});
    for (file, kind, item) in [("nodes", "NodeList", node), ("namespaces", "NamespaceList", namespace)] {
        let list = json!({"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "1"}, "items": [item]});
        workspace.write(&format!("{name}/{file}.json"), list.to_string());
    }
    workspace.path(name)
}

// What the own checks say of each subject, and the bundle.
fn scan(workspace: &Workspace, dump: &Path, at: &str) -> (Vec<String>, Vec<Finding>, PathBuf) {
    let (ran, findings) = workspace.scan(&format!("--dump {} --at {at} --fail-on nothing", dump.display()));
    let bundle = workspace.folder().join(ran.ends_with(0).path());
    // A replay decides the same of what was sealed.
    let _ = workspace.run(&format!("verify {}", bundle.display())).ends_with(0);
    let own: Vec<Finding> = findings.into_iter().filter(|finding| OWN.contains(&&*finding.check)).collect();
    let told = own.iter().map(|finding| format!("{} {} {}", finding.check, finding.subject(), finding.verdict)).collect();
    (told, own, bundle)
}

fn message<'f>(findings: &'f [Finding], check: &str) -> &'f str {
    &findings.iter().find(|finding| finding.check == check).unwrap().message
}

#[test]
fn runs_publications_and_documentation_are_judged_by_the_run_before() {
    let workspace = workspace();
    let (before, after) = (dump(&workspace, "before", "restricted"), dump(&workspace, "after", "baseline"));
    let (first, ..) = scan(&workspace, &before, AT);
    let expected = [
        "artifact-values-current Population/artifact-values-current error",
        "collector-health Collector/kubernetes pass",
        "docs-claims-backed Page/docs/a.md error",
        "evidence-freshness Standing/default not-applicable",
        "exceptions-valid Population/exceptions-valid error",
        "ledger-integrity Ledger/default not-applicable",
    ];
    assert_eq!(first, expected, "nothing is there yet, and nothing passes for that");

    let _ = workspace.run(&format!("build --out out --profile customer --at {AT}")).ends_with(0);
    let (second, findings, _) = scan(&workspace, &after, LATER);
    let expected = [
        "artifact-values-current Publication/customer pass",
        "collector-health Collector/kubernetes pass",
        "docs-claims-backed Page/docs/a.md fail",
        "evidence-freshness Standing/default pass",
        "exceptions-valid Population/exceptions-valid error",
        "ledger-integrity Ledger/default pass",
    ];
    assert_eq!(second, expected, "{findings:#?}");
    assert!(message(&findings, "docs-claims-backed").contains("line 1"), "{findings:#?}");

    // Nobody printed anew, and nobody scanned for days.
    let (third, findings, _) = scan(&workspace, &after, "2026-11-05T00:00:00Z");
    assert!(third.contains(&"artifact-values-current Publication/customer fail".to_owned()), "{findings:#?}");
    assert!(third.contains(&"evidence-freshness Standing/default fail".to_owned()), "{findings:#?}");
    assert!(message(&findings, "evidence-freshness").contains("since 2026-11-02T12:00:00Z"), "{findings:#?}");

    // Another run with the same values leaves the publication current.
    let _ = workspace.run("build --out out --profile customer --at 2026-11-05T00:00:00Z").ends_with(0);
    workspace.write("ws/docs/a.md", "All nodes run in Germany.\n");
    let (fourth, findings, _) = scan(&workspace, &after, "2026-11-05T12:00:00Z");
    assert!(fourth.contains(&"artifact-values-current Publication/customer pass".to_owned()), "{findings:#?}");
    assert!(!message(&findings, "docs-claims-backed").contains("contradicted"), "{findings:#?}");
}

#[test]
fn a_ledger_that_was_damaged_between_runs_is_told() {
    let workspace = workspace();
    let dump = dump(&workspace, "dump", "restricted");
    let (_, _, first) = scan(&workspace, &dump, AT);
    let (_, _, second) = scan(&workspace, &dump, LATER);
    std::fs::remove_file(first.join("values.ndjson")).unwrap();
    let (told, findings, third) = scan(&workspace, &dump, "2026-11-01T13:00:00Z");
    assert!(told.contains(&"ledger-integrity Ledger/default fail".to_owned()), "{findings:#?}");
    assert!(message(&findings, "ledger-integrity").contains("values.ndjson"), "{findings:#?}");
    assert!(told.contains(&"evidence-freshness Standing/default pass".to_owned()), "{findings:#?} {}", second.display());

    // What is to be compared with a run that cannot be read is an error, and the scan goes on.
    let assessment = third.join("assessment.json");
    std::fs::write(&assessment, std::fs::read_to_string(&assessment).unwrap().replacen("pass", "fail", 1)).unwrap();
    let (told, findings, _) = scan(&workspace, &dump, "2026-11-01T14:00:00Z");
    for check in ["collector-health", "evidence-freshness"] {
        assert!(told.contains(&format!("{check} Population/{check} error")), "{findings:#?}");
    }
}

#[test]
fn a_list_that_was_refused_is_no_healthy_collector() {
    let server = Server::start();
    let workspace = Workspace::new("workspace: w");
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let scan = format!("--kubeconfig {} --check collector-health --check pss-enforced --fail-on nothing", kubeconfig.display());
    let health = || {
        let (_, findings) = workspace.scan(&scan);
        findings.into_iter().find(|finding| finding.subject() == "Collector/kubernetes").unwrap()
    };
    let healthy = health();
    assert_eq!(healthy.verdict, "pass", "{healthy:#?}");
    // Whoever is asked again and answers has answered.
    server.fault("/api/v1/namespaces", |n, _, _| (n == 0).then(|| Reply::status(503, "Unavailable")));
    assert_eq!(health().verdict, "pass");
    server.fault("/api/v1/namespaces", |_, _, _| Some(Reply::status(403, "Forbidden")));
    let refused = health();
    assert_eq!((&*refused.verdict, &*refused.reason_code), ("fail", "not-permitted"), "{refused:#?}");
    assert!(refused.message.contains("/api/v1/namespaces"), "{refused:#?}");
}

#[test]
fn an_exception_that_is_over_is_no_valid_one() {
    let workspace = workspace();
    let dump = dump(&workspace, "dump", "baseline");
    let except = |id: &str, until: &str| {
        let args = ["except", "pss-enforced", "--subject", "Namespace/a", "--reason", "It goes away.", "--requester", "Head of operations"];
        let more = ["--approver", "CISO", "--ticket", "OPS-1", "--created", "2026-10-01T00:00:00Z", "--id", id, "--expires", until];
        workspace.bare(args.into_iter().chain(more).chain(["-C", "ws"])).ends_with(0)
    };
    let _ = except("EX-over", "2026-10-20T00:00:00Z");
    let _ = except("EX-counts", "2026-12-20T00:00:00Z");
    let (told, findings, _) = scan(&workspace, &dump, AT);
    assert!(told.contains(&"exceptions-valid Deviation/EX-over fail".to_owned()), "{findings:#?}");
    assert!(told.contains(&"exceptions-valid Deviation/EX-counts pass".to_owned()), "{findings:#?}");
}
