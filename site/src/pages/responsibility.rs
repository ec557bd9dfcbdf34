//! The responsibility matrix: a page by layer and control, and beneath it a page for each framework in scope.

use proofbook_controls::Layer;
use proofbook_evidence::views::duty::DutyView;
use proofbook_evidence::views::{FrameworkView, MatrixRow, Publication};
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;

#[derive(Serialize)]
struct Matrix<'a> {
    layers: Vec<MatrixLayer<'a>>,
    /// The frameworks in scope.
    frameworks: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct MatrixLayer<'a> {
    layer: Layer,
    title: &'a str,
    rows: Vec<Duties<'a>>,
}

#[derive(Serialize)]
struct Duties<'a> {
    row: &'a MatrixRow,
    references: Vec<References<'a>>,
}

/// The requirements of one framework.
#[derive(Serialize)]
struct References<'a> {
    framework: &'a str,
    title: &'a str,
    requirements: Vec<Reference<'a>>,
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
    /// Where it is printed, from the top of the site.
    place: Option<&'a str>,
}

pub(super) fn responsibility(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let layers = maker.publication.matrix.iter().map(|layer| MatrixLayer {
        layer: layer.layer,
        title: layer.title,
        rows: layer.rows.iter().map(|row| Duties { row, references: references(row, maker) }).collect(),
    });
    let frameworks = || maker.publication.frameworks.values();
    let named = frameworks().map(|framework| Named { id: &framework.id, title: &framework.short_title }).collect();
    let mut page = maker.page("Shared responsibility", "responsibility", &Matrix { layers: layers.collect(), frameworks: named })?;
    page.beneath = frameworks().map(|framework| of_framework(maker, framework)).collect::<Result<_, _>>()?;
    Ok(page)
}

#[derive(Serialize)]
struct OfFramework<'a> {
    framework: &'a FrameworkView,
    rows: Vec<Duty<'a>>,
    /// Requirements that bind neither side.
    left: usize,
}

#[derive(Serialize)]
struct Duty<'a> {
    id: &'a str,
    title: &'a str,
    /// Where the requirement is printed, from the top of the site.
    place: Option<&'a str>,
    duty: &'a DutyView,
    ownership: &'static str,
    holding: Vec<Named<'a>>,
    open: Vec<Named<'a>>,
}

/// A control, or a framework.
#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    title: &'a str,
}

fn of_framework(maker: &Maker<'_>, framework: &FrameworkView) -> Result<Page, SiteError> {
    let all = || framework.groups.iter().flat_map(|group| &group.requirements);
    let rows: Vec<Duty<'_>> = all()
        .filter_map(|requirement| {
            let duty = requirement.duty.as_ref()?;
            Some(Duty {
                id: &requirement.id,
                title: &requirement.title,
                place: maker.places.of(&framework.id, &requirement.id),
                duty,
                ownership: duty.ownership.as_str(),
                holding: named(&duty.holding, maker.publication),
                open: named(&duty.open, maker.publication),
            })
        })
        .collect();
    let left = all().count() - rows.len();
    let path = format!("responsibility/{}.md", framework.id);
    maker.from("responsibility-of.md", &framework.short_title, path, &OfFramework { framework, rows, left })
}

fn named<'a>(ids: &'a [String], publication: &'a Publication) -> Vec<Named<'a>> {
    ids.iter().filter_map(|id| Some(Named { id, title: &publication.controls.get(id)?.title })).collect()
}

fn references<'a>(row: &'a MatrixRow, maker: &Maker<'a>) -> Vec<References<'a>> {
    let mut out: Vec<References<'_>> = Vec::new();
    for (id, requirement) in row.requirements.iter().filter_map(|reference| reference.split_once(' ')) {
        let reference = Reference { id: requirement, place: maker.places.of(id, requirement) };
        if let Some(one) = out.iter_mut().find(|one| one.framework == id) {
            one.requirements.push(reference);
            continue;
        }
        let title = maker.publication.frameworks.get(id).map_or(id, |view| view.short_title.as_str());
        out.push(References { framework: id, title, requirements: vec![reference] });
    }
    out
}
