//! Rows that several pages print: the views in the shape that templates need.
//!
//! Templates walk lists only. A map of a view becomes a list here, in the map's own order, since a template engine keeps
//! maps in no order that one could rely on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_checks::finding::Finding;
use proofbook_evidence::assessment::{Counts, Coverage};
use proofbook_evidence::views::coverage::RelianceView;
use proofbook_evidence::views::{CheckView, ControlCheckView, ControlView, FrameworkView, MappingView, Publication};
use serde::Serialize;

use crate::data::Figure;
use crate::places::Places;

/// A number of things with a code.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tally {
    pub(crate) code: &'static str,
    pub(crate) count: u64,
}

/// Findings by verdict, in the order in which counts are printed.
pub(crate) fn tallies(counts: &Counts) -> Vec<Tally> {
    let known = Verdict::ALL.into_iter().filter_map(|verdict| Some((verdict, *counts.get(&verdict)?)));
    known.map(|(verdict, count)| Tally { code: verdict.as_str(), count }).collect()
}

/// Requirements by kind of coverage, in the order in which the kinds are printed.
pub(crate) fn kinds(coverage: &BTreeMap<Coverage, u64>) -> Vec<Tally> {
    let known = Coverage::ALL.into_iter().filter_map(|kind| Some((kind, *coverage.get(&kind)?)));
    known.map(|(kind, count)| Tally { code: kind.as_str(), count }).collect()
}

/// A check in a table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CheckRow<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) status: Verdict,
    pub(crate) tallies: Vec<Tally>,
    /// Until when the result counts; none of what did not run.
    pub(crate) fresh_until: Option<Timestamp>,
    /// Whether the check has a page; a part of a control that did not run has none.
    pub(crate) page: bool,
    /// Whether the control requires it, in a table of a control.
    pub(crate) required: bool,
    #[serde(flatten)]
    pub(crate) result: Option<ResultRow<'a>>,
}

/// What is known of a check that ran.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ResultRow<'a> {
    pub(crate) domain: &'a str,
    pub(crate) reason: String,
    pub(crate) severity: &'static str,
    pub(crate) method: &'static str,
    pub(crate) subjects: u64,
    pub(crate) enumerated: u64,
    pub(crate) complete: bool,
    pub(crate) does_not_prove: &'a str,
}

impl<'a> CheckRow<'a> {
    pub(crate) fn new(check: &'a CheckView) -> Self {
        Self {
            id: &check.id,
            title: &check.title,
            status: check.status,
            tallies: tallies(&check.counts),
            fresh_until: Some(check.fresh_until),
            page: true,
            required: true,
            result: Some(ResultRow::new(check)),
        }
    }

    fn of_control(part: &'a ControlCheckView, publication: &'a Publication) -> Self {
        let check = publication.checks.get(&part.id);
        Self {
            id: &part.id,
            title: &part.title,
            status: part.status,
            tallies: tallies(&part.counts),
            fresh_until: check.map(|check| check.fresh_until),
            page: check.is_some(),
            required: part.required,
            result: check.map(ResultRow::new),
        }
    }
}

impl<'a> ResultRow<'a> {
    fn new(check: &'a CheckView) -> Self {
        Self {
            domain: &check.domain,
            reason: check.reason.as_str(),
            severity: check.severity.as_str(),
            method: check.method.as_str(),
            subjects: check.population.subjects,
            enumerated: check.population.enumerated,
            complete: check.population.complete,
            does_not_prove: &check.does_not_prove,
        }
    }
}

/// A control with its checks.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ControlRow<'a> {
    pub(crate) control: &'a ControlView,
    pub(crate) checks: Vec<CheckRow<'a>>,
    /// Whether nothing shows that it is done: every check that it requires looked at nothing that counts, and no
    /// statement holds.
    pub(crate) unproven: bool,
}

impl<'a> ControlRow<'a> {
    pub(crate) fn new(control: &'a ControlView, publication: &'a Publication) -> Self {
        let counts = |status| !matches!(status, Verdict::Error | Verdict::Stale | Verdict::Skipped);
        let shown = control.checks.iter().any(|part| part.required && counts(part.status))
            || control.attestations.iter().any(|need| need.status == Verdict::Manual);
        Self {
            control,
            checks: control.checks.iter().map(|part| CheckRow::of_control(part, publication)).collect(),
            unproven: control.status != Verdict::NotApplicable && !shown,
        }
    }
}

/// A framework in a table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FrameworkRow<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) short_title: &'a str,
    pub(crate) edition: &'a str,
    /// The title of the chosen level; none where the framework is in scope whole.
    pub(crate) level: Option<&'a str>,
    pub(crate) requirements: u64,
    pub(crate) coverage: Vec<Tally>,
    pub(crate) statuses: Vec<Tally>,
}

impl<'a> FrameworkRow<'a> {
    pub(crate) fn new(framework: &'a FrameworkView) -> Self {
        Self {
            id: &framework.id,
            title: &framework.title,
            short_title: &framework.short_title,
            edition: &framework.edition,
            level: framework.level.as_ref().map(|level| level.title.as_str()),
            requirements: framework.coverage.values().sum(),
            coverage: kinds(&framework.coverage),
            statuses: tallies(&framework.statuses),
        }
    }
}

/// A check with how much rests on it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RelianceRow<'a> {
    pub(crate) id: &'a str,
    /// The check, where it is part of this publication.
    pub(crate) check: Option<CheckRow<'a>>,
    pub(crate) requirements: u64,
    pub(crate) alone: u64,
}

impl<'a> RelianceRow<'a> {
    /// The checks on which most of a framework rests.
    pub(crate) fn most(framework: &'a FrameworkView, publication: &'a Publication, most: usize) -> Vec<Self> {
        let row = |found: &'a RelianceView| Self {
            id: &found.id,
            check: publication.checks.get(&found.id).map(CheckRow::new),
            requirements: found.requirements,
            alone: found.alone,
        };
        framework.reliance.iter().take(most).map(row).collect()
    }
}

/// A finding in a table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FindingRow<'a> {
    /// The subject; none where the verdict is about the whole population.
    pub(crate) subject: Option<String>,
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) message: &'a str,
    pub(crate) measured: Vec<(&'a str, String)>,
}

impl<'a> FindingRow<'a> {
    pub(crate) fn new(finding: &'a Finding) -> Self {
        Self {
            subject: (&*finding.subject.kind != "Population").then(|| finding.subject.to_string()),
            verdict: finding.verdict,
            reason: finding.reason_code.as_str(),
            message: &finding.message,
            measured: finding
                .measured
                .iter()
                .map(|(name, value)| (name.as_str(), text(&serde_json::to_value(value).unwrap_or_default())))
                .collect(),
        }
    }
}

/// A part of a long table: the first is printed openly, the others are folded away.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fold<T> {
    /// The number of its first row, counted from 1.
    first: usize,
    last: usize,
    rows: Vec<T>,
}

// So many rows are read at a glance, and so many are unfolded at once.
const OPEN: usize = 50;
const FOLDED: usize = 200;

/// Cuts the rows of a table into parts.
pub(crate) fn folds<T>(rows: impl IntoIterator<Item = T>) -> Vec<Fold<T>> {
    let mut rows = rows.into_iter();
    let mut out: Vec<Fold<T>> = Vec::new();
    loop {
        let before = out.last().map_or(0, |fold| fold.last);
        let part: Vec<T> = rows.by_ref().take(if before == 0 { OPEN } else { FOLDED }).collect();
        if part.is_empty() {
            return out;
        }
        out.push(Fold { first: before + 1, last: before + part.len(), rows: part });
    }
}

/// A measured value with how many subjects have it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) value: String,
    pub(crate) count: u64,
}

/// What a check measured under a name; none where this edition does not print it.
pub(crate) fn measured(publication: &Publication, id: &str) -> Option<Vec<Measured>> {
    let value = publication.values.get(id)?;
    Some(value.distinct.iter().map(|(value, count)| Measured { value: text(value), count: *count }).collect())
}

/// A promised and a measured value side by side.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FigureRow<'a> {
    label: &'a str,
    check: CheckRow<'a>,
    promises: bool,
    /// None where this edition does not print it.
    promised: Option<String>,
    source: &'a str,
    measures: bool,
    measured: Option<Vec<Measured>>,
    /// When it was measured; none where there was nothing to measure on.
    at: Option<MeasuredAt>,
}

/// When a value was measured, and whether it still counts.
#[derive(Clone, Debug, Serialize)]
struct MeasuredAt {
    collected_at: Timestamp,
    stale: bool,
}

impl<'a> FigureRow<'a> {
    /// The row; none where the platform does not have the check.
    pub(crate) fn new(figure: &'a Figure, publication: &'a Publication) -> Option<Self> {
        let check = publication.checks.get(&figure.check)?;
        let promised = figure.promised.as_ref().and_then(|name| check.params.iter().find(|param| param.name == *name));
        let looked = [Verdict::Pass, Verdict::Fail, Verdict::Exception].iter().any(|verdict| check.counts.contains_key(verdict));
        Some(Self {
            label: &figure.label,
            check: CheckRow::new(check),
            promises: promised.is_some(),
            promised: promised.and_then(|param| printed(&param.value)),
            source: promised.map_or("", |param| &param.source),
            at: looked
                .then(|| MeasuredAt { collected_at: publication.run.collected_at, stale: check.fresh_until <= publication.run.as_of }),
            measures: figure.measured.is_some(),
            measured: figure.measured.as_ref().and_then(|name| measured(publication, &format!("{}.{name}", figure.check))),
        })
    }
}

/// A requirement that a control serves.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServedRow<'a> {
    pub(crate) mapping: &'a MappingView,
    /// Where the requirement is printed, from the top of the site.
    pub(crate) place: Option<&'a str>,
}

impl<'a> ServedRow<'a> {
    pub(crate) fn all(control: &'a ControlView, places: &'a Places) -> impl Iterator<Item = Self> {
        control.mappings.iter().map(|mapping| Self { mapping, place: places.of(&mapping.framework, &mapping.requirement) })
    }
}

/// A value as a reader sees it; none where the profile emptied it.
pub(crate) fn printed(value: &serde_json::Value) -> Option<String> {
    (!value.is_null()).then(|| text(value))
}

fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) if !text.is_empty() => text.clone(),
        serde_json::Value::String(_) => "(empty)".to_owned(),
        serde_json::Value::Array(items) if items.is_empty() => "(none)".to_owned(),
        serde_json::Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_number()) => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_as_a_person_writes_them() {
        assert_eq!(text(&json!("tls1.2")), "tls1.2");
        assert_eq!(text(&json!(["a", "b"])), "a, b");
        assert_eq!(text(&json!([])), "(none)");
        assert_eq!(text(&json!("")), "(empty)");
        assert_eq!(text(&json!(720)), "720");
        assert_eq!(text(&json!({"a": [true]})), r#"{"a":[true]}"#);
        assert_eq!(printed(&json!(null)), None);
    }
}
