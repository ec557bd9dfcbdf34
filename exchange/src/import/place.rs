//! Where in a JSON text a value stands.

use std::collections::BTreeMap;

use proofbook_controls::diagnostic::Span;
use serde_json::value::RawValue;

/// The place of the value at a JSON pointer.
pub(super) fn locate(text: &str, pointer: &str) -> Option<Span> {
    let mut value: &RawValue = serde_json::from_str(text).ok()?;
    for token in pointer.split('/').skip(1) {
        value = match value.get().as_bytes().first()? {
            b'{' => serde_json::from_str::<BTreeMap<String, &RawValue>>(value.get()).ok()?.remove(token)?,
            b'[' => serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?.get(token.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    // A raw value is a piece of the text.
    let offset = value.get().as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let first_line = value.get().lines().next().unwrap_or_default();
    Some(span(text, offset, first_line.chars().count()))
}

/// The place of so many characters from an offset in bytes.
pub(super) fn span(text: &str, offset: usize, length: usize) -> Span {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let column = number(before[line_start..].chars().count() + 1);
    let line = number(before.matches('\n').count() + 1);
    Span { line, column, end_column: column.saturating_add(number(length.clamp(1, 200))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_the_line_and_column() {
        let text = "\n {\"a\": [{\"ü\": 1},\n   {\"b\": \"x\"}], \"c\": null}";
        let at = |pointer: &str| locate(text, pointer).map(|span| (span.line, span.column, span.end_column));
        assert_eq!(at(""), Some((2, 2, 18)));
        assert_eq!(at("/a/0/ü"), Some((2, 15, 16)));
        assert_eq!(at("/a/1/b"), Some((3, 10, 13)));
        assert_eq!(at("/c"), Some((3, 22, 26)));
        for none in ["/d", "/a/2", "/a/x", "/c/0"] {
            assert_eq!(at(none), None, "{none}");
        }
    }
}
