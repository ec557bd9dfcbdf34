//! `proofbook docs claims`: the statements of documents, typed.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use proofbook_claims::checking::map_documents;
use proofbook_claims::document::{Document, Form, Statement};
use proofbook_claims::typing::{Reader, Reading};
use proofbook_evidence::claims::{Comparator, Promise};
use serde_json::json;

use super::{documents, threads};
use crate::cli::Format;
use crate::exit::Exit;
use crate::output::Output;

/// Arguments of `docs claims`.
#[derive(Debug, Args)]
pub(crate) struct Claims {
    /// Markdown or MDX files, or folders with such files.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to print: `text` shows the promises, `json` every statement as one line of JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

// So many files are read before their statements are printed, so that memory stays bounded.
const BATCH: usize = 256;

impl Claims {
    pub(crate) fn run(&self, output: &Output) -> Result<Exit> {
        let (files, unseen) = documents(&self.paths)?;
        unseen.iter().for_each(|what| output.warn(format_args!("passed over {what}")));
        let (mut statements, mut promises) = (0, 0);
        for batch in files.chunks(BATCH) {
            let printed = map_documents(batch, threads(), &|document, reader| self.print(document, reader));
            let printed = printed.map_err(|(path, error)| anyhow::Error::new(error).context(format!("reading {}", path.display())))?;
            for one in printed {
                for warning in one.warnings {
                    output.warn(warning);
                }
                statements += one.statements;
                promises += one.promises;
                output.bytes(one.text.as_bytes()).context("writing to stdout")?;
            }
        }
        output.say(format_args!("{} files, {statements} statements, {promises} promises", files.len()));
        Ok(Exit::Held)
    }

    fn print(&self, document: &Document, reader: &mut Reader) -> Printed {
        let mut out = Printed::default();
        for (place, why) in &document.passed {
            out.warnings.push(format!("{}:{}:{}: {why}", document.path, place.line, place.column));
        }
        for statement in &document.statements {
            out.statements += 1;
            for reading in reader.read(statement) {
                let promise = reading.class.is_promise();
                out.promises += usize::from(promise);
                match self.format {
                    Format::Json => out.text.push_str(&line(document, statement, &reading)),
                    Format::Text if promise => text(document, statement, &reading, &mut out.text),
                    Format::Text => {}
                }
            }
        }
        out
    }
}

#[derive(Debug, Default)]
struct Printed {
    text: String,
    warnings: Vec<String>,
    statements: usize,
    promises: usize,
}

fn line(document: &Document, statement: &Statement, reading: &Reading) -> String {
    let value = reading.value.as_ref();
    let silent = matches!(statement.form, Form::Code | Form::Heading);
    let line = json!({
        "path": document.path,
        "line": statement.place.line,
        "end_line": statement.place.end_line,
        "column": statement.place.column,
        "text": reading.text,
        "class": reading.class,
        "reported": reading.class.is_promise(),
        "kind": (!silent).then_some(reading.kind),
        "topic": (!reading.topic.is_empty()).then_some(reading.topic),
        "quantifier": reading.quantifier,
        "comparator": value.and_then(Promise::comparator).map(Comparator::as_str),
        "value": value.map(Promise::as_str),
        "unit": value.and_then(Promise::unit),
        "scope": (!reading.scope.is_empty()).then_some(&reading.scope),
    });
    format!("{line}\n")
}

fn text(document: &Document, statement: &Statement, reading: &Reading, out: &mut String) {
    let value = reading.value.as_ref().map_or("", Promise::as_str);
    let place = format!("{}:{}:{}", document.path, statement.place.line, statement.place.column);
    let _ = writeln!(out, "{place}: {} {} {value}\n    {}", reading.class, reading.kind, reading.text);
}
