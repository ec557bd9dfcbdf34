//! Cutting a run of text into sentences. It knows abbreviations, versions, ordinals and addresses: a full stop ends a sentence only
//! where a new one can begin behind it.

use std::ops::Range;

/// Stands for a break that the markup demands, such as the end of a table cell's line.
pub(crate) const BREAK: char = '\u{1f}';

// Words after which a full stop ends no sentence; in lower case, without the stop.
const ABBREVIATIONS: &[&str] = &[
    "abs", "al", "approx", "art", "artt", "bzw", "ca", "cf", "ch", "chap", "co", "corp", "dr", "eg", "est", "etc", "evtl", "ff", "fig",
    "ggf", "i.e", "e.g", "ie", "inc", "incl", "inkl", "jr", "lit", "ltd", "max", "min", "mr", "mrs", "ms", "mt", "nr", "no", "nos", "p",
    "para", "pp", "prof", "resp", "rev", "sec", "sect", "sr", "st", "u.a", "u.k", "u.s", "usw", "v", "ver", "vgl", "viz", "vol", "vs",
    "z.b", "d.h",
];

/// The sentences of a run, as byte ranges without white space around them.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        if c == BREAK {
            push(text, start..at, &mut out);
            start = end;
        } else if matches!(c, '。' | '！' | '？') {
            push(text, start..end, &mut out);
            start = end;
        } else if matches!(c, '.' | '!' | '?' | '…') {
            // Marks and closing signs that belong to the end.
            let mut end = end;
            while let Some((next, following)) = chars.peek().copied() {
                if !matches!(following, '.' | '!' | '?' | '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '*' | '_') {
                    break;
                }
                end = next + following.len_utf8();
                chars.next();
            }
            if ends(&text[start..at], c, &text[end..]) {
                push(text, start..end, &mut out);
                start = end;
            }
        }
    }
    push(text, start..text.len(), &mut out);
    out
}

fn push(text: &str, range: Range<usize>, out: &mut Vec<Range<usize>>) {
    let piece = &text[range.clone()];
    let trimmed = piece.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        let start = range.start + (piece.len() - piece.trim_start().len());
        out.push(start..start + trimmed.len());
    } else if let (Some(last), false) = (out.last_mut(), trimmed.is_empty() || text[..range.start].ends_with(BREAK)) {
        last.end = range.start + piece.trim_end().len();
    }
}

fn ends(before: &str, mark: char, after: &str) -> bool {
    let mut following = after.chars();
    match following.next() {
        None => return true,
        Some(c) if c == BREAK => return true,
        Some(c) if !c.is_whitespace() => return false,
        Some(_) => {}
    }
    let Some(next) = after.trim_start().chars().next() else { return true };
    if next == BREAK {
        return true;
    }
    // A sentence begins with a capital, a digit, an opening sign, or a letter of a script without capitals.
    let begins = next.is_uppercase() || next.is_numeric() || !next.is_alphanumeric() || !(next.is_lowercase() || next.is_uppercase());
    if !begins && mark != '?' && mark != '!' {
        return false;
    }
    if mark != '.' {
        return begins;
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | BREAK)).next().unwrap_or_default();
    let word = word.trim_start_matches(['*', '_']);
    let letters = word.chars().count();
    // Initials and the parts of "z. B.".
    if letters == 1 && word.chars().all(char::is_alphabetic) && !word.eq_ignore_ascii_case("i") {
        return false;
    }
    let lower = word.to_lowercase();
    if ABBREVIATIONS.contains(&lower.as_str()) {
        // "etc." and "Inc." may end a sentence; then a capital that is no name follows, which nobody can tell from one.
        return matches!(lower.as_str(), "etc" | "usw" | "inc" | "ltd" | "co" | "corp") && next.is_uppercase();
    }
    // "1. Rotate" at the beginning is the number of a step, and "3. Mai" a date.
    let numbered = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) && word.len() <= 2;
    !(numbered && (before.trim() == word || MONTHS.iter().any(|month| after.trim_start().starts_with(month))))
}

const MONTHS: &[&str] =
    &["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"];

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_where_new_ones_begin() {
        assert_eq!(
            cut("All data is encrypted. Backups too!  Why? Because."),
            ["All data is encrypted.", "Backups too!", "Why?", "Because."]
        );
        assert_eq!(cut("It is safe (really). Next."), ["It is safe (really).", "Next."]);
        assert_eq!(cut("数据加密。备份每天。"), ["数据加密。", "备份每天。"]);
        assert_eq!(cut("one\u{1f}two"), ["one", "two"]);
    }

    #[test]
    fn abbreviations_versions_and_addresses_end_nothing() {
        for whole in [
            "We use e.g. AES and follow Art. 32 of the law.",
            "Runs v1.2 of the tool, see No. 3 and https://example.org/a.b?c=d. for more",
            "Am 3. Mai wurde geprüft, z. B. durch Dritte.",
            "Uses TLS 1.2 vs. TLS 1.3 for U.S. customers.",
            "Backups run at 3 a.m. every day.",
        ] {
            assert_eq!(cut(whole), [whole]);
        }
    }
}
