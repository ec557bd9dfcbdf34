//! Correspondences for people: framework by framework, the strongest ways first, 80 columns wide.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proofbook_controls::crosswalk::{Correspondence, Derivation, Node, Way};
use proofbook_controls::{Controls, FrameworkId, Relation, RequirementId};

use super::Found;
use crate::text::paragraph;

const WIDTH: usize = 80;

/// Requirements that are reached in the same way, by the way's rank and what is said of it.
type Groups<'f> = BTreeMap<(Way, String), Vec<&'f Correspondence<'f>>>;

pub(super) fn print(controls: &Controls, found: &[Found<'_>]) -> String {
    let mut out = String::new();
    for start in found {
        let title = title(controls, start.framework, start.requirement);
        let _ = writeln!(out, "{}", cut(format!("{} {}  {title}", start.framework, start.requirement).trim_end(), WIDTH));
        if start.correspondences.is_empty() {
            out += "  corresponds to nothing else that the library knows\n";
        }
        for (framework, correspondences) in by_framework(start) {
            let name = controls.catalog_title(framework).unwrap_or_default();
            let _ = writeln!(out, "\n{}", cut(&format!("{framework}: {name}"), WIDTH));
            table(controls, &correspondences, &mut out);
        }
        out.push('\n');
    }
    let ways = || found.iter().flat_map(|start| &start.correspondences);
    let strongest = || ways().filter_map(|one| one.derivations.first());
    if strongest().any(|way| !way.certain) {
        out += "?       the steps do not decide it: the two may have nothing in common\n";
    }
    if ways().any(|one| one.derivations.len() > 1) {
        out += "+N      further ways; `--format json` tells them\n";
    }
    if strongest().any(|way| way.way == Way::SharedControl) {
        out += "(a, b)  how the control stands to the first, and to the second\n";
    }
    out
}

fn by_framework<'f>(start: &'f Found<'f>) -> BTreeMap<&'f FrameworkId, Vec<&'f Correspondence<'f>>> {
    let mut out: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for one in &start.correspondences {
        out.entry(one.framework).or_default().push(one);
    }
    out
}

fn table(controls: &Controls, correspondences: &[&Correspondence<'_>], out: &mut String) {
    let mut groups = Groups::new();
    for one in correspondences {
        if let Some(way) = one.derivations.first() {
            groups.entry((way.way, heading(way))).or_default().push(one);
        }
    }
    let width = correspondences.iter().map(|one| one.requirement.as_str().len()).max().unwrap_or(0);
    for ((_, heading), rows) in groups {
        let _ = writeln!(out, "{}", paragraph("  ", &heading));
        for row in rows {
            let Some((way, further)) = row.derivations.split_first() else { continue };
            let relation = format!("{}{}", way.relation.as_str(), if way.certain { "" } else { "?" });
            let more = if further.is_empty() { String::new() } else { format!("+{}", further.len()) };
            let head = format!("    {:<width$}  {relation:<11} {more:<3} ", row.requirement.as_str());
            let line = match way.way {
                Way::Composed => paragraph(&head, &between(way)),
                Way::SharedControl => paragraph(&head, &shared(way)),
                Way::Profile | Way::Direct => cut(&(head + title(controls, row.framework, row.requirement)), WIDTH),
            };
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
}

fn heading(way: &Derivation<'_>) -> String {
    let mut sources: Vec<String> = way.steps.iter().map(|step| step.basis.to_string()).collect();
    sources.dedup();
    match way.way {
        Way::Profile => format!("the same requirement, by the {}", sources.join(" and the ")),
        Way::Direct => format!("by {}", sources.join(", ")),
        Way::Composed => {
            let catalogs: Vec<&str> = way.via().filter_map(catalog).map(FrameworkId::as_str).collect();
            format!("composed, through {} (by {})", catalogs.join(" > "), sources.join(", "))
        }
        Way::SharedControl => "weaker, through a control that both are mapped to".to_owned(),
    }
}

// The requirements between the two.
fn between(way: &Derivation<'_>) -> String {
    way.via().filter_map(requirement).map(RequirementId::as_str).collect::<Vec<_>>().join(" > ")
}

// The control, and how it stands to each of the two.
fn shared(way: &Derivation<'_>) -> String {
    let control = way.via().map(|node| node.to_string().replace("control ", "")).collect::<String>();
    let relations = way.steps.iter().enumerate().map(|(at, step)| if at == 0 { step.relation.inverse() } else { step.relation });
    format!("{control} ({})", relations.map(Relation::as_str).collect::<Vec<_>>().join(", "))
}

const fn catalog(node: Node<'_>) -> Option<&FrameworkId> {
    match node {
        Node::Requirement { framework, .. } => Some(framework),
        Node::Control { .. } => None,
    }
}

const fn requirement(node: Node<'_>) -> Option<&RequirementId> {
    match node {
        Node::Requirement { requirement, .. } => Some(requirement),
        Node::Control { .. } => None,
    }
}

fn title<'c>(controls: &'c Controls, framework: &FrameworkId, requirement: &RequirementId) -> &'c str {
    let framework = controls.frameworks.get(framework);
    framework.and_then(|framework| framework.requirement(requirement.as_str())).map_or("", |found| &found.title)
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 3).collect::<String>().trim_end().to_owned() + "..."
}
