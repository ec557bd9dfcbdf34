//! Mappings: each between a requirement in force and a control, once, with its limits; profiles take over those of their catalog.

use std::collections::{BTreeMap, BTreeSet};

use super::{Loader, Source};
use crate::diagnostic::did_you_mean;
use crate::framework::Framework;
use crate::id::{ControlId, FrameworkId, RequirementId};
use crate::mapping::{Mapping, MappingEntry, MappingFile, Relation};

/// Where a requirement stands in its framework, and whether it is withdrawn.
type Order = BTreeMap<RequirementId, (usize, bool)>;

impl Loader<'_> {
    pub(super) fn mappings(&mut self) {
        let mut by_framework: BTreeMap<FrameworkId, Vec<Mapping>> = BTreeMap::new();
        for (source, file) in self.read::<MappingFile>("controls/mappings") {
            let id = &file.framework.value;
            if !self.known_framework(source, id, file.framework.span, "add the framework first") {
                continue;
            }
            let order = order(&self.controls.frameworks[id]);
            let found = by_framework.entry(id.clone()).or_default();
            let mut seen: BTreeSet<_> = found.iter().map(|known| (known.requirement.clone(), known.control.clone())).collect();
            for entry in file.mappings {
                self.entry(source, id, &order, &entry);
                if !seen.insert((entry.requirement.value.clone(), entry.control.value.clone())) {
                    let message = format!("`{}` is mapped to `{}` twice", entry.control.value, entry.requirement.value);
                    self.errors.push(source.fault("duplicate-mapping", entry.control.span, message, "keep one of the two"));
                }
                found.push(Mapping {
                    framework: id.clone(),
                    requirement: entry.requirement.value,
                    control: entry.control.value,
                    relation: entry.relation,
                    rationale: entry.rationale,
                    limits: entry.limits,
                    inherited_from: None,
                    through: Vec::new(),
                });
            }
        }
        for framework in self.controls.frameworks.values() {
            let mut own = by_framework.get(&framework.id).cloned().unwrap_or_default();
            let order = order(framework);
            let catalog = framework.profile_of.as_ref().and_then(|catalog| by_framework.get(catalog));
            own.extend(taken_over(framework, &order, &own, catalog.map_or(&[], Vec::as_slice)));
            if framework.parts_in_parentheses {
                own.extend(of_parts(framework, &own));
            }
            let place = |id: &RequirementId| order.get(id).map_or(usize::MAX, |(at, _)| *at);
            own.sort_by(|a, b| (place(&a.requirement), &a.control).cmp(&(place(&b.requirement), &b.control)));
            self.controls.mappings.extend(own);
        }
    }

    fn entry(&mut self, source: Source<'_>, framework: &FrameworkId, order: &Order, entry: &MappingEntry) {
        let (requirement, control) = (&entry.requirement.value, &entry.control.value);
        match order.get(requirement) {
            None => {
                let known = order.keys().map(RequirementId::as_str);
                let help = did_you_mean(requirement.as_str(), known, "see `proofbook frameworks show`");
                let message = format!("`{framework}` has no requirement `{requirement}`");
                self.errors.push(source.fault("unknown-requirement", entry.requirement.span, message, help));
            }
            Some((_, true)) => {
                let message = format!("the requirement `{requirement}` of `{framework}` is withdrawn");
                self.errors.push(source.fault("withdrawn", entry.requirement.span, message, "map what took its place"));
            }
            Some((_, false)) => {}
        }
        if !self.controls.controls.contains_key(control) && !self.broken.contains(control.as_str()) {
            let known = self.controls.controls.keys().map(ControlId::as_str);
            let help = did_you_mean(control.as_str(), known, "see `proofbook controls list`");
            self.errors.push(source.fault("unknown-control", entry.control.span, format!("unknown control `{control}`"), help));
        }
        if entry.limits.trim().is_empty() || entry.rationale.trim().is_empty() {
            let message = "a mapping says why it holds and what it does not prove".to_owned();
            self.errors.push(source.fault("limits", entry.requirement.span, message, "fill in `rationale` and `limits`"));
        }
    }
}

fn order(framework: &Framework) -> Order {
    framework.requirements.iter().enumerate().map(|(at, r)| (r.id.clone(), (at, r.withdrawn))).collect()
}

// What a profile takes over: the mappings of its requirements that it does not judge itself.
fn taken_over(profile: &Framework, order: &Order, own: &[Mapping], catalog: &[Mapping]) -> Vec<Mapping> {
    let judged: BTreeSet<_> = own.iter().map(|mapping| (&mapping.requirement, &mapping.control)).collect();
    let selected = catalog.iter().filter(|mapping| order.contains_key(&mapping.requirement));
    let left = selected.filter(|mapping| !judged.contains(&(&mapping.requirement, &mapping.control)));
    left.map(|mapping| Mapping { framework: profile.id.clone(), inherited_from: Some(mapping.framework.clone()), ..mapping.clone() })
        .collect()
}

// What requirements without a mapping of their own take over from their parts.
fn of_parts(framework: &Framework, own: &[Mapping]) -> Vec<Mapping> {
    let mapped: BTreeSet<&RequirementId> = own.iter().map(|mapping| &mapping.requirement).collect();
    let mut out = Vec::new();
    for whole in framework.requirements.iter().filter(|requirement| !requirement.withdrawn && !mapped.contains(&requirement.id)) {
        let is_part = |id: &RequirementId| id.as_str().strip_prefix(whole.id.as_str()).is_some_and(|rest| rest.starts_with('('));
        let mut by_control: BTreeMap<&ControlId, Mapping> = BTreeMap::new();
        for mapping in own.iter().filter(|mapping| is_part(&mapping.requirement)) {
            let of_whole = by_control.entry(&mapping.control).or_insert_with(|| Mapping {
                requirement: whole.id.clone(),
                relation: mapping.relation.then(Relation::Subset).0,
                ..mapping.clone()
            });
            of_whole.through.push(mapping.requirement.clone());
        }
        out.extend(by_control.into_values());
    }
    out
}
