//! Prepares a document for the Markdown parser: what is not Markdown is replaced by spaces of the same length, so that every
//! offset stays, and what it says is kept beside.
//!
//! Front matter, statements and expressions of MDX, tags of HTML and JSX, comments, and the fences of admonitions (Docusaurus,
//! MkDocs, VitePress) vanish; the words within tags stay. Code is left alone.

mod elements;
mod front_matter;
mod lines;
mod prose;
mod tag;

use std::ops::Range;

use super::sentences::BREAK;

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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIECES: &[&str] = &[
        "\u{feff}",
        "---\n",
        "+++",
        "```",
        "~~~\n",
        "`",
        "\n",
        "\r\n",
        "    ",
        "\u{a0}",
        "> ",
        "!!! note\n",
        "::: tip x?\n",
        "import a from 'b'\n",
        "export const a = {",
        "<!--",
        "-->",
        "{/*",
        "*/}",
        "*/",
        "}",
        "{",
        "{{<",
        "{#",
        "<b",
        "<Tab",
        " title=\"",
        "\"",
        "='",
        "={`",
        "`}",
        ">",
        "/>",
        "</",
        "<",
        "table",
        "<td>",
        "<summary>",
        "</summary>",
        "<script>",
        "\\",
        "$",
        "é",
        "ß",
        "日",
        "𝒳",
        "\u{301}",
        "words",
        " ",
        "?",
        "# ",
    ];

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_is_never_cut_within_a_character(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
            mdx in any::<bool>(),
        ) {
            let text = pieces.concat();
            let masked = mask(&text, mdx);
            prop_assert_eq!(masked.text.len(), text.len());
            let ranges = masked.titles.iter().map(|title| &title.range)
                .chain(masked.words.iter().map(|(range, _)| range))
                .chain(&masked.tables)
                .chain(&masked.within)
                .chain(&masked.comments)
                .chain(masked.passed.iter().map(|(range, _)| range));
            for range in ranges {
                prop_assert!(text.get(range.clone()).is_some(), "{:?} of {:?}", range, text);
            }
            for title in &masked.titles {
                prop_assert!(text.is_char_boundary(title.at) && title.until.is_none_or(|until| text.is_char_boundary(until)));
            }
        }
    }
}
