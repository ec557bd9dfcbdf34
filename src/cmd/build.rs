//! `proofbook build`: site, matrix and documents from one bundle.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use proofbook_documents::{Attachment, DocumentError, Templates};
use proofbook_evidence::ledger::{Custody, HandedOver};
use proofbook_evidence::views::Publication;
use proofbook_evidence::views::profile::Profile;
use proofbook_exchange::tables;
use proofbook_site::Authored;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cli::Common;
use crate::clock;
use crate::exit::Exit;
use crate::ledger::{Handover, handed_over, tell};
use crate::output::Output;
use crate::workspace::Workspace;
use crate::{authored, posture, sealing};

/// Arguments of `build`.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The bundle; the newest full one of the environment where nothing is said.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    publish: Publish,
    /// The time that freshness is judged by, as RFC 3339; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// How to publish; `build` and `run` share it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Publish {
    /// Where to write; `public` in the workspace where nothing is said.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// For whom: `customer` leaves out the names of subjects, `assessor` shows them.
    #[arg(long, value_name = "PROFILE", value_delimiter = ',', default_value = "customer")]
    profile: Vec<Profile>,
    /// Write the pages as plain Markdown too, into `markdown` beside the site: for Docusaurus, Mintlify and other generators.
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    handover: Handover,
}

/// What lies in a profile's folder, for a support portal.
#[derive(Debug, Serialize)]
struct Portal {
    product: String,
    profile: Profile,
    run_id: String,
    environment: String,
    collected_at: Timestamp,
    as_of: Timestamp,
    fresh_until: Timestamp,
    manifest_sha256: String,
    tool_version: String,
    files: Vec<PortalFile>,
}

#[derive(Debug, Serialize)]
struct PortalFile {
    path: String,
    title: String,
    bytes: u64,
    sha256: String,
}

impl Build {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let path = workspace.bundle(common, self.bundle.as_deref())?;
        self.publish.publish(&workspace, &path, self.at, output)?;
        Ok(Exit::Held)
    }
}

impl Publish {
    /// Prints everything that is made from the bundle at `path`.
    pub(crate) fn publish(&self, workspace: &Workspace, path: &Path, at: Option<Timestamp>, output: &Output) -> Result<()> {
        let facts = workspace.facts()?;
        let bundle = Workspace::intact(path)?;
        let as_of = at.unwrap_or_else(clock::now);
        let trust = sealing::trust(None, Some(workspace))?;
        let mut publication = Publication::new(&bundle, facts, as_of, trust.as_ref())?;
        let ledger = workspace.ledger_of(&bundle)?;
        if let Some(ledger) = &ledger {
            publication.history = posture::history(ledger, &bundle, &publication, output)?;
        }
        if ledger.is_none() {
            output.detail("custody    not noted: the bundle is not in this workspace's ledger");
        }
        let out = self.out.clone().unwrap_or_else(|| workspace.root.join("public"));
        for profile in &self.profile {
            let dir = out.join(profile.as_str());
            let seen = publication.for_profile(*profile);
            let authored = authored::pages(workspace, path, &seen)?;
            let printed = print(&seen, &authored, *profile, &dir, output)?;
            if self.markdown {
                printed.markdown(&seen, &authored)?;
            }
            if let Some(ledger) = &ledger {
                let event = Custody::Published {
                    run_id: publication.run.run_id.clone(),
                    manifest_sha256: publication.run.manifest_sha256.clone(),
                    profile: profile.as_str().to_owned(),
                    to: self.handover.to.clone(),
                    purpose: self.handover.purpose.clone(),
                    files: printed.handed_over(),
                };
                tell(ledger, vec![event], output);
            }
            printed.publish(&dir, output)?;
        }
        Ok(())
    }
}

// What was printed into a folder beside the one that it will take the place of.
struct Printed {
    fresh: PathBuf,
    portal: Portal,
    text: String,
}

// The folder is made beside the old one and takes its place whole, so that a build that breaks off leaves the last one.
fn print(publication: &Publication, authored: &Authored, profile: Profile, dir: &Path, output: &Output) -> Result<Printed> {
    let parent = dir.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    let fresh = dir.with_extension("new");
    remove(&fresh)?;
    let documents = fresh.join("documents");
    std::fs::create_dir_all(&documents).with_context(|| format!("creating {}", documents.display()))?;

    let mut files = Vec::new();
    let templates = Templates::embedded();
    let attached = [Attachment::json("publication.json", "What this document was printed from", publication)?];
    for document in templates.documents()? {
        let rendered = match document.render(publication, &attached) {
            Err(missing @ DocumentError::Missing { .. }) => {
                output.warn(format_args!("{} is left out: {missing}", document.file_name()));
                continue;
            }
            rendered => rendered?,
        };
        for note in &rendered.notes {
            output.detail(format_args!("note       {}: {note}", document.file_name()));
        }
        if !rendered.notes.is_empty() {
            let count = rendered.notes.len();
            output
                .say(format_args!("note       {}: {count} measures are held back or left out; --verbose names them", document.file_name()));
        }
        let pdf = rendered.pdf;
        let path = format!("documents/{}", document.file_name());
        std::fs::write(fresh.join(&path), &pdf).with_context(|| format!("writing {path}"))?;
        files.push(PortalFile { path, title: document.title().to_owned(), bytes: pdf.len() as u64, sha256: hex(&pdf) });
    }
    for table in tables::files(publication, profile.as_str())? {
        let path = format!("tables/{}", table.name);
        std::fs::create_dir_all(fresh.join("tables")).with_context(|| format!("creating {}", fresh.join("tables").display()))?;
        std::fs::write(fresh.join(&path), &table.bytes).with_context(|| format!("writing {path}"))?;
        files.push(PortalFile { path, title: table.title, bytes: table.bytes.len() as u64, sha256: hex(&table.bytes) });
    }
    proofbook_site::build(
        publication,
        &files.iter().map(|file| (file.path.as_str(), file.title.as_str())).collect::<Vec<_>>(),
        authored,
        &fresh.join("site"),
    )?;

    let run = &publication.run;
    let portal = Portal {
        product: publication.facts.product.name.clone(),
        profile,
        run_id: run.run_id.clone(),
        environment: run.environment.clone(),
        collected_at: run.collected_at,
        as_of: run.as_of,
        fresh_until: run.fresh_until,
        manifest_sha256: run.manifest_sha256.clone(),
        tool_version: run.tool_version.clone(),
        files,
    };
    let text = serde_json::to_string_pretty(&portal)? + "\n";
    std::fs::write(fresh.join("portal.json"), &text).context("writing portal.json")?;
    Ok(Printed { fresh, portal, text })
}

impl Printed {
    fn markdown(&self, publication: &Publication, authored: &Authored) -> Result<()> {
        let documents: Vec<_> = self.portal.files.iter().map(|file| (file.path.as_str(), file.title.as_str())).collect();
        let pages = proofbook_site::markdown(publication, &documents, authored)?;
        let pages = pages.iter().map(|(path, text)| (path, text.as_bytes()));
        for (path, contents) in pages.chain(authored.files.iter().map(|(path, contents)| (path, contents.as_slice()))) {
            let target = self.fresh.join("markdown").join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
            }
            std::fs::write(&target, contents).with_context(|| format!("writing {}", target.display()))?;
        }
        Ok(())
    }

    // Pages are printed again from the bundle at any time; documents and the list of them are what is handed over.
    fn handed_over(&self) -> Vec<HandedOver> {
        let files = self.portal.files.iter();
        let documents = files.map(|file| HandedOver { name: file.path.clone(), sha256: file.sha256.clone(), size: file.bytes });
        documents.chain([handed_over("portal.json", self.text.as_bytes())]).collect()
    }

    fn publish(&self, dir: &Path, output: &Output) -> Result<()> {
        let old = dir.with_extension("old");
        remove(&old)?;
        if dir.exists() {
            std::fs::rename(dir, &old).with_context(|| format!("setting {} aside", dir.display()))?;
        }
        std::fs::rename(&self.fresh, dir).with_context(|| format!("putting {} in place", dir.display()))?;
        remove(&old)?;
        output.say(format_args!("site       {}", dir.join("site/index.html").display()));
        output.say(format_args!("matrix     {}", dir.join("site/responsibility.html").display()));
        for file in &self.portal.files {
            output.say(format_args!("document   {}", dir.join(&file.path).display()));
        }
        output.result(dir.display())
    }
}

fn remove(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| format!("removing {}", dir.display())),
        _ => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
