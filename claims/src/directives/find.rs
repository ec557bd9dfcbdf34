//! Where directives stand: between two pairs of braces, outside of code.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

/// A directive, or braces that are none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'t> {
    /// The bytes that are replaced.
    pub(super) range: Range<usize>,
    /// The words between the braces; none where the braces were escaped.
    pub(super) words: Vec<&'t str>,
    /// Whether it is `\{{`: braces that shall stay.
    pub(super) escaped: bool,
}

/// The directives of a text, in their order. Braces that do not close on their line are text.
pub(super) fn find(text: &str) -> Vec<Found<'_>> {
    if !text.contains("{{") {
        return Vec::new();
    }
    let code = code(text);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|offset| at + offset) {
        let inside = code.partition_point(|range| range.end <= open);
        if let Some(range) = code.get(inside).filter(|range| range.start <= open) {
            at = range.end.max(open + 2);
            continue;
        }
        if text[..open].ends_with('\\') {
            found.push(Found { range: open - 1..open + 2, words: Vec::new(), escaped: true });
            at = open + 2;
            continue;
        }
        let line = text[open..].find('\n').map_or(text.len(), |offset| open + offset);
        let Some(close) = text[open..line].find("}}").map(|offset| open + offset) else {
            at = open + 2;
            continue;
        };
        let words: Vec<&str> = text[open + 2..close].split_whitespace().collect();
        // `{{#include x}}` and the like are mdBook's own, and style={{…}} is JSX.
        if words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.contains(':')) {
            found.push(Found { range: open..close + 2, words, escaped: false });
        }
        at = close + 2;
    }
    found
}

// The ranges of code, in order: what stands in them is shown and not meant.
fn code(text: &str) -> Vec<Range<usize>> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS).into_offset_iter();
    let code = events.filter(|(event, _)| matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(_))));
    let mut ranges: Vec<Range<usize>> = code.map(|(_, range)| range).collect();
    ranges.sort_by_key(|range| range.start);
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        find(text).into_iter().map(|found| if found.escaped { "\\".to_owned() } else { found.words.join(" ") }).collect()
    }

    #[test]
    fn directives_stand_in_prose_tables_and_lists() {
        let text = "# {{status iso27001}}\n\nTLS {{ value tls-min-version.floor }} or newer.\n\n| a | {{claim x}} |\n|---|---|\n| {{value a.b}} | c |\n\n- {{matrix}}\n";
        assert_eq!(words(text), ["status iso27001", "value tls-min-version.floor", "claim x", "value a.b", "matrix"]);
    }

    #[test]
    fn code_is_left_alone_and_braces_can_be_escaped() {
        let text = "`{{claim a}}` \\{{claim b}} {{claim c}}\n\n```\n{{claim d}}\n```\n\n    {{claim e}}\n";
        assert_eq!(words(text), ["\\", "claim c"]);
    }

    #[test]
    fn what_belongs_to_others_is_left_to_them() {
        assert!(words("{{#include a.md}} <div style={{color: 'red'}}> {{ }} {{claim\nx}} {{").is_empty());
    }
}
