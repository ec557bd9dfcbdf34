//! Typing: what a statement is, what it promises, and over how much.
//!
//! Rules over a vocabulary, no model: the same text gives the same reading. A statement that could be more than one thing is read
//! as the first that matches, in the order of [`Class`]; whatever is silent by its form or its words is silent, however many words
//! of security it holds.

mod classify;
mod lexicon;
mod phrases;
mod scan;
mod tokens;
mod values;
mod vocabulary;

use std::ops::Range;
use std::sync::Arc;

use proofbook_evidence::claims::{Class, Kind, Promise, Quantifier};

use crate::document::{Context, Form, Statement};
use classify::Surroundings;
pub use phrases::{PhraseSet, content_words};
use scan::Scan;
use values::{Beside, Value};
use vocabulary::Cue;
pub use vocabulary::Vocabulary;

/// What was read from a statement; a statement with several values gives several readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The words that were read: the statement, or the clause of it that stands on its own.
    pub text: String,
    /// How it is meant.
    pub class: Class,
    /// What it is about.
    pub kind: Kind,
    /// The topic, by its id in the vocabulary.
    pub topic: &'static str,
    /// Over how much it speaks.
    pub quantifier: Option<Quantifier>,
    /// The promised value.
    pub value: Option<Promise>,
    /// What narrows it: the plan, or the first words of the subject.
    pub scope: String,
    /// The bytes of `text` that hold the value, or all of it.
    pub words: Range<usize>,
}

/// Reads statements. One reader serves one thread.
#[derive(Debug)]
pub struct Reader {
    vocabulary: &'static Vocabulary,
    surroundings: Option<(Arc<Context>, Form, Surroundings)>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader with the embedded vocabulary.
    #[must_use]
    pub fn new() -> Self {
        Self { vocabulary: Vocabulary::embedded(), surroundings: None }
    }

    /// What a statement says. There is always at least one reading.
    pub fn read(&mut self, statement: &Statement) -> Vec<Reading> {
        let vocabulary = self.vocabulary;
        let known =
            self.surroundings.take().filter(|(context, form, _)| Arc::ptr_eq(context, &statement.context) && *form == statement.form);
        let (_, _, surroundings) = self.surroundings.insert(known.unwrap_or_else(|| {
            let surroundings = Surroundings::of(self.vocabulary, &statement.context, statement.form);
            (statement.context.clone(), statement.form, surroundings)
        }));
        let surroundings = &*surroundings;
        if matches!(statement.form, Form::Code | Form::Heading) {
            return vec![silent(statement)];
        }
        let mut out = Vec::new();
        for clause in clauses(&statement.text) {
            read_clause(vocabulary, statement, surroundings, clause, &mut out);
        }
        out
    }
}

fn silent(statement: &Statement) -> Reading {
    let class = match statement.form {
        Form::Code => Class::Code,
        _ if statement.text.trim_end().ends_with('?') => Class::Question,
        _ => Class::Heading,
    };
    Reading {
        text: statement.text.clone(),
        class,
        kind: Kind::Other,
        topic: "",
        quantifier: None,
        value: None,
        scope: String::new(),
        words: 0..statement.text.len(),
    }
}

fn read_clause(
    vocabulary: &'static Vocabulary,
    statement: &Statement,
    around: &Surroundings,
    clause: Range<usize>,
    out: &mut Vec<Reading>,
) {
    let text = &statement.text[clause.clone()];
    let scan = Scan::of(vocabulary, text);
    let scans: Vec<&Scan<'static>> = around.nearest.iter().collect();
    let mut values = values::values(&scan, text, Beside { scans: &scans });
    let bare = match statement.form {
        Form::Item => true,
        Form::Cell => scan.words() == 0 || matches!(scan.tokens.text(0), "yes" | "ja" | "oui") && scan.words() == 1,
        _ => false,
    };
    if bare && values.is_empty() {
        values.extend(around.inherited.iter().map(|value| Value { tokens: 0..scan.tokens.len(), ..value.clone() }));
    }
    let class = classify::classify(&scan, text, statement, around, &values);
    let (topic, weight) = scan.topic().map_or((None, 0), |(topic, weight)| (Some(topic), weight));
    // Where the statement itself says little, what stands beside it says what it is about.
    let topic = if weight >= 2 { topic } else { around.topic().or(topic) };
    let topic_kind = topic.map_or(Kind::Other, |topic| vocabulary.topics[topic].kind);
    let topic_id = topic.map_or("", |topic| vocabulary.topics[topic].id.as_str());
    let reading = |value: Option<&Value>| {
        let kind = value.and_then(|value| value.kind).unwrap_or_else(|| classify::kind_without_value(around, topic_kind));
        let words = value.map_or(0..text.len(), |value| scan.bytes(value.tokens.clone()));
        let promise = value.and_then(|value| Promise::new(&value.text).ok());
        Reading {
            text: text.to_owned(),
            class,
            kind: if around.responsibility && promise.is_none() { Kind::Responsibility } else { kind },
            topic: topic_id,
            quantifier: quantifier(&scan),
            value: promise,
            scope: classify::scope(&scan, text, class),
            words,
        }
    };
    let mut kept: Vec<&Value> = Vec::new();
    for value in &values {
        if !kept.iter().any(|known| known.text == value.text && known.kind == value.kind) {
            kept.push(value);
        }
    }
    if kept.is_empty() {
        out.push(reading(None));
    } else if class.is_promise() {
        out.extend(kept.into_iter().map(|value| reading(Some(value))));
    } else {
        out.push(reading(kept.first().copied()));
    }
}

// A statement is cut at semicolons, outside of brackets: each part can be true or false on its own.
fn clauses(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth <= 0 => {
                out.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(start..text.len());
    let trimmed = out.into_iter().map(|range| {
        let piece = &text[range.clone()];
        let start = range.start + piece.len() - piece.trim_start().len();
        start..(start + piece.trim().len())
    });
    let whole: Vec<Range<usize>> = trimmed.filter(|range| text[range.clone()].chars().any(char::is_alphanumeric)).collect();
    if whole.is_empty() { std::iter::once(0..text.len()).collect() } else { whole }
}

fn quantifier(scan: &Scan<'_>) -> Option<Quantifier> {
    if scan.has(Cue::Only) {
        Some(Quantifier::Only)
    } else if scan.has(Cue::None) {
        Some(Quantifier::None)
    } else if scan.has(Cue::All) {
        Some(Quantifier::All)
    } else if scan.has(Cue::Some) {
        Some(Quantifier::Some)
    } else {
        None
    }
}
