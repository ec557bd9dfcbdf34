//! `proofbook frameworks diff`: what changes from one edition of a framework to another.

mod print;
mod status;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_controls::edition::{ChangeKind, EditionDiff};
use proofbook_controls::{Controls, Framework, FrameworkId};
use serde::Serialize;

use crate::cli::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;
use status::StatusDiff;

/// Arguments of `frameworks diff`.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The edition before.
    #[arg(value_name = "BEFORE")]
    from: FrameworkId,
    /// The edition after.
    #[arg(value_name = "AFTER")]
    to: FrameworkId,
    /// The bundle that tells what changes in status; the newest full one where there is one.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How the changes are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For a page or a pull request.
    Markdown,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report<'d> {
    #[serde(flatten)]
    diff: &'d EditionDiff,
    totals: BTreeMap<ChangeKind, usize>,
    /// None where no bundle tells it.
    status: Option<StatusDiff>,
}

impl Diff {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let controls = Controls::load(&workspace.files)?;
        let (before, after) = (edition(&controls, &self.from)?, edition(&controls, &self.to)?);
        let diff = EditionDiff::new(&controls, before, after);
        let status = match self.bundle(&workspace, common, output)? {
            Some(path) => Some(StatusDiff::from_bundle(&Workspace::intact(&path)?, &controls, &diff)?),
            None => None,
        };
        let report = Report { totals: diff.totals(), diff: &diff, status };
        match self.format {
            Form::Json => output.json(&report)?,
            Form::Text => output.result(print::text(&report, before, after).trim_end())?,
            Form::Markdown => output.result(print::markdown(&report, before, after).trim_end())?,
        }
        Ok(Exit::Held)
    }

    // The bundle that was named, or the newest one, if there is one.
    fn bundle(&self, workspace: &Workspace, common: &Common, output: &Output) -> Result<Option<PathBuf>> {
        if self.bundle.is_some() {
            return Ok(self.bundle.clone());
        }
        if common.environment.is_none() && workspace.config.environments.len() > 1 {
            output.say("status     left out: the workspace has several environments; choose one with --environment");
            return Ok(None);
        }
        let (name, _) = workspace.environment(common)?;
        Ok(workspace.ledger(&name)?.newest_full()?)
    }
}

fn edition<'c>(controls: &'c Controls, id: &FrameworkId) -> Result<&'c Framework> {
    let Some(framework) = controls.frameworks.get(id) else {
        let known = controls.frameworks.keys().map(FrameworkId::as_str);
        bail!("unknown framework `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook frameworks list`"));
    };
    Ok(framework)
}
