//! Elasticsearch: when data streams and indices of logs are deleted, by index lifecycle management or by their own lifecycle.
//!
//! The age at which ILM deletes counts from the rollover, so that logs are kept for at least that age and at most for that of the
//! rollover more. While ILM is stopped nothing is deleted.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::functions::parse_hours;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::markers::{self, Marker};
use super::{Found, Read};
use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::service::Service;
use crate::wanted::Asked;

// The kinds of records that an Elasticsearch gives; without a register of markers, or a pattern of traces, nobody can say that there
// are none.
const KINDS: [&[&str]; 4] =
    [&["LogStream"], &["LogStream", "Marker"], &["LogStream", "TraceStore"], &["LogStream", "TraceStore", "Marker"]];

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
    /// The data streams and indices of traces.
    pub traces: Option<String>,
    /// The markers that are looked for here, where the workspace keeps a register of them.
    pub markers: Option<Vec<Marker>>,
}

impl Elasticsearch {
    pub(super) const fn kinds(&self) -> &'static [&'static str] {
        KINDS[self.markers.is_some() as usize + 2 * self.traces.is_some() as usize]
    }

    fn markers(&self, asked: &Asked<'_>) -> &[Marker] {
        self.markers.as_deref().filter(|_| asked.kind("Marker")).unwrap_or_default()
    }

    // What is kept, by the kind of its records and the pattern of its indices.
    fn kept(&self, asked: &Asked<'_>) -> impl Iterator<Item = (&'static str, &str)> {
        let logs = Some(("LogStream", self.indices.as_str()));
        let traces = self.traces.as_deref().map(|indices| ("TraceStore", indices));
        [logs, traces].into_iter().flatten().filter(|(kind, _)| asked.kind(kind)).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let mut plan = Vec::new();
        for (kind, indices) in self.kept(asked) {
            let what = if kind == "LogStream" { "logs" } else { "traces" };
            plan.push(self.service.planned(STATUS, &[], "whether index lifecycle management runs"));
            plan.push(self.service.planned(POLICIES, &[], "when indices are deleted"));
            plan.push(self.service.planned(&streams_path(indices), &[], &format!("the data streams of {what}")));
            plan.push(self.service.planned(&explain_path(indices), &[], &format!("the indices of {what}, and what manages them")));
        }
        plan.extend(markers::plan(&self.service, "elasticsearch", self.markers(asked)));
        if !plan.is_empty() {
            plan.push(self.service.planned("", &[], "which version answers"));
        }
        plan
    }

    pub(super) async fn read(&self, asked: &Asked<'_>) -> Read {
        let (mut found, mut version) = (Vec::new(), String::new());
        let markers = self.markers(asked);
        if self.kept(asked).next().is_some() || !markers.is_empty() {
            let about = self.service.json("", &[]).await;
            version = about.ok().and_then(|about| Some(about["version"]["number"].as_str()?.to_owned())).unwrap_or_default();
        }
        for (kind, indices) in self.kept(asked) {
            let streams = self.streams(kind, indices).await;
            found.extend(streams.unwrap_or_else(|unread| vec![Found::unread(kind, &self.service, &unread)]));
        }
        found.extend(markers::read(&self.service, "elasticsearch", markers).await);
        Read { found, target: self.service.met(&version), requests: self.service.requests() }
    }

    async fn streams(&self, kind: &'static str, indices: &str) -> Result<Vec<Found>, Unread> {
        let (streams_path, explain_path) = (streams_path(indices), explain_path(indices));
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
            found.push(self.found(kind, name, data_stream(stream, &policies, runs)));
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
            found.push(self.found(kind, &name, content));
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

    fn found(&self, kind: &'static str, name: &str, mut content: Json) -> Found {
        if let Some(content) = content.as_object_mut() {
            content.insert("store".to_owned(), json!(self.service.name));
            content.insert("product".to_owned(), json!("elasticsearch"));
        }
        Found::new(kind, format!("{}/{name}", self.service.name), content)
    }
}

fn streams_path(indices: &str) -> String {
    format!("_data_stream/{indices}")
}

fn explain_path(indices: &str) -> String {
    format!("{indices}/_ilm/explain")
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
