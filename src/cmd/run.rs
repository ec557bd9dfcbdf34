//! `proofbook run`: scan, then build.

use anyhow::Result;
use clap::Args;

use crate::cli::Common;
use crate::cmd::build::Publish;
use crate::cmd::scan::Scan;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    scan: Scan,
    #[command(flatten)]
    publish: Publish,
}

impl Run {
    /// What was found is the site's to tell: findings do not make this command fail, a bundle that was not signed does.
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let scanned = self.scan.scan(common, output)?;
        scanned.tell(output);
        output.say(format_args!("bundle     {}", scanned.sealed.path.display()));
        self.publish.publish(&Workspace::open(common)?, &scanned.sealed.path, self.scan.at, output)?;
        Ok(scanned.sealing)
    }
}
