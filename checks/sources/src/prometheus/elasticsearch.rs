//! Elasticsearch: when data streams and indices of logs are deleted, by index lifecycle management or by their own lifecycle.
//!
//! The age at which ILM deletes counts from the rollover, so that logs are kept for at least that age and at most for that of the
//! rollover more. While ILM is stopped nothing is deleted.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::functions::parse_hours;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::{Found, Read};
use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::service::Service;
use crate::wanted::Asked;

/// The kinds of records that an Elasticsearch gives.
pub(super) const KINDS: &[&str] = &["LogStream"];

const STATUS: &str = "_ilm/status";
const POLICIES: &str = "_ilm/policy";

/// The privileges that records take, and what for: on the cluster, and on the indices of logs.
pub(super) const PRIVILEGES: [(&str, &str); 2] = [
    ("cluster read_ilm", "whether index lifecycle management runs, and when indices are deleted"),
    ("index view_index_metadata", "the data streams and indices of logs, and what manages them"),
];

#[derive(Debug)]
pub(super) struct Elasticsearch {
    pub service: Service,
    pub indices: String,
}

impl Elasticsearch {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        if !asked.kind("LogStream") {
            return Vec::new();
        }
        vec![
            self.service.planned("", &[], "which version answers"),
            self.service.planned(STATUS, &[], "whether index lifecycle management runs"),
            self.service.planned(POLICIES, &[], "when indices are deleted"),
            self.service.planned(&self.streams_path(), &[], "the data streams of logs"),
            self.service.planned(&self.explain_path(), &[], "the indices of logs, and what manages them"),
        ]
    }

    fn streams_path(&self) -> String {
        format!("_data_stream/{}", self.indices)
    }

    fn explain_path(&self) -> String {
        format!("{}/_ilm/explain", self.indices)
    }

    pub(super) async fn read(&self, asked: &Asked<'_>) -> Read {
        let (mut found, mut version) = (Vec::new(), String::new());
        if asked.kind("LogStream") {
            let about = self.service.json("", &[]).await;
            version = about.ok().and_then(|about| Some(about["version"]["number"].as_str()?.to_owned())).unwrap_or_default();
            found = self.streams().await.unwrap_or_else(|unread| vec![Found::unread("LogStream", &self.service, &unread)]);
        }
        Read { found, target: self.service.met(&version), requests: self.service.requests() }
    }

    async fn streams(&self) -> Result<Vec<Found>, Unread> {
        let (streams_path, explain_path) = (self.streams_path(), self.explain_path());
        let (status, policies, streams, explained) = tokio::join!(
            self.service.json(STATUS, &[]),
            self.service.json(POLICIES, &[]),
            self.matching(&streams_path),
            self.matching(&explain_path)
        );
        let (status, policies, streams, explained) = (status?, policies?, streams?, explained?);
        let runs = status["operation_mode"] == "RUNNING";
        let mut found = Vec::new();
        let mut backing = BTreeSet::new();
        for stream in streams["data_streams"].as_array().into_iter().flatten() {
            let name = stream["name"].as_str().unwrap_or_default();
            backing.extend(stream["indices"].as_array().into_iter().flatten().filter_map(|index| index["index_name"].as_str()));
            found.push(self.found(name, data_stream(stream, &policies, runs)));
        }
        // Plain indices come by the day, so they are told by the policy that they share.
        let mut plain: BTreeMap<Option<&str>, u64> = BTreeMap::new();
        for (index, told) in explained["indices"].as_object().into_iter().flatten().filter(|(index, _)| !backing.contains(index.as_str())) {
            // The indices behind a data stream that was not listed are not plain ones.
            if !index.starts_with(".ds-") {
                *plain.entry(told["policy"].as_str().filter(|_| told["managed"] == true)).or_default() += 1;
            }
        }
        for (policy, indices) in plain {
            let name = policy.map_or_else(|| "indices without a policy".to_owned(), |policy| format!("indices of {policy}"));
            let mut content = policy.map_or_else(|| json!({"deletes": false}), |policy| by_policy(policy, &policies, runs));
            content["indices"] = json!(indices);
            found.push(self.found(&name, content));
        }
        Ok(found)
    }

    // A pattern that meets nothing gives an empty list; a plain name that is not there is 404.
    async fn matching(&self, path: &str) -> Result<Json, Unread> {
        match self.service.json(path, &[]).await {
            Err(unread) if unread.reason == Reason::NotServed => Ok(json!({})),
            read => read,
        }
    }

    fn found(&self, name: &str, mut content: Json) -> Found {
        if let Some(content) = content.as_object_mut() {
            content.insert("store".to_owned(), json!(self.service.name));
            content.insert("product".to_owned(), json!("elasticsearch"));
        }
        Found::new("LogStream", format!("{}/{name}", self.service.name), content)
    }
}

fn data_stream(stream: &Json, policies: &Json, runs: bool) -> Json {
    let lifecycle = &stream["lifecycle"];
    let own = lifecycle.is_object() && lifecycle["enabled"] != false;
    let policy = stream["ilm_policy"].as_str();
    match policy {
        Some(policy) if !own || stream["prefer_ilm"] == true => by_policy(policy, policies, runs),
        _ if own => {
            let told = lifecycle["effective_retention"].as_str().or_else(|| lifecycle["data_retention"].as_str());
            let mut content = json!({"managed_by": "lifecycle", "deletes": true});
            if let Some(text) = told {
                content["retention_hours"] = hours(text);
                content["at_most_hours"] = hours(text);
            }
            content
        }
        _ => json!({"deletes": false}),
    }
}

fn by_policy(name: &str, policies: &Json, runs: bool) -> Json {
    let mut content = json!({"managed_by": name, "deletes": runs});
    let Some(phases) = policies[name]["policy"]["phases"].as_object() else {
        content["retention_hours"] = Unread::new(Reason::ParseError, format!("no policy of the name {name} was told")).to_json();
        return content;
    };
    let delete = phases.get("delete").filter(|delete| delete["actions"]["delete"].is_object());
    let Some(delete) = delete else { return content };
    let age = delete["min_age"].as_str().unwrap_or("0ms");
    content["retention_hours"] = hours(age);
    let rollover = phases.get("hot").map_or(&Json::Null, |hot| &hot["actions"]["rollover"]);
    let most = match (parse_hours(age), rollover["max_age"].as_str()) {
        (Some(age), Some(rollover)) => parse_hours(rollover).map(|rollover| age + rollover),
        // Without a rollover the age counts from the creation of the index.
        (Some(age), None) if rollover.is_null() => Some(age),
        _ => None,
    };
    content["at_most_hours"] = json!(most);
    content
}

fn hours(text: &str) -> Json {
    let fault = || Unread::new(Reason::ParseError, format!("an age of `{text}` is no duration"));
    parse_hours(text).map_or_else(|| fault().to_json(), |hours| json!(hours))
}
