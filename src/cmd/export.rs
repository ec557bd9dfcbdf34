//! `proofbook export`: a bundle in a foreign format.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use proofbook_evidence::views::Publication;
use proofbook_exchange::{FORMATS, Input};

use crate::cli::Common;
use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The format.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| format.name)))]
    format: String,
    /// The bundle; the newest full one of the environment where nothing is said.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// The file to write; stdout where nothing is said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The time that freshness is judged by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

impl Export {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let path = workspace.bundle(common, self.bundle.as_deref())?;
        let bundle = Workspace::intact(&path)?;
        let facts = workspace.facts()?;
        let publication = Publication::new(&bundle, facts, self.at.unwrap_or_else(clock::now))?;
        let input = Input { publication: &publication, bundle: &bundle };
        for format in FORMATS.iter().filter(|format| format.name == self.format) {
            let bytes = (format.write)(&input)?;
            match &self.out {
                Some(file) => {
                    std::fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))?;
                    output.say(format_args!("wrote {}", file.display()));
                }
                None => output.bytes(&bytes)?,
            }
        }
        Ok(Exit::Held)
    }
}
