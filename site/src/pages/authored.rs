//! Pages that people wrote, beneath a page that says so: what is printed from evidence and what is written stay apart.

use serde::Serialize;

use super::Maker;
use crate::Authored;
use crate::book::Page;
use crate::error::SiteError;

#[derive(Serialize)]
struct Written<'a> {
    pages: Vec<(&'a str, String)>,
}

/// The page that leads to them; none where nobody wrote any.
pub(super) fn authored(maker: &Maker<'_>, authored: &Authored) -> Result<Option<Page>, SiteError> {
    if authored.pages.is_empty() {
        return Ok(None);
    }
    let beneath: Vec<Page> = authored.pages.iter().map(|(path, text)| page(path, text)).collect();
    let pages = beneath.iter().map(|page| (page.name.as_str(), format!("{}.html", page.path.trim_end_matches(".md")))).collect();
    let mut page = maker.page("Written by the provider", "written", &Written { pages })?;
    page.beneath = beneath;
    Ok(Some(page))
}

fn page(path: &str, text: &str) -> Page {
    let (matter, body) = front_matter(text);
    let heading = body.lines().find_map(|line| line.strip_prefix("# ")).map(str::trim);
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".md");
    let name = title(matter).or(heading).unwrap_or(stem).to_owned();
    // Every page has one heading of the first level.
    let text = if heading.is_some() { body.to_owned() } else { format!("# {name}\n\n{body}") };
    Page { name, path: path.to_owned(), text, beneath: Vec::new() }
}

// What generators of sites read at the top of a page, and readers do not.
fn front_matter(text: &str) -> (&str, &str) {
    let inside = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    inside.unwrap_or(("", text))
}

fn title(matter: &str) -> Option<&str> {
    let title = matter.lines().find_map(|line| line.strip_prefix("title:"))?.trim();
    Some(title.trim_matches(|quote| quote == '"' || quote == '\'')).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_named_by_its_front_matter_or_its_heading_or_its_file() {
        let named = |text| {
            let page = page("pages/sub/our-way.md", text);
            (page.name, page.text)
        };
        assert_eq!(named("---\ntitle: \"A b\"\nid: x\n---\ntext\n"), ("A b".into(), "# A b\n\ntext\n".into()));
        assert_eq!(named("Before\n\n# C\n"), ("C".into(), "Before\n\n# C\n".into()));
        assert_eq!(named("text"), ("our-way".into(), "# our-way\n\ntext".into()));
    }
}
