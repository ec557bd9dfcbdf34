//! From template, data and attachments to the bytes of a PDF.

use proofbook_controls::files::is_yaml;
use serde::Serialize;
use serde_json::{Value, json};
use typst::diag::SourceResult;
use typst::foundations::{Label, Selector, Smart};
use typst::introspection::{Introspector, MetadataElem};
use typst::utils::PicoStr;
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::error::{DocumentError, Faults};
use crate::faults;
use crate::printable;
use crate::templates::Document;
use crate::world::Inputs;

/// A document as it is written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rendered {
    /// The bytes of the file.
    pub pdf: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
    /// What the owner must know and a reader of the document must not: measures that were held back, ids that led nowhere.
    pub notes: Vec<String>,
}

/// A file that is carried inside the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file's name.
    pub name: String,
    /// The media type: `application/json`.
    pub media_type: String,
    /// What it is, in a sentence.
    pub description: String,
    /// How it stands to the document.
    pub relationship: Relationship,
    /// The content.
    pub bytes: Vec<u8>,
}

/// How a file stands to the document that carries it (PDF/A-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relationship {
    /// The document was made from it.
    Source,
    /// It holds what the document shows.
    Data,
    /// It adds to the document.
    Supplement,
}

impl Attachment {
    /// A value as a JSON file that the document was printed from.
    ///
    /// # Errors
    /// The value is no JSON.
    pub fn json(name: impl Into<String>, description: impl Into<String>, value: &impl Serialize) -> Result<Self, DocumentError> {
        Ok(Self {
            name: name.into(),
            media_type: "application/json".to_owned(),
            description: description.into(),
            relationship: Relationship::Data,
            bytes: serde_json::to_vec(value)?,
        })
    }
}

impl Document {
    /// Sets the document. The same inputs give the same bytes. Attachments of a document that carries none are left out.
    ///
    /// # Errors
    /// The data lacks what the document needs; the template is at fault; the result would not keep to the standards.
    pub fn render(&self, data: &impl Serialize, attachments: &[Attachment]) -> Result<Rendered, DocumentError> {
        let data = serde_json::to_value(data)?;
        if let Some(need) = self.missing(&data) {
            let (document, reason, help) = (self.id().to_owned(), need.reason.clone(), need.help.clone());
            return Err(DocumentError::Missing { document, reason, help });
        }
        let data = printable::value(data);
        let tables = self.tables().map_err(DocumentError::Definition)?;
        let result = self.set(&data, tables, attachments);
        // The engine remembers every document it has set; a program that sets many would never give the memory back.
        typst::comemo::evict(1);
        result.map_err(|faults| DocumentError::Template { document: self.id().to_owned(), faults })
    }

    fn set(&self, data: &Value, tables: Vec<(String, Value)>, attachments: &[Attachment]) -> Result<Rendered, Faults> {
        let inputs = self.inputs(data, tables, attachments).map_err(faults::without_place)?;
        let compiled = typst::compile::<PagedDocument>(&inputs);
        let document = located(&inputs, data, compiled.output)?;
        // A warning is no less than a doubt about what stands on the page, such as a page number that never settled.
        if !compiled.warnings.is_empty() {
            return Err(faults::of(&inputs, data, &compiled.warnings));
        }
        let standards = PdfStandards::new(&[PdfStandard::A_3a, PdfStandard::Ua_1])
            .map_err(|error| faults::without_place(error.message().to_string()))?;
        let run = data.pointer("/run/run_id").and_then(Value::as_str).unwrap_or_default();
        let options = PdfOptions {
            ident: Smart::Custom(format!("{run} {}", self.id())),
            creator: Smart::Custom(Some(concat!("Proofbook ", env!("CARGO_PKG_VERSION")).to_owned())),
            timestamp: None,
            standards,
            ..PdfOptions::default()
        };
        let pdf = located(&inputs, data, typst_pdf::pdf(&document, &options))?;
        Ok(Rendered { pdf, pages: document.pages().len(), notes: notes(&document) })
    }

    fn inputs(&self, data: &Value, tables: Vec<(String, Value)>, attachments: &[Attachment]) -> Result<Inputs, String> {
        let mut inputs = Inputs::new(&self.main()).map_err(|error| error.to_string())?;
        for (path, text) in self.files.iter().filter(|(path, _)| !is_yaml(path)) {
            inputs.template(path, text).map_err(|error| error.to_string())?;
        }
        for (path, table) in tables {
            inputs.bytes(path, to_bytes(&printable::value(table)));
        }
        let definition = json!(self.definition);
        inputs.bytes("publication.json", to_bytes(data));
        inputs.bytes("document.json", to_bytes(&printable::value(definition)));
        let carried = if self.definition.attachments { attachments } else { &[] };
        let mut list = Vec::new();
        for (at, file) in carried.iter().enumerate() {
            list.push(json!({
                "path": format!("/attachments/{at}"),
                "name": file.name,
                "media_type": file.media_type,
                "description": file.description,
                "relationship": file.relationship,
            }));
            inputs.bytes(format!("attachments/{at}"), file.bytes.clone());
        }
        inputs.bytes("attachments.json", to_bytes(&Value::Array(list)));
        Ok(inputs)
    }
}

fn to_bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

// The texts that a template put down as `#metadata("…") <note>`, in the order of the pages.
fn notes(document: &PagedDocument) -> Vec<String> {
    let Some(label) = Label::new(PicoStr::intern("note")) else {
        return Vec::new();
    };
    let found = document.introspector().query(&Selector::Label(label));
    let values = found.iter().filter_map(|content| content.to_packed::<MetadataElem>());
    values.filter_map(|metadata| metadata.value.clone().cast::<String>().ok()).collect()
}

fn located<T>(inputs: &Inputs, data: &Value, result: SourceResult<T>) -> Result<T, Faults> {
    result.map_err(|errors| faults::of(inputs, data, &errors))
}
