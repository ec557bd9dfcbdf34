//! Opening a bundle: its manifest, and each part read from its sealed file, within bounds that no packed file can exceed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proofbook_checks::finding::Finding;
use proofbook_checks::inventory::Inventory;
use proofbook_checks::resource::Resource;
use proofbook_checks::settings::Settings;
use proofbook_checks::{Catalog, Plan};
use proofbook_controls::files::Files;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::archive::{self, SealedSettings};
use super::manifest::{MANIFEST, Manifest, sha256_hex};
use super::observations::{self, REQUESTS};
use super::{ASSESSMENT, BundleError, FINDINGS, VALUES};
use crate::assessment::Assessment;
use crate::attestation::Attestations;
use crate::exception::Exceptions;
use crate::freshness::{self, ControlWindows};
use crate::scope::Scopes;
use crate::values::MeasuredValue;

/// A record may be this long; an object of Kubernetes has at most 1.5 MiB.
pub(crate) const MAX_LINE: usize = 64 * 1024 * 1024;
// No sealed file of a cluster of 100,000 objects comes near this when unpacked.
const MAX_UNPACKED: u64 = 8 * 1024 * 1024 * 1024;
const MAX_WHOLE: u64 = 512 * 1024 * 1024;

/// The files of a bundle on disk.
#[derive(Clone, Debug)]
pub(crate) struct SealedFiles {
    root: PathBuf,
}

impl SealedFiles {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn open(&self, name: &str) -> Result<File, BundleError> {
        let path = self.path(name);
        File::open(&path).map_err(BundleError::file(&path))
    }

    /// A plain file, whole.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        let mut out = Vec::new();
        let mut file = Bounded { inner: self.open(name)?, left: MAX_WHOLE };
        file.read_to_end(&mut out).map_err(BundleError::file(&self.path(name)))?;
        Ok(out)
    }

    /// A compressed file, unpacked as it is read, up to `most` bytes.
    pub(crate) fn unpacked(&self, name: &str, most: u64) -> Result<impl Read + use<>, BundleError> {
        let decoder = zstd::Decoder::new(self.open(name)?).map_err(BundleError::file(&self.path(name)))?;
        Ok(Bounded { inner: decoder, left: most })
    }

    /// The lines of a compressed file.
    pub(crate) fn lines(&self, name: &str) -> Result<Lines, BundleError> {
        Ok(Lines::new(name, self.unpacked(name, MAX_UNPACKED)?))
    }

    /// The lines of a plain file.
    pub(crate) fn plain_lines(&self, name: &str) -> Result<Lines, BundleError> {
        Ok(Lines::new(name, Bounded { inner: self.open(name)?, left: MAX_UNPACKED }))
    }

    /// Reads a compressed file of JSON lines.
    pub(crate) fn for_each<T: DeserializeOwned>(
        &self,
        name: &str,
        mut take: impl FnMut(T) -> Result<(), BundleError>,
    ) -> Result<(), BundleError> {
        let mut lines = self.lines(name)?;
        while let Some(value) = lines.next_json()? {
            take(value)?;
        }
        Ok(())
    }

    /// The assessment.
    pub(crate) fn assessment(&self) -> Result<Assessment, BundleError> {
        let bytes = self.bytes(ASSESSMENT)?;
        serde_json::from_slice(&bytes).map_err(|error| BundleError::Malformed { file: ASSESSMENT.to_owned(), detail: error.to_string() })
    }
}

// Fails beyond its bound: what is cut off must not look like the end.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let too_long = || io::Error::new(io::ErrorKind::InvalidData, "unpacks to more than such a file can hold");
        self.left = self.left.checked_sub(read as u64).ok_or_else(too_long)?;
        Ok(read)
    }
}

/// The lines of a sealed file.
pub(crate) struct Lines {
    name: String,
    reader: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    number: usize,
}

impl Lines {
    fn new(name: &str, reader: impl Read + 'static) -> Self {
        let reader: Box<dyn Read> = Box::new(reader);
        Self { name: name.to_owned(), reader: BufReader::with_capacity(1 << 16, reader), line: Vec::new(), number: 0 }
    }

    /// The next line with its line feed; `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, BundleError> {
        self.line.clear();
        self.number += 1;
        let bad = |detail: String| BundleError::Malformed { file: self.name.clone(), detail };
        let mut bounded = (&mut self.reader).take(MAX_LINE as u64 + 1);
        let read = bounded.read_until(b'\n', &mut self.line).map_err(|error| bad(format!("line {}: {error}", self.number)))?;
        if read > MAX_LINE {
            return Err(bad(format!("line {} is longer than any record", self.number)));
        }
        Ok((read > 0).then_some(&*self.line))
    }

    fn next_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, BundleError> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        let parsed = serde_json::from_slice(line);
        parsed.map(Some).map_err(|source| BundleError::Line { file: self.name.clone(), line: self.number, source })
    }
}

/// A bundle that was opened. Opening does not verify it: see [`crate::verify`].
#[derive(Debug)]
pub struct Bundle {
    sealed: SealedFiles,
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
        let sealed = SealedFiles::new(path);
        let bytes = sealed.bytes(MANIFEST)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| BundleError::Malformed { file: MANIFEST.to_owned(), detail: error.to_string() })?;
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

    /// What the workspace answers for.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.settings.scopes
    }

    /// The windows that the workspace set for controls.
    #[must_use]
    pub const fn freshness(&self) -> &ControlWindows {
        &self.settings.freshness
    }

    /// The plan of the run.
    ///
    /// # Errors
    /// A library that does not give the plan any more.
    pub fn plan(&self) -> Result<Plan<'_>, BundleError> {
        let selection = &self.settings.selection;
        Plan::new(&self.catalog, &self.settings.settings, |check| selection.contains(check.id())).map_err(BundleError::Library)
    }

    /// The attestations that were sealed.
    ///
    /// # Errors
    /// Attestations that cannot be read any more.
    pub fn attestations(&self) -> Result<Attestations, BundleError> {
        Attestations::load(&self.files, &self.catalog.controls, &self.settings.approval).map_err(BundleError::Library)
    }

    /// The exceptions that were sealed.
    ///
    /// # Errors
    /// Exceptions that cannot be read any more.
    pub fn exceptions(&self) -> Result<Exceptions, BundleError> {
        Exceptions::load(&self.files, &self.catalog, self.settings.approval.clone()).map_err(BundleError::Library)
    }

    /// The inventory, with the masks that it was read through.
    ///
    /// # Errors
    /// What cannot be read, with its file and line.
    pub fn inventory(&self) -> Result<Inventory, BundleError> {
        observations::read(&self.sealed, &self.manifest.predicate.targets)
    }

    /// The observations of some resources, as they were collected. What else was collected is not in it, so that nothing may be
    /// concluded from what it lacks.
    ///
    /// # Errors
    /// What cannot be read, with its file and line.
    pub fn inventory_of(&self, resources: &BTreeSet<Resource>) -> Result<Inventory, BundleError> {
        observations::read_some(&self.sealed, &self.manifest.predicate.targets, |resource| resources.contains(resource))
    }

    /// The assessment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn assessment(&self) -> Result<Assessment, BundleError> {
        self.sealed.assessment()
    }

    /// The assessment as of a time, with statements that were sealed: a result whose window has passed counts as stale, and never as
    /// good, and controls and requirements are rolled up again.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn assessment_at(&self, attestations: &Attestations, as_of: Timestamp) -> Result<Assessment, BundleError> {
        let mut assessment = self.assessment()?;
        let attested = |need: &str| attestations.by_need.get(need).map(|attestation| attestation.verdict(as_of));
        freshness::age(&mut assessment, self.manifest.predicate.clock, self.freshness(), attested, as_of);
        Ok(assessment)
    }

    /// Hands every finding to `take`, check by check.
    ///
    /// # Errors
    /// What cannot be read, with its file and line.
    pub fn findings(&self, mut take: impl FnMut(Finding)) -> Result<(), BundleError> {
        self.sealed.for_each(FINDINGS, |finding| {
            take(finding);
            Ok(())
        })
    }

    /// The measured values.
    ///
    /// # Errors
    /// What cannot be read, with its line.
    pub fn values(&self) -> Result<Vec<MeasuredValue>, BundleError> {
        let mut lines = self.sealed.plain_lines(VALUES)?;
        let mut out = Vec::new();
        while let Some(value) = lines.next_json()? {
            out.push(value);
        }
        Ok(out)
    }

    /// How many requests the run made.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn request_count(&self) -> Result<u64, BundleError> {
        let mut count = 0;
        self.sealed.for_each(REQUESTS, |_: IgnoredAny| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    pub(crate) const fn sealed(&self) -> &SealedFiles {
        &self.sealed
    }
}
