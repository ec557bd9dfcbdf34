//! Bytes and foreign text in a form that can be kept and printed.

use proofbook_checks::inventory::Reason;
use proofbook_checks::sensitive;
use proofbook_controls::yaml;
use serde_json::Value as Json;

use crate::observed::Unread;

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

/// A text of the other side as one short line without anything that looks like a credential.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    if !sensitive::detectors(&line).is_empty() {
        return "(a message that looks like it holds a credential)".to_owned();
    }
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A text of the other side as YAML. What the fault of one says may repeat the text, so only that there is a fault is told.
pub(crate) fn yaml(what: &str, text: &str) -> Result<Json, Unread> {
    yaml::parse::<Json>(what, text).map_err(|_| Unread::new(Reason::ParseError, format!("{what} is no YAML that can be read")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_becomes_one_short_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(one_line(&"x".repeat(10_000)).chars().count(), 501);
        assert!(!one_line("token ghp_0123456789abcdefghijklmnopqrstuvwxyzAB").contains("ghp_"));
    }

    #[test]
    fn bytes_become_pairs_of_digits() {
        assert_eq!(hex(&[0, 0x0f, 0xa5, 0xff]), "000fa5ff");
    }
}
