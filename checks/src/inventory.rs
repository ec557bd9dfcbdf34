//! What was collected: for each resource its listing, with the proof that it is all there, and the projected objects.
//!
//! Collectors fill an [`Inventory`]; evaluation only reads it. A resource that could not be listed in full stays in
//! the inventory with the reason, so that no check can mistake it for an empty one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::project::Projection;
use crate::resource::{Resource, Source};
use crate::value::Value;

/// What a collector is asked to read.
pub type Wanted = BTreeMap<Resource, Projection>;

/// How completely a resource was listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Completeness {
    /// Every object was read: listing was permitted, and its pages were exhausted at one resource version.
    Complete,
    /// The server does not know the resource (its API group is absent).
    NotServed,
    /// Nobody looked: the kind is not in the dump.
    NotCollected,
    /// Looking failed, or stopped before the end; what was read must not be judged.
    Failed {
        /// Why, out of the closed list of evidence.
        reason: Reason,
        /// What the target answered, in one line without secrets.
        detail: String,
    },
}

/// Why a verdict is what it is: the closed list of reason codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// All that the check looked at is as promised.
    AsPromised,
    /// A value is not what was promised.
    NotAsPromised,
    /// A value is below the promised floor.
    BelowMin,
    /// A value is above the promised ceiling.
    AboveMax,
    /// An object that must exist does not.
    MissingObject,
    /// An object exists that must not.
    ForbiddenObject,
    /// A value is outside the allowed set.
    NotAllowed,
    /// A reference names something that does not exist.
    DanglingReference,
    /// Something is past its date.
    Expired,
    /// The check does not apply to this subject.
    OutOfScope,
    /// The resource's absence was declared with a reason.
    DeclaredAbsent,
    /// The population is empty, as was declared with a reason.
    DeclaredEmpty,
    /// The population is empty and nobody said that it may be.
    EmptyPopulation,
    /// The account lacks the permission (401, 403).
    NotPermitted,
    /// The server does not serve the resource.
    NotServed,
    /// The resource was not collected.
    NotCollected,
    /// The list broke off or changed underway.
    IncompleteList,
    /// No answer within the deadline.
    Timeout,
    /// The target could not be reached or broke the connection.
    Unreachable,
    /// The answer could not be read.
    ParseError,
    /// The object is of an API version that the check does not know.
    UnsupportedVersion,
    /// The target asked for a pause again and again (429).
    Throttled,
    /// The rule itself could not be evaluated.
    RuleError,
    /// The rule exceeded its budget of steps.
    BudgetExceeded,
    /// The clocks of collector and target differ by more than 60 s.
    ClockSkew,
    /// The evidence is older than its window.
    Stale,
    /// The check must be asked for, or others were chosen by name.
    OptIn,
    /// The workspace switched the check off.
    SwitchedOff,
}

impl Reason {
    /// The code as it is written to evidence.
    #[must_use]
    pub fn as_str(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// One resource as collected.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Whether all of it is here.
    pub completeness: Completeness,
    /// The objects, projected to the mask, in the order of namespace and name (or the source's own stable order).
    pub objects: Vec<Value>,
    /// The resource version that all pages share, where the target gives one.
    pub resource_version: Option<String>,
}

impl Listing {
    /// A listing of which nothing could be used.
    #[must_use]
    pub const fn without_objects(completeness: Completeness) -> Self {
        Self { completeness, objects: Vec::new(), resource_version: None }
    }

    /// A listing that failed.
    #[must_use]
    pub fn failed(reason: Reason, detail: impl Into<String>) -> Self {
        Self::without_objects(Completeness::Failed { reason, detail: detail.into() })
    }
}

/// One request that a collector made, as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The source.
    pub source: Source,
    /// The target's name in the workspace, never a credential.
    pub target: String,
    /// What was asked: `GET`, `LIST`, `client-hello tls1.2`.
    pub method: String,
    /// The path and query, or the resource.
    pub query: String,
    /// The status that came back: an HTTP status, an outcome.
    pub status: String,
    /// How many items it brought.
    pub items: u64,
    /// For lists, whether the continue tokens were exhausted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_exhausted: Option<bool>,
    /// The resource version of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// SHA-256 of the raw answer, in lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_sha256: Option<String>,
    /// Size of the raw answer in bytes.
    #[serde(default)]
    pub bytes: u64,
}

impl Request {
    /// A request of which nothing came back yet.
    #[must_use]
    pub fn new(source: Source, target: impl Into<String>, method: impl Into<String>, query: impl Into<String>) -> Self {
        Self {
            source,
            target: target.into(),
            method: method.into(),
            query: query.into(),
            status: String::new(),
            items: 0,
            continue_exhausted: None,
            resource_version: None,
            response_sha256: None,
            bytes: 0,
        }
    }
}

/// Who looked, as the target reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The identity that the target reports (SelfSubjectReview), or `as-supplied` for a dump.
    pub identity: String,
    /// How it authenticated: sa-token, client-cert, oidc, exec, none.
    pub auth: String,
    /// SHA-256 over the sorted rights that the target reports, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights_sha256: Option<String>,
}

/// One target as it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The source.
    pub source: Source,
    /// The name in the workspace.
    pub name: String,
    /// What identifies it: cluster uid (uid of the namespace kube-system), or the digest of a dump.
    pub identity: String,
    /// The version that it reports.
    #[serde(default)]
    pub version: String,
    /// Who looked.
    pub actor: Actor,
    /// Offset of the target's clock against the collector's, in milliseconds, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// `live` or `as-supplied`.
    pub assurance: Assurance,
}

/// How far the origin of the observations can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// Read from the target by this run.
    Live,
    /// Read from files that somebody supplied.
    AsSupplied,
}

impl Assurance {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::AsSupplied => "as-supplied",
        }
    }
}

/// All that a run collected.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The listings by resource.
    pub listings: BTreeMap<Resource, Listing>,
    /// The targets that were met.
    pub targets: Vec<Target>,
    /// The requests that were made, in a stable order.
    pub requests: Vec<Request>,
}

impl Inventory {
    /// The listing of a resource; what nobody collected is `NotCollected`.
    #[must_use]
    pub fn completeness(&self, resource: &Resource) -> &Completeness {
        self.listings.get(resource).map_or(&Completeness::NotCollected, |listing| &listing.completeness)
    }

    /// The objects of a resource; none where it was not collected.
    #[must_use]
    pub fn objects(&self, resource: &Resource) -> &[Value] {
        self.listings.get(resource).map_or(&[], |listing| listing.objects.as_slice())
    }

    /// Takes over what another collector gathered.
    pub fn extend(&mut self, other: Self) {
        self.listings.extend(other.listings);
        self.targets.extend(other.targets);
        self.requests.extend(other.requests);
    }
}
