//! `proofbook checks|controls|frameworks`: what the library holds, as it is written; `proofbook explain` says what it means.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use proofbook_checks::Catalog;
use proofbook_controls::diagnostic::did_you_mean;
use serde_json::{Value, json};

use crate::cli::{Common, Format};
use crate::cmd::editions;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

#[derive(Debug, Subcommand)]
enum Action {
    /// All of them, a line each.
    List {
        /// How to print the result.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// One, as it is written.
    Show {
        /// The id.
        id: String,
        /// How to print the result.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Arguments of `checks`.
#[derive(Debug, Args)]
pub(crate) struct Checks {
    #[command(subcommand)]
    action: Action,
}

/// Arguments of `controls`.
#[derive(Debug, Args)]
pub(crate) struct Controls {
    #[command(subcommand)]
    action: Action,
}

/// Arguments of `frameworks`.
#[derive(Debug, Args)]
pub(crate) struct Frameworks {
    #[command(subcommand)]
    action: FrameworksAction,
}

#[derive(Debug, Subcommand)]
enum FrameworksAction {
    #[command(flatten)]
    Look(Action),
    /// What changes from one edition to another: requirements, levels, mappings, and the status by a bundle.
    Diff(editions::Diff),
}

/// One entry of a list: id, what stands beside it in a table, and its JSON form.
struct Entry {
    columns: Vec<String>,
    json: Value,
}

impl Checks {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let entry = |check: &proofbook_checks::compile::Check| {
            let definition = &check.definition;
            let columns = vec![definition.severity.as_str().to_owned(), check.domain.clone(), definition.title.clone()];
            let controls: BTreeMap<&str, bool> = catalog.controls_of(check.id()).map(|(id, required)| (id.as_str(), required)).collect();
            let json = json!({
                "id": check.id(), "version": definition.version, "title": definition.title, "domain": check.domain,
                "severity": definition.severity, "method": definition.method, "opt_in": definition.opt_in, "controls": controls,
                "file": check.file, "rule": check.source,
            });
            Entry { columns, json }
        };
        let entries = catalog.checks.iter().map(|(id, check)| (id.to_string(), entry(check))).collect();
        show("check", &self.action, &entries, output, |id| catalog.checks.get(id).map(|check| check.source.clone()))
    }
}

impl Controls {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let entry = |control: &proofbook_controls::Control| {
            let ids = |list: &[proofbook_controls::yaml::Spanned<proofbook_controls::CheckId>]| {
                list.iter().map(|check| check.value.to_string()).collect::<Vec<_>>()
            };
            let mappings: Vec<_> = catalog.controls.mappings_to(&control.id).collect();
            let json = json!({
                "id": control.id, "title": control.title, "objective": control.objective, "layer": control.layer,
                "responsibility": {"split": control.responsibility.split, "provider": control.responsibility.provider, "customer": control.responsibility.customer,
                    "customer_checks": ids(&control.responsibility.customer_checks)},
                "checks": {"required": ids(&control.checks.required), "supporting": ids(&control.checks.supporting)},
                "attestations": control.attestations, "no_evidence": control.no_evidence,
                "inherited_from": control.inherited_from, "review_months": control.review_months,
                "mappings": mappings,
            });
            Entry { columns: vec![control.layer.as_str().to_owned(), control.title.clone()], json }
        };
        let entries = catalog.controls.controls.iter().map(|(id, control)| (id.to_string(), entry(control))).collect();
        let file = |id: &str| catalog.controls.control_files.get(id).and_then(|path| workspace.files.get(path)).map(str::to_owned);
        show("control", &self.action, &entries, output, file)
    }
}

impl Frameworks {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let action = match &self.action {
            FrameworksAction::Look(action) => action,
            FrameworksAction::Diff(diff) => return diff.run(common, output),
        };
        let catalog = Workspace::open(common)?.catalog()?;
        let entry = |framework: &proofbook_controls::Framework| -> Result<Entry> {
            let columns = vec![format!("{} requirements", framework.requirements.len()), framework.title.clone()];
            Ok(Entry { columns, json: serde_json::to_value(framework)? })
        };
        let frameworks = &catalog.controls.frameworks;
        let entries = frameworks.iter().map(|(id, framework)| Ok((id.to_string(), entry(framework)?))).collect::<Result<_>>()?;
        show("framework", action, &entries, output, |id| Some(requirements(&catalog, id)))
    }
}

fn requirements(catalog: &Catalog, id: &str) -> String {
    let Some(framework) = catalog.controls.frameworks.get(id) else {
        return String::new();
    };
    let mut lines = vec![framework.title.clone()];
    for group in &framework.groups {
        lines.push(format!("\n{} {}", group.id, group.title));
        for requirement in framework.requirements.iter().filter(|requirement| requirement.group == group.id) {
            let withdrawn = if requirement.withdrawn { " (withdrawn)" } else { "" };
            lines.push(format!("  {:<16} {}{withdrawn}", requirement.id, requirement.title));
        }
    }
    lines.join("\n")
}

fn show(
    what: &str,
    action: &Action,
    entries: &BTreeMap<String, Entry>,
    output: &Output,
    whole: impl Fn(&str) -> Option<String>,
) -> Result<Exit> {
    match action {
        Action::List { format: Format::Json } => {
            output.json(&entries.values().map(|entry| &entry.json).collect::<Vec<_>>())?;
        }
        Action::List { format: Format::Text } => {
            for line in table(entries) {
                output.result(line)?;
            }
        }
        Action::Show { id, format } => {
            let Some(entry) = entries.get(id) else {
                let help = did_you_mean(id, entries.keys().map(String::as_str), &format!("see `proofbook {what}s list`"));
                bail!("unknown {what} `{id}`: {help}");
            };
            match format {
                Format::Json => output.json(&entry.json)?,
                Format::Text => output.result(whole(id).unwrap_or_default().trim_end())?,
            }
        }
    }
    Ok(Exit::Held)
}

fn table(entries: &BTreeMap<String, Entry>) -> Vec<String> {
    let columns = entries.values().map(|entry| entry.columns.len()).max().unwrap_or(0);
    let width = |at: usize| entries.values().filter_map(|entry| entry.columns.get(at)).map(|text| text.chars().count()).max().unwrap_or(0);
    let ids = entries.keys().map(|id| id.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |(id, entry): (&String, &Entry)| {
        let cells = entry.columns.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        format!("{id:<ids$}  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    entries.iter().map(line).collect()
}
