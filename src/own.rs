//! What the program knows of itself, as records that checks judge like any other: the exceptions of the workspace, how collecting
//! went, and the ledger as it was before the run.
//!
//! They are made once all else was collected and are sealed with it, so that a replay decides the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use proofbook_checks::inventory::{Completeness, Inventory, Listing, Reason, Request, Wanted};
use proofbook_checks::resource::Source;
use proofbook_evidence::bundle::Glance;
use proofbook_evidence::exception::Exceptions;
use proofbook_evidence::ledger::Ledger;
use serde_json::{Value as Json, json};

/// What the records are made from.
pub(crate) struct Own<'o> {
    /// The name of the environment.
    pub(crate) environment: &'o str,
    /// The exceptions of the workspace.
    pub(crate) exceptions: &'o Exceptions,
    /// The ledger that the run will be added to.
    pub(crate) ledger: &'o Ledger,
    /// The clock of the run.
    pub(crate) clock: Timestamp,
}

impl Own<'_> {
    /// Adds the records that are wanted.
    ///
    /// # Errors
    /// A ledger whose newest full run cannot be read.
    pub(crate) fn add(&self, inventory: &mut Inventory, wanted: &Wanted) -> Result<()> {
        for (resource, projection) in wanted.iter().filter(|(resource, _)| resource.source == Source::Proofbook) {
            let records = match &*resource.name {
                "deviations" => Ok(self.deviations()),
                "collectors" => Ok(self.collectors(inventory)?),
                "ledgers" => self.ledgers(),
                _ => continue,
            };
            let (status, items) = records.as_ref().map_or(("failed", 0), |records| ("read", records.len() as u64));
            let listing = match records {
                Ok(records) => {
                    let objects = records.iter().map(|record| projection.project(resource, record)).collect();
                    Listing { completeness: Completeness::Complete, objects, resource_version: None }
                }
                Err(detail) => Listing::failed(Reason::IncompleteList, detail),
            };
            inventory.listings.insert(resource.clone(), listing);
            inventory.requests.push(Request {
                source: Source::Proofbook,
                target: self.environment.to_owned(),
                method: "LIST".to_owned(),
                query: resource.name.to_string(),
                status: status.to_owned(),
                items,
                continue_exhausted: None,
                resource_version: None,
                response_sha256: None,
                bytes: 0,
            });
        }
        Ok(())
    }

    fn deviations(&self) -> Vec<Json> {
        let record = |(id, exception): (&String, &proofbook_evidence::exception::Exception)| {
            let approver = &exception.approver.value;
            json!({
                "apiVersion": "proofbook.dev/proofbook",
                "kind": "Deviation",
                "metadata": {"name": id},
                "deviation": exception.kind.as_str(),
                "approved_by_requester": approver.person_ref == exception.requester.person_ref,
                "dormant": exception.dormant(self.clock).map_or("", |why| why.as_str()),
                "broad": exception.is_broad(),
                "created": exception.created.to_string(),
                "until": exception.ends().0.to_string(),
                "review": exception.review.value.to_string(),
            })
        };
        self.exceptions.by_id.iter().map(record).collect()
    }

    // A record for each source that was asked, in the words of its requests and listings.
    fn collectors(&self, inventory: &Inventory) -> Result<Vec<Json>> {
        let before = self.before()?;
        let sources: BTreeSet<Source> =
            inventory.requests.iter().map(|request| request.source).filter(|source| *source != Source::Proofbook).collect();
        let record = |source: &Source| {
            let requests = inventory.requests.iter().filter(|request| request.source == *source);
            let requests = requests.map(|request| {
                let query = format!("{} {}", request.method, request.query);
                json!({"query": query, "outcome": outcome(&request.status)})
            });
            let listings = inventory.listings.iter().filter(|(resource, _)| resource.source == *source);
            let listings = listings.filter_map(|(resource, listing)| {
                let state = match &listing.completeness {
                    Completeness::Complete => "complete".to_owned(),
                    Completeness::Failed { reason, .. } => reason.as_str(),
                    // What a platform does not have is judged by the checks that ask for it.
                    Completeness::NotServed | Completeness::NotCollected => return None,
                };
                let mut record = json!({"resource": resource.to_string(), "state": state, "items": listing.objects.len()});
                if let Some(count) = before.get(&resource.to_string()) {
                    record["before"] = json!(count);
                }
                Some(record)
            });
            json!({
                "apiVersion": "proofbook.dev/proofbook",
                "kind": "Collector",
                "metadata": {"name": source.as_str()},
                "requests": requests.collect::<Vec<_>>(),
                "listings": listings.collect::<Vec<_>>(),
            })
        };
        Ok(sources.iter().map(record).collect())
    }

    // How many objects each resource had in the newest full run.
    fn before(&self) -> Result<BTreeMap<String, u64>> {
        let Some(run) = self.ledger.newest_full_run()? else { return Ok(BTreeMap::new()) };
        let assessment = Glance::open(&self.ledger.fetch(&run)?, &run.manifest_sha256)?.assessment()?;
        let listings = assessment.checks.into_values().flat_map(|check| check.population.listings);
        Ok(listings.filter(|listing| listing.state == "complete").map(|listing| (listing.resource, listing.count)).collect())
    }

    fn ledgers(&self) -> Result<Vec<Json>, String> {
        let report = self.ledger.check().map_err(|error| error.to_string())?;
        Ok(vec![json!({
            "apiVersion": "proofbook.dev/proofbook",
            "kind": "Ledger",
            "metadata": {"name": self.environment},
            "runs": report.runs,
            "head": report.head.map(|head| head.run_id).unwrap_or_default(),
            "deviations": report.deviations.iter().map(|found| json!({"part": found.part, "detail": found.detail})).collect::<Vec<_>>(),
        })])
    }
}

// Sources tell an HTTP status, or a word of their own for what became of a request.
fn outcome(status: &str) -> &'static str {
    match status {
        "401" | "403" | "not-permitted" => "refused",
        "timeout" | "unreachable" | "reset" | "failed" => "failed",
        _ if status.len() == 3 && status.starts_with('5') => "failed",
        _ => "answered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_was_answered_refused_or_failed() {
        for (status, expected) in [("200", "answered"), ("404", "answered"), ("403", "refused"), ("503", "failed"), ("timeout", "failed")] {
            assert_eq!(outcome(status), expected, "{status}");
        }
    }
}
