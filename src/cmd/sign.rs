//! `proofbook sign`: put a signature beside a bundle.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use proofbook_evidence::bundle::manifest::Manifest;
use proofbook_evidence::verify::{self, Report};

use crate::cli::{Common, Format};
use crate::exit::Exit;
use crate::output::Output;
use crate::sealing::{self, SignerCommand, Signing};
use crate::workspace::Workspace;

/// Arguments of `sign`.
#[derive(Debug, Args)]
#[command(
    after_help = "Keys are Ed25519 or ECDSA P-256, made by `openssl genpkey -algorithm ed25519 -out KEY`. Without --key, --key-env or \
    --signer the workspace says how to sign (`signing:`)."
)]
pub(crate) struct Sign {
    /// The bundle; the newest full one of the environment where nothing is said.
    bundle: Option<PathBuf>,
    /// The private key, as PKCS#8 in PEM.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_env", "signer"])]
    key: Option<PathBuf>,
    /// An environment variable that holds the private key, as PKCS#8 in PEM.
    #[arg(long, value_name = "NAME", conflicts_with = "signer")]
    key_env: Option<String>,
    /// A command that signs what it reads on stdin and prints the signature in base64; split at blanks.
    #[arg(long, value_name = "COMMAND", requires = "public_key")]
    signer: Option<String>,
    /// The public key of the signer command, in PEM.
    #[arg(long, value_name = "FILE", requires = "signer")]
    public_key: Option<PathBuf>,
    /// Write a signature in the form of minisign too.
    #[arg(long)]
    minisign: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Sign {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let mut signing = self.given();
        let mut root = PathBuf::new();
        let mut bundle = self.bundle.clone();
        // The nearest one: where a key of the command line signs a bundle that lies in none, it is an unnamed one.
        let workspace = Workspace::open(common)?;
        if !signing.is_given() || bundle.is_none() {
            bundle = Some(workspace.bundle(common, bundle.as_deref())?);
            if !signing.is_given() {
                let said = workspace.config.signing.clone();
                signing = said.context("nothing says how to sign: give --key, --key-env or --signer, or write `signing:`")?;
                signing.minisign |= self.minisign;
                root.clone_from(&workspace.root);
            }
        }
        let bundle = bundle.context("no bundle is named")?;
        let manifest = intact(&bundle)?;
        let signer = signing.open(&root)?;
        let signed = match sealing::sign(&bundle, &manifest.predicate.run_id, &signing, &*signer) {
            Ok(signed) => signed,
            Err(error) => {
                output.error(&anyhow::Error::from(error).context("the bundle was not signed"));
                return Ok(Exit::CouldNotLook);
            }
        };
        let shared = workspace.share_seal(&manifest, &bundle, output)?;
        match self.format {
            Format::Json => output.json(&signed)?,
            Format::Text => {
                output.say(format_args!("signed by the key {}", signed.key));
                if let Some(key) = &signed.minisign_public_key {
                    output.say(format_args!("minisign public key {key}"));
                }
                signed.files.iter().try_for_each(|file| output.result(file.display()))?;
            }
        }
        Ok(shared)
    }

    fn given(&self) -> Signing {
        let signer = self.signer.as_ref().zip(self.public_key.as_ref());
        let signer = signer.map(|(command, key)| SignerCommand { command: command.clone(), public_key: key.clone() });
        Signing { key: self.key.clone(), key_env: self.key_env.clone(), signer, minisign: self.minisign }
    }
}

/// The manifest of a bundle that is intact: nobody vouches for one that is not. What of its seal does not hold may be mended.
pub(crate) fn intact(bundle: &Path) -> Result<Manifest> {
    let report: Report = verify::integrity(bundle)?;
    if !report.is_sealed_set_whole() {
        bail!("{} is not intact and whole, and is not sealed any further; see `proofbook verify`:\n{report}", bundle.display());
    }
    let path = bundle.join("manifest.json");
    let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()))
}
