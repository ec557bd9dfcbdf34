//! The roll-up: from findings to checks, controls and requirements, always by the worst.
//!
//! Findings are taken check by check and only their counts are kept, so that half a million of them need not be held.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proofbook_checks::compile::Check;
use proofbook_checks::finding::{Finding, Population};
use proofbook_checks::value::Value;
use proofbook_checks::{Catalog, CheckResult, Plan, Reason, Verdict};
use proofbook_controls::{
    Binds, CheckId, Control, ControlId, Controls, Framework, FrameworkId, Mapping, Requirement, RequirementId, Split,
};

use crate::assessment::{
    Assessment, Basis, CheckAssessment, ControlAssessment, Counts, Coverage, Disagreement, Part, PartKind, RequirementAssessment,
};
use crate::attestation::Attestations;
use crate::exception::{Claims, Effects, Exceptions};
use crate::freshness::{self, Windows};
use crate::scope::{Membership, Scopes};

/// The worst of some verdicts. What does not apply is ignored unless nothing else is there.
#[must_use]
pub fn worst(verdicts: impl Iterator<Item = Verdict>) -> Option<Verdict> {
    // The order of the type is that of the roll-up, and `not-applicable` is its last.
    verdicts.min()
}

/// How a requirement is covered by the controls that are mapped to it: the first of these that holds.
///
/// 1. `not-applicable`: it is withdrawn, binds an authority or nobody, or was tailored out with a reason.
/// 2. `automated`: a control of the provider has a required check.
/// 3. `attested`: a control of the provider has an attestation.
/// 4. Where a control of the provider is mapped and nothing can show any of them, they cover nothing: 7 or 8.
/// 5. `inherited`: a mapped control is inherited from somebody else.
/// 6. `customer`: all mapped controls rest on the customer.
/// 7. `customer`: nothing is mapped, and it binds the customer.
/// 8. `none`: nothing is mapped, and it binds the provider, alone or with the customer.
///
/// A control is of the provider unless it rests on the customer alone or the provider inherits it.
#[must_use]
pub fn coverage<'c>(requirement: &Requirement, membership: Membership<'_>, controls: impl IntoIterator<Item = &'c Control>) -> Coverage {
    coverage_by(requirement, membership, controls, |_| true)
}

/// The same with only those checks that `counts` lets through.
pub(crate) fn coverage_by<'c>(
    requirement: &Requirement,
    membership: Membership<'_>,
    controls: impl IntoIterator<Item = &'c Control>,
    counts: impl Fn(&CheckId) -> bool,
) -> Coverage {
    let nobody = matches!(requirement.binds, Binds::Authority | Binds::Nobody);
    if requirement.withdrawn || nobody || matches!(membership, Membership::TailoredOut(_)) {
        return Coverage::NotApplicable;
    }
    let unmapped = if requirement.binds == Binds::Customer { Coverage::Customer } else { Coverage::None };
    // From the least to the most that a control does for the requirement.
    let found = controls.into_iter().map(|control| match Bearer::of(control) {
        Bearer::Customer => (1, Coverage::Customer),
        Bearer::Other => (2, Coverage::Inherited),
        Bearer::Provider if control.checks.required.iter().any(|check| counts(&check.value)) => (5, Coverage::Automated),
        Bearer::Provider if !control.attestations.is_empty() => (4, Coverage::Attested),
        Bearer::Provider => (3, unmapped),
    });
    found.max_by_key(|(rank, _)| *rank).map_or(unmapped, |(_, kind)| kind)
}

/// On whom a control rests, as coverage counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// The provider, alone or together with the customer.
    Provider,
    /// Somebody from whom the provider inherits it.
    Other,
    /// The customer alone.
    Customer,
}

impl Bearer {
    pub(crate) fn of(control: &Control) -> Self {
        match (control.responsibility.split, &control.inherited_from) {
            (Split::Customer, _) => Self::Customer,
            (Split::Provider | Split::Shared, Some(_)) => Self::Other,
            (Split::Provider | Split::Shared, None) => Self::Provider,
        }
    }
}

/// For checks that are part of a pair: by what they meet the other on, the worst verdict of each key.
type Pairs = BTreeMap<(CheckId, String), BTreeMap<String, Verdict>>;

/// Takes results check by check and adds them up.
#[derive(Debug)]
pub struct Assessor<'c> {
    catalog: &'c Catalog,
    windows: Windows,
    clock: Timestamp,
    checks: BTreeMap<CheckId, CheckAssessment>,
    pairs: Pairs,
    // Of checks with failures that exceptions may cover.
    claims: BTreeMap<CheckId, Claims>,
}

impl<'c> Assessor<'c> {
    /// Starts an assessment of a run at `clock`.
    #[must_use]
    pub fn new(catalog: &'c Catalog, windows: Windows, clock: Timestamp) -> Self {
        Self { catalog, windows, clock, checks: BTreeMap::new(), pairs: BTreeMap::new(), claims: BTreeMap::new() }
    }

    /// Adds what one check said.
    pub fn add(&mut self, check: &Check, result: &CheckResult) {
        let mut counts = Counts::new();
        for finding in &result.findings {
            *counts.entry(finding.verdict).or_insert(0) += 1;
        }
        // A result without findings is no result: evaluation always says something about the population.
        let worst = result.findings.iter().min_by_key(|finding| finding.verdict);
        let (status, reason) = worst.map_or((Verdict::Error, Reason::EmptyPopulation), |finding| (finding.verdict, finding.reason_code));
        let definition = &check.definition;
        self.checks.insert(
            check.id().clone(),
            CheckAssessment {
                status,
                reason,
                counts,
                population: result.population.clone(),
                severity: definition.severity,
                method: definition.method,
                fresh_until: freshness::until(self.clock, self.windows.hours(definition.freshness)),
                excepted: BTreeMap::new(),
            },
        );
        if result.findings.iter().any(|finding| !finding.exceptions.is_empty()) {
            self.claims.insert(check.id().clone(), Claims::new(&result.findings));
        }
        for on in self.meets(check) {
            let by_key = self.pairs.entry((check.id().clone(), on.to_owned())).or_default();
            for (key, verdict) in result.findings.iter().filter_map(|finding| Some((key(finding, on)?, finding.verdict))) {
                by_key.entry(key).and_modify(|known| *known = (*known).min(verdict)).or_insert(verdict);
            }
        }
    }

    // What a check meets others on, whichever of the two names the other.
    fn meets(&self, check: &Check) -> BTreeSet<&'c str> {
        let catalog: &'c Catalog = self.catalog;
        let pairs = catalog.checks.values().filter_map(|one| Some((one.id(), one.definition.pairs_with.as_ref()?)));
        pairs
            .filter(|(one, pair)| *one == check.id() || pair.check.value == check.id().as_str())
            .map(|(_, pair)| pair.on.as_str())
            .collect()
    }

    /// Rolls up to controls and to the requirements that are in scope.
    #[must_use]
    pub fn finish(mut self, plan: &Plan<'_>, attestations: &Attestations, exceptions: &Exceptions, scopes: &Scopes) -> Assessment {
        for check in self.catalog.checks.values() {
            // A check that was planned and never heard of was not looked at.
            let silent = if plan.checks.contains_key(check.id()) {
                (Verdict::Error, Reason::NotCollected)
            } else if check.definition.opt_in.is_none()
                && plan.settings.checks.get(check.id()).is_some_and(|own| own.enabled == Some(false))
            {
                (Verdict::Skipped, Reason::SwitchedOff)
            } else {
                (Verdict::Skipped, Reason::OptIn)
            };
            self.checks.entry(check.id().clone()).or_insert_with(|| without_result(check, silent, self.clock));
        }
        let by_itself = |check: &CheckId| self.checks.get(check).map_or(Verdict::Error, |check| check.status);
        let effects = Effects::new(exceptions, self.catalog, self.clock, by_itself);
        for (id, claims) in &self.claims {
            if let Some(check) = self.checks.get_mut(id) {
                effects.apply(check, claims);
            }
        }
        let mut assessment = Assessment { checks: self.checks, ..Assessment::default() };
        let status = |check: &CheckId, assessment: &Assessment| assessment.checks.get(check).map_or(Verdict::Error, |check| check.status);
        for control in self.catalog.controls.controls.values() {
            let mut rolled = roll(
                control,
                |check| status(check, &assessment),
                |need| match attestations.by_need.get(need) {
                    Some(attestation) => attestation.verdict(self.clock),
                    None => Verdict::Error,
                },
            );
            rolled.disagree = disagreements(self.catalog, control, &self.pairs);
            effects.apply_to_control(control, &mut rolled, &assessment.checks, &self.claims);
            assessment.controls.insert(control.id.clone(), rolled);
        }
        requirements(&self.catalog.controls, scopes, &mut assessment);
        assessment.exceptions = effects.standings(&assessment);
        assessment
    }
}

/// Rolls up one control from the statuses of its checks and attestations.
#[must_use]
pub fn roll(control: &Control, check: impl Fn(&CheckId) -> Verdict, attestation: impl Fn(&str) -> Verdict) -> ControlAssessment {
    let part = |kind, id: &str, required, status| Part { kind, id: id.to_owned(), required, status, excepted: BTreeMap::new() };
    let required = control.checks.required.iter().map(|id| part(PartKind::Check, id.value.as_str(), true, check(&id.value)));
    let attested = control.attestations.iter().map(|need| part(PartKind::Attestation, &need.id, true, attestation(&need.id)));
    let supporting = control.checks.supporting.iter().map(|id| part(PartKind::Check, id.value.as_str(), false, check(&id.value)));
    let parts: Vec<Part> = required.chain(attested).chain(supporting).collect();
    let needed: Vec<&Part> = parts.iter().filter(|part| part.required).collect();
    let basis = match (needed.is_empty(), needed.iter().any(|part| part.kind == PartKind::Attestation)) {
        (true, _) => Basis::None,
        (false, true) => Basis::Attested,
        (false, false) => Basis::Automated,
    };
    // A control that nothing shows is not satisfied.
    let status = worst(needed.iter().map(|part| part.status)).unwrap_or(Verdict::Error);
    ControlAssessment { status, basis, parts, disagree: Vec::new(), not_applicable: None }
}

/// Rolls up the requirements that are in scope from the controls of the assessment.
pub fn requirements(controls: &Controls, scopes: &Scopes, assessment: &mut Assessment) {
    assessment.frameworks.clear();
    for (id, framework) in controls.frameworks.iter().filter(|(id, _)| scopes.covers(id)) {
        let mapped = by_requirement(controls, id);
        let rolled = in_scope(framework, scopes).map(|(requirement, membership)| {
            let own: BTreeSet<&ControlId> = mapped.get(&requirement.id).into_iter().flatten().map(|mapping| &mapping.control).collect();
            let coverage = coverage(requirement, membership, own.iter().filter_map(|id| controls.controls.get(*id)));
            let own = if coverage == Coverage::NotApplicable { BTreeSet::new() } else { own };
            let status = worst(own.iter().map(|id| assessment.controls.get(*id).map_or(Verdict::Error, |control| control.status)));
            let controls = own.into_iter().cloned().collect();
            (requirement.id.clone(), RequirementAssessment { coverage, status, controls })
        });
        let rolled = rolled.collect();
        assessment.frameworks.insert(id.clone(), rolled);
    }
}

/// The requirements of a framework that its coverage counts, with how they stand to the scope: those of the chosen level, what is
/// tailored out included; where no level is chosen all of them, what is withdrawn included.
pub(crate) fn in_scope<'a>(framework: &'a Framework, scopes: &'a Scopes) -> impl Iterator<Item = (&'a Requirement, Membership<'a>)> {
    let whole = scopes.covers(&framework.id) && scopes.level(&framework.id).is_none();
    let with_membership = framework.requirements.iter().map(|found| (found, scopes.membership(&framework.id, found)));
    with_membership.filter(move |(found, membership)| *membership != Membership::OutOfScope || (whole && found.withdrawn))
}

/// The mappings of a framework by requirement.
pub(crate) fn by_requirement<'c>(controls: &'c Controls, framework: &'c FrameworkId) -> BTreeMap<&'c RequirementId, Vec<&'c Mapping>> {
    let mut mapped: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for mapping in controls.mappings_of(framework) {
        mapped.entry(&mapping.requirement).or_default().push(mapping);
    }
    mapped
}

fn without_result(check: &Check, (status, reason): (Verdict, Reason), clock: Timestamp) -> CheckAssessment {
    let definition = &check.definition;
    CheckAssessment {
        status,
        reason,
        counts: Counts::new(),
        population: Population {
            check: check.id().clone(),
            definition: definition.subject.population.clone(),
            enumerated: 0,
            subjects: 0,
            complete: false,
            excluded: Vec::new(),
            listings: Vec::new(),
        },
        severity: definition.severity,
        method: definition.method,
        fresh_until: clock,
        excepted: BTreeMap::new(),
    }
}

// What makes subjects of two checks the same.
fn key(finding: &Finding, on: &str) -> Option<String> {
    let subject = &finding.subject;
    if &*subject.kind == "Population" {
        return None;
    }
    match on {
        "namespace" if &*subject.kind == "Namespace" => Some(subject.name.to_string()),
        "namespace" => subject.namespace.as_ref().map(ToString::to_string),
        "name" => {
            Some(subject.namespace.as_ref().map_or_else(|| subject.name.to_string(), |namespace| format!("{namespace}/{}", subject.name)))
        }
        "host" if &*subject.kind == "Endpoint" => endpoint_host(&subject.name),
        measured => finding.measured.get(measured).and_then(Value::as_str).map(str::to_owned),
    }
}

// `host:port@address`, or `host:port` where the host has no address.
fn endpoint_host(name: &str) -> Option<String> {
    let endpoint = name.split_once('@').map_or(name, |(endpoint, _)| endpoint);
    endpoint.rsplit_once(':').map(|(host, _)| host.to_owned())
}

fn disagreements(catalog: &Catalog, control: &Control, pairs: &Pairs) -> Vec<Disagreement> {
    let mut out = Vec::new();
    let named: BTreeSet<&CheckId> = control.checks.required.iter().chain(&control.checks.supporting).map(|named| &named.value).collect();
    for check in named.iter().filter_map(|id| catalog.checks.get(*id)) {
        let Some(pair) = &check.definition.pairs_with else { continue };
        let Some(other) = named.iter().find(|id| id.as_str() == pair.check.value) else { continue };
        // Where two checks name each other, they meet once.
        let back = catalog.checks.get(*other).and_then(|other| other.definition.pairs_with.as_ref());
        if back.is_some_and(|back| back.check.value == check.id().as_str() && back.on == pair.on) && *other < check.id() {
            continue;
        }
        let of = |id: &CheckId| pairs.get(&(id.clone(), pair.on.clone()));
        let Some((own, others)) = of(check.id()).zip(of(other)) else { continue };
        for (on, verdict) in own {
            let Some(second) = others.get(on) else { continue };
            let decided = |verdict: Verdict| matches!(verdict, Verdict::Pass | Verdict::Fail);
            if decided(*verdict) && decided(*second) && verdict != second {
                let verdicts = BTreeMap::from([(check.id().clone(), *verdict), ((*other).clone(), *second)]);
                out.push(Disagreement { on: on.clone(), verdicts });
            }
        }
    }
    out
}
