//! Frameworks as they are printed: sections, requirements in scope, and totals that add up.

use std::collections::BTreeMap;

use proofbook_checks::Catalog;
use proofbook_controls::{Framework, FrameworkId, Mapping, Requirement};

use super::controls::mapping;
use super::coverage::{CoverageRow, CoverageView};
use super::{FrameworkView, GroupView, LevelView, RequirementView};
use crate::assessment::{Assessment, Counts};
use crate::rollup;
use crate::scope::Scopes;

pub(super) fn views(catalog: &Catalog, scopes: &Scopes, assessment: &Assessment) -> BTreeMap<String, FrameworkView> {
    let covered = catalog.controls.frameworks.values().filter(|framework| scopes.covers(&framework.id));
    covered.map(|framework| (framework.id.to_string(), view(catalog, scopes, assessment, framework))).collect()
}

fn view(catalog: &Catalog, scopes: &Scopes, assessment: &Assessment, framework: &Framework) -> FrameworkView {
    let covered = CoverageView::new(catalog, scopes, framework);
    let mut statuses = Counts::new();
    for status in assessment.frameworks.get(&framework.id).into_iter().flatten().filter_map(|(_, requirement)| requirement.status) {
        *statuses.entry(status).or_insert(0) += 1;
    }
    let by_requirement = rollup::by_requirement(&catalog.controls, &framework.id);
    let by_id: BTreeMap<&str, &Requirement> = framework.requirements.iter().map(|found| (found.id.as_str(), found)).collect();
    let mut by_group: BTreeMap<String, Vec<RequirementView>> = BTreeMap::new();
    for row in covered.requirements {
        let Some(found) = by_id.get(row.id.as_str()) else { continue };
        let mappings = by_requirement.get(&found.id).map_or(&[][..], Vec::as_slice);
        by_group.entry(row.group.clone()).or_default().push(requirement(catalog, assessment, &framework.id, found, row, mappings));
    }
    // A section without requirements at the chosen level is left out.
    let group = |group: &proofbook_controls::framework::Group| {
        let requirements = by_group.remove(&group.id)?;
        Some(GroupView { id: group.id.clone(), title: group.title.clone(), requirements })
    };
    FrameworkView {
        id: framework.id.to_string(),
        title: framework.title.clone(),
        short_title: framework.short_title.clone(),
        edition: framework.edition.clone(),
        licence: framework.licence.clone(),
        level: covered.level.map(|id| LevelView { title: level_title(framework, &id), id }),
        coverage: covered.totals,
        reliance: covered.checks,
        statuses,
        groups: framework.groups.iter().filter_map(group).collect(),
    }
}

fn level_title(framework: &Framework, id: &str) -> String {
    framework.levels.iter().find(|level| level.id == id).map_or_else(|| id.to_owned(), |level| level.title.clone())
}

fn requirement(
    catalog: &Catalog,
    assessment: &Assessment,
    framework: &FrameworkId,
    found: &Requirement,
    row: CoverageRow,
    mappings: &[&Mapping],
) -> RequirementView {
    let applying = mappings.iter().filter(|one| row.relations.contains_key(one.control.as_str()));
    RequirementView {
        summary: found.summary.clone(),
        levels: found.levels.clone(),
        status: assessment.frameworks.get(framework).and_then(|all| all.get(&found.id)?.status),
        mappings: applying.map(|one| mapping(catalog, assessment, one)).collect(),
        id: row.id,
        title: row.title,
        binds: row.binds,
        coverage: row.status,
        reason: row.reason,
        checks: row.checks,
    }
}
