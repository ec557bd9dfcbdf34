//! Frameworks as they are printed: sections, requirements, and totals that add up.

use std::collections::BTreeMap;

use proofbook_checks::Catalog;
use proofbook_controls::{Framework, Requirement};

use super::controls::mapping;
use super::{FrameworkView, GroupView, RequirementView};
use crate::assessment::{Assessment, Counts, Coverage};

pub(super) fn views(catalog: &Catalog, assessment: &Assessment) -> BTreeMap<String, FrameworkView> {
    catalog.controls.frameworks.values().map(|framework| (framework.id.to_string(), view(catalog, assessment, framework))).collect()
}

fn view(catalog: &Catalog, assessment: &Assessment, framework: &Framework) -> FrameworkView {
    let group = |group: &proofbook_controls::framework::Group| GroupView {
        id: group.id.clone(),
        title: group.title.clone(),
        requirements: framework
            .requirements
            .iter()
            .filter(|requirement| requirement.group == group.id && !requirement.withdrawn)
            .map(|found| requirement(catalog, assessment, framework, found))
            .collect(),
    };
    let groups: Vec<GroupView> = framework.groups.iter().map(group).collect();
    let mut coverage: BTreeMap<Coverage, u64> = Coverage::ALL.map(|kind| (kind, 0)).into();
    let mut statuses = Counts::new();
    for requirement in groups.iter().flat_map(|group| &group.requirements) {
        *coverage.entry(requirement.coverage).or_insert(0) += 1;
        if let Some(status) = requirement.status {
            *statuses.entry(status).or_insert(0) += 1;
        }
    }
    FrameworkView {
        id: framework.id.to_string(),
        title: framework.title.clone(),
        short_title: framework.short_title.clone(),
        edition: framework.edition.clone(),
        licence: framework.licence.clone(),
        coverage,
        statuses,
        groups,
    }
}

fn requirement(catalog: &Catalog, assessment: &Assessment, framework: &Framework, requirement: &Requirement) -> RequirementView {
    let assessed = assessment.frameworks.get(&framework.id).and_then(|all| all.get(&requirement.id));
    let mappings = catalog.controls.mappings_of(&framework.id).filter(|mapping| mapping.requirement == requirement.id);
    RequirementView {
        id: requirement.id.to_string(),
        title: requirement.title.clone(),
        summary: requirement.summary.clone(),
        binds: requirement.binds,
        coverage: assessed.map_or(Coverage::None, |assessed| assessed.coverage),
        status: assessed.and_then(|assessed| assessed.status),
        mappings: mappings.map(|found| mapping(catalog, assessment, found)).collect(),
    }
}
