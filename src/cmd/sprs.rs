//! `proofbook sprs`: the SPRS score that the evidence supports, every deduction explained.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use proofbook_evidence::views::sprs::{SprsFinding, SprsRow, SprsView, Standing};
use proofbook_exchange::tables;

use crate::cli::{Common, Table};
use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::{counted, paragraph};
use crate::workspace::Workspace;

/// Arguments of `sprs`.
#[derive(Debug, Args)]
pub(crate) struct Sprs {
    /// The bundle; the newest full one of the environment where nothing is said.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// The time that freshness is judged by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Table,
}

impl Sprs {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let bundle = Workspace::intact(&workspace.bundle(common, self.bundle.as_deref())?)?;
        let view = SprsView::of(&bundle, self.at.unwrap_or_else(clock::now))?;
        let view = view.context("no framework of this bundle's scope has an SPRS score; put `cmmc-2.0` at `level-2` in scope and scan")?;
        match self.format {
            Table::Json => output.json(&view)?,
            Table::Csv => output.bytes(&tables::sprs(&view)?)?,
            Table::Text => print(&view, output)?,
        }
        Ok(Exit::Held)
    }
}

fn print(view: &SprsView, output: &Output) -> Result<()> {
    let score = view.score.map_or_else(|| "no score".to_owned(), |score| score.to_string());
    output.result(format_args!("SPRS score, {} {}: {score}", view.title, view.level))?;
    output.result(paragraph("", &format!("Range {} to {}; {} for a conditional status.", view.lowest, view.start, view.threshold)))?;
    let standing = match view.standing {
        Standing::Final => "The evidence supports a final status",
        Standing::Conditional => "The evidence supports a conditional status",
        Standing::Open => "The evidence supports no status yet",
        Standing::NoScore => "There is no score",
    };
    output.result(paragraph("", &format!("{standing}: {}.", view.because)))?;
    output.result("")?;
    output.result(paragraph(
        "",
        &format!(
            "{} of {} met: {} by a statement, {} as not applicable, {} by controls that are mapped to a part of the requirement. {} not met.",
            view.met,
            view.requirements.len(),
            view.met_by_statement,
            view.met_as_not_applicable,
            view.met_in_part_mapped,
            view.not_met
        ),
    ))?;
    let open = view.requirements.iter().filter(|row| row.finding == SprsFinding::NotMet);
    for (at, row) in open.enumerate() {
        if at == 0 {
            output.result("\nDeductions, and whether each may stand open on a plan of action:")?;
        }
        let points = if row.weight.is_some() { counted(usize::try_from(row.deduction)?, "point") } else { "no score".to_owned() };
        output.result(paragraph(&format!("  {:<16} {points:>8}  ", row.id), &deduction(row)))?;
    }
    output.result("\nThe score is what the evidence supports. An assessor decides by objectives.")
}

fn deduction(row: &SprsRow) -> String {
    let open = if row.may_stay_open { "may stand open" } else { "may not stand open" };
    let partial = row.partial.as_ref().map_or_else(String::new, |partial| {
        let earned = if partial.earned { "earned" } else { "not earned" };
        format!("; partial credit ({} points, {}): {earned}", partial.weight, partial.when)
    });
    format!("{}. {}; {open}{partial}", row.title, row.because)
}
