//! `proofbook docs`: what documentation promises, and whether the evidence bears it out.

mod check;
mod claims;
mod fill;
mod filling;
mod fix;
mod mdbook;
mod render;
mod since;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use proofbook_checks::Catalog;
use proofbook_claims::document::find;
use proofbook_controls::files::Files;
use proofbook_evidence::claims::Registry;

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
