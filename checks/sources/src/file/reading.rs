//! Files of a workspace: their bytes, their digest, and why they could not be read.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::observed::Unread;
use crate::text::hex;

/// A file may be this large, in bytes.
const LARGEST: u64 = 64 << 20;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: String,
}

impl Read {
    /// The content as text.
    pub(super) fn text(&self) -> Result<&str, Unread> {
        std::str::from_utf8(&self.bytes).map_err(|error| Unread::new(Reason::ParseError, format!("the file is no UTF-8: {error}")))
    }
}

/// Why a file could not be read.
pub(super) fn of_io(path: &Path, error: &io::Error) -> Unread {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => Reason::DanglingReference,
        io::ErrorKind::PermissionDenied => Reason::NotPermitted,
        _ => Reason::Unreachable,
    };
    Unread::new(reason, format!("{}: {error}", path.display()))
}

/// Reads a file of the workspace.
pub(super) fn read(root: &Path, path: &Path) -> Result<Read, Unread> {
    let place = inside(root, path)?;
    let size = fs::metadata(&place).map_err(|error| of_io(path, &error))?.len();
    if size > LARGEST {
        return Err(Unread::new(Reason::ParseError, format!("{}: {size} bytes, more than {LARGEST}", path.display())));
    }
    let bytes = fs::read(&place).map_err(|error| of_io(path, &error))?;
    let sha256 = hex(&Sha256::digest(&bytes));
    Ok(Read { bytes, sha256 })
}

/// What is kept of a file that a register pins: whether it is there, and whether it is the one that was meant.
pub(super) fn pinned(root: &Path, path: &Path, sha256: &str) -> Result<Json, Unread> {
    match read(root, path) {
        Ok(found) => Ok(json!({"present": true, "is_the_one": found.sha256 == sha256.to_ascii_lowercase(), "sha256": found.sha256})),
        Err(unread) if unread.reason == Reason::DanglingReference => Ok(json!({"present": false, "is_the_one": false})),
        Err(unread) => Err(unread),
    }
}

/// The files that a path means, at least one; `*` in its last part stands for any text.
pub(super) fn matching(root: &Path, pattern: &Path) -> Result<Vec<PathBuf>, Unread> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let folder = pattern.parent().unwrap_or(Path::new(""));
    let place = inside(root, folder)?;
    let entries = fs::read_dir(&place).map_err(|error| Unread::new(Reason::DanglingReference, format!("{}: {error}", folder.display())))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Unread::new(Reason::IncompleteList, format!("{}: {error}", folder.display())))?;
        let file = entry.file_name();
        if file.to_str().is_some_and(|file| proofbook_checks::settings::glob(name, file)) {
            found.push(folder.join(file));
        }
    }
    if found.is_empty() {
        return Err(Unread::new(Reason::DanglingReference, format!("{}: no file has such a name", pattern.display())));
    }
    found.sort();
    Ok(found)
}

/// Where a path leads. A register may come from elsewhere; it names files of the workspace and no others.
pub(super) fn inside(root: &Path, path: &Path) -> Result<PathBuf, Unread> {
    if path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Ok(root.join(path));
    }
    Err(Unread::new(Reason::NotPermitted, format!("{}: a path within the workspace is expected, without `..`", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_within_the_workspace_and_told_by_their_digest() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.txt"), "abc").unwrap();
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let found = |path: &str, digest: &str| pinned(dir.path(), Path::new(path), digest);
        assert_eq!(found("a.txt", &digest.to_uppercase()).unwrap(), json!({"present": true, "is_the_one": true, "sha256": digest}));
        assert_eq!(found("a.txt", "00").unwrap()["is_the_one"], false);
        assert_eq!(found("gone.txt", digest).unwrap()["present"], false);
        for outside in ["../a.txt", "/etc/hostname", "x/../../a.txt"] {
            assert_eq!(found(outside, digest).unwrap_err().reason, Reason::NotPermitted, "{outside}");
        }
        assert_eq!(matching(dir.path(), Path::new("*.txt")).unwrap(), [PathBuf::from("a.txt")]);
        assert_eq!(matching(dir.path(), Path::new("*.json")).unwrap_err().reason, Reason::DanglingReference);
        assert!(matching(dir.path(), Path::new("gone/*.json")).is_err());
    }
}
