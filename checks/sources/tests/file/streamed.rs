//! Audit events out of a Loki. No Loki can be had here: the server answers after the documentation of `query_range`, with its limit of
//! lines, streams that are told one after the other, and times in nanoseconds.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::inventory::{Completeness, Inventory};
use proofbook_checks::value::Value;
use reqwest::Url;
use serde_json::{Value as Json, json};

use super::canned::{Canned, CannedServer};
use super::judge::Judge;
use super::open;
use super::process::with_namespaces;

const CHECK: &str = "admin-access-audited";

#[expect(clippy::disallowed_methods, reason = "the collector reads back from the clock of the moment")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

fn event(at: Timestamp, id: usize, group: &str, resource: &str) -> (i128, String) {
    let event = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": id.to_string(), "stage": "ResponseComplete", "verb": "get",
        "user": {"username": "jane.doe@example.com", "groups": [group]}, "objectRef": {"resource": resource, "namespace": "tenant-a"},
        "responseStatus": {"code": 200}, "requestReceivedTimestamp": at.to_string()});
    (at.as_nanosecond(), event.to_string())
}

/// A Loki that holds some lines and tells at most `most` of them at a time.
fn loki(lines: Vec<(i128, String)>, most: usize) -> CannedServer {
    let lines = Arc::new(lines);
    CannedServer::answering(move |_, path, head| {
        let url = Url::parse(&format!("http://x{path}")).unwrap();
        let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert_eq!(
            (url.path(), asked("query").as_str(), asked("direction").as_str()),
            ("/loki/api/v1/query_range", "{job=\"audit\"}", "forward")
        );
        assert!(head.to_ascii_lowercase().contains("x-scope-orgid: ops"), "{head}");
        let (from, to): (i128, i128) = (asked("start").parse().unwrap(), asked("end").parse().unwrap());
        assert!(to - from <= 24 * 3_600_000_000_000);
        // A limit above what Loki allows is refused, not cut.
        let limit: usize = asked("limit").parse().unwrap();
        if limit > most {
            return Canned::text(400, "max entries limit per query exceeded");
        }
        let mut told: Vec<&(i128, String)> = lines.iter().filter(|(at, _)| (from..to).contains(at)).collect();
        told.sort();
        let told = &told[..told.len().min(limit)];
        let stream = |odd: usize| {
            let values = told.iter().enumerate().filter(|(number, _)| number % 2 == odd);
            let values: Vec<Json> = values.map(|(_, (at, line))| json!([at.to_string(), line])).collect();
            json!({"stream": {"job": "audit", "node": odd.to_string()}, "values": values})
        };
        Canned::json(200, &json!({"status": "success", "data": {"resultType": "streams", "result": [stream(0), stream(1)], "stats": {}}}))
    })
}

async fn read(server: &CannedServer, root: &Path) -> Inventory {
    let settings = format!(
        "audit_events: {{staff: {{groups: [ops]}}, loki: [{{name: cluster, url: '{}', tenant: ops, query: '{{job=\"audit\"}}'}}]}}
registers: {{tickets: [tickets.yaml]}}",
        server.url()
    );
    let judge = Judge::new(&[CHECK], &[]);
    with_namespaces(judge.collect(&*open(root, &settings)).await, &judge)
}

fn verdict(inventory: &Inventory) -> String {
    let found = Judge::new(&[CHECK], &[]).findings(inventory, &now().to_string());
    let [found] = found.as_slice() else { panic!("{found:?}") };
    format!("{} {:?} {} {}", found.subject, found.verdict, found.reason_code.as_str(), found.message)
}

fn trail(inventory: &Inventory) -> Json {
    let listing = inventory.listings.iter().find(|(resource, _)| resource.to_string() == "file/audittrails").unwrap().1;
    assert_eq!(listing.completeness, Completeness::Complete);
    listing.objects.first().map(Value::to_json).unwrap()
}

fn tickets(root: &Path, namespace: &str) {
    let (from, until) = (ago(60), ago(40));
    let text = format!(
        "as_of: {}\ntickets: [{{id: T-1, namespaces: [{namespace}], from: {from}, until: {until}, reason: restore, approved_by: customer}}]\n",
        now().strftime("%Y-%m-%d")
    );
    fs::write(root.join("tickets.yaml"), text).unwrap();
}

/// A month of events, of which staff made one: two days ago.
fn month() -> Vec<(i128, String)> {
    let mut lines: Vec<_> = (1..=740).map(|hours| event(ago(hours), usize::try_from(hours).unwrap(), "others", "pods")).collect();
    lines.push(event(ago(50), 9_000_000, "ops", "secrets"));
    lines
}

#[tokio::test]
async fn a_month_of_events_is_judged_as_a_file_is() {
    let root = tempfile::tempdir().unwrap();
    let server = loki(month(), 5000);
    tickets(root.path(), "tenant-a");
    let inventory = read(&server, root.path()).await;
    assert!(verdict(&inventory).starts_with("AuditTrail/loki/cluster Pass"), "{}", verdict(&inventory));
    let told = trail(&inventory);
    assert_eq!((&told["events"], told["from"].is_string()), (&json!(741), true));
    assert!(!format!("{:?}", inventory.listings).contains("jane.doe"), "nobody is known by name");
    assert!(inventory.requests.iter().any(|request| request.query.contains("/loki/api/v1/query_range?")));
    tickets(root.path(), "tenant-b");
    let inventory = read(&server, root.path()).await;
    assert!(verdict(&inventory).contains("Fail missing-object 1 of 1 entries rest on no ticket"), "{}", verdict(&inventory));
    // What reaches back a week only does not judge a month.
    let week = month().into_iter().filter(|(at, _)| *at > ago(168).as_nanosecond()).collect();
    let inventory = read(&loki(week, 5000), root.path()).await;
    assert!(verdict(&inventory).contains("Error incomplete-list"), "{}", verdict(&inventory));
}

#[tokio::test]
async fn days_of_many_events_are_read_page_by_page_and_each_event_counts_once() {
    let root = tempfile::tempdir().unwrap();
    tickets(root.path(), "tenant-b");
    // Two days ago, 11,000 events within an hour, a thousand of one moment each, and that of staff among them.
    let start = ago(50);
    let busy = (0..11_000_usize).map(|number| {
        let at = start + SignedDuration::from_secs(i64::try_from(number / 1000).unwrap());
        event(at, 1_000_000 + number, "others", "pods")
    });
    let lines: Vec<_> = month().into_iter().chain(busy).collect();
    let inventory = read(&loki(lines, 5000), root.path()).await;
    assert_eq!(trail(&inventory)["events"], 11_741);
    assert!(verdict(&inventory).contains("1 of 1 entries"), "{}", verdict(&inventory));
}

#[tokio::test]
async fn what_is_cut_refused_or_damaged_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    tickets(root.path(), "tenant-a");
    // A page that is full of one moment cannot be passed.
    let at = ago(50);
    let moment: Vec<_> = (0..5001_usize).map(|number| event(at, 1_000_000 + number, "others", "pods")).collect();
    let inventory = read(&loki(month().into_iter().chain(moment).collect(), 5000), root.path()).await;
    assert!(verdict(&inventory).contains("Error incomplete-list loki/cluster: more than 5000 events"), "{}", verdict(&inventory));
    // A Loki that allows less refuses.
    let inventory = read(&loki(month(), 1000), root.path()).await;
    assert!(verdict(&inventory).contains("Error unreachable"), "{}", verdict(&inventory));
    let cut = vec![(ago(50).as_nanosecond(), "{\"kind\": \"Event\", \"user\": \"jane.doe".to_owned())];
    let inventory = read(&loki(cut, 5000), root.path()).await;
    assert!(verdict(&inventory).contains("Error parse-error") && !verdict(&inventory).contains("jane.doe"), "{}", verdict(&inventory));
    let streams = |more: &Json| {
        let mut told = json!({"status": "success", "data": {"resultType": "streams", "result": []}});
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Canned::json(200, &told)
    };
    for (answer, reason) in [
        (Canned::text(403, "no"), "not-permitted"),
        (Canned::text(404, "no"), "not-served"),
        (Canned::text(200, "<html>"), "parse-error"),
        (streams(&json!({"data": {"resultType": "matrix", "result": []}})), "parse-error"),
        (streams(&json!({"warnings": ["some ingesters did not answer"]})), "incomplete-list"),
        (streams(&json!({})), "empty-population"),
    ] {
        let inventory = read(&CannedServer::start([("*", answer)]), root.path()).await;
        assert!(verdict(&inventory).contains(&format!("Error {reason}")), "{reason}: {}", verdict(&inventory));
    }
}
