//! `proofbook frameworks diff`: what a new edition changes, in the catalog, in the mapping, and in the status by a bundle.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::support::{AT, Workspace};

const BEFORE: &str = "fedramp-20x-frmr";
const AFTER: &str = "fedramp-20x";

/// A workspace with this setting, whose dump holds one namespace.
fn workspace(settings: &Json) -> Workspace {
    let workspace = Workspace::with_settings(settings);
    workspace.write("dump/namespaces.json", r#"{"apiVersion": "v1", "kind": "NamespaceList", "items": [{"metadata": {"name": "a"}}]}"#);
    workspace
}

#[track_caller]
fn diff(workspace: &Workspace, args: &str) -> Json {
    workspace.run(&format!("frameworks diff {BEFORE} {AFTER} --format json {args}")).ends_with(0).json()
}

fn to<'d>(diff: &'d Json, id: &str) -> &'d Json {
    diff["requirements"].as_array().unwrap().iter().find(|change| change["to"] == id).unwrap()
}

#[test]
fn the_new_edition_of_fedramp_20x_against_the_old_one() {
    let workspace = workspace(&json!({"workspace": "w"}));
    let diff = diff(&workspace, "");
    assert_eq!((diff["from"].as_str(), diff["to"].as_str(), &diff["status"]), (Some(BEFORE), Some(AFTER), &Json::Null));
    let total: u64 = diff["totals"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(total, diff["requirements"].as_array().unwrap().len() as u64);
    // One indicator on training took the place of four, and the theme on authorisation is gone.
    let training = to(&diff, "KSI-CED-RAT");
    assert_eq!((training["kind"].as_str(), training["from"].as_array().unwrap().len()), (Some("replaces"), 4));
    let removed: Vec<_> = diff["requirements"].as_array().unwrap().iter().filter(|change| change["kind"] == "removed").collect();
    assert!(removed.iter().all(|change| change["from"][0].as_str().unwrap().starts_with("KSI-AFR-")) && removed.len() == 10);
    // The two editions have no level in common: none is said to have changed.
    assert_eq!(diff["common_levels"], json!([]));
    assert_eq!(to(&diff, "KSI-CMT-LMC")["levels"]["before"], json!(["low", "moderate"]));

    let text = workspace.run(&format!("frameworks diff {BEFORE} {AFTER}")).ends_with(0).stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80 && line.trim_end() == line), "{text}");
    for part in ["Removed\n", "KSI-AFR-ADS", "Under another id\n", "KSI-SVC-SNT -> KSI-SVC-SIN", "Controls mapped"] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    assert!(!text.contains("Status"), "{text}");
    let markdown = workspace.run(&format!("frameworks diff {BEFORE} {AFTER} --format markdown")).ends_with(0).stdout;
    assert!(markdown.starts_with("# ") && markdown.contains("\n## Removed\n\n| requirement | |\n|---|---|\n"), "{markdown}");
}

#[test]
fn a_bundle_tells_the_status_of_both_editions() {
    // The same run sealed with one edition in scope, and with both: what is rolled up is what would have been sealed.
    let mut seen = BTreeMap::new();
    for (scope, rolled_up) in [(json!([BEFORE]), json!([AFTER])), (json!([AFTER]), json!([BEFORE])), (json!([BEFORE, AFTER]), json!([]))] {
        let workspace = workspace(&json!({"workspace": "w", "frameworks": scope}));
        let bundle = workspace.run(&format!("scan --dump dump --at {AT} --fail-on nothing")).path();
        let diff = diff(&workspace, "");
        let status = &diff["status"];
        assert_eq!(status["run_id"], bundle.file_name().unwrap().to_str().unwrap());
        assert_eq!(status["rolled_up"], rolled_up);
        for change in status["changes"].as_array().unwrap() {
            assert_ne!(change["before"], change["after"], "{change}");
        }
        // What has no requirement after has no status after.
        let ended = status["changes"].as_array().unwrap().iter().find(|change| change["from"][0] == "KSI-AFR-VDR").unwrap();
        assert!(ended["to"].is_null() && ended["after"].is_null() && ended["before"].is_string(), "{ended}");
        seen.insert(scope.to_string(), json!([status["before"], status["after"], status["changes"]]));
        let text = workspace.run(&format!("frameworks diff {BEFORE} {AFTER}")).ends_with(0).stdout;
        assert!(text.contains("Status by ") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
    let mut told = seen.values();
    let first = told.next().unwrap();
    assert!(told.all(|other| other == first), "{seen:#?}");
}

#[test]
fn only_an_intact_bundle_of_one_environment_tells_it() {
    let workspace = workspace(&json!({"workspace": "w", "environments": {"prod": {}, "staging": {}}}));
    let bundle = workspace.run(&format!("scan -e prod --dump dump --at {AT} --fail-on nothing")).path();
    let without = workspace.run(&format!("frameworks diff {BEFORE} {AFTER} --format json")).ends_with(0).says(&["--environment"]);
    assert!(without.json()["status"].is_null());
    assert!(diff(&workspace, "-e staging")["status"].is_null());
    assert!(diff(&workspace, "-e prod")["status"].is_object());
    let named = format!("--bundle {}", bundle.display());
    assert!(diff(&workspace, &named)["status"].is_object());
    let assessment = workspace.folder().join(&bundle).join("assessment.json");
    let text = std::fs::read_to_string(&assessment).unwrap();
    std::fs::write(&assessment, text.replacen("error", "pass", 1)).unwrap();
    for args in ["-e prod", &named] {
        let ran = workspace.run(&format!("frameworks diff {BEFORE} {AFTER} {args}"));
        ran.ends_with(2).without_result().says(&["not intact"]);
    }
}

#[test]
fn editions_that_are_not_there_are_refused() {
    let workspace = workspace(&json!({"workspace": "w"}));
    for (args, says) in [
        ("fedramp-20x-fmrr fedramp-20x", &["unknown framework `fedramp-20x-fmrr`", "`fedramp-20x-frmr`"][..]),
        ("fedramp-20x-frmr fedramp-30x", &["unknown framework `fedramp-30x`", "`fedramp-20x`"]),
        ("fedramp-20x-frmr", &["<AFTER>"]),
        ("fedramp-20x-frmr fedramp-20x --bundle nowhere", &["nowhere"]),
    ] {
        workspace.run(&format!("frameworks diff {args}")).ends_with(2).without_result().says(says);
    }
    // An edition does not differ from itself.
    let same = workspace.run("frameworks diff gdpr gdpr --format json").ends_with(0).json();
    assert_eq!(same["totals"]["kept"], 268);
    assert!(same["requirements"].as_array().unwrap().iter().all(|change| change["kind"] == "kept" && change["relevelled"] == false));
}
