//! What reading a dump costs against parsing the same bytes into `serde_json` values, which is the measure for it.

use std::fmt::Write;
use std::fs;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use proofbook_checks::plan::selected_by_default;
use proofbook_checks::settings::Settings;
use proofbook_checks::{Catalog, Plan};
use proofbook_sources::collector::Unwatched;
use proofbook_sources::dump::Dump;
use serde_json::json;

const PODS: usize = 2000;

fn pod(number: usize) -> serde_json::Value {
    let name = format!("app-{}", number / 4);
    let container = |name: &str| {
        json!({
            "name": name,
            "image": format!("registry.example/{name}:1.2.3@sha256:{}", "ab".repeat(32)),
            "args": ["--config=/etc/app/config.yaml", "--log-level=warn"],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                {"name": "APP_ENV", "value": "production"}],
            "resources": {"limits": {"memory": "128Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": true}, {"name": "tmp", "mountPath": "/tmp"}],
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
            "livenessProbe": {"httpGet": {"path": "/livez", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "failureThreshold": 3},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("{name}-{number}"), "namespace": format!("tenant-{}", number % 50), "uid": format!("uid-{number}"),
            "creationTimestamp": "2026-03-08T09:49:33Z", "resourceVersion": number.to_string(),
            "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "argocd"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": if number.is_multiple_of(4) { "Made" } else { "ReplicaSet" },
                "name": name, "uid": format!("rs-{number}"), "controller": true, "blockOwnerDeletion": true}]},
        "spec": {"containers": [container("app"), container("log-shipper")], "serviceAccountName": name, "nodeName": "node-1",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "config", "configMap": {"name": "config"}}, {"name": "tmp", "emptyDir": {}}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// The Pods of a cluster as `kubectl get pods -A -o json` prints them.
fn text() -> String {
    let mut text = String::from("{\"apiVersion\": \"v1\", \"items\": [\n");
    for number in 0..PODS {
        let between = if number == 0 { "" } else { ",\n" };
        write!(text, "{between}{:#}", pod(number)).expect("a string takes all that is written to it");
    }
    text.push_str("], \"kind\": \"List\", \"metadata\": {\"resourceVersion\": \"\"}}");
    text
}

fn benches(criterion: &mut Criterion) {
    let catalog = Catalog::load(&Catalog::embedded_files()).expect("the embedded library loads");
    let settings = Settings::default();
    let plan = Plan::new(&catalog, &settings, |check| selected_by_default(check, &settings)).expect("the defaults make a plan");
    let wanted = plan.wanted();
    let folder = tempfile::tempdir().expect("a folder for the dump");
    let file = folder.path().join("pods.json");
    let text = text();
    fs::write(&file, &text).expect("the dump can be written");
    let dump = Dump::open("dump", folder.path()).expect("the dump was just written");

    let mut group = criterion.benchmark_group("dump");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse to serde_json values", |bencher| {
        bencher.iter(|| {
            let bytes = fs::read(&file).expect("the dump was just written");
            black_box(serde_json::from_slice::<serde_json::Value>(&bytes).expect("it is JSON"));
        });
    });
    group.bench_function("read and project", |bencher| bencher.iter(|| dump.read(&wanted, &Unwatched)));
    group.finish();
}

criterion_group!(dump, benches);
criterion_main!(dump);
