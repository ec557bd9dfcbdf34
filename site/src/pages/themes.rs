//! Pages that gather controls: the security page, the pages on one theme, and the responsibility matrix.

use proofbook_controls::Layer;
use proofbook_evidence::views::MatrixRow;
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::data::{Statement, Theme};
use crate::error::SiteError;
use crate::rows::{ControlRow, FigureRow};

#[derive(Serialize)]
struct Security<'a> {
    layers: Vec<LayerSection<'a>>,
    themes: &'a [Theme],
}

#[derive(Serialize)]
struct LayerSection<'a> {
    layer: Layer,
    title: &'a str,
    text: &'a str,
    controls: Vec<ControlRow<'a>>,
}

pub(super) fn security(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let layers = publication.matrix.iter().map(|layer| {
        let controls = layer.rows.iter().filter_map(|row| publication.controls.get(&row.control));
        LayerSection {
            layer: layer.layer,
            title: layer.title,
            text: maker.data.layers.get(&layer.layer).map_or("", String::as_str),
            controls: controls.map(|control| ControlRow::new(control, publication)).collect(),
        }
    });
    let mut page = maker.page("Security", "security", &Security { layers: layers.collect(), themes: &maker.data.themes })?;
    page.beneath = maker.data.themes.iter().map(|theme| theme_page(maker, theme)).collect::<Result<_, _>>()?;
    Ok(page)
}

#[derive(Serialize)]
struct ThemePage<'a> {
    title: &'a str,
    intro: &'a str,
    sections: Vec<ThemeSection<'a>>,
    /// How long personal data is kept, by category, as the provider states.
    retention: Vec<(&'a String, &'a String)>,
}

#[derive(Serialize)]
struct ThemeSection<'a> {
    title: &'a str,
    text: &'a str,
    controls: Vec<ControlRow<'a>>,
    figures: Vec<FigureRow<'a>>,
    statement: Option<Statement>,
}

fn theme_page(maker: &Maker<'_>, theme: &Theme) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let sections = theme.sections.iter().map(|section| {
        let controls = section.controls.iter().filter_map(|id| publication.controls.get(id));
        ThemeSection {
            title: &section.title,
            text: &section.text,
            controls: controls.map(|control| ControlRow::new(control, publication)).collect(),
            statement: section.statement,
            figures: section.figures.iter().filter_map(|figure| FigureRow::new(figure, publication)).collect(),
        }
    });
    let retention = publication.facts.processing.iter().flat_map(|processing| &processing.retention).collect();
    let page = ThemePage { title: &theme.title, intro: &theme.intro, sections: sections.collect(), retention };
    maker.from("theme.md", &theme.title, format!("{}.md", theme.id), &page)
}

#[derive(Serialize)]
struct Matrix<'a> {
    layers: Vec<MatrixLayer<'a>>,
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
    maker.page("Shared responsibility", "responsibility", &Matrix { layers: layers.collect() })
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
