//! `proofbook docs mdbook`: a preprocessor of mdBook, by the protocol of its documentation: a pair of context and book as JSON on
//! standard input, the book on standard output.
//!
//! The book is handled as JSON, not as a type of one version of mdBook, so that what this program does not know stays in it.

use std::io::Read;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use proofbook_claims::directives::Sources;
use proofbook_controls::diagnostic::Diagnostics;
use serde_json::Value;

use super::filling::{Filling, refuse};
use crate::cli::Common;
use crate::exit::Exit;
use crate::output::Output;

/// Arguments of `docs mdbook`.
#[derive(Debug, Args)]
pub(crate) struct Mdbook {
    #[command(subcommand)]
    question: Option<Question>,
    #[command(flatten)]
    filling: Filling,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Whether a renderer gets the pages filled in; mdBook asks. All do.
    Supports {
        /// The renderer.
        renderer: String,
    },
}

impl Mdbook {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        if let Some(Question::Supports { renderer: _ }) = &self.question {
            return Ok(Exit::Held);
        }
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).context("reading standard input")?;
        let expected = "expected what mdBook gives a preprocessor: `[context, book]` as JSON; name the command in book.toml";
        let Ok(Value::Array(pair)) = serde_json::from_str::<Value>(&text) else { bail!("standard input is no book: {expected}") };
        let Ok([_, mut book]) = <[Value; 2]>::try_from(pair) else { bail!("standard input is no book: {expected}") };
        let mut faults = Diagnostics::default();
        self.filling.with(common, |sources| {
            fill(&mut book, sources, &mut faults);
            Ok(())
        })?;
        if !faults.is_empty() {
            return Ok(refuse(faults, output));
        }
        output.result(serde_json::to_string(&book)?)?;
        Ok(Exit::Held)
    }
}

// Chapters are objects with a text `content`; they lie in `items`, `sections` and `sub_items`, as the version has it.
fn fill(value: &mut Value, sources: &Sources<'_>, faults: &mut Diagnostics) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, sources, faults)),
        Value::Object(object) => {
            let path = ["source_path", "path", "name"].iter().find_map(|key| object.get(*key)?.as_str()).unwrap_or("chapter").to_owned();
            for (key, member) in object.iter_mut() {
                match member {
                    Value::String(text) if key == "content" => match sources.fill(&path, text) {
                        Ok(filled) => *text = filled,
                        Err(found) => faults.append(found),
                    },
                    other => fill(other, sources, faults),
                }
            }
        }
        _ => {}
    }
}
