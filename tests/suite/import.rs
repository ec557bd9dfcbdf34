//! Import of OSCAL: a large catalog with profiles over it becomes a framework that loads and adds up; what cannot be taken
//! over is told by name, and what is wrong with its place.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::support::{Ran, Workspace};

const FAMILIES: usize = 20;
const CONTROLS: usize = 25;
const ENHANCEMENTS: usize = 3;

/// Families `aa` to `at`.
fn family(at: usize) -> String {
    format!("a{}", char::from(b'a' + u8::try_from(at).unwrap()))
}

fn metadata(title: &str) -> Json {
    json!({
        "title": title, "last-modified": "2026-05-01T00:00:00Z", "version": "3.1", "oscal-version": "1.2.1",
        "roles": [{"id": "publisher", "title": "Publisher"}],
        "parties": [{"uuid": "b535fcbd-b0c6-416f-9657-279ece5b7f65", "type": "organization", "name": "Institute of Examples"}],
        "responsible-parties": [{"role-id": "publisher", "party-uuids": ["b535fcbd-b0c6-416f-9657-279ece5b7f65"]}],
    })
}

const UUID: &str = "679794d2-9e37-4c81-b2cc-46d89f9dd2cf";

fn control(family: usize, number: usize, enhancement: Option<usize>) -> Json {
    let upper = family_label(family);
    let base = format!("{}-{number}", self::family(family));
    let (id, label, padded) = match enhancement {
        None => (base.clone(), format!("{upper}-{number}"), format!("{upper}-{number:02}")),
        Some(at) => (format!("{base}.{at}"), format!("{upper}-{number}({at})"), format!("{upper}-{number:02}({at:02})")),
    };
    let mut props = vec![
        json!({"name": "label", "class": "zero-padded", "value": padded}),
        json!({"name": "label", "value": label}),
        json!({"name": "sort-id", "value": padded.to_lowercase()}),
    ];
    let mut links = vec![json!({"href": format!("#{base}"), "rel": "related"})];
    if enhancement == Some(3) && number.is_multiple_of(5) {
        props.push(json!({"name": "status", "value": "withdrawn"}));
        links.push(json!({"href": format!("#{base}_smt.b"), "rel": "incorporated-into"}));
    }
    let mut out = json!({
        "id": id, "class": "example", "title": format!("Control {label}: \"quoted\" & odd # title"),
        "params": [{"id": format!("{id}_prm_1"), "label": "a period"}], "props": props, "links": links,
        "parts": [
            {"id": format!("{id}_smt"), "name": "statement", "prose": "The organization:", "parts": [
                {"id": format!("{id}_smt.a"), "name": "item", "props": [{"name": "label", "value": "a."}],
                 "prose": format!("reviews {label} every {{{{ insert: param, {id}_prm_1 }}}}; and")},
                {"id": format!("{id}_smt.b"), "name": "item", "props": [{"name": "label", "value": "b."}], "prose": "keeps records."}]},
            {"id": format!("{id}_gdn"), "name": "guidance", "prose": "Guidance that nobody copies."}],
    });
    if enhancement.is_none() {
        out["controls"] = (1..=ENHANCEMENTS).map(|at| self::control(family, number, Some(at))).collect();
    }
    out
}

fn family_label(at: usize) -> String {
    family(at).to_uppercase()
}

/// 2,000 controls: twenty families in four groups.
fn catalog() -> Json {
    let families = |from: usize| {
        let family = |at: usize| {
            let controls: Vec<Json> = (1..=CONTROLS).map(|number| control(at, number, None)).collect();
            json!({"id": family(at), "class": "family", "title": format!("Family {}", family_label(at)), "controls": controls})
        };
        (from..from + FAMILIES / 4).map(family).collect::<Vec<_>>()
    };
    let groups: Vec<Json> =
        (0..4).map(|at| json!({"id": format!("g{at}"), "title": format!("Part {at}"), "groups": families(at * 5)})).collect();
    json!({"catalog": {"uuid": UUID, "metadata": metadata("Catalog of examples"), "groups": groups}})
}

/// 700 of them, by id and by pattern, with what is taken out again.
fn profile() -> Json {
    let bases = |families: std::ops::Range<usize>| -> Vec<String> {
        families.flat_map(|at| (1..=CONTROLS).map(move |number| format!("{}-{number}", family(at)))).collect()
    };
    json!({"profile": {
        "uuid": UUID, "metadata": metadata("Baseline of examples"),
        "imports": [{
            "href": "#0a401504-eba7-472c-849a-b86610451990",
            "include-controls": [
                {"with-child-controls": "yes", "with-ids": bases(0..4)},
                {"matching": [{"pattern": "ae-*"}, {"pattern": "af-?"}, {"pattern": "af-*.?"}]},
                {"with-ids": bases(5..6)},
                {"matching": [{"pattern": "ag-*"}, {"pattern": "at-*"}]},
                {"with-ids": ["ah-1", "ah-1.1", "ah-2.3", "ah-3", "ah-4"]},
            ],
            "exclude-controls": [
                {"with-child-controls": "yes", "with-ids": ["ag-1"]},
                {"with-child-controls": "no", "with-ids": ["ag-2"]},
                {"matching": [{"pattern": "at-*"}]},
                {"with-ids": ["zz-9"]},
            ],
        }],
        "merge": {"as-is": true},
        "modify": {
            "set-parameters": [{"param-id": "aa-1_prm_1", "values": ["a year"]}],
            "alters": [{"control-id": "aa-2", "adds": [{"props": [{"name": "priority", "value": "P1"}]}]}],
        },
        "back-matter": {"resources": [{"uuid": "0a401504-eba7-472c-849a-b86610451990", "rlinks": [
            {"href": "https://example.com/oscal/big.xml", "media-type": "application/xml"},
            {"href": "https://example.com/oscal/big.json", "media-type": "application/json"}]}]},
    }})
}

/// The printed ids that the profile asks for, told apart from it.
fn selected() -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for at in 0..7 {
        for number in 1..=CONTROLS {
            let label = format!("{}-{number}", family_label(at));
            out.insert(label.clone());
            out.extend((1..=ENHANCEMENTS).map(|enhancement| format!("{label}({enhancement})")));
        }
    }
    for gone in ["AG-1", "AG-1(1)", "AG-1(2)", "AG-1(3)", "AG-2"] {
        out.remove(gone);
    }
    out.extend(["AH-1", "AH-1(1)", "AH-2(3)", "AH-3", "AH-4"].map(str::to_owned));
    out
}

fn workspace(frameworks: &[&str]) -> Workspace {
    let workspace = Workspace::with_settings(&json!({"workspace": "import", "frameworks": frameworks}));
    workspace.write("big.json", serde_json::to_string_pretty(&catalog()).unwrap());
    workspace.write("base.json", serde_json::to_string_pretty(&profile()).unwrap());
    workspace
}

fn ids(framework: &Json) -> Vec<&str> {
    framework["requirements"].as_array().unwrap().iter().map(|requirement| requirement["id"].as_str().unwrap()).collect()
}

#[test]
fn a_large_catalog_with_a_profile_becomes_a_framework_that_adds_up() {
    let workspace = workspace(&["base"]);
    let ran = workspace.run("import big.json --profile base.json").ends_with(0);
    assert_eq!(ran.path().file_name().unwrap(), "base.yaml");
    let ran = ran.says(&[
        "base: 700 requirements, 35 of them withdrawn",
        "big.json: ignored: `params`, 2000 in all",
        "base.json: ignored: `modify.set-parameters` of aa-1_prm_1",
        "base.json: ignored: `modify.alters` of aa-2",
        "`zz-9` is excluded and not there",
        "statements of 700 controls were not copied",
    ]);
    assert_eq!(ran.stderr.matches("warning:").count(), 5, "{}", ran.stderr);

    let framework = workspace.run("frameworks show base --format json").ends_with(0).json();
    let found: BTreeSet<String> = ids(&framework).into_iter().map(str::to_owned).collect();
    assert_eq!(found, selected());
    assert_eq!(framework["title"], "Baseline of examples");
    assert_eq!((&framework["publisher"], &framework["edition"]), (&json!("Institute of Examples"), &json!("3.1")));
    let groups: Vec<&str> = framework["groups"].as_array().unwrap().iter().map(|group| group["title"].as_str().unwrap()).collect();
    assert_eq!((groups.len(), groups[0], groups[7]), (8, "Part 0: Family AA", "Part 1: Family AH"));
    let requirement = |id: &str| framework["requirements"].as_array().unwrap().iter().find(|found| found["id"] == id).unwrap();
    assert_eq!(requirement("AA-5(3)")["withdrawn_into"], json!(["AA-5"]));
    assert_eq!(requirement("AA-5(3)")["attributes"], json!({"oscal_id": "aa-5.3"}));
    assert_eq!(requirement("AA-1")["title"], "Control AA-1: \"quoted\" & odd # title");
    assert!(!std::fs::read_to_string(workspace.path("ws/controls/frameworks/base.yaml")).unwrap().contains("organization"));

    let coverage = workspace.run("coverage base --format json").ends_with(0).json();
    let rows = coverage["requirements"].as_array().unwrap().len() as u64;
    let totals: u64 = coverage["totals"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((rows, totals), (700, 700));
    assert_eq!((&coverage["totals"]["none"], &coverage["totals"]["not-applicable"]), (&json!(665), &json!(35)));

    // The same input gives the same file, and nothing is replaced unasked.
    let path = workspace.path("ws/controls/frameworks/base.yaml");
    let first = std::fs::read(&path).unwrap();
    workspace.run("import big.json --profile base.json").ends_with(2).without_result().says(&["base.yaml is there already", "--force"]);
    workspace.run("import big.json --profile base.json --force").ends_with(0);
    assert_eq!(std::fs::read(&path).unwrap(), first);
}

#[test]
fn a_catalog_alone_is_imported_whole_and_statements_where_they_are_asked_for() {
    let workspace = workspace(&[]);
    let ran = workspace
        .run("import big.json --id house --with-statements")
        .ends_with(0)
        .says(&["house: 2000 requirements, 100 of them withdrawn"]);
    assert_eq!(ran.stderr.matches("warning:").count(), 1, "{}", ran.stderr);
    let framework = workspace.run("frameworks show house --format json").ends_with(0).json();
    assert_eq!(ids(&framework).len(), 2000);
    assert_eq!(ids(&framework)[..6], ["AA-1", "AA-1(1)", "AA-1(2)", "AA-1(3)", "AA-2", "AA-2(1)"]);
    let summary = &framework["requirements"][1]["summary"];
    assert_eq!(summary, "The organization: a. reviews AA-1(1) every [aa-1.1_prm_1]; and b. keeps records.");
    // Without a workspace there is a place to name.
    workspace.bare(["import", "big.json"]).ends_with(2).without_result().says(&["no workspace here", "--out"]);
    workspace.bare(["import", "big.json", "--out", "here/mine.yaml"]).ends_with(0);
    assert!(std::fs::read_to_string(workspace.path("here/mine.yaml")).unwrap().contains("\nid: mine\n"));
}

fn small(controls: &Json) -> Json {
    json!({"catalog": {"uuid": UUID, "metadata": metadata("Small"), "groups": [{"id": "g", "title": "G", "controls": controls}]}})
}

fn over(imports: &Json, merge: &Json) -> String {
    json!({"profile": {"uuid": UUID, "metadata": metadata("Over"), "imports": imports, "merge": merge}}).to_string()
}

fn refused(workspace: &Workspace, args: &str, says: &[&str]) -> Ran {
    let ran = workspace.run(&format!("import {args}")).ends_with(2).without_result().says(says);
    assert!(!workspace.path("ws/controls").exists(), "{ran:?}");
    ran
}

#[test]
fn profiles_over_profiles() {
    let workspace = workspace(&[]);
    let controls = json!([{"id": "a-1", "title": "One", "controls": [{"id": "a-1.1", "title": "Below"}]}, {"id": "a-2", "title": "Two"}]);
    workspace.write("lib/cat alog.json", small(&controls).to_string());
    workspace.write("lib/other.json", small(&json!([{"id": "b-1", "title": "Other"}])).to_string());
    workspace.write("lib/inner.json", over(&json!([{"href": "cat%20alog.json", "include-all": {}}]), &json!({"as-is": true})));
    let imports = json!([
        {"href": "../lib/inner.json", "include-controls": [{"with-ids": ["a-1"], "with-child-controls": "yes"}]},
        {"href": "../lib/inner.json#x", "include-controls": [{"with-ids": ["a-1", "a-2"]}]},
        {"href": "../lib/other.json"},
    ]);
    workspace.write("top/flat.json", over(&imports, &json!({"flat": {}})));
    workspace.run("import top/flat.json").ends_with(0).says(&["flat: 4 requirements", "names no controls and is read as `include-all`"]);
    let framework = workspace.run("frameworks show flat --format json").ends_with(0).json();
    assert_eq!(ids(&framework), ["a-1", "a-1.1", "a-2", "b-1"]);
    assert_eq!(framework["groups"], json!([{"id": "controls", "title": "Controls"}]));
    // Sections of the same id from two catalogs stay two where their titles differ.
    workspace.write("top/kept.json", over(&imports, &json!({"as-is": true})));
    workspace.run("import top/kept.json").ends_with(0);
    let framework = workspace.run("frameworks show kept --format json").ends_with(0).json();
    assert_eq!(framework["groups"], json!([{"id": "g", "title": "G"}]));
    // A profile of 1.0 names the catalog as XML; the JSON beside it is the same.
    workspace.write("lib/old.json", over(&json!([{"href": "other.xml", "include-all": {}}]), &json!({})).replace("1.2.1", "1.0.0"));
    workspace.run("import lib/other.json --profile lib/old.json").ends_with(0).says(&["old: 1 requirements"]);
}

#[test]
fn what_is_wrong_with_a_profile() {
    let workspace = workspace(&[]);
    workspace.write("a.json", small(&json!([{"id": "a-1", "title": "One"}, {"id": "a-2", "title": "Two"}])).to_string());
    workspace.write("b.json", small(&json!([{"id": "a-1", "title": "Another"}])).to_string());
    let all = |href: &str| json!({"href": href, "include-all": {}});
    for (imports, merge, says) in [
        (
            json!([{"href": "a.json", "include-controls": [{"with-ids": ["a-1", "a_2"]}]}]),
            json!({}),
            &["unknown-control", "/with-ids/1", "`a_2`", "did you mean `a-2`?", "p.json:1:"][..],
        ),
        (json!([all("c.json")]), json!({}), &["no file `c.json`", "/profile/imports/0/href", "p.json:1:"]),
        (json!([all("https://example.com/a.json")]), json!({}), &["`https://example.com/a.json`", "nothing is fetched"]),
        (json!([all("#679794d2-9e37-4c81-b2cc-46d89f9dd2cf")]), json!({}), &["no resource"]),
        (json!([all("a.json"), all("b.json")]), json!({}), &["`a-1` in a.json and in b.json", "use-first", "/profile/imports/1"]),
        (json!([all("p.json")]), json!({}), &["circle: p.json imports p.json"]),
        (json!([all("q.json")]), json!({}), &["circle: p.json imports q.json imports p.json", "q.json:1:"]),
        (json!([all("a.json")]), json!({"custom": {}}), &["found `custom`", "/profile/merge/custom"]),
        (json!([{"href": "a.json", "include-all": {}, "include-controls": [{"with-ids": ["a-1"]}]}]), json!({}), &["found both"]),
        (
            json!([{"href": "a.json", "include-all": {}, "exclude-controls": [{"matching": [{"pattern": "*"}]}]}]),
            json!({}),
            &["found none"],
        ),
        (
            json!([{"href": "a.json", "include-controls": [{"with-id": ["a-1"]}]}]),
            json!({}),
            &["unknown field `with-id`", "with-ids", "p.json:1:"],
        ),
        (
            json!([{"href": "a.json", "include-controls": [{"with-ids": ["a-1"], "with-child-controls": true}]}]),
            json!({}),
            &["p.json:1:", "expected"],
        ),
        (json!([]), json!({}), &["found none"]),
    ] {
        workspace.write("p.json", over(&imports, &merge));
        workspace.write("q.json", over(&json!([all("p.json")]), &json!({})));
        refused(&workspace, "p.json", says).says(&["error[", "help:"]);
    }
    workspace.write("p.json", over(&json!([all("a.json"), all("b.json")]), &json!({"combine": {"method": "use-first"}})));
    workspace
        .run("import p.json --out out/p.yaml")
        .ends_with(0)
        .says(&["`use-first` passed over later controls: a-1", "p: 2 requirements"]);
    refused(&workspace, "big.json --profile p.json", &["expected a profile that imports big.json"]);
    refused(&workspace, "a.json --profile b.json", &["expected a profile, found a catalog"]);
    refused(&workspace, "a.json --profile nowhere.json", &["nowhere.json", "found no file"]);
    // A long chain ends too.
    for at in 0..40 {
        workspace.write(&format!("chain{at}.json"), over(&json!([all(&format!("chain{}.json", at + 1))]), &json!({})));
    }
    refused(&workspace, "chain0.json", &["expected at most 32 profiles"]);
}

#[test]
fn what_is_no_catalog() {
    let workspace = workspace(&[]);
    let one = small(&json!([{"id": "a-1", "title": "One"}]));
    let changed = |change: &dyn Fn(&mut Json)| {
        let mut out = one.clone();
        change(&mut out["catalog"]);
        serde_json::to_string_pretty(&out).unwrap()
    };
    let controls = |controls: Json| changed(&move |catalog| catalog["groups"][0]["controls"] = controls.clone());
    let nested =
        (0..200).fold(json!({"id": "x", "title": "T"}), |inner, at| json!({"id": format!("x{at}"), "title": "T", "controls": [inner]}));
    for (text, says) in [
        (String::new(), &["c.json:1:1", "EOF"][..]),
        ("<?xml version=\"1.0\"?><catalog/>".to_owned(), &["expected OSCAL as JSON, found XML", "oscal-cli convert"]),
        ("{\"catalog\": {".to_owned(), &["c.json:1:", "EOF"]),
        ("[1, 2]".to_owned(), &["c.json:1:", "one object with the key `catalog`"]),
        (json!({"component-definition": {}}).to_string(), &["found `component-definition`", "c.json:1:1"]),
        (json!({"\u{1b}[31m": {}}).to_string(), &["found `\u{fffd}[31m`"]),
        (json!({"catalog": {}, "profile": {}}).to_string(), &["found `catalog`, `profile`"]),
        (
            changed(&|catalog| catalog["metadata"]["oscal-version"] = "2.0.0".into()),
            &["expected OSCAL 1.0, 1.1 or 1.2, found `2.0.0`", "c.json:", "/catalog/metadata/oscal-version"],
        ),
        (changed(&|catalog| catalog["metadata"]["oscal-version"] = "1.0.0-rc1".into()), &["found `1.0.0-rc1`"]),
        (changed(&|catalog| catalog["groups"][0]["control"] = json!([])), &["unknown field `control`", "`controls`", "c.json:"]),
        (controls(json!([{"id": "a-1"}])), &["missing field `title`", "c.json:"]),
        (controls(json!([{"id": 1, "title": "T"}])), &["invalid type: integer `1`, expected a string", "c.json:"]),
        (controls(json!([{"id": "ä-1", "title": "T"}])), &["found `ä-1`", "/catalog/groups/0/controls/0/id", "c.json:"]),
        (
            controls(json!([{"id": "a", "title": "T"}, {"id": "a", "title": "T"}])),
            &["found the id `a` again (first at /catalog/groups/0/controls/0/id)"],
        ),
        (controls(json!([])), &["expected controls, found none"]),
        (controls(json!([nested])), &["recursion limit", "c.json:"]),
    ] {
        workspace.write("c.json", text);
        let ran = refused(&workspace, "c.json", says).says(&["error[", "help:"]);
        assert!(ran.stderr.len() < 3000, "{}", ran.stderr.len());
    }
    workspace.write("c.json", b"{\"catalog\": \xff}");
    refused(&workspace, "c.json", &["expected UTF-8", "line 1"]);
    workspace.write("1.json", one.to_string());
    refused(&workspace, "1.json", &["no id can be made of the name `1`", "--id"]);
    refused(&workspace, "1.json --id soc2-tsc-2017", &["a framework of the library", "--force"]);
    refused(&workspace, "1.json --id a --out b.yaml", &["expected `a.yaml`, found b.yaml"]);
    // Many faults are told as many, and not all.
    let many: Vec<Json> = (0..300).map(|_| json!({"id": "a", "title": "T"})).collect();
    workspace.write("c.json", controls(json!(many)));
    refused(&workspace, "c.json", &["more faults than are shown"]);
}

#[test]
fn labels_that_are_no_ids_and_yaml() {
    let workspace = workspace(&[]);
    let label = |value: &str| json!([{"name": "label", "value": value}]);
    let controls = json!([
        {"id": "gv.oc", "title": "Org Context", "props": label("Org Context (GV.OC)")},
        {"id": "a-1", "title": "A", "props": label("Twice")},
        {"id": "a-2", "title": "A", "props": label("Twice")},
        {"id": "a-3", "title": "A", "props": label("§ 3")},
        {"id": "a-4", "title": " ", "props": label("A-4 (1)")},
        {"id": "\u{1b}", "title": "T", "props": label("A-6")},
        {"id": "a-5", "title": "Gone", "props": [{"name": "status", "value": "Withdrawn"}], "links": [{"href": "#a-9", "rel": "moved-to"}]},
    ]);
    workspace.write("c.json", format!("\u{feff}{}", small(&controls)));
    workspace.run("import c.json").ends_with(0).says(&[
        "printed by `id`, since the label is no id or not the only one: a-1, a-2, a-3",
        "withdrawn into what was not selected, which is left out: a-5 into a-9",
        "without a title, and printed with their id instead: A-4(1)",
    ]);
    let framework = workspace.run("frameworks show c --format json").ends_with(0).json();
    assert_eq!(ids(&framework), ["GV.OC", "a-1", "a-2", "a-3", "A-4(1)", "A-6", "a-5"]);
    let meeting = json!([{"id": "a-1", "title": "A", "props": label("a-2")}, {"id": "a-2", "title": "B"}]);
    workspace.write("meeting.json", small(&meeting).to_string());
    workspace.run("import meeting.json").ends_with(0).says(&["labels and ids of controls meet, so all are printed by `id`"]);
    let mut yaml = String::from("catalog:\n  uuid: 679794d2-9e37-4c81-b2cc-46d89f9dd2cf\n");
    yaml += "  metadata: {title: Y, last-modified: 2026-05-01T00:00:00Z, version: '1', oscal-version: v1.1.3}\n  controls:\n";
    for at in 1..4 {
        let _ = writeln!(yaml, "    - id: y-{at}\n      title: Control {at}");
    }
    workspace.write("y.yaml", &yaml);
    workspace.run("import y.yaml").ends_with(0).says(&["y: 3 requirements"]);
    workspace.write("z.yaml", yaml.replace("id: y-2", "id: y-1"));
    workspace.run("import z.yaml").ends_with(2).says(&["z.yaml", "found the id `y-1` again", "/catalog/controls/1/id"]);
    workspace.write("z.yaml", yaml.replace("title: Control 2", "titel: x"));
    workspace.run("import z.yaml").ends_with(2).says(&["z.yaml:", "titel"]);
}
