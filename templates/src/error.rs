//! What can go wrong with a document. No text of an error holds data: what a message of the engine quotes from it is left out.

use std::fmt;

use proofbook_controls::diagnostic::Diagnostics;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// A YAML file of a document cannot be read.
    #[error("{0}")]
    Definition(Diagnostics),
    /// The data is no JSON.
    #[error("the data of the document cannot be written as JSON: {0}")]
    Data(#[from] serde_json::Error),
    /// The data lacks what the document cannot do without.
    #[error("the document `{document}` cannot be made: {reason}\n  help: {help}")]
    Missing {
        /// The document.
        document: String,
        /// What is missing.
        reason: String,
        /// How to mend it.
        help: String,
    },
    /// The template is at fault, or what it made does not keep to the standards.
    #[error("the document `{document}` cannot be set:\n{faults}")]
    Template {
        /// The document.
        document: String,
        /// The faults.
        faults: Faults,
    },
}

/// The faults of a template, in the order in which they were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

/// A fault with its place in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The file; none where the engine names no place.
    pub file: Option<String>,
    /// The line and the column, from 1.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// How it may be mended, as far as the engine says so.
    pub hints: Vec<String>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.place) {
            (Some(file), Some((line, column))) => write!(f, "{file}:{line}:{column}: {}", self.message)?,
            (Some(file), None) => write!(f, "{file}: {}", self.message)?,
            (None, _) => write!(f, "{}", self.message)?,
        }
        for hint in &self.hints {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}
