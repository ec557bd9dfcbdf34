//! The shape of a record, field by field, as it is written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::definition::{Freshness, Method};
use proofbook_checks::finding::Exclusion;
use proofbook_checks::plan::Parameter;
use proofbook_checks::{Reason, Subject, Verdict};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::bundle::Reconciliation;

use super::{ActorRecord, RequestGroup, TimeSource, is_class_record};

/// One record: a check about a subject in a run.
#[derive(Clone, Debug, Serialize)]
pub struct EvidenceRecord {
    /// The version of the shape.
    pub schema: String,
    /// UUID of version 5 of workspace, check, subject and run.
    pub id: Uuid,
    /// The run.
    pub run_id: String,
    /// The workspace.
    pub workspace: String,
    /// The environment.
    pub environment: String,
    /// The check.
    pub check: CheckRecord,
    /// The parameters as they took effect, each with its origin: `default`, `workspace` or `claim:<id>`.
    pub parameters: BTreeMap<String, Parameter>,
    /// What the record is about.
    pub subject: SubjectRecord,
    /// What the check looked at in all.
    pub population: PopulationRecord,
    /// How subjects were chosen from the population.
    pub sample: SampleRecord,
    /// How it was read.
    pub collection: CollectionRecord,
    /// Who looked, for each target.
    pub actors: Vec<ActorRecord>,
    /// The time that the observation says something about.
    pub observed_period: PeriodRecord,
    /// The clocks.
    pub time_source: Vec<TimeSource>,
    /// The answers as they came.
    pub raw: RawRecord,
    /// What was decided from.
    pub normalised: NormalisedRecord,
    /// What was taken out before anything was written.
    pub redactions: Vec<RedactionRecord>,
    /// What was decided.
    pub evaluation: EvaluationRecord,
    /// The controls that rest on the check.
    pub controls: Vec<ControlLink>,
    /// Until when it counts.
    pub validity: ValidityRecord,
    /// Its place among the records.
    pub chain: ChainRecord,
    /// What vouches for it.
    pub seal: SealRecord,
}

/// The check that decided.
#[derive(Clone, Debug, Serialize)]
pub struct CheckRecord {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// What holds when it passes.
    pub title: String,
    /// EXAMINE or TEST (NIST SP 800-53A).
    pub method: Method,
    /// SHA-256 of the sealed library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_digest: Option<String>,
}

/// What a record is about.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SubjectRecord {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Kind/namespace/name` or `Kind/name`.
    pub id: String,
    /// The API version of the object, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// The namespace, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The uid, where the source gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The version of the object, where the source gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// The generation of what was asked of it, where the source gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// The targets that it was read from, each with what identifies it (of a cluster the uid of the namespace kube-system).
    pub location: Vec<String>,
}

impl SubjectRecord {
    pub(super) fn of(subject: &Subject, object: Option<&Json>, location: Vec<String>) -> Self {
        let metadata = |key: &str| object.and_then(|object| object.get("metadata")?.get(key));
        Self {
            kind: subject.kind.to_string(),
            id: subject.to_string(),
            api_version: object.and_then(|object| object.get("apiVersion")?.as_str().map(str::to_owned)),
            namespace: subject.namespace.map(|namespace| namespace.to_string()),
            name: subject.name.to_string(),
            uid: subject.uid.map(|uid| uid.to_string()),
            resource_version: metadata("resourceVersion").and_then(Json::as_str).map(str::to_owned),
            generation: metadata("generation").and_then(Json::as_i64),
            location,
        }
    }
}

/// What a check looked at, with the proof that it is all there.
#[derive(Clone, Debug, Serialize)]
pub struct PopulationRecord {
    /// In words.
    pub definition: String,
    /// How many objects were enumerated.
    pub enumerated: u64,
    /// How many of them are subjects.
    pub count: u64,
    /// Whether every listing behind it is complete.
    pub complete: bool,
    /// What was left out, by which rule and why.
    pub excluded: Vec<Exclusion>,
    /// The listings that it was enumerated by.
    pub listings: Vec<ListingRecord>,
    /// What a second source counts, with the difference, for each listing that has one.
    pub reconciled_with: Vec<Reconciliation>,
}

/// A listing behind a population.
#[derive(Clone, Debug, Serialize)]
pub struct ListingRecord {
    /// The resource, as `kubernetes/pods`.
    pub resource: String,
    /// `complete`, or why not.
    pub state: String,
    /// How many objects it has.
    pub count: u64,
    /// The version that all its pages share, where the target gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
}

/// How subjects were chosen.
#[derive(Clone, Debug, Serialize)]
pub struct SampleRecord {
    /// Always `all`: a check judges its whole population.
    pub method: String,
}

/// How it was read.
#[derive(Clone, Debug, Serialize)]
pub struct CollectionRecord {
    /// The program.
    pub collector: String,
    /// Its version.
    pub collector_version: String,
    /// SHA-256 of the program's file, where the run knew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_sha256: Option<String>,
    /// When collection began; the clock of the run where that is not known.
    pub started: Timestamp,
    /// When the last answer came; none for a dump, and where the run's time was given to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// The requests, grouped.
    pub requests: Vec<RequestGroup>,
}

/// A time, or a span of it.
#[derive(Clone, Debug, Serialize)]
pub struct PeriodRecord {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end; equal to its beginning for a point in time.
    pub to: Timestamp,
    /// How that is known.
    pub basis: String,
}

/// The answers as they came from the target.
#[derive(Clone, Debug, Serialize)]
pub struct RawRecord {
    /// Always `no`: only what checks read is kept, so that nothing else can leak.
    pub stored: String,
    /// The sealed file with the digest and size of every answer.
    pub digests: String,
}

/// What was decided from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NormalisedRecord {
    /// SHA-256 over the canonical JSON of `subject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The subject in the fields that the check reads; none where the record is about the population.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Json>,
    /// The sealed files that the check read beside it.
    pub beside: Vec<JoinedRecord>,
}

/// A sealed file that a check read in full.
#[derive(Clone, Debug, Serialize)]
pub struct JoinedRecord {
    /// Its name in the bundle; an empty listing has no file.
    pub file: String,
    /// How many objects it holds.
    pub count: u64,
    /// Its SHA-256, where there is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A value that was taken out before anything was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedactionRecord {
    /// Where in the subject, as a JSON pointer (RFC 6901).
    pub path: String,
    /// Why.
    pub reason: &'static str,
    /// How: `mask` keeps the kind and the class of its length.
    pub method: &'static str,
}

/// What was decided.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EvaluationRecord {
    /// The version of the program.
    pub engine_version: String,
    /// The version of evaluation and roll-up.
    pub semantics: u32,
    /// SHA-256 of the check's file.
    pub rule_digest: String,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// Why, out of the closed list.
    pub reason_code: Option<Reason>,
    /// One sentence.
    pub message: String,
    /// What was measured.
    pub measured: BTreeMap<String, Json>,
}

/// A control that rests on the check.
#[derive(Clone, Debug, Serialize)]
pub struct ControlLink {
    /// Its id.
    pub id: String,
    /// Whether it needs the check.
    pub required: bool,
}

/// Until when a record counts.
#[derive(Clone, Debug, Serialize)]
pub struct ValidityRecord {
    /// The time.
    pub fresh_until: Timestamp,
    /// The window in hours.
    pub window_hours: i64,
    /// The class of evidence.
    pub class: Freshness,
}

/// The place of a record among those of its run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChainRecord {
    /// Counted from 1.
    pub index: u64,
    /// The digest of the record before; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_sha256: Option<String>,
    /// SHA-256 over the canonical JSON of the record without this field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_sha256: Option<String>,
}

/// What vouches for a record: the seal of its run is over the manifest.
#[derive(Clone, Debug, Serialize)]
pub struct SealRecord {
    /// The digest of the manifest.
    pub manifest_sha256: String,
    /// The digest of the manifest before it in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_manifest_sha256: Option<String>,
}

/// What was taken out of a subject, by the records that took its place, sorted by path.
pub(super) fn redactions(subject: &Json) -> Vec<RedactionRecord> {
    let mut out = Vec::new();
    walk(subject, &mut String::new(), &mut out);
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

fn walk(value: &Json, path: &mut String, out: &mut Vec<RedactionRecord>) {
    if is_class_record(value) {
        out.push(RedactionRecord { path: path.clone(), reason: "secret", method: "mask" });
        return;
    }
    let length = path.len();
    let mut enter = |key: &str, value: &Json| {
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        walk(value, path, out);
        path.truncate(length);
    };
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| enter(key, value)),
        Json::Array(items) => items.iter().enumerate().for_each(|(at, value)| enter(&at.to_string(), value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_masked_is_told_by_its_path() {
        let masked = json!({"kind": "string", "length": "short", "detectors": []});
        let subject = json!({"metadata": {"annotations": {"a/b": masked}}, "env": [{"value": masked}], "kind": "Pod"});
        let paths: Vec<String> = redactions(&subject).into_iter().map(|found| found.path).collect();
        assert_eq!(paths, ["/env/0/value", "/metadata/annotations/a~1b"]);
    }
}
