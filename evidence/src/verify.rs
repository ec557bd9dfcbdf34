//! Verification: is every sealed byte what the manifest says, and does the bundle still decide what it says?
//!
//! Nothing is taken on trust from the bundle but its own consistency: who sealed it is a matter of the signature.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use proofbook_checks::evaluate::SEMANTICS;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::bundle::manifest::{MANIFEST, Manifest, SEAL, hex, run_id, sha256_hex};
use crate::bundle::{ASSESSMENT, Bundle, BundleError, FINDINGS, SealedFiles, Streams, VALUES, evaluate_all};

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
        for deviation in &self.deviations {
            let kind = serde_json::to_value(deviation.kind).unwrap_or_default();
            writeln!(f, "DEVIATION  {}: {}: {}", kind.as_str().unwrap_or_default(), deviation.file, deviation.detail)?;
        }
        let signed = if self.signed { "signature present, not checked" } else { "UNSIGNED: the digests say nothing of who sealed it" };
        writeln!(f, "signature  {signed}")?;
        match (self.is_intact(), self.replayed) {
            (true, true) => write!(f, "intact: {} sealed files; {} findings decided again, all equal", self.files, self.findings),
            (true, false) => write!(f, "intact: {} sealed files; not decided again", self.files),
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
    if manifest.predicate.semantics != SEMANTICS {
        let detail = format!("decided by semantics {}, this program has {SEMANTICS}", manifest.predicate.semantics);
        report.deviate(DeviationKind::EngineUnavailable, MANIFEST, detail);
        return Ok(report);
    }
    if let Err(error) = replay(path, &manifest, &mut report) {
        report.deviate(DeviationKind::Malformed, "replay", error.to_string());
    }
    Ok(report)
}

fn inspect(path: &Path) -> Result<(Report, Option<Manifest>), BundleError> {
    let mut report = Report::new(path);
    let sealed = SealedFiles::new(path);
    fs::metadata(path).map_err(BundleError::file(path))?;
    let bytes = match sealed.bytes(MANIFEST) {
        Ok(bytes) => bytes,
        Err(error) => {
            report.deviate(DeviationKind::Missing, MANIFEST, error.to_string());
            return Ok((report, None));
        }
    };
    report.manifest_sha256 = Some(sha256_hex(&bytes));
    let manifest: Manifest = match serde_json::from_slice(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            report.deviate(DeviationKind::Malformed, MANIFEST, error.to_string());
            return Ok((report, None));
        }
    };
    report.run_id = Some(manifest.predicate.run_id.clone());
    report.files = manifest.subject.len();
    if !manifest.is_ours() {
        report.deviate(DeviationKind::Malformed, MANIFEST, "no statement about a run of this program");
    }
    if manifest.to_bytes().map_or(true, |canonical| canonical != bytes) {
        report.deviate(DeviationKind::Changed, MANIFEST, "not in canonical form (RFC 8785), as it was written");
    }
    check_files(path, &manifest, &mut report)?;
    check_place(path, &manifest, &mut report);
    report.signed = fs::read_dir(path.join(SEAL)).is_ok_and(|mut entries| entries.next().is_some());
    report.deviations.sort();
    Ok((report, Some(manifest)))
}

fn check_files(path: &Path, manifest: &Manifest, report: &mut Report) -> Result<(), BundleError> {
    let mut found = BTreeSet::new();
    walk(path, "", &mut found, report)?;
    let mut named = BTreeSet::new();
    for sealed in &manifest.subject {
        let name = &sealed.name;
        if !named.insert(name.clone()) {
            report.deviate(DeviationKind::Malformed, name, "named twice by the manifest");
        }
        if !found.contains(name) {
            report.deviate(DeviationKind::Missing, name, "named by the manifest, and not there");
            continue;
        }
        let (digest, size) = match digest(&path.join(name)) {
            Ok(measured) => measured,
            Err(error) => {
                report.deviate(DeviationKind::Malformed, name, error.to_string());
                continue;
            }
        };
        if digest != sealed.digest.sha256 {
            report.deviate(DeviationKind::Changed, name, format!("sealed as sha256:{}, found sha256:{digest}", sealed.digest.sha256));
        } else if manifest.predicate.sizes.get(name) != Some(&size) {
            report.deviate(DeviationKind::Malformed, name, format!("has {size} bytes, which is not what the manifest says"));
        }
    }
    for name in found.difference(&named) {
        report.deviate(DeviationKind::Added, name, "not named by the manifest");
    }
    let listed: Vec<&String> = manifest.subject.iter().map(|sealed| &sealed.name).collect();
    if !listed.is_sorted() {
        report.deviate(DeviationKind::Malformed, MANIFEST, "the sealed files are not listed in order");
    }
    if manifest.predicate.sizes.keys().any(|name| !named.contains(name)) {
        report.deviate(DeviationKind::Malformed, MANIFEST, "has the size of a file that it does not name");
    }
    Ok(())
}

// Every file below the bundle but the manifest and what lies in `seal/`; links lead out of it and are refused.
fn walk(dir: &Path, prefix: &str, found: &mut BTreeSet<String>, report: &mut Report) -> Result<(), BundleError> {
    for entry in fs::read_dir(dir).map_err(BundleError::file(dir))? {
        let entry = entry.map_err(BundleError::file(dir))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(BundleError::file(dir))?;
        if kind.is_dir() {
            if name != SEAL {
                walk(&entry.path(), &format!("{name}/"), found, report)?;
            }
        } else if !kind.is_file() {
            report.deviate(DeviationKind::Added, name, "neither a file nor a folder");
        } else if name != MANIFEST {
            found.insert(name);
        }
    }
    Ok(())
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hex(&digest.finalize()), size));
        }
        digest.update(&buffer[..read]);
        size += read as u64;
    }
}

fn check_place(path: &Path, manifest: &Manifest, report: &mut Report) {
    let run = &manifest.predicate;
    let files: BTreeMap<String, (String, u64)> =
        manifest.subject.iter().map(|sealed| (sealed.name.clone(), (sealed.digest.sha256.clone(), 0))).collect();
    let computed = run_id(run.clock, &files);
    if computed != run.run_id {
        report.deviate(DeviationKind::Chain, MANIFEST, format!("the run is {computed} by its content, and {} by its name", run.run_id));
    }
    let Ok(whole) = path.canonicalize() else { return };
    let folder = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if folder != run.run_id {
        report.notes.push(format!("the folder is called {folder}; in its ledger it was {}", run.run_id));
        return;
    }
    let Some(previous) = &run.previous else {
        return;
    };
    let siblings = whole.parent().and_then(|ledger| fs::read_dir(ledger).ok());
    let mut manifests = siblings.into_iter().flatten().flatten().filter_map(|entry| fs::read(entry.path().join(MANIFEST)).ok()).peekable();
    let alone = manifests.by_ref().filter(|bytes| sha256_hex(bytes) == *previous).count() == 0;
    if alone {
        let others = whole.parent().and_then(|ledger| fs::read_dir(ledger).ok()).into_iter().flatten().flatten();
        if others.filter(|entry| entry.path().join(MANIFEST).is_file()).count() > 1 {
            report.deviate(DeviationKind::Chain, MANIFEST, format!("the run before it, sha256:{previous}, is not in the ledger any more"));
        } else {
            report.notes.push(format!("the run before it, sha256:{previous}, is not at hand"));
        }
    }
}

fn replay(path: &Path, manifest: &Manifest, report: &mut Report) -> Result<(), BundleError> {
    let bundle = Bundle::open(path)?;
    let plan = bundle.plan()?;
    let inventory = bundle.inventory(&plan)?;
    let attestations = bundle.attestations()?;
    let mut findings = Compare::new(bundle.sealed().lines(FINDINGS)?);
    let mut values = Compare::new(io::Cursor::new(bundle.sealed().bytes(VALUES)?));
    let mut count = 0;
    let streams = Streams { findings: &mut findings, values: &mut values };
    let assessment =
        evaluate_all(bundle.catalog(), &plan, &inventory, &attestations, manifest.predicate.clock, streams, &mut |result| {
            count += result.findings.len() as u64;
        })?;
    report.findings = count;
    report.replayed = true;
    if let Some(at) = findings.difference() {
        report.deviate(DeviationKind::Replay, FINDINGS, at);
    }
    if let Some(at) = values.difference() {
        report.deviate(DeviationKind::Replay, VALUES, at);
    }
    if serde_json_canonicalizer::to_vec(&assessment)? != bundle.sealed().bytes(ASSESSMENT)? {
        report.deviate(DeviationKind::Replay, ASSESSMENT, "the findings add up to something else");
    }
    Ok(())
}

/// Compares what is written to it with what was sealed, and remembers the first difference.
struct Compare<R> {
    sealed: R,
    line: u64,
    difference: Option<String>,
}

impl<R: BufRead> Compare<R> {
    const fn new(sealed: R) -> Self {
        Self { sealed, line: 1, difference: None }
    }

    fn difference(mut self) -> Option<String> {
        let rest = self.sealed.fill_buf().map_or(true, |rest| !rest.is_empty());
        self.difference.or_else(|| rest.then(|| format!("line {}: sealed, and not decided again", self.line)))
    }
}

impl<R: BufRead> Write for Compare<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.difference.is_none() {
            let mut expected = vec![0; bytes.len()];
            let equal = self.sealed.read_exact(&mut expected).is_ok() && expected == bytes;
            if !equal {
                self.difference = Some(format!("line {}: decided differently than sealed", self.line));
            }
            self.line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
