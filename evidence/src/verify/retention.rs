//! What retention has deleted: a sealed file that is gone is no deviation where a tombstone of the ledger names it with its digest.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{DeviationKind, Report};
use crate::bundle::manifest::Manifest;
use crate::ledger::{Ledger, TOMBSTONES};

/// A sealed file that is not there, and need not be: nothing is known of it but its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// The file.
    pub file: String,
    /// The deletion that a tombstone of the ledger tells; none where the file was not handed over.
    pub deleted: Option<Deleted>,
}

/// What a tombstone says of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// The position of the tombstone.
    pub tombstone: u64,
    /// Its reason.
    pub reason: String,
    /// When it was written.
    pub at: Timestamp,
}

/// What the tombstones say of each file of the bundle, by name, with the digest that they name.
pub(super) fn tombstones(path: &Path, manifest: &Manifest, report: &mut Report) -> BTreeMap<String, (String, Withheld)> {
    let mut out = BTreeMap::new();
    let Some(beside) = path.canonicalize().ok().and_then(|whole| whole.parent().map(Path::to_path_buf)) else { return out };
    let checked = Ledger::open(&beside).and_then(|ledger| ledger.tombstones().checked());
    let (links, faults) = checked.unwrap_or_else(|error| (Vec::new(), vec![error.to_string()]));
    if let Some(fault) = faults.first() {
        report.deviate(DeviationKind::Chain, format!("../{TOMBSTONES}.ndjson"), format!("the chain of tombstones does not hold: {fault}"));
        return out;
    }
    let own = |tombstone: &crate::ledger::Tombstone| {
        tombstone.run_id == manifest.predicate.run_id && Some(&tombstone.manifest_sha256) == report.manifest_sha256.as_ref()
    };
    for link in links.into_iter().filter(|link| own(&link.event)) {
        for file in link.event.files {
            let (tombstone, reason, at) = (link.position, link.event.reason.clone(), link.at);
            let deleted = Some(Deleted { tombstone, reason, at });
            out.insert(file.name.clone(), (file.sha256, Withheld { file: file.name, deleted }));
        }
    }
    out
}
