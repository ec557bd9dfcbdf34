//! The ledger: the runs of one environment, chained by the digests of their manifests.
//!
//! There is no index to keep in step: the head is the run that no other names as its predecessor. A process that is
//! killed at any moment leaves either the old head or the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::bundle::manifest::{MANIFEST, Manifest, is_run_id, sha256_hex};

const LOCK: &str = ".lock";

/// Why a ledger could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A file or folder.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A run that is not what it was: passing over it could make an older run look like the newest.
    #[error("{path}: {detail}; see `proofbook verify`, and set the folder aside or restore it")]
    Damaged {
        /// The bundle's folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Two runs that both claim to be the last.
    #[error("{path}: the chain is broken: neither {first} nor {second} has a successor; a run was removed, or two copies were mixed")]
    Fork {
        /// The ledger.
        path: PathBuf,
        /// One end.
        first: String,
        /// The other end.
        second: String,
    },
}

/// The runs of one environment.
#[derive(Clone, Debug)]
pub struct Ledger {
    dir: PathBuf,
}

/// A run as the ledger knows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The bundle's folder.
    pub path: PathBuf,
    /// The run's id.
    pub run_id: String,
    /// The digest of its manifest.
    pub manifest_sha256: String,
    /// The manifest.
    pub manifest: Manifest,
}

/// Holds the ledger against other writers until it is dropped; the system lets go of it when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Ledger {
    /// The ledger in a folder, which need not exist yet.
    ///
    /// # Errors
    /// None today; a ledger in object storage will have to be reached.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Ok(Self { dir: dir.to_path_buf() })
    }

    /// The ledger in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn create(dir: &Path) -> Result<Self, LedgerError> {
        fs::create_dir_all(dir).map_err(|source| LedgerError::File { path: dir.to_path_buf(), source })?;
        Self::open(dir)
    }

    /// Waits until no other process writes, and holds the ledger.
    ///
    /// # Errors
    /// A lock file that cannot be used.
    pub fn lock(&self) -> Result<Lock, LedgerError> {
        let path = self.dir.join(LOCK);
        let at = |source| LedgerError::File { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(at)?;
        file.lock().map_err(at)?;
        Ok(Lock { _file: file })
    }

    /// All runs in the order of the chain, the last one at the end.
    ///
    /// # Errors
    /// A run that is not what it was, or a chain with two ends.
    pub fn runs(&self) -> Result<Vec<Entry>, LedgerError> {
        let mut by_digest: BTreeMap<String, Entry> =
            self.entries()?.into_iter().map(|entry| (entry.manifest_sha256.clone(), entry)).collect();
        let named: BTreeSet<String> = by_digest.values().filter_map(|entry| entry.manifest.predicate.previous.clone()).collect();
        let ends: Vec<String> = by_digest.keys().filter(|digest| !named.contains(*digest)).cloned().collect();
        if let [first, second, ..] = ends.as_slice() {
            let name = |digest: &String| by_digest[digest].run_id.clone();
            return Err(LedgerError::Fork { path: self.dir.clone(), first: name(first), second: name(second) });
        }
        let mut chain = Vec::new();
        let mut next = ends.into_iter().next();
        while let Some(entry) = next.take().and_then(|digest| by_digest.remove(&digest)) {
            next.clone_from(&entry.manifest.predicate.previous);
            chain.push(entry);
        }
        chain.reverse();
        Ok(chain)
    }

    /// The last run of the chain.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn head(&self) -> Result<Option<Entry>, LedgerError> {
        Ok(self.runs()?.pop())
    }

    /// The last run of the chain in which the whole default selection ran.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn newest_full(&self) -> Result<Option<PathBuf>, LedgerError> {
        Ok(self.runs()?.into_iter().rfind(|entry| entry.manifest.predicate.full).map(|entry| entry.path))
    }

    fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        let at = |source| LedgerError::File { path: self.dir.clone(), source };
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(error)),
        };
        let mut out = Vec::new();
        for entry in entries {
            let entry = entry.map_err(at)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Runs that are being written, the lock, and what people put beside the runs have other names.
            if is_run_id(&name) {
                out.push(read_entry(&entry.path(), name)?);
            }
        }
        Ok(out)
    }
}

fn read_entry(path: &Path, run_id: String) -> Result<Entry, LedgerError> {
    let damaged = |detail: String| LedgerError::Damaged { path: path.to_path_buf(), detail };
    let bytes = fs::read(path.join(MANIFEST)).map_err(|error| damaged(format!("the manifest cannot be read: {error}")))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(format!("the manifest cannot be read: {error}")))?;
    if manifest.predicate.run_id != run_id {
        return Err(damaged(format!("the folder holds the run {}", manifest.predicate.run_id)));
    }
    Ok(Entry { path: path.to_path_buf(), run_id, manifest_sha256: sha256_hex(&bytes), manifest })
}
