//! The example platforms in both variants: a scan comes to exactly the findings that stand in their `expected.yaml`, each under
//! the fault that it comes of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::support::{Finding, Ran, Workspace, root, skipped};

/// What a scan of one variant must find, by check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Expected {
    /// How many findings pass: a check that sees less than before is silent elsewhere.
    pass: usize,
    /// How many tell that a check does not apply.
    not_applicable: usize,
    fail: BTreeMap<String, BTreeSet<String>>,
    error: BTreeMap<String, BTreeSet<String>>,
}

impl Expected {
    /// Holds the findings against what is expected, to the last of them.
    fn holds<'f>(&self, findings: impl Iterator<Item = &'f Finding> + Clone, ran: &Ran) {
        assert_eq!(found(findings.clone(), "fail"), self.fail, "{ran:?}");
        assert_eq!(found(findings.clone(), "error"), self.error, "{ran:?}");
        let count = |verdict: &str| findings.clone().filter(|finding| finding.verdict == verdict).count();
        assert_eq!((count("pass"), count("not-applicable")), (self.pass, self.not_applicable), "pass and not-applicable: {ran:?}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

// Of a certificate that is its own authority, and names the host.
const AUTHORITY: &str = "[req]
distinguished_name = subject
[subject]
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
default_startdate = 20261110000000Z
default_enddate = 20270110000000Z
policy = policy
x509_extensions = server
[policy]
commonName = supplied
[server]
basicConstraints = CA:FALSE
subjectAltName = IP:127.0.0.1
";

/// A TLS endpoint of one variant, which ends with the value.
pub(crate) struct Endpoint {
    server: Child,
    port: u16,
}

impl Endpoint {
    /// Starts an endpoint that speaks the versions that are not refused, with a certificate of its own in `folder`.
    fn start(folder: &Path, refused: &[&str]) -> Option<Self> {
        // Valid around the time of the dump, by which the whole run is judged; `openssl ca` is what lets one say from when.
        let (certificate, key) = (folder.join("ca.pem"), folder.join("server.key"));
        fs::write(folder.join("ca.cnf"), AUTHORITY).unwrap();
        fs::write(folder.join("index.txt"), "").unwrap();
        let openssl = |args: &str| {
            let mut command = Command::new("openssl");
            command.args(args.split(' ')).current_dir(folder).output().is_ok_and(|output| output.status.success())
        };
        if !openssl("req -config ca.cnf -newkey rsa:3072 -nodes -subj /CN=localhost -keyout server.key -out server.csr")
            || !openssl("ca -config ca.cnf -batch -notext -selfsign -keyfile server.key -in server.csr -out ca.pem")
        {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new("openssl");
        server.args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")]).args(refused);
        server.arg("-cert").arg(&certificate).arg("-key").arg(&key).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { server: server.spawn().unwrap(), port };
        let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        for _ in 0..100 {
            if answers() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The subjects of a verdict by check.
fn found<'f>(findings: impl IntoIterator<Item = &'f Finding>, verdict: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_check: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in findings.into_iter().filter(|finding| finding.verdict == verdict) {
        by_check.entry(finding.check.clone()).or_default().insert(finding.subject());
    }
    by_check
}

fn expected(platform: &Path, variant: &str) -> Expected {
    let text = fs::read_to_string(platform.join("expected.yaml")).unwrap();
    let mut expected: BTreeMap<String, Expected> = serde_saphyr::from_str(&text).unwrap();
    expected.remove(variant).unwrap()
}

/// A workspace with the dumps, settings and words of a platform. EIDP names an endpoint besides, which answers as long as the value
/// lives; there is none where openssl is missing.
pub(crate) fn workspace_of(name: &str, variant: &str) -> (Workspace, Option<Endpoint>) {
    let platform = root().join("platforms").join(name);
    let workspace = Workspace::new("");
    for folder in ["cluster", "attestations", "docs"] {
        copy(&platform.join(folder), &workspace.path("ws").join(folder));
    }
    workspace.write("ws/claims.yaml", fs::read_to_string(platform.join("claims.yaml")).unwrap());
    let mut settings = fs::read_to_string(platform.join("proofbook.yaml")).unwrap();
    let mut endpoint = None;
    if name == "eidp" {
        let (port, refused): (_, &[&str]) = match variant {
            "compliant" => ("18443", &["-no_tls1", "-no_tls1_1", "-no_tls1_2"]),
            _ => ("18444", &["-no_tls1", "-no_tls1_1"]),
        };
        fs::create_dir(workspace.path("ws/tls")).unwrap();
        endpoint = Endpoint::start(&workspace.path("ws/tls"), refused);
        assert!(settings.contains(port));
        match &endpoint {
            Some(endpoint) => settings = settings.replace(port, &endpoint.port.to_string()),
            None => settings = settings.replace(", ca_file: tls/ca.pem", ""),
        }
    }
    workspace.write("ws/proofbook.yaml", settings);
    (workspace, endpoint)
}

/// Everything about the platform stands in its dump.
fn dump_shows_what_is_expected(name: &str, variant: &str) {
    let expected = expected(&root().join("platforms").join(name), variant);
    let (workspace, _) = workspace_of(name, variant);
    let (ran, findings) = workspace.scan(&format!("-e {variant} --fail-on fail"));
    expected.holds(findings.iter(), &ran);
    let bundle = ran.ends_with(i32::from(!expected.fail.is_empty())).path();
    let _ = workspace.run(&format!("-e {variant} verify {}", bundle.display())).ends_with(0);
}

fn eidp_shows_what_is_expected(variant: &str, endpoint_shows: &[(&str, &str)]) {
    let expected = expected(&root().join("platforms/eidp"), variant);
    let (workspace, endpoint) = workspace_of("eidp", variant);
    let (ran, findings) = workspace.scan(&format!("-e {variant} --fail-on fail"));
    let tls: Vec<(&str, &str)> =
        findings.iter().map(|finding| (&*finding.check, &*finding.verdict)).filter(|(check, _)| check.starts_with("tls-")).collect();
    if endpoint.is_some() {
        assert_eq!(tls, endpoint_shows, "{ran:?}");
    } else {
        skipped("the TLS endpoint of the platform", "openssl is missing");
        assert!(tls.contains(&("tls-min-version", "error")), "{ran:?}");
    }
    // The endpoint is not in the dump, and what it shows stands above.
    expected.holds(findings.iter().filter(|finding| !finding.check.starts_with("tls-")), &ran);
    let failed = !expected.fail.is_empty() || findings.iter().any(|finding| finding.verdict == "fail");
    let bundle = ran.ends_with(i32::from(failed)).path();
    let _ = workspace.run(&format!("-e {variant} verify {}", bundle.display())).ends_with(0);
}

#[test]
fn the_compliant_platform_shows_what_is_expected() {
    eidp_shows_what_is_expected(
        "compliant",
        &[
            ("tls-cert-valid", "pass"),
            ("tls-cipher-strength", "pass"),
            ("tls-min-version", "pass"),
            ("tls-post-quantum", "not-applicable"),
            ("tls-session-protection", "pass"),
        ],
    );
}

#[test]
fn the_drifted_platform_shows_what_is_expected() {
    // What openssl accepts in TLS 1.2 by itself holds CBC with SHA-1.
    eidp_shows_what_is_expected(
        "drifted",
        &[
            ("tls-cert-valid", "pass"),
            ("tls-cipher-strength", "fail"),
            ("tls-min-version", "fail"),
            ("tls-post-quantum", "not-applicable"),
            ("tls-session-protection", "pass"),
        ],
    );
}

#[test]
fn unstructured_shows_what_is_expected() {
    dump_shows_what_is_expected("unstructured", "compliant");
    dump_shows_what_is_expected("unstructured", "drifted");
}

#[test]
fn enclii_shows_what_is_expected() {
    dump_shows_what_is_expected("enclii", "compliant");
    dump_shows_what_is_expected("enclii", "drifted");
}

#[test]
fn the_dumps_are_as_their_generators_write_them() {
    for name in ["eidp", "enclii", "unstructured"] {
        match Command::new("python3").arg(root().join("platforms/generate.py")).args([name, "--check"]).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => skipped("the generators of the platforms", "python3 is missing"),
        }
    }
}
