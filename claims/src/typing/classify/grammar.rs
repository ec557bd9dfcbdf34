//! As much grammar as is needed: whether there is a verb, and who acts.

use super::super::scan::Scan;
use super::super::vocabulary::{Cue, holds};

// Whether what stands behind a name is what it does: "AWS offers", and not "Kubernetes secrets are".
pub(super) fn acts(scan: &Scan<'_>, end: usize) -> bool {
    let tokens = &scan.tokens;
    let words = &scan.vocabulary.words;
    let verb = |at: usize| {
        let word = tokens.text(at);
        matches!(
            word,
            "is" | "are"
                | "was"
                | "were"
                | "has"
                | "have"
                | "can"
                | "may"
                | "will"
                | "does"
                | "do"
                | "all"
                | "also"
                | "now"
                | "itself"
                | "offer"
                | "like"
                | "brag"
                | "say"
                | "wants"
                | "often"
                | "never"
                | "still"
                | "rarely"
                | "seldom"
                | "usually"
                | "only"
        ) || word
            .strip_suffix('s')
            .is_some_and(|stem| holds(&words.third_person, stem) || holds(&words.third_person, stem.trim_end_matches('e')))
            || word.ends_with("ed") && at == end
            || holds(&words.plural, word)
    };
    let last_of_phrase = end.saturating_sub(1);
    verb(last_of_phrase)
        || verb(end)
        || (end..end + 2).all(|at| tokens.get(at).is_some_and(|token| token.capital)) && verb(end + 2)
        || tokens.get(end).is_some_and(|token| token.capital) && verb(end + 1)
        || matches!(tokens.text(end), "," | "and" | "of" | "for" | "in" | "with")
}

// Whether a statement about somebody else is about the provider's use of it.
pub(super) fn about_us(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    tokens.iter().any(|(at, text)| text == "data" && at > 0 && matches!(tokens.text(at - 1), "customer" | "our" | "your" | "client"))
}

/// Whether a text has a verb that makes it a sentence.
pub(super) fn has_verb(scan: &Scan<'_>) -> bool {
    if scan.has(Cue::Present) || scan.has(Cue::Past) {
        return true;
    }
    // Verbs of other languages are not known: a sentence is told by its small words and its end.
    let foreign = scan.tokens.iter().filter(|(_, text)| holds(&scan.vocabulary.words.foreign, text)).count();
    if foreign >= 2 && scan.words() >= 5 && (scan.ends_with(".") || foreign >= 3) {
        return true;
    }
    // Third person or a plain verb behind a subject: any word in -s, -en, -t is a guess; a subject in the first person is not.
    let tokens = &scan.tokens;
    if tokens.iter().take(4).any(|(_, text)| {
        matches!(text, "we" | "you" | "they" | "nobody" | "everyone" | "nothing" | "it" | "wir" | "nous" | "i" | "who" | "whoever" | "that")
    }) {
        return true;
    }
    let words = &scan.vocabulary.words;
    tokens.iter().skip(1).take(14).any(|(at, text)| {
        tokens.is_word(at)
            && !tokens.get(at).is_some_and(|token| token.capital)
            && (text.ends_with('s') && is_object(tokens.text(at + 1)) && !holds(&words.prepositions, tokens.text(at - 1))
                || is_object(tokens.text(at + 1)) && at > 1 && !holds(&words.prepositions, text) && !text.ends_with("ing")
                || text.ends_with('s') && holds(&words.third_person, text.trim_end_matches('s'))
                || text.ends_with("es") && holds(&words.third_person, text.trim_end_matches("es"))
                || holds(&words.plural, text)
                || text.ends_with("ies"))
    })
}

fn is_object(text: &str) -> bool {
    matches!(text, "the" | "a" | "an" | "its" | "their" | "his" | "her" | "our" | "your" | "every" | "each" | "any" | "no")
}

// "Are held", "is withdrawn": what is done, without who does it.
pub(super) fn is_passive(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    tokens.iter().any(|(at, text)| {
        matches!(text, "is" | "are" | "be" | "werden" | "wird" | "sont" | "est")
            && (at + 1..at + 3).any(|at| {
                let word = tokens.text(at);
                word.len() > 3
                    && ["ed", "en", "wn", "ept", "eld", "ent", "ound", "ought", "old", "iven", "et"]
                        .iter()
                        .any(|ending| word.ends_with(ending))
                    && word != "then"
                    && word != "when"
            })
    })
}
