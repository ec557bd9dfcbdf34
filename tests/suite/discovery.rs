//! Targets that a cluster announces: read from a real API server's recorded answers, found within what the workspace allows,
//! and looked at on a real TLS server; a listing that fails leaves no verdict; a plan tells all of it before.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::server::{Reply, Server};
use crate::support::{Finding, Workspace};

const CHECKS: &str = "--check tls-min-version --check tls-cipher-strength --check announced-targets";

/// A TLS server by openssl, which ends with the value.
struct Endpoint {
    process: Child,
    port: u16,
}

impl Endpoint {
    fn start(workspace: &Workspace) -> Self {
        let (certificate, key) = (workspace.path("server.pem"), workspace.path("server.key"));
        let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
        let made = Command::new("openssl").args(request.split(' ')).arg("-keyout").arg(&key).arg("-out").arg(&certificate).output();
        assert!(made.expect("install openssl").status.success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new("openssl");
        server.args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-tls1_3"]);
        server.arg("-cert").arg(&certificate).arg("-key").arg(&key).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = server.spawn().unwrap();
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { process, port }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The recorded cluster, with a gateway of Istio that announces localhost on a port, and what tenants might write besides.
fn cluster(port: u16) -> Server {
    let server = Server::start();
    let gateway = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "edge", "namespace": "shop"},
        "spec": {"servers": [
            {"port": {"number": port, "protocol": "HTTPS"}, "hosts": ["localhost", "metadata.google.internal", "evil.test", "*.example.com"]},
        ]},
    });
    let list =
        json!({"apiVersion": "networking.istio.io/v1", "kind": "GatewayList", "metadata": {"resourceVersion": "7"}, "items": [gateway]});
    server.fault("/apis/networking.istio.io/v1/gateways?", move |_, _, _| Some(Reply::json(200, &list)));
    server
}

fn workspace() -> Workspace {
    Workspace::with_settings(&json!({
        "workspace": "w",
        "environments": {"prod": {
            "discover": {"tls": true, "allow": ["localhost", "127.0.0.0/8", "::1", "*.example.com"], "deny": ["app.globex.example"]},
            "expect_absent": [{"resource": "*.gateway.networking.k8s.io", "reason": "Istio"}],
        }},
    }))
}

fn about<'f>(findings: &'f [Finding], check: &str, subject: &str) -> &'f Finding {
    let found = findings.iter().find(|finding| finding.check == check && finding.subject() == subject);
    found.unwrap_or_else(|| panic!("{check} says nothing about {subject}: {findings:#?}"))
}

#[test]
fn what_the_cluster_announces_is_looked_at_and_the_rest_is_told() {
    let workspace = workspace();
    let endpoint = Endpoint::start(&workspace);
    let server = cluster(endpoint.port);
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let (ran, findings) = workspace.scan(&format!("--kubeconfig {} {CHECKS}", kubeconfig.display()));
    let port = endpoint.port;
    for check in ["tls-min-version", "tls-cipher-strength"] {
        let finding = about(&findings, check, &format!("Endpoint/localhost:{port}@127.0.0.1"));
        assert_eq!(finding.verdict, "pass", "{finding:#?}");
        assert!(findings.iter().all(|finding| finding.check != check || finding.subject.name.starts_with("localhost:")), "{findings:#?}");
    }
    for (subject, verdict, says) in [
        (format!("localhost:{port}"), "pass", ""),
        (format!("metadata.google.internal:{port}"), "fail", "metadata"),
        (format!("evil.test:{port}"), "fail", "discover.allow"),
        (format!("*.example.com:{port}"), "not-applicable", "wildcard"),
        ("app.acme.example:443".to_owned(), "fail", "discover.allow"),
        ("app.globex.example:443".to_owned(), "not-applicable", "discover.deny"),
    ] {
        let finding = about(&findings, "announced-targets", &format!("Discovery/{subject}"));
        assert_eq!(finding.verdict, verdict, "{finding:#?}");
        assert!(finding.message.contains(says), "{finding:#?}");
    }
    let ran = ran.says(&["discovery:", "announced", "app.acme.example:443", "no entry of `discover.allow` names it"]);
    let bundle = ran.path();
    let _ = workspace.run(&format!("verify {}", bundle.display())).ends_with(0);
    let bundle = workspace.folder().join(bundle);
    // What discovery read and no check does is in no bundle.
    let kept = bundle.join("observations/kubernetes");
    assert!(!kept.exists() || std::fs::read_dir(&kept).unwrap().count() == 0, "{}", kept.display());
    assert!(bundle.join("observations/tls/discoveries.ndjson.zst").exists());
}

#[test]
fn a_listing_that_fails_leaves_no_verdict_and_nobody_is_asked() {
    let workspace = workspace();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = cluster(listener.local_addr().unwrap().port());
    server.fault("/apis/networking.k8s.io/v1/ingresses", |_, _, _| Some(Reply::status(403, "Forbidden")));
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let (ran, findings) = workspace.scan(&format!("--kubeconfig {} {CHECKS}", kubeconfig.display()));
    assert_eq!(findings.len(), 3, "{findings:#?}");
    for finding in &findings {
        assert_eq!(
            (finding.verdict.as_str(), finding.reason_code.as_str(), finding.subject.kind.as_str()),
            ("error", "not-permitted", "Population")
        );
        assert!(finding.message.contains("ingresses.networking.k8s.io"), "{finding:#?}");
    }
    let _ = ran.ends_with(3).says(&["no target was discovered", "ingresses.networking.k8s.io"]);
    assert!(listener.accept().is_err(), "an endpoint was asked although the population is not known");
}

#[test]
fn a_dump_announces_as_a_cluster_does() {
    let workspace = workspace();
    let endpoint = Endpoint::start(&workspace);
    let gateway = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "edge", "namespace": "shop"},
        "spec": {"servers": [{"port": {"number": endpoint.port, "protocol": "HTTPS"}, "hosts": ["localhost"]}]},
    });
    workspace.write("dump/gateways.json", json!({"apiVersion": "v1", "kind": "List", "items": [gateway]}).to_string());
    let absent = "absent: [ingresses.networking.k8s.io, services, virtualservices.networking.istio.io]\nnot_served: [ingressroutes.traefik.io, ingressroutetcps.traefik.io]\n";
    workspace.write("dump/dump.yaml", absent);
    let (_, findings) = workspace.scan(&format!("--dump dump {CHECKS}"));
    let finding = about(&findings, "tls-min-version", &format!("Endpoint/localhost:{}@127.0.0.1", endpoint.port));
    assert_eq!(finding.verdict, "pass", "{finding:#?}");

    // Of a kind that the dump does not speak of nothing is known.
    workspace.write("dump/dump.yaml", absent.replace("services, ", ""));
    let (ran, findings) = workspace.scan(&format!("--dump dump {CHECKS}"));
    let finding = about(&findings, "tls-min-version", "Population/tls-min-version");
    assert_eq!((finding.verdict.as_str(), finding.reason_code.as_str()), ("error", "not-collected"), "{ran:?}");
}

#[test]
fn what_discovery_reads_besides_changes_no_evidence() {
    let observed = |discover: bool| {
        let environment = if discover { json!({"discover": {"tls": true, "allow": ["localhost", "127.0.0.0/8"]}}) } else { json!({}) };
        let absent = json!([{"resource": "*.gateway.networking.k8s.io", "reason": "Istio"}]);
        let workspace =
            Workspace::with_settings(&json!({"workspace": "w", "expect_absent": absent, "environments": {"prod": environment}}));
        let server = cluster(1);
        let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
        let checks = "--check ingress-tls-declared --check exposed-services --check istio-gateway-tls --check tls-post-quantum";
        let (ran, findings) = workspace.scan(&format!("--kubeconfig {} {checks} --fail-on nothing", kubeconfig.display()));
        let folder = workspace.folder().join(ran.path()).join("observations/kubernetes");
        let files: std::collections::BTreeMap<String, Vec<u8>> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
            .collect();
        let findings: Vec<String> =
            findings.iter().filter(|finding| !finding.check.starts_with("tls-")).map(|finding| format!("{finding:?}")).collect();
        (files, findings)
    };
    let (with, without) = (observed(true), observed(false));
    assert!(without.0.len() >= 3 && without.1.len() > 5, "{:?}", without.0.keys());
    assert_eq!(with.0.keys().collect::<Vec<_>>(), without.0.keys().collect::<Vec<_>>());
    assert!(with == without, "discovery changed what is kept of the cluster");
}

/// The lines of a plan: method and query.
fn lines(stdout: &str) -> BTreeSet<(String, String)> {
    let columns = stdout.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    columns.map(|columns| (columns[2].to_owned(), columns[3].to_owned())).collect()
}

#[test]
fn a_plan_asks_the_cluster_only_and_offline_nobody() {
    let workspace = workspace();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = cluster(port);
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");

    let ran = workspace.run(&format!("scan --plan --offline --kubeconfig {} {CHECKS}", kubeconfig.display())).ends_with(0);
    let offline = lines(&ran.stdout);
    assert!(server.asked().is_empty(), "{:?}", server.asked());
    let hello = |version: &str, place: &str| (format!("client-hello {version}"), format!("{place}:443"));
    assert!(offline.contains(&hello("tls1.2", "<host of each Ingress, Gateway and route>")), "{}", ran.stdout);
    assert!(offline.contains(&hello("tls1.0", "<address of each load balancer>")), "{}", ran.stdout);
    assert!(offline.iter().any(|(method, query)| method == "LIST" && query.contains("/ingresses?")), "{}", ran.stdout);
    assert!(!ran.stdout.contains("invalid") && !ran.stdout.contains("0.0.0.0"), "{}", ran.stdout);

    let ran = workspace.run(&format!("scan --plan --format json --kubeconfig {} {CHECKS}", kubeconfig.display())).ends_with(0);
    let asked = server.asked();
    assert!(asked.iter().any(|asked| asked.path.contains("/ingresses?")));
    let said = ran.stderr.lines().find(|line| line.contains("requests to the cluster")).unwrap_or_else(|| panic!("{ran:?}"));
    assert!(said.contains(&asked.len().to_string()), "{said}: {}", asked.len());
    let plan = ran.json();
    let planned = |method: &str, query: &str| {
        plan.as_array().unwrap().iter().any(|line| line["method"] == method && line["query"] == query && line["source"] == "tls")
    };
    assert!(planned("resolve", "localhost") && planned("client-hello tls1.3 suites", &format!("localhost:{port}")), "{plan:#}");
    assert!(!planned("resolve", "evil.test") && !plan.to_string().contains("evil.test:"), "{plan:#}");
    assert!(listener.accept().is_err() && !workspace.path("ws/evidence").exists());
}

#[test]
fn a_plan_that_cannot_look_says_so() {
    let workspace = workspace();
    let server = cluster(1);
    server.fault("/api/v1/services", |_, _, _| Some(Reply::status(403, "Forbidden")));
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let ran = workspace.run(&format!("scan --plan --kubeconfig {} {CHECKS}", kubeconfig.display())).ends_with(3);
    let ran = ran.says(&["no target was discovered", "kubernetes/services"]);
    assert!(ran.stdout.contains("<host of each Ingress, Gateway and route>"), "{}", ran.stdout);
}

#[test]
fn settings_of_discovery_are_held_to() {
    for (environment, says) in [
        (json!({"discover": {"tls": true}}), &["allow"][..]),
        (json!({"discover": {"tls": true, "allow": []}}), &["`allow` is empty"]),
        (json!({"discover": {"tls": true, "allow": ["*"]}}), &["`*`", "proofbook.yaml:1:"]),
        (json!({"discover": {"tls": true, "allow": ["0.0.0.0/0"]}}), &["every address"]),
        (json!({"discover": {"tls": true, "allow": ["*.example.com"]}}), &["needs a cluster"]),
        (json!({"ports": {"vantage": "external", "discovered": true}}), &["ports.discovered", "allow"]),
    ] {
        let workspace = Workspace::with_settings(&json!({"workspace": "w", "environments": {"prod": environment}}));
        workspace.run("scan").ends_with(2).without_result().says(says);
    }
}

/// Requests as they are told, without what a plan cannot know: the version of an API, the token of a page.
fn normal(method: &str, path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = path.split('/').collect();
    let known = match parts.as_slice() {
        ["", "api", _, plural] => format!("/api/{{version}}/{plural}"),
        ["", "apis", group, _, plural] if !plural.starts_with("selfsubject") => format!("/apis/{group}/{{version}}/{plural}"),
        _ => path.to_owned(),
    };
    let limit = query.split('&').find(|part| part.starts_with("limit=")).map(|limit| format!("?{limit}")).unwrap_or_default();
    format!("{method} {known}{limit}")
}

#[test]
fn a_plan_is_what_a_scan_asks_of_the_cluster_no_more_and_no_less() {
    // Checks whose kinds this server serves and this account may list; what is not served is looked for and not listed.
    let checks = "--check ingress-tls-declared --check netpol-default-deny --check workload-no-privileged --check rbac-wildcards";
    let workspace = Workspace::new("workspace: w");
    let server = Server::start();
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let ran = workspace.run(&format!("scan --plan --format json --kubeconfig {} {checks}", kubeconfig.display())).ends_with(0);
    assert!(server.asked().is_empty());
    let text = |line: &Json, key: &str| line[key].as_str().unwrap().to_owned();
    let reviewed = |query: &str| query.split_once(" (list ").map(|(_, resource)| resource.trim_end_matches(')').to_owned());
    let mut planned = BTreeSet::new();
    for line in ran.json().as_array().unwrap() {
        let (method, query) = (text(line, "method"), text(line, "query"));
        planned.insert(match reviewed(&query) {
            Some(resource) => format!("review {resource}"),
            None => normal(&method, &query),
        });
    }
    let _ = workspace.scan(&format!("--kubeconfig {} {checks}", kubeconfig.display()));
    let mut asked = BTreeSet::new();
    for request in server.asked() {
        let review: Json = serde_json::from_str(&request.body).unwrap_or_default();
        let attributes = &review["spec"]["resourceAttributes"];
        asked.insert(match (attributes["resource"].as_str(), attributes["group"].as_str()) {
            (Some(resource), Some("")) => format!("review {resource}"),
            (Some(resource), Some(group)) => format!("review {resource}.{group}"),
            _ => normal(if request.path.contains("limit=") { "LIST" } else { &request.method }, &request.path),
        });
    }
    // What the server does not serve is looked for in discovery, and then neither reviewed nor listed.
    planned.retain(|line| !line.contains("cilium.io"));
    let (missing, surplus): (Vec<_>, Vec<_>) = (planned.difference(&asked).collect(), asked.difference(&planned).collect());
    assert!(missing.is_empty() && surplus.is_empty(), "planned and not asked: {missing:#?}\nasked and not planned: {surplus:#?}");
    assert!(asked.len() > 20, "{asked:#?}");
}
