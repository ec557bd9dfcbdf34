//! `proofbook diff`: what changed between two runs, or what another library makes of one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::diff::{ChangeClass, Diff as Changes, FindingChange, Incomparable, Side, Told, compare};
use proofbook_exchange::diff;

use crate::cli::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::paragraph;
use crate::workspace::{Workspace, library_below};

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "What cannot be compared is told apart: a failure that was not looked at again is not fixed. The exit code is 0 where \
    nothing is worse, 1 where something is, and 3 where the newer run could not look at what the older one looked at."
)]
pub(crate) struct Diff {
    /// The older run: its folder, its id, or how that begins; the full run before the newer one where nothing is said.
    older: Option<PathBuf>,
    /// The newer run; the newest full one of the environment where nothing is said.
    newer: Option<PathBuf>,
    /// Compare the newest full run with this one.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["older", "newer", "library"])]
    baseline: Option<PathBuf>,
    /// Decide one run (OLDER, or the newest) anew by another library, the folder that holds `checks/` and `controls/`; what it does
    /// not have is taken from the library of the workspace.
    #[arg(long, value_name = "DIR", conflicts_with = "newer")]
    library: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: DiffFormat,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people.
    #[default]
    Text,
    /// For a review.
    Markdown,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
}

impl Diff {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let changes = match &self.library {
            Some(dir) => {
                let bundle = Workspace::intact(&workspace.bundle(common, self.older.as_deref())?)?;
                compare(&Side::sealed(&bundle)?, &other_library(&workspace, &bundle, dir)?)
            }
            None => self.runs(&workspace, common)?,
        };
        match self.format {
            DiffFormat::Text => print(&changes, output)?,
            DiffFormat::Markdown => output.bytes(diff::markdown(&changes).as_bytes())?,
            DiffFormat::Json => output.json(&changes)?,
            DiffFormat::Sarif => output.bytes(&diff::sarif(&changes)?)?,
        }
        Ok(match (changes.lost_sight(), changes.is_worse()) {
            (true, _) => Exit::CouldNotLook,
            (false, true) => Exit::NotAsPromised,
            (false, false) => Exit::Held,
        })
    }

    fn runs(&self, workspace: &Workspace, common: &Common) -> Result<Changes> {
        let newer = Workspace::intact(&workspace.bundle(common, self.newer.as_deref())?)?;
        let older = match self.older.as_deref().or(self.baseline.as_deref()) {
            Some(named) => workspace.bundle(common, Some(named))?,
            None => before(workspace, &newer)?,
        };
        let older = Workspace::intact(&older)?;
        let (a, b) = (&older.manifest().predicate, &newer.manifest().predicate);
        if (&a.workspace, &a.environment) != (&b.workspace, &b.environment) {
            let name = |run: &proofbook_evidence::bundle::manifest::Run| format!("{}/{}", run.workspace, run.environment);
            bail!("{} is a run of {}, and {} one of {}: they look at different platforms", a.run_id, name(a), b.run_id, name(b));
        }
        Ok(compare(&Side::sealed(&older)?, &Side::sealed(&newer)?))
    }
}

// The full run before another one in its ledger.
fn before(workspace: &Workspace, newer: &Bundle) -> Result<PathBuf> {
    let ledger = workspace.ledger_of(newer)?.context("the run is not in the ledger of this workspace: name the older run as well")?;
    let own = &newer.manifest().predicate.run_id;
    let records = ledger.records(None)?;
    let full = records.iter().rev().skip_while(|record| record.run_id != *own).skip(1).find(|record| record.full);
    let older = full.with_context(|| format!("{} holds no full run before {own}; there is nothing to compare it with", ledger.place()))?;
    Ok(ledger.fetch(&older.run())?)
}

fn other_library(workspace: &Workspace, bundle: &Bundle, dir: &Path) -> Result<Side> {
    let mut files = workspace.files.clone();
    if library_below(&mut files, dir)? == 0 {
        bail!("{} holds no library: expected `checks/library/` or `controls/` below it", dir.display());
    }
    Ok(Side::decided_by(bundle, &files, &dir.display().to_string())?)
}

fn print(changes: &Changes, output: &Output) -> Result<()> {
    let name = |side: &proofbook_evidence::diff::SideRef| {
        let part = if side.full { "" } else { ", partial" };
        let library = if side.library == "sealed" { String::new() } else { format!(", decided by {}", side.library) };
        format!("{} of {}{part}{library}", side.run_id, side.clock)
    };
    output.result(paragraph("from  ", &name(&changes.older)))?;
    output.result(paragraph("to    ", &name(&changes.newer)))?;
    if changes.is_empty() {
        return output.result("nothing changed");
    }
    for class in ChangeClass::ALL {
        for change in changes.findings.iter().filter(|change| change.class == class) {
            print_change(change, output)?;
        }
    }
    for found in &changes.incomparable {
        print_incomparable(found, output)?;
    }
    for change in &changes.populations {
        let size = |size: &proofbook_evidence::diff::Size| {
            let part = if size.complete { "" } else { ", not complete" };
            format!("{} of {}{part}", size.subjects, size.enumerated)
        };
        let text = format!("{}: {} before, {} now", change.check, size(&change.older), size(&change.newer));
        output.result(paragraph("population    ", &text))?;
    }
    for change in &changes.parameters {
        let value = |parameter: &Option<proofbook_checks::plan::Parameter>| {
            parameter.as_ref().map_or_else(|| "none".to_owned(), |parameter| format!("{} ({})", parameter.value, parameter.source))
        };
        let text = format!("{} {}: {} before, {} now", change.check, change.parameter, value(&change.older), value(&change.newer));
        output.result(paragraph("parameter     ", &text))?;
    }
    for change in &changes.rules {
        let text = match (change.older_version, change.newer_version) {
            (Some(older), Some(newer)) => format!("{}: version {older} before, {newer} now", change.check),
            (Some(_), None) => format!("{}: not selected any more", change.check),
            (None, _) => format!("{}: selected for the first time", change.check),
        };
        output.result(paragraph("rule          ", &text))?;
    }
    for change in &changes.rights {
        let told = |told: &Option<String>| told.clone().unwrap_or_else(|| "not told".to_owned());
        let text = format!("{} of {}: {} before, {} now", change.what, change.target, told(&change.older), told(&change.newer));
        output.result(paragraph("rights        ", &text))?;
    }
    if changes.older.semantics != changes.newer.semantics {
        let text = format!("the version of evaluation was {} and is {}", changes.older.semantics, changes.newer.semantics);
        output.result(paragraph("semantics     ", &text))?;
    }
    let mut sums: Vec<String> = changes.counts().iter().map(|(class, count)| format!("{count} {}", class.as_str())).collect();
    if !changes.incomparable.is_empty() {
        sums.push(format!("{} not comparable", changes.incomparable.len()));
    }
    output.result(if sums.is_empty() { "no verdict changed".to_owned() } else { sums.join(", ") })
}

fn print_change(change: &FindingChange, output: &Output) -> Result<()> {
    let verdict = |told: Option<&Told>| told.map_or_else(|| "not there".to_owned(), |told| told.verdict.to_string());
    let message = change.newer.as_ref().or(change.older.as_ref()).map(|told| told.message.as_str()).unwrap_or_default();
    let beside = if change.beside.is_empty() { String::new() } else { format!(" (changed beside: {})", change.beside.join(", ")) };
    let (before, now) = (verdict(change.older.as_ref()), verdict(change.newer.as_ref()));
    output.result(paragraph(
        &format!("{:<13} ", change.class.as_str()),
        &format!("{}: {}; {before} before, {now} now", change.check, change.subject),
    ))?;
    if !message.is_empty() || !beside.is_empty() {
        output.result(paragraph("              ", &format!("{message}{beside}")))?;
    }
    Ok(())
}

fn print_incomparable(found: &Incomparable, output: &Output) -> Result<()> {
    let counts = |counts: &proofbook_evidence::assessment::Counts| {
        let all: Vec<String> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    };
    let about = found.subject.as_deref().unwrap_or("all subjects");
    let text = format!("{}: {about}; {} before, {} now; {}", found.check, counts(&found.older), counts(&found.newer), found.why);
    output.result(paragraph("incomparable  ", &text))
}
