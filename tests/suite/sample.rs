//! Samples from the command line: drawn again by openssl, in every form, and never from what was not seen whole.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{AT, Workspace, data, facts, skipped};

fn scanned() -> Workspace {
    let workspace = Workspace::with_settings(&json!({
        "workspace": "w", "facts": facts(), "parameters": {"tenant_label": "platform.example/scope", "tenant_value": "tenant"},
    }));
    let _ = workspace.run(&format!("scan --dump {} --at {AT} --fail-on nothing", data("cluster-small").display())).ends_with(0);
    workspace
}

// The code of an id as openssl computes it.
fn code(id: &str, seed: &str) -> Option<String> {
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-hmac", seed]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = openssl.spawn().ok()?;
    running.stdin.take()?.write_all(id.as_bytes()).ok()?;
    let told = String::from_utf8(running.wait_with_output().ok()?.stdout).ok()?;
    told.trim().rsplit(' ').next().map(str::to_owned)
}

#[test]
fn a_sample_can_be_drawn_again_without_us() {
    let workspace = scanned();
    let sample = workspace.run("sample netpol-default-deny --size 3 --seed winter --format json").ends_with(0).json();
    let drawn = sample["drawn"].as_array().unwrap();
    assert_eq!((drawn.len(), &sample["seed"]), (3, &json!("winter")), "{sample}");
    assert!(drawn.windows(2).all(|two| two[0]["hmac_sha256"].as_str() < two[1]["hmac_sha256"].as_str()));
    for subject in drawn {
        match code(subject["id"].as_str().unwrap(), "winter") {
            Some(code) => assert_eq!(subject["hmac_sha256"], code.as_str()),
            None => return skipped("samples by openssl", "openssl is not there"),
        }
    }
}

#[test]
fn every_form_names_seed_and_command() {
    let workspace = scanned();
    let say =
        |format: &str| workspace.run(&format!("sample netpol-default-deny --size 2 --seed winter --format {format}")).ends_with(0).stdout;
    for format in ["text", "markdown", "csv"] {
        let text = say(format);
        assert!(text.contains("winter") && text.contains("kubectl get") && text.contains("HMAC"), "{format}: {text}");
    }
    assert_eq!(say("csv").lines().count(), 3);
    let ipe = workspace.run("sample netpol-default-deny --ipe").ends_with(0).stdout;
    for part in ["definition", "| complete | yes", "networkpolicies", "sha256", "Completeness and accuracy"] {
        assert!(ipe.contains(part), "{part}: {ipe}");
    }
}

#[test]
fn what_cannot_be_drawn_is_refused_with_the_reason() {
    let workspace = scanned();
    let _ = workspace.run("sample no-such-check --size 1 --seed s").ends_with(2).without_result().says(&["no check `no-such-check`"]);
    let _ = workspace.run("sample netpol-default-deny --size 0 --seed s").ends_with(2).without_result();
    let _ = workspace.run("sample netpol-default-deny --size 1").ends_with(2).without_result().says(&["--seed"]);
    // Nobody looked at any host from a dump of a cluster.
    let _ = workspace.run("sample tls-min-version --size 1 --seed s").ends_with(3).without_result().says(&["is not whole"]);
}
