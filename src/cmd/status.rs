//! `proofbook status`: how each environment stands, what counts no more, and what stops counting when.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_controls::{CheckId, ControlId};
use proofbook_evidence::assessment::Counts;
use proofbook_evidence::ledger::{Ledger, RunRef};
use proofbook_evidence::status::{Reminder, Status as State};
use serde::Serialize;

use crate::cli::{Common, Format};
use crate::clock;
use crate::exit::Exit;
use crate::ledger::between;
use crate::output::Output;
use crate::text::{counted, paragraph};
use crate::workspace::Workspace;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The time that freshness is judged by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// An environment.
#[derive(Serialize)]
struct Environment {
    environment: String,
    ledger: String,
    /// The last run, full or partial.
    head: Option<RunRef>,
    /// The newest full run, if there is one.
    state: Option<State>,
}

// So many ids are named in the text; `--format json` names all.
const NAMED: usize = 6;

impl Status {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let as_of = self.at.unwrap_or_else(clock::now);
        let names: Vec<String> = match (&common.environment, workspace.config.environments.len()) {
            (None, 2..) => workspace.config.environments.keys().cloned().collect(),
            _ => vec![workspace.environment(common)?.0],
        };
        let mut environments = Vec::new();
        for name in names {
            environments.push(look(&workspace.ledger(&name)?, name, as_of)?);
        }
        match self.format {
            Format::Json => output.json(&environments)?,
            Format::Text => {
                for (at, environment) in environments.iter().enumerate() {
                    if at > 0 {
                        output.result("")?;
                    }
                    print(environment, as_of, output)?;
                }
            }
        }
        let states = environments.iter().map(|environment| &environment.state);
        let exits = states
            .map(|state| state.as_ref().map_or(Exit::CouldNotLook, |state| if state.holds() { Exit::Held } else { Exit::NotAsPromised }));
        Ok(exits.max().unwrap_or(Exit::CouldNotLook))
    }
}

fn look(ledger: &Ledger, environment: String, as_of: Timestamp) -> Result<Environment> {
    let last = ledger.last()?;
    let newest = last.as_ref().and_then(|last| last.newest_full.clone());
    let state = newest.map(|run| -> Result<State> {
        let path = ledger.fetch(&run)?;
        Ok(State::of(&path, run, as_of)?)
    });
    Ok(Environment { environment, ledger: ledger.place(), head: last.map(|last| last.run()), state: state.transpose()? })
}

fn print(environment: &Environment, as_of: Timestamp, output: &Output) -> Result<()> {
    output.result(format_args!("environment  {}", environment.environment))?;
    let Some(head) = &environment.head else {
        return output.result(paragraph("run          ", &format!("none in {}; start with `proofbook scan`", environment.ledger)));
    };
    let Some(state) = &environment.state else {
        let text = format!("no full one; {} is partial, and partial runs are never taken for the whole", head.run_id);
        return output.result(paragraph("run          ", &text));
    };
    let assurance = match state.assurance {
        proofbook_checks::inventory::Assurance::Live => "read live",
        proofbook_checks::inventory::Assurance::AsSupplied => "as supplied in files",
    };
    output.result(format_args!("run          {}, {assurance}", state.run.run_id))?;
    output.result(format_args!("collected    {}, {} before {as_of}", state.collected_at, between(state.collected_at, as_of)))?;
    output.result(format_args!("head         {}\nsha256       {}", head.run_id, head.manifest_sha256))?;
    output.result(format_args!("controls     {}", statuses(&state.controls)))?;
    for (framework, counts) in &state.frameworks {
        output.result(paragraph("             ", &format!("{framework}: {} of its requirements", statuses(counts))))?;
    }
    if !state.switched_off.is_empty() {
        let ids: Vec<&str> = state.switched_off.iter().map(CheckId::as_str).collect();
        output.result(paragraph("SWITCHED OFF ", &format!("checks that controls in scope rest on: {}", listed(&ids))))?;
    }
    if !state.not_looked_at.is_empty() {
        let ids: Vec<&str> = state.not_looked_at.iter().map(ControlId::as_str).collect();
        output.result(paragraph("skipped      ", &format!("not looked at, since nobody asked for their checks: {}", listed(&ids))))?;
    }
    if state.stale.is_empty() {
        output.result("stale        nothing")?;
    } else {
        let ids: Vec<&str> = state.stale.iter().map(|passed| passed.id.as_str()).collect();
        output.result(paragraph("stale        ", &named(&ids)))?;
    }
    for upcoming in &state.upcoming {
        let ids: Vec<&str> = upcoming.ids.iter().map(String::as_str).collect();
        output.result(paragraph("until        ", &format!("{}, in {}: {}", upcoming.at, between(as_of, upcoming.at), named(&ids))))?;
    }
    for reminder in &state.reminders {
        output.result(paragraph("statement    ", &remind(reminder, as_of)))?;
    }
    Ok(())
}

fn remind(reminder: &Reminder, as_of: Timestamp) -> String {
    let Reminder { id, role, expires_at, .. } = reminder;
    if reminder.mark == 0 {
        format!("{id} ran out on {expires_at}, {} ago; {role} signs it again", between(*expires_at, as_of))
    } else {
        format!("{id} runs out on {expires_at}, in {}; {role} signs it again", between(as_of, *expires_at))
    }
}

fn statuses(counts: &Counts) -> String {
    let shown = Verdict::ALL.iter().filter_map(|verdict| counts.get(verdict).map(|count| format!("{count} {verdict}")));
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

fn named(ids: &[&str]) -> String {
    format!("{}: {}", counted(ids.len(), "result"), listed(ids))
}

fn listed(ids: &[&str]) -> String {
    let first = ids[..ids.len().min(NAMED)].join(", ");
    let more = ids.len().saturating_sub(NAMED);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    first + &rest
}
