//! The state of an environment: its newest full run as of a time, what of it counts no more, what stops counting when, and which
//! statements of people run out.
//!
//! It is read from the manifest, the assessment and the sealed statements alone, each held to its digest: no rule is compiled, so
//! that it takes the same short time however many runs there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use proofbook_checks::inventory::Assurance;
use proofbook_checks::{Reason, Verdict};
use proofbook_controls::files::is_yaml;
use proofbook_controls::{CheckId, ControlId, FrameworkId, yaml};
use serde::Serialize;

use crate::assessment::{Assessment, ControlAssessment, Counts, PartKind};
use crate::attestation::{self, Attestation};
use crate::audit;
use crate::bundle::{BundleError, Glance};
use crate::freshness::{self, Times};
use crate::ledger::RunRef;

/// The state of an environment as of a time.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The workspace.
    pub workspace: String,
    /// The environment.
    pub environment: String,
    /// The newest full run.
    #[serde(flatten)]
    pub run: RunRef,
    /// When it looked.
    pub collected_at: Timestamp,
    /// The time that freshness is judged by.
    pub as_of: Timestamp,
    /// How old the run is then, in seconds.
    pub age_seconds: i64,
    /// `live` if every target was read by the run itself.
    pub assurance: Assurance,
    /// The earliest time at which a result or a statement that counted when it was sealed counts no more.
    pub fresh_until: Option<Timestamp>,
    /// Controls in scope by status.
    pub controls: Counts,
    /// Checks that the workspace switched off although a control in scope rests on them.
    pub switched_off: Vec<CheckId>,
    /// Controls in scope that nothing is known of, because they rest on checks that must be asked for and were not.
    pub not_looked_at: Vec<ControlId>,
    /// Requirements by framework and status.
    pub frameworks: BTreeMap<FrameworkId, Counts>,
    /// Results that count no more.
    pub stale: Vec<Passed>,
    /// What stops counting, in the order of time.
    pub upcoming: Vec<Upcoming>,
    /// Statements that have run out or do so within 30 days, the first to go at the top.
    pub reminders: Vec<Reminder>,
}

/// A result whose window has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// The check, or the control that has a window of its own.
    pub id: String,
    /// What it said last.
    pub last: Verdict,
    /// Since when it counts no more.
    pub since: Timestamp,
}

/// What stops counting at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upcoming {
    /// The time.
    pub at: Timestamp,
    /// The checks, and controls that have a window of their own.
    pub ids: Vec<String>,
}

/// A statement that runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reminder {
    /// The statement.
    pub id: String,
    /// The control whose need it answers.
    pub control: Option<String>,
    /// Who signed it.
    pub role: String,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// The last of the marks that it has passed: 30, 14 or 7 days before, 0 once it has run out.
    pub mark: u8,
}

impl Status {
    /// The state as the bundle of a run gives it.
    ///
    /// # Errors
    /// What cannot be read, or is not what was sealed.
    pub fn of(bundle: &Path, run: RunRef, as_of: Timestamp) -> Result<Self, BundleError> {
        let glance = Glance::open(bundle, &run.manifest_sha256)?;
        let statements = statements(&glance);
        let sealed = glance.assessment()?;
        let windows = glance.freshness();
        let mut assessment = sealed.clone();
        let clock = glance.manifest().predicate.clock;
        let verdict = |need: &str| statements.get(need).map(|statement| statement.verdict(as_of));
        freshness::age(&mut assessment, clock, windows, verdict, as_of);
        let times = freshness::times(&sealed, clock, windows);
        let run_facts = &glance.manifest().predicate;
        Ok(Self {
            workspace: run_facts.workspace.clone(),
            environment: run_facts.environment.clone(),
            run,
            collected_at: clock,
            as_of,
            age_seconds: as_of.duration_since(clock).as_secs(),
            assurance: run_facts.assurance,
            fresh_until: freshness::fresh_until(&times, clock, statements.values()),
            controls: by_status(in_scope(&assessment).map(|(_, control)| control.status)),
            switched_off: switched_off(&assessment),
            not_looked_at: not_looked_at(&assessment),
            frameworks: assessment
                .frameworks
                .iter()
                .map(|(id, found)| (id.clone(), by_status(found.values().filter_map(|one| one.status))))
                .collect(),
            stale: passed(&times, as_of),
            upcoming: upcoming(times, as_of),
            reminders: reminders(&statements, as_of),
        })
    }

    /// Whether nothing is stale, every control in scope that was looked at holds, and nobody switched off what one rests on. What is
    /// there for those who ask for it and was not asked for stands apart, in [`Self::not_looked_at`].
    #[must_use]
    pub fn holds(&self) -> bool {
        let holds = |verdict: &Verdict| freshness::counts(*verdict) || *verdict == Verdict::Skipped;
        self.stale.is_empty() && self.switched_off.is_empty() && self.controls.keys().all(holds)
    }
}

fn passed(times: &Times, as_of: Timestamp) -> Vec<Passed> {
    let gone = times.range(..=as_of).flat_map(|(since, ids)| ids.iter().map(move |(id, last)| (*since, id, *last)));
    gone.map(|(since, id, last)| Passed { id: id.clone(), last, since }).collect()
}

fn upcoming(mut times: Times, as_of: Timestamp) -> Vec<Upcoming> {
    let ahead = times.split_off(&as_of).into_iter().filter(|(at, _)| *at > as_of);
    ahead.map(|(at, ids)| Upcoming { at, ids: ids.into_iter().map(|(id, _)| id).collect() }).collect()
}

fn by_status(statuses: impl Iterator<Item = Verdict>) -> Counts {
    let mut counts = Counts::new();
    statuses.for_each(|status| *counts.entry(status).or_insert(0) += 1);
    counts
}

// Those that a requirement in scope rests on; all where no requirement names any.
fn in_scope(assessment: &Assessment) -> impl Iterator<Item = (&ControlId, &ControlAssessment)> {
    let requirements = assessment.frameworks.values().flat_map(BTreeMap::values);
    let named: BTreeSet<&ControlId> = requirements.flat_map(|requirement| &requirement.controls).collect();
    assessment.controls.iter().filter(move |(id, _)| named.is_empty() || named.contains(id))
}

// The required checks of a control that have this reason.
fn required<'a>(assessment: &'a Assessment, control: &'a ControlAssessment, reason: Reason) -> impl Iterator<Item = &'a CheckId> {
    let parts = control.parts.iter().filter(|part| part.required && part.kind == PartKind::Check);
    let known = parts.filter_map(|part| assessment.checks.get_key_value(part.id.as_str()));
    known.filter(move |(_, check)| check.reason == reason).map(|(id, _)| id)
}

fn switched_off(assessment: &Assessment) -> Vec<CheckId> {
    let off = in_scope(assessment).flat_map(|(_, control)| required(assessment, control, Reason::SwitchedOff));
    off.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

fn not_looked_at(assessment: &Assessment) -> Vec<ControlId> {
    let skipped = in_scope(assessment).filter(|(_, control)| control.status == Verdict::Skipped);
    skipped.filter(|(_, control)| required(assessment, control, Reason::SwitchedOff).next().is_none()).map(|(id, _)| id.clone()).collect()
}

// They were held to the library when they were sealed.
fn statements(glance: &Glance) -> BTreeMap<String, Attestation> {
    let files = glance.files().under("attestations").filter(|(path, _)| is_yaml(path));
    let parsed = files.filter_map(|(path, text)| Some((path, yaml::parse::<Attestation>(path, text).ok()?)));
    attestation::in_force(parsed).into_iter().map(|(_, statement)| (statement.id.value.clone(), statement)).collect()
}

fn reminders(statements: &BTreeMap<String, Attestation>, as_of: Timestamp) -> Vec<Reminder> {
    let reminder = |statement: &Attestation| {
        let mark = audit::mark(statement.expires_at(), as_of)?;
        Some(Reminder {
            id: statement.id.value.clone(),
            control: statement.control.as_ref().map(|control| control.value.to_string()),
            role: statement.role.clone(),
            expires_at: statement.expires_at(),
            mark,
        })
    };
    let mut out: Vec<Reminder> = statements.values().filter_map(reminder).collect();
    out.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
    out
}
