//! Binding statements to claims: by the anchor beside the statement, else by kind, value, topic and words, else by being the
//! registered sentence itself.

use std::collections::BTreeMap;

use proofbook_evidence::claims::{Claim, Kind, Promise, Registry};

use super::Said;
use crate::document::{Context, Form, Place, Statement};
use crate::typing::{Reader, content_words};

/// A registry that was prepared for binding.
#[derive(Debug)]
pub(crate) struct Binder<'r> {
    registry: &'r Registry,
    by_kind: BTreeMap<Kind, Vec<Prepared<'r>>>,
    // The registered sentences, for what is read as another kind than it was registered with.
    by_sentence: BTreeMap<String, &'r Claim>,
}

#[derive(Debug)]
struct Prepared<'r> {
    claim: &'r Claim,
    words: Vec<u64>,
    topic: &'static str,
}

// Below this likeness a statement is not taken for a registered one.
const ENOUGH: f64 = 0.5;

impl<'r> Binder<'r> {
    pub(crate) fn new(registry: &'r Registry) -> Self {
        let mut reader = Reader::new();
        let mut by_kind: BTreeMap<Kind, Vec<Prepared<'r>>> = BTreeMap::new();
        for claim in registry.iter() {
            let statement = Statement {
                text: claim.statement.clone(),
                form: Form::Sentence,
                place: Place::default(),
                context: std::sync::Arc::new(Context::default()),
                position: 0,
                anchor: None,
            };
            let topic = reader.read(&statement).first().map_or("", |reading| reading.topic);
            let words = content_words(&format!("{} {}", claim.statement, claim.scope));
            by_kind.entry(claim.kind).or_default().push(Prepared { claim, words, topic });
        }
        let by_sentence = registry.iter().map(|claim| (sentence(&claim.statement), claim)).collect();
        Self { registry, by_kind, by_sentence }
    }

    /// The claim that a statement makes.
    pub(crate) fn bind(&self, said: &Said) -> Option<&'r Claim> {
        if let Some(claim) = said.anchor.as_deref().and_then(|id| self.registry.get(id)) {
            return Some(claim);
        }
        let candidates = self.by_kind.get(&said.reading.kind).into_iter().flatten();
        let scored = candidates.map(|prepared| (likeness(said, prepared), prepared.claim));
        let best = scored.filter(|(score, _)| *score >= ENOUGH).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, claim)| claim);
        best.or_else(|| self.registered(said))
    }

    // The claim whose sentence this is, unless the statement gives a value that is another one than the registered.
    fn registered(&self, said: &Said) -> Option<&'r Claim> {
        let claim = *self.by_sentence.get(&sentence(&said.reading.text))?;
        let differs = matches!((&said.reading.value, &claim.value), (Some(said), Some(promised)) if !said.equals(promised));
        (!differs).then_some(claim)
    }
}

// A sentence by its words and numbers alone, in lower case.
fn sentence(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '.').map(|word| word.trim_matches('.')).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

// How like a statement and a claim are, from 0 to about 1.3.
fn likeness(said: &Said, prepared: &Prepared<'_>) -> f64 {
    let claim = prepared.claim;
    let shared = said.words.iter().filter(|word| prepared.words.binary_search(word).is_ok()).count();
    let fewer = said.words.len().min(prepared.words.len()).max(1);
    let more = said.words.len().max(prepared.words.len()).max(1);
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if shared == 0 {
        return 0.0;
    }
    let words = 0.5 * count(shared) / count(fewer) + 0.3 * count(shared) / count(more);
    let value = match (&said.reading.value, &claim.value) {
        (Some(said), Some(promised)) if said.equals(promised) => 0.3,
        // The same measure with another value is the same promise, broken.
        (Some(said), Some(promised)) if alike(said, promised) => 0.15,
        (None, None) => 0.1,
        (Some(_), Some(_)) => -0.3,
        _ => -0.1,
    };
    let topic = if said.reading.topic == prepared.topic { 0.1 } else { -0.1 };
    let place = claim.places.iter().any(|place| {
        said.path.ends_with(&place.path) && place.heading.as_ref().is_none_or(|heading| said.headings.iter().any(|own| **own == **heading))
    });
    words + value + topic + if place { 0.2 } else { 0.0 }
}

fn alike(a: &Promise, b: &Promise) -> bool {
    let name = |promise: &Promise| promise.terms().first().and_then(|term| term.name.clone());
    a.unit().is_some() == b.unit().is_some() && name(a) == name(b)
}
