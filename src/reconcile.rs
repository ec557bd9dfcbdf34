//! Populations held against a second source: the list of pods of a live cluster against what its metrics count.
//!
//! What was counted is told with the difference and decides nothing. It is no listing of a check, so it is asked for beside what
//! the checks read, and taken out of the inventory again.

use std::sync::Arc;

use proofbook_checks::inventory::{Completeness, Inventory, Wanted};
use proofbook_checks::mask::{Mask, Step};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_checks::unread::UNREAD;
use proofbook_checks::value::Value;
use proofbook_evidence::bundle::Reconciliation;
use proofbook_sources::prometheus::POPULATION;

const PODS: &str = "pods";

fn counts() -> Resource {
    Resource::of_object("proofbook.dev/prometheus", POPULATION)
}

/// What is wanted, with the counts that it can be held against.
pub(crate) fn with_counts(wanted: &Wanted) -> Wanted {
    let mut all = wanted.clone();
    if wanted.contains_key(&Resource::kubernetes(PODS)) {
        let mut mask = Mask::default();
        for key in ["of", "query", "count"] {
            mask.add(&[Step::key(key)], true);
        }
        mask.add_everywhere(UNREAD);
        let mut projection = Projection { mask: Arc::new(mask), controlled: None };
        projection.add_identity();
        all.insert(counts(), projection);
    }
    all
}

/// Takes the counts out of an inventory and holds its listings against them.
pub(crate) fn reconcile(inventory: &mut Inventory) -> Vec<Reconciliation> {
    let pods = Resource::kubernetes(PODS);
    let Some(counts) = inventory.listings.remove(&counts()) else { return Vec::new() };
    let listed = match inventory.completeness(&pods) {
        Completeness::Complete => Ok(inventory.objects(&pods).len() as u64),
        _ => Err("the list of pods is not whole".to_owned()),
    };
    let told = |record: &Value| {
        let text = |path: &[&str]| record.at(path).and_then(Value::as_str).unwrap_or_default();
        // `main/pods`: the service, and the query by its name.
        let service = text(&["metadata", "name"]).rsplit_once('/').map_or("", |(service, _)| service);
        let counted = whole(record.at(&["count"])).ok_or_else(|| match text(&["count", UNREAD, "detail"]) {
            "" => "the count is no whole number".to_owned(),
            detail => detail.to_owned(),
        });
        held(&pods, &format!("prometheus/{service}"), text(&["query"]), &listed, &counted)
    };
    match &counts.completeness {
        Completeness::Complete => counts.objects.iter().map(told).collect(),
        // No server among the targets.
        Completeness::NotCollected | Completeness::NotServed => Vec::new(),
        Completeness::Failed { detail, .. } => vec![held(&pods, "prometheus", "", &listed, &Err(detail.clone()))],
    }
}

fn held(of: &Resource, with: &str, query: &str, listed: &Result<u64, String>, counted: &Result<u64, String>) -> Reconciliation {
    let numbers = (listed.as_ref().ok().copied(), counted.as_ref().ok().copied());
    let difference = match numbers {
        (Some(listed), Some(counted)) => i64::try_from(i128::from(listed) - i128::from(counted)).ok(),
        _ => None,
    };
    Reconciliation {
        resource: of.to_string(),
        with: with.to_owned(),
        query: query.to_owned(),
        listed: numbers.0,
        counted: numbers.1,
        difference,
        why: listed.as_ref().err().or(counted.as_ref().err()).cloned(),
    }
}

// A count comes as a number with a decimal point.
fn whole(count: Option<&Value>) -> Option<u64> {
    let number = count?.to_json().as_f64()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was held to be whole and within bounds")]
    (number.fract() == 0.0 && (0.0..1e15).contains(&number)).then_some(number as u64)
}
