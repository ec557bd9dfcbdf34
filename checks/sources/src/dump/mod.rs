//! Files in place of a live source: what `kubectl get -o json|yaml` printed, or what a recorded scan wrote.
//!
//! A dump is a file, several, or a folder: any file names ending in `.json`, `.ndjson`, `.yaml` or `.yml`, each plain or
//! compressed (gzip, zstd), at the top or in a sub-folder per source. Its origin cannot be proven, so its assurance is
//! `as-supplied`. A file that cannot be read to its end makes an error of whatever it holds or could have held.

mod description;
mod files;
mod gathering;
mod json;
mod recording;
mod yaml;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Listing, Reason, Request, Target, Wanted};
use proofbook_checks::resource::{Resource, Source};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use self::description::Description;
use self::files::{DumpFile, Fingerprint, Form, Opened};
use self::gathering::{FileContent, Gathering};
use self::recording::Recording;
pub use self::recording::{RecordError, record};
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::text::hex;

const DESCRIPTION: &str = "dump.yaml";
const RECORDING: &str = "recording.json";

/// Why nothing at all can be read of a dump.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The path, or something in it that is needed, cannot be opened.
    #[error("cannot read the dump {}: {cause}; give a file or folder that exists and that you may read", path.display())]
    Unreadable {
        /// What was to be opened.
        path: PathBuf,
        /// Why it could not.
        cause: io::Error,
    },
    /// The folder holds nothing that is read.
    #[error("the dump {} holds no file ending in .json, .ndjson, .yaml or .yml (also .gz, .zst); export one a kind, such as `kubectl get pods -A -o json > pods.json`", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// `dump.yaml` cannot be understood.
    #[error("cannot understand {}: {cause}; it takes `collected_at`, `absent` and `not_served`", path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
}

impl DumpError {
    fn unreadable(path: &Path, cause: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), cause }
    }
}

/// A dump as a target. It stands in for every source that it holds, whatever [`Collector::source`] says.
#[derive(Clone, Debug)]
pub struct Dump {
    name: String,
    files: Vec<DumpFile>,
    description: Description,
    recording: Option<Recording>,
}

impl Dump {
    /// Finds the files of a dump, under the target's name in the workspace. Their content is read when it is collected.
    ///
    /// # Errors
    /// When the path cannot be opened, a folder holds no file that would be read, or `dump.yaml` is not understood.
    pub fn open(name: &str, path: &Path) -> Result<Self, DumpError> {
        let files = files::find(path)?;
        let (description, recording) =
            if path.is_dir() { (Description::read(path)?, Recording::read(path)?) } else { (Description::default(), None) };
        if files.is_empty() && recording.is_none() {
            return Err(DumpError::Empty { path: path.to_owned() });
        }
        Ok(Self { name: name.to_owned(), files, description, recording })
    }

    /// When the dump says that it was made, RFC 3339.
    #[must_use]
    pub fn collected_at(&self) -> Option<&str> {
        match &self.recording {
            Some(recording) => Some(&recording.collected_at),
            None => self.description.collected_at.as_deref(),
        }
    }

    /// Whether the dump has observations of a source. Of a source that it does not hold it says nothing, not even that
    /// something was not collected.
    #[must_use]
    pub fn holds(&self, source: Source) -> bool {
        let recorded = self.recording.as_ref().is_some_and(|recording| recording.holds(source));
        recorded || self.files.iter().any(|file| file.source == source)
    }

    /// Reads all that is wanted of the sources that the dump holds. [`Collector::collect`] does so on a thread of its own.
    pub fn read(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let mut inventory = Inventory::default();
        let held: Vec<Source> = Source::ALL.into_iter().filter(|source| self.holds(*source)).collect();
        match &self.recording {
            Some(recording) => self.read_recording(recording, wanted, progress, &held, &mut inventory),
            None => self.read_files(wanted, progress, &held, &mut inventory),
        }
        let identity = identity_of(&inventory.requests);
        inventory.targets.extend(held.into_iter().map(|source| Target {
            source,
            name: self.name.clone(),
            identity: identity.clone(),
            version: String::new(),
            actor: Actor { identity: "as-supplied".to_owned(), auth: "none".to_owned(), rights_sha256: None },
            clock_offset_ms: None,
            assurance: Assurance::AsSupplied,
        }));
        inventory
    }

    fn read_files(&self, wanted: &Wanted, progress: &dyn Progress, held: &[Source], inventory: &mut Inventory) {
        let mut gathering = Gathering::default();
        for file in &self.files {
            let mut content = FileContent::new(&file.name);
            let outcome = self.read_file(file, &mut inventory.requests, progress, |opened| {
                let outcome = match file.form {
                    Form::Yaml => yaml::read(opened, wanted, file.stem(), &mut content),
                    Form::Json => json::read(opened, wanted, file.stem(), &mut content),
                };
                (content.items, outcome)
            });
            gathering.take(content, outcome.err().map(|trouble| format!("{}: {trouble}", file.name)));
        }
        for source in held {
            inventory.listings.extend(gathering.listings(wanted, *source, &self.description));
        }
    }

    fn read_recording(&self, recording: &Recording, wanted: &Wanted, progress: &dyn Progress, held: &[Source], inventory: &mut Inventory) {
        let mut objects = BTreeMap::new();
        for file in &self.files {
            let resource = recording::resource_of(file, wanted);
            let content = self.read_file(file, &mut inventory.requests, progress, |opened| {
                let read = if resource.is_some() { recording::read_objects(opened) } else { Ok(Vec::new()) };
                (read.as_ref().map_or(0, |objects| objects.len() as u64), read)
            });
            objects.extend(resource.map(|resource| (resource, content)));
        }
        for (resource, projection) in wanted.iter().filter(|(resource, _)| held.contains(&resource.source)) {
            let objects = objects.remove(resource).unwrap_or_else(|| Err("the file is not there".to_owned()));
            inventory.listings.insert(resource.clone(), recording.listing(resource, projection, objects));
        }
    }

    // Reads one file to its end by `reader`, which tells how many items it holds, and records that it was read.
    fn read_file<T>(
        &self,
        file: &DumpFile,
        log: &mut Vec<Request>,
        progress: &dyn Progress,
        reader: impl FnOnce(&mut Opened) -> (u64, Result<T, String>),
    ) -> Result<T, String> {
        let read = || {
            let mut opened = Opened::open(&file.path)?;
            let (items, outcome) = reader(&mut opened);
            Ok((items, outcome, opened.finish()?))
        };
        let (items, outcome, fingerprint) = read().unwrap_or_else(|cause: io::Error| (0, Err(unreadable(&cause)), Fingerprint::default()));
        progress.advanced(&self.name, &file.name, items);
        log.push(Request {
            status: if outcome.is_ok() { "read" } else { "broken" }.to_owned(),
            items,
            response_sha256: Some(fingerprint.sha256).filter(|sha256| !sha256.is_empty()),
            bytes: fingerprint.bytes,
            ..Request::new(file.source, &self.name, "READ", &file.name)
        });
        outcome
    }
}

impl Collector for Dump {
    fn source(&self) -> Source {
        Source::Kubernetes
    }

    fn target(&self) -> &str {
        &self.name
    }

    fn plan(&self, _wanted: &Wanted) -> Vec<PlannedRequest> {
        let planned = |file: &DumpFile| PlannedRequest {
            source: file.source,
            target: self.name.clone(),
            method: "READ".to_owned(),
            query: file.name.clone(),
            reason: "observations in place of a live source".to_owned(),
        };
        self.files.iter().map(planned).collect()
    }

    // Reading files would keep the thread from all else that is collected at the same time.
    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        struct Heard(mpsc::UnboundedSender<(String, u64)>);
        impl Progress for Heard {
            fn advanced(&self, _target: &str, what: &str, items: u64) {
                // Nobody listens any more only when the whole collection was given up.
                drop(self.0.send((what.to_owned(), items)));
            }
        }
        Box::pin(async move {
            let (heard, mut news) = mpsc::unbounded_channel();
            let (dump, wanted_there) = (self.clone(), wanted.clone());
            let reading = tokio::task::spawn_blocking(move || dump.read(&wanted_there, &Heard(heard)));
            while let Some((what, items)) = news.recv().await {
                progress.advanced(&self.name, &what, items);
            }
            reading.await.unwrap_or_else(|_| self.broken_off(wanted))
        })
    }
}

impl Dump {
    // The reading thread died: nothing of it can be used.
    fn broken_off(&self, wanted: &Wanted) -> Inventory {
        let failed = |resource: &Resource| (resource.clone(), Listing::failed(Reason::IncompleteList, "the collector broke off"));
        let listings = wanted.keys().filter(|resource| self.holds(resource.source)).map(failed).collect();
        Inventory { listings, ..Inventory::default() }
    }
}

// The digest over names and digests of all files.
fn identity_of(read: &[Request]) -> String {
    let mut digest = Sha256::new();
    for file in read {
        digest.update(format!("{}\0{}\n", file.query, file.response_sha256.as_deref().unwrap_or_default()));
    }
    hex(&digest.finalize())
}

// What the operating system or a decompressor objects to.
fn unreadable(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => "the compressed file ends early".to_owned(),
        _ => format!("cannot be read: {cause}"),
    }
}
