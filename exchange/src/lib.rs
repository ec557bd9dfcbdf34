//! Foreign formats, one file each. Every one is a pure function of a bundle and its views into bytes.
//!
//! The shapes are written down here apart from the model, so that a change inside does not change what others read.

mod auditor_zip;
mod csv_table;
pub mod diff;
pub mod history;
pub mod import;
pub mod ipe;
mod markdown_table;
pub mod matrix;
pub mod notices;
mod oscal_ar;
mod parquet_table;
mod records;
mod registers;
pub mod sample;
mod sarif;
pub mod sheet;
pub mod tables;

use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::views::Publication;

/// What a format is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// The views of the bundle.
    pub publication: &'i Publication,
    /// The bundle.
    pub bundle: &'i Bundle,
}

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A part of the bundle could not be read.
    #[error("reading the bundle")]
    Bundle(#[from] proofbook_evidence::bundle::BundleError),
    /// A file of the bundle could not be read.
    #[error("reading {path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A value has no JSON form.
    #[error("writing JSON")]
    Json(#[from] serde_json::Error),
    /// A table could not be written.
    #[error("writing CSV")]
    Csv(#[from] csv::Error),
    /// A table could not be written.
    #[error("writing Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The archive could not be written.
    #[error("writing the archive")]
    Zip(#[from] zip::result::ZipError),
    /// A report for tests could not be written.
    #[error("writing JUnit")]
    Junit(#[from] quick_junit::SerializeError),
    /// A workbook could not be written.
    #[error("writing a workbook")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// A text is longer than a cell of a workbook may be.
    #[error("the sheet `{sheet}`, row {row}, column {column}: the text is longer than the 32,767 characters that a cell holds")]
    Cell {
        /// The sheet.
        sheet: String,
        /// The row, from 1.
        row: u32,
        /// The column, from 1.
        column: u16,
    },
    /// The bundle's scope lacks what the format is about.
    #[error("the scope of this bundle does not hold {0}; put it in scope in `proofbook.yaml` and scan")]
    NotInScope(&'static str),
    /// A page could not be filled in.
    #[error("filling in a page")]
    Template(#[from] tera::Error),
}

/// A format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The name on the command line.
    pub name: &'static str,
    /// What it is, and for whom.
    pub doc: &'static str,
    /// Writes it.
    pub write: fn(&Input<'_>) -> Result<Vec<u8>, ExportError>,
}

/// All formats, sorted by name.
pub const FORMATS: &[Format] = &[
    Format {
        name: "auditor-zip",
        doc: "an archive for auditors: an index page, tables, the bundle, a list of hashes",
        write: auditor_zip::write,
    },
    Format { name: "matrix", doc: "the responsibility matrix by layer and control, as CSV", write: matrix::write_controls },
    Format {
        name: "matrix-cmmc",
        doc: "the responsibility matrix of CMMC (SRM) by assessment objective, as CSV",
        write: matrix::write_cmmc,
    },
    Format {
        name: "matrix-csa",
        doc: "the ownership of controls in the words of CSA's questionnaire (SSRM), as CSV",
        write: matrix::write_csa,
    },
    Format { name: "matrix-fedramp", doc: "FedRAMP's customer responsibility matrix (CRM), as CSV", write: matrix::write_fedramp },
    Format {
        name: "matrix-requirements",
        doc: "the responsibility matrix by requirement of all frameworks in scope, as CSV",
        write: matrix::write_requirements,
    },
    Format { name: "matrix-xlsx", doc: "the responsibility matrix in all its forms, as a workbook", write: matrix::write_book },
    Format { name: "oscal-ar", doc: "OSCAL assessment results, valid for 1.1.3 and 1.2.1", write: oscal_ar::write },
    Format { name: "records", doc: "evidence records, one a check, subject and run, as lines of canonical JSON", write: records::write },
    Format { name: "sarif", doc: "SARIF 2.1.0 for code scanning", write: sarif::write },
    Format {
        name: "tables-xlsx",
        doc: "a workbook: applicability, SPRS score, retention, subprocessors, populations, as far as they are there",
        write: tables::write_book,
    },
];
