//! What exceptions do to a run: which findings they cover, what the roll-up makes of them, and how each one stands.
//!
//! The roll-up goes twice over the statuses: first as if there were no exception, so that only a check that passes by itself can
//! compensate for another, then with what is covered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proofbook_checks::compile::Check;
use proofbook_checks::finding::Finding;
use proofbook_checks::{Catalog, Reason, Verdict};
use proofbook_controls::{CheckId, Control, ControlId};

use super::{Exception, Exceptions, Kind, Standing};
use crate::assessment::{Assessment, CheckAssessment, ControlAssessment, Counts, Excepted, ExceptionAssessment, Part, PartKind};
use crate::rollup::worst;

/// The exceptions that may cover findings of one check at a time.
pub(crate) struct Active<'e>(Vec<&'e Exception>);

impl<'e> Active<'e> {
    pub(crate) fn new(exceptions: &'e Exceptions, catalog: &Catalog, check: &Check, clock: Timestamp) -> Self {
        let controls: BTreeSet<&ControlId> = catalog.controls_of(check.id()).map(|(id, _)| id).collect();
        let names = |exception: &&Exception| {
            let of_check = exception.check.as_ref().is_some_and(|named| named.value == *check.id());
            let of_control = exception.control.as_ref().is_some_and(|named| controls.contains(&named.value));
            (of_check || of_control) && exception.dormant(clock).is_none() && !is_of_other_version(exception, catalog)
        };
        Self(exceptions.by_id.values().filter(names).collect())
    }

    /// Puts beside each failure the ids of the exceptions that cover it.
    pub(crate) fn mark(&self, findings: &mut [Finding]) {
        if self.0.is_empty() {
            return;
        }
        for finding in findings.iter_mut().filter(|finding| finding.verdict == Verdict::Fail) {
            let subject = finding.subject.to_string();
            let covering = self.0.iter().filter(|exception| exception.covers(&subject));
            finding.exceptions = covering.map(|exception| exception.id.value.clone()).collect();
        }
    }
}

fn is_of_other_version(exception: &Exception, catalog: &Catalog) -> bool {
    let check = exception.check.as_ref().and_then(|named| catalog.checks.get(&named.value));
    exception.check_version.zip(check).is_some_and(|(version, check)| version != check.definition.version)
}

/// The findings of one check by what covers them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    // How many failures are covered by the same exceptions.
    groups: BTreeMap<Vec<String>, u64>,
    // The reason of the first finding with each verdict.
    reasons: BTreeMap<Verdict, Reason>,
}

impl Claims {
    pub(crate) fn new(findings: &[Finding]) -> Self {
        let mut out = Self::default();
        for finding in findings {
            out.reasons.entry(finding.verdict).or_insert(finding.reason_code);
            if !finding.exceptions.is_empty() {
                *out.groups.entry(finding.exceptions.clone()).or_insert(0) += 1;
            }
        }
        out
    }

    // Takes out of the failures what `chosen` covers.
    fn apply<'e>(&self, counts: &mut Counts, excepted: &mut Excepted, chosen: impl Fn(&[String]) -> Option<&'e Exception>) {
        for (ids, number) in &self.groups {
            let Some(exception) = chosen(ids) else { continue };
            recount(counts, Verdict::Fail, exception.verdict(), *number);
            *excepted.entry(exception.id.value.clone()).or_insert(0) += number;
        }
    }
}

/// Counts some findings under another verdict.
pub(crate) fn recount(counts: &mut Counts, from: Verdict, to: Verdict, number: u64) {
    if let Some(count) = counts.get_mut(&from) {
        *count = count.saturating_sub(number);
    }
    *counts.entry(to).or_insert(0) += number;
    counts.retain(|_, count| *count > 0);
}

/// The exceptions that count in a run.
pub(crate) struct Effects<'e> {
    all: &'e Exceptions,
    counting: BTreeMap<&'e str, &'e Exception>,
    // Why the others do not.
    dormant: BTreeMap<&'e str, Standing>,
}

impl<'e> Effects<'e> {
    /// Decides which count, given the status that each check has by itself.
    pub(crate) fn new(exceptions: &'e Exceptions, catalog: &Catalog, clock: Timestamp, status: impl Fn(&CheckId) -> Verdict) -> Self {
        let (mut counting, mut dormant) = (BTreeMap::new(), BTreeMap::new());
        for (id, exception) in &exceptions.by_id {
            let compensated = exception.compensating.iter().all(|named| status(&named.value) == Verdict::Pass);
            let why = match exception.dormant(clock) {
                Some(why) => Some(why),
                None if is_of_other_version(exception, catalog) => Some(Standing::OtherVersion),
                None => (!compensated).then_some(Standing::CompensationFails),
            };
            match why {
                Some(why) => {
                    dormant.insert(id.as_str(), why);
                }
                None => {
                    counting.insert(id.as_str(), exception);
                }
            }
        }
        Self { all: exceptions, counting, dormant }
    }

    // Of several the first that changes something; an adjusted rating only where nothing else is.
    fn choose(&self, ids: &[String], names: impl Fn(&Exception) -> bool) -> Option<&'e Exception> {
        let covering = || ids.iter().filter_map(|id| self.counting.get(id.as_str()).copied()).filter(|exception| names(exception));
        covering().find(|exception| exception.verdict() != Verdict::Fail).or_else(|| covering().next())
    }

    /// Takes what is covered out of the failures of a check.
    pub(crate) fn apply(&self, check: &mut CheckAssessment, claims: &Claims) {
        claims.apply(&mut check.counts, &mut check.excepted, |ids| self.choose(ids, |exception| exception.check.is_some()));
        if check.excepted.is_empty() {
            return;
        }
        if let Some(status) = worst(check.counts.keys().copied()) {
            check.status = status;
            // What is covered keeps the reason of its failure.
            let reason = claims.reasons.get(&status).or_else(|| claims.reasons.get(&Verdict::Fail));
            check.reason = reason.copied().unwrap_or(check.reason);
        }
    }

    /// The same in one control, for what is accepted there alone.
    pub(crate) fn apply_to_control(
        &self,
        control: &Control,
        rolled: &mut ControlAssessment,
        checks: &BTreeMap<CheckId, CheckAssessment>,
        claims: &BTreeMap<CheckId, Claims>,
    ) {
        let here = |exception: &Exception| exception.control.as_ref().is_some_and(|named| named.value == control.id);
        let own: Vec<&Exception> = self.counting.values().copied().filter(|exception| here(exception)).collect();
        for part in &mut rolled.parts {
            let known = checks.get(part.id.as_str()).filter(|_| part.kind == PartKind::Check);
            if let Some(check) = known {
                part.excepted.clone_from(&check.excepted);
            }
            if own.is_empty() {
                continue;
            }
            match known {
                Some(check) => {
                    let Some(claims) = claims.get(part.id.as_str()) else { continue };
                    let mut counts = check.counts.clone();
                    let left = |ids: &[String]| self.choose(ids, |exception| exception.check.is_some());
                    let changed = |ids: &[String]| left(ids).is_some_and(|exception| exception.verdict() != Verdict::Fail);
                    let mut excepted = Excepted::new();
                    claims.apply(&mut counts, &mut excepted, |ids| if changed(ids) { None } else { self.choose(ids, here) });
                    if !excepted.is_empty() {
                        part.status = worst(counts.keys().copied()).unwrap_or(part.status);
                        part.excepted.extend(excepted);
                    }
                }
                None => cover_need(part, &own),
            }
        }
        let required = rolled.parts.iter().filter(|part| part.required).map(|part| part.status);
        rolled.status = worst(required).unwrap_or(Verdict::Error);
        let whole = format!("Control/{}", control.id);
        if let Some(exception) = own.iter().find(|exception| exception.kind == Kind::NotApplicable && exception.covers(&whole)) {
            rolled.not_applicable = Some(exception.id.value.clone());
            rolled.status = Verdict::NotApplicable;
        }
    }

    /// How each exception stands, once everything was rolled up.
    pub(crate) fn standings(&self, assessment: &Assessment) -> BTreeMap<String, ExceptionAssessment> {
        let parts = || assessment.controls.values().flat_map(|control| &control.parts);
        let stand = |(id, exception): (&String, &Exception)| {
            // Findings of a check count once, in however many controls it is a part.
            let findings = match &exception.check {
                Some(check) => assessment.checks.get(&check.value).and_then(|check| check.excepted.get(id)).copied().unwrap_or(0),
                None => parts().filter_map(|part| part.excepted.get(id)).sum(),
            };
            let whole = assessment.controls.values().any(|control| control.not_applicable.as_ref() == Some(id));
            let skipped = |check: &str| assessment.checks.get(check).is_none_or(|check| check.status == Verdict::Skipped);
            let not_run = match (&exception.check, &exception.control) {
                (Some(check), _) => skipped(check.value.as_str()),
                (None, Some(control)) => {
                    let parts = assessment.controls.get(&control.value).map(|control| control.parts.as_slice()).unwrap_or_default();
                    parts.iter().all(|part| part.kind == PartKind::Check && skipped(&part.id))
                }
                (None, None) => true,
            };
            let standing = match self.dormant.get(id.as_str()) {
                Some(why) => *why,
                None if findings > 0 || whole => Standing::InEffect,
                None if not_run => Standing::NotRun,
                None => Standing::Unused,
            };
            let until = ends(exception, assessment);
            let broad = exception.is_broad();
            (id.clone(), ExceptionAssessment { kind: exception.kind, verdict: exception.verdict(), standing, until, findings, broad })
        };
        self.all.by_id.iter().map(stand).collect()
    }
}

// What compensates does so for as long as its own result counts.
fn ends(exception: &Exception, assessment: &Assessment) -> Timestamp {
    let compensating = exception.compensating.iter().filter_map(|named| assessment.checks.get(&named.value));
    compensating.map(|check| check.fresh_until).fold(exception.ends().0, Timestamp::min)
}

// A need of a control that nobody has stated, or not any more.
fn cover_need(part: &mut Part, own: &[&Exception]) {
    if !matches!(part.status, Verdict::Fail | Verdict::Error) {
        return;
    }
    let subject = format!("Attestation/{}", part.id);
    if let Some(exception) = own.iter().find(|exception| exception.covers(&subject)) {
        part.status = exception.verdict();
        part.excepted.insert(exception.id.value.clone(), 1);
    }
}
