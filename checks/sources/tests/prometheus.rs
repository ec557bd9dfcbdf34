//! Monitoring against a real Prometheus and a real Alertmanager in two postures, and against recorded, documented answers of Loki
//! and Elasticsearch, which cannot be had as servers here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "s3/front.rs"]
#[allow(dead_code, reason = "the tests of object stores use all of it")]
mod front;
#[path = "support/library.rs"]
mod library;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use canned::{Canned, CannedServer};
use front::{Front, Reply};
use library::{Judged, assert_findings, open};
use process::{Running, free_port, until};
use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_checks::mask::Mask;
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_sources::collector::{Collector, Unwatched};
use proofbook_sources::prometheus::PrometheusTarget;
use proofbook_sources::rights::Platform;
use serde_json::{Value as Json, json};

fn monitoring(yaml: &str) -> Box<dyn Collector> {
    open::<PrometheusTarget>("prometheus", yaml, Path::new("."))
}

fn records(inventory: &Inventory, kind: &str) -> Vec<Json> {
    let resource = Resource::of_object("proofbook.dev/prometheus", kind);
    inventory.objects(&resource).iter().map(proofbook_checks::value::Value::to_json).collect()
}

fn prometheus(retention: &str, rules: &str, alertmanager: u16) -> Running {
    Running::start("prometheus", |folder, port| {
        fs::write(folder.join("rules.yml"), rules).unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: [rules.yml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}\n\
             scrape_configs: [{{job_name: self, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
        );
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        // What fired before the Alertmanager was discovered is sent again soon.
        let fixed = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--rules.alert.resend-delay=1s"];
        let mut arguments = fixed.map(str::to_owned).to_vec();
        arguments.extend(retention.split_whitespace().map(str::to_owned));
        arguments.push(format!("--web.listen-address=127.0.0.1:{port}"));
        arguments
    })
}

fn alertmanager(config: &str) -> Running {
    Running::start("prometheus-alertmanager", |folder, port| {
        fs::write(folder.join("am.yml"), config).unwrap();
        let listen = format!("--web.listen-address=127.0.0.1:{port}");
        ["--config.file=am.yml", "--storage.path=data", "--cluster.listen-address=", &listen].map(str::to_owned).to_vec()
    })
}

const GOOD_RULES: &str = r#"
groups:
- name: platform
  rules:
  - {alert: Watchdog, expr: vector(1), labels: {severity: none}}
  - {alert: KubeAPIDown, expr: 'absent(up{job="apiserver"} == 1)', for: 5m, labels: {severity: critical}}
  - {alert: LogsDropped, expr: 'prometheus_notifications_dropped_total > 0 and on() vector(1)', labels: {severity: warning}}
# What stands in for the exporters of a cluster.
- name: stand-ins
  rules:
  - {record: kube_node_info, expr: vector(1), labels: {node: worker-1, internal_ip: 10.0.0.1}}
  - {record: node_uname_info, expr: vector(1), labels: {instance: '10.9.0.1:9100', nodename: worker-1}}
  - {record: node_timex_sync_status, expr: vector(1), labels: {instance: '10.9.0.1:9100'}}
  - {record: node_timex_offset_seconds, expr: vector(0.002), labels: {instance: '10.9.0.1:9100'}}
  - {record: citadel_server_root_cert_expiry_timestamp, expr: vector(2082758400), labels: {pod: istiod-1}}
  - {record: queue_length, expr: vector(7), labels: {queue: mail}}
"#;

const GOOD_ALERTMANAGER: &str = r#"
route:
  receiver: default
  routes:
  - {receiver: dead-man, matchers: [alertname="Watchdog"]}
  - {receiver: pager, matchers: ['severity=~"critical|page"']}
receivers:
- name: default
- {name: pager, pagerduty_configs: [{routing_key: EXAMPLEEXAMPLEEXAMPLEEXAMPLE1234}]}
- {name: dead-man, webhook_configs: [{url: "http://user:hunter22@127.0.0.1:1/x"}]}
"#;

const CHECKS: [&str; 6] =
    ["alert-delivery", "alerting-rules", "mesh-cert-health", "metrics-retention-runtime", "monitoring-log-failure", "node-time-sync"];

fn settings() -> Json {
    json!({
        "alerting-rules": {"required_alerts": ["KubeAPIDown", "Watchdog"]},
        "monitoring-log-failure": {"log_failure_queries": ["*prometheus_notifications_dropped_total*"]},
    })
}

#[tokio::test]
async fn a_compliant_posture() {
    let receiver = alertmanager(GOOD_ALERTMANAGER);
    let server = prometheus("--storage.tsdb.retention.time=400d", GOOD_RULES, receiver.port);
    let yaml = format!(
        "servers: [{{name: main, url: '{}', queries: {{queue: queue_length}}}}]\nalertmanagers: [{{name: pages, url: '{}'}}]\n",
        server.url(),
        receiver.url()
    );
    let collector = monitoring(&yaml);
    let judged = Judged::by(&CHECKS, &settings());
    let expected = [
        "alert-delivery Alertmanager/pages pass as-promised",
        "alerting-rules Ruler/main pass as-promised",
        "mesh-cert-health CertificateAuthority/main/istio-root/istiod-1 pass as-promised",
        "metrics-retention-runtime Server/main pass as-promised",
        "monitoring-log-failure Ruler/main pass as-promised",
        "node-time-sync NodeClock/main/worker-1 pass as-promised",
    ];
    // The first evaluations and the first alert take a while.
    until(|| judged.run(&*collector), |found| found.iter().all(|line| line.contains(" pass "))).await;
    let inventory = judged.inventory(&*collector).await;
    assert_findings(&judged.findings(&inventory, library::now()), &expected);

    let planned = judged.planned(&*collector);
    for request in &inventory.requests {
        let plain = request.query.split("?start=").next().unwrap();
        assert!(planned.iter().any(|planned| planned == &format!("{} GET {plain}", request.target)), "{} was not planned", request.query);
        assert_eq!((request.method.as_str(), request.status.as_str()), ("GET", "200"), "{}", request.query);
    }
    assert_eq!(inventory.targets.len(), 2);
    assert!(inventory.targets.iter().all(|target| !target.version.is_empty() && target.clock_offset_ms.is_some()));
    let everything = format!("{inventory:?}");
    assert!(!everything.contains("hunter22") && !everything.contains("routing_key"), "a secret of the configuration was kept");
}

/// The path of a request without its query, behind the name of what is asked.
fn right_of(product: &str, request: &front::Request) -> String {
    format!("{product} {} {}", request.method, request.target.split('?').next().unwrap())
}

// A service behind a proxy that lets every path through but one.
fn guarded(product: &'static str, port: u16, refused: &Arc<Mutex<String>>) -> Front {
    let refused = Arc::clone(refused);
    Front::start(port, move |request| {
        let is_refused = right_of(product, request) == *refused.lock().unwrap();
        if is_refused { Reply::Answer(403, Vec::new(), "no".to_owned()) } else { Reply::Forward }
    })
}

#[tokio::test]
async fn without_any_one_path_exactly_the_checks_that_need_it_are_errors() {
    let receiver = alertmanager(GOOD_ALERTMANAGER);
    // Where a size limits retention the metrics of the server itself are asked for too.
    let server = prometheus("--storage.tsdb.retention.time=400d --storage.tsdb.retention.size=1GB", GOOD_RULES, receiver.port);
    let refused = Arc::new(Mutex::new(String::new()));
    let (main, pages) = (guarded("prometheus", server.port, &refused), guarded("alertmanager", receiver.port, &refused));
    let yaml = format!("servers: [{{name: main, url: '{}'}}]\nalertmanagers: [{{name: pages, url: '{}'}}]\n", main.url, pages.url);
    let collector = monitoring(&yaml);
    let judged = Judged::by(&CHECKS, &settings());
    let settled = |found: &Vec<String>| found.iter().all(|line| line.contains(" pass ") || line.starts_with("metrics-retention-runtime "));
    until(|| judged.run(&*collector), settled).await;
    let verdicts = |lines: &[String]| -> BTreeSet<String> { lines.iter().map(|line| line.split(':').next().unwrap().to_owned()).collect() };
    let before = verdicts(&judged.run(&*collector).await);
    let rights: Vec<String> = Platform::Prometheus.rights(&judged.wanted()).into_iter().map(|right| right.name).collect();
    // Nothing else is asked, but for versions; and there is no Loki.
    let seen = |front: &Front, product: &str| -> BTreeSet<String> {
        let seen = front.seen.lock().unwrap();
        seen.iter().map(|request| right_of(product, request)).filter(|right| !right.ends_with("/status/buildinfo")).collect()
    };
    let used: BTreeSet<String> = seen(&main, "prometheus").union(&seen(&pages, "alertmanager")).cloned().collect();
    assert_eq!(used, rights.iter().filter(|right| !right.starts_with("loki ")).cloned().collect());
    for right in used {
        right.clone_into(&mut refused.lock().unwrap());
        let need: BTreeSet<&str> = CHECKS
            .into_iter()
            .filter(|check| {
                let of_check = Judged::by(&[check], &json!({})).wanted();
                Platform::Prometheus.rights(&of_check).iter().any(|needed| needed.name == right)
            })
            .collect();
        let after = verdicts(&judged.run(&*collector).await);
        let lost: BTreeSet<&str> =
            after.iter().filter(|line| line.contains(" error not-permitted")).map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(lost, need, "without {right}: {after:#?}");
        let others = |lines: &BTreeSet<String>| -> BTreeSet<String> {
            lines.iter().filter(|line| !need.contains(line.split(' ').next().unwrap())).cloned().collect()
        };
        assert_eq!(others(&after), others(&before), "without {right}");
    }
}

#[tokio::test]
async fn a_posture_that_is_not_compliant() {
    let receiver = alertmanager("route: {receiver: chat}\nreceivers: [{name: chat, webhook_configs: [{url: 'http://127.0.0.1:1/x'}]}]\n");
    let rules = r"
groups:
- name: platform
  rules:
  - {alert: BackupFailed, expr: velero_backup_failure_total > 0, labels: {severity: critical}}
  - {record: node_timex_sync_status, expr: vector(0), labels: {instance: '10.9.0.1:9100'}}
  - {record: node_timex_offset_seconds, expr: vector(7), labels: {instance: '10.9.0.1:9100'}}
  - {record: kube_node_info, expr: vector(1), labels: {node: worker-9, internal_ip: 10.0.0.9}}
  - {record: issuer_cert_ttl_seconds, expr: vector(86400), labels: {pod: identity-1}}
";
    let server = prometheus("--storage.tsdb.retention.time=15d", rules, free_port());
    let yaml = format!("servers: [{{name: main, url: '{}'}}]\nalertmanagers: [{{name: pages, url: '{}'}}]\n", server.url(), receiver.url());
    let collector = monitoring(&yaml);
    let params = json!({"alerting-rules": {"required_alerts": ["BackupFailed"]}});
    let judged = Judged::by(&CHECKS, &params);
    let clocks = Judged::by(&["node-time-sync", "mesh-cert-health"], &json!({}));
    until(|| clocks.run(&*collector), |found| found.len() == 3 && found.iter().all(|line| !line.contains("empty-population"))).await;
    let evaluated = Judged::by(&["alerting-rules"], &params);
    until(|| evaluated.run(&*collector), |found| found[0].contains("velero_backup_failure_total")).await;
    assert_findings(
        &judged.run(&*collector).await,
        &[
            "alert-delivery Alertmanager/pages fail not-as-promised: alerts of critical reach no receiver",
            "alerting-rules Ruler/main fail not-as-promised: BackupFailed can never fire: no series of velero_backup_failure_total",
            "mesh-cert-health CertificateAuthority/main/linkerd-issuer/identity-1 fail below-min",
            "metrics-retention-runtime Server/main fail below-min: metrics are kept for 360 hours",
            "monitoring-log-failure Ruler/main fail missing-object",
            "node-time-sync NodeClock/main/10.9.0.1:9100 fail not-as-promised: the kernel says",
            "node-time-sync NodeClock/main/worker-9 error not-collected",
        ],
    );
}

#[tokio::test]
async fn a_size_beside_the_time_of_a_server_that_has_just_started_cannot_be_judged() {
    let server = prometheus("--storage.tsdb.retention.time=400d --storage.tsdb.retention.size=1GB", "groups: []", 1);
    let collector = monitoring(&format!("servers: [{{name: main, url: '{}'}}]", server.url()));
    let judged = Judged::by(&["metrics-retention-runtime"], &json!({}));
    until(|| judged.run(&*collector), |found| !found[0].contains("unreachable")).await;
    assert_findings(&judged.run(&*collector).await, &["metrics-retention-runtime Server/main error parse-error: a size of 1GiB may cut"]);
    let retention = &records(&judged.inventory(&*collector).await, "Server")[0]["retention"];
    assert_eq!((&retention["hours"], &retention["size"], &retention["cuts_by_size"]), (&json!(9600.0), &json!("1GiB"), &json!(0.0)));
}

#[tokio::test]
async fn a_server_that_is_killed_harms_no_other() {
    let mut first = prometheus("--storage.tsdb.retention.time=400d", "groups: []", 1);
    let second = prometheus("--storage.tsdb.retention.time=400d", "groups: []", 1);
    let yaml = format!("servers: [{{name: first, url: '{}'}}, {{name: second, url: '{}'}}]", first.url(), second.url());
    let collector = monitoring(&yaml);
    let judged = Judged::by(&["metrics-retention-runtime"], &json!({}));
    let expected = ["metrics-retention-runtime Server/first pass", "metrics-retention-runtime Server/second pass"];
    assert_findings(&judged.run(&*collector).await, &expected);
    first.kill();
    let expected = ["metrics-retention-runtime Server/first error unreachable", "metrics-retention-runtime Server/second pass"];
    assert_findings(&judged.run(&*collector).await, &expected);
}

#[tokio::test]
async fn what_a_server_refuses_or_garbles_is_told_by_its_reason() {
    let told = |status, kind: &str, error: &str| Canned::json(status, &json!({"status": "error", "errorType": kind, "error": error}));
    let partial = json!({"status": "success", "warnings": ["store a did not answer"], "data": {"resultType": "vector", "result": []}});
    for (canned, reason) in [
        (Canned::text(401, "no"), "not-permitted"),
        (Canned::text(403, "no"), "not-permitted"),
        (Canned::text(404, "no"), "not-served"),
        (Canned::text(429, "later"), "throttled"),
        (Canned::text(502, "bad gateway"), "unreachable"),
        (told(503, "timeout", "query timed out"), "timeout"),
        (told(400, "bad_data", "parse error"), "rule-error"),
        (told(422, "execution", "many-to-many"), "rule-error"),
        (Canned::json(200, &partial), "incomplete-list"),
        (Canned::text(200, "<html>garbage"), "parse-error"),
        (Canned::json(200, &json!({"status": "success", "data": {"resultType": "matrix", "result": []}})), "parse-error"),
        (Canned::HangUp, "unreachable"),
        (Canned::Silence, "timeout"),
    ] {
        let server = CannedServer::start([("*", canned.clone())]);
        let yaml = format!("servers: [{{name: main, url: '{}', access: {{deadline_seconds: 1}}}}]", server.url());
        let found = Judged::by(&["node-time-sync"], &json!({})).run(&*monitoring(&yaml)).await;
        assert_findings(&found, &[&format!("node-time-sync NodeClock/main error {reason}")]);
    }
}

#[tokio::test]
async fn a_right_that_is_missing_harms_only_what_needs_it() {
    let version = json!({"status": "success", "data": {"version": "2.42.0", "storageRetention": "90d"}});
    let server = CannedServer::answering(move |_, path, head| {
        assert!(head.contains("authorization: Bearer hush"), "{head}");
        if path.contains("/status/") { Canned::json(200, &version) } else { Canned::text(403, "Forbidden") }
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "hush\n").unwrap();
    let yaml = format!("servers: [{{name: main, url: '{}/prom', access: {{token: {{file: token}}}}}}]", server.url());
    let collector = open::<PrometheusTarget>("prometheus", &yaml, folder.path());
    let judged = Judged::by(&["metrics-retention-runtime", "alerting-rules"], &json!({}));
    let inventory = judged.inventory(&*collector).await;
    let expected = ["alerting-rules Ruler/main error not-permitted: api/v1/rules", "metrics-retention-runtime Server/main pass"];
    assert_findings(&judged.findings(&inventory, library::now()), &expected);
    assert!(!format!("{inventory:?}").contains("hush"));
    assert!(server.asked().iter().all(|head| head.starts_with("GET /prom/api/v1/")));
}

/// Made after the documentation of Loki; no Loki can be started here.
const LOKI: &str = r#"
target: all
auth_enabled: true
limits_config:
  retention_period: 30d
  retention_stream:
  - {selector: '{namespace="dev"}', priority: 1, period: 1d}
  per_tenant_override_config: ""
compactor: {working_directory: /loki, retention_enabled: true, delete_request_store: s3}
runtime_config: {file: /etc/loki/overrides.yaml}
common: {storage: {s3: {secret_access_key: EXAMPLEEXAMPLE}}}
"#;

#[tokio::test]
async fn loki_by_recorded_answers() {
    let rules = json!({"status": "success", "data": {"groups": [{"name": "g", "rules": [
        {"type": "alerting", "name": "SecretRead", "query": "sum(rate({app=\"audit\"} |= \"secrets\" [5m])) > 1", "health": "ok", "labels": {}},
    ]}]}});
    let start = |config: &str| {
        CannedServer::start([
            ("/config", Canned::text(200, config)),
            ("/prometheus/api/v1/rules", Canned::json(200, &rules)),
            ("/loki/api/v1/status/buildinfo", Canned::json(200, &json!({"version": "3.3.2"}))),
        ])
    };
    let judged = Judged::by(&["log-retention-runtime"], &json!({}));
    let server = start(LOKI);
    let found = judged.run(&*monitoring(&format!("loki: [{{name: loki, url: '{}', tenant: acme}}]", server.url()))).await;
    assert_findings(
        &found,
        &[
            "log-retention-runtime LogStream/loki pass as-promised",
            "log-retention-runtime LogStream/loki/overrides error not-served",
            "log-retention-runtime LogStream/loki/{namespace=\"dev\"} fail below-min: logs are kept for 24 hours",
        ],
    );
    assert!(server.asked().iter().all(|head| head.contains("x-scope-orgid: acme")));

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("o.yaml"), "overrides: {acme: {retention_period: 1w}, other: {ingestion_rate_mb: 5}}\n").unwrap();
    let yaml = format!("loki: [{{name: loki, url: '{}', overrides: o.yaml}}]", server.url());
    let found = judged.run(&*open::<PrometheusTarget>("prometheus", &yaml, folder.path())).await;
    assert!(
        found.iter().any(|line| line.starts_with("log-retention-runtime LogStream/loki/acme fail below-min: logs are kept for 168 hours"))
    );

    let off = LOKI.replace("retention_enabled: true", "retention_enabled: false").replace("/etc/loki/overrides.yaml", "\"\"");
    for (config, told) in [
        (off.as_str(), "LogStream/loki fail not-as-promised: nothing is deleted"),
        ("limits_config: {retention_period: 0s}\ncompactor: {retention_enabled: true}", "LogStream/loki fail missing-object"),
        ("limits_config: {retention_period: soon}\ncompactor: {retention_enabled: true}", "LogStream/loki error parse-error"),
        ("limits_config: [", "LogStream/loki error parse-error"),
    ] {
        let server = start(config);
        let found = judged.run(&*monitoring(&format!("loki: [{{name: loki, url: '{}'}}]", server.url()))).await;
        assert!(found[0].starts_with(&format!("log-retention-runtime {told}")), "{found:?}");
    }
}

/// Made after the documentation of Elasticsearch 8; none can be started here.
#[tokio::test]
async fn elasticsearch_by_recorded_answers() {
    let policy = |min_age: &str, rollover: Json| {
        json!({"version": 1, "policy": {"phases": {
            "hot": {"min_age": "0ms", "actions": {"rollover": rollover}},
            "delete": {"min_age": min_age, "actions": {"delete": {"delete_searchable_snapshot": true}}},
        }}})
    };
    let policies = json!({
        "month": policy("30d", json!({"max_age": "7d", "max_primary_shard_size": "50gb"})),
        "week": policy("7d", json!({"max_primary_shard_size": "50gb"})),
        "forever": {"policy": {"phases": {"hot": {"actions": {}}}}},
    });
    let stream = |name: &str, rest: Json| {
        let mut stream = json!({"name": name, "indices": [{"index_name": format!(".ds-{name}-2026.11.01-000001")}]});
        stream.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        stream
    };
    let streams = json!({"data_streams": [
        stream("logs-app", json!({"ilm_policy": "month"})),
        stream("logs-dev", json!({"ilm_policy": "week"})),
        stream("logs-own", json!({"lifecycle": {"enabled": true, "data_retention": "90d"}})),
        stream("logs-none", json!({"lifecycle": {"enabled": false}})),
    ]});
    let explained = json!({"indices": {
        ".ds-logs-app-2026.11.01-000001": {"managed": true, "policy": "month"},
        "logs-2026.11.01": {"managed": true, "policy": "forever"},
        "logs-2026.11.02": {"managed": false},
    }});
    let start = |mode: &'static str| {
        let answers = [
            ("/", json!({"version": {"number": "8.15.0"}})),
            ("/_ilm/status", json!({"operation_mode": mode})),
            ("/_ilm/policy", policies.clone()),
            ("/_data_stream/logs-*", streams.clone()),
            ("/logs-*/_ilm/explain", explained.clone()),
        ];
        CannedServer::start(answers.map(|(path, body)| (path, Canned::json(200, &body))))
    };
    let judged = Judged::by(&["log-retention-runtime"], &json!({"log-retention-runtime": {"log_retention_max_days": 40}}));
    let server = start("RUNNING");
    let found = judged.run(&*monitoring(&format!("elasticsearch: [{{name: es, url: '{}'}}]", server.url()))).await;
    assert_findings(
        &found,
        &[
            "log-retention-runtime LogStream/es/indices of forever fail missing-object",
            "log-retention-runtime LogStream/es/indices without a policy fail not-as-promised: nothing is deleted: no lifecycle runs",
            "log-retention-runtime LogStream/es/logs-app pass as-promised",
            "log-retention-runtime LogStream/es/logs-dev fail below-min",
            "log-retention-runtime LogStream/es/logs-none fail not-as-promised: nothing is deleted",
            "log-retention-runtime LogStream/es/logs-own fail above-max",
        ],
    );
    let server = start("STOPPED");
    let found = judged.run(&*monitoring(&format!("elasticsearch: [{{name: es, url: '{}'}}]", server.url()))).await;
    assert!(found[2].starts_with("log-retention-runtime LogStream/es/logs-app fail not-as-promised: nothing is deleted"), "{found:?}");

    let refused = CannedServer::start([("*", Canned::json(403, &json!({"error": {"type": "security_exception"}})))]);
    let found = judged.run(&*monitoring(&format!("elasticsearch: [{{name: es, url: '{}'}}]", refused.url()))).await;
    assert_findings(&found, &["log-retention-runtime LogStream/es error not-permitted"]);
}

#[tokio::test]
async fn availability_and_capacity_by_recorded_answers() {
    let vector = |results: &[(Json, &str)]| {
        let results: Vec<Json> =
            results.iter().map(|(labels, value)| json!({"metric": labels, "value": [1_795_559_697.8, value]})).collect();
        json!({"status": "success", "data": {"resultType": "vector", "result": results}})
    };
    let probe = json!({"instance": "https://api.example", "job": "probe"});
    let young = json!({"instance": "https://new.example", "job": "probe"});
    let zone = |resource: &str, zone: &str| json!({"resource": resource, "label_topology_kubernetes_io_zone": zone});
    let server = CannedServer::answering(move |_, path, _| {
        let body = if path.contains("avg_over_time") {
            vector(&[(probe.clone(), "0.9995"), (young.clone(), "1")])
        } else if path.contains("count_over_time") {
            vector(&[(probe.clone(), "720"), (young.clone(), "3")])
        } else if path.contains("allocatable") {
            let broken = path.contains("allocatable_cpu");
            let memory = if broken { (zone("memory", "a"), "NaN") } else { (zone("cpu", "c"), "24") };
            vector(&[(zone("cpu", "a"), "16"), (zone("cpu", "b"), "16"), memory])
        } else if path.contains("requests") {
            vector(&[(json!({"resource": "cpu"}), "20")])
        } else {
            json!({"status": "success", "data": {"version": "2.42.0"}})
        };
        Canned::json(200, &body)
    });
    let yaml = format!("servers: [{{name: main, url: '{}', queries: {{allocatable: 'sum(allocatable_cpu)'}}}}]", server.url());
    let judged = Judged::by(&["slo-availability"], &json!({}));
    assert_findings(
        &judged.run(&*monitoring(&yaml)).await,
        &[
            "slo-availability Availability/main/https://api.example pass as-promised",
            "slo-availability Availability/main/https://new.example error incomplete-list: only 3 of 720 hours",
        ],
    );
    let judged = Judged::by(&["capacity-headroom"], &json!({}));
    let found = judged.run(&*monitoring(&yaml)).await;
    assert_findings(&found, &["capacity-headroom Capacity/main error parse-error"]);
    assert!(server.asked().iter().any(|head| head.contains("sum%28allocatable_cpu%29")), "the workspace's query takes the place of ours");
    let ours = monitoring(&format!("servers: [{{name: main, url: '{}'}}]", server.url()));
    assert_findings(&judged.run(&*ours).await, &["capacity-headroom Capacity/main/cpu pass"]);
}

#[tokio::test]
async fn a_collector_of_telemetry_by_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"
receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}, filelog/pods: {}}
exporters: {debug: {}, otlphttp/store: {endpoint: "https://store", headers: {authorization: "Bearer EXAMPLEEXAMPLEEXAMPLE"}}}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [debug]}
    logs/pods: {receivers: [filelog/pods], exporters: [otlphttp/store]}
"#;
    fs::write(folder.path().join("otel.yaml"), config).unwrap();
    let collector = open::<PrometheusTarget>("prometheus", "otel: [{name: gateway, file: otel.yaml}]", folder.path());
    let judged = Judged::by(&["otel-pipelines"], &json!({}));
    let inventory = judged.inventory(&*collector).await;
    let expected = ["otel-pipelines Pipeline/gateway/logs/pods pass", "otel-pipelines Pipeline/gateway/metrics fail missing-object"];
    assert_findings(&judged.findings(&inventory, library::now()), &expected);
    assert!(!format!("{inventory:?}").contains("EXAMPLEEXAMPLE"));
    assert_eq!(inventory.targets[0].assurance, proofbook_checks::inventory::Assurance::AsSupplied);
}

#[tokio::test]
async fn queries_of_the_workspace_are_samples_for_its_own_checks() {
    let server = CannedServer::answering(|_, path, _| {
        let results = if path.contains("queue_length") {
            json!([{"metric": {"__name__": "queue_length", "queue": "mail"}, "value": [1_795_559_697.8, "7"]},
                   {"metric": {"queue": "odd"}, "value": [1_795_559_697.8, "+Inf"]}])
        } else {
            json!([])
        };
        Canned::json(200, &json!({"status": "success", "data": {"resultType": "vector", "result": results, "version": "2.42.0"}}))
    });
    let resource = Resource::of_object("proofbook.dev/prometheus", "Sample");
    let all = Projection { mask: Arc::new(Mask::all()), controlled: None };
    let wanted = Wanted::from([(resource, all)]);
    let yaml = format!("servers: [{{name: main, url: '{}', queries: {{queue: 'queue_length', nodes: 'ours'}}}}]", server.url());
    let collector = monitoring(&yaml);
    assert_eq!(collector.plan(&wanted).len(), 2, "the version, and the one query that is the workspace's own");
    let found = records(&collector.collect(&wanted, &Unwatched).await, "Sample");
    assert_eq!(found[0]["metadata"]["name"], "main/queue/mail");
    assert_eq!((&found[0]["value"], &found[0]["labels"]), (&json!(7.0), &json!({"queue": "mail"})));
    assert_eq!(found[1]["value"], "+Inf", "what is no number of JSON stays text");
}

#[tokio::test]
async fn resources_that_nothing_in_the_target_can_give_are_not_collected() {
    let collector = monitoring("alertmanagers: [{name: pages, url: 'http://127.0.0.1:1'}]");
    let judged = Judged::by(&["alert-delivery", "alerting-rules"], &json!({}));
    let found = judged.run(&*collector).await;
    let expected =
        ["alert-delivery Population/alert-delivery error not-collected", "alerting-rules Population/alerting-rules error not-collected"];
    assert_findings(&found, &expected);
}
