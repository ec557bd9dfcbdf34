//! Writing a bundle: every file goes into a folder beside the ledger's runs, and the folder takes its name only when it
//! is whole and on disk. What a killed process leaves there is never read, and the next run clears it away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::manifest::{hex, is_plain_name};
use super::read::MAX_LINE;
use super::{BundleError, Sink};

/// The prefix of folders that are being written.
pub(crate) const PREFIX: &str = ".staging-";

/// A folder that is being written; unless it is committed, it is removed when it is dropped.
pub(crate) struct Staging {
    dir: PathBuf,
    files: BTreeMap<String, (String, u64)>,
}

impl Staging {
    /// Starts a folder in `ledger`, which must be locked.
    pub(crate) fn begin(ledger: &Path) -> Result<Self, BundleError> {
        clear_leftovers(ledger)?;
        let dir = ledger.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&dir).map_err(BundleError::file(&dir))?;
        Ok(Self { dir, files: BTreeMap::new() })
    }

    /// Files so far: digest and size by name.
    pub(crate) const fn files(&self) -> &BTreeMap<String, (String, u64)> {
        &self.files
    }

    /// Writes a file whose bytes are at hand.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let mut out = self.plain(name)?;
        out.write_all(bytes).map_err(BundleError::file(&out.path))?;
        self.end(out)
    }

    /// Opens a plain file that is filled bit by bit.
    pub(crate) fn plain(&self, name: &str) -> Result<Output<Hashing>, BundleError> {
        if !is_plain_name(name) {
            return Err(BundleError::Malformed { file: name.to_owned(), detail: "the name cannot be that of a sealed file".to_owned() });
        }
        let path = self.dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(BundleError::file(parent))?;
        }
        let file = File::create_new(&path).map_err(BundleError::file(&path))?;
        let inner = Hashing { inner: BufWriter::with_capacity(1 << 16, file), digest: Sha256::new(), size: 0 };
        Ok(Output { name: name.to_owned(), path, inner })
    }

    /// Opens a compressed file that is filled bit by bit.
    pub(crate) fn zst(&self, name: &str) -> Result<Output<Encoder>, BundleError> {
        let Output { name, path, inner } = self.plain(name)?;
        let inner = zstd::Encoder::new(inner, LEVEL).map_err(BundleError::file(&path))?;
        Ok(Output { name, path, inner })
    }

    /// Closes a compressed file.
    pub(crate) fn end_zst(&mut self, out: Output<Encoder>) -> Result<(), BundleError> {
        let Output { name, path, inner } = out;
        let inner = inner.finish().map_err(BundleError::file(&path))?;
        self.end(Output { name, path, inner })
    }

    /// Closes a plain file.
    pub(crate) fn end(&mut self, out: Output<Hashing>) -> Result<(), BundleError> {
        let Hashing { inner, digest, size } = out.inner;
        let file = inner.into_inner().map_err(|error| BundleError::file(&out.path)(error.into_error()))?;
        file.sync_all().map_err(BundleError::file(&out.path))?;
        self.files.insert(out.name, (hex(&digest.finalize()), size));
        Ok(())
    }

    /// Writes a file whose bytes are at hand, in place of an earlier one of the name.
    pub(crate) fn write_again(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        if self.files.remove(name).is_some() {
            let path = self.dir.join(name);
            fs::remove_file(&path).map_err(BundleError::file(&path))?;
        }
        self.write(name, bytes)
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes all that was written last: a name is as lasting as the file only once the folder that holds it is on disk too.
    pub(crate) fn sync(&self) -> Result<(), BundleError> {
        let folders: BTreeSet<&Path> = self.files.keys().flat_map(|name| Path::new(name).ancestors().skip(1)).collect();
        folders.into_iter().rev().try_for_each(|folder| sync(&self.dir.join(folder)))
    }

    /// Gives the folder its name in the ledger, once all in it is on disk.
    pub(crate) fn commit(&self, ledger: &Path, run_id: &str) -> Result<PathBuf, BundleError> {
        let path = ledger.join(run_id);
        fs::rename(&self.dir, &path).map_err(BundleError::file(&path))?;
        sync(ledger)?;
        Ok(path)
    }
}

fn sync(dir: &Path) -> Result<(), BundleError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(BundleError::file(dir))
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a commit nothing is left to remove; otherwise the space is given back, and the next run tries again.
        drop(clear(&self.dir));
    }
}

// Removes what killed processes left. The ledger must be locked.
fn clear_leftovers(ledger: &Path) -> Result<(), BundleError> {
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

/// A file that is being written, with its name for errors.
pub(crate) struct Output<W> {
    name: String,
    path: PathBuf,
    inner: W,
}

impl<W: Write> Output<W> {
    /// Writes one JSON value as a line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), BundleError> {
        self.line(&json_line(value)?)
    }
}

/// One JSON value as a line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<Vec<u8>, BundleError> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

impl<W: Write> Sink for Output<W> {
    fn line(&mut self, line: &[u8]) -> Result<(), BundleError> {
        if line.len() > MAX_LINE {
            let detail = format!("a record of {} bytes is longer than the {MAX_LINE} that can be read back", line.len());
            return Err(BundleError::Malformed { file: self.name.clone(), detail });
        }
        self.inner.write_all(line).map_err(BundleError::file(&self.path))
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

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
