//! What requirements correspond to elsewhere: the block beneath a requirement, and the page that says how it is known.

use std::collections::BTreeMap;

use proofbook_controls::crosswalk::Way;
use proofbook_evidence::views::RequirementView;
use proofbook_evidence::views::crosswalk::{AlikeView, CatalogView, CrosswalkView, ElsewhereView, InCatalogView, PairView, WayTally};
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::places;

/// A requirement with what it corresponds to.
#[derive(Serialize)]
pub(super) struct RequirementRow<'a> {
    requirement: &'a RequirementView,
    /// None where nothing is asked of it: it is withdrawn.
    elsewhere: Option<ElsewhereRow<'a>>,
}

#[derive(Serialize)]
struct ElsewhereRow<'a> {
    ways: &'a [WayTally],
    catalogs: Vec<InCatalogRow<'a>>,
    /// The command that prints all of it.
    command: String,
}

#[derive(Serialize)]
struct InCatalogRow<'a> {
    catalog: &'a CatalogView,
    alike: Vec<AlikeRow<'a>>,
    more: u64,
}

#[derive(Serialize)]
struct AlikeRow<'a> {
    alike: &'a AlikeView,
    /// Each with its address from the top of the site, where it is in scope.
    requirements: Vec<(&'a str, Option<&'a str>)>,
    /// The title of the control; the id where this publication does not have it.
    control_title: Option<&'a str>,
    control_page: bool,
}

impl<'a> RequirementRow<'a> {
    pub(super) fn new(maker: &Maker<'a>, framework: &'a str, requirement: &'a RequirementView) -> Self {
        let crosswalk = &maker.publication.crosswalk;
        let elsewhere = crosswalk.of(framework, &requirement.id);
        Self { requirement, elsewhere: elsewhere.map(|found| ElsewhereRow::new(maker, crosswalk, framework, &requirement.id, found)) }
    }
}

impl<'a> ElsewhereRow<'a> {
    fn new(maker: &Maker<'a>, crosswalk: &'a CrosswalkView, framework: &str, requirement: &str, found: &'a ElsewhereView) -> Self {
        let row = |one: &'a InCatalogView| {
            let catalog = crosswalk.catalogs.iter().find(|catalog| catalog.id == one.catalog)?;
            let alike = one.alike.iter().map(|alike| AlikeRow::new(maker, &one.catalog, alike)).collect();
            Some(InCatalogRow { catalog, alike, more: one.more })
        };
        Self {
            ways: &found.ways,
            catalogs: found.catalogs.iter().filter_map(row).collect(),
            command: format!("proofbook crosswalk {} --framework {framework}", quoted(requirement)),
        }
    }
}

impl<'a> AlikeRow<'a> {
    fn new(maker: &Maker<'a>, catalog: &str, alike: &'a AlikeView) -> Self {
        let places = maker.places;
        let control = alike.control.as_deref();
        let known = control.and_then(|id| maker.publication.controls.get(id));
        Self {
            alike,
            requirements: alike.requirements.iter().map(|id| (id.as_str(), places.of(catalog, id))).collect(),
            control_title: known.map(|control| control.title.as_str()).or(control),
            control_page: known.is_some(),
        }
    }
}

// As a shell wants it: brackets mean something there.
fn quoted(id: &str) -> String {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if plain { id.to_owned() } else { format!("'{}'", id.replace('\'', r"'\''")) }
}

#[derive(Serialize)]
struct CrosswalkPage<'a> {
    crosswalk: &'a CrosswalkView,
    ways: [Way; 4],
    rows: Vec<MatrixRow<'a>>,
    /// A requirement that is tied to others, as an example for the command.
    command: Option<String>,
}

#[derive(Serialize)]
struct MatrixRow<'a> {
    catalog: &'a CatalogView,
    page: Option<String>,
    cells: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    catalog: &'a CatalogView,
    same: bool,
    ways: &'a [WayTally],
}

/// The page; none where no requirement corresponds to anything.
pub(super) fn crosswalk(maker: &Maker<'_>) -> Result<Option<Page>, SiteError> {
    let crosswalk = &maker.publication.crosswalk;
    if crosswalk.pairs.is_empty() {
        return Ok(None);
    }
    let both = |pair: &'_ PairView| [(pair.one.clone(), pair.other.clone()), (pair.other.clone(), pair.one.clone())];
    let by_ends: BTreeMap<_, _> = crosswalk.pairs.iter().flat_map(|pair| both(pair).map(|ends| (ends, pair.ways.as_slice()))).collect();
    let row = |catalog| MatrixRow::new(maker, crosswalk, &by_ends, catalog);
    let mut tied = crosswalk.requirements.iter().flat_map(|(id, all)| all.iter().map(move |(requirement, found)| (id, requirement, found)));
    let example = tied.find(|(_, _, found)| found.catalogs.iter().any(|one| one.more > 0));
    let page = CrosswalkPage {
        crosswalk,
        ways: Way::ALL,
        rows: crosswalk.catalogs.iter().filter(|catalog| catalog.in_scope).map(row).collect(),
        command: example.map(|(id, requirement, _)| format!("proofbook crosswalk {} --framework {id}", quoted(requirement))),
    };
    maker.page("Crosswalk", "crosswalk", &page).map(Some)
}

impl<'a> MatrixRow<'a> {
    fn new(
        maker: &Maker<'_>,
        crosswalk: &'a CrosswalkView,
        by_ends: &BTreeMap<(String, String), &'a [WayTally]>,
        catalog: &'a CatalogView,
    ) -> Self {
        let cell = |other: &'a CatalogView| Cell {
            catalog: other,
            same: other.id == catalog.id,
            ways: by_ends.get(&(catalog.id.clone(), other.id.clone())).copied().unwrap_or_default(),
        };
        Self {
            catalog,
            page: maker.publication.frameworks.get(&catalog.id).map(places::page),
            cells: crosswalk.catalogs.iter().map(cell).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_brackets_is_quoted_for_the_shell() {
        assert_eq!(quoted("A.8.24"), "A.8.24");
        assert_eq!(quoted("AC-2(1)"), "'AC-2(1)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
