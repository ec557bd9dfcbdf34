//! From the engine's diagnostics to faults: each with its place in a template, and without what it quotes from the data.

use serde_json::Value;
use typst::diag::{SourceDiagnostic, Tracepoint};
use typst::syntax::DiagSpan;
use typst::{World, WorldExt};

use crate::error::{Fault, Faults};
use crate::world::Inputs;

/// A fault of no particular line.
pub(crate) fn without_place(message: String) -> Faults {
    Faults(vec![Fault { file: None, place: None, message, hints: Vec::new() }])
}

/// The faults that the engine found.
pub(crate) fn of(inputs: &Inputs, data: &Value, found: &[SourceDiagnostic]) -> Faults {
    let mut texts = Vec::new();
    collect(data, &mut texts);
    let own_words = |message: &str| without_data(message, &texts, inputs);
    let faults = found.iter().map(|error| {
        // The engine's own elements have no place; the call that led to them has.
        let span = error.trace.iter().fold(error.span, |span, point| span.or(DiagSpan::from(point.span)));
        let hints = error.hints.iter().map(|hint| own_words(&hint.v));
        let calls = error.trace.iter().filter(|point| matches!(point.v, Tracepoint::Call(_)));
        let calls = calls.filter_map(|point| {
            let (file, (line, column)) = (file(DiagSpan::from(point.span))?, place(inputs, DiagSpan::from(point.span))?);
            Some(format!("called from {file}:{line}:{column}"))
        });
        Fault { file: file(span), place: place(inputs, span), message: own_words(&error.message), hints: hints.chain(calls).collect() }
    });
    Faults(faults.collect())
}

fn file(span: DiagSpan) -> Option<String> {
    span.id().map(|id| id.get().vpath().get_without_slash().to_owned())
}

// Line and column, from 1.
fn place(inputs: &Inputs, span: DiagSpan) -> Option<(usize, usize)> {
    let (source, range) = (inputs.source(span.id()?).ok()?, inputs.range(span)?);
    let (line, column) = source.lines().byte_to_line_column(range.start)?;
    Some((line + 1, column + 1))
}

fn collect<'d>(data: &'d Value, texts: &mut Vec<&'d str>) {
    match data {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(entries) => entries.iter().for_each(|(key, item)| {
            texts.push(key);
            collect(item, texts);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

// A message keeps the engine's words and the template's own. What a template put together from data, what stands in quotes and what
// is a text of the data is left out, unless it stands in a template as well.
fn without_data(message: &str, texts: &[&str], inputs: &Inputs) -> String {
    let foreign = |text: &str| text.len() > 2 && !inputs.texts().any(|source| source.contains(text));
    for made in ["panicked with: ", "assertion failed: "] {
        if message.strip_prefix(made).is_some_and(foreign) {
            return format!("{made}…");
        }
    }
    let mut out = String::with_capacity(message.len());
    for (at, part) in message.split_inclusive(['"', '`']).enumerate() {
        let (text, quote) = part.strip_suffix(['"', '`']).map_or((part, ""), |text| (text, &part[text.len()..]));
        out.push_str(if at % 2 == 1 && foreign(text) { "…" } else { text });
        out.push_str(quote);
    }
    let mut quoted: Vec<&str> = texts.iter().copied().filter(|text| out.contains(text) && foreign(text)).collect();
    quoted.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
    for text in quoted {
        out = out.replace(text, "…");
    }
    out
}
