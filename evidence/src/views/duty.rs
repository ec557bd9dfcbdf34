//! Who does what about a requirement: the shared-responsibility matrix from the side of a framework.
//!
//! It follows from whom the requirement binds, from the controls that are mapped to it, and from how these stand now. A control
//! that does not hold is a duty all the same, but nobody inherits from it; a control that is a part of a requirement leaves the
//! rest to whom the requirement binds. So nothing is inherited that nobody showed.

use std::collections::BTreeMap;

use proofbook_checks::Verdict;
use proofbook_controls::{Binds, Relation, Split};
use serde::Serialize;

use super::{ControlView, FrameworkView, Publication, RequirementView};
use crate::assessment::Coverage;

/// A check that a customer can repeat by hand with rights over its own namespaces alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CustomerCheckView {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The command, with placeholders such as `<metadata.namespace>`.
    pub command: String,
}

/// Who does what about a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DutyView {
    /// On whom it rests.
    pub split: Split,
    /// How much of it a customer can inherit now.
    pub inherits: Inherits,
    /// Who owns it, in the words of CSA's questionnaire.
    pub ownership: Ownership,
    /// The mapped controls that hold now.
    pub holding: Vec<String>,
    /// The mapped controls that do not hold, or of which it is not known.
    pub open: Vec<String>,
}

/// How much of a requirement a customer can inherit from the provider, by what holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inherits {
    /// All of it: every mapped control rests on the provider and holds, and one covers the whole requirement.
    Yes,
    /// The part that the controls cover which hold.
    Partial,
    /// Nothing.
    No,
}

impl Inherits {
    /// The word in FedRAMP's customer responsibility matrix.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "Yes",
            Self::Partial => "Partial",
            Self::No => "No",
        }
    }
}

/// Who owns a control, in the words of the questionnaire of the Cloud Security Alliance (CAIQ, column "SSRM Control Ownership").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// The provider.
    Provider,
    /// The customer.
    Customer,
    /// A supplier of the provider.
    ThirdParty,
    /// Provider and customer.
    Shared,
    /// Provider and a supplier of it.
    SharedWithThirdParty,
}

impl Ownership {
    /// The words of the questionnaire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "CSP-owned",
            Self::Customer => "CSC-owned",
            Self::ThirdParty => "3rd-party outsourced",
            Self::Shared => "Shared CSP and CSC",
            Self::SharedWithThirdParty => "Shared CSP and 3rd-party",
        }
    }

    /// Who owns what rests on somebody through controls, of which some may be a supplier's.
    pub(super) fn of(split: Split, suppliers: impl IntoIterator<Item = bool>) -> Self {
        let (mut any, mut all, mut some) = (false, true, false);
        for supplier in suppliers {
            (any, all, some) = (true, all && supplier, some || supplier);
        }
        match split {
            Split::Customer => Self::Customer,
            Split::Shared => Self::Shared,
            Split::Provider if any && all => Self::ThirdParty,
            Split::Provider if some => Self::SharedWithThirdParty,
            Split::Provider => Self::Provider,
        }
    }
}

impl DutyView {
    /// The duties of a requirement; none where it binds neither side.
    pub(super) fn of(requirement: &RequirementView, controls: &BTreeMap<String, ControlView>) -> Option<Self> {
        if matches!(requirement.binds, Binds::Authority | Binds::Nobody) {
            return None;
        }
        let mapped: Vec<(&ControlView, Relation)> = requirement
            .mappings
            .iter()
            .filter_map(|mapping| Some((controls.get(&mapping.control)?, mapping.relation)))
            .filter(|(control, _)| control.status != Verdict::NotApplicable)
            .collect();
        let whole = mapped.iter().any(|(_, relation)| matches!(relation, Relation::Equal | Relation::Equivalent | Relation::Superset));
        let split = split(requirement.binds, &mapped.iter().map(|(control, _)| control.split).collect::<Vec<_>>(), whole);
        let named = |holds: bool| {
            let some = mapped.iter().filter(move |(control, _)| is_good(control.status) == holds);
            some.map(|(control, _)| control.id.clone()).collect::<Vec<_>>()
        };
        let (holding, open) = (named(true), named(false));
        let from_provider = mapped.iter().any(|(control, _)| is_good(control.status) && control.split != Split::Customer);
        let inherits = match split {
            Split::Customer => Inherits::No,
            _ if !from_provider => Inherits::No,
            Split::Provider if whole && open.is_empty() => Inherits::Yes,
            _ => Inherits::Partial,
        };
        let suppliers = mapped.iter().map(|(control, _)| control.inherited_from.is_some());
        Some(Self { split, inherits, ownership: Ownership::of(split, suppliers), holding, open })
    }
}

// On whom a requirement rests. What binds both sides is the provider's alone only where its controls cover all of it, and the
// customer's alone where no control contributes.
fn split(binds: Binds, controls: &[Split], whole: bool) -> Split {
    let all = |side| controls.iter().all(|split| *split == side);
    match binds {
        Binds::Customer => Split::Customer,
        Binds::Both if controls.is_empty() => Split::Customer,
        _ if controls.is_empty() => Split::Provider,
        _ if all(Split::Customer) => Split::Customer,
        Binds::Both if all(Split::Provider) && !whole => Split::Shared,
        _ if all(Split::Provider) => Split::Provider,
        _ => Split::Shared,
    }
}

const fn is_good(status: Verdict) -> bool {
    matches!(status, Verdict::Pass | Verdict::Manual)
}

/// One row of a framework's matrix, with the sentences of both sides.
#[derive(Clone, Debug)]
pub struct DutyRow<'p> {
    /// The requirement.
    pub requirement: &'p RequirementView,
    /// Who does what about it.
    pub duty: &'p DutyView,
    /// What the provider does, control by control.
    pub provider: Vec<String>,
    /// What the customer does or inherits, control by control.
    pub customer: Vec<String>,
    /// What the provider's controls leave open of the requirement.
    pub not_covered: Vec<&'p str>,
    /// What the customer can check for its part.
    pub checks: Vec<&'p CustomerCheckView>,
    /// The controls with their status: what the provider shows.
    pub evidence: Vec<(&'p str, Verdict)>,
}

impl Publication {
    /// The matrix of a framework: every requirement that binds a side, in the framework's order.
    pub fn duties<'p>(&'p self, framework: &'p FrameworkView) -> impl Iterator<Item = DutyRow<'p>> {
        let all = framework.groups.iter().flat_map(|group| &group.requirements);
        all.filter_map(|requirement| Some(self.duty_row(requirement, requirement.duty.as_ref()?)))
    }

    fn duty_row<'p>(&'p self, requirement: &'p RequirementView, duty: &'p DutyView) -> DutyRow<'p> {
        let mapped = || {
            let named = requirement
                .mappings
                .iter()
                .filter(|mapping| duty.holding.contains(&mapping.control) || duty.open.contains(&mapping.control));
            named.filter_map(|mapping| Some((self.controls.get(&mapping.control)?, mapping)))
        };
        let sentences = |side: fn(&ControlView) -> &Vec<String>| {
            mapped().map(|(control, _)| format!("{}: {}", control.title, side(control).join(" "))).collect::<Vec<_>>()
        };
        let (mut provider, mut customer) = (sentences(|control| &control.provider), sentences(|control| &control.customer));
        if provider.is_empty() {
            let (ours, theirs) = without_controls(requirement);
            (provider, customer) = (vec![ours], vec![theirs]);
        }
        let mut checks: Vec<&CustomerCheckView> = Vec::new();
        for check in mapped().flat_map(|(control, _)| &control.customer_checks) {
            if checks.iter().all(|known| known.id != check.id) {
                checks.push(check);
            }
        }
        DutyRow {
            requirement,
            duty,
            provider,
            customer,
            not_covered: mapped().map(|(_, mapping)| mapping.limits.as_str()).collect(),
            checks,
            evidence: mapped().map(|(control, _)| (control.id.as_str(), control.status)).collect(),
        }
    }
}

// What either side does about a requirement to which no control that applies is mapped.
fn without_controls(requirement: &RequirementView) -> (String, String) {
    let alone = "Meet it alone; nothing is inherited.".to_owned();
    let ask = "Rely on nothing here; ask the provider how it is met.".to_owned();
    match (requirement.coverage, &requirement.reason, requirement.binds) {
        (Coverage::NotApplicable, Some(reason), binds) => {
            let theirs = if binds == Binds::Provider { ask } else { alone };
            (format!("Leave it out of the provider's scope: {reason}"), theirs)
        }
        (_, _, Binds::Customer) => ("Leave it to the customer, whom alone it binds.".to_owned(), alone),
        (_, _, Binds::Provider) => ("Meet it; no control of this publication shows that it is met.".to_owned(), ask),
        _ => ("Contribute nothing that could be inherited; no control is mapped to it.".to_owned(), alone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_binds_both_is_no_ones_alone_without_reason() {
        use Split::{Customer, Provider, Shared};
        assert_eq!(split(Binds::Both, &[], false), Customer);
        assert_eq!(split(Binds::Both, &[Provider], false), Shared, "a part is not the whole");
        assert_eq!(split(Binds::Both, &[Provider], true), Provider);
        assert_eq!(split(Binds::Both, &[Provider, Customer], true), Shared);
        assert_eq!(split(Binds::Provider, &[], false), Provider);
        assert_eq!(split(Binds::Provider, &[Provider, Shared], false), Shared);
        assert_eq!(split(Binds::Customer, &[Provider], true), Customer);
    }

    #[test]
    fn ownership_tells_suppliers() {
        assert_eq!(Ownership::of(Split::Provider, [true, true]), Ownership::ThirdParty);
        assert_eq!(Ownership::of(Split::Provider, [true, false]), Ownership::SharedWithThirdParty);
        assert_eq!(Ownership::of(Split::Provider, []), Ownership::Provider);
        assert_eq!(Ownership::of(Split::Shared, [true]), Ownership::Shared);
    }
}
