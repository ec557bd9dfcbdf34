//! What an exception must say before it may count, by its kind.

use jiff::SignedDuration;
use proofbook_checks::Catalog;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use proofbook_controls::yaml::Spanned;
use proofbook_controls::{CheckId, ControlId};

use super::{Exception, Kind, Rating};
use crate::approval::Approval;

impl Kind {
    // The fields of its own that it needs, and those that it may have.
    const fn fields(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Exception => (&[], &["mitigation"]),
            Self::RiskAcceptance => (&["accepting_authority"], &["mitigation"]),
            Self::FalsePositive => (&["proof", "check_version"], &[]),
            Self::OperationalRequirement => (&["mitigation"], &[]),
            Self::VendorDependency => (&["product", "last_checkin"], &["mitigation", "mitigated_to"]),
            Self::RiskAdjustment => (&["adjusted", "mitigation"], &[]),
            Self::NotApplicable => (&[], &["policy"]),
            Self::CompensatingControl => (&["compensating"], &["accepted_by", "mitigation"]),
            Self::EnduringException | Self::TemporaryDeficiency => (&["described_in", "plan_of_action"], &["mitigation"]),
        }
    }
}

// The fields that only some kinds have, and whether they are there.
fn given(exception: &Exception) -> [(&'static str, bool); 12] {
    let text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    [
        ("accepting_authority", text(&exception.accepting_authority)),
        ("proof", exception.proof.iter().any(|proof| !proof.trim().is_empty())),
        ("check_version", exception.check_version.is_some()),
        ("mitigation", text(&exception.mitigation)),
        ("product", text(&exception.product)),
        ("last_checkin", exception.last_checkin.is_some()),
        ("mitigated_to", exception.mitigated_to.is_some()),
        ("adjusted", exception.adjusted.is_some()),
        ("policy", text(&exception.policy)),
        ("accepted_by", text(&exception.accepted_by)),
        ("described_in", text(&exception.described_in)),
        ("plan_of_action", text(&exception.plan_of_action)),
    ]
}

/// Takes the code, place, message and help of a fault.
type Report<'e> = dyn FnMut(&'static str, Span, String, &str) + 'e;

pub(super) fn check(exception: &Exception, catalog: &Catalog, approval: &Approval, (path, text): (&str, &str), errors: &mut Diagnostics) {
    let mut report = |code, span, message: String, help: &str| {
        errors.push(Diagnostic::new(code, path, message).at(span).help(help.to_owned()).with_source(text));
    };
    check_id(exception, &mut report);
    check_target(exception, catalog, &mut report);
    check_subjects(exception, catalog, &mut report);
    check_kind(exception, &mut report);
    check_times(exception, approval, &mut report);
    check_people(exception, approval, &mut report);
}

fn check_id(exception: &Exception, report: &mut Report<'_>) {
    let id = &exception.id;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if id.value.is_empty() || !id.value.bytes().all(plain) {
        report("name", id.span, format!("`{}` is no id", id.value), "use letters, digits, `-`, `_` and `.`");
    }
    for (field, text) in [("reason", &exception.reason), ("ticket", &exception.ticket)] {
        if text.trim().is_empty() {
            report("blank", id.span, format!("`{field}` is empty"), "say it: a reader decides by it");
        }
    }
}

fn check_target(exception: &Exception, catalog: &Catalog, report: &mut Report<'_>) {
    match (&exception.check, &exception.control) {
        (Some(check), None) => {
            check_named(check, catalog, report);
            if exception.compensating.iter().any(|named| named.value == check.value) {
                let message = format!("`{}` cannot make up for its own failure", check.value);
                report("compensating", check.span, message, "name other checks under `compensating`");
            }
        }
        (None, Some(control)) if !catalog.controls.controls.contains_key(&control.value) => {
            let known = catalog.controls.controls.keys().map(ControlId::as_str);
            let help = did_you_mean(control.value.as_str(), known, "see `proofbook controls list`");
            report("unknown-control", control.span, format!("unknown control `{}`", control.value), &help);
        }
        (None, Some(_)) => {}
        _ => report("target", exception.id.span, "an exception is about one check or one control".to_owned(), "write `check` or `control`"),
    }
    for named in &exception.compensating {
        check_named(named, catalog, report);
    }
}

fn check_named(named: &Spanned<CheckId>, catalog: &Catalog, report: &mut Report<'_>) {
    if !catalog.checks.contains_key(&named.value) {
        let help = did_you_mean(named.value.as_str(), catalog.checks.keys().map(CheckId::as_str), "see `proofbook checks list`");
        report("unknown-check", named.span, format!("unknown check `{}`", named.value), &help);
    }
}

fn check_subjects(exception: &Exception, catalog: &Catalog, report: &mut Report<'_>) {
    if exception.subjects.is_empty() {
        report("subjects", exception.id.span, "no subject is named".to_owned(), "name them as `Kind/namespace/name` or `Kind/name`");
    }
    let control = exception.control.as_ref().and_then(|control| catalog.controls.controls.get(&control.value));
    for subject in &exception.subjects {
        let (kind, name) = subject.value.split_once('/').unwrap_or((&subject.value, ""));
        let message = match (kind, control) {
            ("Population", _) => "what could not be looked at is no deviation, and nobody can accept it".to_owned(),
            ("Control", Some(control)) if exception.kind == Kind::NotApplicable && name == control.id.as_str() => continue,
            ("Control", _) => "a whole control is only named where it does not apply, as `Control/` and its own id".to_owned(),
            ("Attestation", Some(control)) if control.attestations.iter().any(|need| need.id == name) => continue,
            ("Attestation", _) => format!("the control needs no attestation `{name}`"),
            _ if name.is_empty() || subject.value.split('/').any(str::is_empty) => {
                format!("`{}` names no subject", subject.value)
            }
            _ if kind.contains('*') || name.split('/').all(|part| part.bytes().all(|byte| byte == b'*')) => {
                format!("`{}` names everything", subject.value)
            }
            _ => continue,
        };
        report(
            "subjects",
            subject.span,
            message,
            "name each subject as `Kind/namespace/name` or `Kind/name`; `*` only as a part of a name",
        );
    }
}

fn check_kind(exception: &Exception, report: &mut Report<'_>) {
    let (kind, at) = (exception.kind, exception.id.span);
    let (needs, may) = kind.fields();
    for (field, there) in given(exception) {
        if !there && needs.contains(&field) {
            report("kind", at, format!("a deviation of the kind `{kind}` needs `{field}`"), "say it, or choose another kind");
        }
        if there && !needs.contains(&field) && !may.contains(&field) {
            report("kind", at, format!("`{field}` does not belong to the kind `{kind}`"), "leave it out, or choose another kind");
        }
    }
    if kind == Kind::CompensatingControl && exception.compensating.is_empty() {
        let message = "a compensating control is shown by checks".to_owned();
        report("kind", at, message, "name under `compensating` the checks that must pass");
    }
    if kind == Kind::FalsePositive && exception.check.is_none() {
        let message = "a false positive is one of a check in a version".to_owned();
        report("kind", at, message, "name the `check`");
    }
    if kind == Kind::OperationalRequirement && exception.risk >= Rating::High {
        let message = "a high risk cannot be accepted as an operational requirement".to_owned();
        report("risk", at, message, "mitigate it first, or have the risk accepted by an authority (`risk-acceptance`)");
    }
    if exception.adjusted.is_some_and(|adjusted| adjusted >= exception.risk) {
        let message = "`adjusted` does not lower the rating in `risk`".to_owned();
        report("risk", at, message, "write the rating before the adjustment under `risk`");
    }
}

fn check_times(exception: &Exception, approval: &Approval, report: &mut Report<'_>) {
    let (created, expires, review) = (exception.created, &exception.expires, &exception.review);
    if expires.value <= created {
        report("expiry", expires.span, "it expires before it was approved".to_owned(), "set `expires` after `created`");
    }
    let longest = approval.longest_days;
    if expires.value.duration_since(created) > SignedDuration::from_hours(24 * i64::from(longest)) {
        let message = format!("it lasts longer than {longest} days");
        report("expiry", expires.span, message, "set `expires` earlier and renew it after a review, or change `longest_exception_days`");
    }
    if review.value <= created || review.value > expires.value {
        report(
            "review",
            review.span,
            "it is not reviewed while it counts".to_owned(),
            "set `review` after `created` and no later than `expires`",
        );
    }
    if exception.last_checkin.is_some_and(|at| at > expires.value) {
        report(
            "checkin",
            exception.id.span,
            "the vendor was asked after it expires".to_owned(),
            "set `last_checkin` to when the vendor was last asked",
        );
    }
}

fn check_people(exception: &Exception, approval: &Approval, report: &mut Report<'_>) {
    let (requester, approver) = (&exception.requester, &exception.approver);
    for (field, text) in [("role", &requester.role), ("person_ref", &requester.person_ref)] {
        if text.trim().is_empty() {
            report("blank", exception.id.span, format!("`{field}` of the requester is empty"), "say who asks for it");
        }
    }
    if approver.value.person_ref == requester.person_ref {
        report("approver", approver.span, "nobody approves what they asked for themselves".to_owned(), "have somebody else approve it");
    }
    match approval.holds(&approver.value.role, &approver.value.person_ref, exception.created) {
        Ok(role) if role.approves => {}
        Ok(_) => {
            let message = format!("the role `{}` may not approve", approver.value.role);
            report("approver", approver.span, message, "have a role approve it that has `approves: true` under `roles:` of the workspace");
        }
        Err(why) => {
            let message = format!("`{}` {why}", approver.value.person_ref);
            report("approver", approver.span, message, "name who approved it, in the role that they held when it was created");
        }
    }
}
