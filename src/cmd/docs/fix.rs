//! `--fix`: anchors beside bound statements, and numbers that the evidence shows. Never prose.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use proofbook_claims::checking::{Judgement, Outcome};
use similar::TextDiff;

use crate::output::Output;

/// Prints the changes, and writes them unless only they are wanted.
pub(super) fn fix(outcome: &Outcome, dry_run: bool, output: &Output) -> Result<()> {
    let mut by_path: BTreeMap<&str, Vec<&Judgement>> = BTreeMap::new();
    for judgement in outcome.notices.iter().filter(|judgement| judgement.replacement.is_some() || judgement.anchor.is_some()) {
        by_path.entry(&judgement.notice.path).or_default().push(judgement);
    }
    let mut changed = 0;
    for (path, judgements) in by_path {
        let old = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
        let new = mended(&old, &judgements);
        if new == old {
            continue;
        }
        changed += 1;
        output.say(TextDiff::from_lines(&old, &new).unified_diff().context_radius(1).header(path, path));
        if !dry_run {
            fs::write(path, new).with_context(|| format!("writing {path}"))?;
        }
    }
    output.say(format_args!("{} {changed} files", if dry_run { "would change" } else { "changed" }));
    Ok(())
}

// Line by line, so that every other byte stays.
fn mended(text: &str, judgements: &[&Judgement]) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for judgement in judgements {
        let (first, last) = (judgement.notice.line as usize, judgement.notice.end_line as usize);
        if let Some((words, value)) = &judgement.replacement
            && let Some(number) = new_number(words, value)
        {
            for line in lines.iter_mut().take(last).skip(first - 1) {
                // Only where it is clear which words are meant.
                if line.matches(words.as_str()).count() == 1 {
                    *line = line.replacen(words.as_str(), &number, 1);
                    break;
                }
            }
        }
        if let (Some(id), Some(line)) = (&judgement.anchor, lines.get_mut(last - 1)) {
            // A second anchor on a line would be ambiguous, and a table row ends with its last cell.
            let ending = line.len() - line.trim_end_matches(['\n', '\r']).len();
            let end = line.len() - ending;
            if !line.contains("<!-- claim:") && !line.trim_end().ends_with('|') && !line.trim_start().starts_with('<') {
                line.insert_str(end, &format!(" <!-- claim: {id} -->"));
            }
        }
    }
    lines.concat()
}

// The words with the number of the evidence in the place of theirs; none where the units differ or there is no one number.
fn new_number(words: &str, value: &str) -> Option<String> {
    let digits = |text: &str| -> Option<(usize, usize)> {
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let length = text[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len() - start);
        let rest = &text[start + length..];
        (!rest.contains(|c: char| c.is_ascii_digit())).then_some((start, start + length))
    };
    let (from, to) = digits(words)?;
    let (value_from, value_to) = digits(value)?;
    let unit = |text: &str| text.trim().trim_start_matches('-').trim_end_matches('s').to_lowercase();
    let (own, found) = (unit(&words[to..]), unit(&value[value_to..]));
    (own == found || found.is_empty()).then(|| format!("{}{}{}", &words[..from], &value[value_from..value_to], &words[to..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_of_the_same_unit_takes_the_place_of_another() {
        assert_eq!(new_number("TLS 1.3", "tls1.2").as_deref(), Some("TLS 1.2"));
        assert_eq!(new_number("30 days", "7 days").as_deref(), Some("7 days"));
        assert_eq!(new_number("30-day", "7 days").as_deref(), Some("7-day"));
        assert_eq!(new_number("30 days", "12 hours"), None);
        assert_eq!(new_number("thirty days", "7 days"), None);
        assert_eq!(new_number("14-30 days", "7 days"), None);
    }
}
