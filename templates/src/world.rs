//! What a template can see: the template files, the data, the attachments and the embedded fonts. Nothing else exists for it: no
//! file system, no package, no network, no date.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use crate::fonts::FONTS;

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// The inputs of one document.
pub(crate) struct Inputs {
    main: FileId,
    sources: BTreeMap<String, Source>,
    files: BTreeMap<String, Bytes>,
}

impl Inputs {
    /// The world whose main file is at `main`.
    ///
    /// # Errors
    /// The path has no meaning.
    pub(crate) fn new(main: &str) -> FileResult<Self> {
        Ok(Self { main: id(main)?, sources: BTreeMap::new(), files: BTreeMap::new() })
    }

    /// Adds a template file; `.typ` is source.
    ///
    /// # Errors
    /// The path has no meaning.
    pub(crate) fn template(&mut self, path: &str, text: &str) -> FileResult<()> {
        if path.ends_with(".typ") {
            self.sources.insert(path.to_owned(), Source::new(id(path)?, text.to_owned()));
        } else {
            self.files.insert(path.to_owned(), Bytes::from_string(text.to_owned()));
        }
        Ok(())
    }

    /// Adds bytes that a template reads.
    pub(crate) fn bytes(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.files.insert(path.into(), Bytes::new(bytes));
    }

    /// The texts of all sources.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.sources.values().map(Source::text)
    }
}

fn id(path: &str) -> FileResult<FileId> {
    let path = VirtualPath::new(path).map_err(|_| FileError::NotFound(path.into()))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

// The path below the root; a package has none.
fn path(id: FileId) -> FileResult<&'static str> {
    let rooted = id.get();
    match rooted.root() {
        VirtualRoot::Project => Ok(rooted.vpath().get_without_slash()),
        VirtualRoot::Package(_) => Err(FileError::AccessDenied),
    }
}

impl World for Inputs {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let path = path(id)?;
        self.sources.get(path).cloned().ok_or_else(|| FileError::NotFound(path.into()))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = path(id)?;
        match self.sources.get(path) {
            Some(source) => Ok(Bytes::from_string(source.text().to_owned())),
            None => self.files.get(path).cloned().ok_or_else(|| FileError::NotFound(path.into())),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.list.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
