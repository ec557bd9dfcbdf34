//! Appending a run: the one way in which a ledger grows.

use std::fs::{self, File};
use std::path::PathBuf;

use super::sequence::Put;
use super::{Entry, Ledger, LedgerError, RUNS, Record};
use crate::assessment::Counts;
use crate::bundle::manifest::{MANIFEST, Manifest, sha256_hex};
use crate::bundle::{BundleError, Staging};

const LOCK: &str = ".lock";

/// Holds the folder of a ledger against other writers until it is dropped; the system lets go of it when the process dies. Writers
/// at other machines are met when the record is put.
pub(crate) struct Writer<'l> {
    ledger: &'l Ledger,
    _lock: File,
}

/// What came of an attempt to append.
pub(crate) enum Appended {
    /// The run is the new head; its bundle.
    Done(PathBuf),
    /// Another run is: this one has to be linked to it.
    Taken(Staging),
}

impl Ledger {
    /// Waits until no other process writes here, and holds the ledger.
    pub(crate) fn writer(&self) -> Result<Writer<'_>, LedgerError> {
        fs::create_dir_all(&self.dir).map_err(LedgerError::file(&self.dir))?;
        let path = self.dir.join(LOCK);
        let at = LedgerError::file(&path);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(&at)?;
        file.lock().map_err(&at)?;
        match &self.objects {
            Some(objects) => objects.require_conditions()?,
            None => self.folder().repair()?,
        }
        Ok(Writer { ledger: self, _lock: file })
    }
}

impl Writer<'_> {
    /// The last run with its record.
    pub(crate) fn head(&self) -> Result<Option<(Record, Entry)>, LedgerError> {
        let Some(last) = self.ledger.last()? else { return Ok(None) };
        let entry = self.ledger.entry_of(&last.run())?;
        Ok(Some((last, entry)))
    }

    /// Makes what is staged the run after `before`. The manifest must name that run as the previous one.
    pub(crate) fn append(
        &self,
        mut staging: Staging,
        manifest: &Manifest,
        verdicts: Counts,
        before: Option<&Record>,
    ) -> Result<Appended, BundleError> {
        let bytes = manifest.to_bytes()?;
        staging.write_again(MANIFEST, &bytes)?;
        let record = Record::new(manifest, &sha256_hex(&bytes), verdicts, before);
        let line = record.to_line()?;
        let Some(objects) = &self.ledger.objects else {
            let sequence = self.ledger.sequence(RUNS);
            staging.sync()?;
            if sequence.put(record.position, &line)? == Put::Taken {
                return Ok(Appended::Taken(staging));
            }
            let named = staging.commit(&self.ledger.dir, &record.run_id);
            if named.is_err() {
                self.ledger.folder().take_back(&record)?;
            }
            return named.map(Appended::Done);
        };
        let names = staging.files().keys().map(String::as_str);
        objects.put_files(&record.run_id, staging.dir(), names)?;
        if self.ledger.sequence(RUNS).put(record.position, &line)? == Put::Taken {
            return Ok(Appended::Taken(staging));
        }
        let path = self.ledger.bundle_path(&record.run_id);
        let around = path.parent().unwrap_or(&self.ledger.dir);
        fs::create_dir_all(around).map_err(BundleError::file(around))?;
        // The run is a part of the chain: where the cache cannot take it, it is fetched when it is wanted.
        drop(staging.commit(around, &record.run_id));
        Ok(Appended::Done(path))
    }
}
