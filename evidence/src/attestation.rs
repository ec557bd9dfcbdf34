//! Attestations: what only a person can state, with evidence and an expiry (evidence.md section 8).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::Verdict;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use proofbook_controls::files::{Files, is_yaml};
use proofbook_controls::yaml::{self, Spanned};
use proofbook_controls::{ControlId, Controls, FrameworkId, Requirement, RequirementId};
use schemars::JsonSchema;
use serde::Deserialize;

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
    /// Until when it counts, RFC 3339.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// What shows that it is true.
    pub evidence: Vec<AttestedFile>,
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
    /// Its SHA-256 in lower-case hex.
    pub sha256: String,
    /// What it shows.
    pub description: String,
}

impl Attestation {
    /// The verdict as of a time: `manual` while it counts, `fail` once it has expired or before it was signed.
    #[must_use]
    pub fn verdict(&self, at: Timestamp) -> Verdict {
        if self.signed_at <= at && at < self.expires_at { Verdict::Manual } else { Verdict::Fail }
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

impl Attestations {
    /// Reads `attestations/*.yaml` out of `files`.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(files: &Files, controls: &Controls) -> Result<Self, Diagnostics> {
        let mut errors = Diagnostics::default();
        let mut out = Self::default();
        for (path, text) in files.under("attestations").filter(|(path, _)| is_yaml(path)) {
            match yaml::parse::<Attestation>(path, text) {
                Ok(attestation) => {
                    check(&attestation, controls, path, text, &mut errors);
                    let (id, span) = (attestation.id.value.clone(), attestation.id.span);
                    let of = attestation.partial_credit.as_ref().map(|of| (of.framework.value.clone(), of.requirement.value.clone()));
                    let (what, known) = match of {
                        Some(of) => (format!("partial credit for `{}`", of.1), out.partial_credit.insert(of, attestation)),
                        None => (format!("the need `{id}`"), out.by_need.insert(id, attestation)),
                    };
                    if known.is_some() {
                        let found = Diagnostic::new("duplicate-id", path, format!("{what} is attested twice"));
                        errors.push(found.at(span).help("keep the newer one").with_source(text));
                    }
                    out.files.insert(path, text);
                }
                Err(error) => errors.push(error),
            }
        }
        errors.into_result(out)
    }
}

fn check(attestation: &Attestation, controls: &Controls, path: &str, text: &str, errors: &mut Diagnostics) {
    let mut error = |code, span, message: String, help: String| {
        errors.push(Diagnostic::new(code, path, message).at(span).help(help).with_source(text));
    };
    let longest = match (&attestation.control, &attestation.partial_credit) {
        (Some(control), None) => check_need(control, &attestation.id, controls, &mut error),
        (None, Some(of)) => check_partial_credit(of, controls, &mut error),
        _ => {
            let message = "an attestation answers the need of one control, or earns partial credit for one requirement".to_owned();
            error("target", Span::START, message, "write either `control` or `partial_credit`".to_owned());
            None
        }
    };
    if let Some(days) = longest
        && attestation.expires_at.duration_since(attestation.signed_at) > SignedDuration::from_hours(24 * i64::from(days))
    {
        let message = format!("`{}` counts for {days} days at most", attestation.id.value);
        error("expiry", attestation.id.span, message, "set `expires_at` no later than that after `signed_at`".to_owned());
    }
    if attestation.expires_at <= attestation.signed_at {
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
    if attestation.evidence.is_empty() {
        let message = "a statement without evidence is an assertion".to_owned();
        error("no-evidence", Span::START, message, "name at least one file that shows it, with its SHA-256".to_owned());
    }
    for file in &attestation.evidence {
        if file.sha256.len() != 64 || !file.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            error("digest", Span::START, format!("`{}` of `{}` is no SHA-256", file.sha256, file.file), "use `sha256sum`".to_owned());
        }
    }
}

/// Takes the code, place, message and help of a fault.
type Report<'e> = dyn FnMut(&'static str, Span, String, String) + 'e;

// How many days a statement for the need of a control counts, where there is such a need.
fn check_need(control: &Spanned<ControlId>, id: &Spanned<String>, controls: &Controls, error: &mut Report<'_>) -> Option<u32> {
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
    need.map(|need| need.valid_days)
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
