//! `proofbook docs check`: promises against evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use proofbook_checks::Catalog;
use proofbook_claims::checking::{ClaimVerdict, DocumentPromises, Judgement, Outcome, PASSED_OVER, UNKNOWN_ANCHOR};
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::claims::ValueStore;
use proofbook_evidence::notice::Notice;
use proofbook_evidence::verify::{self, Demands};
use serde::{Deserialize, Serialize};

use super::{Held, fix, held_against, render, since};
use crate::cli::Common;
use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::sealing;
use crate::workspace::Workspace;

/// Arguments of `docs check`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Check {
    /// Markdown or MDX files, or folders with such files; the workspace's `docs` where nothing is said.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The bundle, whole or published (manifest, seal and values); the newest full one of the environment where nothing is said.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// The trust file: whose signatures count; that of the workspace (`trust:`) where nothing is said.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Hold the documents against each other and the registry alone; without a bundle the command could not look otherwise.
    #[arg(long, conflicts_with_all = ["bundle", "require_signature"])]
    no_evidence: bool,
    /// A bundle without a signature by a trusted key is refused.
    #[arg(long)]
    require_signature: bool,
    /// The time that freshness is judged by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
    /// The verdicts that fail the command.
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', default_value = "contradicted,conflict", value_parser = verdict)]
    fail_on: Vec<ClaimVerdict>,
    /// A file of notices that were there before: they are left out, so that old documentation can be mended step by step.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the notices of this run into the baseline.
    #[arg(long, requires = "baseline", conflicts_with = "since")]
    update_baseline: bool,
    /// Look only at statements that changed since a revision of Git, and at those that make the same claims.
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Write anchors to claims, and numbers that the evidence shows, into the documents; the changes are printed first.
    #[arg(long)]
    fix: bool,
    /// With --fix, only print the changes.
    #[arg(long, requires = "fix")]
    dry_run: bool,
}

/// How notices are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// Annotations of GitHub.
    Github,
    /// SARIF 2.1.0.
    Sarif,
    /// A report of tests.
    Junit,
    /// A comment on a pull request.
    Markdown,
}

fn verdict(name: &str) -> Result<ClaimVerdict, String> {
    let known = ClaimVerdict::ALL.iter().find(|verdict| verdict.as_str() == name);
    let names = || ClaimVerdict::ALL.iter().map(|verdict| verdict.as_str()).collect::<Vec<_>>().join(", ");
    known.copied().ok_or_else(|| format!("`{name}` is no verdict; there are: {}", names()))
}

/// The notices of an earlier run.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    version: u32,
    notices: Vec<Known>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    fingerprint: String,
    path: String,
    code: String,
    text: String,
}

impl Check {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let paths = if self.paths.is_empty() { workspace.docs() } else { self.paths.clone() };
        let catalog = Catalog::load_without_fixtures(&workspace.files)?;
        let store = if self.no_evidence { None } else { self.store(&workspace, common, &catalog, output)? };
        let attestations: Attestations = workspace.attestations(&catalog)?;
        let at = self.at.unwrap_or_else(clock::now);
        let Held { files, read, registered, mut outcome, mut unseen } =
            held_against(&workspace, &paths, &catalog, &attestations, store.as_ref(), at)?;
        if store.is_none() && !self.no_evidence {
            unseen.push(
                "there is no bundle, so nothing was held against evidence; scan first, name a bundle, or say --no-evidence".to_owned(),
            );
        }
        if let Some(revision) = &self.since {
            self.keep_changed(revision, &read, &mut outcome)?;
        }
        let old = self.leave_out_known(&mut outcome, output)?;
        if self.fix {
            fix::fix(&outcome, self.dry_run, output)?;
        }
        let fails =
            |notice: &Notice| notice.code == UNKNOWN_ANCHOR || self.fail_on.iter().any(|verdict| verdict.as_str() == notice.verdict);
        let passed = outcome.notices.iter().map(|judgement| &judgement.notice).filter(|notice| notice.code == PASSED_OVER);
        unseen.extend(passed.map(|notice| format!("{}:{}: {}", notice.path, notice.line, notice.message)));
        let summary = render::Summary { files: files.len(), known: old, run: store.as_ref(), registered, unseen: &unseen };
        render::render(self.format, &outcome, &summary, &fails, output)?;
        let failed = outcome.notices.iter().any(|judgement| fails(&judgement.notice));
        let held = if failed { Exit::NotAsPromised } else { Exit::Held };
        Ok(if unseen.is_empty() { held } else { held.max(Exit::CouldNotLook) })
    }

    // The values of the bundle that was named, or of the newest full one; none where nothing was scanned yet.
    fn store(&self, workspace: &Workspace, common: &Common, catalog: &Catalog, output: &Output) -> Result<Option<ValueStore>> {
        let path = match &self.bundle {
            Some(given) => Some(workspace.bundle(common, Some(given))?),
            None => {
                let (name, _) = workspace.environment(common)?;
                workspace.ledger(&name)?.newest_full()?
            }
        };
        let Some(path) = path else { return Ok(None) };
        self.check_seal(workspace, &path)?;
        let store = ValueStore::open(&path, catalog)?;
        if !store.full {
            output.warn(format_args!("{} is of a partial run: what it did not look at is unbacked", path.display()));
        }
        if !store.has_verdicts {
            output.say(format_args!("note       verdicts are withheld in {}; values alone decide", path.display()));
        }
        Ok(Some(store))
    }

    // Where somebody's signature counts, or one is asked for, the seal must hold before anything is compared.
    fn check_seal(&self, workspace: &Workspace, path: &Path) -> Result<()> {
        let trust = sealing::trust(self.trust.as_deref(), Some(workspace))?;
        if trust.is_none() && !self.require_signature {
            return Ok(());
        }
        let at = Some(self.at.unwrap_or_else(clock::now));
        let demands =
            Demands { trust: trust.as_ref(), at, require_signature: self.require_signature, require_timestamp: false, alone: true };
        let report = verify::verify_against(path, &demands)?;
        if !report.is_intact() {
            bail!("{} is not intact and nothing is compared with it; see `proofbook verify`:\n{report}", path.display());
        }
        Ok(())
    }

    // Keeps the notices on lines that changed, and on statements that make the claims of those.
    fn keep_changed(&self, revision: &str, read: &[DocumentPromises], outcome: &mut Outcome) -> Result<()> {
        let paths: Vec<&str> = read.iter().map(|document| &*document.path).collect();
        let changed = since::changed_lines(revision, &paths)?;
        let lines_of = |path: &str, first: u32, last: u32| {
            changed.get(path).is_some_and(|lines| lines.iter().any(|(from, to)| first <= *to && last >= *from))
        };
        let touched = |notice: &Notice| lines_of(&notice.path, notice.line, notice.end_line);
        let claims: BTreeSet<String> = outcome
            .notices
            .iter()
            .filter(|judgement| touched(&judgement.notice))
            .filter_map(|judgement| judgement.notice.claim.clone())
            .collect();
        outcome.retain(|judgement: &Judgement| {
            let notice = &judgement.notice;
            // A conflict is of both sides, wherever it is told.
            let other = judgement.other.as_ref().is_some_and(|(path, first, last)| lines_of(path, *first, *last));
            touched(notice) || other || notice.claim.as_ref().is_some_and(|claim| claims.contains(claim))
        });
        Ok(())
    }

    // Leaves out what the baseline knows; tells what it knows and is gone.
    fn leave_out_known(&self, outcome: &mut Outcome, output: &Output) -> Result<usize> {
        let Some(file) = &self.baseline else { return Ok(0) };
        if self.update_baseline {
            write_baseline(file, outcome)?;
            output.say(format_args!("wrote {}", file.display()));
        }
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}; write it with --update-baseline", file.display()))?;
        let baseline: Baseline = serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
        let mut known: BTreeMap<&str, &Known> = baseline.notices.iter().map(|known| (known.fingerprint.as_str(), known)).collect();
        let mut left_out = 0;
        outcome.retain(|judgement: &Judgement| {
            let is_known = known.contains_key(judgement.notice.fingerprint.as_str());
            left_out += usize::from(is_known);
            !is_known
        });
        for judgement in &outcome.left_out {
            known.remove(judgement.as_str());
        }
        if !known.is_empty() && self.since.is_none() {
            output
                .say(format_args!("note       {} notices of the baseline are mended; write it again with --update-baseline", known.len()));
        }
        Ok(left_out)
    }
}

fn write_baseline(file: &Path, outcome: &Outcome) -> Result<()> {
    let told = outcome.notices.iter().map(|judgement| &judgement.notice).filter(|notice| !matches!(notice.verdict, "backed" | "attested"));
    let notices = told.map(|notice| Known {
        fingerprint: notice.fingerprint.clone(),
        path: notice.path.clone(),
        code: notice.code.to_owned(),
        text: notice.text.clone(),
    });
    let baseline = Baseline { version: 1, notices: notices.collect() };
    let text = serde_json::to_string_pretty(&baseline)? + "\n";
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}
