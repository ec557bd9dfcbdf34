//! Measures the verdicts of `docs check` over labelled cases: documents, measured values, and what must follow.
//!
//! `cargo run -p proofbook-claims --example verdicts -- tests/claims/contradictions/values.yaml... [--list]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example program prints its result")]

use std::collections::BTreeMap;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::Verdict;
use proofbook_claims::checking::{self, Evidence, Outcome};
use proofbook_claims::document::Document;
use proofbook_claims::typing::Reader;
use proofbook_evidence::attestation::Attestation;
use proofbook_evidence::claims::{Claim, ClaimsFile, Promise, Registry, StoredValue, ValueStore};
use proofbook_evidence::values::MeasuredValue;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
struct Case {
    id: String,
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

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let list = arguments.iter().any(|argument| argument == "--list");
    let mut tallies: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for path in arguments.iter().filter(|argument| !argument.starts_with("--")) {
        let cases: Result<Vec<Case>, String> = std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_saphyr::from_str(&text).map_err(|error| error.to_string()));
        let cases = match cases {
            Ok(cases) => cases,
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::from(2);
            }
        };
        for case in &cases {
            measure(case, list, &mut tallies);
        }
    }
    for (verdict, (right, all)) in &tallies {
        println!("{verdict:<16} {right:>4} of {all}");
    }
    ExitCode::SUCCESS
}

fn measure(case: &Case, list: bool, tallies: &mut BTreeMap<String, (u32, u32)>) {
    let outcome = outcome(case);
    for expected in &case.expected {
        let allowed: Vec<&str> = match &expected.verdict {
            OneOrMore::One(verdict) => vec![verdict],
            OneOrMore::More(verdicts) => verdicts.iter().map(String::as_str).collect(),
        };
        let path = expected.path.as_deref().unwrap_or(&case.documents[0].path);
        let fold = |text: &str| text.replace(['*', '_', '\u{60}'], "").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let here = |text: &str| fold(text).contains(&fold(&expected.text)) || fold(&expected.text).contains(&fold(text));
        let found: Vec<&str> = outcome
            .notices
            .iter()
            .map(|judgement| &judgement.notice)
            .filter(|notice| notice.path == path && notice.line <= expected.line && notice.end_line >= expected.line && here(&notice.text))
            .map(|notice| notice.verdict)
            .collect();
        let silent = found.is_empty() || found.iter().all(|verdict| *verdict == "unregistered");
        let right = allowed.iter().any(|verdict| if *verdict == "silent" { silent } else { found.contains(verdict) });
        for name in [allowed[0], "all"] {
            let tally = tallies.entry(name.to_owned()).or_default();
            tally.0 += u32::from(right);
            tally.1 += 1;
        }
        if list && !right {
            println!("{}: {:?} expected {allowed:?}, found {found:?}", case.id, expected.text);
        }
    }
}

fn outcome(case: &Case) -> Outcome {
    let clock: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap_or_default();
    let window = SignedDuration::from_hours(24 * case.fresh_days.unwrap_or(7));
    let values = case.values.iter().map(|value| StoredValue {
        measured: MeasuredValue { id: value.id.clone(), check: value.check.clone(), distinct: value.distinct.clone() },
        verdict: value.verdict,
        fresh_until: clock.checked_add(window).unwrap_or(clock),
    });
    let store = ValueStore::of_values("20261101T000000Z-00000000", clock, values.collect());
    let mut reader = Reader::new();
    let read: Vec<_> = case
        .documents
        .iter()
        .map(|text| checking::promises(&Document::read(&text.path, text.text.clone().into_bytes()), &mut reader))
        .collect();
    let registry = registry(case, &read);
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
        let statement = said.map_or(expected.text.as_str(), |said| &said.reading.text);
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
    Registry::of(claims).unwrap_or_else(|(registry, _)| registry)
}
