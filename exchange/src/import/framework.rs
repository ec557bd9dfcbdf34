//! From selected controls to a framework: ids as people print them, sections, and a head that says where all of it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use proofbook_controls::diagnostic::Diagnostics;
use proofbook_controls::{FrameworkId, RequirementId};

use super::catalog::{Entry, Picked, Section, one_line};
use super::document::Source;
use super::faults::Faults;
use super::resolve::{Resolved, named};

/// A framework as it is written.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) framework: Imported,
    pub(super) warnings: Vec<String>,
}

/// The head and rows of a framework.
#[derive(Debug)]
pub(super) struct Imported {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) short_title: String,
    pub(super) publisher: String,
    pub(super) edition: String,
    pub(super) source: String,
    pub(super) licence: String,
    pub(super) groups: Vec<(String, String)>,
    pub(super) rows: Vec<Row>,
    /// The files that it was made from, the profile first.
    pub(super) files: Vec<String>,
}

/// A requirement.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) group: String,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) withdrawn: bool,
    pub(super) withdrawn_into: Vec<String>,
    /// The id in the catalog, where the printed one is another.
    pub(super) oscal_id: Option<String>,
}

/// The column of the ids that the catalog has.
pub(super) const OSCAL_ID: &str = "oscal_id";

// The section of controls that stand in none.
const UNGROUPED: (&str, &str) = ("controls", "Controls");

/// Builds the framework.
pub(super) fn build(id: &FrameworkId, resolved: Resolved, with_statements: bool) -> Result<Built, Diagnostics> {
    let Resolved { picked, head, sources, mut warnings } = resolved;
    let mut faults = Faults::default();
    let printed = printed_ids(&picked, &mut faults, &mut warnings);
    let sections = Sections::of(&picked);
    let mut lost = Vec::new();
    let mut untitled = Vec::new();
    let rows = picked.iter().map(|Picked { entry, section }| {
        let own = printed.get(&*entry.id).cloned().unwrap_or_default();
        let title = if entry.title.is_empty() { own.clone() } else { entry.title.clone() };
        if entry.title.is_empty() {
            untitled.push(own.clone());
        }
        let mut withdrawn_into = Vec::new();
        for successor in entry.successors.iter().filter(|_| entry.withdrawn) {
            match owner(successor, &printed) {
                Some(id) if !withdrawn_into.contains(id) => withdrawn_into.push(id.clone()),
                Some(_) => {}
                None => lost.push(format!("{own} into {successor}")),
            }
        }
        Row {
            group: sections.id(section.as_ref()),
            title,
            summary: if with_statements { entry.statement.clone() } else { String::new() },
            withdrawn: entry.withdrawn,
            withdrawn_into,
            oscal_id: Some(entry.id.clone()).filter(|id| *id != own),
            id: own,
        }
    });
    let rows: Vec<Row> = rows.collect();
    if !untitled.is_empty() {
        warnings.push(format!("without a title, and printed with their id instead: {}", named(&untitled)));
    }
    if !lost.is_empty() {
        warnings.push(format!("withdrawn into what was not selected, which is left out: {}", named(&lost)));
    }
    let statements = picked.iter().filter(|picked| !picked.entry.statement.is_empty()).count();
    if !with_statements && statements > 0 {
        warnings.push(format!("the statements of {statements} controls were not copied (`--with-statements` does, if the licence allows)"));
    }
    let framework = Imported {
        id: id.to_string(),
        title: or(one_line(&head.metadata.title), id),
        short_title: short_title(&head, id),
        publisher: publisher(&head, &sources),
        edition: or(one_line(&head.metadata.version), &"not named"),
        source: sources.iter().map(described).collect::<Vec<_>>().join("; "),
        licence: licence(with_statements),
        groups: sections.groups,
        rows,
        files: sources.iter().map(file_name).collect(),
    };
    faults.into_result(Built { framework, warnings })
}

// The printed id of each control, by its id: the label where it is an id that no other control has, else the id itself.
fn printed_ids(picked: &[Picked], faults: &mut Faults, warnings: &mut Vec<String>) -> BTreeMap<String, String> {
    let entries = || picked.iter().map(|picked| &*picked.entry);
    let label = |entry: &Entry| entry.label.clone().filter(|label| RequirementId::new(label).is_ok());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for label in entries().filter_map(label) {
        *counts.entry(label).or_insert(0) += 1;
    }
    let own = |entry: &Entry| label(entry).filter(|label| counts.get(label) == Some(&1));
    let mut out: BTreeMap<String, String> =
        entries().map(|entry| (entry.id.clone(), own(entry).unwrap_or_else(|| entry.id.clone()))).collect();
    let once: BTreeSet<&String> = out.values().collect();
    if once.len() == out.len() {
        let by_id = entries().filter(|entry| entry.label.is_some() && own(entry).is_none());
        let by_id: Vec<String> = by_id.map(|entry| entry.id.clone()).collect();
        if !by_id.is_empty() {
            warnings.push(format!("printed by `id`, since the label is no id or not the only one: {}", named(&by_id)));
        }
    } else {
        // The label of one control is the id of another that has no label of its own.
        warnings.push("labels and ids of controls meet, so all are printed by `id`".to_owned());
        out = entries().map(|entry| (entry.id.clone(), entry.id.clone())).collect();
    }
    for entry in entries().filter(|entry| out.get(&entry.id).is_none_or(|id| RequirementId::new(id).is_err())) {
        let message = format!("expected an id of letters, digits and `( ) . - _ &`, found `{}`", entry.id);
        faults.add("id", &entry.source, &format!("{}/id", entry.pointer), message, "give the control such an id, or such a `label`");
    }
    out
}

// The control that an id belongs to: its own, or that of one of its parts (`ac-2_smt.k`).
fn owner<'p>(id: &str, printed: &'p BTreeMap<String, String>) -> Option<&'p String> {
    let mut rest = id;
    loop {
        if let Some(found) = printed.get(rest) {
            return Some(found);
        }
        rest = rest.rsplit_once('_')?.0;
    }
}

/// Sections with ids of their own.
struct Sections {
    groups: Vec<(String, String)>,
    ids: BTreeMap<Rc<Section>, String>,
}

impl Sections {
    fn of(picked: &[Picked]) -> Self {
        let mut out = Self { groups: Vec::new(), ids: BTreeMap::new() };
        for section in picked.iter().filter_map(|picked| picked.section.as_ref()) {
            if out.ids.contains_key(section) {
                continue;
            }
            // Sections of two catalogs may have one id and are not the same.
            let taken = |id: &str| out.groups.iter().any(|(known, _)| known == id);
            let mut id = or(one_line(&section.id), &UNGROUPED.0);
            let plain = id.clone();
            let mut number = 2;
            while taken(&id) {
                id = format!("{plain}-{number}");
                number += 1;
            }
            out.groups.push((id.clone(), or(section.title.clone(), &id)));
            out.ids.insert(Rc::clone(section), id);
        }
        if picked.iter().any(|picked| picked.section.is_none()) {
            let mut id = UNGROUPED.0.to_owned();
            while out.groups.iter().any(|(known, _)| *known == id) {
                id.insert_str(0, "other-");
            }
            out.groups.push((id, UNGROUPED.1.to_owned()));
        }
        out
    }

    fn id(&self, section: Option<&Rc<Section>>) -> String {
        let ungrouped = || self.groups.last().map(|(id, _)| id.clone());
        section.and_then(|section| self.ids.get(section).cloned()).or_else(ungrouped).unwrap_or_default()
    }
}

fn or(text: String, otherwise: &impl ToString) -> String {
    if text.is_empty() { otherwise.to_string() } else { text }
}

fn short_title(head: &Source, id: &FrameworkId) -> String {
    const SHORT: usize = 30;
    let title = one_line(&head.metadata.title);
    if title.is_empty() || title.chars().count() > SHORT { id.to_string() } else { title }
}

// Who published the head; for a profile of a company's own that says nothing, who published the catalog.
fn publisher(head: &Rc<Source>, sources: &[Rc<Source>]) -> String {
    let of = |source: &Rc<Source>| {
        let metadata = &source.metadata;
        let with_role = |role: &str| metadata.responsible_parties.iter().find(|party| party.role_id == role);
        let responsible = ["publisher", "creator", "prepared-by"].iter().find_map(|role| with_role(role)?.party_uuids.first());
        let party = match responsible {
            Some(uuid) => metadata.parties.iter().find(|party| party.uuid.eq_ignore_ascii_case(uuid)),
            None => metadata.parties.first(),
        };
        party.map(|party| one_line(&party.name)).filter(|name| !name.is_empty())
    };
    of(head).or_else(|| sources.iter().find_map(of)).unwrap_or_else(|| "not named in the document".to_owned())
}

fn file_name(source: &Rc<Source>) -> String {
    one_line(&source.path.file_name().unwrap_or_default().to_string_lossy())
}

fn described(source: &Rc<Source>) -> String {
    let metadata = &source.metadata;
    let [title, version, modified] = [&metadata.title, &metadata.version, &metadata.last_modified].map(|text| one_line(text));
    format!("{} ({title}, version {version}, last modified {modified}, OSCAL {})", file_name(source), one_line(&metadata.oscal_version))
}

fn licence(with_statements: bool) -> String {
    let copied = if with_statements { "Ids, titles and statements" } else { "Ids and titles" };
    format!("{copied} were imported as they are in the documents; what may be printed of them is settled by their publishers.")
}
