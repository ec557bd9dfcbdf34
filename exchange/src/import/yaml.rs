//! Writing a framework as YAML: one line a requirement where it fits, plain words where YAML reads them as words.

use std::fmt::Write as _;

use super::framework::{Imported, OSCAL_ID, Row};

/// A line of a requirement is at most this long; longer ones are written key by key.
const WIDTH: usize = 140;

/// The file.
pub(super) fn write(framework: &Imported) -> String {
    let mut out = String::from("# yaml-language-server: $schema=../../schemas/framework.schema.json\n");
    let files = framework.files.join(", ");
    let _ = writeln!(out, "# Made by `proofbook import` from {files}. Importing again replaces this file.");
    for (key, value) in [
        ("id", &framework.id),
        ("title", &framework.title),
        ("short_title", &framework.short_title),
        ("publisher", &framework.publisher),
        ("edition", &framework.edition),
        ("source", &framework.source),
        ("licence", &framework.licence),
    ] {
        let _ = writeln!(out, "{key}: {}", scalar(value));
    }
    out.push_str("groups:\n");
    for (id, title) in &framework.groups {
        let _ = writeln!(out, "  - {{id: {}, title: {}}}", scalar(id), scalar(title));
    }
    if framework.rows.iter().any(|row| row.oscal_id.is_some()) {
        let _ = writeln!(out, "columns:\n  {OSCAL_ID}: Id of the control in the catalog");
    }
    out.push_str("requirements:\n");
    framework.rows.iter().for_each(|row| out.push_str(&requirement(row)));
    out
}

fn requirement(row: &Row) -> String {
    let into: Vec<String> = row.withdrawn_into.iter().map(|id| scalar(id)).collect();
    let fields = [
        ("id", Some(scalar(&row.id))),
        ("group", Some(scalar(&row.group))),
        ("title", Some(scalar(&row.title))),
        ("summary", Some(scalar(&row.summary)).filter(|_| !row.summary.is_empty())),
        ("withdrawn", row.withdrawn.then(|| "true".to_owned())),
        ("withdrawn_into", Some(format!("[{}]", into.join(", "))).filter(|_| !into.is_empty())),
        ("attributes", row.oscal_id.as_ref().map(|id| format!("{{{OSCAL_ID}: {}}}", scalar(id)))),
    ];
    let fields: Vec<String> = fields.into_iter().filter_map(|(key, value)| Some(format!("{key}: {}", value?))).collect();
    let line = format!("  - {{{}}}\n", fields.join(", "));
    if line.chars().count() <= WIDTH { line } else { format!("  - {}\n", fields.join("\n    ")) }
}

// A text as YAML reads it back. Only what can be nothing but words stands without quotes.
fn scalar(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || " ().-_/".contains(c);
    let named = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with(' ') && text.chars().all(word) && !named {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // What YAML does not count as printable.
            '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        for text in [
            "AC-2(1)",
            "plain words",
            "a: b",
            "a # b",
            "[x]",
            "{x}",
            "- x",
            "'q'",
            "\"q\"",
            "back\\slash",
            "1.10",
            "0x1F",
            "1e5",
            "true",
            "No",
            "null",
            "~",
            "",
            " blank ",
            "a,b",
            "2026-01-01",
            "é Ü 漢",
            "\u{85}\u{feff}\u{2028}\u{7f}",
            "😀",
            "a%b",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "@",
            "`",
            "AC-1 & AC-2",
            "x:",
            "a?",
            "?",
            "=",
            "<<",
            "inf",
            ".inf",
            "NaN",
        ] {
            let yaml = format!("flow: {{a: {0}, b: [{0}]}}\nblock: {0}\n", scalar(text));
            let back: serde_json::Value =
                proofbook_controls::yaml::parse("a.yaml", &yaml).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            for value in [&back["flow"]["a"], &back["flow"]["b"][0], &back["block"]] {
                assert_eq!(value.as_str(), Some(text), "{yaml}");
            }
        }
    }
}
