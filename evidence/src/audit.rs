//! An audit of what people wrote: exceptions and statements that do nothing, have run out, soon will, or say more than they should.
//!
//! It compares the files of a workspace with the newest full run: a file that the run has not seen is not applied yet.

use jiff::{SignedDuration, Timestamp};
use proofbook_controls::files::{Files, is_yaml};
use proofbook_controls::yaml;
use serde::Serialize;

use crate::assessment::Assessment;
use crate::attestation::{self, Attestation, Attestations, StatementStatus};
use crate::exception::{Exception, Exceptions, Kind, Standing};

/// The days before the end at which a reminder is due (evidence.md section 8).
pub const MARKS: [u8; 4] = [0, 7, 14, 30];

/// The last of the marks that an end has passed: 30, 14 or 7 days before, 0 once it is there.
#[must_use]
pub fn mark(end: Timestamp, as_of: Timestamp) -> Option<u8> {
    let left = end.duration_since(as_of);
    MARKS.into_iter().find(|days| left <= SignedDuration::from_hours(24 * i64::from(*days)))
}

/// What is to be said of an exception or a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// It has run out.
    Expired,
    /// It runs out within 30 days.
    ExpiresSoon,
    /// It does not count yet.
    NotYet,
    /// The vendor was not asked for 30 days.
    CheckinOverdue,
    /// A high risk was not mitigated within 30 days.
    NotMitigated,
    /// The check has another version.
    OtherVersion,
    /// A check that was to compensate does not pass.
    CompensationFails,
    /// The day of its review, or of its re-assessment, has passed.
    ReviewDue,
    /// The newest full run has not seen it.
    NotApplied,
    /// It counts, and nothing that it names fails.
    Unused,
    /// What it names was not looked at.
    NotRun,
    /// It names a whole kind or namespace, or covers more than half of what its check looked at.
    OverBroad,
    /// It was not signed yet.
    Draft,
    /// It was taken back.
    Withdrawn,
    /// A newer one takes its place.
    Superseded,
    /// It is the word of a person, with nothing that shows it.
    Assertion,
    /// The workspace names no roles, so that nobody can tell whether the signer held one.
    RolesUnknown,
}

impl Note {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::ExpiresSoon => "expires-soon",
            Self::NotYet => "not-yet",
            Self::CheckinOverdue => "checkin-overdue",
            Self::NotMitigated => "not-mitigated",
            Self::OtherVersion => "other-version",
            Self::CompensationFails => "compensation-fails",
            Self::ReviewDue => "review-due",
            Self::NotApplied => "not-applied",
            Self::Unused => "unused",
            Self::NotRun => "not-run",
            Self::OverBroad => "over-broad",
            Self::Draft => "draft",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
            Self::Assertion => "assertion",
            Self::RolesUnknown => "roles-unknown",
        }
    }

    /// Whether something that counted, or was to count, does not.
    #[must_use]
    pub const fn is_lapse(self) -> bool {
        matches!(self, Self::Expired | Self::CheckinOverdue | Self::NotMitigated | Self::OtherVersion | Self::CompensationFails)
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// An exception with what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExceptionNotes {
    /// Its id.
    pub id: String,
    /// What kind of deviation it is.
    pub kind: Kind,
    /// The check or the control.
    pub about: String,
    /// The subjects that it names.
    pub subjects: Vec<String>,
    /// The role that approved it.
    pub approver: String,
    /// When it stops counting.
    pub until: Timestamp,
    /// How many failures it covers in the newest full run; none where that has not seen it.
    pub findings: Option<u64>,
    /// What is to be said of it.
    pub notes: Vec<Note>,
}

/// A statement with what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementNotes {
    /// The need that it answers.
    pub id: String,
    /// Its file.
    pub file: String,
    /// The control; none where it earns partial credit.
    pub control: Option<String>,
    /// The role that signed it.
    pub role: String,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// What is to be said of it.
    pub notes: Vec<Note>,
}

/// What is to be said of each exception as of a time, given what the newest full run came to.
#[must_use]
pub fn exceptions(exceptions: &Exceptions, newest: Option<&Assessment>, as_of: Timestamp) -> Vec<ExceptionNotes> {
    exceptions.by_id.values().map(|exception| of_exception(exception, newest, as_of)).collect()
}

fn of_exception(exception: &Exception, newest: Option<&Assessment>, as_of: Timestamp) -> ExceptionNotes {
    let id = &exception.id.value;
    let seen = newest.and_then(|newest| newest.exceptions.get(id));
    let (until, _) = exception.ends();
    let mut notes = Vec::new();
    let dormant = exception.dormant(as_of);
    notes.extend(match (dormant, seen.map(|seen| seen.standing)) {
        (Some(Standing::NotYet), _) => Some(Note::NotYet),
        (Some(Standing::CheckinOverdue), _) => Some(Note::CheckinOverdue),
        (Some(Standing::NotMitigated), _) => Some(Note::NotMitigated),
        (Some(_), _) => Some(Note::Expired),
        (None, Some(Standing::InEffect)) => None,
        (None, Some(Standing::OtherVersion)) => Some(Note::OtherVersion),
        (None, Some(Standing::CompensationFails)) => Some(Note::CompensationFails),
        (None, Some(Standing::Unused)) => Some(Note::Unused),
        (None, Some(Standing::NotRun)) => Some(Note::NotRun),
        // It is in force, and the run saw an older form of it, or one before its first day.
        (None, Some(_)) => Some(Note::NotApplied),
        (None, None) => newest.map(|_| Note::NotApplied),
    });
    if dormant.is_none() && mark(until, as_of).is_some() {
        notes.push(Note::ExpiresSoon);
    }
    if dormant.is_none() && as_of >= exception.review.value {
        notes.push(Note::ReviewDue);
    }
    let most = exception.check.as_ref().and_then(|check| newest?.checks.get(&check.value)).is_some_and(|check| {
        let (covered, subjects) = (check.excepted.get(id).copied().unwrap_or(0), check.population.subjects);
        subjects > 2 && covered * 2 > subjects
    });
    if exception.is_broad() || most {
        notes.push(Note::OverBroad);
    }
    let about = exception.check.as_ref().map(|check| check.value.to_string());
    ExceptionNotes {
        id: id.clone(),
        kind: exception.kind,
        about: about.or_else(|| exception.control.as_ref().map(|control| control.value.to_string())).unwrap_or_default(),
        subjects: exception.subjects.iter().map(|subject| subject.value.clone()).collect(),
        approver: exception.approver.value.role.clone(),
        until,
        findings: seen.map(|seen| seen.findings),
        notes,
    }
}

/// What is to be said of each statement as of a time; `roles` tells whether the workspace names any.
#[must_use]
pub fn statements(attestations: &Attestations, roles: bool, as_of: Timestamp) -> Vec<StatementNotes> {
    let all = parsed(&attestations.files);
    let counting: Vec<&str> = attestation::in_force(parsed(&attestations.files)).into_iter().map(|(path, _)| path).collect();
    let of = |(path, statement): (&str, Attestation)| {
        let mut notes = Vec::new();
        match statement.status {
            StatementStatus::Draft => notes.push(Note::Draft),
            StatementStatus::Withdrawn => notes.push(Note::Withdrawn),
            StatementStatus::Final if !counting.contains(&path) => notes.push(Note::Superseded),
            StatementStatus::Final => {
                match mark(statement.expires_at(), as_of) {
                    Some(0) => notes.push(Note::Expired),
                    Some(_) => notes.push(Note::ExpiresSoon),
                    None => {}
                }
                if as_of < statement.signed_at {
                    notes.push(Note::NotYet);
                }
                if statement.is_assertion() {
                    notes.push(Note::Assertion);
                }
                if !roles {
                    notes.push(Note::RolesUnknown);
                }
            }
        }
        StatementNotes {
            id: statement.id.value.clone(),
            file: path.to_owned(),
            control: statement.control.as_ref().map(|control| control.value.to_string()),
            expires_at: statement.expires_at(),
            role: statement.role,
            notes,
        }
    };
    all.into_iter().map(of).collect()
}

// They were held to the library when they were read.
fn parsed(files: &Files) -> Vec<attestation::Written<'_>> {
    let files = files.under("attestations").filter(|(path, _)| is_yaml(path));
    files.filter_map(|(path, text)| Some((path, yaml::parse::<Attestation>(path, text).ok()?))).collect()
}
