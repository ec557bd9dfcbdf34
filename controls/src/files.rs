//! The files of a library: what is embedded in the binary, extended or overridden by a workspace.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

static CROSSWALKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/crosswalks");
static FRAMEWORKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/frameworks");
static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");
static MAPPINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");

/// Texts by path, with `/` between the parts: `controls/library/encryption-in-transit.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Arc<str>>);

impl Files {
    /// The embedded crosswalks, frameworks, controls and mappings.
    #[must_use]
    pub fn embedded() -> Self {
        let mut files = Self::default();
        files.add_dir("controls/crosswalks", &CROSSWALKS);
        files.add_dir("controls/frameworks", &FRAMEWORKS);
        files.add_dir("controls/library", &LIBRARY);
        files.add_dir("controls/mappings", &MAPPINGS);
        files
    }

    /// Adds the YAML files of an embedded folder below `prefix`.
    pub fn add_dir(&mut self, prefix: &str, dir: &Dir<'_>) {
        for file in dir.files() {
            let path = format!("{prefix}/{}", file.path().to_string_lossy());
            if let (true, Some(text)) = (is_yaml(&path), file.contents_utf8()) {
                self.insert(path, text);
            }
        }
        for inner in dir.dirs() {
            self.add_dir(prefix, inner);
        }
    }

    /// Adds a file, or replaces the one at the same path.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) {
        self.0.insert(path.into(), text.into());
    }

    /// Adds all of `other`; where both have a path, `other` wins.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The text at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(AsRef::as_ref)
    }

    /// The files below a folder, in the order of their paths.
    pub fn under<'f>(&'f self, folder: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        self.iter().filter(move |(path, _)| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// All files, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_ref()))
    }
}

/// Whether a path names a YAML file.
#[must_use]
pub fn is_yaml(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}
