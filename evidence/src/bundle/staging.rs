//! Writing a bundle: every file goes into a folder beside the ledger's runs, and the folder takes its name only when it
//! is whole and on disk. What a killed process leaves there is never read, and the next run clears it away.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::BundleError;
use super::manifest::hex;

/// The prefix of folders that are being written.
pub(crate) const PREFIX: &str = ".staging-";

/// A folder that is being written.
pub(crate) struct Staging {
    dir: PathBuf,
    files: BTreeMap<String, (String, u64)>,
}

impl Staging {
    /// Starts a folder in `ledger`, which must be locked.
    pub(crate) fn begin(ledger: &Path) -> Result<Self, BundleError> {
        let dir = ledger.join(format!("{PREFIX}{}", std::process::id()));
        clear(&dir)?;
        fs::create_dir(&dir).map_err(BundleError::file(&dir))?;
        Ok(Self { dir, files: BTreeMap::new() })
    }

    /// Files so far: digest and size by name.
    pub(crate) const fn files(&self) -> &BTreeMap<String, (String, u64)> {
        &self.files
    }

    /// Writes a file whose bytes are at hand.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let mut file = self.create(name)?;
        file.write_all(bytes).map_err(BundleError::file(&self.dir.join(name)))?;
        self.close(name, file)
    }

    /// Writes a compressed file through `fill`.
    pub(crate) fn write_zst(&mut self, name: &str, fill: impl FnOnce(&mut dyn Write) -> Result<(), BundleError>) -> Result<(), BundleError> {
        let mut encoder = self.begin_zst(name)?;
        fill(&mut encoder)?;
        self.end_zst(name, encoder)
    }

    /// Opens a compressed file that is filled bit by bit.
    pub(crate) fn begin_zst(&self, name: &str) -> Result<Encoder, BundleError> {
        let file = self.create(name)?;
        zstd::Encoder::new(file, LEVEL).map_err(BundleError::file(&self.dir.join(name)))
    }

    /// Closes a compressed file.
    pub(crate) fn end_zst(&mut self, name: &str, encoder: Encoder) -> Result<(), BundleError> {
        let file = encoder.finish().map_err(BundleError::file(&self.dir.join(name)))?;
        self.close(name, file)
    }

    fn create(&self, name: &str) -> Result<Hashing, BundleError> {
        let path = self.dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(BundleError::file(parent))?;
        }
        let file = File::create_new(&path).map_err(BundleError::file(&path))?;
        Ok(Hashing { inner: BufWriter::with_capacity(1 << 16, file), digest: Sha256::new(), size: 0 })
    }

    fn close(&mut self, name: &str, file: Hashing) -> Result<(), BundleError> {
        let Hashing { inner, digest, size } = file;
        let path = self.dir.join(name);
        let file = inner.into_inner().map_err(|error| BundleError::file(&path)(error.into_error()))?;
        file.sync_all().map_err(BundleError::file(&path))?;
        self.files.insert(name.to_owned(), (hex(&digest.finalize()), size));
        Ok(())
    }

    /// Gives the folder its name. `None` where a run of that name is already there: the same inputs at the same time.
    pub(crate) fn commit(self, ledger: &Path, run_id: &str) -> Result<Option<PathBuf>, BundleError> {
        let path = ledger.join(run_id);
        if path.exists() {
            clear(&self.dir)?;
            return Ok(None);
        }
        fs::rename(&self.dir, &path).map_err(BundleError::file(&path))?;
        // The name is as lasting as the files only once the folder that holds it is on disk too.
        File::open(ledger).and_then(|dir| dir.sync_all()).map_err(BundleError::file(ledger))?;
        Ok(Some(path))
    }
}

/// Removes what killed processes left. The ledger must be locked.
pub(crate) fn clear_leftovers(ledger: &Path) -> Result<(), BundleError> {
    for entry in fs::read_dir(ledger).map_err(BundleError::file(ledger))? {
        let entry = entry.map_err(BundleError::file(ledger))?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            clear(&entry.path())?;
        }
    }
    Ok(())
}

fn clear(dir: &Path) -> Result<(), BundleError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BundleError::file(dir)(error)),
        _ => Ok(()),
    }
}

// Level 3 is zstd's default: the next levels cost twice the time for a tenth of the size.
const LEVEL: i32 = 3;

/// A compressed file that is being written.
pub(crate) type Encoder = zstd::Encoder<'static, Hashing>;

/// A file that is hashed while it is written.
pub(crate) struct Hashing {
    inner: BufWriter<File>,
    digest: Sha256,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
