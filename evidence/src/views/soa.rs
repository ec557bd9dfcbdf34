//! The statement of applicability (ISO/IEC 27001:2022, 6.1.3 d): every control of Annex A with its justification, what shows
//! it, and whether the evidence speaks for it.
//!
//! All rows are there, whatever the library covers. What is implemented is a proposal that the owner of the management system
//! confirms: it is `yes` only where every check and statement that the mapped controls require is good.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proofbook_checks::{Catalog, Verdict};
use proofbook_controls::{Binds, Control, Framework, Mapping, Requirement, Split};
use serde::Serialize;

use super::SignedView;
use crate::assessment::{Assessment, Coverage, RequirementAssessment};
use crate::attestation::Attestations;
use crate::bundle::{Bundle, BundleError};
use crate::scope::{Membership, Scopes};

// The attribute, and its value, of requirements that the statement lists.
const LISTED: (&str, &str) = ("kind", "annex-a");
// So many requirements of another framework are named one by one.
const NAMED: usize = 6;

/// The statement.
#[derive(Clone, Debug, Serialize)]
pub struct SoaView {
    /// The framework.
    pub framework: String,
    /// Its short title.
    pub title: String,
    /// When the evidence was collected.
    pub collected_at: Timestamp,
    /// The time that it is judged by.
    pub as_of: Timestamp,
    /// Rows that apply.
    pub applicable: u64,
    /// Rows that are excluded.
    pub excluded: u64,
    /// Rows that apply by what is proposed; the sum is `applicable`.
    pub implemented: BTreeMap<Implemented, u64>,
    /// The rows, in the framework's order.
    pub rows: Vec<SoaRow>,
}

/// One control of Annex A.
#[derive(Clone, Debug, Serialize)]
pub struct SoaRow {
    /// The id.
    pub id: String,
    /// Our own short title.
    pub title: String,
    /// Whether it applies.
    pub applicable: bool,
    /// Why it is included (`baseline`: Annex A is adopted whole), or excluded.
    pub justification: String,
    /// Whether it is implemented, as the evidence proposes; none where it does not apply.
    pub implemented: Option<Implemented>,
    /// The worst of the mapped controls.
    pub status: Option<Verdict>,
    /// How it is covered.
    pub coverage: Coverage,
    /// On whom it rests.
    pub responsibility: String,
    /// The mapped controls: where it is implemented.
    pub controls: Vec<SoaControl>,
    /// The checks that these require, with their status.
    pub checks: BTreeMap<String, Verdict>,
    /// What people state for it.
    pub attested: Vec<SoaStatement>,
}

/// Whether a control of Annex A is implemented, as the evidence proposes. What is planned only a person can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Implemented {
    /// Every mapped control is good.
    Yes,
    /// Some mapped controls are good, and some are not.
    Partly,
    /// Controls are mapped, and none is good.
    No,
    /// Nothing is mapped, or nothing that applies: the evidence says nothing.
    NotShown,
}

impl Implemented {
    /// All values in the order in which they are printed.
    pub const ALL: [Self; 4] = [Self::Yes, Self::Partly, Self::No, Self::NotShown];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
            Self::NotShown => "not-shown",
        }
    }
}

/// A control of the library that serves a row.
#[derive(Clone, Debug, Serialize)]
pub struct SoaControl {
    /// The control.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: Verdict,
}

/// A statement that a row rests on.
#[derive(Clone, Debug, Serialize)]
pub struct SoaStatement {
    /// The need that it answers.
    pub id: String,
    /// What must be stated.
    pub statement: String,
    /// `manual` while it counts, `error` where nobody gave it, `fail` once it has expired.
    pub status: Verdict,
    /// Who signed it, and until when it counts.
    pub signed: Option<SignedView>,
}

/// When the evidence is of.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When it was collected.
    pub collected_at: Timestamp,
    /// The time that it is judged by.
    pub as_of: Timestamp,
}

impl SoaView {
    /// The statement as of a time; none where no framework in scope has one.
    #[must_use]
    pub fn new(catalog: &Catalog, scopes: &Scopes, assessment: &Assessment, attestations: &Attestations, times: Times) -> Option<Self> {
        let is_listed = |found: &&Requirement| found.attributes.get(LISTED.0).is_some_and(|kind| kind == LISTED.1);
        let mut covered = catalog.controls.frameworks.values().filter(|framework| scopes.covers(&framework.id));
        let framework = covered.find(|framework| framework.requirements.iter().any(|found| is_listed(&found)))?;
        let others = catalog.controls.frameworks.values().filter(|other| other.id != framework.id);
        let others = others.map(|other| (other, scopes.mappings(&catalog.controls, &other.id).collect()));
        let source = Source { catalog, scopes, framework, assessment, attestations, as_of: times.as_of, others: others.collect() };
        let rows: Vec<SoaRow> = framework.requirements.iter().filter(is_listed).map(|found| source.row(found)).collect();
        let mut implemented: BTreeMap<Implemented, u64> = Implemented::ALL.map(|value| (value, 0)).into();
        for value in rows.iter().filter_map(|row| row.implemented) {
            *implemented.entry(value).or_insert(0) += 1;
        }
        let applicable = rows.iter().filter(|row| row.applicable).count() as u64;
        Some(Self {
            framework: framework.id.to_string(),
            title: framework.short_title.clone(),
            collected_at: times.collected_at,
            as_of: times.as_of,
            applicable,
            excluded: rows.len() as u64 - applicable,
            implemented,
            rows,
        })
    }

    /// The statement of a bundle as of a time.
    ///
    /// # Errors
    /// What of the bundle cannot be read.
    pub fn of(bundle: &Bundle, as_of: Timestamp) -> Result<Option<Self>, BundleError> {
        let attestations = bundle.attestations()?;
        let assessment = super::build::aged(bundle, bundle.assessment()?, &attestations, as_of);
        let times = Times { collected_at: bundle.manifest().predicate.clock, as_of };
        Ok(Self::new(bundle.catalog(), bundle.scopes(), &assessment, &attestations, times))
    }
}

/// What rows are made from.
struct Source<'s> {
    catalog: &'s Catalog,
    scopes: &'s Scopes,
    framework: &'s Framework,
    assessment: &'s Assessment,
    attestations: &'s Attestations,
    as_of: Timestamp,
    /// The other frameworks in scope with their mappings.
    others: Vec<(&'s Framework, Vec<&'s Mapping>)>,
}

impl<'s> Source<'s> {
    fn row(&self, requirement: &Requirement) -> SoaRow {
        let assessed = self.assessment.frameworks.get(&self.framework.id).and_then(|all| all.get(&requirement.id));
        let coverage = assessed.map_or(Coverage::None, |assessed| assessed.coverage);
        let excluded = match self.scopes.membership(&self.framework.id, requirement) {
            Membership::TailoredOut(reason) => Some(reason.to_owned()),
            Membership::InScope | Membership::OutOfScope => None,
        };
        let controls: Vec<&Control> = self.controls(assessed).collect();
        let status = |control: &Control| self.assessment.controls.get(&control.id).map_or(Verdict::Error, |found| found.status);
        let implemented = implemented(controls.iter().map(|control| status(control)));
        SoaRow {
            id: requirement.id.to_string(),
            title: requirement.title.clone(),
            applicable: excluded.is_none(),
            implemented: excluded.is_none().then_some(implemented),
            justification: excluded.unwrap_or_else(|| self.inclusion(&controls)),
            status: assessed.and_then(|assessed| assessed.status),
            coverage,
            responsibility: responsibility(&controls, requirement),
            checks: controls.iter().flat_map(|control| self.checks(control)).collect(),
            attested: controls.iter().flat_map(|control| self.statements(control)).collect(),
            controls: controls
                .iter()
                .map(|control| SoaControl { id: control.id.to_string(), title: control.title.clone(), status: status(control) })
                .collect(),
        }
    }

    fn controls(&self, assessed: Option<&'s RequirementAssessment>) -> impl Iterator<Item = &'s Control> {
        let all = &self.catalog.controls.controls;
        assessed.into_iter().flat_map(|assessed| &assessed.controls).filter_map(move |id| all.get(id))
    }

    // Annex A is the baseline, adopted whole. What else asks for the same is told by the frameworks that the same controls serve.
    fn inclusion(&self, controls: &[&Control]) -> String {
        let mut others = Vec::new();
        let ids: BTreeSet<_> = controls.iter().map(|control| &control.id).collect();
        for (framework, mappings) in &self.others {
            let serving = mappings.iter().filter(|mapping| ids.contains(&mapping.control));
            let mut served: Vec<&str> = serving.map(|mapping| mapping.requirement.as_str()).collect();
            served.dedup();
            match served.len() {
                0 => {}
                1..=NAMED => others.push(format!("{} ({})", framework.short_title, served.join(", "))),
                many => others.push(format!("{} ({many} requirements)", framework.short_title)),
            }
        }
        if others.is_empty() { "baseline".to_owned() } else { format!("baseline; the same controls serve {}", others.join(", ")) }
    }

    fn checks(&self, control: &Control) -> Vec<(String, Verdict)> {
        let status = |id| self.assessment.checks.get(id).map_or(Verdict::Error, |found| found.status);
        control.checks.required.iter().map(|check| (check.value.to_string(), status(&check.value))).collect()
    }

    fn statements(&self, control: &Control) -> Vec<SoaStatement> {
        let statement = |need: &proofbook_controls::control::AttestationNeed| {
            let given = self.attestations.by_need.get(&need.id);
            SoaStatement {
                id: need.id.clone(),
                statement: need.statement.clone(),
                status: given.map_or(Verdict::Error, |given| given.verdict(self.as_of)),
                signed: given.map(|given| SignedView {
                    role: given.role.clone(),
                    signed_at: given.signed_at,
                    expires_at: given.expires_at(),
                }),
            }
        };
        control.attestations.iter().map(statement).collect()
    }
}

fn implemented(statuses: impl Iterator<Item = Verdict>) -> Implemented {
    let applying: Vec<bool> = statuses
        .filter(|status| *status != Verdict::NotApplicable)
        .map(|status| matches!(status, Verdict::Pass | Verdict::Manual))
        .collect();
    match (applying.is_empty(), applying.iter().filter(|good| **good).count()) {
        (true, _) => Implemented::NotShown,
        (false, 0) => Implemented::No,
        (false, good) if good == applying.len() => Implemented::Yes,
        (false, _) => Implemented::Partly,
    }
}

fn responsibility(controls: &[&Control], requirement: &Requirement) -> String {
    if controls.is_empty() {
        let both = requirement.binds == Binds::Both;
        return (if both { Split::Shared.as_str() } else { requirement.binds.as_str() }).to_owned();
    }
    let suppliers: BTreeSet<&str> = controls.iter().filter_map(|control| control.inherited_from.as_deref()).collect();
    let own: BTreeSet<&str> = controls
        .iter()
        .filter(|control| control.inherited_from.is_none())
        .map(|control| control.responsibility.split)
        .map(Split::as_str)
        .collect();
    let own = if own.len() > 1 { BTreeSet::from([Split::Shared.as_str()]) } else { own };
    own.into_iter().map(str::to_owned).chain(suppliers.into_iter().map(|from| format!("supplier: {from}"))).collect::<Vec<_>>().join("; ")
}
