//! Reading documents: Markdown and MDX in, statements with their places and what stands above them out.
//!
//! Whatever the bytes are, reading ends without a panic, and what is passed over is told with its place.

mod blocks;
mod files;
mod html_table;
mod mask;
mod sentences;
mod source;

use std::sync::Arc;

use crate::directives;
pub use files::{Found, find};
pub use source::{Lines, Place};

/// A document that was read.
#[derive(Debug)]
pub struct Document {
    /// The path as it is printed.
    pub path: String,
    /// The text.
    pub text: String,
    /// Its lines.
    pub lines: Lines,
    /// The statements in the order of the text; those that take something from the evidence are judged when it is filled in.
    pub statements: Vec<Statement>,
    /// Comments, without their signs: anchors and suppressions are among them.
    pub comments: Vec<(Place, String)>,
    /// What was passed over, and why.
    pub passed: Vec<(Place, String)>,
}

/// What a statement is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A sentence of a paragraph.
    Sentence,
    /// A sentence of a list item.
    Item,
    /// A cell of a table.
    Cell,
    /// A heading.
    Heading,
    /// A block of code.
    Code,
}

/// A statement: words that can be true or false, or at least look so.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The words, without markup.
    pub text: String,
    /// What it is written as.
    pub form: Form,
    /// Where it stands.
    pub place: Place,
    /// What stands above and beside it.
    pub context: Arc<Context>,
    /// Which sentence of its paragraph, item or cell it is, from 0.
    pub position: usize,
    /// The claim that an anchor names.
    pub anchor: Option<String>,
}

/// What stands above and beside a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The headings, the outermost first.
    pub headings: Vec<Arc<str>>,
    /// The line that leads to a list or table, and those of the lists around.
    pub lead_in: Option<Arc<str>>,
    /// The question that is being answered.
    pub question: Option<Arc<str>>,
    /// Whether this is the first block below the question.
    pub first_answer: bool,
    /// Words in bold that stand before the statement in its block.
    pub label: Option<Arc<str>>,
    /// The cells before a cell in its row.
    pub row: Option<Arc<str>>,
    /// The heading of a cell's column.
    pub column: Option<Arc<str>>,
    /// The headings of all columns.
    pub columns: Arc<[Arc<str>]>,
    /// Whether it is quoted.
    pub quoted: bool,
    /// Whether the list is numbered.
    pub numbered: bool,
}

impl Document {
    /// Reads a document; bytes that are no UTF-8 are passed over.
    #[must_use]
    pub fn read(path: &str, bytes: Vec<u8>) -> Self {
        let (text, broken) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(at))
            }
        };
        let lines = Lines::of(&text);
        let mut passed = Vec::new();
        if let Some(at) = broken {
            let message = "bytes here are no UTF-8; they are passed over, save the file as UTF-8".to_owned();
            passed.push((lines.place(&text, at..at + 1), message));
        }
        let mdx = path.to_ascii_lowercase().ends_with(".mdx");
        let masked = mask::mask(&text, mdx);
        for (range, why) in &masked.passed {
            passed.push((lines.place(&text, range.clone()), (*why).to_owned()));
        }
        let comments: Vec<(Place, String)> =
            masked.comments.iter().map(|range| (lines.place(&text, range.clone()), text[range.clone()].trim().to_owned())).collect();
        let mut statements = blocks::statements(&text, &lines, &masked, mdx);
        statements.retain(|statement| !directives::are_in(&statement.text));
        anchor(&mut statements, &comments);
        Self { path: path.to_owned(), text, lines, statements, comments, passed }
    }
}

// An anchor names the claim of the first statement at or behind it: on its line, or in what follows.
fn anchor(statements: &mut [Statement], comments: &[(Place, String)]) {
    for (place, comment) in comments {
        let Some(id) = comment.strip_prefix("claim:").map(str::trim) else { continue };
        let before = statements.partition_point(|statement| (statement.place.line, statement.place.column) < (place.line, place.column));
        // Behind the last statement of its line, it belongs to that one.
        let same_line = statements[..before].last().is_some_and(|statement| statement.place.end_line == place.line);
        let follows = statements.get(before).is_some_and(|statement| statement.place.line == place.line);
        let at = if same_line && !follows { before - 1 } else { before };
        if let Some(statement) = statements.get_mut(at) {
            statement.anchor = Some(id.to_owned());
        }
    }
}
