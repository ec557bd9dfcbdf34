//! What scripts rely on: results on stdout in the promised shapes, talk on stderr, exit codes and their precedence, help
//! that fits a terminal, no colours where there is none, and pipes that may end early.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use crate::support::server::Server;
use crate::support::{AT, Workspace, data, facts, read_yaml, root};

/// A workspace in which the committed cluster is the environment.
fn workspace() -> Workspace {
    let truth: Json = read_yaml("truth.yaml");
    let mut settings = truth["workspace"].clone();
    settings["workspace"] = "contract".into();
    settings["facts"] = facts();
    settings["environments"] = json!({"prod": {"kubernetes": {"dump": data("cluster-small")}}});
    Workspace::with_settings(&settings)
}

const SCAN: &str = "scan --at 2026-11-01T00:00:00Z";

#[test]
fn a_scan_prints_the_path_of_its_bundle() {
    let workspace = workspace();
    let ran = workspace.run(SCAN).ends_with(3);
    let bundle = workspace.folder().join(ran.path());
    assert!(bundle.starts_with(workspace.path("ws/evidence/contract/prod")) && bundle.join("manifest.json").is_file(), "{ran:?}");
    assert!(bundle.file_name().unwrap().to_str().unwrap().starts_with("20261101T000000Z-"));
    // The end of the talk: counts of each verdict, over all and by framework.
    for line in ["findings: ", "iso27001-2022  ", "soc2-tsc-2017  "] {
        assert!(ran.stderr.lines().any(|told| told.starts_with(line) && told.contains(" fail")), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains('%'));
    // Quiet says nothing but the result; the same input gives the same bundle.
    let quiet = workspace.run(&format!("{SCAN} --quiet")).ends_with(3);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (ran.stdout, ""));
}

#[test]
fn a_scan_for_programs() {
    let workspace = workspace();
    let (ran, findings) = workspace.scan(&format!("--at {AT} --format json"));
    let summary = ran.ends_with(3).json();
    let keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["run_id", "bundle", "verdicts", "frameworks"]);
    let bundle = workspace.folder().join(summary["bundle"].as_str().unwrap());
    assert_eq!(bundle.file_name().unwrap().to_str(), summary["run_id"].as_str());
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in &findings {
        *counted.entry(&finding.verdict).or_insert(0) += 1;
    }
    assert_eq!(summary["verdicts"], json!(counted));
    assert!(summary["frameworks"]["soc2-tsc-2017"].as_object().unwrap().values().all(Json::is_u64));

    // Every line has the promised fields, in this order.
    let text = fs::read_to_string(workspace.path("findings.ndjson")).unwrap();
    for line in text.lines() {
        let finding: serde_json::Map<String, Json> = serde_json::from_str(line).unwrap();
        let mut keys: Vec<&str> = finding.keys().map(String::as_str).collect();
        keys.retain(|key| *key != "measured");
        assert_eq!(keys, ["check", "subject", "verdict", "reason_code", "message"], "{line}");
    }
}

#[test]
fn exit_codes_and_their_precedence() {
    let workspace = workspace();
    let code = |args: &str| workspace.run(&format!("{SCAN} {args}")).code;
    // Among the checks are some that fail, and some that could not look: input errors come first, then errors, then fails.
    for (args, expected) in [
        ("", 3),
        ("--fail-on fail,error", 3),
        ("--fail-on error", 3),
        ("--fail-on fail", 1),
        ("--fail-on nothing", 0),
        ("--check workload-no-privileged", 1),
        ("--check workload-no-privileged --fail-on error", 0),
        ("--check tls-min-version", 3),
        ("--check tls-min-version --fail-on fail", 0),
        ("--check workload-no-privileged --check tls-min-version", 3),
        ("--check workload-no-privileged --check nothing-such", 2),
        ("--check mesh-mtls-strict", 0),
        ("--control tls-configuration-x", 2),
    ] {
        assert_eq!(code(args), expected, "{args}");
    }
}

#[test]
fn a_folder_without_a_workspace_is_enough() {
    let workspace = Workspace::new("workspace: not-here\n");
    let dump = data("cluster-small");
    let mut program = workspace.program();
    let folder = workspace.path("tmp");
    let output = program.current_dir(&folder).args(["scan", "--fail-on", "nothing", "--at", AT, "--dump"]).arg(&dump).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.join("evidence/unnamed/default").is_dir());
    // From a folder within, the nearest workspace above is meant.
    fs::create_dir_all(workspace.path("ws/a/b")).unwrap();
    let mut program = workspace.program();
    let output = program
        .current_dir(workspace.path("ws/a/b"))
        .args(["scan", "--fail-on", "nothing", "--at", AT, "--dump"])
        .arg(&dump)
        .output()
        .unwrap();
    assert!(output.status.success() && workspace.path("ws/evidence/not-here/default").is_dir(), "{output:?}");
}

/// Whether a path that was asked for is the one of a plan, in which `{version}` stands for any version.
fn is_planned(asked: &str, planned: &str) -> bool {
    let parts = |path: &str| path.split(['?', ' ']).next().unwrap_or_default().split('/').map(str::to_owned).collect::<Vec<_>>();
    let (asked, planned) = (parts(asked), parts(planned));
    asked.len() == planned.len() && asked.iter().zip(&planned).all(|(asked, planned)| planned == "{version}" || asked == planned)
}

#[test]
fn the_plan_lists_every_request_and_makes_none() {
    let workspace = workspace();
    let server = Server::start();
    let kubeconfig = server.kubeconfig(workspace.folder(), "admin");
    let ran = workspace.run(&format!("scan --plan --kubeconfig {}", kubeconfig.display())).ends_with(0);
    assert!(server.asked().is_empty() && !workspace.path("ws/evidence").exists());
    let plan: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert!(plan.len() > 80 && plan.iter().all(|columns| columns.len() == 5 && columns[0] == "kubernetes"), "{}", ran.stdout);

    let _ = workspace.run(&format!("scan --kubeconfig {}", kubeconfig.display())).ends_with(3);
    let asked = server.asked();
    assert!(asked.len() > 80, "{}", asked.len());
    for request in asked {
        let method = if request.path.contains("limit=") { "LIST" } else { &request.method };
        let planned = plan.iter().any(|columns| columns[2] == method && is_planned(&request.path, columns[3]));
        assert!(planned, "{} {} is not planned", request.method, request.path);
        assert!(request.method == "GET" || request.method == "POST" && request.path.contains("/selfsubject"), "{request:?}");
    }
}

/// The ids of a framework in the reference that lies beside the repository.
fn reference(framework: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(root().parent()?.join(format!("shared/reference/{framework}.csv"))).ok()?;
    Some(text.lines().skip(1).filter_map(|line| line.split(',').next()).map(|id| id.trim_matches('"').to_owned()).collect())
}

#[test]
fn frameworks_and_their_coverage_are_whole() {
    let workspace = Workspace::new("workspace: w");
    for (framework, number) in [("iso27001-2022", 93), ("soc2-tsc-2017", 61)] {
        let shown = workspace.run(&format!("frameworks show {framework} --format json")).ends_with(0).json();
        let ids = |requirements: &Json| -> Vec<String> {
            requirements.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
        };
        let requirements = ids(&shown["requirements"]);
        assert!(requirements.len() >= number, "{framework}: {}", requirements.len());
        for key in ["id", "title", "publisher", "edition", "source", "licence", "groups"] {
            assert!(!shown[key].is_null(), "{framework} has no {key}");
        }
        let text = workspace.run(&format!("frameworks show {framework}")).ends_with(0).stdout;
        assert!(requirements.iter().all(|id| text.contains(id.as_str())));
        if let Some(reference) = reference(framework) {
            let missing: Vec<_> = reference.iter().filter(|id| !requirements.contains(id)).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }

        let coverage = workspace.run(&format!("coverage {framework} --format json")).ends_with(0).json();
        assert_eq!(coverage["framework"], framework);
        assert_eq!(ids(&coverage["requirements"]), requirements);
        let mut totals: BTreeMap<String, u64> =
            ["automated", "attested", "customer", "inherited", "none", "not-applicable"].map(|kind| (kind.to_owned(), 0)).into();
        for row in coverage["requirements"].as_array().unwrap() {
            let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys[..4], ["id", "status", "controls", "checks"]);
            let status = row["status"].as_str().unwrap();
            *totals.get_mut(status).unwrap_or_else(|| panic!("{status}")) += 1;
            let none = row["controls"].as_array().unwrap().is_empty();
            assert!(!none || ["none", "customer", "not-applicable"].contains(&status), "{row}");
            assert!(status != "automated" || !row["checks"].as_array().unwrap().is_empty(), "{row}");
        }
        assert_eq!(coverage["totals"], json!(totals));
    }
}

#[test]
fn lists_name_what_can_be_shown() {
    let workspace = Workspace::new("workspace: w");
    for what in ["checks", "controls", "frameworks"] {
        let list = workspace.run(&format!("{what} list")).ends_with(0).stdout;
        let of_program = workspace.run(&format!("{what} list --format json")).ends_with(0).json();
        let ids: Vec<&str> = of_program.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
        assert_eq!(list.lines().map(|line| line.split_whitespace().next().unwrap()).collect::<Vec<_>>(), ids);
        assert!(ids.is_sorted() && ids.len() >= 2, "{ids:?}");
        for id in ids.iter().take(3) {
            let shown = workspace.run(&format!("{what} show {id} --format json")).ends_with(0).json();
            assert_eq!(shown["id"], *id);
            let text = workspace.run(&format!("{what} show {id}")).ends_with(0).stdout;
            assert!(text.len() > 200 && (what == "frameworks" || text.contains(&format!("id: {id}\n"))), "{text}");
        }
    }
    assert!(workspace.run("checks list").stdout.lines().count() >= 60);
}

#[test]
fn the_library_holds_its_own_fixtures() {
    let workspace = Workspace::new("workspace: w");
    let all = workspace.run("test").ends_with(0).stdout;
    let number: usize = all.strip_suffix(" passed, 0 failed\n").unwrap_or_else(|| panic!("{all}")).parse().unwrap();
    assert!(number >= 300, "{number}");
    assert!(workspace.run("test pss-enforced tls-min-version").ends_with(0).stdout.ends_with(" passed, 0 failed\n"));
    let summary = workspace.run("test --format json").ends_with(0).json();
    assert_eq!(summary, json!({"passed": number, "failed": 0, "failures": []}));
}

#[test]
fn schemas_describe_the_files_of_the_library() {
    let workspace = Workspace::new("workspace: w");
    let wrote = workspace.run("schema --out schemas").ends_with(0);
    assert_eq!(wrote.stdout, "");
    for (kind, folder, suffix) in [
        ("check", "checks/library", ".yaml"),
        ("check-test", "checks/library", ".test.yaml"),
        ("control", "controls/library", ".yaml"),
        ("framework", "controls/frameworks", ".yaml"),
        ("mapping", "controls/mappings", ".yaml"),
        ("attestation", "platforms/eidp/attestations", ".yaml"),
        ("attestation", "platforms/enclii/attestations", ".yaml"),
        ("attestation", "platforms/unstructured/attestations", ".yaml"),
        ("workspace", "platforms/eidp", "proofbook.yaml"),
        ("workspace", "platforms/enclii", "proofbook.yaml"),
        ("workspace", "platforms/unstructured", "proofbook.yaml"),
    ] {
        let text = fs::read_to_string(workspace.path(&format!("schemas/{kind}.schema.json"))).unwrap();
        assert_eq!(workspace.run(&format!("schema {kind}")).ends_with(0).stdout, text);
        let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
        let mut seen = 0;
        for (path, bytes) in crate::support::contents::files_below(&root().join(folder)) {
            let of_kind = path.ends_with(suffix) && (kind != "check" || !path.ends_with(".test.yaml"));
            if of_kind && (kind != "workspace" || path.ends_with("/proofbook.yaml")) {
                let file: Json =
                    serde_saphyr::from_str(std::str::from_utf8(&bytes).unwrap()).unwrap_or_else(|error| panic!("{path}: {error}"));
                let faults: Vec<String> = validator.iter_errors(&file).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
                assert!(faults.is_empty(), "{path}: {faults:#?}");
                seen += 1;
            }
        }
        assert!(seen > 0, "{kind}");
    }
}

#[test]
fn the_role_grants_reading_only() {
    let workspace = workspace();
    let role = workspace.run("rbac").ends_with(0).stdout;
    let documents: Vec<Json> = serde_saphyr::from_multiple(&role).unwrap();
    let kinds: Vec<&str> = documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ClusterRole", "ClusterRoleBinding"]);
    for rule in documents[0]["rules"].as_array().unwrap() {
        for verb in rule["verbs"].as_array().unwrap() {
            assert!(["get", "list"].contains(&verb.as_str().unwrap()), "{rule}");
        }
        assert!(!rule.to_string().contains('*'), "{rule}");
    }
    let one = workspace.run("rbac --check pss-enforced").ends_with(0).stdout;
    assert!(one.len() < role.len() && one.contains("namespaces") && !one.contains("secrets"), "{one}");
}

const VERBS: [&str; 20] = [
    "scan",
    "build",
    "run",
    "verify",
    "sign",
    "timestamp",
    "export",
    "test",
    "rbac",
    "explain",
    "checks",
    "controls",
    "frameworks",
    "coverage",
    "schema",
    "completions",
    "sprs",
    "soa",
    "diff",
    "sample",
];

#[test]
fn help_fits_a_narrow_terminal() {
    let workspace = Workspace::new("workspace: w");
    let help = |args: &[&str]| {
        let output = workspace.program().args(args).env("COLUMNS", "80").output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let whole = help(&["--help"]);
    for verb in VERBS {
        assert!(whole.contains(&format!("  {verb} ")), "{verb}");
        let nested: &[&str] = if ["checks", "controls", "frameworks"].contains(&verb) { &["list", "show"] } else { &[] };
        let calls = [vec![verb, "-h"], vec![verb, "--help"]].into_iter().chain(nested.iter().map(|inner| vec![verb, inner, "--help"]));
        for call in calls {
            let text = help(&call);
            assert!(text.contains("Usage: proofbook ") && !text.contains('\u{1b}'), "{text}");
            let wide = text.lines().find(|line| line.chars().count() > 80);
            assert!(wide.is_none(), "{call:?}: {wide:?}");
        }
    }
    let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(whole.contains("0 held, 1 something is not as promised, 2 usage or input error, 3 could not look"));
    assert_eq!(help(&["--version"]), format!("proofbook {}\n", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(help(&["completions", shell]).contains("proofbook"));
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let workspace = workspace();
    let scan = |always: bool| {
        let mut program = workspace.program();
        program.args(["scan", "-C", "ws", "--at", AT, "--quiet"]).args(if always { &["--color", "always"][..] } else { &[] });
        let wrong = workspace
            .program()
            .args(["checks", "show", "x", "-C", "ws"])
            .args(if always { &["--color", "always"][..] } else { &[] })
            .output()
            .unwrap();
        (program.output().unwrap(), String::from_utf8(wrong.stderr).unwrap())
    };
    let (plain, told) = scan(false);
    assert!(!told.contains('\u{1b}') && told.starts_with("error: "), "{told}");
    let (coloured, told) = scan(true);
    assert!(told.contains('\u{1b}'), "{told}");
    assert_eq!(plain.stdout, coloured.stdout);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let workspace = Workspace::new("workspace: w");
    for args in [
        &["checks", "list"][..],
        &["frameworks", "show", "iso27001-2022", "--format", "json"],
        &["schema", "workspace"],
        &["coverage", "iso27001-2022"],
        &["rbac"],
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_proofbook"));
        program.current_dir(workspace.folder()).args(args).args(["-C", "ws"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = program.spawn().unwrap();
        drop(running.stdout.take());
        let output = running.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
    }
}
