//! Scope: which requirements of which frameworks a workspace answers for, as it is sealed in the bundle.
//!
//! A framework's levels are declared from the lowest to the highest, but they are memberships: a requirement belongs to
//! the levels that it names and to no other. What a workspace tailors out of its level stays visible with its reason.

use std::collections::BTreeMap;

use proofbook_controls::{Controls, FrameworkId, Mapping, Requirement, RequirementId};
use serde::{Deserialize, Serialize};

/// The part of one framework that a workspace answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The framework.
    pub framework: FrameworkId,
    /// The level, baseline or class; every requirement where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Requirements that are tailored out, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exclude: BTreeMap<RequirementId, String>,
}

/// How a requirement stands to a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'s> {
    /// It is to be met.
    InScope,
    /// It is of the chosen level and was tailored out, for this reason.
    TailoredOut(&'s str),
    /// It is of no concern: withdrawn, not of the chosen level, or of a framework that was not chosen.
    OutOfScope,
}

impl Scope {
    /// The whole of a framework.
    #[must_use]
    pub const fn whole(framework: FrameworkId) -> Self {
        Self { framework, level: None, exclude: BTreeMap::new() }
    }

    /// How a requirement of this framework stands to the scope.
    #[must_use]
    pub fn membership(&self, requirement: &Requirement) -> Membership<'_> {
        let of_level = self.level.as_ref().is_none_or(|level| requirement.levels.contains(level));
        if requirement.withdrawn || !of_level {
            return Membership::OutOfScope;
        }
        self.exclude.get(&requirement.id).map_or(Membership::InScope, |reason| Membership::TailoredOut(reason))
    }
}

/// The scopes of a workspace by framework. Without any, every framework of the library is in scope, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(pub BTreeMap<FrameworkId, Scope>);

impl Scopes {
    /// Whether nothing was chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a framework is in scope, whole or in part.
    #[must_use]
    pub fn covers(&self, framework: &FrameworkId) -> bool {
        self.0.is_empty() || self.0.contains_key(framework)
    }

    /// The level that was chosen of a framework.
    #[must_use]
    pub fn level(&self, framework: &FrameworkId) -> Option<&str> {
        self.0.get(framework)?.level.as_deref()
    }

    /// How a requirement of a framework stands to the scopes.
    #[must_use]
    pub fn membership(&self, framework: &FrameworkId, requirement: &Requirement) -> Membership<'_> {
        match self.0.get(framework) {
            Some(scope) => scope.membership(requirement),
            None if self.0.is_empty() && !requirement.withdrawn => Membership::InScope,
            None => Membership::OutOfScope,
        }
    }

    /// The mappings of a framework to requirements that are to be met.
    pub fn mappings<'c>(&'c self, controls: &'c Controls, framework: &'c FrameworkId) -> impl Iterator<Item = &'c Mapping> {
        let requirements = controls.frameworks.get(framework).into_iter().flat_map(|framework| &framework.requirements);
        let in_scope = requirements.filter(move |found| self.membership(framework, found) == Membership::InScope);
        let ids: std::collections::BTreeSet<&RequirementId> = in_scope.map(|requirement| &requirement.id).collect();
        controls.mappings_of(framework).filter(move |mapping| ids.contains(&mapping.requirement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELLED: &str = "
id: f
title: F
short_title: F
publisher: P
edition: '1'
source: S
licence: L
groups: [{id: g, title: G}]
levels: [{id: low, title: Low}, {id: high, title: High}]
requirements:
  - {id: A, group: g, title: A, levels: [low, high]}
  - {id: B, group: g, title: B, levels: [high]}
  - {id: C, group: g, title: C, levels: [low]}
  - {id: D, group: g, title: D}
  - {id: E, group: g, title: E, levels: [low, high], withdrawn: true}
";

    fn framework() -> proofbook_controls::Framework {
        proofbook_controls::yaml::parse("f.yaml", LEVELLED).unwrap()
    }

    fn in_scope(scopes: &Scopes) -> String {
        let framework = framework();
        let found = framework.requirements.iter().filter(|found| scopes.membership(&framework.id, found) == Membership::InScope);
        found.map(|requirement| requirement.id.as_str()).collect()
    }

    fn scopes(id: &str, level: Option<&str>, exclude: &[(&str, &str)]) -> Scopes {
        let framework = FrameworkId::new(id).unwrap();
        let exclude = exclude.iter().map(|(id, reason)| (RequirementId::new(id).unwrap(), (*reason).to_owned())).collect();
        Scopes([(framework.clone(), Scope { framework, level: level.map(str::to_owned), exclude })].into())
    }

    #[test]
    fn a_level_is_a_membership_and_not_a_step() {
        assert_eq!(in_scope(&Scopes::default()), "ABCD");
        assert_eq!(in_scope(&scopes("f", None, &[])), "ABCD");
        assert_eq!(in_scope(&scopes("f", Some("low"), &[])), "AC");
        assert_eq!(in_scope(&scopes("f", Some("high"), &[])), "AB");
        assert_eq!(in_scope(&scopes("other", None, &[])), "");
    }

    #[test]
    fn what_is_tailored_out_says_why() {
        let scopes = scopes("f", Some("high"), &[("B", "no such thing")]);
        let framework = framework();
        let of = |id: &str| scopes.membership(&framework.id, framework.requirement(id).unwrap());
        assert_eq!(of("A"), Membership::InScope);
        assert_eq!(of("B"), Membership::TailoredOut("no such thing"));
        assert_eq!(of("C"), Membership::OutOfScope);
        assert_eq!(of("E"), Membership::OutOfScope);
    }

    #[test]
    fn it_comes_back_from_json_as_it_was() {
        let scopes = scopes("f", Some("high"), &[("B", "no such thing")]);
        let text = serde_json::to_string(&scopes).unwrap();
        assert_eq!(text, r#"{"f":{"framework":"f","level":"high","exclude":{"B":"no such thing"}}}"#);
        assert_eq!(serde_json::from_str::<Scopes>(&text).unwrap(), scopes);
    }
}
