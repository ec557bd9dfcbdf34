//! What retention has deleted: a sealed file that is gone is no deviation where a tombstone of the ledger names it with its digest.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{DeviationKind, Report};
use crate::ledger::{Ledger, Link, TOMBSTONES, Tombstone};

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

impl Deleted {
    pub(super) fn by(link: &Link<Tombstone>) -> Self {
        Self { tombstone: link.position, reason: link.event.reason.clone(), at: link.at }
    }
}

/// The tombstones of the ledger that the bundle lies in; none where their chain does not hold.
pub(super) fn tombstones(path: &Path, report: &mut Report) -> Vec<Link<Tombstone>> {
    let Some(beside) = path.canonicalize().ok().and_then(|whole| whole.parent().map(Path::to_path_buf)) else { return Vec::new() };
    let checked = Ledger::open(&beside).and_then(|ledger| ledger.tombstones().checked());
    let (links, faults) = checked.unwrap_or_else(|error| (Vec::new(), vec![error.to_string()]));
    if let Some(fault) = faults.first() {
        report.deviate(DeviationKind::Chain, format!("../{TOMBSTONES}.ndjson"), format!("the chain of tombstones does not hold: {fault}"));
        return Vec::new();
    }
    links
}
