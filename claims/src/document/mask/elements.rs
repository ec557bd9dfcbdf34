//! Tags in their place: which of them open and close, what they say in titles and attributes, and the tables of HTML.

use super::super::html_table::decode;
use super::tag::Tag;
use super::{MAX_OPEN, MAX_TAG, Masker, Title};

impl Masker<'_> {
    pub(super) fn angle(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.source[at..end];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let Some(length) = comment.find("-->") else {
                self.found.passed.push((at..at + 4, "the comment is never closed; all below it is passed over"));
                self.blank(at..end);
                return end;
            };
            return self.comment(at..at + 4 + length + 3, at + 4..at + 4 + length);
        }
        let Some(tag) = Tag::read(self.source, at, end) else { return at + 1 };
        let lower = tag.name.to_ascii_lowercase();
        let after = tag.range.end;
        if tag.closing {
            if let Some(depth) = self.open.iter().rposition(|(name, ..)| *name == tag.name) {
                for (_, start, title) in self.open.drain(depth..) {
                    self.found.within.push(start..at);
                    if let Some(title) = title {
                        self.found.titles[title].until = Some(at);
                    }
                }
            }
            self.blank_tag(&tag, &lower);
            return after;
        }
        match lower.as_str() {
            "script" | "style" | "pre" | "svg" | "math" | "iframe" | "textarea" if !tag.self_closing => {
                let stop = self.closing(&lower, after, end).unwrap_or(after);
                let stop = self.source[stop..end].find('>').map_or(stop, |length| stop + length + 1);
                self.blank(at..if stop > after { stop } else { after });
                return stop.max(after);
            }
            "table" => {
                if let Some(stop) = self.closing("table", after, end) {
                    let stop = self.source[stop..end].find('>').map_or(end, |length| stop + length + 1);
                    self.found.tables.push(at..stop);
                    self.blank(at..stop);
                    return stop;
                }
                self.found.passed.push((at..after, "the table is never closed; its cells are read as text"));
                self.blank(at..after);
                return after;
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "summary" | "dt" | "legend" if !tag.self_closing => {
                if let Some(stop) = self.closing(&lower, after, end).filter(|stop| stop - after < MAX_TAG) {
                    let text = words(&self.source[after..stop]);
                    let level = lower.strip_prefix('h').and_then(|level| level.parse().ok()).unwrap_or(7);
                    let stop_after = self.source[stop..end].find('>').map_or(end, |length| stop + length + 1);
                    self.blank(at..stop_after);
                    if !text.is_empty() {
                        let start = after + self.source[after..stop].find(|c: char| !c.is_whitespace()).unwrap_or(0);
                        self.found.titles.push(Title { at, range: start..stop, until: None, level, text });
                        // It holds within the tag around it.
                        if let (7, Some((.., title))) = (level, self.open.last_mut()) {
                            title.get_or_insert(self.found.titles.len() - 1);
                        }
                    }
                    return stop_after;
                }
            }
            _ => {}
        }
        let title = self.attributes(&tag);
        if !tag.self_closing && !is_void(&lower) && self.open.len() < MAX_OPEN {
            self.open.push((tag.name.clone(), after, title));
        }
        self.blank_tag(&tag, &lower);
        after
    }

    // Where the closing tag of a name begins.
    fn closing(&mut self, name: &str, after: usize, end: usize) -> Option<usize> {
        if self.absent.iter().any(|absent| absent == name) {
            return None;
        }
        let found = find_ignoring_case(&self.source[after..end], &format!("</{name}")).map(|length| after + length);
        if found.is_none() && end == self.source.len() {
            self.absent.push(name.to_owned());
        }
        found
    }

    fn blank_tag(&mut self, tag: &Tag, lower: &str) {
        if is_inline(lower) && lower != "br" && !tag.name.starts_with(|c: char| c.is_ascii_uppercase()) {
            self.blank(tag.range.clone());
        } else {
            self.blank_block(tag.range.clone());
        }
    }

    // Titles and words in attributes.
    fn attributes(&mut self, tag: &Tag) -> Option<usize> {
        let mut title = None;
        let component = tag.name.starts_with(|c: char| c.is_ascii_uppercase());
        for (name, value) in &tag.attributes {
            let text = decode(&self.source[value.clone()]);
            match name.to_ascii_lowercase().as_str() {
                "title" | "question" | "heading" | "header" | "summary" if component => {
                    let until = tag.self_closing.then_some(tag.range.end);
                    self.found.titles.push(Title { at: tag.range.start, range: value.clone(), until, level: 7, text });
                    title = Some(self.found.titles.len() - 1);
                }
                "label" if component && text.contains(' ') => {
                    self.found.titles.push(Title {
                        at: tag.range.start,
                        range: value.clone(),
                        until: tag.self_closing.then_some(tag.range.end),
                        level: 7,
                        text,
                    });
                    title = Some(self.found.titles.len() - 1);
                }
                "description" | "answer" | "text" | "content" | "body" if component && text.contains(' ') => {
                    self.found.words.push((value.clone(), text));
                }
                _ => {}
            }
        }
        title
    }
}

fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    let (text, needle) = (text.as_bytes(), needle.as_bytes());
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == b'<') {
        let at = from + at;
        if text[at..].len() >= needle.len() && text[at..at + needle.len()].eq_ignore_ascii_case(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

// The words of a piece of HTML.
fn words(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        out.push(' ');
        rest = rest[at..].find('>').map_or("", |length| &rest[at + length + 1..]);
    }
    out.push_str(rest);
    let plain: String = out.chars().filter(|c| !matches!(c, '*' | '`')).collect();
    decode(&plain).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "input" | "meta" | "link" | "wbr" | "source" | "col")
}

fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "br"
            | "cite"
            | "code"
            | "del"
            | "em"
            | "font"
            | "i"
            | "img"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "q"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "u"
            | "var"
            | "wbr"
    )
}

#[cfg(test)]
mod tests {
    use super::super::mask;

    #[test]
    fn tags_vanish_and_their_words_stay_in_place() {
        let source = "---\ntitle: x\n---\n<Note>\nAll *data* <b>is</b> safe, a < b.\n</Note>\n\n`<T>` stays {x}\n";
        let masked = mask(source, true);
        assert_eq!(masked.text.len(), source.len());
        assert_eq!(masked.text.find("All *data*"), source.find("All *data*"));
        assert!(masked.text.contains("`<T>`") && masked.text.contains("a < b"));
        assert!(!masked.text.contains("Note") && !masked.text.contains("{x}") && !masked.text.contains("title"));
        assert!(mask("Set {x} here", false).text.contains("{x}"));
    }

    #[test]
    fn titles_of_tags_are_headings() {
        let masked =
            mask("<Accordion title=\"Is it safe?\">Yes.</Accordion>\n<details><summary>Why <b>so</b>?</summary>Because.</details>", true);
        let titles: Vec<&str> = masked.titles.iter().map(|title| title.text.as_str()).collect();
        assert_eq!(titles, ["Is it safe?", "Why so ?"]);
        assert!(masked.titles.iter().all(|title| title.until.is_some()));
    }

    #[test]
    fn a_comment_that_is_never_closed_is_told() {
        assert_eq!(mask("a <!-- never closed\n\ntext", false).passed.len(), 1);
    }
}
