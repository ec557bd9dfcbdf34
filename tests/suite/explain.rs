//! `proofbook explain`: everything about a check, a control or a requirement, for people and for programs.

use serde_json::{Value as Json, json};

use crate::support::{AT, Workspace, data, read_yaml};

fn workspace() -> Workspace {
    let truth: Json = read_yaml("truth.yaml");
    let mut settings = truth["workspace"].clone();
    settings["workspace"] = "explained".into();
    settings["environments"] = json!({"prod": {"kubernetes": {"dump": data("cluster-small")}}});
    settings["parameters"]["min_tls_version"] = json!({"value": "1.3", "claim": "tls-floor"});
    settings["frameworks"] = json!(["iso27001-2022", "soc2-tsc-2017"]);
    Workspace::with_settings(&settings)
}

/// Lines of a sheet fit 80 columns, but for words that are too long for any line.
fn fits(text: &str) {
    let is_wide = |line: &&str| line.chars().count() > 80 && line.split_whitespace().all(|word| word.chars().count() < 50);
    let wide = text.lines().find(is_wide);
    assert!(wide.is_none(), "{wide:?}");
}

#[test]
fn a_check_is_told_whole() {
    let workspace = workspace();
    let told = workspace.run("explain tls-min-version --format json").ends_with(0).json();
    for key in ["proves", "does_not_prove", "remedy", "manual", "population", "severity", "method", "title"] {
        assert!(told[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {told}");
    }
    let floor = told["parameters"].as_array().unwrap().iter().find(|parameter| parameter["name"] == "min_tls_version").unwrap();
    assert_eq!((&floor["value"], &floor["default"], &floor["source"]), (&json!("1.3"), &json!("1.2"), &json!("claim:tls-floor")));
    assert!(floor["meaning"].as_str().unwrap().len() > 10);
    let serves = told["serves"].as_array().unwrap();
    assert!(serves.iter().any(|one| one["framework"] == "iso27001-2022" && one["in_scope"] == true), "{serves:?}");
    assert!(serves.iter().any(|one| one["framework"] == "gdpr" && one["in_scope"] == false), "{serves:?}");
    assert!(serves.iter().all(|one| one["limits"].as_str().is_some_and(|limits| !limits.is_empty()) && one["relation"].is_string()));
    assert_eq!(told["newest"], Json::Null);

    let text = workspace.run("explain netpol-default-deny").ends_with(0).stdout;
    for part in [
        "netpol-default-deny (check, version ",
        "\nLooks at    ",
        "\nDecides     1. ",
        "\nParameters  ",
        "\nReads       kubernetes/",
        "kubernetes: list networkpolicies.networking.k8s.io (",
        "\nProves      ",
        "\nNot proved  ",
        "\nTraps       ",
        "\nRemedy      ",
        "\nBy hand     kubectl",
        "\nControls    ",
        "\nServes      ",
        "\nNewest      no result is at hand",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    fits(&text);
}

#[test]
fn the_newest_result_stands_beside_what_was_promised() {
    let workspace = workspace();
    workspace.run(&format!("scan --at {AT} --fail-on nothing --quiet")).ends_with(0);
    let told = workspace.run("explain workload-no-privileged --format json").ends_with(0).json();
    let newest = &told["newest"];
    assert_eq!((&newest["status"], &newest["at"]), (&json!("fail"), &json!(AT)));
    assert!(newest["run_id"].as_str().unwrap().starts_with("20261101T000000Z-") && newest["counts"]["fail"].as_u64() > Some(0), "{newest}");
    assert!(newest["stale"].is_boolean() && newest["fresh_until"].is_string(), "{newest}");
    let control = workspace.run("explain host-isolation --format json").ends_with(0).json();
    assert_eq!(control["kind"], "control");
    assert!(
        control["newest"]["status"].is_string() && control["checks"].as_array().unwrap().iter().all(|check| check["status"].is_string())
    );
    let requirement = workspace.run("explain iso27001-2022:A.8.20 --format json").ends_with(0).json();
    assert_eq!((&requirement["kind"], &requirement["scope"]), (&json!("requirement"), &json!("in-scope")));
    assert!(requirement["controls"].as_array().unwrap().iter().all(|control| control["status"].is_string()), "{requirement}");
    // A bundle that was changed is no result.
    let bundles = workspace.path("ws/evidence/explained/prod");
    let run = std::fs::read_dir(&bundles).unwrap().flatten().find(|entry| entry.path().join("assessment.json").exists()).unwrap();
    std::fs::write(run.path().join("assessment.json"), "{}").unwrap();
    let ran =
        workspace.run("explain workload-no-privileged --format json").ends_with(0).says(&["warning: no result is told", "not intact"]);
    assert_eq!(ran.json()["newest"], Json::Null);
}

#[test]
fn what_a_run_said_of_controls_and_requirements_counts_no_more_once_it_is_old() {
    let workspace = workspace();
    // A control that passes in this cluster, and a requirement that it alone serves.
    workspace.write(
        "ws/controls/library/house-authorization.yaml",
        "id: house-authorization\ntitle: Requests are authorized\nobjective: The API server asks who may do what.\nlayer: control-plane\n\
         responsibility: {split: provider, provider: [Keep authorization on.], customer: [Use the authorization that is there.]}\n\
         checks: {required: [apiserver-authz-mode]}\nreview_months: 6\n",
    );
    workspace.write(
        "ws/controls/frameworks/house-rules.yaml",
        "id: house-rules\ntitle: Rules of the house\nshort_title: House rules\npublisher: us\nedition: '1'\nsource: ours\nlicence: ours\n\
         groups: [{id: A, title: Access}]\nrequirements: [{id: A-1, group: A, title: Authorization}]\n",
    );
    workspace.write(
        "ws/controls/mappings/house-rules.yaml",
        "framework: house-rules\nreviewed_by: us\nmappings:\n  - {requirement: A-1, control: house-authorization, relation: equivalent, \
         rationale: It is the same., limits: One server is asked.}\n",
    );
    let mut settings: Json = serde_json::from_str(&std::fs::read_to_string(workspace.path("ws/proofbook.yaml")).unwrap()).unwrap();
    settings["frameworks"] = json!(["house-rules"]);
    workspace.write("ws/proofbook.yaml", settings.to_string());
    workspace.run("scan --at 2020-01-01T00:00:00Z --fail-on nothing --quiet").ends_with(0);
    let bundles = workspace.path("ws/evidence/explained/prod");
    let run = std::fs::read_dir(&bundles).unwrap().flatten().find(|entry| entry.path().join("assessment.json").exists()).unwrap();
    let sealed: Json = serde_json::from_slice(&std::fs::read(run.path().join("assessment.json")).unwrap()).unwrap();
    let (controls, rules) = (&sealed["controls"], &sealed["frameworks"]["house-rules"]);
    assert_eq!((&controls["house-authorization"]["status"], &rules["A-1"]["status"]), (&json!("pass"), &json!("pass")));
    for id in ["control:house-authorization", "house-rules:A-1"] {
        let told = workspace.run(&format!("explain {id} --format json")).ends_with(0).json();
        assert_eq!((&told["newest"]["status"], &told["newest"]["stale"]), (&json!("stale"), &json!(true)), "{id}: {told:#}");
    }
    // What a check said then is told beside since when it counts no more.
    let told = workspace.run("explain check:apiserver-authz-mode --format json").ends_with(0).json();
    assert_eq!((&told["newest"]["status"], &told["newest"]["stale"]), (&json!("pass"), &json!(true)), "{told:#}");
}

#[test]
fn controls_and_requirements_read_well_too() {
    let workspace = workspace();
    let control = workspace.run("explain control:kubelet-hardening").ends_with(0).stdout;
    assert!(
        control.starts_with("kubelet-hardening (control, layer ") && control.contains("\nChecks      kubelet-authn-authz (required): "),
        "{control}"
    );
    fits(&control);
    // A check and a control of one name: the check is meant, and the other is named.
    let check = workspace.run("explain kubelet-hardening").ends_with(0).says(&["proofbook explain control:kubelet-hardening"]).stdout;
    assert!(check.starts_with("kubelet-hardening (check, "), "{check}");
    // Nobody asks kubelets by default, so no right for it is told.
    assert!(!check.contains("nodes/proxy ("), "{check}");
    let requirement = workspace.run("explain soc2-tsc-2017:CC6.7").ends_with(0).stdout;
    assert!(requirement.starts_with("soc2-tsc-2017 CC6.7 (requirement, ") && requirement.contains("  Not proved: "), "{requirement}");
    fits(&requirement);
    let opt_in = Workspace::new("workspace: w\n").run("explain secret-legacy-token").ends_with(0).stdout;
    assert!(opt_in.contains("\nRuns        only where it is asked for: ") && opt_in.contains("Warning: "), "{opt_in}");
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    let workspace = workspace();
    for (id, says) in [
        ("tls-min-versoin", ["neither a check nor a control `tls-min-versoin`", "did you mean `tls-min-version`"]),
        ("iso27001-2022:A.8.2000", ["`iso27001-2022` has no requirement", "A.8.2"]),
        ("iso27001:A.8.24", ["unknown framework `iso27001`", "error: "]),
        ("control:backupp", ["unknown control `backupp`", "`backup`"]),
    ] {
        workspace.run(&format!("explain {id}")).ends_with(2).without_result().says(&says);
    }
}

#[test]
fn every_check_can_be_explained() {
    let workspace = workspace();
    let checks = workspace.run("checks list --format json").ends_with(0).json();
    for check in checks.as_array().unwrap().iter().step_by(9) {
        let id = check["id"].as_str().unwrap();
        let text = workspace.run(&format!("explain check:{id}")).ends_with(0).stdout;
        assert!(text.starts_with(&format!("{id} (check, version ")), "{text}");
        fits(&text);
    }
}
