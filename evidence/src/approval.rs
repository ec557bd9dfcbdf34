//! Who may sign and approve: the roles of a workspace with their holders over time, and how long an exception may last.
//!
//! A role that nobody held at the time is no role: a statement of somebody who has left, and an approval by somebody who may not
//! approve, are refused when the workspace is read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An exception lasts this many days at most where the workspace says nothing (evidence.md section 9).
pub const LONGEST_DAYS: u32 = 180;

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Whether its holders may approve exceptions.
    #[serde(default)]
    pub approves: bool,
    /// Who holds or held it.
    pub holders: Vec<Holder>,
}

/// Somebody who holds or held a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The reference to the person, as attestations and exceptions write it.
    pub person_ref: String,
    /// The first day, UTC.
    #[schemars(with = "String")]
    pub from: Date,
    /// The last day, UTC; none while they hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
}

impl Holder {
    /// Whether they hold the role at a time.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= day(at) && self.until.is_none_or(|until| day(at) <= until)
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The roles of a workspace, and what they may approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The roles by name.
    pub roles: BTreeMap<String, Role>,
    /// How many days an exception lasts at most.
    pub longest_days: u32,
}

impl Default for Approval {
    fn default() -> Self {
        Self { roles: BTreeMap::new(), longest_days: LONGEST_DAYS }
    }
}

impl Approval {
    /// Whether nothing was said about it.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a person held a role at a time.
    ///
    /// # Errors
    /// Why not, as the rest of a sentence about the person.
    pub fn holds(&self, role: &str, person_ref: &str, at: Timestamp) -> Result<&Role, String> {
        let Some(known) = self.roles.get(role) else {
            return Err(format!("has the role `{role}`, which is not under `roles:` of the workspace"));
        };
        let mut own = known.holders.iter().filter(|holder| holder.person_ref == person_ref).peekable();
        if own.peek().is_none() {
            return Err(format!("is no holder of the role `{role}`"));
        }
        if own.any(|holder| holder.holds(at)) {
            return Ok(known);
        }
        Err(format!("did not hold the role `{role}` on {}", day(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_held_from_its_first_to_its_last_day() {
        let holder = Holder { person_ref: "p".into(), from: "2026-01-10".parse().unwrap(), until: Some("2026-02-10".parse().unwrap()) };
        let role = Role { approves: true, holders: vec![holder] };
        let approval = Approval { roles: BTreeMap::from([("CISO".to_owned(), role)]), ..Approval::default() };
        let holds = |role: &str, person: &str, at: &str| approval.holds(role, person, at.parse().unwrap()).is_ok();
        assert!(holds("CISO", "p", "2026-01-10T00:00:00Z") && holds("CISO", "p", "2026-02-10T23:59:59Z"));
        assert!(!holds("CISO", "p", "2026-01-09T23:59:59Z") && !holds("CISO", "p", "2026-02-11T00:00:00Z"));
        assert!(!holds("CISO", "q", "2026-01-20T00:00:00Z") && !holds("CTO", "p", "2026-01-20T00:00:00Z"));
    }
}
