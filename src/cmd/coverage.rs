//! `proofbook coverage`: how the library covers the requirements of frameworks, whatever a scan found.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::Args;
use proofbook_controls::FrameworkId;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_evidence::assessment::Coverage as Kind;
use proofbook_evidence::rollup;
use serde::Serialize;

use crate::cli::{Common, Format};
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `coverage`.
#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// The framework; all in scope where none is named.
    framework: Option<FrameworkId>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Serialize)]
struct Row {
    id: String,
    status: Kind,
    controls: Vec<String>,
    checks: Vec<String>,
}

#[derive(Serialize)]
struct Framework {
    framework: String,
    totals: BTreeMap<Kind, usize>,
    requirements: Vec<Row>,
}

impl Coverage {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        if let Some(id) = self.framework.as_ref().filter(|id| !catalog.controls.frameworks.contains_key(*id)) {
            let known = catalog.controls.frameworks.keys().map(FrameworkId::as_str);
            bail!("unknown framework `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook frameworks list`"));
        }
        let mut out = Vec::new();
        for id in workspace.frameworks_in_scope(&catalog).filter(|id| self.framework.as_ref().is_none_or(|only| only == *id)) {
            let mut framework =
                Framework { framework: id.to_string(), totals: Kind::ALL.map(|kind| (kind, 0)).into(), requirements: Vec::new() };
            for requirement in &catalog.controls.frameworks[id].requirements {
                let controls: Vec<_> = catalog.controls.mappings_of(id).filter(|mapping| mapping.requirement == requirement.id).collect();
                let controls: Vec<_> = controls.iter().map(|mapping| &catalog.controls.controls[&mapping.control]).collect();
                let status = rollup::coverage(requirement, controls.iter().copied());
                let checks = controls.iter().flat_map(|control| &control.checks.required).map(|check| check.value.to_string());
                *framework.totals.entry(status).or_insert(0) += 1;
                framework.requirements.push(Row {
                    id: requirement.id.to_string(),
                    status,
                    controls: controls.iter().map(|control| control.id.to_string()).collect(),
                    checks: checks.collect(),
                });
            }
            out.push(framework);
        }
        match self.format {
            Format::Json if self.framework.is_some() => output.json(&out.first())?,
            Format::Json => output.json(&out)?,
            Format::Text => self.print(&out, output)?,
        }
        Ok(Exit::Held)
    }

    fn print(&self, frameworks: &[Framework], output: &Output) -> Result<()> {
        for framework in frameworks {
            let totals: Vec<String> = framework.totals.iter().map(|(kind, count)| format!("{count} {}", kind.as_str())).collect();
            output.result(format_args!("{}: {} requirements: {}", framework.framework, framework.requirements.len(), totals.join(", ")))?;
            if self.framework.is_some() {
                for row in &framework.requirements {
                    output.result(format_args!("  {:<12} {:<12} {}", row.id, row.status.as_str(), row.controls.join(", ")))?;
                }
            }
        }
        Ok(())
    }
}
