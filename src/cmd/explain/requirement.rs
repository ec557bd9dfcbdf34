//! A requirement, explained: what it asks for, which controls serve it how far, and what that does not prove.

use anyhow::{Context, Result};
use proofbook_controls::{FrameworkId, Mapping};
use proofbook_evidence::scope::Membership;
use serde::Serialize;

use super::Ground;
use super::newest::Told;
use super::sheet::Sheet;

/// A requirement that a control serves.
#[derive(Serialize)]
pub(super) struct Served {
    framework: String,
    requirement: String,
    title: String,
    /// The control that serves it.
    control: String,
    relation: &'static str,
    rationale: String,
    /// What of the requirement is not proved.
    limits: String,
    in_scope: bool,
    // Where it stands in its framework.
    #[serde(skip)]
    place: usize,
}

/// The requirements that controls serve, in the order of their frameworks.
pub(super) fn served_by<'i>(ground: &Ground<'_>, controls: impl IntoIterator<Item = &'i str>) -> Vec<Served> {
    let known = &ground.catalog.controls;
    let ids = controls.into_iter().filter_map(|control| known.controls.get_key_value(control).map(|(id, _)| id));
    let mut all: Vec<Served> = ids.flat_map(|id| known.mappings_to(id)).map(|mapping| served(ground, mapping)).collect();
    all.sort_by(|a, b| (&a.framework, a.place, &a.control).cmp(&(&b.framework, b.place, &b.control)));
    all
}

/// What is served of what is in scope, a framework after the other.
pub(super) fn lines(served: &[Served]) -> Vec<String> {
    let mut out = Vec::new();
    let mut framework = "";
    for one in served.iter().filter(|one| one.in_scope) {
        if one.framework != framework {
            framework = &one.framework;
            out.push(framework.to_owned());
        }
        out.push(format!("  {} ({}, by {}) {}", one.requirement, one.relation, one.control, one.title));
        out.push(format!("    Not proved: {}", one.limits));
    }
    if out.is_empty() {
        out.push("no requirement in scope".to_owned());
    }
    out
}

fn served(ground: &Ground<'_>, mapping: &Mapping) -> Served {
    let framework = ground.catalog.controls.frameworks.get(&mapping.framework);
    let requirements = framework.map(|framework| framework.requirements.as_slice()).unwrap_or_default();
    let found = requirements.iter().enumerate().find(|(_, requirement)| requirement.id == mapping.requirement);
    let (place, requirement) = found.unzip();
    Served {
        framework: mapping.framework.to_string(),
        requirement: mapping.requirement.to_string(),
        title: requirement.map(|found| found.title.clone()).unwrap_or_default(),
        control: mapping.control.to_string(),
        relation: mapping.relation.as_str(),
        rationale: mapping.rationale.clone(),
        limits: mapping.limits.clone(),
        in_scope: requirement.is_some_and(|found| ground.scopes.membership(&mapping.framework, found) == Membership::InScope),
        place: place.unwrap_or_default(),
    }
}

/// All that is told of a requirement.
#[derive(Serialize)]
pub(super) struct RequirementView {
    kind: &'static str,
    framework: String,
    framework_title: String,
    edition: String,
    id: String,
    group: String,
    title: String,
    summary: String,
    levels: Vec<String>,
    withdrawn: bool,
    withdrawn_into: Vec<String>,
    /// `in-scope`, `out-of-scope`, or `tailored-out` with the reason.
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_reason: Option<String>,
    controls: Vec<Serving>,
    newest: Option<Told>,
}

#[derive(Serialize)]
struct Serving {
    id: String,
    title: String,
    relation: &'static str,
    rationale: String,
    limits: String,
    /// The checks that show the control; those that it requires come first.
    checks: Vec<String>,
    attestations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

/// Gathers all that is told of a requirement.
pub(super) fn view(ground: &Ground<'_>, framework: &FrameworkId, id: &str) -> Result<RequirementView> {
    let controls = &ground.catalog.controls;
    let found = &controls.frameworks[framework];
    let requirement = found.requirement(id).context("the requirement was found before")?;
    let (scope, scope_reason) = match ground.scopes.membership(framework, requirement) {
        Membership::InScope => ("in-scope", None),
        Membership::TailoredOut(reason) => ("tailored-out", Some(reason.to_owned())),
        Membership::OutOfScope => ("out-of-scope", None),
    };
    let serving = |mapping: &Mapping| {
        let control = controls.controls.get(&mapping.control);
        let assessed = ground.newest.as_ref().and_then(|newest| newest.aged.controls.get(&mapping.control));
        let checks = control.into_iter().flat_map(|control| control.checks.required.iter().chain(&control.checks.supporting));
        Serving {
            id: mapping.control.to_string(),
            title: control.map(|control| control.title.clone()).unwrap_or_default(),
            relation: mapping.relation.as_str(),
            rationale: mapping.rationale.clone(),
            limits: mapping.limits.clone(),
            checks: checks.map(|check| check.value.to_string()).collect(),
            attestations: control.into_iter().flat_map(|control| &control.attestations).map(|need| need.id.clone()).collect(),
            status: assessed.map(|control| control.status.as_str()),
        }
    };
    let newest = ground.newest.as_ref().and_then(|newest| {
        let assessed = newest.aged.frameworks.get(framework)?.get(&requirement.id)?;
        Some(newest.told(assessed.status.map_or(assessed.coverage.as_str(), |status| status.as_str())))
    });
    Ok(RequirementView {
        kind: "requirement",
        framework: framework.to_string(),
        framework_title: found.title.clone(),
        edition: found.edition.clone(),
        id: requirement.id.to_string(),
        group: requirement.group.clone(),
        title: requirement.title.clone(),
        summary: requirement.summary.clone(),
        levels: requirement.levels.clone(),
        withdrawn: requirement.withdrawn,
        withdrawn_into: requirement.withdrawn_into.iter().map(ToString::to_string).collect(),
        scope,
        scope_reason,
        controls: controls.mappings_of(framework).filter(|mapping| mapping.requirement == requirement.id).map(serving).collect(),
        newest,
    })
}

/// The view as people read it.
pub(super) fn sheet(view: &RequirementView) -> Sheet {
    let head = format!("{} {} (requirement, {}, {})", view.framework, view.id, view.framework_title, view.edition);
    let mut sheet = Sheet::new(&head, &view.title);
    sheet.say("Asks for", &view.summary);
    sheet.say("Levels", &view.levels.join(", "));
    if view.withdrawn {
        let into = if view.withdrawn_into.is_empty() { "nothing".to_owned() } else { view.withdrawn_into.join(", ") };
        sheet.say("Withdrawn", &format!("{into} took its place"));
    }
    let reason = view.scope_reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    sheet.say("Scope", &format!("{}{reason}", view.scope));
    let mut controls = Vec::new();
    for control in &view.controls {
        let status = control.status.map(|status| format!(", {status}")).unwrap_or_default();
        controls.push(format!("{} ({}{status}): {}", control.id, control.relation, control.title));
        controls.push(format!("  Because {}", control.rationale));
        controls.push(format!("  Not proved: {}", control.limits));
        let shown: Vec<String> = [("checks", &control.checks), ("attestations", &control.attestations)]
            .iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(what, ids)| format!("{what} {}", ids.join(", ")))
            .collect();
        controls.push(format!("  Shown by {}", if shown.is_empty() { "nothing".to_owned() } else { shown.join("; ") }));
    }
    if controls.is_empty() {
        controls.push("no control of the library serves it".to_owned());
    }
    sheet.all("Controls", controls);
    sheet.say("Newest", &view.newest.as_ref().map_or_else(|| "no result is at hand".to_owned(), Told::text));
    sheet
}
