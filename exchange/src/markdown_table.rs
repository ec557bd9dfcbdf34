//! Tables in Markdown (CommonMark with tables), filled with text that comes from a platform.

use std::fmt::Write as _;

/// A heading and a table below it; nothing where there are no rows.
pub(crate) fn section<const N: usize>(out: &mut String, title: &str, heading: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "## {title}\n\n| {} |\n|{}", heading.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.each_ref().map(|cell| escaped(cell)).join(" | "));
    }
    out.push('\n');
}

/// Text from the platform, so that it does not become markup.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' | '&' => {
                out.push('\\');
                out.push(letter);
            }
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_platform_calls_itself_is_no_markup() {
        assert_eq!(escaped("a|b\n<script>"), "a\\|b \\<script\\>");
    }
}
