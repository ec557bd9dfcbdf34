//! The catalog: controls and checks joined, every reference between them resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

use include_dir::{Dir, include_dir};
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use proofbook_controls::files::{Files, is_yaml};
use proofbook_controls::yaml::Spanned;
use proofbook_controls::{CheckId, ControlId, Controls};

use crate::compile::Check;
use crate::definition::Freshness;
use crate::fixture::Fixtures;
use crate::plan;
use crate::settings::{CheckSettings, Settings};

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

/// The suffix of a check's fixtures.
const FIXTURES: &str = ".test.yaml";

/// Controls, checks and their fixtures.
#[derive(Debug)]
pub struct Catalog {
    /// Frameworks, controls and mappings.
    pub controls: Controls,
    /// The checks by id.
    pub checks: BTreeMap<CheckId, Check>,
    /// The fixtures by check.
    pub fixtures: BTreeMap<CheckId, Fixtures>,
}

impl Catalog {
    /// The files that are embedded in the binary.
    #[must_use]
    pub fn embedded_files() -> Files {
        let mut files = Files::embedded();
        files.add_dir("checks/library", &LIBRARY);
        files
    }

    /// Reads a catalog in which every check brings fixtures. The fixtures of checks that are embedded and unchanged were proved when
    /// the program was built: they are not read.
    ///
    /// # Errors
    /// All faults of all other files.
    pub fn load(files: &Files) -> Result<Self, Diagnostics> {
        let embedded = Self::embedded_files();
        let same = |path: &str| embedded.get(path).is_some_and(|text| files.get(path) == Some(text));
        Self::load_fixtures_of(files, |check| !(same(check) && same(&fixtures_of(check))))
    }

    /// Reads a catalog with the fixtures of every check.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load_with_fixtures(files: &Files) -> Result<Self, Diagnostics> {
        Self::load_fixtures_of(files, |_| true)
    }

    fn load_fixtures_of(files: &Files, is_read: impl Fn(&str) -> bool) -> Result<Self, Diagnostics> {
        let mut catalog = Self::load_without_fixtures(files)?;
        let mut errors = Diagnostics::default();
        let proved: BTreeSet<String> =
            catalog.checks.values().filter(|check| !is_read(&check.file)).map(|check| fixtures_of(&check.file)).collect();
        for (path, text) in files.under("checks/library").filter(|(path, _)| path.ends_with(FIXTURES) && !proved.contains(*path)) {
            match Fixtures::parse(path, text) {
                Ok(fixtures) => catalog.add_fixtures(path, text, fixtures, &mut errors),
                Err(found) => errors.append(found),
            }
        }
        let unproved = |check: &&Check| !catalog.fixtures.contains_key(check.id()) && !proved.contains(&fixtures_of(&check.file));
        for check in catalog.checks.values().filter(unproved) {
            let message = format!("the check `{}` has no fixtures", check.id());
            let help = format!("write `{}{FIXTURES}` with cases that must pass, fail and be an error", check.id());
            errors.push(Diagnostic::new("no-fixtures", &check.file, message).at(Span::START).help(help));
        }
        errors.into_result(catalog)
    }

    /// Reads a catalog to evaluate with, as it was sealed: fixtures prove a check once, when it is written.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load_without_fixtures(files: &Files) -> Result<Self, Diagnostics> {
        let mut errors = Diagnostics::default();
        // Controls and checks know nothing of each other until both are read.
        let (controls, parsed) = thread::scope(|scope| {
            let controls = scope.spawn(|| Controls::load(files));
            let parsed = parse(files);
            (controls.join(), parsed)
        });
        let controls = controls.unwrap_or_else(|panic| resume_unwind(panic)).unwrap_or_else(|found| {
            errors.append(found);
            Controls::default()
        });
        let mut checks: BTreeMap<CheckId, Check> = BTreeMap::new();
        for (path, text, check) in parsed {
            match check {
                Ok(check) => {
                    if let Some(other) = checks.get(check.id()) {
                        let message = format!("the check `{}` is already defined in {}", check.id(), other.file);
                        let found = Diagnostic::new("duplicate-id", path, message).at(Span::START).help("give it an id of its own");
                        errors.push(found.with_source(text));
                        continue;
                    }
                    // What an expression reads must be told by its defaults already: an unknown name is a fault of the file.
                    let params = plan::resolve(&check, &Settings::default(), &CheckSettings::default());
                    if let Err(found) = plan::wanted(&check, &params) {
                        errors.append(found);
                    }
                    checks.insert(check.id().clone(), check);
                }
                Err(found) => errors.append(found),
            }
        }
        let catalog = Self { controls, checks, fixtures: BTreeMap::new() };
        // With files missing from the load, unresolved names would only repeat their faults.
        if errors.is_empty() {
            catalog.resolve(files, &mut errors);
        }
        errors.into_result(catalog)
    }

    fn add_fixtures(&mut self, path: &str, text: &str, fixtures: Fixtures, errors: &mut Diagnostics) {
        let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(FIXTURES)).unwrap_or_default();
        let Some(check) = self.checks.get(name) else {
            let help = did_you_mean(name, self.checks.keys().map(CheckId::as_str), "name the file after its check");
            let message = format!("fixtures of the unknown check `{name}`");
            errors.push(Diagnostic::new("unknown-check", path, message).at(Span::START).help(help).with_source(text));
            return;
        };
        let missing = fixtures.missing();
        if !missing.is_empty() {
            let message = format!("the fixtures of `{name}` have no case that covers {}", missing.join(", "));
            let help = "a check without them is not proved: add the cases";
            errors.push(Diagnostic::new("fixture-coverage", path, message).at(Span::START).help(help).with_source(text));
        }
        self.fixtures.insert(check.id().clone(), fixtures);
    }

    fn resolve(&self, files: &Files, errors: &mut Diagnostics) {
        let classes = || Freshness::ALL.into_iter().map(Freshness::as_str);
        for (id, framework) in &self.controls.frameworks {
            for class in
                framework.levels.iter().flat_map(|level| level.fresh_hours.keys()).filter(|class| !classes().any(|one| one == *class))
            {
                let file = format!("controls/frameworks/{id}.yaml");
                let help = did_you_mean(class, classes(), "the classes are those of `freshness` in checks");
                let found = Diagnostic::new("unknown-class", &file, format!("unknown class of evidence `{class}`")).help(help);
                errors.push(found.at(Span::START).with_source(files.get(&file).unwrap_or_default()));
            }
        }
        let known = || self.checks.keys().map(CheckId::as_str);
        for (id, control) in &self.controls.controls {
            let file = self.controls.control_files.get(id).map_or("", String::as_str);
            let named = control.checks.required.iter().chain(&control.checks.supporting);
            let mut seen = BTreeSet::new();
            for check in named {
                let text = files.get(file).unwrap_or_default();
                let at =
                    |code, message: String, help: String| Diagnostic::new(code, file, message).at(check.span).help(help).with_source(text);
                if !self.checks.contains_key(&check.value) {
                    let help = did_you_mean(check.value.as_str(), known(), "see `proofbook checks list`");
                    errors.push(at("unknown-check", format!("unknown check `{}`", check.value), help));
                } else if !seen.insert(&check.value) {
                    let message = format!("the control names the check `{}` twice", check.value);
                    errors.push(at("duplicate-check", message, "name it once".to_owned()));
                }
            }
        }
        for check in self.checks.values() {
            if let Some(pair) = &check.definition.pairs_with
                && !self.checks.contains_key(pair.check.value.as_str())
            {
                let help = did_you_mean(&pair.check.value, known(), "see `proofbook checks list`");
                let message = format!("`pairs_with` names the unknown check `{}`", pair.check.value);
                let found = Diagnostic::new("unknown-check", &check.file, message).at(pair.check.span).help(help);
                errors.push(found.with_source(&check.source));
            }
        }
    }

    /// The controls that name a check, and whether they require it.
    pub fn controls_of<'c>(&'c self, check: &'c CheckId) -> impl Iterator<Item = (&'c ControlId, bool)> {
        self.controls.controls.iter().filter_map(move |(id, control)| {
            let names = |list: &[Spanned<CheckId>]| list.iter().any(|named| named.value == *check);
            let required = names(&control.checks.required);
            (required || names(&control.checks.supporting)).then_some((id, required))
        })
    }
}

// Every check of the library as far as it can be read, in the order of the paths. Compiling CEL takes the time of a load, so that
// all cores share it.
fn parse(files: &Files) -> Vec<(&str, &str, Result<Check, Diagnostics>)> {
    let all: Vec<(&str, &str)> = files.under("checks/library").filter(|(path, _)| is_yaml(path) && !path.ends_with(FIXTURES)).collect();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = all.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let parse = |files: &[(&'_ str, &'_ str)]| files.iter().map(|(path, text)| Check::parse(path, text)).collect::<Vec<_>>();
        let shares: Vec<_> = all.chunks(share).map(|files| scope.spawn(move || parse(files))).collect();
        let parsed = shares.into_iter().flat_map(|share| share.join().unwrap_or_else(|panic| resume_unwind(panic)));
        all.iter().zip(parsed).map(|((path, text), check)| (*path, *text, check)).collect()
    })
}

// The file with the fixtures of the check in a file.
fn fixtures_of(check: &str) -> String {
    check.strip_suffix(".yaml").map_or_else(|| check.to_owned(), |stem| format!("{stem}{FIXTURES}"))
}
