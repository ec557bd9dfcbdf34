//! Measures the reader over a labelled corpus: precision and recall of promises, and how many values are right, by kind.
//!
//! `cargo run -p proofbook-claims --example measure -- tests/claims/tuning [--list]`; `--list` shows every miss, and is refused for the
//! frozen half, which no rule may be written against.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example program prints its result")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use proofbook_claims::document::{Document, Statement};
use proofbook_claims::typing::{Reader, Reading};
use proofbook_evidence::claims::{Class, Kind, Promise};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Label {
    line: u32,
    end_line: Option<u32>,
    text: String,
    class: Class,
    reported: bool,
    #[serde(default)]
    doubtful: bool,
    kind: Option<Kind>,
    value: Option<String>,
}

impl Label {
    fn last_line(&self) -> u32 {
        self.end_line.unwrap_or(self.line)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    labelled: u32,
    found: u32,
    printed: u32,
    right: u32,
    kinds: u32,
    valued: u32,
    values: u32,
}

struct Printed {
    statement: Statement,
    reading: Reading,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let list = arguments.iter().any(|argument| argument == "--list");
    let paths: Vec<PathBuf> = arguments.iter().filter(|argument| !argument.starts_with("--")).map(PathBuf::from).collect();
    if paths.is_empty() || list && paths.iter().any(|path| path.to_string_lossy().contains("frozen")) {
        eprintln!("usage: measure DIR... [--list]; --list is not for the frozen half");
        return ExitCode::from(2);
    }
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for file in proofbook_claims::document::find(&paths).files {
        if let Err(error) = measure(&file, list, &mut tallies) {
            eprintln!("{}: {error}", file.display());
            return ExitCode::from(2);
        }
    }
    print(&tallies);
    ExitCode::SUCCESS
}

fn measure(file: &Path, list: bool, tallies: &mut BTreeMap<String, Tally>) -> Result<(), Box<dyn std::error::Error>> {
    let labels: Vec<Label> = serde_saphyr::from_str(&std::fs::read_to_string(file.with_extension("labels.yaml"))?)?;
    let document = Document::read(&file.to_string_lossy(), std::fs::read(file)?);
    let mut reader = Reader::new();
    let printed: Vec<Printed> = document
        .statements
        .iter()
        .flat_map(|statement| reader.read(statement).into_iter().map(|reading| Printed { statement: statement.clone(), reading }))
        .filter(|printed| printed.reading.class.is_promise())
        .collect();
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let matched = pair(&labels, &printed);
    for (label, found) in labels.iter().zip(&matched).filter(|(label, _)| label.reported && !label.doubtful) {
        let kind = label.kind.map_or("none", Kind::as_str);
        let reading = found.map(|number| &printed[number].reading);
        // Several labels of one sentence may be told by one statement.
        let told = reading.is_some() || printed.iter().any(|printed| overlaps(label, printed));
        for tally in [kind, "all"] {
            let tally = tallies.entry(tally.to_owned()).or_default();
            tally.labelled += 1;
            tally.found += u32::from(told);
            tally.kinds += u32::from(reading.is_some_and(|reading| Some(reading.kind) == label.kind));
            if label.value.is_some() && told {
                tally.valued += 1;
                tally.values += u32::from(reading.is_some_and(|reading| same_value(label, reading)));
            }
        }
        if list {
            list_label(&name, &document, label, reading, told);
        }
    }
    for printed in &printed {
        let overlapping = || labels.iter().filter(|label| overlaps(label, printed));
        if printed.statement.text.ends_with(':') || overlapping().any(|label| label.doubtful) {
            continue;
        }
        let right = overlapping().any(|label| label.reported);
        for tally in [printed.reading.kind.as_str(), "all"] {
            let tally = tallies.entry(tally.to_owned()).or_default();
            tally.printed += 1;
            tally.right += u32::from(right);
        }
        if list && !right {
            let what = overlapping().next().map_or("unlabelled", |label| label.class.as_str());
            let reading = &printed.reading;
            println!("WRONG  {name}:{} {} {} {:?} is {what}", printed.statement.place.line, reading.class, reading.kind, reading.text);
        }
    }
    Ok(())
}

// One statement for each label: by value first, then by kind, then any.
fn pair(labels: &[Label], printed: &[Printed]) -> Vec<Option<usize>> {
    let mut taken = vec![false; printed.len()];
    let mut matched: Vec<Option<usize>> = vec![None; labels.len()];
    for round in 0..3 {
        for (at, label) in labels.iter().enumerate().filter(|(_, label)| label.reported) {
            if matched[at].is_some() {
                continue;
            }
            let fits = |(number, printed): &(usize, &Printed)| {
                let like = match round {
                    0 => label.value.is_some() && same_value(label, &printed.reading),
                    1 => label.kind == Some(printed.reading.kind),
                    _ => true,
                };
                !taken[*number] && overlaps(label, printed) && like
            };
            if let Some((number, _)) = printed.iter().enumerate().find(fits) {
                taken[number] = true;
                matched[at] = Some(number);
            }
        }
    }
    matched
}

fn list_label(name: &str, document: &Document, label: &Label, reading: Option<&Reading>, told: bool) {
    let kind = label.kind.map_or("none", Kind::as_str);
    let (line, text, expected) = (label.line, &label.text, label.value.as_deref().unwrap_or(""));
    match reading {
        None if told => println!("SHARED {name}:{line} {kind} {text:?} {expected}"),
        None => println!("MISSED {name}:{line} {kind} {text:?} {expected} as {}", classes(document, label)),
        Some(reading) => {
            let value = reading.value.as_ref().map_or("-", Promise::as_str);
            if label.value.is_some() && !same_value(label, reading) {
                println!("VALUE  {name}:{line} {kind} {text:?} {expected} read as {value} ({})", reading.kind);
            } else if Some(reading.kind) != label.kind {
                println!("KIND   {name}:{line} {kind} {text:?} read as {} ({})", reading.kind, reading.topic);
            }
            if label.value.is_none() && reading.value.is_some() {
                println!("EXTRA  {name}:{line} {kind} {text:?} read as {value}");
            }
        }
    }
}

fn classes(document: &Document, label: &Label) -> String {
    let mut reader = Reader::new();
    let mut out = Vec::new();
    for statement in &document.statements {
        if statement.place.line <= label.last_line() && statement.place.end_line >= label.line && related(&label.text, &statement.text) {
            out.extend(reader.read(statement).into_iter().map(|reading| format!("{} {:?}", reading.class, reading.text)));
        }
    }
    out.join(" | ")
}

fn overlaps(label: &Label, printed: &Printed) -> bool {
    let place = printed.statement.place;
    place.line <= label.last_line() && place.end_line >= label.line && related(&label.text, &printed.statement.text)
}

fn related(label: &str, text: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.replace(['*', '_', '\u{60}'], "").to_lowercase();
        kept.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (label, text) = (plain(label), plain(text));
    text.contains(&label) || label.contains(&text)
}

fn same_value(label: &Label, reading: &Reading) -> bool {
    let (Some(expected), Some(found)) = (&label.value, &reading.value) else { return false };
    expected == found.as_str() || Promise::new(expected).is_ok_and(|expected| expected.equals(found))
}

fn print(tallies: &BTreeMap<String, Tally>) {
    let share = |part: u32, whole: u32| if whole == 0 { "    -".to_owned() } else { format!("{:5.3}", f64::from(part) / f64::from(whole)) };
    println!("{:<22} {:>8} {:>6} {:>7} {:>9} {:>6} {:>6}", "kind", "labelled", "recall", "printed", "precision", "kinds", "values");
    for (kind, tally) in tallies {
        println!(
            "{kind:<22} {:>8} {:>6} {:>7} {:>9} {:>6} {:>6}",
            tally.labelled,
            share(tally.found, tally.labelled),
            tally.printed,
            share(tally.right, tally.printed),
            share(tally.kinds, tally.found),
            share(tally.values, tally.valued),
        );
    }
}
