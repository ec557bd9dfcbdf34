//! Stores of secrets: a real OpenBao in two postures, sealed, and asked by who may not; and what Vault says differently, by recorded,
//! documented answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "support/canned.rs"]
mod canned;
#[path = "support/library.rs"]
mod library;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use canned::{Canned, CannedServer};
use library::{Judged, assert_findings, open};
use process::{Running, until};
use proofbook_sources::collector::Collector;
use proofbook_sources::rights::{Comparison, Platform};
use proofbook_sources::vault::VaultTarget;
use proofbook_sources::vault::rights::policy;
use reqwest::{Client, Method};
use serde_json::{Value as Json, json};

const CHECKS: [&str; 3] = ["vault-health-audit", "vault-key-rotation", "vault-token-ttl"];
const ROOT: &str = "EXAMPLE-root-token";

/// The OpenBao binary, out of the Python package that carries it.
fn bao() -> String {
    std::env::var("PROOFBOOK_BAO").unwrap_or_else(|_| "bao".to_owned())
}

fn start(config: &str) -> Running {
    Running::start(&bao(), |folder, port| {
        fs::write(folder.join("bao.hcl"), config.replace("FOLDER", &folder.display().to_string())).unwrap();
        fs::write(folder.join("token"), ROOT).unwrap();
        let listen = format!("-dev-listen-address=127.0.0.1:{port}");
        let token = format!("-dev-root-token-id={ROOT}");
        ["server", "-dev", "-dev-no-store-token", "-config=bao.hcl", &token, &listen].map(str::to_owned).to_vec()
    })
}

/// Changes the store as its administrator.
async fn admin(server: &Running, method: &str, path: &str, body: &Json) -> Json {
    let request = Client::new().request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}/v1/{path}", server.url()));
    let answer = request.header("X-Vault-Token", ROOT).body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
    serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
}

fn vault(url: &str, root: &Path) -> Box<dyn Collector> {
    let yaml = format!("servers: [{{name: main, url: '{url}', access: {{token: {{file: token}}, deadline_seconds: 2}}}}]");
    open::<VaultTarget>("vault", &yaml, root)
}

async fn ready(server: &Running) {
    let health = format!("{}/v1/sys/health", server.url());
    let ask = || async { Client::new().get(&health).send().await.map(|answer| answer.status().as_u16()) };
    let _ = until(ask, |status| matches!(status, Ok(200))).await;
}

const GOOD: &str = r#"
audit "file" "main" { options { file_path = "FOLDER/audit.log" } }
default_lease_ttl = "12h"
max_lease_ttl = "24h"
"#;

#[tokio::test]
async fn a_compliant_posture_and_what_happens_to_it() {
    let mut server = start(GOOD);
    ready(&server).await;
    admin(&server, "POST", "sys/mounts/transit", &json!({"type": "transit"})).await;
    admin(&server, "POST", "sys/mounts/database", &json!({"type": "database"})).await;
    admin(&server, "POST", "sys/mounts/empty", &json!({"type": "transit"})).await;
    admin(&server, "POST", "transit/keys/app", &json!({"auto_rotate_period": "720h"})).await;
    admin(&server, "POST", "transit/keys/signing", &json!({"type": "ed25519"})).await;

    let collector = vault(&server.url(), server.folder.path());
    let judged = Judged::by(&CHECKS, &json!({}));
    let inventory = judged.inventory(&*collector).await;
    assert_findings(
        &judged.findings(&inventory, library::now()),
        &[
            "vault-health-audit Server/main pass as-promised",
            "vault-key-rotation TransitKey/main/transit/app pass as-promised",
            "vault-key-rotation TransitKey/main/transit/signing pass as-promised",
            "vault-token-ttl AuthMethod/main/token pass as-promised",
        ],
    );
    let planned = judged.planned(&*collector);
    for request in &inventory.requests {
        let asked = format!("{} {} {}", request.target, request.method, request.query);
        let template = |planned: &String| {
            let parts: Vec<&str> = planned.split(['{', '}']).collect();
            asked.starts_with(parts[0]) && asked.len() >= parts[0].len()
        };
        assert!(planned.contains(&asked) || planned.iter().any(template), "{asked} was not planned");
    }
    assert!(!format!("{inventory:?}").contains(ROOT));
    assert_eq!(inventory.targets[0].actor.identity, "token");

    // The rights that are printed are enough, and are told to be all there is but for what other policies may hold.
    let printed = policy(&judged.wanted());
    let also = printed.lines().filter(|line| line.contains("\"transit/")).map(|line| line.replace("transit/", "empty/"));
    let policy = format!("{printed}{}\n", also.collect::<Vec<_>>().join("\n"));
    admin(&server, "POST", "sys/policies/acl/auditor", &json!({"policy": policy})).await;
    let token = admin(&server, "POST", "auth/token/create", &json!({"policies": ["auditor"]})).await;
    let auditor = tempfile::tempdir().unwrap();
    fs::write(auditor.path().join("token"), token["auth"]["client_token"].as_str().unwrap()).unwrap();
    let found = judged.run(&*vault(&server.url(), auditor.path())).await;
    assert!(found.len() == 4 && found.iter().all(|line| line.contains(" pass ")), "{found:#?}");
    let compare = async |root: &Path, judged: &Judged| -> Comparison {
        let [found] = vault(&server.url(), root).compare(&judged.wanted()).await.try_into().unwrap();
        found
    };
    let compared = compare(auditor.path(), &judged).await;
    assert!(compared.missing.is_empty() && compared.surplus.is_empty() && compared.held.len() == 9, "{compared:?}");
    assert!(compared.unknown.len() == 1 && compared.unknown[0].contains("(auditor)"), "{compared:?}");
    let of_root = compare(server.folder.path(), &judged).await;
    assert!(of_root.surplus.iter().any(|surplus| surplus.grave && surplus.name.contains("the policy root")), "{of_root:?}");

    // Without any one line of it, exactly the checks that need it are errors.
    let rights = Platform::Vault.rights(&judged.wanted());
    assert_eq!(rights.len(), 6);
    for right in rights {
        let path = right.name.rsplit(' ').next().unwrap();
        let lacks =
            |line: &&str| !line.contains(&format!("\"{path}\"")) && !line.contains(&format!("\"{}\"", path.replace("transit/", "empty/")));
        let rest = policy.lines().filter(lacks).collect::<Vec<_>>().join("\n");
        admin(&server, "POST", "sys/policies/acl/auditor", &json!({"policy": rest})).await;
        let need: BTreeSet<&str> = CHECKS
            .into_iter()
            .filter(|check| {
                let of_check = Judged::by(&[check], &json!({})).wanted();
                Platform::Vault.rights(&of_check).iter().any(|needed| needed.name == right.name)
            })
            .collect();
        let lines = judged.run(&*vault(&server.url(), auditor.path())).await;
        let refused = lines.iter().filter(|line| line.contains(" error not-permitted"));
        assert_eq!(refused.map(|line| line.split(' ').next().unwrap()).collect::<BTreeSet<_>>(), need, "without {path}: {lines:#?}");
        let others = lines.iter().filter(|line| !need.contains(line.split(' ').next().unwrap()));
        assert!(others.clone().all(|line| line.contains(" pass ")), "without {path}: {lines:#?}");
        assert!(!compare(auditor.path(), &judged).await.missing.is_empty(), "without {path}");
    }

    // Who holds a token of a narrow policy is refused part by part.
    admin(&server, "POST", "sys/policies/acl/narrow", &json!({"policy": "path \"sys/mounts\" { capabilities = [\"read\"] }\npath \"sys/mounts/cubbyhole/tune\" { capabilities = [\"read\"] }"})).await;
    let token = admin(&server, "POST", "auth/token/create", &json!({"policies": ["narrow"]})).await;
    let narrow = tempfile::tempdir().unwrap();
    fs::write(narrow.path().join("token"), token["auth"]["client_token"].as_str().unwrap()).unwrap();
    let expected = [
        "vault-health-audit Server/main error not-permitted: v1/sys/audit",
        "vault-key-rotation TransitKey/main/empty error not-permitted",
        "vault-key-rotation TransitKey/main/transit error not-permitted",
        "vault-token-ttl AuthMethod/main error not-permitted: v1/sys/auth",
    ];
    assert_findings(&judged.run(&*vault(&server.url(), narrow.path())).await, &expected);

    // Sealed: not as promised, and what it would have told is an error.
    admin(&server, "PUT", "sys/seal", &json!({})).await;
    let expected = [
        "vault-health-audit Server/main fail not-as-promised: the store is sealed",
        "vault-key-rotation TransitKey/main error unreachable",
        "vault-token-ttl AuthMethod/main error unreachable",
    ];
    assert_findings(&judged.run(&*collector).await, &expected);

    server.kill();
    let expected = [
        "vault-health-audit Server/main error unreachable",
        "vault-key-rotation TransitKey/main error unreachable",
        "vault-token-ttl AuthMethod/main error unreachable",
    ];
    assert_findings(&judged.run(&*collector).await, &expected);
}

#[tokio::test]
async fn a_posture_that_is_not_compliant() {
    let server = start("max_lease_ttl = \"2400h\"\n");
    ready(&server).await;
    admin(&server, "POST", "sys/mounts/transit", &json!({"type": "transit"})).await;
    admin(&server, "POST", "transit/keys/app", &json!({"exportable": true, "allow_plaintext_backup": true})).await;
    admin(&server, "POST", "sys/auth/approle", &json!({"type": "approle", "config": {"max_lease_ttl": "12h"}})).await;
    let expected = [
        "vault-health-audit Server/main fail missing-object: 0 audit devices",
        "vault-key-rotation TransitKey/main/transit/app fail not-allowed: the key can leave",
        "vault-token-ttl AuthMethod/main/approle pass",
        "vault-token-ttl AuthMethod/main/token fail above-max: tokens of token/ may live for 2400 hours",
    ];
    let judged = Judged::by(&CHECKS, &json!({}));
    assert_findings(&judged.run(&*vault(&server.url(), server.folder.path())).await, &expected);
}

#[tokio::test]
async fn an_audit_device_that_writes_what_it_hears_as_it_is() {
    let server = start("audit \"file\" \"raw\" { options { file_path = \"FOLDER/audit.log\", log_raw = \"true\" } }\n");
    ready(&server).await;
    let found = Judged::by(&["vault-health-audit"], &json!({})).run(&*vault(&server.url(), server.folder.path())).await;
    assert_findings(&found, &["vault-health-audit Server/main fail not-allowed: the audit devices raw/ write secrets in plain text"]);
}

/// Made after the documentation of Vault; no Vault can be started here.
#[tokio::test]
async fn what_vault_refuses_or_garbles_is_told_by_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), ROOT).unwrap();
    let open_store = json!({"type": "awskms", "initialized": true, "sealed": false, "standby": false, "version": "1.17.2"});
    for (canned, reason) in [
        (Canned::json(403, &json!({"errors": ["1 error occurred:\n\t* permission denied\n\n"]})), "not-permitted"),
        (Canned::json(400, &json!({"errors": ["missing client token"]})), "not-permitted"),
        (Canned::json(404, &json!({"errors": []})), "not-served"),
        (Canned::json(429, &json!({"errors": ["request path \"sys/audit\": rate limit quota exceeded"]})), "throttled"),
        (Canned::json(500, &json!({"errors": ["internal error"]})), "unreachable"),
        (Canned::text(200, "<html>"), "parse-error"),
        (Canned::json(200, &json!({"data": []})), "parse-error"),
        (Canned::HangUp, "unreachable"),
        (Canned::Silence, "timeout"),
    ] {
        let (open_store, canned) = (open_store.clone(), canned.clone());
        let server = CannedServer::answering(move |_, path, head| {
            assert!(head.contains("x-vault-request: true") && head.contains(&format!("authorization: Bearer {ROOT}")), "{head}");
            let state = path.contains("sys/seal-status") || path.contains("sys/health");
            if state {
                Canned::json(200, &open_store)
            } else if path.contains("sys/audit") {
                canned.clone()
            } else {
                Canned::json(200, &json!({"data": {"default_lease_ttl": 60, "max_lease_ttl": 60}}))
            }
        });
        let found = Judged::by(&["vault-health-audit"], &json!({})).run(&*vault(&server.url(), folder.path())).await;
        assert_findings(&found, &[&format!("vault-health-audit Server/main error {reason}: v1/sys/audit")]);
    }
    let garbage = CannedServer::start([("*", Canned::text(200, "garbage"))]);
    let found = Judged::by(&CHECKS, &json!({})).run(&*vault(&garbage.url(), folder.path())).await;
    assert!(found.len() == 3 && found.iter().all(|line| line.contains("error parse-error")), "{found:?}");
}
