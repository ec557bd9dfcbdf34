//! Files in place of a live source: what `kubectl get -o json|yaml` printed, or what a recorded scan wrote.
//!
//! A dump is a file, several, or a folder: any file names ending in `.json`, `.ndjson`, `.yaml` or `.yml`, each plain or
//! compressed (gzip, zstd), at the top or in a sub-folder per source. Its origin cannot be proven, so its assurance is
//! `as-supplied`. A file that cannot be read to its end makes an error of whatever it holds or could have held.

mod description;
mod files;
mod gathering;
mod json;
mod yaml;

use std::io;
use std::path::{Path, PathBuf};

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Request, Target, Wanted};
use proofbook_checks::resource::Source;
use sha2::{Digest, Sha256};

use self::description::Description;
use self::files::{DumpFile, Fingerprint, Form, Opened};
use self::gathering::{FileContent, Gathering};
use crate::collector::Progress;
use crate::hex;

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

/// A dump as a target.
#[derive(Clone, Debug)]
pub struct Dump {
    name: String,
    files: Vec<DumpFile>,
    description: Description,
}

impl Dump {
    /// Finds the files of a dump, under the target's name in the workspace. Their content is read when it is collected.
    ///
    /// # Errors
    /// When the path cannot be opened, a folder holds no file that would be read, or `dump.yaml` is not understood.
    pub fn open(name: &str, path: &Path) -> Result<Self, DumpError> {
        let files = files::find(path)?;
        if files.is_empty() {
            return Err(DumpError::Empty { path: path.to_owned() });
        }
        let description = if path.is_dir() { Description::read(path)? } else { Description::default() };
        Ok(Self { name: name.to_owned(), files, description })
    }

    /// When the dump says that it was made, RFC 3339.
    #[must_use]
    pub fn collected_at(&self) -> Option<&str> {
        self.description.collected_at.as_deref()
    }

    /// Whether the dump has a place for observations of a source.
    #[must_use]
    pub fn holds(&self, source: Source) -> bool {
        self.files.iter().any(|file| file.source == source)
    }

    /// Reads all that is wanted of the sources that the dump holds.
    pub fn read(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let mut gathering = Gathering::default();
        let mut requests = Vec::new();
        let mut digest = Sha256::new();
        for file in &self.files {
            let mut content = FileContent::new(&file.name);
            let (outcome, fingerprint) = read_file(file, wanted, &mut content);
            digest.update(format!("{}\0{}\n", file.name, fingerprint.sha256));
            requests.push(Request {
                source: file.source,
                target: self.name.clone(),
                method: "READ".to_owned(),
                query: file.name.clone(),
                status: if outcome.is_ok() { "read" } else { "broken" }.to_owned(),
                items: content.items,
                continue_exhausted: None,
                resource_version: None,
                response_sha256: Some(fingerprint.sha256).filter(|sha256| !sha256.is_empty()),
                bytes: fingerprint.bytes,
            });
            progress.advanced(&self.name, &file.name, content.items);
            gathering.take(content, outcome.err().map(|trouble| format!("{}: {trouble}", file.name)));
        }
        let identity = hex(&digest.finalize());
        let mut inventory = Inventory { requests, ..Inventory::default() };
        for source in Source::ALL.into_iter().filter(|source| self.holds(*source)) {
            inventory.listings.extend(gathering.listings(wanted, source, &self.description));
            inventory.targets.push(Target {
                source,
                name: self.name.clone(),
                identity: identity.clone(),
                version: String::new(),
                actor: Actor { identity: "as-supplied".to_owned(), auth: "none".to_owned(), rights_sha256: None },
                clock_offset_ms: None,
                assurance: Assurance::AsSupplied,
            });
        }
        inventory
    }
}

fn read_file<'w>(file: &DumpFile, wanted: &'w Wanted, content: &mut FileContent<'w>) -> (Result<(), String>, Fingerprint) {
    let mut opened = match Opened::open(&file.path) {
        Ok(opened) => opened,
        Err(cause) => return (Err(unreadable(&cause)), Fingerprint::default()),
    };
    let outcome = match file.form {
        Some(Form::Yaml) => yaml::read(&mut opened, wanted, file.stem(), content),
        _ => json::read(&mut opened, wanted, file.stem(), content),
    };
    match opened.finish() {
        Ok(fingerprint) => (outcome, fingerprint),
        Err(cause) => (outcome.and(Err(unreadable(&cause))), Fingerprint::default()),
    }
}

// What the operating system or a decompressor objects to.
fn unreadable(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => "the compressed file ends early".to_owned(),
        _ => format!("cannot be read: {cause}"),
    }
}
