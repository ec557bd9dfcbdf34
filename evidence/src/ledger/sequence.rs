//! A sequence: entries of JSON, each with a position of its own, of which the last can be read and the next added without
//! touching the others.
//!
//! In a folder it is a file of lines. A line counts once its line feed is on disk; what a writer that died left behind the last
//! line feed is passed over, and cut off by the next writer. In object storage it is an object an entry, written only where
//! none is. The names count down, so that a listing, which is in the order of names, begins with the newest.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::LedgerError;
use super::objects::Objects;

/// Entries in order.
#[derive(Clone, Debug)]
pub(super) enum Sequence {
    File(PathBuf),
    Objects(Objects, &'static str),
}

/// Whether an entry was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    Done,
    /// Another writer has the position.
    Taken,
}

impl Sequence {
    pub(super) fn file(dir: &Path, name: &str) -> Self {
        Self::File(dir.join(format!("{name}.ndjson")))
    }

    pub(super) fn objects(objects: &Objects, name: &'static str) -> Self {
        Self::Objects(objects.clone(), name)
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Objects(objects, name) => format!("{}/{name}", objects.url()),
        }
    }

    /// The last `limit` entries, or all, in order.
    pub(super) fn tail(&self, limit: Option<usize>) -> Result<Vec<Vec<u8>>, LedgerError> {
        match self {
            Self::File(path) => tail(path, limit),
            Self::Objects(objects, name) => self.remote(objects, name, limit),
        }
    }

    /// Adds an entry at `position`.
    pub(super) fn put(&self, position: u64, entry: &[u8]) -> Result<Put, LedgerError> {
        match self {
            Self::File(path) => append(path, position, entry),
            Self::Objects(objects, name) => {
                let written = objects.put_new(&object_name(name, position), entry)?;
                Ok(if written { Put::Done } else { Put::Taken })
            }
        }
    }

    fn remote(&self, objects: &Objects, name: &str, limit: Option<usize>) -> Result<Vec<Vec<u8>>, LedgerError> {
        let mut names = objects.first_names(name, limit)?;
        names.reverse();
        let entries = objects.get_all(&names)?;
        for (object, entry) in names.iter().zip(&entries) {
            if object_name(name, position(entry, &self.place())?) != *object {
                let place = format!("{}/{object}", objects.url());
                return Err(LedgerError::Entry { place, detail: "the entry is of another position than its name".to_owned() });
            }
        }
        Ok(entries)
    }
}

// Ten digits are enough for a run every second of three centuries.
const HIGHEST: u64 = 9_999_999_999;

fn object_name(sequence: &str, position: u64) -> String {
    format!("{sequence}/{:010}.json", HIGHEST.saturating_sub(position))
}

/// The position that an entry says it has.
fn position(entry: &[u8], place: &str) -> Result<u64, LedgerError> {
    #[derive(Deserialize)]
    struct Positioned {
        position: u64,
    }
    let read: Result<Positioned, _> = serde_json::from_slice(entry);
    read.map(|entry| entry.position)
        .map_err(|error| LedgerError::Entry { place: place.to_owned(), detail: format!("an entry cannot be read: {error}") })
}

// The first look at the end of a file; records are far shorter.
const FIRST_LOOK: u64 = 16 * 1024;

fn tail(path: &Path, limit: Option<usize>) -> Result<Vec<Vec<u8>>, LedgerError> {
    let at = LedgerError::file(path);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(error)),
    };
    let size = file.metadata().map_err(&at)?.len();
    let mut look = if limit.is_some() { FIRST_LOOK.min(size) } else { size };
    loop {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(size - look)).map_err(&at)?;
        Read::by_ref(&mut file).take(look).read_to_end(&mut bytes).map_err(&at)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut lines: Vec<&[u8]> = bytes[..whole].split_inclusive(|byte| *byte == b'\n').collect();
        // Where the look does not reach the beginning, its first line may be a part of one.
        if look < size && !lines.is_empty() {
            lines.remove(0);
        }
        let wanted = limit.unwrap_or(usize::MAX);
        if look == size || lines.len() >= wanted {
            let from = lines.len().saturating_sub(wanted);
            return Ok(lines[from..].iter().map(|line| line[..line.len() - 1].to_vec()).collect());
        }
        look = (look * 4).min(size);
    }
}

fn append(path: &Path, next: u64, entry: &[u8]) -> Result<Put, LedgerError> {
    let at = LedgerError::file(path);
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(&at)?;
    // Held until the file is closed, and let go by the system when the process dies.
    file.lock().map_err(&at)?;
    let last = tail(path, Some(1))?.first().map(|line| position(line, &path.display().to_string())).transpose()?.unwrap_or(0);
    if last + 1 != next {
        return Ok(Put::Taken);
    }
    let end = end_of_lines(&mut file).map_err(&at)?;
    file.set_len(end).map_err(&at)?;
    file.seek(SeekFrom::Start(end)).map_err(&at)?;
    let mut line = entry.to_vec();
    line.push(b'\n');
    if let Err(error) = file.write_all(&line).and_then(|()| file.sync_data()) {
        // A line that may not be on disk must not be seen; where even that fails, the next writer holds it to the runs.
        drop(file.set_len(end));
        return Err(at(error));
    }
    Ok(Put::Done)
}

/// Takes the last line of a sequence in a folder away again, if it is this one: its run never came to be.
pub(super) fn take_back(path: &Path, entry: &[u8]) -> Result<(), LedgerError> {
    let at = LedgerError::file(path);
    let mut file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(error)),
    };
    file.lock().map_err(&at)?;
    if tail(path, Some(1))?.first().is_some_and(|line| line == entry) {
        let end = end_of_lines(&mut file).map_err(&at)?;
        file.set_len(end - entry.len() as u64 - 1).map_err(&at)?;
        file.sync_data().map_err(&at)?;
    }
    Ok(())
}

/// Writes a whole sequence in a folder anew; readers see the old one or the new one.
pub(super) fn rewrite(path: &Path, entries: impl Iterator<Item = Result<Vec<u8>, LedgerError>>) -> Result<(), LedgerError> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(entry?);
        bytes.push(b'\n');
    }
    super::folder::write_whole(path, &bytes)?;
    Ok(())
}

// Where the last whole line ends.
fn end_of_lines(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut buffer = vec![0; 4096];
    while end > 0 {
        let from = end.saturating_sub(buffer.len() as u64);
        let length = usize::try_from(end - from).unwrap_or(buffer.len());
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut buffer[..length])?;
        if let Some(at) = buffer[..length].iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// Removes a file that is there.
pub(super) fn remove_if_there(path: &Path) -> Result<(), LedgerError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(LedgerError::file(path)(error)),
        _ => Ok(()),
    }
}
