//! The ways to a cluster: kubeconfigs, good and bad.

use std::fs;
use std::path::Path;

use proofbook_sources::kubernetes::{KubeSettings, KubeconfigFault, Kubernetes};
use serde_json::json;

use super::server::Server;
use super::{collect_with, is_complete, reason, settings, wanted};
use proofbook_checks::inventory::Reason;

fn open(settings: KubeSettings) -> Result<Kubernetes, KubeconfigFault> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(Kubernetes::open(settings))
}

fn with_kubeconfig(path: &Path) -> KubeSettings {
    KubeSettings { kubeconfig: Some(path.to_owned()), ..KubeSettings::new("test") }
}

#[test]
fn a_kubeconfig_that_cannot_be_used_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let missing = open(with_kubeconfig(&path)).unwrap_err().to_string();
    assert!(missing.contains("config: No such file") && missing.contains("--kubeconfig"), "{missing}");
    for (text, told) in [
        ("users:\n- name: a\n  user: {token: [hunter22]}\n", "line 3"),
        ("apiVersion: v1\nusers: {token: hunter22}\n", "line 2"),
        ("\u{0}hunter22", "not"),
        ("", "no context \"\"; it has: none"),
        ("current-context: b\ncontexts: [{name: a, context: {cluster: c}}]", "no context \"b\"; it has: a"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: c}}]", "cluster \"c\" is not in it"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]", "user \"u\" is not in it"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {}}]", "has no server"),
    ] {
        fs::write(&path, text).unwrap();
        let fault = open(with_kubeconfig(&path)).unwrap_err().to_string();
        assert!(fault.contains(told), "{text:?}: {fault}");
        assert!(!fault.contains("hunter22") && fault.contains(path.to_str().unwrap()), "{fault}");
    }
}

#[test]
fn a_context_can_be_chosen() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let config = json!({
        "current-context": "nowhere",
        "clusters": [{"name": "replay", "cluster": {"server": server.url()}}, {"name": "nowhere", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "reader", "user": {"token": "reader"}}],
        "contexts": [
            {"name": "replay", "context": {"cluster": "replay", "user": "reader"}},
            {"name": "nowhere", "context": {"cluster": "nowhere", "user": "reader"}},
        ],
    });
    fs::write(&path, config.to_string()).unwrap();
    let chosen = KubeSettings { context: Some("replay".to_owned()), ..with_kubeconfig(&path) };
    assert!(is_complete(&collect_with(chosen, &wanted(&["pods"])), "pods"));
    assert_eq!(reason(&collect_with(with_kubeconfig(&path), &wanted(&["pods"])), "pods"), Reason::Unreachable);
}

// A kubeconfig whose user runs `script`.
fn with_plugin(server: &Server, folder: &Path, script: &str) -> KubeSettings {
    let path = folder.join("config");
    let exec =
        json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": ["-c", script], "interactiveMode": "Never"});
    let config = json!({
        "current-context": "replay",
        "clusters": [{"name": "replay", "cluster": {"server": server.url()}}],
        "users": [{"name": "plugin", "user": {"exec": exec}}],
        "contexts": [{"name": "replay", "context": {"cluster": "replay", "user": "plugin"}}],
    });
    fs::write(&path, config.to_string()).unwrap();
    KubeSettings { deadline: std::time::Duration::from_secs(2), ..with_kubeconfig(&path) }
}

#[test]
fn a_credential_plugin_is_run_only_where_allowed() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let script = r#"touch "$0.ran" 2>/dev/null; echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"reader"}}'"#;
    let settings = with_plugin(&server, folder.path(), script);
    let refused = open(KubeSettings { allow_exec: false, ..settings.clone() }).unwrap_err();
    assert!(matches!(refused, KubeconfigFault::ExecRefused { .. }), "{refused}");
    let inventory = collect_with(settings, &wanted(&["pods"]));
    assert!(is_complete(&inventory, "pods"));
    assert_eq!(inventory.targets[0].actor.auth, "exec");
}

#[test]
fn a_credential_plugin_that_fails_is_not_quoted() {
    let server = Server::start();
    for script in ["echo hunter22; echo hunter22 >&2; exit 1", "echo hunter22", "sleep 30"] {
        let folder = tempfile::tempdir().unwrap();
        let inventory = collect_with(with_plugin(&server, folder.path(), script), &wanted(&["pods"]));
        let expected = if script.starts_with("sleep") { Reason::Timeout } else { Reason::NotPermitted };
        assert_eq!(reason(&inventory, "pods"), expected, "{script}");
        assert!(!format!("{inventory:?}").contains("hunter22"), "{script}");
    }
}

#[test]
fn the_debug_form_holds_no_credentials() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let cluster = open(settings(&server, &folder, "hunter22-in-the-token")).unwrap();
    let shown = format!("{cluster:?}");
    // The file is called by the token here; the token itself must not show elsewhere.
    assert!(!shown.replace("kubeconfig-hunter22-in-the-token", "").contains("hunter22"), "{shown}");
}
