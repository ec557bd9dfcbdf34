//! The requirements of one framework: each in a declared group, at declared levels, with declared columns.

use std::collections::BTreeSet;

use super::profiles::Unfilled;
use super::{Loader, Source};
use crate::diagnostic::{Span, did_you_mean};
use crate::framework::{Framework, Poam, Requirement, Score};

impl Loader<'_> {
    pub(super) fn requirements(&mut self, source: Source<'_>, framework: &Framework, unfilled: &Unfilled) {
        let groups: BTreeSet<&str> = framework.groups.iter().map(|group| group.id.as_str()).collect();
        let levels: BTreeSet<&str> = framework.levels.iter().map(|level| level.id.as_str()).collect();
        let ids: BTreeSet<&str> = framework.requirements.iter().map(|requirement| requirement.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        for requirement in &framework.requirements {
            let id = &requirement.id;
            let whole = !unfilled.contains(&(framework.id.clone(), id.clone()));
            let mut fault = |code, message: String, help: String| {
                self.errors.push(source.fault(code, source.place("id", id.as_str()), message, help));
            };
            if whole && requirement.group.is_empty() {
                fault("no-group", format!("the requirement `{id}` is in no group"), "name one of `groups:`".to_owned());
            } else if whole && !groups.contains(requirement.group.as_str()) {
                let help = did_you_mean(&requirement.group, groups.iter().copied(), "declare it under `groups:`");
                fault("unknown-group", format!("the requirement `{id}` is in the unknown group `{}`", requirement.group), help);
            }
            if whole && requirement.title.trim().is_empty() {
                fault("no-title", format!("the requirement `{id}` has no title"), "write a short one".to_owned());
            }
            let mut named = BTreeSet::new();
            for level in &requirement.levels {
                if !levels.contains(level.as_str()) {
                    let help = did_you_mean(level, levels.iter().copied(), "declare it under `levels:`");
                    fault("unknown-level", format!("the requirement `{id}` names the unknown level `{level}`"), help);
                }
                if !named.insert(level) {
                    fault("duplicate-level", format!("the requirement `{id}` names the level `{level}` twice"), "name it once".to_owned());
                }
            }
            for column in requirement.attributes.keys().filter(|column| !framework.columns.contains_key(*column)) {
                let message = format!("the requirement `{id}` has the undeclared attribute `{column}`");
                fault("unknown-column", message, "declare it under `columns:`".to_owned());
            }
            for other in &requirement.withdrawn_into {
                // A whole group may take the place of one requirement: SP 800-53 has a family for its former SA-12.
                if !ids.contains(other.as_str()) && !groups.contains(other.as_str()) {
                    let help = did_you_mean(other.as_str(), ids.iter().copied(), "name a requirement or a group of the same framework");
                    fault("unknown-requirement", format!("`{id}` was withdrawn into the unknown requirement `{other}`"), help);
                }
            }
            if !requirement.withdrawn && !requirement.withdrawn_into.is_empty() {
                let message = format!("the requirement `{id}` says what took its place, and is not withdrawn");
                fault("withdrawn", message, "add `withdrawn: true`, or leave out `withdrawn_into`".to_owned());
            }
            if let Some((message, help)) = requirement.score.as_ref().and_then(|score| wrong_score(requirement, score)) {
                fault("score", message, help.to_owned());
            }
            if !seen.insert(id) {
                let message = format!("the requirement `{id}` occurs twice");
                let place = source.places("id", id.as_str()).last().unwrap_or(Span::START);
                self.errors.push(source.fault("duplicate-id", place, message, "remove one"));
            }
        }
    }
}

fn wrong_score(requirement: &Requirement, score: &Score) -> Option<(String, &'static str)> {
    let id = &requirement.id;
    if requirement.withdrawn {
        return Some((format!("the requirement `{id}` is withdrawn and counts in a score"), "leave out `score`"));
    }
    if score.prerequisite && score.weight.is_some() {
        let message = format!("without `{id}` there is no score, and so nothing to deduct for it");
        return Some((message, "leave out `weight` or `prerequisite`"));
    }
    match (&score.partial, score.weight) {
        (Some(partial), weight) if weight.is_none_or(|weight| partial.weight >= weight) => {
            let message = format!("the partial deduction of `{id}` is not smaller than the whole one");
            Some((message, "give a `weight`, and a smaller one under `partial`"))
        }
        (None, _) if score.poam == Poam::Conditional => {
            let message = format!("`{id}` may stand open where partial credit is earned, and there is none");
            Some((message, "say under `partial` what earns it"))
        }
        _ => None,
    }
}
