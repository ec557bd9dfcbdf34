//! Authoritative pairs of requirements, as their source lists them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CrosswalkId, FrameworkId, RequirementId};
use crate::mapping::Relation;
use crate::yaml::Spanned;

/// The pairs of one source, as a file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrosswalkFile {
    /// The id, equal to the file's name.
    pub id: CrosswalkId,
    /// The name of the source.
    pub title: String,
    /// Who publishes it.
    pub publisher: String,
    /// The document that the pairs were taken from, with edition and date.
    pub source: String,
    /// What may be printed of it.
    pub licence: String,
    /// The catalog on the left: a framework, or one of `outside`.
    pub from: Spanned<FrameworkId>,
    /// The catalog on the right: a framework, or one of `outside`.
    pub to: Spanned<FrameworkId>,
    /// Catalogs that the pairs name and the library does not hold, with their titles.
    #[serde(default)]
    pub outside: BTreeMap<FrameworkId, String>,
    /// The pairs.
    pub pairs: Vec<CrosswalkEntry>,
}

/// Pairs of one requirement, as they are written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrosswalkEntry {
    /// The requirement on the left.
    pub from: Spanned<RequirementId>,
    /// How the one on the left stands to each on the right: `superset` is the left one covering the right one and more.
    pub relation: Relation,
    /// The requirements on the right.
    pub to: Vec<Spanned<RequirementId>>,
}

/// The pairs of one source, whose ends exist where the library holds their catalog.
#[derive(Clone, Debug, Serialize)]
pub struct Crosswalk {
    /// The id.
    pub id: CrosswalkId,
    /// The name of the source.
    pub title: String,
    /// Who publishes it.
    pub publisher: String,
    /// The document that the pairs were taken from, with edition and date.
    pub source: String,
    /// What may be printed of it.
    pub licence: String,
    /// The catalog on the left.
    pub from: FrameworkId,
    /// The catalog on the right.
    pub to: FrameworkId,
    /// Catalogs outside the library, with their titles.
    pub outside: BTreeMap<FrameworkId, String>,
    /// The pairs, in the order of the source.
    pub pairs: Vec<Pair>,
}

/// Two requirements, one of each catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The requirement on the left.
    pub from: RequirementId,
    /// How it stands to the one on the right.
    pub relation: Relation,
    /// The requirement on the right.
    pub to: RequirementId,
}
