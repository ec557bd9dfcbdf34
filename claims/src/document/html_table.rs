//! Tables that are written as HTML: rows and cells with the places of their words.

use std::ops::Range;

/// A cell: its words, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HtmlCell {
    pub(crate) text: String,
    pub(crate) range: Range<usize>,
    pub(crate) heading: bool,
}

/// Reads the rows between `<table>` and `</table>`; `range` covers the whole in `source`.
pub(crate) fn rows(source: &str, range: Range<usize>) -> Vec<Vec<HtmlCell>> {
    let mut rows: Vec<Vec<HtmlCell>> = Vec::new();
    let mut cell: Option<HtmlCell> = None;
    let mut at = range.start;
    while at < range.end {
        let rest = &source[at..range.end];
        if let Some(tag) = rest.strip_prefix('<') {
            let Some(length) = tag.find('>') else { break };
            let name: String = tag[..length].trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            let closing = tag.starts_with('/');
            match name.to_ascii_lowercase().as_str() {
                "tr" => {
                    close(&mut cell, &mut rows);
                    if !closing {
                        rows.push(Vec::new());
                    }
                }
                "td" | "th" => {
                    close(&mut cell, &mut rows);
                    if !closing {
                        let from = at + length + 2;
                        cell = Some(HtmlCell { text: String::new(), range: from..from, heading: name.eq_ignore_ascii_case("th") });
                    }
                }
                _ => {
                    if let Some(cell) = &mut cell {
                        cell.text.push(' ');
                    }
                }
            }
            at += length + 2;
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            if let Some(cell) = &mut cell {
                let words = &rest[..length];
                if cell.text.trim().is_empty() {
                    cell.range.start = at + (words.len() - words.trim_start().len());
                }
                cell.text.push_str(&decode(words));
                if !words.trim().is_empty() {
                    cell.range.end = at + words.trim_end().len();
                }
            }
            at += length;
        }
    }
    close(&mut cell, &mut rows);
    rows.retain(|row| !row.is_empty());
    rows
}

fn close(cell: &mut Option<HtmlCell>, rows: &mut Vec<Vec<HtmlCell>>) {
    let Some(mut done) = cell.take() else { return };
    done.text = done.text.split_whitespace().collect::<Vec<_>>().join(" ");
    done.range.end = done.range.end.max(done.range.start);
    match rows.last_mut() {
        Some(row) => row.push(done),
        None => rows.push(vec![done]),
    }
}

/// Replaces the entities that are common in prose.
pub(crate) fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let known = [
        ("&nbsp;", "\u{a0}"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&le;", "≤"),
        ("&ge;", "≥"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&ndash;", "–"),
        ("&mdash;", "—"),
        ("&rsquo;", "’"),
        ("&hellip;", "…"),
        ("&amp;", "&"),
    ];
    known.into_iter().fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_know_their_words_and_places() {
        let source = "<table>\n<tr><th>Data</th><th>Kept</th></tr>\n<tr><td>Logs</td><td>\n <b>30</b> days &amp; more</td></table>";
        let rows = rows(source, 0..source.len());
        assert_eq!(rows.len(), 2);
        assert!(rows[0][1].heading);
        assert_eq!(rows[1][1].text, "30 days & more");
        assert_eq!(&source[rows[1][1].range.clone()], "30</b> days &amp; more");
    }
}
