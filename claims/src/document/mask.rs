//! Prepares a document for the Markdown parser: what is not Markdown is replaced by spaces of the same length, so that every
//! offset stays, and what it says is kept beside.
//!
//! Front matter, statements and expressions of MDX, tags of HTML and JSX, comments, and the fences of admonitions (Docusaurus,
//! MkDocs, VitePress) vanish; the words within tags stay. Code is left alone.

use std::ops::Range;

use super::html_table::decode;
use super::sentences::BREAK;
use super::source::floor;

/// A document that the parser can read.
#[derive(Debug, Default)]
pub(crate) struct Masked {
    /// The text, as long as the source.
    pub(crate) text: String,
    /// Titles that stand in tags.
    pub(crate) titles: Vec<Title>,
    /// Words that stand in attributes of tags.
    pub(crate) words: Vec<(Range<usize>, String)>,
    /// Tables of HTML.
    pub(crate) tables: Vec<Range<usize>>,
    /// What lies within tags: indented text there is no code.
    pub(crate) within: Vec<Range<usize>>,
    /// Comments, without their signs.
    pub(crate) comments: Vec<Range<usize>>,
    /// What had to be passed over, and why.
    pub(crate) passed: Vec<(Range<usize>, &'static str)>,
}

/// A heading that is written as a tag or as the attribute of one.
#[derive(Debug)]
pub(crate) struct Title {
    /// From where it holds: where its tag begins.
    pub(crate) at: usize,
    /// Where it stands.
    pub(crate) range: Range<usize>,
    /// Until where it holds; as a heading does, where nothing is said.
    pub(crate) until: Option<usize>,
    /// Its level, as a heading's.
    pub(crate) level: u8,
    /// Its words.
    pub(crate) text: String,
}

/// Replaces what is not Markdown. `mdx` says that braces hold expressions and that indented text is no code.
pub(crate) fn mask(source: &str, mdx: bool) -> Masked {
    let mut masker = Masker {
        source,
        mdx,
        out: source.as_bytes().to_vec(),
        found: Masked::default(),
        open: Vec::new(),
        absent: Vec::new(),
        unclosed: 0,
    };
    if source.starts_with('\u{feff}') {
        masker.blank(0..3);
    }
    let body = masker.front_matter();
    masker.lines(body);
    // Every replacement covers whole characters.
    masker.found.text = String::from_utf8(masker.out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    masker.found
}

struct Masker<'s> {
    source: &'s str,
    mdx: bool,
    out: Vec<u8>,
    found: Masked,
    // Tags that are open: name, where its content begins, the title that it gave.
    open: Vec<(String, usize, Option<usize>)>,
    // Closing tags that do not come any more, and braces that were never closed: looking again and again would take long.
    absent: Vec<String>,
    unclosed: usize,
}

// A tag is no longer than this.
const MAX_TAG: usize = 8_000;
// Tags are nested no deeper, and no more braces are left open.
const MAX_OPEN: usize = 256;

impl Masker<'_> {
    fn blank(&mut self, range: Range<usize>) {
        for byte in &mut self.out[range] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    // Replaces a tag; where words stand beside it on its line, a break stays in its place.
    fn blank_block(&mut self, range: Range<usize>) {
        let before = self.source[..range.start].rsplit('\n').next().unwrap_or_default();
        let after = self.source[range.end..].split('\n').next().unwrap_or_default();
        let only_tags = |text: &str| text.trim().is_empty();
        let alone = only_tags(before) && only_tags(after);
        self.blank(range.clone());
        if !alone {
            self.out[range.start] = BREAK as u8;
        }
    }

    fn front_matter(&mut self) -> usize {
        let start = if self.source.starts_with('\u{feff}') { 3 } else { 0 };
        let text = &self.source[start..];
        let Some(fence) = ["---", "+++"]
            .into_iter()
            .find(|fence| text.strip_prefix(fence).is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(['\n', '\r'])))
        else {
            return start;
        };
        let mut at = start;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            at += line.len();
            let line = line.trim_end();
            if number > 0 && (line == fence || (fence == "---" && line == "...")) {
                self.blank(start..at);
                return at;
            }
            // Front matter is short and has no Markdown: a heading or a long way down says that it never was any.
            if number > 400 {
                break;
            }
        }
        self.found.passed.push((start..start + fence.len(), "the front matter is never closed; it is read as text"));
        self.blank(start..start + fence.len());
        start + fence.len()
    }

    // Line by line: fences of code and admonitions, statements of MDX; what is between goes through `prose`.
    fn lines(&mut self, body: usize) {
        let source = self.source;
        let mut fence: Option<(u8, usize, usize)> = None;
        let mut prose = body;
        let mut at = body;
        let mut esm = false;
        let mut deep = false;
        let mut depth = 0_i64;
        let mut blank_before = true;
        for line in source[body..].split_inclusive('\n') {
            let range = at..at + line.len();
            at = range.end;
            let content = line.trim_start_matches([' ', '\t', '>']).trim_end();
            let marker = content.as_bytes().first().copied().filter(|byte| matches!(byte, b'`' | b'~'));
            let run = marker.map_or(0, |marker| content.bytes().take_while(|byte| *byte == marker).count());
            if let Some((marker_open, length, _)) = fence {
                // Deep in tags the parser would not see the fence.
                if deep {
                    self.blank(range.clone());
                }
                if marker == Some(marker_open) && run >= length && content.len() == run {
                    fence = None;
                    prose = at;
                }
                continue;
            }
            if run >= 3 && !(marker == Some(b'`') && content[run..].contains('`')) {
                self.prose(prose..range.start);
                deep = line.len() - line.trim_start_matches([' ', '\t']).len() >= 4 && !self.open.is_empty();
                if deep {
                    self.blank(range.clone());
                }
                fence = marker.map(|marker| (marker, run, range.start));
                prose = at;
                continue;
            }
            esm &= !content.is_empty() || depth > 0;
            if esm || (blank_before && self.is_module(line)) {
                depth = if esm { depth } else { 0 } + brackets(line);
                self.prose(prose..range.start);
                self.blank(range.clone());
                prose = at;
                // One line is a whole statement outside of MDX.
                esm = self.mdx;
                continue;
            }
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if content.starts_with(":::") {
                self.prose(prose..range.start);
                self.container(&range, content);
                prose = at;
            } else if is_admonition(line.trim()) {
                self.prose(prose..range.start);
                self.blank(range.clone());
                // An item keeps the indented text together, and is no code.
                if line.len() > indent + 1 {
                    self.out[range.start + indent] = b'*';
                }
                prose = at;
            }
            blank_before = content.is_empty();
        }
        if let Some((_, _, start)) = fence {
            let end = source[start..].find('\n').map_or(source.len(), |length| start + length);
            self.found.passed.push((start..end, "the code block is never closed; all below it is read as code"));
        } else {
            self.prose(prose..source.len());
        }
    }

    fn is_module(&self, line: &str) -> bool {
        let quoted = |text: &str| text.contains('\'') || text.contains('"');
        if let Some(rest) = line.strip_prefix("import ") {
            return quoted(rest) && (rest.contains(" from ") || rest.starts_with(['\'', '"']))
                || (self.mdx && rest.trim_end().ends_with('{'));
        }
        let Some(rest) = line.strip_prefix("export ") else { return false };
        self.mdx && ["const ", "let ", "var ", "default ", "function ", "async ", "{", "*"].iter().any(|word| rest.starts_with(word))
    }

    // The first or last line of a container; its title reads as a heading within.
    fn container(&mut self, range: &Range<usize>, content: &str) {
        self.blank(range.clone());
        let rest = content.trim_start_matches(':').trim();
        if rest.is_empty() {
            return;
        }
        let name_end = rest.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(rest.len());
        let title = rest[name_end..].split('{').next().unwrap_or_default().trim().trim_matches(['[', ']', '"']).trim();
        if title.ends_with('?') {
            let start = range.start + self.source[range.clone()].find(title).unwrap_or(0);
            self.found.titles.push(Title {
                at: range.start,
                range: start..start + title.len(),
                until: None,
                level: 7,
                text: title.to_owned(),
            });
        }
    }

    // Tags, comments and expressions between the fences.
    fn prose(&mut self, range: Range<usize>) {
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

    fn angle(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.source[at..end];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let Some(length) = comment.find("-->") else {
                self.found.passed.push((at..at + 4, "the comment is never closed; all below it is passed over"));
                self.blank(at..end);
                return end;
            };
            self.found.comments.push(at + 4..at + 4 + length);
            self.blank(at..at + 4 + length + 3);
            return at + 4 + length + 3;
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

    // Expressions of MDX; heading ids, attribute lists and tags of templates elsewhere.
    fn brace(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.source[at..end];
        let template = ["{#", "{:", "{%", "{/*", "{.", "{=", "{{<", "{{%", "{{/*"].iter().any(|start| rest.starts_with(start));
        if !self.mdx && !template || self.unclosed > MAX_OPEN {
            return at + 1;
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
        if rest.starts_with("{/*") {
            self.found.comments.push(at + 3..at + length.saturating_sub(3).max(3));
        }
        self.blank(at..at + length);
        at + length
    }
}

struct Tag {
    name: String,
    range: Range<usize>,
    closing: bool,
    self_closing: bool,
    // Names with the places of their texts.
    attributes: Vec<(String, Range<usize>)>,
}

impl Tag {
    fn read(source: &str, at: usize, end: usize) -> Option<Self> {
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

// How many more brackets are opened than closed.
fn brackets(line: &str) -> i64 {
    line.bytes()
        .map(|byte| match byte {
            b'{' | b'[' | b'(' => 1,
            b'}' | b']' | b')' => -1,
            _ => 0,
        })
        .sum()
}

fn quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let sign = bytes[at];
    bytes[at + 1..].iter().position(|byte| *byte == sign).map(|length| at + 1 + length + 1)
}

// The length of a text in braces.
fn balanced(text: &str) -> Option<usize> {
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

fn is_admonition(line: &str) -> bool {
    let rest = ["!!! ", "??? ", "???+ ", "=== \""].iter().find_map(|start| line.strip_prefix(start));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '"'))
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
    use super::*;

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
    fn code_is_left_alone_and_what_is_never_closed_is_told() {
        let masked = mask("```\n<Note>{x}\n```\ntext\n```yaml\na: <b>\n", true);
        assert!(masked.text.contains("<Note>{x}") && masked.text.contains("a: <b>"));
        assert_eq!(masked.passed.len(), 1);
        assert_eq!(mask("---\nnever closed\n\ntext", false).passed.len(), 1);
        assert_eq!(mask("a <!-- never closed\n\ntext", false).passed.len(), 1);
    }
}
