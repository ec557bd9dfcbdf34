//! The collector of web servers and its checks against nginx in two postures, and against servers that misbehave.

#[path = "support/findings.rs"]
mod findings;
#[path = "tls/servers.rs"]
#[expect(dead_code, reason = "the servers of the TLS tests; not every manner is needed here")]
mod servers;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use findings::{Judged, judge, open};
use proofbook_checks::{Reason, Verdict};
use proofbook_sources::http::HttpTarget;
use serde_json::{Value, json};
use servers::{Identity, Manner, P256, Pki, Server, free_port, listener, nginx};

const NOW: &str = "2026-11-24T00:00:00Z";
const SITE_CHECKS: [&str; 3] = ["http-plaintext-closed", "http-hsts", "http-security-headers"];

async fn run(target: Value, checks: &[&str], params: Value) -> Judged {
    let collector = open::<HttpTarget>("http", Path::new("."), &target).expect("sound settings");
    judge(collector.as_ref(), checks, &params, NOW).await
}

fn leaf() -> (Pki, Identity) {
    let pki = Pki::new();
    let leaf = pki.leaf("leaf", P256);
    (pki, leaf)
}

fn site(secure: u16, plain: u16) -> Value {
    json!({"url": format!("https://app.example.test:{secure}/"), "plain_port": plain, "addresses": ["127.0.0.1"]})
}

const GOOD: &str = "
    add_header Strict-Transport-Security 'max-age=31536000; includeSubDomains' always;
    add_header X-Content-Type-Options nosniff always;
    add_header Content-Security-Policy \"default-src 'self'\" always;
    add_header Set-Cookie 'SID=v4lue; Path=/; Secure; HttpOnly; SameSite=Lax';
    default_type text/html;
    location = / { return 302 /start?state=s3cr3t; }
    location = /start { return 200 '<!doctype html><title>x</title>'; }
    location = /.well-known/security.txt {
      default_type text/plain;
      return 200 'Contact: mailto:security@example.test\\nExpires: 2027-03-01T00:00:00Z\\n';
    }
    location = /api/v2/summary.json {
      default_type application/json;
      return 200 '{\"status\": {\"indicator\": \"none\"}, \"components\": [{}, {}]}';
    }
    location = /api/v2/incidents.json {
      default_type application/json;
      return 200 '{\"incidents\": [{\"created_at\": \"2026-11-01T00:00:00Z\"}]}';
    }
    if ($args ~* script) { return 403; }";

const BAD: &str = "
    add_header Strict-Transport-Security 'max-age=60';
    add_header Content-Security-Policy-Report-Only \"default-src 'self'\";
    add_header Set-Cookie 'SID=v4lue; Path=/';
    default_type text/html;
    location = /.well-known/security.txt {
      default_type text/plain;
      return 200 'Contact: security@example.test\\nExpires: 2025-03-01T00:00:00Z\\n';
    }
    location = /api/v2/summary.json { return 404; }
    location = /api/v2/incidents.json { return 404; }";

fn redirecting() -> Server {
    nginx("127.0.0.1", None, "return 308 https://$host$request_uri;")
}

#[tokio::test]
async fn a_compliant_site() {
    let (_pki, leaf) = leaf();
    let (plain, secure) = (redirecting(), nginx("127.0.0.1", Some(&leaf), GOOD));
    let judged = run(json!({"sites": [site(secure.port, plain.port)]}), &SITE_CHECKS, json!({})).await;
    judged.all(Verdict::Pass, 3);
    let subject = format!("Site/app.example.test:{}@127.0.0.1", secure.port);
    let headers = judged.finding("http-security-headers", &subject);
    assert_eq!(headers.measured["cookies"].to_json(), 1);
    assert_eq!(judged.finding("http-hsts", &subject).measured["max_age"].to_json(), 31_536_000);
    // Neither a cookie's value nor the query of a redirect is kept.
    let kept = judged.kept();
    assert!(!kept.contains("v4lue") && !kept.contains("s3cr3t"), "{kept}");
    assert!(kept.contains("/start"), "{kept}");
}

#[tokio::test]
async fn a_site_that_is_not_as_promised() {
    let (_pki, leaf) = leaf();
    let (plain, secure) = (nginx("127.0.0.1", None, ""), nginx("127.0.0.1", Some(&leaf), BAD));
    let judged = run(json!({"sites": [site(secure.port, plain.port)]}), &SITE_CHECKS, json!({})).await;
    judged.all(Verdict::Fail, 3);
    let subject = format!("Site/app.example.test:{}@127.0.0.1", secure.port);
    assert!(judged.finding("http-plaintext-closed", &subject).message.contains("with 200"));
    assert_eq!(judged.finding("http-hsts", &subject).reason_code, Reason::BelowMin);
    let headers = &judged.finding("http-security-headers", &subject).message;
    for fault in ["no x-content-type-options", "no content-security-policy", "cookie SID without Secure", "cookie SID without HttpOnly"] {
        assert!(headers.contains(fault), "{headers}");
    }
}

#[tokio::test]
async fn a_closed_port_is_a_refusal_and_silence_is_none() {
    let (_pki, leaf) = leaf();
    let secure = nginx("127.0.0.1", Some(&leaf), GOOD);
    for (plain, verdict, reason) in [
        (free_port(), Verdict::Pass, Reason::AsPromised),
        (listener(Manner::Silent), Verdict::Error, Reason::Timeout),
        (listener(Manner::Reset), Verdict::Error, Reason::Unreachable),
    ] {
        let target = json!({"sites": [site(secure.port, plain)], "deadline_seconds": 1});
        let started = Instant::now();
        let judged = run(target, &["http-plaintext-closed", "http-hsts"], json!({})).await;
        let subject = format!("Site/app.example.test:{}@127.0.0.1", secure.port);
        let finding = judged.finding("http-plaintext-closed", &subject);
        assert_eq!((finding.verdict, finding.reason_code), (verdict, reason), "{}", finding.message);
        // What is wrong with plain HTTP hides nothing of the rest.
        assert_eq!(judged.finding("http-hsts", &subject).verdict, Verdict::Pass);
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn servers_that_fail_hang_or_talk_nonsense_are_errors_and_harm_no_other() {
    let (_pki, leaf) = leaf();
    let plain = redirecting();
    let good = nginx("127.0.0.1", Some(&leaf), GOOD);
    let failing = nginx("127.0.0.1", Some(&leaf), "return 502;");
    let looping = nginx("127.0.0.1", Some(&leaf), "return 302 /again;");
    let dead = nginx("127.0.0.1", Some(&leaf), GOOD);
    let dead_port = dead.port;
    drop(dead);
    let silent = listener(Manner::Silent);
    let garbage = listener(Manner::Say(b"no tls at all"));
    let sites: Vec<Value> =
        [good.port, failing.port, looping.port, dead_port, silent, garbage].iter().map(|port| site(*port, plain.port)).collect();
    let nowhere = json!({"url": "https://no-such-host.invalid/", "plain_port": plain.port});
    let sites = [sites, vec![nowhere]].concat();
    let target = json!({"sites": sites, "deadline_seconds": 2});
    let judged = run(target, &["http-hsts"], json!({})).await;
    let of = |port: u16| {
        let finding = judged.finding("http-hsts", &format!("Site/app.example.test:{port}@127.0.0.1"));
        (finding.verdict, finding.reason_code)
    };
    assert_eq!(of(good.port), (Verdict::Pass, Reason::AsPromised));
    assert_eq!(of(failing.port), (Verdict::Error, Reason::Unreachable));
    assert_eq!(of(looping.port), (Verdict::Error, Reason::ParseError));
    assert_eq!(of(dead_port), (Verdict::Error, Reason::Unreachable));
    assert_eq!(of(silent), (Verdict::Error, Reason::Timeout));
    assert_eq!(of(garbage), (Verdict::Error, Reason::Unreachable));
    let nowhere = judged.finding("http-hsts", "Site/no-such-host.invalid");
    assert_eq!((nowhere.verdict, nowhere.reason_code), (Verdict::Error, Reason::Unreachable));
}

#[tokio::test]
async fn every_address_is_asked_in_the_name_of_the_host() {
    let (_pki, leaf) = leaf();
    let plain = nginx("0.0.0.0", None, "return 308 https://$host$request_uri;");
    let named = "if ($host != app.example.test) { return 500; } if ($ssl_server_name != app.example.test) { return 500; }
        add_header Strict-Transport-Security 'max-age=31536000' always;";
    let secure = nginx("0.0.0.0", Some(&leaf), named);
    let mut both = site(secure.port, plain.port);
    both["addresses"] = json!(["127.0.0.2", "127.0.0.1", "127.0.0.1"]);
    let judged = run(json!({"sites": [both]}), &["http-hsts"], json!({})).await;
    judged.all(Verdict::Pass, 2);
    for address in ["127.0.0.1", "127.0.0.2"] {
        judged.finding("http-hsts", &format!("Site/app.example.test:{}@{address}", secure.port));
    }
}

#[tokio::test]
async fn link_local_addresses_are_not_contacted() {
    let target = json!({"sites": [{"url": "https://metadata.example.test/", "addresses": ["169.254.169.254"]}]});
    let judged = run(target, &["http-hsts"], json!({})).await;
    let finding = judged.finding("http-hsts", "Site/metadata.example.test@169.254.169.254");
    assert_eq!((finding.verdict, finding.reason_code), (Verdict::Error, Reason::Unreachable));
    assert!(finding.message.contains("link-local"), "{}", finding.message);
}

#[tokio::test]
async fn the_probe_of_the_edge_tells_a_block_from_a_wall() {
    let (_pki, leaf) = leaf();
    let blocking = nginx("127.0.0.1", Some(&leaf), "if ($args ~* script) { return 403; }");
    let watching = nginx("127.0.0.1", Some(&leaf), "");
    let wall = nginx("127.0.0.1", Some(&leaf), "return 403;");
    let sites: Vec<Value> = [&blocking, &watching, &wall].iter().map(|server| site(server.port, 80)).collect();
    let judged = run(json!({"sites": sites}), &["edge-waf-enabled"], json!({})).await;
    let of = |server: &Server| judged.finding("edge-waf-enabled", &format!("EdgeProbe/app.example.test:{}@127.0.0.1", server.port)).verdict;
    assert_eq!((of(&blocking), of(&watching), of(&wall)), (Verdict::Pass, Verdict::Fail, Verdict::Error), "{:#?}", judged.told());
    // One probe and one request to compare, and nothing else.
    assert_eq!(judged.requests().len(), 6);
    assert_eq!(judged.planned.len(), 6);
    // Nobody sends it who did not ask for it.
    let judged = run(json!({"sites": [site(watching.port, free_port())]}), &["http-hsts"], json!({})).await;
    assert!(judged.requests().iter().chain(&[]).all(|(_, query)| !query.contains("script")), "{:?}", judged.requests());
    assert!(judged.planned.iter().all(|request| !request.query.contains("script")));
}

#[tokio::test]
async fn security_txt_current_expired_and_missing() {
    let (_pki, leaf) = leaf();
    let good = nginx("127.0.0.1", Some(&leaf), GOOD);
    let bad = nginx("127.0.0.1", Some(&leaf), BAD);
    let none = nginx("127.0.0.1", Some(&leaf), "location /.well-known { return 404; }");
    let page = nginx("127.0.0.1", Some(&leaf), "default_type text/html; location /.well-known { return 200 '<!doctype html>'; }");
    let moved = nginx(
        "127.0.0.1",
        Some(&leaf),
        "location /.well-known { return 301 /security.txt; }
         location = /security.txt { default_type text/plain; return 200 'Contact: https://example.test\\nExpires: 2027-03-01T00:00:00Z\\n'; }",
    );
    let away = nginx("127.0.0.1", Some(&leaf), "location /.well-known { return 301 https://elsewhere.example.test$request_uri; }");
    let files: Vec<Value> = [&good, &bad, &none, &page, &moved, &away]
        .iter()
        .map(|server| json!({"url": format!("https://app.example.test:{}", server.port), "addresses": ["127.0.0.1"]}))
        .collect();
    let judged = run(json!({"security_txt": files}), &["security-txt"], json!({})).await;
    let of = |server: &Server| {
        let finding = judged.finding("security-txt", &format!("SecurityTxt/app.example.test:{}@127.0.0.1", server.port));
        (finding.verdict, finding.message.as_str())
    };
    assert_eq!(of(&good).0, Verdict::Pass);
    assert_eq!(of(&bad), (Verdict::Fail, "the contact of line 1 is no https, mailto or tel URI"));
    assert_eq!(of(&none), (Verdict::Fail, "there is no /.well-known/security.txt (404)"));
    assert!(of(&page).1.contains("is served as text/html"));
    assert_eq!(of(&moved).0, Verdict::Pass);
    assert!(of(&away).1.contains("is sent on to elsewhere.example.test"), "{}", of(&away).1);
    // A contact may be a person: its address is not kept.
    assert!(!judged.kept().contains("security@"));
}

#[tokio::test]
async fn a_status_page_elsewhere_and_one_on_the_platform() {
    let (_pki, leaf) = leaf();
    let page = nginx("0.0.0.0", Some(&leaf), &GOOD.replace("location = / { return 302 /start?state=s3cr3t; }", ""));
    let poor = nginx("0.0.0.0", Some(&leaf), BAD);
    let plain = redirecting();
    let status = |port: u16, address: &str| json!({"url": format!("https://status.example.test:{port}/"), "addresses": [address]});
    let target = json!({
        "sites": [site(page.port, plain.port)],
        "status_pages": [status(page.port, "127.0.0.9"), status(poor.port, "127.0.0.9")],
    });
    let judged = run(target, &["status-page"], json!({})).await;
    let of = |port: u16, judged: &Judged| {
        let finding = judged.finding("status-page", &format!("StatusPage/status.example.test:{port}"));
        (finding.verdict, finding.reason_code, finding.message.clone())
    };
    assert_eq!(of(page.port, &judged).0, Verdict::Pass, "{:#?}", judged.told());
    assert_eq!(of(poor.port, &judged).1, Reason::MissingObject);

    let target = json!({"sites": [site(page.port, plain.port)], "status_pages": [status(page.port, "127.0.0.1")]});
    let judged = run(target, &["status-page"], json!({})).await;
    assert_eq!((of(page.port, &judged).0, of(page.port, &judged).1), (Verdict::Fail, Reason::NotAllowed));

    // Without a site to compare with, nothing is known about where the platform is.
    let judged = run(json!({"status_pages": [status(page.port, "127.0.0.9")]}), &["status-page"], json!({})).await;
    let population = judged.finding("status-page", "Population/status-page");
    assert_eq!((population.verdict, population.reason_code), (Verdict::Error, Reason::NotCollected));
}

#[tokio::test]
async fn what_is_planned_is_what_is_asked() {
    let (_pki, leaf) = leaf();
    let secure = nginx("127.0.0.1", Some(&leaf), "add_header Strict-Transport-Security 'max-age=31536000' always;");
    let plain = redirecting();
    let judged = run(json!({"sites": [site(secure.port, plain.port)]}), &SITE_CHECKS, json!({})).await;
    let planned: Vec<(&str, &str)> = judged.planned.iter().map(|request| (request.method.as_str(), request.query.as_str())).collect();
    for asked in judged.requests() {
        assert!(planned.contains(&asked), "{asked:?} is not in {planned:?}");
    }
    let unwanted = open::<HttpTarget>("http", Path::new("."), &json!({"sites": [site(1, 2)]})).unwrap();
    assert_eq!(unwanted.plan(&proofbook_checks::inventory::Wanted::new()), []);
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_their_place() {
    for (url, detail) in [
        ("app.example.com", "`app.example.com` is no URL"),
        ("http://app.example.com/", "does not begin with https://"),
        ("https://user:pw@app.example.com/", "holds a user or a password"),
    ] {
        let refused = open::<HttpTarget>("http", Path::new("."), &json!({"sites": [{"url": url}]})).err().expect("refused");
        assert!(refused.to_string().starts_with("proofbook.yaml:1:"), "{refused}");
        assert!(refused.to_string().contains(detail), "{refused}");
    }
}

#[tokio::test]
async fn servers_see_what_is_planned_and_nothing_else() {
    let (pki, leaf) = leaf();
    let (seen_plain, seen_secure) = (pki.path("plain.log"), pki.path("secure.log"));
    let plain = nginx("127.0.0.1", None, &format!("access_log {} combined; return 308 https://$host$request_uri;", seen_plain.display()));
    let secure = nginx("127.0.0.1", Some(&leaf), &format!("access_log {} combined;", seen_secure.display()));
    let page = format!("https://app.example.test:{}/", secure.port);
    let place = json!({"url": page, "addresses": ["127.0.0.1"]});
    let target = json!({"sites": [site(secure.port, plain.port)], "security_txt": [place.clone()], "status_pages": [place]});
    let checks = ["http-plaintext-closed", "http-hsts", "http-security-headers", "security-txt", "status-page", "edge-waf-enabled"];
    let judged = run(target, &checks, json!({})).await;

    let of_plan = judged.planned.iter().filter(|request| request.method == "GET").map(|request| {
        let url: reqwest::Url = request.query.parse().unwrap_or_else(|error| panic!("{}: {error}", request.query));
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        (url.port().unwrap(), format!("GET {}{query}", url.path()))
    });
    let planned: BTreeSet<(u16, String)> = of_plan.collect();
    let asked = |log: &Path, port: u16| {
        let text = std::fs::read_to_string(log).unwrap();
        let lines = text.lines().map(|line| line.split('"').nth(1).unwrap().rsplit_once(' ').unwrap().0.to_owned());
        lines.map(|request| (port, request)).collect::<BTreeSet<_>>()
    };
    let mut seen = asked(&seen_plain, plain.port);
    seen.extend(asked(&seen_secure, secure.port));
    assert_eq!(seen, planned);
    assert!(seen.len() >= 6, "{seen:?}");
}
