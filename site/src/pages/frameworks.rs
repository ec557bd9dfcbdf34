//! The list of frameworks, and a page for each with its requirements as anchored sections.

use proofbook_evidence::views::FrameworkView;
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::FrameworkRow;

#[derive(Serialize)]
struct Frameworks<'a> {
    frameworks: Vec<FrameworkRow<'a>>,
}

#[derive(Serialize)]
struct FrameworkPage<'a> {
    row: FrameworkRow<'a>,
    framework: &'a FrameworkView,
}

pub(super) fn frameworks(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let frameworks = &maker.publication.frameworks;
    let rows = frameworks.values().map(FrameworkRow::new).collect();
    let mut page = maker.page("Frameworks", "frameworks", &Frameworks { frameworks: rows })?;
    let pages = frameworks.values().map(|framework| {
        let values = FrameworkPage { row: FrameworkRow::new(framework), framework };
        maker.from("framework.md", &framework.short_title, format!("frameworks/{}.md", framework.id), &values)
    });
    page.beneath = pages.collect::<Result<_, _>>()?;
    Ok(page)
}
