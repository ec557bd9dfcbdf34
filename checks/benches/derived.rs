//! What the computed views cost on a large cluster: 100,000 pods in 1,000 tenant namespaces with their policies, roles and bindings.
//!
//! Three clusters: one where every tenant denies by default, one where policies go by the labels of each workload, and one without
//! any policy, where every pair of namespaces is a path.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use proofbook_checks::definition::View;
use proofbook_checks::inventory::{Completeness, Inventory, Listing};
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use serde_json::{Value as Json, json};

const NAMESPACES: usize = 1_000;
const WORKLOADS: usize = 20;
const PODS: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Policies {
    Denying,
    ByWorkload,
    None,
}

#[derive(Default)]
struct Cluster(BTreeMap<&'static str, Vec<Value>>);

impl Cluster {
    fn add(&mut self, resource: &'static str, kind: &str, namespace: &str, name: &str, rest: Json) {
        let mut object = json!({"kind": kind, "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}});
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        if let (Some(object), Json::Object(rest)) = (object.as_object_mut(), rest) {
            for (key, value) in rest {
                match (key.as_str(), value) {
                    ("labels", labels) => object["metadata"]["labels"] = labels,
                    (_, value) => {
                        object.insert(key, value);
                    }
                }
            }
        }
        self.0.entry(resource).or_default().push(Value::from_json(&object));
    }

    fn policy(&mut self, namespace: &str, name: &str, spec: Json) {
        self.add("networkpolicies.networking.k8s.io", "NetworkPolicy", namespace, name, json!({"spec": spec}));
    }

    fn policies(&mut self, namespace: &str, policies: Policies) {
        if policies == Policies::None {
            return;
        }
        self.policy(namespace, "deny", json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
        let dns = json!([{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
            "ports": [{"protocol": "UDP", "port": 53}]}]);
        self.policy(namespace, "dns", json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": dns}));
        self.policy(
            namespace,
            "within",
            json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}),
        );
        if policies == Policies::ByWorkload {
            for number in 0..WORKLOADS {
                let from = json!([{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": format!("app-{number}")}}}],
                    "ports": [{"port": "http"}]}]);
                let selector = json!({"matchLabels": {"app": format!("app-{}", (number + 1) % WORKLOADS)}});
                self.policy(
                    namespace,
                    &format!("app-{number}"),
                    json!({"podSelector": selector, "policyTypes": ["Ingress"], "ingress": from}),
                );
            }
        }
    }

    fn workloads(&mut self, number: usize, namespace: &str) {
        for workload in 0..WORKLOADS {
            let name = format!("app-{workload}");
            let labels = json!({"app": name, "app.kubernetes.io/part-of": namespace});
            let spec = json!({"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]});
            let template = json!({"spec": {"template": {"metadata": {"labels": labels}, "spec": spec}}});
            self.add("deployments.apps", "Deployment", namespace, &name, template);
            for pod in 0..PODS {
                let address = format!("10.{}.{}.{}", number / 256, number % 256, workload * PODS + pod + 1);
                let rest = json!({"labels": labels, "spec": spec, "status": {"phase": "Running", "podIP": address}});
                self.add("pods", "Pod", namespace, &format!("{name}-{pod}"), rest);
            }
        }
    }

    fn access(&mut self, number: usize, namespace: &str) {
        let group = "rbac.authorization.k8s.io";
        let rules = json!([{"apiGroups": [""], "resources": ["pods", "pods/log", "configmaps"], "verbs": ["get", "list"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}]);
        self.add("roles.rbac.authorization.k8s.io", "Role", namespace, "operator", json!({"rules": rules}));
        let bindings = [("operators", "Role", "operator"), ("viewers", "ClusterRole", "view"), ("deployers", "ClusterRole", "edit")];
        for (name, kind, role) in bindings {
            let subjects = json!([{"kind": "Group", "name": format!("{namespace}-{name}")},
                {"kind": "ServiceAccount", "name": name, "namespace": namespace}]);
            let rest = json!({"roleRef": {"apiGroup": group, "kind": kind, "name": role}, "subjects": subjects});
            self.add("rolebindings.rbac.authorization.k8s.io", "RoleBinding", namespace, name, rest);
        }
        if number.is_multiple_of(50) {
            let rest = json!({"roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "ServiceAccount", "name": "deployers", "namespace": namespace}]});
            self.add("clusterrolebindings.rbac.authorization.k8s.io", "ClusterRoleBinding", "", &format!("{namespace}-admin"), rest);
        }
    }

    fn build(policies: Policies) -> Inventory {
        let mut cluster = Self::default();
        for (name, verbs, resources) in [("cluster-admin", "*", "*"), ("view", "get", "pods"), ("edit", "create", "pods")] {
            let rules = json!([{"apiGroups": [if verbs == "*" { "*" } else { "" }], "resources": [resources], "verbs": [verbs]}]);
            cluster.add("clusterroles.rbac.authorization.k8s.io", "ClusterRole", "", name, json!({"rules": rules}));
        }
        cluster.add("namespaces", "Namespace", "", "kube-system", json!({}));
        for number in 0..NAMESPACES {
            let namespace = format!("tenant-{number:04}");
            cluster.add("namespaces", "Namespace", "", &namespace, json!({}));
            cluster.policies(&namespace, policies);
            cluster.workloads(number, &namespace);
            cluster.access(number, &namespace);
        }
        let listing = |objects| Listing { completeness: Completeness::Complete, objects, resource_version: None };
        let listings = cluster.0.into_iter().map(|(name, objects)| (Resource::kubernetes(name), listing(objects))).collect();
        Inventory { listings, ..Inventory::default() }
    }
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("derived");
    group.sample_size(10);
    for (name, policies) in [("denying", Policies::Denying), ("by workload", Policies::ByWorkload), ("no policies", Policies::None)] {
        let inventory = Cluster::build(policies);
        group.bench_function(format!("reachability, {name}"), |bencher| bencher.iter(|| black_box(View::Reachability.objects(&inventory))));
        if policies == Policies::Denying {
            group.bench_function("effective access", |bencher| bencher.iter(|| black_box(View::EffectiveAccess.objects(&inventory))));
        }
    }
    group.finish();
}

criterion_group!(derived, benches);
criterion_main!(derived);
