//! The page of what is not covered: everything that a reader must not take for proven.

use proofbook_checks::Verdict;
use proofbook_evidence::assessment::Coverage;
use proofbook_evidence::views::RequirementView;
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::{CheckRow, ControlRow};

#[derive(Serialize)]
struct Gaps<'a> {
    frameworks: Vec<FrameworkGaps<'a>>,
    unproven: Vec<ControlRow<'a>>,
    attested: Vec<ControlRow<'a>>,
    unsigned: Vec<ControlRow<'a>>,
    errors: Vec<CheckRow<'a>>,
    stale: Vec<CheckRow<'a>>,
    skipped: Vec<CheckRow<'a>>,
    checks: Vec<CheckRow<'a>>,
}

#[derive(Serialize)]
struct FrameworkGaps<'a> {
    short_title: &'a str,
    requirements: u64,
    uncovered: Vec<Gap<'a>>,
    /// Requirements that somebody else has to meet, or nobody.
    elsewhere: Vec<Gap<'a>>,
}

#[derive(Serialize)]
struct Gap<'a> {
    requirement: &'a RequirementView,
    place: Option<&'a str>,
}

pub(super) fn gaps(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let frameworks = publication.frameworks.values().map(|framework| {
        let with = |kinds: &[Coverage]| {
            let found = framework.groups.iter().flat_map(|group| &group.requirements).filter(|one| kinds.contains(&one.coverage));
            found.map(|requirement| Gap { requirement, place: maker.places.of(&framework.id, &requirement.id) }).collect()
        };
        FrameworkGaps {
            short_title: &framework.short_title,
            requirements: framework.coverage.values().sum(),
            uncovered: with(&[Coverage::None]),
            elsewhere: with(&[Coverage::Customer, Coverage::Inherited, Coverage::NotApplicable]),
        }
    });
    let rows = || publication.controls.values().map(|control| ControlRow::new(control, publication));
    let with_statement =
        |is: fn(Verdict) -> bool| rows().filter(|row| row.control.attestations.iter().any(|need| is(need.status))).collect();
    let checks = |status| publication.checks.values().filter(move |check| check.status == status).map(CheckRow::new).collect();
    let page = Gaps {
        frameworks: frameworks.collect(),
        unproven: rows().filter(|row| row.unproven).collect(),
        attested: with_statement(|status| status == Verdict::Manual),
        unsigned: with_statement(|status| status != Verdict::Manual),
        errors: checks(Verdict::Error),
        stale: checks(Verdict::Stale),
        skipped: checks(Verdict::Skipped),
        checks: publication.checks.values().map(CheckRow::new).collect(),
    };
    maker.page("What is not covered", "not-covered", &page)
}
