//! The text of a document, and where in it something stands.

/// A place in a document: lines and columns count from 1, columns in characters; the end column is the one after the last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The first line.
    pub line: u32,
    /// The first column.
    pub column: u32,
    /// The last line.
    pub end_line: u32,
    /// The column after the last character.
    pub end_column: u32,
}

/// Finds lines and columns of byte offsets.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<usize>,
    // The last answer: offsets are mostly asked for in order, and a line may be very long.
    last: std::cell::Cell<(usize, u32)>,
}

impl Lines {
    /// The lines of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Self { starts, last: std::cell::Cell::new((0, 1)) }
    }

    /// The line of an offset, from 1.
    #[must_use]
    pub fn line(&self, offset: usize) -> u32 {
        number(self.starts.partition_point(|start| *start <= offset))
    }

    fn column(&self, text: &str, offset: usize) -> u32 {
        let start = self.starts[self.starts.partition_point(|start| *start <= offset) - 1];
        let (known, column) = self.last.get();
        let (from, column) = if known >= start && known <= offset { (known, column) } else { (start, 1) };
        let column = column + number(text.get(from..offset).map_or(0, |between| between.chars().filter(|c| *c != '\u{feff}').count()));
        self.last.set((offset, column));
        column
    }

    /// The place of a range of bytes.
    #[must_use]
    pub fn place(&self, text: &str, range: std::ops::Range<usize>) -> Place {
        let (start, end) = (floor(text, range.start), floor(text, range.end.max(range.start)));
        let (line, column) = (self.line(start), self.column(text, start));
        Place { line, column, end_line: self.line(end), end_column: self.column(text, end) }
    }

    /// The text of a line without its end.
    #[must_use]
    pub fn text_of<'t>(&self, text: &'t str, line: u32) -> &'t str {
        let at = (line as usize).saturating_sub(1);
        let start = self.starts.get(at).copied().unwrap_or(text.len());
        let end = self.starts.get(at + 1).copied().unwrap_or(text.len());
        text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The next character boundary at or before an offset.
#[must_use]
pub(super) fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let text = "ä🦀x\nzwei\r\ndrei";
        let lines = Lines::of(text);
        let at = text.find('x').unwrap();
        assert_eq!(lines.place(text, at..at + 1), Place { line: 1, column: 3, end_line: 1, end_column: 4 });
        let at = text.find("drei").unwrap();
        assert_eq!(lines.place(text, at..at + 4), Place { line: 3, column: 1, end_line: 3, end_column: 5 });
        assert_eq!(lines.text_of(text, 2), "zwei");
    }
}
