//! Reading YAML that people write: strict booleans, no duplicate keys, budgets, and faults with their place.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::diagnostic::{Diagnostic, Span};

/// A value with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = serde_saphyr::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { value: found.value, span: span(found.referenced) })
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The place of a value.
#[must_use]
pub const fn span_of<T>(spanned: &Spanned<T>) -> Span {
    spanned.span
}

fn span(location: serde_saphyr::Location) -> Span {
    let (line, column) = (location.line().max(1), location.column().max(1));
    let [line, column] = [line, column].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let length = u32::try_from(location.span().len()).unwrap_or(1).clamp(1, 200);
    Span { line, column, end_column: column.saturating_add(length) }
}

/// A file may be this large, in bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// A document may be nested this deep.
const MAX_DEPTH: usize = 64;

/// Reads one YAML document.
///
/// # Errors
/// The first fault, with its place: YAML stops being readable there.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostic> {
    if text.len() > MAX_FILE {
        let message = format!("the file has {} bytes, more than {MAX_FILE}", text.len());
        return Err(Diagnostic::new("yaml", file, message).help("split the file"));
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: 2_000_000, max_events: 8_000_000 },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let message = describe(&error.without_snippet().to_string());
        let found = match message.strip_prefix("budget breached: ") {
            Some(breach) => {
                Diagnostic::new("yaml", file, beyond(breach)).help("flatten the file or split it, and write out what aliases repeat")
            }
            None => Diagnostic::new("yaml", file, message).help("see the JSON Schema of this file kind (`proofbook schema`)"),
        };
        match error.location() {
            Some(location) => found.at(span(location)).with_source(text),
            None => found,
        }
    })
}

// What was exceeded, by the name of the budget: `Depth { depth: 65 }`.
fn beyond(breach: &str) -> String {
    match breach.split([' ', '{']).next().unwrap_or_default() {
        "Depth" => format!("the document is nested more than {MAX_DEPTH} deep"),
        "Nodes" | "Events" => "the document has more nodes than a file of this kind can need".to_owned(),
        _ => "the document repeats or holds more than a file of this kind can need".to_owned(),
    }
}

// The library repeats the place at the end of its sentence; the diagnostic shows it itself.
fn describe(message: &str) -> String {
    let first = message.split(" at line ").next().unwrap_or(message);
    let first = first.strip_prefix("error: ").unwrap_or(first);
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: Spanned<String>,
        #[serde(default)]
        list: Vec<bool>,
    }

    #[test]
    fn a_value_knows_its_place() {
        let sample: Sample = parse("a.yaml", "list: [true]\nname: x\n").unwrap();
        assert_eq!((sample.name.span.line, sample.name.span.column), (2, 7));
        assert_eq!(sample.list, [true]);
    }

    #[test]
    fn faults_are_refused_with_their_place() {
        for (text, line) in [
            ("name: a\nname: b\n", 2),
            ("name: a\nother: b\n", 2),
            ("name: a\nlist: [NO]\n", 2),
            ("name: [\n", 2),
            ("name: a\n  b: c\n", 2),
        ] {
            let found = parse::<Sample>("a.yaml", text).unwrap_err();
            let at = found.span.map(|span| span.line);
            assert!(at.is_some_and(|at| at <= line), "{text:?}: {found}");
        }
    }

    #[test]
    fn hostile_documents_end_in_an_error() {
        let mut bomb = "b0: &b0 x\n".to_owned();
        for level in 1..12 {
            let below = vec![format!("*b{}", level - 1); 9].join(",");
            let _ = writeln!(bomb, "b{level}: &b{level} [{below}]");
        }
        for text in [bomb, "[".repeat(100_000), "- ".repeat(100_000)] {
            assert!(parse::<serde_json::Value>("a.yaml", &text).is_err());
        }
    }
}
