//! Random edits of a bundle that is signed and stamped: every one is found, each with the right reason.
//!
//! `PROOFBOOK_CASES` sets how many are tried.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proofbook_evidence::bundle::manifest::Manifest;
use proofbook_evidence::seal::dsse::Envelope;
use proofbook_evidence::seal::key::{PrivateKey, Signer};
use proofbook_evidence::seal::timestamp::Request;
use proofbook_evidence::seal::trust::Trust;
use proofbook_evidence::seal::{self, Stamped};
use proofbook_evidence::verify::{self, Demands, DeviationKind as Kind, Report};
use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;

use crate::authority::{self, Authority, SigningKey, trusted_authority};
use crate::platform::{Platform, contents, edit, manifest, reseal};
use crate::sealing::{demands, signer, stamp, trust};

/// How many cases a property is tried with.
pub(crate) fn cases(by_default: u32) -> u32 {
    std::env::var("PROOFBOOK_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(by_default)
}

struct World {
    ledger: TempDir,
    older: PathBuf,
    newer: PathBuf,
    key: SigningKey,
    stranger: PrivateKey,
    authority: Authority,
    trust: Trust,
    revoked: Trust,
    expired: Trust,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let ledger = tempfile::tempdir().unwrap();
    let older = Platform::new().seal(ledger.path()).path;
    let newer = Platform::new().at("2026-06-02T00:00:00Z").seal(ledger.path()).path;
    let (key, authority) = (SigningKey::ed25519(), Authority::new(authority::Kind::P256));
    for path in [&older, &newer] {
        seal::sign(path, &signer(&key)).unwrap();
        stamp(path, &authority);
    }
    let id = signer(&key).public_key().id();
    let of = |more: &str| trust(&format!("keys:\n{}{}", key.entry(&id, more), trusted_authority(&authority.root())));
    World {
        older,
        newer,
        stranger: signer(&SigningKey::ed25519()),
        trust: of(""),
        // Before any stamp could be made, so that no stamp helps.
        revoked: of("    revoked_at: 2026-06-03T00:00:00Z\n"),
        expired: of("    not_before: 2026-01-01T00:00:00Z\n    not_after: 2026-06-03T00:00:00Z\n"),
        ledger,
        key,
        authority,
    }
});

/// A copy of the ledger that a case may ruin; gives the newer bundle.
fn copy() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in contents(WORLD.ledger.path()) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let path = dir.path().join(WORLD.newer.file_name().unwrap());
    (dir, path)
}

fn held(path: &Path, trust: &Trust) -> Report {
    let demands = Demands { require_signature: true, require_timestamp: true, ..demands(trust) };
    verify::verify_against(path, &demands).unwrap()
}

#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, Index, u8),
    Truncate(Index, Index),
    Lengthen(Index, Vec<u8>),
    Remove(Index),
    Add(String),
    Swap(Index, Index),
    // Of the manifest, by somebody who writes it well.
    ReorderManifest(Index),
    // A verdict changed, and the manifest made to agree.
    Reseal,
    OlderInPlace,
    OlderSealInPlace,
    OtherKey,
    OtherKeyUnderOurName,
    RevokedKey,
    ExpiredKey,
    ExpiredCertificate,
    WrongNonce(u8),
    OtherImprint,
}

fn edits() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        8 => (index(), index(), 0..8_u8).prop_map(|(file, at, bit)| Edit::Flip(file, at, bit)),
        3 => (index(), index()).prop_map(|(file, at)| Edit::Truncate(file, at)),
        2 => (index(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(file, more)| Edit::Lengthen(file, more)),
        2 => index().prop_map(Edit::Remove),
        2 => "(observations/|seal/|)[a-z.]{0,8}[a-z](\\.json|\\.zst|\\.pem|)".prop_map(Edit::Add),
        2 => (index(), index()).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => index().prop_map(Edit::ReorderManifest),
        1 => Just(Edit::Reseal),
        1 => Just(Edit::OlderInPlace),
        1 => Just(Edit::OlderSealInPlace),
        1 => Just(Edit::OtherKey),
        1 => Just(Edit::OtherKeyUnderOurName),
        1 => Just(Edit::RevokedKey),
        1 => Just(Edit::ExpiredKey),
        1 => Just(Edit::ExpiredCertificate),
        1 => any::<u8>().prop_map(Edit::WrongNonce),
        1 => Just(Edit::OtherImprint),
    ]
}

const OF_A_FILE: &[Kind] = &[Kind::Changed, Kind::Reordered, Kind::Malformed];
const OF_THE_MANIFEST: &[Kind] = &[Kind::Malformed, Kind::SignaturePayload];
const OF_AN_ENVELOPE: &[Kind] = &[Kind::SignatureMalformed, Kind::SignaturePayload, Kind::SignatureInvalid, Kind::TimestampImprint];
const OF_A_REQUEST: &[Kind] = &[Kind::TimestampMalformed, Kind::TimestampImprint, Kind::TimestampNonce, Kind::TimestampPolicy];
const OF_AN_ANSWER: &[Kind] = &[
    Kind::TimestampMalformed,
    Kind::TimestampRefused,
    Kind::TimestampImprint,
    Kind::TimestampNonce,
    Kind::TimestampCertificate,
    Kind::TimestampKeyUsage,
    Kind::TimestampSignature,
    Kind::TimestampChain,
    Kind::TimestampExpired,
];

/// The reasons that a change of a file's bytes may have, one of which must be told of that file.
fn reasons(name: &str) -> &'static [Kind] {
    let ends = |ending: &str| name.ends_with(ending);
    match name {
        "manifest.json" => OF_THE_MANIFEST,
        _ if ends(".dsse.json") => OF_AN_ENVELOPE,
        _ if ends(".tsq") => OF_A_REQUEST,
        _ if ends(".tsr") => OF_AN_ANSWER,
        _ => OF_A_FILE,
    }
}

// What an answer tells that counts: bits beside that are signed by nobody, and mean nothing.
fn stamps(report: &Report) -> Vec<serde_json::Value> {
    report.timestamps.iter().map(|stamp| serde_json::to_value(stamp).unwrap()).collect()
}

/// Holds that one of the reasons was told, of the file where one is named.
fn found(report: &Report, file: Option<&str>, kinds: &[Kind]) -> Result<(), TestCaseError> {
    // A change of one file may be told of the files that lean on it: an envelope that does not fit is told as such too.
    let hit = report.deviations.iter().any(|deviation| kinds.contains(&deviation.kind) && file.is_none_or(|file| deviation.file == file));
    prop_assert!(hit, "none of {kinds:?} of {file:?} in {report}");
    Ok(())
}

fn apply(change: &Edit) -> Result<(), TestCaseError> {
    let (dir, path) = copy();
    let files: Vec<String> = contents(&path).into_iter().map(|(name, _)| name).collect();
    let rewrite = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(path.join(name)).unwrap();
        change(&mut bytes);
        fs::write(path.join(name), bytes).unwrap();
    };
    match change {
        Edit::Flip(file, at, bit) => {
            let name = file.get(&files);
            rewrite(name, &|bytes| {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            });
            let report = held(&path, &WORLD.trust);
            if name.ends_with(".tsr") && report.is_intact() {
                prop_assert_eq!(stamps(&report), stamps(&held(&WORLD.newer, &WORLD.trust)), "what the stamp tells has changed unseen");
            } else if name == "manifest.json" {
                // A name or digest in it is told of the file that it is about, and the signature is over something else in any case.
                prop_assert!(report.deviations.iter().any(|deviation| reasons(name).contains(&deviation.kind)), "{report}");
            } else if name.ends_with(".dsse.json") {
                found(&report, None, reasons(name))?;
            } else {
                found(&report, Some(name), reasons(name)).or_else(|error| {
                    // A request is told of by the answer to it.
                    let answer = name.replace(".tsq", ".tsr");
                    if answer == *name { Err(error) } else { found(&report, Some(&answer), reasons(name)) }
                })?;
            }
        }
        Edit::Truncate(file, at) => {
            let name = file.get(&files);
            rewrite(name, &|bytes| bytes.truncate(at.index(bytes.len())));
            found(&held(&path, &WORLD.trust), None, reasons(name))?;
        }
        Edit::Lengthen(file, more) => {
            let name = file.get(&files);
            // White space behind JSON is no change of what it says, and the manifest is held to its exact form in any case.
            prop_assume!(!name.ends_with(".dsse.json") || more.iter().any(|byte| !byte.is_ascii_whitespace()));
            rewrite(name, &|bytes| bytes.extend(more));
            let kinds = if name == "manifest.json" { &[Kind::Malformed, Kind::Changed][..] } else { reasons(name) };
            found(&held(&path, &WORLD.trust), None, kinds)?;
        }
        Edit::Remove(file) => {
            let name = file.get(&files);
            fs::remove_file(path.join(name)).unwrap();
            let kind = match name.as_str() {
                _ if name.ends_with(".dsse.json") => Kind::Unsigned,
                _ if name.ends_with(".tsq") => Kind::TimestampNonce,
                // One of two stamps: the other one still shows the time of the manifest.
                _ if name.ends_with(".tsr") => return pending(&path),
                _ => Kind::Missing,
            };
            found(&held(&path, &WORLD.trust), None, &[kind])?;
        }
        Edit::Add(name) => {
            let file = path.join(name);
            prop_assume!(!file.exists() && !name.ends_with('/') && fs::create_dir_all(file.parent().unwrap()).is_ok());
            fs::write(&file, "x").unwrap();
            found(&held(&path, &WORLD.trust), Some(name), &[Kind::Added])?;
        }
        Edit::Swap(a, b) => {
            let sealed: Vec<String> = manifest(&path).subject.into_iter().map(|file| file.name).collect();
            let (a, b) = (path.join(a.get(&sealed)), path.join(b.get(&sealed)));
            let (first, second) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
            prop_assume!(first != second);
            fs::write(&a, second).unwrap();
            fs::write(&b, first).unwrap();
            let report = held(&path, &WORLD.trust);
            for file in [a, b] {
                found(&report, file.strip_prefix(&path).unwrap().to_str(), &[Kind::Reordered])?;
            }
        }
        _ => forge(change, &dir, &path)?,
    }
    Ok(())
}

// Edits by somebody who knows what the files mean.
fn forge(change: &Edit, dir: &TempDir, path: &Path) -> Result<(), TestCaseError> {
    let key_id = signer(&WORLD.key).public_key().id();
    let stamped = Stamped::Signature(key_id.clone());
    let envelope = path.join(stamped.file());
    match change {
        Edit::ReorderManifest(at) => {
            let mut forged = manifest(path);
            let at = at.index(forged.subject.len() - 1);
            forged.subject.swap(at, at + 1);
            fs::write(path.join("manifest.json"), forged.to_bytes().unwrap()).unwrap();
            let report = held(path, &WORLD.trust);
            found(&report, Some("manifest.json"), &[Kind::Reordered])?;
            found(&report, None, &[Kind::SignaturePayload])?;
        }
        Edit::Reseal => {
            edit(path, "findings.ndjson.zst", |text| text.replacen(r#""verdict":"fail""#, r#""verdict":"pass""#, 1));
            let report = held(&reseal(path), &WORLD.trust);
            found(&report, Some("findings.ndjson.zst"), &[Kind::Replay])?;
            found(&report, None, &[Kind::SignaturePayload])?;
            found(&report, None, &[Kind::TimestampImprint])?;
        }
        Edit::OlderInPlace => {
            fs::remove_dir_all(path).unwrap();
            fs::rename(dir.path().join(WORLD.older.file_name().unwrap()), path).unwrap();
            found(&held(path, &WORLD.trust), Some("manifest.json"), &[Kind::Chain])?;
        }
        Edit::OlderSealInPlace => {
            fs::remove_dir_all(path.join("seal")).unwrap();
            fs::rename(dir.path().join(WORLD.older.file_name().unwrap()).join("seal"), path.join("seal")).unwrap();
            let report = held(path, &WORLD.trust);
            found(&report, None, &[Kind::SignaturePayload])?;
            found(&report, Some("seal/timestamp.tsr"), &[Kind::TimestampImprint])?;
        }
        Edit::OtherKey => {
            fs::remove_dir_all(path.join("seal")).unwrap();
            seal::sign(path, &WORLD.stranger).unwrap();
            stamp(path, &WORLD.authority);
            found(&held(path, &WORLD.trust), None, &[Kind::KeyUnknown])?;
        }
        Edit::OtherKeyUnderOurName => {
            let signed = Envelope::read(&fs::read(&envelope).unwrap()).unwrap();
            let forged = Envelope::sign(&signed.payload, &WORLD.stranger).unwrap();
            fs::write(&envelope, Envelope { key_id: key_id.clone(), ..forged }.to_bytes()).unwrap();
            found(&held(path, &WORLD.trust), stamped.file().as_str().into(), &[Kind::SignatureInvalid])?;
        }
        Edit::RevokedKey => found(&held(path, &WORLD.revoked), stamped.file().as_str().into(), &[Kind::KeyRevoked])?,
        Edit::ExpiredKey => found(&held(path, &WORLD.expired), stamped.file().as_str().into(), &[Kind::KeyExpired])?,
        Edit::ExpiredCertificate => {
            let content = WORLD.authority.content(&fs::read(path.join("seal/timestamp.tsr")).unwrap());
            let at = content.windows(3).position(|window| window == [0x18, 15, b'2']).unwrap();
            let late = [&content[..at + 2], b"20600101000000Z", &content[at + 17..]].concat();
            fs::write(path.join("seal/timestamp.tsr"), WORLD.authority.signed(&late, "tsa", &["-cades"])).unwrap();
            found(&held(path, &WORLD.trust), Some("seal/timestamp.tsr"), &[Kind::TimestampExpired])?;
        }
        Edit::WrongNonce(byte) => {
            prop_assume!(*byte != 7);
            let bytes = fs::read(path.join("manifest.json")).unwrap();
            let request = Request::over(&bytes, [7, 7, 7, 7, 7, 7, 7, *byte], None).unwrap();
            fs::write(path.join("seal/timestamp.tsq"), request.to_der()).unwrap();
            found(&held(path, &WORLD.trust), Some("seal/timestamp.tsr"), &[Kind::TimestampNonce])?;
        }
        Edit::OtherImprint => {
            fs::copy(path.join(stamped.response()), path.join("seal/timestamp.tsr")).unwrap();
            found(&held(path, &WORLD.trust), Some("seal/timestamp.tsr"), &[Kind::TimestampImprint])?;
        }
        _ => unreachable!("edits of bytes are applied elsewhere"),
    }
    Ok(())
}

// One stamp is pending, and is told; the bundle holds by the other one.
fn pending(path: &Path) -> Result<(), TestCaseError> {
    let report = held(path, &WORLD.trust);
    prop_assert!(report.to_string().contains("PENDING"), "{report}");
    Ok(())
}

#[test]
fn what_was_not_edited_holds() {
    let (_dir, path) = copy();
    let report = held(&path, &WORLD.trust);
    assert!(report.is_intact() && report.replayed, "{report}");
    let read: Manifest = manifest(&path);
    assert_eq!(read.to_bytes().unwrap(), fs::read(path.join("manifest.json")).unwrap());
}

#[test]
fn every_edit_is_found_with_the_right_reason() {
    let config = ProptestConfig { cases: cases(192), failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(change in edits())| apply(&change)?);
}
