//! What a library may say, and how each thing that it must not say is refused: with its place and how to mend it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use proofbook_controls::diagnostic::{Diagnostic, Diagnostics};
use proofbook_controls::{Binds, FrameworkId, Relation, RequirementId};
use support::{control, crosswalk, framework, framework_id, library, mappings};

const GROUPS: &str = "groups: [{id: G, title: Group}]\n";

fn catalog() -> String {
    framework(
        "catalog",
        "groups: [{id: G, title: Group}, {id: H, title: Other}, {id: I, title: Unused}]\n",
        &[
            "{id: G-1, group: G, title: First, summary: It holds., binds: customer}",
            "{id: H-1, group: H, title: Second}",
            "{id: I-1, group: I, title: Third}",
            "{id: I-2, group: I, title: Gone, withdrawn: true, withdrawn_into: [I-1, H]}",
        ],
    )
}

fn faults(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let found = library(files).map(|_| ()).unwrap_err();
    let Diagnostics(faults) = found;
    faults
}

/// Exactly one fault, of this code, whose line holds `place`, and which says `says`.
#[track_caller]
fn refused(files: &[(&str, &str)], code: &str, place: &str, says: &str) {
    let faults = faults(files);
    let [fault] = faults.as_slice() else { panic!("{} faults instead of one:\n{}", faults.len(), Diagnostics(faults.clone())) };
    let shown = fault.to_string();
    assert_eq!(fault.code, code, "{shown}");
    let span = fault.span.unwrap_or_else(|| panic!("no place: {shown}"));
    let text = files.iter().find(|(path, _)| fault.file.ends_with(path)).unwrap().1;
    let line = text.lines().nth(span.line as usize - 1).unwrap();
    let at: String = line.chars().skip(span.column as usize - 1).collect();
    assert!(at.starts_with(place), "the fault is shown at {at:?}, not at {place:?}: {shown}");
    assert!(shown.contains(says) && !fault.help.is_empty(), "{shown}");
}

#[test]
fn a_profile_takes_from_its_catalog_what_it_does_not_say() {
    let profile = framework(
        "profile",
        "profile_of: catalog\nlevels: [{id: low, title: Low}]\n",
        &["{id: H-1, levels: [low]}", "{id: G-1, title: Own title}"],
    );
    let own = mappings("profile", &[("G-1", "kept", "subset")]);
    let inherited = mappings("catalog", &[("G-1", "kept", "intersects"), ("G-1", "other", "superset"), ("I-1", "other", "intersects")]);
    let controls = library(&[
        ("frameworks/catalog.yaml", &catalog()),
        ("frameworks/profile.yaml", &profile),
        ("library/kept.yaml", &control("kept")),
        ("library/other.yaml", &control("other")),
        ("mappings/catalog.yaml", &inherited),
        ("mappings/profile.yaml", &own),
    ])
    .unwrap();
    let profile = &controls.frameworks["profile"];
    let seen: Vec<_> =
        profile.requirements.iter().map(|r| (r.id.as_str(), r.group.as_str(), r.title.as_str(), r.summary.as_str(), r.binds)).collect();
    assert_eq!(
        seen,
        [("H-1", "H", "Second", "", Binds::Provider), ("G-1", "G", "Own title", "It holds.", Binds::Customer)],
        "group, title, summary and binds"
    );
    assert_eq!(profile.groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["G", "H"], "the groups that it uses");
    assert_eq!(profile.requirements[0].levels, ["low"]);
    let id = framework_id("profile");
    let mapped: Vec<_> = controls
        .mappings_of(&id)
        .map(|m| (m.requirement.as_str(), m.control.as_str(), m.relation, m.inherited_from.as_ref().map(FrameworkId::as_str)))
        .collect();
    assert_eq!(mapped, [("G-1", "kept", Relation::Subset, None), ("G-1", "other", Relation::Superset, Some("catalog"))]);
}

#[test]
fn a_profile_names_one_catalog_that_is_no_profile() {
    let catalog = catalog();
    let profile = |head: &str, requirement: &str| framework("profile", head, &[requirement]);
    for (head, requirement, code, place, says) in [
        ("profile_of: catalogue\n", "{id: G-1}", "unknown-framework", "catalogue", "did you mean `catalog`?"),
        ("profile_of: profile\n", "{id: G-1}", "own-framework", "profile", "names itself"),
        ("profile_of: catalog\n", "{id: G-11}", "unknown-requirement", "G-11", "did you mean `G-1`?"),
        ("profile_of: catalog\n", "{id: I-2}", "withdrawn", "I-2", "what took its place"),
        ("profile_of: catalog\n", "{id: G-1, binds: both}", "binds", "G-1", "binds `customer`"),
    ] {
        let profile = profile(head, requirement);
        refused(&[("frameworks/catalog.yaml", &catalog), ("frameworks/profile.yaml", &profile)], code, place, says);
    }
    let first = profile("profile_of: catalog\n", "{id: G-1}");
    let second = framework("second", "profile_of: profile\n", &["{id: G-1}"]);
    let files = [("frameworks/catalog.yaml", &*catalog), ("frameworks/profile.yaml", &first), ("frameworks/second.yaml", &second)];
    refused(&files, "profile-of-profile", "profile", "select from `catalog`");
}

#[test]
fn what_refers_to_a_broken_file_is_not_blamed() {
    let broken = catalog().replace("title: First", "titel: First");
    let profile = framework("profile", "profile_of: catalog\nsupersedes: catalog\n", &["{id: G-1, replaces: [G-9]}"]);
    let mapping = mappings("catalog", &[("G-1", "kept", "subset")]);
    let pairs = crosswalk("pairs", "catalog", "profile", "", &["{from: G-1, relation: equal, to: [G-1]}"]);
    let files = [
        ("frameworks/catalog.yaml", &*broken),
        ("frameworks/profile.yaml", &profile),
        ("library/kept.yaml", &control("kept")),
        ("mappings/catalog.yaml", &mapping),
        ("crosswalks/pairs.yaml", &pairs),
    ];
    refused(&files, "yaml", "titel", "titel");
}

#[test]
fn a_framework_says_only_what_holds_of_itself() {
    for (requirement, code, place, says) in [
        ("{id: G-1, title: First}", "no-group", "G-1", "in no group"),
        ("{id: G-1, group: G}", "no-title", "G-1", "no title"),
        ("{id: G-1, group: GG, title: First}", "unknown-group", "G-1", "`GG`"),
        ("{id: G-1, group: G, title: First, levels: [lo]}", "unknown-level", "G-1", "did you mean `low`?"),
        ("{id: G-1, group: G, title: First, levels: [low, low]}", "duplicate-level", "G-1", "twice"),
        ("{id: G-1, group: G, title: First, attributes: {kind: x}}", "unknown-column", "G-1", "`kind`"),
        ("{id: G-1, group: G, title: First, withdrawn: true, withdrawn_into: [G-2]}", "unknown-requirement", "G-1", "`G-2`"),
        ("{id: G-1, group: G, title: First, withdrawn_into: [G-10]}", "withdrawn", "G-1", "is not withdrawn"),
        ("{id: G-1, group: G, title: First, replaces: [G-10]}", "replaces", "G-1", "`supersedes`"),
        ("{id: G-1, group: G, title: First, withdrawn: true, score: {poam: never}}", "score", "G-1", "withdrawn"),
        ("{id: G-1, group: G, title: First, score: {weight: 5, prerequisite: true, poam: never}}", "score", "G-1", "nothing to deduct"),
        (
            "{id: G-1, group: G, title: First, score: {weight: 3, partial: {weight: 3, when: x}, poam: never}}",
            "score",
            "G-1",
            "not smaller",
        ),
        ("{id: G-1, group: G, title: First, score: {partial: {weight: 3, when: x}, poam: never}}", "score", "G-1", "`weight`"),
        ("{id: G-1, group: G, title: First, score: {weight: 1, poam: conditional}}", "score", "G-1", "partial credit"),
        ("{id: G-10, group: G, title: First}", "duplicate-id", "G-10", "occurs twice"),
    ] {
        let head = format!("levels: [{{id: low, title: Low}}]\n{GROUPS}");
        let text = framework("a", &head, &["{id: G-10, group: G, title: Tenth}", requirement]);
        refused(&[("frameworks/a.yaml", &text)], code, place, says);
    }
    let text = framework("a", "groups: [{id: G, title: Group}, {id: G, title: Again}]\n", &["{id: G-1, group: G, title: First}"]);
    refused(&[("frameworks/a.yaml", &text)], "duplicate-id", "G, title: Again", "the group `G`");
    let text = framework("a", GROUPS, &["{id: G-1, group: G, title: First}"]);
    refused(&[("frameworks/a.yaml", &text), ("frameworks/b/a.yaml", &text)], "duplicate-id", "id: a", "frameworks/a.yaml");
    refused(&[("frameworks/b.yaml", &text)], "file-name", "id: a", "`a.yaml`");
}

#[test]
fn an_edition_replaces_what_the_one_before_has() {
    let before = framework("before", GROUPS, &["{id: G-1, group: G, title: First}"]);
    let later = |head: &str, id: &str| {
        framework("later", &format!("{head}{GROUPS}"), &[&format!("{{id: G-2, group: G, title: Second, replaces: [{id}]}}")])
    };
    library(&[("frameworks/before.yaml", &before), ("frameworks/later.yaml", &later("supersedes: before\n", "G-1"))]).unwrap();
    for (head, id, code, place, says) in [
        ("supersedes: befor\n", "G-1", "unknown-framework", "befor", "did you mean `before`?"),
        ("supersedes: later\n", "G-1", "own-framework", "later", "names itself"),
        ("supersedes: before\n", "G-3", "unknown-requirement", "G-2", "which `before` does not have"),
    ] {
        refused(&[("frameworks/before.yaml", &before), ("frameworks/later.yaml", &later(head, id))], code, place, says);
    }
}

#[test]
fn a_mapping_stands_once_and_says_what_it_does_not_prove() {
    let catalog = catalog();
    let kept = control("kept");
    let files = |text: &str, code, place, says| {
        let files = [("frameworks/catalog.yaml", &*catalog), ("library/kept.yaml", &kept), ("mappings/catalog.yaml", text)];
        refused(&files, code, place, says);
    };
    let one = mappings("catalog", &[("G-1", "kept", "subset")]);
    files(&one.replace("framework: catalog", "framework: catalogue"), "unknown-framework", "catalogue", "did you mean");
    files(&one.replace("limits: Not all.", "limits: ' '"), "limits", "G-1", "fill in");
    files(&mappings("catalog", &[("G-9", "kept", "subset")]), "unknown-requirement", "G-9", "did you mean");
    files(&mappings("catalog", &[("I-2", "kept", "subset")]), "withdrawn", "I-2", "what took its place");
    files(&mappings("catalog", &[("G-1", "kpt", "subset")]), "unknown-control", "kpt", "did you mean `kept`?");
    files(&mappings("catalog", &[("G-1", "kept", "subset"), ("G-1", "kept", "equal")]), "duplicate-mapping", "kept", "twice");
    // Also where two files map the same framework.
    let files =
        [("frameworks/catalog.yaml", &*catalog), ("library/kept.yaml", &kept), ("mappings/a.yaml", &one), ("mappings/b.yaml", &one)];
    refused(&files, "duplicate-mapping", "kept", "mappings/b.yaml");
}

#[test]
fn a_crosswalk_joins_two_catalogs_whose_requirements_exist() {
    let catalog = catalog();
    let ok = |from, to, pair: &str| crosswalk("pairs", from, to, "other: Other catalog", &[pair]);
    let pair = "{from: G-1, relation: superset, to: [X-1, 'X-2']}";
    let controls = library(&[("frameworks/catalog.yaml", &catalog), ("crosswalks/pairs.yaml", &ok("catalog", "other", pair))]).unwrap();
    let crosswalk = &controls.crosswalks["pairs"];
    assert_eq!(crosswalk.pairs.iter().map(|pair| pair.to.as_str()).collect::<Vec<_>>(), ["X-1", "X-2"]);
    assert_eq!(controls.catalog_title(&framework_id("other")), Some("Other catalog"));
    for (from, to, pair, code, place, says) in [
        ("catalogue", "other", pair, "unknown-framework", "catalogue", "did you mean `catalog`?"),
        ("catalog", "another-one", pair, "unknown-framework", "another-one", "outside"),
        ("other", "other", pair, "own-framework", "other", "to itself"),
        ("other", "catalog", pair, "unknown-requirement", "X-1", "has no requirement `X-1`"),
        ("catalog", "other", "{from: G-9, relation: equal, to: [X-1]}", "unknown-requirement", "G-9", "did you mean `G-1`?"),
        ("catalog", "other", "{from: I-2, relation: equal, to: [X-1]}", "withdrawn", "I-2", "what took its place"),
        ("catalog", "other", "{from: G-1, relation: equal, to: [X-1, X-1]}", "duplicate-pair", "X-1]", "twice"),
        ("catalog", "other", "{from: G-1, relation: intersect, to: [X-1]}", "yaml", "intersect", "intersect"),
    ] {
        let pair = if code == "unknown-requirement" && place == "X-1" { "{from: X-1, relation: equal, to: [X-1]}" } else { pair };
        refused(&[("frameworks/catalog.yaml", &catalog), ("crosswalks/pairs.yaml", &ok(from, to, pair))], code, place, says);
    }
    let text = ok("catalog", "other", pair);
    refused(
        &[("frameworks/catalog.yaml", &catalog), ("crosswalks/pairs.yaml", &text), ("crosswalks/own/pairs.yaml", &text)],
        "duplicate-id",
        "id: pairs",
        "another folder",
    );
    refused(&[("frameworks/catalog.yaml", &catalog), ("crosswalks/other.yaml", &text)], "file-name", "id: pairs", "`pairs.yaml`");
}

#[test]
fn a_whole_takes_over_the_mappings_of_its_parts_unless_it_has_its_own() {
    let law = framework(
        "law",
        "parts_in_parentheses: true\ngroups: [{id: G, title: Group}]\n",
        &[
            "{id: Art.1, group: G, title: Whole}",
            "{id: Art.1(1), group: G, title: Part}",
            "{id: Art.1(1)(a), group: G, title: Point}",
            "{id: Art.1(2), group: G, title: Other}",
            "{id: Art.11, group: G, title: Neighbour}",
        ],
    );
    let mapped = mappings("law", &[("Art.1(1)(a)", "kept", "superset"), ("Art.1(2)", "kept", "equal"), ("Art.1(2)", "other", "equal")]);
    let controls = library(&[
        ("frameworks/law.yaml", &law),
        ("library/kept.yaml", &control("kept")),
        ("library/other.yaml", &control("other")),
        ("mappings/law.yaml", &mapped),
    ])
    .unwrap();
    let id = framework_id("law");
    let seen: Vec<String> = controls
        .mappings_of(&id)
        .map(|m| {
            let through: Vec<&str> = m.through.iter().map(RequirementId::as_str).collect();
            format!("{} {} {} [{}]", m.requirement, m.control, m.relation.as_str(), through.join(" "))
        })
        .collect();
    assert_eq!(
        seen,
        [
            "Art.1 kept intersects [Art.1(1)(a) Art.1(2)]",
            "Art.1 other subset [Art.1(2)]",
            "Art.1(1) kept intersects [Art.1(1)(a)]",
            "Art.1(1)(a) kept superset []",
            "Art.1(2) kept equal []",
            "Art.1(2) other equal []",
        ]
    );
}

#[test]
fn what_a_customer_checks_is_a_check_of_the_control() {
    let with = |checks: &str| control("kept").replace("customer: [Use it.]", &format!("customer: [Use it.], customer_checks: [{checks}]"));
    library(&[("library/kept.yaml", &with("some-check"))]).unwrap();
    for (checks, code, place, says) in [
        ("some-chek", "unknown-check", "some-chek", "did you mean `some-check`?"),
        ("some-check, some-check", "duplicate-check", "some-check]", "twice"),
    ] {
        refused(&[("library/kept.yaml", &with(checks))], code, place, says);
    }
}
