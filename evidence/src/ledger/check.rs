//! The whole ledger held to itself: the chain of runs against the bundles, every sealed file there or named by a tombstone, the
//! chains of custody and tombstones, and the bytes that were kept of what was handed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use serde::Serialize;

use super::{Chain, Custody, Entry, Ledger, LedgerError, Link, RUNS, Record, RunRef, Tombstone, Tombstones, folder, record};
use crate::assessment::{Assessment, Counts};
use crate::bundle::ASSESSMENT;
use crate::bundle::manifest::{MANIFEST, is_run_id, sha256_hex};

/// What was found of a ledger.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerReport {
    /// Where it is.
    pub ledger: String,
    /// How many runs it holds.
    pub runs: usize,
    /// How many of them are full.
    pub full: usize,
    /// The last run.
    pub head: Option<RunRef>,
    /// How many custody events there are.
    pub custody: usize,
    /// How many tombstones there are.
    pub tombstones: usize,
    /// How many sealed files are withheld, each named by a tombstone.
    pub withheld: usize,
    /// What was noticed and is no deviation.
    pub notes: Vec<String>,
    /// Everything that is not as it must be.
    pub deviations: Vec<LedgerDeviation>,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LedgerDeviation {
    /// The part of the ledger: `runs`, `custody`, `tombstones`, `exports`, or a run's id.
    pub part: String,
    /// What was expected and what was found.
    pub detail: String,
}

impl LedgerReport {
    /// Whether nothing deviates.
    #[must_use]
    pub const fn is_intact(&self) -> bool {
        self.deviations.is_empty()
    }

    fn deviate(&mut self, part: &str, detail: impl Into<String>) {
        self.deviations.push(LedgerDeviation { part: part.to_owned(), detail: detail.into() });
    }
}

impl fmt::Display for LedgerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ledger     {}", self.ledger)?;
        writeln!(f, "runs       {}, {} of them full", self.runs, self.full)?;
        if let Some(head) = &self.head {
            writeln!(f, "head       {}\nsha256     {}", head.run_id, head.manifest_sha256)?;
        }
        writeln!(f, "custody    {} events", self.custody)?;
        let unsigned = if self.tombstones == 0 { "" } else { "; nobody signed them" };
        writeln!(f, "tombstones {}; {} sealed files withheld{unsigned}", self.tombstones, self.withheld)?;
        for note in &self.notes {
            writeln!(f, "note       {note}")?;
        }
        for deviation in &self.deviations {
            writeln!(f, "DEVIATION  {}: {}", deviation.part, deviation.detail)?;
        }
        match self.deviations.len() {
            0 => write!(f, "intact: every run follows the one before it, and nothing is gone but by a tombstone"),
            count => write!(f, "NOT INTACT: {count} deviations"),
        }
    }
}

// So many runs without a custody event are named; the others are counted.
const NAMED: usize = 5;

impl Ledger {
    /// Holds the whole ledger to itself. Sealed bytes are not hashed: that is for the verification of each bundle.
    ///
    /// # Errors
    /// What cannot be looked at at all.
    pub fn check(&self) -> Result<LedgerReport, LedgerError> {
        let mut report = LedgerReport {
            ledger: self.place(),
            runs: 0,
            full: 0,
            head: None,
            custody: 0,
            tombstones: 0,
            withheld: 0,
            notes: Vec::new(),
            deviations: Vec::new(),
        };
        let tombstones = links("tombstones", &self.tombstones(), &mut report)?;
        report.tombstones = tombstones.len();
        let custody = links("custody", &self.custody(), &mut report)?;
        report.custody = custody.len();
        let runs = match self.runs() {
            Ok(runs) => runs,
            Err(error) if error.could_not_look() => return Err(error),
            Err(error) => {
                report.deviate(RUNS, error.to_string());
                return Ok(report);
            }
        };
        report.runs = runs.len();
        report.full = runs.iter().filter(|run| run.manifest.predicate.full).count();
        report.head = runs.last().map(|run| RunRef { run_id: run.run_id.clone(), manifest_sha256: run.manifest_sha256.clone() });
        check_links(&runs, &mut report);
        let stones = Tombstones::new(&tombstones);
        self.check_records(&runs, &stones, &mut report)?;
        self.check_files(&runs, &stones, &mut report)?;
        self.check_custody(&runs, &custody, &tombstones, &mut report)?;
        report.deviations.sort();
        Ok(report)
    }

    // Every record is what the bundles give.
    fn check_records(&self, runs: &[Entry], stones: &Tombstones<'_>, report: &mut LedgerReport) -> Result<(), LedgerError> {
        let mut lines = self.sequence(RUNS).tail(None)?;
        let void = |last: Option<Record>| last.is_none_or(|last| last.position < lines.len() as u64);
        if lines.len() == runs.len() + 1 && self.objects.is_none() && self.folder().last().is_ok_and(void) {
            lines.pop();
            report.notes.push("a writer died before its run got its name; the next scan clears up".to_owned());
        }
        if lines.is_empty() && !runs.is_empty() {
            report.notes.push("there are no records beside the runs; the next scan writes them".to_owned());
            return Ok(());
        }
        if lines.len() != runs.len() {
            report.deviate(RUNS, format!("{} runs are recorded, and {} are there", lines.len(), runs.len()));
        }
        let mut before: Option<Record> = None;
        for (run, line) in runs.iter().zip(&lines) {
            let expected = |verdicts: Counts| Record::new(&run.manifest, &run.manifest_sha256, verdicts, before.as_ref());
            match Record::parse(line, &self.place()) {
                Ok(found) => {
                    let withheld = sealed(run).any(|(name, digest, _)| name == ASSESSMENT && stones.of(&run.run(), name, digest).is_some());
                    let verdicts = if withheld { found.verdicts.clone() } else { self.verdicts_of(&run.run_id)? };
                    let expected = expected(verdicts);
                    if found != expected {
                        let detail = format!("the record at position {} is not what the bundle gives", expected.position);
                        report.deviate(&run.run_id, detail);
                    }
                    before = Some(expected);
                }
                Err(error) => {
                    report.deviate(&run.run_id, error.to_string());
                    before = Some(expected(Counts::new()));
                }
            }
        }
        Ok(())
    }

    fn verdicts_of(&self, run_id: &str) -> Result<Counts, LedgerError> {
        let bytes = match &self.objects {
            Some(objects) => objects.find(&format!("{run_id}/{ASSESSMENT}"))?,
            None => folder::read_if_there(&self.bundle_path(run_id).join(ASSESSMENT))?,
        };
        let assessment: Option<Assessment> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(assessment.map_or_else(Counts::new, |assessment| record::verdicts(&assessment)))
    }

    // Every sealed file is there in its size, or a tombstone names it.
    fn check_files(&self, runs: &[Entry], stones: &Tombstones<'_>, report: &mut LedgerReport) -> Result<(), LedgerError> {
        let newest = runs.iter().rfind(|run| run.manifest.predicate.full);
        for run in runs {
            let there = self.sizes_of(&run.run_id)?;
            let mut named = false;
            for (name, digest, size) in sealed(run) {
                let stone = stones.of(&run.run(), name, digest).map(|link| link.position);
                named |= stone.is_some();
                match (there.get(name), stone) {
                    (Some(found), None) if *found != size => {
                        report.deviate(&run.run_id, format!("{name} has {found} bytes, and was sealed with {size}"));
                    }
                    (Some(_), None) => {}
                    (Some(_), Some(stone)) => {
                        report.notes.push(format!("{}: {name} is there, although tombstone {stone} names it", run.run_id));
                    }
                    (None, Some(_)) => report.withheld += 1,
                    (None, None) => report.deviate(&run.run_id, format!("{name} is gone, and no tombstone names it")),
                }
            }
            if named && newest.is_some_and(|newest| newest.run_id == run.run_id) {
                report.deviate(&run.run_id, "is the newest full run, and a tombstone names files of it");
            }
        }
        let known: BTreeSet<&str> = runs.iter().map(|run| run.run_id.as_str()).collect();
        if let Some(objects) = &self.objects {
            for id in objects.run_ids()?.iter().filter(|id| is_run_id(id) && !known.contains(id.as_str())) {
                report.notes.push(format!("{id} was uploaded and is no part of the chain: its writer died, or another came first"));
            }
        }
        Ok(())
    }

    /// Name and size of every file of a run.
    pub(super) fn sizes_of(&self, run_id: &str) -> Result<BTreeMap<String, u64>, LedgerError> {
        if let Some(objects) = &self.objects {
            return Ok(objects.files_of(run_id)?.into_iter().collect());
        }
        let root = self.bundle_path(run_id);
        let (mut out, mut folders) = (BTreeMap::new(), vec![String::new()]);
        while let Some(below) = folders.pop() {
            let dir = root.join(&below);
            for name in folder::names(&dir)? {
                let (path, name) = (dir.join(&name), format!("{below}{name}"));
                let meta = fs::symlink_metadata(&path).map_err(LedgerError::file(&path))?;
                if meta.is_dir() {
                    folders.push(format!("{name}/"));
                } else if meta.is_file() && name != MANIFEST {
                    out.insert(name, meta.len());
                }
            }
        }
        Ok(out)
    }

    /// Whether bytes that were kept are there.
    pub(super) fn is_kept(&self, name: &str) -> Result<bool, LedgerError> {
        match &self.objects {
            Some(objects) => objects.exists(name),
            None => Ok(self.dir.join(name).is_file()),
        }
    }

    // Events speak of runs that are there, and what was handed over is still what it was.
    fn check_custody(
        &self,
        runs: &[Entry],
        custody: &[Link<Custody>],
        tombstones: &[Link<Tombstone>],
        report: &mut LedgerReport,
    ) -> Result<(), LedgerError> {
        let stones = Tombstones::new(tombstones);
        let digests: BTreeMap<&str, &str> = runs.iter().map(|run| (run.run_id.as_str(), run.manifest_sha256.as_str())).collect();
        let mut sealed = BTreeSet::new();
        for link in custody {
            match &link.event {
                Custody::Sealed { run_id, manifest_sha256 }
                | Custody::Published { run_id, manifest_sha256, .. }
                | Custody::Exported { run_id, manifest_sha256, .. } => {
                    if matches!(link.event, Custody::Sealed { .. }) {
                        sealed.insert(run_id.as_str());
                    }
                    if digests.get(run_id.as_str()) != Some(&manifest_sha256.as_str()) {
                        let detail = format!("event {} names the run {run_id}, which is not in the chain with that digest", link.position);
                        report.deviate("custody", detail);
                    }
                }
                Custody::Deleted { of, tombstone } => {
                    if !tombstones.iter().any(|stone| stone.position == *tombstone && stone.event.run_id == *of) {
                        report.deviate("custody", format!("event {} names tombstone {tombstone}, which is not there", link.position));
                    }
                }
                Custody::Collected { .. } | Custody::Superseded { .. } | Custody::Attested { .. } => {}
            }
            let Custody::Exported { run_id, manifest_sha256, file, kept: Some(name), .. } = &link.event else { continue };
            let run = RunRef { run_id: run_id.clone(), manifest_sha256: manifest_sha256.clone() };
            if stones.of(&run, name, &file.sha256).is_some() {
                continue;
            }
            match self.kept(name)? {
                Some(bytes) if sha256_hex(&bytes) == file.sha256 => {}
                Some(_) => report.deviate("exports", format!("{name} has other bytes than were handed over (event {})", link.position)),
                None => report.deviate("exports", format!("{name} is gone, and no tombstone names it (event {})", link.position)),
            }
        }
        let silent: Vec<&str> = runs.iter().map(|run| run.run_id.as_str()).filter(|id| !sealed.contains(id)).collect();
        report.notes.extend(silent.iter().take(NAMED).map(|id| format!("custody says nothing of the sealing of {id}")));
        if silent.len() > NAMED {
            report.notes.push(format!("custody says nothing of the sealing of {} more runs", silent.len() - NAMED));
        }
        Ok(())
    }
}

// From the first run, which follows none, to the last: the manifests alone say it, whether or not records stand beside them.
fn check_links(runs: &[Entry], report: &mut LedgerReport) {
    let mut before: Option<&Entry> = None;
    for run in runs {
        match (&run.manifest.predicate.previous, before) {
            (Some(previous), None) => {
                report.deviate(&run.run_id, format!("is the first run that is there, and follows one that is gone: sha256:{previous}"));
            }
            (previous, before) if previous.as_ref() != before.map(|before| &before.manifest_sha256) => {
                report.deviate(&run.run_id, "does not follow the run before it");
            }
            _ => {}
        }
        before = Some(run);
    }
}

// Name, digest and size of the sealed files of a run.
fn sealed(run: &Entry) -> impl Iterator<Item = (&str, &str, u64)> {
    let sizes = &run.manifest.predicate.sizes;
    let files = run.manifest.subject.iter();
    files.map(|file| (file.name.as_str(), file.digest.sha256.as_str(), sizes.get(&file.name).copied().unwrap_or_default()))
}

fn links<E: Serialize + serde::de::DeserializeOwned>(
    part: &str,
    chain: &Chain<E>,
    report: &mut LedgerReport,
) -> Result<Vec<Link<E>>, LedgerError> {
    let (links, faults) = chain.checked()?;
    faults.into_iter().for_each(|fault| report.deviate(part, fault));
    Ok(links)
}
