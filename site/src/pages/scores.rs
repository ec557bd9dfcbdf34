//! The pages that a framework brings with it: the SPRS score, and the statement of applicability.

use proofbook_evidence::views::soa::{Implemented, SoaRow, SoaView};
use proofbook_evidence::views::sprs::{SprsFinding, SprsRow, SprsView};
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;

#[derive(Serialize)]
struct SprsPage<'a> {
    sprs: &'a SprsView,
    open: Vec<Scored<'a>>,
    met: Vec<Scored<'a>>,
    deducted: u32,
}

#[derive(Serialize)]
struct Scored<'a> {
    row: &'a SprsRow,
    place: Option<&'a str>,
}

/// The score; none where no framework in scope has one.
pub(super) fn sprs(maker: &Maker<'_>) -> Result<Option<Page>, SiteError> {
    let Some(sprs) = &maker.publication.sprs else { return Ok(None) };
    let rows = |open: bool| {
        let found = sprs.requirements.iter().filter(move |row| (row.finding == SprsFinding::NotMet) == open);
        found.map(|row| Scored { row, place: maker.places.of(&sprs.framework, &row.id) }).collect()
    };
    let deducted = sprs.requirements.iter().map(|row| row.deduction).sum();
    maker.page("SPRS score", "sprs", &SprsPage { sprs, open: rows(true), met: rows(false), deducted }).map(Some)
}

#[derive(Serialize)]
struct SoaPage<'a> {
    soa: &'a SoaView,
    implemented: Vec<(&'static str, u64)>,
    rows: Vec<Applied<'a>>,
}

#[derive(Serialize)]
struct Applied<'a> {
    row: &'a SoaRow,
    place: Option<&'a str>,
    implemented: Option<&'static str>,
}

/// The statement; none where no framework in scope has one.
pub(super) fn soa(maker: &Maker<'_>) -> Result<Option<Page>, SiteError> {
    let Some(soa) = &maker.publication.soa else { return Ok(None) };
    let rows = soa.rows.iter().map(|row| Applied {
        row,
        place: maker.places.of(&soa.framework, &row.id),
        implemented: row.implemented.map(Implemented::as_str),
    });
    let implemented = soa.implemented.iter().map(|(value, count)| (value.as_str(), *count)).collect();
    maker.page("Statement of applicability", "statement-of-applicability", &SoaPage { soa, implemented, rows: rows.collect() }).map(Some)
}
