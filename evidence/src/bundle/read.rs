//! Opening a bundle: its manifest, and each part read from its sealed file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use proofbook_checks::finding::Finding;
use proofbook_checks::inventory::Inventory;
use proofbook_checks::settings::Settings;
use proofbook_checks::{Catalog, Plan};
use proofbook_controls::CheckId;
use proofbook_controls::files::Files;

use super::archive::{self, SealedSettings};
use super::manifest::{MANIFEST, Manifest, SEAL, sha256_hex};
use super::observations::{self, for_each};
use super::{ASSESSMENT, BundleError, FINDINGS, VALUES};
use crate::assessment::Assessment;
use crate::attestation::Attestations;
use crate::values::MeasuredValue;

// No sealed file of a cluster of 100,000 objects comes near this when unpacked.
const MAX_UNPACKED: u64 = 8 * 1024 * 1024 * 1024;
const MAX_SMALL: u64 = 512 * 1024 * 1024;

/// The files of a bundle on disk.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    root: PathBuf,
}

impl Sealed {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A plain file, whole.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        let path = self.path(name);
        let file = File::open(&path).map_err(BundleError::file(&path))?;
        let mut out = Vec::new();
        file.take(MAX_SMALL).read_to_end(&mut out).map_err(BundleError::file(&path))?;
        Ok(out)
    }

    /// A compressed file, unpacked as it is read.
    pub(crate) fn lines(&self, name: &str) -> Result<impl BufRead + use<>, BundleError> {
        let path = self.path(name);
        let file = File::open(&path).map_err(BundleError::file(&path))?;
        let decoder = zstd::Decoder::new(file).map_err(BundleError::file(&path))?;
        Ok(BufReader::with_capacity(1 << 16, decoder.take(MAX_UNPACKED)))
    }
}

/// A bundle that was opened. Opening does not verify it: see [`crate::verify`].
#[derive(Debug)]
pub struct Bundle {
    sealed: Sealed,
    manifest: Manifest,
    manifest_sha256: String,
    catalog: Catalog,
    files: Files,
    settings: SealedSettings,
}

impl Bundle {
    /// Reads the manifest and the library of the bundle at `path`.
    ///
    /// # Errors
    /// What cannot be read, with its file.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let sealed = Sealed::new(path);
        let bytes = sealed.bytes(MANIFEST)?;
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| BundleError::Malformed { file: MANIFEST.to_owned(), detail: error.to_string() })?;
        let (files, settings) = archive::read(&sealed)?;
        let catalog = Catalog::load_without_fixtures(&files).map_err(BundleError::Library)?;
        Ok(Self { sealed, manifest, manifest_sha256: sha256_hex(&bytes), catalog, files, settings })
    }

    /// The bundle's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.sealed.root
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The digest of the manifest, which names every sealed file.
    #[must_use]
    pub fn manifest_sha256(&self) -> &str {
        &self.manifest_sha256
    }

    /// Whether a signature lies beside the sealed files. It is not checked here.
    #[must_use]
    pub fn signed(&self) -> bool {
        let entries = std::fs::read_dir(self.sealed.path(SEAL)).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(".dsse.json"))
    }

    /// The catalog that decided.
    #[must_use]
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The settings that decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings.settings
    }

    /// The plan of the run.
    ///
    /// # Errors
    /// A library that does not give the plan any more.
    pub fn plan(&self) -> Result<Plan<'_>, BundleError> {
        let selected = |id: &CheckId| self.settings.selection.binary_search(id).is_ok();
        Plan::new(&self.catalog, &self.settings.settings, |check| selected(check.id())).map_err(BundleError::Library)
    }

    /// The attestations that were sealed.
    ///
    /// # Errors
    /// Attestations that cannot be read any more.
    pub fn attestations(&self) -> Result<Attestations, BundleError> {
        Attestations::load(&self.files, &self.catalog.controls).map_err(BundleError::Library)
    }

    /// The inventory, as the plan's masks saw it.
    ///
    /// # Errors
    /// What cannot be read, with its file and line.
    pub fn inventory(&self, plan: &Plan<'_>) -> Result<Inventory, BundleError> {
        observations::read(&self.sealed, &plan.wanted(), &self.manifest.predicate.targets)
    }

    /// The assessment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn assessment(&self) -> Result<Assessment, BundleError> {
        let bytes = self.sealed.bytes(ASSESSMENT)?;
        serde_json::from_slice(&bytes).map_err(|error| BundleError::Malformed { file: ASSESSMENT.to_owned(), detail: error.to_string() })
    }

    /// Hands every finding to `take`, check by check.
    ///
    /// # Errors
    /// What cannot be read, with its file and line.
    pub fn findings(&self, mut take: impl FnMut(Finding)) -> Result<(), BundleError> {
        for_each(&self.sealed, FINDINGS, |finding| {
            take(finding);
            Ok(())
        })
    }

    /// The measured values.
    ///
    /// # Errors
    /// What cannot be read, with its line.
    pub fn values(&self) -> Result<Vec<MeasuredValue>, BundleError> {
        let bytes = self.sealed.bytes(VALUES)?;
        let lines = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        let parse = |(at, line): (usize, &[u8])| {
            serde_json::from_slice(line).map_err(|source| BundleError::Line { file: VALUES.to_owned(), line: at + 1, source })
        };
        lines.map(parse).collect()
    }

    /// How many requests the run made.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn request_count(&self) -> Result<u64, BundleError> {
        let mut count = 0;
        for_each(&self.sealed, "requests.ndjson.zst", |_: serde::de::IgnoredAny| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    pub(crate) const fn sealed(&self) -> &Sealed {
        &self.sealed
    }
}
