//! Documents as PDF, set by typst from templates that are data. The only user of the PDF engine.
//!
//! A document is a folder below `documents/` with a `document.yaml` and a `main.typ`. It is a pure function of its template,
//! the data and the attachments: the same inputs give the same bytes. There is no clock, no network and no file system behind
//! it; fonts are embedded. Data reaches a template as JSON, never as source text, so that no value can be read as markup.
//! Every file is PDF/A-3a and PDF/UA-1, or there is none: what the standards do not allow is an error.

mod definition;
mod error;
mod faults;
mod fonts;
mod printable;
mod render;
mod templates;
mod world;

pub use definition::{DocumentDefinition, Need};
pub use error::{DocumentError, Fault, Faults};
pub use render::{Attachment, Relationship, Rendered};
pub use templates::{Document, Templates};
