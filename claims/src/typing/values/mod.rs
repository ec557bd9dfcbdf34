//! Typed values: numbers with their units and bounds, versions, algorithms, places, frameworks with their status.
//!
//! Each extractor reads the scan of one statement. What a number is for (how long, how often, how soon) is told by the words
//! around it, and by the headings and cells beside it where the statement itself says nothing.

mod algorithms;
mod amounts;
mod frequencies;
mod places;
mod schemes;
mod versions;

use std::ops::Range;

use proofbook_evidence::claims::{Comparator, Kind};

use super::scan::{Found, Scan};
use super::vocabulary::{Sense, holds};

/// A value that was found in a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    /// The kind that the value decides; none where the topic does.
    pub(crate) kind: Option<Kind>,
    /// The normal form.
    pub(crate) text: String,
    /// The tokens.
    pub(crate) tokens: Range<usize>,
}

/// What stands above and beside the statement, as far as it decides what a value is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside<'s, 'v> {
    /// Scans of what is nearest first: column, row, lead-in, question, headings.
    pub(crate) scans: &'s [&'s Scan<'v>],
}

impl Beside<'_, '_> {
    fn weight_of(&self, topic: &str) -> u32 {
        self.scans.iter().map(|scan| scan.weight_of(topic)).max().unwrap_or(0)
    }

    fn has_word(&self, words: &[&str]) -> bool {
        self.scans.iter().any(|scan| has_word(scan, words))
    }
}

/// All values of a statement, in the order of their places.
pub(crate) fn values(scan: &Scan<'_>, text: &str, beside: Beside<'_, '_>) -> Vec<Value> {
    let mut out = Vec::new();
    let mut taken: Vec<Range<usize>> = Vec::new();
    versions::versions(scan, beside, &mut out, &mut taken);
    schemes::schemes(scan, beside, &mut out, &mut taken);
    algorithms::algorithms(scan, beside, &mut out, &mut taken);
    places::places(scan, text, beside, &mut out, &mut taken);
    frequencies::frequencies(scan, &mut out, &mut taken);
    frequencies::terms(scan, &mut out);
    amounts::amounts(scan, beside, &mut out, &mut taken);
    out.sort_by_key(|value| value.tokens.start);
    out
}

fn free(taken: &[Range<usize>], tokens: &Range<usize>) -> bool {
    !taken.iter().any(|taken| taken.start < tokens.end && tokens.start < taken.end)
}

fn has_word(scan: &Scan<'_>, words: &[&str]) -> bool {
    scan.tokens.iter().any(|(_, text)| words.contains(&text))
}

fn has_any(scan: &Scan<'_>, words: &[String]) -> bool {
    scan.tokens.iter().any(|(_, text)| holds(words, text))
}

// The longest of overlapping senses that `take` wants.
fn longest<'v, T>(scan: &Scan<'v>, take: impl Fn(&'v Sense) -> Option<T>) -> Vec<(T, Range<usize>)> {
    let mut found: Vec<(T, Range<usize>)> = Vec::new();
    for Found { sense, start, end } in scan.found() {
        let Some(value) = take(sense) else { continue };
        match found.iter_mut().find(|(_, known)| known.start < end && start < known.end) {
            Some(known) if end - start > known.1.len() => *known = (value, start..end),
            Some(_) => {}
            None => found.push((value, start..end)),
        }
    }
    found.sort_by_key(|(_, tokens)| tokens.start);
    found
}

const fn sign(comparator: Comparator) -> &'static str {
    match comparator {
        Comparator::AtLeast => ">=",
        Comparator::AtMost => "<=",
        Comparator::More => ">",
        Comparator::Less => "<",
        Comparator::Equal | Comparator::Range => "=",
    }
}

// How the amount in some tokens is bounded by the words directly before and behind it.
fn bound(scan: &Scan<'_>, amount: Range<usize>) -> Option<Comparator> {
    let mut before: Option<(usize, Comparator)> = None;
    let mut after: Option<(usize, Comparator)> = None;
    for Found { sense, start, end } in scan.found() {
        match sense {
            Sense::Before(comparator) if end <= amount.start => {
                let gap: Vec<&str> = (end..amount.start).map(|at| scan.tokens.text(at)).collect();
                let near = gap.iter().all(|word| {
                    matches!(
                        *word,
                        "the"
                            | "a"
                            | "an"
                            | "further"
                            | "another"
                            | "next"
                            | "first"
                            | "about"
                            | "of"
                            | "every"
                            | "once"
                            | "den"
                            | "von"
                            | "einem"
                            | "einer"
                            | "="
                            | ":"
                            | "version"
                            | "des"
                            | "les"
                            | "prochains"
                            | "("
                            | "last"
                            | "all"
                            | "longer"
                            | "another's"
                            | "our"
                            | "to"
                            | "alle"
                            | "toutes"
                            | "one"
                            | "per"
                            | "each"
                            | "protocol"
                            | "tls"
                            | "length"
                            | "weitere"
                            | "weiteren"
                            | "is"
                            | "at"
                            | "most"
                            | "more"
                            | "than"
                            | "."
                    )
                });
                if near && gap.len() < 4 && before.is_none_or(|(length, _)| end - start > length) {
                    before = Some((end - start, *comparator));
                }
            }
            Sense::After(comparator)
                if start >= amount.end && start <= amount.end + 1 && after.is_none_or(|(length, _)| end - start > length) =>
            {
                // One word may stand between, such as "characters" or a closing bracket.
                let between = scan.tokens.text(amount.end);
                if start == amount.end || !matches!(between, "," | "." | ";" | "-" | "and" | "or") {
                    after = Some((end - start, *comparator));
                }
            }
            _ => {}
        }
    }
    after.or(before).map(|(_, comparator)| comparator)
}
