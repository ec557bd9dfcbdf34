//! A glance at a bundle: what can be told of it without compiling its rules. Only files whose digest the manifest names are read.

use std::path::Path;

use proofbook_controls::files::Files;

use super::archive::{self, LIBRARY, SealedSettings};
use super::manifest::Manifest;
use super::outcome::Outcome;
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
        let outcome = Outcome::open(path, manifest_sha256)?;
        outcome.held(LIBRARY)?;
        outcome.held(ASSESSMENT)?;
        let Outcome { sealed, manifest } = outcome;
        let (files, settings) = archive::read(&sealed)?;
        Ok(Self { sealed, manifest, files, settings })
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
