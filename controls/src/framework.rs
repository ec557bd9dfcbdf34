//! Frameworks: a standard or law in one edition, with its requirements.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{FrameworkId, RequirementId};

/// A standard or law in one edition.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// The id, equal to the file's name: `iso27001-2022`.
    pub id: FrameworkId,
    /// The name as its publisher writes it.
    pub title: String,
    /// A name short enough for a table heading.
    pub short_title: String,
    /// Who publishes it.
    pub publisher: String,
    /// The edition or consolidation that the ids are of.
    pub edition: String,
    /// Where the ids come from.
    pub source: String,
    /// What may be printed of it, and why no more.
    pub licence: String,
    /// Sections, in the framework's order.
    pub groups: Vec<Group>,
    /// Levels, baselines or classes, from the lowest to the highest; none where the framework has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// Columns that requirements carry besides the common ones, with their meaning.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// The requirements, in the framework's order.
    pub requirements: Vec<Requirement>,
}

/// A section of a framework.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The id that requirements name.
    pub id: String,
    /// The title, in our words where the framework's own are protected.
    pub title: String,
}

/// A level, baseline or class of a framework.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The id that requirements name.
    pub id: String,
    /// The title.
    pub title: String,
}

/// One item of a framework.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The id as the framework writes it: `A.8.24`, `CC6.7`, `Art.32(1)(a)`.
    pub id: RequirementId,
    /// The section.
    pub group: String,
    /// A short title; our own words where the framework's are protected.
    pub title: String,
    /// One sentence in our own words, for what a platform can influence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Whom it binds.
    #[serde(default)]
    pub binds: Binds,
    /// The levels that contain it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Whether the edition lists it only as withdrawn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// What took its place, where it is withdrawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn_into: Vec<RequirementId>,
    /// Values of the framework's own columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// Whom a requirement binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Binds {
    /// The platform company.
    #[default]
    Provider,
    /// Its customer.
    Customer,
    /// Both, each for its part.
    Both,
    /// An authority or the legislator: nothing that a company does.
    Authority,
}

impl Binds {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Customer => "customer",
            Self::Both => "both",
            Self::Authority => "authority",
        }
    }
}

impl Framework {
    /// The requirement with an id.
    #[must_use]
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id.as_str() == id)
    }

    /// The title of a group; its id where it is not declared.
    #[must_use]
    pub fn group_title<'f>(&'f self, id: &'f str) -> &'f str {
        self.groups.iter().find(|group| group.id == id).map_or(id, |group| &group.title)
    }
}
