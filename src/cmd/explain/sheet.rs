//! A sheet of labelled paragraphs, 80 columns wide: what an explanation looks like to people.

use crate::text::paragraph;

/// Where what is said begins, behind its label.
const LABEL: usize = 12;

/// Lines under a heading.
pub(super) struct Sheet {
    lines: Vec<String>,
}

impl Sheet {
    /// A sheet under a heading of one or more lines.
    pub(super) fn new(name: &str, title: &str) -> Self {
        Self { lines: vec![paragraph("", name), paragraph("", title), String::new()] }
    }

    /// Says one thing; nothing where there is nothing to say.
    pub(super) fn say(&mut self, label: &str, text: &str) {
        self.all(label, [text]);
    }

    /// Says several things under one label, each in a paragraph of its own.
    pub(super) fn all<T: AsRef<str>>(&mut self, label: &str, texts: impl IntoIterator<Item = T>) {
        let mut head = format!("{label:<LABEL$}");
        for text in texts {
            // Leading blanks mean that the text belongs below the one before.
            let text = text.as_ref();
            let indent = text.len() - text.trim_start().len();
            if !text.trim().is_empty() {
                self.lines.push(paragraph(&format!("{head}{}", " ".repeat(indent)), text));
                head = " ".repeat(LABEL);
            }
        }
    }

    /// The whole text, without a line break at its end.
    pub(super) fn text(&self) -> String {
        self.lines.join("\n").trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_once_and_lines_fit() {
        let mut sheet = Sheet::new("tls-min-version", "Old versions are refused");
        sheet.say("Nothing", "");
        sheet.all("Traps", ["first", "  below it", &"word ".repeat(40)]);
        let text = sheet.text();
        assert!(
            text.starts_with("tls-min-version\nOld versions are refused\n\nTraps       first\n              below it\n            word "),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80) && !text.contains("Nothing"), "{text}");
    }
}
