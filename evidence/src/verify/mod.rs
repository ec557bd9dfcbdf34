//! Verification: is every sealed byte what the manifest says, and does the bundle still decide what it says?
//!
//! Nothing is taken on trust from the bundle but its own consistency: who sealed it is a matter of the signature.

mod chain;
mod replay;
mod retention;
mod sealed;

use std::fmt;
use std::path::Path;

use proofbook_checks::evaluate::SEMANTICS;
pub use retention::Withheld;
use serde::Serialize;

use crate::bundle::BundleError;
use crate::bundle::manifest::{MANIFEST, Manifest};

/// What verification found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The bundle.
    pub bundle: String,
    /// The run, as far as the manifest could be read.
    pub run_id: Option<String>,
    /// The digest of the manifest.
    pub manifest_sha256: Option<String>,
    /// How many files are sealed.
    pub files: usize,
    /// Whether verdicts were decided again.
    pub replayed: bool,
    /// How many findings were decided again.
    pub findings: u64,
    /// Whether a signature lies beside the sealed files.
    pub signed: bool,
    /// Sealed files that are not there and that a tombstone of the ledger names.
    pub withheld: Vec<Withheld>,
    /// What was noticed and is no deviation.
    pub notes: Vec<String>,
    /// Everything that is not as it must be.
    pub deviations: Vec<Deviation>,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Deviation {
    /// What kind.
    pub kind: DeviationKind,
    /// The file.
    pub file: String,
    /// What was expected and what was found.
    pub detail: String,
}

/// The kinds of deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviationKind {
    /// A sealed file has other bytes.
    Changed,
    /// A sealed file is not there.
    Missing,
    /// A file is there that the manifest does not name.
    Added,
    /// What was sealed is there, in another place.
    Reordered,
    /// A file cannot be read as what it must be.
    Malformed,
    /// The link to the run before does not hold, or the folder is not that of the run.
    Chain,
    /// Deciding again gives something else.
    Replay,
    /// The bundle was decided by a version of evaluation that this program does not have.
    EngineUnavailable,
}

impl Report {
    /// Whether nothing deviates.
    #[must_use]
    pub const fn is_intact(&self) -> bool {
        self.deviations.is_empty()
    }

    fn new(path: &Path) -> Self {
        Self {
            bundle: path.display().to_string(),
            run_id: None,
            manifest_sha256: None,
            files: 0,
            replayed: false,
            findings: 0,
            signed: false,
            withheld: Vec::new(),
            notes: Vec::new(),
            deviations: Vec::new(),
        }
    }

    fn deviate(&mut self, kind: DeviationKind, file: impl Into<String>, detail: impl Into<String>) {
        self.deviations.push(Deviation { kind, file: file.into(), detail: detail.into() });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bundle     {}", self.bundle)?;
        if let (Some(run), Some(digest)) = (&self.run_id, &self.manifest_sha256) {
            writeln!(f, "run        {run}\nmanifest   sha256:{digest}")?;
        }
        for note in &self.notes {
            writeln!(f, "note       {note}")?;
        }
        let mut stones: Vec<&Withheld> = self.withheld.iter().collect();
        stones.dedup_by_key(|withheld| withheld.tombstone);
        for Withheld { tombstone, reason, at, .. } in stones {
            let files = self.withheld.iter().filter(|withheld| withheld.tombstone == *tombstone).count();
            writeln!(f, "withheld   {reason}: {files} files, tombstone {tombstone} of {at}")?;
        }
        for deviation in &self.deviations {
            let kind = serde_json::to_value(deviation.kind).unwrap_or_default();
            writeln!(f, "DEVIATION  {}: {}: {}", kind.as_str().unwrap_or_default(), deviation.file, deviation.detail)?;
        }
        let signed = if self.signed { "signature present, not checked" } else { "UNSIGNED: the digests say nothing of who sealed it" };
        writeln!(f, "signature  {signed}")?;
        match (self.is_intact(), self.replayed) {
            (true, true) => write!(f, "intact: {} sealed files; {} findings decided again, all equal", self.files, self.findings),
            (true, false) => match self.withheld.len() {
                0 => write!(f, "intact: {} sealed files; not decided again", self.files),
                count => write!(f, "intact as far as it is there: {count} of {} sealed files are withheld; not decided again", self.files),
            },
            (false, _) => write!(f, "NOT INTACT: {} deviations", self.deviations.len()),
        }
    }
}

/// Checks every sealed byte, the folder and the link to the run before.
///
/// # Errors
/// A bundle that is not there at all.
pub fn integrity(path: &Path) -> Result<Report, BundleError> {
    inspect(path).map(|(report, _)| report)
}

/// Checks every sealed byte, and decides every verdict again.
///
/// # Errors
/// A bundle that is not there at all.
pub fn verify(path: &Path) -> Result<Report, BundleError> {
    let (mut report, manifest) = inspect(path)?;
    let Some(manifest) = manifest.filter(|_| report.is_intact()) else {
        return Ok(report);
    };
    // What was deleted cannot be decided from again.
    if !report.withheld.is_empty() {
        return Ok(report);
    }
    if manifest.predicate.semantics != SEMANTICS {
        let detail = format!("decided by semantics {}, this program has {SEMANTICS}", manifest.predicate.semantics);
        report.deviate(DeviationKind::EngineUnavailable, MANIFEST, detail);
        return Ok(report);
    }
    if let Err(error) = replay::replay(path, &manifest, &mut report) {
        report.replayed = false;
        report.deviate(DeviationKind::Malformed, "replay", error.to_string());
    }
    report.deviations.sort();
    Ok(report)
}

fn inspect(path: &Path) -> Result<(Report, Option<Manifest>), BundleError> {
    std::fs::read_dir(path).map_err(BundleError::file(path))?;
    let mut report = Report::new(path);
    let manifest = sealed::manifest(path, &mut report);
    if let Some(manifest) = &manifest {
        sealed::files(path, manifest, &mut report)?;
        chain::check(path, manifest, &mut report);
    }
    report.deviations.sort();
    Ok((report, manifest))
}
