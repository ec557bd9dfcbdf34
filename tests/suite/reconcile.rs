//! The list of pods of a live cluster is held against what its metrics count. The answers of Prometheus are written after its
//! documentation of instant queries; the cluster is the recorded one.

use serde_json::{Value as Json, json};

use crate::support::Workspace;
use crate::support::canned::{Canned, CannedServer};
use crate::support::server::Server;

const CHECK: &str = "--check workload-no-privileged --fail-on nothing";

fn vector(results: &Json) -> Canned {
    Canned::json(200, &json!({"status": "success", "data": {"resultType": "vector", "result": results}}))
}

fn counted(pods: &str) -> Canned {
    vector(&json!([{"metric": {}, "value": [1_790_000_000, pods]}]))
}

// What the manifest says of the populations of a run with such a Prometheus, and the findings.
fn reconciled(answer: Canned) -> (Json, Vec<String>) {
    let (cluster, metrics) = (Server::start(), CannedServer::start([("*", answer)]));
    let servers = json!([{"name": "main", "url": metrics.url()}]);
    let workspace = Workspace::with_settings(&json!({"workspace": "w", "environments": {"prod": {"prometheus": {"servers": servers}}}}));
    let kubeconfig = cluster.kubeconfig(workspace.folder(), "reader");
    let (ran, findings) = workspace.scan(&format!("--kubeconfig {} {CHECK}", kubeconfig.display()));
    let bundle = workspace.folder().join(ran.path());
    let _ = workspace.run(&format!("verify {}", bundle.display())).ends_with(0);
    let manifest: Json = serde_json::from_slice(&std::fs::read(bundle.join("manifest.json")).unwrap()).unwrap();
    let asked: Vec<String> = metrics.asked();
    let expected = |asked: &String| asked.contains("kube_pod_info") || asked.contains("/api/v1/status/buildinfo");
    assert!(asked.iter().all(expected), "nothing but the count, and who answers, is asked for: {asked:?}");
    let told = findings.iter().map(|finding| format!("{} {}", finding.subject(), finding.verdict)).collect();
    (manifest["predicate"]["collection"]["reconciled"].clone(), told)
}

#[test]
fn a_list_of_pods_is_held_against_the_count_of_the_metrics() {
    let (same, findings) = reconciled(counted("0"));
    let listed = same[0]["listed"].as_u64().unwrap();
    assert!(listed > 0, "{same}");
    assert_eq!(same[0]["resource"], "kubernetes/pods", "{same}");
    assert_eq!(same[0]["with"], "prometheus/main", "{same}");
    assert_eq!((&same[0]["counted"], &same[0]["difference"]), (&json!(0), &json!(listed)), "{same}");

    let (equal, unchanged) = reconciled(counted(&listed.to_string()));
    assert_eq!((&equal[0]["counted"], &equal[0]["difference"]), (&json!(listed), &json!(0)), "{equal}");
    assert_eq!(findings, unchanged, "a difference is told and decides nothing");
}

#[test]
fn a_count_that_cannot_be_had_says_why() {
    for (answer, says) in [
        (vector(&json!([])), "no series of kube_pod_info"),
        (Canned::json(422, &json!({"status": "error", "errorType": "execution", "error": "boom"})), "422"),
        (Canned::text(200, "garbage"), "pods"),
        (counted("NaN"), "number"),
    ] {
        let (told, _) = reconciled(answer);
        assert_eq!((&told[0]["counted"], &told[0]["difference"]), (&Json::Null, &Json::Null), "{told}");
        assert!(told[0]["why"].as_str().is_some_and(|why| why.contains(says)), "{says}: {told}");
    }
}

#[test]
fn a_plan_names_the_count() {
    let cluster = Server::start();
    let servers = json!([{"name": "main", "url": "http://127.0.0.1:9"}]);
    let workspace = Workspace::with_settings(&json!({"workspace": "w", "environments": {"prod": {"prometheus": {"servers": servers}}}}));
    let kubeconfig = cluster.kubeconfig(workspace.folder(), "reader");
    let plan = workspace.run(&format!("scan --plan --kubeconfig {} {CHECK}", kubeconfig.display())).ends_with(0);
    assert!(plan.stdout.contains("kube_pod_info"), "{plan:?}");
}
