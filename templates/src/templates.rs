//! The templates: what is embedded, with files of a workspace in place of or beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span};
use proofbook_controls::yaml;
use serde_json::Value;

use crate::definition::{DocumentDefinition, Need};
use crate::error::DocumentError;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/documents");

const ROOT: &str = "templates/documents/";

/// The files of all documents, by path: `templates/documents/dpa/main.typ`. A template reads `toms.yaml` beside it as `toms.json`.
#[derive(Clone, Debug)]
pub struct Templates {
    files: Arc<BTreeMap<String, Arc<str>>>,
}

/// A document that can be rendered.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) definition: DocumentDefinition,
    pub(crate) files: Arc<BTreeMap<String, Arc<str>>>,
}

impl Templates {
    /// The embedded templates.
    #[must_use]
    pub fn embedded() -> Self {
        let mut files = BTreeMap::new();
        add(&mut files, &EMBEDDED);
        Self { files: Arc::new(files) }
    }

    /// Adds a file, or replaces the one at the same path. Every file below `templates/documents/` can be replaced, shared ones too.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) {
        Arc::make_mut(&mut self.files).insert(path.into(), text.into());
    }

    /// The files, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_ref()))
    }

    /// All documents, in the order of their ids.
    ///
    /// # Errors
    /// Every `document.yaml` that cannot be read.
    pub fn documents(&self) -> Result<Vec<Document>, DocumentError> {
        let mut faults = Diagnostics::default();
        let mut documents = Vec::new();
        for (path, text) in self.files.iter().filter(|(path, _)| path.starts_with(ROOT) && path.ends_with("/document.yaml")) {
            match definition(path, text) {
                Ok(definition) => documents.push(Document { definition, files: Arc::clone(&self.files) }),
                Err(fault) => faults.push(fault),
            }
        }
        faults.into_result(documents).map_err(DocumentError::Definition)
    }
}

impl Document {
    /// The id.
    pub fn id(&self) -> &str {
        &self.definition.id
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.definition.title
    }

    /// The name of the file that it is written to.
    pub fn file_name(&self) -> &str {
        &self.definition.file_name
    }

    /// All that is said of it.
    pub const fn definition(&self) -> &DocumentDefinition {
        &self.definition
    }

    // What the data lacks.
    pub(crate) fn missing(&self, data: &Value) -> Option<&Need> {
        self.definition.requires.iter().find(|need| data.pointer(&need.pointer).is_none_or(Value::is_null))
    }

    pub(crate) fn main(&self) -> String {
        format!("{ROOT}{}/main.typ", self.definition.id)
    }

    // The YAML files beside the template, as `<name>.json`: read by our reader, which refuses what the engine's takes in silence.
    pub(crate) fn tables(&self) -> Result<Vec<(String, Value)>, Diagnostics> {
        let folder = format!("{ROOT}{}/", self.definition.id);
        let mut faults = Diagnostics::default();
        let mut tables = Vec::new();
        for (path, text) in self.files.iter().filter(|(path, _)| path.starts_with(&folder) && !path.ends_with("/document.yaml")) {
            let Some(stem) = path.strip_suffix(".yaml") else { continue };
            match yaml::parse(path, text) {
                Ok(table) => tables.push((format!("{stem}.json"), table)),
                Err(fault) => faults.push(fault),
            }
        }
        faults.into_result(tables)
    }
}

fn add(files: &mut BTreeMap<String, Arc<str>>, dir: &Dir<'_>) {
    for file in dir.files() {
        if let Some(text) = file.contents_utf8() {
            files.insert(format!("{ROOT}{}", file.path().to_string_lossy().replace('\\', "/")), text.into());
        }
    }
    for inner in dir.dirs() {
        add(files, inner);
    }
}

fn definition(path: &str, text: &str) -> Result<DocumentDefinition, Diagnostic> {
    let definition: DocumentDefinition = yaml::parse(path, text)?;
    let fault = |code, message: String, help: String| Diagnostic::new(code, path, message).at(Span::START).help(help).with_source(text);
    let folder = path.trim_start_matches(ROOT).trim_end_matches("/document.yaml");
    if definition.id != folder {
        let message = format!("the document `{}` stands in the folder `{folder}`", definition.id);
        return Err(fault("file-name", message, format!("name the folder `{}`", definition.id)));
    }
    let name = &definition.file_name;
    if !name.ends_with(".pdf") || name.contains(['/', '\\']) || name.starts_with('.') {
        let message = format!("`{name}` is no name for a document's file");
        return Err(fault("file-name", message, "write a plain name that ends in `.pdf`".to_owned()));
    }
    Ok(definition)
}
