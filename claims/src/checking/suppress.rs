//! Suppressions: `<!-- proofbook-ignore claim="…" reason="…" owner="…" until="2027-01-31" -->` before or beside a statement.
//!
//! Each needs a reason, an owner and an end. What is past its end, incomplete or of no use is told.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use proofbook_evidence::notice::{Level, Notice};

use super::{ClaimVerdict, DocumentPromises, Judgement, Outcome, fingerprint};
use crate::document::{Document, Place};

/// A suppression as it stands in a document.
#[derive(Clone, Debug)]
pub struct Suppression {
    place: Place,
    source_line: String,
    // The statement that it is about: the line where the next one begins.
    about: Option<Place>,
    claim: Option<String>,
    reason: String,
    owner: String,
    until: Option<Date>,
    faults: Vec<&'static str>,
}

/// The suppressions of a document.
pub(crate) fn suppressions(document: &Document) -> Vec<Suppression> {
    let mut out = Vec::new();
    for (place, comment) in &document.comments {
        let Some(rest) = comment.strip_prefix("proofbook-ignore") else { continue };
        let get = |name: &str| attribute(rest, name).map(str::to_owned).filter(|text| !text.trim().is_empty());
        let until = get("until");
        let date = until.as_deref().and_then(|text| Date::from_str(text).ok());
        let mut faults = Vec::new();
        for (name, missing) in
            [("a reason", get("reason").is_none()), ("an owner", get("owner").is_none()), ("an end (until=\"YYYY-MM-DD\")", date.is_none())]
        {
            if missing {
                faults.push(name);
            }
        }
        let same_line =
            document.statements.iter().rfind(|statement| statement.place.end_line == place.line && statement.place.column <= place.column);
        let next = document.statements.iter().find(|statement| (statement.place.line, statement.place.column) > (place.line, place.column));
        out.push(Suppression {
            place: *place,
            source_line: document.lines.text_of(&document.text, place.line).to_owned(),
            about: same_line.or(next).map(|statement| statement.place),
            claim: get("claim"),
            reason: get("reason").unwrap_or_default(),
            owner: get("owner").unwrap_or_default(),
            until: date,
            faults,
        });
    }
    out
}

fn attribute<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let start = text.find(&format!("{name}=\""))? + name.len() + 2;
    text[start..].split('"').next()
}

/// Takes back the notices that are suppressed, and tells what is wrong with suppressions.
pub(crate) fn apply(document: &DocumentPromises, outcome: &mut Outcome, at: Timestamp) {
    for suppression in &document.suppressions {
        let told = |code: &'static str, message: String, help: &str| Judgement {
            notice: notice(document, suppression, code, message, help),
            verdict: None,
            other: None,
            replacement: None,
            anchor: None,
        };
        if !suppression.faults.is_empty() {
            let message = format!("the suppression lacks {}; it is not applied", suppression.faults.join(" and "));
            outcome.notices.push(told(
                "suppression-incomplete",
                message,
                "Write reason=\"…\" owner=\"…\" until=\"YYYY-MM-DD\" into the comment.",
            ));
            continue;
        }
        let today = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        if let Some(until) = suppression.until.filter(|until| *until < today) {
            let message = format!("the suppression ended on {until}; it is not applied (owner: {})", suppression.owner);
            outcome.notices.push(told("suppression-expired", message, "Mend the statement, or decide again and set a new end."));
            continue;
        }
        let suppressed = |judgement: &Judgement| {
            let notice = &judgement.notice;
            let here = suppression.about.is_some_and(|about| notice.line == about.line && notice.column == about.column);
            let silenced = judgement.verdict.is_some_and(|verdict| !matches!(verdict, ClaimVerdict::Backed | ClaimVerdict::Attested));
            notice.path == *document.path
                && here
                && silenced
                && suppression.claim.as_ref().is_none_or(|claim| notice.claim.as_ref() == Some(claim))
        };
        let before = outcome.notices.len();
        for verdict in
            outcome.notices.iter().filter(|judgement| suppressed(judgement)).filter_map(|judgement| judgement.verdict).collect::<Vec<_>>()
        {
            if let Some(count) = outcome.counts.get_mut(&verdict) {
                *count -= 1;
            }
        }
        outcome.notices.retain(|judgement| !suppressed(judgement));
        if outcome.notices.len() == before {
            let message = format!("the suppression silences nothing ({})", suppression.reason);
            outcome.notices.push(told("suppression-unused", message, "Take the comment out."));
        }
    }
}

fn notice(document: &DocumentPromises, suppression: &Suppression, code: &'static str, message: String, help: &str) -> Notice {
    let place = suppression.place;
    Notice {
        path: document.path.to_string(),
        line: place.line,
        column: place.column,
        end_line: place.end_line,
        end_column: place.end_column,
        code,
        level: Level::Warning,
        verdict: "",
        claim: suppression.claim.clone(),
        text: String::new(),
        fingerprint: fingerprint(&document.path, code, &suppression.reason),
        message,
        suggestion: help.to_owned(),
        source_line: suppression.source_line.clone(),
    }
}
