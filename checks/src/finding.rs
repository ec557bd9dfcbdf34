//! Findings: what a check says about each subject, with the population it looked at.

use std::collections::BTreeMap;

use proofbook_controls::CheckId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inventory::Reason;
use crate::value::{Name, Value};

/// A verdict (evidence.md section 7). The order is that of the roll-up: the first is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Not as promised.
    Fail,
    /// Could not look.
    Error,
    /// Looked too long ago.
    Stale,
    /// Not as promised, and accepted for a time.
    Exception,
    /// Left out on purpose.
    Skipped,
    /// Attested by a person.
    Manual,
    /// As promised.
    Pass,
    /// Does not apply.
    NotApplicable,
}

impl Verdict {
    /// All verdicts in the order in which counts are printed.
    pub const ALL: [Self; 8] =
        [Self::Pass, Self::Fail, Self::Error, Self::Stale, Self::Exception, Self::Manual, Self::NotApplicable, Self::Skipped];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Stale => "stale",
            Self::Exception => "exception",
            Self::Skipped => "skipped",
            Self::Manual => "manual",
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The kind: `Namespace`, `Deployment`, `Endpoint`; `Population` where the verdict is about the whole population.
    pub kind: Name,
    /// The namespace, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,
    /// The name.
    pub name: Name,
    /// The uid, where the source gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Name>,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// One verdict about one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The check.
    pub check: CheckId,
    /// The subject.
    pub subject: Subject,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, out of the closed list.
    pub reason_code: Reason,
    /// One sentence for a reader; never holds secret or personal data.
    pub message: String,
    /// Typed values that were measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measured: BTreeMap<Name, Value>,
    /// The exceptions that cover it, where it is a failure that is known and accepted for a time. The verdict stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<String>,
}

/// What a check looked at, with the proof that it is all there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// The check.
    pub check: CheckId,
    /// The population in words and as a query.
    pub definition: String,
    /// How many objects were enumerated.
    pub enumerated: u64,
    /// How many of them are subjects (after `where`).
    pub subjects: u64,
    /// Whether every listing behind it is complete.
    pub complete: bool,
    /// What was left out by a rule, with counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Exclusion>,
    /// The resources behind it, joins included, with their state.
    pub listings: Vec<ListingState>,
}

/// A rule that left objects out of a population.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The rule, as an expression or in words.
    pub rule: String,
    /// How many objects it left out.
    pub count: u64,
    /// Why.
    pub reason: String,
}

/// One resource behind a population.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingState {
    /// The resource, as `kubernetes/pods`.
    pub resource: String,
    /// Its completeness: `complete`, `not-served`, `not-collected`, or a reason code.
    pub state: String,
    /// How many objects it has.
    pub count: u64,
}

/// All that a check said.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// The population.
    pub population: Population,
    /// The findings, ordered by subject.
    pub findings: Vec<Finding>,
}
