//! Small sets of phrases, and the words by which two statements are compared.

use super::lexicon::{Lexicon, PhraseError};
use super::tokens::Tokens;

/// A set of phrases of the vocabulary's form.
#[derive(Debug, Default)]
pub struct PhraseSet(Lexicon);

impl PhraseSet {
    /// Reads the phrases.
    ///
    /// # Errors
    /// The first that is no phrase.
    pub fn new(phrases: &[String]) -> Result<Self, PhraseError> {
        let mut lexicon = Lexicon::default();
        for phrase in phrases {
            lexicon.add(0, phrase)?;
        }
        Ok(Self(lexicon))
    }

    /// Whether one of them stands in a text.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        !self.0.scan(&Tokens::of(text)).is_empty()
    }
}

// Words that say nothing of what a statement is about.
const STOP: &[&str] = &[
    "a", "all", "an", "and", "any", "are", "as", "at", "be", "been", "both", "by", "can", "do", "does", "each", "every", "for", "from",
    "had", "has", "have", "if", "in", "into", "is", "it", "its", "may", "must", "no", "not", "of", "on", "only", "or", "our", "over",
    "shall", "so", "such", "than", "that", "the", "their", "them", "then", "these", "they", "this", "those", "to", "under", "up", "us",
    "use", "used", "uses", "using", "via", "was", "we", "were", "when", "where", "which", "who", "will", "with", "within", "you", "your",
    "least", "most", "more", "always", "never", "higher", "later", "older", "also", "other", "anything", "nothing", "der", "die", "das",
    "und", "wir", "le", "la", "les", "et", "des",
];

/// The words of a text that say what it is about, without their endings, as sorted hashes; numbers are left out.
#[must_use]
pub fn content_words(text: &str) -> Vec<u64> {
    let tokens = Tokens::of(text);
    let mut words: Vec<u64> = tokens
        .iter()
        .filter(|(at, word)| tokens.is_word(*at) && word.len() > 1 && !STOP.contains(word))
        .map(|(_, word)| hash(stem(word)))
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

// Cuts the endings of English, so that "encrypts" and "encrypted" are one word.
fn stem(word: &str) -> &str {
    for ending in ["ations", "ation", "ings", "ing", "ied", "ies", "ed", "es", "ion", "ions", "s", "e", "y"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.chars().count() >= 4
        {
            return stem;
        }
    }
    word
}

fn hash(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_do_not_part_words() {
        assert_eq!(content_words("Backups are encrypted"), content_words("We encrypt every backup"));
        assert!(content_words("30 days, of the").len() < 2);
    }
}
