//! Drift from the command line: what two runs differ in, what another library makes of one, and records for whoever assesses.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::support::{AT, Workspace, facts};

const LATER: &str = "2026-11-02T00:00:00Z";

fn workspace() -> Workspace {
    Workspace::with_settings(&json!({"workspace": "w", "facts": facts()}))
}

/// A dump of namespaces with the level that each enforces; an empty one is none.
fn dump(workspace: &Workspace, name: &str, namespaces: &[(&str, &str)]) -> PathBuf {
    let item = |(name, level): &(&str, &str)| {
        let mut labels = json!({"proofbook.dev/tenant": "t"});
        if !level.is_empty() {
            labels["pod-security.kubernetes.io/enforce"] = (*level).into();
        }
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": format!("uid-{name}"), "labels": labels}})
    };
    let items: Vec<Json> = namespaces.iter().map(item).collect();
    let list = json!({"apiVersion": "v1", "kind": "NamespaceList", "metadata": {"resourceVersion": "1"}, "items": items});
    workspace.write(&format!("{name}/namespaces.json"), list.to_string()).parent().unwrap().to_owned()
}

fn scan(workspace: &Workspace, dump: &std::path::Path, at: &str) -> String {
    let ran = workspace.run(&format!("scan --dump {} --at {at} --fail-on nothing", dump.display())).ends_with(0);
    ran.path().file_name().unwrap().to_str().unwrap().to_owned()
}

fn found<'d>(diff: &'d Json, part: &str, check: &str) -> Vec<&'d Json> {
    diff[part].as_array().unwrap().iter().filter(|change| change["check"] == check).collect()
}

#[test]
fn two_full_runs_are_compared_where_nothing_is_said() {
    let workspace = workspace();
    let before = dump(&workspace, "before", &[("a", "restricted"), ("b", ""), ("c", "restricted")]);
    let _ = scan(&workspace, &before, AT);
    let _ = workspace.run("diff").ends_with(2).without_result().says(&["no full run before"]);
    let older = scan(&workspace, &before, "2026-11-01T12:00:00Z");
    let same = workspace.run("diff").ends_with(0);
    assert!(same.stdout.contains("nothing changed"), "{same:?}");

    let after = dump(&workspace, "after", &[("a", "baseline"), ("b", "restricted"), ("d", "restricted")]);
    let newer = scan(&workspace, &after, LATER);
    let diff = workspace.run("diff --format json").ends_with(1).json();
    assert_eq!((&diff["older"]["run_id"], &diff["newer"]["run_id"]), (&json!(older), &json!(newer)));
    let told: Vec<(&str, &str, bool)> = found(&diff, "findings", "pss-enforced")
        .iter()
        .map(|change| (change["subject"].as_str().unwrap(), change["class"].as_str().unwrap(), change["worse"].as_bool().unwrap()))
        .collect();
    let all = [
        ("Namespace/a", "regressed", true),
        ("Namespace/b", "fixed", false),
        ("Namespace/c", "gone", false),
        ("Namespace/d", "new", false),
    ];
    assert!(told.len() == 4 && all.iter().all(|one| told.contains(one)), "{told:?}");
    // A partial run in between is passed over, the other way round tells the other way round.
    let _ = workspace.run(&format!("scan --dump {} --at 2026-11-03T00:00:00Z --check pss-enforced --fail-on nothing", after.display()));
    let again = workspace.run("diff --format json").ends_with(1).json();
    assert_eq!(again["newer"]["run_id"], newer.as_str());
    let back = workspace.run(&format!("diff {newer} {older} --format json")).ends_with(1).json();
    assert!(found(&back, "findings", "pss-enforced").iter().any(|change| change["subject"] == "Namespace/a" && change["class"] == "fixed"));
    let baseline = workspace.run(&format!("diff --baseline {older} --format json")).ends_with(1).json();
    assert_eq!(baseline, diff);
}

#[test]
fn what_was_not_looked_at_again_is_not_fixed() {
    let workspace = workspace();
    let _ = scan(&workspace, &dump(&workspace, "before", &[("a", "restricted"), ("b", "")]), AT);
    // No namespaces in this dump: the failing one is not seen.
    workspace
        .write("after/limitranges.json", json!({"apiVersion": "v1", "kind": "LimitRangeList", "metadata": {}, "items": []}).to_string());
    let _ = scan(&workspace, &workspace.path("after"), LATER);
    let ran = workspace.run("diff --format json").ends_with(3);
    let diff = ran.json();
    assert!(found(&diff, "findings", "pss-enforced").is_empty(), "{diff}");
    let lost = found(&diff, "incomparable", "pss-enforced");
    assert_eq!((lost.len(), &lost[0]["lost_sight"]), (1, &json!(true)), "{diff}");
    assert_eq!(lost[0]["older"], json!({"pass": 1, "fail": 1}));
    let text = workspace.run("diff").ends_with(3).stdout;
    assert!(text.contains("incomparable  pss-enforced") && !text.contains("fixed"), "{text}");
}

#[test]
fn every_form_says_the_same() {
    let workspace = workspace();
    let _ = scan(&workspace, &dump(&workspace, "before", &[("a", "restricted"), ("b", "")]), AT);
    let _ = scan(&workspace, &dump(&workspace, "after", &[("a", ""), ("b", "restricted")]), LATER);
    let text = workspace.run("diff").ends_with(1).stdout;
    assert!(text.contains("regressed     pss-enforced: Namespace/a; pass before, fail now"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let markdown = workspace.run("diff --format markdown").ends_with(1).stdout;
    assert!(markdown.contains("| pss-enforced | Namespace/a | pass | fail |"), "{markdown}");
    let sarif = workspace.run("diff --format sarif").ends_with(1).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let own: Vec<_> = results.iter().filter(|result| result["ruleId"] == "pss-enforced").collect();
    assert!(own.iter().any(|result| result["kind"] == "fail" && result["baselineState"] == "updated"), "{sarif}");
}

#[test]
fn another_library_decides_the_same_bundle_anew() {
    let workspace = workspace();
    let run = scan(&workspace, &dump(&workspace, "before", &[("a", "baseline"), ("b", "")]), AT);
    let sheet = workspace.run("checks show pss-enforced").ends_with(0).stdout;
    let softer = sheet.replace("{default: restricted,", "{default: baseline,").replace("version: 1\n", "version: 2\n");
    assert_ne!(sheet, softer);
    workspace.write("other/checks/library/isolation/pss-enforced.yaml", softer);
    let empty = workspace.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let _ = workspace.run("diff --library empty").ends_with(2).says(&["holds no library"]);
    let same = workspace.run("diff --library other --format json");
    let diff = same.json();
    assert_eq!((&diff["older"]["library"], &diff["newer"]["library"]), (&json!("sealed"), &json!("other")), "{same:?}");
    assert_eq!((&diff["older"]["run_id"], &diff["newer"]["run_id"]), (&json!(run), &json!(run)));
    let change = found(&diff, "findings", "pss-enforced");
    assert_eq!((change.len(), &change[0]["class"]), (1, &json!("fixed")), "{diff}");
    assert_eq!(change[0]["beside"], json!(["rule", "parameters"]));
    assert_eq!(found(&diff, "rules", "pss-enforced")[0]["newer_version"], 2);
}

#[test]
fn records_stand_alone_line_by_line() {
    let workspace = workspace();
    let run = scan(&workspace, &dump(&workspace, "before", &[("a", "restricted"), ("b", "")]), AT);
    let text = workspace.run(&format!("export --format records --at {AT}")).ends_with(0).stdout;
    let records: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |name: &str| records.iter().find(|record| record["check"]["id"] == "pss-enforced" && record["subject"]["name"] == name).unwrap();
    let record = of("b");
    assert_eq!((&record["run_id"], &record["subject"]["uid"]), (&json!(run), &json!("uid-b")));
    assert_eq!((&record["evaluation"]["verdict"], &record["evaluation"]["reason_code"]), (&json!("fail"), &json!("missing-object")));
    assert!(record["observed_period"]["basis"].as_str().unwrap().contains("as supplied"), "{record}");
    assert_eq!(record["parameters"]["pss_level"], json!({"value": "restricted", "source": "default"}));
    let index: Vec<u64> = records.iter().map(|record| record["chain"]["index"].as_u64().unwrap()).collect();
    assert_eq!(index, (1..=records.len() as u64).collect::<Vec<_>>());
}
