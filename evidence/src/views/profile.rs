//! Publication profiles: what a reader may see. A wider circle sees less, and nothing is hidden by drawing over it.

use std::str::FromStr;

use serde::Serialize;

use super::{ParamView, Publication};

/// For whom something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Customers: statuses, counts and rules, without the names of subjects, targets and accounts.
    Customer,
    /// Assessors: everything that the bundle holds.
    Assessor,
}

impl Profile {
    /// All profiles, from the widest circle to the narrowest.
    pub const ALL: [Self; 2] = [Self::Customer, Self::Assessor];

    /// The name in paths and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Assessor => "assessor",
        }
    }
}

/// A name that is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no profile; there are: customer, assessor")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name).ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

impl Publication {
    /// The views as a profile may see them.
    #[must_use]
    pub fn for_profile(&self, profile: Profile) -> Self {
        let mut seen = self.clone();
        if profile == Profile::Customer {
            for target in &mut seen.run.targets {
                target.name.clear();
                target.identity.clear();
                target.actor.identity.clear();
            }
            for check in seen.checks.values_mut() {
                // Messages name hosts, images and objects, so they go with the subjects; the counts stay.
                check.failing.clear();
                check.passing.clear();
                // What a claim promises was said in public; what a workspace sets besides may be a name.
                let hidden = |param: &&mut ParamView| param.source != "default" && !param.source.starts_with("claim:");
                check.params.iter_mut().filter(hidden).for_each(|param| param.value = serde_json::Value::Null);
                // Exclusions are written as names of subjects.
                check.population.excluded.iter_mut().for_each(|excluded| excluded.rule.clear());
                check.manual_example = None;
            }
            for control in seen.controls.values_mut() {
                control.disagree.iter_mut().for_each(|differing| differing.on.clear());
            }
            // What deviates, and why, is a map for an attacker; that something does stays told.
            for exception in seen.exceptions.values_mut() {
                exception.subjects.clear();
                exception.reason.clear();
                exception.ticket.clear();
                exception.mitigation = None;
            }
            // A measured value may be a name, unless its check says that it is none; numbers and booleans never are.
            let checks = &seen.checks;
            seen.values.retain(|id, value| {
                let named = checks.get(&value.check).is_some_and(|check| {
                    check.publish.iter().any(|name| id.strip_prefix(&value.check).and_then(|rest| rest.strip_prefix('.')) == Some(name))
                });
                named || value.distinct.iter().all(|(value, _)| value.is_number() || value.is_boolean())
            });
        }
        seen
    }
}
