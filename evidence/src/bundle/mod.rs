//! The bundle: the sealed result of one run on disk, and the only thing that anything published is made from.

mod archive;
mod collection;
mod glance;
pub mod manifest;
mod observations;
mod outcome;
mod read;
mod scan;
mod staging;

use std::path::{Path, PathBuf};

use proofbook_controls::diagnostic::Diagnostics;

pub(crate) use archive::LIBRARY;
pub use collection::{Collection, CollectionSpan, Reconciliation};
pub use glance::Glance;
pub(crate) use observations::REQUESTS;
pub use outcome::Outcome;
pub use read::Bundle;
pub(crate) use read::{Lines, SealedFiles};
pub(crate) use scan::{Basis, evaluate_all};
pub use scan::{RunInputs, Sealed, scan_to_bundle};
pub(crate) use staging::{PREFIX as STAGING, Staging};

pub(crate) const FINDINGS: &str = "findings.ndjson.zst";
pub(crate) const ASSESSMENT: &str = "assessment.json";
/// The sealed file of the values.
pub const VALUES: &str = "values.ndjson";

/// Why a bundle could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A file or folder.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a sealed file.
    #[error("{file}:{line}: {source}")]
    Line {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A sealed file that is not what it should be.
    #[error("{file}: {detail}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// The same run was sealed before, and is not what it was.
    #[error("{path}: this run was sealed before, and that bundle is not intact; see `proofbook verify`, and set the folder aside")]
    Standing {
        /// Its folder.
        path: PathBuf,
    },
    /// The sealed library.
    #[error("the sealed library cannot be read:\n{0}")]
    Library(Diagnostics),
    /// A value without a JSON form.
    #[error("writing JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
}

impl BundleError {
    /// Names the file of an error.
    pub(crate) fn file(path: &Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::File { path: path.clone(), source }
    }
}

/// Takes records line by line, each with its line feed.
pub(crate) trait Sink {
    /// Takes the next line.
    fn line(&mut self, line: &[u8]) -> Result<(), BundleError>;
}
