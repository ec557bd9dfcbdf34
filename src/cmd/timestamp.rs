//! `proofbook timestamp`: have an authority attest since when a bundle has been what it is.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::cli::{Common, Format};
use crate::cmd::sign;
use crate::exit::Exit;
use crate::output::Output;
use crate::sealing::{self, Stamper};
use crate::workspace::Workspace;

/// Arguments of `timestamp`.
#[derive(Debug, Args)]
#[command(
    after_help = "Stamped are manifest.json and every signature in seal/. A stamp that holds is left as it is; one that does not is asked for anew. Where no authority can \
    be reached, the requests are kept in seal/ and the stamps are pending (exit code 3): run the command again later, or have a \
    request answered by other means and put the answer beside it, as NAME.tsr beside NAME.tsq."
)]
pub(crate) struct Timestamp {
    /// The bundle; the newest full one of the environment where nothing is said.
    bundle: Option<PathBuf>,
    /// The authority (RFC 3161 over HTTP); that of the workspace (`timestamps:`) where nothing is said.
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
    /// The policy to ask for, as an object identifier.
    #[arg(long, value_name = "OID", requires = "tsa")]
    policy: Option<String>,
    /// The trust file that names the authority's roots; that of the workspace (`trust:`) where nothing is said.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Timestamp {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let bundle = workspace.bundle(common, self.bundle.as_deref())?;
        let manifest = sign::intact(&bundle)?;
        let trust = sealing::trust(self.trust.as_deref(), Some(&workspace))?;
        let said = workspace.config.timestamps.as_ref().filter(|_| self.tsa.is_none());
        let stamper = Stamper {
            authority: self.tsa.as_deref().or_else(|| said.map(|said| said.tsa.as_str())),
            policy: self.policy.as_deref().or_else(|| said.and_then(|said| said.policy.as_deref())),
            trust: trust.as_ref(),
        };
        let stampings = stamper.stamp(&bundle, manifest.predicate.clock)?;
        let shared = workspace.share_seal(&manifest, &bundle, output)?;
        if self.format == Format::Json {
            output.json(&stampings)?;
        }
        for stamping in &stampings {
            stamping.tell(output);
            if let (Format::Text, Some(response)) = (self.format, &stamping.response) {
                output.result(bundle.join(response).display())?;
            }
        }
        if stampings.is_empty() {
            output.say("everything has its time stamp");
        }
        Ok(stampings.iter().map(sealing::Stamping::exit).fold(shared, Exit::max))
    }
}
