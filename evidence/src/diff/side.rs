//! One side of a comparison: what a run found, or what a library would have found in the observations of a run.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::evaluate::{Evaluation, SEMANTICS};
use proofbook_checks::inventory::{Target, Wanted};
use proofbook_checks::plan::{Parameter, Planned};
use proofbook_checks::settings::{ExcludeRule, Settings};
use proofbook_checks::{Catalog, Finding, Plan, Population};
use proofbook_controls::CheckId;
use proofbook_controls::files::Files;

use super::SideRef;
use crate::bundle::manifest::sha256_hex;
use crate::bundle::{Bundle, BundleError};

/// One side of a comparison.
#[derive(Debug)]
pub struct Side {
    pub(super) name: SideRef,
    pub(super) targets: Vec<Target>,
    pub(super) checks: BTreeMap<CheckId, CheckSide>,
}

/// A check on one side.
#[derive(Debug)]
pub(super) struct CheckSide {
    pub(super) version: u32,
    pub(super) rule_sha256: String,
    pub(super) params: BTreeMap<String, Parameter>,
    pub(super) exclude: Vec<ExcludeRule>,
    pub(super) population: Population,
    pub(super) findings: Vec<Finding>,
    // What the rule reads and the bundle does not hold: fields that nobody collected then.
    pub(super) unseen: Vec<String>,
}

impl CheckSide {
    fn new(planned: &Planned<'_>, population: Population, findings: Vec<Finding>) -> Self {
        Self {
            version: planned.check.definition.version,
            rule_sha256: sha256_hex(planned.check.source.as_bytes()),
            params: planned.params.clone(),
            exclude: planned.settings.exclude.clone(),
            population,
            findings,
            unseen: Vec::new(),
        }
    }
}

impl Side {
    /// What was sealed in a bundle.
    ///
    /// # Errors
    /// What cannot be read of the bundle, or does not belong together in it.
    pub fn sealed(bundle: &Bundle) -> Result<Self, BundleError> {
        let plan = bundle.plan()?;
        let mut assessment = bundle.assessment()?;
        let mut findings: BTreeMap<CheckId, Vec<Finding>> = BTreeMap::new();
        bundle.findings(|finding| findings.entry(finding.check.clone()).or_default().push(finding))?;
        let mut checks = BTreeMap::new();
        for (id, planned) in &plan.checks {
            let sums = assessment.checks.remove(id).ok_or_else(|| BundleError::Malformed {
                file: crate::bundle::ASSESSMENT.to_owned(),
                detail: format!("says nothing of the check {id}, which the run selected"),
            })?;
            checks.insert(id.clone(), CheckSide::new(planned, sums.population, findings.remove(id).unwrap_or_default()));
        }
        let run = &bundle.manifest().predicate;
        Ok(Self { name: name(bundle, run.semantics, "sealed"), targets: run.targets.clone(), checks })
    }

    /// What another library finds in the observations of a bundle, with the bundle's settings; `library` is what it is called. Checks
    /// that the bundle's library has keep their selection, and those that it does not have are taken if their library selects them.
    ///
    /// # Errors
    /// A library that cannot be read or does not fit the settings, and what cannot be read of the bundle.
    pub fn decided_by(bundle: &Bundle, files: &Files, library: &str) -> Result<Self, BundleError> {
        let catalog = Catalog::load_without_fixtures(files).map_err(BundleError::Library)?;
        let settings = fitting(bundle.settings(), &catalog);
        let ran = &bundle.manifest().predicate.checks;
        let is_selected = |check: &proofbook_checks::compile::Check| {
            let known = bundle.catalog().checks.contains_key(check.id());
            if known { ran.contains(check.id()) } else { proofbook_checks::plan::selected_by_default(check, &settings) }
        };
        let plan = Plan::new(&catalog, &settings, is_selected).map_err(BundleError::Library)?;
        let inventory = bundle.inventory()?;
        let evaluation = Evaluation::new(&inventory, &plan.settings, bundle.manifest().predicate.clock);
        let held = bundle.plan()?.wanted();
        let decided = |(id, planned): (&CheckId, &Planned<'_>)| {
            let result = evaluation.check(planned);
            let side = CheckSide::new(planned, result.population, result.findings);
            (id.clone(), CheckSide { unseen: unseen(&planned.wanted, &held), ..side })
        };
        let checks = plan.checks.iter().map(decided).collect();
        Ok(Self { name: name(bundle, SEMANTICS, library), targets: bundle.manifest().predicate.targets.clone(), checks })
    }

    /// Which side it is.
    #[must_use]
    pub const fn name(&self) -> &SideRef {
        &self.name
    }
}

// The fields of `wanted` that were not collected, as `resource: path`.
fn unseen(wanted: &Wanted, held: &Wanted) -> Vec<String> {
    let mut out = Vec::new();
    for (resource, projection) in wanted {
        let Some(known) = held.get(resource) else {
            out.push(resource.to_string());
            continue;
        };
        let mut both = (*known.mask).clone();
        both.merge(&projection.mask);
        let held_paths: BTreeSet<String> = known.mask.paths().into_iter().collect();
        out.extend(both.paths().into_iter().filter(|path| !held_paths.contains(path)).map(|path| format!("{resource}: {path}")));
    }
    out
}

// A setting for a check or parameter that the other library does not have is no fault of the comparison.
fn fitting(settings: &Settings, catalog: &Catalog) -> Settings {
    let mut fitting = settings.clone();
    fitting.parameters.retain(|name, _| catalog.checks.values().any(|check| check.definition.params.contains_key(name)));
    fitting.checks.retain(|id, _| catalog.checks.contains_key(id));
    for (id, own) in &mut fitting.checks {
        let known = catalog.checks.get(id).map(|check| &check.definition.params);
        own.params.retain(|name, _| known.is_some_and(|known| known.contains_key(name)));
    }
    fitting
}

fn name(bundle: &Bundle, semantics: u32, library: &str) -> SideRef {
    let run = &bundle.manifest().predicate;
    SideRef {
        run_id: run.run_id.clone(),
        clock: run.clock,
        full: run.full,
        tool_version: run.tool_version.clone(),
        semantics,
        library: library.to_owned(),
    }
}
