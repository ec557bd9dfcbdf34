//! The pages: each module gathers what its templates print, out of the views and nothing else.

mod authored;
mod checks;
mod controls;
mod coverage;
mod crosswalk;
mod faq;
mod frameworks;
mod gaps;
mod history;
mod overview;
mod responsibility;
mod scores;
mod statements;
mod themes;

use proofbook_evidence::views::Publication;
use serde::Serialize;

use crate::Authored;
use crate::book::Page;
use crate::data::Data;
use crate::error::SiteError;
use crate::places::Places;
use crate::templates::Templates;

/// All pages in the order of the contents.
pub(crate) fn chapters(
    data: &Data,
    templates: &Templates,
    publication: &Publication,
    documents: &[(&str, &str)],
    written: &Authored,
) -> Result<Vec<Page>, SiteError> {
    let places = Places::new(publication);
    let maker = Maker { data, templates, publication, places: &places };
    let mut pages = vec![
        overview::overview(&maker, documents)?,
        themes::security(&maker)?,
        responsibility::responsibility(&maker)?,
        faq::faq(&maker)?,
        statements::compliance(&maker)?,
        statements::subprocessors(&maker)?,
        statements::downloads(&maker, documents)?,
        frameworks::frameworks(&maker)?,
        coverage::coverage(&maker)?,
        controls::controls(&maker)?,
        checks::checks(&maker)?,
        overview::evidence(&maker)?,
        gaps::gaps(&maker)?,
        history::changelog(&maker)?,
    ];
    pages.extend(authored::authored(&maker, written)?);
    Ok(pages)
}

/// What every page is made with.
struct Maker<'a> {
    data: &'a Data,
    templates: &'a Templates,
    publication: &'a Publication,
    places: &'a Places,
}

impl Maker<'_> {
    /// A page from the template of the same name.
    fn page(&self, name: &str, id: &str, values: &impl Serialize) -> Result<Page, SiteError> {
        self.from(&format!("{id}.md"), name, format!("{id}.md"), values)
    }

    /// A page from a template that serves many.
    fn from(&self, template: &str, name: &str, path: String, values: &impl Serialize) -> Result<Page, SiteError> {
        Ok(Page { name: name.to_owned(), path, text: self.templates.render(template, values)?, beneath: Vec::new() })
    }
}
