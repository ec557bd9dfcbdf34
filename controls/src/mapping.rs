//! Mappings: which controls contribute to which requirement, how far, and what that does not prove.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ControlId, FrameworkId, RequirementId};
use crate::yaml::Spanned;

/// The mappings of one framework, as a file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// The framework.
    pub framework: Spanned<FrameworkId>,
    /// Who judged the mappings, and when.
    pub reviewed_by: String,
    /// The mappings.
    pub mappings: Vec<MappingEntry>,
}

/// A mapping as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingEntry {
    /// The requirement.
    pub requirement: Spanned<RequirementId>,
    /// The control.
    pub control: Spanned<ControlId>,
    /// How the control stands to the requirement.
    pub relation: Relation,
    /// Why it contributes.
    pub rationale: String,
    /// What of the requirement it does not prove.
    pub limits: String,
}

/// How a control stands to a requirement, or one requirement to another (the relationships of OSCAL's mapping model). The comments
/// are of a control; of two requirements, the first stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The same in words and meaning.
    Equal,
    /// The same in meaning.
    Equivalent,
    /// The control covers a part of the requirement, and nothing else.
    Subset,
    /// The control covers the requirement and more.
    Superset,
    /// The two have a part in common.
    Intersects,
}

impl Relation {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Equivalent => "equivalent",
            Self::Subset => "subset",
            Self::Superset => "superset",
            Self::Intersects => "intersects",
        }
    }

    /// How the second stands to the first, where the first stands to the second like this.
    #[must_use]
    pub const fn inverse(self) -> Self {
        match self {
            Self::Subset => Self::Superset,
            Self::Superset => Self::Subset,
            same => same,
        }
    }

    /// How the first stands to the third, where it stands to the second like this and the second to the third like `next`; and
    /// whether that follows. It does not where the two may have nothing in common: a part of the second need not be the part that
    /// the third has.
    #[must_use]
    pub const fn then(self, next: Self) -> (Self, bool) {
        match (self, next) {
            (Self::Equal, other) | (other, Self::Equal) => (other, true),
            (Self::Equivalent, other) | (other, Self::Equivalent) => (other, true),
            (Self::Subset, Self::Subset) => (Self::Subset, true),
            (Self::Superset, Self::Superset) => (Self::Superset, true),
            (Self::Superset | Self::Intersects, Self::Subset) | (Self::Superset, Self::Intersects) => (Self::Intersects, true),
            (Self::Subset | Self::Intersects, Self::Superset | Self::Intersects) => (Self::Intersects, false),
        }
    }
}

/// A mapping whose both ends exist.
#[derive(Clone, Debug, Serialize)]
pub struct Mapping {
    /// The framework.
    pub framework: FrameworkId,
    /// The requirement.
    pub requirement: RequirementId,
    /// The control.
    pub control: ControlId,
    /// How the control stands to the requirement.
    pub relation: Relation,
    /// Why it contributes.
    pub rationale: String,
    /// What of the requirement it does not prove.
    pub limits: String,
    /// The framework whose mapping this is, where a profile takes it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_from: Option<FrameworkId>,
    /// The parts of the requirement that are mapped in its place, where it has no mapping of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<RequirementId>,
}
