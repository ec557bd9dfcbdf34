//! How a run came about: the program that collected, from when to when, and how populations compare to what a second source counts.

use jiff::Timestamp;
use proofbook_checks::redact::Redactions;
use serde::{Deserialize, Serialize};

/// How a run came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// SHA-256 of the program's file; none where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector_sha256: Option<String>,
    /// When the program began and ended to read live targets; none where it read none, or where the time of the run was given to
    /// it, so that the same input gives the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<CollectionSpan>,
    /// Populations held against a second source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reconciled: Vec<Reconciliation>,
    /// How many observed values were taken out before anything was judged or kept.
    #[serde(default, skip_serializing_if = "Redactions::is_empty")]
    pub redactions: Redactions,
}

impl Collection {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// From when to when a run read live targets, by the collector's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionSpan {
    /// When it began.
    pub started: Timestamp,
    /// When it had the last answer.
    pub finished: Timestamp,
}

/// A population held against what a second source counts. It decides no verdict: the two look at different moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciliation {
    /// The listing, as `kubernetes/pods`.
    pub resource: String,
    /// The second source, as `prometheus/name`.
    pub with: String,
    /// What it was asked.
    pub query: String,
    /// How many objects the listing has; none where it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<u64>,
    /// How many the second source counts; none where it could not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<u64>,
    /// What was listed less what was counted, zero included; none where either is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<i64>,
    /// Why there is no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
