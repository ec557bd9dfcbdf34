//! `proofbook log`: the runs of an environment, or what happened to its evidence.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use proofbook_checks::Verdict;
use proofbook_evidence::bundle::manifest::sha256_hex;
use proofbook_evidence::ledger::{Custody, HandedOver, Ledger, Link, Record, RunRef, Tombstones};
use proofbook_exchange::tables;
use serde::Serialize;

use crate::cli::{Common, Format};
use crate::exit::Exit;
use crate::output::Output;
use crate::text::paragraph;
use crate::workspace::Workspace;

/// Arguments of `log`.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// How many entries to print, the newest first; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// What happened to evidence (collected, sealed, exported, published, deleted) in place of the runs.
    #[arg(long)]
    custody: bool,
    /// Write a list of all that was handed over, with the digests of the exact bytes, as `artifact-manifest.csv`, and the digest of
    /// that list, into this folder.
    #[arg(long, value_name = "DIR", requires = "custody")]
    artifact_manifest: Option<PathBuf>,
    /// Only what was handed over to this receiver.
    #[arg(long, value_name = "WHOM", requires = "custody")]
    to: Option<String>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A run with what lies in its seal, whatever that is worth: verification says so.
#[derive(Serialize)]
struct Run {
    #[serde(flatten)]
    record: Record,
    carries_signature: bool,
    carries_stamp: bool,
}

impl Log {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let (name, _) = workspace.environment(common)?;
        let ledger = workspace.ledger(&name)?;
        if let Some(dir) = &self.artifact_manifest {
            return self.write_artifacts(&ledger, dir, output);
        }
        let limit = (self.limit > 0).then_some(self.limit);
        if self.custody { self.print_custody(&ledger, limit, output) } else { self.print_runs(&ledger, limit, output) }
    }

    fn print_runs(&self, ledger: &Ledger, limit: Option<usize>, output: &Output) -> Result<Exit> {
        let mut runs = Vec::new();
        for record in ledger.records(limit)?.into_iter().rev() {
            let seal = ledger.seal_names(&record.run_id)?;
            let has = |suffix: &str| seal.iter().any(|name| name.ends_with(suffix));
            runs.push(Run { carries_signature: has(".dsse.json"), carries_stamp: has(".tsr"), record });
        }
        if let Format::Json = self.format {
            output.json(&runs)?;
            return Ok(Exit::Held);
        }
        if runs.is_empty() {
            output.say(format_args!("{} holds no run yet; start with `proofbook scan`", ledger.place()));
        }
        for Run { record, carries_signature, carries_stamp } in &runs {
            let scope = if record.full { "full" } else { "partial" };
            let seal = match (carries_signature, carries_stamp) {
                (true, true) => "carries a signature and a stamp, not checked",
                (true, false) => "carries a signature, not checked",
                (false, true) => "unsigned, carries a stamp, not checked",
                (false, false) => "unsigned",
            };
            output.result(format_args!("{}  {}  {scope}", record.clock, record.run_id))?;
            let verdicts = Verdict::ALL.iter().filter_map(|verdict| Some(format!("{} {verdict}", record.verdicts.get(verdict)?)));
            let library = record.library_sha256.as_deref().and_then(|digest| digest.get(..12)).unwrap_or("none");
            let facts = format!(
                "{seal}; {}; semantics {}; library {library}; proofbook {}",
                verdicts.collect::<Vec<_>>().join(", "),
                record.semantics,
                record.tool_version
            );
            output.result(paragraph("    ", &facts))?;
        }
        Ok(Exit::Held)
    }

    fn print_custody(&self, ledger: &Ledger, limit: Option<usize>, output: &Output) -> Result<Exit> {
        // A receiver is looked for in the whole log, so the limit counts what is shown.
        let read = if self.to.is_some() { None } else { limit };
        let mut links = ledger.custody().entries(read)?;
        if let Some(whom) = &self.to {
            links.retain(|link| receiver(&link.event) == Some(whom.as_str()));
        }
        links.reverse();
        links.truncate(limit.unwrap_or(usize::MAX));
        if let Format::Json = self.format {
            output.json(&links)?;
            return Ok(Exit::Held);
        }
        for Link { position, at, actor, event, .. } in &links {
            output.result(format_args!("{position:>6}  {at}  {:<10}  by {actor}", event.kind()))?;
            output.result(paragraph("        ", &told(event)))?;
        }
        Ok(Exit::Held)
    }

    // The list of 32 CFR 170.17(c)(4) and 170.18(c)(4): name, digest, algorithm of every artifact, and the digest of the list.
    fn write_artifacts(&self, ledger: &Ledger, dir: &Path, output: &Output) -> Result<Exit> {
        let mut artifacts: BTreeSet<(String, String)> = BTreeSet::new();
        let links = ledger.tombstones().entries(None)?;
        let tombstones = Tombstones::new(&links);
        for link in ledger.custody().entries(None)? {
            if self.to.is_some() && receiver(&link.event) != self.to.as_deref() {
                continue;
            }
            let files = match &link.event {
                Custody::Exported { run_id, manifest_sha256, file, kept, .. } => {
                    if let Some(name) = kept {
                        let run = RunRef { run_id: run_id.clone(), manifest_sha256: manifest_sha256.clone() };
                        still_the_same(ledger, name, file, tombstones.of(&run, name, &file.sha256).is_some())?;
                    }
                    std::slice::from_ref(file)
                }
                Custody::Published { files, .. } => files,
                _ => continue,
            };
            artifacts.extend(files.iter().map(|file| (file.name.clone(), file.sha256.clone())));
        }
        if artifacts.is_empty() {
            bail!("nothing was handed over yet{}", self.to.as_ref().map_or_else(String::new, |whom| format!(" to {whom}")));
        }
        let bytes = tables::artifacts(artifacts.iter().map(|(name, sha256)| (name.as_str(), sha256.as_str())))?;
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let digest = format!("{}  {LIST}\n", sha256_hex(&bytes));
        for (name, bytes) in [(LIST, bytes), (&format!("{LIST}.sha256"), digest.into_bytes())] {
            let path = dir.join(name);
            std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
            output.say(format_args!("wrote {}", path.display()));
        }
        Ok(Exit::Held)
    }
}

const LIST: &str = "artifact-manifest.csv";

// A list that names what is not there any more would be a promise that cannot be kept; deletion has its tombstone.
fn still_the_same(ledger: &Ledger, kept: &str, file: &HandedOver, deleted: bool) -> Result<()> {
    match ledger.kept(kept)? {
        Some(bytes) if sha256_hex(&bytes) != file.sha256 => {
            bail!("the bytes that were kept of {} are not those that were handed over; see `proofbook verify --ledger`", file.name)
        }
        None if !deleted => {
            bail!("the bytes that were kept of {} are gone, and no tombstone names them; see `proofbook verify --ledger`", file.name)
        }
        _ => Ok(()),
    }
}

fn receiver(event: &Custody) -> Option<&str> {
    match event {
        Custody::Exported { to, .. } | Custody::Published { to, .. } => to.as_deref(),
        _ => None,
    }
}

fn told(event: &Custody) -> String {
    let handed = |to: &Option<String>, purpose: &Option<String>| {
        let to = to.as_ref().map_or_else(String::new, |to| format!(" to {to}"));
        to + &purpose.as_ref().map_or_else(String::new, |purpose| format!(" for: {purpose}"))
    };
    match event {
        Custody::Collected { run_id, targets } => format!("{run_id} looked at {} targets", targets.len()),
        Custody::Sealed { run_id, manifest_sha256 } => format!("{run_id} sha256:{manifest_sha256}"),
        Custody::Superseded { run_id, by } => format!("{run_id} by {by}"),
        Custody::Exported { run_id, format, to, purpose, file, kept, .. } => {
            let kept = kept.as_ref().map_or_else(|| "only its digest is kept".to_owned(), |name| format!("kept as {name}"));
            let HandedOver { name, sha256, size } = file;
            format!("{format} of {run_id}{}; {name}, {size} bytes, sha256:{sha256}; {kept}", handed(to, purpose))
        }
        Custody::Published { run_id, profile, to, purpose, files, .. } => {
            format!("{run_id} for the profile {profile}{}; {} files", handed(to, purpose), files.len())
        }
        Custody::Attested { attestation, sha256 } => format!("{attestation} sha256:{sha256}"),
        Custody::Deleted { of, tombstone } => format!("{of}, tombstone {tombstone}"),
        _ => event.kind().to_owned(),
    }
}
