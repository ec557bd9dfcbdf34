//! What a workspace answers for: whole frameworks, levels, what is tailored out, and a framework of its own, from the file
//! that says so to the sealed bundle and the page.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value as Json, json};

use crate::support::{AT, Workspace, data, facts, root};

const LEVELLED: &str = "
id: levelled
title: A framework with levels
short_title: Levelled
publisher: Nobody
edition: '1'
source: made
licence: none needed
groups: [{id: G, title: Group}]
levels: [{id: low, title: Low}, {id: high, title: High}, {id: bare, title: Nothing}]
requirements:
  - {id: L-1, group: G, title: In both, levels: [low, high]}
  - {id: L-2, group: G, title: Only high, levels: [high]}
  - {id: L-3, group: G, title: Only low, levels: [low]}
  - {id: L-4, group: G, title: In none}
  - {id: L-5, group: G, title: Gone, levels: [low, high], withdrawn: true}
";

const MAPPED: &str = "
framework: levelled
reviewed_by: nobody
mappings:
  - {requirement: L-1, control: network-isolation, relation: intersects, rationale: Made., limits: Made.}
  - {requirement: L-2, control: encryption-in-transit, relation: intersects, rationale: Made., limits: Made.}
  - {requirement: L-3, control: backup, relation: intersects, rationale: Made., limits: Made.}
";

fn workspace(frameworks: &str) -> Workspace {
    let workspace = Workspace::new(&format!("workspace: scope\nfacts: {}\nframeworks:\n{frameworks}", facts()));
    workspace.write("ws/controls/frameworks/levelled.yaml", LEVELLED);
    workspace.write("ws/controls/mappings/levelled.yaml", MAPPED);
    workspace
}

#[test]
fn what_is_wrong_with_a_scope_is_told_with_its_place() {
    for (yaml, says) in [
        ("  - levelled\n  - levelled\n", &["duplicate-framework", "proofbook.yaml:5:5", "`levelled` is named twice"][..]),
        ("  - levelled\n  - {id: levelled, level: low}\n", &["duplicate-framework", "proofbook.yaml:5:10"]),
        ("  - {id: leveled}\n", &["unknown-framework", "proofbook.yaml:4:10", "did you mean `levelled`?"]),
        ("  - leveled\n", &["unknown-framework", "proofbook.yaml:4:5", "did you mean `levelled`?"]),
        ("  - {id: levelled, level: hihg}\n", &["unknown-level", "proofbook.yaml:4:27", "did you mean `high`?"]),
        ("  - {id: levelled, level: class-c}\n", &["unknown-level", "its levels are: low, high, bare"]),
        ("  - {id: soc2-tsc-2017, level: low}\n", &["unknown-level", "has no levels", "leave out `level`"]),
        ("  - {id: levelled, level: bare}\n", &["empty-scope", "nothing of `levelled` is left in scope"]),
        (
            "  - {id: levelled, exclude: [{requirement: L-11, reason: R}]}\n",
            &["unknown-requirement", "proofbook.yaml:4:44", "did you mean"],
        ),
        ("  - {id: levelled, exclude: [{requirement: L-5, reason: R}]}\n", &["withdrawn", "proofbook.yaml:4:44", "`L-5`"]),
        (
            "  - {id: levelled, level: low, exclude: [{requirement: L-2, reason: R}]}\n",
            &["out-of-level", "`L-2`", "not of the level `low`"],
        ),
        ("  - {id: levelled, exclude: [{requirement: L-1, reason: ' '}]}\n", &["no-reason", "proofbook.yaml:4:57"]),
        ("  - {id: levelled, exclude: [{requirement: L-1}]}\n", &["proofbook.yaml:4:", "missing field", "reason"]),
        (
            "  - {id: levelled, exclude: [{requirement: L-1, reason: R}, {requirement: L-1, reason: S}]}\n",
            &["duplicate-exclusion", "proofbook.yaml:4:75"],
        ),
        ("  - {id: levelled, level: low, exclude: [{requirement: L-1, reason: R}, {requirement: L-3, reason: R}]}\n", &["empty-scope"]),
        ("  - {id: levelled, levels: [low]}\n", &["proofbook.yaml:4:", "levels", "level"]),
        ("  - {level: low}\n", &["proofbook.yaml:4:", "missing field", "id"]),
        ("  - [levelled]\n", &["proofbook.yaml:4:", "the id of a framework, or a map"]),
        ("  - Levelled!\n", &["proofbook.yaml:4:5", "`Levelled!` is not a slug"]),
    ] {
        let ran = workspace(yaml).run("coverage").ends_with(2).without_result();
        ran.says(says).says(&["error[", "help:", "^"]);
    }
    let all = "  - {id: levelled, level: hihg}\n  - isso27001-2022\n  - {id: soc2-tsc-2017, exclude: [{requirement: CC99, reason: ''}]}\n";
    workspace(all).run("scan --dump nowhere").ends_with(2).says(&["`high`", "`iso27001-2022`", "`CC99`", "without a reason"]);
}

fn scan(workspace: &Workspace) -> std::path::PathBuf {
    let ran = workspace.run(&format!("scan --dump {} --at {AT} --fail-on nothing", data("cluster-small").display())).ends_with(0);
    workspace.folder().join(ran.path())
}

fn assessed(bundle: &std::path::Path) -> Json {
    serde_json::from_slice(&fs::read(bundle.join("assessment.json")).unwrap()).unwrap()
}

fn totals(coverage: &Json) -> u64 {
    coverage["totals"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn a_level_without_what_is_tailored_out_is_sealed_and_replayed() {
    let workspace = workspace("  - {id: levelled, level: high, exclude: [{requirement: L-2, reason: No traffic leaves.}]}\n");
    let bundle = scan(&workspace);
    let assessment = assessed(&bundle);
    let frameworks: Vec<&String> = assessment["frameworks"].as_object().unwrap().keys().collect();
    assert_eq!(frameworks, ["levelled"]);
    let rolled = assessment["frameworks"]["levelled"].as_object().unwrap();
    assert_eq!(rolled.keys().collect::<Vec<_>>(), ["L-1", "L-2"]);
    assert_eq!(rolled["L-1"]["coverage"], "automated");
    assert_eq!((&rolled["L-2"]["coverage"], &rolled["L-2"]["controls"]), (&json!("not-applicable"), &json!([])));
    workspace.run("verify").ends_with(0);

    // The bundle alone decides: whatever the workspace says by then, the page is that of the run.
    fs::remove_file(workspace.path("ws/controls/frameworks/levelled.yaml")).unwrap();
    fs::remove_file(workspace.path("ws/controls/mappings/levelled.yaml")).unwrap();
    workspace.write("ws/proofbook.yaml", format!("workspace: scope\nfacts: {}\n", facts()));
    workspace.run(&format!("build --at {AT} --out out")).ends_with(0);
    let pages = pages(&workspace);
    assert!(pages.contains_key("levelled.html") && !pages.contains_key("soc2-tsc-2017.html"), "{:?}", pages.keys());
    let page = &pages["levelled.html"];
    for (text, there) in [("L-1", true), ("L-2", true), ("No traffic leaves.", true), ("L-3", false), ("L-4", false), ("L-5", false)] {
        assert_eq!(page.contains(text), there, "{text}");
    }
}

#[test]
fn coverage_and_selections_count_what_is_in_scope() {
    for (yaml, expected) in [
        ("  - levelled\n", &["L-1", "L-2", "L-3", "L-4", "L-5"][..]),
        ("  - {id: levelled}\n", &["L-1", "L-2", "L-3", "L-4", "L-5"]),
        ("  - {id: levelled, level: low}\n", &["L-1", "L-3"]),
        ("  - {id: levelled, level: high}\n", &["L-1", "L-2"]),
        ("  - {id: levelled, level: low, exclude: [{requirement: L-3, reason: R}]}\n", &["L-1", "L-3"]),
    ] {
        let coverage = workspace(yaml).run("coverage levelled --format json").ends_with(0).json();
        let rows = coverage["requirements"].as_array().unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{yaml}");
        assert_eq!(totals(&coverage), ids.len() as u64, "{coverage}");
    }
    // `--framework` takes the checks of what is in scope, and nothing for what is not.
    let plan = |yaml: &str| workspace(yaml).run("rbac --framework levelled").ends_with(0).stdout;
    let (low, high) = (plan("  - {id: levelled, level: low}\n"), plan("  - {id: levelled, level: high}\n"));
    assert!(low.contains("velero.io") && !high.contains("velero.io"), "{low}\n{high}");
    workspace("  - levelled\n").run("rbac --framework soc2-tsc-2017").ends_with(2).says(&["`soc2-tsc-2017` is not in scope"]);
}

/// The pages of frameworks that a build wrote, by file name.
fn pages(workspace: &Workspace) -> BTreeMap<String, String> {
    let folder = workspace.path("out/customer/site/frameworks");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

/// The files of the guide's section on a framework of one's own: YAML blocks that begin with their path.
fn files_of_the_guide() -> Vec<(String, String)> {
    let guide = fs::read_to_string(root().join("docs/guide/frameworks.md")).unwrap();
    let section = guide.split("\n## ").find(|section| section.starts_with("Your own framework")).unwrap();
    let blocks = section.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.filter_map(|block| Some((block.lines().next()?.strip_prefix("# ")?.to_owned(), block.to_owned()))).collect()
}

#[test]
fn a_framework_of_ones_own_works_from_the_guide_alone() {
    let files = files_of_the_guide();
    let [framework, mapping, settings] = files.as_slice() else { panic!("{files:?}") };
    let workspace = Workspace::new("workspace: example\n");
    let write = |(path, text): &(String, String)| workspace.write(&format!("ws/{path}"), text);

    // One file makes a framework; nothing is mapped to it yet.
    write(framework);
    let shown = workspace.run("frameworks show house-rules").ends_with(0).stdout;
    assert!(shown.contains("Security rules of Example GmbH") && shown.contains("P-2") && shown.contains("(withdrawn)"), "{shown}");
    let coverage = workspace.run("coverage house-rules --format json").ends_with(0).json();
    assert_eq!((totals(&coverage), &coverage["totals"]["none"], &coverage["totals"]["not-applicable"]), (4, &json!(3), &json!(1)));
    assert_eq!(assessed(&scan(&workspace))["frameworks"]["house-rules"]["D-1"]["coverage"], "none");

    write(mapping);
    write(settings);
    let coverage = workspace.run("coverage house-rules --format json").ends_with(0).json();
    assert_eq!((totals(&coverage), &coverage["totals"]["automated"], &coverage["totals"]["attested"]), (3, &json!(2), &json!(0)));
    let bundle = scan(&workspace);
    assert_eq!(assessed(&bundle)["frameworks"].as_object().unwrap().keys().collect::<Vec<_>>(), ["house-rules"]);
    workspace.run("verify").ends_with(0);
    workspace.run(&format!("build --at {AT} --out out")).ends_with(0);
    let pages = pages(&workspace);
    let page = &pages["house-rules.html"];
    for text in ["Security rules of Example GmbH", "D-1", "Encryption of traffic", "Traffic inside a node is not looked at.", "P-1"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!pages.contains_key("iso27001-2022.html"), "{:?}", pages.keys());
}

#[test]
fn scopes_of_the_guide_are_of_the_library() {
    for guide in ["frameworks.md", "workspace.md"] {
        let text = fs::read_to_string(root().join("docs/guide").join(guide)).unwrap();
        let block =
            text.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap()).find(|block| block.starts_with("frameworks:"));
        let workspace = Workspace::new(&format!("workspace: w\n{}", block.unwrap()));
        let coverage = workspace.run("coverage --format json").ends_with(0).json();
        let excluded: Vec<&Json> = coverage
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|framework| framework["requirements"].as_array().unwrap())
            .filter(|row| row["id"] == "AC-18")
            .collect();
        assert_eq!(excluded.len(), 1);
        assert_eq!(excluded[0]["status"], "not-applicable");
    }
}
