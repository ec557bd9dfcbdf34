//! `proofbook sample`: subjects drawn from a population so that anybody can draw them again.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use proofbook_controls::CheckId;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_evidence::records;
use proofbook_evidence::sample::{Sample as Drawn, SampleError, draw};
use proofbook_exchange::{ipe, sample};

use crate::cli::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::paragraph;
use crate::workspace::Workspace;

/// Arguments of `sample`.
#[derive(Debug, Args)]
#[command(
    after_help = "Subjects come in the order of HMAC-SHA256 with the seed as key over their id. Let the auditor choose the seed, after the \
    run was sealed: then nobody can have chosen the subjects. The exit code is 3 where the population is not whole."
)]
pub(crate) struct Sample {
    /// The check.
    check: String,
    /// How many subjects to draw.
    #[arg(long, value_name = "N", required_unless_present = "ipe", value_parser = clap::value_parser!(u32).range(1..))]
    size: Option<u32>,
    /// The seed: any text.
    #[arg(long, value_name = "TEXT", required_unless_present = "ipe", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    seed: Option<String>,
    /// Print in place of a sample how the population came about: definition, query, parameters, count, completeness, digests.
    #[arg(long, conflicts_with_all = ["size", "seed", "format"])]
    ipe: bool,
    /// The bundle, or the id of its run; the newest full one of the environment where nothing is said.
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: SampleFormat,
}

/// How a sample is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleFormat {
    /// For people.
    #[default]
    Text,
    /// For working papers.
    Markdown,
    /// For spreadsheets.
    Csv,
    /// For programs.
    Json,
}

impl Sample {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let bundle = Workspace::intact(&workspace.bundle(common, self.bundle.as_deref())?)?;
        let known = &bundle.catalog().checks;
        let Some(check) = known.get(self.check.as_str()).map(|check| check.id().clone()) else {
            let help = did_you_mean(&self.check, known.keys().map(CheckId::as_str), "see `proofbook checks list`");
            bail!("the bundle knows no check `{}`: {help}", self.check);
        };
        let (Some(size), Some(seed)) = (self.size, &self.seed) else {
            let sheets = records::sheets(&bundle, |one| *one.id() == check)?;
            if sheets.is_empty() {
                bail!("the run {} did not select the check `{check}`", bundle.manifest().predicate.run_id);
            }
            output.bytes(ipe::markdown(&sheets).as_bytes())?;
            return Ok(Exit::Held);
        };
        let drawn = match draw(&bundle, &check, usize::try_from(size)?, seed) {
            Ok(drawn) => drawn,
            Err(error @ SampleError::Incomplete { .. }) => {
                output.error(&error.into());
                return Ok(Exit::CouldNotLook);
            }
            Err(error) => return Err(error.into()),
        };
        match self.format {
            SampleFormat::Text => print(&drawn, output)?,
            SampleFormat::Markdown => output.bytes(sample::markdown(&drawn).as_bytes())?,
            SampleFormat::Csv => output.bytes(&sample::csv(&drawn)?)?,
            SampleFormat::Json => output.json(&drawn)?,
        }
        Ok(Exit::Held)
    }
}

fn print(sample: &Drawn, output: &Output) -> Result<()> {
    output.result(paragraph("check       ", &sample.check))?;
    output.result(paragraph("population  ", &format!("{}: {} subjects", sample.definition, sample.population)))?;
    output.result(paragraph("seed        ", &sample.seed))?;
    output.result(paragraph("drawn by    ", sample.algorithm))?;
    output.result(paragraph("run         ", &format!("{}, manifest sha256:{}", sample.run_id, sample.manifest_sha256)))?;
    for (at, drawn) in sample.drawn.iter().enumerate() {
        let told = format!("{}: {} ({}) {}", drawn.id, drawn.verdict, drawn.reason_code, drawn.message);
        output.result(paragraph(&format!("{:>4}  ", at + 1), &told))?;
        if let Some(command) = &drawn.manual {
            // A command is copied: it is never broken into lines.
            output.result(format_args!("      $ {}", command.trim()))?;
        }
    }
    if sample.drawn.len() < sample.size {
        output.say(format_args!("the population has no more than {} subjects", sample.drawn.len()));
    }
    Ok(())
}
