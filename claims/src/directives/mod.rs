//! Directives: what authors write in their own pages in the place of a value, `{{value backup-schedule.interval_minutes}}`, and
//! get filled in from a sealed bundle.
//!
//! Nothing is filled in that the evidence does not bear out: a value of a check that does not pass, a result that is stale and a
//! claim that is not backed are faults with their places, and a page with a fault is not printed.

mod find;
mod print;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span};
use proofbook_evidence::views::Publication;

use crate::checking::{self, ClaimVerdict, Evidence};
use crate::document::{Document, Lines};
use crate::typing::Reader;
use find::Found;

/// Whether a text takes something from the evidence. Such a sentence is judged when it is filled in.
#[must_use]
pub fn are_in(text: &str) -> bool {
    find::find(text).iter().any(|found| found.words.first().is_some_and(|word| print::DIRECTIVES.contains(word)))
}

/// What directives are filled in from.
#[derive(Debug)]
pub struct Sources<'s> {
    /// The views of a bundle, as the readers of the pages may see them.
    pub publication: &'s Publication,
    /// What claims are held against: the same bundle's values, attestations and statements.
    pub evidence: &'s Evidence<'s>,
    /// The address of the documentation site that is printed from the bundle, without a slash at its end; values become links to
    /// their checks. None where there is no such site.
    pub site: Option<&'s str>,
    states: RefCell<BTreeMap<String, Result<(), String>>>,
}

impl<'s> Sources<'s> {
    /// Sources that print links where a site is known.
    #[must_use]
    pub fn new(publication: &'s Publication, evidence: &'s Evidence<'s>, site: Option<&'s str>) -> Self {
        Self { publication, evidence, site: site.map(|site| site.trim_end_matches('/')), states: RefCell::default() }
    }

    /// The text of a document with every directive filled in. Code is left as it is, and so is `\{{`, without its backslash.
    ///
    /// # Errors
    /// Directives that name nothing, or nothing that holds, each with its place.
    pub fn fill(&self, path: &str, text: &str) -> Result<String, Diagnostics> {
        let lines = Lines::of(text);
        let mut faults = Diagnostics::default();
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for found in find::find(text) {
            out.push_str(&text[done..found.range.start]);
            done = found.range.end;
            match self.filled(&found) {
                Ok(filled) => out.push_str(&filled),
                Err(fault) => {
                    let place = lines.place(text, found.range.clone());
                    let end_column = if place.end_line == place.line { place.end_column } else { place.column + 1 };
                    let span = Span { line: place.line, column: place.column, end_column };
                    faults.push(Diagnostic::new(fault.code, path, fault.message).at(span).help(fault.help).with_source(text));
                }
            }
        }
        out.push_str(&text[done..]);
        faults.into_result(out)
    }

    fn filled(&self, found: &Found<'_>) -> Result<String, print::Fault> {
        match found.words.as_slice() {
            [] if found.escaped => Ok("{{".to_owned()),
            ["value", id] => print::value(self, id),
            ["claim", id] => print::claim(self, id),
            ["matrix"] => print::matrix(self, None),
            ["matrix", layer] => print::matrix(self, Some(layer)),
            ["status", framework] => print::status(self, framework),
            words => Err(print::unknown(words)),
        }
    }

    // A claim holds where its own sentence, as `claims.yaml` has it, would be backed or attested if a document said it.
    fn holds(&self, id: &str, statement: &str) -> Result<(), String> {
        if let Some(known) = self.states.borrow().get(id) {
            return known.clone();
        }
        let one_line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let document = Document::read("claims.yaml", format!("{one_line} <!-- claim: {id} -->\n").into_bytes());
        let said = checking::promises(&document, &mut Reader::default());
        let outcome = checking::check(&[said], self.evidence);
        let own: Vec<_> = outcome.notices.iter().filter(|judgement| judgement.notice.claim.as_deref() == Some(id)).collect();
        let untrue = own
            .iter()
            .find(|judgement| !matches!(judgement.verdict, Some(ClaimVerdict::Backed | ClaimVerdict::Attested | ClaimVerdict::UnderClaim)));
        let state = match untrue {
            _ if own.is_empty() => Err("its statement is not read as a promise".to_owned()),
            Some(judgement) => Err(format!("{}: {}", judgement.notice.verdict, judgement.notice.message)),
            None => Ok(()),
        };
        self.states.borrow_mut().insert(id.to_owned(), state.clone());
        state
    }
}
