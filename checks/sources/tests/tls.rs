//! The TLS collector against real servers in many postures, and against listeners that misbehave.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "tls/facts.rs"]
mod facts;
#[path = "support/judge.rs"]
mod judge;
#[path = "tls/servers.rs"]
mod servers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proofbook_checks::inventory::{Completeness, Inventory, Wanted};
use proofbook_checks::mask::{Mask, Step};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::{Resource, Source};
use proofbook_sources::collector::{Collector, Unwatched};
use proofbook_sources::tls::{Endpoint, TlsCollector, TlsSettings};
use rustls::crypto::aws_lc_rs::kx_group::{X25519, X25519MLKEM768};
use serde_json::{Value, json};
use servers::{Manner, P256, P521, Pki, RSA, library_server, listener, loopback, nginx, s_server};

const DEADLINE: Duration = Duration::from_millis(1500);

fn endpoint(port: u16) -> Endpoint {
    let mut endpoint: Endpoint = format!("app.example.test:{port}").parse().expect("an endpoint");
    endpoint.addresses = vec![loopback(0, 1)];
    endpoint
}

fn settings(endpoints: Vec<Endpoint>, pki: Option<&Pki>) -> TlsSettings {
    TlsSettings { endpoints, ca_file: pki.map(Pki::root), deadline: Duration::from_secs(20), ..TlsSettings::default() }
}

/// What is asked for where checks read these parts, and what they always do.
fn wanted(parts: &[&str]) -> Wanted {
    let mut mask = Mask::default();
    let always = ["apiVersion", "kind", "metadata", "host", "port", "address", "server_name", "outcome", "detail", "versions"];
    let seen = ["lowest", "highest", "client_certificate", "certificate", "chain", "staple", "session", "origin"];
    for part in always.iter().chain(&seen).chain(parts) {
        mask.add(&[Step::key(part)], true);
    }
    Wanted::from([(Resource::tls_endpoints(), Projection { mask: Arc::new(mask), controlled: None })])
}

async fn collect(settings: TlsSettings) -> Inventory {
    let wanted = wanted(&[]);
    let collector = TlsCollector::new("endpoints", settings).expect("sound settings");
    collector.collect(&wanted, &Unwatched).await
}

fn records(inventory: &Inventory) -> Vec<Value> {
    assert_eq!(inventory.completeness(&Resource::tls_endpoints()), &Completeness::Complete);
    inventory.objects(&Resource::tls_endpoints()).iter().map(proofbook_checks::value::Value::to_json).collect()
}

/// The one record of one endpoint.
async fn record(port: u16, pki: &Pki) -> Value {
    let mut records = records(&collect(settings(vec![endpoint(port)], Some(pki))).await);
    assert_eq!(records.len(), 1);
    records.remove(0)
}

/// The record of a listener that misbehaves, with the connections made and the time it took.
async fn misbehaving(port: u16) -> (Value, usize, Duration) {
    let started = Instant::now();
    let inventory = collect(TlsSettings { deadline: DEADLINE, ..settings(vec![endpoint(port)], None) }).await;
    let record = records(&inventory).remove(0);
    (record, inventory.requests.len(), started.elapsed())
}

fn results(record: &Value) -> Vec<&str> {
    let result = |version| record["versions"][version]["result"].as_str().expect("every version has a result");
    ["ssl3", "tls1.0", "tls1.1", "tls1.2", "tls1.3"].into_iter().map(result).collect()
}

#[tokio::test]
async fn tls_1_2_and_1_3_with_a_good_chain() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", RSA);
    let server = nginx("127.0.0.1", Some(&leaf), "ssl_protocols TLSv1.2 TLSv1.3;");
    let record = record(server.port, &pki).await;

    assert_eq!(record["metadata"]["name"], format!("app.example.test:{}@127.0.0.1", server.port));
    assert_eq!((&record["apiVersion"], &record["kind"]), (&json!("proofbook.dev/tls"), &json!("Endpoint")));
    assert_eq!((&record["outcome"], &record["detail"]), (&json!("handshake"), &json!("")));
    assert_eq!(results(&record), ["alert", "alert", "alert", "accepted", "accepted"]);
    assert_eq!(record["versions"]["tls1.1"]["alert"], "protocol_version");
    assert_eq!(record["versions"]["tls1.2"]["group"], "x25519");
    assert!(record["versions"]["tls1.2"]["cipher"].as_str().unwrap().starts_with("TLS_ECDHE_RSA_WITH_AES_"));
    assert_eq!(record["versions"]["tls1.3"]["group"], "x25519");
    assert_eq!((&record["lowest"], &record["highest"]), (&json!("tls1.2"), &json!("tls1.3")));
    assert_eq!(record["client_certificate"], "none");
    assert_eq!(record["server_name"], "app.example.test");
    assert_eq!(record["chain"], json!({"length": 1, "verifies": true, "error": ""}));

    let certificate = &record["certificate"];
    assert_eq!((&certificate["subject"], &certificate["issuer"]), (&json!("CN=app.example.test"), &json!("CN=Root")));
    assert_eq!(certificate["names"], json!(["app.example.test", "*.wild.example.test", "127.0.0.1", "::1"]));
    assert_eq!((&certificate["not_before"], &certificate["not_after"]), (&json!("2024-01-01T00:00:00Z"), &json!("2099-01-01T00:00:00Z")));
    assert_eq!(certificate["key"], json!({"type": "RSA", "bits": 2048}));
    assert_eq!(certificate["signature"], "ecdsa-with-SHA256");
    assert_eq!((&certificate["self_signed"], &certificate["covers_host"]), (&json!(false), &json!(true)));
    let serial = servers::openssl_says(&leaf.certificate, "-serial").to_lowercase();
    assert_eq!(serial, format!("serial={}", certificate["serial"].as_str().unwrap().trim_start_matches("00")));
    assert_eq!(certificate["spki_sha256"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn tls_1_3_only() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.leaf("leaf", P521)), "ssl_protocols TLSv1.3;");
    let record = record(server.port, &pki).await;
    assert_eq!(results(&record), ["alert", "alert", "alert", "alert", "accepted"]);
    assert_eq!(record["outcome"], "handshake");
    assert_eq!(record["certificate"]["key"], json!({"type": "EC", "bits": 521}));
    assert_eq!(record["chain"]["verifies"], true);
}

#[tokio::test]
async fn a_group_that_was_not_offered_as_a_key_is_asked_for_by_name() {
    let pki = Pki::new();
    let server = s_server(&pki.leaf("leaf", P256), "-tls1_3 -groups P-384");
    let record = record(server.port, &pki).await;
    assert_eq!(record["versions"]["tls1.3"]["group"], "secp384r1");
    assert_eq!(record["outcome"], "handshake");
}

#[tokio::test]
async fn a_post_quantum_group_is_told_without_a_key_of_it() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    let port = library_server(&leaf.certificate, &leaf.key, X25519MLKEM768);
    let record = record(port, &pki).await;
    assert_eq!(record["versions"]["tls1.3"]["group"], "X25519MLKEM768", "{record:#}");
    assert_eq!(record["chain"]["verifies"], true);
}

#[tokio::test]
async fn a_certificate_without_its_key_does_not_verify() {
    let pki = Pki::new();
    let (leaf, other) = (pki.leaf("leaf", P256), pki.leaf("other", P256));
    let port = library_server(&leaf.certificate, &other.key, X25519);
    let record = record(port, &pki).await;
    assert_eq!(record["outcome"], "handshake");
    assert_eq!(record["chain"]["verifies"], false);
    assert_eq!(record["chain"]["error"], "the server does not hold the key of its certificate");
}

#[tokio::test]
async fn tls_1_0_to_1_2_of_an_old_server() {
    let pki = Pki::new();
    let old = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;";
    let server = nginx("127.0.0.1", Some(&pki.leaf("leaf", RSA)), old);
    let record = record(server.port, &pki).await;
    assert_eq!(results(&record), ["alert", "accepted", "accepted", "accepted", "alert"]);
    assert_eq!((&record["lowest"], &record["highest"]), (&json!("tls1.0"), &json!("tls1.2")));
    assert_eq!(record["versions"]["tls1.0"]["group"], "x25519");
    assert_eq!(record["certificate"]["subject"], "CN=app.example.test");
}

#[tokio::test]
async fn a_server_of_one_old_version_answers_newer_hellos_in_its_own() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", RSA);
    for (flag, expected) in [
        ("-tls1", ["alert", "accepted", "other-version", "other-version", "alert"]),
        ("-tls1_1", ["alert", "alert", "accepted", "other-version", "alert"]),
    ] {
        let server = s_server(&leaf, &format!("{flag} -cipher ALL:@SECLEVEL=0"));
        let record = record(server.port, &pki).await;
        assert_eq!(results(&record), expected, "{flag}");
        assert_eq!(record["outcome"], "handshake");
        // The certificate passed in clear: no library completes this handshake.
        assert_eq!((&record["certificate"]["covers_host"], &record["chain"]["verifies"]), (&json!(true), &json!(true)));
    }
}

#[tokio::test]
async fn cbc_without_forward_secrecy() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.leaf("leaf", RSA)), "ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA;");
    let record = record(server.port, &pki).await;
    assert_eq!(record["versions"]["tls1.2"], json!({"result": "accepted", "cipher": "TLS_RSA_WITH_AES_128_CBC_SHA"}));
    assert_eq!(record["outcome"], "handshake");
    assert_eq!(record["detail"], "the complete handshake failed: alert handshake_failure");
    assert_eq!(record["certificate"]["covers_host"], true);
    assert_eq!(record["chain"]["verifies"], true);
}

#[tokio::test]
async fn an_expired_leaf_is_seen_and_told() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.expired()), "ssl_protocols TLSv1.2 TLSv1.3;");
    let record = record(server.port, &pki).await;
    assert_eq!(record["outcome"], "handshake");
    assert_eq!(record["certificate"]["not_after"], "2024-02-01T00:00:00Z");
    assert_eq!(record["chain"], json!({"length": 1, "verifies": false, "error": "expired"}));
}

#[tokio::test]
async fn a_self_signed_leaf_and_a_foreign_name() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.self_signed()), "");
    let record = record(server.port, &pki).await;
    assert_eq!(record["certificate"]["self_signed"], true);
    assert_eq!(record["chain"], json!({"length": 1, "verifies": false, "error": "self-signed"}));

    let mut other = endpoint(server.port);
    other.server_name = Some("other.example.test".to_owned());
    let records = records(&collect(settings(vec![other], Some(&pki))).await);
    assert_eq!(records[0]["certificate"]["covers_host"], false);
    assert_eq!(records[0]["metadata"]["name"], format!("app.example.test:{}@127.0.0.1#other.example.test", server.port));
}

#[tokio::test]
async fn the_roots_of_the_machine_do_not_trust_a_private_one() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.leaf("leaf", P256)), "");
    let records = records(&collect(settings(vec![endpoint(server.port)], None)).await);
    assert_ne!(records[0]["chain"]["verifies"], true);
    assert_ne!(records[0]["chain"]["error"], "");
}

#[tokio::test]
async fn a_required_client_certificate_is_told_from_a_requested_one() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    let trust = format!("ssl_client_certificate {};", pki.root().display());
    for (what, server, outcome, wanted) in [
        ("nginx on", nginx("127.0.0.1", Some(&leaf), &format!("{trust} ssl_verify_client on;")), "client-certificate-required", "required"),
        ("nginx optional", nginx("127.0.0.1", Some(&leaf), &format!("{trust} ssl_verify_client optional;")), "handshake", "requested"),
        ("openssl 1.3", s_server(&leaf, "-tls1_3 -Verify 1"), "client-certificate-required", "required"),
        ("openssl 1.2", s_server(&leaf, "-tls1_2 -Verify 1"), "client-certificate-required", "required"),
        ("openssl optional", s_server(&leaf, "-verify 1"), "handshake", "requested"),
        ("openssl 1.0", s_server(&leaf, "-tls1 -cipher ALL:@SECLEVEL=0 -verify 1"), "handshake", "requested"),
    ] {
        let record = record(server.port, &pki).await;
        assert_eq!((&record["outcome"], &record["client_certificate"]), (&json!(outcome), &json!(wanted)), "{what}: {record:#}");
        assert_eq!(record["certificate"]["covers_host"], true, "{what}");
    }
}

#[tokio::test]
async fn a_plain_http_port() {
    let server = nginx("127.0.0.1", None, "");
    let (record, _, _) = misbehaving(server.port).await;
    assert_eq!(record["outcome"], "plain-http");
    assert_eq!(results(&record), ["plain-http"; 5]);
    assert_eq!((record.get("lowest"), record.get("certificate"), record.get("chain")), (None, None, None));
}

#[tokio::test]
async fn a_port_that_never_answers_costs_one_deadline() {
    let (record, connections, took) = misbehaving(listener(Manner::Silent)).await;
    assert_eq!((&record["outcome"], &record["detail"]), (&json!("timeout"), &json!("no answer within 1.5s")));
    assert_eq!(results(&record), ["not-probed", "not-probed", "not-probed", "timeout", "timeout"]);
    assert_eq!(connections, 2);
    assert!(took >= DEADLINE && took < DEADLINE * 3, "{took:?}");

    let (record, connections, took) = misbehaving(listener(Manner::Trickle)).await;
    assert_eq!((&record["outcome"], connections), (&json!("timeout"), 2));
    assert!(took < DEADLINE * 3, "{took:?}");
}

#[tokio::test]
async fn ports_that_break_off() {
    let (record, _, _) = misbehaving(listener(Manner::Reset)).await;
    assert_eq!(record["outcome"], "reset");
    assert_eq!(results(&record), ["reset"; 5]);

    let (record, _, _) = misbehaving(listener(Manner::Close)).await;
    assert_eq!(record["outcome"], "closed");
    assert_eq!(results(&record), ["closed"; 5]);

    let (record, connections, _) = misbehaving(servers::free_port()).await;
    assert_eq!((&record["outcome"], connections), (&json!("refused-connection"), 2));
    assert_eq!(results(&record), ["not-probed", "not-probed", "not-probed", "unreachable", "unreachable"]);
}

#[tokio::test]
async fn ports_that_say_something_else() {
    for (manner, outcome) in [
        (Manner::Say(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "not-tls"),
        (Manner::Say(b"220 mail.example.test ESMTP\r\n"), "not-tls"),
        (Manner::Say(&[22, 3, 3, 0xff, 0xff, 2, 0xff, 0xff, 0xff]), "not-tls"),
        (Manner::Say(&[22, 3, 3, 0, 8, 2, 0, 0, 4, 9, 9, 9, 9]), "not-tls"),
        (Manner::Say(&[21, 3, 1, 0, 2, 2, 40]), "alert"),
        (Manner::Endless, "not-tls"),
    ] {
        let (record, _, took) = misbehaving(listener(manner)).await;
        assert_eq!(record["outcome"], outcome, "{record:#}");
        assert!(took < DEADLINE * 3, "{took:?}");
    }
}

#[tokio::test]
async fn sslv3_alone_is_accepted_and_told() {
    let (record, _, _) = misbehaving(listener(Manner::OnlySsl3)).await;
    assert_eq!(results(&record), ["accepted", "alert", "alert", "alert", "alert"]);
    assert_eq!((&record["outcome"], &record["lowest"], &record["highest"]), (&json!("handshake"), &json!("ssl3"), &json!("ssl3")));
    assert_eq!(record["versions"]["ssl3"]["cipher"], "TLS_RSA_WITH_3DES_EDE_CBC_SHA");
}

#[tokio::test]
async fn a_name_without_an_address_is_unresolved() {
    let endpoints = vec!["no-such-host.invalid".parse().unwrap()];
    let inventory = collect(settings(endpoints, None)).await;
    let record = records(&inventory).remove(0);
    assert_eq!((&record["outcome"], &record["metadata"]["name"]), (&json!("unresolved"), &json!("no-such-host.invalid:443")));
    assert_eq!((record.get("address"), results(&record)), (None, vec!["not-probed"; 5]));
    assert_eq!((inventory.requests.len(), inventory.requests[0].status.as_str()), (1, "unresolved"));
}

#[tokio::test]
async fn every_address_is_a_record_of_its_own() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.leaf("leaf", P256)), "");
    let mut both = endpoint(server.port);
    both.addresses.push(loopback(0, 2));
    // One connection at a time must do.
    let settings = TlsSettings { concurrency: 1, ..settings(vec![both, endpoint(server.port)], Some(&pki)) };
    let records = records(&collect(settings).await);
    let outcomes: Vec<_> =
        records.iter().map(|record| (record["address"].as_str().unwrap(), record["outcome"].as_str().unwrap())).collect();
    assert_eq!(outcomes, [("127.0.0.1", "handshake"), ("127.0.0.2", "refused-connection")]);
}

#[tokio::test]
async fn the_ipv6_loopback() {
    if !servers::has_ipv6() {
        return;
    }
    let pki = Pki::new();
    let server = nginx("[::1]", Some(&pki.leaf("leaf", P256)), "");
    let endpoints = vec![format!("[::1]:{}", server.port).parse().unwrap()];
    let records = records(&collect(settings(endpoints, Some(&pki))).await);
    assert_eq!(records[0]["metadata"]["name"], format!("[::1]:{}@::1", server.port));
    assert_eq!((&records[0]["outcome"], &records[0]["certificate"]["covers_host"]), (&json!("handshake"), &json!(true)));
    assert_eq!(records[0].get("server_name"), None);
}

#[tokio::test]
async fn metadata_addresses_are_not_contacted() {
    let endpoints = ["169.254.169.254:80", "[fe80::1]:443", "[fd00:ec2::254]:80", "[::ffff:169.254.169.254]:80"];
    let endpoints = endpoints.iter().map(|text| text.parse().unwrap()).collect();
    let inventory = collect(settings(endpoints, None)).await;
    for record in records(&inventory) {
        assert_eq!(record["outcome"], "unreachable");
        assert!(record["detail"].as_str().unwrap().contains("not contacted"), "{record}");
        assert_eq!(results(&record), ["not-probed"; 5]);
    }
    assert!(inventory.requests.is_empty());
}

#[tokio::test]
async fn two_hundred_endpoints_with_their_requests_and_target() {
    let pki = Pki::new();
    let server = nginx("0.0.0.0", Some(&pki.leaf("leaf", P256)), "ssl_protocols TLSv1.2 TLSv1.3;");
    let many = (0..200).map(|number| {
        let mut endpoint = endpoint(server.port);
        endpoint.addresses = vec![loopback(1, number)];
        endpoint
    });
    let settings = settings(many.collect(), Some(&pki));
    let wanted = wanted(&[]);
    let collector = TlsCollector::new("endpoints", settings).unwrap();
    let inventory = collector.collect(&wanted, &Unwatched).await;
    let records = records(&inventory);
    assert_eq!(records.len(), 200);
    assert!(records.iter().all(|record| record["chain"]["verifies"] == true), "{:#}", records[0]);

    // Five hellos and one handshake an address, each on record and none that was not planned.
    assert_eq!(inventory.requests.len(), 1200);
    assert!(inventory.requests.is_sorted());
    let planned: BTreeSet<String> = collector.plan(&wanted).into_iter().map(|request| request.method).collect();
    assert!(inventory.requests.iter().all(|request| planned.contains(&request.method) && request.source == Source::Tls));
    let one = &inventory.requests[0];
    assert_eq!((one.method.as_str(), one.status.as_str(), one.bytes), ("client-hello ssl3", "alert", 7));
    assert!(one.query.starts_with("app.example.test:") && one.query.ends_with("@127.0.1.0"), "{}", one.query);
    assert_eq!(one.response_sha256.as_ref().map(String::len), Some(64));

    assert_eq!(inventory.targets.len(), 1);
    assert_eq!((inventory.targets[0].name.as_str(), inventory.targets[0].actor.auth.as_str()), ("endpoints", "none"));
}

#[tokio::test]
async fn nothing_is_asked_that_nobody_wants() {
    let collector = TlsCollector::new("endpoints", settings(vec![endpoint(1)], None)).unwrap();
    let inventory = collector.collect(&Wanted::new(), &Unwatched).await;
    assert!(inventory.listings.is_empty() && inventory.requests.is_empty() && inventory.targets.is_empty());
    assert!(collector.plan(&Wanted::new()).is_empty());
}

#[test]
fn roots_that_cannot_be_read_are_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.pem");
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "no certificate here\n").unwrap();
    for (file, part) in [(missing, "missing.pem"), (empty, "holds no certificate")] {
        let settings = TlsSettings { ca_file: Some(file), ..TlsSettings::default() };
        let error = TlsCollector::new("endpoints", settings).err().expect("an error").to_string();
        assert!(error.contains(part) && error.contains("PEM"), "{error}");
    }
}
