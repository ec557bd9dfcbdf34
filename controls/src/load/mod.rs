//! Loading, one kind of file after the other, in the order in which they refer to each other.
//!
//! A loader never stops at a fault: it takes what can be read and goes on, so that all faults come at once. What refers to a
//! file that could not be read is not blamed for it.

mod controls;
mod crosswalks;
mod frameworks;
mod mappings;
mod profiles;
mod requirements;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::files::{Files, is_yaml};
use crate::id::FrameworkId;
use crate::library::Controls;
use crate::yaml;

/// Reads all files of a library.
pub(crate) fn load(files: &Files) -> Result<Controls, Diagnostics> {
    let mut loader = Loader { files, controls: Controls::default(), errors: Diagnostics::default(), broken: BTreeSet::new() };
    loader.frameworks();
    loader.controls();
    loader.mappings();
    loader.crosswalks();
    loader.errors.into_result(loader.controls)
}

struct Loader<'f> {
    files: &'f Files,
    controls: Controls,
    errors: Diagnostics,
    // Names of files that could not be read: what refers to them is not to be blamed.
    broken: BTreeSet<&'f str>,
}

/// A file as it was read.
#[derive(Clone, Copy)]
struct Source<'f> {
    path: &'f str,
    text: &'f str,
}

impl<'f> Loader<'f> {
    // Every file of a folder that can be read; what cannot is an error of its own.
    fn read<T: DeserializeOwned>(&mut self, folder: &'static str) -> Vec<(Source<'f>, T)> {
        let mut out = Vec::new();
        let files = self.files;
        for (path, text) in files.under(folder).filter(|(path, _)| is_yaml(path)) {
            match yaml::parse(path, text) {
                Ok(value) => out.push((Source { path, text }, value)),
                Err(error) => {
                    self.errors.push(error);
                    self.broken.extend(stem(path));
                }
            }
        }
        out
    }

    // A framework that a file names; nothing where it is unknown (an error) or could not be read (none).
    fn known_framework(&mut self, source: Source<'_>, id: &FrameworkId, span: Span, otherwise: &str) -> bool {
        if self.controls.frameworks.contains_key(id) {
            return true;
        }
        if !self.broken.contains(id.as_str()) {
            let known = self.controls.frameworks.keys().map(FrameworkId::as_str);
            let help = crate::diagnostic::did_you_mean(id.as_str(), known, otherwise);
            self.errors.push(source.fault("unknown-framework", span, format!("unknown framework `{id}`"), help));
        }
        false
    }

    fn file_name(&mut self, what: &str, id: &str, source: Source<'_>) {
        if stem(source.path) != Some(id) {
            let message = format!("the {what} `{id}` stands in a file of another name");
            self.errors.push(source.fault("file-name", Span::START, message, format!("name the file `{id}.yaml`")));
        }
    }
}

impl Source<'_> {
    fn fault(self, code: &'static str, span: Span, message: String, help: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.path, message).at(span).help(help).with_source(self.text)
    }

    // Where `key: value` stands the first time. Files are searched only when something is wrong with them.
    fn place(self, key: &str, value: &str) -> Span {
        self.places(key, value).next().unwrap_or(Span::START)
    }

    // Where `key: value` stands the second time.
    fn second_place(self, key: &str, value: &str) -> Span {
        self.places(key, value).nth(1).unwrap_or(Span::START)
    }

    fn places(self, key: &str, value: &str) -> impl Iterator<Item = Span> {
        self.text.lines().zip(1..).flat_map(move |(line, number)| places_in(line, number, key, value))
    }

    // Where a key stands, whatever its value is.
    fn key(self, key: &str) -> Span {
        self.place(key, "")
    }
}

// In one line, flow or block style, quoted or not. Without a value it is the key's place.
fn places_in(line: &str, number: u32, key: &str, value: &str) -> Vec<Span> {
    let in_id = |c: char| c.is_ascii_alphanumeric() || "().-_&".contains(c);
    let mut out = Vec::new();
    for (at, _) in line.match_indices(key).filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')) {
        let Some(rest) = line[at + key.len()..].strip_prefix(':') else { continue };
        let found = rest.trim_start_matches([' ', '\'', '"']);
        if !value.is_empty() && (!found.starts_with(value) || found[value.len()..].starts_with(in_id)) {
            continue;
        }
        let (start, length) = if value.is_empty() { (at, key.len()) } else { (line.len() - found.len(), value.chars().count()) };
        let column = u32::try_from(line[..start].chars().count()).unwrap_or(0) + 1;
        out.push(Span { line: number, column, end_column: column + u32::try_from(length).unwrap_or(1) });
    }
    out
}

// The name of a file without its folders and ending: the id of what it should hold.
fn stem(path: &str) -> Option<&str> {
    path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_that_of_the_whole_value() {
        let text = "id: AC-10\n- {id: AC-1(1), title: AC-1}\n- {id: 'AC-1', levels: [low]}\n- id: AC-1\n";
        let source = Source { path: "a.yaml", text };
        let seen = |span: Span| (span.line, span.column, span.end_column);
        assert_eq!(seen(source.place("id", "AC-1")), (3, 9, 13));
        assert_eq!(seen(source.second_place("id", "AC-1")), (4, 7, 11));
        assert_eq!(seen(source.place("id", "AC-1(1)")), (2, 8, 15));
        assert_eq!(seen(source.key("levels")), (3, 16, 22));
        assert_eq!(source.place("id", "AC"), Span::START);
    }
}
