//! How text becomes part of a page: escaping that holds in Markdown and HTML alike, and the few texts that get a form.
//!
//! Whatever comes from the views is written as character references wherever a character could mean something, line
//! breaks included. A reference never starts Markdown structure and is plain text in HTML, so that the text comes out as
//! it was written.

use std::io::{self, Write};

use jiff::Timestamp;

/// Writes `text` so that neither Markdown nor HTML finds anything in it.
pub(crate) fn escape(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || b" ,:;/".contains(&byte) || !byte.is_ascii() {
            continue;
        }
        out.write_all(&text.as_bytes()[plain..at])?;
        plain = at + 1;
        match byte {
            b'\n' | b'\t' => write!(out, "&#{byte};")?,
            b'\r' => {}
            // A reference to a control character is none in HTML; the sign for it says that something was there.
            0..32 | 127 => out.write_all("\u{fffd}".as_bytes())?,
            _ => write!(out, "&#{byte};")?,
        }
    }
    out.write_all(&text.as_bytes()[plain..])
}

/// The same as text.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    escape(text, &mut out).expect("writing to memory does not fail");
    String::from_utf8(out).expect("references are ASCII, and the rest was text")
}

/// Prose of the library: what stands between two backticks is code.
pub(crate) fn prose(text: &str) -> String {
    let mut parts = text.split('`');
    let mut out = escaped(parts.next().unwrap_or_default());
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(after) => {
                out.extend(["<code>", &escaped(code), "</code>", &escaped(after)]);
            }
            None => out.push_str(&escaped(&format!("`{code}"))),
        }
    }
    out
}

/// A rule in YAML, with its keys and comments marked.
pub(crate) fn rule(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.trim_end().lines() {
        let start = line.len() - line.trim_start_matches([' ', '-']).len();
        let (indent, rest) = line.split_at(start);
        let key = rest.find(':').filter(|&end| {
            rest[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
                && matches!(rest.as_bytes().get(end + 1), None | Some(b' '))
        });
        out.push_str(&escaped(indent));
        match key {
            _ if rest.starts_with('#') => out.extend(["<i>", &escaped(rest), "</i>"]),
            Some(end) if end > 0 => out.extend(["<b>", &escaped(&rest[..end]), "</b>", &escaped(&rest[end..])]),
            _ => out.push_str(&escaped(rest)),
        }
        out.push_str("&#10;");
    }
    out
}

/// A time as readers write it, with the exact one for machines.
pub(crate) fn time(text: &str) -> Result<String, jiff::Error> {
    let at: Timestamp = text.parse()?;
    Ok(format!("<time datetime=\"{at}\">{}</time>", at.strftime("%Y-%m-%d %H:%M UTC")))
}

/// A mail address or page as a link, and anything else as text.
pub(crate) fn contact(text: &str) -> String {
    let shown = escaped(text);
    let one_word = !text.contains(char::is_whitespace);
    if one_word && (text.starts_with("https://") || text.starts_with("http://")) {
        format!("<a href=\"{shown}\">{shown}</a>")
    } else if one_word && text.contains('@') && !text.contains(':') {
        format!("<a href=\"mailto:{shown}\">{shown}</a>")
    } else {
        shown
    }
}

/// A rendered page without what Markdown could read into its layout: no indented line is code, and no empty line ends a
/// block of HTML.
pub(crate) fn flatten(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut gap = false;
    for line in page.lines().map(str::trim) {
        if line.is_empty() {
            gap = true;
            continue;
        }
        if gap && !line.starts_with('<') {
            out.push('\n');
        }
        gap = false;
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// What a reader sees of a line that was written by a template: without tags, and with references as characters.
pub(crate) fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        let (inside, after) = if rest[at..].starts_with('<') {
            rest[at..].split_once('>').unwrap_or((&rest[at..], ""))
        } else {
            rest[at..].split_once(';').unwrap_or((&rest[at..], ""))
        };
        let code = inside.strip_prefix("&#").and_then(|digits| digits.parse().ok()).and_then(char::from_u32);
        out.extend(code);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_stands_for_whatever_could_mean_something() {
        assert_eq!(escaped("a|b *c* <d> `e` # {f}\n- g"), "a&#124;b &#42;c&#42; &#60;d&#62; &#96;e&#96; &#35; &#123;f&#125;&#10;&#45; g");
        assert_eq!(escaped("prüfer, 12:30; a/b"), "prüfer, 12:30; a/b");
        assert_eq!(escaped("a\r\nb\u{1}"), "a&#10;b\u{fffd}");
    }

    #[test]
    fn backticks_in_pairs_are_code() {
        assert_eq!(prose("set `a<b` to `c"), "set <code>a&#60;b</code> to &#96;c");
        assert_eq!(prose("plain"), "plain");
    }

    #[test]
    fn keys_and_comments_of_a_rule_are_marked() {
        assert_eq!(
            rule("# why\nid: a\nlet:\n  - {x: 1}\n"),
            "<i>&#35; why</i>&#10;<b>id</b>: a&#10;<b>let</b>:&#10;  &#45; &#123;x: 1&#125;&#10;"
        );
        assert_eq!(rule("a b: c"), "a b: c&#10;");
    }

    #[test]
    fn a_contact_is_a_link_only_where_it_leads_to_mail_or_web() {
        assert_eq!(contact("a@b.example"), "<a href=\"mailto:a&#64;b&#46;example\">a&#64;b&#46;example</a>");
        assert!(contact("https://a.example/x").starts_with("<a href=\"https://a&#46;example/x\">"));
        assert_eq!(contact("javascript:alert(1)"), "javascript:alert&#40;1&#41;");
        assert_eq!(contact("javascript:a@b"), "javascript:a&#64;b");
    }

    #[test]
    fn layout_says_nothing_to_markdown() {
        assert_eq!(flatten("# a\n\n\n    <div>\n\n        <p>b</p>\n\n  c\n"), "# a\n<div>\n<p>b</p>\n\nc\n");
    }
}
