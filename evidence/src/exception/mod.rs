//! Exceptions and their cousins: deviations that are known, approved and limited in time (evidence.md section 9).
//!
//! A finding that an exception covers stays `fail`, with the exception's id beside it; only the roll-up counts it as something
//! else. No kind makes a finding `pass`. They are sealed with the rules, so that a replay decides the same.

mod check;
mod effect;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::settings::glob;
use proofbook_checks::{Catalog, Verdict};
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics};
use proofbook_controls::files::{Files, is_yaml};
use proofbook_controls::yaml::{self, Spanned};
use proofbook_controls::{CheckId, ControlId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approval::Approval;
pub(crate) use effect::{Active, Claims, Effects, recount};

/// What kind of deviation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A control is known not to be met for named subjects, for a time.
    Exception,
    /// Management decides not to mend it.
    RiskAcceptance,
    /// The finding is wrong.
    FalsePositive,
    /// It cannot be mended without breaking the system.
    OperationalRequirement,
    /// It waits for somebody else's product.
    VendorDependency,
    /// Mitigating factors lower the rating; the finding stays a failure.
    RiskAdjustment,
    /// The requirement cannot apply.
    NotApplicable,
    /// Another measure reaches the objective.
    CompensatingControl,
    /// A lasting special circumstance (32 CFR 170.4).
    EnduringException,
    /// A deficiency that arose after implementation and can be mended (32 CFR 170.4).
    TemporaryDeficiency,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Exception,
        Self::RiskAcceptance,
        Self::FalsePositive,
        Self::OperationalRequirement,
        Self::VendorDependency,
        Self::RiskAdjustment,
        Self::NotApplicable,
        Self::CompensatingControl,
        Self::EnduringException,
        Self::TemporaryDeficiency,
    ];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::RiskAcceptance => "risk-acceptance",
            Self::FalsePositive => "false-positive",
            Self::OperationalRequirement => "operational-requirement",
            Self::VendorDependency => "vendor-dependency",
            Self::RiskAdjustment => "risk-adjustment",
            Self::NotApplicable => "not-applicable",
            Self::CompensatingControl => "compensating-control",
            Self::EnduringException => "enduring-exception",
            Self::TemporaryDeficiency => "temporary-deficiency",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// How large a risk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    /// Low.
    Low,
    /// Moderate.
    Moderate,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// Somebody in a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The role.
    pub role: String,
    /// A reference to the person; it stays in the workspace and is not printed.
    pub person_ref: String,
}

/// A deviation as it is written in `exceptions/<id>.yaml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The id; letters, digits, `-`, `_` and `.`.
    pub id: Spanned<String>,
    /// What kind of deviation it is.
    pub kind: Kind,
    /// The check whose findings it covers, wherever the check is used.
    #[serde(default)]
    pub check: Option<Spanned<CheckId>>,
    /// The control in which alone it counts, in place of a check.
    #[serde(default)]
    pub control: Option<Spanned<ControlId>>,
    /// The subjects as `Kind/namespace/name` or `Kind/name`; `*` stands for any text within a part, and not for all of it. For a
    /// control also `Attestation/<need>`, and for one that does not apply `Control/<id>`.
    pub subjects: Vec<Spanned<String>>,
    /// Why.
    pub reason: String,
    /// The risk that is left.
    pub risk: Rating,
    /// Checks that must pass for as long as it counts.
    #[serde(default)]
    pub compensating: Vec<Spanned<CheckId>>,
    /// Who asked for it.
    pub requester: Person,
    /// Who approved it: somebody else, in a role that may approve.
    pub approver: Spanned<Person>,
    /// When it was approved, RFC 3339.
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// Until when it counts, RFC 3339.
    #[schemars(with = "String")]
    pub expires: Spanned<Timestamp>,
    /// When it is to be looked at again, RFC 3339; no later than it expires.
    #[schemars(with = "String")]
    pub review: Spanned<Timestamp>,
    /// Where the work on it is kept.
    pub ticket: String,
    /// Of a risk acceptance: who accepts the risk.
    #[serde(default)]
    pub accepting_authority: Option<String>,
    /// Of a false positive: what proves it, as ids or places of evidence.
    #[serde(default)]
    pub proof: Vec<String>,
    /// Of a false positive: the version of the check that is wrong; with another it counts no more.
    #[serde(default)]
    pub check_version: Option<u32>,
    /// What mitigates the risk.
    #[serde(default)]
    pub mitigation: Option<String>,
    /// Of a vendor dependency: the product.
    #[serde(default)]
    pub product: Option<String>,
    /// Of a vendor dependency: when the vendor was last asked, RFC 3339; it counts for 30 days from then.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub last_checkin: Option<Timestamp>,
    /// Of a vendor dependency: to what the risk was mitigated; a high one counts for 30 days without.
    #[serde(default)]
    pub mitigated_to: Option<Rating>,
    /// Of a risk adjustment: the lower rating.
    #[serde(default)]
    pub adjusted: Option<Rating>,
    /// Of what does not apply: the policy that forbids the thing, where there could be one.
    #[serde(default)]
    pub policy: Option<String>,
    /// Of a compensating control: the assessor who accepts that it reaches the objective.
    #[serde(default)]
    pub accepted_by: Option<String>,
    /// Of an enduring exception or a temporary deficiency: where the system security plan describes it.
    #[serde(default)]
    pub described_in: Option<String>,
    /// Of an enduring exception or a temporary deficiency: the operational plan of action.
    #[serde(default)]
    pub plan_of_action: Option<String>,
}

/// How an exception stands in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It covers at least one finding.
    InEffect,
    /// It counts, and nothing that it names fails.
    Unused,
    /// What it names was not looked at.
    NotRun,
    /// It does not count yet.
    NotYet,
    /// Its time is over.
    Expired,
    /// The vendor was not asked for 30 days.
    CheckinOverdue,
    /// A high risk that waits for a vendor was not mitigated within 30 days.
    NotMitigated,
    /// The check has another version than the one that was found to be wrong.
    OtherVersion,
    /// A check that was to compensate does not pass, or its result counts no more.
    CompensationFails,
}

impl Standing {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InEffect => "in-effect",
            Self::Unused => "unused",
            Self::NotRun => "not-run",
            Self::NotYet => "not-yet",
            Self::Expired => "expired",
            Self::CheckinOverdue => "checkin-overdue",
            Self::NotMitigated => "not-mitigated",
            Self::OtherVersion => "other-version",
            Self::CompensationFails => "compensation-fails",
        }
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

// A vendor is asked every month, and a high risk is mitigated within one.
const VENDOR: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Exception {
    /// What the roll-up makes of a failing finding that it covers. It is never `pass`.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self.kind {
            // The rating changes, and not what was found.
            Kind::RiskAdjustment => Verdict::Fail,
            Kind::NotApplicable => Verdict::NotApplicable,
            // An assessor vouches for it: somebody's word, as an attestation is.
            Kind::CompensatingControl if self.accepted_by.is_some() => Verdict::Manual,
            _ => Verdict::Exception,
        }
    }

    /// When it stops counting, and why.
    #[must_use]
    pub fn ends(&self) -> (Timestamp, Standing) {
        let expiry = (self.expires.value, Standing::Expired);
        if self.kind != Kind::VendorDependency {
            return expiry;
        }
        let after = |from: Timestamp| from.checked_add(VENDOR).unwrap_or(Timestamp::MAX);
        let checkin = self.last_checkin.map(|at| (after(at), Standing::CheckinOverdue));
        let high = self.mitigated_to.unwrap_or(self.risk) >= Rating::High;
        let mitigation = high.then(|| (after(self.created), Standing::NotMitigated));
        [Some(expiry), checkin, mitigation].into_iter().flatten().min().unwrap_or(expiry)
    }

    /// Why it does not count at a time, where it does not.
    #[must_use]
    pub fn dormant(&self, at: Timestamp) -> Option<Standing> {
        let (end, why) = self.ends();
        if at < self.created {
            return Some(Standing::NotYet);
        }
        (at >= end).then_some(why)
    }

    /// Whether it names a subject that is written as `Kind/namespace/name` or `Kind/name`.
    #[must_use]
    pub fn covers(&self, subject: &str) -> bool {
        let parts: Vec<&str> = subject.split('/').collect();
        self.subjects.iter().any(|pattern| {
            let pattern: Vec<&str> = pattern.value.split('/').collect();
            pattern.len() == parts.len() && pattern.iter().zip(&parts).all(|(pattern, part)| glob(pattern, part))
        })
    }

    /// Whether one of its patterns names no subject but a whole kind, or a whole namespace of one.
    #[must_use]
    pub fn is_broad(&self) -> bool {
        self.subjects.iter().any(|pattern| pattern.value.rsplit('/').next() == Some("*"))
    }
}

/// The exceptions of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    /// By id.
    pub by_id: BTreeMap<String, Exception>,
    /// Who may approve them.
    pub approval: Approval,
    /// The files that they were read from.
    pub files: Files,
}

impl Exceptions {
    /// Reads `exceptions/*.yaml` out of `files`.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(files: &Files, catalog: &Catalog, approval: Approval) -> Result<Self, Diagnostics> {
        let mut errors = Diagnostics::default();
        let mut out = Self { approval, ..Self::default() };
        for (path, text) in files.under("exceptions").filter(|(path, _)| is_yaml(path)) {
            match yaml::parse::<Exception>(path, text) {
                Ok(exception) => {
                    check::check(&exception, catalog, &out.approval, (path, text), &mut errors);
                    let (id, span) = (exception.id.value.clone(), exception.id.span);
                    if out.by_id.insert(id.clone(), exception).is_some() {
                        let found = Diagnostic::new("duplicate-id", path, format!("another file has the id `{id}`"));
                        errors.push(found.at(span).help("give each exception an id of its own").with_source(text));
                    }
                    out.files.insert(path, text);
                }
                Err(error) => errors.push(error),
            }
        }
        errors.into_result(out)
    }
}
