//! The vocabulary: topics, cues and typed values as data, compiled into one lexicon.
//!
//! The embedded files are `claims/vocabulary/*.yaml`. Every entry stands there with examples that a test holds it to.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proofbook_controls::diagnostic::{Diagnostic, Diagnostics};
use proofbook_controls::yaml;
use proofbook_evidence::claims::{Comparator, Kind};
use serde::Deserialize;

use super::lexicon::Lexicon;

const CUES: &str = include_str!("../../vocabulary/cues.yaml");
const TOPICS: &str = include_str!("../../vocabulary/topics.yaml");
const VALUES: &str = include_str!("../../vocabulary/values.yaml");
const WORDS: &str = include_str!("../../vocabulary/words.yaml");

macro_rules! cues {
    ($($variant:ident = $name:literal,)+) => {
        /// The cues that classification knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Cue { $($variant,)+ }

        impl Cue {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $name),)+];

            pub(crate) const fn bit(self) -> u64 {
                1 << self as u8
            }
        }
    };
}

cues! {
    LawSubject = "law-subject",
    LawVerb = "law-verb",
    LawQuote = "law-quote",
    ConditionStart = "condition-start",
    Supposition = "supposition",
    Customer = "customer",
    CustomerDuty = "customer-duty",
    Imperative = "imperative",
    NegativeStatus = "negative-status",
    Future = "future",
    InProgress = "in-progress",
    Optional = "optional",
    PlanGated = "plan-gated",
    Hedged = "hedged",
    Capability = "capability",
    Umbrella = "umbrella",
    ThirdParty = "third-party",
    Definition = "definition",
    History = "history",
    Past = "past",
    Present = "present",
    Marketing = "marketing",
    Metadata = "metadata",
    Harm = "harm",
    PlansHeading = "plans-heading",
    HistoryHeading = "history-heading",
    ExampleHeading = "example-heading",
    CustomerHeading = "customer-heading",
    ProviderHeading = "provider-heading",
    DutyHeading = "duty-heading",
    FirstPerson = "first-person",
    All = "all",
    Only = "only",
    None = "none",
    Some = "some",
}

/// What a phrase stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sense {
    Cue(Cue),
    Topic { topic: u16, weight: u8 },
    Algorithm(Box<str>),
    Protocol(Box<str>),
    Place(Box<str>),
    Scheme(Box<str>),
    Frequency(Box<str>),
    Unit(Box<str>),
    Number(f64),
    Before(Comparator),
    After(Comparator),
    Status(Box<str>),
    Counted(Box<str>),
    Term(Box<str>),
}

/// A topic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    /// A stable slug.
    pub(crate) id: String,
    /// The kind of a statement about it that has no typed value.
    pub(crate) kind: Kind,
    strong: Vec<String>,
    words: Vec<String>,
    weak: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the entry to it"))]
    pub(crate) examples: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the entry to it"))]
    pub(crate) counter_examples: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CueEntry {
    #[serde(rename = "doc")]
    _doc: String,
    phrases: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the entry to it"))]
    examples: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds the entry to it"))]
    counter_examples: Vec<String>,
}

type Phrases = BTreeMap<String, Vec<String>>;
type SenseOf = fn(&str) -> Option<Sense>;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    algorithms: Phrases,
    protocols: Phrases,
    places: Phrases,
    schemes: Phrases,
    frequencies: Phrases,
    units: Phrases,
    numbers: Phrases,
    before: Phrases,
    after: Phrases,
    statuses: Phrases,
    counted: Phrases,
    terms: Phrases,
}

/// Plain words by their part in a sentence.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) targets: Vec<String>,
    pub(crate) session: Vec<String>,
    pub(crate) keep: Vec<String>,
    pub(crate) soon: Vec<String>,
    pub(crate) refused: Vec<String>,
    pub(crate) refuses: Vec<String>,
    pub(crate) third_person: Vec<String>,
    pub(crate) plural: Vec<String>,
    pub(crate) prepositions: Vec<String>,
    pub(crate) leading: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) instructions: Vec<String>,
    pub(crate) foreign: Vec<String>,
    pub(crate) before_means: Vec<String>,
    pub(crate) before_version: Vec<String>,
}

impl Words {
    // So that a word is found by halving.
    fn sort(&mut self) {
        let lists = [&mut self.targets, &mut self.session, &mut self.keep, &mut self.soon, &mut self.refused, &mut self.refuses];
        let grammar = [
            &mut self.third_person,
            &mut self.plural,
            &mut self.prepositions,
            &mut self.leading,
            &mut self.commands,
            &mut self.instructions,
            &mut self.foreign,
        ];
        let before = [&mut self.before_means, &mut self.before_version];
        lists.into_iter().chain(grammar).chain(before).for_each(|list| list.sort());
    }
}

/// Whether a sorted list holds a word.
pub(crate) fn holds(list: &[String], word: &str) -> bool {
    list.binary_search_by(|known| known.as_str().cmp(word)).is_ok()
}

/// All that the reader knows of words.
#[derive(Debug)]
pub struct Vocabulary {
    pub(crate) lexicon: Lexicon,
    pub(crate) senses: Vec<Sense>,
    pub(crate) topics: Vec<Topic>,
    pub(crate) words: Words,
    cues: Vec<(Cue, CueEntry)>,
}

impl Vocabulary {
    /// The embedded vocabulary.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Vocabulary> = OnceLock::new();
        EMBEDDED.get_or_init(|| Self::read().expect("the embedded vocabulary is read by a test"))
    }

    fn read() -> Result<Self, Diagnostics> {
        let mut vocabulary =
            Self { lexicon: Lexicon::default(), senses: Vec::new(), topics: Vec::new(), words: Words::default(), cues: Vec::new() };
        let mut errors = Diagnostics::default();
        let mut cues: BTreeMap<String, CueEntry> = yaml::parse("vocabulary/cues.yaml", CUES)?;
        for (cue, name) in Cue::ALL {
            match cues.remove(*name) {
                Some(entry) => {
                    vocabulary.add(Sense::Cue(*cue), &entry.phrases, "cues.yaml", &mut errors);
                    vocabulary.cues.push((*cue, entry));
                }
                None => errors.push(Diagnostic::new("missing-cue", "vocabulary/cues.yaml", format!("there is no cue `{name}`"))),
            }
        }
        for name in cues.keys() {
            errors.push(Diagnostic::new("unknown-cue", "vocabulary/cues.yaml", format!("unknown cue `{name}`")));
        }
        vocabulary.words = yaml::parse("vocabulary/words.yaml", WORDS)?;
        vocabulary.words.sort();
        let topics: Vec<Topic> = yaml::parse("vocabulary/topics.yaml", TOPICS)?;
        for (number, topic) in (0_u16..).zip(&topics) {
            for (weight, phrases) in [(3, &topic.strong), (2, &topic.words), (1, &topic.weak)] {
                vocabulary.add(Sense::Topic { topic: number, weight }, phrases, "topics.yaml", &mut errors);
            }
        }
        vocabulary.topics = topics;
        let values: Values = yaml::parse("vocabulary/values.yaml", VALUES)?;
        let tables: [(&Phrases, SenseOf); 12] = [
            (&values.algorithms, |name| Some(Sense::Algorithm(name.into()))),
            (&values.protocols, |name| Some(Sense::Protocol(name.into()))),
            (&values.places, |name| Some(Sense::Place(name.into()))),
            (&values.schemes, |name| Some(Sense::Scheme(name.into()))),
            (&values.frequencies, |name| Some(Sense::Frequency(name.into()))),
            (&values.units, |name| Some(Sense::Unit(name.into()))),
            (&values.numbers, |name| name.parse().ok().map(Sense::Number)),
            (&values.before, |name| comparator(name).map(Sense::Before)),
            (&values.after, |name| comparator(name).map(Sense::After)),
            (&values.statuses, |name| Some(Sense::Status(name.into()))),
            (&values.counted, |name| Some(Sense::Counted(name.into()))),
            (&values.terms, |name| Some(Sense::Term(name.into()))),
        ];
        for (table, sense) in tables {
            for (name, phrases) in table {
                match sense(name) {
                    Some(sense) => vocabulary.add(sense, phrases, "values.yaml", &mut errors),
                    None => errors.push(Diagnostic::new("value", "vocabulary/values.yaml", format!("`{name}` is no value of its table"))),
                }
            }
        }
        errors.into_result(vocabulary)
    }

    fn add(&mut self, sense: Sense, phrases: &[String], file: &str, errors: &mut Diagnostics) {
        let entry = u32::try_from(self.senses.len()).unwrap_or(u32::MAX);
        self.senses.push(sense);
        for phrase in phrases {
            if let Err(error) = self.lexicon.add(entry, phrase) {
                errors.push(Diagnostic::new("phrase", format!("vocabulary/{file}"), error.to_string()));
            }
        }
    }
}

fn comparator(sign: &str) -> Option<Comparator> {
    [Comparator::Equal, Comparator::AtLeast, Comparator::AtMost, Comparator::More, Comparator::Less]
        .into_iter()
        .find(|known| known.as_str() == sign)
}

#[cfg(test)]
mod tests {
    use super::super::scan::Scan;
    use super::*;

    #[test]
    fn the_embedded_vocabulary_is_whole() {
        if let Err(errors) = Vocabulary::read() {
            panic!("{errors}");
        }
    }

    #[test]
    fn cues_are_found_in_their_examples_and_not_in_their_counter_examples() {
        let vocabulary = Vocabulary::embedded();
        let mut wrong = Vec::new();
        for (cue, entry) in &vocabulary.cues {
            let missing = entry.examples.iter().filter(|text| !Scan::of(vocabulary, text).has(*cue));
            wrong.extend(missing.map(|text| format!("{cue:?} is not found in {text:?}")));
            let found = entry.counter_examples.iter().filter(|text| Scan::of(vocabulary, text).has(*cue));
            wrong.extend(found.map(|text| format!("{cue:?} is found in {text:?}")));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn topics_are_those_of_their_examples() {
        let vocabulary = Vocabulary::embedded();
        let mut wrong = Vec::new();
        for (number, topic) in vocabulary.topics.iter().enumerate() {
            let read = |text: &str| Scan::of(vocabulary, text).topic().map(|(best, _)| best);
            let others = topic.examples.iter().filter(|text| read(text) != Some(number));
            wrong.extend(others.map(|text| format!("{text:?} is not read as {}", topic.id)));
            let same = topic.counter_examples.iter().filter(|text| read(text) == Some(number));
            wrong.extend(same.map(|text| format!("{text:?} is read as {}", topic.id)));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
