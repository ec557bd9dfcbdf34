//! Observations of a source whose records we make ourselves: everything but Kubernetes. TLS endpoints make their own.
//!
//! A record has `apiVersion: proofbook.dev/<source>`, a kind, and `metadata.name`; the resource is the plural of the kind.
//! It is projected to what the checks read, and strings in which a detector sees a credential are replaced, before it
//! reaches the inventory. What could not be read is told where it is missing: a record, or a part of it, by [`Unread`];
//! a whole listing by [`Observed::failed`]; where the clocks are too far apart, all that was read of the target. A wanted resource that nobody spoke of is `not-collected`, never empty.

use std::collections::BTreeMap;
use std::fmt;

use proofbook_checks::inventory::{Actor, Assurance, Completeness, Inventory, Listing, Reason, Request, Target, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use proofbook_checks::unread::UNREAD;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::clock::skew;
use crate::text::{hex, one_line};

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Why, out of the closed list of evidence.
    pub reason: Reason,
    /// What happened, in one line without secrets.
    pub detail: String,
}

impl Unread {
    /// For a reason, with what happened.
    pub fn new(reason: Reason, detail: impl fmt::Display) -> Self {
        Self { reason, detail: one_line(&detail.to_string()) }
    }

    /// The part of a record that stands for what could not be read.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({UNREAD: {"reason": self.reason.as_str(), "detail": self.detail}})
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// A target that nobody logs in to, identified by what is looked at there: a line each.
#[must_use]
pub(crate) fn anonymous(source: Source, name: &str, looked_at: impl IntoIterator<Item = String>) -> Target {
    let mut digest = Sha256::new();
    for line in looked_at {
        digest.update(line);
        digest.update("\n");
    }
    Target {
        source,
        name: name.to_owned(),
        identity: format!("sha256:{}", hex(&digest.finalize())),
        version: String::new(),
        actor: Actor { identity: "anonymous".to_owned(), auth: "none".to_owned(), rights_sha256: None },
        clock_offset_ms: None,
        assurance: Assurance::Live,
    }
}

/// A part of a record, or what stands for it where it could not be read.
pub fn part(read: Result<Json, Unread>) -> Json {
    read.unwrap_or_else(|unread| unread.to_json())
}

/// What a collector gathers of one target.
#[derive(Debug)]
pub struct Observed {
    source: Source,
    listings: BTreeMap<Resource, Result<Vec<Json>, Unread>>,
    requests: Vec<Request>,
    targets: Vec<Target>,
}

impl Observed {
    /// Nothing yet.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { source, listings: BTreeMap::new(), requests: Vec::new(), targets: Vec::new() }
    }

    /// A target that was met.
    pub fn target(&mut self, target: Target) {
        self.targets.push(target);
    }

    /// Requests that were made.
    pub fn requests(&mut self, requests: impl IntoIterator<Item = Request>) {
        self.requests.extend(requests);
    }

    /// Says that the listing of a kind was read to its end, be it empty.
    pub fn listed(&mut self, kind: &str) {
        self.listings.entry(self.resource(kind)).or_insert_with(|| Ok(Vec::new()));
    }

    /// A record of a listing that is read to its end. `content` is an object; what it lacks of the identity is added.
    pub fn record(&mut self, kind: &str, name: &str, content: Json) {
        let mut record = match content {
            Json::Object(content) => content,
            _ => Map::new(),
        };
        // What a record is may not depend on what was read.
        record.insert("apiVersion".to_owned(), Json::String(format!("{GROUP}{}", self.source)));
        record.insert("kind".to_owned(), kind.into());
        record.entry("metadata").or_insert_with(|| json!({"name": name}));
        if let Ok(records) = self.listings.entry(self.resource(kind)).or_insert_with(|| Ok(Vec::new())) {
            records.push(Json::Object(record));
        }
    }

    /// The listing of a kind failed, or broke off; what was read of it is not judged.
    pub fn failed(&mut self, kind: &str, unread: Unread) {
        self.listings.insert(self.resource(kind), Err(unread));
    }

    /// Work broke off, so that no listing can be taken to be whole.
    pub fn broke_off(&mut self, detail: &str) {
        for listing in self.listings.values_mut() {
            *listing = Err(Unread::new(Reason::IncompleteList, detail));
        }
    }

    /// The inventory of what is wanted, in a stable order.
    #[must_use]
    pub fn finish(mut self, wanted: &Wanted) -> Inventory {
        let skewed = self.targets.iter().find_map(|target| Some(format!("{}: the {}", target.name, skew(target.clock_offset_ms)?)));
        let mut inventory = Inventory { targets: self.targets, ..Inventory::default() };
        for (resource, projection) in wanted.iter().filter(|(resource, _)| resource.source == self.source) {
            let listing = match self.listings.remove(resource) {
                None => Listing::without_objects(Completeness::NotCollected),
                Some(Err(unread)) => Listing::failed(unread.reason, unread.detail),
                Some(Ok(_)) if let Some(detail) = &skewed => Listing::failed(Reason::ClockSkew, detail.clone()),
                Some(Ok(mut records)) => {
                    records.sort_by(|a, b| name_of(a).cmp(name_of(b)));
                    let objects = records.iter().map(|record| projection.project(resource, record)).collect();
                    Listing { completeness: Completeness::Complete, objects, resource_version: None }
                }
            };
            inventory.listings.insert(resource.clone(), listing);
        }
        self.requests.sort();
        inventory.requests = self.requests;
        inventory
    }

    fn resource(&self, kind: &str) -> Resource {
        Resource::of_object(&format!("{GROUP}{}", self.source), kind)
    }
}

fn name_of(record: &Json) -> &str {
    record["metadata"]["name"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proofbook_checks::mask::{Mask, Step};
    use proofbook_checks::project::Projection;

    use super::*;

    fn wanted(kinds: &[&str]) -> Wanted {
        let mut mask = Mask::default();
        mask.add(&[Step::key("encryption"), Step::key("algorithm")], true);
        mask.add_everywhere(UNREAD);
        let mut projection = Projection { mask: Arc::new(mask), controlled: None };
        projection.add_identity();
        kinds.iter().map(|kind| (Resource::of_object("proofbook.dev/s3", kind), projection.clone())).collect()
    }

    #[test]
    fn listings_are_complete_failed_or_not_collected_and_never_silently_empty() {
        let mut observed = Observed::new(Source::S3);
        observed.record("Bucket", "b", part(Err(Unread::new(Reason::NotPermitted, "403\r\nAccessDenied"))));
        observed.record("Bucket", "a", json!({"encryption": {"algorithm": "AES256", "key": "secret"}, "owner": "x"}));
        observed.failed("Key", Unread::new(Reason::Timeout, "no answer"));
        observed.listed("Grant");
        let wanted = wanted(&["Bucket", "Key", "Grant", "Alias"]);
        let inventory = observed.finish(&wanted);
        let listing = |kind: &str| &inventory.listings[&Resource::of_object("proofbook.dev/s3", kind)];
        let objects: Vec<Json> = listing("Bucket").objects.iter().map(proofbook_checks::value::Value::to_json).collect();
        let head = |name: &str| json!({"apiVersion": "proofbook.dev/s3", "kind": "Bucket", "metadata": {"name": name}});
        let mut a = head("a");
        a["encryption"] = json!({"algorithm": "AES256"});
        let mut b = head("b");
        b["unread"] = json!({"reason": "not-permitted", "detail": "403 AccessDenied"});
        assert_eq!(objects, [a, b]);
        assert_eq!(listing("Key").completeness, Completeness::Failed { reason: Reason::Timeout, detail: "no answer".to_owned() });
        assert_eq!((&listing("Grant").completeness, listing("Grant").objects.len()), (&Completeness::Complete, 0));
        assert_eq!(listing("Alias").completeness, Completeness::NotCollected);
    }
}
