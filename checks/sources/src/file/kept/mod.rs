//! Registers of what people do by a date: reports answered, staff trained, incidents told, access reviewed.
//!
//! Each register is one record with its entries, so that an empty one is a statement and not a missing object. A register says
//! itself to which day it is complete; the checks ask for that day first, since a list that nobody keeps proves nothing. Names of
//! people are read only to tell entries apart, and are not kept.

mod connections;
mod contracts;
mod deletions;
mod reports;
mod reviews;
mod staff;

use std::path::Path;

use proofbook_checks::inventory::Reason;
use proofbook_controls::yaml;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

pub use self::connections::NetworkTrialRegister;
pub use self::contracts::{ContractRegister, ProcessingRegister};
pub use self::deletions::DeletionRegister;
pub use self::reports::{DisclosureRegister, IncidentRegister, RequestRegister, TicketRegister};
pub use self::reviews::{AccessReviewRegister, ExerciseRegister, RiskRegister};
pub use self::staff::StaffRegister;
use super::benchmark::date_in;
use super::reading::{Read, pinned};
use super::records::{Records, content, parse};
use super::registers::Proof;
use crate::observed::{Unread, part};

/// A register that becomes one record.
pub(super) trait Register: Serialize + DeserializeOwned {
    /// The kind of the record.
    const KIND: &'static str;
    /// The member that holds the entries.
    const ENTRIES: &'static str;

    /// The names by which entries are told apart.
    fn names(&self) -> Vec<&str>;

    /// The files that it pins: where in the record each belongs, and which file it is.
    fn proofs(&self) -> Vec<(usize, &'static str, &Proof)> {
        Vec::new()
    }
}

/// The record of a register.
pub(super) fn read<R: Register>(root: &Path, name: &str, file: &Read) -> Records {
    let register: R = if has_ending(name, "csv") { from_csv::<R>(name, file) } else { parse(name, file) }.map_err(without_quotes)?;
    told_apart(&register.names())?;
    let mut record = content(&register);
    record["sha256"] = file.sha256.clone().into();
    for (at, member, proof) in register.proofs() {
        record[R::ENTRIES][at][member]["document"] = part(pinned(root, &proof.file, &proof.sha256));
    }
    Ok(vec![(R::KIND, name.to_owned(), record)])
}

// A fault quotes what it found, and that may be the name of a person.
fn without_quotes(fault: Unread) -> Unread {
    let parts = fault.detail.split('"').enumerate();
    let detail: String = parts.map(|(at, part)| if at % 2 == 1 { "\"…\"" } else { part }).collect();
    Unread::new(fault.reason, detail)
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

// Names in these registers come from other systems (`SEC-12`, `2026/7`), so any text will do that stands there once.
fn told_apart(names: &[&str]) -> Result<(), Unread> {
    let mut known = std::collections::BTreeSet::new();
    // The name is not repeated: it may be that of a person.
    match names.iter().position(|name| name.trim().is_empty() || !known.insert(*name)) {
        None => Ok(()),
        Some(at) => Err(Unread::new(Reason::ParseError, format!("the id of entry {} is empty, or stands there twice", at + 1))),
    }
}

// An export of another system: the first line names the members, and the day to which it is complete stands in the file's name.
fn from_csv<R: Register>(name: &str, file: &Read) -> Result<R, Unread> {
    let fault = |detail: String| Unread::new(Reason::ParseError, format!("{name}: {detail}"));
    let as_of = date_in(name).ok_or_else(|| {
        fault(
            "the name of the file holds no date (2026-06-01 or 20260601), and a table does not say to which day it is complete".to_owned(),
        )
    })?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file.text()?.trim_start_matches('\u{feff}').as_bytes());
    let head = reader.headers().map_err(|error| fault(csv_fault(&error)))?.clone();
    let mut entries = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| fault(csv_fault(&error)))?;
        let cells = head.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
        entries.push(Json::Object(cells.map(|(member, cell)| (member.to_owned(), typed(cell))).collect()));
    }
    // By the same reader as YAML, of which JSON is a part: so places and words of a fault are the same.
    let text = json!({"as_of": as_of.to_string(), R::ENTRIES: entries}).to_string();
    yaml::parse(name, &text).map_err(|found| fault(found.message))
}

fn typed(cell: &str) -> Json {
    match cell {
        "true" | "yes" => true.into(),
        "false" | "no" => false.into(),
        text => text.into(),
    }
}

// What a fault of the reader says may repeat a cell, and with it a name.
fn csv_fault(error: &csv::Error) -> String {
    match error.position() {
        Some(place) => format!("line {} is no row of the table that its first line tells", place.line()),
        None => "it is no table of values separated by commas".to_owned(),
    }
}
