//! Frameworks as they are printed: sections, requirements in scope, and totals that add up.

use std::collections::BTreeMap;

use proofbook_checks::Catalog;
use proofbook_controls::{Framework, FrameworkId, Mapping, Requirement};

use super::controls::mapping;
use super::coverage::{CoverageRow, CoverageView};
use super::duty::DutyView;
use super::{ControlView, FrameworkView, GroupView, LevelView, RequirementView};
use crate::assessment::{Assessment, Counts};
use crate::rollup;
use crate::scope::Scopes;

pub(super) fn views(
    catalog: &Catalog,
    scopes: &Scopes,
    assessment: &Assessment,
    controls: &BTreeMap<String, ControlView>,
) -> BTreeMap<String, FrameworkView> {
    let covered = catalog.controls.frameworks.values().filter(|framework| scopes.covers(&framework.id));
    let made = covered.map(|framework| view(catalog, scopes, assessment, framework));
    made.map(|mut view| {
        view.groups.iter_mut().flat_map(|group| &mut group.requirements).for_each(|one| one.duty = DutyView::of(one, controls));
        (view.id.clone(), view)
    })
    .collect()
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
        objectives: objectives(found),
        status: assessment.frameworks.get(framework).and_then(|all| all.get(&found.id)?.status),
        mappings: applying.map(|one| mapping(catalog, assessment, one)).collect(),
        id: row.id,
        title: row.title,
        binds: row.binds,
        coverage: row.status,
        reason: row.reason,
        checks: row.checks,
        duty: None,
    }
}

// Objectives are lettered below the requirement of NIST SP 800-171.
fn objectives(found: &Requirement) -> Vec<String> {
    let attribute = |name: &str| found.attributes.get(name).map(String::as_str);
    let id = attribute("nist_800_171").unwrap_or(found.id.as_str());
    match attribute("objectives") {
        None => Vec::new(),
        Some("whole") => vec![id.to_owned()],
        Some(letters) => letters.chars().map(|letter| format!("{id}[{letter}]")).collect(),
    }
}
