//! Markers in stores of logs, and stores of traces, against answers made after the documentation of Loki, Elasticsearch and Tempo;
//! none of them can be started here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "support/library.rs"]
mod library;

use std::fs;
use std::path::Path;

use canned::{Canned, CannedServer};
use jiff::{SignedDuration, Timestamp};
use library::{Judged, assert_findings, now, open};
use proofbook_controls::yaml;
use proofbook_sources::prometheus::PrometheusTarget;
use proofbook_sources::settings::{Setup, TargetSettings};
use serde_json::{Value as Json, json};

const TEXT: &str = "PBK-0f3a9c21d7";
const BESIDE: &str = "beside-0f3a9c21d7";

fn ago(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
}

// A Loki that finds some texts, each as often as told, ten seconds after it was planted.
fn loki(found: &'static [(&'static str, usize)], planted: Timestamp) -> CannedServer {
    CannedServer::answering(move |_, path, _| {
        if !path.contains("query_range") {
            return Canned::json(200, &json!({"version": "3.3.2"}));
        }
        let times = found.iter().find(|(text, _)| path.contains(text)).map_or(0, |(_, times)| *times);
        let at = planted.checked_add(SignedDuration::from_secs(10)).unwrap().as_nanosecond().to_string();
        let values: Vec<Json> = (0..times).map(|_| json!([at, "a line with the name of a person in it"])).collect();
        let result = if times > 0 { json!([{"stream": {"app": "canary"}, "values": values}]) } else { json!([]) };
        Canned::json(200, &json!({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}}))
    })
}

fn elasticsearch(found: u64, failed: u64, planted: Timestamp) -> CannedServer {
    CannedServer::answering(move |_, path, _| {
        if !path.contains("_search") {
            return Canned::json(200, &json!({"version": {"number": "8.15.0"}}));
        }
        let hits: Vec<Json> = (0..found.min(1)).map(|_| json!({"_index": "logs", "sort": [planted.as_millisecond()]})).collect();
        let shards = json!({"total": 2, "successful": 2 - failed, "skipped": 0, "failed": failed});
        let hits = json!({"total": {"value": found, "relation": "eq"}, "hits": hits});
        Canned::json(200, &json!({"took": 3, "timed_out": false, "_shards": shards, "hits": hits}))
    })
}

fn register(planted: Timestamp) -> String {
    format!(
        "markers:
  - {{id: printed, kind: secret, output: stdout, planted_at: {planted}, store: logs, within: '{{namespace=\"canary\"}}', text: {TEXT}, beside: {BESIDE}}}
  - {{id: rolled-out, kind: event, action: deploy, planted_at: {planted}, store: search, within: 'logs-*', text: deploy-0f3a9c21d7}}
"
    )
}

async fn run(loki: &CannedServer, search: &CannedServer, register: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("markers.yaml"), register).unwrap();
    let yaml = format!(
        "markers: markers.yaml\nloki: [{{name: logs, url: '{}'}}]\nelasticsearch: [{{name: search, url: '{}'}}]\n",
        loki.url(),
        search.url()
    );
    let collector = open::<PrometheusTarget>("prometheus", &yaml, folder.path());
    let checks = ["secrets-not-in-logs", "log-content-events"];
    let judged = Judged::by(
        &checks,
        &json!({"secrets-not-in-logs": {"secret_outputs": ["stdout"]}, "log-content-events": {"event_actions": ["deploy"]}}),
    );
    let inventory = judged.inventory(&*collector).await;
    let planned = judged.planned(&*collector);
    for request in &inventory.requests {
        assert!(planned.iter().any(|planned| planned.ends_with(&request.query)), "{} was not told: {planned:#?}", request.query);
    }
    (judged.findings(&inventory, now()), format!("{:?}", inventory.listings))
}

#[tokio::test]
async fn markers_are_found_or_not_and_silence_is_no_absence() {
    let planted = ago(60);
    let masked: &[(&str, usize)] = &[("beside-", 1)];
    let (found, kept) = run(&loki(masked, planted), &elasticsearch(1, 0, planted), &register(planted)).await;
    assert_findings(&found, &["log-content-events Marker/rolled-out pass", "secrets-not-in-logs Marker/printed pass"]);
    assert!(!kept.contains("person") && !kept.contains(TEXT), "lines of logs, and the text that was looked for, are not kept");

    let both: &[(&str, usize)] = &[("beside-", 1), ("PBK-", 3)];
    let (found, _) = run(&loki(both, planted), &elasticsearch(0, 0, planted), &register(planted)).await;
    assert_findings(
        &found,
        &[
            "log-content-events Marker/rolled-out fail missing-object",
            "secrets-not-in-logs Marker/printed fail forbidden-object: the made-up secret stands in 3 lines",
        ],
    );

    // The log never came; not all shards answered.
    let (found, _) = run(&loki(&[], planted), &elasticsearch(1, 1, planted), &register(planted)).await;
    assert!(found.iter().all(|line| line.contains(" error incomplete-list")), "{found:#?}");
    let (found, _) = run(&loki(&[], planted), &elasticsearch(1, 0, planted), &register(planted)).await;
    assert!(found[1].starts_with("secrets-not-in-logs Marker/printed error not-collected: not even the text beside"), "{found:#?}");

    // The job stopped last week.
    let planted = ago(7 * 24 * 60);
    let (found, _) = run(&loki(masked, planted), &elasticsearch(1, 0, planted), &register(planted)).await;
    assert!(found.iter().all(|line| line.contains(" error stale")), "{found:#?}");

    // A store that refuses, and one that answers something else.
    let planted = ago(60);
    let refused = CannedServer::start([("*", Canned::json(403, &json!({})))]);
    let nonsense =
        CannedServer::start([("*", Canned::json(200, &json!({"status": "success", "data": {"resultType": "matrix", "result": []}})))]);
    let (found, _) = run(&refused, &elasticsearch(1, 0, planted), &register(planted)).await;
    assert!(found.iter().all(|line| line.contains(" error not-permitted")), "{found:#?}");
    let (found, _) = run(&nonsense, &elasticsearch(1, 0, planted), &register(planted)).await;
    assert!(found.iter().all(|line| line.contains(" error parse-error")), "{found:#?}");
    // No marker at all is no pass.
    let (found, _) = run(&loki(masked, planted), &elasticsearch(1, 0, planted), "markers: []\n").await;
    assert!(found.iter().all(|line| line.contains(" error empty-population")), "{found:#?}");
}

#[test]
fn registers_of_markers_that_cannot_mean_anything_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let planted = "planted_at: 2026-06-01T00:00:00Z, within: '{a=\"b\"}'";
    for (marker, told) in [
        (format!("{{id: a, kind: secret, store: logs, text: {TEXT}, {planted}}}"), "names no text `beside`"),
        (format!("{{id: a, kind: event, store: logs, text: {TEXT}, {planted}}}"), "of which `action`"),
        (format!("{{id: a, kind: event, action: deploy, store: logs, text: short, {planted}}}"), "shorter than twelve"),
        (format!("{{id: a, kind: event, action: deploy, store: logs, text: 'has a ` and more', {planted}}}"), "or has others"),
        (format!("{{id: a, kind: event, action: deploy, store: other, text: {TEXT}, {planted}}}"), "no Loki or Elasticsearch"),
        ("{id: a, kind: other}".to_owned(), "markers.yaml:"),
    ] {
        fs::write(folder.path().join("markers.yaml"), format!("markers: [{marker}]\n")).unwrap();
        let text = "markers: markers.yaml\nloki: [{name: logs, url: 'http://127.0.0.1:1'}]\n";
        let target: PrometheusTarget = yaml::parse("proofbook.yaml", text).unwrap();
        let error = target.open("prometheus", &Setup { root: folder.path(), file: "proofbook.yaml" }).err().unwrap().to_string();
        assert!(error.starts_with("proofbook.yaml:1:") && error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn traces_by_tempo_and_elasticsearch() {
    let judged = Judged::by(&["traces-retention"], &json!({}));
    let tempo = |config: &str| {
        CannedServer::start([
            ("/status/config", Canned::text(200, config)),
            ("/api/status/buildinfo", Canned::json(200, &json!({"version": "2.7.0"}))),
        ])
    };
    let plain = "compactor: {compaction: {block_retention: 336h0m0s}}\noverrides: {defaults: {}, per_tenant_override_config: ''}\n";
    let of_file = plain
        .replace("config: ''", "config: /etc/tempo/overrides.yaml")
        .replace("defaults: {}", "defaults: {compaction: {block_retention: 48h}}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("o.yaml"), "overrides: {acme: {compaction: {block_retention: 720h}}, zero: {block_retention: 0s}}\n")
        .unwrap();
    for (config, more, expected) in [
        (plain, "", &["traces-retention TraceStore/traces pass"][..]),
        (
            &of_file,
            "",
            &["traces-retention TraceStore/traces fail below-min", "traces-retention TraceStore/traces/overrides error not-served"],
        ),
        (
            &of_file,
            ", overrides: o.yaml",
            &["traces-retention TraceStore/traces fail below-min", "traces-retention TraceStore/traces/acme pass"],
        ),
        ("compactor: {}\n", "", &["traces-retention TraceStore/traces error parse-error"]),
        ("[", "", &["traces-retention TraceStore/traces error parse-error"]),
    ] {
        let server = tempo(config);
        let yaml = format!("tempo: [{{name: traces, url: '{}'{more}}}]", server.url());
        assert_findings(&judged.run(&*open::<PrometheusTarget>("prometheus", &yaml, folder.path())).await, expected);
    }

    // Jaeger keeps its spans in Elasticsearch.
    let policies = json!({"jaeger": {"policy": {"phases": {"hot": {"actions": {"rollover": {"max_age": "1d"}}}, "delete": {"min_age": "7d", "actions": {"delete": {}}}}}}});
    let explained =
        json!({"indices": {"jaeger-span-000001": {"managed": true, "policy": "jaeger"}, "jaeger-service-000001": {"managed": false}}});
    let server = CannedServer::start([
        ("/", Canned::json(200, &json!({"version": {"number": "8.15.0"}}))),
        ("/_ilm/status", Canned::json(200, &json!({"operation_mode": "RUNNING"}))),
        ("/_ilm/policy", Canned::json(200, &policies)),
        ("/_data_stream/jaeger-*", Canned::json(200, &json!({"data_streams": []}))),
        ("/jaeger-*/_ilm/explain", Canned::json(200, &explained)),
    ]);
    let yaml = format!("elasticsearch: [{{name: es, url: '{}', traces: 'jaeger-*'}}]", server.url());
    let found = judged.run(&*open::<PrometheusTarget>("prometheus", &yaml, Path::new("."))).await;
    assert_findings(
        &found,
        &[
            "traces-retention TraceStore/es/indices of jaeger fail below-min: traces are kept for 168 hours",
            "traces-retention TraceStore/es/indices without a policy fail not-as-promised: nothing is deleted",
        ],
    );
    assert!(!server.asked().iter().any(|head| head.contains("logs-")), "logs are not asked about for the sake of traces");
}
