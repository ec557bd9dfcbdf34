//! `proofbook rbac`: the rights that are printed, and the comparison with what an account has, by a replayed server; checks that
//! need what no default selection may have are left out, and told so.

use serde_json::{Value as Json, json};

use crate::support::server::Server;
use crate::support::{Workspace, root};

/// Targets of several sources, none of which could be opened: rights are printed before there is an account.
fn workspace() -> Workspace {
    let secret = || json!({"env": "PROOFBOOK_NO_SUCH"});
    let access = || json!({"token": secret()});
    Workspace::with_settings(&json!({
        "workspace": "rights",
        "environments": {"prod": {
            "kubernetes": {"context": "no-such"},
            "s3": {"accounts": [{"name": "main", "region": "eu-central-1", "access_key_id": secret(), "secret_access_key": secret(), "buckets": ["logs"]}]},
            "postgres": {"servers": [{"name": "orders", "host": "db", "user": "p", "password": secret(), "databases": ["orders", "Shop"]}]},
            "oidc": {"providers": [{"issuer": "https://id.example/realms/main", "client": {"id": "p", "secret": secret()}, "keycloak": {}}]},
            "vault": {"servers": [{"name": "main", "url": "https://vault.example", "access": access()}]},
            "git": {"hosts": [{"name": "hub", "product": "github", "url": "https://api.github.com", "access": access(), "repositories": ["a/b"]}]},
        }},
    }))
}

#[test]
fn each_platform_gets_its_rights_in_its_own_form() {
    let workspace = workspace();
    let all = workspace.run("rbac").ends_with(0).stdout;
    for heading in ["kubernetes", "aws", "postgres", "keycloak", "vault", "github"] {
        assert!(all.contains(&format!("# ---- {heading}: ")), "{heading}: {all}");
    }
    assert!(!all.contains("# ---- gitlab") && !all.contains("# ---- harbor"));

    let one = |platform: &str| workspace.run(&format!("rbac --for {platform}")).ends_with(0).stdout;
    let policy: Json = serde_json::from_str(&one("aws")).unwrap();
    assert_eq!(policy["Statement"][1]["Resource"], json!(["arn:aws:s3:::logs"]));
    let actions: Vec<&str> =
        policy["Statement"].as_array().unwrap().iter().flat_map(|s| s["Action"].as_array().unwrap()).map(|a| a.as_str().unwrap()).collect();
    // Buckets that are named need not be listed.
    assert!(actions.contains(&"s3:GetBucketPolicy") && !actions.contains(&"s3:ListAllMyBuckets"), "{actions:?}");
    assert!(
        actions.iter().all(|action| action.contains(":Get") || action.contains(":List") || action.contains(":Describe")),
        "{actions:?}"
    );
    // What lies in a bucket is listed nowhere where no trial of deletion is named.
    assert!(!actions.iter().any(|action| action.starts_with("s3:ListBucket")), "{actions:?}");
    let sql = one("postgres");
    for line in [
        "CREATE ROLE \"proofbook\" LOGIN NOSUPERUSER",
        "CONNECTION LIMIT 4",
        "SET default_transaction_read_only = on;",
        "GRANT CONNECT ON DATABASE \"orders\" TO \"proofbook\";",
        "GRANT CONNECT ON DATABASE \"Shop\" TO \"proofbook\";",
        "GRANT pg_read_all_settings TO \"proofbook\";",
    ] {
        assert!(sql.contains(line), "{line}: {sql}");
    }
    assert!(!sql.contains("pg_monitor") && !sql.contains("SELECT ON ALL"), "{sql}");
    assert!(one("vault").contains("path \"sys/audit\""));
    assert_eq!(one("gitlab").split_whitespace().next(), Some("read_api"));
    assert_eq!(serde_json::from_str::<Json>(&one("github")).unwrap()["default_permissions"]["metadata"], "read");

    // What is not read takes no right.
    let narrow = workspace
        .run("rbac --check pss-enforced --for aws,kubernetes")
        .ends_with(0)
        .says(&["aws: no selected check takes a right there"])
        .stdout;
    assert!(narrow.contains("\"namespaces\"") && !narrow.contains("configmaps") && !narrow.contains("----"), "{narrow}");
}

#[test]
fn registries_of_clouds_and_a_loki_with_audit_events_get_their_rights() {
    let secret = || json!({"env": "PROOFBOOK_NO_SUCH"});
    let settings = |checks: Json| {
        Workspace::with_settings(&json!({
            "workspace": "clouds", "checks": checks,
            "environments": {"prod": {
                "registry": {
                    "ecr": [{"region": "eu-central-1", "access_key_id": secret(), "secret_access_key": secret()}],
                    "artifact_registry": [{"project": "example", "location": "europe-west3", "access": {"token": secret()}}],
                },
                "file": {"audit_events": {
                    "staff": {"groups": ["system:masters"]},
                    "loki": [{"name": "cluster", "url": "https://loki.example", "query": "{job=\"audit\"}"}],
                }},
            }},
        }))
    };
    let workspace = settings(json!({"admin-access-audited": {"enabled": true}}));
    let one = |args: &str| workspace.run(&format!("rbac {args}")).ends_with(0).stdout;
    let all = one("");
    for heading in ["ecr", "artifact-registry", "audit-trail"] {
        assert!(all.contains(&format!("# ---- {heading}: ")), "{heading}: {all}");
    }
    assert!(!all.contains("# ---- harbor") && !all.contains("# ---- prometheus"), "{all}");
    // What shows the latest image is asked for only by the check that judges it.
    let settings_alone = "--check registry-immutable-tags";
    let actions = |args: &str| -> Json { serde_json::from_str(&one(&format!("--for ecr {args}"))).unwrap() };
    assert_eq!(actions(settings_alone)["Statement"], json!([{"Effect": "Allow", "Action": ["ecr:DescribeRepositories"], "Resource": "*"}]));
    assert_eq!(actions("")["Statement"][0]["Action"].as_array().unwrap().len(), 3);
    let role = |args: &str| -> Json { serde_json::from_str(&one(&format!("--for artifact-registry {args}"))).unwrap() };
    assert_eq!(role(settings_alone)["includedPermissions"], json!(["artifactregistry.repositories.list"]));
    assert_eq!(role("")["includedPermissions"].as_array().unwrap().len(), 3);
    assert_eq!(one("--for audit-trail"), "loki GET /loki/api/v1/query_range  # the audit events of the API server\n");
    // None of the three tells what an account may do.
    let told = workspace.run("rbac --check --for ecr,artifact-registry,audit-trail --format json").without_result();
    let _ = told.ends_with(2).says(&["PROOFBOOK_NO_SUCH"]);
    let asked_for = settings(json!({}));
    let _ = asked_for.run("rbac --for audit-trail").ends_with(0).without_result().says(&["no selected check takes a right there"]);
}

#[test]
fn for_programs_each_right_names_the_checks_that_need_it() {
    let told = workspace().run("rbac --format json --for kubernetes,postgres").ends_with(0).json();
    let platforms: Vec<&str> = told.as_array().unwrap().iter().map(|one| one["platform"].as_str().unwrap()).collect();
    assert_eq!(platforms, ["kubernetes", "postgres"]);
    for right in told.as_array().unwrap().iter().flat_map(|one| one["rights"].as_array().unwrap()) {
        assert!(!right["checks"].as_array().unwrap().is_empty() && right["why"].is_string(), "{right}");
    }
    let named = |platform: usize, name: &str| {
        told[platform]["rights"].as_array().unwrap().iter().find(|right| right["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(named(1, "SELECT ON pg_authid")["checks"], json!(["pg-password-encryption"]));
    assert!(named(1, "SELECT ON pg_authid")["warning"].is_string());
    assert!(told[0]["rights"].as_array().unwrap().iter().all(|right| right.get("warning").is_none()), "{}", told[0]);
    let names: Vec<&str> = told[0]["rights"].as_array().unwrap().iter().map(|right| right["name"].as_str().unwrap()).collect();
    assert!(!names.contains(&"list secrets") && !names.contains(&"get nodes/proxy"), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("list ")), "{names:?}");
}

#[test]
fn rights_that_open_more_are_printed_apart_with_a_warning() {
    let settings = json!({
        "workspace": "grave", "environments": {"prod": {"kubernetes": {"nodes_proxy": true}}},
        "checks": {"secret-legacy-token": {"enabled": true}},
    });
    let role = Workspace::with_settings(&settings).run("rbac").ends_with(0).stdout;
    let lines: Vec<&str> = role.lines().collect();
    for resource in ["\"nodes/proxy\"", "\"secrets\""] {
        let at = lines.iter().position(|line| line.contains(resource)).unwrap_or_else(|| panic!("{resource}: {role}"));
        assert!(lines[at].contains(&format!("\"resources\":[{resource}]")), "{}", lines[at]);
        let comment: Vec<&&str> = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with('#')).collect();
        assert!(comment.last().unwrap().contains("Warning: "), "{role}");
        assert!(comment.iter().all(|line| line.len() <= 80), "{role}");
    }
    let documents: Vec<Json> = serde_saphyr::from_multiple(&role).unwrap();
    assert_eq!(documents[0]["kind"], "ClusterRole");
}

#[test]
fn a_trial_of_deletion_opens_its_own_prefix_and_no_bucket() {
    let secret = || json!({"env": "PROOFBOOK_NO_SUCH"});
    let workspace = Workspace::with_settings(&json!({
        "workspace": "trials",
        "checks": {"data-deletion-effective": {"enabled": true}},
        "environments": {"prod": {"s3": {"accounts": [{
            "name": "main", "region": "eu-central-1", "access_key_id": secret(), "secret_access_key": secret(),
            "buckets": ["logs"], "trials": ["data/canary/", "data/other/one", "logs/canary/"],
        }]}}},
    }));
    let policy: Json = serde_json::from_str(&workspace.run("rbac --for aws").ends_with(0).stdout).unwrap();
    let lists = |statement: &&Json| statement["Action"].as_array().unwrap().contains(&json!("s3:ListBucket"));
    let of_trials: Vec<&Json> = policy["Statement"].as_array().unwrap().iter().filter(lists).collect();
    let expected = |bucket: &str, prefixes: &[&str]| {
        json!({
            "Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListBucketVersions"], "Resource": [format!("arn:aws:s3:::{bucket}")],
            "Condition": {"StringEquals": {"s3:prefix": prefixes}},
        })
    };
    assert_eq!(of_trials, [&expected("data", &["canary/", "other/one"]), &expected("logs", &["canary/"])]);
    assert_eq!(policy.to_string().matches("ListBucketVersions").count(), 2, "{policy:#}");
}

#[test]
fn an_account_is_compared_with_what_it_needs() {
    let server = Server::start();
    let workspace = Workspace::new("workspace: compared\n");
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let check = |args: &str| workspace.run(&format!("rbac --check --kubeconfig {} {args}", kubeconfig.display()));
    // The reader may list namespaces, and much besides.
    let ran = check("--check pss-enforced").ends_with(1);
    assert!(
        ran.stdout.starts_with("kubernetes, as system:serviceaccount:platform:proofbook\n  has      1 of 1 needed right\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("  surplus  list pods\n") && !ran.stdout.contains("missing"), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    let told = check("--check secret-legacy-token --format json").ends_with(1).json();
    assert_eq!(told[0]["exact"], false);
    assert!(told[0]["missing"].as_array().unwrap().contains(&json!("list secrets")), "{told}");
    assert!(told[0]["surplus"].as_array().unwrap().iter().all(|surplus| surplus["grave"].is_boolean()), "{told}");
    // Only reviews, discovery's version and the names of namespaces are asked.
    for asked in server.asked() {
        let plain = asked.path.split('?').next().unwrap().to_owned();
        assert!(plain.contains("/selfsubject") || ["/version", "/api/v1/namespaces"].contains(&plain.as_str()), "{asked:?}");
    }
    // An account that may do nothing, and a server that is not there.
    let nobody = server.kubeconfig(workspace.folder(), "narrow");
    let ran = workspace.run(&format!("rbac --check --check pss-enforced --kubeconfig {}", nobody.display())).ends_with(3);
    assert!(ran.stdout.contains("  missing  list namespaces\n") && ran.stdout.contains("  unknown  "), "{}", ran.stdout);
    drop(server);
    let ran = check("").ends_with(3);
    assert!(ran.stdout.contains("unknown  the cluster cannot be asked"), "{}", ran.stdout);
    // Where no right is needed nobody is asked, and that is no success.
    let ran = workspace.run("rbac --check --check tls-min-version").ends_with(3).says(&["nothing was asked"]);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    // What was recorded has no account.
    let dump = root().join("tests/data/cluster-small");
    workspace.run(&format!("rbac --check --dump {}", dump.display())).ends_with(3);
}

#[test]
fn checks_that_need_secrets_are_skipped_unless_they_are_asked_for() {
    let server = Server::start();
    let status = |settings: &Json| {
        let workspace = Workspace::with_settings(settings);
        let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
        let (ran, _) = workspace.scan(&format!("--kubeconfig {}", kubeconfig.display()));
        let bundle = workspace.folder().join(ran.ends_with(3).path());
        let assessment: Json = serde_json::from_slice(&std::fs::read(bundle.join("assessment.json")).unwrap()).unwrap();
        let check = &assessment["checks"]["secret-legacy-token"];
        (check["status"].clone(), check["reason"].clone(), assessment["controls"]["long-lived-tokens"]["status"].clone())
    };
    let asked = |server: &Server| server.asked().iter().any(|asked| asked.path.contains("/secrets") || asked.body.contains("\"secrets\""));
    assert_eq!(status(&json!({"workspace": "default"})), (json!("skipped"), json!("opt-in"), json!("skipped")));
    assert!(!asked(&server), "nobody asks for Secrets by default");
    let enabled = json!({"workspace": "asked-for", "checks": {"secret-legacy-token": {"enabled": true}}});
    assert_eq!(status(&enabled), (json!("error"), json!("not-permitted"), json!("error")));
    assert!(asked(&server));
}
