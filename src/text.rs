//! Text for people: paragraphs in lines of 80 columns, whatever the terminal.

const WIDTH: usize = 80;

/// The words of `text` behind `head`; further lines begin where the first word stands.
pub(crate) fn paragraph(head: &str, text: &str) -> String {
    let indent = head.chars().count();
    let mut out = head.to_owned();
    let mut column = indent;
    for (at, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        let fits = column + usize::from(at > 0) + width <= WIDTH;
        if at > 0 && fits {
            out.push(' ');
            column += 1;
        } else if at > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        out.push_str(word);
        column += width;
    }
    out.trim_end().to_owned()
}

/// `1 check`, `2 checks`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_before_column_81_and_keep_their_indent() {
        let text = paragraph("  A.8.24  ", &"word ".repeat(40));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("          word")), "{text}");
        assert_eq!(text.split_whitespace().count(), 41);
        assert_eq!(paragraph("a ", ""), "a");
        assert!(paragraph("a ", &"x".repeat(200)).starts_with("a xxx"), "a long word stays whole");
    }
}
