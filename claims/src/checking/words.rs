//! What is wrong by its words alone: category errors, and statements that exclude each other.

use std::sync::OnceLock;

use proofbook_controls::yaml;
use serde::{Deserialize, Serialize};

use crate::typing::PhraseSet;

const ERRORS: &str = include_str!("../../vocabulary/category_errors.yaml");
const OPPOSITES: &str = include_str!("../../vocabulary/opposites.yaml");

/// A wording that cannot be true whatever the evidence is (claims.md section 7.3).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryError {
    /// A stable slug.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the entry to it"))]
    pub(crate) id: String,
    phrases: Vec<String>,
    // What must stand beside it: a heading, a lead-in, a question.
    #[serde(default)]
    beside: Vec<String>,
    // A statement with one of these is right.
    #[serde(default)]
    unless: Vec<String>,
    /// Why it is wrong.
    pub(crate) why: String,
    /// What can be said.
    pub(crate) better: String,
    examples: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the entry to it"))]
    counter_examples: Vec<String>,
}

/// A wording that cannot be true, for people: a sentence that has it, why nobody may write that, and what can be said.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Wording<'w> {
    /// A sentence with it.
    pub example: &'w str,
    /// Why it is wrong.
    pub why: &'w str,
    /// What can be said.
    pub better: &'w str,
}

/// The wordings that are told of a document whatever the evidence is.
#[must_use]
pub fn wordings() -> Vec<Wording<'static>> {
    let errors = Wordings::embedded().errors.iter();
    errors.filter_map(|(error, ..)| Some(Wording { example: error.examples.first()?, why: &error.why, better: &error.better })).collect()
}

/// Two ways to speak of the same thing that exclude each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opposite {
    #[serde(rename = "id")]
    _id: String,
    // What both must speak of.
    about: Vec<String>,
    one: Vec<String>,
    other: Vec<String>,
    /// Why they exclude each other.
    pub(crate) why: String,
}

/// All of them, compiled.
#[derive(Debug)]
pub(crate) struct Wordings {
    errors: Vec<(CategoryError, PhraseSet, PhraseSet, PhraseSet)>,
    opposites: Vec<(Opposite, PhraseSet, PhraseSet, PhraseSet)>,
}

impl Wordings {
    /// The embedded ones.
    pub(crate) fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Wordings> = OnceLock::new();
        EMBEDDED.get_or_init(|| Self::read().expect("the embedded wordings are read by a test"))
    }

    fn read() -> Result<Self, String> {
        let errors: Vec<CategoryError> = yaml::parse("category_errors.yaml", ERRORS).map_err(|error| error.to_string())?;
        let opposites: Vec<Opposite> = yaml::parse("opposites.yaml", OPPOSITES).map_err(|error| error.to_string())?;
        let set = |phrases: &[String]| PhraseSet::new(phrases).map_err(|error| error.to_string());
        let errors: Result<Vec<_>, String> =
            errors.into_iter().map(|error| Ok((error.clone(), set(&error.phrases)?, set(&error.unless)?, set(&error.beside)?))).collect();
        let opposites: Result<Vec<_>, String> =
            opposites.into_iter().map(|entry| Ok((entry.clone(), set(&entry.about)?, set(&entry.one)?, set(&entry.other)?))).collect();
        Ok(Self { errors: errors?, opposites: opposites? })
    }

    /// The category error of a statement.
    pub(crate) fn error(&self, text: &str, around: &str) -> Option<&CategoryError> {
        let fits = |(error, phrases, unless, beside): &&(CategoryError, PhraseSet, PhraseSet, PhraseSet)| {
            phrases.is_in(text) && !unless.is_in(text) && (error.beside.is_empty() || beside.is_in(around))
        };
        self.errors.iter().find(fits).map(|(error, ..)| error)
    }

    /// The sides that a statement takes: the number of the opposite, and whether it is the one or the other side.
    pub(crate) fn sides(&self, text: &str, around: &str) -> Vec<(usize, bool)> {
        let mut out = Vec::new();
        for (number, (_, about, one, other)) in self.opposites.iter().enumerate() {
            if !about.is_in(text) && !about.is_in(around) {
                continue;
            }
            // What denies something names it too.
            if other.is_in(text) {
                out.push((number, false));
            } else if one.is_in(text) {
                out.push((number, true));
            }
        }
        out
    }

    /// An opposite by its number.
    pub(crate) fn opposite(&self, number: usize) -> &Opposite {
        &self.opposites[number].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_errors_are_found_in_their_examples_alone() {
        let wordings = Wordings::read().unwrap();
        let mut wrong = Vec::new();
        for (entry, ..) in &wordings.errors {
            let read = |text: &str| wordings.error(text, "").map(|error| error.id.as_str());
            wrong.extend(
                entry
                    .examples
                    .iter()
                    .filter(|text| read(text) != Some(entry.id.as_str()))
                    .map(|text| format!("{text:?} is not {}", entry.id)),
            );
            wrong.extend(
                entry
                    .counter_examples
                    .iter()
                    .filter(|text| read(text) == Some(entry.id.as_str()))
                    .map(|text| format!("{text:?} is {}", entry.id)),
            );
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
