//! The crosswalk as it is printed: by requirement the strongest of what it corresponds to elsewhere, and totals by framework.
//!
//! A requirement in scope stands beside those in scope of other frameworks, however weakly the two are tied, and beside those of
//! other catalogs where a source says it of the two. What is left out of a row is counted there.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_controls::crosswalk::{Basis, Correspondence, Derivation, Node, Way};
use proofbook_controls::{Controls, Correspondences, CrosswalkId, FrameworkId, Relation, RequirementId};
use serde::Serialize;

use crate::rollup;
use crate::scope::Scopes;

/// So many requirements of another framework stand in a row; the number of others stands in `more`.
pub const SHOWN: usize = 3;

/// What the requirements in scope correspond to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CrosswalkView {
    /// The frameworks in scope by id, then other catalogs that sources tie to them.
    pub catalogs: Vec<CatalogView>,
    /// Pairs of catalogs that have something in common, each once, in the order of `catalogs`.
    pub pairs: Vec<PairView>,
    /// The sources that all of it rests on, by id.
    pub sources: Vec<SourceView>,
    /// By framework and requirement, what it corresponds to; those that are withdrawn are left out.
    pub requirements: BTreeMap<String, BTreeMap<String, ElsewhereView>>,
}

/// A framework, or another catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CatalogView {
    /// The id.
    pub id: String,
    /// The short title.
    pub title: String,
    /// Whether it is in scope.
    pub in_scope: bool,
}

/// How many requirements of two catalogs correspond to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairView {
    /// The first; it is in scope.
    pub one: String,
    /// The second.
    pub other: String,
    /// Pairs of requirements, each counted by its strongest way; the strongest way first.
    pub ways: Vec<WayTally>,
}

/// Requirements that are known in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WayTally {
    /// The way.
    pub way: Way,
    /// The pairs of requirements.
    pub pairs: u64,
    /// Those among them that may have nothing in common.
    pub uncertain: u64,
}

/// An authoritative source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceView {
    /// The id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Who publishes it.
    pub publisher: String,
    /// The document, with edition and date.
    pub source: String,
    /// What may be printed of it.
    pub licence: String,
    /// How many pairs it names, of whatever scope.
    pub pairs: u64,
}

/// What a requirement corresponds to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ElsewhereView {
    /// How many requirements, each counted by its strongest way; the strongest way first.
    pub ways: Vec<WayTally>,
    /// Catalog by catalog: those first to which the strongest way leads, and among them those in scope.
    pub catalogs: Vec<InCatalogView>,
}

/// What a requirement corresponds to in one other catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InCatalogView {
    /// The catalog.
    pub catalog: String,
    /// The strongest, those that are known in the same way together; at most [`SHOWN`] requirements.
    pub alike: Vec<AlikeView>,
    /// How many further requirements of the catalog it corresponds to.
    pub more: u64,
}

/// Requirements that are known in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlikeView {
    /// The strongest way.
    pub way: Way,
    /// How the requirement of the row stands to each.
    pub relation: Relation,
    /// Whether that follows from the steps; where it does not, the two may have nothing in common.
    pub certain: bool,
    /// The sources of the steps.
    pub sources: Vec<String>,
    /// Whether a profile makes one of the steps.
    pub profile: bool,
    /// The requirements, in the order of their catalog.
    pub requirements: Vec<ReachedView>,
}

/// A requirement with what lies on the way to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReachedView {
    /// The id.
    pub id: String,
    /// The requirements between, with the titles of their catalogs.
    pub via: Vec<String>,
    /// The control that both are mapped to.
    pub control: Option<String>,
    /// How many further ways of this kind there are; where a source says it of the two, nobody needs another.
    pub further: u64,
}

/// A catalog and a requirement of it.
type End<'c> = (&'c FrameworkId, &'c RequirementId);

impl CrosswalkView {
    /// What the requirements in scope correspond to.
    #[must_use]
    pub fn new(controls: &Controls, scopes: &Scopes) -> Self {
        let listed = listed(controls, scopes);
        let all = Correspondences::new(controls);
        let frameworks: BTreeSet<&FrameworkId> = controls.frameworks.keys().filter(|id| scopes.covers(id)).collect();
        let mut pairs: BTreeMap<(&FrameworkId, &FrameworkId), Tally> = BTreeMap::new();
        let mut sources: BTreeSet<&CrosswalkId> = BTreeSet::new();
        let mut requirements: BTreeMap<String, BTreeMap<String, ElsewhereView>> = BTreeMap::new();
        for &(framework, requirement) in &listed {
            let correspondences = all.of(framework, requirement);
            let in_scope = |one: &Correspondence<'_>| listed.contains(&(one.framework, one.requirement));
            let found: Vec<_> = correspondences.iter().filter_map(|one| Found::of(one, in_scope(one))).collect();
            for one in &found {
                sources.extend(one.sources());
                // Two in scope meet from both sides and count once.
                if !one.in_scope || framework < one.framework {
                    pairs.entry(ordered(&frameworks, framework, one.framework)).or_default().add(one.strongest);
                }
            }
            let row = ElsewhereView::new(controls, &frameworks, found);
            requirements.entry(framework.to_string()).or_default().insert(requirement.to_string(), row);
        }
        let tied: BTreeSet<&FrameworkId> = pairs.keys().map(|&(_, other)| other).collect();
        let catalog = |id: &&FrameworkId| {
            let in_scope = frameworks.contains(*id);
            CatalogView { id: id.to_string(), title: title(controls, id), in_scope }
        };
        let pair = |((one, other), tally): ((&FrameworkId, &FrameworkId), Tally)| PairView {
            one: one.to_string(),
            other: other.to_string(),
            ways: tally.ways(),
        };
        Self {
            catalogs: frameworks.iter().chain(tied.difference(&frameworks)).map(catalog).collect(),
            pairs: pairs.into_iter().map(pair).collect(),
            sources: sources.into_iter().filter_map(|id| controls.crosswalks.get(id)).map(SourceView::new).collect(),
            requirements,
        }
    }

    /// What a requirement corresponds to; none where it is withdrawn or not in scope.
    #[must_use]
    pub fn of(&self, framework: &str, requirement: &str) -> Option<&ElsewhereView> {
        self.requirements.get(framework)?.get(requirement)
    }
}

// The requirements that are printed, but for those that are withdrawn: nothing corresponds to them.
fn listed<'c>(controls: &'c Controls, scopes: &'c Scopes) -> BTreeSet<End<'c>> {
    let of = |framework: &'c proofbook_controls::Framework| {
        let in_force = rollup::in_scope(framework, scopes).filter(|(requirement, _)| !requirement.withdrawn);
        in_force.map(move |(requirement, _)| (&framework.id, &requirement.id))
    };
    controls.frameworks.values().flat_map(of).collect()
}

// A pair has its framework in scope first, and the lesser id where both are.
fn ordered<'c>(frameworks: &BTreeSet<&FrameworkId>, one: &'c FrameworkId, other: &'c FrameworkId) -> (&'c FrameworkId, &'c FrameworkId) {
    if frameworks.contains(other) && other < one { (other, one) } else { (one, other) }
}

fn title(controls: &Controls, catalog: &FrameworkId) -> String {
    let short = controls.frameworks.get(catalog).map(|framework| framework.short_title.as_str());
    short.or_else(|| controls.catalog_title(catalog)).unwrap_or_else(|| catalog.as_str()).to_owned()
}

/// A correspondence that is printed.
struct Found<'f, 'c> {
    framework: &'c FrameworkId,
    requirement: &'c RequirementId,
    in_scope: bool,
    strongest: &'f Derivation<'c>,
    further: u64,
}

impl<'f, 'c> Found<'f, 'c> {
    /// Out of scope only what a source says of the two, or what is the same by a profile.
    fn of(one: &'f Correspondence<'c>, in_scope: bool) -> Option<Self> {
        let strongest = one.derivations.first()?;
        let told = matches!(strongest.way, Way::Profile | Way::Direct);
        let further = if told { 0 } else { one.derivations.iter().skip(1).filter(|way| way.way == strongest.way).count() as u64 };
        let found = Self { framework: one.framework, requirement: one.requirement, in_scope, strongest, further };
        (in_scope || told).then_some(found)
    }

    fn sources(&self) -> impl Iterator<Item = &'c CrosswalkId> {
        self.strongest.steps.iter().filter_map(|step| match step.basis {
            Basis::Crosswalk(id) => Some(id),
            Basis::Profile(_) | Basis::Mapping(_) => None,
        })
    }

    fn profile(&self) -> bool {
        self.strongest.steps.iter().any(|step| matches!(step.basis, Basis::Profile(_)))
    }

    fn control(&self) -> Option<String> {
        self.strongest.via().find_map(|node| match node {
            Node::Control { control } => Some(control.to_string()),
            Node::Requirement { .. } => None,
        })
    }

    fn reached(&self, controls: &Controls) -> ReachedView {
        let between = |node| match node {
            Node::Requirement { framework, requirement } => Some(format!("{} {requirement}", title(controls, framework))),
            Node::Control { .. } => None,
        };
        ReachedView {
            id: self.requirement.to_string(),
            via: self.strongest.via().filter_map(between).collect(),
            control: self.control(),
            further: self.further,
        }
    }
}

/// Correspondences by their strongest way, and those among them that are uncertain.
#[derive(Default)]
struct Tally(BTreeMap<Way, (u64, u64)>);

impl Tally {
    fn add(&mut self, strongest: &Derivation<'_>) {
        let (pairs, uncertain) = self.0.entry(strongest.way).or_insert((0, 0));
        *pairs += 1;
        *uncertain += u64::from(!strongest.certain);
    }

    fn ways(self) -> Vec<WayTally> {
        self.0.into_iter().map(|(way, (pairs, uncertain))| WayTally { way, pairs, uncertain }).collect()
    }
}

impl ElsewhereView {
    /// Whether requirements or ways are left out.
    #[must_use]
    pub fn shortened(&self) -> bool {
        let reached = |one: &InCatalogView| one.alike.iter().flat_map(|alike| &alike.requirements).any(|reached| reached.further > 0);
        self.catalogs.iter().any(|one| one.more > 0 || reached(one))
    }

    fn new(controls: &Controls, frameworks: &BTreeSet<&FrameworkId>, found: Vec<Found<'_, '_>>) -> Self {
        let mut tally = Tally::default();
        let mut by_catalog: BTreeMap<&FrameworkId, Vec<Found<'_, '_>>> = BTreeMap::new();
        for one in found {
            tally.add(one.strongest);
            by_catalog.entry(one.framework).or_default().push(one);
        }
        let mut catalogs: Vec<_> = by_catalog.into_iter().collect();
        let strongest = |found: &[Found<'_, '_>]| found.iter().map(|one| one.strongest.way).min();
        catalogs.sort_by_key(|(catalog, found)| (strongest(found), !frameworks.contains(catalog)));
        let row = |(catalog, found)| InCatalogView::new(controls, catalog, found);
        Self { ways: tally.ways(), catalogs: catalogs.into_iter().map(row).collect() }
    }
}

impl InCatalogView {
    fn new(controls: &Controls, catalog: &FrameworkId, mut found: Vec<Found<'_, '_>>) -> Self {
        // Equal ones keep the order of their catalog.
        found.sort_by_key(|one| (one.strongest.way, one.strongest.steps.len(), !one.strongest.certain, one.strongest.relation));
        let mut alike: Vec<AlikeView> = Vec::new();
        for one in found.iter().take(SHOWN) {
            let Derivation { way, relation, certain, .. } = *one.strongest;
            let (sources, profile): (Vec<String>, bool) = (one.sources().map(ToString::to_string).collect(), one.profile());
            let known = (way, relation, certain, profile);
            let known_like =
                |same: &&mut AlikeView| (same.way, same.relation, same.certain, same.profile) == known && same.sources == sources;
            if let Some(same) = alike.iter_mut().find(known_like) {
                same.requirements.push(one.reached(controls));
            } else {
                alike.push(AlikeView { way, relation, certain, sources, profile, requirements: vec![one.reached(controls)] });
            }
        }
        Self { catalog: catalog.to_string(), alike, more: found.len().saturating_sub(SHOWN) as u64 }
    }
}

impl SourceView {
    fn new(crosswalk: &proofbook_controls::crosswalk::Crosswalk) -> Self {
        Self {
            id: crosswalk.id.to_string(),
            title: crosswalk.title.clone(),
            publisher: crosswalk.publisher.clone(),
            source: crosswalk.source.clone(),
            licence: crosswalk.licence.clone(),
            pairs: crosswalk.pairs.len() as u64,
        }
    }
}
