//! `proofbook verify`: is a bundle whole, who vouches for it, since when, and does it still decide what it says?

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::Timestamp;
use proofbook_evidence::seal::trust::Trust;
use proofbook_evidence::verify::{self, Demands, Report};

use crate::cli::{Common, Format};
use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::sealing;
use crate::text::paragraph;
use crate::workspace::{Workspace, names_run};

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Keys and authorities are taken from the trust file alone, never from the bundle. The exit code is 0 where nothing \
    deviates; that a bundle is unsigned, not stamped or handed over in part is told, and is a deviation only where the opposite is \
    asked for."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Verify {
    /// The bundle's folder, or the id of its run, or how that begins; the newest full one of the environment where nothing is said.
    #[arg(conflicts_with = "ledger")]
    bundle: Option<PathBuf>,
    /// Check the whole ledger of the environment in place of one bundle: the chain of runs, custody, tombstones, and what was kept.
    #[arg(long, conflicts_with_all = ["trust", "require_signature", "require_timestamp", "alone", "at"])]
    ledger: bool,
    /// The trust file: whose signatures and time stamps count; that of the workspace (`trust:`) where nothing is said.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// A bundle without a signature by a trusted key deviates.
    #[arg(long)]
    require_signature: bool,
    /// A bundle without a time stamp by a trusted authority deviates.
    #[arg(long)]
    require_timestamp: bool,
    /// Look at nothing but the bundle and the trust file: no verdict is decided again, no run beside it is looked at.
    #[arg(long = "static")]
    alone: bool,
    /// The time by which keys must not have run out, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Verify {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        if self.ledger {
            return self.check_ledger(common, output);
        }
        // A bundle and a trust file that are named need no workspace.
        let workspace = match (&self.bundle, &self.trust) {
            (Some(path), _) if names_run(path) => Some(Workspace::open(common)?),
            (Some(_), Some(_)) => None,
            (Some(_), None) if self.alone => None,
            _ => Some(Workspace::open(common)?),
        };
        let path = match (&self.bundle, &workspace) {
            (Some(path), _) if !names_run(path) => path.clone(),
            (run, Some(workspace)) => workspace.bundle(common, run.as_deref())?,
            (_, None) => bail!("no bundle is named"),
        };
        let trust = sealing::trust(self.trust.as_deref(), workspace.as_ref())?;
        if self.require_signature || self.require_timestamp {
            let known =
                trust.as_ref().context("nobody's signature or stamp counts without a trust file: give --trust, or write `trust:`")?;
            if self.require_timestamp && known.authorities().is_empty() {
                bail!("{}: names no time-stamping authority, and a time stamp is asked for", known.name);
            }
        }
        let report = verify::verify_against(&path, &self.demands(trust.as_ref()))?;
        match self.format {
            Format::Text => print(&report, output)?,
            Format::Json => output.json(&report)?,
        }
        Ok(if report.is_intact() { Exit::Held } else { Exit::NotAsPromised })
    }

    fn check_ledger(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let (name, _) = workspace.environment(common)?;
        let report = workspace.ledger(&name)?.check()?;
        match self.format {
            Format::Text => output.result(&report)?,
            Format::Json => output.json(&report)?,
        }
        Ok(if report.is_intact() { Exit::Held } else { Exit::NotAsPromised })
    }

    fn demands<'t>(&self, trust: Option<&'t Trust>) -> Demands<'t> {
        Demands {
            trust,
            at: Some(self.at.unwrap_or_else(clock::now)),
            require_signature: self.require_signature,
            require_timestamp: self.require_timestamp,
            alone: self.alone,
        }
    }
}

fn print(report: &Report, output: &Output) -> Result<()> {
    for (about, text) in report.lines() {
        output.result(paragraph(&format!("{about:<10} "), &text))?;
    }
    output.result(report.verdict())
}
