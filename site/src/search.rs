//! The index of the search: a line for every page and every requirement, small enough to be loaded whole.
//!
//! It holds titles, ids and the sentence or the headings that tell pages apart, and not their text: a word that stands on hundreds of
//! pages finds none of them.

use proofbook_evidence::views::Publication;
use serde::Serialize;

use crate::book::Page;
use crate::error::SiteError;
use crate::markup;
use crate::places::Places;

/// What can be found: a title, where it stands, its address from the top of the site, and words by which it is found besides.
#[derive(Debug, Serialize)]
struct Entry<'a>(&'a str, &'a str, String, String);

/// The index as a script, since pages that are opened from a disk may load nothing else.
pub(crate) fn script(pages: &[Page], publication: &Publication) -> Result<String, SiteError> {
    let mut entries = Vec::new();
    add(pages, "", publication, &mut entries);
    let places = Places::new(publication);
    for framework in publication.frameworks.values() {
        for requirement in framework.groups.iter().flat_map(|group| &group.requirements) {
            let Some(place) = places.of(&framework.id, &requirement.id) else { continue };
            let words = format!("{} {}", requirement.id, requirement.summary);
            entries.push(Entry(&requirement.title, &framework.short_title, place.to_owned(), words));
        }
    }
    let json = serde_json::to_string(&entries).map_err(|error| SiteError::Book(format!("the index of the search: {error}")))?;
    Ok(format!("window.found = {json};\n"))
}

fn add<'a>(pages: &'a [Page], above: &'a str, publication: &'a Publication, out: &mut Vec<Entry<'a>>) {
    for page in pages {
        let id = page.path.strip_suffix(".md").unwrap_or(&page.path);
        let words = match id.split_once('/') {
            Some(("checks", id)) => publication.checks.get(id).map(|check| format!("{id} {} {}", check.title, check.proves)),
            Some(("controls", id)) => publication.controls.get(id).map(|control| format!("{id} {}", control.objective)),
            // Its requirements stand for themselves.
            Some(("frameworks", _)) => Some(String::new()),
            _ => None,
        };
        let title = match id.split_once('/') {
            Some(("checks", id)) => publication.checks.get(id).map_or(&*page.name, |check| &check.title),
            _ => &page.name,
        };
        let words = words.unwrap_or_else(|| headings(&page.text));
        out.push(Entry(title, above, format!("{id}.html"), words));
        add(&page.beneath, &page.name, publication, out);
    }
}

fn headings(text: &str) -> String {
    let lines = text.lines().filter(|line| line.starts_with('#') || line.starts_with("<h"));
    lines.map(|line| markup::plain(line.trim_start_matches('#').trim())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_their_headings() {
        assert_eq!(
            headings("# A &#38; b\n\ntext\n\n## *C*\n<h3 id=\"d\"><a href=\"x\">D</a> <span>Pass</span></h3>\n"),
            "A & b *C* D Pass"
        );
    }
}
