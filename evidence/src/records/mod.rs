//! Evidence records: for every check, subject and run one self-contained account of what was looked at, by whom, through which
//! requests, and what was decided. A bundle keeps each of these facts once; here they are put together for whoever wants them
//! record by record.
//!
//! Records are derived and never stored: the same bundle gives the same bytes. They are canonical JSON (RFC 8785) and chained,
//! so that none can be taken out or changed behind the back of somebody who holds the last digest. The manifest's signature and
//! time stamp vouch for the bundle that they are derived from; its digest stands in every record.
//!
//! A fact that the run did not learn is left out and never made up. Such are: when a dump was read, when the last request of a
//! run ended to which its time was given (the same input then gives the same bytes), and whether the collector's clock is
//! synchronised (its offset against each target is given in place of that).

mod actors;
mod requests;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::compile::{Check, Origin};
use proofbook_checks::evaluate::{Evaluation, manual_template};
use proofbook_checks::inventory::{Assurance, Inventory, Target};
use proofbook_checks::plan::Planned;
use proofbook_checks::resource::{Resource, Source};
use proofbook_checks::value::Value;
use proofbook_checks::{Finding, Subject};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::assessment::{Assessment, CheckAssessment};
use crate::bundle::manifest::{Manifest, Run, sha256_hex};
use crate::bundle::{Bundle, BundleError, LIBRARY};
use crate::freshness::Windows;

pub use actors::{ActorRecord, TimeSource};
pub use requests::RequestGroup;
pub use shape::{
    ChainRecord, CheckRecord, CollectionRecord, ControlLink, EvaluationRecord, EvidenceRecord, JoinedRecord, ListingRecord,
    NormalisedRecord, PeriodRecord, PopulationRecord, RawRecord, RedactionRecord, SampleRecord, SealRecord, SubjectRecord, ValidityRecord,
};

/// The version of the shape.
pub const SCHEMA: &str = "proofbook.evidence/1";

/// Hands every record of a bundle to `take`, each a line of canonical JSON with its line feed, in the order of the findings.
///
/// # Errors
/// What cannot be read of the bundle, a finding that does not belong to it, or an error of `take`.
pub fn each<E: From<BundleError>>(bundle: &Bundle, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let (plan, inventory, assessment) = (bundle.plan()?, bundle.inventory()?, bundle.assessment()?);
    let run = &bundle.manifest().predicate;
    let evaluation = Evaluation::new(&inventory, &plan.settings, run.clock);
    let mut findings: Vec<Finding> = Vec::new();
    bundle.findings(|finding| findings.push(finding))?;
    let source = Facts { bundle, inventory: &inventory, evaluation: &evaluation, assessment: &assessment };
    let mut chain = Chain::default();
    for of_check in findings.chunk_by(|a, b| a.check == b.check) {
        let Some(first) = of_check.first() else { continue };
        let Some(planned) = plan.checks.get(&first.check) else {
            let detail = format!("holds a finding of the check {}, which the run did not select", first.check);
            return Err(BundleError::Malformed { file: crate::bundle::FINDINGS.to_owned(), detail }.into());
        };
        let derived = source.check(planned)?;
        for finding in of_check {
            take(&chain.line(derived.record(finding)).map_err(BundleError::Json)?)?;
        }
    }
    Ok(())
}

/// What all records of a check share, and what else an assessor asks of its population.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The shared part of the records: subject and verdict are empty.
    pub shared: EvidenceRecord,
    /// The sealed files that the population was read from.
    pub files: Vec<JoinedRecord>,
    /// The fields that the check reads, as `resource: path`.
    pub fields: Vec<String>,
    /// The command with which a person repeats the check, with its placeholders.
    pub manual: String,
}

/// A sheet for every check of a bundle that `wanted` names, in the order of their ids.
///
/// # Errors
/// What cannot be read of the bundle.
pub fn sheets(bundle: &Bundle, wanted: impl Fn(&Check) -> bool) -> Result<Vec<Sheet>, BundleError> {
    let (plan, inventory, assessment) = (bundle.plan()?, bundle.inventory()?, bundle.assessment()?);
    let evaluation = Evaluation::new(&inventory, &plan.settings, bundle.manifest().predicate.clock);
    let facts = Facts { bundle, inventory: &inventory, evaluation: &evaluation, assessment: &assessment };
    let sheet = |planned: &Planned<'_>| -> Result<Sheet, BundleError> {
        let shared = facts.check(planned)?.common;
        let fields = planned
            .wanted
            .iter()
            .flat_map(|(resource, projection)| projection.mask.paths().into_iter().map(move |path| format!("{resource}: {path}")));
        let files = facts.read_in_full(shared.population.listings.iter());
        Ok(Sheet { files, fields: fields.collect(), manual: manual_template(planned.check), shared })
    };
    plan.checks.values().filter(|planned| wanted(planned.check)).map(sheet).collect()
}

/// The id of the record of a check about a subject in a run: a UUID of version 5 (RFC 9562) in the name space of the workspace.
#[must_use]
pub fn record_id(run: &Run, check: &str, subject: &Subject) -> Uuid {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("https://proofbook.dev/workspace/{}", run.workspace).as_bytes());
    let uid = subject.uid.map_or("", |uid| uid.as_str());
    Uuid::new_v5(&space, format!("{check}\n{subject}\n{uid}\n{}", run.run_id).as_bytes())
}

/// The chain of records: each names the digest of the one before and its own.
#[derive(Default)]
struct Chain {
    index: u64,
    previous: Option<String>,
}

impl Chain {
    fn line(&mut self, mut record: EvidenceRecord) -> Result<Vec<u8>, serde_json::Error> {
        self.index += 1;
        record.chain = ChainRecord { index: self.index, prev_sha256: self.previous.take(), record_sha256: None };
        let own = sha256_hex(&serde_json_canonicalizer::to_vec(&record)?);
        record.chain.record_sha256 = Some(own.clone());
        self.previous = Some(own);
        let mut line = serde_json_canonicalizer::to_vec(&record)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// What all records of a bundle are derived from.
struct Facts<'b> {
    bundle: &'b Bundle,
    inventory: &'b Inventory,
    evaluation: &'b Evaluation<'b>,
    assessment: &'b Assessment,
}

/// What all records of one check share.
struct Derived<'b> {
    facts: &'b Facts<'b>,
    check: &'b Check,
    objects: BTreeMap<Subject, Value>,
    common: EvidenceRecord,
}

impl Facts<'_> {
    fn check<'b>(&'b self, planned: &'b Planned<'b>) -> Result<Derived<'b>, BundleError> {
        let check = planned.check;
        let run = &self.bundle.manifest().predicate;
        let sums = self.assessment.checks.get(check.id()).ok_or_else(|| BundleError::Malformed {
            file: crate::bundle::ASSESSMENT.to_owned(),
            detail: format!("says nothing of the check {}, which has findings", check.id()),
        })?;
        let resources: BTreeSet<Resource> = planned.wanted.keys().cloned().collect();
        let sources: BTreeSet<Source> = resources.iter().map(|resource| resource.source).collect();
        let requests = requests::grouped(&self.inventory.requests, &resources);
        let targets: Vec<&Target> = run.targets.iter().filter(|target| sources.contains(&target.source)).collect();
        let definition = &check.definition;
        let windows = Windows::new(&self.bundle.catalog().controls, self.bundle.scopes());
        let as_supplied = targets.iter().any(|target| target.assurance == Assurance::AsSupplied);
        let started = run.collection.span.map_or(run.clock, |span| span.started);
        let common = EvidenceRecord {
            schema: SCHEMA.to_owned(),
            id: Uuid::nil(),
            run_id: run.run_id.clone(),
            workspace: run.workspace.clone(),
            environment: run.environment.clone(),
            check: CheckRecord {
                id: check.id().to_string(),
                version: definition.version,
                title: definition.title.clone(),
                method: definition.method,
                catalog_digest: digest_of(self.bundle.manifest(), LIBRARY),
            },
            parameters: planned.params.clone(),
            subject: SubjectRecord::default(),
            population: population(sums, self.inventory, &resources, run),
            sample: SampleRecord { method: "all".to_owned() },
            collection: CollectionRecord {
                collector: "proofbook".to_owned(),
                collector_version: run.tool_version.clone(),
                binary_sha256: run.collection.collector_sha256.clone(),
                started,
                finished: run.collection.span.map(|span| span.finished),
                requests,
            },
            actors: targets.iter().map(|target| ActorRecord::of(target)).collect(),
            observed_period: PeriodRecord {
                from: started,
                to: run.collection.span.map_or(run.clock, |span| span.finished),
                basis: (if as_supplied { "as supplied: when it was read is not known" } else { "read by the run itself" }).to_owned(),
            },
            time_source: targets.iter().map(|target| TimeSource::of(target)).collect(),
            raw: RawRecord { stored: "no".to_owned(), digests: crate::bundle::REQUESTS.to_owned() },
            normalised: NormalisedRecord::default(),
            redactions: Vec::new(),
            evaluation: EvaluationRecord {
                engine_version: run.tool_version.clone(),
                semantics: run.semantics,
                rule_digest: sha256_hex(check.source.as_bytes()),
                ..EvaluationRecord::default()
            },
            controls: self
                .bundle
                .catalog()
                .controls_of(check.id())
                .map(|(id, required)| ControlLink { id: id.to_string(), required })
                .collect(),
            validity: ValidityRecord {
                fresh_until: sums.fresh_until,
                window_hours: windows.hours(definition.freshness),
                class: definition.freshness,
            },
            chain: ChainRecord::default(),
            seal: SealRecord { manifest_sha256: self.bundle.manifest_sha256().to_owned(), previous_manifest_sha256: run.previous.clone() },
        };
        Ok(Derived { facts: self, check, objects: self.evaluation.subjects_of(planned), common })
    }

    // What a check read beside its subjects: whole files, since a join may rest on what is absent from them.
    fn beside(&self, check: &Check, population: &PopulationRecord) -> Vec<JoinedRecord> {
        let own = match &check.origin {
            Origin::Resource(resource) if check.joins.is_empty() => Some(resource.to_string()),
            _ => None,
        };
        self.read_in_full(population.listings.iter().filter(|listing| own.as_ref() != Some(&listing.resource)))
    }

    fn read_in_full<'l>(&self, listings: impl Iterator<Item = &'l ListingRecord>) -> Vec<JoinedRecord> {
        let manifest = self.bundle.manifest();
        let record = |listing: &ListingRecord| {
            let file = format!("observations/{}.ndjson.zst", listing.resource);
            JoinedRecord { sha256: digest_of(manifest, &file), file, count: listing.count }
        };
        listings.map(record).collect()
    }
}

impl Derived<'_> {
    fn record(&self, finding: &Finding) -> EvidenceRecord {
        let mut record = self.common.clone();
        let run = &self.facts.bundle.manifest().predicate;
        record.id = record_id(run, self.check.id().as_str(), &finding.subject);
        let object = self.objects.get(&finding.subject).map(Value::to_json);
        let location = record.actors.iter().map(|actor| actor.target.clone()).collect();
        record.subject = SubjectRecord::of(&finding.subject, object.as_ref(), location);
        record.redactions = object.as_ref().map(shape::redactions).unwrap_or_default();
        record.normalised = NormalisedRecord {
            sha256: object.as_ref().and_then(|object| serde_json_canonicalizer::to_vec(object).ok()).map(|bytes| sha256_hex(&bytes)),
            subject: object,
            beside: self.facts.beside(self.check, &record.population),
        };
        record.evaluation.verdict = Some(finding.verdict);
        record.evaluation.reason_code = Some(finding.reason_code);
        record.evaluation.message.clone_from(&finding.message);
        record.evaluation.measured = finding.measured.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
        record
    }
}

fn population(sums: &CheckAssessment, inventory: &Inventory, resources: &BTreeSet<Resource>, run: &Run) -> PopulationRecord {
    let population = &sums.population;
    let version = |name: &str| {
        let known = resources.iter().find(|resource| resource.to_string() == name)?;
        inventory.listings.get(known)?.resource_version.clone()
    };
    PopulationRecord {
        definition: population.definition.clone(),
        enumerated: population.enumerated,
        count: population.subjects,
        complete: population.complete,
        excluded: population.excluded.clone(),
        listings: population
            .listings
            .iter()
            .map(|listing| ListingRecord {
                resource: listing.resource.clone(),
                state: listing.state.clone(),
                count: listing.count,
                resource_version: version(&listing.resource),
            })
            .collect(),
        reconciled_with: run
            .collection
            .reconciled
            .iter()
            .filter(|held| population.listings.iter().any(|listing| listing.resource == held.resource))
            .cloned()
            .collect(),
    }
}

fn digest_of(manifest: &Manifest, name: &str) -> Option<String> {
    manifest.subject.iter().find(|file| file.name == name).map(|file| file.digest.sha256.clone())
}

/// Whether a JSON value is the record that took a sensitive string's place.
fn is_class_record(value: &Json) -> bool {
    value.as_object().is_some_and(|map| {
        map.len() == 3 && map.get("kind") == Some(&"string".into()) && map.contains_key("detectors") && map.contains_key("length")
    })
}
