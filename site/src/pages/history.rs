//! The changelog of posture: what each run found, and how it differs from the one before.

use proofbook_checks::Verdict;
use proofbook_checks::inventory::Assurance;
use proofbook_evidence::assessment::Counts;
use proofbook_evidence::views::Publication;
use proofbook_evidence::views::history::{PastRunView, StatusChange, StatusChangeKind};
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::{Tally, tallies};

#[derive(Serialize)]
struct Changelog<'a> {
    runs: Vec<RunRow<'a>>,
    kinds: [StatusChangeKind; 3],
    /// From the oldest run.
    columns: Vec<Column>,
    shades: [&'static str; 4],
}

#[derive(Serialize)]
struct RunRow<'a> {
    run: &'a PastRunView,
    first: bool,
    assurance: Assurance,
    total: u64,
    tallies: Vec<Tally>,
    changes: Vec<ChangesOfKind<'a>>,
}

#[derive(Serialize)]
struct ChangesOfKind<'a> {
    kind: StatusChangeKind,
    rows: Vec<ChangeRow<'a>>,
}

#[derive(Serialize)]
struct ChangeRow<'a> {
    change: &'a StatusChange,
    /// Whether the check has a page.
    page: bool,
}

/// One run in the picture; places are in percent.
#[derive(Debug, Serialize)]
struct Column {
    x: String,
    width: String,
    parts: Vec<ColumnPart>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct ColumnPart {
    shade: &'static str,
    y: String,
    height: String,
}

// From the bottom of a column.
const SHADES: [(&str, &[Verdict]); 4] = [
    ("shown", &[Verdict::Pass, Verdict::Manual]),
    ("not-shown", &[Verdict::Fail, Verdict::Exception]),
    ("unseen", &[Verdict::Error, Verdict::Stale]),
    ("aside", &[Verdict::Skipped, Verdict::NotApplicable]),
];

impl<'a> RunRow<'a> {
    fn new(run: &'a PastRunView, first: bool, publication: &Publication) -> Self {
        let of_kind = |kind| {
            let changes = run.changes.iter().filter(|change| change.kind == kind);
            changes.map(|change| ChangeRow { change, page: publication.checks.contains_key(&change.check) }).collect::<Vec<_>>()
        };
        let kinds = StatusChangeKind::ALL.into_iter().map(|kind| ChangesOfKind { kind, rows: of_kind(kind) });
        Self {
            run,
            first,
            assurance: run.assurance,
            total: run.checks.values().sum(),
            tallies: tallies(&run.checks),
            changes: kinds.filter(|changes| !changes.rows.is_empty()).collect(),
        }
    }
}

pub(super) fn changelog(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let runs = &publication.history.runs;
    let page = Changelog {
        runs: (1..).zip(runs).map(|(at, run)| RunRow::new(run, at == runs.len(), publication)).collect(),
        kinds: StatusChangeKind::ALL,
        columns: columns(&runs.iter().rev().map(|run| &run.checks).collect::<Vec<_>>()),
        shades: SHADES.map(|(name, _)| name),
    };
    maker.page("Changelog of posture", "changelog", &page)
}

fn columns(runs: &[&Counts]) -> Vec<Column> {
    let percent = |share: u64| format!("{}.{:02}%", share / 100, share % 100);
    // Few runs do not fill the picture with slabs.
    let places = runs.len().max(12) as u64;
    let column = |(at, counts): (u64, &&Counts)| {
        let total: u64 = counts.values().sum();
        let mut above = 0;
        let mut parts = Vec::new();
        for (shade, verdicts) in SHADES {
            let count: u64 = verdicts.iter().filter_map(|verdict| counts.get(verdict)).sum();
            if count > 0 {
                let edge = |count: u64| count * 10_000 / total;
                let (low, high) = (edge(above), edge(above + count));
                parts.push(ColumnPart { shade, y: percent(10_000 - high), height: percent(high - low) });
                above += count;
            }
        }
        Column { x: percent(at * 10_000 / places), width: percent(9_000 / places), parts }
    };
    (0..).zip(runs).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_filled_from_the_bottom_without_a_gap() {
        let counts = Counts::from([(Verdict::Pass, 2), (Verdict::Fail, 1), (Verdict::Skipped, 1)]);
        let columns = columns(&[&counts]);
        let part = |shade, y: &str, height: &str| ColumnPart { shade, y: y.into(), height: height.into() };
        assert_eq!(
            columns[0].parts,
            [part("shown", "50.00%", "50.00%"), part("not-shown", "25.00%", "25.00%"), part("aside", "0.00%", "25.00%")]
        );
        assert_eq!((columns[0].x.as_str(), columns[0].width.as_str()), ("0.00%", "7.50%"));
    }
}
