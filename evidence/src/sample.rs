//! A sample of a population that anybody can draw again: subjects in the order of HMAC-SHA256 (RFC 2104) with the seed as key over
//! their id, the first `size` of them. Who chooses the seed, and does so after the run was sealed, cannot be led to chosen subjects.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::{Subject, Verdict};
use proofbook_controls::CheckId;
use serde::Serialize;

use crate::bundle::manifest::hex;
use crate::bundle::{Bundle, BundleError};

/// How a sample is drawn, in words that stand on its sheet.
pub const ALGORITHM: &str = "HMAC-SHA256(key = seed, message = id), ascending, the first of them";

/// Why no sample was drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The run did not select the check.
    #[error("the run {run_id} did not select the check `{check}`")]
    NotRun {
        /// The run.
        run_id: String,
        /// The check.
        check: String,
    },
    /// Not all of the population is known: a sample would speak for subjects that nobody saw.
    #[error("the population of `{check}` is not whole, so nothing can be drawn from it: {detail}")]
    Incomplete {
        /// The check.
        check: String,
        /// Why.
        detail: String,
    },
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// A sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The run.
    pub run_id: String,
    /// The digest of its manifest.
    pub manifest_sha256: String,
    /// The check.
    pub check: String,
    /// The population in words.
    pub definition: String,
    /// How many subjects it has.
    pub population: u64,
    /// How many were asked for; the sample has fewer where the population has.
    pub size: usize,
    /// The seed.
    pub seed: String,
    /// How it was drawn.
    pub algorithm: &'static str,
    /// The subjects that were drawn, in the order of their codes.
    pub drawn: Vec<Drawn>,
}

/// A subject that was drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawn {
    /// Its id: `Kind/namespace/name`, with `#uid` where it has one. This is what the code is over.
    pub id: String,
    /// The code, in lower-case hex.
    pub hmac_sha256: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, out of the closed list.
    pub reason_code: String,
    /// One sentence.
    pub message: String,
    /// The command with which a person repeats the check for this subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual: Option<String>,
}

/// Draws `size` subjects of a check from a bundle.
///
/// # Errors
/// A check that did not run, a population that is not whole, and what cannot be read.
pub fn draw(bundle: &Bundle, check: &CheckId, size: usize, seed: &str) -> Result<Sample, SampleError> {
    let plan = bundle.plan()?;
    let run = &bundle.manifest().predicate;
    let assessment = bundle.assessment()?;
    let (Some(planned), Some(sums)) = (plan.checks.get(check), assessment.checks.get(check)) else {
        return Err(SampleError::NotRun { run_id: run.run_id.clone(), check: check.to_string() });
    };
    let mut subjects = Vec::new();
    let mut about_all = None;
    bundle.findings(|finding| {
        if finding.check != *check {
            return;
        }
        if &*finding.subject.kind == "Population" {
            about_all = Some(finding.message);
        } else {
            subjects.push(finding);
        }
    })?;
    if let Some(detail) = about_all.or_else(|| (!sums.population.complete).then(|| "a listing behind it is not complete".to_owned())) {
        return Err(SampleError::Incomplete { check: check.to_string(), detail });
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, seed.as_bytes());
    let mut coded: Vec<_> = subjects
        .into_iter()
        .map(|finding| {
            let id = id_of(&finding.subject);
            (hmac::sign(&key, id.as_bytes()).as_ref().to_vec(), id, finding)
        })
        .collect();
    coded.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    coded.truncate(size);
    let inventory = bundle.inventory()?;
    let evaluation = Evaluation::new(&inventory, &plan.settings, run.clock);
    let mut commands: BTreeMap<Subject, String> =
        evaluation.manual_commands(planned, |subject| coded.iter().any(|(_, _, finding)| finding.subject == *subject));
    let drawn = coded.into_iter().map(|(code, id, finding)| Drawn {
        id,
        hmac_sha256: hex(&code),
        verdict: finding.verdict,
        reason_code: finding.reason_code.as_str(),
        message: finding.message,
        manual: commands.remove(&finding.subject),
    });
    Ok(Sample {
        run_id: run.run_id.clone(),
        manifest_sha256: bundle.manifest_sha256().to_owned(),
        check: check.to_string(),
        definition: sums.population.definition.clone(),
        population: sums.population.subjects,
        size,
        seed: seed.to_owned(),
        algorithm: ALGORITHM,
        drawn: drawn.collect(),
    })
}

/// The id of a subject that a code is over.
#[must_use]
pub fn id_of(subject: &Subject) -> String {
    subject.uid.map_or_else(|| subject.to_string(), |uid| format!("{subject}#{uid}"))
}
