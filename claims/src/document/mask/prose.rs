//! Between the fences: code within a line, comments and expressions. Tags are read by `elements`.

use std::ops::Range;

use super::super::source::floor;
use super::{MAX_OPEN, MAX_TAG, Masker};

impl Masker<'_> {
    // Tags, comments and expressions between the fences.
    pub(super) fn prose(&mut self, range: Range<usize>) {
        let bytes = self.source.as_bytes();
        let mut at = range.start;
        while at < range.end {
            match bytes[at] {
                b'`' => at = self.inline_code(at, range.end),
                b'\\' => at += 2,
                b'<' => at = self.angle(at, range.end),
                b'{' => at = self.brace(at, range.end),
                _ => at += 1,
            }
        }
    }

    fn inline_code(&self, at: usize, end: usize) -> usize {
        let bytes = &self.source.as_bytes()[..end];
        let run = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
        let mut next = at + run;
        let mut line_empty = false;
        while next < end {
            match bytes[next] {
                b'`' => {
                    let closing = bytes[next..].iter().take_while(|byte| **byte == b'`').count();
                    next += closing;
                    if closing == run {
                        return next;
                    }
                }
                // Code within a line does not go over an empty one.
                b'\n' if line_empty => break,
                b'\n' => {
                    line_empty = true;
                    next += 1;
                }
                byte => {
                    line_empty &= byte.is_ascii_whitespace();
                    next += 1;
                }
            }
        }
        at + run
    }

    // Expressions of MDX; heading ids, attribute lists and tags of templates elsewhere.
    fn brace(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.source[at..end];
        let template = ["{#", "{:", "{%", "{/*", "{.", "{=", "{{<", "{{%", "{{/*"].iter().any(|start| rest.starts_with(start));
        if !self.mdx && !template || self.unclosed > MAX_OPEN {
            return at + 1;
        }
        if let Some(length) = comment_length(rest) {
            let words = at + 3..at + rest[..length].rfind("*/").unwrap_or(3);
            return self.comment(at..at + length, words);
        }
        let Some(length) = balanced(rest) else {
            self.unclosed += 1;
            if self.mdx && self.unclosed == 1 {
                self.found.passed.push((at..at + 1, "the expression is never closed; it is read as text"));
            }
            return at + 1;
        };
        // A text in braces is shown as it is: {" "} or {'text'}.
        let inner = rest[1..length - 1].trim();
        let quoted = inner.len() > 2
            && ["\"", "'", "`"].iter().any(|sign| inner.starts_with(sign) && inner.ends_with(sign))
            && !inner.contains("${");
        if self.mdx && quoted && inner[1..inner.len() - 1].trim().contains(' ') {
            let text_start = at + rest.find(inner).unwrap_or(1) + 1;
            let text_end = text_start + inner.len() - 2;
            self.blank(at..text_start);
            self.blank(text_end..at + length);
            return at + length;
        }
        self.blank(at..at + length);
        at + length
    }

    // A comment vanishes and its words are kept: anchors and suppressions are among them.
    pub(super) fn comment(&mut self, range: Range<usize>, words: Range<usize>) -> usize {
        self.found.comments.push(words);
        self.blank(range.clone());
        range.end
    }
}

// The length of an expression that is a comment alone, `{/* ... */}`. Braces within it end nothing.
fn comment_length(text: &str) -> Option<usize> {
    let text = &text[..floor(text, MAX_TAG * 4)];
    let words = text.strip_prefix("{/*")?;
    let end = words.find("*/")?;
    let after = words[end + 2..].trim_start().strip_prefix('}')?;
    Some(text.len() - after.len())
}

// The length of a text in braces.
pub(super) fn balanced(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().take(MAX_TAG * 4) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::mask;

    #[test]
    fn a_comment_of_mdx_ends_at_its_own_sign() {
        for (source, words, rest) in [
            ("a {/* claim: x */} b", Some(" claim: x "), "ab"),
            ("a {/* one } two {*/} b", Some(" one } two {"), "ab"),
            ("a {/* one */ } b", Some(" one "), "ab"),
            ("a {/**/} b", Some(""), "ab"),
            // No comment, for it never ends: an expression, whatever stands before its brace.
            ("We use {/*\u{e9}x} TLS 1.2.", None, "WeuseTLS1.2."),
            ("a {/*/} b", None, "ab"),
            ("a {/* one */ two} b", None, "ab"),
        ] {
            for mdx in [true, false] {
                let masked = mask(source, mdx);
                let found: Vec<&str> = masked.comments.iter().map(|range| &source[range.clone()]).collect();
                assert_eq!(found, words.into_iter().collect::<Vec<_>>(), "{source}");
                assert_eq!(masked.text.split_whitespace().collect::<String>(), rest, "{source}");
            }
        }
    }
}
