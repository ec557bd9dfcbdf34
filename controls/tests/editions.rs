//! What changes between two editions: what is added, ends, continues under another id or level, and which controls go with it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proofbook_controls::Controls;
use proofbook_controls::edition::{Change, ChangeKind, EditionDiff};
use support::{control, framework, library, mappings, none, reference};

fn editions() -> Controls {
    let head = |levels: &str| format!("levels: [{levels}]\ngroups: [{{id: G, title: Group}}]\n");
    let before = framework(
        "before",
        &head("{id: low, title: Low}, {id: old, title: Old}"),
        &[
            "{id: A-1, group: G, title: Kept, levels: [low, old]}",
            "{id: A-2, group: G, title: Word, levels: [low]}",
            "{id: A-3, group: G, title: Split, levels: [old]}",
            "{id: A-4, group: G, title: Merged}",
            "{id: A-5, group: G, title: Moved}",
            "{id: A-6, group: G, title: Ended}",
            "{id: A-7, group: G, title: Withdrawn later}",
            "{id: A-8, group: G, title: Twice}",
            "{id: A-9, group: G, title: Never in force, withdrawn: true}",
        ],
    );
    let after = framework(
        "after",
        &format!("supersedes: before\n{}", head("{id: low, title: Low}, {id: new, title: New}")),
        &[
            "{id: B-1, group: G, title: New}",
            "{id: A-1, group: G, title: Kept, levels: [new]}",
            "{id: A-2, group: G, title: Words, levels: [low, new]}",
            "{id: B-3, group: G, title: Split and merged, levels: [low], replaces: [A-3, A-4]}",
            "{id: B-4, group: G, title: Split again, replaces: [A-3]}",
            "{id: B-5, group: G, title: moved}",
            "{id: A-7, group: G, title: Withdrawn later, withdrawn: true, withdrawn_into: [A-1]}",
            "{id: B-8, group: G, title: Twice}",
            "{id: B-9, group: G, title: Twice}",
        ],
    );
    library(&[
        ("frameworks/before.yaml", &before),
        ("frameworks/after.yaml", &after),
        ("library/x.yaml", &control("x")),
        ("library/y.yaml", &control("y")),
        ("mappings/before.yaml", &mappings("before", &[("A-1", "x", "subset"), ("A-3", "x", "subset"), ("A-4", "y", "subset")])),
        ("mappings/after.yaml", &mappings("after", &[("A-1", "y", "subset"), ("B-3", "x", "subset")])),
    ])
    .unwrap()
}

fn diff(controls: &Controls, from: &str, to: &str) -> EditionDiff {
    EditionDiff::new(controls, &controls.frameworks[from], &controls.frameworks[to])
}

fn line(change: &Change) -> String {
    let ids = |ids: &[proofbook_controls::RequirementId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
    let marks = [(change.retitled, " retitled"), (change.relevelled, " relevelled")];
    let marks: String = marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect();
    let controls = |sign: &str, ids: Vec<String>| ids.iter().map(|id| format!(" {sign}{id}")).collect::<String>();
    format!(
        "{} -> {} {}{marks}{}{}",
        ids(&change.from),
        change.to.as_ref().map(ToString::to_string).unwrap_or_default(),
        change.kind.as_str(),
        controls("+", change.controls.gained().map(ToString::to_string).collect()),
        controls("-", change.controls.lost().map(ToString::to_string).collect()),
    )
}

#[test]
fn every_requirement_of_both_editions_is_accounted_for() {
    let controls = editions();
    let found = diff(&controls, "before", "after");
    assert_eq!(found.common_levels, ["low"]);
    assert_eq!(
        found.requirements.iter().map(line).collect::<Vec<_>>(),
        [
            " -> B-1 added",
            "A-1 -> A-1 kept relevelled +y -x",
            "A-2 -> A-2 kept retitled",
            "A-3+A-4 -> B-3 replaces relevelled -y",
            "A-3 -> B-4 replaces -x",
            "A-5 -> B-5 same-title",
            " -> B-8 added",
            " -> B-9 added",
            "A-6 ->  removed",
            "A-7 ->  removed",
            "A-8 ->  removed",
        ]
    );
    assert_eq!(found.requirements[9].withdrawn_into, [support::requirement_id("A-1")]);
    let totals: BTreeMap<_, _> = found.totals().into_iter().map(|(kind, count)| (kind.as_str(), count)).collect();
    assert_eq!(totals, BTreeMap::from([("added", 3), ("removed", 3), ("replaces", 2), ("same-title", 1), ("kept", 2)]));
}

#[test]
fn the_way_back_is_read_from_the_later_edition() {
    let controls = editions();
    let found = diff(&controls, "after", "before");
    assert_eq!(
        found.requirements.iter().map(line).collect::<Vec<_>>(),
        [
            "A-1 -> A-1 kept relevelled +x -y",
            "A-2 -> A-2 kept retitled",
            "B-3+B-4 -> A-3 replaces relevelled",
            "B-3 -> A-4 replaces relevelled +y -x",
            "B-5 -> A-5 same-title",
            " -> A-6 added",
            " -> A-7 added",
            " -> A-8 added",
            "B-1 ->  removed",
            "B-8 ->  removed",
            "B-9 ->  removed",
        ]
    );
}

#[test]
fn an_edition_does_not_differ_from_itself() {
    let controls = support::embedded();
    for framework in controls.frameworks.values() {
        let found = EditionDiff::new(&controls, framework, framework);
        let in_force = framework.requirements.iter().filter(|requirement| !requirement.withdrawn).count();
        assert_eq!(found.totals()[&ChangeKind::Kept], in_force, "{}", framework.id);
        assert_eq!(found.requirements.len(), in_force, "{}", framework.id);
        assert!(!found.requirements.iter().any(|change| change.retitled || change.relevelled), "{}", framework.id);
    }
}

#[test]
fn fedramp_20x_accounts_for_every_indicator_of_both_editions() {
    let controls = support::embedded();
    let found = diff(&controls, "fedramp-20x-frmr", "fedramp-20x");
    let before: BTreeSet<_> = found.requirements.iter().flat_map(|change| &change.from).map(ToString::to_string).collect();
    let after: Vec<_> = found.requirements.iter().filter_map(|change| change.to.as_ref()).map(ToString::to_string).collect();
    let mut faults = Vec::new();
    for (name, seen) in [("fedramp-20x-ksi.csv", before), ("fedramp-20x-ksi-cr26.csv", after.into_iter().collect())] {
        let Some(rows) = reference(name) else { continue };
        let ids: BTreeSet<_> = rows.iter().map(|row| row["id"].clone()).collect();
        faults.extend(ids.symmetric_difference(&seen).map(|id| format!("{name}: {id}")));
    }
    none("indicators that are not accounted for", &faults);
    assert!(found.totals()[&ChangeKind::Replaces] > 0 && found.common_levels.is_empty());
}
