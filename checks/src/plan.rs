//! The plan of a run: which checks, with which parameters, reading which fields of which resources.
//!
//! The plan is a pure function of catalog, settings and selection. It is what `scan --plan` prints, what the collectors
//! are asked for, and what least-privilege RBAC is generated from.

use std::collections::BTreeMap;
use std::sync::Arc;

use proofbook_controls::CheckId;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics};
use serde_json::{Map, Value as Json};

use crate::catalog::Catalog;
use crate::compile::{Check, Match, Origin, Part, Rule, Template};
use crate::definition::{JoinOn, ReadDefinition};
use crate::derive::{self, Abs, Reads, Root, Scope};
use crate::inventory::Wanted;
use crate::mask::{FieldPath, Mask, Step};
use crate::project::Projection;
use crate::resource::Resource;
use crate::settings::{CheckSettings, Settings};
use crate::unread;

/// A parameter as it takes effect.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Parameter {
    /// The value.
    pub value: Json,
    /// `default`, `workspace` or `claim:<id>`.
    pub source: String,
}

/// A check with its parameters resolved.
#[derive(Debug)]
pub struct Planned<'c> {
    /// The check.
    pub check: &'c Check,
    /// Its parameters.
    pub params: BTreeMap<String, Parameter>,
    /// Its settings.
    pub settings: CheckSettings,
    /// What it reads.
    pub wanted: Wanted,
}

impl Planned<'_> {
    /// The parameter values as one object.
    #[must_use]
    pub fn params_json(&self) -> Json {
        params_json(&self.params)
    }
}

fn params_json(params: &BTreeMap<String, Parameter>) -> Json {
    Json::Object(params.iter().map(|(name, param)| (name.clone(), param.value.clone())).collect::<Map<_, _>>())
}

/// The plan of a run.
#[derive(Debug)]
pub struct Plan<'c> {
    /// The checks in the order of their ids.
    pub checks: BTreeMap<CheckId, Planned<'c>>,
    /// The settings that the plan was made from.
    pub settings: Settings,
}

impl<'c> Plan<'c> {
    /// Resolves parameters and derives the fields of the selected checks.
    ///
    /// # Errors
    /// Settings that name unknown checks or parameters, and expressions whose reads cannot be told.
    pub fn new(catalog: &'c Catalog, settings: &Settings, selected: impl Fn(&Check) -> bool) -> Result<Self, Diagnostics> {
        let mut errors = Diagnostics::default();
        check_settings(catalog, settings, &mut errors);
        let mut checks = BTreeMap::new();
        for (id, check) in &catalog.checks {
            if !selected(check) {
                continue;
            }
            let own = settings.checks.get(id).cloned().unwrap_or_default();
            let params = resolve(check, settings, &own);
            match wanted(check, &params) {
                Ok(wanted) => {
                    checks.insert(id.clone(), Planned { check, params, settings: own, wanted });
                }
                Err(mut found) => errors.0.append(&mut found.0),
            }
        }
        if errors.is_empty() { Ok(Self { checks, settings: settings.clone() }) } else { Err(errors) }
    }

    /// What all checks together read.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let mut all = Wanted::new();
        for planned in self.checks.values() {
            for (resource, projection) in &planned.wanted {
                match all.get_mut(resource) {
                    Some(known) => known.merge(projection),
                    None => {
                        all.insert(resource.clone(), projection.clone());
                    }
                }
            }
        }
        all
    }
}

/// The default selection: all but the checks that must be asked for.
#[must_use]
pub fn selected_by_default(check: &Check, settings: &Settings) -> bool {
    let enabled = settings.checks.get(check.id()).and_then(|own| own.enabled);
    enabled.unwrap_or(check.definition.opt_in.is_none())
}

fn check_settings(catalog: &Catalog, settings: &Settings, errors: &mut Diagnostics) {
    let mut error = |message: String, help: String| {
        errors.push(Diagnostic::new("settings", "proofbook.yaml", message).help(help));
    };
    let known = |name: &str| catalog.checks.values().any(|check| check.definition.params.contains_key(name));
    for name in settings.parameters.keys().filter(|name| !known(name)) {
        error(format!("no check has a parameter `{name}`"), "see `proofbook checks list` and `proofbook explain`".to_owned());
    }
    for (id, own) in &settings.checks {
        let Some(check) = catalog.checks.get(id) else {
            let ids = catalog.checks.keys().map(CheckId::as_str);
            let near = proofbook_controls::diagnostic::suggest(id.as_str(), ids);
            let help = near.map_or_else(|| "see `proofbook checks list`".to_owned(), |near| format!("did you mean `{near}`?"));
            error(format!("settings name a check `{id}` that does not exist"), help);
            continue;
        };
        for name in own.params.keys().filter(|name| !check.definition.params.contains_key(*name)) {
            let declared: Vec<&String> = check.definition.params.keys().collect();
            error(format!("the check `{id}` has no parameter `{name}`"), format!("declared: {declared:?}"));
        }
        for rule in &own.exclude {
            let text: Vec<&str> = rule.subject.split('/').collect();
            if text.len() < 2 || text.iter().all(|part| *part == "*") || rule.reason.trim().is_empty() {
                error(
                    format!("the exclusion `{}` of `{id}` is too broad or has no reason", rule.subject),
                    "write `Kind/namespace/name` with at least one part that is not `*`, and a reason".to_owned(),
                );
            }
        }
    }
}

pub(crate) fn resolve(check: &Check, settings: &Settings, own: &CheckSettings) -> BTreeMap<String, Parameter> {
    let params = check.definition.params.iter().map(|(name, definition)| {
        let setting = own.params.get(name).or_else(|| settings.parameters.get(name));
        let parameter = setting.map_or_else(
            || Parameter { value: definition.default.clone(), source: "default".to_owned() },
            |setting| Parameter { value: setting.value().clone(), source: setting.source() },
        );
        (name.clone(), parameter)
    });
    params.collect()
}

/// Derives what a check reads with the given parameters.
///
/// # Errors
/// Unknown names and reads that cannot be told, each with its place in the check's file.
pub fn wanted(check: &Check, params: &BTreeMap<String, Parameter>) -> Result<Wanted, Diagnostics> {
    let mut deriver = Deriver { check, reads: Reads::default(), errors: Diagnostics::default(), params: params_json(params) };
    let reveals = deriver.declared_reads();
    deriver.walk();
    if !deriver.errors.is_empty() {
        return Err(deriver.errors);
    }
    let mut out = Wanted::new();
    add_origin(&mut out, &check.origin, Root::Subject, &deriver.reads, &reveals);
    for (at, join) in check.joins.iter().enumerate() {
        add_origin(&mut out, &join.origin, Root::Join(at), &deriver.reads, &reveals);
    }
    Ok(out)
}

type Reveal = (Root, FieldPath, Vec<String>);

struct Deriver<'c> {
    check: &'c Check,
    reads: Reads,
    errors: Diagnostics,
    params: Json,
}

impl Deriver<'_> {
    fn walk(&mut self) {
        let check = self.check;
        let mut scope: Scope = BTreeMap::new();
        scope.insert("params".to_owned(), Abs::constant(self.params.clone()));
        scope.insert("now".to_owned(), Abs::computed());
        scope.insert("subject".to_owned(), Abs::object(Root::Subject));
        if let Some(filter) = &check.filter {
            self.rule(filter, &scope);
        }
        for (at, join) in check.joins.iter().enumerate() {
            let root = Root::Join(at);
            match &join.matching {
                Match::Key(rules) => {
                    let (subject, object) = &**rules;
                    self.rule(subject, &scope);
                    let mut inner = scope.clone();
                    inner.remove("subject");
                    inner.insert("object".to_owned(), Abs::object(root));
                    self.rule(object, &inner);
                }
                Match::On(on) => self.ready_made(*on, root),
            }
            scope.insert(join.name.clone(), Abs::objects(root));
        }
        for (name, rule) in &check.lets {
            let found = self.value(rule, &scope);
            scope.insert(name.clone(), found);
        }
        for outcome in &check.outcomes {
            if let Some(when) = &outcome.when {
                self.rule(when, &scope);
            }
            self.template(&outcome.message, &scope);
        }
        for (_, rule) in &check.measure {
            self.rule(rule, &scope);
        }
        scope.retain(|name, _| name == "subject" || name == "params");
        self.template(&check.manual, &scope);
    }

    fn template(&mut self, template: &Template, scope: &Scope) {
        for part in &template.parts {
            if let Part::Rule(rule) = part {
                self.rule(rule, scope);
            }
        }
    }

    fn rule(&mut self, rule: &Rule, scope: &Scope) {
        let found = self.value(rule, scope);
        derive::escape(&found, &mut self.reads);
    }

    fn value(&mut self, rule: &Rule, scope: &Scope) -> Abs {
        derive::derive(rule.tree(), scope, &mut self.reads).unwrap_or_else(|error| {
            let found = Diagnostic::new("expression", &self.check.file, error.message)
                .at(rule.span_of(error.node))
                .help(error.help)
                .with_source(&self.check.source);
            self.errors.push(found);
            Abs::computed()
        })
    }

    fn ready_made(&mut self, on: JoinOn, root: Root) {
        let path = |keys: &[&str]| keys.iter().map(|key| Step::key(key)).collect::<FieldPath>();
        match on {
            JoinOn::Namespace | JoinOn::Name | JoinOn::Cluster => {}
            JoinOn::Selector => {
                self.reads.add(root, &path(&["spec", "selector"]), true);
                let labels: &[&str] = match self.check.origin {
                    Origin::View(_) => &["template", "metadata", "labels"],
                    Origin::Resource(_) => &["metadata", "labels"],
                };
                self.reads.add(Root::Subject, &path(labels), true);
            }
            JoinOn::Owner => {
                let mut owner = path(&["metadata", "ownerReferences"]);
                owner.extend([Step::Each, Step::key("uid")]);
                self.reads.add(root, &owner, true);
            }
            JoinOn::RoleRef => self.reads.add(Root::Subject, &path(&["roleRef"]), true),
        }
    }

    fn declared_reads(&mut self) -> Vec<Reveal> {
        let mut reveals = Vec::new();
        for read in &self.check.definition.reads {
            let joined = self.check.joins.iter().position(|join| join.name == read.of).map(Root::Join);
            let root = if read.of == "subject" { Some(Root::Subject) } else { joined };
            let Some(root) = root else {
                let message = format!("`reads` names `{}`, which is neither `subject` nor a join", read.of);
                let found = Diagnostic::new("reads", &self.check.file, message).help("name the subject or a join");
                self.errors.push(found);
                continue;
            };
            let mut path: FieldPath = read.path.split('.').map(|step| if step == "*" { Step::Each } else { Step::key(step) }).collect();
            if read.names.is_empty() {
                if path.last() == Some(&Step::Each) {
                    path.pop();
                    self.reads.open.insert((root, path));
                } else {
                    self.reads.add(root, &path, true);
                }
            } else {
                let names = self.names(read);
                reveals.push((root, path, names));
            }
        }
        reveals
    }

    // Names may come from parameters: `params.retention_key`.
    fn names(&self, read: &ReadDefinition) -> Vec<String> {
        let mut out = Vec::new();
        for name in &read.names {
            match name.strip_prefix("params.").and_then(|param| self.params.get(param)) {
                Some(Json::String(text)) => out.push(text.clone()),
                Some(Json::Array(items)) => out.extend(items.iter().filter_map(Json::as_str).map(str::to_owned)),
                _ => out.push(name.clone()),
            }
        }
        out
    }
}

fn add_origin(out: &mut Wanted, origin: &Origin, root: Root, reads: &Reads, reveals: &[Reveal]) {
    let empty = BTreeMap::new();
    let paths = reads.paths.get(&root).unwrap_or(&empty);
    let reveals = || reveals.iter().filter(move |(of, _, _)| *of == root);
    match origin {
        Origin::Resource(resource) => {
            let mut mask = Mask::default();
            for (path, whole) in paths {
                mask.add(path, *whole);
            }
            for (_, path, names) in reveals() {
                names.iter().for_each(|name| mask.reveal(path, name));
            }
            insert(out, resource.clone(), Projection { mask: Arc::new(mask), controlled: None });
        }
        Origin::View(view) => {
            for member in view.members() {
                let mut mask = Mask::default();
                for (path, whole) in paths {
                    for path in member.paths(path) {
                        mask.add(&path, *whole);
                    }
                }
                member.always().for_each(|path| mask.add(&path, true));
                for (_, path, names) in reveals() {
                    for path in member.paths(path) {
                        names.iter().for_each(|name| mask.reveal(&path, name));
                    }
                }
                let mut owned = Mask::default();
                for key in ["controller", "kind", "name", "uid"].into_iter().filter(|_| member.asks_for_owner()) {
                    let path = [Step::key("metadata"), Step::key("ownerReferences"), Step::Each, Step::key(key)];
                    mask.add(&path, true);
                    owned.add(&path, true);
                }
                let controlled = member.owned.then(|| Arc::new(owned));
                insert(out, Resource::kubernetes(member.resource), Projection { mask: Arc::new(mask), controlled });
            }
        }
    }
}

fn insert(out: &mut Wanted, resource: Resource, mut projection: Projection) {
    projection.add_identity();
    if unread::is_told(&resource) {
        Arc::make_mut(&mut projection.mask).add_everywhere(unread::UNREAD);
    }
    match out.get_mut(&resource) {
        Some(known) => known.merge(&projection),
        None => {
            out.insert(resource, projection);
        }
    }
}
