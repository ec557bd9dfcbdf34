//! The documentation site: pages made from the views of one bundle, laid out by mdBook.
//!
//! What is printed is a function of the [`Publication`] alone: the same views give the same bytes. Pages and theme are
//! data in `book/` and part of the binary. No page asks any other host for anything.

mod book;
mod data;
mod error;
mod llms;
mod markdown;
mod markup;
mod pages;
mod places;
mod rows;
mod search;
mod templates;

use std::path::Path;

use proofbook_evidence::views::Publication;

pub use book::Page;
pub use error::SiteError;

/// What people wrote beside what is printed: Markdown whose directives are filled in, and other files, each by its path from the top
/// of the site. All lie in one folder, `pages`, so that none takes the place of a printed page.
#[derive(Clone, Debug, Default)]
pub struct Authored {
    /// Paths, which end with `.md`, and texts.
    pub pages: Vec<(String, String)>,
    /// Paths and contents.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Builds the site into `out`, which is replaced once all of it is there.
///
/// `documents` are the files beside the site, by their path from the folder above `out` and their title.
///
/// # Errors
/// Embedded data or a template that does not fit the views, a folder that cannot be written, or a fault of mdBook.
pub fn build(publication: &Publication, documents: &[(&str, &str)], authored: &Authored, out: &Path) -> Result<(), SiteError> {
    let data = data::Data::embedded()?;
    let templates = templates::Templates::embedded(&data, publication)?;
    let chapters = pages::chapters(&data, &templates, publication, documents, authored)?;
    book::write(chapters, &authored.files, &templates, publication, out)
}

/// The pages as plain Markdown with front matter, for other generators of sites: each file's path and text.
///
/// # Errors
/// As [`chapters`].
pub fn markdown(publication: &Publication, documents: &[(&str, &str)], authored: &Authored) -> Result<Vec<(String, String)>, SiteError> {
    let data = data::Data::embedded()?;
    let templates = templates::Templates::embedded(&data, publication)?;
    Ok(markdown::files(&pages::chapters(&data, &templates, publication, documents, authored)?, publication))
}

/// The pages of the site as Markdown, as mdBook gets them.
///
/// # Errors
/// Embedded data or a template that does not fit the views.
pub fn chapters(publication: &Publication, documents: &[(&str, &str)]) -> Result<Vec<Page>, SiteError> {
    let data = data::Data::embedded()?;
    let templates = templates::Templates::embedded(&data, publication)?;
    pages::chapters(&data, &templates, publication, documents, &Authored::default())
}
