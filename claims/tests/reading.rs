//! Whatever the text, reading ends, and every statement has a place in it.

use proofbook_claims::checking;
use proofbook_claims::document::Document;
use proofbook_claims::typing::Reader;
use proptest::prelude::*;

// Pieces of markup that meet badly.
const PIECES: &[&str] = &[
    "# ",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "> ",
    "> [!NOTE]\n",
    "```",
    "~~~",
    "`",
    "**",
    "|",
    "|--|\n",
    "<table>",
    "<tr><td>",
    "</td>",
    "</table>",
    "<Note title=\"a ?\">",
    "</Note>",
    "<details><summary>",
    "</summary>",
    "<!--",
    "-->",
    "<!-- claim: a -->",
    "<!-- proofbook-ignore -->",
    "{",
    "}",
    "{{",
    "import x from 'y'\n",
    "export const a = {\n",
    "---\n",
    "+++\n",
    ":::note\n",
    "!!! note\n",
    "    ",
    "\t",
    "\r\n",
    "\u{feff}",
    "[a](b)",
    "![a](b)",
    "&nbsp;",
    "\\",
    "Logs are kept for 30 days. ",
    "TLS 1.2 or higher",
    "AES-256",
    "数据。",
    "حماية ",
    "é\u{301}",
    "\u{1f}",
    "<",
    ">",
    "\"",
    "; ",
    "Yes.",
    "?",
    "14-30 days",
    "99.9 %",
    "every 6 h",
];

proptest! {
    #[test]
    fn markup_that_meets_badly_is_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60), mdx in any::<bool>()) {
        let text = pieces.concat();
        let lines = u32::try_from(text.split('\n').count()).unwrap();
        let document = Document::read(if mdx { "a.mdx" } else { "a.md" }, text.into_bytes());
        let mut reader = Reader::new();
        for statement in &document.statements {
            prop_assert!(!statement.text.is_empty());
            prop_assert!(statement.place.line >= 1 && statement.place.end_line <= lines && statement.place.line <= statement.place.end_line);
            prop_assert!(statement.place.column >= 1 && statement.place.end_column >= 1);
            prop_assert!(!reader.read(statement).is_empty());
        }
        let _ = checking::promises(&document, &mut reader);
    }

    #[test]
    fn bytes_of_any_kind_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let document = Document::read("a.md", bytes);
        let mut reader = Reader::new();
        for statement in &document.statements {
            let _ = reader.read(statement);
        }
    }
}

#[test]
fn statements_know_what_stands_above_and_beside_them() {
    let text = "# Security\n\n## Where is data stored?\n\nIn Germany.\n\n| Data | Kept |\n|---|---|\n| Logs | 30 days |\n\nEncrypted with AES-256:\n\n- databases\n- backups\n";
    let document = Document::read("a.md", text.as_bytes().to_vec());
    let mut reader = Reader::new();
    let read: Vec<(u32, String, String)> = document
        .statements
        .iter()
        .flat_map(|statement| reader.read(statement).into_iter().map(|reading| (statement.place.line, reading)))
        .filter(|(_, reading)| reading.class.is_promise() && !reading.text.ends_with(':'))
        .map(|(line, reading)| (line, reading.kind.to_string(), reading.value.map(|value| value.to_string()).unwrap_or_default()))
        .collect();
    let expected = [(5, "residency", "DE"), (9, "retention", "30d"), (13, "algorithm", "aes-256"), (14, "algorithm", "aes-256")];
    assert_eq!(read, expected.map(|(line, kind, value)| (line, kind.to_owned(), value.to_owned())));
}
