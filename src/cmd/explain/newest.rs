//! The newest result in the ledger of an environment, where there is one that can be relied on.

use anyhow::Result;
use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_evidence::assessment::{Assessment, CheckAssessment, Counts};
use proofbook_evidence::ledger::Ledger;
use serde::Serialize;

use crate::clock;
use crate::output::Output;
use crate::workspace::Workspace;

/// The assessment of the newest full run.
pub(super) struct Newest {
    pub(super) run_id: String,
    pub(super) clock: Timestamp,
    /// What it said.
    pub(super) sealed: Assessment,
    /// What is left of it by now.
    pub(super) aged: Assessment,
}

/// What a run said of something.
#[derive(Serialize)]
pub(super) struct Told {
    /// The run.
    run_id: String,
    /// When it looked.
    at: Timestamp,
    /// What it came to; what a control or a requirement is by now.
    status: &'static str,
    /// Why, of a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How many findings have each verdict, of a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
    /// Until when it counts, of a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh_until: Option<Timestamp>,
    /// Whether it counts no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<bool>,
}

impl Newest {
    /// Reads the newest full run; what cannot be relied on is told, and is no result.
    pub(super) fn of(ledger: Result<Ledger>, output: &Output) -> Option<Self> {
        ledger.and_then(|ledger| Self::read(&ledger)).unwrap_or_else(|error| {
            output.warn(format_args!("no result is told: {error:#}"));
            None
        })
    }

    fn read(ledger: &Ledger) -> Result<Option<Self>> {
        let Some(path) = ledger.newest_full()? else { return Ok(None) };
        let bundle = Workspace::intact(&path)?;
        let run = &bundle.manifest().predicate;
        let (run_id, clock) = (run.run_id.clone(), run.clock);
        let aged = bundle.assessment_at(&bundle.attestations()?, clock::now())?;
        Ok(Some(Self { run_id, clock, sealed: bundle.assessment()?, aged }))
    }

    /// What is left of what the run said of something that has no freshness of its own.
    pub(super) fn told(&self, status: &'static str) -> Told {
        let stale = Some(status == Verdict::Stale.as_str());
        Told { run_id: self.run_id.clone(), at: self.clock, status, reason: None, counts: None, fresh_until: None, stale }
    }

    /// What the run said of a check.
    pub(super) fn of_check(&self, check: &CheckAssessment) -> Told {
        Told {
            reason: Some(check.reason.as_str()),
            counts: Some(check.counts.clone()),
            fresh_until: Some(check.fresh_until),
            stale: Some(check.fresh_until <= clock::now()),
            ..self.told(check.status.as_str())
        }
    }
}

impl Told {
    /// In one sentence.
    pub(super) fn text(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let counts = self.counts.iter().flatten().map(|(verdict, count)| format!("{count} {}", verdict.as_str())).collect::<Vec<_>>();
        let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
        let ends = if self.stale == Some(true) { "stale since" } else { "fresh until" };
        let fresh = self.fresh_until.map(|until| format!("; {ends} {until}")).unwrap_or_default();
        format!("{}{reason} at {}{counts}{fresh}; run {}", self.status, self.at, self.run_id)
    }
}
