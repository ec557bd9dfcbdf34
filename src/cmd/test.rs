//! `proofbook test`: checks held to their own fixtures.

use anyhow::{Result, bail};
use clap::Args;
use proofbook_controls::CheckId;
use proofbook_controls::diagnostic::did_you_mean;
use serde::Serialize;

use crate::cli::{Common, Format};
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Checks to test; all where none is named.
    #[arg(value_name = "CHECK")]
    checks: Vec<CheckId>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Serialize)]
struct Failure {
    check: String,
    file: String,
    line: u32,
    case: String,
    differences: Vec<String>,
}

#[derive(Serialize)]
struct Summary {
    passed: usize,
    failed: usize,
    failures: Vec<Failure>,
}

impl Test {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let catalog = Workspace::open(common)?.catalog_with_fixtures()?;
        for id in &self.checks {
            if !catalog.checks.contains_key(id) {
                let known = catalog.checks.keys().map(CheckId::as_str);
                bail!("unknown check `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook checks list`"));
            }
        }
        let mut summary = Summary { passed: 0, failed: 0, failures: Vec::new() };
        let selected = catalog.fixtures.iter().filter(|(id, _)| self.checks.is_empty() || self.checks.contains(id));
        for (id, fixtures) in selected {
            let check = &catalog.checks[id];
            for outcome in fixtures.run(check) {
                if outcome.differences.is_empty() {
                    summary.passed += 1;
                    continue;
                }
                summary.failed += 1;
                summary.failures.push(Failure {
                    check: id.to_string(),
                    file: check.file.replace(".yaml", ".test.yaml"),
                    line: outcome.span.line,
                    case: outcome.name,
                    differences: outcome.differences,
                });
            }
        }
        match self.format {
            Format::Json => output.json(&summary)?,
            Format::Text => {
                for failure in &summary.failures {
                    output.result(format_args!("{}:{}: {}", failure.file, failure.line, failure.case))?;
                    for difference in &failure.differences {
                        output.result(format_args!("    {difference}"))?;
                    }
                }
                output.result(format_args!("{} passed, {} failed", summary.passed, summary.failed))?;
            }
        }
        Ok(if summary.failed == 0 { Exit::Held } else { Exit::NotAsPromised })
    }
}
