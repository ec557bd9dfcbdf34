//! What directives are filled in from, gathered from a workspace and one of its bundles.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use proofbook_claims::directives::Sources;
use proofbook_controls::diagnostic::Diagnostics;
use proofbook_evidence::views::Publication;
use proofbook_evidence::views::profile::Profile;

use super::Ground;
use crate::cli::Common;
use crate::clock;
use crate::exit::Exit;
use crate::output::{Output, is_untrue};
use crate::sealing;
use crate::workspace::Workspace;

/// Which bundle fills in the directives, and where its site is.
#[derive(Clone, Debug, Args)]
pub(super) struct Filling {
    /// The bundle; the newest full one of the environment where nothing is said.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// The address of the site that is printed from the same evidence: values become links to their checks there.
    #[arg(long, value_name = "URL")]
    pub(super) site: Option<String>,
    /// The time that freshness is judged by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

impl Filling {
    /// Calls `work` with what directives are filled in from: what the readers of the customers' profile may see.
    pub(super) fn with<T>(&self, common: &Common, work: impl FnOnce(&Sources<'_>) -> Result<T>) -> Result<T> {
        let workspace = Workspace::open(common)?;
        let path = workspace.bundle(common, self.bundle.as_deref())?;
        let at = self.at.unwrap_or_else(clock::now);
        let trust = sealing::trust(None, Some(&workspace))?;
        let publication = Publication::new(&Workspace::intact(&path)?, workspace.facts()?, at, trust.as_ref())?;
        let publication = publication.for_profile(Profile::Customer);
        let ground = Ground::open(&workspace, &path)?;
        work(&Sources::new(&publication, &ground.evidence(&publication), self.site.as_deref()))
    }
}

/// Tells what could not be filled in; what is untrue is told apart from what is wrongly written.
pub(super) fn refuse(faults: Diagnostics, output: &Output) -> Exit {
    let error = anyhow::Error::new(faults);
    output.error(&error);
    if is_untrue(&error) { Exit::NotAsPromised } else { Exit::Input }
}
