//! Freshness: for how long a result counts, and what is left of an assessment once time has passed.
//!
//! Each class of evidence has a window. A framework may set a shorter one for a level: where it is in scope at that level, the
//! shortest counts, for the other frameworks in scope too. Only a workspace makes one longer, by a window of its own for a control.
//! A result whose window has passed is `stale`: it is shown with its age, and never counts.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::definition::Freshness;
use proofbook_checks::{Reason, Verdict};
use proofbook_controls::{ControlId, Controls};

use crate::assessment::{Assessment, Excepted, PartKind};
use crate::attestation::Attestation;
use crate::exception::{Standing, recount};
use crate::rollup::worst;
use crate::scope::Scopes;

/// Clocks of targets, authorities, runs and readers may differ by this much.
pub const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Windows that a workspace sets for controls, in hours.
pub type ControlWindows = BTreeMap<ControlId, u32>;

/// The windows that frameworks in scope set, by class, in hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows(BTreeMap<Freshness, u32>);

impl Windows {
    /// The windows of a scope. A framework without a chosen level sets none.
    #[must_use]
    pub fn new(controls: &Controls, scopes: &Scopes) -> Self {
        let mut shortest: BTreeMap<Freshness, u32> = BTreeMap::new();
        for scope in scopes.0.values() {
            let framework = controls.frameworks.get(&scope.framework);
            let levels = framework.into_iter().flat_map(|framework| &framework.levels);
            for level in levels.filter(|level| scope.level.as_ref() == Some(&level.id)) {
                for class in Freshness::ALL {
                    let Some(hours) = level.fresh_hours.get(class.as_str()) else { continue };
                    shortest.entry(class).and_modify(|known| *known = (*known).min(*hours)).or_insert(*hours);
                }
            }
        }
        Self(shortest)
    }

    /// For how many hours a result of a class counts: a level that allows more than the usual window allows it to itself alone.
    #[must_use]
    pub fn hours(&self, class: Freshness) -> i64 {
        self.limit(class).map_or(class.hours(), |limit| class.hours().min(i64::from(limit)))
    }

    /// The window that a framework in scope sets for a class, in hours.
    #[must_use]
    pub fn limit(&self, class: Freshness) -> Option<u32> {
        self.0.get(&class).copied()
    }
}

/// The time at which a window that was opened at `clock` has passed.
#[must_use]
pub fn until(clock: Timestamp, hours: i64) -> Timestamp {
    clock.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}

/// Whether a status is one that a window can take away.
#[must_use]
pub const fn counts(status: Verdict) -> bool {
    matches!(status, Verdict::Pass | Verdict::NotApplicable | Verdict::Manual | Verdict::Exception)
}

/// What stops counting when: checks, controls that have a window of their own, and exceptions, each with what it said.
pub type Times = BTreeMap<Timestamp, Vec<(String, Verdict)>>;

/// When each result of a run at `clock` that counted when it was sealed counts no more.
#[must_use]
pub fn times(sealed: &Assessment, clock: Timestamp, windows: &ControlWindows) -> Times {
    let mut out = Times::new();
    // What did not run has no window.
    let ran = sealed.checks.iter().filter(|(_, check)| counts(check.status) && check.fresh_until > clock);
    for (id, check) in ran {
        out.entry(check.fresh_until).or_default().push((id.to_string(), check.status));
    }
    for (id, hours) in windows {
        if let Some(control) = sealed.controls.get(id).filter(|control| counts(control.status)) {
            out.entry(until(clock, i64::from(*hours))).or_default().push((id.to_string(), control.status));
        }
    }
    for (id, exception) in &sealed.exceptions {
        if exception.standing == Standing::InEffect && counts(exception.verdict) {
            out.entry(exception.until).or_default().push((id.clone(), exception.verdict));
        }
    }
    out
}

/// The earliest time at which anything that counted in a run at `clock` counts no more: a result, or a statement of a person.
#[must_use]
pub fn fresh_until<'s>(times: &Times, clock: Timestamp, statements: impl Iterator<Item = &'s Attestation>) -> Option<Timestamp> {
    let counted = statements.filter(|statement| counts(statement.verdict(clock))).map(Attestation::expires_at);
    counted.chain(times.keys().next().copied()).min()
}

/// Judges an assessment of a run at `clock` as of a later time: results whose window has passed are stale, statements have the
/// verdict that `attested` gives for a need, and controls and requirements are rolled up again from their parts.
pub fn age(
    assessment: &mut Assessment,
    clock: Timestamp,
    windows: &ControlWindows,
    attested: impl Fn(&str) -> Option<Verdict>,
    as_of: Timestamp,
) {
    let lapsed: BTreeMap<&str, Verdict> = assessment
        .exceptions
        .iter()
        .filter(|(_, exception)| as_of >= exception.until)
        .map(|(id, exception)| (id.as_str(), exception.verdict))
        .collect();
    let has_lapsed = |excepted: &Excepted| excepted.keys().any(|id| lapsed.contains_key(id.as_str()));
    let mut fresh_until = BTreeMap::new();
    for (id, check) in &mut assessment.checks {
        // What an exception covered is a failure again once the exception is over.
        for (exception, number) in &check.excepted {
            if let Some(verdict) = lapsed.get(exception.as_str()) {
                recount(&mut check.counts, *verdict, Verdict::Fail, *number);
                check.status = Verdict::Fail;
            }
        }
        fresh_until.insert(id.to_string(), check.fresh_until);
        if counts(check.status) && as_of >= check.fresh_until {
            check.status = Verdict::Stale;
            check.reason = Reason::Stale;
        }
    }
    for (id, control) in &mut assessment.controls {
        let own = windows.get(id).map(|hours| until(clock, i64::from(*hours)));
        for part in &mut control.parts {
            let lapsed = has_lapsed(&part.excepted);
            part.status = match part.kind {
                PartKind::Attestation if part.excepted.is_empty() || lapsed => attested(&part.id).unwrap_or(Verdict::Error),
                PartKind::Check if lapsed => Verdict::Fail,
                PartKind::Attestation => part.status,
                PartKind::Check => match own.or_else(|| fresh_until.get(&part.id).copied()) {
                    Some(until) if counts(part.status) && as_of >= until => Verdict::Stale,
                    Some(_) => part.status,
                    None => Verdict::Error,
                },
            };
        }
        let required = control.parts.iter().filter(|part| part.required).map(|part| part.status);
        // A control that nothing shows is not satisfied.
        control.status = worst(required).unwrap_or(Verdict::Error);
        if control.not_applicable.as_ref().is_some_and(|id| !lapsed.contains_key(id.as_str())) {
            control.status = Verdict::NotApplicable;
        }
    }
    let controls = &assessment.controls;
    for requirement in assessment.frameworks.values_mut().flat_map(BTreeMap::values_mut) {
        let own = requirement.controls.iter().map(|id| controls.get(id).map_or(Verdict::Error, |control| control.status));
        requirement.status = worst(own);
    }
}
