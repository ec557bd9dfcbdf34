//! What a run came to, without the rules that decided: histories read it of every run. Only files whose digest the manifest names
//! are read.

use std::path::Path;

use proofbook_checks::Finding;

use super::manifest::{MANIFEST, Manifest, sha256_hex};
use super::read::SealedFiles;
use super::{ASSESSMENT, BundleError, FINDINGS};
use crate::assessment::Assessment;

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    pub(super) sealed: SealedFiles,
    pub(super) manifest: Manifest,
}

impl Outcome {
    /// Opens the bundle at `path` whose manifest has this digest.
    ///
    /// # Errors
    /// A manifest that cannot be read, or is not the one that is named.
    pub fn open(path: &Path, manifest_sha256: &str) -> Result<Self, BundleError> {
        let sealed = SealedFiles::new(path);
        let bytes = sealed.bytes(MANIFEST)?;
        if sha256_hex(&bytes) != manifest_sha256 {
            return Err(changed(&sealed, MANIFEST));
        }
        let manifest = serde_json::from_slice(&bytes).map_err(|_| changed(&sealed, MANIFEST))?;
        Ok(Self { sealed, manifest })
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The assessment as it was sealed.
    ///
    /// # Errors
    /// What cannot be read, or is not what was sealed.
    pub fn assessment(&self) -> Result<Assessment, BundleError> {
        self.held(ASSESSMENT)?;
        self.sealed.assessment()
    }

    /// Hands the findings to `take` in the order in which they were sealed.
    ///
    /// # Errors
    /// What cannot be read, or is not what was sealed.
    pub fn findings(&self, mut take: impl FnMut(Finding)) -> Result<(), BundleError> {
        self.held(FINDINGS)?;
        self.sealed.for_each(FINDINGS, |finding| {
            take(finding);
            Ok(())
        })
    }

    /// Holds a file to the manifest.
    pub(super) fn held(&self, name: &str) -> Result<(), BundleError> {
        let digest = sha256_hex(&self.sealed.bytes(name)?);
        let named = self.manifest.subject.iter().any(|file| file.name == name && file.digest.sha256 == digest);
        if named { Ok(()) } else { Err(changed(&self.sealed, name)) }
    }
}

fn changed(sealed: &SealedFiles, name: &str) -> BundleError {
    let detail = "is not what was sealed; see `proofbook verify`".to_owned();
    BundleError::Malformed { file: sealed.path(name).display().to_string(), detail }
}
