//! Checking: every promise of the documents is bound to a claim and held against the values of a sealed bundle, against
//! attestations and publication facts, and against the other promises.
//!
//! A promise is `backed` only by what was measured or decided, is fresh, and is at hand. Nothing missing, withheld or unknown backs
//! anything.

mod bind;
mod bindings;
mod certificate;
mod compare;
mod conflicts;
mod judge;
mod suppress;
mod verdict;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proofbook_controls::diagnostic::did_you_mean;
use proofbook_evidence::attestation::Attestation;
use proofbook_evidence::claims::{Class, Registry, ValueStore};
use proofbook_evidence::facts::Certification;
use proofbook_evidence::notice::{Level, Notice};

use crate::document::{Document, Place, Statement};
use crate::typing::{Reader, Reading, content_words};
use bind::Binder;
pub(crate) use compare::shown as shown_value;
pub use suppress::Suppression;
pub use verdict::ClaimVerdict;
use words::Wordings;
pub use words::{Wording, wordings};

/// The code of notices on anchors that name no claim.
pub const UNKNOWN_ANCHOR: &str = "unknown-anchor";

/// The code of notices on what could not be read.
pub const PASSED_OVER: &str = "passed-over";

/// A statement of a document, read.
#[derive(Clone, Debug)]
pub struct Said {
    /// The document.
    pub path: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// The claim that an anchor names.
    pub anchor: Option<String>,
    /// The headings above it.
    pub headings: Vec<Arc<str>>,
    /// What it says.
    pub reading: Reading,
    /// The first line of the document that holds it.
    pub source_line: Arc<str>,
    // What stands beside it, and the words by which it is compared.
    beside: Arc<str>,
    words: Vec<u64>,
    // Those of its own text alone; none where it says no more than its value.
    own_words: Vec<u64>,
}

impl Said {
    /// The words that stand beside the statement: its row and column, what leads to it, the question, the heading.
    #[must_use]
    pub fn around(&self) -> &str {
        &self.beside
    }
}

/// What checking needs to know of one document.
#[derive(Debug)]
pub struct DocumentPromises {
    /// The path as it is printed.
    pub path: Arc<str>,
    /// The promises, and what else takes a side: plans and what is not there.
    pub said: Vec<Said>,
    /// The suppressions that stand in it.
    pub suppressions: Vec<Suppression>,
    /// What was passed over, as notices.
    pub passed: Vec<Notice>,
}

/// What documents are held against.
#[derive(Debug)]
pub struct Evidence<'e> {
    /// The registry of claims.
    pub registry: &'e Registry,
    /// The measured values, where there is a bundle.
    pub store: Option<&'e ValueStore>,
    /// Attestations by the id of the need.
    pub attestations: &'e BTreeMap<String, Attestation>,
    /// Certificates and reports, as the workspace states them.
    pub certifications: &'e [Certification],
    /// The time that freshness is judged by.
    pub at: Timestamp,
}

/// What checking found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The notices in the order of documents and lines.
    pub notices: Vec<Judgement>,
    /// How many statements have each verdict.
    pub counts: BTreeMap<ClaimVerdict, usize>,
    /// Claims of the registry that no document makes.
    pub unsaid: Vec<String>,
    /// The fingerprints of notices that were taken out again.
    pub left_out: Vec<String>,
}

/// A notice with what `--fix` would write.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The notice.
    pub notice: Notice,
    /// The verdict; none for what is no verdict on a statement.
    pub verdict: Option<ClaimVerdict>,
    /// Where the statement stands that this one conflicts with: path, first and last line.
    pub other: Option<(String, u32, u32)>,
    /// The words that hold the value, and what the evidence would put there.
    pub replacement: Option<(String, String)>,
    /// The anchor that would be written beside the statement.
    pub anchor: Option<String>,
}

/// A file that cannot be read, and why.
pub type Unread = (PathBuf, std::io::Error);

/// Applies `take` to every document, in parallel, and keeps the order of the files.
///
/// # Errors
/// The first file that cannot be read, with its path.
pub fn map_documents<T: Send>(
    files: &[PathBuf],
    threads: usize,
    take: &(dyn Fn(&Document, &mut Reader) -> T + Sync),
) -> Result<Vec<T>, Unread> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut reader = Reader::new();
        let mut out = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(at) else { return out };
            let result = std::fs::read(file).map_err(|error| (file.clone(), error));
            out.push((at, result.map(|bytes| take(&Document::read(&shown(file), bytes), &mut reader))));
        }
    };
    let mut all: Vec<(usize, Result<T, Unread>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for worker in workers {
            // A worker that panicked takes its panic on here.
            match worker.join() {
                Ok(part) => all.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// A path as it is printed: with `/` between its parts, and without `./` at its beginning.
#[must_use]
pub fn shown(path: &Path) -> String {
    let parts: Vec<_> = path
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir))
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/").replace("//", "/")
}

/// The promises of a document.
#[must_use]
pub fn promises(document: &Document, reader: &mut Reader) -> DocumentPromises {
    let path: Arc<str> = document.path.as_str().into();
    let mut said = Vec::new();
    for statement in &document.statements {
        for reading in reader.read(statement) {
            let takes_a_side = matches!(reading.class, Class::Future | Class::NegativeStatus);
            let anchored = statement.anchor.is_some();
            if reading.class.is_promise() || takes_a_side || anchored {
                said.push(said_of(document, &path, statement, reading));
            }
        }
    }
    let passed = document.passed.iter().map(|(place, message)| passed_over(document, *place, message)).collect();
    DocumentPromises { path, said, suppressions: suppress::suppressions(document), passed }
}

fn said_of(document: &Document, path: &Arc<str>, statement: &Statement, reading: Reading) -> Said {
    let context = &statement.context;
    let beside = [
        context.row.as_deref(),
        context.column.as_deref(),
        context.label.as_deref(),
        context.lead_in.as_deref(),
        context.question.as_deref(),
        context.headings.last().map(AsRef::as_ref),
    ];
    let beside: String = beside.into_iter().flatten().collect::<Vec<_>>().join(" \u{b7} ");
    // A cell alone says little: its row and column belong to it.
    let own = match (&context.row, &context.column) {
        (None, None) => reading.text.clone(),
        (row, column) => [row.as_deref().unwrap_or_default(), column.as_deref().unwrap_or_default(), &reading.text].join(" "),
    };
    let own = match &context.question {
        Some(question) if context.row.is_none() => format!("{question} {own}"),
        _ => own,
    };
    Said {
        path: path.clone(),
        place: statement.place,
        anchor: statement.anchor.clone(),
        headings: context.headings.clone(),
        source_line: document.lines.text_of(&document.text, statement.place.line).into(),
        words: subject_words(&own, &reading),
        own_words: specific_words(&reading.text, &reading),
        beside: beside.into(),
        reading,
    }
}

// The words that say what a statement is about; where nothing else is left, all of them.
fn subject_words(own: &str, reading: &Reading) -> Vec<u64> {
    let words = specific_words(own, reading);
    if words.is_empty() { content_words(own) } else { words }
}

// Words without the value, and without the verbs that the kind has anyway.
fn specific_words(own: &str, reading: &Reading) -> Vec<u64> {
    static GENERIC_WORDS: LazyLock<Vec<u64>> = LazyLock::new(|| content_words(GENERIC));
    let value = reading.text.get(reading.words.clone()).filter(|words| reading.value.is_some() && words.len() < reading.text.len());
    let mut words = value.map_or_else(|| content_words(own), |value| content_words(&own.replace(value, " ")));
    words.retain(|word| GENERIC_WORDS.binary_search(word).is_err());
    words
}

const GENERIC: &str = "retain retained retention keep kept store stored storing data accept accepts require requires need needs allow support supports located locate host hosted day days hour hours \
    minute minutes week weeks month months year years version versions included elsewhere system systems encrypt encrypted encryption protect protected secure take taken run made make \
    rotate rotated location region how long what where when enforce enforced provide provides available period time maximum minimum";

// A mistyped anchor must not go unnoticed: it binds nothing, and the statement is judged as if it were not there.
fn unknown_anchor(said: &Said, id: &str, registry: &Registry) -> Judgement {
    let known = registry.iter().map(|claim| claim.id.value.as_str());
    let place = said.place;
    let notice = Notice {
        path: said.path.to_string(),
        line: place.line,
        column: place.column,
        end_line: place.end_line,
        end_column: place.end_column,
        code: UNKNOWN_ANCHOR,
        level: Level::Error,
        verdict: "",
        claim: None,
        text: said.reading.text.clone(),
        message: format!("the anchor names the claim `{id}`, which is not in the registry"),
        suggestion: did_you_mean(id, known, "name a claim of claims.yaml"),
        source_line: said.source_line.to_string(),
        fingerprint: fingerprint(&said.path, UNKNOWN_ANCHOR, &said.reading.text),
    };
    Judgement { notice, verdict: None, other: None, replacement: None, anchor: None }
}

fn passed_over(document: &Document, place: Place, message: &str) -> Notice {
    Notice {
        path: document.path.clone(),
        line: place.line,
        column: place.column,
        end_line: place.end_line,
        end_column: place.end_column,
        code: PASSED_OVER,
        level: Level::Warning,
        verdict: "",
        claim: None,
        text: String::new(),
        message: message.to_owned(),
        suggestion: "Mend the file, so that all of it is read.".to_owned(),
        source_line: document.lines.text_of(&document.text, place.line).to_owned(),
        fingerprint: fingerprint(&document.path, PASSED_OVER, message),
    }
}

/// Stays the same when lines above a statement change: path, code and words.
#[must_use]
pub fn fingerprint(path: &str, code: &str, text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    proofbook_evidence::bundle::manifest::sha256_hex(format!("{path}\n{code}\n{words}").as_bytes())[..16].to_owned()
}

/// Holds the promises of documents against the evidence and against each other.
#[must_use]
pub fn check(documents: &[DocumentPromises], evidence: &Evidence<'_>) -> Outcome {
    let binder = Binder::new(evidence.registry);
    let wordings = Wordings::embedded();
    let said_all: Vec<&Said> = documents.iter().flat_map(|document| &document.said).collect();
    let conflicts = conflicts::find(&said_all, wordings);
    let mut outcome = Outcome::default();
    let mut made: BTreeSet<&str> = BTreeSet::new();
    for (number, said) in said_all.iter().enumerate() {
        let anchored = said.anchor.as_deref().filter(|id| evidence.registry.get(id).is_some());
        if let Some(unknown) = said.anchor.as_deref().filter(|_| anchored.is_none()) {
            outcome.notices.push(unknown_anchor(said, unknown, evidence.registry));
        }
        let claim = binder.bind(said);
        if let Some(claim) = claim {
            made.insert(&claim.id.value);
        }
        let conflict = conflicts.get(&number);
        let mut judgement = if said.reading.class.is_promise() || anchored.is_some() {
            judge::judge(said, claim, conflict.map(|conflict| conflict.message.as_str()), evidence, wordings)
        } else {
            // A plan promises nothing, but it may contradict a promise.
            let Some(conflict) = conflict else { continue };
            judge::conflict(said, claim, &conflict.message)
        };
        judgement.other = conflict.map(|conflict| {
            let other = said_all[conflict.with];
            (other.path.to_string(), other.place.line, other.place.end_line)
        });
        outcome.add(judgement);
    }
    outcome.unsaid = evidence.registry.iter().map(|claim| claim.id.value.clone()).filter(|id| !made.contains(id.as_str())).collect();
    for document in documents {
        outcome.notices.extend(document.passed.iter().map(|notice| Judgement {
            notice: notice.clone(),
            verdict: None,
            other: None,
            replacement: None,
            anchor: None,
        }));
        suppress::apply(document, &mut outcome, evidence.at);
    }
    let place = |judgement: &Judgement| (judgement.notice.line, judgement.notice.column, judgement.notice.code);
    let order: BTreeMap<&str, usize> = documents.iter().enumerate().map(|(at, document)| (&*document.path, at)).collect();
    outcome.notices.sort_by(|a, b| (order.get(a.notice.path.as_str()), place(a)).cmp(&(order.get(b.notice.path.as_str()), place(b))));
    outcome
}

impl Outcome {
    /// Takes out the notices that are not to be told.
    pub fn retain(&mut self, mut keep: impl FnMut(&Judgement) -> bool) {
        let (counts, left_out) = (&mut self.counts, &mut self.left_out);
        self.notices.retain(|judgement| {
            let kept = keep(judgement);
            if !kept {
                left_out.push(judgement.notice.fingerprint.clone());
                if let Some(count) = judgement.verdict.and_then(|verdict| counts.get_mut(&verdict)) {
                    *count -= 1;
                }
            }
            kept
        });
    }

    fn add(&mut self, judgement: Judgement) {
        if let Some(verdict) = judgement.verdict {
            *self.counts.entry(verdict).or_default() += 1;
        }
        self.notices.push(judgement);
    }
}
