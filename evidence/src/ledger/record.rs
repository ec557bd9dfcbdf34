//! The record of a run: what the ledger knows of it without opening the bundle. Everything in it is made from the bundle.

use jiff::Timestamp;
use proofbook_checks::inventory::Assurance;
use serde::{Deserialize, Serialize};

use super::{LedgerError, names};
use crate::assessment::{Assessment, Counts};
use crate::bundle::LIBRARY;
use crate::bundle::manifest::Manifest;

/// A run by its id and the digest of its manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRef {
    /// The run's id.
    #[serde(deserialize_with = "names::run_id")]
    pub run_id: String,
    /// The digest of its manifest.
    pub manifest_sha256: String,
}

/// What the ledger knows of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The place in the chain, counted from 1.
    pub position: u64,
    /// The run's id.
    #[serde(deserialize_with = "names::run_id")]
    pub run_id: String,
    /// The digest of its manifest.
    pub manifest_sha256: String,
    /// The digest of the manifest before it.
    pub previous: Option<String>,
    /// The workspace.
    pub workspace: String,
    /// The environment.
    pub environment: String,
    /// When the run looked.
    pub clock: Timestamp,
    /// Whether all checks of the default selection ran.
    pub full: bool,
    /// Whether every target was read by the run itself.
    pub assurance: Assurance,
    /// The version of the program.
    pub tool_version: String,
    /// The version of evaluation and roll-up.
    pub semantics: u32,
    /// The digest of the sealed library.
    pub library_sha256: Option<String>,
    /// Findings by verdict.
    pub verdicts: Counts,
    /// The last full run up to this one.
    pub newest_full: Option<RunRef>,
}

impl Record {
    /// The record of a run that comes after `before`.
    pub(crate) fn new(manifest: &Manifest, manifest_sha256: &str, verdicts: Counts, before: Option<&Self>) -> Self {
        let run = &manifest.predicate;
        let own = RunRef { run_id: run.run_id.clone(), manifest_sha256: manifest_sha256.to_owned() };
        let library = manifest.subject.iter().find(|file| file.name == LIBRARY);
        Self {
            position: before.map_or(0, |before| before.position) + 1,
            run_id: own.run_id.clone(),
            manifest_sha256: own.manifest_sha256.clone(),
            previous: run.previous.clone(),
            workspace: run.workspace.clone(),
            environment: run.environment.clone(),
            clock: run.clock,
            full: run.full,
            assurance: run.assurance,
            tool_version: run.tool_version.clone(),
            semantics: run.semantics,
            library_sha256: library.map(|file| file.digest.sha256.clone()),
            verdicts,
            newest_full: if run.full { Some(own) } else { before.and_then(|before| before.newest_full.clone()) },
        }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> RunRef {
        RunRef { run_id: self.run_id.clone(), manifest_sha256: self.manifest_sha256.clone() }
    }

    pub(super) fn parse(line: &[u8], place: &str) -> Result<Self, LedgerError> {
        serde_json::from_slice(line)
            .map_err(|error| LedgerError::Entry { place: place.to_owned(), detail: format!("a record cannot be read: {error}") })
    }

    pub(super) fn to_line(&self) -> Result<Vec<u8>, LedgerError> {
        Ok(serde_json_canonicalizer::to_vec(self)?)
    }
}

/// Findings by verdict over all checks.
pub(crate) fn verdicts(assessment: &Assessment) -> Counts {
    let mut all = Counts::new();
    for (verdict, count) in assessment.checks.values().flat_map(|check| &check.counts) {
        *all.entry(*verdict).or_insert(0) += count;
    }
    all
}
