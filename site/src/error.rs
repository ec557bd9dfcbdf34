//! What can go wrong while the site is built.

use std::io;
use std::path::PathBuf;

use proofbook_controls::diagnostic::Diagnostic;

/// A fault while the site is built.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// A data file of the site does not say what it should.
    #[error("{0}")]
    Data(Box<Diagnostic>),
    /// A template does not compile, or names something that the views do not have.
    #[error("a page of the site does not fit what it prints")]
    Template(#[from] tera::Error),
    /// A file or folder cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// mdBook gave up.
    #[error("the book cannot be built: {0}")]
    Book(String),
}
