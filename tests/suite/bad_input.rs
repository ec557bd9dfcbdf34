//! Arguments and files that people get wrong: each ends in exit code 2, says what is wrong, where and how to mend it, and
//! leaves no evidence behind.

use serde_json::{Value as Json, json};

use crate::support::{Ran, Workspace, facts, root};

/// A workspace whose dump holds one namespace.
fn workspace(yaml: &str) -> Workspace {
    let workspace = Workspace::new(yaml);
    workspace.write("dump/namespaces.json", r#"{"apiVersion": "v1", "kind": "NamespaceList", "items": [{"metadata": {"name": "a"}}]}"#);
    workspace
}

/// Scans, which must be refused without a trace.
#[track_caller]
fn refused(workspace: &Workspace, args: &str, says: &[&str]) -> Ran {
    let ran = workspace.run(&format!("scan --dump dump {args}"));
    assert!(!workspace.path("ws/evidence").exists(), "{ran:?}");
    ran.ends_with(2).without_result().says(says)
}

#[test]
fn arguments_that_name_nothing() {
    let settings = json!({"workspace": "w", "facts": facts(), "environments": {"prod": {}, "staging": {}}});
    let workspace = workspace(&settings.to_string());
    for (args, says) in [
        ("", &["several environments", "--environment", "prod, staging"][..]),
        ("-e prd", &["no environment `prd`", "prod, staging"]),
        ("-e prod --check pss-enforcd", &["unknown check `pss-enforcd`", "did you mean `pss-enforced`?"]),
        ("-e prod --check zzz", &["unknown check `zzz`", "proofbook checks list"]),
        ("-e prod --control bakup", &["unknown control `bakup`", "did you mean `backup`?"]),
        ("-e prod --framework soc2", &["unknown framework `soc2`", "proofbook frameworks list"]),
        ("-e prod --at yesterday", &["yesterday", "--at"]),
        ("-e prod --kubeconfig x", &["--dump", "--kubeconfig"]),
        ("-e prod --fail-on passes", &["passes", "fail, error, nothing"]),
        ("-e prod --chekc x", &["--chekc", "--check"]),
    ] {
        refused(&workspace, args, says);
    }
    for (args, says) in [
        ("scna", &["scna", "scan"][..]),
        ("checks show pss-enforcd", &["unknown check `pss-enforcd`", "`pss-enforced`"]),
        ("controls show bakup", &["unknown control `bakup`", "`backup`"]),
        ("frameworks show iso27001", &["unknown framework `iso27001`", "`iso27001-2022`"]),
        ("coverage iso27001", &["unknown framework `iso27001`", "`iso27001-2022`"]),
        ("test pss-enforcd", &["unknown check `pss-enforcd`", "`pss-enforced`"]),
        ("build -e prod", &["no full run yet", "proofbook scan"]),
        ("export -e prod --format sarif", &["no full run yet", "proofbook scan"]),
        ("export -e prod --format word", &["word", "auditor-zip", "oscal-ar", "sarif", "series-parquet"]),
        ("verify nowhere", &["nowhere"]),
        ("build --bundle nowhere", &["nowhere"]),
        ("build --profile friends", &["friends", "customer"]),
        ("schema", &["--out", "workspace"]),
        ("completions tcsh", &["tcsh", "bash"]),
    ] {
        workspace.run(args).ends_with(2).without_result().says(says);
    }
    workspace
        .bare(["scan", "-C", "nowhere", "--dump", "dump"])
        .ends_with(2)
        .without_result()
        .says(&["nowhere/proofbook.yaml", "No such file"]);
    workspace.bare(["scan", "-C", "ws", "-e", "prod", "--dump", "nowhere"]).ends_with(2).without_result().says(&["nowhere", "that exists"]);
}

#[test]
fn a_workspace_file_that_cannot_be_read() {
    let nested = |open: &str, close: &str| format!("workspace: w\nparameters: {{a: {}1{}}}\n", open.repeat(5000), close.repeat(5000));
    let bomb = (0..20).fold("workspace: w\nparameters:\n  p0: &p0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let next = n + 1;
        text + &format!("  p{next}: &p{next} [{}]\n", vec![format!("*p{n}"); 9].join(", "))
    });
    let at = |line: u32| format!("proofbook.yaml:{line}:");
    for (yaml, says) in [
        (String::new(), vec!["proofbook.yaml".to_owned(), "end of input".to_owned(), "help:".to_owned()]),
        ("workspace: w\nworkspace: x\n".to_owned(), vec![at(2), "duplicate".to_owned(), "^".to_owned()]),
        (
            "workspace: w\nenvironment: {}\n".to_owned(),
            vec![at(2), "environment".to_owned(), "environments".to_owned(), "help:".to_owned()],
        ),
        ("workspace: w\nenvironments: {prod: {}, prod: {}}\n".to_owned(), vec![at(2), "duplicate".to_owned()]),
        ("workspace: ../w\n".to_owned(), vec![at(1), "`../w` is no name".to_owned(), "letters, digits".to_owned()]),
        ("workspace: w\nenvironments: {'a/b': {}}\n".to_owned(), vec!["`a/b` is no name".to_owned(), "letters, digits".to_owned()]),
        (
            "workspace: w\nframeworks:\n  - soc2-tsc-2018\n".to_owned(),
            vec![at(3), "unknown framework `soc2-tsc-2018`".to_owned(), "`soc2-tsc-2017`".to_owned()],
        ),
        (
            "workspace: w\nparameters: {tenant_lable: x}\n".to_owned(),
            vec!["proofbook.yaml".to_owned(), "tenant_lable".to_owned(), "help:".to_owned()],
        ),
        (
            "workspace: w\nchecks: {pss-enforcd: {}}\n".to_owned(),
            vec!["proofbook.yaml".to_owned(), "pss-enforcd".to_owned(), "`pss-enforced`".to_owned()],
        ),
        (
            "workspace: w\nchecks: {pss-enforced: {params: {level: x}}}\n".to_owned(),
            vec!["`pss-enforced`".to_owned(), "`level`".to_owned(), "declared".to_owned()],
        ),
        ("workspace: w\nchecks: {pss-enforced: {enabled: NO}}\n".to_owned(), vec![at(2), "help:".to_owned()]),
        ("workspace: w\n  frameworks: [\n".to_owned(), vec!["proofbook.yaml:".to_owned()]),
        (bomb, vec!["proofbook.yaml:".to_owned(), "help:".to_owned()]),
        (nested("[", "]"), vec![at(2), "help:".to_owned()]),
        (nested("{a: ", "}"), vec![at(2), "help:".to_owned()]),
        (
            format!("workspace: w\n# {}\n", "x".repeat(50 << 20)),
            vec!["proofbook.yaml".to_owned(), "bytes".to_owned(), "split the file".to_owned()],
        ),
    ] {
        let says: Vec<&str> = says.iter().map(String::as_str).collect();
        let ran = refused(&workspace(&yaml), "", &says);
        assert!(ran.stderr.len() < 3000, "{}", ran.stderr.len());
    }
    let workspace = workspace("");
    workspace.write("ws/proofbook.yaml", b"workspace: w\nfacts: \xff\n");
    refused(&workspace, "", &["proofbook.yaml:2", "not UTF-8"]);
}

/// A file of the library with one text replaced.
fn changed(path: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    assert!(text.contains(from), "{path} has no {from:?}");
    text.replacen(from, to, 1)
}

/// The place of a text in a file of the library, as an error shows it.
fn place(path: &str, text: &str) -> String {
    let whole = std::fs::read_to_string(root().join(path)).unwrap();
    let before = &whole[..whole.find(text).unwrap()];
    format!("--> {path}:{}:", before.lines().count().max(1) + usize::from(before.ends_with('\n')))
}

const CHECK: &str = "checks/library/isolation/namespace-owner.yaml";
const FIXTURES: &str = "checks/library/isolation/namespace-owner.test.yaml";

#[test]
fn a_check_that_does_not_load() {
    for (from, to, says) in [
        (r#"when: owner != """#, r#"when: owner != "" &&"#, "does not compile"),
        (r#"when: owner != """#, r#"when: onwer != """#, "`onwer`"),
        (r#"when: owner != """#, r#"when: owner.shout() != """#, "shout"),
        ("params.tenant_label].hasValue", "params.tenant_lable].hasValue", "tenant_lable"),
        ("resource: namespaces", "resource: Namespaces!", "Namespaces!"),
        ("severity: low", "severity: lowest", "lowest"),
        ("version: 1", "version: 1, 2", "1, 2"),
        ("{{ params.owner_label }}'}", "{{ params.owner_label'}", "}}"),
        ("code: missing-object", "code: missing-objects", "missing-objects"),
        ("id: namespace-owner", "id: Namespace Owner", "Namespace Owner"),
        ("id: namespace-owner", "id: pss-enforced", "pss-enforced"),
    ] {
        let workspace = workspace("workspace: w");
        workspace.write(&format!("ws/{CHECK}"), changed(CHECK, from, to));
        // Every verb refuses such a library.
        for verb in ["checks list", "test namespace-owner"] {
            let ran = workspace.run(verb);
            assert!(ran.code == 2 && ran.stdout.is_empty(), "{to}: {verb}: {ran:?}");
        }
        let ran = refused(&workspace, "", &["error[", "help:", "^", says, &place(CHECK, from)]);
        assert!(ran.stderr.len() < 3000, "{}", ran.stderr);
    }
}

#[test]
fn checks_of_ones_own_need_an_id_of_their_own_and_fixtures() {
    let workspace = workspace("workspace: w");
    let own = changed(CHECK, "id: namespace-owner", "id: own-owner");
    let other_name = workspace.write("ws/checks/library/own/owner.yaml", &own);
    refused(&workspace, "", &["file-name", "own/owner.yaml:", "name the file after the id"]);
    std::fs::remove_file(other_name).unwrap();
    workspace.write("ws/checks/library/own/own-owner.yaml", &own);
    refused(&workspace, "", &["no-fixtures", "own/own-owner.yaml:", "help:"]);
    let with_case = |from: &str, to: &str| {
        let fixtures = changed(FIXTURES, from, to).replace("Population/namespace-owner", "Population/own-owner");
        workspace.write("ws/checks/library/own/own-owner.test.yaml", fixtures);
    };
    with_case("covers: near-miss", "covers: pass");
    refused(&workspace, "", &["fixture-coverage", "own-owner.test.yaml", "near-miss"]);
    with_case("expect:", "expects:");
    refused(&workspace, "", &["own-owner.test.yaml:", "expects"]);
    with_case("verdict: pass", "verdict: fail");
    let failed = workspace.run("test own-owner").ends_with(1);
    assert!(failed.stdout.contains("own-owner.test.yaml:") && failed.stdout.contains(" 1 failed"), "{failed:?}");
    with_case("cases:", "cases:");
    assert!(workspace.run("test own-owner").ends_with(0).stdout.ends_with(" passed, 0 failed\n"));
    workspace.write("ws/checks/library/second/own-owner.yaml", own);
    refused(&workspace, "", &["duplicate-id", "own-owner", "help:"]);
}

#[test]
fn controls_mappings_and_frameworks_that_name_nothing() {
    let control = "controls/library/asset-ownership.yaml";
    let mapping = "controls/mappings/soc2-tsc-2017.yaml";
    let framework = "controls/frameworks/soc2-tsc-2017.yaml";
    for (file, from, to, says) in [
        (control, "[namespace-owner,", "[namespace-owners,", "`namespace-owner`"),
        (control, "layer: workloads", "layer: unworkloads", "unworkloads"),
        (mapping, "requirement: CC1.1", "requirement: CC1.0", "no requirement `CC1.0`"),
        (mapping, "control: staff-confidentiality", "control: staff-confidence", "`staff-confidentiality`"),
        (mapping, "relation: intersects", "relation: touches", "touches"),
        (mapping, "framework: soc2-tsc-2017", "framework: soc2-tsc-2016", "`soc2-tsc-2017`"),
    ] {
        let workspace = workspace("workspace: w");
        workspace.write(&format!("ws/{file}"), changed(file, from, to));
        refused(&workspace, "", &["error[", "help:", "^", says, &place(file, from)]);
    }
    for (from, to, twice) in [("id: CC1.2", "id: CC1.1", "`CC1.1`"), ("groups:\n", "groups:\n  - {id: CC1, title: Again}\n", "`CC1`")] {
        let workspace = workspace("workspace: w");
        workspace.write(&format!("ws/{framework}"), changed(framework, from, to));
        refused(&workspace, "", &["error[duplicate-id]", twice, &format!("--> {framework}:"), "help:"]);
    }
}

#[test]
fn all_faults_of_a_load_come_at_once() {
    let workspace = workspace("workspace: w");
    workspace.write(&format!("ws/{CHECK}"), changed(CHECK, r#"when: owner != """#, "when: nowhere"));
    let (control, mapping) = ("controls/library/asset-ownership.yaml", "controls/mappings/soc2-tsc-2017.yaml");
    workspace.write(&format!("ws/{control}"), changed(control, "title:", "titel:"));
    workspace.write(&format!("ws/{mapping}"), changed(mapping, "requirement: CC1.4\n", "requirement: CC1.44\n"));
    refused(
        &workspace,
        "",
        &["`nowhere`", "titel", "CC1.44", &place(CHECK, "when: owner"), &place(control, "title:"), &place(mapping, "requirement: CC1.4\n")],
    );
}

#[test]
fn an_attestation_that_names_nothing() {
    let attestation = json!({
        "id": "access-review", "control": "access-review", "statement": "All was reviewed.", "role": "CISO", "person_ref": "hr:1",
        "signed_at": "2026-10-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z", "evidence": [],
    });
    for (key, value, says) in [
        ("control", "acces-review", &["attestations/a.yaml:", "acces-review", "`access-review`"][..]),
        ("id", "acess-review", &["attestations/a.yaml:", "acess-review", "access-review"]),
        ("signed_at", "today", &["attestations/a.yaml:", "help:"]),
        ("signature", "x", &["attestations/a.yaml:", "signature"]),
    ] {
        let workspace = workspace("workspace: w");
        let mut wrong: Json = attestation.clone();
        wrong[key] = value.into();
        workspace.write("ws/attestations/a.yaml", wrong.to_string());
        refused(&workspace, "", says);
    }
}

#[test]
fn an_endpoint_that_is_none() {
    for endpoint in ["", "a b", "host:port", "[::1", "host:70000", "https://host"] {
        let settings = json!({"workspace": "w", "environments": {"prod": {"tls": {"endpoints": [endpoint]}}}});
        refused(&workspace(&settings.to_string()), "", &["proofbook.yaml:1"]);
    }
    let settings = json!({"workspace": "w", "environments": {"prod": {"tls": {"endpoints": ["127.0.0.1:9"], "ca_file": "ca.pem"}}}});
    let workspace = workspace(&settings.to_string());
    refused(&workspace, "", &["ca.pem"]);
    workspace.write("ws/ca.pem", "no certificate");
    refused(&workspace, "", &["ca.pem"]);
}
