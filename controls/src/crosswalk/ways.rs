//! The ways in which a correspondence is derived, from the strongest to the weakest.

use std::fmt;

use serde::Serialize;

use crate::id::{ControlId, CrosswalkId, FrameworkId, RequirementId};
use crate::mapping::Relation;

/// A requirement elsewhere, with every way that leads to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Correspondence<'c> {
    /// The other framework, or a catalog outside the library.
    pub framework: &'c FrameworkId,
    /// The requirement of it.
    pub requirement: &'c RequirementId,
    /// The ways, the strongest first; there is at least one.
    pub derivations: Vec<Derivation<'c>>,
}

/// One way from a requirement to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Derivation<'c> {
    /// What kind of way it is.
    pub way: Way,
    /// How the requirement at the start stands to the one at the end.
    pub relation: Relation,
    /// Whether the relation follows from the steps. Two that have a part in common with a third may have none with each other.
    pub certain: bool,
    /// The steps.
    pub steps: Vec<Step<'c>>,
}

/// The kinds of ways, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The same requirement: one framework is a profile of the other.
    Profile,
    /// A source says it of the two.
    Direct,
    /// It follows from what sources say of requirements between the two.
    Composed,
    /// Both are mapped to the same control of the library.
    SharedControl,
}

impl Way {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Direct => "direct",
            Self::Composed => "composed",
            Self::SharedControl => "shared-control",
        }
    }
}

/// One step of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Step<'c> {
    /// Where it starts.
    pub from: Node<'c>,
    /// How the start stands to the end.
    pub relation: Relation,
    /// Where it ends.
    pub to: Node<'c>,
    /// What says so.
    pub basis: Basis<'c>,
}

/// An end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Node<'c> {
    /// A requirement.
    Requirement {
        /// Its framework, or a catalog outside the library.
        framework: &'c FrameworkId,
        /// Its id.
        requirement: &'c RequirementId,
    },
    /// A control of the library.
    Control {
        /// Its id.
        control: &'c ControlId,
    },
}

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requirement { framework, requirement } => write!(f, "{framework} {requirement}"),
            Self::Control { control } => write!(f, "control {control}"),
        }
    }
}

/// What a step rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis<'c> {
    /// An authoritative source.
    Crosswalk(&'c CrosswalkId),
    /// A framework that is a profile of another.
    Profile(&'c FrameworkId),
    /// The library's own mapping of a framework.
    Mapping(&'c FrameworkId),
}

impl fmt::Display for Basis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crosswalk(id) => write!(f, "{id}"),
            Self::Profile(id) => write!(f, "profile {id}"),
            Self::Mapping(id) => write!(f, "mapping {id}"),
        }
    }
}

impl<'c> Derivation<'c> {
    /// A way over `steps`, of which there is at least one; nothing where there is none.
    pub(super) fn over(steps: &[Step<'c>]) -> Option<Self> {
        let (first, rest) = steps.split_first()?;
        let start = (first.relation, true);
        let (relation, certain) = rest.iter().fold(start, |(relation, certain), step| {
            let (composed, follows) = relation.then(step.relation);
            (composed, certain && follows)
        });
        let is_profile = |step: &Step<'_>| matches!(step.basis, Basis::Profile(_));
        let way = match steps {
            [Step { basis: Basis::Mapping(_), .. }, ..] => Way::SharedControl,
            steps if steps.iter().all(is_profile) => Way::Profile,
            [_] => Way::Direct,
            _ => Way::Composed,
        };
        Some(Self { way, relation, certain, steps: steps.to_vec() })
    }

    /// What lies between the two ends, in order.
    pub fn via(&self) -> impl Iterator<Item = Node<'c>> + '_ {
        self.steps.iter().skip(1).map(|step| step.from)
    }

    /// The strongest first: by the kind of way, its length, whether it is certain and how close the relation is.
    pub(super) fn rank(&self) -> (Way, usize, bool, Relation, &[Step<'c>]) {
        (self.way, self.steps.len(), !self.certain, self.relation, &self.steps)
    }
}
