//! Views as tables in CSV: coverage, the SPRS score, the statement of applicability. Each list in a cell is joined by `; `.

use proofbook_evidence::views::coverage::{CoverageView, LossView};
use proofbook_evidence::views::soa::{SoaStatement, SoaView};
use proofbook_evidence::views::sprs::{SprsFinding, SprsView};
use serde::Serialize;

use crate::ExportError;
use crate::csv_table::table;

/// How frameworks are covered, one line a requirement.
///
/// # Errors
/// None that a view can cause.
pub fn coverage(frameworks: &[CoverageView]) -> Result<Vec<u8>, ExportError> {
    let rows = frameworks.iter().flat_map(|framework| framework.requirements.iter().map(move |row| (framework, row)));
    let rows = rows.map(|(framework, row)| {
        [
            framework.framework.clone(),
            row.id.clone(),
            row.title.clone(),
            row.status.as_str().to_owned(),
            row.binds.as_str().to_owned(),
            row.reason.clone().unwrap_or_default(),
            joined(row.controls.iter().cloned()),
            joined(row.checks.iter().cloned()),
            joined(row.relations.iter().map(|(control, relation)| format!("{control}: {}", relation.as_str()))),
            joined(row.limits.iter().map(|(control, limit)| format!("{control}: {limit}"))),
        ]
    });
    let heading = ["framework", "requirement", "title", "status", "binds", "reason", "controls", "checks", "relations", "limits"];
    table(heading, rows)
}

/// What would be lost without a check, one line a requirement.
///
/// # Errors
/// None that a view can cause.
pub fn loss(loss: &LossView) -> Result<Vec<u8>, ExportError> {
    let lost = loss.lost.iter().map(|row| {
        let becomes = row.becomes.as_str().to_owned();
        [loss.check.clone(), row.framework.clone(), row.id.clone(), row.title.clone(), "lost".to_owned(), becomes, "0".to_owned()]
    });
    let reduced = loss.reduced.iter().map(|row| {
        let becomes = "automated".to_owned();
        let left = row.left.to_string();
        [loss.check.clone(), row.framework.clone(), row.id.clone(), row.title.clone(), "reduced".to_owned(), becomes, left]
    });
    table(["check", "framework", "requirement", "title", "effect", "becomes", "checks_left"], lost.chain(reduced))
}

/// The SPRS score, one line a requirement, and the score itself last.
///
/// # Errors
/// None that a view can cause.
pub fn sprs(view: &SprsView) -> Result<Vec<u8>, ExportError> {
    let rows = view.requirements.iter().map(|row| {
        let partial = row.partial.as_ref().map(|partial| if partial.earned { "earned" } else { "not earned" });
        [
            row.id.clone(),
            row.title.clone(),
            name(row.finding),
            row.weight.map(|weight| weight.to_string()).unwrap_or_default(),
            row.deduction.to_string(),
            partial.unwrap_or_default().to_owned(),
            row.because.clone(),
            joined(row.controls.iter().map(|control| format!("{}: {}", control.id, control.status))),
            name(row.poam),
            (if row.finding == SprsFinding::NotMet { row.may_stay_open.to_string() } else { String::new() }),
        ]
    });
    let deducted = view.requirements.iter().map(|row| row.deduction).sum::<u32>();
    let mut total = [const { String::new() }; 10];
    total[0] = "score".to_owned();
    total[2] = name(view.standing);
    total[3] = view.score.map_or_else(|| "none".to_owned(), |score| score.to_string());
    total[4] = deducted.to_string();
    total[6].clone_from(&view.because);
    let heading =
        ["requirement", "title", "finding", "weight", "deduction", "partial_credit", "because", "controls", "poam", "may_stay_open"];
    table(heading, rows.chain([total]))
}

/// The statement of applicability, one line a control of Annex A.
///
/// # Errors
/// None that a view can cause.
pub fn soa(view: &SoaView) -> Result<Vec<u8>, ExportError> {
    let rows = view.rows.iter().map(|row| {
        [
            row.id.clone(),
            row.title.clone(),
            (if row.applicable { "yes" } else { "no" }).to_owned(),
            row.justification.clone(),
            row.implemented.map(|value| value.as_str().to_owned()).unwrap_or_default(),
            row.status.map(|status| status.to_string()).unwrap_or_default(),
            row.coverage.as_str().to_owned(),
            row.responsibility.clone(),
            joined(row.controls.iter().map(|control| format!("{}: {}", control.id, control.status))),
            joined(row.checks.iter().map(|(check, status)| format!("{check}: {status}"))),
            joined(row.attested.iter().map(stated)),
            view.collected_at.to_string(),
            view.as_of.to_string(),
        ]
    });
    let heading = [
        "control_id",
        "title",
        "applicable",
        "justification",
        "implemented",
        "status",
        "coverage",
        "responsibility",
        "implementation",
        "checks",
        "attestations",
        "collected_at",
        "as_of",
    ];
    table(heading, rows)
}

/// What was handed over, one line an artifact: name, digest of its exact bytes, algorithm.
///
/// # Errors
/// None that a name can cause.
pub fn artifacts<'a>(artifacts: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Vec<u8>, ExportError> {
    let rows = artifacts.map(|(name, sha256)| [name.to_owned(), sha256.to_owned(), "SHA-256".to_owned()]);
    table(["artifact", "hash", "algorithm"], rows)
}

fn stated(statement: &SoaStatement) -> String {
    let signed = statement.signed.as_ref().map(|signed| format!(" by {} until {}", signed.role, signed.expires_at));
    format!("{}: {}{}", statement.id, statement.status, signed.unwrap_or_default())
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("; ")
}

// The name that JSON has for a value of a closed list.
fn name(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
