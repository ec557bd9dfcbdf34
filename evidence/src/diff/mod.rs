//! Drift: what changed between two runs, or between two libraries over the observations of one.
//!
//! A change is told only where both sides looked at the same thing. Where a listing broke off, a check did not run, the targets
//! are others or the population was redefined, the two sides are `incomparable`: a failure that nobody looked for again has not
//! been fixed.

mod compare;
mod side;

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::Verdict;
use proofbook_checks::plan::Parameter;
use serde::Serialize;

use crate::assessment::Counts;

pub use compare::compare;
pub use side::Side;

/// What changed from an older side to a newer one.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The older side.
    pub older: SideRef,
    /// The newer side.
    pub newer: SideRef,
    /// Verdicts about subjects that both sides could tell, where they differ, and subjects that only one side has.
    pub findings: Vec<FindingChange>,
    /// What cannot be compared, and why.
    pub incomparable: Vec<Incomparable>,
    /// Populations whose size or completeness changed.
    pub populations: Vec<PopulationChange>,
    /// Parameters whose value or origin changed.
    pub parameters: Vec<ParameterChange>,
    /// Rules that changed, came or went.
    pub rules: Vec<RuleChange>,
    /// Accounts whose identity or rights changed.
    pub rights: Vec<RightsChange>,
}

/// Which side it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideRef {
    /// The run.
    pub run_id: String,
    /// When the run looked.
    pub clock: Timestamp,
    /// Whether all checks of the default selection ran.
    pub full: bool,
    /// The version of the program.
    pub tool_version: String,
    /// The version of evaluation and roll-up.
    pub semantics: u32,
    /// `sealed`, or the library that decided anew.
    pub library: String,
}

/// How a verdict changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeClass {
    /// It was as promised, or not known to fail, and is not as promised now, or cannot be told any more.
    Regressed,
    /// It was not as promised, and was looked at again and is.
    Fixed,
    /// Another verdict, reason or value, neither of these.
    Changed,
    /// The subject is there for the first time.
    New,
    /// The subject is there no more, by a listing that is complete.
    Gone,
}

impl ChangeClass {
    /// All classes in the order in which they are printed: the worst first.
    pub const ALL: [Self; 5] = [Self::Regressed, Self::New, Self::Fixed, Self::Gone, Self::Changed];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Fixed => "fixed",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// A verdict about a subject, as one side has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, out of the closed list.
    pub reason_code: String,
    /// One sentence.
    pub message: String,
    /// What was measured.
    pub measured: BTreeMap<String, serde_json::Value>,
}

/// A verdict that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingChange {
    /// The check.
    pub check: String,
    /// The subject, as `Kind/namespace/name`.
    pub subject: String,
    /// How.
    pub class: ChangeClass,
    /// Whether it is a change for the worse: regressed, or new and not as promised.
    pub worse: bool,
    /// What else changed that may be the reason, other than the platform: the rule, its parameters, the version of evaluation.
    pub beside: Vec<String>,
    /// The older verdict.
    pub older: Option<Told>,
    /// The newer verdict.
    pub newer: Option<Told>,
}

/// Something that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incomparable {
    /// The check.
    pub check: String,
    /// The subject; none where it is the whole check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why.
    pub why: String,
    /// Whether the newer side could not look at what the older one looked at.
    pub lost_sight: bool,
    /// The findings of the older side by verdict.
    pub older: Counts,
    /// The findings of the newer side by verdict.
    pub newer: Counts,
}

/// A population that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PopulationChange {
    /// The check.
    pub check: String,
    /// The older size.
    pub older: Size,
    /// The newer size.
    pub newer: Size,
}

/// The size of a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// How many objects were enumerated.
    pub enumerated: u64,
    /// How many of them are subjects.
    pub subjects: u64,
    /// How many were left out by a rule.
    pub excluded: u64,
    /// Whether every listing behind it is complete.
    pub complete: bool,
}

/// A parameter that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterChange {
    /// The check.
    pub check: String,
    /// The parameter.
    pub parameter: String,
    /// The older value with its origin; none where the rule had no such parameter.
    pub older: Option<Parameter>,
    /// The newer value with its origin.
    pub newer: Option<Parameter>,
}

/// A rule that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// The check.
    pub check: String,
    /// The older version; none where the check was not selected.
    pub older_version: Option<u32>,
    /// The newer version.
    pub newer_version: Option<u32>,
}

/// An account that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RightsChange {
    /// The target, as `source/name`.
    pub target: String,
    /// What changed: `identity`, `auth`, `rights`, `target`.
    pub what: &'static str,
    /// What it was; none where nothing was told.
    pub older: Option<String>,
    /// What it is.
    pub newer: Option<String>,
}

impl Diff {
    /// Whether anything is worse than it was.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.findings.iter().any(|change| change.worse)
    }

    /// Whether the newer side could not look at something that the older one looked at.
    #[must_use]
    pub fn lost_sight(&self) -> bool {
        self.incomparable.iter().any(|found| found.lost_sight)
    }

    /// Whether nothing changed at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.findings.is_empty()
            && self.incomparable.is_empty()
            && self.populations.is_empty()
            && self.parameters.is_empty()
            && self.rules.is_empty()
            && self.rights.is_empty()
            && self.older.semantics == self.newer.semantics
    }

    /// How many changes each class has; classes that none has are left out.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<ChangeClass, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.findings {
            *counts.entry(change.class).or_insert(0) += 1;
        }
        counts
    }
}
