//! The value store: the measured values of one bundle, as far as the bundle still is what was sealed.
//!
//! A published bundle may hold manifest, seal and values alone; all else is withheld. Nothing is read from a file whose digest
//! is not the one that the manifest names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::{Catalog, Verdict};
use proofbook_controls::CheckId;

use crate::assessment::{Assessment, CheckAssessment};
use crate::bundle::manifest::{MANIFEST, Manifest, Run, sha256_hex};
use crate::bundle::{ASSESSMENT, VALUES};
use crate::values::MeasuredValue;

/// Why a bundle gives no values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not what was sealed.
    #[error("{path}: {detail}; nothing is compared with it, see `proofbook verify`")]
    NotIntact {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// One measured value, with what is known of its check.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredValue {
    /// The value over its population.
    pub measured: MeasuredValue,
    /// The worst verdict of the check; none where the assessment is withheld.
    pub verdict: Option<Verdict>,
    /// Until when it counts.
    pub fresh_until: Timestamp,
}

/// The values of one run.
#[derive(Clone, Debug)]
pub struct ValueStore {
    /// The run's id.
    pub run_id: String,
    /// The environment that was looked at.
    pub environment: String,
    /// When.
    pub clock: Timestamp,
    /// Whether all checks of the default selection ran.
    pub full: bool,
    /// Whether the verdicts are at hand, and not the values alone.
    pub has_verdicts: bool,
    values: BTreeMap<String, StoredValue>,
    checks: BTreeMap<CheckId, CheckAssessment>,
}

impl ValueStore {
    /// Reads the values of the bundle at `path`, and its verdicts where they are not withheld. The catalog tells how long the
    /// result of a check counts where the bundle does not.
    ///
    /// # Errors
    /// A manifest or a file that cannot be read, or that is not what was sealed.
    pub fn open(path: &Path, catalog: &Catalog) -> Result<Self, StoreError> {
        let manifest = manifest(path)?;
        let values = sealed(path, &manifest, VALUES)?
            .ok_or_else(|| StoreError::NotIntact { path: path.join(VALUES), detail: "the values are not there".to_owned() })?;
        let bad = |file: &str, error: serde_json::Error| StoreError::NotIntact { path: path.join(file), detail: error.to_string() };
        let lines = values.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let measured: Result<Vec<MeasuredValue>, _> = lines.map(serde_json::from_slice).collect();
        let measured = measured.map_err(|error| bad(VALUES, error))?;
        let assessment: Option<Assessment> = match sealed(path, &manifest, ASSESSMENT)? {
            Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| bad(ASSESSMENT, error))?),
            None => None,
        };
        Ok(Self::of(&manifest.predicate, measured, assessment.map(|assessment| assessment.checks), catalog))
    }

    /// The store of a run's values.
    #[must_use]
    pub fn of(run: &Run, measured: Vec<MeasuredValue>, checks: Option<BTreeMap<CheckId, CheckAssessment>>, catalog: &Catalog) -> Self {
        let has_verdicts = checks.is_some();
        let checks = checks.unwrap_or_default();
        let window = |check: &CheckId| {
            let hours = catalog.checks.get(check).map_or(0, |check| check.definition.freshness.hours());
            run.clock.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
        };
        let stored = |measured: MeasuredValue| {
            let check = CheckId::new(&measured.check).ok();
            let assessed = check.as_ref().and_then(|check| checks.get(check));
            let fresh_until = assessed.map(|check| check.fresh_until).or_else(|| check.as_ref().map(window)).unwrap_or(run.clock);
            (measured.id.clone(), StoredValue { verdict: assessed.map(|check| check.status), fresh_until, measured })
        };
        Self {
            run_id: run.run_id.clone(),
            environment: run.environment.clone(),
            clock: run.clock,
            full: run.full,
            has_verdicts,
            values: measured.into_iter().map(stored).collect(),
            checks,
        }
    }

    /// A store of values that are given one by one: for trying rules without a bundle.
    #[must_use]
    pub fn of_values(run_id: &str, clock: Timestamp, values: Vec<StoredValue>) -> Self {
        Self {
            run_id: run_id.to_owned(),
            environment: String::new(),
            clock,
            full: true,
            has_verdicts: true,
            values: values.into_iter().map(|value| (value.measured.id.clone(), value)).collect(),
            checks: BTreeMap::new(),
        }
    }

    /// The same with what checks came to.
    #[must_use]
    pub fn with_checks(mut self, checks: BTreeMap<CheckId, CheckAssessment>) -> Self {
        self.checks = checks;
        self
    }

    /// The value of an id, `<check>.<measure>`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&StoredValue> {
        self.values.get(id)
    }

    /// All values in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &StoredValue> {
        self.values.values()
    }

    /// What a check came to, where verdicts are at hand.
    #[must_use]
    pub fn check(&self, id: &CheckId) -> Option<&CheckAssessment> {
        self.checks.get(id)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::File { path: path.to_path_buf(), source }),
    }
}

fn manifest(path: &Path) -> Result<Manifest, StoreError> {
    let file = path.join(MANIFEST);
    let not_intact = |detail: String| StoreError::NotIntact { path: file.clone(), detail };
    let bytes = read(&file)?.ok_or_else(|| not_intact("the folder holds no bundle: there is no manifest".to_owned()))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| not_intact(error.to_string()))?;
    if !manifest.is_ours() {
        return Err(not_intact("no statement about a run of this program".to_owned()));
    }
    if manifest.to_bytes().map_or(true, |canonical| canonical != bytes) {
        return Err(not_intact("not in canonical form, as it was written".to_owned()));
    }
    if manifest.run_id().map_or(true, |by_content| by_content != manifest.predicate.run_id) {
        return Err(not_intact("the run's id does not follow from its content".to_owned()));
    }
    Ok(manifest)
}

// A sealed file with the bytes that were sealed; none where it is withheld.
fn sealed(path: &Path, manifest: &Manifest, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let file = path.join(name);
    let not_intact = |detail: &str| StoreError::NotIntact { path: file.clone(), detail: detail.to_owned() };
    let Some(bytes) = read(&file)? else { return Ok(None) };
    let known = manifest.subject.iter().find(|sealed| sealed.name == name);
    let known = known.ok_or_else(|| not_intact("the manifest does not name it"))?;
    if sha256_hex(&bytes) != known.digest.sha256 {
        return Err(not_intact("it is not what was sealed"));
    }
    Ok(Some(bytes))
}
