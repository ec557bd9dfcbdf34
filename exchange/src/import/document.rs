//! Reading one document of OSCAL: what kind it is of, which version, and its content or its fault with the place.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use proofbook_controls::diagnostic::{Diagnostic, Span};
use proofbook_controls::yaml;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Read;
use super::catalog::Catalog;
use super::place::{locate, span};
use super::profile::Profile;

/// A document may be this large, in bytes; the catalog of NIST SP 800-53 has 11 MB.
pub const MAX_DOCUMENT: usize = 128 * 1024 * 1024;

/// A document with its content.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) source: Rc<Source>,
    pub(super) content: Content,
}

/// What a document holds.
#[derive(Debug)]
pub(super) enum Content {
    Catalog(Box<Catalog>),
    Profile(Box<Profile>),
}

/// A document's text, with what is known of it as a whole.
#[derive(Debug)]
pub(super) struct Source {
    /// The path, as it is shown.
    pub(super) name: String,
    /// The path, by which it is known.
    pub(super) path: PathBuf,
    /// Its head.
    pub(super) metadata: Metadata,
    text: String,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Yaml,
}

/// The head of a document.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Metadata {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) last_modified: String,
    pub(super) oscal_version: String,
    #[serde(default)]
    pub(super) parties: Vec<Party>,
    #[serde(default)]
    pub(super) responsible_parties: Vec<ResponsibleParty>,
}

/// A person or organization that has to do with a document.
#[derive(Debug, Deserialize)]
pub(super) struct Party {
    pub(super) uuid: String,
    #[serde(default)]
    pub(super) name: String,
}

/// Who has a role.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ResponsibleParty {
    pub(super) role_id: String,
    pub(super) party_uuids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    #[serde(rename = "$schema")]
    _schema: Option<IgnoredAny>,
    catalog: Catalog,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    #[serde(rename = "$schema")]
    _schema: Option<IgnoredAny>,
    profile: Profile,
}

#[derive(Deserialize)]
struct Head {
    #[serde(alias = "profile")]
    catalog: HeadBody,
}

#[derive(Deserialize)]
struct HeadBody {
    metadata: HeadMetadata,
}

#[derive(Deserialize)]
struct HeadMetadata {
    #[serde(rename = "oscal-version")]
    oscal_version: String,
}

impl Document {
    /// Reads the document at a path. `Ok(None)` where there is no file.
    pub(super) fn read(path: &Path, read: Read<'_>) -> Result<Option<Self>, Diagnostic> {
        let name = printable(&path.display().to_string());
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Diagnostic::new("unreadable", name, error.to_string()).help("name a file that can be read")),
        };
        let (text, form) = text(&name, path, bytes)?;
        let kind = kind(&name, &text, form)?;
        version(&name, &text, form, kind)?;
        let (metadata, content) = match kind {
            Kind::Catalog => {
                let mut catalog = parse::<CatalogFile>(&name, &text, form, kind)?.catalog;
                (std::mem::take(&mut catalog.metadata), Content::Catalog(Box::new(catalog)))
            }
            Kind::Profile => {
                let mut profile = parse::<ProfileFile>(&name, &text, form, kind)?.profile;
                (std::mem::take(&mut profile.metadata), Content::Profile(Box::new(profile)))
            }
        };
        let source = Rc::new(Source { name, path: path.to_path_buf(), metadata, text, form });
        Ok(Some(Self { source, content }))
    }
}

impl Source {
    /// Whether two documents are the same in every character.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// A fault at a JSON pointer of the document.
    pub(super) fn fault(&self, code: &'static str, pointer: &str, message: String, help: impl Into<String>) -> Diagnostic {
        let found = Diagnostic::new(code, self.name.clone(), printable(&format!("{message} (at {pointer})"))).help(printable(&help.into()));
        match locate(&self.text, pointer).filter(|_| self.form == Form::Json) {
            Some(place) => found.at(place).with_source(&self.text),
            None => found,
        }
    }
}

// The text of a document: UTF-8, and nothing that is not JSON or YAML.
fn text(name: &str, path: &Path, bytes: Vec<u8>) -> Result<(String, Form), Diagnostic> {
    let fault = |code, message: String, help: &str| Diagnostic::new(code, name, message).help(help);
    if bytes.len() > MAX_DOCUMENT {
        let message = format!("expected at most {MAX_DOCUMENT} bytes, found {}", bytes.len());
        return Err(fault("too-large", message, "take the catalog without what is not a part of it"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = String::from_utf8_lossy(&error.as_bytes()[..at]).matches('\n').count() + 1;
        fault("encoding", format!("expected UTF-8, found another encoding in line {line} (byte {at})"), "save the file as UTF-8")
    })?;
    // Files from Windows may begin with a mark that is no part of JSON.
    let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
    let start = text.trim_start();
    if start.starts_with('<') {
        let help = "take the JSON form that most publishers offer beside the XML one, or convert the file: \
                    `oscal-cli convert --to json FILE.xml FILE.json`";
        return Err(fault("xml", "expected OSCAL as JSON, found XML".to_owned(), help));
    }
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let form = if is_yaml && !start.starts_with('{') { Form::Yaml } else { Form::Json };
    Ok((text, form))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Catalog,
    Profile,
}

#[expect(clippy::zero_sized_map_values, reason = "a document is a map, and only its keys are asked for")]
fn kind(name: &str, text: &str, form: Form) -> Result<Kind, Diagnostic> {
    let keys: BTreeMap<String, IgnoredAny> = parse_as(name, text, form, "one object with the key `catalog` or `profile`")?;
    let of_model: Vec<&str> = keys.keys().map(String::as_str).filter(|key| *key != "$schema").collect();
    match of_model.as_slice() {
        ["catalog"] => Ok(Kind::Catalog),
        ["profile"] => Ok(Kind::Profile),
        other => {
            let found = if other.is_empty() { "nothing".to_owned() } else { printable(&format!("`{}`", other.join("`, `"))) };
            let message = format!("expected a document of OSCAL with the one key `catalog` or `profile`, found {found}");
            let fault = Diagnostic::new("kind", name, message).at(Span::START).with_source(text);
            Err(fault.help("name a catalog, and with `--profile` a profile of it"))
        }
    }
}

// Earlier drafts and later editions have another shape, so the version is told before what does not fit.
fn version(name: &str, text: &str, form: Form, kind: Kind) -> Result<(), Diagnostic> {
    let head: Head = parse(name, text, form, kind)?;
    let version = head.catalog.metadata.oscal_version;
    let mut numbers = version.trim().trim_start_matches('v').split('.');
    let known = numbers.next() == Some("1")
        && matches!(numbers.next(), Some("0" | "1" | "2"))
        && numbers.next().is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
        && numbers.next().is_none();
    if known {
        return Ok(());
    }
    let pointer = format!("/{}/metadata/oscal-version", if kind == Kind::Catalog { "catalog" } else { "profile" });
    let message = printable(&format!("expected OSCAL 1.0, 1.1 or 1.2, found `{version}` (at {pointer})"));
    let found = Diagnostic::new("version", name, message).help("take an edition of the document in one of these versions");
    Err(match locate(text, &pointer).filter(|_| form == Form::Json) {
        Some(place) => found.at(place).with_source(text),
        None => found,
    })
}

fn parse<T: DeserializeOwned>(name: &str, text: &str, form: Form, kind: Kind) -> Result<T, Diagnostic> {
    let model = if kind == Kind::Catalog { "catalog" } else { "profile" };
    parse_as(name, text, form, &format!("what the JSON Schema of OSCAL's {model} model asks for"))
}

fn parse_as<T: DeserializeOwned>(name: &str, text: &str, form: Form, expected: &str) -> Result<T, Diagnostic> {
    let help = format!("the document must be {expected}");
    if form == Form::Yaml {
        return yaml::parse(name, text).map_err(|fault| fault.help(help));
    }
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line().max(1), error.column().max(1));
        let whole = error.to_string();
        let message = whole.strip_suffix(&format!(" at line {} column {}", error.line(), error.column())).unwrap_or(&whole);
        // Columns of the parser are bytes, and may lie past the end of the line or within a character.
        let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        let offset = (start + column - 1).min(text.len());
        let offset = (0..=offset).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Diagnostic::new("json", name, printable(message)).at(span(text, offset, 1)).help(help).with_source(text)
    })
}

/// A text without characters that steer a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
