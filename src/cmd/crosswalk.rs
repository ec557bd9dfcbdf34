//! `proofbook crosswalk`: everything that a requirement corresponds to elsewhere, with the way it was derived.

mod rows;
mod text;

use anyhow::{Result, bail};
use clap::Args;
use proofbook_controls::crosswalk::Correspondence;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_controls::{Controls, Correspondences, FrameworkId, RequirementId};

use crate::cli::{Common, Table};
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `crosswalk`.
#[derive(Debug, Args)]
pub(crate) struct Crosswalk {
    /// The requirement, in any framework or in a catalog that a crosswalk names: `A.8.24`.
    #[arg(value_name = "ID")]
    requirement: String,
    /// Only the requirement of this framework, where several have one of this id.
    #[arg(long, value_name = "ID")]
    framework: Option<FrameworkId>,
    /// Only what it corresponds to in this framework.
    #[arg(long, value_name = "ID")]
    to: Option<FrameworkId>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Table,
}

/// A requirement with what it corresponds to.
struct Found<'c> {
    framework: &'c FrameworkId,
    requirement: &'c RequirementId,
    correspondences: Vec<Correspondence<'c>>,
}

impl Crosswalk {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let controls = Controls::load(&Workspace::open(common)?.files)?;
        let all = Correspondences::new(&controls);
        if let Some(id) = self.framework.iter().chain(&self.to).find(|id| controls.catalog_title(id).is_none()) {
            let known = controls.catalogs().map(FrameworkId::as_str);
            bail!("unknown framework `{id}`: {}", did_you_mean(id.as_str(), known, "see `proofbook frameworks list`"));
        }
        let mut found = Vec::new();
        for (framework, requirement) in self.asked(&all)? {
            self.in_force(&controls, framework)?;
            let mut correspondences = all.of(framework, requirement);
            correspondences.retain(|one| self.to.as_ref().is_none_or(|to| to == one.framework));
            found.push(Found { framework, requirement, correspondences });
        }
        match self.format {
            Table::Json => output.json(&found.iter().flat_map(rows::rows).collect::<Vec<_>>())?,
            Table::Csv => output.result(rows::csv(&found).trim_end())?,
            Table::Text => output.result(text::print(&controls, &found).trim_end())?,
        }
        Ok(Exit::Held)
    }

    // The requirements of this id: more than one where several frameworks have it and none was named.
    fn asked<'c>(&self, all: &Correspondences<'c>) -> Result<Vec<(&'c FrameworkId, &'c RequirementId)>> {
        let id = self.requirement.as_str();
        let named = |framework: &FrameworkId| self.framework.as_ref().is_none_or(|only| only == framework);
        let found: Vec<_> = all.catalogs_with(id).filter(|(framework, _)| named(framework)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let elsewhere: Vec<_> = all.catalogs_with(id).map(|(framework, _)| framework.as_str()).collect();
        let known = all.requirements().filter(|(framework, _)| named(framework)).map(|(_, requirement)| requirement.as_str());
        match (&self.framework, elsewhere.as_slice()) {
            (Some(framework), []) => {
                bail!("`{framework}` has no requirement `{id}`: {}", did_you_mean(id, known, "see `proofbook frameworks show`"))
            }
            (Some(framework), elsewhere) => bail!("`{framework}` has no requirement `{id}`; it is in {}", elsewhere.join(", ")),
            (None, _) => bail!("no framework has a requirement `{id}`: {}", did_you_mean(id, known, "see `proofbook frameworks show`")),
        }
    }

    fn in_force(&self, controls: &Controls, framework: &FrameworkId) -> Result<()> {
        let found = controls.frameworks.get(framework).and_then(|framework| framework.requirement(&self.requirement));
        let Some(withdrawn) = found.filter(|requirement| requirement.withdrawn) else { return Ok(()) };
        let into: Vec<_> = withdrawn.withdrawn_into.iter().map(RequirementId::as_str).collect();
        let help = if into.is_empty() { "nothing took its place".to_owned() } else { format!("ask for {}", into.join(", ")) };
        bail!("the requirement `{}` of `{framework}` is withdrawn: {help}", self.requirement);
    }
}
