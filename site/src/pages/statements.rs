//! What the provider states of itself: certificates with what may be said of them, subprocessors, and the documents beside the site.

use jiff::tz::TimeZone;
use proofbook_claims::checking::{Wording, wordings};
use proofbook_evidence::facts::CertificationStatus;
use proofbook_evidence::views::ControlView;
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;

#[derive(Serialize)]
struct Compliance<'a> {
    certifications: Vec<CertificationRow<'a>>,
    /// Frameworks in scope of which the provider states nothing.
    silent: Vec<(&'a str, &'a str)>,
    wordings: Vec<Wording<'static>>,
}

#[derive(Serialize)]
struct CertificationRow<'a> {
    framework: &'a str,
    title: &'a str,
    page: bool,
    status: CertificationStatus,
    level: Option<&'a str>,
    valid_until: Option<String>,
    /// Whether the last day on which it counts has passed.
    expired: bool,
    note: &'a str,
}

pub(super) fn compliance(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let today = publication.run.as_of.to_zoned(TimeZone::UTC).date();
    let rows = publication.facts.certifications.iter().map(|certification| {
        let id = certification.framework.as_str();
        let framework = publication.frameworks.get(id);
        CertificationRow {
            framework: id,
            title: framework.map_or(id, |framework| &framework.title),
            page: framework.is_some(),
            status: certification.status,
            level: certification.level.as_deref(),
            valid_until: certification.valid_until.map(|day| day.to_string()),
            expired: certification.valid_until.is_some_and(|day| day < today),
            note: &certification.note,
        }
    });
    let stated = |id: &str| publication.facts.certifications.iter().any(|one| one.framework.as_str() == id);
    let silent = publication.frameworks.values().filter(|framework| !stated(&framework.id));
    let page = Compliance {
        certifications: rows.collect(),
        silent: silent.map(|framework| (framework.id.as_str(), framework.title.as_str())).collect(),
        wordings: wordings(),
    };
    maker.page("Compliance status", "certifications", &page)
}

#[derive(Serialize)]
struct Subprocessors<'a> {
    /// The controls that say whether the list is true.
    controls: Vec<&'a ControlView>,
}

pub(super) fn subprocessors(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let controls = ["subprocessor-management", "supplier-ownership", "supplier-review"];
    let controls = controls.into_iter().filter_map(|id| maker.publication.controls.get(id)).collect();
    maker.page("Subprocessors", "subprocessors", &Subprocessors { controls })
}

/// A file beside the site.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    path: &'a str,
    title: &'a str,
}

pub(super) fn documents<'a>(documents: &[(&'a str, &'a str)]) -> Vec<Document<'a>> {
    documents.iter().map(|&(path, title)| Document { path, title }).collect()
}

#[derive(Serialize)]
struct Downloads<'a> {
    documents: Vec<Document<'a>>,
}

pub(super) fn downloads(maker: &Maker<'_>, files: &[(&str, &str)]) -> Result<Page, SiteError> {
    maker.page("Downloads", "downloads", &Downloads { documents: documents(files) })
}
