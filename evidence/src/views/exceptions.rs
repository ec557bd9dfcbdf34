//! Exceptions as they are printed: what deviates, who approved it in which role, and how it stands. Persons are not named.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::Verdict;
use serde::Serialize;

use crate::assessment::Assessment;
use crate::exception::{Exception, Exceptions, Kind, Rating, Standing};

/// An exception.
#[derive(Clone, Debug, Serialize)]
pub struct ExceptionView {
    /// The id.
    pub id: String,
    /// What kind of deviation it is.
    pub kind: Kind,
    /// The check whose failures it covers; none where it is about a control.
    pub check: Option<String>,
    /// The control in which alone it counts.
    pub control: Option<String>,
    /// The subjects that it names.
    pub subjects: Vec<String>,
    /// Why.
    pub reason: String,
    /// The risk that is left.
    pub risk: Rating,
    /// The lower rating, where mitigating factors changed it.
    pub adjusted: Option<Rating>,
    /// What mitigates the risk.
    pub mitigation: Option<String>,
    /// The checks that must pass for as long as it counts.
    pub compensating: Vec<String>,
    /// The role that asked for it.
    pub requester: String,
    /// The role that approved it.
    pub approver: String,
    /// When it was approved.
    pub created: Timestamp,
    /// When it stops counting.
    pub until: Timestamp,
    /// When it is looked at again.
    pub review: Timestamp,
    /// Where the work on it is kept.
    pub ticket: String,
    /// What the roll-up takes for the failures that it covers.
    pub verdict: Verdict,
    /// How it stands as of the time of printing.
    pub standing: Standing,
    /// How many failures it covers.
    pub findings: u64,
}

impl ExceptionView {
    /// Whether failures that it covers are no longer open: it counts, and changes more than a rating.
    #[must_use]
    pub fn accepts(&self) -> bool {
        self.standing == Standing::InEffect && self.verdict != Verdict::Fail
    }
}

pub(super) fn views(exceptions: &Exceptions, assessment: &Assessment, as_of: Timestamp) -> BTreeMap<String, ExceptionView> {
    exceptions.by_id.iter().filter_map(|(id, exception)| Some((id.clone(), view(exception, assessment, as_of)?))).collect()
}

fn view(exception: &Exception, assessment: &Assessment, as_of: Timestamp) -> Option<ExceptionView> {
    let assessed = assessment.exceptions.get(&exception.id.value)?;
    let (ends, why) = exception.ends();
    let standing = if as_of >= ends {
        why
    } else if as_of >= assessed.until && assessed.standing == Standing::InEffect {
        Standing::CompensationFails
    } else {
        assessed.standing
    };
    Some(ExceptionView {
        id: exception.id.value.clone(),
        kind: exception.kind,
        check: exception.check.as_ref().map(|check| check.value.to_string()),
        control: exception.control.as_ref().map(|control| control.value.to_string()),
        subjects: exception.subjects.iter().map(|subject| subject.value.clone()).collect(),
        reason: exception.reason.clone(),
        risk: exception.risk,
        adjusted: exception.adjusted,
        mitigation: exception.mitigation.clone(),
        compensating: exception.compensating.iter().map(|check| check.value.to_string()).collect(),
        requester: exception.requester.role.clone(),
        approver: exception.approver.value.role.clone(),
        created: exception.created,
        until: assessed.until,
        review: exception.review.value,
        ticket: exception.ticket.clone(),
        verdict: assessed.verdict,
        standing,
        findings: assessed.findings,
    })
}
