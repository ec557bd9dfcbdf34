//! Attestations: what only a person can state, with evidence and an expiry (evidence.md section 8).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::Verdict;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use proofbook_controls::files::{Files, is_yaml};
use proofbook_controls::yaml::{self, Spanned};
use proofbook_controls::{AttestationNeed, ControlId, Controls, FrameworkId, Requirement, RequirementId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approval::Approval;

/// A statement as it is written in `attestations/<id>.yaml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The id of the need that it answers, as the control names it; a name of its own where it earns partial credit.
    pub id: Spanned<String>,
    /// The control whose need it answers.
    #[serde(default)]
    pub control: Option<Spanned<ControlId>>,
    /// The requirement for which it earns partial credit, in place of a control.
    #[serde(default)]
    pub partial_credit: Option<PartialCreditOf>,
    /// The statement, as a full sentence.
    pub statement: String,
    /// The role of the person who signs.
    pub role: String,
    /// A reference to the person; it stays in the workspace and is not printed.
    pub person_ref: String,
    /// When it was signed, RFC 3339.
    #[schemars(with = "String")]
    pub signed_at: Timestamp,
    /// Until when it counts, RFC 3339; 365 days after it was signed where nothing is said, 100 for a quarterly one.
    #[serde(rename = "expires_at", default)]
    #[schemars(with = "Option<String>")]
    expires: Option<Timestamp>,
    /// How it was found out: by reading what is there, or by asking people.
    #[serde(default)]
    pub method: AttestedBy,
    /// The time that it speaks of; the moment of signing where nothing is said.
    #[serde(default)]
    pub period: Option<Period>,
    /// How often it is stated again.
    #[serde(default)]
    pub review_cycle: ReviewCycle,
    /// Whether it counts: only what is final does.
    #[serde(default)]
    pub status: StatementStatus,
    /// The file of the older statement for the same need that it takes the place of, as `attestations/NAME.yaml`.
    #[serde(default)]
    pub supersedes: Option<Spanned<String>>,
    /// What shows that it is true; nothing only where the need says that a statement alone is enough.
    #[serde(default)]
    pub evidence: Vec<AttestedFile>,
}

/// How a statement was found out (evidence.md section 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttestedBy {
    /// Documents and records were read.
    #[default]
    Examine,
    /// People were asked.
    Interview,
}

/// How often a statement is made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewCycle {
    /// Every quarter.
    Quarterly,
    /// Every year.
    #[default]
    Yearly,
}

impl ReviewCycle {
    /// For how many days a statement counts where it says nothing itself.
    #[must_use]
    pub const fn days(self) -> u32 {
        match self {
            Self::Quarterly => 100,
            Self::Yearly => 365,
        }
    }
}

/// How far a statement has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatementStatus {
    /// It is being written.
    Draft,
    /// It was signed, and counts.
    #[default]
    Final,
    /// It was taken back.
    Withdrawn,
}

/// A time that a statement speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Its beginning, RFC 3339.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Its end, RFC 3339.
    #[schemars(with = "String")]
    pub to: Timestamp,
}

/// A requirement that is met in part, as far as the score of its framework gives credit for it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartialCreditOf {
    /// The framework.
    pub framework: Spanned<FrameworkId>,
    /// The requirement.
    pub requirement: Spanned<RequirementId>,
}

/// A file that shows that a statement is true.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestedFile {
    /// Its path or place.
    pub file: String,
    /// Its SHA-256 in lower-case hex; held to the file where that is there.
    pub sha256: Spanned<String>,
    /// Its media type.
    #[serde(default)]
    pub media_type: Option<String>,
    /// What it shows.
    pub description: String,
}

impl Attestation {
    /// Until when it counts.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        let usual = days(self.review_cycle.days());
        self.expires.unwrap_or_else(|| self.signed_at.checked_add(usual).unwrap_or(Timestamp::MAX))
    }

    /// Whether it is the word of a person alone, with nothing that shows it.
    #[must_use]
    pub const fn is_assertion(&self) -> bool {
        self.evidence.is_empty()
    }

    /// The verdict as of a time: `manual` while it counts, `fail` once it has expired or before it was signed.
    #[must_use]
    pub fn verdict(&self, at: Timestamp) -> Verdict {
        if self.signed_at <= at && at < self.expires_at() { Verdict::Manual } else { Verdict::Fail }
    }
}

/// The attestations of a workspace by the id of the need.
#[derive(Clone, Debug, Default)]
pub struct Attestations {
    /// By need.
    pub by_need: BTreeMap<String, Attestation>,
    /// Statements that a requirement is met in part, by framework and requirement.
    pub partial_credit: BTreeMap<(FrameworkId, RequirementId), Attestation>,
    /// The files that they were read from.
    pub files: Files,
}

/// A statement with the file that it was read from.
pub(crate) type Written<'f> = (&'f str, Attestation);

/// Those that count: final, and not superseded by another final one.
pub(crate) fn in_force<'f>(written: impl IntoIterator<Item = Written<'f>>) -> Vec<Written<'f>> {
    let mut counting: Vec<Written<'f>> = written.into_iter().filter(|(_, statement)| statement.status == StatementStatus::Final).collect();
    let superseded: BTreeSet<String> =
        counting.iter().filter_map(|(_, statement)| statement.supersedes.as_ref().map(|older| older.value.clone())).collect();
    counting.retain(|(path, _)| !superseded.contains(*path));
    counting
}

impl Attestations {
    /// Reads `attestations/*.yaml` out of `files`.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(files: &Files, controls: &Controls, approval: &Approval) -> Result<Self, Diagnostics> {
        let mut errors = Diagnostics::default();
        let mut out = Self::default();
        let mut written: Vec<Written<'_>> = Vec::new();
        for (path, text) in files.under("attestations").filter(|(path, _)| is_yaml(path)) {
            match yaml::parse::<Attestation>(path, text) {
                Ok(attestation) => {
                    check(&attestation, (controls, approval), path, text, &mut errors);
                    written.push((path, attestation));
                    out.files.insert(path, text);
                }
                Err(error) => errors.push(error),
            }
        }
        let source = |path: &str| files.get(path).unwrap_or_default();
        for (path, newer) in &written {
            let Some(named) = &newer.supersedes else { continue };
            let older = written.iter().find(|(path, _)| *path == named.value).map(|(_, older)| older);
            if older.is_none_or(|older| older.id.value != newer.id.value || older.signed_at >= newer.signed_at) {
                let found = Diagnostic::new("supersedes", *path, format!("`{}` is no older statement for the same need", named.value));
                errors.push(found.at(named.span).help("name its file as `attestations/NAME.yaml`").with_source(source(path)));
            }
        }
        for (path, attestation) in in_force(written) {
            let (id, span) = (attestation.id.value.clone(), attestation.id.span);
            let of = attestation.partial_credit.as_ref().map(|of| (of.framework.value.clone(), of.requirement.value.clone()));
            let (what, known) = match of {
                Some(of) => (format!("partial credit for `{}`", of.1), out.partial_credit.insert(of, attestation)),
                None => (format!("the need `{id}`"), out.by_need.insert(id, attestation)),
            };
            if known.is_some() {
                let found = Diagnostic::new("duplicate-id", path, format!("{what} is attested twice"));
                let help = "keep the newer one, or name the older file in it under `supersedes`";
                errors.push(found.at(span).help(help).with_source(source(path)));
            }
        }
        errors.into_result(out)
    }
}

fn days(number: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(number))
}

fn check(attestation: &Attestation, (controls, approval): (&Controls, &Approval), path: &str, text: &str, errors: &mut Diagnostics) {
    let mut error = |code, span, message: String, help: String| {
        errors.push(Diagnostic::new(code, path, message).at(span).help(help).with_source(text));
    };
    let mut assertion_suffices = false;
    let longest = match (&attestation.control, &attestation.partial_credit) {
        (Some(control), None) => {
            let need = check_need(control, &attestation.id, controls, &mut error);
            assertion_suffices = need.is_some_and(|need| need.assertion_suffices);
            need.map(|need| need.valid_days)
        }
        (None, Some(of)) => check_partial_credit(of, controls, &mut error),
        _ => {
            let message = "an attestation answers the need of one control, or earns partial credit for one requirement".to_owned();
            error("target", Span::START, message, "write either `control` or `partial_credit`".to_owned());
            None
        }
    };
    let quarter = (attestation.review_cycle == ReviewCycle::Quarterly).then(|| ReviewCycle::Quarterly.days());
    if let Some(days) = longest.map(|days| quarter.map_or(days, |quarter| days.min(quarter)))
        && attestation.expires_at().duration_since(attestation.signed_at) > self::days(days)
    {
        let message = format!("`{}` counts for {days} days at most", attestation.id.value);
        error("expiry", attestation.id.span, message, "set `expires_at` no later than that after `signed_at`".to_owned());
    }
    if attestation.expires_at() <= attestation.signed_at {
        error(
            "expiry",
            Span::START,
            "the attestation expires before it is signed".to_owned(),
            "set `expires_at` after `signed_at`".to_owned(),
        );
    }
    let blank = [("statement", &attestation.statement), ("role", &attestation.role), ("person_ref", &attestation.person_ref)];
    for (field, _) in blank.into_iter().filter(|(_, text)| text.trim().is_empty()) {
        error("blank", Span::START, format!("`{field}` is empty"), "say who states what".to_owned());
    }
    if let Some(period) = attestation.period.filter(|period| period.to < period.from || period.to > attestation.signed_at) {
        let message = format!("the period from {} to {} is not over when it is signed", period.from, period.to);
        error("period", attestation.id.span, message, "state what has been; a period begins before it ends".to_owned());
    }
    // Without roles nobody can tell who held one; `proofbook attest --list` says so.
    if !approval.roles.is_empty()
        && let Err(why) = approval.holds(&attestation.role, &attestation.person_ref, attestation.signed_at)
    {
        let message = format!("`{}` {why}", attestation.person_ref);
        error("role", attestation.id.span, message, "have somebody state it who holds the role, and list them under `roles:`".to_owned());
    }
    if attestation.is_assertion() && !assertion_suffices {
        let message = "a statement without evidence is an assertion".to_owned();
        error("no-evidence", Span::START, message, "name at least one file that shows it, with its SHA-256".to_owned());
    }
    for file in &attestation.evidence {
        let digest = &file.sha256.value;
        if digest.len() != 64 || !digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            error("digest", file.sha256.span, format!("`{digest}` of `{}` is no SHA-256", file.file), "use `sha256sum`".to_owned());
        }
    }
}

/// Takes the code, place, message and help of a fault.
type Report<'e> = dyn FnMut(&'static str, Span, String, String) + 'e;

// The need of a control, where there is such a one.
fn check_need<'c>(
    control: &Spanned<ControlId>,
    id: &Spanned<String>,
    controls: &'c Controls,
    error: &mut Report<'_>,
) -> Option<&'c AttestationNeed> {
    let Some(known) = controls.controls.get(&control.value) else {
        let help = did_you_mean(control.value.as_str(), controls.controls.keys().map(ControlId::as_str), "see `proofbook controls list`");
        error("unknown-control", control.span, format!("unknown control `{}`", control.value), help);
        return None;
    };
    let need = known.attestations.iter().find(|need| need.id == id.value);
    if need.is_none() {
        let needs = known.attestations.iter().map(|need| need.id.as_str());
        let help = did_you_mean(&id.value, needs, "see `proofbook controls show`");
        error("unknown-need", id.span, format!("the control `{}` needs no attestation `{}`", control.value, id.value), help);
    }
    need
}

// How many days a statement of partial credit counts, where the score of the framework knows such credit.
fn check_partial_credit(of: &PartialCreditOf, controls: &Controls, error: &mut Report<'_>) -> Option<u32> {
    let (framework, id) = (&of.framework, &of.requirement);
    let Some(known) = controls.frameworks.get(&framework.value) else {
        let all = controls.frameworks.keys().map(FrameworkId::as_str);
        let help = did_you_mean(framework.value.as_str(), all, "see `proofbook frameworks list`");
        error("unknown-framework", framework.span, format!("unknown framework `{}`", framework.value), help);
        return None;
    };
    let gives = |requirement: &&Requirement| requirement.score.as_ref().is_some_and(|score| score.partial.is_some());
    if !known.requirements.iter().filter(gives).any(|requirement| requirement.id == id.value) {
        let giving = known.requirements.iter().filter(gives).map(|requirement| requirement.id.as_str());
        let help = did_you_mean(id.value.as_str(), giving, "see `proofbook sprs`");
        error("no-partial-credit", id.span, format!("`{}` gives no partial credit for `{}`", framework.value, id.value), help);
        return None;
    }
    Some(PARTIAL_CREDIT_DAYS)
}

// A score is affirmed every year.
const PARTIAL_CREDIT_DAYS: u32 = 365;
