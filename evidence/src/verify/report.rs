//! What verification found, for programs and for people: each line says what was established and what was not.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::{Deleted, Demands, SignatureReport, SignatureState, StampReport, StampState, Withheld};
use crate::bundle::manifest::SEAL;
use crate::deviation::{Deviation, DeviationKind};

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
    /// The sealed files that were not handed over, or deleted as a tombstone tells: nothing is known of them but their digests.
    pub withheld: Vec<Withheld>,
    /// What is known of the run before it.
    pub chain: Chain,
    /// Whether verdicts were decided again.
    pub replayed: bool,
    /// Whether every one of them was decided as it was sealed, in the same place.
    pub replay_equal: bool,
    /// How many findings were decided again.
    pub findings: u64,
    /// Whether a signature lies beside the sealed files, whatever it is worth.
    pub signed: bool,
    /// The trust file that keys and authorities were taken from.
    pub trust: Option<String>,
    /// The time of the reader, by which keys must not have run out.
    pub at: Option<Timestamp>,
    /// The signatures, with what became of them.
    pub signatures: Vec<SignatureReport>,
    /// The time stamps, with what became of them.
    pub timestamps: Vec<StampReport>,
    /// What was noticed and is no deviation.
    pub notes: Vec<String>,
    /// Everything that is not as it must be.
    pub deviations: Vec<Deviation>,
}

/// What is known of the run before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chain {
    /// Nobody looked.
    NotLooked,
    /// It is the first of its ledger.
    First,
    /// The run before it lies beside it.
    Follows,
    /// The run before it is not at hand.
    NotAtHand,
}

// A line of the report: what it is about, and what is said.
type Line = (&'static str, String);

impl Report {
    /// Whether nothing deviates.
    #[must_use]
    pub const fn is_intact(&self) -> bool {
        self.deviations.is_empty()
    }

    /// Whether nothing deviates, and every sealed file is there.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.deviations.is_empty() && self.withheld.is_empty()
    }

    /// Whether the sealed files are all there and nothing of them deviates; the seal may.
    #[must_use]
    pub fn is_sealed_set_whole(&self) -> bool {
        self.withheld.is_empty() && self.deviations.iter().all(|deviation| deviation.kind >= DeviationKind::Unsigned)
    }

    pub(super) fn new(path: &Path, demands: &Demands<'_>) -> Self {
        Self {
            bundle: path.display().to_string(),
            run_id: None,
            manifest_sha256: None,
            files: 0,
            withheld: Vec::new(),
            chain: Chain::NotLooked,
            replayed: false,
            replay_equal: false,
            findings: 0,
            signed: false,
            trust: demands.trust.map(|trust| trust.name.clone()),
            at: demands.at,
            signatures: Vec::new(),
            timestamps: Vec::new(),
            notes: Vec::new(),
            deviations: Vec::new(),
        }
    }

    pub(super) fn deviate(&mut self, kind: DeviationKind, file: impl Into<String>, detail: impl Into<String>) {
        self.deviations.push(Deviation { kind, file: file.into(), detail: detail.into() });
    }

    /// The report in lines for people: what each is about, and what is said.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("bundle", self.bundle.clone())];
        if let (Some(run), Some(digest)) = (&self.run_id, &self.manifest_sha256) {
            lines.push(("run", run.clone()));
            lines.push(("manifest", digest.clone()));
            lines.push(("integrity", self.integrity()));
            lines.extend(self.deletions_told());
            lines.push(("chain", self.chain_told()));
            lines.extend(self.signatures_told());
            lines.extend(self.timestamps_told());
            lines.push(("trust", self.trust_told()));
            lines.push(("replay", self.replay_told()));
        }
        lines.extend(self.notes.iter().map(|note| ("note", note.clone())));
        let deviations = self.deviations.iter();
        lines.extend(deviations.map(|deviation| ("DEVIATION", format!("{}: {}: {}", deviation.kind, deviation.file, deviation.detail))));
        lines
    }

    /// The last line: what it comes to.
    #[must_use]
    pub fn verdict(&self) -> String {
        match (self.is_intact(), self.replayed) {
            (true, true) => format!("intact: {} sealed files; {} findings decided again, all equal", self.files, self.findings),
            (true, false) if !self.withheld.is_empty() => {
                format!("intact as far as it is here: {} of {} sealed files are WITHHELD", self.withheld.len(), self.files)
            }
            (true, false) => format!("intact: {} sealed files; not decided again", self.files),
            (false, _) => format!("NOT INTACT: {} deviations", self.deviations.len()),
        }
    }

    fn has(&self, kinds: &[DeviationKind]) -> bool {
        self.deviations.iter().any(|deviation| kinds.contains(&deviation.kind))
    }

    fn integrity(&self) -> String {
        use DeviationKind::{Added, Changed, Malformed, Missing, Reordered};
        if self.has(&[Added, Changed, Malformed, Missing, Reordered]) {
            "NOT ESTABLISHED: see the deviations".to_owned()
        } else if self.withheld.is_empty() {
            format!("{} files are byte for byte what was sealed, and no other is there", self.files)
        } else {
            let here = self.files - self.withheld.len();
            format!("{here} of {} sealed files are here and unchanged; of the others only the digests are known", self.files)
        }
    }

    fn deletions_told(&self) -> Vec<Line> {
        let mut stones: BTreeMap<u64, (&Deleted, usize)> = BTreeMap::new();
        for deleted in self.withheld.iter().filter_map(|withheld| withheld.deleted.as_ref()) {
            stones.entry(deleted.tombstone).or_insert((deleted, 0)).1 += 1;
        }
        let told = stones.into_values().map(|(Deleted { tombstone, reason, at }, files)| {
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            ("withheld", format!("{reason}: {files}, tombstone {tombstone} of {at}; nobody signed the tombstones"))
        });
        told.collect()
    }

    fn chain_told(&self) -> String {
        match self.chain {
            _ if self.has(&[DeviationKind::Chain]) => "BROKEN: see the deviations",
            Chain::NotLooked => "not looked at: the bundle stands alone here",
            Chain::First => "the first run of its ledger",
            Chain::Follows => "follows the run before it, which is there",
            Chain::NotAtHand => "names the run before it, which is not at hand",
        }
        .to_owned()
    }

    fn signatures_told(&self) -> Vec<Line> {
        if self.signatures.is_empty() {
            return vec![("signature", "UNSIGNED: the digests say nothing of who sealed it".to_owned())];
        }
        let told = self.signatures.iter().map(|signature| {
            let short = &signature.key[..16];
            let owner = signature.owner.as_ref().map(|owner| format!(" of {owner}")).unwrap_or_default();
            let algorithm = signature.algorithm.map(|algorithm| format!("{algorithm} ")).unwrap_or_default();
            let form = if signature.file.ends_with(".minisig") { ", as minisign" } else { "" };
            let key = format!("{algorithm}key {short}…{owner}{form}");
            let text = match signature.state {
                SignatureState::Valid => {
                    let when = signature.not_later_than.map(|time| format!(", made not later than {time}")).unwrap_or_default();
                    format!("valid: {key}{when}")
                }
                SignatureState::NotChecked => format!("NOT CHECKED: {key}; a trust file says whose key it is"),
                SignatureState::DoesNotCount => format!("DOES NOT COUNT: {key}: {}", signature.detail.as_deref().unwrap_or_default()),
                SignatureState::Broken => format!("BROKEN: {key}"),
            };
            ("signature", text)
        });
        told.collect()
    }

    fn timestamps_told(&self) -> Vec<Line> {
        if self.timestamps.is_empty() {
            return vec![("timestamp", "none: nothing shows since when the bundle has been what it is".to_owned())];
        }
        let told = self.timestamps.iter().map(|stamp| {
            let over = match stamp.over.strip_prefix(SEAL).map(|name| name.trim_start_matches('/')) {
                Some(envelope) => format!("the signature of the key {}…", &envelope[..16]),
                None => stamp.over.clone(),
            };
            let granted = stamp.granted.as_ref().map(|granted| {
                let accuracy = granted.accuracy_us.filter(|accuracy| *accuracy > 0);
                let accuracy = accuracy.map(|micros| format!(" (±{} ms)", micros.div_ceil(1000))).unwrap_or_default();
                format!(
                    "{} was there by {}{accuracy}, as {} says",
                    over,
                    granted.time,
                    granted.authority.as_ref().unwrap_or(&granted.signer)
                )
            });
            let text = match stamp.state {
                StampState::Valid => format!("valid: {}", granted.unwrap_or_default()),
                StampState::NotAnchored => {
                    format!("NOT ANCHORED: {}; no trust file says whether to believe it", granted.unwrap_or_default())
                }
                StampState::Pending => format!("PENDING: asked for over {over}, and not answered yet"),
                StampState::Broken => format!("BROKEN: the stamp over {over}"),
            };
            ("timestamp", text)
        });
        told.collect()
    }

    fn trust_told(&self) -> String {
        match &self.trust {
            Some(file) => {
                let at = self.at.map(|at| format!(" at {at}")).unwrap_or_default();
                format!("keys and authorities as {file} says{at}")
            }
            None => "no trust file: nobody's signature or stamp counts".to_owned(),
        }
    }

    fn replay_told(&self) -> String {
        if self.replay_equal {
            format!("{} findings decided again from what was observed, all equal", self.findings)
        } else if self.replayed {
            format!("{} findings decided again, NOT ALL EQUAL", self.findings)
        } else if !self.withheld.is_empty() {
            "not done: what the verdicts follow from is withheld".to_owned()
        } else {
            "not done".to_owned()
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (about, text) in self.lines() {
            writeln!(f, "{about:<10} {text}")?;
        }
        f.write_str(&self.verdict())
    }
}
