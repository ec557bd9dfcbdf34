//! Making the views: the bundle's parts read once, statuses aged to the as-of time, and everything rolled up again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_controls::ControlId;

use super::crosswalk::CrosswalkView;
use super::duty::Ownership;
use super::history::HistoryView;
use super::soa::{SoaView, Times};
use super::sprs::SprsView;
use super::{LayerView, MatrixRow, Publication, RunView, SummaryView, ValueView};
use super::{checks, controls, exceptions, frameworks};
use crate::assessment::{Assessment, Basis, Counts};
use crate::attestation::Attestations;
use crate::bundle::{Bundle, BundleError};
use crate::facts::Facts;
use crate::freshness;
use crate::seal::trust::Trust;
use crate::verify::{self, Demands};

impl Publication {
    /// Makes all views of a bundle as of a time; a signature counts as far as `trust` says.
    ///
    /// # Errors
    /// What of the bundle cannot be read.
    pub fn new(bundle: &Bundle, facts: Facts, as_of: Timestamp, trust: Option<&Trust>) -> Result<Self, BundleError> {
        let catalog = bundle.catalog();
        let plan = bundle.plan()?;
        let attestations = bundle.attestations()?;
        let sealed = bundle.assessment()?;
        let fresh_until = fresh_until(bundle, &sealed, &attestations);
        let assessment = bundle.assessment_at(&attestations, as_of)?;
        let findings: Counts =
            assessment.checks.values().flat_map(|check| &check.counts).fold(Counts::new(), |mut all, (verdict, count)| {
                *all.entry(*verdict).or_insert(0) += count;
                all
            });
        let checks = checks::views(bundle, &plan, &assessment)?;
        let scopes = bundle.scopes();
        let clock = bundle.manifest().predicate.clock;
        let until = |control: &ControlId| bundle.freshness().get(control).map(|hours| freshness::until(clock, i64::from(*hours)));
        let controls = controls::views(catalog, scopes, &assessment, &attestations, as_of, until);
        let frameworks = frameworks::views(catalog, scopes, &assessment, &controls);
        let times = Times { collected_at: clock, as_of };
        let values = bundle
            .values()?
            .into_iter()
            .map(|value| (value.id.clone(), ValueView { id: value.id, check: value.check, distinct: value.distinct }));
        Ok(Self {
            run: run(bundle, fresh_until, as_of, trust)?,
            facts,
            summary: summary(&assessment, findings),
            matrix: matrix(&controls),
            exceptions: exceptions::views(&bundle.exceptions()?, &assessment, as_of),
            values: values.collect(),
            sprs: SprsView::new(catalog, scopes, &assessment, &attestations, as_of),
            soa: SoaView::new(catalog, scopes, &assessment, &attestations, times),
            history: HistoryView::default(),
            crosswalk: CrosswalkView::new(&catalog.controls, scopes),
            controls,
            checks,
            frameworks,
        })
    }
}

// Where nothing counted, what did not count goes by its windows too.
fn fresh_until(bundle: &Bundle, sealed: &Assessment, attestations: &Attestations) -> Timestamp {
    let run = &bundle.manifest().predicate;
    let times = freshness::times(sealed, run.clock, bundle.freshness());
    let statements = attestations.by_need.values().chain(attestations.partial_credit.values());
    let ran = || sealed.checks.iter().filter(|(id, _)| run.checks.contains(id)).map(|(_, check)| check.fresh_until).min();
    freshness::fresh_until(&times, run.clock, statements).or_else(ran).unwrap_or(run.clock)
}

fn run(bundle: &Bundle, fresh_until: Timestamp, as_of: Timestamp, trust: Option<&Trust>) -> Result<RunView, BundleError> {
    let run = &bundle.manifest().predicate;
    Ok(RunView {
        workspace: run.workspace.clone(),
        environment: run.environment.clone(),
        run_id: run.run_id.clone(),
        collected_at: run.clock,
        as_of,
        fresh_until,
        stale: as_of >= fresh_until,
        assurance: run.assurance,
        manifest_sha256: bundle.manifest_sha256().to_owned(),
        signature: verify::signature(bundle.path(), &Demands { trust, at: Some(as_of), ..Demands::default() })?,
        full: run.full,
        tool_version: run.tool_version.clone(),
        targets: run.targets.clone(),
        requests: bundle.request_count()?,
        removed: run.collection.redactions,
    })
}

fn summary(assessment: &Assessment, findings: Counts) -> SummaryView {
    let mut checks = Counts::new();
    for check in assessment.checks.values() {
        *checks.entry(check.status).or_insert(0) += 1;
    }
    let count = |test: &dyn Fn(Verdict, Basis) -> bool| {
        assessment.controls.values().filter(|control| test(control.status, control.basis)).count() as u64
    };
    let good = |status: Verdict| matches!(status, Verdict::Pass | Verdict::Manual);
    SummaryView {
        checks,
        findings,
        controls_automated: count(&|status, basis| good(status) && basis == Basis::Automated),
        controls_attested: count(&|status, basis| good(status) && basis == Basis::Attested),
        controls_not_satisfied: count(&|status, _| !good(status) && status != Verdict::NotApplicable),
        controls_not_applicable: count(&|status, _| status == Verdict::NotApplicable),
    }
}

fn matrix(controls: &BTreeMap<String, super::ControlView>) -> Vec<LayerView> {
    let row = |control: &super::ControlView| MatrixRow {
        control: control.id.clone(),
        title: control.title.clone(),
        split: control.split,
        provider: control.provider.clone(),
        customer: control.customer.clone(),
        customer_checks: control.customer_checks.clone(),
        ownership: Ownership::of(control.split, [control.inherited_from.is_some()]),
        inherited_from: control.inherited_from.clone(),
        status: control.status,
        basis: control.basis,
        requirements: control.mappings.iter().map(|mapping| format!("{} {}", mapping.framework, mapping.requirement)).collect(),
    };
    let layer = |layer| LayerView {
        layer,
        title: proofbook_controls::Layer::title(layer),
        rows: controls.values().filter(|control| control.layer == layer).map(row).collect(),
    };
    proofbook_controls::Layer::ALL.into_iter().map(layer).collect()
}
