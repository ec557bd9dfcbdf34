//! Files that people write, damaged anyhow: each is read or refused with its place, and never breaks the program.

#[path = "../../tests/support/changes.rs"]
mod changes;

use proofbook_checks::compile::Check;
use proofbook_controls::files::Files;
use proofbook_controls::{Control, Framework, yaml};
use proptest::prelude::*;
use proptest::sample::Index;

use changes::{changed, changes, config};

/// Short files of every kind: they are read often.
fn samples() -> Vec<(String, String)> {
    let files: Files = proofbook_checks::Catalog::embedded_files();
    let short = |folder: &str, most: usize| {
        let of_folder = files.under(folder).filter(|(path, text)| !path.ends_with(".test.yaml") && text.len() < most);
        of_folder.take(8).map(|(path, text)| (path.to_owned(), text.to_owned())).collect::<Vec<_>>()
    };
    [short("checks/library", 3000), short("controls/library", 3000), short("controls/frameworks", 20_000)].concat()
}

fn read_all(text: &str) {
    if let Err(errors) = Check::parse("file.yaml", text) {
        assert!(!errors.0.is_empty());
        for error in &errors.0 {
            assert!(!error.message.is_empty(), "{text:?}");
        }
    }
    let told = [yaml::parse::<Control>("file.yaml", text).err(), yaml::parse::<Framework>("file.yaml", text).err()];
    for error in told.into_iter().flatten() {
        let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        if let Some(span) = error.span {
            assert!(span.line >= 1 && span.line <= lines.max(1) + 1, "{error:?}: {text:?}");
        }
    }
}

#[test]
fn damaged_files_are_read_or_refused_with_their_place() {
    let samples = samples();
    assert!(samples.len() >= 16, "{}", samples.len());
    proptest!(config(400), |(sample in any::<Index>(), changes in changes())| {
        let (_, text) = &samples[sample.index(samples.len())];
        read_all(&String::from_utf8_lossy(&changed(text.as_bytes(), &changes)));
    });
}

#[test]
fn text_without_form_is_refused() {
    proptest!(config(300), |(text in "[ -~\\n]{0,200}")| read_all(&text));
    proptest!(config(300), |(text in "\\PC{0,100}")| read_all(&text));
}
