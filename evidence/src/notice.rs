//! A notice: something that was found at a place in a document, in a neutral form that every format can print.

use serde::Serialize;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It must be mended.
    Error,
    /// It should be looked at.
    Warning,
    /// For information.
    Note,
}

impl Level {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A kind of notice: what stands once for all notices of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NoticeKind {
    /// A stable slug.
    pub code: &'static str,
    /// What it means, in one sentence.
    pub summary: &'static str,
    /// How it is mended.
    pub help: &'static str,
    /// How much it matters as a rule.
    pub level: Level,
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The file, relative to where the command was started, with `/` between the parts.
    pub path: String,
    /// The first line, from 1.
    pub line: u32,
    /// The first column, in characters from 1.
    pub column: u32,
    /// The last line.
    pub end_line: u32,
    /// The column after the last character.
    pub end_column: u32,
    /// The kind of notice.
    pub code: &'static str,
    /// How much it matters here.
    pub level: Level,
    /// The verdict on the statement; empty where there is no statement.
    pub verdict: &'static str,
    /// The claim, where the statement is bound to one.
    pub claim: Option<String>,
    /// The words that it is about.
    pub text: String,
    /// What is wrong, with what the evidence says.
    pub message: String,
    /// What to do.
    pub suggestion: String,
    /// The line of the document, for showing.
    #[serde(skip)]
    pub source_line: String,
    /// Stays the same when lines above it change.
    pub fingerprint: String,
}
