//! The manifest: an in-toto Statement that names every sealed file, in canonical JSON (RFC 8785).

use std::collections::BTreeMap;
use std::io::{self, Read};

use jiff::Timestamp;
use proofbook_checks::inventory::{Assurance, Target};
use proofbook_controls::CheckId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::collection::Collection;

/// The file's name.
pub const MANIFEST: &str = "manifest.json";
/// The folder of signatures and timestamps: outside the sealed set.
pub const SEAL: &str = "seal";

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://proofbook.dev/run/v1";

/// An in-toto Statement about the files of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The statement's type.
    #[serde(rename = "_type")]
    pub statement: String,
    /// The sealed files, sorted by name.
    pub subject: Vec<SealedFile>,
    /// The type of the predicate.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What the files are the record of.
    pub predicate: Run,
}

/// A sealed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    /// The path within the bundle, with `/` between the parts.
    pub name: String,
    /// Its digests.
    pub digest: FileDigest,
}

/// The digests of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// The run that was sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The workspace.
    pub workspace: String,
    /// The environment.
    pub environment: String,
    /// The run's id: UTC basic time, dash, 8 hex digits of the digest of all that was sealed; the folder has its name.
    pub run_id: String,
    /// The digest of the previous manifest of the environment's ledger; none for the first.
    pub previous: Option<String>,
    /// The version of the program.
    pub tool_version: String,
    /// The version of evaluation and roll-up.
    pub semantics: u32,
    /// Whether all checks of the default selection ran; a partial run is never the newest.
    pub full: bool,
    /// The checks that ran.
    pub checks: Vec<CheckId>,
    /// The clock of the run: `now` in checks, and where freshness starts.
    pub clock: Timestamp,
    /// `live` if every target was read by the run itself.
    pub assurance: Assurance,
    /// The targets, with who looked.
    pub targets: Vec<Target>,
    /// How the run came about.
    #[serde(default, skip_serializing_if = "Collection::is_empty")]
    pub collection: Collection,
    /// The size of every sealed file in bytes.
    pub sizes: BTreeMap<String, u64>,
}

impl Manifest {
    /// The SHA-256 of a sealed file, in lower-case hex; none where it was not sealed.
    #[must_use]
    pub fn digest_of(&self, name: &str) -> Option<&str> {
        self.subject.iter().find(|file| file.name == name).map(|file| file.digest.sha256.as_str())
    }

    /// A statement about `files`, given as name, digest and size. The run's id follows from everything else in it.
    ///
    /// # Errors
    /// None that a manifest can cause.
    pub(crate) fn new(run: Run, files: &BTreeMap<String, (String, u64)>) -> Result<Self, serde_json::Error> {
        let subject =
            files.iter().map(|(name, (sha256, _))| SealedFile { name: name.clone(), digest: FileDigest { sha256: sha256.clone() } });
        let sizes = files.iter().map(|(name, (_, size))| (name.clone(), *size)).collect();
        let mut manifest = Self {
            statement: STATEMENT.to_owned(),
            subject: subject.collect(),
            predicate_type: PREDICATE.to_owned(),
            predicate: Run { sizes, ..run },
        };
        manifest.predicate.run_id = manifest.run_id()?;
        Ok(manifest)
    }

    /// The bytes that are written and signed.
    ///
    /// # Errors
    /// None that a manifest can cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json_canonicalizer::to_vec(self)
    }

    /// Whether the statement is of the kind that this program writes.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.statement == STATEMENT && self.predicate_type == PREDICATE
    }

    /// The id that the run has by its content: its clock, and the beginning of the digest over everything but the id.
    ///
    /// # Errors
    /// None that a manifest can cause.
    pub fn run_id(&self) -> Result<String, serde_json::Error> {
        let mut content = self.clone();
        content.predicate.run_id.clear();
        let digest = sha256_hex(&content.to_bytes()?);
        Ok(format!("{}-{}", self.predicate.clock.strftime("%Y%m%dT%H%M%SZ"), &digest[..8]))
    }

    /// Whether both are the record of the same run, wherever each stands in its chain.
    #[must_use]
    pub fn is_same_run(&self, other: &Self) -> bool {
        let run = |manifest: &Self| {
            let mut run = manifest.clone();
            run.predicate.run_id.clear();
            run.predicate.previous = None;
            run
        };
        run(self) == run(other)
    }
}

/// Whether a folder's name has the form of a run's id.
#[must_use]
pub fn is_run_id(name: &str) -> bool {
    let form = b"00000000T000000Z-ffffffff";
    let fits = |(byte, form): (u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'f' => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        fixed => byte == *fixed,
    };
    name.len() == form.len() && name.bytes().zip(form).all(fits)
}

/// Whether a name may be that of a sealed file: relative, without dots that lead elsewhere, the same on every system.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain))
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of all that can be read, in lower-case hex.
///
/// # Errors
/// What cannot be read.
pub fn sha256_of(mut from: impl Read) -> io::Result<String> {
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
