//! Controls as they are printed, and mappings from either side.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::evaluate::manual_template;
use proofbook_checks::{Catalog, Verdict};
use proofbook_controls::yaml::Spanned;
use proofbook_controls::{CheckId, ControlId, Mapping};

use super::duty::CustomerCheckView;
use super::{AttestationView, ControlCheckView, ControlView, MappingView, SignedView};
use crate::assessment::{Assessment, Basis, ControlAssessment, PartKind};
use crate::attestation::{Attestation, Attestations};
use crate::freshness;
use crate::scope::Scopes;

pub(super) fn views(
    catalog: &Catalog,
    scopes: &Scopes,
    assessment: &Assessment,
    attestations: &Attestations,
    as_of: Timestamp,
    until: impl Fn(&ControlId) -> Option<Timestamp>,
) -> BTreeMap<String, ControlView> {
    let mut mapped: BTreeMap<&ControlId, Vec<&Mapping>> = BTreeMap::new();
    for framework in catalog.controls.frameworks.keys() {
        for mapping in scopes.mappings(&catalog.controls, framework) {
            mapped.entry(&mapping.control).or_default().push(mapping);
        }
    }
    let view = |control: &proofbook_controls::Control| {
        let assessed = assessment.controls.get(&control.id);
        let checks = |named: &[Spanned<CheckId>], required| {
            named.iter().map(|id| check(catalog, assessment, &id.value, required)).collect::<Vec<_>>()
        };
        let needs = control.attestations.iter().map(|need| {
            let given = attestations.by_need.get(&need.id);
            AttestationView {
                id: need.id.clone(),
                statement: need.statement.clone(),
                status: given.map_or(Verdict::Error, |given| given.verdict(as_of)),
                signed: given.map(|given| SignedView {
                    role: given.role.clone(),
                    signed_at: given.signed_at,
                    expires_at: given.expires_at(),
                }),
            }
        });
        ControlView {
            id: control.id.to_string(),
            title: control.title.clone(),
            objective: control.objective.clone(),
            layer: control.layer,
            layer_title: control.layer.title(),
            split: control.responsibility.split,
            provider: control.responsibility.provider.clone(),
            customer: control.responsibility.customer.clone(),
            customer_checks: control.responsibility.customer_checks.iter().filter_map(|id| customer_check(catalog, &id.value)).collect(),
            inherited_from: control.inherited_from.clone(),
            status: assessed.map_or(Verdict::Error, |assessed| assessed.status),
            basis: assessed.map_or(Basis::None, |assessed| assessed.basis),
            fresh_until: assessed.and_then(|assessed| fresh_until(assessed, until(&control.id), assessment, attestations)),
            disagree: assessed.map(|assessed| assessed.disagree.clone()).unwrap_or_default(),
            checks: [checks(&control.checks.required, true), checks(&control.checks.supporting, false)].concat(),
            attestations: needs.collect(),
            mappings: mapped.get(&control.id).into_iter().flatten().map(|found| mapping(catalog, assessment, found)).collect(),
            no_evidence: control.no_evidence.clone(),
            review_months: control.review_months,
        }
    };
    catalog.controls.controls.values().map(|control| (control.id.to_string(), view(control))).collect()
}

// When the first of what a status rests on stops counting. A window that the workspace set for a control takes the place of those of
// its checks, and an exception that ends uncovers a failure.
fn fresh_until(
    assessed: &ControlAssessment,
    own: Option<Timestamp>,
    assessment: &Assessment,
    attestations: &Attestations,
) -> Option<Timestamp> {
    if !freshness::counts(assessed.status) {
        return None;
    }
    let parts = assessed.parts.iter().filter(|part| part.required && freshness::counts(part.status));
    let ends = parts.flat_map(|part| {
        let result = match part.kind {
            PartKind::Check => own.or_else(|| assessment.checks.get(part.id.as_str()).map(|check| check.fresh_until)),
            PartKind::Attestation => attestations.by_need.get(part.id.as_str()).map(Attestation::expires_at),
        };
        result.into_iter().chain(part.excepted.keys().filter_map(|id| assessment.exceptions.get(id)).map(|exception| exception.until))
    });
    ends.min()
}

fn check(catalog: &Catalog, assessment: &Assessment, id: &CheckId, required: bool) -> ControlCheckView {
    let assessed = assessment.checks.get(id);
    ControlCheckView {
        id: id.to_string(),
        title: catalog.checks.get(id).map(|check| check.definition.title.clone()).unwrap_or_default(),
        required,
        status: assessed.map_or(Verdict::Error, |assessed| assessed.status),
        counts: assessed.map(|assessed| assessed.counts.clone()).unwrap_or_default(),
    }
}

fn customer_check(catalog: &Catalog, id: &CheckId) -> Option<CustomerCheckView> {
    let check = catalog.checks.get(id)?;
    Some(CustomerCheckView { id: id.to_string(), title: check.definition.title.clone(), command: manual_template(check) })
}

/// A mapping with the titles of both its ends.
pub(super) fn mapping(catalog: &Catalog, assessment: &Assessment, mapping: &Mapping) -> MappingView {
    let framework = catalog.controls.frameworks.get(&mapping.framework);
    let requirement = framework.and_then(|framework| framework.requirement(mapping.requirement.as_str()));
    MappingView {
        framework: mapping.framework.to_string(),
        framework_title: framework.map(|framework| framework.short_title.clone()).unwrap_or_default(),
        requirement: mapping.requirement.to_string(),
        requirement_title: requirement.map(|requirement| requirement.title.clone()).unwrap_or_default(),
        control: mapping.control.to_string(),
        control_title: catalog.controls.controls.get(&mapping.control).map(|control| control.title.clone()).unwrap_or_default(),
        control_status: assessment.controls.get(&mapping.control).map_or(Verdict::Error, |control| control.status),
        relation: mapping.relation,
        rationale: mapping.rationale.clone(),
        limits: mapping.limits.clone(),
    }
}
