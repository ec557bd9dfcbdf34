//! Coverage: how the library covers the requirements in scope, whatever a scan found, and on which checks that rests.
//!
//! Totals count requirements, never mappings: every requirement in scope has one row, every row one kind, and the totals
//! are made from the rows.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::Catalog;
use proofbook_controls::{Binds, CheckId, Control, Framework, Mapping, Relation, Requirement, RequirementId};
use serde::Serialize;

use crate::assessment::Coverage;
use crate::rollup::{self, Bearer};
use crate::scope::{Membership, Scopes};

/// How one framework is covered.
#[derive(Clone, Debug, Serialize)]
pub struct CoverageView {
    /// The framework.
    pub framework: String,
    /// Its short title.
    pub title: String,
    /// The chosen level; none where the framework is in scope whole.
    pub level: Option<String>,
    /// Requirements by kind, every kind named; the sum is the number of rows.
    pub totals: BTreeMap<Coverage, u64>,
    /// The requirements in scope, in the framework's order.
    pub requirements: Vec<CoverageRow>,
    /// The checks that requirements rest on, those first on which most rests.
    pub checks: Vec<RelianceView>,
}

/// How one requirement is covered.
#[derive(Clone, Debug, Serialize)]
pub struct CoverageRow {
    /// The id.
    pub id: String,
    /// The kind of coverage.
    pub status: Coverage,
    /// The mapped controls; none where it does not apply.
    pub controls: Vec<String>,
    /// The checks that these controls of the provider require.
    pub checks: Vec<String>,
    /// The title.
    pub title: String,
    /// The section.
    pub group: String,
    /// Whom it binds.
    pub binds: Binds,
    /// Why it does not apply, or who bears it instead of the provider.
    pub reason: Option<String>,
    /// How each control stands to the requirement.
    pub relations: BTreeMap<String, Relation>,
    /// What of the requirement each control does not prove.
    pub limits: BTreeMap<String, String>,
}

/// How much rests on a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelianceView {
    /// The check.
    pub id: String,
    /// Requirements that it is evidence for.
    pub requirements: u64,
    /// Those among them for which no other check is.
    pub alone: u64,
}

/// What would be lost without a check.
#[derive(Clone, Debug, Serialize)]
pub struct LossView {
    /// The check.
    pub check: String,
    /// Requirements of which it is the only automated evidence.
    pub lost: Vec<LostRow>,
    /// Requirements that would keep other checks.
    pub reduced: Vec<ReducedRow>,
}

/// A requirement that would lose its only automated evidence.
#[derive(Clone, Debug, Serialize)]
pub struct LostRow {
    /// The framework.
    pub framework: String,
    /// The requirement.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How it would be covered then.
    pub becomes: Coverage,
}

/// A requirement that would lose a part of its automated evidence.
#[derive(Clone, Debug, Serialize)]
pub struct ReducedRow {
    /// The framework.
    pub framework: String,
    /// The requirement.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How many checks would be left.
    pub left: usize,
}

impl CoverageView {
    /// How a framework is covered, as far as it is in scope.
    #[must_use]
    pub fn new(catalog: &Catalog, scopes: &Scopes, framework: &Framework) -> Self {
        let rows = |found: Mapped<'_>| found.row();
        let requirements: Vec<CoverageRow> = mapped(catalog, scopes, framework).map(rows).collect();
        let mut totals: BTreeMap<Coverage, u64> = Coverage::ALL.map(|kind| (kind, 0)).into();
        for row in &requirements {
            *totals.entry(row.status).or_insert(0) += 1;
        }
        Self {
            framework: framework.id.to_string(),
            title: framework.short_title.clone(),
            level: scopes.level(&framework.id).map(str::to_owned),
            totals,
            checks: reliance(&requirements),
            requirements,
        }
    }

    /// All frameworks in scope, by id.
    #[must_use]
    pub fn all(catalog: &Catalog, scopes: &Scopes) -> Vec<Self> {
        let covered = catalog.controls.frameworks.values().filter(|framework| scopes.covers(&framework.id));
        covered.map(|framework| Self::new(catalog, scopes, framework)).collect()
    }
}

impl LossView {
    /// What the frameworks in scope would lose without a check.
    #[must_use]
    pub fn new(catalog: &Catalog, scopes: &Scopes, check: &CheckId) -> Self {
        let mut out = Self { check: check.to_string(), lost: Vec::new(), reduced: Vec::new() };
        for framework in catalog.controls.frameworks.values().filter(|framework| scopes.covers(&framework.id)) {
            for found in mapped(catalog, scopes, framework) {
                let checks = found.checks();
                if found.kind != Coverage::Automated || !checks.contains(check) {
                    continue;
                }
                let (framework, id) = (framework.id.to_string(), found.requirement.id.to_string());
                let title = found.requirement.title.clone();
                let left = checks.len() - 1;
                if left > 0 {
                    out.reduced.push(ReducedRow { framework, id, title, left });
                } else {
                    out.lost.push(LostRow { framework, id, title, becomes: found.kind_without(check) });
                }
            }
        }
        out
    }
}

/// A requirement in scope with the controls that are mapped to it.
struct Mapped<'c> {
    requirement: &'c Requirement,
    membership: Membership<'c>,
    mappings: Vec<(&'c Mapping, &'c Control)>,
    kind: Coverage,
}

fn mapped<'c>(catalog: &'c Catalog, scopes: &'c Scopes, framework: &'c Framework) -> impl Iterator<Item = Mapped<'c>> {
    let controls = &catalog.controls;
    let by_requirement = rollup::by_requirement(controls, &framework.id);
    rollup::in_scope(framework, scopes).map(move |(requirement, membership)| {
        let own = by_requirement.get(&requirement.id).into_iter().flatten();
        let mut mappings: Vec<_> = own.filter_map(|&mapping| Some((mapping, controls.controls.get(&mapping.control)?))).collect();
        let kind = rollup::coverage(requirement, membership, mappings.iter().map(|(_, control)| *control));
        if kind == Coverage::NotApplicable {
            mappings.clear();
        }
        Mapped { requirement, membership, mappings, kind }
    })
}

impl<'c> Mapped<'c> {
    /// The required checks of the provider's controls.
    fn checks(&self) -> BTreeSet<&'c CheckId> {
        let own = self.mappings.iter().filter(|(_, control)| Bearer::of(control) == Bearer::Provider);
        own.flat_map(|(_, control)| &control.checks.required).map(|check| &check.value).collect()
    }

    fn kind_without(&self, dropped: &CheckId) -> Coverage {
        let controls = self.mappings.iter().map(|(_, control)| *control);
        rollup::coverage_by(self.requirement, self.membership, controls, |check| check != dropped)
    }

    /// Why it does not apply, or who bears it instead of the provider.
    fn reason(&self) -> Option<String> {
        let requirement = self.requirement;
        match (self.kind, self.membership) {
            (Coverage::NotApplicable, _) if requirement.withdrawn && requirement.withdrawn_into.is_empty() => Some("withdrawn".to_owned()),
            (Coverage::NotApplicable, _) if requirement.withdrawn => {
                let into: Vec<&str> = requirement.withdrawn_into.iter().map(RequirementId::as_str).collect();
                Some(format!("withdrawn into {}", into.join(", ")))
            }
            (Coverage::NotApplicable, Membership::TailoredOut(reason)) => Some(format!("tailored out: {reason}")),
            (Coverage::NotApplicable, _) if requirement.binds == Binds::Authority => {
                Some("binds an authority or the legislator".to_owned())
            }
            (Coverage::NotApplicable, _) => Some("binds nobody".to_owned()),
            (Coverage::Customer, _) if self.mappings.is_empty() => Some("binds the customer".to_owned()),
            (Coverage::Customer, _) => Some("rests on the customer".to_owned()),
            (Coverage::Inherited, _) => {
                let from: BTreeSet<&str> = self.mappings.iter().filter_map(|(_, control)| control.inherited_from.as_deref()).collect();
                Some(format!("from {}", from.into_iter().collect::<Vec<_>>().join(" and ")))
            }
            (Coverage::Automated | Coverage::Attested | Coverage::None, _) => None,
        }
    }

    fn row(&self) -> CoverageRow {
        let requirement = self.requirement;
        let by_control = || self.mappings.iter().map(|(mapping, control)| (control.id.to_string(), *mapping));
        CoverageRow {
            id: requirement.id.to_string(),
            status: self.kind,
            controls: self.mappings.iter().map(|(_, control)| control.id.to_string()).collect(),
            checks: self.checks().into_iter().map(ToString::to_string).collect(),
            title: requirement.title.clone(),
            group: requirement.group.clone(),
            binds: requirement.binds,
            reason: self.reason(),
            relations: by_control().map(|(control, mapping)| (control, mapping.relation)).collect(),
            limits: by_control().map(|(control, mapping)| (control, mapping.limits.clone())).collect(),
        }
    }
}

fn reliance(rows: &[CoverageRow]) -> Vec<RelianceView> {
    let mut by_check: BTreeMap<&str, RelianceView> = BTreeMap::new();
    for row in rows {
        for check in &row.checks {
            let empty = || RelianceView { id: check.clone(), requirements: 0, alone: 0 };
            let found = by_check.entry(check).or_insert_with(empty);
            found.requirements += 1;
            found.alone += u64::from(row.checks.len() == 1);
        }
    }
    let mut out: Vec<RelianceView> = by_check.into_values().collect();
    // Equal ones keep the order of their ids.
    out.sort_by_key(|found| std::cmp::Reverse((found.requirements, found.alone)));
    out
}
