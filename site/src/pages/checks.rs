//! The list of checks, and a page for each.

use std::collections::BTreeMap;

use proofbook_checks::Verdict;
use proofbook_evidence::views::{CheckView, ControlView, PASSING_SHOWN, ParamView};
use serde::Serialize;

use super::Maker;
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::{CheckRow, FindingRow, Fold, Measured, ServedRow, folds, measured, printed};

#[derive(Serialize)]
struct Checks<'a> {
    domains: Vec<Domain<'a>>,
}

#[derive(Serialize)]
struct Domain<'a> {
    name: &'a str,
    checks: Vec<CheckRow<'a>>,
}

pub(super) fn checks(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let mut domains: BTreeMap<&str, Vec<CheckRow<'_>>> = BTreeMap::new();
    for check in maker.publication.checks.values() {
        domains.entry(&check.domain).or_default().push(CheckRow::new(check));
    }
    let page = Checks { domains: domains.into_iter().map(|(name, checks)| Domain { name, checks }).collect() };
    let mut page = maker.page("Checks", "checks", &page)?;
    let alone = alone(maker);
    let of = |check: &CheckView| alone.get(check.id.as_str()).map_or(&[][..], Vec::as_slice);
    page.beneath = maker.publication.checks.values().map(|check| check_page(maker, check, of(check))).collect::<Result<_, _>>()?;
    Ok(page)
}

// More findings make a page that no browser opens in good time; they stand in the bundle.
const MOST: usize = 5000;

#[derive(Serialize)]
struct CheckPage<'a> {
    check: &'a CheckView,
    row: CheckRow<'a>,
    stale: bool,
    findings_total: u64,
    failing: Vec<Fold<FindingRow<'a>>>,
    failing_shown: usize,
    /// Findings that are neither pass nor not applicable, whether or not this edition names their subjects.
    failing_total: u64,
    passing_total: u64,
    passing_shown: usize,
    reads: Vec<(&'a str, &'a [String])>,
    params: Vec<ParamRow<'a>>,
    values: Vec<ValueRow<'a>>,
    controls: Vec<(&'a ControlView, bool)>,
    served: Vec<ServedRow<'a>>,
    alone: &'a [Alone<'a>],
    pair: Option<CheckRow<'a>>,
}

/// A requirement of which a check is the only automated evidence.
#[derive(Serialize)]
struct Alone<'a> {
    framework: &'a str,
    id: &'a str,
    title: &'a str,
    place: Option<&'a str>,
}

fn alone<'a>(maker: &Maker<'a>) -> BTreeMap<&'a str, Vec<Alone<'a>>> {
    let mut out: BTreeMap<&str, Vec<Alone<'_>>> = BTreeMap::new();
    for framework in maker.publication.frameworks.values() {
        for requirement in framework.groups.iter().flat_map(|group| &group.requirements) {
            let [only] = requirement.checks.as_slice() else { continue };
            let place = maker.places.of(&framework.id, &requirement.id);
            let row = Alone { framework: &framework.short_title, id: &requirement.id, title: &requirement.title, place };
            out.entry(only).or_default().push(row);
        }
    }
    out
}

#[derive(Serialize)]
struct ParamRow<'a> {
    #[serde(flatten)]
    param: &'a ParamView,
    /// None where this edition does not print it.
    printed: Option<String>,
}

#[derive(Serialize)]
struct ValueRow<'a> {
    name: &'a str,
    distinct: Vec<Measured>,
}

/// The requirements that a check serves, through the controls that require it.
pub(super) fn served<'a>(check: &'a CheckView, maker: &Maker<'a>) -> Vec<ServedRow<'a>> {
    let (publication, places) = (maker.publication, maker.places);
    let controls = check.controls.iter().filter(|(_, required)| **required).filter_map(|(id, _)| publication.controls.get(id));
    let mut rows: Vec<_> = controls.flat_map(|control| ServedRow::all(control, places)).collect();
    // By framework, in the order in which the controls bring them.
    rows.sort_by(|a, b| a.mapping.framework.cmp(&b.mapping.framework));
    rows
}

fn check_page(maker: &Maker<'_>, check: &CheckView, alone: &[Alone<'_>]) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let green = |verdict: &Verdict| matches!(verdict, Verdict::Pass | Verdict::NotApplicable);
    let values = publication.values.values().filter(|value| value.check == check.id).filter_map(|value| {
        let name = value.id.strip_prefix(&check.id)?.strip_prefix('.')?;
        Some(ValueRow { name, distinct: measured(publication, &value.id)? })
    });
    let page = CheckPage {
        check,
        row: CheckRow::new(check),
        stale: check.fresh_until <= publication.run.as_of,
        findings_total: check.counts.values().sum(),
        failing: folds(check.failing.iter().take(MOST).map(FindingRow::new)),
        failing_shown: check.failing.len().min(MOST),
        failing_total: check.counts.iter().filter(|(verdict, _)| !green(verdict)).map(|(_, count)| count).sum(),
        passing_total: check.counts.get(&Verdict::Pass).copied().unwrap_or_default(),
        passing_shown: PASSING_SHOWN,
        reads: check.reads.iter().map(|(resource, fields)| (resource.as_str(), fields.as_slice())).collect(),
        params: check.params.iter().map(|param| ParamRow { param, printed: printed(&param.value) }).collect(),
        values: values.collect(),
        controls: check.controls.iter().filter_map(|(id, required)| Some((publication.controls.get(id)?, *required))).collect(),
        served: served(check, maker),
        alone,
        pair: check.pairs_with.as_ref().and_then(|id| publication.checks.get(id)).map(CheckRow::new),
    };
    maker.from("check.md", &check.id, format!("checks/{}.md", check.id), &page)
}
