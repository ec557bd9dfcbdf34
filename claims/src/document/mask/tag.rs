//! One tag of HTML or JSX, with its attributes.

use std::ops::Range;

use super::super::source::floor;
use super::MAX_TAG;
use super::prose::balanced;

// What a tag says.
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) range: Range<usize>,
    pub(super) closing: bool,
    pub(super) self_closing: bool,
    // Names with the places of their texts.
    pub(super) attributes: Vec<(String, Range<usize>)>,
}

impl Tag {
    // Reads the tag that begins at an angle; none, where it only looks like one.
    pub(super) fn read(source: &str, at: usize, end: usize) -> Option<Self> {
        let limit = floor(source, end.min(at + MAX_TAG));
        let bytes = &source.as_bytes()[..limit];
        let mut next = at + 1;
        let closing = bytes.get(next) == Some(&b'/');
        next += usize::from(closing);
        let name_start = next;
        while bytes.get(next).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')) {
            next += 1;
        }
        let name = source[name_start..next].to_owned();
        // `<>` and `</>` are tags of JSX.
        let fragment = name.is_empty() && bytes.get(next) == Some(&b'>');
        if !fragment && !name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.ends_with(':') {
            return None;
        }
        let mut attributes = Vec::new();
        let mut self_closing = false;
        loop {
            match *bytes.get(next)? {
                b'>' => {
                    return Some(Self { name, range: at..next + 1, closing, self_closing, attributes });
                }
                b'/' => {
                    self_closing = true;
                    next += 1;
                }
                byte if byte.is_ascii_whitespace() => {
                    // An empty line ends what looked like a tag.
                    if byte == b'\n' && source[next + 1..limit].split('\n').next().is_some_and(|line| line.trim().is_empty()) && !closing {
                        let blank_then_text = source[next + 1..limit].trim_start().starts_with(|c: char| c.is_alphanumeric());
                        if blank_then_text && attributes.is_empty() {
                            return None;
                        }
                    }
                    next += 1;
                }
                b'<' => return None,
                b'{' => next += balanced(&source[next..limit])?,
                b'"' | b'\'' => next = quoted(bytes, next)?,
                _ => {
                    self_closing = false;
                    let start = next;
                    while bytes
                        .get(next)
                        .is_some_and(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'>' | b'/' | b'"' | b'\'' | b'{' | b'<'))
                    {
                        next += 1;
                    }
                    if next == start {
                        // A lone sign, such as `=` in `a <b = c`: no tag.
                        return None;
                    }
                    let attribute = source[start..next].to_owned();
                    if bytes.get(next) == Some(&b'=') {
                        next += 1;
                        match *bytes.get(next)? {
                            b'"' | b'\'' => {
                                let stop = quoted(bytes, next)?;
                                attributes.push((attribute, next + 1..stop - 1));
                                next = stop;
                            }
                            b'{' => {
                                let length = balanced(&source[next..limit])?;
                                let inner = source[next + 1..next + length - 1].trim();
                                if inner.len() > 2 && inner.starts_with(['"', '\'', '`']) && inner.ends_with(['"', '\'', '`']) {
                                    let from = next + source[next..next + length].find(inner)? + 1;
                                    attributes.push((attribute, from..from + inner.len() - 2));
                                }
                                next += length;
                            }
                            _ => {
                                while bytes.get(next).is_some_and(|byte| !byte.is_ascii_whitespace() && *byte != b'>') {
                                    next += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let sign = bytes[at];
    bytes[at + 1..].iter().position(|byte| *byte == sign).map(|length| at + 1 + length + 1)
}
