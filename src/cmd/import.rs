//! `proofbook import`: a catalog of OSCAL, with the profile over it, as a framework of the workspace.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use proofbook_checks::Catalog;
use proofbook_controls::FrameworkId;
use proofbook_controls::diagnostic::Diagnostics;
use proofbook_exchange::import::{self, MAX_DOCUMENT, Request};

use crate::cli::Common;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::{FILE, Workspace};

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The catalog, as OSCAL in JSON or YAML; or a profile whose catalogs lie where it says.
    file: PathBuf,
    /// A profile that selects from the catalog.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// The id of the framework; made of the name of the file, or of the profile, where nothing is said.
    #[arg(long, value_name = "ID")]
    id: Option<FrameworkId>,
    /// The file to write; `controls/frameworks/ID.yaml` in the workspace where nothing is said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Copy the prose of the statements too. Mind the licence of the catalog.
    #[arg(long)]
    with_statements: bool,
    /// Replace what is there.
    #[arg(long)]
    force: bool,
}

impl Import {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let named = self.out.as_deref().or(self.profile.as_deref()).unwrap_or(&self.file);
                import::id_of(named).map_err(Diagnostics::from)?
            }
        };
        let path = self.target(common, &id)?;
        let request = Request { file: &self.file, profile: self.profile.as_deref(), id: &id, with_statements: self.with_statements };
        let imported = import::import(&request, &read)?;
        for warning in &imported.warnings {
            output.warn(warning);
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        fs::write(&path, &imported.yaml).with_context(|| format!("writing {}", path.display()))?;
        output.say(format_args!("{id}: {} requirements, {} of them withdrawn", imported.requirements, imported.withdrawn));
        output.say(format_args!("Name `{id}` under `frameworks:` in {FILE}, and map controls to it in controls/mappings/{id}.yaml."));
        output.result(path.display())?;
        Ok(Exit::Held)
    }

    // Where to write, if that takes nothing away from anybody.
    fn target(&self, common: &Common, id: &FrameworkId) -> Result<PathBuf> {
        let name = format!("controls/frameworks/{id}.yaml");
        let path = match &self.out {
            Some(out) if out.file_stem().is_some_and(|stem| stem != id.as_str()) => {
                bail!("the framework `{id}` is only found in a file of its name: expected `{id}.yaml`, found {}", out.display())
            }
            Some(out) => out.clone(),
            None => {
                let root = Workspace::open(common)?.root;
                if !root.join(FILE).is_file() {
                    bail!("no workspace here: name one with `-C DIR`, or the file to write with `--out`");
                }
                root.join(&name)
            }
        };
        if self.force {
            return Ok(path);
        }
        if path.exists() {
            bail!("{} is there already; replace it with `--force`, or choose another id with `--id`", path.display());
        }
        if Catalog::embedded_files().get(&name).is_some() {
            bail!("`{id}` is a framework of the library; choose another id with `--id`, or replace the library's with `--force`");
        }
        Ok(path)
    }
}

// No more than a document may have, so that a device or an endless file ends too.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    File::open(path)?.take(MAX_DOCUMENT as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}
