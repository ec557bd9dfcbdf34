//! Loading: from files to a graph in which every id resolves, or to the list of all faults.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use crate::control::Control;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::files::{Files, is_yaml};
use crate::framework::Framework;
use crate::id::{ControlId, FrameworkId, RequirementId};
use crate::mapping::{Mapping, MappingFile};
use crate::yaml;

/// Frameworks, controls and mappings, every reference among them resolved.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// The frameworks by id.
    pub frameworks: BTreeMap<FrameworkId, Framework>,
    /// The controls by id.
    pub controls: BTreeMap<ControlId, Control>,
    /// The mappings, by framework and in the framework's order of requirements.
    pub mappings: Vec<Mapping>,
    /// The file that each control was read from.
    pub control_files: BTreeMap<ControlId, String>,
}

impl Controls {
    /// Reads frameworks, controls and mappings.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(files: &Files) -> Result<Self, Diagnostics> {
        let mut loader = Loader { files, controls: Self::default(), errors: Diagnostics::default(), broken: BTreeSet::new() };
        loader.frameworks();
        loader.controls();
        loader.mappings();
        loader.errors.into_result(loader.controls)
    }

    /// The mappings of a framework.
    pub fn mappings_of<'c>(&'c self, framework: &'c FrameworkId) -> impl Iterator<Item = &'c Mapping> {
        self.mappings.iter().filter(move |mapping| mapping.framework == *framework)
    }

    /// The mappings that a control has in all frameworks.
    pub fn mappings_to<'c>(&'c self, control: &'c ControlId) -> impl Iterator<Item = &'c Mapping> {
        self.mappings.iter().filter(move |mapping| mapping.control == *control)
    }
}

struct Loader<'f> {
    files: &'f Files,
    controls: Controls,
    errors: Diagnostics,
    // Names of files that could not be read: what refers to them is not to be blamed.
    broken: BTreeSet<String>,
}

impl Loader<'_> {
    // Every file of a folder that can be read; what cannot is an error of its own.
    fn read<T: DeserializeOwned>(&mut self, folder: &str) -> Vec<(String, String, T)> {
        let mut out = Vec::new();
        for (path, text) in self.files.under(folder).filter(|(path, _)| is_yaml(path)) {
            match yaml::parse(path, text) {
                Ok(value) => out.push((path.to_owned(), text.to_owned(), value)),
                Err(error) => {
                    self.errors.push(error);
                    self.broken.extend(stem(path).map(str::to_owned));
                }
            }
        }
        out
    }

    fn error(&mut self, code: &'static str, file: &str, text: &str, span: Span, message: String, help: impl Into<String>) {
        let found = Diagnostic::new(code, file, message).at(span).help(help).with_source(text);
        self.errors.push(found);
    }

    fn file_name(&mut self, what: &str, id: &str, path: &str, text: &str) {
        if stem(path) != Some(id) {
            let message = format!("the {what} `{id}` stands in a file of another name");
            self.error("file-name", path, text, Span::START, message, format!("name the file `{id}.yaml`"));
        }
    }

    fn frameworks(&mut self) {
        for (path, text, framework) in self.read::<Framework>("controls/frameworks") {
            self.file_name("framework", framework.id.as_str(), &path, &text);
            let groups: BTreeSet<&str> = framework.groups.iter().map(|group| group.id.as_str()).collect();
            let levels: BTreeSet<&str> = framework.levels.iter().map(|level| level.id.as_str()).collect();
            for (what, ids) in [
                ("group", framework.groups.iter().map(|group| &group.id).collect::<Vec<_>>()),
                ("level", framework.levels.iter().map(|level| &level.id).collect()),
            ] {
                let mut once = BTreeSet::new();
                for id in ids.into_iter().filter(|id| !once.insert(id.as_str())) {
                    let message = format!("the {what} `{id}` is declared twice");
                    self.error("duplicate-id", &path, &text, place_of(&text, id), message, "remove one");
                }
            }
            let mut seen = BTreeSet::new();
            for requirement in &framework.requirements {
                let id = &requirement.id;
                let span = place_of(&text, id.as_str());
                if !seen.insert(id) {
                    self.error("duplicate-id", &path, &text, span, format!("the requirement `{id}` occurs twice"), "remove one");
                }
                if !groups.contains(requirement.group.as_str()) {
                    let help = did_you_mean(&requirement.group, groups.iter().copied(), "declare it under `groups:`");
                    let message = format!("the requirement `{id}` is in the unknown group `{}`", requirement.group);
                    self.error("unknown-group", &path, &text, span, message, help);
                }
                for level in requirement.levels.iter().filter(|level| !levels.contains(level.as_str())) {
                    let help = did_you_mean(level, levels.iter().copied(), "declare it under `levels:`");
                    let message = format!("the requirement `{id}` names the unknown level `{level}`");
                    self.error("unknown-level", &path, &text, span, message, help);
                }
                for column in requirement.attributes.keys().filter(|column| !framework.columns.contains_key(*column)) {
                    let message = format!("the requirement `{id}` has the undeclared attribute `{column}`");
                    self.error("unknown-column", &path, &text, span, message, "declare it under `columns:`");
                }
            }
            self.controls.frameworks.insert(framework.id.clone(), framework);
        }
    }

    fn controls(&mut self) {
        let mut attestations: BTreeMap<String, ControlId> = BTreeMap::new();
        for (path, text, control) in self.read::<Control>("controls/library") {
            self.file_name("control", control.id.as_str(), &path, &text);
            let duties = &control.responsibility;
            for (side, sentences) in [("provider", &duties.provider), ("customer", &duties.customer)] {
                let empty = sentences.is_empty();
                if empty || sentences.iter().any(|sentence| is_no_duty(sentence)) {
                    let span = place_of(&text, side);
                    let message = format!("the {side}'s duty must be a sentence that begins with a verb");
                    self.error("duty", &path, &text, span, message, "write what the side does, or what it inherits and from whom");
                }
            }
            let shown = !control.checks.required.is_empty() || !control.attestations.is_empty();
            if shown == control.no_evidence.is_some() {
                let message = "a control has a required check or an attestation, or says in `no_evidence` why it has neither".to_owned();
                self.error("no-evidence", &path, &text, Span::START, message, "name what shows that the control works");
            }
            for need in &control.attestations {
                if let Some(other) = attestations.insert(need.id.clone(), control.id.clone()) {
                    let message = format!("the attestation `{}` is already needed by `{other}`", need.id);
                    self.error("duplicate-id", &path, &text, place_of(&text, &need.id), message, "give it an id of its own");
                }
            }
            self.controls.control_files.insert(control.id.clone(), path);
            self.controls.controls.insert(control.id.clone(), control);
        }
    }

    fn mappings(&mut self) {
        for (path, text, file) in self.read::<MappingFile>("controls/mappings") {
            let name = &file.framework.value;
            let Some(framework) = self.controls.frameworks.get(name).cloned() else {
                if self.broken.contains(name.as_str()) {
                    continue;
                }
                let known = self.controls.frameworks.keys().map(FrameworkId::as_str);
                let help = did_you_mean(name.as_str(), known, "add the framework first");
                let message = format!("unknown framework `{name}`");
                self.error("unknown-framework", &path, &text, file.framework.span, message, help);
                continue;
            };
            let order: BTreeMap<_, _> =
                framework.requirements.iter().enumerate().map(|(at, r)| (r.id.clone(), (at, r.withdrawn))).collect();
            let mut found = Vec::new();
            let mut seen = BTreeSet::new();
            for entry in file.mappings {
                let (requirement, control) = (&entry.requirement.value, &entry.control.value);
                let known = order.get(requirement).copied();
                match known {
                    None => {
                        let help =
                            did_you_mean(requirement.as_str(), order.keys().map(RequirementId::as_str), "see `proofbook frameworks show`");
                        let message = format!("`{name}` has no requirement `{requirement}`");
                        self.error("unknown-requirement", &path, &text, entry.requirement.span, message, help);
                    }
                    Some((_, true)) => {
                        let message = format!("the requirement `{requirement}` of `{name}` is withdrawn");
                        self.error("withdrawn", &path, &text, entry.requirement.span, message, "map what took its place");
                    }
                    Some(_) => {}
                }
                if !self.controls.controls.contains_key(control) && !self.broken.contains(control.as_str()) {
                    let known = self.controls.controls.keys().map(ControlId::as_str);
                    let help = did_you_mean(control.as_str(), known, "see `proofbook controls list`");
                    self.error("unknown-control", &path, &text, entry.control.span, format!("unknown control `{control}`"), help);
                }
                if !seen.insert((requirement.clone(), control.clone())) {
                    let message = format!("`{control}` is mapped to `{requirement}` twice");
                    self.error("duplicate-mapping", &path, &text, entry.control.span, message, "keep one of the two");
                }
                if entry.limits.trim().is_empty() || entry.rationale.trim().is_empty() {
                    let message = "a mapping says why it holds and what it does not prove".to_owned();
                    self.error("limits", &path, &text, entry.requirement.span, message, "fill in `rationale` and `limits`");
                }
                found.push((
                    known.map_or(usize::MAX, |(at, _)| at),
                    Mapping {
                        framework: name.clone(),
                        requirement: requirement.clone(),
                        control: control.clone(),
                        relation: entry.relation,
                        rationale: entry.rationale,
                        limits: entry.limits,
                    },
                ));
            }
            found.sort_by(|a, b| (a.0, &a.1.control).cmp(&(b.0, &b.1.control)));
            self.controls.mappings.extend(found.into_iter().map(|(_, mapping)| mapping));
        }
    }
}

// The name of a file without its folders and ending: the id of what it should hold.
fn stem(path: &str) -> Option<&str> {
    path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(stem, _)| stem)
}

fn is_no_duty(sentence: &str) -> bool {
    let plain = sentence.trim().trim_end_matches('.').to_ascii_lowercase();
    ["", "n/a", "na", "none", "-", "not applicable"].contains(&plain.as_str())
}

// The line that first names `text`; whole files are searched only when something is wrong with them.
fn place_of(source: &str, text: &str) -> Span {
    let found = source.lines().enumerate().find_map(|(line, content)| content.find(text).map(|at| (line, content, at)));
    found.map_or(Span::START, |(line, content, at)| {
        let column = u32::try_from(content[..at].chars().count()).unwrap_or(0) + 1;
        Span { line: u32::try_from(line).unwrap_or(0) + 1, column, end_column: column + u32::try_from(text.chars().count()).unwrap_or(1) }
    })
}
