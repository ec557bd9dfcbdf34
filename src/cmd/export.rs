//! `proofbook export`: a bundle in a foreign format.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::ledger::{Custody, Kept};
use proofbook_evidence::views::Publication;
use proofbook_exchange::{FORMATS, Input};

use crate::cli::Common;
use crate::clock;
use crate::exit::Exit;
use crate::ledger::{Handover, handed_over, tell};
use crate::output::Output;
use crate::sealing;
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
    #[command(flatten)]
    handover: Handover,
}

impl Export {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let path = workspace.bundle(common, self.bundle.as_deref())?;
        let bundle = Workspace::intact(&path)?;
        let facts = workspace.facts()?;
        let trust = sealing::trust(None, Some(&workspace))?;
        let publication = Publication::new(&bundle, facts, self.at.unwrap_or_else(clock::now), trust.as_ref())?;
        let input = Input { publication: &publication, bundle: &bundle };
        for format in FORMATS.iter().filter(|format| format.name == self.format) {
            let bytes = (format.write)(&input)?;
            self.note(&workspace, &bundle, &bytes, output)?;
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

    // The exact bytes are noted, and kept, before anybody gets them.
    fn note(&self, workspace: &Workspace, bundle: &Bundle, bytes: &[u8], output: &Output) -> Result<()> {
        let Some(ledger) = workspace.ledger_of(bundle)? else {
            output.detail("custody    not noted: the bundle is not in this workspace's ledger");
            return Ok(());
        };
        let keep = workspace.config.retention.export_bytes == Kept::Bytes;
        let kept = keep.then(|| ledger.keep(bytes)).transpose().unwrap_or_else(|error| {
            output.warn(format_args!("the bytes are not kept: {error}"));
            None
        });
        let name = self.out.as_deref().and_then(Path::file_name).map_or_else(|| self.format.clone().into(), OsStr::to_string_lossy);
        let event = Custody::Exported {
            run_id: bundle.manifest().predicate.run_id.clone(),
            manifest_sha256: bundle.manifest_sha256().to_owned(),
            format: self.format.clone(),
            to: self.handover.to.clone(),
            purpose: self.handover.purpose.clone(),
            file: handed_over(&name, bytes),
            kept,
        };
        tell(&ledger, vec![event], output);
        Ok(())
    }
}
