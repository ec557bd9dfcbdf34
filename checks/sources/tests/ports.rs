//! Open ports against real listeners of the loopback: open, closed and silent, from a stated vantage, with and without a witness.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/judge.rs"]
mod judge;
#[path = "tls/servers.rs"]
#[expect(dead_code, reason = "the servers of the TLS tests; not every manner is needed here")]
mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use judge::{Judge, assert_verdicts};
use proofbook_checks::inventory::Inventory;
use proofbook_controls::yaml;
use proofbook_sources::collector::Collector;
use proofbook_sources::ports::PortsTarget;
use proofbook_sources::settings::{Setup, TargetSettings};
use serde_json::{Value as Json, json};
use servers::{P256, Pki, nginx};
use tokio::net::{TcpSocket, TcpStream};

const CHECKS: [&str; 3] = ["apiserver-exposure", "edge-origin-protected", "external-port-scan"];

fn collector(settings: &str) -> Box<dyn Collector> {
    let target: PortsTarget = yaml::parse("proofbook.yaml", settings).unwrap_or_else(|error| panic!("{error:?}"));
    target.open("ports", &Setup { root: Path::new("."), file: "proofbook.yaml" }).unwrap_or_else(|error| panic!("{error}"))
}

fn judge(parameters: &[(&str, Json)]) -> Judge {
    Judge::new(&CHECKS, parameters)
}

/// Ports as ranges of one.
fn ranges(ports: &[u16]) -> Json {
    ports.iter().map(|port| json!({"from": port, "to": port})).collect()
}

/// A listener on one address of the loopback.
fn listen(address: &str) -> (TcpListener, u16) {
    let listener = TcpListener::bind((address.parse::<IpAddr>().unwrap(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A port on which nobody listens.
fn closed(address: &str) -> u16 {
    listen(address).1
}

/// A port that takes no more connections and says nothing: its queue is full. It lasts as long as what is returned.
async fn silent(address: &str) -> (u16, tokio::net::TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
    let listener = socket.listen(1).unwrap();
    let at = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(at)).await {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the queue never fills");
    }
    (at.port(), listener, waiting)
}

fn objects(inventory: &Inventory) -> BTreeMap<String, Json> {
    let listing = inventory.listings.iter().find(|(resource, _)| resource.to_string() == "tls/addresses").unwrap().1;
    let objects = listing.objects.iter().map(proofbook_checks::value::Value::to_json);
    objects.map(|object| (object["metadata"]["name"].as_str().unwrap().to_owned(), object)).collect()
}

#[tokio::test]
async fn open_closed_and_silent_ports_are_told_apart() {
    let (_kept, open) = listen("127.0.3.1");
    let shut = closed("127.0.3.1");
    let (mute, _listener, _waiting) = silent("127.0.3.1").await;
    let promised = [("open_ports", json!([open])), ("origin_ports", json!([shut]))];
    let judge = judge(&[&promised[..], &[("scan_ports", ranges(&[open, shut, mute]))]].concat());
    let collector = collector(&format!(
        "{{vantage: external, origins: [127.0.3.1], ports: [{open}, {shut}, {mute}], api_servers: ['127.0.3.1:{shut}'], deadline_seconds: 1}}"
    ));
    let inventory = judge.collect(&*collector).await;
    let record = &objects(&inventory)["127.0.3.1"];
    assert_eq!(record["answers"], json!({"open": [open], "closed": 1, "filtered": 1}), "{record:#}");
    assert_eq!(
        (&record["vantage"], &record["roles"], &record["api_ports"]),
        (&json!("external"), &json!(["api-server", "origin"]), &json!([shut]))
    );
    assert_verdicts(
        &judge.verdicts(&inventory),
        "apiserver-exposure Address/127.0.3.1: pass
         edge-origin-protected Address/127.0.3.1: pass
         external-port-scan Address/127.0.3.1: pass",
    );
    // Where more is to be tried, what was not tried is not known.
    let verdicts = self::judge(&promised).verdicts(&inventory);
    assert_eq!(verdicts["external-port-scan Address/127.0.3.1"], "error (not-collected)");
    let [request] = inventory.requests.as_slice() else { panic!("{:?}", inventory.requests) };
    assert_eq!((request.method.as_str(), request.status.as_str()), ("tcp-connect", "1 open, 1 closed, 1 filtered"));
    let planned = collector.plan(&judge.wanted());
    assert_eq!(planned.iter().map(|request| &request.query).collect::<Vec<_>>(), [&request.query], "the plan says what was done");
}

#[tokio::test]
async fn what_is_open_and_was_not_promised_fails() {
    let (_kept, open) = listen("127.0.3.2");
    let judge = judge(&[("origin_ports", json!([open]))]);
    let collector = collector(&format!("{{vantage: external, origins: [127.0.3.2], ports: [{open}], api_servers: ['127.0.3.2:{open}']}}"));
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "apiserver-exposure Address/127.0.3.2: fail (not-allowed)
         edge-origin-protected Address/127.0.3.2: fail (not-allowed)
         external-port-scan Address/127.0.3.2: fail (not-allowed)",
    );
}

#[tokio::test]
async fn open_ports_of_origins_are_met_under_the_public_names() {
    let pki = Pki::new();
    let leaf = pki.leaf("app", P256);
    let root = pki.root();
    let authority = root.display();
    let answers = nginx("127.0.3.21", Some(&leaf), "");
    let plain = nginx("127.0.3.22", None, "return 301 https://$host/;");
    let certificate = nginx("127.0.3.23", Some(&leaf), &format!("ssl_verify_client on; ssl_client_certificate {authority};"));
    let rejects = nginx("127.0.3.24", Some(&leaf), "ssl_reject_handshake on;");
    // It cannot speak with us at all, which says nothing of the name.
    let old = nginx("127.0.3.25", Some(&leaf), "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;");
    let (_kept, mute) = listen("127.0.3.26");
    let ports = [answers.port, plain.port, certificate.port, rejects.port, old.port, mute];
    let judge = judge(&[("origin_ports", json!(ports)), ("open_ports", json!(ports))]);
    let settings = |names: &str| {
        format!(
            "{{vantage: external, origins: [127.0.3.21, 127.0.3.22, 127.0.3.23, 127.0.3.24, 127.0.3.25, 127.0.3.26], addresses: [127.0.3.21],
              ports: {ports:?}, web_ports: {ports:?}, public_names: [{names}], api_servers: ['127.0.3.30:{mute}']}}"
        )
    };
    let named = collector(&settings("app.example.com, www.example.com"));
    let inventory = judge.collect(&*named).await;
    let records = objects(&inventory);
    let told = |address: &str| -> Vec<Json> {
        let web = records[address]["web"].as_array().unwrap();
        assert_eq!(web.len(), 2, "{:#}", records[address]);
        web.iter().map(|one| json!([one["name"], one["handshake"], one["result"], one["scheme"], one["status"]])).collect()
    };
    let both = |rest: [Json; 4]| {
        let [a, b, c, d] = rest;
        vec![json!(["app.example.com", a, b, c, d]), json!(["www.example.com", a, b, c, d])]
    };
    let (none, https, http) = (Json::Null, json!("https"), json!("http"));
    assert_eq!(told("127.0.3.21"), both([json!("completed"), json!("answered"), https, json!(200)]));
    assert_eq!(told("127.0.3.22"), both([json!("failed"), json!("answered"), http, json!(301)]));
    assert_eq!(told("127.0.3.23"), both([json!("client-certificate-required"), json!("turned-away"), none.clone(), none.clone()]));
    assert_eq!(told("127.0.3.24"), both([json!("turned-away"), json!("turned-away"), none.clone(), none.clone()]));
    assert_eq!(told("127.0.3.25"), both([json!("alert"), json!("no-answer"), none.clone(), none.clone()]));
    assert_eq!(told("127.0.3.26"), both([json!("failed"), json!("no-answer"), none.clone(), none]));
    let verdicts = judge.verdicts(&inventory);
    for (address, verdict) in [
        ("127.0.3.21", "fail (not-allowed)"),
        ("127.0.3.22", "fail (not-allowed)"),
        ("127.0.3.23", "pass"),
        ("127.0.3.24", "pass"),
        ("127.0.3.25", "fail (not-allowed)"),
        ("127.0.3.26", "fail (not-allowed)"),
    ] {
        assert_eq!(verdicts[&format!("edge-origin-protected Address/{address}")], verdict, "{address}");
    }
    let planned: BTreeSet<(String, String)> = named.plan(&judge.wanted()).into_iter().map(|one| (one.method, one.query)).collect();
    for request in &inventory.requests {
        assert!(planned.contains(&(request.method.clone(), request.query.clone())), "{request:?}");
    }

    // Without names nothing is asked under one, and an open port fails.
    let inventory = judge.collect(&*collector(&settings(""))).await;
    assert!(inventory.requests.iter().all(|request| request.method == "tcp-connect"), "{:?}", inventory.requests);
    assert_eq!(judge.verdicts(&inventory)["edge-origin-protected Address/127.0.3.24"], "fail (not-allowed)");
}

#[tokio::test]
async fn from_inside_nothing_passes() {
    let shut = closed("127.0.3.3");
    let judge = judge(&[("origin_ports", json!([shut]))]);
    let collector = collector(&format!("{{vantage: internal, origins: [127.0.3.3], ports: [{shut}], api_servers: ['127.0.3.3:{shut}']}}"));
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "apiserver-exposure Address/127.0.3.3: error (not-collected)
         edge-origin-protected Address/127.0.3.3: error (not-collected)
         external-port-scan Address/127.0.3.3: error (not-collected)",
    );
}

#[tokio::test]
async fn silence_everywhere_needs_a_witness() {
    let (mute, _listener, _waiting) = silent("127.0.3.4").await;
    let (_kept, open) = listen("127.0.3.5");
    let shut = closed("127.0.3.5");
    let judge = judge(&[("origin_ports", json!([mute])), ("scan_ports", ranges(&[mute]))]);
    let settings = |witness: &str| {
        format!(
            "{{vantage: external, origins: [127.0.3.4], ports: [{mute}], api_servers: ['127.0.3.4:{mute}'], deadline_seconds: 1{witness}}}"
        )
    };
    for (witness, verdict) in [
        (String::new(), "error (unreachable)"),
        (format!(", witness: '127.0.3.5:{shut}'"), "error (unreachable)"),
        (format!(", witness: '127.0.3.5:{open}'"), "pass"),
    ] {
        let inventory = judge.collect(&*collector(&settings(&witness))).await;
        let expected: Vec<String> = CHECKS.iter().map(|check| format!("{check} Address/127.0.3.4: {verdict}")).collect();
        assert_verdicts(&judge.verdicts(&inventory), &expected.join("\n"));
    }
}

#[tokio::test]
async fn an_address_that_must_not_be_asked_or_is_none_harms_no_other() {
    let (_kept, open) = listen("127.0.3.6");
    let judge = judge(&[
        ("open_ports", json!([open])),
        ("origin_roles", json!(["address"])),
        ("origin_ports", json!([80])),
        ("scan_ports", ranges(&[80, open])),
    ]);
    let collector = collector(&format!(
        "{{vantage: external, addresses: [127.0.3.6, 169.254.169.254, no-such-host.invalid], ports: [80, {open}], api_servers: ['no-such-host.invalid:6443']}}"
    ));
    let inventory = judge.collect(&*collector).await;
    assert_verdicts(
        &judge.verdicts(&inventory),
        "apiserver-exposure Address/no-such-host.invalid: error (unreachable)
         edge-origin-protected Address/127.0.3.6: pass
         edge-origin-protected Address/169.254.169.254: error (unreachable)
         edge-origin-protected Address/no-such-host.invalid: error (unreachable)
         external-port-scan Address/127.0.3.6: pass
         external-port-scan Address/169.254.169.254: error (unreachable)
         external-port-scan Address/no-such-host.invalid: error (unreachable)",
    );
    assert!(inventory.requests.iter().all(|request| !request.query.contains("169.254")), "{:?}", inventory.requests);
}

#[tokio::test]
async fn connections_are_made_no_faster_than_allowed() {
    let judge = Judge::new(&["external-port-scan"], &[]);
    let collector = collector("{vantage: external, addresses: [127.0.3.7, 127.0.3.8], ports: ['20100-20119'], per_second: 50}");
    let started = Instant::now();
    let inventory = judge.collect(&*collector).await;
    let took = started.elapsed();
    // 40 connections at 50 a second; the first goes at once.
    assert!(took >= Duration::from_millis(700) && took < Duration::from_secs(10), "{took:?}");
    assert!(objects(&inventory).values().all(|record| record["answers"]["closed"] == 20), "{:#?}", objects(&inventory));
}

#[test]
fn settings_that_make_no_sense_say_what_is_expected() {
    let wrong = |settings: &str| {
        let target: PortsTarget = yaml::parse("proofbook.yaml", settings).unwrap_or_else(|error| panic!("{error:?}"));
        target.open("ports", &Setup { root: Path::new("."), file: "proofbook.yaml" }).err().expect(settings).to_string()
    };
    assert!(wrong("{vantage: external, addresses: ['203.0.113.7:443']}").contains("ports stand under `ports`"));
    assert!(wrong("{vantage: external, public_names: ['203.0.113.7']}").contains("not a name"));
    assert!(wrong("{vantage: external, api_servers: ['https://api.example.com']}").contains("URL"));
    for settings in ["{addresses: [203.0.113.7]}", "{vantage: outside}", "{vantage: external, ports: ['9-1']}"] {
        assert!(yaml::parse::<PortsTarget>("proofbook.yaml", settings).is_err(), "{settings}");
    }
}
