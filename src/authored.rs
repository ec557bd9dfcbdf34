//! Pages that people write: the Markdown of the folder `pages` of a workspace, with its directives filled in from the evidence that the
//! site is printed from. A page that takes something which is not true stops the build.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use proofbook_claims::checking::{self, Evidence};
use proofbook_claims::directives::Sources;
use proofbook_controls::diagnostic::Diagnostics;
use proofbook_evidence::views::Publication;
use proofbook_site::Authored;

use crate::cmd::docs::Ground;
use crate::workspace::Workspace;

const FOLDER: &str = "pages";

/// The pages and files of the workspace for the readers of a publication; none where it has no such folder.
pub(crate) fn pages(workspace: &Workspace, bundle: &Path, publication: &Publication) -> Result<Authored> {
    let folder = workspace.root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Authored::default());
    }
    let ground = Ground::open(workspace, bundle)?;
    let evidence = ground.evidence(publication);
    let mut found = Found { publication, evidence: &evidence, authored: Authored::default(), faults: Diagnostics::default() };
    found.folder(&folder, FOLDER)?;
    let Found { authored, faults, .. } = found;
    faults.into_result(authored).map_err(Into::into)
}

struct Found<'f> {
    publication: &'f Publication,
    evidence: &'f Evidence<'f>,
    authored: Authored,
    faults: Diagnostics,
}

impl Found<'_> {
    // Links are not followed: what they lead to is not ours to publish.
    fn folder(&mut self, from: &Path, to: &str) -> Result<()> {
        let reading = || format!("reading {}", from.display());
        let mut entries = fs::read_dir(from).with_context(reading)?.collect::<Result<Vec<_>, _>>().with_context(reading)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        // The way from a page of this folder to the top of the site.
        let top = vec![".."; to.split('/').count()].join("/");
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type().with_context(reading)?);
            let name = entry.file_name().into_string().map_err(|name| anyhow::anyhow!("{}: the name is not UTF-8", name.display()))?;
            let target = format!("{to}/{name}");
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                self.folder(&path, &target)?;
            } else if kind.is_file() && Path::new(&name).extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).with_context(|| format!("reading {}; pages are UTF-8", path.display()))?;
                let sources = Sources::new(self.publication, self.evidence, Some(&top));
                match sources.fill(&checking::shown(&path), &text) {
                    Ok(filled) => self.authored.pages.push((target, filled)),
                    Err(faults) => self.faults.append(faults),
                }
            } else if kind.is_file() {
                let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                self.authored.files.push((target, bytes));
            }
        }
        Ok(())
    }
}
