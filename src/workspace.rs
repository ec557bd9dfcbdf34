//! The workspace on disk: its `proofbook.yaml`, and the files that extend or override the library.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use proofbook_checks::Catalog;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use proofbook_controls::files::{Files, is_yaml};
use proofbook_controls::{ControlId, FrameworkId, yaml};
use proofbook_evidence::attestation::{Attestation, Attestations};
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::bundle::manifest::{Manifest, sha256_hex};
use proofbook_evidence::exception::Exceptions;
use proofbook_evidence::facts::Facts;
use proofbook_evidence::freshness::Windows;
use proofbook_evidence::ledger::{Ledger, RunRef};
use proofbook_evidence::scope::Scopes;
use proofbook_evidence::verify;

use crate::cli::Common;
use crate::config::{Config, Environment};
use crate::exit::Exit;
use crate::output::Output;
use crate::{scope, sealing};

/// The name of the file that makes a folder a workspace.
pub(crate) const FILE: &str = "proofbook.yaml";

/// Folders of a workspace that extend the library.
const LIBRARY: [&str; 5] = ["controls/frameworks", "controls/library", "controls/mappings", "controls/crosswalks", "checks/library"];

/// A workspace that was read.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Its folder.
    pub(crate) root: PathBuf,
    /// Its `proofbook.yaml`.
    pub(crate) config: Config,
    /// The library with what the workspace adds.
    pub(crate) files: Files,
    // The text of its `proofbook.yaml`, which faults point into.
    text: String,
}

impl Workspace {
    /// Reads the workspace that the arguments name, or the nearest one; an unnamed one where there is none.
    pub(crate) fn open(common: &Common) -> Result<Self> {
        let root = match &common.workspace {
            Some(dir) => dir.clone(),
            None => match nearest(&std::env::current_dir().context("finding the current folder")?) {
                Some(dir) => dir,
                None => return Self::unnamed(),
            },
        };
        let path = root.join(FILE);
        let text = read_text(&path)?;
        let name = path.display().to_string();
        let config: Config = yaml::parse(&name, &text).map_err(Diagnostics::from)?;
        check(&config, &name, &text)?;
        let mut files = Catalog::embedded_files();
        library_below(&mut files, &root)?;
        Ok(Self { root, config, files, text })
    }

    // In an empty directory the library alone serves: `proofbook scan --dump cluster/`.
    fn unnamed() -> Result<Self> {
        let config = yaml::parse(FILE, "workspace: unnamed\n").map_err(Diagnostics::from)?;
        let root = std::env::current_dir().context("finding the current folder")?;
        Ok(Self { root, config, files: Catalog::embedded_files(), text: String::new() })
    }

    /// The library with what the workspace adds, every reference resolved.
    pub(crate) fn catalog(&self) -> Result<Catalog> {
        self.loaded(Catalog::load)
    }

    /// The same with the fixtures of every check.
    pub(crate) fn catalog_with_fixtures(&self) -> Result<Catalog> {
        self.loaded(Catalog::load_with_fixtures)
    }

    fn loaded(&self, load: impl FnOnce(&Files) -> Result<Catalog, Diagnostics>) -> Result<Catalog> {
        let catalog = load(&self.files)?;
        let file = self.root.join(FILE).display().to_string();
        scope::check(&self.config.frameworks, &catalog.controls, &file, &self.text)?;
        self.check_windows(&catalog, &file)?;
        Ok(catalog)
    }

    // A window of a control is in hours, and no longer than what a framework in scope allows to any of its checks.
    fn check_windows(&self, catalog: &Catalog, file: &str) -> Result<(), Diagnostics> {
        let windows = Windows::new(&catalog.controls, &self.scopes());
        let mut errors = Diagnostics::default();
        for (id, period) in &self.config.freshness {
            let mut add = |code, message: String, help: String| {
                errors.push(Diagnostic::new(code, file, message).at(period.span).help(help).with_source(&self.text));
            };
            let Some(control) = catalog.controls.controls.get(id) else {
                let known = catalog.controls.controls.keys().map(ControlId::as_str);
                add(
                    "unknown-control",
                    format!("unknown control `{id}`"),
                    did_you_mean(id.as_str(), known, "see `proofbook controls list`"),
                );
                continue;
            };
            let Some(hours) = period.value.hours() else {
                let message = format!("`{}` has no fixed length", period.value);
                add("window", message, "give a window in hours, days or weeks".to_owned());
                continue;
            };
            let checks = control.checks.required.iter().filter_map(|named| catalog.checks.get(&named.value));
            if let Some(limit) = checks.filter_map(|check| windows.limit(check.definition.freshness)).min().filter(|limit| hours > *limit) {
                let message = format!("`{}` is longer than the {limit} hours that a framework in scope allows", period.value);
                add("window", message, "shorten it, or choose another level".to_owned());
            }
        }
        errors.into_result(())
    }

    /// The environment that the arguments name, or the only one.
    pub(crate) fn environment(&self, common: &Common) -> Result<(String, Environment)> {
        let environments = &self.config.environments;
        let names: Vec<&str> = environments.keys().map(String::as_str).collect();
        match (&common.environment, names.as_slice()) {
            (Some(name), _) => match environments.get(name) {
                Some(environment) => Ok((name.clone(), environment.clone())),
                None if environments.is_empty() => Ok((name.clone(), Environment::default())),
                None => bail!("the workspace has no environment `{name}`; it has: {}", names.join(", ")),
            },
            (None, []) => Ok(("default".to_owned(), Environment::default())),
            (None, [only]) => Ok(((*only).to_owned(), environments[*only].clone())),
            (None, several) => bail!("the workspace has several environments; choose one with --environment: {}", several.join(", ")),
        }
    }

    /// What the workspace answers for; held to the library by [`Self::catalog`].
    pub(crate) fn scopes(&self) -> Scopes {
        scope::scopes(&self.config.frameworks)
    }

    /// The frameworks in scope, whole or in part: those that the workspace names, else all of the library.
    pub(crate) fn frameworks_in_scope<'c>(&self, catalog: &'c Catalog) -> impl Iterator<Item = &'c FrameworkId> + use<'c> {
        let scopes = self.scopes();
        catalog.controls.frameworks.keys().filter(move |id| scopes.covers(id))
    }

    /// What people attested, with every id resolved.
    pub(crate) fn attestations(&self, catalog: &Catalog) -> Result<Attestations> {
        let mut files = Files::default();
        add_folder(&mut files, &self.root, Path::new("attestations"))?;
        let attestations = Attestations::load(&files, &catalog.controls, &self.config.approval())?;
        self.check_evidence(&attestations)?;
        Ok(attestations)
    }

    // What a statement rests on must be what was signed, where it is at hand; a place elsewhere is named by its digest alone.
    fn check_evidence(&self, attestations: &Attestations) -> Result<()> {
        let mut errors = Diagnostics::default();
        for (path, text) in attestations.files.iter() {
            let statement: Attestation = yaml::parse(path, text).map_err(Diagnostics::from)?;
            for named in &statement.evidence {
                let file = self.root.join(&named.file);
                let bytes = match std::fs::read(&file) {
                    Ok(bytes) => bytes,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
                };
                let found = sha256_hex(&bytes);
                if found != named.sha256.value {
                    let message = format!("`{}` has the SHA-256 {found}", named.file);
                    let fault = Diagnostic::new("digest", path, message).at(named.sha256.span).with_source(text);
                    errors.push(fault.help("put back the file that was signed, or have the statement signed again"));
                }
            }
        }
        Ok(errors.into_result(())?)
    }

    /// The documentation of the workspace.
    pub(crate) fn docs(&self) -> Vec<PathBuf> {
        let named = &self.config.docs;
        if named.is_empty() { vec![self.root.join("docs")] } else { named.iter().map(|path| self.root.join(path)).collect() }
    }

    /// What was accepted for a time, with every id resolved.
    pub(crate) fn exceptions(&self, catalog: &Catalog) -> Result<Exceptions> {
        let mut files = Files::default();
        add_folder(&mut files, &self.root, Path::new("exceptions"))?;
        Ok(Exceptions::load(&files, catalog, self.config.approval())?)
    }

    /// What is stated for publication.
    pub(crate) fn facts(&self) -> Result<Facts> {
        self.config.facts.clone().with_context(|| {
            format!("{}: nothing is stated for publication; fill in `facts:` (organisation, product)", self.root.join(FILE).display())
        })
    }

    /// The bundle that the arguments name, by its folder or by the id of its run, or the newest full one of the environment.
    pub(crate) fn bundle(&self, common: &Common, given: Option<&Path>) -> Result<PathBuf> {
        if let Some(path) = given.filter(|path| !names_run(path)) {
            return Ok(path.to_path_buf());
        }
        let (name, _) = self.environment(common)?;
        let ledger = self.ledger(&name)?;
        if let Some(id) = given.and_then(Path::to_str) {
            return Ok(ledger.fetch(&ledger.find(id)?)?);
        }
        ledger.newest_full()?.with_context(|| format!("{} holds no full run yet; start with `proofbook scan`", ledger.place()))
    }

    /// Opens a bundle from which something is printed: one that is not intact prints nothing.
    pub(crate) fn intact(path: &Path) -> Result<Bundle> {
        let report = verify::integrity(path)?;
        if !report.is_whole() {
            bail!("{} is not intact and whole, and nothing is printed from it; see `proofbook verify`:\n{report}", path.display());
        }
        Ok(Bundle::open(path)?)
    }

    /// The ledger of an environment.
    pub(crate) fn ledger(&self, environment: &str) -> Result<Ledger> {
        let part = format!("{}/{environment}", self.config.workspace.value);
        match self.config.environments.get(environment).and_then(|environment| environment.ledger.as_ref()) {
            Some(place) => place.open(&self.root, &part),
            None => Ok(Ledger::open(&self.root.join("evidence").join(part))?),
        }
    }

    /// Brings what was added to the seal of a bundle to the ledger that it was fetched from, if that is one of this workspace.
    pub(crate) fn share_seal(&self, manifest: &Manifest, bundle: &Path, output: &Output) -> Result<Exit> {
        let run = &manifest.predicate;
        if run.workspace != self.config.workspace.value {
            return Ok(Exit::Held);
        }
        Ok(sealing::share(&self.ledger(&run.environment)?, &run.run_id, bundle, output))
    }

    /// The ledger that a bundle is a part of; none where it came from elsewhere.
    pub(crate) fn ledger_of(&self, bundle: &Bundle) -> Result<Option<Ledger>> {
        let run = &bundle.manifest().predicate;
        let environments = &self.config.environments;
        let own = run.workspace == self.config.workspace.value && (environments.is_empty() || environments.contains_key(&run.environment));
        if !own {
            return Ok(None);
        }
        let ledger = self.ledger(&run.environment)?;
        let of_ledger = RunRef { run_id: run.run_id.clone(), manifest_sha256: bundle.manifest_sha256().to_owned() };
        Ok(ledger.holds(&of_ledger)?.then_some(ledger))
    }
}

fn check(config: &Config, file: &str, text: &str) -> Result<(), Diagnostics> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let mut errors = Diagnostics::default();
    if !is_name(&config.workspace.value) {
        let found = Diagnostic::new("name", file, format!("`{}` is no name for a workspace", config.workspace.value));
        errors.push(found.at(config.workspace.span).help("use letters, digits, `-` and `_`").with_source(text));
    }
    for name in config.environments.keys().filter(|name| !is_name(name)) {
        let found = Diagnostic::new("name", file, format!("`{name}` is no name for an environment"));
        errors.push(found.help("use letters, digits, `-` and `_`"));
    }
    errors.into_result(())
}

/// Whether an argument is the id of a run, or how one begins, and no folder.
pub(crate) fn names_run(path: &Path) -> bool {
    let of_id = |text: &str| text.len() >= 8 && text.bytes().take(8).all(|byte| byte.is_ascii_digit()) && !text.contains(['/', '\\']);
    path.to_str().is_some_and(of_id) && !path.exists()
}

fn nearest(from: &Path) -> Option<PathBuf> {
    from.ancestors().find(|dir| dir.join(FILE).is_file()).map(Path::to_path_buf)
}

fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = String::from_utf8_lossy(&error.as_bytes()[..at]).matches('\n').count() + 1;
        anyhow::anyhow!("{}:{line}: the file is not UTF-8 (byte {at}); save it as UTF-8", path.display())
    })
}

/// Adds the library that lies below a folder, and gives the number of its files.
pub(crate) fn library_below(files: &mut Files, root: &Path) -> Result<usize> {
    let mut own = Files::default();
    for folder in LIBRARY {
        add_folder(&mut own, root, Path::new(folder))?;
    }
    let count = own.iter().count();
    files.extend(own);
    Ok(count)
}

fn add_folder(files: &mut Files, root: &Path, folder: &Path) -> Result<()> {
    let dir = root.join(folder);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", dir.display())),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", dir.display()))?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            add_folder(files, root, &path)?;
        } else if is_yaml(&path.to_string_lossy()) {
            let name = path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
            files.insert(name, read_text(&root.join(&path))?);
        }
    }
    Ok(())
}
