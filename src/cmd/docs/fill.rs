//! `proofbook docs fill`: pages of Markdown with their directives filled in, for any generator of sites.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use proofbook_claims::checking;
use proofbook_claims::directives::Sources;
use proofbook_controls::diagnostic::Diagnostics;

use super::filling::{Filling, refuse};
use crate::cli::Common;
use crate::exit::Exit;
use crate::output::Output;

/// Arguments of `docs fill`.
#[derive(Debug, Args)]
pub(crate) struct Fill {
    /// A folder of pages; what is no Markdown or MDX is copied as it is.
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// The folder that the filled pages are written to; it is replaced once all of them are there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    filling: Filling,
}

impl Fill {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let source = self.source.canonicalize().with_context(|| format!("reading {}", self.source.display()))?;
        if !source.is_dir() {
            bail!("{} is no folder; name a folder of pages", self.source.display());
        }
        let out = std::path::absolute(&self.out).with_context(|| format!("reading {}", self.out.display()))?;
        if out.starts_with(&source) || source.starts_with(&out) {
            bail!("{} and {} lie in each other; write to another folder", self.source.display(), self.out.display());
        }
        let fresh = out.with_added_extension("new");
        remove(&fresh)?;
        let mut copied = Copied::default();
        self.filling.with(common, |sources| copied.folder(sources, &source, &fresh, &self.source))?;
        if !copied.faults.is_empty() {
            remove(&fresh)?;
            return Ok(refuse(copied.faults, output));
        }
        remove(&out)?;
        fs::rename(&fresh, &out).with_context(|| format!("putting {} in place", out.display()))?;
        output.say(format_args!("filled     {} of {} pages", copied.filled, copied.pages));
        output.result(self.out.display())?;
        Ok(Exit::Held)
    }
}

#[derive(Default)]
struct Copied {
    pages: usize,
    filled: usize,
    faults: Diagnostics,
}

impl Copied {
    // Links are not followed: what they lead to is not ours to publish.
    fn folder(&mut self, sources: &Sources<'_>, from: &Path, to: &Path, shown: &Path) -> Result<()> {
        fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
        let reading = || format!("reading {}", from.display());
        let mut entries = fs::read_dir(from).with_context(reading)?.collect::<Result<Vec<_>, _>>().with_context(reading)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (name, kind) = (entry.file_name(), entry.file_type().with_context(reading)?);
            let (path, target, shown) = (entry.path(), to.join(&name), shown.join(&name));
            if kind.is_dir() {
                self.folder(sources, &path, &target, &shown)?;
            } else if kind.is_file() && is_page(&path) {
                let text = fs::read_to_string(&path).with_context(|| format!("reading {}; pages are UTF-8", shown.display()))?;
                self.pages += 1;
                match sources.fill(&checking::shown(&shown), &text) {
                    Ok(filled) => {
                        self.filled += usize::from(filled != text);
                        fs::write(&target, filled).with_context(|| format!("writing {}", target.display()))?;
                    }
                    Err(faults) => self.faults.append(faults),
                }
            } else if kind.is_file() {
                fs::copy(&path, &target).with_context(|| format!("copying {}", shown.display()))?;
            }
        }
        Ok(())
    }
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["md", "mdx", "markdown"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| format!("removing {}", dir.display())),
        _ => Ok(()),
    }
}
