//! The seal of a bundle, held to a trust file: who vouches for it, and since when at the latest it has been what it is.
//!
//! Stamps come first, because a signature of a key whose time is over counts only where one shows that it is older.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Demands, Report};
use crate::bundle::BundleError;
use crate::bundle::manifest::{Manifest, SEAL, sha256};
use crate::deviation::DeviationKind;
use crate::seal::dsse::Envelope;
use crate::seal::key::Algorithm;
use crate::seal::timestamp::{self, Circumstances, Fault, Granted, Request};
use crate::seal::trust::{Trust, TrustedKey};
use crate::seal::{self, SealFile, Stamped, minisign};

/// What became of a signature, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureState {
    /// It is one of a trusted key, and counts.
    Valid,
    /// It is over this manifest, and no trust file says whose key it is by.
    NotChecked,
    /// It is one of a key that is not, or not any more, trusted for this bundle.
    DoesNotCount,
    /// It cannot be read, is over something else, or does not hold.
    Broken,
}

/// A signature that lies in the seal.
#[derive(Clone, Debug, Serialize)]
pub struct SignatureReport {
    /// The file.
    pub file: String,
    /// The id of the key.
    pub key: String,
    /// What became of it.
    pub state: SignatureState,
    /// The key's algorithm, where the trust file names the key.
    pub algorithm: Option<Algorithm>,
    /// Whose key it is, as the trust file says.
    pub owner: Option<String>,
    /// The time by which a stamp shows that it was there.
    pub not_later_than: Option<Timestamp>,
    /// The reason code where it does not count.
    pub reason: Option<DeviationKind>,
    /// The reason in words.
    pub detail: Option<String>,
}

/// What became of a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StampState {
    /// An authority that is trusted granted it.
    Valid,
    /// It holds, and no trust file says whether its authority is one.
    NotAnchored,
    /// It was asked for, and no answer is there yet.
    Pending,
    /// It does not hold.
    Broken,
}

/// A stamp that lies in the seal.
#[derive(Clone, Debug, Serialize)]
pub struct StampReport {
    /// The file of the answer, or of the request where there is no answer.
    pub file: String,
    /// The file that was stamped.
    pub over: String,
    /// What became of it.
    pub state: StampState,
    /// What the authority granted.
    #[serde(flatten)]
    pub granted: Option<Granted>,
    /// The reason code where it does not hold.
    pub reason: Option<DeviationKind>,
    /// The reason in words.
    pub detail: Option<String>,
}

/// Reads the seal, and holds it to what is demanded.
pub(super) fn check(path: &Path, manifest: &Manifest, bytes: &[u8], demands: &Demands<'_>, report: &mut Report) -> Result<(), BundleError> {
    let mut files = Vec::new();
    for name in seal::names(path)? {
        match SealFile::of(&name) {
            Some(SealFile::Leftover) => report.notes.push(format!("{SEAL}/{name} is what an interrupted write left, and is not read")),
            Some(file) => files.push(file),
            None => report.deviate(DeviationKind::Added, format!("{SEAL}/{name}"), "no file of a seal is called that"),
        }
    }
    let signed = files.iter().any(|file| matches!(file, SealFile::Envelope(_)));
    let stamps = stamps(path, manifest, &files, demands, report);
    signatures(path, manifest, bytes, &files, &stamps, demands, report);
    report.signed = signed;
    if demands.require_signature && !report.signatures.iter().any(|signature| signature.state == SignatureState::Valid) {
        report.deviate(DeviationKind::Unsigned, SEAL, "a signature by a trusted key is asked for, and none counts");
    }
    if demands.require_timestamp && !report.timestamps.iter().any(|stamp| stamp.state == StampState::Valid) {
        report.deviate(DeviationKind::TimestampMissing, SEAL, "a time stamp by a trusted authority is asked for, and none counts");
    }
    Ok(())
}

// The stamps in the seal; gives by what they are over the time that those that are valid show at the latest.
fn stamps(
    path: &Path,
    manifest: &Manifest,
    files: &[SealFile],
    demands: &Demands<'_>,
    report: &mut Report,
) -> BTreeMap<Stamped, Timestamp> {
    let mut valid = BTreeMap::new();
    let mut all: Vec<&Stamped> = files
        .iter()
        .filter_map(|file| match file {
            SealFile::Request(stamped) | SealFile::Response(stamped) => Some(stamped),
            _ => None,
        })
        .collect();
    all.sort();
    all.dedup();
    for stamped in all {
        let answered = files.contains(&SealFile::Response(stamped.clone()));
        let file = if answered { stamped.response() } else { stamped.request() };
        let judged = stamp(path, manifest.predicate.clock, stamped, demands);
        let mut found = StampReport { file, over: stamped.file(), state: StampState::Pending, granted: None, reason: None, detail: None };
        match judged {
            Ok(None) => {}
            Ok(Some(granted)) => {
                found.state = if granted.authority.is_some() { StampState::Valid } else { StampState::NotAnchored };
                if granted.authority.is_some() {
                    // It may be off by so much, and what it proves is `not later than`.
                    let accuracy = SignedDuration::from_micros(granted.accuracy_us.unwrap_or(0).try_into().unwrap_or(i64::MAX));
                    valid.insert(stamped.clone(), granted.time.checked_add(accuracy).unwrap_or(Timestamp::MAX));
                }
                found.granted = Some(granted);
            }
            Err(Fault { kind, detail }) => {
                found.state = StampState::Broken;
                (found.reason, found.detail) = (Some(kind), Some(detail.clone()));
                report.deviate(kind, found.file.clone(), detail);
            }
        }
        report.timestamps.push(found);
    }
    valid
}

/// Judges a stamp in the seal of the bundle at `path`, whose run is of the time `run`; none where its request waits for an answer.
///
/// # Errors
/// The first thing about it that does not hold.
pub fn stamp(path: &Path, run: Timestamp, stamped: &Stamped, demands: &Demands<'_>) -> Result<Option<Granted>, Fault> {
    let fault = |kind, detail: String| Fault { kind, detail };
    let unread = |error: BundleError| fault(DeviationKind::TimestampMalformed, error.to_string());
    let over = seal::read(path, &stamped.file())
        .map_err(|error| fault(DeviationKind::TimestampImprint, format!("what was stamped cannot be read: {error}")))?;
    let digest = sha256(&over);
    let request = seal::read(path, &stamped.request()).map_err(|error| {
        fault(DeviationKind::TimestampNonce, format!("the request is not at hand, and the nonce cannot be compared: {error}"))
    })?;
    let request = Request::read(&request).map_err(|detail| fault(DeviationKind::TimestampMalformed, detail))?;
    if request.digest != digest {
        let detail = format!("the request is not over {}", stamped.file());
        return Err(fault(DeviationKind::TimestampImprint, detail));
    }
    if fs::symlink_metadata(path.join(stamped.response())).is_err() {
        return Ok(None);
    }
    let answer = seal::read(path, &stamped.response()).map_err(unread)?;
    let circumstances = Circumstances {
        digest,
        request: &request,
        not_before: run,
        not_after: demands.at,
        authorities: demands.trust.map(Trust::authorities).unwrap_or_default(),
    };
    timestamp::verify(&answer, &circumstances).map(Some)
}

fn signatures(
    path: &Path,
    manifest: &Manifest,
    bytes: &[u8],
    files: &[SealFile],
    stamps: &BTreeMap<Stamped, Timestamp>,
    demands: &Demands<'_>,
    report: &mut Report,
) {
    let mut found = Vec::new();
    for file in files {
        let (name, id, minisign) = match file {
            SealFile::Envelope(id) => (Stamped::Signature(id.clone()).file(), id, false),
            SealFile::Minisign(id) => (format!("{SEAL}/{id}.minisig"), id, true),
            _ => continue,
        };
        // A stamp is over the envelope; in the form of minisign the same key signs the same manifest, and nothing shows when.
        let not_later_than = stamps.get(&Stamped::Signature(id.clone())).filter(|_| !minisign).copied();
        let known = demands.trust.and_then(|trust| trust.key(id));
        let judged = seal::read(path, &name)
            .map_err(|error| (SignatureState::Broken, DeviationKind::SignatureMalformed, error.to_string()))
            .and_then(
                |signature| {
                    if minisign { judge_minisign(&signature, bytes, known) } else { judge_envelope(&signature, id, bytes, known) }
                },
            )
            .and_then(|()| trusted(manifest, known, not_later_than, demands));
        let (state, reason, detail) = match judged {
            Ok(state) => (state, None, None),
            Err((state, kind, detail)) => (state, Some(kind), Some(detail)),
        };
        found.push(SignatureReport {
            file: name,
            key: id.clone(),
            state,
            algorithm: known.map(|known| known.key.algorithm()),
            owner: known.map(|known| known.entry.owner.clone()),
            not_later_than,
            reason,
            detail,
        });
    }
    // Where one signature counts, those of keys that do not are no deviation: a bundle may be signed anew, or by others too.
    let counts = found.iter().any(|signature| signature.state == SignatureState::Valid);
    for signature in &found {
        let told = signature.state == SignatureState::Broken || signature.state == SignatureState::DoesNotCount && !counts;
        if let (true, Some(kind), Some(detail)) = (told, signature.reason, &signature.detail) {
            report.deviate(kind, signature.file.clone(), detail.clone());
        }
    }
    report.signatures = found;
}

type Judged<T> = Result<T, (SignatureState, DeviationKind, String)>;

fn judge_envelope(file: &[u8], id: &str, manifest: &[u8], known: Option<&TrustedKey>) -> Judged<()> {
    let broken = |kind, detail: &str| Err((SignatureState::Broken, kind, detail.to_owned()));
    let envelope = match Envelope::read(file) {
        Ok(envelope) => envelope,
        Err(detail) => return broken(DeviationKind::SignatureMalformed, &detail),
    };
    if envelope.key_id != id {
        return broken(DeviationKind::SignatureMalformed, "the envelope names another key than its file's name");
    }
    if envelope.payload != manifest {
        return broken(DeviationKind::SignaturePayload, "what was signed is not this manifest");
    }
    match known {
        Some(known) if !envelope.verifies(&known.key) => {
            broken(DeviationKind::SignatureInvalid, "the signature is not one of the key that it names")
        }
        _ => Ok(()),
    }
}

fn judge_minisign(file: &[u8], manifest: &[u8], known: Option<&TrustedKey>) -> Judged<()> {
    let Some(known) = known else { return Ok(()) };
    minisign::verify(file, manifest, &known.key).map_err(|detail| (SignatureState::Broken, DeviationKind::SignatureInvalid, detail))
}

fn trusted(
    manifest: &Manifest,
    known: Option<&TrustedKey>,
    not_later_than: Option<Timestamp>,
    demands: &Demands<'_>,
) -> Judged<SignatureState> {
    let Some(trust) = demands.trust else { return Ok(SignatureState::NotChecked) };
    let Some(known) = known else {
        let detail = format!("{} does not name the key", trust.name);
        return Err((SignatureState::DoesNotCount, DeviationKind::KeyUnknown, detail));
    };
    let run = &manifest.predicate;
    let counts = known.counts(&run.workspace, &run.environment, run.clock, not_later_than, demands.at);
    counts.map(|()| SignatureState::Valid).map_err(|(kind, detail)| (SignatureState::DoesNotCount, kind, detail))
}
