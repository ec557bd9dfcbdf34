//! Deriving correspondences: every way over at most three authoritative pairs, and over one shared control.

use std::collections::{BTreeMap, BTreeSet};

use super::ways::{Basis, Correspondence, Derivation, Node, Step};
use crate::framework::Framework;
use crate::id::{ControlId, FrameworkId, RequirementId};
use crate::library::Controls;
use crate::mapping::{Mapping, Relation};

/// A way has at most this many steps: CMMC to SP 800-171, to SP 800-53, to ISO 27001.
const MAX_STEPS: usize = 3;

/// All that the library says of correspondences, ready to be asked.
#[derive(Clone, Debug)]
pub struct Correspondences<'c> {
    steps: BTreeMap<End<'c>, Vec<Step<'c>>>,
    mappings: BTreeMap<End<'c>, Vec<&'c Mapping>>,
    mapped: BTreeMap<&'c ControlId, Vec<&'c Mapping>>,
    // The order in which requirements are listed: that of their framework, or of their first mention where no list is at hand.
    order: BTreeMap<End<'c>, usize>,
}

/// A catalog and a requirement of it.
type End<'c> = (&'c FrameworkId, &'c RequirementId);

impl<'c> Correspondences<'c> {
    /// Takes everything from the library.
    #[must_use]
    pub fn new(controls: &'c Controls) -> Self {
        let mut all = Self { steps: BTreeMap::new(), mappings: BTreeMap::new(), mapped: BTreeMap::new(), order: BTreeMap::new() };
        for framework in controls.frameworks.values() {
            for requirement in &framework.requirements {
                all.place((&framework.id, &requirement.id));
            }
        }
        for framework in controls.frameworks.values() {
            let catalog = framework.profile_of.as_ref().and_then(|id| controls.frameworks.get(id));
            if let Some(catalog) = catalog {
                all.profile(framework, catalog);
            }
        }
        for crosswalk in controls.crosswalks.values() {
            for pair in &crosswalk.pairs {
                let (from, to) = ((&crosswalk.from, &pair.from), (&crosswalk.to, &pair.to));
                all.pair(from, pair.relation, to, Basis::Crosswalk(&crosswalk.id));
            }
        }
        for mapping in &controls.mappings {
            all.mappings.entry((&mapping.framework, &mapping.requirement)).or_default().push(mapping);
            all.mapped.entry(&mapping.control).or_default().push(mapping);
        }
        all
    }

    /// The catalogs that have a requirement of this id, frameworks and those outside the library alike.
    pub fn catalogs_with(&self, id: &str) -> impl Iterator<Item = (&'c FrameworkId, &'c RequirementId)> {
        self.order.keys().copied().filter(move |(_, requirement)| requirement.as_str() == id)
    }

    /// All requirements that can be asked for.
    pub fn requirements(&self) -> impl Iterator<Item = (&'c FrameworkId, &'c RequirementId)> {
        self.order.keys().copied()
    }

    /// Everything that a requirement corresponds to in other frameworks: framework by framework, in their order.
    #[must_use]
    pub fn of(&self, framework: &'c FrameworkId, requirement: &'c RequirementId) -> Vec<Correspondence<'c>> {
        let start = (framework, requirement);
        let mut ways = Ways::new();
        self.walk(start, &mut vec![framework], &mut Vec::new(), &mut ways);
        self.shared(start, &mut ways);
        let mut out: Vec<Correspondence<'c>> = ways
            .into_iter()
            .map(|((framework, requirement), steps)| {
                let mut derivations: Vec<_> = steps.iter().filter_map(|steps| Derivation::over(steps)).collect();
                derivations.sort_by(|a, b| a.rank().cmp(&b.rank()));
                Correspondence { framework, requirement, derivations }
            })
            .collect();
        let place = |end: &End<'c>| self.order.get(end).copied().unwrap_or(usize::MAX);
        out.sort_by_key(|found| (found.framework, place(&(found.framework, found.requirement))));
        out
    }

    fn place(&mut self, end: End<'c>) {
        let next = self.order.len();
        self.order.entry(end).or_insert(next);
    }

    fn pair(&mut self, from: End<'c>, relation: Relation, to: End<'c>, basis: Basis<'c>) {
        for (from, relation, to) in [(from, relation, to), (to, relation.inverse(), from)] {
            self.place(from);
            self.steps.entry(from).or_default().push(Step { from: node(from), relation, to: node(to), basis });
        }
    }

    fn profile(&mut self, profile: &'c Framework, catalog: &'c Framework) {
        for requirement in &profile.requirements {
            let ends = ((&profile.id, &requirement.id), (&catalog.id, &requirement.id));
            self.pair(ends.0, Relation::Equal, ends.1, Basis::Profile(&profile.id));
        }
    }

    // Every way from `at` that enters no catalog twice.
    fn walk(&self, at: End<'c>, catalogs: &mut Vec<&'c FrameworkId>, steps: &mut Vec<Step<'c>>, ways: &mut Ways<'c>) {
        if steps.len() == MAX_STEPS {
            return;
        }
        for step in self.steps.get(&at).into_iter().flatten() {
            let Node::Requirement { framework, requirement } = step.to else { continue };
            if catalogs.contains(&framework) {
                continue;
            }
            catalogs.push(framework);
            steps.push(*step);
            ways.entry((framework, requirement)).or_default().insert(steps.clone());
            self.walk((framework, requirement), catalogs, steps, ways);
            steps.pop();
            catalogs.pop();
        }
    }

    // Requirements of other frameworks that are mapped to one of the same controls.
    fn shared(&self, start: End<'c>, ways: &mut Ways<'c>) {
        for own in self.mappings.get(&start).into_iter().flatten() {
            let control = Node::Control { control: &own.control };
            let first = Step { from: node(start), relation: own.relation.inverse(), to: control, basis: Basis::Mapping(&own.framework) };
            let others = self.mapped.get(&own.control).into_iter().flatten();
            for other in others.filter(|other| other.framework != own.framework) {
                let end = (&other.framework, &other.requirement);
                let second = Step { from: control, relation: other.relation, to: node(end), basis: Basis::Mapping(&other.framework) };
                ways.entry(end).or_default().insert(vec![first, second]);
            }
        }
    }
}

/// By requirement, the ways that lead to it.
type Ways<'c> = BTreeMap<End<'c>, BTreeSet<Vec<Step<'c>>>>;

const fn node((framework, requirement): End<'_>) -> Node<'_> {
    Node::Requirement { framework, requirement }
}
