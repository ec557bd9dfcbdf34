//! Faults in files that people write: code, file, place, what was found, how to mend it.

use std::fmt;

use serde::Serialize;

/// A place in a text, counted in characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// The line.
    pub line: u32,
    /// The first column.
    pub column: u32,
    /// The column after the last one.
    pub end_column: u32,
}

impl Span {
    /// The first character of a file: for what is wrong with the file as a whole.
    pub const START: Self = Self { line: 1, column: 1, end_column: 2 };
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of fault: a stable slug.
    pub code: &'static str,
    /// The file, as it is known to the reader.
    pub file: String,
    /// Where in the file.
    #[serde(flatten)]
    pub span: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: String,
    /// The line of the file.
    #[serde(skip)]
    pub line_text: Option<String>,
}

impl Diagnostic {
    /// A fault in `file`.
    pub fn new(code: &'static str, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, file: file.into(), span: None, message: message.into(), help: String::new(), line_text: None }
    }

    /// Says where.
    #[must_use]
    pub const fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Takes the line that is shown from the file's text.
    #[must_use]
    pub fn with_source(mut self, text: &str) -> Self {
        self.line_text =
            self.span.and_then(|span| text.lines().nth(span.line.saturating_sub(1) as usize)).map(|line| line.trim_end().to_owned());
        self
    }
}

// A longer line is cut around the place, so that one absurd line does not flood the terminal.
const SHOWN: usize = 160;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, self.message)?;
        match self.span {
            Some(span) => writeln!(f, "  --> {}:{}:{}", self.file, span.line, span.column)?,
            None => writeln!(f, "  --> {}", self.file)?,
        }
        if let (Some(span), Some(line)) = (self.span, &self.line_text) {
            let skip = (span.column as usize).saturating_sub(SHOWN / 2).saturating_sub(1);
            let shown: String = line.chars().skip(skip).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
            let before = (span.column as usize).saturating_sub(1 + skip);
            let room = shown.chars().count().saturating_sub(before).max(1);
            let width = (span.end_column.saturating_sub(span.column) as usize).clamp(1, room);
            let number = span.line.to_string();
            let gutter = " ".repeat(number.len());
            writeln!(f, "{gutter} |\n{number} | {shown}\n{gutter} | {}{}", " ".repeat(before), "^".repeat(width))?;
        }
        if !self.help.is_empty() {
            writeln!(f, "  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// All faults of one load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a fault.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all faults of another load.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` if nothing is wrong, the faults in the order of their places otherwise.
    ///
    /// # Errors
    /// The faults.
    pub fn into_result<T>(mut self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            return Ok(value);
        }
        self.0.sort_by(|a, b| (&a.file, a.span, a.code, &a.message).cmp(&(&b.file, b.span, b.code, &b.message)));
        self.0.dedup();
        Err(self)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The known name that is nearest to a mistyped one, if one is near.
#[must_use]
pub fn suggest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `did you mean ...?` where a known name is near, `otherwise` where none is.
#[must_use]
pub fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>, otherwise: &str) -> String {
    suggest(name, known).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
}
