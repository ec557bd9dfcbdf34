//! Line by line: fences of code and admonitions, statements of MDX. What is between them is prose.

use std::ops::Range;

use super::{Masker, Title};

impl Masker<'_> {
    // Line by line: fences of code and admonitions, statements of MDX; what is between goes through `prose`.
    pub(super) fn lines(&mut self, body: usize) {
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

fn is_admonition(line: &str) -> bool {
    let rest = ["!!! ", "??? ", "???+ ", "=== \""].iter().find_map(|start| line.strip_prefix(start));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '"'))
}

#[cfg(test)]
mod tests {
    use super::super::mask;

    #[test]
    fn code_is_left_alone_and_what_is_never_closed_is_told() {
        let masked = mask("```\n<Note>{x}\n```\ntext\n```yaml\na: <b>\n", true);
        assert!(masked.text.contains("<Note>{x}") && masked.text.contains("a: <b>"));
        assert_eq!(masked.passed.len(), 1);
    }
}
