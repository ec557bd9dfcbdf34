//! The place of a bundle: its folder, the run before it, and the runs beside it as far as they are at hand.

use std::fs;
use std::path::Path;

use super::{Chain, DeviationKind, Report};
use crate::bundle::manifest::{MANIFEST, Manifest, is_run_id, sha256_hex};

struct Sibling {
    digest: String,
    manifest: Manifest,
}

/// Checks the run's id, its folder, and, unless it is looked at alone, its links.
pub(super) fn check(path: &Path, manifest: &Manifest, alone: bool, report: &mut Report) {
    let run = &manifest.predicate;
    if manifest.run_id().map_or(true, |by_content| by_content != run.run_id) {
        report.deviate(
            DeviationKind::Chain,
            MANIFEST,
            format!("the run calls itself {}, which does not follow from its content", run.run_id),
        );
    }
    let Ok(whole) = path.canonicalize() else { return };
    let folder = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if folder != run.run_id {
        if is_run_id(&folder) {
            report.deviate(DeviationKind::Chain, MANIFEST, format!("the folder of the run {folder} holds the run {}", run.run_id));
        } else {
            report.notes.push(format!("the folder is called {folder}; in its ledger it was {}", run.run_id));
        }
        return;
    }
    if !alone {
        let siblings = siblings(&whole, manifest, report);
        links(manifest, &siblings, report);
    }
}

// The other runs of the same environment.
fn siblings(bundle: &Path, manifest: &Manifest, report: &mut Report) -> Vec<Sibling> {
    let run = &manifest.predicate;
    let entries = bundle.parent().and_then(|ledger| fs::read_dir(ledger).ok()).into_iter().flatten().flatten();
    let others = entries.filter(|entry| entry.path() != bundle && is_run_id(&entry.file_name().to_string_lossy()));
    let mut read = Vec::new();
    for entry in others {
        let bytes = fs::read(entry.path().join(MANIFEST)).map_err(|error| error.to_string());
        match bytes.and_then(|bytes| Ok((serde_json::from_slice(&bytes).map_err(|error| error.to_string())?, sha256_hex(&bytes)))) {
            Ok((manifest, digest)) => read.push(Sibling { digest, manifest }),
            // It may be the run before or after this one, or of another environment: nobody can tell.
            Err(error) => {
                let detail = format!("the manifest of the run {} beside it cannot be read: {error}", entry.file_name().display());
                report.deviate(DeviationKind::Chain, MANIFEST, detail);
            }
        }
    }
    read.retain(|other| other.manifest.predicate.workspace == run.workspace && other.manifest.predicate.environment == run.environment);
    read
}

fn links(manifest: &Manifest, siblings: &[Sibling], report: &mut Report) {
    let run = &manifest.predicate;
    let own = report.manifest_sha256.clone().unwrap_or_default();
    report.chain = match &run.previous {
        None => Chain::First,
        Some(previous) if siblings.iter().any(|other| other.digest == *previous) => Chain::Follows,
        Some(_) => Chain::NotAtHand,
    };
    if let Some(previous) = &run.previous
        && !siblings.iter().any(|other| other.digest == *previous)
    {
        if siblings.is_empty() {
            report.notes.push(format!("the run before it, sha256:{previous}, is not at hand"));
        } else {
            report.deviate(DeviationKind::Chain, MANIFEST, format!("the run before it, sha256:{previous}, is not in the ledger any more"));
        }
    }
    for other in siblings.iter().filter(|other| other.manifest.predicate.previous == run.previous) {
        let claim = if run.previous.is_some() { "follow the same run" } else { "be the first" };
        let detail = format!("this run and {} both claim to {claim}", other.manifest.predicate.run_id);
        report.deviate(DeviationKind::Chain, MANIFEST, detail);
    }
    // Where nobody follows this run, no later one may follow a run that is not there: it followed what was here before.
    let follows = |digest: &str| siblings.iter().any(|other| other.manifest.predicate.previous.as_deref() == Some(digest));
    if follows(&own) {
        return;
    }
    let there = |digest: &str| own == digest || siblings.iter().any(|known| known.digest == digest);
    for other in siblings.iter().map(|other| &other.manifest.predicate).filter(|other| other.clock >= run.clock) {
        if other.previous.as_deref().is_some_and(|previous| !there(previous)) {
            report.deviate(
                DeviationKind::Chain,
                MANIFEST,
                format!("the later run {} follows a run that is not in the ledger any more", other.run_id),
            );
        }
    }
}
