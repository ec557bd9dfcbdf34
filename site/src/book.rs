//! The book: mdBook, driven through its library, turns chapters into a site with search and contents.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::Dir;
use mdbook_core::book::{BookItem, Chapter, SectionNumber};
use mdbook_core::config::Config;
use mdbook_driver::MDBook;
use proofbook_evidence::views::Publication;
use serde_json::json;

use crate::data::BOOK;
use crate::error::SiteError;
use crate::templates::Templates;

/// A page of the site, with the pages beneath it.
#[derive(Debug)]
pub struct Page {
    /// The name in the contents.
    pub name: String,
    /// The path, with the extension `md`.
    pub path: String,
    /// The text.
    pub text: String,
    /// The pages beneath it.
    pub beneath: Vec<Page>,
}

// Files that mdBook writes whether or not a theme uses them.
const UNUSED: [&str; 6] = ["ayu-highlight-", "clipboard-", "highlight-", "mark-", "searcher-", "tomorrow-night-"];

/// Writes the book to `out`.
pub(crate) fn write(pages: Vec<Page>, templates: &Templates, publication: &Publication, out: &Path) -> Result<(), SiteError> {
    let scratch = Scratch::beside(out)?;
    let root = &scratch.0;
    theme(&root.join("theme"), templates)?;
    put(&root.join("src/SUMMARY.md"), "# Summary\n")?;

    let mut book = MDBook::load_with_config(root, config(publication, &pages)?).map_err(|error| gave_up(&error))?;
    book.book.items = chapters(pages, &[], &[]);
    book.build().map_err(|error| gave_up(&error))?;

    let built = root.join("book");
    for entry in fs::read_dir(&built).map_err(|source| fault(&built, source))? {
        let entry = entry.map_err(|source| fault(&built, source))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| UNUSED.iter().any(|unused| name.starts_with(unused))) {
            fs::remove_file(entry.path()).map_err(|source| fault(&entry.path(), source))?;
        }
    }
    remove(out)?;
    fs::rename(&built, out).map_err(|source| fault(out, source))
}

fn config(publication: &Publication, pages: &[Page]) -> Result<Config, SiteError> {
    let product = &publication.facts.product;
    let mut config = Config::default();
    config.book.title = Some(format!("{} security documentation", product.name));
    config.book.description = Some(product.description.clone());
    config.book.language = Some("en".to_owned());
    // No preprocessor: `{{#include}}` in somebody's text must stay text.
    config.build.use_default_preprocessors = false;
    config.build.create_missing = false;
    let html = json!({
        "smart-punctuation": false,
        "no-section-label": true,
        "sidebar-header-nav": false,
        "input-404": "",
        "fold": {"enable": true, "level": 0},
        "print": {"enable": false},
        "search": {"use-boolean-and": true, "boost-title": 4, "chapter": unsearched(pages)},
    });
    config.set("output.html", html).map_err(|error| gave_up(&error))?;
    Ok(config)
}

// These pages repeat titles that stand on the pages they link to; in the index they would crowd those out.
// mdBook refuses to hear of a page that is not there, and what is not in scope has none.
fn unsearched(pages: &[Page]) -> serde_json::Map<String, serde_json::Value> {
    let left_out = ["coverage.md", "not-covered.md", "sprs.md", "statement-of-applicability.md"];
    let mut out = serde_json::Map::new();
    for page in pages {
        if left_out.contains(&&*page.path) || page.path.starts_with("responsibility/") {
            out.insert(page.path.clone(), json!({"enable": false}));
        }
        out.append(&mut unsearched(&page.beneath));
    }
    out
}

fn chapters(pages: Vec<Page>, above: &[String], number: &[u32]) -> Vec<BookItem> {
    let numbered = (1u32..).zip(pages);
    numbered
        .map(|(at, page)| {
            let number = [number, &[at]].concat();
            let names = [above, std::slice::from_ref(&page.name)].concat();
            let mut chapter = Chapter::new(&page.name, page.text, page.path, above.to_vec());
            chapter.sub_items = chapters(page.beneath, &names, &number);
            chapter.number = Some(SectionNumber::new(number));
            BookItem::Chapter(chapter)
        })
        .collect()
}

fn theme(dir: &Path, templates: &Templates) -> Result<(), SiteError> {
    let source = BOOK.get_dir("theme").expect("the theme is a folder of the embedded book");
    let files = source.files().chain(source.dirs().flat_map(Dir::files));
    for file in files.filter(|file| file.path().extension().is_none_or(|extension| extension != "tera")) {
        let path = file.path().strip_prefix("theme").expect("files of the theme lie under its folder");
        put(&dir.join(path), file.contents())?;
    }
    put(&dir.join("header.hbs"), templates.render("header.hbs.tera", &json!({}))?)?;
    // The theme uses the reader's own fonts.
    put(&dir.join("fonts/fonts.css"), "")
}

// mdBook reads theme and summary from disk. The folder stands beside the site, so that the finished book is renamed into
// place, and goes away with the build.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(out: &Path) -> Result<Self, SiteError> {
        let out = std::path::absolute(out).map_err(|source| fault(out, source))?;
        let dir = out.with_added_extension("building");
        remove(&dir)?;
        fs::create_dir_all(&dir).map_err(|source| fault(&dir, source))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over is in nobody's way and goes with the next build.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn put(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), SiteError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|source| fault(parent, source))?;
    }
    fs::write(path, contents).map_err(|source| fault(path, source))
}

fn remove(dir: &Path) -> Result<(), SiteError> {
    match fs::remove_dir_all(dir) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(fault(dir, source)),
        _ => Ok(()),
    }
}

fn fault(path: &Path, source: std::io::Error) -> SiteError {
    SiteError::Write { path: path.to_owned(), source }
}

fn gave_up(error: &impl std::fmt::Display) -> SiteError {
    SiteError::Book(format!("{error:#}"))
}
