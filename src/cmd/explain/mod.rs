//! `proofbook explain`: everything about one check, control or requirement, as far as library and workspace tell it.
//!
//! Each of the three is told as a view: the same fields are printed for people and for programs. `checks show`,
//! `controls show` and `frameworks show` print what was written; this says what it means here.

mod check;
mod control;
mod newest;
mod requirement;
mod sheet;

use anyhow::{Result, bail};
use clap::Args;
use proofbook_checks::Catalog;
use proofbook_checks::settings::Settings;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_controls::{CheckId, ControlId, FrameworkId};
use proofbook_evidence::scope::Scopes;
use serde::Serialize;

use self::newest::Newest;
use self::sheet::Sheet;
use crate::cli::{Common, Format};
use crate::config::Environment;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A check, a control, or a requirement as `FRAMEWORK:ID`. Where a check and a control have one name, the check is meant;
    /// `control:ID` means the control.
    #[arg(value_name = "ID")]
    id: String,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What explanations are made from.
struct Ground<'a> {
    catalog: &'a Catalog,
    environment: &'a Environment,
    settings: &'a Settings,
    scopes: &'a Scopes,
    newest: Option<Newest>,
}

/// What is explained.
enum Thing {
    Check(CheckId),
    Control(ControlId),
    Requirement(FrameworkId, String),
}

impl Explain {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let thing = find(&catalog, &self.id)?;
        // Without a choice of environment there is still much to tell.
        let environments = &workspace.config.environments;
        let named = match (environments.len(), &common.environment) {
            (0 | 1, _) | (_, Some(_)) => Some(workspace.environment(common)?),
            _ => None,
        };
        if named.is_none() {
            output.say("the workspace has several environments: targets and results are told with --environment");
        }
        let newest = named.as_ref().and_then(|(name, _)| Newest::of(workspace.ledger(name), output));
        let environment = named.map(|(_, environment)| environment).unwrap_or_default();
        let settings = workspace.config.settings(&environment);
        let scopes = workspace.scopes();
        let ground = Ground { catalog: &catalog, environment: &environment, settings: &settings, scopes: &scopes, newest };
        match thing {
            Thing::Check(id) => {
                if catalog.controls.controls.contains_key(id.as_str()) {
                    output.say(format_args!("there is a control of this name too: `proofbook explain control:{id}`"));
                }
                self.print(&check::view(&ground, &id)?, check::sheet, output)?;
            }
            Thing::Control(id) => self.print(&control::view(&ground, &id), control::sheet, output)?,
            Thing::Requirement(framework, id) => {
                self.print(&requirement::view(&ground, &framework, &id)?, requirement::sheet, output)?;
            }
        }
        Ok(Exit::Held)
    }

    fn print<V: Serialize>(&self, view: &V, sheet: impl FnOnce(&V) -> Sheet, output: &Output) -> Result<()> {
        match self.format {
            Format::Json => output.json(view),
            Format::Text => output.result(sheet(view).text()),
        }
    }
}

fn find(catalog: &Catalog, id: &str) -> Result<Thing> {
    let checks = || catalog.checks.keys().map(CheckId::as_str);
    let controls = || catalog.controls.controls.keys().map(ControlId::as_str);
    let check = |id: &str| catalog.checks.get_key_value(id).map(|(id, _)| Thing::Check(id.clone()));
    let control = |id: &str| catalog.controls.controls.get_key_value(id).map(|(id, _)| Thing::Control(id.clone()));
    let Some((framework, requirement)) = id.split_once(':') else {
        let found = check(id).or_else(|| control(id));
        let near = || did_you_mean(id, checks().chain(controls()), "see `proofbook checks list` and `proofbook controls list`");
        return found.map_or_else(|| bail!("there is neither a check nor a control `{id}`: {}", near()), Ok);
    };
    match framework {
        "check" => check(requirement).map_or_else(
            || bail!("unknown check `{requirement}`: {}", did_you_mean(requirement, checks(), "see `proofbook checks list`")),
            Ok,
        ),
        "control" => control(requirement).map_or_else(
            || bail!("unknown control `{requirement}`: {}", did_you_mean(requirement, controls(), "see `proofbook controls list`")),
            Ok,
        ),
        _ => {
            let frameworks = &catalog.controls.frameworks;
            let Some((name, found)) = frameworks.get_key_value(framework) else {
                let known = frameworks.keys().map(FrameworkId::as_str);
                bail!("unknown framework `{framework}`: {}", did_you_mean(framework, known, "see `proofbook frameworks list`"));
            };
            if found.requirement(requirement).is_none() {
                let known = found.requirements.iter().map(|known| known.id.as_str());
                let help = did_you_mean(requirement, known, &format!("see `proofbook frameworks show {framework}`"));
                bail!("`{framework}` has no requirement `{requirement}`: {help}");
            }
            Ok(Thing::Requirement(name.clone(), requirement.to_owned()))
        }
    }
}
