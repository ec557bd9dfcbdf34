//! `proofbook verify`: is a bundle whole, and does it still decide what it says?

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use proofbook_evidence::verify;

use crate::cli::{Common, Format};
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::{Workspace, names_run};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The bundle's folder, or the id of its run, or how that begins; the newest full one of the environment where nothing is said.
    #[arg(conflicts_with = "ledger")]
    bundle: Option<PathBuf>,
    /// Check the whole ledger of the environment in place of one bundle: the chain of runs, custody, tombstones, and what was kept.
    #[arg(long)]
    ledger: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Verify {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        if self.ledger {
            let workspace = Workspace::open(common)?;
            let (name, _) = workspace.environment(common)?;
            let report = workspace.ledger(&name)?.check()?;
            match self.format {
                Format::Text => output.result(&report)?,
                Format::Json => output.json(&report)?,
            }
            return Ok(if report.is_intact() { Exit::Held } else { Exit::NotAsPromised });
        }
        let path = match &self.bundle {
            Some(path) if !names_run(path) => path.clone(),
            run => Workspace::open(common)?.bundle(common, run.as_deref())?,
        };
        let report = verify::verify(&path)?;
        match self.format {
            Format::Text => output.result(&report)?,
            Format::Json => output.json(&report)?,
        }
        Ok(if report.is_intact() { Exit::Held } else { Exit::NotAsPromised })
    }
}
