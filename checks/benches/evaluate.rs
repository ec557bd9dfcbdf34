//! What evaluation costs: all checks over the inventory of a cluster of middle size, and one check for each of its subjects.
//!
//! The inventory is made here, projected as a collector would do it. It holds what the checks look at most; every other
//! resource is listed in full and empty.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::inventory::{Completeness, Inventory, Listing, Wanted};
use proofbook_checks::plan::selected_by_default;
use proofbook_checks::settings::Settings;
use proofbook_checks::{Catalog, Plan};
use serde_json::{Value as Json, json};

const NAMESPACES: usize = 50;
const WORKLOADS: usize = 10;
const PODS: usize = 4;

/// Checks of different shapes: of one field, of every container, with a join.
const SINGLE: [&str; 4] = ["workload-default-sa", "workload-no-privileged", "workload-resource-limits", "workload-pdb"];

fn object(api_version: &str, kind: &str, namespace: usize, name: &str, rest: &Json) -> Json {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": format!("tenant-{namespace}"), "uid": format!("{kind}-{namespace}-{name}"),
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}},
    });
    if let (Some(object), Some(rest)) = (object.as_object_mut(), rest.as_object()) {
        object.extend(rest.clone());
    }
    object
}

fn container(name: &str, sound: bool) -> Json {
    json!({
        "name": name,
        "image": format!("registry.example/{name}:1.2.3@sha256:{}", "ab".repeat(32)),
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "LOG_LEVEL", "value": "info"}],
        "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": !sound, "readOnlyRootFilesystem": sound, "capabilities": {"drop": ["ALL"]}},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": 8080}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
    })
}

fn template(name: &str, sound: bool) -> Json {
    json!({
        "metadata": {"labels": {"app.kubernetes.io/name": name}},
        "spec": {
            "serviceAccountName": name, "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": sound, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container(name, sound), container("log-shipper", true)],
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "config", "configMap": {"name": name}}],
        },
    })
}

/// The objects by resource.
fn cluster() -> BTreeMap<&'static str, Vec<Json>> {
    let mut objects: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
    for namespace in 0..NAMESPACES {
        let metadata = json!({"name": format!("tenant-{namespace}"), "uid": format!("ns-{namespace}"),
            "labels": {"proofbook.dev/tenant": format!("t{namespace}"), "pod-security.kubernetes.io/enforce": "restricted"}});
        objects.entry("namespaces").or_default().push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
        let deny = json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}});
        let policies = objects.entry("networkpolicies.networking.k8s.io").or_default();
        policies.push(object("networking.k8s.io/v1", "NetworkPolicy", namespace, "default-deny", &deny));
        let quota = json!({"spec": {"hard": {"requests.cpu": "10", "requests.memory": "20Gi", "limits.memory": "20Gi", "pods": "100"}}});
        objects.entry("resourcequotas").or_default().push(object("v1", "ResourceQuota", namespace, "all", &quota));
        for number in 0..WORKLOADS {
            let (name, sound) = (format!("app-{number}"), number % 12 != 0);
            let selector = json!({"matchLabels": {"app.kubernetes.io/name": name}});
            let spec = json!({"spec": {"replicas": PODS, "selector": selector, "template": template(&name, sound)}});
            let deployment = object("apps/v1", "Deployment", namespace, &name, &spec);
            let uid = deployment["metadata"]["uid"].clone();
            objects.entry("deployments.apps").or_default().push(deployment);
            for pod in 0..PODS {
                let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": uid, "controller": true}]);
                let mut pod = object("v1", "Pod", namespace, &format!("{name}-{pod}"), &template(&name, sound));
                pod["metadata"]["ownerReferences"] = owner;
                objects.entry("pods").or_default().push(pod);
            }
            let budget = json!({"spec": {"minAvailable": 1, "selector": selector}});
            let budgets = objects.entry("poddisruptionbudgets.policy").or_default();
            budgets.push(object("policy/v1", "PodDisruptionBudget", namespace, &name, &budget));
            let service = json!({"spec": {"type": "ClusterIP", "ports": [{"port": 80}], "selector": selector["matchLabels"]}});
            objects.entry("services").or_default().push(object("v1", "Service", namespace, &name, &service));
            let binding = json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": format!("tenant-{namespace}")}]});
            let bindings = objects.entry("rolebindings.rbac.authorization.k8s.io").or_default();
            bindings.push(object("rbac.authorization.k8s.io/v1", "RoleBinding", namespace, &name, &binding));
            let role = json!({"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]});
            let roles = objects.entry("roles.rbac.authorization.k8s.io").or_default();
            roles.push(object("rbac.authorization.k8s.io/v1", "Role", namespace, &name, &role));
            let data = json!({"data": {"config.yaml": "log: info\nport: 8080\n"}});
            objects.entry("configmaps").or_default().push(object("v1", "ConfigMap", namespace, &name, &data));
        }
    }
    objects
}

fn inventory(wanted: &Wanted) -> Inventory {
    let cluster = cluster();
    let listing = |(resource, projection): (&_, &proofbook_checks::project::Projection)| {
        let resource: &proofbook_checks::resource::Resource = resource;
        let objects = cluster.get(&*resource.name).into_iter().flatten().map(|object| projection.project(resource, object));
        let listing = Listing { completeness: Completeness::Complete, objects: objects.collect(), resource_version: None };
        (resource.clone(), listing)
    };
    Inventory { listings: wanted.iter().map(listing).collect(), ..Inventory::default() }
}

fn benches(criterion: &mut Criterion) {
    let catalog = Catalog::load(&Catalog::embedded_files()).expect("the embedded library loads");
    let settings = Settings::default();
    let plan = Plan::new(&catalog, &settings, |check| selected_by_default(check, &settings)).expect("the defaults make a plan");
    let inventory = inventory(&plan.wanted());
    let now = jiff::Timestamp::UNIX_EPOCH;

    let evaluation = Evaluation::new(&inventory, &settings, now);
    let subjects = |id: &str| evaluation.check(&plan.checks[id]).population.subjects;
    let all = plan.checks.keys().map(|id| subjects(id.as_str())).sum();
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(all)).bench_function("all checks", |bencher| {
        bencher.iter(|| {
            let evaluation = Evaluation::new(&inventory, &settings, now);
            plan.checks.values().for_each(|planned| drop(black_box(evaluation.check(planned))));
        });
    });
    for id in SINGLE {
        group.throughput(Throughput::Elements(subjects(id))).bench_function(id, |bencher| {
            bencher.iter(|| evaluation.check(&plan.checks[id]));
        });
    }
    group.finish();
}

criterion_group!(evaluate, benches);
criterion_main!(evaluate);
