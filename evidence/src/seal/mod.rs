//! The seal of a bundle: who vouches for it, and since when at the latest it has been what it is.
//!
//! It lies in `seal/`, outside the sealed set, because it is made over the finished manifest:
//!
//! | file | is |
//! |---|---|
//! | `<key id>.dsse.json` | a signature over the exact bytes of `manifest.json`, in a DSSE envelope |
//! | `<key id>.minisig` | the same in the form of minisign, for people who have that at hand |
//! | `timestamp.tsq`, `timestamp.tsr` | request and answer of a time-stamping authority (RFC 3161) over `manifest.json` |
//! | `<key id>.tsq`, `<key id>.tsr` | the same over the envelope of that key: that the signature was there by then |
//!
//! A key id is the SHA-256 of the key's SubjectPublicKeyInfo. Nothing in here is taken on trust from the bundle: keys and
//! roots come from a [`trust`] file that the reader holds.

pub mod dsse;
pub mod key;
pub mod minisign;
pub mod timestamp;
pub mod trust;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::bundle::BundleError;
use crate::bundle::manifest::{MANIFEST, SEAL};

use key::{SignError, Signer};

/// The largest file of a seal that is read, in bytes: an envelope holds the manifest, a token some certificates.
pub(crate) const LARGEST: u64 = 64 * 1024 * 1024;

/// What a file of `seal/` is, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SealFile {
    /// A DSSE envelope by the key of this id.
    Envelope(String),
    /// A signature in the form of minisign by the key of this id.
    Minisign(String),
    /// A request for a time stamp.
    Request(Stamped),
    /// The answer to it.
    Response(Stamped),
    /// What a process left that was killed while it wrote.
    Leftover,
}

/// What a time stamp is over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stamped {
    /// The manifest, and so all that is sealed.
    Manifest,
    /// The envelope of the key of this id, and so the signature and the manifest in it.
    Signature(String),
}

const ENVELOPE: &str = ".dsse.json";
const MINISIGN: &str = ".minisig";
const REQUEST: &str = ".tsq";
const RESPONSE: &str = ".tsr";
const TIMESTAMP: &str = "timestamp";

impl SealFile {
    /// Reads a file's name; none where nothing of a seal is called that.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let key_id = |text: &str| is_key_id(text).then(|| text.to_owned());
        let stamped = |stem: &str| if stem == TIMESTAMP { Some(Stamped::Manifest) } else { key_id(stem).map(Stamped::Signature) };
        if name.starts_with('.') && name.ends_with(UNFINISHED) {
            return Some(Self::Leftover);
        }
        None.or_else(|| name.strip_suffix(ENVELOPE).and_then(key_id).map(Self::Envelope))
            .or_else(|| name.strip_suffix(MINISIGN).and_then(key_id).map(Self::Minisign))
            .or_else(|| name.strip_suffix(REQUEST).and_then(stamped).map(Self::Request))
            .or_else(|| name.strip_suffix(RESPONSE).and_then(stamped).map(Self::Response))
    }
}

impl Stamped {
    /// The file that is stamped, within the bundle.
    #[must_use]
    pub fn file(&self) -> String {
        match self {
            Self::Manifest => MANIFEST.to_owned(),
            Self::Signature(id) => format!("{SEAL}/{id}{ENVELOPE}"),
        }
    }

    /// The request's file, within the bundle.
    #[must_use]
    pub fn request(&self) -> String {
        format!("{SEAL}/{}{REQUEST}", self.stem())
    }

    /// The answer's file, within the bundle.
    #[must_use]
    pub fn response(&self) -> String {
        format!("{SEAL}/{}{RESPONSE}", self.stem())
    }

    fn stem(&self) -> &str {
        match self {
            Self::Manifest => TIMESTAMP,
            Self::Signature(id) => id,
        }
    }
}

/// Whether a text has the form of a key id: SHA-256 in lower-case hex.
pub(crate) fn is_key_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Why a bundle could not be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The bundle, or the file that is written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The key.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Signs the manifest of the bundle at `path`; gives the envelope's file. A signature of the key that holds is left as it is.
///
/// # Errors
/// A manifest that cannot be read, a key that does not sign, a file that cannot be written.
pub fn sign(path: &Path, signer: &dyn Signer) -> Result<PathBuf, SealError> {
    let manifest = manifest(path)?;
    let key = signer.public_key();
    let name = format!("{SEAL}/{}{ENVELOPE}", key.id());
    let standing = read(path, &name).ok().and_then(|bytes| dsse::Envelope::read(&bytes).ok());
    if standing.is_some_and(|envelope| envelope.payload == manifest && envelope.verifies(key)) {
        return Ok(path.join(name));
    }
    let envelope = dsse::Envelope::sign(&manifest, signer)?;
    // A stamp over the envelope that stood there is over nothing any more.
    let stamped = Stamped::Signature(key.id());
    for stale in [stamped.request(), stamped.response()].map(|name| path.join(name)) {
        match fs::remove_file(&stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BundleError::file(&stale)(error).into()),
            _ => {}
        }
    }
    Ok(write(path, &name, &envelope.to_bytes())?)
}

/// Signs the manifest in the form of minisign too; gives the file. Only Ed25519 knows that form.
///
/// # Errors
/// As [`sign`], and a key of another kind.
pub fn sign_minisign(path: &Path, run_id: &str, signer: &dyn Signer) -> Result<PathBuf, SealError> {
    let manifest = manifest(path)?;
    let text = minisign::sign(&manifest, &format!("proofbook run {run_id}"), signer)?;
    let name = format!("{SEAL}/{}{MINISIGN}", signer.public_key().id());
    Ok(write(path, &name, text.as_bytes())?)
}

/// What of the bundle at `path` can be stamped: the manifest, and every envelope that lies in the seal.
///
/// # Errors
/// A folder that cannot be read.
pub fn stampable(path: &Path) -> Result<Vec<Stamped>, BundleError> {
    let mut out = vec![Stamped::Manifest];
    let signatures = names(path)?.into_iter().filter_map(|name| match SealFile::of(&name) {
        Some(SealFile::Envelope(id)) => Some(Stamped::Signature(id)),
        _ => None,
    });
    out.extend(signatures);
    Ok(out)
}

/// The names in the seal, sorted; none where there is no seal.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, BundleError> {
    let dir = path.join(SEAL);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BundleError::file(&dir)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(BundleError::file(&dir))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// A file of the bundle, whole.
///
/// # Errors
/// A file that is not there, is no plain file, or is larger than any of a seal.
pub fn read(path: &Path, name: &str) -> Result<Vec<u8>, BundleError> {
    let path = path.join(name);
    let at = BundleError::file(&path);
    let found = fs::symlink_metadata(&path).map_err(&at)?;
    if !found.is_file() || found.len() > LARGEST {
        return Err(at(io::Error::new(io::ErrorKind::InvalidData, "no plain file of the size that a seal can have")));
    }
    fs::read(&path).map_err(&at)
}

fn manifest(path: &Path) -> Result<Vec<u8>, BundleError> {
    read(path, MANIFEST)
}

// The ending of a file that is being written.
const UNFINISHED: &str = ".new";

/// Writes a file of the seal: it is there whole, or not at all.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, BundleError> {
    let dir = path.join(SEAL);
    fs::create_dir_all(&dir).map_err(BundleError::file(&dir))?;
    let target = path.join(name);
    let file_name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unfinished = dir.join(format!(".{file_name}{UNFINISHED}"));
    let written = || -> io::Result<()> {
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &target)?;
        File::open(&dir)?.sync_all()?;
        File::open(path)?.sync_all()
    };
    written().map_err(|error| {
        // What stays is no part of the seal and is told as such; the error says why.
        drop(fs::remove_file(&unfinished));
        BundleError::file(&target)(error)
    })?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_a_seal_are_read_as_such() {
        let id = "0a".repeat(32);
        for (name, file) in [
            (format!("{id}.dsse.json"), SealFile::Envelope(id.clone())),
            (format!("{id}.minisig"), SealFile::Minisign(id.clone())),
            (format!("{id}.tsq"), SealFile::Request(Stamped::Signature(id.clone()))),
            ("timestamp.tsr".to_owned(), SealFile::Response(Stamped::Manifest)),
            (".timestamp.tsr.new".to_owned(), SealFile::Leftover),
        ] {
            assert_eq!(SealFile::of(&name), Some(file), "{name}");
        }
        let upper = format!("{}.dsse.json", id.to_uppercase());
        for name in ["", "timestamp", "timestamp.dsse.json", "0a.dsse.json", &upper, "key.pem", &format!("{id}.json"), ".new.json"] {
            assert_eq!(SealFile::of(name), None, "{name}");
        }
    }
}
