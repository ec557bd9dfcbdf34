//! How collecting went: a record for each source that was asked, in the words of its requests and listings.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::inventory::{Completeness, Inventory, Request};
use proofbook_checks::resource::Source;
use proofbook_evidence::bundle::{BundleError, Glance};
use serde_json::{Value as Json, json};

use super::{API, Own, Records};

impl Own<'_> {
    pub(super) fn collectors(&self, inventory: &Inventory) -> Records {
        let before = self.before().map_err(|error| format!("the newest full run cannot be read, so nothing is compared: {error}"))?;
        let of_others = inventory.requests.iter().map(|request| request.source).filter(|source| *source != Source::Proofbook);
        let sources: BTreeSet<Source> = of_others.collect();
        let record = |source: &Source| {
            let requests = inventory.requests.iter().filter(|request| request.source == *source);
            let requests = requests.map(|request| {
                let query = format!("{} {}", request.method, request.query);
                json!({"query": query, "outcome": outcome(request)})
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
                "apiVersion": API,
                "kind": "Collector",
                "metadata": {"name": source.as_str()},
                "requests": requests.collect::<Vec<_>>(),
                "listings": listings.collect::<Vec<Json>>(),
            })
        };
        Ok(sources.iter().map(record).collect())
    }

    // How many objects each resource had in the newest full run.
    fn before(&self) -> Result<BTreeMap<String, u64>, BundleError> {
        let Some(run) = self.ledger.newest_full_run()? else { return Ok(BTreeMap::new()) };
        let assessment = Glance::open(&self.ledger.fetch(&run)?, &run.manifest_sha256)?.assessment()?;
        let listings = assessment.checks.into_values().flat_map(|check| check.population.listings);
        Ok(listings.filter(|listing| listing.state == "complete").map(|listing| (listing.resource, listing.count)).collect())
    }
}

/// What sources write where a request brought what was asked for. Whatever else they write is no answer.
const ANSWERS: [&str; 6] = ["ok", "read", "resolved", "completed", "enumerated", "absent"];

/// What a name server answers where it answers the question.
const NAMES: [&str; 2] = ["No Error", "Non-Existent Domain"];

/// What a probe of an endpoint writes of it: to be turned away is what it asks about.
const PROBED: [&str; 8] = ["accepted", "other-version", "alert", "plain-http", "not-tls", "reset", "closed", "refused"];

fn outcome(request: &Request) -> &'static str {
    let status = request.status.as_str();
    let probed = PROBED.contains(&status) || status.starts_with("alert ");
    match request.source {
        Source::Tls if probed || is_count_of_ports(status) => return "answered",
        Source::Dns if NAMES.contains(&status) => return "answered",
        Source::Http if request.method == "tcp-connect" && matches!(status, "refused" | "not refused") => return "answered",
        _ => {}
    }
    match status {
        "401" | "403" | "not-permitted" | "Query Refused" => "refused",
        // Not in time, too many, or not now: nothing was told.
        "408" | "425" | "429" => "failed",
        _ if ANSWERS.contains(&status) => "answered",
        _ if matches!(status.as_bytes(), [b'2'..=b'4', b'0'..=b'9', b'0'..=b'9']) => "answered",
        _ => "failed",
    }
}

// `2 open, 5 closed, 0 filtered`
fn is_count_of_ports(status: &str) -> bool {
    let counts: Option<Vec<&str>> = status.split(", ").map(|part| part.split_once(' ').map(|(_, word)| word)).collect();
    counts.is_some_and(|words| words == ["open", "closed", "filtered"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_was_answered_refused_or_failed() {
        for (source, status, expected) in [
            (Source::Kubernetes, "200", "answered"),
            (Source::Kubernetes, "404", "answered"),
            (Source::Kubernetes, "403", "refused"),
            (Source::Kubernetes, "429", "failed"),
            (Source::Prometheus, "503", "failed"),
            (Source::Postgres, "ok", "answered"),
            (Source::Postgres, "not-permitted", "refused"),
            (Source::Dns, "Non-Existent Domain", "answered"),
            (Source::Dns, "Query Refused", "refused"),
            (Source::Dns, "Server Failure", "failed"),
            (Source::Tls, "alert 70", "answered"),
            (Source::Tls, "timeout", "failed"),
            (Source::Tls, "2 open, 5 closed, 0 filtered", "answered"),
            (Source::S3, "alert 70", "failed"),
            (Source::File, "a word that nobody knows", "failed"),
            (Source::File, "", "failed"),
        ] {
            let request = Request { status: status.to_owned(), ..Request::new(source, "t", "GET", "q") };
            assert_eq!(outcome(&request), expected, "{source} {status}");
        }
    }
}
