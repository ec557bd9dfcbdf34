//! The form of a `document.yaml`: what a document is called, for whom it is, and what it needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is said of a document beside its template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DocumentDefinition {
    /// The id, equal to the folder's name.
    pub id: String,
    /// The title, as it is printed.
    pub title: String,
    /// The name of the file that it is written to.
    pub file_name: String,
    /// One sentence on what it is for.
    pub description: String,
    /// The version of the template's own words; a change of their meaning is a new version.
    pub text_version: String,
    /// Who approved that version of the words, where somebody has to.
    #[serde(default)]
    pub approved_by: Option<String>,
    /// Whether files are attached. A document for a counterparty carries none, for they would say more than its text.
    #[serde(default)]
    pub attachments: bool,
    /// What the data must hold.
    #[serde(default)]
    pub requires: Vec<Need>,
}

/// A part of the data that a document cannot do without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Need {
    /// The JSON pointer: `/facts/processing`. It must be there and not null.
    pub pointer: String,
    /// What is missing where it is not.
    pub reason: String,
    /// How to mend it.
    pub help: String,
}
