//! Checks as they are printed: rule, parameters, population, and the subjects by name.

use std::collections::BTreeMap;

use proofbook_checks::compile::Origin;
use proofbook_checks::evaluate::{Evaluation, manual_template};
use proofbook_checks::finding::Finding;
use proofbook_checks::plan::Planned;
use proofbook_checks::{Plan, Verdict};
use proofbook_controls::CheckId;

use super::{CheckView, PASSING_SHOWN, ParamView};
use crate::assessment::{Assessment, CheckAssessment};
use crate::bundle::{Bundle, BundleError};

#[derive(Default)]
struct Subjects {
    failing: Vec<Finding>,
    passing: Vec<String>,
}

pub(super) fn views(bundle: &Bundle, plan: &Plan<'_>, assessment: &Assessment) -> Result<BTreeMap<String, CheckView>, BundleError> {
    let mut subjects: BTreeMap<CheckId, Subjects> = BTreeMap::new();
    bundle.findings(|finding| {
        let of_check = subjects.entry(finding.check.clone()).or_default();
        match finding.verdict {
            Verdict::Pass if of_check.passing.len() < PASSING_SHOWN => of_check.passing.push(finding.subject.to_string()),
            Verdict::Pass | Verdict::NotApplicable => {}
            _ => of_check.failing.push(finding),
        }
    })?;
    // Of the observations no more is read than what the examples are about: a platform is large, and its pages name few of its objects.
    let with_example = assessment.checks.keys().filter(|id| subjects.get(*id).is_some_and(|found| !found.failing.is_empty()));
    let origins = with_example.filter_map(|id| plan.checks.get(id)).flat_map(|planned| match &planned.check.origin {
        Origin::Resource(resource) => vec![resource.clone()],
        Origin::View(_) => planned.wanted.keys().cloned().collect(),
    });
    let inventory = bundle.inventory_of(&origins.collect())?;
    let evaluation = Evaluation::new(&inventory, &plan.settings, bundle.manifest().predicate.clock);
    let mut out = BTreeMap::new();
    for (id, assessed) in &assessment.checks {
        let found = subjects.remove(id).unwrap_or_default();
        let Some(check) = bundle.catalog().checks.get(id) else { continue };
        let planned = plan.checks.get(id);
        let example = found
            .failing
            .first()
            .and_then(|finding| evaluation.manual_commands(planned?, |subject| *subject == finding.subject).into_values().next());
        let mut view = view(bundle, check, planned, assessed);
        view.manual_example = example;
        view.failing = found.failing;
        view.passing = found.passing;
        out.insert(id.to_string(), view);
    }
    Ok(out)
}

fn view(bundle: &Bundle, check: &proofbook_checks::compile::Check, planned: Option<&Planned<'_>>, assessed: &CheckAssessment) -> CheckView {
    let definition = &check.definition;
    let params = planned.into_iter().flat_map(|planned| &planned.params).map(|(name, param)| ParamView {
        name: name.clone(),
        value: param.value.clone(),
        source: param.source.clone(),
        doc: definition.params.get(name).map(|param| param.doc.clone()).unwrap_or_default(),
    });
    let reads = planned.into_iter().flat_map(|planned| &planned.wanted);
    CheckView {
        id: check.id().to_string(),
        version: definition.version,
        title: definition.title.clone(),
        domain: check.domain.clone(),
        severity: definition.severity,
        method: definition.method,
        status: assessed.status,
        reason: assessed.reason,
        counts: assessed.counts.clone(),
        population: assessed.population.clone(),
        fresh_until: assessed.fresh_until,
        params: params.collect(),
        reads: reads.map(|(resource, projection)| (resource.to_string(), projection.mask.paths())).collect(),
        rule: check.source.clone(),
        proves: definition.proves.clone(),
        does_not_prove: definition.does_not_prove.clone(),
        remedy: definition.remedy.clone(),
        traps: definition.traps.clone(),
        manual: manual_template(check),
        manual_example: None,
        failing: Vec::new(),
        passing: Vec::new(),
        controls: bundle.catalog().controls_of(check.id()).map(|(id, required)| (id.to_string(), required)).collect(),
        pairs_with: definition.pairs_with.as_ref().map(|pair| pair.check.value.clone()),
        publish: definition.publish.iter().map(|name| name.value.clone()).collect(),
    }
}
