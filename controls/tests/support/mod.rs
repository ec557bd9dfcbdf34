//! What the tests share: small libraries, the embedded one, the reference lists, and lists of faults that come at once.

#![allow(dead_code, reason = "every test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use proofbook_controls::diagnostic::Diagnostics;
use proofbook_controls::files::Files;
use proofbook_controls::{Controls, FrameworkId, RequirementId};

/// A row of a reference list, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// The embedded library.
pub(crate) fn embedded() -> Controls {
    Controls::load(&Files::embedded()).unwrap_or_else(|errors| panic!("the embedded library does not load:\n{errors}"))
}

/// A library of these files, given by path below `controls/`.
pub(crate) fn library(files: &[(&str, &str)]) -> Result<Controls, Diagnostics> {
    let mut all = Files::default();
    for (path, text) in files {
        all.insert(format!("controls/{path}"), *text);
    }
    Controls::load(&all)
}

/// The rows of a reference list, or nothing where the list is not at hand.
pub(crate) fn reference(name: &str) -> Option<Vec<Row>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference").join(name);
    let Ok(text) = std::fs::read_to_string(path) else {
        // Past the capture of the test runner: a comparison that was skipped must be seen.
        let _ = writeln!(std::io::stderr().lock(), "skipped: reference list {name}");
        return None;
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Result<Vec<Row>, _> = reader.deserialize().collect();
    Some(rows.unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Fails with all faults at once.
#[track_caller]
pub(crate) fn none(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}: {} faults\n  {}", faults.len(), faults.join("\n  "));
}

pub(crate) fn framework_id(id: &str) -> FrameworkId {
    FrameworkId::new(id).unwrap()
}

pub(crate) fn requirement_id(id: &str) -> RequirementId {
    RequirementId::new(id).unwrap()
}

/// A framework `id` with this head and these requirements, a YAML line each.
pub(crate) fn framework(id: &str, head: &str, requirements: &[&str]) -> String {
    let requirements: String = requirements.iter().map(|line| format!("  - {line}\n")).collect();
    format!(
        "id: {id}\ntitle: Title of {id}\nshort_title: {id}\npublisher: nobody\nedition: one\nsource: a test\nlicence: free\n\
         {head}requirements:\n{requirements}"
    )
}

/// A control `id`.
pub(crate) fn control(id: &str) -> String {
    format!(
        "id: {id}\ntitle: Title\nobjective: It works.\nlayer: data\nresponsibility: {{split: shared, provider: [Do it.], customer: [Use it.]}}\n\
         checks: {{required: [some-check]}}\nreview_months: 6\n"
    )
}

/// The mappings of a framework: requirement, control, relation.
pub(crate) fn mappings(framework: &str, entries: &[(&str, &str, &str)]) -> String {
    let entry = |(requirement, control, relation): &(&str, &str, &str)| {
        format!("  - {{requirement: {requirement}, control: {control}, relation: {relation}, rationale: It helps., limits: Not all.}}\n")
    };
    format!("framework: {framework}\nreviewed_by: nobody\nmappings:\n{}", entries.iter().map(entry).collect::<String>())
}

/// A crosswalk `id`.
pub(crate) fn crosswalk(id: &str, from: &str, to: &str, outside: &str, pairs: &[&str]) -> String {
    let pairs: String = pairs.iter().map(|line| format!("  - {line}\n")).collect();
    format!(
        "id: {id}\ntitle: Title of {id}\npublisher: nobody\nsource: a test\nlicence: free\nfrom: {from}\nto: {to}\noutside: {{{outside}}}\n\
         pairs:\n{pairs}"
    )
}
