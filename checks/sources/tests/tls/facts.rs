//! Every suite, every group, and how sessions are protected, of real servers; and what of it is asked only where it is read.

use std::time::Duration;

use proofbook_checks::inventory::Inventory;
use proofbook_sources::collector::{Collector, Unwatched};
use proofbook_sources::tls::{TlsCollector, TlsSettings};
use rustls::crypto::aws_lc_rs::kx_group::{SECP256R1, X25519, X25519MLKEM768};
use serde_json::{Value, json};

use super::judge::{Judge, assert_verdicts};
use super::servers::{Manner, P256, Pki, RSA, library_server, listener, nginx, s_server};
use super::{DEADLINE, endpoint, records, settings, wanted};

const ALL: &[&str] = &["suites", "groups", "dh_bits", "alpn"];

async fn inventory(port: u16, pki: &Pki, parts: &[&str]) -> Inventory {
    let collector = TlsCollector::new("endpoints", settings(vec![endpoint(port)], Some(pki))).unwrap();
    collector.collect(&wanted(parts), &Unwatched).await
}

async fn record(port: u16, pki: &Pki) -> Value {
    records(&inventory(port, pki, ALL).await).remove(0)
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}")).iter().map(|item| item.as_str().unwrap()).collect()
}

/// What openssl itself says of a cipher string, by the names of the registry.
fn openssl_ciphers(version: &str, ciphers: &str) -> Vec<String> {
    let output = std::process::Command::new("openssl")
        .env("OPENSSL_CONF", "/dev/null")
        .args(["ciphers", "-s", version, "-stdname", ciphers])
        .output()
        .expect("install openssl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| !name.contains("PSK")).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_suites_of_an_old_server_are_all_found_and_no_others() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", RSA);
    let old = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0; ssl_prefer_server_ciphers on;";
    let server = nginx("127.0.0.1", Some(&leaf), old);
    let record = record(server.port, &pki).await;
    for (version, flag) in [("tls1.0", "-tls1"), ("tls1.1", "-tls1_1"), ("tls1.2", "-tls1_2")] {
        // Of a server with an RSA certificate, without parameters for Diffie-Hellman.
        let expected: Vec<String> = openssl_ciphers(flag, "kRSA:ECDHE+aRSA:AECDH:@SECLEVEL=0");
        let mut found: Vec<&str> = texts(&record["suites"][version]);
        // nginx leaves out what does not authenticate, unless told otherwise.
        let mut expected: Vec<&str> = expected.iter().map(String::as_str).filter(|name| !name.contains("_NULL_")).collect();
        found.sort_unstable();
        expected.sort_unstable();
        expected.retain(|name| !name.contains("_anon_") || found.contains(name));
        assert_eq!(found, expected, "{version}");
    }
    assert_eq!(record["suites"]["tls1.3"].as_array().unwrap().len(), 3);
    let session = json!({"secure_renegotiation": true, "extended_master_secret": true, "compression": false, "tickets": true});
    assert_eq!(record["session"], session);
}

#[tokio::test]
async fn the_order_is_the_servers_and_the_field_is_measured() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", RSA);
    let dh = pki.dh_parameters();
    let chosen = format!(
        "ssl_protocols TLSv1.2; ssl_dhparam {}; ssl_prefer_server_ciphers on;
         ssl_ciphers AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0;
         ssl_session_tickets off; ssl_ecdh_curve P-384:P-256;",
        dh.display()
    );
    let server = nginx("127.0.0.1", Some(&leaf), &chosen);
    let record = record(server.port, &pki).await;
    let expected = ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"];
    assert_eq!(texts(&record["suites"]["tls1.2"]), expected);
    assert_eq!(record["dh_bits"], 1024);
    let mut groups = texts(&record["groups"]["tls1.2"]);
    groups.sort_unstable();
    assert_eq!(groups, ["secp256r1", "secp384r1"]);
    assert_eq!(record["session"]["tickets"], false);
    assert_eq!(record["suites"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn the_groups_of_tls_1_3_are_found_with_post_quantum_among_them() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    let server = s_server(&leaf, "-tls1_3 -groups X25519:P-256:P-521");
    let record = record(server.port, &pki).await;
    let mut groups = texts(&record["groups"]["tls1.3"]);
    groups.sort_unstable();
    assert_eq!(groups, ["secp256r1", "secp521r1", "x25519"]);
    assert_eq!(record["suites"]["tls1.3"].as_array().unwrap().len(), 3);
    assert_eq!((record.get("session"), record.get("dh_bits")), (None, None));

    for (group, name) in [(X25519MLKEM768, "X25519MLKEM768"), (X25519, "x25519"), (SECP256R1, "secp256r1")] {
        let port = library_server(&leaf.certificate, &leaf.key, group);
        let record = self::record(port, &pki).await;
        assert_eq!(texts(&record["groups"]["tls1.3"]), [name]);
    }
}

#[tokio::test]
async fn the_protocol_inside_tls_and_a_staple_are_seen() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    let server = s_server(&leaf, "-alpn h2,http/1.1");
    let alpn = record(server.port, &pki).await;
    assert_eq!((&alpn["alpn"], &alpn["staple"]), (&json!("h2"), &json!({"sent": false})));
    let server = s_server(&leaf, "-tls1_2");
    assert_eq!(record(server.port, &pki).await.get("alpn"), None);

    for (status, expected) in [("good", "good"), ("revoked", "revoked")] {
        let response = pki.staple("leaf", status);
        let server = s_server(&leaf, &format!("-status_file {}", response.display()));
        let record = record(server.port, &pki).await;
        assert_eq!((&record["staple"]["sent"], &record["staple"]["status"]), (&json!(true), &json!(expected)), "{:#}", record["staple"]);
        assert!(record["staple"]["this_update"].as_str().is_some_and(|time| time.ends_with('Z')));
    }
}

#[tokio::test]
async fn a_client_certificate_is_told_where_the_protocol_is_asked_too() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    let trust = format!("ssl_client_certificate {}; ssl_verify_client on;", pki.root().display());
    let server = nginx("127.0.0.1", Some(&leaf), &trust);
    assert_eq!(record(server.port, &pki).await["outcome"], "client-certificate-required");
}

#[tokio::test]
async fn what_nobody_reads_costs_no_hello() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.leaf("leaf", P256)), "ssl_protocols TLSv1.2 TLSv1.3;");
    let enumerated = |inventory: &Inventory| {
        let methods = inventory.requests.iter().map(|request| request.method.clone());
        methods.filter(|method| method.ends_with("suites") || method.ends_with("groups")).collect::<Vec<_>>()
    };
    let bare = inventory(server.port, &pki, &[]).await;
    assert_eq!((bare.requests.len(), enumerated(&bare).len()), (6, 0));
    let record = records(&bare).remove(0);
    assert_eq!((record.get("suites"), record.get("groups")), (None, None));

    let whole = inventory(server.port, &pki, ALL).await;
    let expected = ["client-hello tls1.2 groups", "client-hello tls1.2 suites", "client-hello tls1.3 groups", "client-hello tls1.3 suites"];
    assert_eq!(enumerated(&whole), expected);
    // One hello a suite and one more that is refused.
    let suites = records(&whole)[0]["suites"]["tls1.2"].as_array().unwrap().len();
    let request = whole.requests.iter().find(|request| request.method == "client-hello tls1.2 suites").unwrap();
    assert!(request.query.ends_with(&format!("({} times)", suites + 1)), "{}", request.query);
    assert_eq!((request.status.as_str(), request.items), ("enumerated", suites as u64));
}

#[tokio::test]
async fn a_server_that_is_gone_in_the_middle_leaves_no_list() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    // Takes the first hellos and the handshake, and then nobody is there.
    let port = super::servers::vanishing(&leaf, 8);
    let collector =
        TlsCollector::new("endpoints", TlsSettings { deadline: Duration::from_secs(5), ..settings(vec![endpoint(port)], Some(&pki)) });
    let inventory = collector.unwrap().collect(&wanted(ALL), &Unwatched).await;
    let record = records(&inventory).remove(0);
    assert_eq!(record["outcome"], "handshake", "{record:#}");
    let told: Vec<&Value> = record["suites"].as_object().unwrap().values().chain(record["groups"].as_object().unwrap().values()).collect();
    assert!(told.iter().any(|list| list["unread"]["detail"].as_str().is_some_and(|why| why.contains("not told to the end"))), "{record:#}");

    let silent = listener(Manner::Silent);
    let collector = TlsCollector::new("endpoints", TlsSettings { deadline: DEADLINE, ..settings(vec![endpoint(silent)], None) }).unwrap();
    let record = records(&collector.collect(&wanted(ALL), &Unwatched).await).remove(0);
    assert_eq!((&record["outcome"], &record["suites"]), (&json!("timeout"), &json!({})));
}

#[tokio::test]
async fn good_old_expired_silent_and_vanishing_servers_are_judged_each_by_itself() {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    let good = nginx("127.0.0.1", Some(&leaf), "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;");
    let old = nginx("127.0.0.1", Some(&pki.leaf("old", RSA)), "ssl_protocols TLSv1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;");
    let expired = nginx("127.0.0.1", Some(&pki.expired()), "ssl_protocols TLSv1.3;");
    let (silent, gone, garbage) = (listener(Manner::Silent), super::servers::vanishing(&leaf, 8), listener(Manner::Say(b"\x16garbage")));
    let checks = ["tls-cert-valid", "tls-cipher-strength", "tls-min-version", "tls-post-quantum", "tls-session-protection"];
    let judge = Judge::new(&checks, &[]);
    let endpoints = [good.port, old.port, expired.port, silent, gone, garbage].map(endpoint).to_vec();
    let settings = TlsSettings { deadline: Duration::from_secs(3), ..settings(endpoints, Some(&pki)) };
    let collector = TlsCollector::new("endpoints", settings).unwrap();
    let found = judge.verdicts(&judge.collect(&collector).await);
    let expected = |port: u16, verdicts: [&str; 5]| {
        let lines =
            checks.iter().zip(verdicts).map(|(check, verdict)| format!("{check} Endpoint/app.example.test:{port}@127.0.0.1: {verdict}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    // No group with ML-KEM, and none is promised.
    let classic = "not-applicable (out-of-scope)";
    let lines = [
        expected(good.port, ["pass", "pass", "pass", classic, "pass"]),
        expected(old.port, ["pass", "fail (not-allowed)", "fail (below-min)", classic, "pass"]),
        expected(expired.port, ["fail (expired)", "pass", "pass", classic, "pass"]),
        expected(silent, ["error (timeout)", "error (unreachable)", "error (timeout)", "error (unreachable)", "error (unreachable)"]),
        expected(gone, ["pass", "error (unreachable)", "pass", "error (unreachable)", "pass"]),
        expected(garbage, ["error (unreachable)"; 5]),
    ];
    assert_verdicts(&found, &lines.join("\n"));
}
