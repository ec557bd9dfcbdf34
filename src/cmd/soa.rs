//! `proofbook soa`: the data of the statement of applicability, all rows of Annex A.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use proofbook_evidence::views::soa::{SoaRow, SoaView};
use proofbook_exchange::tables;

use crate::cli::{Common, Table};
use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::paragraph;
use crate::workspace::Workspace;

/// Arguments of `soa`.
#[derive(Debug, Args)]
pub(crate) struct Soa {
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

impl Soa {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let bundle = Workspace::intact(&workspace.bundle(common, self.bundle.as_deref())?)?;
        let view = SoaView::of(&bundle, self.at.unwrap_or_else(clock::now))?;
        let view =
            view.context("no framework of this bundle's scope has a statement of applicability; put `iso27001-2022` in scope and scan")?;
        match self.format {
            Table::Json => output.json(&view)?,
            Table::Csv => output.bytes(&tables::soa(&view)?)?,
            Table::Text => print(&view, output)?,
        }
        Ok(Exit::Held)
    }
}

fn print(view: &SoaView, output: &Output) -> Result<()> {
    output.result(format_args!("Statement of applicability, {}: {} rows", view.title, view.rows.len()))?;
    let implemented: Vec<String> = view.implemented.iter().map(|(value, count)| format!("{count} {}", value.as_str())).collect();
    output.result(format_args!("Evidence of {}, as of {}", view.collected_at, view.as_of))?;
    output.result(format_args!("Applicable {}, excluded {}; implemented: {}\n", view.applicable, view.excluded, implemented.join(", ")))?;
    for row in &view.rows {
        let implemented = row.implemented.map_or("excluded", |value| value.as_str());
        output.result(paragraph(&format!("{:<7} {implemented:<10} ", row.id), &row.title))?;
        output.result(paragraph(&format!("{:8}", ""), &detail(row)))?;
    }
    output.result("\nImplemented is what the evidence proposes; a person confirms it.")
}

fn detail(row: &SoaRow) -> String {
    if !row.applicable {
        return row.justification.clone();
    }
    let mut parts = vec![row.responsibility.clone()];
    parts.extend(row.controls.iter().map(|control| format!("{} ({})", control.id, control.status)));
    if row.controls.is_empty() {
        parts.push("nothing in the library shows it".to_owned());
    }
    parts.join("; ")
}
