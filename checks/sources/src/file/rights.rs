//! Which path of a Loki reading the audit events of an API server takes. Loki has no rights of its own: a proxy before it lets paths
//! through.

use proofbook_checks::inventory::Wanted;
use proofbook_checks::resource::Source;

use super::streamed::SEARCH;
use crate::rights::Right;
use crate::wanted::Asked;

/// The path that reading takes, where a check reads audit events.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    let asked = Asked::of(Source::File, wanted);
    let reads = asked.kind("AuditTrail") || asked.kind("AdminAccess");
    let right = Right::new(format!("loki GET /{SEARCH}"), "the audit events of the API server");
    reads.then_some(right).into_iter().collect()
}
