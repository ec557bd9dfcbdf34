//! The ledger in a folder: `runs.ndjson` beside the runs.
//!
//! A writer first adds the record, then gives the run its name. A record whose run is still being staged is void: its writer
//! works or died, and the chain ends with the record before it. Whoever reads holds the last record and the number of runs to
//! what is there; where they do not agree, every manifest is read, and the chain is what those say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::record::{self, Record, RunRef};
use super::sequence::{self, Sequence};
use super::{Entry, LedgerError, RUNS};
use crate::assessment::{Assessment, Counts};
use crate::bundle::manifest::{MANIFEST, Manifest, is_run_id, sha256_hex};
use crate::bundle::{ASSESSMENT, STAGING};

/// A ledger's folder.
pub(super) struct Folder<'l> {
    dir: &'l Path,
}

/// The end of the records, where they agree with the runs that are there.
struct Index {
    last: Option<Record>,
    /// A record behind the last one, whose run has not got its name.
    void: Option<Record>,
}

impl<'l> Folder<'l> {
    pub(super) const fn new(dir: &'l Path) -> Self {
        Self { dir }
    }

    fn sequence(&self) -> Sequence {
        Sequence::file(self.dir, RUNS)
    }

    pub(super) fn last(&self) -> Result<Option<Record>, LedgerError> {
        match self.index()? {
            Some(index) => Ok(index.last),
            None => Ok(self.rebuilt()?.pop()),
        }
    }

    pub(super) fn records(&self, limit: Option<usize>) -> Result<Vec<Record>, LedgerError> {
        let Some(Index { last, void }) = self.index()? else {
            let mut all = self.rebuilt()?;
            let from = limit.map_or(0, |limit| all.len().saturating_sub(limit));
            return Ok(all.split_off(from));
        };
        let Some(last) = last else { return Ok(Vec::new()) };
        let wanted = limit.map(|limit| limit + usize::from(void.is_some()));
        let place = self.sequence().place();
        let mut records = Vec::new();
        for line in self.sequence().tail(wanted)? {
            let record = Record::parse(&line, &place)?;
            if record.position <= last.position {
                records.push(record);
            }
        }
        Ok(records)
    }

    /// Brings the records in step with the runs. The ledger must be locked.
    pub(super) fn repair(&self) -> Result<(), LedgerError> {
        match self.index()? {
            Some(Index { void: None, .. }) => Ok(()),
            Some(Index { void: Some(void), .. }) => self.take_back(&void),
            None => {
                let records = self.rebuilt()?;
                sequence::rewrite(&self.path(), records.iter().map(Record::to_line))
            }
        }
    }

    /// Takes a record back whose run never came to be. The ledger must be locked.
    pub(super) fn take_back(&self, record: &Record) -> Result<(), LedgerError> {
        sequence::take_back(&self.path(), &record.to_line()?)
    }

    fn path(&self) -> PathBuf {
        self.dir.join(format!("{RUNS}.ndjson"))
    }

    fn index(&self) -> Result<Option<Index>, LedgerError> {
        let place = self.sequence().place();
        let parsed: Result<Vec<Record>, _> = self.sequence().tail(Some(2))?.iter().map(|line| Record::parse(line, &place)).collect();
        let Ok(mut records) = parsed else { return Ok(None) };
        let mut void = None;
        if let Some(last) = records.last() {
            let there = || self.dir.join(&last.run_id).join(MANIFEST).exists();
            if !there() {
                if self.is_staged(&last.run())? {
                    void = records.pop();
                } else if !there() {
                    let detail = "the ledger names it as the last run, and it is not there; where it was removed on purpose, remove \
                        `runs.ndjson` beside it, which is made again from the runs that are there"
                        .to_owned();
                    return Err(LedgerError::Damaged { path: self.dir.join(&last.run_id), detail });
                }
            }
        }
        let last = records.pop();
        let in_step = self.count()? == last.as_ref().map_or(0, |last| last.position);
        Ok(in_step.then_some(Index { last, void }))
    }

    // Whether a run lies in a folder that a writer has not named yet.
    fn is_staged(&self, run: &RunRef) -> Result<bool, LedgerError> {
        let staged = names(self.dir)?.into_iter().filter(|name| name.starts_with(STAGING));
        let mut manifests = staged.filter_map(|name| fs::read(self.dir.join(name).join(MANIFEST)).ok());
        Ok(manifests.any(|bytes| sha256_hex(&bytes) == run.manifest_sha256))
    }

    // Runs that are being written, the records, and what people put beside the runs have other names.
    fn run_ids(&self) -> Result<Vec<String>, LedgerError> {
        Ok(names(self.dir)?.into_iter().filter(|name| is_run_id(name)).collect())
    }

    fn count(&self) -> Result<u64, LedgerError> {
        Ok(self.run_ids()?.len() as u64)
    }

    /// The records as the runs that are there give them.
    pub(super) fn rebuilt(&self) -> Result<Vec<Record>, LedgerError> {
        let mut records: Vec<Record> = Vec::new();
        for entry in self.chain()? {
            let verdicts = sealed_verdicts(&entry.path);
            let record = Record::new(&entry.manifest, &entry.manifest_sha256, verdicts, records.last());
            records.push(record);
        }
        Ok(records)
    }

    /// All runs in the order of the chain, by their manifests alone.
    pub(super) fn chain(&self) -> Result<Vec<Entry>, LedgerError> {
        let mut by_digest: BTreeMap<String, Entry> = BTreeMap::new();
        for name in self.run_ids()? {
            let entry = read_entry(&self.dir.join(&name), name)?;
            by_digest.insert(entry.manifest_sha256.clone(), entry);
        }
        let named: BTreeSet<String> = by_digest.values().filter_map(|entry| entry.manifest.predicate.previous.clone()).collect();
        let ends: Vec<String> = by_digest.keys().filter(|digest| !named.contains(*digest)).cloned().collect();
        if let [first, second, ..] = ends.as_slice() {
            let name = |digest: &String| by_digest[digest].run_id.clone();
            return Err(LedgerError::Fork { path: self.dir.to_path_buf(), first: name(first), second: name(second) });
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

// An assessment that retention has deleted leaves no counts.
fn sealed_verdicts(bundle: &Path) -> Counts {
    let assessment: Option<Assessment> = fs::read(bundle.join(ASSESSMENT)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    assessment.map_or_else(Counts::new, |assessment| record::verdicts(&assessment))
}

/// The names in a folder; none where it is not there.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, LedgerError> {
    let at = LedgerError::file(dir);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(error)),
    };
    entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(&at)).collect()
}

/// Writes a file that appears whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(LedgerError::file(parent))?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".new-{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    let at = LedgerError::file(&fresh);
    let written = File::create(&fresh).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    if let Err(error) = written {
        drop(fs::remove_file(&fresh));
        return Err(at(error));
    }
    fs::rename(&fresh, path).map_err(LedgerError::file(path))?;
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(LedgerError::file(parent))
}

/// The bytes of a file that may not be there.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, LedgerError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LedgerError::file(path)(error)),
    }
}
