//! What the tests share: a sample of what is printed, and the programs that look at a PDF from outside.

use std::io::Write as _;
use std::process::Command;

use proofbook_documents::{Document, DocumentError, Rendered, Templates};
use serde_json::Value;

/// A publication of invented facts with every verdict in it.
pub(crate) fn sample() -> Value {
    serde_json::from_str(include_str!("../data/publication.json")).unwrap()
}

/// An embedded document.
pub(crate) fn document(id: &str) -> Document {
    of(&Templates::embedded(), id)
}

/// A document of some templates.
pub(crate) fn of(templates: &Templates, id: &str) -> Document {
    templates.documents().unwrap().into_iter().find(|document| document.id() == id).unwrap()
}

/// An embedded document, set from some data.
pub(crate) fn render(id: &str, data: &Value) -> Result<Rendered, DocumentError> {
    document(id).render(data, &[])
}

/// What a program says of a PDF, and whether it is content; none, and a line that says so, where the program is not installed.
pub(crate) fn look(program: &str, before: &[&str], pdf: &[u8], after: &[&str]) -> Option<(bool, String)> {
    if Command::new(program).arg("--version").output().is_err() {
        // Written past the test harness, which keeps quiet about tests that pass.
        let mut stderr = std::io::stderr().lock();
        writeln!(stderr, "skipped: {program}").unwrap();
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("document.pdf");
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new(program).args(before).arg(&file).args(after).output().unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The text of each page with single spaces.
pub(crate) fn pages(pdf: &[u8]) -> Option<Vec<String>> {
    let (fine, text) = look("pdftotext", &[], pdf, &["-"])?;
    assert!(fine);
    Some(text.trim_end_matches('\u{c}').split('\u{c}').map(|page| page.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
}

/// The text without any space, for what a line may break.
pub(crate) fn run_on(pages: &[String]) -> String {
    pages.concat().split_whitespace().collect()
}
