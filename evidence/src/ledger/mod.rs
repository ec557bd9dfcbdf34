//! The ledger: the runs of one environment, chained by the digests of their manifests, with the chains of custody and of
//! tombstones beside them.
//!
//! It lives in a folder or in object storage. Both keep, beside the bundles, a compact record of every run: whoever wants the
//! newest run reads the last record and not ten thousand manifests. Records are made from the bundles, can be made again from
//! them, and are held against them by [`Ledger::check`]. A process that is killed at any moment leaves either the old head or the
//! new one, and of two writers that append at once one goes after the other.

mod chain;
mod check;
mod events;
mod folder;
mod names;
mod objects;
mod record;
mod retention;
mod sequence;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};

pub use chain::{Chain, Link};
pub use check::LedgerReport;
pub use events::{Custody, HandedOver, KEPT, Tombstone, TombstonedFile, Tombstones};
pub use objects::{Lock, ObjectSettings, Objects};
pub(crate) use record::verdicts;
pub use record::{Record, RunRef};
pub use retention::{Kept, Period, PeriodUnit, Plan, Removal, Retention, RetentionClass};
pub(crate) use writer::Appended;

use crate::bundle::manifest::{MANIFEST, Manifest, sha256_hex};
use folder::Folder;
use sequence::Sequence;

/// The file or prefix of the records of runs.
const RUNS: &str = "runs";
/// The file or prefix of custody events.
const CUSTODY: &str = "custody";
/// The file or prefix of tombstones.
pub(crate) const TOMBSTONES: &str = "tombstones";

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
    /// An object of object storage.
    #[error("{place}: {source}")]
    Object {
        /// The object, as a URL.
        place: String,
        /// Why.
        source: object_store::Error,
    },
    /// A place of a ledger that cannot be one.
    #[error("{place}: {detail}")]
    Place {
        /// The place as it was written.
        place: String,
        /// What is wrong.
        detail: String,
    },
    /// A run that is not what it was: passing over it could make an older run look like the newest.
    #[error("{path}: {detail}; see `proofbook verify`, and set the folder aside or restore it")]
    Damaged {
        /// The bundle's folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// An entry of the ledger that is not what was written.
    #[error("{place}: {detail}; see `proofbook verify --ledger`")]
    Entry {
        /// The file or object.
        place: String,
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
    /// Other writers came first again and again.
    #[error("{place}: other writers came first {rounds} times; try again")]
    Crowded {
        /// The ledger.
        place: String,
        /// How often it was tried.
        rounds: u32,
    },
    /// A value without a JSON form.
    #[error("writing JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl LedgerError {
    /// Whether the ledger could not be reached or not be looked into, whatever it holds.
    #[must_use]
    pub const fn could_not_look(&self) -> bool {
        matches!(self, Self::Object { .. })
    }

    pub(crate) fn file(path: &Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::File { path: path.clone(), source }
    }
}

/// The runs of one environment.
#[derive(Clone, Debug)]
pub struct Ledger {
    // The folder of the bundles; of a ledger in object storage the cache of those that were looked at.
    dir: PathBuf,
    objects: Option<Objects>,
}

/// A run as the ledger knows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The bundle's folder; of a ledger in object storage the place that it has once it was fetched.
    pub path: PathBuf,
    /// The run's id.
    pub run_id: String,
    /// The digest of its manifest.
    pub manifest_sha256: String,
    /// The manifest.
    pub manifest: Manifest,
}

impl Entry {
    /// The run.
    #[must_use]
    pub fn run(&self) -> RunRef {
        RunRef { run_id: self.run_id.clone(), manifest_sha256: self.manifest_sha256.clone() }
    }
}

impl Ledger {
    /// The ledger in a folder, which need not exist yet.
    ///
    /// # Errors
    /// None today: what is there is read when it is asked for.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Ok(Self { dir: dir.to_path_buf(), objects: None })
    }

    /// The ledger in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn create(dir: &Path) -> Result<Self, LedgerError> {
        fs::create_dir_all(dir).map_err(LedgerError::file(dir))?;
        Self::open(dir)
    }

    /// The ledger in object storage; bundles that are looked at are kept in `cache`.
    #[must_use]
    pub fn remote(objects: Objects, cache: &Path) -> Self {
        Self { dir: cache.to_path_buf(), objects: Some(objects) }
    }

    /// Where it is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        self.objects.as_ref().map_or_else(|| self.dir.display().to_string(), |objects| objects.url().to_owned())
    }

    /// The folder of the bundles, or the cache of those that were fetched.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The record of the last run of the chain.
    ///
    /// # Errors
    /// A ledger that cannot be read, or is not whole as far as was looked.
    pub fn last(&self) -> Result<Option<Record>, LedgerError> {
        match &self.objects {
            Some(_) => Ok(self.remote_records(Some(1))?.pop()),
            None => self.folder().last(),
        }
    }

    /// The last `limit` records in the order of the chain, or all.
    ///
    /// # Errors
    /// As [`Self::last`].
    pub fn records(&self, limit: Option<usize>) -> Result<Vec<Record>, LedgerError> {
        match &self.objects {
            Some(_) => self.remote_records(limit),
            None => self.folder().records(limit),
        }
    }

    /// The last run of the chain in which the whole default selection ran, as the ledger names it.
    ///
    /// # Errors
    /// As [`Self::last`].
    pub fn newest_full_run(&self) -> Result<Option<RunRef>, LedgerError> {
        Ok(self.last()?.and_then(|last| last.newest_full))
    }

    /// The bundle of that run on disk.
    ///
    /// # Errors
    /// As [`Self::last`], and a bundle that is not there or not what the ledger names.
    pub fn newest_full(&self) -> Result<Option<PathBuf>, LedgerError> {
        self.newest_full_run()?.map(|run| self.fetch(&run)).transpose()
    }

    /// All runs with their manifests in the order of the chain, the last one at the end. Reads every manifest.
    ///
    /// # Errors
    /// A run that is not what it was, or a chain with two ends.
    pub fn runs(&self) -> Result<Vec<Entry>, LedgerError> {
        match &self.objects {
            None => self.folder().chain(),
            Some(objects) => {
                let records = self.remote_records(None)?;
                let names: Vec<String> = records.iter().map(|record| format!("{}/{MANIFEST}", record.run_id)).collect();
                let manifests = objects.get_all(&names)?;
                records.into_iter().zip(manifests).map(|(record, bytes)| self.entry(&record.run(), &bytes)).collect()
            }
        }
    }

    /// The last run of the chain with its manifest.
    ///
    /// # Errors
    /// As [`Self::last`], and a manifest that is not the one that the ledger names.
    pub fn head(&self) -> Result<Option<Entry>, LedgerError> {
        self.last()?.map(|last| self.entry_of(&last.run())).transpose()
    }

    /// A run with its manifest.
    fn entry_of(&self, run: &RunRef) -> Result<Entry, LedgerError> {
        let bytes = match &self.objects {
            Some(objects) => objects.get(&format!("{}/{MANIFEST}", run.run_id))?,
            None => {
                let path = self.bundle_path(&run.run_id);
                let unreadable =
                    |error| LedgerError::Damaged { path: path.clone(), detail: format!("the manifest cannot be read: {error}") };
                fs::read(path.join(MANIFEST)).map_err(unreadable)?
            }
        };
        self.entry(run, &bytes)
    }

    fn entry(&self, run: &RunRef, manifest: &[u8]) -> Result<Entry, LedgerError> {
        let path = self.bundle_path(&run.run_id);
        let damaged = |detail: String| LedgerError::Damaged { path: path.clone(), detail };
        let digest = sha256_hex(manifest);
        if digest != run.manifest_sha256 {
            return Err(damaged(format!("the manifest is sha256:{digest}, and the ledger names sha256:{}", run.manifest_sha256)));
        }
        let manifest: Manifest =
            serde_json::from_slice(manifest).map_err(|error| damaged(format!("the manifest cannot be read: {error}")))?;
        if manifest.predicate.run_id != run.run_id {
            return Err(damaged(format!("the folder holds the run {}", manifest.predicate.run_id)));
        }
        names::sealed(&manifest).map_err(damaged)?;
        Ok(Entry { run_id: run.run_id.clone(), manifest_sha256: run.manifest_sha256.clone(), manifest, path })
    }

    /// The bundle of a run on disk; one in object storage is fetched, and every byte held to the manifest.
    ///
    /// # Errors
    /// A bundle that is not there or not what the ledger names.
    pub fn fetch(&self, run: &RunRef) -> Result<PathBuf, LedgerError> {
        match &self.objects {
            Some(objects) => objects.fetch(run, &self.bundle_path(&run.run_id), &self.tombstones()),
            None => Ok(self.entry_of(run)?.path),
        }
    }

    /// The run with this id, or whose id begins so.
    ///
    /// # Errors
    /// As [`Self::records`]; an id that names none or several.
    pub fn find(&self, id: &str) -> Result<RunRef, LedgerError> {
        let place = || self.place();
        let found: Vec<Record> = self.records(None)?.into_iter().filter(|record| record.run_id.starts_with(id)).collect();
        match found.as_slice() {
            [only] => Ok(only.run()),
            [] => Err(LedgerError::Place { place: place(), detail: format!("holds no run `{id}`; see `proofbook log`") }),
            several => Err(LedgerError::Place { place: place(), detail: format!("{} runs begin with `{id}`", several.len()) }),
        }
    }

    /// The chain of custody events.
    #[must_use]
    pub fn custody(&self) -> Chain<Custody> {
        Chain::new(self.sequence(CUSTODY))
    }

    /// The chain of tombstones.
    #[must_use]
    pub fn tombstones(&self) -> Chain<Tombstone> {
        Chain::new(self.sequence(TOMBSTONES))
    }

    /// Makes what was added to `seal/` of a bundle on disk known to a ledger in object storage, if the bundle is the one that was
    /// fetched from it. Sealed files are never written again.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn share_seal(&self, run_id: &str, bundle: &Path) -> Result<(), LedgerError> {
        let Some(objects) = &self.objects else { return Ok(()) };
        let own = self.bundle_path(run_id);
        let same = matches!((own.canonicalize(), bundle.canonicalize()), (Ok(own), Ok(bundle)) if own == bundle);
        if same { objects.put_seal(run_id, &own) } else { Ok(()) }
    }

    /// What lies in `seal/` of a run, by name.
    ///
    /// # Errors
    /// What cannot be listed.
    pub fn seal_names(&self, run_id: &str) -> Result<Vec<String>, LedgerError> {
        match &self.objects {
            Some(objects) => objects.seal_names(run_id),
            None => folder::names(&self.bundle_path(run_id).join(crate::bundle::manifest::SEAL)),
        }
    }

    /// Keeps the exact bytes of something that is handed over, under their digest; gives the name within the ledger.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<String, LedgerError> {
        let name = format!("{KEPT}/{}", sha256_hex(bytes));
        match &self.objects {
            Some(objects) => objects.put(&name, bytes)?,
            None => folder::write_whole(&self.dir.join(&name), bytes)?,
        }
        Ok(name)
    }

    /// Reads bytes that were kept; none where they are not there.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn kept(&self, name: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        match &self.objects {
            Some(objects) => objects.find(name),
            None => folder::read_if_there(&self.dir.join(name)),
        }
    }

    /// Whether a run is a part of the ledger.
    ///
    /// # Errors
    /// A ledger that cannot be looked at.
    pub fn holds(&self, run: &RunRef) -> Result<bool, LedgerError> {
        match self.entry_of(run) {
            Ok(_) => Ok(true),
            Err(LedgerError::Object { source: object_store::Error::NotFound { .. }, .. } | LedgerError::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn remote_records(&self, limit: Option<usize>) -> Result<Vec<Record>, LedgerError> {
        let sequence = self.sequence(RUNS);
        sequence.tail(limit)?.iter().map(|line| Record::parse(line, &sequence.place())).collect()
    }

    // A bundle in the cache has a folder of its own around it: what is not fetched is not missing beside it.
    fn bundle_path(&self, run_id: &str) -> PathBuf {
        if self.objects.is_some() { self.dir.join(run_id).join(run_id) } else { self.dir.join(run_id) }
    }

    fn folder(&self) -> Folder<'_> {
        Folder::new(&self.dir)
    }

    fn sequence(&self, name: &'static str) -> Sequence {
        self.objects.as_ref().map_or_else(|| Sequence::file(&self.dir, name), |objects| Sequence::objects(objects, name))
    }
}
