//! Labelled cases of statements and evidence, and what `docs check` says of them.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::Verdict;
use proofbook_claims::checking::{self, Evidence, Outcome};
use proofbook_claims::document::Document;
use proofbook_claims::typing::Reader;
use proofbook_controls::CheckId;
use proofbook_evidence::assessment::CheckAssessment;
use proofbook_evidence::attestation::Attestation;
use proofbook_evidence::claims::{Claim, ClaimsFile, Promise, Registry, StoredValue, ValueStore};
use proofbook_evidence::values::MeasuredValue;
use serde::Deserialize;
use serde_json::{Value, json};

/// Documents with what must follow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The name.
    pub(crate) id: String,
    // Which weak spot of real documentation it is like.
    #[serde(default)]
    #[serde(rename = "covers")]
    _covers: String,
    documents: Vec<Text>,
    #[serde(default)]
    binds: Vec<String>,
    #[serde(default)]
    values: Vec<Measured>,
    #[serde(default)]
    age_days: i64,
    fresh_days: Option<i64>,
    #[serde(default)]
    attested: bool,
    // The registry as it stands; without it, one is made of `binds`.
    #[serde(default)]
    claims: Vec<Claim>,
    // What checks came to.
    #[serde(default)]
    checks: BTreeMap<CheckId, Verdict>,
    expected: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
struct Text {
    path: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Measured {
    id: String,
    check: String,
    verdict: Option<Verdict>,
    // As many as have a value, where nothing is said.
    population: Option<u64>,
    distinct: Vec<(Value, u64)>,
}

#[derive(Debug, Deserialize)]
struct Expected {
    path: Option<String>,
    line: u32,
    text: String,
    verdict: OneOrMore,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// What was said of one expected statement.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The statement.
    pub(crate) text: String,
    /// The verdicts that are right, the best first.
    pub(crate) allowed: Vec<String>,
    /// The verdicts that were given.
    pub(crate) found: Vec<String>,
    /// Whether one of them is right.
    pub(crate) right: bool,
}

/// Reads a file of cases.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read(path: &Path) -> Result<Vec<Case>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// What is said of each statement that a case expects something of.
#[must_use]
pub(crate) fn judged(case: &Case) -> Vec<Judged> {
    let outcome = outcome(case);
    let judged = |expected: &Expected| {
        let allowed: Vec<String> = match &expected.verdict {
            OneOrMore::One(verdict) => vec![verdict.clone()],
            OneOrMore::More(verdicts) => verdicts.clone(),
        };
        let path = expected.path.as_deref().unwrap_or(&case.documents[0].path);
        let fold = |text: &str| text.replace(['*', '_', '\u{60}'], "").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let here = |text: &str| fold(text).contains(&fold(&expected.text)) || fold(&expected.text).contains(&fold(text));
        let found: Vec<String> = outcome
            .notices
            .iter()
            .map(|judgement| &judgement.notice)
            .filter(|notice| notice.path == path && notice.line <= expected.line && notice.end_line >= expected.line && here(&notice.text))
            .map(|notice| notice.code.to_owned())
            .collect();
        let silent = found.iter().all(|code| code == "unregistered");
        let right = allowed.iter().any(|verdict| if verdict == "silent" { silent } else { found.contains(verdict) });
        Judged { text: expected.text.clone(), allowed, found, right }
    };
    case.expected.iter().map(judged).collect()
}

fn outcome(case: &Case) -> Outcome {
    let clock: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap_or_default();
    let window = SignedDuration::from_hours(24 * case.fresh_days.unwrap_or(7));
    let fresh_until = clock.checked_add(window).unwrap_or(clock);
    let values = case.values.iter().map(|value| StoredValue {
        measured: MeasuredValue {
            id: value.id.clone(),
            check: value.check.clone(),
            population: Some(value.population.unwrap_or_else(|| value.distinct.iter().map(|(_, count)| count).sum())),
            distinct: value.distinct.clone(),
        },
        verdict: value.verdict,
        fresh_until,
    });
    let checks = case.checks.iter().map(|(id, status)| (id.clone(), assessed(*status, fresh_until))).collect();
    let store = ValueStore::of_values("20261101T000000Z-00000000", clock, values.collect()).with_checks(checks);
    let mut reader = Reader::new();
    let read: Vec<_> = case
        .documents
        .iter()
        .map(|text| checking::promises(&Document::read(&text.path, text.text.clone().into_bytes()), &mut reader))
        .collect();
    let registry = if case.claims.is_empty() { registry(case, &read) } else { of_claims(case.claims.clone()) };
    let mut attestations: BTreeMap<String, Attestation> = BTreeMap::new();
    if case.attested
        && let Ok(attestation) = serde_json::from_value::<Attestation>(json!({
            "id": "signed", "statement": "It is so.", "role": "Head of security", "person_ref": "p1",
            "signed_at": "2026-01-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z", "evidence": [],
        }))
    {
        attestations.insert("signed".to_owned(), attestation);
    }
    let at = clock.checked_add(SignedDuration::from_hours(24 * case.age_days)).unwrap_or(clock);
    let evidence = Evidence { registry: &registry, store: Some(&store), attestations: &attestations, certifications: &[], at };
    checking::check(&read, &evidence)
}

fn assessed(status: Verdict, fresh_until: Timestamp) -> CheckAssessment {
    serde_json::from_value(json!({
        "status": status, "reason": "as-promised", "counts": {status.as_str(): 1}, "severity": "high", "method": "examine",
        "population": {"check": "a", "definition": "d", "subjects": 1, "enumerated": 1, "complete": true, "listings": []},
        "fresh_until": fresh_until,
    }))
    .expect("what a check comes to has this form")
}

fn beside(said: &checking::Said, id: &str) -> usize {
    let around = said.around().to_lowercase();
    id.split(['-', '.', '_']).filter(|word| around.contains(*word)).count()
}

// The claim that the case binds: the statement where the verdict is expected, with the ids of the values.
fn registry(case: &Case, read: &[checking::DocumentPromises]) -> Registry {
    if case.binds.is_empty() && !case.attested {
        return Registry::default();
    }
    let mut claims: Vec<Claim> = Vec::new();
    for (number, expected) in case.expected.iter().enumerate() {
        let said = read
            .iter()
            .flat_map(|document| &document.said)
            .find(|said| said.place.line <= expected.line && said.place.end_line >= expected.line);
        let kind = said.map_or("other", |said| said.reading.kind.as_str());
        // As a registry has it: with the words that stand beside it in the document.
        let statement = said.map_or_else(|| expected.text.clone(), |said| format!("{} {}", said.around(), said.reading.text));
        // Of several values, those whose ids share most words with the statement.
        let shared = |id: &str| {
            id.split(['-', '.', '_'])
                .filter(|word| statement.to_lowercase().contains(*word) || expected.text.to_lowercase().contains(*word))
                .count()
        };
        let around = said.map_or(0, |said| case.binds.iter().map(|id| beside(said, id)).max().unwrap_or(0));
        let most = case.binds.iter().map(|id| shared(id.as_str())).max().unwrap_or(0);
        let values: Vec<&String> =
            case.binds.iter().filter(|id| shared(id) == most && said.is_none_or(|said| beside(said, id) == around)).collect();
        let need = if case.attested { vec!["signed"] } else { Vec::new() };
        let file = json!({"claims": [{
            "id": format!("case-{number}"), "statement": statement, "kind": kind, "values": values, "attestations": need,
            "value": said.and_then(|said| said.reading.value.as_ref()).map(Promise::as_str),
        }]});
        if let Ok(file) = serde_saphyr::from_str::<ClaimsFile>(&file.to_string()) {
            claims.extend(file.claims);
        }
    }
    of_claims(claims)
}

fn of_claims(claims: Vec<Claim>) -> Registry {
    Registry::of(claims).unwrap_or_else(|(registry, _)| registry)
}
