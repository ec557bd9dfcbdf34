//! What an edition change does to the status of requirements, told from one bundle.
//!
//! Where the bundle holds the assessment of an edition, that is what counts. The other edition is rolled up from the same findings,
//! with the controls that the library maps to it now.

use std::collections::BTreeMap;

use anyhow::Result;
use proofbook_checks::Verdict;
use proofbook_controls::edition::EditionDiff;
use proofbook_controls::{Controls, FrameworkId, RequirementId};
use proofbook_evidence::assessment::{Assessment, Counts, RequirementAssessment};
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::rollup;
use proofbook_evidence::scope::Scopes;
use serde::Serialize;

/// The statuses before and after.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct StatusDiff {
    /// The run that tells it.
    pub(super) run_id: String,
    /// How many requirements have each status before.
    pub(super) before: Counts,
    /// How many requirements have each status after.
    pub(super) after: Counts,
    /// Editions that the bundle does not hold: rolled up from its findings.
    pub(super) rolled_up: Vec<FrameworkId>,
    /// Requirements whose status is another one after.
    pub(super) changes: Vec<StatusChange>,
}

/// A requirement whose status changes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct StatusChange {
    /// The requirements before; none where it is new.
    pub(super) from: Vec<RequirementId>,
    /// The requirement after; none where it ends.
    pub(super) to: Option<RequirementId>,
    /// The worst status before; none where nothing was mapped, or it was not in scope.
    pub(super) before: Option<Verdict>,
    /// The status after.
    pub(super) after: Option<Verdict>,
}

/// What the requirements of one edition come to.
type Assessed = BTreeMap<RequirementId, RequirementAssessment>;

impl StatusDiff {
    /// Reads the bundle and compares.
    pub(super) fn from_bundle(bundle: &Bundle, controls: &Controls, diff: &EditionDiff) -> Result<Self> {
        let sealed = bundle.assessment()?;
        let attestations = bundle.attestations()?;
        let clock = bundle.manifest().predicate.clock;
        let attested = |need: &str| attestations.by_need.get(need).map_or(Verdict::Error, |attestation| attestation.verdict(clock));
        let missing = [&diff.from, &diff.to].into_iter().any(|id| !sealed.frameworks.contains_key(id));
        let rolled = if missing { rolled_up(&sealed, controls, attested) } else { Assessment::default() };
        Ok(Self::new(&bundle.manifest().predicate.run_id, &sealed, &rolled, diff))
    }

    fn new(run_id: &str, sealed: &Assessment, rolled: &Assessment, diff: &EditionDiff) -> Self {
        let none = Assessed::new();
        let of = |id: &FrameworkId| sealed.frameworks.get(id).or_else(|| rolled.frameworks.get(id)).unwrap_or(&none);
        let (before, after) = (of(&diff.from), of(&diff.to));
        let status = |assessed: &Assessed, ids: &[RequirementId]| {
            rollup::worst(ids.iter().filter_map(|id| assessed.get(id)).filter_map(|requirement| requirement.status))
        };
        let changes = diff.requirements.iter().map(|change| StatusChange {
            from: change.from.clone(),
            to: change.to.clone(),
            before: status(before, &change.from),
            after: status(after, change.to.as_slice()),
        });
        Self {
            run_id: run_id.to_owned(),
            before: counts(before),
            after: counts(after),
            rolled_up: [&diff.from, &diff.to].into_iter().filter(|id| !sealed.frameworks.contains_key(*id)).cloned().collect(),
            changes: changes.filter(|change| change.before != change.after).collect(),
        }
    }
}

// The assessment with every framework of the library, and with controls that were not there when the bundle was made. What none
// of its findings tells is an error, as in a scan.
fn rolled_up(sealed: &Assessment, controls: &Controls, attested: impl Fn(&str) -> Verdict) -> Assessment {
    let mut rolled = sealed.clone();
    for (id, control) in controls.controls.iter().filter(|(id, _)| !sealed.controls.contains_key(*id)) {
        let check = |check: &_| sealed.checks.get(check).map_or(Verdict::Error, |check| check.status);
        rolled.controls.insert(id.clone(), rollup::roll(control, check, &attested));
    }
    rollup::requirements(controls, &Scopes::default(), &mut rolled);
    rolled
}

fn counts(assessed: &Assessed) -> Counts {
    let mut counts = Counts::new();
    for status in assessed.values().filter_map(|requirement| requirement.status) {
        *counts.entry(status).or_insert(0) += 1;
    }
    counts
}
