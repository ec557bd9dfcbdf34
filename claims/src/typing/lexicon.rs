//! Phrases over tokens: how the vocabulary is matched.
//!
//! A phrase is a row of elements: `word`, `word*` (any word with that beginning), `a|b` (one of several), `[word]` (may be left out),
//! `#` (a number), `~3` (up to three words of any kind),
//! `^` (the beginning of the statement; `^ ~2` up to two words behind it), `$` (its end). A word with signs in it is cut as statements
//! are: `ci/cd` is three elements. All phrases are tried in one pass, found by their first word.

use std::collections::HashMap;

use super::tokens::Tokens;

/// A phrase that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// The number of the entry that the phrase belongs to.
    pub(crate) entry: u32,
    /// The first token.
    pub(crate) start: usize,
    /// The token after the last one.
    pub(crate) end: usize,
}

/// How a word may begin, and the phrases that it begins.
type Beginning = (Box<str>, Vec<u32>);

/// All phrases.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    phrases: Vec<Phrase>,
    literal: HashMap<Box<str>, Vec<u32>, Hasher>,
    // By the hash of the beginning, so that all beginnings of a word are looked up in one pass over it.
    prefix: HashMap<u64, Vec<Beginning>, Hasher>,
    number: Vec<u32>,
    longest_prefix: usize,
}

#[derive(Debug)]
struct Phrase {
    entry: u32,
    elements: Vec<Element>,
    // Where the first word must stand at the latest, where the phrase is bound to the beginning.
    latest: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Element {
    Words(Vec<Pattern>),
    Number,
    Gap(usize),
    End,
}

#[derive(Clone, Debug, PartialEq)]
enum Pattern {
    Literal(Box<str>),
    Prefix(Box<str>),
}

/// Why a phrase cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{phrase}` is no phrase: {why}")]
pub struct PhraseError {
    phrase: String,
    why: &'static str,
}

impl Lexicon {
    /// Adds a phrase of an entry.
    pub(crate) fn add(&mut self, entry: u32, phrase: &str) -> Result<(), PhraseError> {
        let bad = |why| PhraseError { phrase: phrase.to_owned(), why };
        let (latest, rest) = beginning(phrase).map_err(bad)?;
        for elements in expand(rest).map_err(bad)? {
            let at = u32::try_from(self.phrases.len()).map_err(|_| bad("there are too many"))?;
            match elements.first() {
                Some(Element::Words(patterns)) => {
                    for pattern in patterns {
                        match pattern {
                            Pattern::Literal(word) => self.literal.entry(word.clone()).or_default().push(at),
                            Pattern::Prefix(prefix) => {
                                self.longest_prefix = self.longest_prefix.max(prefix.chars().count());
                                let alike = self.prefix.entry(add_to_hash(HASH_START, prefix.as_bytes())).or_default();
                                match alike.iter_mut().find(|(known, _)| known == prefix) {
                                    Some((_, phrases)) => phrases.push(at),
                                    None => alike.push((prefix.clone(), vec![at])),
                                }
                            }
                        }
                    }
                }
                Some(Element::Number) => self.number.push(at),
                _ => return Err(bad("it must begin with a word")),
            }
            self.phrases.push(Phrase { entry, elements, latest });
        }
        Ok(())
    }

    /// All phrases in `tokens`, in the order of their first token.
    pub(crate) fn scan(&self, tokens: &Tokens) -> Vec<Match> {
        let mut found = Vec::new();
        for (at, word) in tokens.iter() {
            if tokens.is_number(at) {
                self.try_all(&self.number, tokens, at, &mut found);
            }
            if let Some(phrases) = self.literal.get(word) {
                self.try_all(phrases, tokens, at, &mut found);
            }
            if tokens.is_word(at) {
                let mut hash = HASH_START;
                for (before, (start, c)) in word.char_indices().take(self.longest_prefix).enumerate() {
                    let end = start + c.len_utf8();
                    hash = add_to_hash(hash, &word.as_bytes()[start..end]);
                    let alike = self.prefix.get(&hash).filter(|_| before > 0).into_iter().flatten();
                    for (_, phrases) in alike.filter(|(prefix, _)| **prefix == word[..end]) {
                        self.try_all(phrases, tokens, at, &mut found);
                    }
                }
            }
        }
        found
    }

    fn try_all(&self, phrases: &[u32], tokens: &Tokens, at: usize, found: &mut Vec<Match>) {
        for phrase in phrases {
            let Phrase { entry, elements, latest } = &self.phrases[*phrase as usize];
            if latest.is_some_and(|latest| !begins(tokens, at, latest)) {
                continue;
            }
            // The first word is the one that the phrase was found by.
            if let Some(end) = matches(&elements[1..], tokens, at + 1) {
                let new = Match { entry: *entry, start: at, end };
                if found.last() != Some(&new) {
                    found.push(new);
                }
            }
        }
    }
}

// The token after the match.
fn matches(elements: &[Element], tokens: &Tokens, at: usize) -> Option<usize> {
    let Some((first, rest)) = elements.split_first() else { return Some(at) };
    match first {
        Element::End => (at >= tokens.len() || (at + 1 == tokens.len() && matches!(tokens.text(at), "." | "!" | "?" | ":"))).then_some(at),
        Element::Words(patterns) => {
            let word = tokens.text(at);
            let fits = |pattern: &Pattern| match pattern {
                Pattern::Literal(literal) => word == &**literal,
                Pattern::Prefix(prefix) => word.starts_with(&**prefix),
            };
            (at < tokens.len() && patterns.iter().any(fits)).then(|| matches(rest, tokens, at + 1)).flatten()
        }
        Element::Number => tokens.is_number(at).then(|| matches(rest, tokens, at + 1)).flatten(),
        Element::Gap(most) => {
            for skipped in 0..=*most {
                if let Some(end) = matches(rest, tokens, at + skipped) {
                    return Some(end);
                }
                // A gap does not go over the end of a clause.
                if !tokens.is_word(at + skipped)
                    && !tokens.is_number(at + skipped)
                    && !matches!(tokens.text(at + skipped), "/" | "," | "(" | ")" | "-" | "\"")
                {
                    break;
                }
            }
            None
        }
    }
}

// Whether a token stands at the beginning, or so many words behind it.
fn begins(tokens: &Tokens, at: usize, latest: usize) -> bool {
    let mut words = 0;
    for before in 0..at {
        if tokens.is_word(before) || tokens.is_number(before) {
            words += 1;
            if words > latest {
                return false;
            }
        } else if matches!(tokens.text(before), "." | ";" | ":" | "!") {
            return false;
        }
    }
    true
}

// `^` and the gap behind it.
fn beginning(phrase: &str) -> Result<(Option<usize>, &str), &'static str> {
    let Some(rest) = phrase.trim_start().strip_prefix('^') else { return Ok((None, phrase)) };
    let rest = rest.trim_start();
    let Some(gap) = rest.strip_prefix('~') else { return Ok((Some(0), rest)) };
    let (number, rest) = gap.split_once(' ').ok_or("a word must follow the gap")?;
    Ok((Some(number.parse().map_err(|_| "a number must follow `~`")?), rest))
}

// Reads a phrase; what may be left out makes several of it.
fn expand(phrase: &str) -> Result<Vec<Vec<Element>>, &'static str> {
    let mut all: Vec<Vec<Element>> = vec![Vec::new()];
    for part in phrase.split_whitespace() {
        if let Some(optional) = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')) {
            let elements = element(optional)?;
            let with: Vec<Vec<Element>> = all.iter().map(|before| [before.clone(), elements.clone()].concat()).collect();
            all.extend(with);
        } else {
            let elements = element(part)?;
            for before in &mut all {
                before.extend(elements.iter().cloned());
            }
        }
    }
    if all.iter().any(Vec::is_empty) { Err("it may not be empty") } else { Ok(all) }
}

fn element(part: &str) -> Result<Vec<Element>, &'static str> {
    match part {
        "#" => return Ok(vec![Element::Number]),
        "$" => return Ok(vec![Element::End]),
        "-" => return Ok(vec![Element::Words(vec![Pattern::Literal("-".into())])]),
        _ => {}
    }
    if let Some(most) = part.strip_prefix('~') {
        return most.parse().map(|most| vec![Element::Gap(most)]).map_err(|_| "a number must follow `~`");
    }
    if part.contains('|') {
        let patterns: Result<Vec<Pattern>, _> = part.split('|').map(single).collect();
        return Ok(vec![Element::Words(patterns?)]);
    }
    if part.ends_with('*') {
        return Ok(vec![Element::Words(vec![single(part)?])]);
    }
    let tokens = Tokens::of(part);
    Ok(tokens.iter().map(|(_, text)| Element::Words(vec![Pattern::Literal(text.into())])).collect())
}

fn single(word: &str) -> Result<Pattern, &'static str> {
    if let Some(prefix) = word.strip_suffix('*') {
        if prefix.chars().count() < 2 {
            return Err("the beginning of a word needs two letters");
        }
        return Ok(Pattern::Prefix(prefix.to_lowercase().into()));
    }
    let tokens = Tokens::of(word);
    if tokens.len() != 1 {
        return Err("a choice is between single words");
    }
    Ok(Pattern::Literal(tokens.text(0).into()))
}

// The words are few and from the vocabulary, so a quick hash is as good as a strong one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hasher;

impl std::hash::BuildHasher for Hasher {
    type Hasher = Fnv;

    fn build_hasher(&self) -> Fnv {
        Fnv(HASH_START)
    }
}

/// The hash of Fowler, Noll and Vo.
#[derive(Debug)]
pub(crate) struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = add_to_hash(self.0, bytes);
    }
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

fn add_to_hash(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(phrase: &str, text: &str) -> bool {
        let mut lexicon = Lexicon::default();
        lexicon.add(7, phrase).unwrap();
        lexicon.scan(&Tokens::of(text)).iter().any(|found| found.entry == 7)
    }

    #[test]
    fn phrases_match_as_they_say() {
        assert!(found("encrypt* at rest", "Data is encrypted at-rest."));
        assert!(!found("encrypt* at rest", "Data is encrypted at the rest"));
        assert!(found("ci/cd", "our CI/CD pipeline"));
        assert!(found("we ~2 recommend", "We strongly recommend it"));
        assert!(!found("we ~2 recommend", "We do it. You recommend it"));
        assert!(found("^ if", "If so") && !found("^ if", "even if"));
        assert!(found("tls # [or] higher", "TLS 1.2 or higher") && found("tls # [or] higher", "TLS 1.2 higher"));
        assert!(found("yes $", "Yes.") && !found("yes $", "Yes, we do"));
    }

    #[test]
    fn phrases_that_cannot_be_read_are_refused() {
        for bad in ["", "~x a", "a|", "x* y", "~2 a"] {
            assert!(Lexicon::default().add(0, bad).is_err(), "{bad:?}");
        }
    }
}
