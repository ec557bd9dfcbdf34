//! The files of reports: those that are named, and every `.json` and `.json.gz` below the folders that are.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use proofbook_checks::inventory::Reason;

use crate::observed::Unread;

/// How many bytes a report may have, unpacked.
const LARGEST: u64 = 256 << 20;

/// How deep folders may be nested.
const DEEPEST: usize = 8;

/// A file by its name in the workspace.
pub(super) struct Found {
    pub name: String,
    pub content: Result<Vec<u8>, Unread>,
}

/// The files at and below a path, in the order of their names, read one by one.
pub(super) fn below(shown: &Path, path: &Path) -> impl Iterator<Item = Found> {
    let mut names = Vec::new();
    gather(shown, path, 0, &mut names);
    names.into_iter().map(|(name, path)| Found { content: path.and_then(|path| read(&path)), name })
}

type Named = (String, Result<std::path::PathBuf, Unread>);

fn gather(shown: &Path, path: &Path, depth: usize, out: &mut Vec<Named>) {
    let name = shown.display().to_string();
    if !path.is_dir() {
        out.push((name, Ok(path.to_owned())));
        return;
    }
    if depth > DEEPEST {
        out.push((name, Err(Unread::new(Reason::IncompleteList, format!("folders are nested more than {DEEPEST} deep")))));
        return;
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            out.push((name, Err(fault(&error))));
            return;
        }
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let file = entry.file_name();
        let text = file.to_string_lossy();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder || text.ends_with(".json") || text.ends_with(".json.gz") {
            gather(&shown.join(&file), &entry.path(), depth + 1, out);
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Unread> {
    let file = File::open(path).map_err(|error| fault(&error))?;
    let mut content = Vec::new();
    let read = if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(file).take(LARGEST + 1).read_to_end(&mut content)
    } else {
        file.take(LARGEST + 1).read_to_end(&mut content)
    };
    read.map_err(|error| fault(&error))?;
    if content.len() as u64 > LARGEST {
        return Err(Unread::new(Reason::ParseError, format!("the report is longer than {LARGEST} bytes")));
    }
    Ok(content)
}

fn fault(error: &io::Error) -> Unread {
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => Reason::NotPermitted,
        io::ErrorKind::NotFound => Reason::NotCollected,
        _ => Reason::ParseError,
    };
    Unread::new(reason, format!("the file cannot be read: {error}"))
}
