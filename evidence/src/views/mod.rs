//! Views: typed rows of what is published, computed once, so that site, documents and exports cannot disagree.
//!
//! A view is a pure function of the bundle, the workspace's publication facts and the as-of time. Renderers print it;
//! they compute nothing.

mod build;
mod checks;
mod controls;
pub mod coverage;
pub mod crosswalk;
pub mod duty;
pub mod exceptions;
mod frameworks;
pub mod history;
pub mod profile;
pub mod soa;
pub mod sprs;

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::definition::{Method, Severity};
use proofbook_checks::finding::{Finding, Population};
use proofbook_checks::inventory::{Assurance, Target};
use proofbook_checks::redact::Redactions;
use proofbook_checks::{Reason, Verdict};
use proofbook_controls::{Binds, Layer, Relation, Split};
use serde::Serialize;

use crate::assessment::{Basis, Counts, Coverage, Disagreement};
use crate::facts::Facts;
use crate::verify::SignatureState;

/// All views of one bundle.
#[derive(Clone, Debug, Serialize)]
pub struct Publication {
    /// The run and when it was looked at.
    pub run: RunView,
    /// The workspace's own statements.
    pub facts: Facts,
    /// Totals, each with what it counts.
    pub summary: SummaryView,
    /// The responsibility matrix: one entry a layer, in the order of the layers.
    pub matrix: Vec<LayerView>,
    /// The controls by id.
    pub controls: BTreeMap<String, ControlView>,
    /// The checks by id.
    pub checks: BTreeMap<String, CheckView>,
    /// The frameworks by id.
    pub frameworks: BTreeMap<String, FrameworkView>,
    /// What their requirements correspond to elsewhere. It follows from the library alone, and is as large as all else
    /// together: the site prints it, documents and their attachments are spared it.
    #[serde(skip)]
    pub crosswalk: crosswalk::CrosswalkView,
    /// Deviations that are known and approved, by id, with how each stands.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<String, exceptions::ExceptionView>,
    /// Measured values by id: `<check>.<name>`.
    pub values: BTreeMap<String, ValueView>,
    /// The SPRS score, where a framework in scope has one.
    pub sprs: Option<sprs::SprsView>,
    /// The statement of applicability, where a framework in scope has one.
    pub soa: Option<soa::SoaView>,
    /// What this run and those before it found, where whoever prints knows the ledger; empty otherwise. The bundle does not hold it, so
    /// that it is no part of what documents attach.
    #[serde(skip)]
    pub history: history::HistoryView,
}

/// The run behind a publication.
#[derive(Clone, Debug, Serialize)]
pub struct RunView {
    /// The workspace.
    pub workspace: String,
    /// The environment.
    pub environment: String,
    /// The run's id.
    pub run_id: String,
    /// When the run looked (the manifest's clock).
    pub collected_at: Timestamp,
    /// The time that freshness is judged by.
    pub as_of: Timestamp,
    /// The earliest time at which a result goes stale or a statement runs out.
    pub fresh_until: Timestamp,
    /// Whether anything is stale as of `as_of`.
    pub stale: bool,
    /// `live`, or `as-supplied` where the observations came from files.
    pub assurance: Assurance,
    /// The digest of the manifest, which names every sealed file.
    pub manifest_sha256: String,
    /// What the signatures that the bundle carries are worth; none where it carries none.
    pub signature: Option<SignatureState>,
    /// Whether all checks ran, or a part chosen by name.
    pub full: bool,
    /// The version of the program that sealed the bundle.
    pub tool_version: String,
    /// The targets, with who looked.
    pub targets: Vec<Target>,
    /// How many requests were made.
    pub requests: u64,
    /// What was taken out before anything was written.
    pub removed: Redactions,
}

/// Totals.
#[derive(Clone, Debug, Serialize)]
pub struct SummaryView {
    /// Checks by status.
    pub checks: Counts,
    /// Findings by verdict.
    pub findings: Counts,
    /// Controls whose required checks are all green.
    pub controls_automated: u64,
    /// Controls that are green with the help of attestations.
    pub controls_attested: u64,
    /// Controls that are not satisfied.
    pub controls_not_satisfied: u64,
    /// Controls that do not apply.
    pub controls_not_applicable: u64,
}

/// One layer of the responsibility matrix.
#[derive(Clone, Debug, Serialize)]
pub struct LayerView {
    /// The layer.
    pub layer: Layer,
    /// Its title.
    pub title: &'static str,
    /// Its controls, by id.
    pub rows: Vec<MatrixRow>,
}

/// One row of the responsibility matrix.
#[derive(Clone, Debug, Serialize)]
pub struct MatrixRow {
    /// The control.
    pub control: String,
    /// Its title.
    pub title: String,
    /// On whom it rests.
    pub split: Split,
    /// What the provider does; each sentence begins with a verb.
    pub provider: Vec<String>,
    /// What the customer does or inherits; each sentence begins with a verb.
    pub customer: Vec<String>,
    /// What the customer can check for its part.
    pub customer_checks: Vec<duty::CustomerCheckView>,
    /// Who owns it, in the words of CSA's questionnaire.
    pub ownership: duty::Ownership,
    /// From whom the provider itself inherits it, where it does.
    pub inherited_from: Option<String>,
    /// The control's status.
    pub status: Verdict,
    /// What the status rests on.
    pub basis: Basis,
    /// Requirements, as `framework id`.
    pub requirements: Vec<String>,
}

/// A control.
#[derive(Clone, Debug, Serialize)]
pub struct ControlView {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The objective.
    pub objective: String,
    /// The layer.
    pub layer: Layer,
    /// The layer's title.
    pub layer_title: &'static str,
    /// On whom it rests.
    pub split: Split,
    /// What the provider does.
    pub provider: Vec<String>,
    /// What the customer does or inherits.
    pub customer: Vec<String>,
    /// What the customer can check for its part.
    pub customer_checks: Vec<duty::CustomerCheckView>,
    /// From whom the provider itself inherits it, where it does.
    pub inherited_from: Option<String>,
    /// The status.
    pub status: Verdict,
    /// What the status rests on.
    pub basis: Basis,
    /// Until when the status counts: the earliest end of a required check's result or of a statement; none where nothing counts now.
    pub fresh_until: Option<Timestamp>,
    /// Where independent checks differ.
    pub disagree: Vec<Disagreement>,
    /// The checks, required ones first.
    pub checks: Vec<ControlCheckView>,
    /// The attestations that it needs.
    pub attestations: Vec<AttestationView>,
    /// The mappings.
    pub mappings: Vec<MappingView>,
    /// Why there is no evidence, where there can be none.
    pub no_evidence: Option<String>,
    /// Months between reviews.
    pub review_months: u32,
}

/// A check as a part of a control.
#[derive(Clone, Debug, Serialize)]
pub struct ControlCheckView {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// Whether the control requires it.
    pub required: bool,
    /// The status.
    pub status: Verdict,
    /// Findings by verdict.
    pub counts: Counts,
}

/// A needed attestation with what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct AttestationView {
    /// The id.
    pub id: String,
    /// What must be stated.
    pub statement: String,
    /// The verdict: `manual` where a valid statement exists, `error` where none was given, `fail` where it expired.
    pub status: Verdict,
    /// The role that signed, and until when it counts.
    pub signed: Option<SignedView>,
}

/// A signed statement, without the person's name.
#[derive(Clone, Debug, Serialize)]
pub struct SignedView {
    /// The role of the person.
    pub role: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// A mapping from a control to a requirement, or back.
#[derive(Clone, Debug, Serialize)]
pub struct MappingView {
    /// The framework.
    pub framework: String,
    /// Its short title.
    pub framework_title: String,
    /// The requirement.
    pub requirement: String,
    /// Its title.
    pub requirement_title: String,
    /// The control.
    pub control: String,
    /// Its title.
    pub control_title: String,
    /// Its status.
    pub control_status: Verdict,
    /// How the control stands to the requirement.
    pub relation: Relation,
    /// Why it contributes.
    pub rationale: String,
    /// What it does not prove.
    pub limits: String,
}

/// A check.
#[derive(Clone, Debug, Serialize)]
pub struct CheckView {
    /// The id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// The title.
    pub title: String,
    /// The folder in the library.
    pub domain: String,
    /// The severity of a failure.
    pub severity: Severity,
    /// EXAMINE or TEST.
    pub method: Method,
    /// The worst of its findings.
    pub status: Verdict,
    /// The reason of the first finding with that verdict.
    pub reason: Reason,
    /// Findings by verdict.
    pub counts: Counts,
    /// What was looked at.
    pub population: Population,
    /// Until when the result counts.
    pub fresh_until: Timestamp,
    /// Parameters as they took effect.
    pub params: Vec<ParamView>,
    /// What it reads, by resource.
    pub reads: BTreeMap<String, Vec<String>>,
    /// The rule itself: the YAML that decided.
    pub rule: String,
    /// What a pass proves.
    pub proves: String,
    /// What a pass does not prove.
    pub does_not_prove: String,
    /// How to mend a failure.
    pub remedy: String,
    /// Known traps.
    pub traps: Vec<String>,
    /// How a person repeats the check, with placeholders such as `<metadata.name>`.
    pub manual: String,
    /// The same, filled in for the first failing subject.
    pub manual_example: Option<String>,
    /// Findings that are neither pass nor not-applicable, ordered by subject; never cut.
    pub failing: Vec<Finding>,
    /// Subjects that pass, ordered; cut at [`PASSING_SHOWN`], the count stands in `counts`.
    pub passing: Vec<String>,
    /// The controls that name it, by id, with whether they require it.
    pub controls: BTreeMap<String, bool>,
    /// The check of the same promise by another method.
    pub pairs_with: Option<String>,
    /// Measures whose text may be printed for customers.
    pub publish: Vec<String>,
}

/// So many passing subjects a check lists by name.
pub const PASSING_SHOWN: usize = 200;

/// A parameter as it took effect.
#[derive(Clone, Debug, Serialize)]
pub struct ParamView {
    /// The name.
    pub name: String,
    /// The value.
    pub value: serde_json::Value,
    /// `default`, `workspace` or `claim:<id>`.
    pub source: String,
    /// What it means.
    pub doc: String,
}

/// A framework.
#[derive(Clone, Debug, Serialize)]
pub struct FrameworkView {
    /// The id.
    pub id: String,
    /// The full title.
    pub title: String,
    /// The short title.
    pub short_title: String,
    /// The edition.
    pub edition: String,
    /// What may be printed of it.
    pub licence: String,
    /// The chosen level; none where the framework is in scope whole.
    pub level: Option<LevelView>,
    /// Requirements by coverage; the sum is the number of requirements.
    pub coverage: BTreeMap<Coverage, u64>,
    /// The checks that its requirements rest on, those first on which most rests.
    pub reliance: Vec<coverage::RelianceView>,
    /// Requirements by the status of their controls; those without one are counted under `coverage`.
    pub statuses: Counts,
    /// The sections that have requirements in scope.
    pub groups: Vec<GroupView>,
}

/// A level, baseline or class.
#[derive(Clone, Debug, Serialize)]
pub struct LevelView {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
}

/// A section of a framework.
#[derive(Clone, Debug, Serialize)]
pub struct GroupView {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The requirements.
    pub requirements: Vec<RequirementView>,
}

/// A requirement.
#[derive(Clone, Debug, Serialize)]
pub struct RequirementView {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// One sentence in our words.
    pub summary: String,
    /// Whom it binds.
    pub binds: Binds,
    /// The levels that contain it.
    pub levels: Vec<String>,
    /// The ids of its assessment objectives, where the framework tells them: `3.1.1[a]`, or the requirement's own where it has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<String>,
    /// How it is covered.
    pub coverage: Coverage,
    /// Why it does not apply, or who bears it instead of the provider.
    pub reason: Option<String>,
    /// The worst of its controls.
    pub status: Option<Verdict>,
    /// The checks that its controls of the provider require.
    pub checks: Vec<String>,
    /// The mapped controls.
    pub mappings: Vec<MappingView>,
    /// Who does what about it; none where it binds neither provider nor customer.
    pub duty: Option<duty::DutyView>,
}

/// A measured value: what a check measured over its whole population.
#[derive(Clone, Debug, Serialize)]
pub struct ValueView {
    /// The id: `<check>.<name>`.
    pub id: String,
    /// The check.
    pub check: String,
    /// Each distinct value with the number of subjects that have it, in the order of the values' text.
    pub distinct: Vec<(serde_json::Value, u64)>,
}
