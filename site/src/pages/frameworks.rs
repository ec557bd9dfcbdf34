//! The list of frameworks, and a page for each with its requirements as anchored sections; a large one has a page for each of its
//! own sections.

use std::collections::BTreeMap;

use proofbook_evidence::assessment::{Counts, Coverage};
use proofbook_evidence::views::{FrameworkView, GroupView};
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::places;
use crate::rows::{FrameworkRow, RelianceRow, Tally, kinds, tallies};

#[derive(Serialize)]
struct Frameworks<'a> {
    frameworks: Vec<FrameworkRow<'a>>,
}

#[derive(Serialize)]
struct FrameworkPage<'a> {
    row: FrameworkRow<'a>,
    framework: &'a FrameworkView,
    reliance: Vec<RelianceRow<'a>>,
    /// The sections with pages of their own; none where all requirements stand here.
    sections: Vec<SectionRow<'a>>,
}

#[derive(Serialize)]
struct SectionRow<'a> {
    id: &'a str,
    title: &'a str,
    /// The page, from the top of the site.
    place: String,
    requirements: usize,
    coverage: Vec<Tally>,
    statuses: Vec<Tally>,
}

#[derive(Serialize)]
struct SectionPage<'a> {
    framework: &'a FrameworkView,
    group: &'a GroupView,
}

// So many checks are named as those on which most rests.
const MOST: usize = 10;

pub(super) fn frameworks(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let frameworks = &maker.publication.frameworks;
    let rows = frameworks.values().map(FrameworkRow::new).collect();
    let mut page = maker.page("Frameworks", "frameworks", &Frameworks { frameworks: rows })?;
    page.beneath = frameworks.values().map(|framework| framework_page(maker, framework)).collect::<Result<_, _>>()?;
    Ok(page)
}

fn framework_page(maker: &Maker<'_>, framework: &FrameworkView) -> Result<Page, SiteError> {
    let places = places::sections(framework).unwrap_or_default();
    let values = FrameworkPage {
        row: FrameworkRow::new(framework),
        framework,
        reliance: RelianceRow::most(framework, maker.publication, MOST),
        sections: framework.groups.iter().zip(&places).map(|(group, place)| SectionRow::new(group, place)).collect(),
    };
    let mut page = maker.from("framework.md", &framework.short_title, markdown(&places::page(framework)), &values)?;
    let beneath = framework.groups.iter().zip(&places).map(|(group, place)| {
        maker.from("section.md", &format!("{} {}", group.id, group.title), markdown(place), &SectionPage { framework, group })
    });
    page.beneath = beneath.collect::<Result<_, _>>()?;
    Ok(page)
}

// The source of a page has the path of the page itself, with another ending.
fn markdown(place: &str) -> String {
    place.strip_suffix(".html").map_or_else(|| place.to_owned(), |stem| format!("{stem}.md"))
}

impl<'a> SectionRow<'a> {
    fn new(group: &'a GroupView, place: &str) -> Self {
        let mut coverage: BTreeMap<Coverage, u64> = BTreeMap::new();
        let mut statuses = Counts::new();
        for requirement in &group.requirements {
            *coverage.entry(requirement.coverage).or_insert(0) += 1;
            if let Some(status) = requirement.status {
                *statuses.entry(status).or_insert(0) += 1;
            }
        }
        Self {
            id: &group.id,
            title: &group.title,
            place: place.to_owned(),
            requirements: group.requirements.len(),
            coverage: kinds(&coverage),
            statuses: tallies(&statuses),
        }
    }
}
