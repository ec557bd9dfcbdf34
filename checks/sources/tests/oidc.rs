//! The collector of OpenID Connect providers and its checks: discovery, keys and tokens against the package oidc-provider in two
//! postures, the administration of Keycloak against answers that are written after its documentation.

#[path = "support/findings.rs"]
mod findings;
#[path = "oidc/keycloak.rs"]
mod keycloak;
#[path = "tls/servers.rs"]
#[expect(dead_code, reason = "the certificates of the TLS tests; their servers are not needed here")]
mod servers;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use findings::{Judged, judge, open};
use keycloak::{Keycloak, Posture, RIGHTS, SECRET, role};
use proofbook_checks::inventory::Wanted;
use proofbook_checks::plan::Plan;
use proofbook_checks::resource::Resource;
use proofbook_checks::settings::Settings;
use proofbook_checks::{Catalog, Reason, Verdict};
use proofbook_sources::collector::PlannedRequest;
use proofbook_sources::oidc::OidcTarget;
use proofbook_sources::rights::Platform;
use serde_json::{Value, json};
use servers::{P256, Pki, free_port, nginx};
use tempfile::TempDir;

const NOW: &str = "2026-11-24T00:00:00Z";

const PUBLISHED: [&str; 2] = ["oidc-discovery", "oidc-signing-alg"];
const ADMINISTERED: [&str; 9] = [
    "oidc-bruteforce",
    "oidc-client-hygiene",
    "oidc-event-logging",
    "oidc-idp-federation",
    "oidc-mfa",
    "oidc-password-policy",
    "oidc-refresh-rotation",
    "oidc-token-lifetimes",
    "stale-accounts",
];

/// A provider by the npm package oidc-provider, which ends with its guard.
struct Provider {
    process: Child,
    issuer: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Provider {
    fn start(posture: &str, pki: &Pki) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let module = tests.join("../../../target/tools/node_modules/oidc-provider/lib/index.js");
        assert!(module.exists(), "install oidc-provider: `npm install --prefix target/tools oidc-provider@9.13.3`, as `./check` does");
        let (leaf, port) = (pki.leaf("leaf", P256), free_port());
        let mut command = Command::new("node");
        command.arg(tests.join("oidc/provider.mjs")).arg(module).arg(port.to_string()).arg(posture).arg(leaf.certificate).arg(leaf.key);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("install node");
        let scheme = if posture == "compliant" { "https" } else { "http" };
        let provider = Self { process, issuer: format!("{scheme}://127.0.0.1:{port}") };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "oidc-provider does not start");
            thread::sleep(Duration::from_millis(50));
        }
        provider
    }
}

/// A folder with the secret of a client, and with the root to trust.
struct Workspace(TempDir);

impl Workspace {
    fn new(secret: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("secret"), format!("{secret}\n")).expect("the folder can be written to");
        Self(dir)
    }

    fn trusting(secret: &str, pki: &Pki) -> Self {
        let workspace = Self::new(secret);
        fs::copy(pki.root(), workspace.path().join("ca.pem")).expect("the folder can be written to");
        workspace
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    async fn run(&self, target: Value, checks: &[&str], params: Value) -> Judged {
        let collector = open::<OidcTarget>("oidc", &self.path(), &target).expect("sound settings");
        let judged = judge(collector.as_ref(), checks, &params, NOW).await;
        // No secret and no token is ever kept, wherever it came from.
        let kept = judged.kept();
        for secret in ["s3cr3t", "Bearer", "c2lnbmF0dXJl", "eyJ"] {
            assert!(!kept.contains(secret), "{secret} in {kept}");
        }
        judged
    }
}

fn client() -> Value {
    json!({"id": "proofbook", "secret": {"file": "secret"}})
}

fn realm(server: &Keycloak) -> Value {
    json!({"providers": [{"issuer": server.issuer, "client": client(), "keycloak": {}}], "deadline_seconds": 2})
}

async fn run_realm(server: &Keycloak, checks: &[&str]) -> Judged {
    Workspace::new(SECRET).run(realm(server), checks, json!({"identity_providers": ["saml"]})).await
}

fn records(judged: &Judged, kind: &str) -> Vec<Value> {
    let resource = Resource::of_object("proofbook.dev/oidc", kind);
    judged.inventory.objects(&resource).iter().map(proofbook_checks::value::Value::to_json).collect()
}

#[tokio::test]
async fn a_compliant_provider() {
    let pki = Pki::new();
    let provider = Provider::start("compliant", &pki);
    let workspace = Workspace::trusting("s3cr3t of the client", &pki);
    let target = json!({"providers": [{"issuer": provider.issuer, "client": client()}], "ca_file": "ca.pem"});
    let judged = workspace.run(target, &PUBLISHED, json!({})).await;
    judged.all(Verdict::Pass, 2);
    let subject = format!("Provider/{}", provider.issuer);
    assert_eq!(judged.finding("oidc-signing-alg", &subject).measured["used"].to_json(), json!(["RS256"]));
    assert_eq!(judged.finding("oidc-discovery", &subject).measured["pkce"].to_json(), json!(["S256"]));
    assert_eq!(judged.inventory.targets[0].actor.auth, "oidc");
    assert!(judged.inventory.targets[0].clock_offset_ms.is_some_and(|offset| offset.abs() < 5_000));
}

#[tokio::test]
async fn a_provider_that_is_not_as_promised() {
    let pki = Pki::new();
    let provider = Provider::start("other", &pki);
    let workspace = Workspace::new("s3cr3t of the client");
    let judged = workspace.run(json!({"providers": [{"issuer": provider.issuer}]}), &PUBLISHED, json!({})).await;
    judged.all(Verdict::Fail, 2);
    let subject = format!("Provider/{}", provider.issuer);
    assert_eq!(judged.finding("oidc-discovery", &subject).reason_code, Reason::NotAllowed);
    assert!(judged.finding("oidc-signing-alg", &subject).message.contains("RS256 is not offered"));
}

#[tokio::test]
async fn a_wrong_secret_a_foreign_certificate_and_a_provider_that_is_gone() {
    let pki = Pki::new();
    let provider = Provider::start("compliant", &pki);
    let target = |ca: bool| {
        let mut target = json!({"providers": [{"issuer": provider.issuer, "client": client()}], "deadline_seconds": 2});
        if ca {
            target["ca_file"] = json!("ca.pem");
        }
        target
    };
    let subject = format!("Provider/{}", provider.issuer);
    let workspace = Workspace::trusting("s3cr3t that is wrong", &pki);
    let judged = workspace.run(target(true), &PUBLISHED, json!({})).await;
    let signing = judged.finding("oidc-signing-alg", &subject);
    assert_eq!((signing.verdict, signing.reason_code), (Verdict::Error, Reason::NotPermitted));
    assert_eq!(signing.message, "the client gets no token: invalid_client (401)");
    assert_eq!(judged.finding("oidc-discovery", &subject).verdict, Verdict::Pass);

    // A secret goes to nobody whose certificate does not verify.
    let judged = workspace.run(target(false), &PUBLISHED, json!({})).await;
    judged.all(Verdict::Error, 2);
    assert!(judged.requests().iter().all(|(method, _)| *method == "GET"), "{:?}", judged.requests());

    let (target, gone) = (target(true), provider);
    drop(gone);
    let judged = workspace.run(target, &PUBLISHED, json!({})).await;
    judged.all(Verdict::Error, 2);
    assert!(judged.findings.iter().all(|finding| finding.reason_code == Reason::Unreachable));
}

#[tokio::test]
async fn a_certificate_that_has_run_out_is_told_and_gets_no_secret() {
    let pki = Pki::new();
    let server = nginx("127.0.0.1", Some(&pki.expired()), "");
    let target = json!({
        "providers": [{"issuer": format!("https://127.0.0.1:{}", server.port), "client": client()}], "ca_file": "ca.pem", "deadline_seconds": 2,
    });
    let judged = Workspace::trusting("s3cr3t", &pki).run(target, &PUBLISHED, json!({})).await;
    judged.all(Verdict::Error, 2);
    for finding in &judged.findings {
        assert!(finding.reason_code == Reason::Unreachable && finding.message.contains("expired"), "{}", finding.message);
    }
    assert!(judged.requests().iter().all(|(method, _)| *method == "GET"), "{:?}", judged.requests());
}

#[tokio::test]
async fn a_compliant_realm() {
    let server = Keycloak::start(Posture::compliant());
    let judged = run_realm(&server, &ADMINISTERED).await;
    // Seven about the realm, three clients, three accounts.
    judged.all(Verdict::Pass, 13);
    let subject = format!("Realm/{}", server.issuer);
    assert_eq!(judged.finding("oidc-mfa", &subject).measured["ways"].to_json(), 2);
    assert_eq!(judged.finding("oidc-event-logging", &subject).measured["kept_days"].to_json(), 180);
    let kept = judged.kept();
    // Nobody is known by name, and what is masked by Keycloak is not kept either.
    for name in ["lovelace", "example.com\"", "hopper", "192.0.2.1", "*****"] {
        assert!(!kept.contains(name), "{name} in {kept}");
    }
    assert_eq!(judged.inventory.targets[0].actor.identity, "service-account-proofbook");
    assert!(judged.inventory.targets[0].actor.rights_sha256.is_some());
    // What is asked is what is planned, but for what is named only in answers.
    assert!(judged.requests().iter().all(|(method, query)| *method == "GET" || query.ends_with("/token")));
    let planned = |path: &str| judged.planned.iter().any(|request| request.query.ends_with(path));
    assert!(["/clients", "/users", "/events", "/identity-provider/instances", "/admin/realms/main"].into_iter().all(planned));
}

#[tokio::test]
async fn a_realm_that_is_not_as_promised() {
    let server = Keycloak::start(Posture::careless());
    let judged = run_realm(&server, &ADMINISTERED).await;
    let subject = format!("Realm/{}", server.issuer);
    for (check, part) in [
        ("oidc-bruteforce", "brute force detection is off"),
        ("oidc-event-logging", "acts of administrators are not kept; no listener carries events out (email)"),
        ("oidc-idp-federation", "signatures of corporate are not verified"),
        ("oidc-mfa", "under a condition only (conditional-user-configured)"),
        ("oidc-password-policy", "the realm has no password policy"),
        ("oidc-refresh-rotation", "can be used again"),
        ("oidc-token-lifetimes", "access_token 86400 s, remember_me_max 2592000 s: longer than documented"),
    ] {
        let finding = judged.finding(check, &subject);
        assert_eq!(finding.verdict, Verdict::Fail, "{check}: {}", finding.message);
        assert!(finding.message.contains(part), "{check}: {}", finding.message);
    }
    let legacy = judged.finding("oidc-client-hygiene", &format!("Client/legacy@{}", server.issuer));
    assert!(legacy.message.contains("the implicit flow is on; may send codes to any host (*)"), "{}", legacy.message);
    assert_eq!(judged.finding("oidc-client-hygiene", &format!("Client/off@{}", server.issuer)).verdict, Verdict::NotApplicable);
    let account = |number: u8| judged.finding("stale-accounts", &format!("Account/0b7f0000-0000-4000-8000-00000000000{number}"));
    assert_eq!((account(1).verdict, account(1).reason_code), (Verdict::Fail, Reason::Expired));
    assert!(account(3).message.contains("no login in the 179 days"), "{}", account(3).message);
    assert_eq!(account(2).verdict, Verdict::Pass);
    // The realm is set to sign with a shared secret, whatever the test token carries.
    let judged = run_realm(&server, &["oidc-signing-alg"]).await;
    assert!(judged.findings[0].message.contains("tokens are signed with HS256"), "{}", judged.findings[0].message);
}

#[tokio::test]
async fn taking_one_right_away_is_an_error_on_exactly_the_checks_that_need_it() {
    // Keycloak answers 200 with less where a right is missing, so this is told from the token.
    let plan = plan(&ADMINISTERED);
    let rights: Vec<String> = Platform::Keycloak.rights(&plan.wanted()).into_iter().map(|right| right.name).collect();
    let mut known = RIGHTS.to_vec();
    known.sort_unstable();
    assert_eq!(rights, known);
    for right in &rights {
        let needs = |wanted: &Wanted| Platform::Keycloak.rights(wanted).iter().any(|needed| needed.name == *right);
        let hit: Vec<&str> =
            plan.checks.values().filter(|planned| needs(&planned.wanted)).map(|planned| planned.check.id().as_str()).collect();
        assert!(!hit.is_empty(), "{right}");
        let mut posture = Posture::compliant();
        posture.rights.retain(|kept| kept != right);
        let server = Keycloak::start(posture);
        let judged = run_realm(&server, &ADMINISTERED).await;
        for finding in &judged.findings {
            // Of a closed account nothing more needs to be known, but the check reads the record of logins all the same.
            let expected = if hit.contains(&finding.check.as_str()) {
                (Verdict::Error, Reason::NotPermitted)
            } else {
                (Verdict::Pass, Reason::AsPromised)
            };
            assert_eq!((finding.verdict, finding.reason_code), expected, "without {right}: {} {}", finding.check, finding.message);
        }
    }
}

// A planned request as a path of the server; what is named only in answers stands there in words.
fn path_of(planned: &PlannedRequest, issuer: &str) -> String {
    let query = match planned.query.strip_prefix(&format!("{issuer} ")) {
        Some("jwks_uri") => format!("{issuer}/protocol/openid-connect/certs"),
        Some("token_endpoint") => format!("{issuer}/protocol/openid-connect/token"),
        _ => planned.query.clone(),
    };
    let path = query.strip_prefix(issuer.trim_end_matches("/realms/main")).unwrap_or_else(|| panic!("{query} is elsewhere"));
    format!("{} {path}", planned.method)
}

// `{…}` stands for one part of a path.
fn is_planned(planned: &str, seen: &str) -> bool {
    let (planned, seen): (Vec<&str>, Vec<&str>) = (planned.split('/').collect(), seen.split('/').collect());
    planned.len() == seen.len() && planned.iter().zip(&seen).all(|(planned, seen)| planned == seen || planned.starts_with('{'))
}

#[tokio::test]
async fn plan_rights_and_what_the_server_sees_are_the_same_for_every_check() {
    // A realm in which every request that can be planned is made: a step of its login has a setting of its own.
    let mut posture = Posture::compliant();
    let flow = "/authentication/flows/browser%20with%20key/executions";
    posture.set(flow, 200, include_str!("oidc/keycloak/executions-role.json").to_owned());
    posture.set("/authentication/config/c1", 200, json!({"id": "c1", "config": {"condUserRole": "admin", "negate": "false"}}).to_string());
    let server = Keycloak::start(posture);
    let single = ADMINISTERED.iter().chain(&PUBLISHED).map(|check| vec![*check]);
    let all = ADMINISTERED.iter().chain(&PUBLISHED).copied().collect::<BTreeSet<_>>().into_iter().collect();
    for checks in single.chain([all]) {
        server.seen();
        let judged = run_realm(&server, &checks).await;
        let (seen, planned) =
            (server.seen(), judged.planned.iter().map(|planned| path_of(planned, &server.issuer)).collect::<BTreeSet<_>>());
        for request in &seen {
            assert!(
                planned.iter().any(|planned| is_planned(planned, request)),
                "{checks:?}: {request} was made and not planned: {planned:#?}"
            );
        }
        for planned in &planned {
            assert!(seen.iter().any(|seen| is_planned(planned, seen)), "{checks:?}: {planned} was planned and not made: {seen:#?}");
        }
        // The roles that these requests take are those that the role holds, and those that the plan tells.
        let taken: BTreeSet<String> =
            seen.iter().filter_map(|seen| seen.strip_prefix("GET /admin/realms/main")).map(|path| role(path).to_owned()).collect();
        let wanted = plan(&checks).wanted();
        let granted: BTreeSet<String> = Platform::Keycloak.rights(&wanted).into_iter().map(|right| right.name).collect();
        assert_eq!(taken, granted, "{checks:?}");
        let told = judged.planned.iter().filter_map(|planned| planned.reason.split_once("(role ")?.1.strip_suffix(')').map(str::to_owned));
        assert_eq!(told.collect::<BTreeSet<_>>(), granted, "{checks:?}");
    }
}

fn plan(checks: &[&str]) -> Plan<'static> {
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}")));
    Plan::new(&CATALOG, &Settings::default(), |check| checks.contains(&check.id().as_str())).unwrap_or_else(|errors| panic!("{errors}"))
}

#[tokio::test]
async fn an_account_that_may_more_than_it_needs_is_told() {
    let server = Keycloak::start(Posture::compliant());
    let workspace = Workspace::new(SECRET);
    let collector = open::<OidcTarget>("oidc", &workspace.path(), &realm(&server)).expect("sound settings");
    let all = plan(&ADMINISTERED).wanted();
    let found = collector.compare(&all).await;
    assert!(found.len() == 1 && found[0].is_exact() && found[0].held.len() == RIGHTS.len(), "{found:?}");
    let few = plan(&["oidc-client-hygiene"]).wanted();
    server.change(|posture| posture.rights = vec!["manage-users", "query-clients", "view-clients", "view-events"]);
    let [found] = collector.compare(&few).await.try_into().expect("one realm");
    let surplus: Vec<(&str, bool)> = found.surplus.iter().map(|surplus| (surplus.name.as_str(), surplus.grave)).collect();
    assert_eq!((surplus, &found.missing), (vec![("manage-users", true), ("view-events", false)], &vec![]));
    server.change(|posture| posture.rights.clear());
    let [found] = collector.compare(&few).await.try_into().expect("one realm");
    assert_eq!(found.missing, ["view-clients"]);
    // A token that names nothing, and a provider that gives none, prove nothing.
    server.change(|posture| posture.names_rights = false);
    let [found] = collector.compare(&few).await.try_into().expect("one realm");
    assert!(!found.is_exact() && found.unknown[0].contains("lightweight"), "{found:?}");
    // Who reads no settings of realms needs no role.
    assert_eq!(collector.compare(&plan(&["oidc-discovery"]).wanted()).await, []);
}

#[tokio::test]
async fn a_token_that_names_no_rights_proves_no_list_whole() {
    let mut posture = Posture::compliant();
    posture.names_rights = false;
    let server = Keycloak::start(posture);
    let judged = run_realm(&server, &["oidc-client-hygiene", "oidc-mfa"]).await;
    judged.all(Verdict::Error, 2);
    assert!(judged.findings.iter().all(|finding| finding.reason_code == Reason::NotPermitted));
    assert!(judged.findings[0].message.contains("lightweight"), "{}", judged.findings[0].message);
}

#[tokio::test]
async fn parts_that_cannot_be_read_hide_no_other() {
    let server = Keycloak::start(Posture::compliant());
    let subject = format!("Realm/{}", server.issuer);
    let flow = "/authentication/flows/browser%20with%20key/executions";
    for (status, body, reason) in [
        (403, "{}", Reason::NotPermitted),
        (404, "{}", Reason::NotServed),
        (429, "{}", Reason::Throttled),
        (500, "{}", Reason::Unreachable),
        (200, "<html>", Reason::ParseError),
        (200, r#"{"error": "none"}"#, Reason::ParseError),
        (200, r#"[{"level": 3}]"#, Reason::ParseError),
    ] {
        server.change(|posture| posture.set(flow, status, body.to_owned()));
        let judged = run_realm(&server, &["oidc-mfa", "oidc-bruteforce"]).await;
        let login = judged.finding("oidc-mfa", &subject);
        assert_eq!((login.verdict, login.reason_code), (Verdict::Error, reason), "{status} {body}: {}", login.message);
        assert_eq!(judged.finding("oidc-bruteforce", &subject).verdict, Verdict::Pass);
    }
    server.change(|posture| {
        *posture = Posture::compliant();
        posture.slow = vec!["/clients"];
    });
    let judged = run_realm(&server, &["oidc-client-hygiene", "oidc-bruteforce"]).await;
    assert_eq!(judged.finding("oidc-client-hygiene", &format!("Client/{}", server.issuer)).reason_code, Reason::Timeout);
    assert_eq!(judged.finding("oidc-bruteforce", &subject).verdict, Verdict::Pass);
}

#[tokio::test]
async fn nothing_is_asked_that_no_check_wants() {
    let server = Keycloak::start(Posture::compliant());
    let judged = run_realm(&server, &["oidc-client-hygiene"]).await;
    judged.all(Verdict::Pass, 3);
    let asked: Vec<&str> =
        judged.requests().iter().filter_map(|(_, query)| query.split_once("/realms/main")).map(|(_, path)| path).collect();
    assert_eq!(asked, ["/clients", "/.well-known/openid-configuration", "/protocol/openid-connect/token"]);
    assert_eq!(judged.planned.len(), 3, "{:#?}", judged.planned);
}

#[tokio::test]
async fn a_second_factor_for_administrators_only() {
    let mut posture = Posture::compliant();
    let flow = "/authentication/flows/browser%20with%20key/executions";
    posture.set(flow, 200, include_str!("oidc/keycloak/executions-role.json").to_owned());
    posture.set("/authentication/config/c1", 200, json!({"id": "c1", "config": {"condUserRole": "admin", "negate": "false"}}).to_string());
    let server = Keycloak::start(posture);
    let workspace = Workspace::new(SECRET);
    let judged = workspace.run(realm(&server), &["oidc-mfa"], json!({"mfa_roles": ["admin"]})).await;
    judged.all(Verdict::Pass, 1);
    let judged = workspace.run(realm(&server), &["oidc-mfa"], json!({})).await;
    judged.all(Verdict::Fail, 1);
}

#[tokio::test]
async fn accounts_that_are_too_many_are_not_judged_and_pages_are_read_to_the_end() {
    let mut posture = Posture::compliant();
    let users: Vec<Value> = (0..100).map(|number| json!({"id": format!("{number}-1"), "enabled": false})).collect();
    posture.set("/users", 200, json!(users).to_string());
    let server = Keycloak::start(posture);
    let mut target = realm(&server);
    let workspace = Workspace::new(SECRET);
    let judged = workspace.run(target.clone(), &["stale-accounts"], json!({})).await;
    judged.all(Verdict::Pass, 100);
    let pages = judged.requests().iter().filter(|(_, query)| query.contains("/users?")).count();
    assert_eq!(pages, 2);
    target["providers"][0]["keycloak"]["max_accounts"] = json!(99);
    let judged = workspace.run(target, &["stale-accounts"], json!({})).await;
    judged.all(Verdict::Error, 1);
    assert_eq!(judged.findings[0].reason_code, Reason::IncompleteList);
}

#[tokio::test]
async fn logins_that_are_not_recorded_are_not_guessed() {
    let mut posture = Posture::compliant();
    posture.set("", 200, include_str!("oidc/keycloak/realm.json").replace(r#""eventsEnabled": true"#, r#""eventsEnabled": false"#));
    let server = Keycloak::start(posture);
    let judged = run_realm(&server, &["stale-accounts"]).await;
    judged.all(Verdict::Error, 3);
    assert!(judged.findings.iter().all(|finding| finding.reason_code == Reason::NotServed));
    // A version that cannot sort tells the newest event in place of the oldest: then nobody without a login is judged.
    server.change(|posture| {
        *posture = Posture::compliant();
        posture.set("/events?oldest", 200, json!([{"time": 1_795_100_000_000_i64}]).to_string());
        posture.set("/events?user=3", 200, "[]".to_owned());
    });
    let judged = run_realm(&server, &["stale-accounts"]).await;
    let account = judged.finding("stale-accounts", "Account/0b7f0000-0000-4000-8000-000000000003");
    assert_eq!(account.verdict, Verdict::Error, "{}", account.message);
}

#[tokio::test]
async fn without_keycloak_nothing_is_known_of_realms() {
    let server = Keycloak::start(Posture::compliant());
    let judged = Workspace::new(SECRET).run(json!({"providers": [{"issuer": server.issuer}]}), &["oidc-mfa"], json!({})).await;
    let finding = judged.finding("oidc-mfa", "Population/oidc-mfa");
    assert_eq!((finding.verdict, finding.reason_code), (Verdict::Error, Reason::NotCollected));
    assert_eq!(records(&judged, "Realm").len(), 0);
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_their_place() {
    let workspace = Workspace::new(SECRET);
    let open = |target: Value| open::<OidcTarget>("oidc", &workspace.path(), &target).err().expect("refused").to_string();
    for (provider, detail) in [
        (json!({"issuer": "id.example.com"}), "is no URL"),
        (json!({"issuer": "https://a:b@id.example.com"}), "take out user, password"),
        (json!({"issuer": "http://id.example.com", "client": client()}), "a secret is not sent in clear"),
        (json!({"issuer": "https://id.example.com/realms/main", "keycloak": {}}), "name a `client`"),
        (json!({"issuer": "https://id.example.com/main", "client": client(), "keycloak": {}}), "does not end in /realms/NAME"),
    ] {
        let refused = open(json!({"providers": [provider]}));
        assert!(refused.starts_with("proofbook.yaml:1:") && refused.contains(detail), "{refused}");
    }
    let missing = json!({"issuer": "https://id.example.com", "client": {"id": "a", "secret": {"file": "no-such-file"}}});
    assert!(open(json!({"providers": [missing]})).contains("no-such-file"));
}
