//! Correspondences for programs and spreadsheets.

use proofbook_controls::crosswalk::{Derivation, Way};
use proofbook_controls::{FrameworkId, Relation, RequirementId};
use serde::Serialize;

use super::Found;

/// One correspondence, told by its strongest way; all of them stand under `derivation`.
#[derive(Debug, Serialize)]
pub(super) struct Row<'c> {
    from: &'c RequirementId,
    from_framework: &'c FrameworkId,
    to: &'c RequirementId,
    framework: &'c FrameworkId,
    relation: Relation,
    certain: bool,
    way: Way,
    via: Vec<String>,
    source: Vec<String>,
    derivation: &'c [Derivation<'c>],
}

pub(super) fn rows<'f>(found: &'f Found<'f>) -> impl Iterator<Item = Row<'f>> {
    found.correspondences.iter().filter_map(|one| {
        let strongest = one.derivations.first()?;
        Some(Row {
            from: found.requirement,
            from_framework: found.framework,
            to: one.requirement,
            framework: one.framework,
            relation: strongest.relation,
            certain: strongest.certain,
            way: strongest.way,
            via: via(strongest),
            source: source(strongest),
            derivation: &one.derivations,
        })
    })
}

/// What lies between the two ends.
fn via(derivation: &Derivation<'_>) -> Vec<String> {
    derivation.via().map(|node| node.to_string()).collect()
}

/// What each step rests on.
fn source(derivation: &Derivation<'_>) -> Vec<String> {
    derivation.steps.iter().map(|step| step.basis.to_string()).collect()
}

/// A line a way. Every cell is made of ids and words, which need no quotes.
pub(super) fn csv(found: &[Found<'_>]) -> String {
    let mut out = "from_framework,from,framework,to,rank,way,relation,certain,via,source\n".to_owned();
    for start in found {
        for one in &start.correspondences {
            for (rank, way) in (1..).zip(&one.derivations) {
                let cells = [
                    start.framework.to_string(),
                    start.requirement.to_string(),
                    one.framework.to_string(),
                    one.requirement.to_string(),
                    format!("{rank}"),
                    way.way.as_str().to_owned(),
                    way.relation.as_str().to_owned(),
                    way.certain.to_string(),
                    via(way).join("; "),
                    source(way).join("; "),
                ];
                out += &cells.join(",");
                out.push('\n');
            }
        }
    }
    out
}
