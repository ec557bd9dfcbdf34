//! `proofbook docs`: what documentation promises, and whether the evidence bears it out.

mod check;
mod claims;
mod fill;
mod filling;
mod fix;
mod mdbook;
mod render;
mod since;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use proofbook_checks::Catalog;
use proofbook_claims::checking::{self, DocumentPromises, Evidence, Outcome};
use proofbook_claims::document::find;
use proofbook_controls::files::Files;
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::claims::{Registry, ValueStore};
use proofbook_evidence::views::Publication;

use crate::cli::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// The registry of claims of a workspace.
const REGISTRY: &str = "claims.yaml";

/// Arguments of `docs`.
#[derive(Debug, Args)]
pub(crate) struct Docs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the statements of documents: which of them promise something, and what.
    Claims(claims::Claims),
    /// Hold what documents promise against the evidence and against each other.
    Check(check::Check),
    /// Fill in what pages take from the evidence: `{{value …}}`, `{{claim …}}`, `{{matrix}}`, `{{status …}}`.
    Fill(fill::Fill),
    /// Do the same as a preprocessor of mdBook.
    Mdbook(mdbook::Mdbook),
}

impl Docs {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        match &self.verb {
            Verb::Claims(verb) => verb.run(output),
            Verb::Check(verb) => verb.run(common, output),
            Verb::Fill(verb) => verb.run(common, output),
            Verb::Mdbook(verb) => verb.run(common, output),
        }
    }
}

// The Markdown files at the paths, and what below them cannot be read; a path that is not there is an error.
fn documents(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<String>)> {
    // Paths are told as they are seen from here.
    let here = std::env::current_dir().context("finding the current folder")?;
    let paths: Vec<PathBuf> = paths
        .iter()
        .map(|path| path.strip_prefix(&here).ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(path).to_path_buf())
        .collect();
    let found = find(&paths);
    if let Some((path, why)) = found.passed.iter().find(|(path, _)| paths.contains(path)) {
        bail!("{}: {why}", path.display());
    }
    let passed = found.passed.iter().map(|(path, why)| format!("{}: {why}", path.display()));
    Ok((found.files, passed.collect()))
}

/// What pages take their values from: those of a run, the registry, and the statements of a workspace.
pub(crate) struct Ground {
    store: ValueStore,
    registry: Registry,
    attestations: Attestations,
}

impl Ground {
    /// Reads it for the bundle at `path`.
    pub(crate) fn open(workspace: &Workspace, path: &Path) -> Result<Self> {
        let catalog = workspace.catalog()?;
        Ok(Self {
            store: ValueStore::open(path, &catalog)?,
            registry: registry(workspace, &catalog)?,
            attestations: workspace.attestations(&catalog)?,
        })
    }

    /// The evidence as of the time of a publication, with what it says of certificates.
    pub(crate) fn evidence<'g>(&'g self, publication: &'g Publication) -> Evidence<'g> {
        Evidence {
            registry: &self.registry,
            store: Some(&self.store),
            attestations: &self.attestations.by_need,
            certifications: &publication.facts.certifications,
            at: publication.run.as_of,
        }
    }
}

/// What the documents of a workspace come to.
pub(crate) struct Held {
    /// The documents.
    pub(crate) files: Vec<PathBuf>,
    /// What they say.
    pub(crate) read: Vec<DocumentPromises>,
    /// How many claims the registry has.
    pub(crate) registered: usize,
    /// What checking found.
    pub(crate) outcome: Outcome,
    /// Files that cannot be read.
    pub(crate) unseen: Vec<String>,
}

/// Holds documents against the registry, the statements, and the values of a run.
pub(crate) fn held_against(
    workspace: &Workspace,
    paths: &[PathBuf],
    catalog: &Catalog,
    attestations: &Attestations,
    store: Option<&ValueStore>,
    at: Timestamp,
) -> Result<Held> {
    let (files, unseen) = documents(paths)?;
    if files.is_empty() {
        bail!("no Markdown or MDX file at {}", paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "));
    }
    let registry = registry(workspace, catalog)?;
    let certifications = workspace.config.facts.as_ref().map(|facts| facts.certifications.clone()).unwrap_or_default();
    let evidence = Evidence { registry: &registry, store, attestations: &attestations.by_need, certifications: &certifications, at };
    let read = checking::map_documents(&files, threads(), &|document, reader| checking::promises(document, reader));
    let read = read.map_err(|(path, error)| anyhow::Error::new(error).context(format!("reading {}", path.display())))?;
    let outcome = checking::check(&read, &evidence);
    Ok(Held { files, read, registered: registry.iter().len(), outcome, unseen })
}

// As many threads as there are processors, and not more than help.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

// The claims of the workspace; none where it has no registry.
fn registry(workspace: &Workspace, catalog: &Catalog) -> Result<Registry> {
    let mut files = Files::default();
    let path = workspace.root.join(REGISTRY);
    match std::fs::read_to_string(&path) {
        Ok(text) => files.insert(REGISTRY, text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Registry::default()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    }
    Ok(Registry::load(&path.display().to_string(), files.get(REGISTRY).unwrap_or_default(), catalog)?)
}
