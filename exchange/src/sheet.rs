//! Tables for people who work in spreadsheets: one table is the same in CSV and in a workbook, cell by cell.
//!
//! A cell that a spreadsheet would run as a formula begins with `'` in both, and is text in a workbook. A workbook opens with a sheet
//! that says what it is: title, product, scope, times, and the digest of the bundle. The same tables give the same bytes.

use proofbook_evidence::verify::SignatureState;
use proofbook_evidence::views::Publication;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

use crate::ExportError;
use crate::csv_table;

/// A table with its heading.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name of the sheet: at most 31 characters.
    pub name: String,
    /// What the table is, in a sentence.
    pub title: String,
    /// The columns with their widths, in characters.
    pub columns: Vec<(&'static str, u16)>,
    /// The rows; each has a cell for every column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of which every row has as many cells as there are columns.
    pub(crate) fn new<const N: usize>(
        name: impl Into<String>,
        title: impl Into<String>,
        columns: [(&'static str, u16); N],
        rows: impl Iterator<Item = [String; N]>,
    ) -> Self {
        Self { name: name.into(), title: title.into(), columns: columns.to_vec(), rows: rows.map(Vec::from).collect() }
    }

    /// The table in CSV.
    ///
    /// # Errors
    /// None that a table can cause.
    pub fn csv(&self) -> Result<Vec<u8>, ExportError> {
        csv_table::write(self.columns.iter().map(|(name, _)| *name), self.rows.iter().cloned())
    }
}

/// A table as a file that lies beside the documents.
#[derive(Clone, Debug)]
pub struct TableFile {
    /// The name of the file.
    pub name: String,
    /// What it is, for a list of downloads.
    pub title: String,
    /// The content.
    pub bytes: Vec<u8>,
}

impl TableFile {
    pub(crate) fn new(name: impl Into<String>, title: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), title: title.into(), bytes }
    }
}

// The guard of formulas adds a character to what Excel itself allows in a cell.
const LONGEST: usize = 32_766;

/// A workbook of tables (Office Open XML, ECMA-376): a sheet about it, then a sheet a table. `audience` is for whom it was made.
///
/// # Errors
/// A name of a sheet that is too long or twice; a text that is too long for a cell.
pub fn workbook(title: &str, publication: &Publication, audience: &str, tables: &[Table]) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(publication.run.as_of.as_second())?;
    let title_of_file = format!("{title}: {}", publication.facts.product.name);
    book.set_properties(&DocProperties::new().set_title(title_of_file).set_creation_datetime(&made));
    about(book.add_worksheet(), &describe(title, publication, audience, tables))?;
    for table in tables {
        sheet(book.add_worksheet(), table)?;
    }
    Ok(book.save_to_buffer()?)
}

// What stands on the first sheet.
fn describe(title: &str, publication: &Publication, audience: &str, tables: &[Table]) -> Vec<(String, String)> {
    let (run, facts) = (&publication.run, &publication.facts);
    let signature = match run.signature {
        None => "UNSIGNED: the bundle carries no signature",
        Some(SignatureState::Valid) => "valid",
        Some(SignatureState::NotChecked) => "NOT CHECKED: the bundle carries a signature",
        Some(_) => "DOES NOT COUNT: the signature does not hold, or its key is not trusted",
    };
    let past = if run.stale { " (past: STALE)" } else { "" };
    let fixed = [
        ("Title", title.to_owned()),
        ("Product", facts.product.name.clone()),
        ("Provider", facts.organisation.legal_name.clone()),
        ("Workspace", run.workspace.clone()),
        ("Environment", run.environment.clone()),
        ("Scope", (if run.full { "full: every check ran" } else { "PARTIAL: only checks chosen by name ran" }).to_owned()),
        ("Made for", audience.to_owned()),
        ("Collected at", run.collected_at.to_string()),
        ("As of", run.as_of.to_string()),
        ("Fresh until", format!("{}{past}", run.fresh_until)),
        ("Origin", run.assurance.as_str().to_owned()),
        ("Signature", signature.to_owned()),
        ("Run", run.run_id.clone()),
        ("SHA-256 of the manifest", run.manifest_sha256.clone()),
        ("Made by", format!("Proofbook {}", run.tool_version)),
        ("Corrections", "Correct the source and print it again; what is edited here is no evidence.".to_owned()),
    ];
    let sheets = tables.iter().map(|table| (format!("Sheet {}", table.name), format!("{} ({} rows)", table.title, table.rows.len())));
    fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(sheets).collect()
}

fn about(sheet: &mut Worksheet, lines: &[(String, String)]) -> Result<(), XlsxError> {
    let (name, value) = (Format::new().set_bold().set_align(FormatAlign::Top), wrapped());
    sheet.set_name("About")?.set_column_width(0, 30)?.set_column_width(1, 90)?.set_print_fit_to_pages(1, 0);
    for (row, (label, text)) in (0..).zip(lines) {
        sheet.write_string_with_format(row, 0, csv_table::guard(label.clone()), &name)?;
        sheet.write_string_with_format(row, 1, csv_table::guard(text.clone()), &value)?;
    }
    Ok(())
}

fn sheet(sheet: &mut Worksheet, table: &Table) -> Result<(), ExportError> {
    let heading = wrapped().set_bold().set_background_color("E9EDF1").set_border_bottom(FormatBorder::Thin);
    let cells = wrapped();
    sheet.set_name(&table.name)?;
    for (column, (name, width)) in (0..).zip(&table.columns) {
        sheet.set_column_width(column, *width)?;
        sheet.write_string_with_format(0, column, *name, &heading)?;
    }
    for (row, cells_of_row) in (1..).zip(&table.rows) {
        for (column, text) in (0..).zip(cells_of_row) {
            if text.chars().map(char::len_utf16).sum::<usize>() > LONGEST {
                return Err(ExportError::Cell { sheet: table.name.clone(), row: row + 1, column: column + 1 });
            }
            sheet.write_string_with_format(row, column, csv_table::guard(text.clone()), &cells)?;
        }
    }
    let last = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
    let right = u16::try_from(table.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
    sheet.set_freeze_panes(1, 1)?.autofilter(0, 0, last, right)?.set_repeat_rows(0, 0)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    Ok(())
}

fn wrapped() -> Format {
    Format::new().set_text_wrap().set_align(FormatAlign::Top)
}
