//! `proofbook crosswalk`: what a requirement corresponds to, with sources and ways, in text, JSON and CSV.

use serde_json::Value as Json;

use crate::support::Workspace;

fn workspace() -> Workspace {
    Workspace::new("workspace: w\n")
}

#[track_caller]
fn rows(workspace: &Workspace, args: &str) -> Vec<Json> {
    let ran = workspace.run(&format!("crosswalk {args} --format json")).ends_with(0);
    ran.json().as_array().unwrap().clone()
}

fn texts<'r>(rows: &'r [Json], key: &str) -> Vec<&'r str> {
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

#[test]
fn a_requirement_is_told_with_everything_it_corresponds_to() {
    let workspace = workspace();
    let rows = rows(&workspace, "A.8.24");
    let frameworks: std::collections::BTreeSet<_> = texts(&rows, "framework").into_iter().collect();
    for framework in ["nist-800-53r5", "fedramp-rev5", "fedramp-20x", "nist-800-171r2", "cmmc-2.0", "soc2-tsc-2017", "gdpr", "dora"] {
        assert!(frameworks.contains(framework), "nothing in {framework}: {frameworks:?}");
    }
    assert!(!frameworks.contains("iso27001-2022"), "nothing of its own framework");
    for row in &rows {
        assert_eq!((row["from"].as_str(), row["from_framework"].as_str()), (Some("A.8.24"), Some("iso27001-2022")), "{row}");
        let ways = row["derivation"].as_array().unwrap();
        assert!(!ways.is_empty(), "{row}");
        for key in ["relation", "certain", "way"] {
            assert_eq!(row[key], ways[0][key], "the first way is the strongest: {row}");
        }
        for way in ways {
            let steps = way["steps"].as_array().unwrap();
            let wanted = match way["way"].as_str().unwrap() {
                "direct" => 1..=1,
                "composed" => 2..=3,
                "shared-control" => 2..=2,
                other => panic!("{other}: {row}"),
            };
            assert!(wanted.contains(&steps.len()), "{row}");
            assert!(steps.windows(2).all(|two| two[0]["to"] == two[1]["from"]), "a way without a gap: {row}");
        }
        assert_eq!(row["via"].as_array().unwrap().len() + 1, row["source"].as_array().unwrap().len(), "{row}");
    }
    let sc13 = rows.iter().find(|row| row["framework"] == "nist-800-53r5" && row["to"] == "SC-13").unwrap();
    assert_eq!((sc13["way"].as_str(), &sc13["source"]), (Some("direct"), &serde_json::json!(["nist-olir-155"])));
    let profile = rows.iter().find(|row| row["framework"] == "fedramp-rev5" && row["to"] == "SC-13").unwrap();
    assert_eq!(profile["via"], serde_json::json!(["nist-800-53r5 SC-13"]));
    assert_eq!(profile["source"], serde_json::json!(["nist-olir-155", "profile fedramp-rev5"]));
}

#[test]
fn the_same_is_told_from_the_other_end() {
    let workspace = workspace();
    let forth = rows(&workspace, "SC.L2-3.13.11 --to nist-800-53r5");
    let composed = forth.iter().find(|row| row["way"] == "composed").unwrap();
    assert_eq!((composed["to"].as_str(), composed["relation"].as_str()), (Some("SC-13"), Some("intersects")));
    assert_eq!(composed["via"], serde_json::json!(["nist-800-171r2 3.13.11"]));
    let back = rows(&workspace, "SC-13 --framework nist-800-53r5 --to cmmc-2.0");
    let composed = back.iter().find(|row| row["to"] == "SC.L2-3.13.11").unwrap();
    assert_eq!((composed["way"].as_str(), composed["via"][0].as_str()), (Some("composed"), Some("nist-800-171r2 3.13.11")));
    assert!(back.iter().all(|row| row["framework"] == "cmmc-2.0"));
}

#[test]
fn an_id_of_several_frameworks_is_told_for_each() {
    let workspace = workspace();
    let both = rows(&workspace, "AC-2");
    let from: std::collections::BTreeSet<_> = texts(&both, "from_framework").into_iter().collect();
    assert_eq!(from.into_iter().collect::<Vec<_>>(), ["fedramp-rev5", "nist-800-53r5"]);
    let one = rows(&workspace, "AC-2 --framework fedramp-rev5");
    assert!(one.iter().all(|row| row["from_framework"] == "fedramp-rev5"));
    let same = one.iter().find(|row| row["framework"] == "nist-800-53r5" && row["to"] == "AC-2").unwrap();
    assert_eq!((same["way"].as_str(), same["relation"].as_str()), (Some("profile"), Some("equal")));
    // A catalog that only crosswalks name can be asked for too.
    assert_eq!(texts(&rows(&workspace, "3.13.11 --to cmmc-2.0"), "to"), ["SC.L2-3.13.11"]);
}

#[test]
fn text_fits_80_columns_and_csv_has_a_line_a_way() {
    let workspace = workspace();
    for id in ["A.5.1", "A.8.24", "AC-2", "CC6.1", "SC.L2-3.13.11", "Art.32(1)(b)", "KSI-SVC-SIN", "3.13.11"] {
        let text = workspace.run(&format!("crosswalk {id}")).ends_with(0).stdout;
        for line in text.lines() {
            assert!(line.chars().count() <= 80 && line.trim_end() == line, "{id}: {line:?}");
        }
        assert!(text.contains(id) && !text.ends_with("\n\n"), "{text}");
        let csv = workspace.run(&format!("crosswalk {id} --format csv")).ends_with(0).stdout;
        let ways: usize = rows(&workspace, id).iter().map(|row| row["derivation"].as_array().unwrap().len()).sum();
        assert_eq!(csv.lines().count(), ways + 1, "{id}");
        assert!(csv.lines().all(|line| line.split(',').count() == 10), "{csv}");
    }
    let text = workspace.run("crosswalk A.8.24").ends_with(0).stdout;
    for part in ["iso27001-2022 A.8.24", "by nist-olir-155", "composed, through nist-800-53r5", "weaker, through a control"] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    let nothing = workspace.run("crosswalk 4.4 --framework iso27001-2022 --to dora").ends_with(0);
    assert!(nothing.stdout.contains("corresponds to nothing"), "{nothing:?}");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let workspace = workspace();
    for (args, says) in [
        ("A.8.99", &["no framework has a requirement `A.8.99`", "did you mean"][..]),
        ("A.8.24 --framework soc2-tsc-2017", &["`soc2-tsc-2017` has no requirement `A.8.24`", "it is in iso27001-2022"]),
        ("CC6.77 --framework soc2-tsc-2017", &["`soc2-tsc-2017` has no requirement `CC6.77`", "did you mean `CC6.7`?"]),
        ("CC6.7 --framework soc2-tsc-2018", &["unknown framework `soc2-tsc-2018`", "`soc2-tsc-2017`"]),
        ("CC6.7 --to nist-800-53r6", &["unknown framework `nist-800-53r6`", "`nist-800-53r5`"]),
        ("AC-2(10)", &["`AC-2(10)` of `nist-800-53r5` is withdrawn", "ask for AC-2"]),
        ("", &["<ID>"]),
    ] {
        workspace.run(&format!("crosswalk {args}")).ends_with(2).without_result().says(says);
    }
}

const OWN: &str = "id: own\ntitle: Own rules\nshort_title: Own\npublisher: us\nedition: one\nsource: us\nlicence: ours\n\
                   groups: [{id: G, title: Group}]\nrequirements: [{id: OWN-1, group: G, title: First}]\n";

#[test]
fn a_workspace_brings_crosswalks_of_its_own() {
    let workspace = workspace();
    workspace.write("ws/controls/frameworks/own.yaml", OWN);
    let pairs = |pair: &str| {
        format!("id: ours\ntitle: Ours\npublisher: us\nsource: us\nlicence: ours\nfrom: own\nto: nist-800-53r5\npairs:\n  - {pair}\n")
    };
    workspace.write("ws/controls/crosswalks/ours.yaml", pairs("{from: OWN-1, relation: subset, to: [SC-13]}"));
    let found = rows(&workspace, "OWN-1");
    let way = |framework: &str, to: &str| {
        let row = found.iter().find(|row| row["framework"] == framework && row["to"] == to);
        row.map(|row| (row["way"].as_str().unwrap(), row["relation"].as_str().unwrap(), row["certain"].as_bool().unwrap()))
    };
    assert_eq!(way("nist-800-53r5", "SC-13"), Some(("direct", "subset", true)));
    assert_eq!(way("fedramp-rev5", "SC-13"), Some(("composed", "subset", true)));
    assert_eq!(way("iso27001-2022", "A.8.24"), Some(("composed", "intersects", false)));
    for (pair, says) in [
        ("{from: OWN-1, relation: subset, to: [SC-133]}", &["error[unknown-requirement]", "ours.yaml:9:42", "did you mean"][..]),
        ("{from: OWN-1, relation: sub, to: [SC-13]}", &["error[yaml]", "ours.yaml:9:", "help:"]),
    ] {
        workspace.write("ws/controls/crosswalks/ours.yaml", pairs(pair));
        workspace.run("crosswalk OWN-1").ends_with(2).without_result().says(says);
    }
}
