//! `proofbook gc`: what has passed its time of retention goes, each with a tombstone.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use crate::cli::{Common, Format};
use crate::clock;
use crate::exit::Exit;
use crate::ledger::actor;
use crate::output::Output;
use crate::text::counted;
use crate::workspace::Workspace;

/// Arguments of `gc`.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// List what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
    /// The time that retention is judged by, as RFC 3339; now where nothing is said. A later time than now only with `--dry-run`.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Gc {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let (name, _) = workspace.environment(common)?;
        let ledger = workspace.ledger(&name)?;
        let now = clock::now();
        let at = self.at.unwrap_or(now);
        let retention = &workspace.config.retention;
        if at > now && !self.dry_run {
            anyhow::bail!("{at} lies ahead: what is kept until then is not deleted now; use --dry-run to see what will go");
        }
        let plan = if self.dry_run { ledger.plan_removal(retention, at)? } else { ledger.remove_passed(retention, at, now, &actor())? };
        if let Format::Json = self.format {
            output.json(&plan)?;
            return Ok(Exit::Held);
        }
        for removal in &plan.removals {
            let again = if removal.tombstoned { ", tombstone there already" } else { "" };
            output.result(format_args!(
                "{}  {:<12}  {}, {} bytes{again}\n    kept for {}, until {}",
                removal.run.run_id,
                removal.class.as_str(),
                counted(removal.files.len(), "file"),
                removal.bytes,
                removal.period,
                removal.until,
            ))?;
        }
        let bytes: u64 = plan.removals.iter().map(|removal| removal.bytes).sum();
        let done = if self.dry_run { "would be deleted" } else { "deleted" };
        output.say(format_args!("{bytes} bytes {done}; manifests and seals stay"));
        Ok(Exit::Held)
    }
}
