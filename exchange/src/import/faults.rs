//! Faults of documents: each with its place, which costs a look through the text.

use std::rc::Rc;

use proofbook_controls::diagnostic::{Diagnostic, Diagnostics};

use super::document::Source;

// So many faults are shown with their line; a document with more is of another kind altogether.
const PLACED: usize = 50;

/// The faults that were found so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    found: Diagnostics,
}

impl Faults {
    /// Adds a fault at a JSON pointer of a document.
    pub(super) fn add(&mut self, code: &'static str, source: &Rc<Source>, pointer: &str, message: String, help: impl Into<String>) {
        if self.found.0.len() < PLACED {
            self.found.push(source.fault(code, pointer, message, help));
        } else if self.found.0.len() == PLACED {
            let more = Diagnostic::new("more", source.name.clone(), "there are more faults than are shown here");
            self.found.push(more.help("mend these first"));
        }
    }

    /// Adds a fault that has its place.
    pub(super) fn push(&mut self, fault: Diagnostic) {
        self.found.push(fault);
    }

    /// `value` if nothing is wrong.
    pub(super) fn into_result<T>(self, value: T) -> Result<T, Diagnostics> {
        self.found.into_result(value)
    }
}
