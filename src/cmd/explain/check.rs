//! A check, explained: what it looks at and how it decides, what it reads and may, and what hangs on it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use proofbook_checks::compile::{Check, Join, Match, Origin};
use proofbook_checks::plan::{Plan, selected_by_default};
use proofbook_controls::CheckId;
use proofbook_sources::kubernetes::rights::readable;
use proofbook_sources::rights::Platform;
use serde::Serialize;
use serde_json::Value as Json;

use super::Ground;
use super::newest::Told;
use super::requirement::{Served, lines, served_by};
use super::sheet::Sheet;

/// All that is told of a check.
#[derive(Serialize)]
pub(super) struct CheckView {
    kind: &'static str,
    id: String,
    version: u32,
    title: String,
    domain: String,
    severity: &'static str,
    method: &'static str,
    /// For how many hours a result counts.
    fresh_hours: i64,
    /// Why it must be asked for, where it must.
    opt_in: Option<String>,
    /// Whether it runs in this workspace.
    runs: bool,
    population: String,
    subject: From,
    joins: Vec<Joined>,
    /// Named expressions, in order.
    names: Vec<Named>,
    /// The first that holds decides.
    outcomes: Vec<Decided>,
    measures: Vec<Named>,
    parameters: Vec<Parameter>,
    /// Fields by resource.
    reads: BTreeMap<String, Vec<String>>,
    rights: Vec<Needed>,
    pairs_with: Vec<Pair>,
    proves: String,
    does_not_prove: String,
    traps: Vec<String>,
    remedy: String,
    manual: String,
    controls: Vec<Shown>,
    serves: Vec<Served>,
    newest: Option<Told>,
    file: String,
}

#[derive(Serialize)]
struct From {
    from: String,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
}

#[derive(Serialize)]
struct Joined {
    name: String,
    from: String,
    by: String,
    optional: bool,
}

#[derive(Serialize)]
struct Named {
    name: String,
    expression: String,
}

#[derive(Serialize)]
struct Decided {
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<String>,
    verdict: &'static str,
    code: String,
    message: String,
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    meaning: String,
    default: Json,
    value: Json,
    /// `default`, `workspace` or `claim:<id>`.
    source: String,
}

#[derive(Serialize)]
struct Needed {
    platform: Platform,
    right: String,
    why: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

#[derive(Serialize)]
struct Pair {
    check: String,
    on: String,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    title: String,
    required: bool,
}

/// Gathers all that is told of a check.
pub(super) fn view(ground: &Ground<'_>, id: &CheckId) -> Result<CheckView> {
    let catalog = ground.catalog;
    let check = catalog.checks.get(id).context("the check was found before")?;
    let definition = &check.definition;
    let plan = Plan::new(catalog, ground.settings, |one| one.id() == id)?;
    let planned = plan.checks.get(id).context("the check was planned")?;
    let nodes_proxy = ground.environment.kubernetes.as_ref().is_some_and(|cluster| cluster.nodes_proxy);
    let wanted = readable(&planned.wanted, nodes_proxy);
    let named = |rules: &[(String, proofbook_checks::compile::Rule)]| {
        rules.iter().map(|(name, rule)| Named { name: name.clone(), expression: one_line(&rule.text) }).collect()
    };
    let parameter = |(name, parameter): (&String, &proofbook_checks::plan::Parameter)| {
        let written = definition.params.get(name);
        Parameter {
            name: name.clone(),
            meaning: written.map(|param| param.doc.clone()).unwrap_or_default(),
            default: written.map(|param| param.default.clone()).unwrap_or_default(),
            value: parameter.value.clone(),
            source: parameter.source.clone(),
        }
    };
    let needed = |platform: Platform| {
        let rights = platform.rights(&wanted).into_iter();
        rights.map(move |right| Needed { platform, right: right.name, why: right.why, warning: right.warning })
    };
    let controls: Vec<Shown> = catalog
        .controls_of(id)
        .map(|(control, required)| Shown { id: control.to_string(), title: catalog.controls.controls[control].title.clone(), required })
        .collect();
    let assessed = ground.newest.as_ref().and_then(|newest| Some((newest, newest.sealed.checks.get(id)?)));
    Ok(CheckView {
        kind: "check",
        id: id.to_string(),
        version: definition.version,
        title: definition.title.clone(),
        domain: check.domain.clone(),
        severity: definition.severity.as_str(),
        method: definition.method.as_str(),
        fresh_hours: definition.freshness.hours(),
        opt_in: definition.opt_in.clone(),
        runs: selected_by_default(check, ground.settings),
        population: definition.subject.population.clone(),
        subject: From { from: origin(&check.origin), filter: check.filter.as_ref().map(|rule| one_line(&rule.text)) },
        joins: check.joins.iter().map(joined).collect(),
        names: named(&check.lets),
        outcomes: check.outcomes.iter().map(decided).collect(),
        measures: named(&check.measure),
        parameters: planned.params.iter().map(parameter).collect(),
        reads: wanted.iter().map(|(resource, projection)| (resource.to_string(), fields(&projection.mask.paths()))).collect(),
        rights: Platform::ALL.into_iter().flat_map(needed).collect(),
        pairs_with: pairs(ground, check),
        proves: definition.proves.clone(),
        does_not_prove: definition.does_not_prove.clone(),
        traps: definition.traps.clone(),
        remedy: definition.remedy.clone(),
        manual: check.manual.text.clone(),
        serves: served_by(ground, controls.iter().map(|control| control.id.as_str())),
        controls,
        newest: assessed.map(|(newest, check)| newest.of_check(check)),
        file: check.file.clone(),
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// Names and types stand in every record; they are told once.
fn fields(paths: &[String]) -> Vec<String> {
    let identity =
        ["apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.resourceVersion", "metadata.generation"];
    paths
        .iter()
        .map(|path| if path.is_empty() { "the whole record".to_owned() } else { path.clone() })
        .filter(|path| !identity.contains(&path.as_str()))
        .collect()
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Resource(resource) => resource.to_string(),
        Origin::View(view) => format!("the view {}", view.as_str()),
    }
}

fn joined(join: &Join) -> Joined {
    use proofbook_checks::definition::JoinOn;

    let by = match &join.matching {
        Match::On(JoinOn::Namespace) => "in the subject's namespace".to_owned(),
        Match::On(JoinOn::Name) => "with the subject's namespace and name".to_owned(),
        Match::On(JoinOn::Selector) => "whose selector selects the subject".to_owned(),
        Match::On(JoinOn::Owner) => "that the subject owns".to_owned(),
        Match::On(JoinOn::RoleRef) => "that the subject refers to".to_owned(),
        Match::On(JoinOn::Cluster) => "all of them".to_owned(),
        Match::Key(rules) => format!("where {} is {}", one_line(&rules.1.text), one_line(&rules.0.text)),
    };
    Joined { name: join.name.clone(), from: origin(&join.origin), by, optional: join.optional }
}

fn decided(outcome: &proofbook_checks::compile::Outcome) -> Decided {
    Decided {
        when: outcome.when.as_ref().map(|rule| one_line(&rule.text)),
        verdict: outcome.verdict.as_str(),
        code: outcome.code.as_str(),
        message: outcome.message.text.clone(),
    }
}

// Checks of the same promise, whichever of the two names the other.
fn pairs(ground: &Ground<'_>, check: &Check) -> Vec<Pair> {
    let id = check.id().as_str();
    let named = |one: &Check| one.definition.pairs_with.as_ref().map(|pair| (pair.check.value.clone(), pair.on.clone()));
    let own = named(check).map(|(other, on)| Pair { check: other, on });
    let others = ground.catalog.checks.values().filter_map(|other| {
        let (_, on) = named(other).filter(|(of, _)| of == id)?;
        Some(Pair { check: other.id().to_string(), on })
    });
    own.into_iter().chain(others).collect()
}

/// The view as people read it.
pub(super) fn sheet(view: &CheckView) -> Sheet {
    let head = format!("{} (check, version {}, {}, severity {}, {})", view.id, view.version, view.domain, view.severity, view.method);
    let mut sheet = Sheet::new(&head, &view.title);
    let runs = match (&view.opt_in, view.runs) {
        (Some(why), false) => format!("only where it is asked for: {why}"),
        (Some(why), true) => format!("because the workspace asks for it: {why}"),
        (None, true) => "by default".to_owned(),
        (None, false) => "not here: the workspace turned it off".to_owned(),
    };
    sheet.say("Runs", &format!("{runs}; a result counts for {} hours", view.fresh_hours));
    let filter = view.subject.filter.as_ref().map(|filter| format!(", where {filter}")).unwrap_or_default();
    sheet.say("Looks at", &format!("{} ({}{filter})", view.population, view.subject.from));
    let beside =
        |join: &Joined| format!("{}: {}, {}{}", join.name, join.from, join.by, if join.optional { "; may be missing" } else { "" });
    sheet.all("Beside it", view.joins.iter().map(beside));
    let named = |named: &Named| format!("{} = {}", named.name, named.expression);
    sheet.all("Names", view.names.iter().map(named));
    let mut decides = Vec::new();
    for (at, outcome) in view.outcomes.iter().enumerate() {
        let when =
            outcome.when.as_ref().map_or_else(|| if at == 0 { "always" } else { "otherwise" }.to_owned(), |when| format!("when {when}"));
        decides.push(format!("{}. {} ({}) {when}", at + 1, outcome.verdict, outcome.code));
        decides.push(format!("   {}", outcome.message));
    }
    sheet.all("Decides", decides);
    sheet.all("Measures", view.measures.iter().map(named));
    let mut parameters = Vec::new();
    for parameter in &view.parameters {
        let default = if parameter.source == "default" { String::new() } else { format!("; the default is {}", parameter.default) };
        parameters.push(format!("{} = {} ({}{default})", parameter.name, parameter.value, parameter.source));
        parameters.push(format!("  {}", parameter.meaning));
    }
    sheet.all("Parameters", parameters);
    let reads = |(resource, fields): (&String, &Vec<String>)| {
        format!("{resource}: {}", if fields.is_empty() { "that it is there".to_owned() } else { fields.join(", ") })
    };
    sheet.all("Reads", view.reads.iter().map(reads));
    let mut rights = Vec::new();
    for Needed { platform, right, why, warning } in &view.rights {
        rights.push(format!("{platform}: {right} ({why})"));
        rights.extend(warning.map(|warning| format!("  Warning: {warning}.")));
    }
    if rights.is_empty() {
        rights.push("none".to_owned());
    }
    sheet.all("Rights", rights);
    sheet.all("Pairs with", view.pairs_with.iter().map(|pair| format!("{}, on equal {}", pair.check, pair.on)));
    sheet.say("Proves", &view.proves);
    sheet.say("Not proved", &view.does_not_prove);
    sheet.all("Traps", &view.traps);
    sheet.say("Remedy", &view.remedy);
    sheet.say("By hand", &view.manual);
    let shows =
        |control: &Shown| format!("{} ({}): {}", control.id, if control.required { "required" } else { "supporting" }, control.title);
    sheet.all("Controls", view.controls.iter().map(shows));
    sheet.say("Newest", &view.newest.as_ref().map_or_else(|| "no result is at hand".to_owned(), Told::text));
    sheet.say("Written in", &view.file);
    sheet.all("Serves", lines(&view.serves));
    sheet
}
