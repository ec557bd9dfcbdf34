//! `proofbook coverage`: how the library covers the requirements in scope, whatever a scan found.

use anyhow::{Result, bail};
use clap::Args;
use proofbook_checks::Catalog;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_controls::{CheckId, FrameworkId};
use proofbook_evidence::assessment::Coverage as Kind;
use proofbook_evidence::scope::{Scope, Scopes};
use proofbook_evidence::views::coverage::{CoverageView, LossView, RelianceView};
use proofbook_exchange::tables;

use crate::cli::{Common, Table};
use crate::exit::Exit;
use crate::output::Output;
use crate::text::{counted, paragraph};
use crate::workspace::Workspace;

/// Arguments of `coverage`.
#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// The framework; all in scope where none is named.
    framework: Option<FrameworkId>,
    /// Its level, baseline or class, in place of the one that the workspace chose.
    #[arg(long, value_name = "LEVEL", requires = "framework")]
    level: Option<String>,
    /// Tell what would be lost without this check.
    #[arg(long, value_name = "ID")]
    check: Option<CheckId>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Table,
}

// So many checks are named as those on which most rests.
const MOST: usize = 10;

impl Coverage {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let scopes = self.scopes(&catalog, workspace.scopes())?;
        if let Some(check) = &self.check {
            if !catalog.checks.contains_key(check) {
                let known = catalog.checks.keys().map(CheckId::as_str);
                bail!("unknown check `{check}`: {}", did_you_mean(check.as_str(), known, "see `proofbook checks list`"));
            }
            let loss = LossView::new(&catalog, &scopes, check);
            match self.format {
                Table::Json => output.json(&loss)?,
                Table::Csv => output.bytes(&tables::loss(&loss)?)?,
                Table::Text => print_loss(&loss, output)?,
            }
            return Ok(Exit::Held);
        }
        let views = CoverageView::all(&catalog, &scopes);
        match (self.format, views.as_slice()) {
            (Table::Json, [only]) if self.framework.is_some() => output.json(only)?,
            (Table::Json, all) => output.json(&all)?,
            (Table::Csv, all) => output.bytes(&tables::coverage(all)?)?,
            (Table::Text, [only]) if self.framework.is_some() => print_one(only, output)?,
            (Table::Text, all) => print_all(all, output)?,
        }
        Ok(Exit::Held)
    }

    // A framework that is named is told about whether or not it is in scope, at the level that was asked for.
    fn scopes(&self, catalog: &Catalog, scopes: Scopes) -> Result<Scopes> {
        let Some(id) = &self.framework else { return Ok(scopes) };
        let Some(framework) = catalog.controls.frameworks.get(id) else {
            let known = catalog.controls.frameworks.keys().map(FrameworkId::as_str);
            bail!("unknown framework `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook frameworks list`"));
        };
        let mut scope = scopes.0.get(id).cloned().unwrap_or_else(|| Scope::whole(id.clone()));
        if let Some(level) = &self.level {
            if !framework.levels.iter().any(|known| known.id == *level) {
                let known = framework.levels.iter().map(|level| level.id.as_str());
                bail!("`{id}` has no level `{level}`: {}", did_you_mean(level, known, "see `proofbook frameworks show`"));
            }
            scope.level = Some(level.clone());
        }
        Ok(Scopes([(id.clone(), scope)].into()))
    }
}

fn print_all(views: &[CoverageView], output: &Output) -> Result<()> {
    let name =
        |view: &CoverageView| view.level.as_ref().map_or_else(|| view.framework.clone(), |level| format!("{} {level}", view.framework));
    let width = views.iter().map(|view| name(view).chars().count()).max().unwrap_or(0);
    let line = |name: &str, cells: [String; 7]| {
        let [all, automated, attested, customer, inherited, none, not] = cells;
        format!("{name:<width$}  {all:>4} {automated:>9} {attested:>8} {customer:>8} {inherited:>9} {none:>5} {not:>5}")
    };
    output.result(line("", ["all", "automated", "attested", "customer", "inherited", "none", "n/a"].map(str::to_owned)))?;
    for view in views {
        let mut cells = [const { String::new() }; 7];
        cells[0] = view.requirements.len().to_string();
        for (cell, count) in cells[1..].iter_mut().zip(view.totals.values()) {
            *cell = count.to_string();
        }
        output.result(line(&name(view), cells))?;
    }
    output.result("\nThe kinds add up to all. `proofbook coverage FRAMEWORK` tells each requirement.")
}

fn print_one(view: &CoverageView, output: &Output) -> Result<()> {
    let level = view.level.as_ref().map_or_else(String::new, |level| format!(", level {level}"));
    output.result(format_args!("{} ({}{level}): {}\n", view.title, view.framework, counted(view.requirements.len(), "requirement")))?;
    for (kind, count) in &view.totals {
        output.result(paragraph(&format!("{count:>5}  {:<15} ", kind.as_str()), meaning(*kind)))?;
    }
    output.result("")?;
    let width = view.requirements.iter().map(|row| row.id.chars().count()).max().unwrap_or(0);
    for row in &view.requirements {
        output.result(paragraph(&format!("{:<width$}  {:<14}  ", row.id, row.status.as_str()), &row.title))?;
        let by = if row.controls.is_empty() { String::new() } else { format!("by {}", row.controls.join(", ")) };
        let checks = if row.checks.is_empty() { String::new() } else { format!(" ({})", counted(row.checks.len(), "check")) };
        let detail = [row.reason.clone().unwrap_or_default(), format!("{by}{checks}")]
            .iter()
            .filter(|part| !part.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join("; ");
        if !detail.is_empty() {
            output.result(paragraph(&format!("{:<width$}    ", ""), &detail))?;
        }
    }
    print_reliance(&view.checks, output)?;
    output.result("\nWhat no check proves is told by `--format json` and `--format csv` (limits).")
}

fn print_reliance(checks: &[RelianceView], output: &Output) -> Result<()> {
    if checks.is_empty() {
        return Ok(());
    }
    output.result("\nThe checks on which most rests:")?;
    for check in checks.iter().take(MOST) {
        let requirements = counted(usize::try_from(check.requirements)?, "requirement");
        output.result(format_args!("  {:<34}  {requirements}, {} on it alone", check.id, check.alone))?;
    }
    output.result("`--check ID` tells what would be lost without one.")
}

fn print_loss(loss: &LossView, output: &Output) -> Result<()> {
    let head = |framework: &str, id: &str| format!("  {framework} {id}  ");
    output.result(format_args!("Without `{}`:", loss.check))?;
    output.result(format_args!("{}", lost(loss.lost.len())))?;
    for row in &loss.lost {
        output.result(paragraph(&head(&row.framework, &row.id), &format!("{}: then {}", row.title, row.becomes.as_str())))?;
    }
    output.result(format_args!("{} other checks", kept(loss.reduced.len())))?;
    for row in &loss.reduced {
        let left = format!("{}: {} left", row.title, counted(row.left, "check"));
        output.result(paragraph(&head(&row.framework, &row.id), &left))?;
    }
    Ok(())
}

fn lost(count: usize) -> String {
    let verb = if count == 1 { "loses its" } else { "lose their" };
    format!("{} {verb} only automated evidence", counted(count, "requirement"))
}

fn kept(count: usize) -> String {
    format!("{} {}", counted(count, "requirement"), if count == 1 { "keeps" } else { "keep" })
}

const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::Automated => "a check shows at least one control of the provider",
        Kind::Attested => "controls of the provider rest on statements of people alone",
        Kind::Customer => "it is the customer's to do",
        Kind::Inherited => "the provider inherits it from somebody else",
        Kind::None => "nothing in the library shows it",
        Kind::NotApplicable => "withdrawn, for authorities or nobody, or tailored out",
    }
}
