//! How posture changed: what each full run of an environment found when it looked, newest first, with the checks whose status
//! differs from the run before.
//!
//! The unit is the check. A status may differ because the platform changed, or because the rule or a promise did.
//! Nothing is said of the time between two runs: nobody looked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_checks::inventory::Assurance;
use serde::Serialize;

use super::CheckView;
use crate::assessment::Counts;
use crate::bundle::{BundleError, Glance};

/// What is taken from one run.
#[derive(Clone, Debug)]
pub struct PastRun {
    /// The run.
    pub run_id: String,
    /// When it looked.
    pub collected_at: Timestamp,
    /// How near its observations are.
    pub assurance: Assurance,
    /// The status of every check as it was sealed.
    pub statuses: BTreeMap<String, Verdict>,
}

impl PastRun {
    /// What a sealed run found.
    ///
    /// # Errors
    /// An assessment that cannot be read.
    pub fn of(run_id: &str, sealed: &Glance) -> Result<Self, BundleError> {
        let run = &sealed.manifest().predicate;
        let statuses = sealed.assessment()?.checks.into_iter().map(|(id, check)| (id.to_string(), check.status));
        Ok(Self { run_id: run_id.to_owned(), collected_at: run.clock, assurance: run.assurance, statuses: statuses.collect() })
    }
}

/// The changelog of posture.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HistoryView {
    /// The runs, the newest first.
    pub runs: Vec<PastRunView>,
}

/// One run of the changelog.
#[derive(Clone, Debug, Serialize)]
pub struct PastRunView {
    /// The run.
    pub run_id: String,
    /// When it looked.
    pub collected_at: Timestamp,
    /// How near its observations are.
    pub assurance: Assurance,
    /// Checks by status, as they were sealed.
    pub checks: Counts,
    /// What differs from the run before; empty for the oldest.
    pub changes: Vec<StatusChange>,
}

/// A check whose status differs between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusChange {
    /// The check.
    pub check: String,
    /// Its title; none where the newest run does not have it.
    pub title: Option<String>,
    /// How.
    pub kind: StatusChangeKind,
    /// The status before; none where the check was not part of the run.
    pub older: Option<Verdict>,
    /// The status after.
    pub newer: Option<Verdict>,
}

/// What a change of status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusChangeKind {
    /// It was shown, and is shown no more.
    Lost,
    /// It was not shown, was looked at, and is shown now.
    Gained,
    /// Neither: not shown before or after, or not part of one of the runs.
    Other,
}

impl StatusChangeKind {
    /// All kinds, the worst first.
    pub const ALL: [Self; 3] = [Self::Lost, Self::Gained, Self::Other];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Gained => "gained",
            Self::Other => "other",
        }
    }
}

impl HistoryView {
    /// Puts runs side by side; `runs` are in the order of the ledger, the oldest first.
    #[must_use]
    pub fn new(runs: &[PastRun], checks: &BTreeMap<String, CheckView>) -> Self {
        let view = |(at, run): (usize, &PastRun)| {
            let before = at.checked_sub(1).map(|before| &runs[before]);
            PastRunView {
                run_id: run.run_id.clone(),
                collected_at: run.collected_at,
                assurance: run.assurance,
                checks: run.statuses.values().fold(Counts::new(), |mut all, status| {
                    *all.entry(*status).or_insert(0) += 1;
                    all
                }),
                changes: before.map_or_else(Vec::new, |before| changes(&before.statuses, &run.statuses, checks)),
            }
        };
        Self { runs: runs.iter().enumerate().rev().map(view).collect() }
    }
}

fn changes(
    older: &BTreeMap<String, Verdict>,
    newer: &BTreeMap<String, Verdict>,
    checks: &BTreeMap<String, CheckView>,
) -> Vec<StatusChange> {
    let ids = older.keys().chain(newer.keys().filter(|id| !older.contains_key(*id)));
    let differing = ids.filter(|id| older.get(*id) != newer.get(*id)).map(|id| {
        let (older, newer) = (older.get(id).copied(), newer.get(id).copied());
        let title = checks.get(id).map(|check| check.title.clone());
        StatusChange { check: id.clone(), title, kind: kind(older, newer), older, newer }
    });
    let mut out: Vec<_> = differing.collect();
    out.sort_by(|a, b| (a.kind, &a.check).cmp(&(b.kind, &b.check)));
    out
}

// A check that does not apply any more, or was not asked for, lost nothing that was shown to be wrong, and gained nothing either.
fn kind(older: Option<Verdict>, newer: Option<Verdict>) -> StatusChangeKind {
    let shown = |status| matches!(status, Some(Verdict::Pass | Verdict::Manual));
    let not_shown = |status| matches!(status, Some(Verdict::Fail | Verdict::Error | Verdict::Stale | Verdict::Exception));
    match (older, newer) {
        (before, after) if shown(before) && not_shown(after) => StatusChangeKind::Lost,
        (before, after) if not_shown(before) && shown(after) => StatusChangeKind::Gained,
        _ => StatusChangeKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, at: &str, statuses: &[(&str, Verdict)]) -> PastRun {
        PastRun {
            run_id: id.into(),
            collected_at: at.parse().unwrap(),
            assurance: Assurance::Live,
            statuses: statuses.iter().map(|(check, status)| ((*check).to_owned(), *status)).collect(),
        }
    }

    #[test]
    fn the_newest_comes_first_with_what_differs_from_the_run_before() {
        use Verdict::{Error, Fail, NotApplicable, Pass, Skipped};
        let runs = [
            run("one", "2026-06-01T03:00:00Z", &[("a", Pass), ("b", Fail), ("c", Fail), ("d", Pass), ("gone", Pass)]),
            run("two", "2026-06-02T03:00:00Z", &[("a", Error), ("b", Pass), ("c", Skipped), ("d", NotApplicable), ("new", Fail)]),
        ];
        let history = HistoryView::new(&runs, &BTreeMap::new());
        assert_eq!(history.runs.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), ["two", "one"]);
        assert!(history.runs[1].changes.is_empty());
        let told: Vec<_> = history.runs[0].changes.iter().map(|change| (change.kind.as_str(), change.check.as_str())).collect();
        // What was merely not looked at again has not become better.
        assert_eq!(told, [("lost", "a"), ("gained", "b"), ("other", "c"), ("other", "d"), ("other", "gone"), ("other", "new")]);
        assert_eq!(history.runs[0].checks, Counts::from([(Error, 1), (Pass, 1), (Skipped, 1), (NotApplicable, 1), (Fail, 1)]));
    }
}
