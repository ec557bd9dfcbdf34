//! The past: what was, without a word on what is.

use super::super::scan::Scan;
use super::super::values::Value;
use super::super::vocabulary::{Cue, holds};

// Past tense without a present one.
pub(super) fn past(scan: &Scan<'_>, values: &[Value]) -> bool {
    if let Some(at) = scan.first(Cue::History) {
        let present_after =
            scan.all(Cue::Present).any(|present| present.start >= at.end) && values.iter().any(|value| value.tokens.start >= at.end);
        if !present_after || scan.has(Cue::Past) {
            return true;
        }
    }
    !scan.has(Cue::Present) && !begins_in_present(scan) && (scan.has(Cue::Past) && finite_past(scan) || active_past(scan))
}

// Whether a verb in the present comes before any in the past: "a change needs one who did not write it".
fn begins_in_present(scan: &Scan<'_>) -> bool {
    let words = &scan.vocabulary.words;
    let past = scan.first(Cue::Past).map_or(usize::MAX, |at| at.start);
    scan.tokens.iter().skip(1).take_while(|(at, _)| *at < past).any(|(at, text)| {
        let third = text.strip_suffix('s').is_some_and(|stem| {
            holds(&words.third_person, stem) || stem.strip_suffix('e').is_some_and(|stem| holds(&words.third_person, stem))
        });
        third && !holds(&words.prepositions, scan.tokens.text(at - 1)) && past != usize::MAX
    })
}

// "The cluster served the old port": a participle with an object behind it is a past verb.
fn active_past(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    tokens.iter().skip(1).any(|(at, text)| {
        text.len() > 4
            && text.ends_with("ed")
            && matches!(
                tokens.text(at + 1),
                "the" | "a" | "an" | "our" | "us" | "its" | "their" | "his" | "her" | "two" | "three" | "one" | "some" | "that"
            )
            && !matches!(tokens.text(at - 1), "," | "(" | "and" | "is" | "are" | "be" | "been" | "called" | "not")
    })
}

// "Kept" and "held" are participles as well: a past verb needs its subject right before it, or an auxiliary.
fn finite_past(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    scan.all(Cue::Past).any(|at| {
        let word = tokens.text(at.start);
        let auxiliary = matches!(
            word,
            "was"
                | "were"
                | "had"
                | "did"
                | "went"
                | "took"
                | "began"
                | "became"
                | "came"
                | "gave"
                | "saw"
                | "caused"
                | "wurde"
                | "wurden"
                | "hatte"
                | "hatten"
                | "war"
                | "waren"
                | "était"
                | "étaient"
                | "avait"
                | "avaient"
                | "avons"
                | "fut"
        );
        let subject = at.start.checked_sub(1).map_or("", |before| tokens.text(before));
        auxiliary
            || (word == "cost" && tokens.text(at.start + 1) == "us")
            || matches!(
                subject,
                "we" | "it" | "they" | "he" | "she" | "i" | "that" | "nous" | "wir" | "who" | "which" | "also" | "then" | "one"
            )
    })
}
