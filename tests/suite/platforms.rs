//! The example platforms in both variants: a scan comes to exactly the findings that stand in their `expected.yaml`, each under
//! the fault that it comes of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::support::{Finding, Workspace, root, skipped};

/// What a scan of one variant must find, by check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    fail: BTreeMap<String, BTreeSet<String>>,
    error: BTreeMap<String, BTreeSet<String>>,
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

/// A TLS endpoint of one variant, which ends with the value.
struct Endpoint {
    server: Child,
    port: u16,
}

impl Endpoint {
    /// Starts an endpoint that speaks the versions that are not refused, with a certificate of its own in `folder`.
    fn start(folder: &Path, refused: &[&str]) -> Option<Self> {
        let (certificate, key) = (folder.join("ca.pem"), folder.join("server.key"));
        let mut request = Command::new("openssl");
        request.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:3072",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ]);
        request.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
        if !request.output().is_ok_and(|output| output.status.success()) {
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

/// Everything about the platform stands in its dump.
fn dump_shows_what_is_expected(name: &str, variant: &str) {
    let platform = root().join("platforms").join(name);
    let expected = expected(&platform, variant);
    let workspace = Workspace::new("");
    for folder in ["cluster", "attestations"] {
        copy(&platform.join(folder), &workspace.path("ws").join(folder));
    }
    workspace.write("ws/proofbook.yaml", fs::read_to_string(platform.join("proofbook.yaml")).unwrap());

    let (ran, findings) = workspace.scan(&format!("-e {variant} --fail-on fail"));
    assert_eq!(found(&findings, "fail"), expected.fail);
    assert_eq!(found(&findings, "error"), expected.error);
    assert!(findings.iter().filter(|finding| finding.verdict == "pass").count() > 1000, "{ran:?}");
    let bundle = ran.ends_with(i32::from(!expected.fail.is_empty())).path();
    let _ = workspace.run(&format!("-e {variant} verify {}", bundle.display())).ends_with(0);
}

fn shows_what_is_expected(variant: &str, refused: &[&str], port: &str, min_version: &str) {
    let platform = root().join("platforms/eidp");
    let expected = expected(&platform, variant);

    let workspace = Workspace::new("");
    for folder in ["cluster", "attestations"] {
        copy(&platform.join(folder), &workspace.path("ws").join(folder));
    }
    fs::create_dir(workspace.path("ws/tls")).unwrap();
    let endpoint = Endpoint::start(&workspace.path("ws/tls"), refused);
    let mut settings = fs::read_to_string(platform.join("proofbook.yaml")).unwrap();
    assert!(settings.contains(port));
    match &endpoint {
        Some(endpoint) => settings = settings.replace(port, &endpoint.port.to_string()),
        None => settings = settings.replace(", ca_file: tls/ca.pem", ""),
    }
    workspace.write("ws/proofbook.yaml", settings);

    let (ran, findings) = workspace.scan(&format!("-e {variant} --fail-on fail"));
    let tls =
        |check: &str| findings.iter().filter(|finding| finding.check == check).map(|finding| finding.verdict.as_str()).collect::<Vec<_>>();
    if endpoint.is_some() {
        assert_eq!(tls("tls-min-version"), [min_version], "{ran:?}");
        // What openssl accepts in TLS 1.2 by itself holds CBC with SHA-1.
        assert_eq!(tls("tls-cipher-strength"), [min_version], "{ran:?}");
    } else {
        skipped("the TLS endpoint of the platform", "openssl is missing");
        assert_eq!(tls("tls-min-version"), ["error"], "{ran:?}");
    }
    // The endpoint is not in the dump, and what it shows stands above.
    let in_dump = || findings.iter().filter(|finding| !finding.check.starts_with("tls-"));
    assert_eq!(found(in_dump(), "fail"), expected.fail);
    assert_eq!(found(in_dump(), "error"), expected.error);
    // Both variants are the same platform: the same checks have something to say.
    assert!(findings.iter().filter(|finding| finding.verdict == "pass").count() > 500, "{ran:?}");
    let failed = !expected.fail.is_empty() || findings.iter().any(|finding| finding.verdict == "fail");
    let bundle = ran.ends_with(i32::from(failed)).path();
    let _ = workspace.run(&format!("-e {variant} verify {}", bundle.display())).ends_with(0);
}

#[test]
fn the_compliant_platform_shows_what_is_expected() {
    shows_what_is_expected("compliant", &["-no_tls1", "-no_tls1_1", "-no_tls1_2"], "18443", "pass");
}

#[test]
fn the_drifted_platform_shows_what_is_expected() {
    shows_what_is_expected("drifted", &["-no_tls1", "-no_tls1_1"], "18444", "fail");
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
        let generator = root().join("platforms").join(name).join("cluster/generate.py");
        match Command::new("python3").arg(&generator).arg("--check").output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => skipped("the generators of the platforms", "python3 is missing"),
        }
    }
}
