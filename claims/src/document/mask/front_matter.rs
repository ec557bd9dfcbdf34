//! Front matter: the block of settings that a document may begin with.

use super::Masker;

impl Masker<'_> {
    // Where the document itself begins.
    pub(super) fn front_matter(&mut self) -> usize {
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
}

#[cfg(test)]
mod tests {
    use super::super::mask;

    #[test]
    fn front_matter_that_is_never_closed_is_told() {
        assert_eq!(mask("---\nnever closed\n\ntext", false).passed.len(), 1);
    }
}
