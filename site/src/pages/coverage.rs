//! The page on coverage: a bar for each framework with the same in words, the totals, and the checks on which most rests.

use proofbook_evidence::assessment::Coverage;
use proofbook_evidence::views::FrameworkView;
use serde::Serialize;

use super::{Maker, scores};
use crate::book::Page;
use crate::error::SiteError;
use crate::rows::{FrameworkRow, RelianceRow};

#[derive(Serialize)]
struct CoveragePage<'a> {
    frameworks: Vec<Covered<'a>>,
    kinds: [&'static str; 6],
    /// Whether the score and the statement have pages.
    sprs: bool,
    soa: bool,
}

#[derive(Serialize)]
struct Covered<'a> {
    row: FrameworkRow<'a>,
    bar: Vec<Segment>,
    reliance: Vec<RelianceRow<'a>>,
}

/// A part of a bar. Its place and width are percentages of the whole.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Segment {
    code: &'static str,
    count: u64,
    start: String,
    width: String,
    share: String,
}

// So many checks of each framework are named.
const MOST: usize = 5;

pub(super) fn coverage(maker: &Maker<'_>) -> Result<Page, SiteError> {
    let publication = maker.publication;
    let frameworks = publication.frameworks.values().map(|framework| Covered {
        row: FrameworkRow::new(framework),
        bar: bar(framework),
        reliance: RelianceRow::most(framework, publication, MOST),
    });
    let values = CoveragePage {
        frameworks: frameworks.collect(),
        kinds: Coverage::ALL.map(Coverage::as_str),
        sprs: publication.sprs.is_some(),
        soa: publication.soa.is_some(),
    };
    let mut page = maker.page("Coverage", "coverage", &values)?;
    page.beneath = [scores::sprs(maker)?, scores::soa(maker)?].into_iter().flatten().collect();
    Ok(page)
}

// The parts of a bar follow each other without a gap; rounding moves no edge by more than a thousandth of a percent.
fn bar(framework: &FrameworkView) -> Vec<Segment> {
    let total: u64 = framework.coverage.values().sum();
    let mut before = 0;
    let mut out = Vec::new();
    for (kind, &count) in framework.coverage.iter().filter(|(_, count)| **count > 0) {
        let edge = |count: u64| count * 100_000 / total;
        let (start, end) = (edge(before), edge(before + count));
        let share = (count * 100 + total / 2) / total;
        out.push(Segment {
            code: kind.as_str(),
            count,
            start: percent(start),
            width: percent(end - start),
            share: if share == 0 { "under 1".to_owned() } else { share.to_string() },
        });
        before += count;
    }
    out
}

fn percent(thousandths: u64) -> String {
    format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_exact_to_a_thousandth() {
        assert_eq!(percent(33_333), "33.333%");
        assert_eq!(percent(100_000), "100.000%");
        assert_eq!(percent(7), "0.007%");
    }
}
