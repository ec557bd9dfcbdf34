//! Pages that gather controls: the security page and the pages on one theme.

use proofbook_controls::Layer;
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
