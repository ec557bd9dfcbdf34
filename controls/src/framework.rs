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
    /// The framework that this one selects requirements from, by id (a profile of OSCAL): title, summary, group and mappings are
    /// those of the other where this one says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_of: Option<FrameworkId>,
    /// The earlier edition that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<FrameworkId>,
    /// Whether an id in parentheses is a part of what stands before it: `Art.32(1)(a)` a part of `Art.32(1)`. A requirement to which
    /// nothing is mapped then takes over the mappings of its parts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parts_in_parentheses: bool,
    /// Sections, in the framework's order; a profile has those of its catalog that it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    /// For how many hours a result counts at this level, by class of evidence (`live-config`, `detection`, `backup`, `process`,
    /// `exercise`). It never makes the usual window of the class longer; a control may have a window of its own up to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fresh_hours: BTreeMap<String, u32>,
}

/// One item of a framework.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The id as the framework writes it: `A.8.24`, `CC6.7`, `Art.32(1)(a)`.
    pub id: RequirementId,
    /// The section; that of the catalog where a profile leaves it out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// A short title; our own words where the framework's are protected. That of the catalog where a profile leaves it out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// One sentence in our own words, for what a platform can influence. That of the catalog where a profile leaves it out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Whom it binds; in a profile it is whom the catalog says.
    #[serde(default)]
    pub binds: Binds,
    /// The levels that contain it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Whether the edition lists it only as withdrawn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// What took its place, where it is withdrawn: requirements, or a whole group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn_into: Vec<RequirementId>,
    /// Requirements of the superseded edition that this one continues under another id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<RequirementId>,
    /// What it counts in the framework's own score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Values of the framework's own columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// What a requirement counts in the score of its framework (the SPRS score of CMMC level 2: 32 CFR 170.24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The points that are deducted where it is not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// The smaller deduction for a requirement that is met in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<PartialCredit>,
    /// Whether there is no score at all without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prerequisite: bool,
    /// Whether it may stand open on a plan of action (32 CFR 170.21).
    pub poam: Poam,
}

/// The smaller deduction for a requirement that is met in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartialCredit {
    /// The points that are deducted.
    pub weight: u32,
    /// What must be met for it.
    pub when: String,
}

/// Whether a requirement may stand open on a plan of action and milestones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Poam {
    /// It must be met at once.
    Never,
    /// It may stand open for the time that the rule gives.
    Allowed,
    /// It may stand open where partial credit is earned.
    Conditional,
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
    /// Nobody: scope, definitions, final provisions.
    Nobody,
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
            Self::Nobody => "nobody",
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
