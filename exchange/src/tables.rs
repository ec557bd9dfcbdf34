//! Views as tables: coverage, the SPRS score, the statement of applicability. Each list in a cell is joined by `; `.

use proofbook_evidence::records;
use proofbook_evidence::views::Publication;
use proofbook_evidence::views::coverage::{CoverageView, LossView};
use proofbook_evidence::views::soa::{SoaStatement, SoaView};
use proofbook_evidence::views::sprs::{SprsFinding, SprsView};
use serde::Serialize;

use crate::csv_table::table;
use crate::sheet::{Table, TableFile, workbook};
use crate::{ExportError, Input, ipe, matrix, registers};

/// All tables that lie beside the documents of a publication.
///
/// # Errors
/// A text that is too long for a cell of a workbook.
pub fn files(publication: &Publication, audience: &str) -> Result<Vec<TableFile>, ExportError> {
    let mut files = matrix::files(publication, audience)?;
    for (name, title, table) in [
        ("statement-of-applicability", "Statement of applicability", publication.soa.as_ref().map(soa_table)),
        ("sprs", "SPRS score", publication.sprs.as_ref().map(sprs_table)),
        ("subprocessors", "Subprocessors", Some(registers::subprocessors(publication))),
        ("retention", "Retention of personal data", registers::retention(publication)),
    ] {
        let Some(table) = table else { continue };
        files.push(TableFile::new(format!("{name}.csv"), format!("{title}, CSV"), table.csv()?));
        let book = workbook(title, publication, audience, &[table])?;
        files.push(TableFile::new(format!("{name}.xlsx"), format!("{title}, workbook"), book));
    }
    Ok(files)
}

/// The tables beside the matrix and the populations behind every check, as one workbook.
pub(crate) fn write_book(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    let publication = input.publication;
    let sheets = records::sheets(input.bundle, |_| true)?;
    let some = [publication.soa.as_ref().map(soa_table), publication.sprs.as_ref().map(sprs_table), registers::retention(publication)];
    let all: Vec<Table> =
        some.into_iter().flatten().chain([registers::subprocessors(publication), ipe::populations_table(&sheets)]).collect();
    workbook("Tables", publication, AUDIENCE, &all)
}

/// For whom an export is made: who exports it decides.
pub(crate) const AUDIENCE: &str = "the provider and whom it chooses";

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
    sprs_table(view).csv()
}

/// The same as a table of a workbook.
#[must_use]
pub fn sprs_table(view: &SprsView) -> Table {
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
    let columns = [
        ("requirement", 16),
        ("title", 36),
        ("finding", 12),
        ("weight", 8),
        ("deduction", 10),
        ("partial_credit", 14),
        ("because", 50),
        ("controls", 40),
        ("poam", 12),
        ("may_stay_open", 14),
    ];
    Table::new("SPRS", "The SPRS score, requirement by requirement, and the score itself last", columns, rows.chain([total]))
}

/// The statement of applicability, one line a control of Annex A.
///
/// # Errors
/// None that a view can cause.
pub fn soa(view: &SoaView) -> Result<Vec<u8>, ExportError> {
    soa_table(view).csv()
}

/// The same as a table of a workbook.
#[must_use]
pub fn soa_table(view: &SoaView) -> Table {
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
    let columns = [
        ("control_id", 11),
        ("title", 34),
        ("applicable", 11),
        ("justification", 50),
        ("implemented", 13),
        ("status", 14),
        ("coverage", 12),
        ("responsibility", 24),
        ("implementation", 44),
        ("checks", 44),
        ("attestations", 44),
        ("collected_at", 22),
        ("as_of", 22),
    ];
    Table::new("Statement of applicability", format!("Statement of applicability, {}", view.title), columns, rows)
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
pub(crate) fn name(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
