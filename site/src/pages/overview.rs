//! The front page, and the page on the evidence itself.

use proofbook_checks::Verdict;
use proofbook_checks::resource::Source;
use proofbook_evidence::views::SummaryView;
use serde::Serialize;

use super::Maker;
use super::statements::{self, Document};
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::{CheckRow, FrameworkRow, Tally, tallies};

#[derive(Serialize)]
struct Overview<'a> {
    documents: Vec<Document<'a>>,
    questions: Vec<Answer<'a>>,
    checks: Vec<Tally>,
    checks_total: u64,
    findings: Vec<Tally>,
    findings_total: u64,
    summary: &'a SummaryView,
    controls_total: usize,
    frameworks: Vec<FrameworkRow<'a>>,
    failing: Vec<CheckRow<'a>>,
    unseen: Vec<CheckRow<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    question: &'a str,
    subjects: &'a str,
    check: CheckRow<'a>,
    /// The requirements that the check serves through the controls that require it, as `framework id`.
    requirements: usize,
}

pub(super) fn overview(maker: &Maker<'_>, documents: &[(&str, &str)]) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let summary = &publication.summary;
    let answers = maker.data.questions.iter().filter_map(|question| {
        let check = publication.checks.get(&question.check)?;
        Some(Answer {
            question: &question.text,
            subjects: if check.population.subjects == 1 { &question.one } else { &question.many },
            check: CheckRow::new(check),
            requirements: super::checks::served(check, maker).len(),
        })
    });
    let with =
        |statuses: &[Verdict]| publication.checks.values().filter(|check| statuses.contains(&check.status)).map(CheckRow::new).collect();
    let page = Overview {
        documents: statements::documents(documents),
        questions: answers.collect(),
        checks: tallies(&summary.checks),
        checks_total: summary.checks.values().sum(),
        findings: tallies(&summary.findings),
        findings_total: summary.findings.values().sum(),
        summary,
        controls_total: publication.controls.len(),
        frameworks: publication.frameworks.values().map(FrameworkRow::new).collect(),
        failing: with(&[Verdict::Fail]),
        unseen: with(&[Verdict::Error, Verdict::Stale]),
    };
    maker.page("Overview", "index", &page)
}

#[derive(Serialize)]
struct Evidence {
    targets: Vec<TargetRow>,
    verdicts: [Verdict; 8],
    /// From the worst, as they are rolled up.
    worst: [Verdict; 8],
    checks_total: usize,
}

#[derive(Serialize)]
struct TargetRow {
    source: Source,
    name: String,
    identity: String,
    version: String,
    actor: String,
    auth: String,
    rights: String,
    clock: Option<i64>,
    assurance: proofbook_checks::inventory::Assurance,
}

pub(super) fn evidence(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let targets = maker.publication.run.targets.iter().map(|target| TargetRow {
        source: target.source,
        name: target.name.clone(),
        identity: target.identity.clone(),
        version: target.version.clone(),
        actor: target.actor.identity.clone(),
        auth: target.actor.auth.clone(),
        rights: target.actor.rights_sha256.clone().unwrap_or_default(),
        clock: target.clock_offset_ms,
        assurance: target.assurance,
    });
    let mut worst = Verdict::ALL;
    worst.sort_unstable();
    let page = Evidence { targets: targets.collect(), verdicts: Verdict::ALL, worst, checks_total: maker.publication.checks.len() };
    maker.page("Evidence", "evidence", &page)
}
