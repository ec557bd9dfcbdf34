//! The shared-responsibility matrix as tables: by layer and control, by requirement of each framework, and in the forms that
//! assessors ask for. Every table prints the same view; no cell says "N/A".

use proofbook_controls::Split;
use proofbook_evidence::views::duty::{CustomerCheckView, DutyRow, Inherits, Ownership};
use proofbook_evidence::views::{FrameworkView, LayerView, MatrixRow, Publication};

use crate::sheet::{Table, TableFile, workbook};
use crate::tables::{AUDIENCE, name};
use crate::{ExportError, Input};

/// The title of the matrix, as documents and pages have it.
pub const TITLE: &str = "Shared responsibility";

// What a row of one of several objectives says.
const WHOLE: &str = "Stated for the whole requirement; part it among its objectives before relying on one.\n";

// The frameworks that have a form of their own.
const FEDRAMP: &str = "fedramp-rev5";
const CMMC: &str = "cmmc-2.0";

/// All tables of the matrix: controls, each framework in scope, and the forms of those that have one.
#[must_use]
pub fn tables(publication: &Publication) -> Vec<Table> {
    let frameworks = publication.frameworks.values().map(|framework| by_requirement(publication, framework));
    let forms = [fedramp_crm(publication), cmmc_srm(publication)].into_iter().flatten();
    [by_control(publication)].into_iter().chain(frameworks).chain(forms).chain([csa_ssrm(publication)]).collect()
}

/// The workbook with all tables.
///
/// # Errors
/// A text that is too long for a cell.
pub fn book(publication: &Publication, audience: &str) -> Result<Vec<u8>, ExportError> {
    workbook(TITLE, publication, audience, &tables(publication))
}

/// The files of the matrix that lie beside the documents: the workbook, and each table that others ask for by itself.
///
/// # Errors
/// A text that is too long for a cell.
pub fn files(publication: &Publication, audience: &str) -> Result<Vec<TableFile>, ExportError> {
    let mut files =
        vec![TableFile::new("responsibility-matrix.xlsx", "Shared responsibility matrix, workbook", book(publication, audience)?)];
    let forms = [
        ("responsibility-matrix.csv", "Shared responsibility matrix by control, CSV", Some(by_control(publication))),
        ("responsibility-by-requirement.csv", "Shared responsibility matrix by requirement, CSV", all_requirements(publication)),
        ("fedramp-crm.csv", "Customer responsibility matrix of FedRAMP Rev5, CSV", fedramp_crm(publication)),
        ("cmmc-srm.csv", "Shared responsibility matrix of CMMC, CSV", cmmc_srm(publication)),
        ("csa-ssrm.csv", "Ownership of controls in the words of CSA's questionnaire, CSV", Some(csa_ssrm(publication))),
    ];
    for (name, title, table) in forms {
        if let Some(table) = table {
            files.push(TableFile::new(name, title, table.csv()?));
        }
    }
    Ok(files)
}

// The matrices of all frameworks one below the other; none where no framework is in scope.
fn all_requirements(publication: &Publication) -> Option<Table> {
    let mut tables = publication.frameworks.values().map(|framework| by_requirement(publication, framework));
    let mut all = tables.next()?;
    all.rows.extend(tables.flat_map(|table| table.rows));
    Some(all)
}

/// The matrix by layer and control.
#[must_use]
pub fn by_control(publication: &Publication) -> Table {
    let columns = [
        ("layer", 22),
        ("control", 24),
        ("title", 28),
        ("split", 10),
        ("provider", 55),
        ("customer", 55),
        ("inherited_from", 20),
        ("customer_checks", 55),
        ("status", 12),
        ("basis", 11),
        ("requirements", 40),
        ("as_of", 22),
    ];
    let row = |(layer, row): (&LayerView, &MatrixRow)| {
        [
            layer.title.to_owned(),
            row.control.clone(),
            row.title.clone(),
            row.split.as_str().to_owned(),
            lines(row.provider.iter().cloned()),
            lines(row.customer.iter().cloned()),
            row.inherited_from.clone().unwrap_or_else(|| "nobody".to_owned()),
            checks(row.split, row.customer_checks.iter()),
            row.status.to_string(),
            name(row.basis),
            row.requirements.join("; "),
            publication.run.as_of.to_string(),
        ]
    };
    Table::new("Controls", "Who does what, by layer and control", columns, rows(publication).map(row))
}

/// The matrix by requirement of a framework.
#[must_use]
pub fn by_requirement(publication: &Publication, framework: &FrameworkView) -> Table {
    let columns = [
        ("framework", 16),
        ("requirement", 16),
        ("title", 30),
        ("split", 10),
        ("inherits", 10),
        ("ssrm_ownership", 20),
        ("provider", 55),
        ("customer", 55),
        ("not_covered", 45),
        ("customer_checks", 50),
        ("evidence", 32),
        ("as_of", 22),
    ];
    let row = |row: DutyRow<'_>| {
        [
            framework.id.clone(),
            row.requirement.id.clone(),
            row.requirement.title.clone(),
            row.duty.split.as_str().to_owned(),
            row.duty.inherits.as_str().to_owned(),
            row.duty.ownership.as_str().to_owned(),
            lines(row.provider.iter().cloned()),
            lines(row.customer.iter().cloned()),
            not_covered(&row),
            checks(row.duty.split, row.checks.iter().copied()),
            evidence(&row),
            publication.run.as_of.to_string(),
        ]
    };
    let left = framework.groups.iter().flat_map(|group| &group.requirements).filter(|one| one.duty.is_none()).count();
    let left = if left == 0 { String::new() } else { format!("; {left} requirements that bind neither side are left out") };
    let title = format!("Who does what about each requirement of {}{left}", framework.short_title);
    Table::new(framework.id.clone(), title, columns, publication.duties(framework).map(row))
}

/// FedRAMP's customer responsibility matrix (Rev5, appendix J), in the columns of its template; none where it is not in scope.
#[must_use]
pub fn fedramp_crm(publication: &Publication) -> Option<Table> {
    let framework = publication.frameworks.get(FEDRAMP)?;
    let columns =
        [("Control ID", 14), ("Can Be Inherited from CSP", 16), ("Specific Inheritance and Customer Agency/CSP Responsibilities", 110)];
    let row = |row: DutyRow<'_>| {
        let inherits = row.duty.inherits;
        // By the rule of the template, what is inherited whole needs no more words.
        let text = if inherits == Inherits::Yes { String::new() } else { responsibilities(&row) };
        [row.requirement.id.clone(), inherits.as_str().to_owned(), text]
    };
    Some(Table::new("FedRAMP CRM", "Customer responsibility matrix of FedRAMP Rev5", columns, publication.duties(framework).map(row)))
}

/// The responsibility matrix of CMMC by assessment objective (NIST SP 800-171A), or by requirement where no objectives are told; none
/// where CMMC is not in scope. Duties are those of the whole requirement, and every row of an objective says so.
#[must_use]
pub fn cmmc_srm(publication: &Publication) -> Option<Table> {
    let framework = publication.frameworks.get(CMMC)?;
    let columns = [
        ("requirement id", 18),
        ("objective id", 14),
        ("provider responsibility", 60),
        ("customer responsibility", 60),
        ("split", 11),
        ("service/component", 22),
        ("evidence reference (provider)", 34),
        ("notes", 50),
    ];
    let row = |row: &DutyRow<'_>, objective: &str, note: &str| {
        [
            row.requirement.id.clone(),
            objective.to_owned(),
            lines(row.provider.iter().cloned()),
            lines(row.customer.iter().cloned().chain(steps(row))),
            side(row.duty.split).to_owned(),
            publication.facts.product.name.clone(),
            evidence(row),
            format!("{note}{}", not_covered(row)),
        ]
    };
    let rows = publication.duties(framework).flat_map(|duties| match duties.requirement.objectives.as_slice() {
        [] => vec![row(&duties, "not told", "")],
        [one] => vec![row(&duties, one, "")],
        several => several.iter().map(|objective| row(&duties, objective, WHOLE)).collect(),
    });
    Some(Table::new("CMMC SRM", "Shared responsibility matrix of CMMC, by assessment objective", columns, rows))
}

/// The ownership of each control in the words of CSA's questionnaire (shared security responsibility model).
#[must_use]
pub fn csa_ssrm(publication: &Publication) -> Table {
    let columns = [
        ("Control", 24),
        ("Title", 30),
        ("SSRM Control Ownership", 22),
        ("CSP Implementation Description", 60),
        ("CSC Responsibilities", 60),
        ("Evidence", 14),
    ];
    let row = |(_, row): (&LayerView, &MatrixRow)| {
        let customer = match row.ownership {
            Ownership::Provider | Ownership::ThirdParty | Ownership::SharedWithThirdParty => lines(row.customer.iter().cloned()),
            Ownership::Customer | Ownership::Shared => lines(row.customer.iter().cloned().chain(commands(row.customer_checks.iter()))),
        };
        [
            row.control.clone(),
            row.title.clone(),
            row.ownership.as_str().to_owned(),
            lines(row.provider.iter().cloned()),
            customer,
            row.status.to_string(),
        ]
    };
    Table::new("CSA SSRM", "Ownership of controls in the words of CSA's questionnaire", columns, rows(publication).map(row))
}

pub(crate) fn write_controls(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    by_control(input.publication).csv()
}

pub(crate) fn write_requirements(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    all_requirements(input.publication).ok_or(ExportError::NotInScope("any framework"))?.csv()
}

pub(crate) fn write_fedramp(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    fedramp_crm(input.publication).ok_or(ExportError::NotInScope(FEDRAMP))?.csv()
}

pub(crate) fn write_cmmc(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    cmmc_srm(input.publication).ok_or(ExportError::NotInScope(CMMC))?.csv()
}

pub(crate) fn write_csa(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    csa_ssrm(input.publication).csv()
}

pub(crate) fn write_book(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    book(input.publication, AUDIENCE)
}

fn rows(publication: &Publication) -> impl Iterator<Item = (&LayerView, &MatrixRow)> {
    publication.matrix.iter().flat_map(|layer| layer.rows.iter().map(move |row| (layer, row)))
}

const fn side(split: Split) -> &'static str {
    match split {
        Split::Provider => "Provider",
        Split::Customer => "Customer",
        Split::Shared => "Shared",
    }
}

fn lines(sentences: impl Iterator<Item = String>) -> String {
    sentences.collect::<Vec<_>>().join("\n")
}

fn commands<'c>(checks: impl Iterator<Item = &'c CustomerCheckView>) -> impl Iterator<Item = String> {
    checks.map(|check| format!("Check {}: {}", check.id, check.command))
}

// What a customer can check, or why there is nothing: a cell that says nothing would be read as nothing to do.
fn checks<'c>(split: Split, checks: impl Iterator<Item = &'c CustomerCheckView>) -> String {
    let all = lines(commands(checks));
    match (all.is_empty(), split) {
        (false, _) => all,
        (true, Split::Provider) => "Nothing to check: the customer has no part in it.".to_owned(),
        (true, _) => "No check of the library shows the customer's part; keep a record of it.".to_owned(),
    }
}

fn steps(row: &DutyRow<'_>) -> impl Iterator<Item = String> {
    commands(row.checks.iter().copied())
}

fn not_covered(row: &DutyRow<'_>) -> String {
    if row.evidence.is_empty() { "All of it: no control of the provider covers a part.".to_owned() } else { row.not_covered.join("\n") }
}

fn evidence(row: &DutyRow<'_>) -> String {
    if row.evidence.is_empty() {
        return "nothing shown".to_owned();
    }
    lines(row.evidence.iter().map(|(control, status)| format!("{control}: {status}")))
}

// One cell for both sides: what is inherited now, what is not, what the customer does, and what is left to it.
fn responsibilities(row: &DutyRow<'_>) -> String {
    let mut out = Vec::new();
    if row.duty.inherits == Inherits::Partial {
        out.push(format!("Inherited, as shown now: {}.", row.duty.holding.join(", ")));
    }
    if !row.duty.open.is_empty() {
        out.push(format!("Not inherited, as it does not hold now or is not known: {}.", row.duty.open.join(", ")));
    }
    out.extend(row.provider.iter().map(|sentence| format!("Provider: {sentence}")));
    out.extend(row.customer.iter().map(|sentence| format!("Customer: {sentence}")));
    out.extend(steps(row));
    if !row.not_covered.is_empty() {
        out.push(format!("Not covered by the provider's controls: {}", row.not_covered.join(" ")));
    }
    out.join("\n")
}
