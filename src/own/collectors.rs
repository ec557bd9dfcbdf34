//! How collecting went: a record for each source that was asked, in the words of its requests and listings.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::inventory::{Completeness, Inventory, Listing, Request};
use proofbook_checks::resource::Source;
use proofbook_evidence::bundle::{BundleError, Glance};
use serde_json::{Value as Json, json};

use super::{API, Own, Records};

impl Own<'_> {
    pub(super) fn collectors(&self, inventory: &Inventory) -> Records {
        let before = self.before().map_err(|error| format!("the newest full run cannot be read, so nothing is compared: {error}"))?;
        // A source whose lists failed before anything was asked was to be asked all the same.
        let failed = |listing: &Listing| matches!(listing.completeness, Completeness::Failed { .. });
        let listed = inventory.listings.iter().filter(|(_, listing)| failed(listing)).map(|(resource, _)| resource.source);
        let asked = inventory.requests.iter().map(|request| request.source).chain(listed);
        let sources: BTreeSet<Source> = asked.filter(|source| *source != Source::Proofbook).collect();
        let record = |source: &Source| {
            // Who is asked again, or after showing a token, and answers then has answered.
            let mut questions: BTreeMap<(&str, String), Outcome> = BTreeMap::new();
            for request in inventory.requests.iter().filter(|request| request.source == *source) {
                let question = (&*request.target, format!("{} {}", request.method, request.query));
                let outcome = outcome(request);
                questions.entry(question).and_modify(|best| *best = outcome.min(*best)).or_insert(outcome);
            }
            let requests = questions.into_iter().map(|((_, query), outcome)| json!({"query": query, "outcome": outcome.as_str()}));
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

/// What became of a question, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Answered,
    Refused,
    Failed,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

fn outcome(request: &Request) -> Outcome {
    let status = request.status.as_str();
    let probed = PROBED.contains(&status) || status.starts_with("alert ");
    match request.source {
        Source::Tls if probed || is_count_of_ports(status) => return Outcome::Answered,
        Source::Dns if NAMES.contains(&status) => return Outcome::Answered,
        Source::Http if request.method == "tcp-connect" && matches!(status, "refused" | "not refused") => return Outcome::Answered,
        _ => {}
    }
    match status {
        "not-permitted" | "Query Refused" => Outcome::Refused,
        _ if ANSWERS.contains(&status) => Outcome::Answered,
        _ => of_status(status, matches!(request.source, Source::Http | Source::Tls)),
    }
}

// What a status of HTTP tells. Whoever looks from outside and is turned away has seen what there is to see; at an interface 400 may mean
// anything, a token that has run out among it.
fn of_status(status: &str, outside: bool) -> Outcome {
    match status.parse::<u16>() {
        // Not in time, too many, or not now: nothing was told.
        Ok(408 | 425 | 429) => Outcome::Failed,
        Ok(400..=499) if outside => Outcome::Answered,
        Ok(401 | 403 | 407) => Outcome::Refused,
        Ok(200..=399 | 404 | 405 | 410) => Outcome::Answered,
        _ => Outcome::Failed,
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
            (Source::Kubernetes, "200", Outcome::Answered),
            (Source::Kubernetes, "404", Outcome::Answered),
            (Source::Kubernetes, "403", Outcome::Refused),
            (Source::Kubernetes, "429", Outcome::Failed),
            (Source::Prometheus, "503", Outcome::Failed),
            (Source::Postgres, "ok", Outcome::Answered),
            (Source::Postgres, "not-permitted", Outcome::Refused),
            (Source::Dns, "Non-Existent Domain", Outcome::Answered),
            (Source::Dns, "Query Refused", Outcome::Refused),
            (Source::Dns, "Server Failure", Outcome::Failed),
            (Source::Tls, "alert 70", Outcome::Answered),
            (Source::Tls, "timeout", Outcome::Failed),
            (Source::Tls, "2 open, 5 closed, 0 filtered", Outcome::Answered),
            (Source::Http, "403", Outcome::Answered),
            (Source::Http, "429", Outcome::Failed),
            (Source::Http, "502", Outcome::Failed),
            (Source::S3, "alert 70", Outcome::Failed),
            // A token that has run out.
            (Source::S3, "400", Outcome::Failed),
            (Source::File, "a word that nobody knows", Outcome::Failed),
            (Source::File, "99", Outcome::Failed),
            (Source::File, "", Outcome::Failed),
        ] {
            let request = Request { status: status.to_owned(), ..Request::new(source, "t", "GET", "q") };
            assert_eq!(outcome(&request), expected, "{source} {status}");
        }
    }
}
