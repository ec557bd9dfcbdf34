//! One text with all that the vocabulary finds in it.

use std::ops::Range;

use super::tokens::Tokens;
use super::vocabulary::{Cue, Sense, Vocabulary};

/// A text that was scanned.
#[derive(Debug)]
pub(crate) struct Scan<'v> {
    pub(crate) vocabulary: &'v Vocabulary,
    pub(crate) tokens: Tokens,
    found: Vec<super::lexicon::Match>,
    cues: u64,
    weights: Vec<(usize, u32, usize)>,
}

/// A sense with the tokens that it was found in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'v> {
    pub(crate) sense: &'v Sense,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl<'v> Scan<'v> {
    pub(crate) fn of(vocabulary: &'v Vocabulary, text: &str) -> Self {
        let tokens = Tokens::of(text);
        let found = vocabulary.lexicon.scan(&tokens);
        let cues = found.iter().fold(0, |cues, found| match vocabulary.senses[found.entry as usize] {
            Sense::Cue(cue) => cues | cue.bit(),
            _ => cues,
        });
        let mut scan = Self { vocabulary, tokens, found, cues, weights: Vec::new() };
        scan.weights = scan.weigh();
        scan
    }

    /// Everything that was found.
    pub(crate) fn found(&self) -> impl Iterator<Item = Found<'v>> {
        let vocabulary = self.vocabulary;
        self.found.iter().map(move |found| Found { sense: &vocabulary.senses[found.entry as usize], start: found.start, end: found.end })
    }

    pub(crate) const fn has(&self, cue: Cue) -> bool {
        self.cues & cue.bit() != 0
    }

    /// Where a cue was found.
    pub(crate) fn all(&self, cue: Cue) -> impl Iterator<Item = Range<usize>> {
        self.found().filter(move |found| *found.sense == Sense::Cue(cue)).map(|found| found.start..found.end)
    }

    /// Where a cue was found first.
    pub(crate) fn first(&self, cue: Cue) -> Option<Range<usize>> {
        self.has(cue).then(|| self.all(cue).next()).flatten()
    }

    /// The weights of the topics, with the token where each is met first.
    pub(crate) fn weights(&self) -> &[(usize, u32, usize)] {
        &self.weights
    }

    // Of words that overlap, only the longest counts for a topic.
    fn weigh(&self) -> Vec<(usize, u32, usize)> {
        let mut best: Vec<(usize, usize, usize, u32)> = Vec::new();
        for found in self.found() {
            let Sense::Topic { topic, weight } = *found.sense else { continue };
            let topic = usize::from(topic);
            let overlapping = best.iter_mut().find(|(known, start, end, _)| *known == topic && *start < found.end && found.start < *end);
            let weight = u32::from(weight);
            match overlapping {
                Some(known) if weight > known.3 || (weight == known.3 && found.end - found.start > known.2 - known.1) => {
                    *known = (topic, found.start, found.end, weight);
                }
                Some(_) => {}
                None => best.push((topic, found.start, found.end, weight)),
            }
        }
        let mut sums: Vec<(usize, u32, usize)> = Vec::new();
        for (topic, start, _, weight) in best {
            match sums.iter_mut().find(|(known, ..)| *known == topic) {
                // A word that comes again adds little.
                Some(sum) => sum.1 += weight.min(2),
                None => sums.push((topic, weight, start)),
            }
        }
        sums
    }

    /// The topic with the most weight; of equals the one that comes first.
    pub(crate) fn topic(&self) -> Option<(usize, u32)> {
        let best = self.weights.iter().copied().max_by_key(|(_, weight, start)| (*weight, std::cmp::Reverse(*start)));
        best.map(|(topic, weight, _)| (topic, weight))
    }

    /// The weight of a topic.
    pub(crate) fn weight_of(&self, id: &str) -> u32 {
        self.weights.iter().find(|(known, ..)| self.vocabulary.topics[*known].id == id).map_or(0, |(_, weight, _)| *weight)
    }

    /// The bytes of tokens in the text.
    pub(crate) fn bytes(&self, tokens: Range<usize>) -> Range<usize> {
        let start = self.tokens.get(tokens.start).map_or(0, |token| token.range.start);
        let end = tokens.end.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.range.end);
        start..end.max(start)
    }

    pub(crate) fn ends_with(&self, sign: &str) -> bool {
        let last = self.tokens.iter().next_back();
        last.is_some_and(|(at, text)| text == sign || (matches!(text, "\"" | ")") && at > 0 && self.tokens.text(at - 1) == sign))
    }

    pub(crate) fn words(&self) -> usize {
        (0..self.tokens.len()).filter(|at| self.tokens.is_word(*at)).count()
    }
}
