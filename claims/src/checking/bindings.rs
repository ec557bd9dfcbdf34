//! The measured values that a statement is held against where no registry says: by its kind and its words.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proofbook_controls::yaml;
use proofbook_evidence::claims::{Kind, Promise};
use serde::Deserialize;

use super::Said;
use crate::typing::PhraseSet;

const ADJECTIVES: &str = include_str!("../../vocabulary/adjectives.yaml");
const BINDINGS: &str = include_str!("../../vocabulary/bindings.yaml");

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Binding {
    #[serde(rename = "id")]
    _id: String,
    kind: Kind,
    words: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    // Whether only a statement with a value is held against it.
    #[serde(default)]
    valued: bool,
    // Whether the value must be a plain number.
    #[serde(default)]
    counted: bool,
    /// Whether the promise is that the measured list or number is empty.
    #[serde(default)]
    pub(crate) absent: bool,
    /// The ids of the measured values; the first that was measured counts.
    pub(crate) values: Vec<String>,
}

/// The rule that fits a statement.
pub(crate) fn of(said: &Said) -> Option<&'static Binding> {
    static EMBEDDED: OnceLock<Vec<(Binding, PhraseSet, PhraseSet)>> = OnceLock::new();
    let all = EMBEDDED.get_or_init(|| read().expect("the embedded bindings are read by a test"));
    let reading = &said.reading;
    let fits = |(binding, words, without): &&(Binding, PhraseSet, PhraseSet)| {
        let valued = reading.value.as_ref();
        let counted = valued.is_none_or(|value| value.unit().is_none());
        binding.kind == reading.kind
            && (!binding.valued || valued.is_some())
            && (!binding.counted || counted)
            && (words.is_in(&reading.text) || words.is_in(&said.beside))
            && !without.is_in(&reading.text)
            && !without.is_in(&said.beside)
    };
    all.iter().find(fits).map(|(binding, ..)| binding)
}

/// What an adjective promises: "immediately" is a minute, "short-lived" an hour.
pub(crate) fn implied(text: &str) -> Option<Promise> {
    static EMBEDDED: OnceLock<Vec<(Promise, PhraseSet)>> = OnceLock::new();
    let all = EMBEDDED.get_or_init(|| adjectives().expect("the embedded adjectives are read by a test"));
    all.iter().find(|(_, words)| words.is_in(text)).map(|(promise, _)| promise.clone())
}

fn adjectives() -> Result<Vec<(Promise, PhraseSet)>, String> {
    let read: BTreeMap<String, Vec<String>> = yaml::parse("adjectives.yaml", ADJECTIVES).map_err(|error| error.to_string())?;
    let one = |(value, phrases): (String, Vec<String>)| {
        let promise = Promise::new(&value).map_err(|error| error.to_string())?;
        Ok((promise, PhraseSet::new(&phrases).map_err(|error| error.to_string())?))
    };
    read.into_iter().map(one).collect()
}

fn read() -> Result<Vec<(Binding, PhraseSet, PhraseSet)>, String> {
    let bindings: Vec<Binding> = yaml::parse("bindings.yaml", BINDINGS).map_err(|error| error.to_string())?;
    let set = |phrases: &[String]| PhraseSet::new(phrases).map_err(|error| error.to_string());
    bindings.into_iter().map(|binding| Ok((binding.clone(), set(&binding.words)?, set(&binding.without)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proofbook_checks::Catalog;

    use super::*;

    #[test]
    fn adjectives_have_a_bound() {
        assert!(adjectives().is_ok());
        assert_eq!(implied("It takes effect immediately.").map(|promise| promise.to_string()).as_deref(), Some("<=60s"));
        assert_eq!(implied("It takes effect."), None);
    }

    #[test]
    fn every_value_is_measured_by_a_check_of_the_library() {
        let catalog = Catalog::load(&Catalog::embedded_files()).unwrap();
        let measured: BTreeSet<String> = catalog
            .checks
            .values()
            .flat_map(|check| check.definition.measure.keys().map(|name| format!("{}.{name}", check.id())).collect::<Vec<_>>())
            .collect();
        for (binding, ..) in read().unwrap() {
            for value in &binding.values {
                assert!(measured.contains(value), "no check measures {value}");
            }
        }
    }
}
