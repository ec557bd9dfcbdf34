//! Reads a dump and evaluates all checks over it, without sealing anything, and tells how many findings there are.
//!
//! `findings DIR WORKSPACE`: a dump, and a `proofbook.yaml` with parameters, settings of checks and declared absences.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::plan::selected_by_default;
use proofbook_checks::settings::Settings;
use proofbook_checks::{Catalog, Plan};
use proofbook_sources::collector::Unwatched;
use proofbook_sources::dump::Dump;

fn main() -> Result<(), Box<dyn Error>> {
    let [dump, workspace] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "usage: findings DIR WORKSPACE")?;
    let mut workspace: serde_json::Value = serde_saphyr::from_str(&fs::read_to_string(workspace)?)?;
    if let Some(members) = workspace.as_object_mut() {
        members.remove("workspace");
    }
    let settings: Settings = serde_json::from_value(workspace)?;
    let catalog = Catalog::load(&Catalog::embedded_files())?;
    let plan = Plan::new(&catalog, &settings, |check| selected_by_default(check, &settings))?;
    let inventory = Dump::open("dump", Path::new(&dump))?.read(&plan.wanted(), &Unwatched);
    let evaluation = Evaluation::new(&inventory, &settings, "2026-11-01T00:00:00Z".parse()?);
    let mut counts = BTreeMap::new();
    for planned in plan.checks.values() {
        for finding in evaluation.check(planned).findings {
            *counts.entry(finding.verdict.as_str()).or_insert(0_u64) += 1;
        }
    }
    writeln!(io::stdout(), "{} checks: {counts:?}", plan.checks.len())?;
    Ok(())
}
