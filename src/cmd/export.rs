//! `proofbook export`: a bundle, or the history of an environment, in a foreign format.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use jiff::Timestamp;
use proofbook_evidence::bundle::Outcome;
use proofbook_evidence::history::{Series, States};
use proofbook_evidence::ledger::{Custody, Kept, Ledger, Record, RunRef};
use proofbook_evidence::views::Publication;
use proofbook_exchange::history::{HISTORIES, HistoryFormat, HistoryWriter};
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
    /// The format; those of a history are made from all full runs of the environment.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(names()))]
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
    /// Of a history, only runs that looked at this time or later, as RFC 3339.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Of a history, only runs that looked before this time, as RFC 3339.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    #[command(flatten)]
    handover: Handover,
}

fn names() -> Vec<PossibleValue> {
    let bundles = FORMATS.iter().map(|format| (format.name, format.doc));
    let histories = HISTORIES.iter().map(|format| (format.name, format.doc));
    let mut names: Vec<(&str, &str)> = bundles.chain(histories).collect();
    names.sort_unstable();
    names.into_iter().map(|(name, doc)| PossibleValue::new(name).help(doc)).collect()
}

impl Export {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        if let Some(format) = HISTORIES.iter().find(|format| format.name == self.format) {
            return self.history(&workspace, common, format, output);
        }
        if self.since.is_some() || self.until.is_some() {
            bail!("`--since` and `--until` choose runs of a history, and `{}` is made from one bundle", self.format);
        }
        let path = workspace.bundle(common, self.bundle.as_deref())?;
        let bundle = Workspace::intact(&path)?;
        let facts = workspace.facts()?;
        let trust = sealing::trust(None, Some(&workspace))?;
        let publication = Publication::new(&bundle, facts, self.at.unwrap_or_else(clock::now), trust.as_ref())?;
        let input = Input { publication: &publication, bundle: &bundle };
        let of = RunRef { run_id: bundle.manifest().predicate.run_id.clone(), manifest_sha256: bundle.manifest_sha256().to_owned() };
        let ledger = workspace.ledger_of(&bundle)?;
        for format in FORMATS.iter().filter(|format| format.name == self.format) {
            let bytes = (format.write)(&input)?;
            match &ledger {
                Some(ledger) => self.note(&workspace, ledger, of.clone(), &bytes, output),
                None => output.detail("custody    not noted: the bundle is not in this workspace's ledger"),
            }
            self.write(&bytes, output)?;
        }
        Ok(Exit::Held)
    }

    fn history(&self, workspace: &Workspace, common: &Common, format: &HistoryFormat, output: &Output) -> Result<Exit> {
        if self.bundle.is_some() || self.at.is_some() {
            bail!("`{}` is made from all full runs of the environment: choose among them with `--since` and `--until`", self.format);
        }
        let (name, _) = workspace.environment(common)?;
        let ledger = workspace.ledger(&name)?;
        let mut runs: Vec<Record> = ledger.records(None)?;
        runs.retain(|run| {
            run.full && self.since.is_none_or(|since| run.clock >= since) && self.until.is_none_or(|until| run.clock < until)
        });
        runs.sort_by_key(|run| run.clock);
        let Some(last) = runs.last().map(Record::run) else {
            bail!("{} holds no full run{}; see `proofbook log`", ledger.place(), if self.is_bounded() { " of this time" } else { "" });
        };
        let bytes = match format.write {
            HistoryWriter::Series(write) => {
                let mut series = Series::default();
                for run in &runs {
                    let outcome = outcome(&ledger, run)?;
                    series.add(run.clock, run.assurance, &outcome.assessment()?);
                }
                write(&series.into_rows())?
            }
            HistoryWriter::States(write) => {
                let mut states = States::default();
                for run in &runs {
                    let outcome = outcome(&ledger, run)?;
                    states.begin(run.clock);
                    outcome.findings(|finding| states.add(finding))?;
                }
                write(&states.finish())?
            }
        };
        self.note(workspace, &ledger, last, &bytes, output);
        self.write(&bytes, output)?;
        Ok(Exit::Held)
    }

    const fn is_bounded(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    fn write(&self, bytes: &[u8], output: &Output) -> Result<()> {
        let Some(file) = &self.out else { return output.bytes(bytes) };
        std::fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))?;
        output.say(format_args!("wrote {}", file.display()));
        Ok(())
    }

    // The exact bytes are noted, and kept, before anybody gets them. A history is noted with the last run that it is made from.
    fn note(&self, workspace: &Workspace, ledger: &Ledger, of: RunRef, bytes: &[u8], output: &Output) {
        let keep = workspace.config.retention.export_bytes == Kept::Bytes;
        let kept = keep.then(|| ledger.keep(bytes)).transpose().unwrap_or_else(|error| {
            output.warn(format_args!("the bytes are not kept: {error}"));
            None
        });
        let name = self.out.as_deref().and_then(Path::file_name).map_or_else(|| self.format.clone().into(), OsStr::to_string_lossy);
        let event = Custody::Exported {
            run_id: of.run_id,
            manifest_sha256: of.manifest_sha256,
            format: self.format.clone(),
            to: self.handover.to.clone(),
            purpose: self.handover.purpose.clone(),
            file: handed_over(&name, bytes),
            kept,
        };
        tell(ledger, vec![event], output);
    }
}

fn outcome(ledger: &Ledger, run: &Record) -> Result<Outcome> {
    let path = ledger.fetch(&run.run())?;
    Ok(Outcome::open(&path, &run.manifest_sha256)?)
}
