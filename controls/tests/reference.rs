//! The embedded frameworks, controls and mappings: complete against the reference lists, and fit to be read by an auditor.
//!
//! The counts hold everywhere. The rows are compared with the reference lists where those are at hand; where they are not,
//! the test says that it skipped the comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proofbook_controls::files::Files;
use proofbook_controls::{Controls, Framework, Requirement};

const ISO: &str = "iso27001-2022";
const SOC2: &str = "soc2-tsc-2017";

fn load() -> Controls {
    Controls::load(&Files::embedded()).unwrap_or_else(|errors| panic!("the embedded library does not load:\n{errors}"))
}

fn framework<'c>(controls: &'c Controls, id: &str) -> &'c Framework {
    &controls.frameworks[id]
}

// The rows of a reference list by column name, or nothing where the list is not at hand.
#[expect(clippy::print_stdout, reason = "a comparison that was skipped must be seen in the output of the test")]
fn reference(framework: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let name = format!("{framework}.csv");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference").join(&name);
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: reference list {name}");
        return None;
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Result<Vec<BTreeMap<String, String>>, _> = reader.deserialize().collect();
    Some(rows.unwrap_or_else(|error| panic!("{name}: {error}")))
}

// Compares every requirement with the row at its place; `seen` gives the columns as the catalog has them.
fn compare(framework: &Framework, seen: impl Fn(&Requirement) -> Vec<(&'static str, String)>) {
    let Some(rows) = reference(framework.id.as_str()) else { return };
    for (requirement, row) in framework.requirements.iter().zip(&rows) {
        for (column, ours) in seen(requirement) {
            let theirs = &row[column];
            assert_eq!(&ours, theirs, "{}: row `{}`, column `{column}`", framework.id, row["id"]);
        }
    }
    let (ours, theirs) = (framework.requirements.len(), rows.len());
    assert_eq!(ours, theirs, "{}: {ours} requirements, {theirs} rows in the reference list", framework.id);
}

fn count(framework: &Framework, group: &str) -> usize {
    framework.requirements.iter().filter(|requirement| requirement.group == group).count()
}

#[test]
fn iso27001_has_all_clauses_and_all_of_annex_a() {
    let controls = load();
    let iso = framework(&controls, ISO);
    let of_kind = |kind: &str| iso.requirements.iter().filter(|requirement| requirement.attributes["kind"] == kind).count();
    assert_eq!((iso.requirements.len(), of_kind("clause"), of_kind("annex-a")), (127, 34, 93));
    assert_eq!(["A.5", "A.6", "A.7", "A.8"].map(|theme| count(iso, theme)), [37, 8, 14, 34]);
    compare(iso, |requirement| {
        vec![
            ("id", requirement.id.to_string()),
            ("kind", requirement.attributes["kind"].clone()),
            ("theme", iso.group_title(&requirement.group).to_owned()),
        ]
    });
}

#[test]
fn soc2_has_all_criteria_of_all_categories() {
    let controls = load();
    let soc2 = framework(&controls, SOC2);
    let of_category = |name: &str| soc2.requirements.iter().filter(|requirement| requirement.attributes["category"] == name).count();
    assert_eq!(soc2.requirements.len(), 61);
    let categories = ["common criteria", "availability", "confidentiality", "processing integrity", "privacy"];
    assert_eq!(categories.map(of_category), [33, 3, 2, 5, 18]);
    compare(soc2, |requirement| {
        vec![
            ("id", requirement.id.to_string()),
            ("category", requirement.attributes["category"].clone()),
            ("series", requirement.group.clone()),
            ("series_name", soc2.group_title(&requirement.group).to_owned()),
            ("title", requirement.title.clone()),
        ]
    });
}

// Fails with both places where a text stands twice.
fn assert_distinct<'t>(what: &str, texts: impl Iterator<Item = (String, &'t str)>) {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for (place, text) in texts {
        if let Some(other) = seen.insert(text, place.clone()) {
            panic!("{what} of {other} and {place} are the same: {text}");
        }
    }
}

#[test]
fn summaries_are_sentences_of_their_own() {
    let controls = load();
    let all = || controls.frameworks.values().flat_map(|f| f.requirements.iter().map(move |r| (format!("{} {}", f.id, r.id), r)));
    for (place, requirement) in all() {
        assert!(!requirement.title.trim().is_empty(), "{place} has no title");
        assert!(requirement.summary.is_empty() || is_sentence(&requirement.summary), "{place}: {}", requirement.summary);
    }
    assert_distinct("the summaries", all().filter(|(_, r)| !r.summary.is_empty()).map(|(place, r)| (place, r.summary.as_str())));
    for framework in controls.frameworks.values() {
        let titles = framework.requirements.iter().map(|r| (r.id.to_string(), r.title.as_str()));
        assert_distinct("the titles", titles);
    }
}

#[test]
fn what_is_mapped_has_a_summary() {
    let controls = load();
    for mapping in &controls.mappings {
        let requirement = framework(&controls, mapping.framework.as_str()).requirement(mapping.requirement.as_str());
        let summary = requirement.map_or("", |requirement| requirement.summary.as_str());
        assert!(
            !summary.is_empty(),
            "{} {} is mapped, so a platform can influence it: summarise it",
            mapping.framework,
            mapping.requirement
        );
    }
}

fn is_sentence(text: &str) -> bool {
    text.starts_with(char::is_uppercase) && text.ends_with('.') && !text.contains("  ")
}

#[test]
fn every_control_is_written_in_sentences() {
    let controls = load();
    for (id, control) in &controls.controls {
        let duties = control.responsibility.provider.iter().chain(&control.responsibility.customer);
        let statements = control.attestations.iter().map(|need| &need.statement);
        for text in duties.chain(statements).chain([&control.objective]) {
            assert!(is_sentence(text), "{id}: not a sentence: {text}");
        }
        assert!(!control.title.ends_with('.'), "{id}: a title has no full stop");
        assert!((1..=12).contains(&control.review_months), "{id}: reviewed every {} months", control.review_months);
        for need in &control.attestations {
            assert!((30..=366).contains(&need.valid_days), "{id}: `{}` counts for {} days", need.id, need.valid_days);
        }
    }
    assert_distinct("the objectives", controls.controls.iter().map(|(id, control)| (id.to_string(), control.objective.as_str())));
}

#[test]
fn every_control_is_mapped_and_every_mapping_says_what_it_does_not_prove() {
    let controls = load();
    for id in controls.controls.keys() {
        assert!(controls.mappings_to(id).next().is_some(), "the control `{id}` is mapped to no requirement");
    }
    let place = |m: &proofbook_controls::Mapping| format!("{} {} {}", m.framework, m.requirement, m.control);
    for mapping in &controls.mappings {
        assert!(is_sentence(&mapping.rationale), "{}: {}", place(mapping), mapping.rationale);
        assert!(is_sentence(&mapping.limits), "{}: {}", place(mapping), mapping.limits);
    }
    assert_distinct("the rationales", controls.mappings.iter().map(|m| (place(m), m.rationale.as_str())));
    assert_distinct("the limits", controls.mappings.iter().map(|m| (place(m), m.limits.as_str())));
}

#[test]
fn a_check_stands_once_in_a_control() {
    for (id, control) in load().controls {
        let named: Vec<_> = control.checks.required.iter().chain(&control.checks.supporting).map(|check| &check.value).collect();
        let distinct: BTreeSet<_> = named.iter().collect();
        assert_eq!(named.len(), distinct.len(), "the control `{id}` names a check twice");
    }
}
