//! What happens to evidence: the events of custody (who got what, when, for what purpose) and the tombstones of what was
//! deleted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::retention::RetentionClass;
use super::{Link, RunRef, names};

/// The folder or prefix of bytes that were handed over and are kept, each under its digest.
pub const KEPT: &str = "exports";

/// An event in the custody of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Custody {
    /// A run looked at its targets.
    Collected {
        /// The run.
        run_id: String,
        /// The targets as `source/name`, each with the identity that it reported.
        targets: Vec<String>,
    },
    /// A run was sealed.
    Sealed {
        /// The run.
        run_id: String,
        /// The digest of its manifest.
        manifest_sha256: String,
    },
    /// A newer full run took the place of this one.
    Superseded {
        /// The older run.
        run_id: String,
        /// The newer run.
        by: String,
    },
    /// Something was handed over in one file.
    Exported {
        /// The run that it was made from.
        #[serde(deserialize_with = "names::run_id")]
        run_id: String,
        /// The digest of that run's manifest.
        manifest_sha256: String,
        /// The format.
        format: String,
        /// To whom.
        to: Option<String>,
        /// For what purpose.
        purpose: Option<String>,
        /// The exact bytes.
        file: HandedOver,
        /// Where in the ledger these bytes are kept; none where only the digest is.
        #[serde(default, deserialize_with = "names::kept")]
        kept: Option<String>,
    },
    /// Site and documents were printed.
    Published {
        /// The run that they were made from.
        run_id: String,
        /// The digest of that run's manifest.
        manifest_sha256: String,
        /// For whom: `customer`, `assessor`.
        profile: String,
        /// To whom.
        to: Option<String>,
        /// For what purpose.
        purpose: Option<String>,
        /// The documents, and `portal.json`, which names them.
        files: Vec<HandedOver>,
    },
    /// A person signed a statement.
    Attested {
        /// The statement's id.
        attestation: String,
        /// The SHA-256 of its file.
        sha256: String,
    },
    /// Files were deleted.
    Deleted {
        /// The run or the export.
        of: String,
        /// The position of the tombstone that names them.
        tombstone: u64,
    },
}

impl Custody {
    /// The kind of event, as it stands in files.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Collected { .. } => "collected",
            Self::Sealed { .. } => "sealed",
            Self::Superseded { .. } => "superseded",
            Self::Exported { .. } => "exported",
            Self::Published { .. } => "published",
            Self::Attested { .. } => "attested",
            Self::Deleted { .. } => "deleted",
        }
    }
}

/// A file that was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedOver {
    /// The file's name.
    pub name: String,
    /// The SHA-256 of its bytes in lower-case hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What was deleted by retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The run whose files they were; of an export the run that it was made from.
    #[serde(deserialize_with = "names::run_id")]
    pub run_id: String,
    /// The digest of that run's manifest.
    pub manifest_sha256: String,
    /// The class that the files were of.
    pub class: RetentionClass,
    /// Why they were deleted.
    pub reason: String,
    /// Since when they were kept.
    pub since: Timestamp,
    /// The files; a sealed one by its name within the bundle, an export by its name within the ledger.
    pub files: Vec<TombstonedFile>,
}

/// A file that was deleted, with the digest that is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TombstonedFile {
    /// Its name.
    #[serde(deserialize_with = "names::deleted")]
    pub name: String,
    /// The SHA-256 of its bytes in lower-case hex.
    pub sha256: String,
}

/// What tombstones excuse. They are chained and nobody signed them, so each excuses no more than it says.
#[derive(Debug, Default)]
pub struct Tombstones<'l>(BTreeMap<(&'l str, &'l str), Vec<Stone<'l>>>);

type Stone<'l> = (&'l Link<Tombstone>, &'l TombstonedFile);

impl<'l> Tombstones<'l> {
    /// The tombstones of a ledger.
    #[must_use]
    pub fn new(links: &'l [Link<Tombstone>]) -> Self {
        let mut out = Self::default();
        for link in links {
            for file in &link.event.files {
                out.0.entry((&link.event.run_id, &file.name)).or_default().push((link, file));
            }
        }
        out
    }

    /// The tombstone of a file of a run, sealed or exported, that had this digest: one that was written for these bytes of this very
    /// run, as what they are, and after their time began.
    #[must_use]
    pub fn of(&self, run: &RunRef, name: &str, sha256: &str) -> Option<&'l Link<Tombstone>> {
        let class = RetentionClass::of(name);
        let found = self.0.get(&(run.run_id.as_str(), name)).into_iter().flatten();
        let holds = |link: &Link<Tombstone>, file: &TombstonedFile| {
            file.sha256 == sha256
                && link.event.manifest_sha256 == run.manifest_sha256
                && link.event.class == class
                && link.at > link.event.since
        };
        found.filter(|(link, file)| holds(link, file)).map(|(link, _)| *link).next()
    }
}
