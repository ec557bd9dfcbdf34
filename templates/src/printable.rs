//! Text that can be printed: what the fonts lack or nobody can see is written as its code point.
//!
//! PDF/A-3a forbids a character without a glyph, so one emoji in a message would cost the whole document. A guessed look-alike or
//! a box would hide what was read; `[U+1F600]` does not. Invisible characters and those that turn the direction of writing are
//! written the same way, since a reader must see what a name really holds.

use std::fmt::Write;

use serde_json::{Map, Value};
use typst::text::is_default_ignorable;

use crate::fonts;

/// The data with every text, keys included, made printable.
pub(crate) fn value(data: Value) -> Value {
    match data {
        Value::String(text) => Value::String(self::text(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(value).collect()),
        Value::Object(entries) => Value::Object(entries.into_iter().map(|(key, item)| (text(key), value(item))).collect::<Map<_, _>>()),
        other => other,
    }
}

fn text(text: String) -> String {
    if text.chars().all(is_printable) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_printable(c) {
            out.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "[U+{:04X}]", u32::from(c));
        }
    }
    out
}

fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' | '\n' | '\t' | '\u{a0}' => true,
        _ => !c.is_control() && !c.is_whitespace() && !is_default_ignorable(c) && !is_private(c) && fonts::has_glyph(c),
    }
}

// Characters without an agreed meaning, which PDF/A-3a does not take as text.
const fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_fonts_have_stays() {
        let kept = json!({"Größe": ["naïve façade", "Łódź", "Ελλάδα", "Київ", "“41 of 41” – ≥ 1.2 … → ×"]});
        assert_eq!(value(kept.clone()), kept);
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        let data = json!({"a\u{200b}b": "漢 \u{1f600} x\u{202e}y \u{7} \r\n \u{e000} \u{fe0f}"});
        let expected = json!({"a[U+200B]b": "[U+6F22] [U+1F600] x[U+202E]y [U+0007] [U+000D]\n [U+E000] [U+FE0F]"});
        assert_eq!(value(data), expected);
    }
}
