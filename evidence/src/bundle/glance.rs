//! A glance at a bundle: what can be told of it without compiling its rules. Only files whose digest the manifest names are read.

use std::path::Path;

use proofbook_controls::files::Files;

use super::archive::{self, LIBRARY, SealedSettings};
use super::manifest::{MANIFEST, Manifest, sha256_hex};
use super::read::SealedFiles;
use super::{ASSESSMENT, BundleError};
use crate::assessment::Assessment;
use crate::freshness::ControlWindows;

/// The parts of a bundle that say how it stands.
#[derive(Debug)]
pub struct Glance {
    sealed: SealedFiles,
    manifest: Manifest,
    files: Files,
    settings: SealedSettings,
}

impl Glance {
    /// Reads the bundle at `path` whose manifest has this digest.
    ///
    /// # Errors
    /// What cannot be read, or is not what was sealed.
    pub fn open(path: &Path, manifest_sha256: &str) -> Result<Self, BundleError> {
        let sealed = SealedFiles::new(path);
        let bytes = sealed.bytes(MANIFEST)?;
        let changed = |file: &str| BundleError::Malformed {
            file: path.join(file).display().to_string(),
            detail: "is not what was sealed; see `proofbook verify`".to_owned(),
        };
        if sha256_hex(&bytes) != manifest_sha256 {
            return Err(changed(MANIFEST));
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| changed(MANIFEST))?;
        let whole = Self::held(&sealed, &manifest, LIBRARY)? && Self::held(&sealed, &manifest, ASSESSMENT)?;
        if !whole {
            return Err(changed("assessment.json or library.tar.zst"));
        }
        let (files, settings) = archive::read(&sealed)?;
        Ok(Self { sealed, manifest, files, settings })
    }

    fn held(sealed: &SealedFiles, manifest: &Manifest, name: &str) -> Result<bool, BundleError> {
        let digest = sha256_hex(&sealed.bytes(name)?);
        Ok(manifest.subject.iter().any(|file| file.name == name && file.digest.sha256 == digest))
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The files of the library and the statements that were sealed with it.
    #[must_use]
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// The windows that the workspace set for controls.
    #[must_use]
    pub const fn freshness(&self) -> &ControlWindows {
        &self.settings.freshness
    }

    /// The assessment as it was sealed.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn assessment(&self) -> Result<Assessment, BundleError> {
        self.sealed.assessment()
    }
}
