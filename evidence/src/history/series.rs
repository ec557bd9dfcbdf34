//! The daily series: how every control and every key security indicator (KSI) of FedRAMP 20x stood on each day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proofbook_checks::Verdict;
use proofbook_checks::inventory::Assurance;
use proofbook_controls::{CheckId, ControlId};

use crate::assessment::{Assessment, Counts, PartKind};

/// How the ids of key security indicators begin.
const KSI: &str = "KSI-";

/// What a line of the series is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeriesKind {
    /// A control of the library.
    Control,
    /// A key security indicator, through the controls that are mapped to it.
    Ksi,
}

impl SeriesKind {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Ksi => "ksi",
        }
    }
}

/// How a control or a KSI stood on one day. A day without a full run has no line.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRow {
    /// The day (UTC).
    pub day: Date,
    /// What it is about.
    pub kind: SeriesKind,
    /// The control or the KSI.
    pub id: String,
    /// When the last full run of the day looked; counts and status are those of this run.
    pub last_run: Timestamp,
    /// Whether that run read every target itself.
    pub assurance: Assurance,
    /// How many full runs the day has.
    pub runs: u64,
    /// The status.
    pub status: Verdict,
    /// The best status of the day, in the order of the roll-up.
    pub best: Verdict,
    /// The worst status of the day.
    pub worst: Verdict,
    /// The findings of its checks by verdict.
    pub findings: Counts,
    /// How many objects its checks enumerated; an object counts once for each check.
    pub enumerated: u64,
    /// How many of them were subjects.
    pub subjects: u64,
    /// The fewest subjects that a run of the day had.
    pub subjects_min: u64,
    /// The most subjects that a run of the day had.
    pub subjects_max: u64,
    /// Whether every listing behind its checks was complete.
    pub complete: bool,
}

/// The series as far as runs were added.
#[derive(Debug, Default)]
pub struct Series {
    rows: BTreeMap<(Date, SeriesKind, String), SeriesRow>,
}

impl Series {
    /// Adds a full run, in any order.
    pub fn add(&mut self, clock: Timestamp, assurance: Assurance, assessment: &Assessment) {
        let day = clock.to_zoned(TimeZone::UTC).date();
        let row = |kind, id: &str, status, checks: &BTreeSet<&CheckId>| {
            let mut row = SeriesRow {
                day,
                kind,
                id: id.to_owned(),
                last_run: clock,
                assurance,
                runs: 1,
                status,
                best: status,
                worst: status,
                findings: Counts::new(),
                enumerated: 0,
                subjects: 0,
                subjects_min: 0,
                subjects_max: 0,
                complete: true,
            };
            for check in checks.iter().filter_map(|check| assessment.checks.get(*check)) {
                for (verdict, count) in &check.counts {
                    *row.findings.entry(*verdict).or_insert(0) += count;
                }
                row.enumerated += check.population.enumerated;
                row.subjects += check.population.subjects;
                row.complete &= check.population.complete;
            }
            (row.subjects_min, row.subjects_max) = (row.subjects, row.subjects);
            row
        };
        for (id, control) in &assessment.controls {
            self.merge(row(SeriesKind::Control, id.as_str(), control.status, &checks_of(assessment, [id])));
        }
        for (id, requirement) in assessment.frameworks.values().flatten().filter(|(id, _)| id.as_str().starts_with(KSI)) {
            // What no control is mapped to has no status, and none is made up for it.
            if let Some(status) = requirement.status {
                self.merge(row(SeriesKind::Ksi, id.as_str(), status, &checks_of(assessment, &requirement.controls)));
            }
        }
    }

    /// The lines by day, kind and id.
    #[must_use]
    pub fn into_rows(self) -> Vec<SeriesRow> {
        self.rows.into_values().collect()
    }

    fn merge(&mut self, new: SeriesRow) {
        let key = (new.day, new.kind, new.id.clone());
        let Some(known) = self.rows.remove(&key) else {
            self.rows.insert(key, new);
            return;
        };
        let (older, newer) = if known.last_run <= new.last_run { (known, new) } else { (new, known) };
        let merged = SeriesRow {
            runs: older.runs + newer.runs,
            best: older.best.max(newer.best),
            worst: older.worst.min(newer.worst),
            subjects_min: older.subjects_min.min(newer.subjects_min),
            subjects_max: older.subjects_max.max(newer.subjects_max),
            ..newer
        };
        self.rows.insert(key, merged);
    }
}

// A check that several controls share counts once.
fn checks_of<'a>(assessment: &'a Assessment, controls: impl IntoIterator<Item = &'a ControlId>) -> BTreeSet<&'a CheckId> {
    let parts = controls.into_iter().filter_map(|control| assessment.controls.get(control)).flat_map(|control| &control.parts);
    let names: BTreeSet<&str> = parts.filter(|part| part.kind == PartKind::Check).map(|part| part.id.as_str()).collect();
    assessment.checks.keys().filter(|check| names.contains(check.as_str())).collect()
}
