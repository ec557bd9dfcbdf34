//! Where requirements are printed: on the page of their framework, or of their section where the framework is large.

use std::collections::BTreeMap;

use proofbook_evidence::views::{FrameworkView, Publication};

/// A framework with more requirements in scope has a page for each section.
const ON_ONE_PAGE: usize = 150;

/// The page of every requirement.
#[derive(Debug)]
pub(crate) struct Places(BTreeMap<String, BTreeMap<String, String>>);

impl Places {
    pub(crate) fn new(publication: &Publication) -> Self {
        let of_framework = |framework: &FrameworkView| {
            let pages = sections(framework);
            let whole = page(framework);
            let requirements = framework.groups.iter().enumerate().flat_map(|(at, group)| {
                let page = pages.as_ref().map_or(whole.as_str(), |pages| &pages[at]).to_owned();
                group.requirements.iter().map(move |requirement| (requirement.id.clone(), format!("{page}#{}", requirement.id)))
            });
            (framework.id.clone(), requirements.collect())
        };
        Self(publication.frameworks.values().map(of_framework).collect())
    }

    /// The address of a requirement from the top of the site; none where it is not in scope.
    pub(crate) fn of(&self, framework: &str, requirement: &str) -> Option<&str> {
        self.0.get(framework)?.get(requirement).map(String::as_str)
    }
}

/// The address of a framework's own page.
pub(crate) fn page(framework: &FrameworkView) -> String {
    format!("frameworks/{}.html", framework.id)
}

/// The addresses of the pages of its sections, where it has such pages.
pub(crate) fn sections(framework: &FrameworkView) -> Option<Vec<String>> {
    let requirements: usize = framework.groups.iter().map(|group| group.requirements.len()).sum();
    (requirements > ON_ONE_PAGE && framework.groups.len() > 1).then(|| {
        let names: Vec<String> = framework.groups.iter().map(|group| slug(&group.id)).collect();
        let named = names.iter().enumerate().map(|(at, name)| {
            // Two sections whose names differ in signs alone are told apart by their place.
            let alone = names.iter().filter(|other| *other == name).count() == 1;
            if alone {
                format!("frameworks/{}/{name}.html", framework.id)
            } else {
                format!("frameworks/{}/{name}-{}.html", framework.id, at + 1)
            }
        });
        named.collect()
    })
}

fn slug(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = id.chars().map(plain).collect();
    let name = name.trim_matches('-');
    // `index` is the name of a folder's own page.
    if name.is_empty() || name == "index" { format!("section-{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pages_are_plain() {
        assert_eq!(slug("AC"), "ac");
        assert_eq!(slug("Chapter II, Section 1"), "chapter-ii--section-1");
        assert_eq!(slug("ÄÖ"), "section-");
        assert_eq!(slug("Index"), "section-index");
    }
}
