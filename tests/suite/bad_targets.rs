//! Clusters and dumps that cannot be read, or not to their end: the scan is sealed with errors that say what is missing and
//! why, ends in exit code 3, and what was not seen is never a pass.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::support::server::{Reply, Server};
use crate::support::{AT, Finding, Workspace};

/// A check that reads Pods and what owns them.
const CHECK: &str = "--check workload-no-privileged";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn pods(number: usize) -> String {
    let pod = |n| json!({"metadata": {"name": format!("p{n}"), "namespace": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    json!({"apiVersion": "v1", "kind": "PodList", "items": (0..number).map(pod).collect::<Vec<_>>()}).to_string()
}

/// Every other kind that owns Pods: none there.
const NO_OWNERS: &str = "absent: [deployments.apps, statefulsets.apps, daemonsets.apps, replicasets.apps, cronjobs.batch, jobs.batch]\n";

/// Scans a dump in which everything is whole but one file.
fn scan_with(name: &str, content: &[u8]) -> (String, Vec<Finding>) {
    let workspace = Workspace::new("workspace: w");
    workspace.write("dump/dump.yaml", NO_OWNERS);
    workspace.write(&format!("dump/{name}"), content);
    let (ran, findings) = workspace.scan(&format!("--dump dump {CHECK} --at {AT}"));
    let has = |verdict: &str| findings.iter().any(|finding| finding.verdict == verdict);
    assert_eq!(ran.code, if has("error") { 3 } else { i32::from(has("fail")) }, "{ran:?}");
    // What could not be looked at is evidence too, and it is sound.
    let _ = workspace.run(&format!("verify {}", ran.path().display())).ends_with(0);
    (ran.stderr, findings)
}

/// The one finding of a dump that could not be read: an error about the population.
#[track_caller]
fn unread(name: &str, content: &[u8], says: &[&str]) {
    let (_, findings) = scan_with(name, content);
    let [finding] = findings.as_slice() else { panic!("{name}: {findings:#?}") };
    assert_eq!((finding.verdict.as_str(), finding.subject.kind.as_str()), ("error", "Population"), "{name}: {finding:#?}");
    for text in says {
        assert!(finding.message.contains(text), "{name}: no {text:?} in {finding:#?}");
    }
}

/// What is read of such a file may be an error of the file or of its objects, but says nothing good of them.
fn is_no_pass(name: &str, content: &[u8]) -> bool {
    let (_, findings) = scan_with(name, content);
    !findings.is_empty() && findings.iter().all(|finding| finding.verdict != "pass")
}

#[test]
fn objects_that_are_not_whole_are_no_pass() {
    let objects = [
        r#"{"metadata": {"name": "p", "namespace": "a"}}"#,
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": {}}"#,
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": null}}"#,
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": {}}}"#,
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": "c"}}"#,
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": []}}"#,
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": []}"#,
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": "s"}"#,
        r#"{"metadata": {}, "spec": {"containers": [{"name": "c", "image": "i"}]}}"#,
        r#"{"spec": {"containers": [{"name": "c", "image": "i"}]}}"#,
        // Go takes the last of two equal keys.
        r#"{"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": [{"name": "c"}]}, "spec": {"containers": [{"name": "c", "securityContext": {"privileged": true}}]}}"#,
        r#""p""#,
        "17",
        "[]",
    ];
    let list = |object: &str| format!(r#"{{"kind": "PodList", "apiVersion": "v1", "items": [{object}]}}"#);
    let files = objects.iter().flat_map(|object| [("pods.json", list(object)), ("pods.yaml", list(object))]);
    let passed: Vec<_> = files.filter(|(name, content)| !is_no_pass(name, content.as_bytes())).collect();
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn a_whole_dump_passes() {
    for (name, content) in [
        ("pods.json", pods(3).into_bytes()),
        ("pods.json.gz", gzip(pods(3).as_bytes())),
        ("pods.json.zst", zstd::encode_all(pods(3).as_bytes(), 1).unwrap()),
    ] {
        let (stderr, findings) = scan_with(name, &content);
        assert!(findings.len() == 3 && findings.iter().all(|finding| finding.verdict == "pass"), "{findings:#?} {stderr}");
    }
}

#[test]
fn a_dump_that_is_cut_or_damaged() {
    let whole = pods(2000);
    let packed = gzip(whole.as_bytes());
    unread("pods.json.gz", &packed[..packed.len() / 2], &["pods.json.gz"]);
    unread("pods.json.gz", &packed[..packed.len() - 4], &["pods.json.gz"]);
    unread("pods.json.gz", b"\x1f\x8b", &["pods.json.gz"]);
    let packed = zstd::encode_all(whole.as_bytes(), 1).unwrap();
    unread("pods.json.zst", &packed[..packed.len() / 2], &["pods.json.zst"]);
    unread("pods.json", b"", &["not collected"]);
    for length in [1, 60, whole.len() / 2, whole.len() - 1] {
        unread("pods.json", &whole.as_bytes()[..length], &["pods.json"]);
    }
    unread("pods.json", whole.replacen("p1000", "p\u{0}1000", 1).as_bytes(), &["pods.json", "line 1"]);
    let mut invalid = whole.clone().into_bytes();
    invalid[whole.find("p1000").unwrap()] = 0xff;
    unread("pods.json", &invalid, &["pods.json", "UTF-8"]);
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: a}\nspec:\n  containers: [{name: c, image: i}]\n";
    unread("pods.yaml", &[yaml.as_bytes(), b"# \xff\xfe\n"].concat(), &["pods.yaml", "UTF-8"]);
    unread("pods.yaml", format!("{yaml}---\n{yaml}  other: [\n").as_bytes(), &["pods.yaml"]);
    unread("pods.yaml", format!("{yaml}spec: {{containers: []}}\n").as_bytes(), &["pods.yaml", "same key twice", "line 6"]);
}

#[test]
fn a_dump_that_is_built_to_hurt() {
    let item = |text: &str| format!(r#"{{"kind": "PodList", "apiVersion": "v1", "items": [{text}]}}"#);
    let deep = |open: &str, close: &str| {
        item(&format!(r#"{{"metadata": {{"name": "p", "namespace": "a"}}, "spec": {}1{}}}"#, open.repeat(200_000), close.repeat(200_000)))
    };
    assert!(is_no_pass("pods.json", deep("[", "]").as_bytes()));
    assert!(is_no_pass("pods.json", deep(r#"{"containers": "#, "}").as_bytes()));
    let bomb = (0..20).fold(
        "kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: a}\nx0: &x0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, n| text + &format!("x{}: &x{} [{}]\n", n + 1, n + 1, vec![format!("*x{n}"); 9].join(", ")),
    );
    unread("pods.yaml", bomb.as_bytes(), &["pods.yaml"]);
    unread("pods.yaml", format!("kind: Pod\nspec: {}\n", "[".repeat(100_000)).as_bytes(), &["pods.yaml"]);

    // A file of 50 MB that is one line: of zeros that take no space, of one string, and of blanks.
    let workspace = Workspace::new("workspace: w");
    workspace.write("dump/dump.yaml", NO_OWNERS);
    let sparse = std::fs::File::create(workspace.path("dump/pods.json")).unwrap();
    sparse.set_len(50 << 20).unwrap();
    let (ran, findings) = workspace.scan(&format!("--dump dump {CHECK} --at {AT}"));
    assert!(ran.code == 3 && findings.len() == 1 && findings[0].verdict == "error", "{ran:?} {findings:#?}");
    for filler in ["x", " "] {
        let long = format!(
            r#"{{"metadata": {{"name": "p", "namespace": "a"}}, "spec": {{"containers": [{{"name": "{}", "image": "i"}}]}}}}"#,
            filler.repeat(50 << 20)
        );
        let (_, findings) = scan_with("pods.json", item(&long).as_bytes());
        assert_eq!(findings.len(), 1);
        let bounded = findings[0].verdict == "error" || findings[0].message.len() < 1000;
        assert!(bounded, "{} bytes", findings[0].message.len());
    }
}

#[test]
fn objects_of_another_version_of_their_api_are_no_pass() {
    let ingress = |version: &str| json!({"apiVersion": version, "kind": "Ingress", "metadata": {"name": "i", "namespace": "a"}, "spec": {"rules": [{"host": "h"}]}});
    for (version, verdict) in [("networking.k8s.io/v1", "fail"), ("networking.k8s.io/v1beta1", "fail"), ("extensions/v1beta1", "error")] {
        let workspace = Workspace::new("workspace: w");
        workspace.write("dump/ingresses.json", json!({"apiVersion": "v1", "kind": "List", "items": [ingress(version)]}).to_string());
        workspace.write("dump/namespaces.json", r#"{"apiVersion": "v1", "kind": "NamespaceList", "items": [{"metadata": {"name": "a"}}]}"#);
        let (ran, findings) = workspace.scan(&format!("--dump dump --check ingress-tls-declared --at {AT}"));
        let verdicts: Vec<&str> = findings.iter().map(|finding| finding.verdict.as_str()).collect();
        assert_eq!(verdicts, [verdict], "{version}: {ran:?} {findings:#?}");
    }
}

#[test]
fn a_dump_that_is_none() {
    let workspace = Workspace::new("workspace: w");
    std::fs::create_dir(workspace.path("empty")).unwrap();
    workspace.write("words/notes.txt", "nothing");
    workspace.write("wrong/dump.yaml", "absent: [a.b]\nabsents: []\n");
    workspace.write("both/dump.yaml", "absent: [a.b]\nnot_served: [a.b]\n");
    workspace.write("when/dump.yaml", "collected_at: yesterday\n");
    for (dump, says) in [
        ("empty", &["empty", "no file ending in .json", "kubectl get"][..]),
        ("words", &["words", "no file ending in .json"]),
        ("wrong", &["wrong/dump.yaml", "absents"]),
        ("both", &["both/dump.yaml", "a.b"]),
        ("when", &["when/dump.yaml", "RFC 3339"]),
        ("nowhere", &["nowhere", "exists"]),
    ] {
        workspace.run(&format!("scan --dump {dump}")).ends_with(2).without_result().says(says);
    }
    assert!(!workspace.path("ws/evidence").exists());
}

fn all_are_errors(findings: &[Finding]) {
    assert!(findings.len() > 60, "{}", findings.len());
    for finding in findings {
        assert!(finding.verdict == "error" && !finding.message.is_empty(), "{finding:#?}");
    }
}

#[test]
fn a_cluster_that_refuses_or_is_not_there() {
    for (status, reason, code) in [(401, "Unauthorized", "not-permitted"), (403, "Forbidden", "not-permitted"), (500, "InternalError", "")]
    {
        let server = Server::start();
        server.fault("/", move |_, _, _| Some(Reply::status(status, reason)));
        let workspace = Workspace::new("workspace: w");
        let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
        let (ran, findings) = workspace.scan(&format!("--kubeconfig {}", kubeconfig.display()));
        all_are_errors(&findings);
        let of_cluster = findings.iter().filter(|finding| finding.message.starts_with("kubernetes/"));
        assert!(of_cluster.clone().count() > 60, "{findings:#?}");
        assert!(of_cluster.clone().all(|finding| code.is_empty() || finding.reason_code == code), "{findings:#?}");
        let _ = ran.ends_with(3);
    }
    let server = Server::start();
    let workspace = Workspace::new("workspace: w");
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    drop(server);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let (ran, findings) = workspace.scan(&format!("--kubeconfig {}", kubeconfig.display()));
    all_are_errors(&findings);
    assert!(findings.iter().any(|finding| finding.reason_code == "unreachable"), "{findings:#?}");
    let _ = ran.ends_with(3);
}

#[test]
fn a_kubeconfig_that_cannot_be_used() {
    let workspace = Workspace::new("workspace: w\nenvironments: {prod: {kubernetes: {kubeconfig: there/config}}}\n");
    workspace.write("broken", "users: [{name: a, user: {token: [x]}}]\nclusters: 1\n");
    workspace.write("good", "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n");
    for (args, says) in [
        ("--kubeconfig nowhere", &["nowhere", "--kubeconfig"][..]),
        ("--kubeconfig broken", &["broken", "line", "kubectl config view"]),
        ("--kubeconfig good --context b", &["no context \"b\"", "it has: a"]),
        // Relative to the workspace, as `proofbook.yaml` says.
        ("", &["ws/there/config"]),
        // Neither a kubeconfig in the usual places, nor a Pod.
        ("--context a", &["no way to a cluster", "--kubeconfig", "--dump"]),
    ] {
        workspace.run(&format!("scan {args}")).ends_with(2).without_result().says(says);
    }
    assert!(!Path::new(&workspace.path("ws/evidence")).exists());
}

#[test]
fn nothing_to_look_at_is_an_error_everywhere() {
    let workspace = Workspace::new("workspace: w");
    let (ran, findings) = workspace.scan(&format!("--at {AT}"));
    all_are_errors(&findings);
    let _ = ran.ends_with(3);
}
