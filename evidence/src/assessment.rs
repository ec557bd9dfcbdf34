//! The assessment: findings rolled up to checks, controls and requirements, by worst-of (evidence.md section 7).

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::definition::{Method, Severity};
use proofbook_checks::{Population, Reason, Verdict};
use proofbook_controls::{CheckId, ControlId, FrameworkId, RequirementId};
use serde::{Deserialize, Serialize};

use crate::exception::{Kind, Standing};

/// How many findings have each verdict; verdicts that none has are left out.
pub type Counts = BTreeMap<Verdict, u64>;

/// How many failures each exception covers, by its id.
pub type Excepted = BTreeMap<String, u64>;

/// All that the findings of a run add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// By check.
    pub checks: BTreeMap<CheckId, CheckAssessment>,
    /// By control.
    pub controls: BTreeMap<ControlId, ControlAssessment>,
    /// By framework and requirement.
    pub frameworks: BTreeMap<FrameworkId, BTreeMap<RequirementId, RequirementAssessment>>,
    /// How each exception of the workspace stands, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<String, ExceptionAssessment>,
}

/// What a check says in all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckAssessment {
    /// The worst of its findings.
    pub status: Verdict,
    /// The reason of the first finding with that verdict.
    pub reason: Reason,
    /// How many findings have each verdict.
    pub counts: Counts,
    /// What was looked at.
    pub population: Population,
    /// The severity of a failure.
    pub severity: Severity,
    /// EXAMINE or TEST.
    pub method: Method,
    /// Until when the result counts.
    pub fresh_until: Timestamp,
    /// The failures that are covered by exceptions; `counts` has them under the verdict that the roll-up takes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excepted: Excepted,
}

/// How an exception stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionAssessment {
    /// What kind of deviation it is.
    pub kind: Kind,
    /// What the roll-up takes for the failures that it covers.
    pub verdict: Verdict,
    /// How it stands.
    pub standing: Standing,
    /// When it stops counting: its own end, or that of the results of the checks that compensate.
    pub until: Timestamp,
    /// How many failures it covers.
    pub findings: u64,
    /// Whether it names a whole kind, or a whole namespace of one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broad: bool,
}

/// What a control comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlAssessment {
    /// The worst of its required parts.
    pub status: Verdict,
    /// What its status rests on.
    pub basis: Basis,
    /// Its parts: checks and attestations, required ones first.
    pub parts: Vec<Part>,
    /// Subjects on which two independent checks differ.
    pub disagree: Vec<Disagreement>,
    /// The exception by which the whole control does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
}

/// What a status rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// On checks alone.
    Automated,
    /// On statements of people, alone or beside checks.
    Attested,
    /// On nothing yet.
    None,
}

/// One part of a control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// A check or an attestation.
    pub kind: PartKind,
    /// Its id.
    pub id: String,
    /// Whether the control needs it; a supporting part never makes a control green.
    pub required: bool,
    /// Its verdict; a missing attestation is `error`.
    pub status: Verdict,
    /// The failures that exceptions cover.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excepted: Excepted,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A check.
    Check,
    /// A statement of a person.
    Attestation,
}

/// A subject on which two independent checks differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disagreement {
    /// What makes the two subjects the same.
    pub on: String,
    /// The checks with their verdicts.
    pub verdicts: BTreeMap<CheckId, Verdict>,
}

/// What a requirement comes to, through the controls that are mapped to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequirementAssessment {
    /// How it is covered by the library.
    pub coverage: Coverage,
    /// The worst of its controls; none where no control is mapped to it, or where it does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Verdict>,
    /// The controls; none where it does not apply.
    pub controls: Vec<ControlId>,
}

/// How a requirement is covered: exactly one of these, decided by [`crate::rollup::coverage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// At least one mapped control of the provider has a required check.
    Automated,
    /// The mapped controls of the provider rest on attestations alone.
    Attested,
    /// It is the customer's: it binds the customer and nothing is mapped, or all that is mapped rests on the customer.
    Customer,
    /// The provider inherits all that is mapped from somebody else.
    Inherited,
    /// It binds the provider, and nothing that can be shown is mapped.
    None,
    /// It asks for nothing here: withdrawn, bound to an authority or nobody, or tailored out with a reason.
    NotApplicable,
}

impl Coverage {
    /// All kinds in the order in which they are printed.
    pub const ALL: [Self; 6] = [Self::Automated, Self::Attested, Self::Customer, Self::Inherited, Self::None, Self::NotApplicable];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Attested => "attested",
            Self::Customer => "customer",
            Self::Inherited => "inherited",
            Self::None => "none",
            Self::NotApplicable => "not-applicable",
        }
    }
}
