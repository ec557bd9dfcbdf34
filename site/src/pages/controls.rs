//! The list of controls, and a page for each.

use proofbook_checks::Verdict;
use proofbook_evidence::views::ControlView;
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::{ControlRow, Fold, ServedRow, folds};

#[derive(Serialize)]
struct Controls<'a> {
    layers: Vec<Layer<'a>>,
}

#[derive(Serialize)]
struct Layer<'a> {
    title: &'a str,
    controls: Vec<&'a ControlView>,
}

pub(super) fn controls(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let layers = publication.matrix.iter().map(|layer| Layer {
        title: layer.title,
        controls: layer.rows.iter().filter_map(|row| publication.controls.get(&row.control)).collect(),
    });
    let mut page = maker.page("Controls", "controls", &Controls { layers: layers.collect() })?;
    let mut by_title: Vec<_> = publication.controls.values().collect();
    by_title.sort_by(|a, b| a.title.cmp(&b.title));
    page.beneath = by_title.into_iter().map(|control| control_page(maker, control)).collect::<Result<_, _>>()?;
    Ok(page)
}

#[derive(Serialize)]
struct ControlPage<'a> {
    #[serde(flatten)]
    row: ControlRow<'a>,
    disagreements: Vec<Fold<DisagreementRow<'a>>>,
    disagreements_total: usize,
    /// Whether this edition names the subjects.
    named: bool,
    served: Vec<ServedRow<'a>>,
}

#[derive(Serialize)]
struct DisagreementRow<'a> {
    on: &'a str,
    verdicts: Vec<(&'a str, Verdict)>,
}

fn control_page(maker: &Maker<'_>, control: &ControlView) -> Result<Page, SiteError> {
    let disagreements = control.disagree.iter().map(|differing| DisagreementRow {
        on: &differing.on,
        verdicts: differing.verdicts.iter().map(|(check, verdict)| (check.as_str(), *verdict)).collect(),
    });
    let page = ControlPage {
        row: ControlRow::new(control, maker.publication),
        disagreements: folds(disagreements),
        disagreements_total: control.disagree.len(),
        named: control.disagree.iter().any(|differing| !differing.on.is_empty()),
        served: ServedRow::all(control, maker.places).collect(),
    };
    maker.from("control.md", &control.title, format!("controls/{}.md", control.id), &page)
}
