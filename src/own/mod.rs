//! What the program knows of itself, as records that checks judge like any other: the exceptions of the workspace, how collecting
//! went, the ledger as it was before the run, what was published of it, and what the documentation says beside it.
//!
//! They are made once all else was collected and are sealed with it, so that a replay decides the same. What cannot be found out is a
//! list that failed, so that the check that asked for it is an error.

mod collectors;
mod documentation;
mod kept;

use jiff::Timestamp;
use proofbook_checks::Catalog;
use proofbook_checks::inventory::{Completeness, Inventory, Listing, Reason, Request, Wanted};
use proofbook_checks::resource::Source;
use proofbook_evidence::attestation::Attestations;
use proofbook_evidence::exception::{Exception, Exceptions};
use proofbook_evidence::ledger::Ledger;
use serde_json::{Value as Json, json};

use crate::workspace::Workspace;

const API: &str = "proofbook.dev/proofbook";

/// The records of one kind, or why there are none.
type Records = Result<Vec<Json>, String>;

/// What the records are made from.
pub(crate) struct Own<'o> {
    /// The workspace.
    pub(crate) workspace: &'o Workspace,
    /// The name of the environment.
    pub(crate) environment: &'o str,
    /// The library.
    pub(crate) catalog: &'o Catalog,
    /// The statements of the workspace.
    pub(crate) attestations: &'o Attestations,
    /// The exceptions of the workspace.
    pub(crate) exceptions: &'o Exceptions,
    /// The ledger that the run will be added to.
    pub(crate) ledger: &'o Ledger,
    /// The clock of the run.
    pub(crate) clock: Timestamp,
}

impl Own<'_> {
    /// Adds the records that are wanted.
    pub(crate) fn add(&self, inventory: &mut Inventory, wanted: &Wanted) {
        for (resource, projection) in wanted.iter().filter(|(resource, _)| resource.source == Source::Proofbook) {
            let records = match &*resource.name {
                "deviations" => Ok(self.deviations()),
                "collectors" => self.collectors(inventory),
                "ledgers" => self.ledgers(),
                "standings" => self.standings(),
                "publications" => self.publications(),
                "pages" => self.pages(),
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
            let request = Request::new(Source::Proofbook, self.environment, "LIST", &*resource.name);
            inventory.requests.push(Request { status: status.to_owned(), items, ..request });
        }
    }

    fn deviations(&self) -> Vec<Json> {
        let record = |(id, exception): (&String, &Exception)| {
            let approver = &exception.approver.value;
            json!({
                "apiVersion": API,
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
}
