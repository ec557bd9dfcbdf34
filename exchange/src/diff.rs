//! A comparison of two runs in forms for others: Markdown for a review, SARIF for code scanning.

use std::fmt::Write as _;

use proofbook_evidence::diff::{ChangeClass, Diff, FindingChange, Told};
use serde_json::{Value, json};

use crate::ExportError;
use crate::markdown_table::section;

/// As Markdown (CommonMark with tables).
#[must_use]
pub fn markdown(diff: &Diff) -> String {
    let mut out = format!("# Changes from {} to {}\n\n", diff.older.run_id, diff.newer.run_id);
    if diff.is_empty() {
        out.push_str("Nothing changed.\n");
        return out;
    }
    for class in ChangeClass::ALL {
        let of_class: Vec<&FindingChange> = diff.findings.iter().filter(|change| change.class == class).collect();
        if of_class.is_empty() {
            continue;
        }
        let rows = of_class.iter().map(|change| {
            [change.check.clone(), change.subject.clone(), verdict(change.older.as_ref()), verdict(change.newer.as_ref()), why(change)]
        });
        section(&mut out, &format!("{} ({})", title(class), of_class.len()), ["check", "subject", "before", "now", "why"], rows);
    }
    let rows = diff.incomparable.iter().map(|found| {
        let subject = found.subject.clone().unwrap_or_else(|| "all".to_owned());
        [found.check.clone(), subject, counts(&found.older), counts(&found.newer), found.why.clone()]
    });
    section(&mut out, &format!("Not comparable ({})", diff.incomparable.len()), ["check", "subject", "before", "now", "why"], rows);
    let rows = diff.populations.iter().map(|change| {
        let size = |size: &proofbook_evidence::diff::Size| {
            let part = if size.complete { "" } else { ", not complete" };
            format!("{} of {}{part}", size.subjects, size.enumerated)
        };
        [change.check.clone(), size(&change.older), size(&change.newer)]
    });
    section(&mut out, "Populations", ["check", "before", "now"], rows);
    let rows = diff.parameters.iter().map(|change| {
        let value = |parameter: &Option<proofbook_checks::plan::Parameter>| {
            parameter.as_ref().map_or_else(|| "none".to_owned(), |parameter| format!("{} ({})", parameter.value, parameter.source))
        };
        [change.check.clone(), change.parameter.clone(), value(&change.older), value(&change.newer)]
    });
    section(&mut out, "Parameters", ["check", "parameter", "before", "now"], rows);
    let rows = diff.rules.iter().map(|change| {
        let version = |version: Option<u32>| version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        [change.check.clone(), version(change.older_version), version(change.newer_version)]
    });
    section(&mut out, "Rules", ["check", "version before", "version now"], rows);
    let rows = diff.rights.iter().map(|change| {
        let told = |told: &Option<String>| told.clone().unwrap_or_else(|| "none".to_owned());
        [change.target.clone(), change.what.to_owned(), told(&change.older), told(&change.newer)]
    });
    section(&mut out, "Targets and rights", ["target", "what", "before", "now"], rows);
    if diff.older.semantics != diff.newer.semantics {
        let _ = writeln!(out, "The version of evaluation was {} and is {}.", diff.older.semantics, diff.newer.semantics);
    }
    out
}

/// As SARIF 2.1.0: a result for every change of a verdict, with the state against the older run as its baseline.
///
/// # Errors
/// None that a comparison can cause.
pub fn sarif(diff: &Diff) -> Result<Vec<u8>, ExportError> {
    let results: Vec<Value> = diff.findings.iter().map(result).chain(diff.incomparable.iter().map(open)).collect();
    let mut out = serde_json::to_vec_pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "Proofbook", "version": diff.newer.tool_version, "informationUri": "https://proofbook.dev"}},
            "automationDetails": {"id": format!("proofbook/diff/{}", diff.newer.run_id)},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {"older": diff.older.run_id, "newer": diff.newer.run_id},
        }],
    }))?;
    out.push(b'\n');
    Ok(out)
}

fn result(change: &FindingChange) -> Value {
    let (kind, level) = match (change.worse, change.newer.as_ref()) {
        (true, _) => ("fail", "error"),
        (false, Some(_)) => ("informational", "none"),
        (false, None) => ("notApplicable", "none"),
    };
    let text = format!(
        "{}: {} ({} before, {} now). {}",
        change.subject,
        change.class.as_str(),
        verdict(change.older.as_ref()),
        verdict(change.newer.as_ref()),
        why(change)
    );
    json!({
        "ruleId": change.check,
        "kind": kind,
        "level": level,
        "baselineState": baseline(change.class),
        "message": {"text": text.trim()},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": change.subject, "kind": "resource"}]}],
        "properties": {"class": change.class.as_str(), "beside": change.beside},
    })
}

fn open(found: &proofbook_evidence::diff::Incomparable) -> Value {
    let subject = found.subject.as_deref().unwrap_or("all subjects");
    json!({
        "ruleId": found.check,
        "kind": "open",
        "level": "none",
        "message": {"text": format!("{subject}: not comparable: {}", found.why)},
        "properties": {"class": "incomparable", "lostSight": found.lost_sight},
    })
}

// The words of SARIF: what was there before and is another now is `updated`, what is no more is `absent`.
const fn baseline(class: ChangeClass) -> &'static str {
    match class {
        ChangeClass::New => "new",
        ChangeClass::Gone => "absent",
        ChangeClass::Regressed | ChangeClass::Fixed | ChangeClass::Changed => "updated",
    }
}

const fn title(class: ChangeClass) -> &'static str {
    match class {
        ChangeClass::Regressed => "Regressed",
        ChangeClass::Fixed => "Fixed",
        ChangeClass::Changed => "Changed",
        ChangeClass::New => "New",
        ChangeClass::Gone => "Gone",
    }
}

fn verdict(told: Option<&Told>) -> String {
    told.map_or_else(|| "not there".to_owned(), |told| told.verdict.to_string())
}

fn why(change: &FindingChange) -> String {
    let mut text = change.newer.as_ref().or(change.older.as_ref()).map(|told| told.message.clone()).unwrap_or_default();
    if !change.beside.is_empty() {
        let _ = write!(text, "{}changed beside: {}", if text.is_empty() { "" } else { "; " }, change.beside.join(", "));
    }
    text
}

fn counts(counts: &proofbook_evidence::assessment::Counts) -> String {
    let all: Vec<String> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}
