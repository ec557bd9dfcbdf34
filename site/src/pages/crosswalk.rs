//! What requirements correspond to elsewhere: the block beneath a requirement, and the page that says how it is known.

use std::collections::BTreeMap;

use proofbook_controls::crosswalk::Way;
use proofbook_evidence::views::RequirementView;
use proofbook_evidence::views::crosswalk::{
    AlikeView, CatalogView, CrosswalkView, ElsewhereView, InCatalogView, PairView, ReachedView, WayTally,
};
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
    /// The command that prints all of it, where something is left out.
    command: Option<String>,
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
    requirements: Vec<ReachedRow<'a>>,
}

#[derive(Serialize)]
struct ReachedRow<'a> {
    reached: &'a ReachedView,
    /// Where it is printed, from the top of the site; none where it is not in scope.
    place: Option<&'a str>,
    /// The control, by its title where this publication has it.
    control: Option<&'a str>,
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
            command: found.shortened().then(|| command(framework, requirement)),
        }
    }
}

impl<'a> AlikeRow<'a> {
    fn new(maker: &Maker<'a>, catalog: &str, alike: &'a AlikeView) -> Self {
        let control = |id: &'a String| maker.publication.controls.get(id).map_or(id.as_str(), |control| &control.title);
        let row = |reached: &'a ReachedView| ReachedRow {
            reached,
            place: maker.places.of(catalog, &reached.id),
            control: reached.control.as_ref().map(control),
        };
        Self { alike, requirements: alike.requirements.iter().map(row).collect() }
    }
}

fn command(framework: &str, requirement: &str) -> String {
    format!("proofbook crosswalk {} --framework {framework}", quoted(requirement))
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

/// Whether any requirement corresponds to another, so that there is a page on it.
pub(super) fn told(maker: &Maker<'_>) -> bool {
    !maker.publication.crosswalk.pairs.is_empty()
}

/// The page; none where no requirement corresponds to anything.
pub(super) fn crosswalk(maker: &Maker<'_>) -> Result<Option<Page>, SiteError> {
    if !told(maker) {
        return Ok(None);
    }
    let crosswalk = &maker.publication.crosswalk;
    let both = |pair: &'_ PairView| [(pair.one.clone(), pair.other.clone()), (pair.other.clone(), pair.one.clone())];
    let by_ends: BTreeMap<_, _> = crosswalk.pairs.iter().flat_map(|pair| both(pair).map(|ends| (ends, pair.ways.as_slice()))).collect();
    let row = |catalog| MatrixRow::new(maker, crosswalk, &by_ends, catalog);
    let mut tied = crosswalk.requirements.iter().flat_map(|(id, all)| all.iter().map(move |(requirement, found)| (id, requirement, found)));
    let example = tied.find(|(_, _, found)| found.shortened());
    let page = CrosswalkPage {
        crosswalk,
        ways: Way::ALL,
        rows: crosswalk.catalogs.iter().filter(|catalog| catalog.in_scope).map(row).collect(),
        command: example.map(|(id, requirement, _)| command(id, requirement)),
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
