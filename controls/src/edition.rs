//! What changes from one edition of a framework to another: requirements, their levels, and the controls mapped to them.
//!
//! A pure function of the two catalogs and the mappings. Requirements that an edition lists only as withdrawn are not in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::framework::{Framework, Requirement};
use crate::id::{ControlId, FrameworkId, RequirementId};
use crate::library::Controls;

/// The changes from one edition to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EditionDiff {
    /// The edition before.
    pub from: FrameworkId,
    /// The edition after.
    pub to: FrameworkId,
    /// The levels that both declare: only in these can a requirement be said to change its level.
    pub common_levels: Vec<String>,
    /// Every requirement of both editions: those of the later one in its order, then those that end, in the order of the earlier one.
    pub requirements: Vec<Change>,
}

/// What becomes of a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The requirements of the edition before that it continues; none where it is new.
    pub from: Vec<RequirementId>,
    /// The requirement of the edition after; none where it ends.
    pub to: Option<RequirementId>,
    /// Where it ends: what the edition after says took its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawn_into: Vec<RequirementId>,
    /// The title, in the words of the edition after where it has one.
    pub title: String,
    /// Whether the same id has another title.
    pub retitled: bool,
    /// The levels before and after.
    pub levels: BeforeAfter<String>,
    /// Whether it belongs to other ones of the common levels.
    pub relevelled: bool,
    /// The controls mapped before and after.
    pub controls: BeforeAfter<ControlId>,
}

/// The kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It has the same id.
    Kept,
    /// It continues requirements of other ids, as the edition after says.
    Replaces,
    /// It has the title of a requirement whose id is gone.
    SameTitle,
    /// It continues nothing.
    Added,
    /// Nothing continues it.
    Removed,
}

impl ChangeKind {
    /// All kinds in the order in which they are printed.
    pub const ALL: [Self; 5] = [Self::Added, Self::Removed, Self::Replaces, Self::SameTitle, Self::Kept];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Replaces => "replaces",
            Self::SameTitle => "same-title",
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

/// A set before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BeforeAfter<T> {
    /// Before.
    pub before: Vec<T>,
    /// After.
    pub after: Vec<T>,
}

impl<T: Ord> BeforeAfter<T> {
    /// What is only there after.
    pub fn gained(&self) -> impl Iterator<Item = &T> {
        self.after.iter().filter(|one| !self.before.contains(one))
    }

    /// What is only there before.
    pub fn lost(&self) -> impl Iterator<Item = &T> {
        self.before.iter().filter(|one| !self.after.contains(one))
    }
}

impl EditionDiff {
    /// Compares two editions, whichever of the two supersedes the other.
    #[must_use]
    pub fn new(controls: &Controls, from: &Framework, to: &Framework) -> Self {
        let before = InForce::new(controls, from);
        let after = InForce::new(controls, to);
        let continued = continued(from, to, &before, &after);
        let declared: BTreeSet<&str> = from.levels.iter().map(|level| level.id.as_str()).collect();
        let common_levels: Vec<String> =
            to.levels.iter().filter(|level| declared.contains(level.id.as_str())).map(|level| level.id.clone()).collect();

        let mut requirements = Vec::new();
        let mut seen: BTreeSet<&RequirementId> = BTreeSet::new();
        for requirement in &after.requirements {
            let earlier = continued.get(&requirement.id).map_or(&[][..], |(_, ids)| ids);
            seen.extend(earlier.iter().copied());
            let kind = continued.get(&requirement.id).map_or(ChangeKind::Added, |(kind, _)| *kind);
            let earlier: Vec<&Requirement> = earlier.iter().filter_map(|id| before.by_id.get(id.as_str()).copied()).collect();
            requirements.push(change(kind, &earlier, Some(requirement), (&before, &after), &common_levels));
        }
        for requirement in before.requirements.iter().filter(|requirement| !seen.contains(&requirement.id)) {
            let mut ended = change(ChangeKind::Removed, &[requirement], None, (&before, &after), &common_levels);
            ended.withdrawn_into = to.requirement(requirement.id.as_str()).map_or_else(Vec::new, |gone| gone.withdrawn_into.clone());
            requirements.push(ended);
        }
        Self { from: from.id.clone(), to: to.id.clone(), common_levels, requirements }
    }

    /// How many requirements have each kind of change.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<ChangeKind, usize> {
        let mut totals: BTreeMap<ChangeKind, usize> = ChangeKind::ALL.map(|kind| (kind, 0)).into();
        for change in &self.requirements {
            *totals.entry(change.kind).or_insert(0) += 1;
        }
        totals
    }
}

/// The requirements of an edition that are in force, with the controls mapped to them.
struct InForce<'c> {
    requirements: Vec<&'c Requirement>,
    by_id: BTreeMap<&'c str, &'c Requirement>,
    controls: BTreeMap<&'c RequirementId, BTreeSet<&'c ControlId>>,
}

impl<'c> InForce<'c> {
    fn new(controls: &'c Controls, framework: &'c Framework) -> Self {
        let requirements: Vec<&Requirement> = framework.requirements.iter().filter(|requirement| !requirement.withdrawn).collect();
        let by_id = requirements.iter().map(|requirement| (requirement.id.as_str(), *requirement)).collect();
        let mut mapped: BTreeMap<&RequirementId, BTreeSet<&ControlId>> = BTreeMap::new();
        for mapping in controls.mappings_of(&framework.id) {
            mapped.entry(&mapping.requirement).or_default().insert(&mapping.control);
        }
        Self { requirements, by_id, controls: mapped }
    }

    fn controls(&self, requirements: &[&Requirement]) -> Vec<ControlId> {
        let all: BTreeSet<_> = requirements.iter().filter_map(|requirement| self.controls.get(&requirement.id)).flatten().collect();
        all.into_iter().map(|id| (*id).clone()).collect()
    }
}

/// By requirement of the edition after, what it continues.
type Continued<'c> = BTreeMap<&'c RequirementId, (ChangeKind, Vec<&'c RequirementId>)>;

fn continued<'c>(from: &'c Framework, to: &'c Framework, before: &InForce<'c>, after: &InForce<'c>) -> Continued<'c> {
    let mut out = Continued::new();
    for requirement in &after.requirements {
        if let Some(same) = before.by_id.get(requirement.id.as_str()) {
            out.insert(&requirement.id, (ChangeKind::Kept, vec![&same.id]));
        }
    }
    let mut replaces = |later: &'c RequirementId, earlier: &'c RequirementId| {
        let (_, ids) = out.entry(later).or_insert_with(|| (ChangeKind::Replaces, Vec::new()));
        if !ids.contains(&earlier) {
            ids.push(earlier);
        }
    };
    // The later edition says what it replaces, also where it is the one that is compared from.
    let known = |id: &RequirementId, edition: &InForce<'c>| edition.by_id.get(id.as_str()).map(|requirement| &requirement.id);
    if to.supersedes.as_ref() == Some(&from.id) {
        for requirement in &after.requirements {
            requirement.replaces.iter().filter_map(|id| known(id, before)).for_each(|earlier| replaces(&requirement.id, earlier));
        }
    } else if from.supersedes.as_ref() == Some(&to.id) {
        for requirement in &before.requirements {
            requirement.replaces.iter().filter_map(|id| known(id, after)).for_each(|later| replaces(later, &requirement.id));
        }
    }
    let taken: BTreeSet<&RequirementId> = out.values().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let ended = by_title(before.requirements.iter().filter(|requirement| !taken.contains(&requirement.id)));
    let begun = by_title(after.requirements.iter().filter(|requirement| !out.contains_key(&requirement.id)));
    for (title, later) in begun {
        if let (Some(later), Some(Some(earlier))) = (later, ended.get(&title)) {
            out.insert(later, (ChangeKind::SameTitle, vec![*earlier]));
        }
    }
    out
}

// By title, the requirement that has it, if it is the only one.
fn by_title<'r, 'c: 'r>(requirements: impl Iterator<Item = &'r &'c Requirement>) -> BTreeMap<String, Option<&'c RequirementId>> {
    let mut out = BTreeMap::new();
    for requirement in requirements {
        out.entry(requirement.title.to_lowercase()).and_modify(|known| *known = None).or_insert(Some(&requirement.id));
    }
    out
}

fn change(
    kind: ChangeKind,
    earlier: &[&Requirement],
    later: Option<&Requirement>,
    (before, after): (&InForce<'_>, &InForce<'_>),
    common: &[String],
) -> Change {
    let levels = BeforeAfter { before: levels(earlier), after: levels(later.as_slice()) };
    let in_common = |levels: &[String]| levels.iter().filter(|level| common.contains(level)).cloned().collect::<BTreeSet<_>>();
    let title = later.or(earlier.first().copied()).map_or("", |requirement| requirement.title.as_str());
    Change {
        kind,
        from: earlier.iter().map(|requirement| requirement.id.clone()).collect(),
        to: later.map(|requirement| requirement.id.clone()),
        withdrawn_into: Vec::new(),
        title: title.to_owned(),
        retitled: kind == ChangeKind::Kept && earlier.first().is_some_and(|earlier| earlier.title != title),
        relevelled: !earlier.is_empty() && later.is_some() && in_common(&levels.before) != in_common(&levels.after),
        levels,
        controls: BeforeAfter { before: before.controls(earlier), after: after.controls(later.as_slice()) },
    }
}

fn levels(requirements: &[&Requirement]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for level in requirements.iter().flat_map(|requirement| &requirement.levels) {
        if !out.contains(level) {
            out.push(level.clone());
        }
    }
    out
}
