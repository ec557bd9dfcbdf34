//! Two methods for one promise: what policies declare and what connections showed stand side by side, and where they differ, the
//! control says so.

use serde_json::{Value as Json, json};

use crate::support::Workspace;

const AT: &str = "2026-06-01T00:00:00Z";

/// Kinds that the dump does not hold, and kinds that the cluster does not serve.
const KINDS: &str =
    "absent: [cronjobs.batch, daemonsets.apps, jobs.batch, pods, replicasets.apps, replicationcontrollers, statefulsets.apps]
not_served:
  - adminnetworkpolicies.policy.networking.k8s.io
  - baselineadminnetworkpolicies.policy.networking.k8s.io
  - clusternetworkpolicies.policy.networking.k8s.io
  - ciliumnetworkpolicies.cilium.io
  - ciliumclusterwidenetworkpolicies.cilium.io
  - networkpolicies.crd.projectcalico.org
  - globalnetworkpolicies.crd.projectcalico.org
  - networkpolicies.projectcalico.org
  - globalnetworkpolicies.projectcalico.org
  - networkpolicies.crd.antrea.io
  - clusternetworkpolicies.crd.antrea.io
";

/// Two tenants that run something; `b` admits everybody where it is open.
fn dump(open: bool) -> String {
    let tenant = |name: &str, ingress: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{proofbook.dev/tenant: {name}}}}}}}
---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: app, namespace: {name}}}, spec: {{replicas: 1, selector: {{matchLabels: {{app: app}}}},
  template: {{metadata: {{labels: {{app: app}}}}, spec: {{containers: [{{name: app, image: r.example/app, ports: [{{containerPort: 8080}}]}}]}}}}}}}}
---\n{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: default, namespace: {name}}},
  spec: {{podSelector: {{}}, policyTypes: [Ingress], ingress: {ingress}}}}}\n"
        )
    };
    format!("{}{}", tenant("a", "[]"), tenant("b", if open { "[{}]" } else { "[]" }))
}

fn trial(to: &str, from: &str, result: &str) -> Json {
    json!({"id": format!("{from}-{to}"), "tried_at": "2026-05-31T03:00:00Z", "from": from, "to": to, "port": "TCP/8080", "result": result, "witness": "connected"})
}

// The verdicts of both checks by namespace, and what the control says of the pair.
fn judged(open: bool, trials: &[Json]) -> (Vec<String>, Json) {
    let workspace = Workspace::with_settings(&json!({
        "workspace": "methods",
        "checks": {"tenant-network-tried": {"enabled": true}},
        "environments": {"prod": {"file": {"registers": {"connections": ["connections.yaml"]}}}},
    }));
    workspace.write("ws/connections.yaml", json!({"trials": trials}).to_string());
    workspace.write("dump/dump.yaml", KINDS);
    workspace.write("dump/objects.yaml", dump(open));
    let (ran, findings) = workspace.scan(&format!("--environment prod --dump dump --at {AT} --fail-on nothing"));
    let mut told: Vec<String> = findings
        .iter()
        .filter(|finding| finding.check.starts_with("tenant-network-"))
        .map(|finding| format!("{} {} {}", finding.check, finding.subject(), finding.verdict))
        .collect();
    told.sort();
    let bundle = workspace.folder().join(ran.path());
    let assessment: Json = serde_json::from_slice(&std::fs::read(bundle.join("assessment.json")).unwrap()).unwrap();
    (told, assessment["controls"]["network-isolation"]["disagree"].clone())
}

#[test]
fn policies_and_connections_that_agree_stand_side_by_side() {
    let (told, disagree) = judged(false, &[trial("a", "b", "timed-out"), trial("b", "a", "refused")]);
    assert_eq!(
        told,
        [
            "tenant-network-isolation Namespace/a pass",
            "tenant-network-isolation Namespace/b pass",
            "tenant-network-tried Namespace/a pass",
            "tenant-network-tried Namespace/b pass",
        ]
    );
    assert!(disagree.as_array().is_none_or(Vec::is_empty), "{disagree}");
}

#[test]
fn a_connection_that_policies_deny_and_that_gets_through_is_a_disagreement() {
    let (told, disagree) = judged(false, &[trial("a", "b", "connected"), trial("b", "a", "timed-out")]);
    assert_eq!(told[0], "tenant-network-isolation Namespace/a pass");
    assert_eq!(told[2], "tenant-network-tried Namespace/a fail");
    assert_eq!(disagree, json!([{"on": "a", "verdicts": {"tenant-network-isolation": "pass", "tenant-network-tried": "fail"}}]));
}

#[test]
fn both_failing_is_no_disagreement_and_neither_is_an_error() {
    // b is open and was reached; nobody tried a.
    let (told, disagree) = judged(true, &[trial("b", "a", "connected")]);
    assert_eq!(
        told,
        [
            "tenant-network-isolation Namespace/a pass",
            "tenant-network-isolation Namespace/b fail",
            "tenant-network-tried Namespace/a error",
            "tenant-network-tried Namespace/b fail",
        ]
    );
    assert!(disagree.as_array().is_none_or(Vec::is_empty), "{disagree}");
}
