//! `proofbook verify`: is a bundle whole, and does it still decide what it says?

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use proofbook_evidence::verify;

use crate::cli::{Common, Format};
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The bundle; the newest full one of the environment where nothing is said.
    bundle: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Verify {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let path = match &self.bundle {
            Some(path) => path.clone(),
            None => Workspace::open(common)?.bundle(common, None)?,
        };
        let report = verify::verify(&path)?;
        match self.format {
            Format::Text => output.result(&report)?,
            Format::Json => output.json(&report)?,
        }
        Ok(if report.is_intact() { Exit::Held } else { Exit::NotAsPromised })
    }
}
