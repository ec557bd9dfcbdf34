//! Import of OSCAL catalogs and profiles as a framework: what a publisher offers for machines becomes the one YAML file
//! that a workspace keeps.
//!
//! Nothing is fetched: documents are read through the function that the caller hands in, and an address that is no local
//! path is a fault. What is read and not taken over is told by name. The framework that comes out loads, or nothing comes out.

mod catalog;
mod document;
mod faults;
mod framework;
mod place;
mod profile;
mod resolve;
mod yaml;

use std::io;
use std::path::Path;

use proofbook_controls::diagnostic::{Diagnostic, Diagnostics};
use proofbook_controls::files::Files;
use proofbook_controls::{Controls, FrameworkId};

pub use document::MAX_DOCUMENT;

/// How documents are read.
pub type Read<'r> = &'r dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// What to import.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The catalog, or a profile that names its catalogs by relative paths.
    pub file: &'r Path,
    /// A profile that selects from the file.
    pub profile: Option<&'r Path>,
    /// The id of the framework.
    pub id: &'r FrameworkId,
    /// Whether the prose of statements is copied too.
    pub with_statements: bool,
}

/// A framework that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The file `controls/frameworks/<id>.yaml`.
    pub yaml: String,
    /// How many requirements it has, withdrawn ones among them.
    pub requirements: usize,
    /// How many of them are withdrawn.
    pub withdrawn: usize,
    /// What was read and not taken over, and what was taken otherwise than it is written.
    pub warnings: Vec<String>,
}

/// Imports a catalog, with a profile where one is named.
///
/// # Errors
/// All faults of the documents that could be read.
pub fn import(request: &Request<'_>, read: Read<'_>) -> Result<Imported, Diagnostics> {
    let resolved = resolve::resolve(request.file, request.profile, read)?;
    let built = framework::build(request.id, resolved, request.with_statements)?;
    let yaml = yaml::write(&built.framework);
    let path = format!("controls/frameworks/{}.yaml", request.id);
    let mut files = Files::default();
    files.insert(path.as_str(), yaml.as_str());
    Controls::load(&files)?;
    let withdrawn = built.framework.rows.iter().filter(|row| row.withdrawn).count();
    let warnings = built.warnings.iter().map(|warning| document::printable(warning)).collect();
    Ok(Imported { yaml, requirements: built.framework.rows.len(), withdrawn, warnings })
}

/// An id of a framework made from a file's name: `NIST_SP-800-53_rev5.json` becomes `nist-sp-800-53-rev5`.
///
/// # Errors
/// A name of which no id can be made.
pub fn id_of(file: &Path) -> Result<FrameworkId, Diagnostic> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let mapped: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let parts: Vec<&str> = mapped.split('-').filter(|part| !part.is_empty()).collect();
    FrameworkId::new(&parts.join("-")).map_err(|_| {
        let message = format!("no id can be made of the name `{stem}`: expected one that begins with a letter");
        Diagnostic::new("id", file.display().to_string(), message).help("give the framework an id with `--id`")
    })
}
