//! The changes between two editions, for people: sections that are left out where nothing is in them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proofbook_controls::Framework;
use proofbook_controls::edition::{Change, ChangeKind};
use proofbook_evidence::assessment::Counts;

use super::Report;
use super::status::{StatusChange, StatusDiff};
use crate::text::paragraph;

/// A section: its heading, and a line each of what it is about: the ids, and what is said of them.
struct Section {
    heading: String,
    rows: Vec<(String, String)>,
}

pub(super) fn text(report: &Report<'_>, before: &Framework, after: &Framework) -> String {
    let mut out = paragraph("", &format!("{} -> {}: {}", before.title, after.title, totals(report))) + "\n";
    out += &paragraph("", &levels(before, after, &report.diff.common_levels));
    out.push('\n');
    for section in sections(report) {
        let _ = writeln!(out, "\n{}", paragraph("", &section.heading));
        let width = section.rows.iter().map(|(ids, _)| ids.chars().count()).filter(|width| *width <= 32).max().unwrap_or(0);
        for (ids, said) in &section.rows {
            // What is said of long ids stands below them.
            if ids.chars().count() > width {
                let _ = writeln!(out, "{}\n{}", paragraph("  ", ids), paragraph(&" ".repeat(width + 4), said));
            } else {
                let _ = writeln!(out, "{}", paragraph(&format!("  {ids:<width$}  "), said));
            }
        }
    }
    out
}

pub(super) fn markdown(report: &Report<'_>, before: &Framework, after: &Framework) -> String {
    let mut out = format!("# {} → {}\n\n{}.\n\n", cell(&before.title), cell(&after.title), totals(report));
    let _ = writeln!(out, "{}.", cell(&levels(before, after, &report.diff.common_levels)));
    for section in sections(report) {
        let _ = writeln!(out, "\n## {}\n\n| requirement | |\n|---|---|", section.heading);
        for (ids, said) in &section.rows {
            let _ = writeln!(out, "| {} | {} |", cell(ids), cell(said));
        }
    }
    out
}

// What stands in a cell: nothing in it ends the cell or begins markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\|`*_<[]".contains(c) {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

fn totals(report: &Report<'_>) -> String {
    let count = |kind: ChangeKind| report.totals.get(&kind).copied().unwrap_or(0);
    let changes = &report.diff.requirements;
    let before: BTreeSet<_> = changes.iter().flat_map(|change| &change.from).collect();
    let after = changes.iter().filter(|change| change.to.is_some()).count();
    format!(
        "{} requirements before, {after} after: {} kept, {} under another id, {} added, {} removed",
        before.len(),
        count(ChangeKind::Kept),
        count(ChangeKind::Replaces) + count(ChangeKind::SameTitle),
        count(ChangeKind::Added),
        count(ChangeKind::Removed),
    )
}

fn levels(before: &Framework, after: &Framework, common: &[String]) -> String {
    let ids = |framework: &Framework| match framework.levels.iter().map(|level| level.id.as_str()).collect::<Vec<_>>() {
        none if none.is_empty() => "none".to_owned(),
        levels => levels.join(", "),
    };
    let note = match common {
        _ if before.levels.is_empty() && after.levels.is_empty() => return "Neither edition has levels".to_owned(),
        [] => "no level is in both, so no requirement can change its level".to_owned(),
        common => format!("compared: {}", common.join(", ")),
    };
    format!("Levels: {} -> {}; {note}", ids(before), ids(after))
}

fn sections(report: &Report<'_>) -> Vec<Section> {
    let changes = &report.diff.requirements;
    let of = |kind: ChangeKind| changes.iter().filter(move |change| change.kind == kind);
    let section = |heading: &str, rows: Vec<(String, String)>| Section { heading: heading.to_owned(), rows };
    let renamed = changes.iter().filter(|change| change.to.as_ref().is_some_and(|to| change.from.iter().any(|from| from != to)));
    let renamed = renamed.map(|change| match change.kind {
        ChangeKind::SameTitle => (moved(change), format!("{} (by the same title)", change.title)),
        _ => (moved(change), change.title.clone()),
    });
    let set = |levels: &[String]| if levels.is_empty() { "none".to_owned() } else { levels.join(", ") };
    let relevelled = changes.iter().filter(|change| change.relevelled);
    let mut out = vec![
        section("Added", of(ChangeKind::Added).map(|change| (moved(change), change.title.clone())).collect()),
        section("Removed", of(ChangeKind::Removed).map(removed).collect()),
        section("Under another id", renamed.collect()),
        section("Another title", changes.iter().filter(|change| change.retitled).map(|c| (moved(c), c.title.clone())).collect()),
        section("Other levels", relevelled.map(|c| (moved(c), format!("{} -> {}", set(&c.levels.before), set(&c.levels.after)))).collect()),
        section("Controls mapped (+ only after, - only before)", changes.iter().filter_map(mapping).collect()),
    ];
    out.retain(|section| !section.rows.is_empty());
    out.extend(report.status.as_ref().map(status));
    out
}

// `old`, `old -> new`, or `new`.
fn moved(change: &Change) -> String {
    let (from, to) = (ids(&change.from), change.to.as_ref().map(ToString::to_string).unwrap_or_default());
    match (from.is_empty(), to.is_empty()) {
        (false, false) if from != to => format!("{from} -> {to}"),
        (true, _) | (false, false) => to,
        (false, true) => from,
    }
}

fn ids(ids: &[proofbook_controls::RequirementId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn removed(change: &Change) -> (String, String) {
    let into = if change.withdrawn_into.is_empty() { String::new() } else { format!(" (into {})", ids(&change.withdrawn_into)) };
    (moved(change), format!("{}{into}", change.title))
}

fn mapping(change: &Change) -> Option<(String, String)> {
    let signed = |sign: char, id: &proofbook_controls::ControlId| format!("{sign}{id}");
    let gained = change.controls.gained().map(|id| signed('+', id));
    let all: Vec<_> = gained.chain(change.controls.lost().map(|id| signed('-', id))).collect();
    (!all.is_empty()).then(|| (moved(change), all.join(" ")))
}

fn status(status: &StatusDiff) -> Section {
    let counts = |counts: &Counts| match counts.iter().map(|(verdict, count)| format!("{count} {}", verdict.as_str())).collect::<Vec<_>>() {
        none if none.is_empty() => "none".to_owned(),
        all => all.join(", "),
    };
    let rolled_up = match status.rolled_up.iter().map(ToString::to_string).collect::<Vec<_>>() {
        none if none.is_empty() => String::new(),
        some => format!("; {} rolled up from its findings", some.join(" and ")),
    };
    let heading = format!("Status by {}: {} -> {}{rolled_up}", status.run_id, counts(&status.before), counts(&status.after));
    Section { heading, rows: status.changes.iter().map(status_change).collect() }
}

fn status_change(change: &StatusChange) -> (String, String) {
    let verdict = |verdict: Option<proofbook_checks::Verdict>| verdict.map_or("none", proofbook_checks::Verdict::as_str);
    let to = change.to.as_ref().map(ToString::to_string).unwrap_or_default();
    let from = ids(&change.from);
    let ids = if from == to || from.is_empty() {
        to
    } else if to.is_empty() {
        from
    } else {
        format!("{from} -> {to}")
    };
    (ids, format!("{} -> {}", verdict(change.before), verdict(change.after)))
}
