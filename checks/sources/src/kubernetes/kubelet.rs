//! The configuration in force of every kubelet, as its path `configz` tells, fetched through the API server.
//!
//! It is no resource of the API server, and the right that it takes, `get nodes/proxy`, opens the kubelet's whole interface:
//! it is asked for only where the workspace says `nodes_proxy: true`, and the path is always `configz`. The record of a node is
//! what the kubelet answers, named after the node. A node that does not answer has a record that says so.

use std::sync::Arc;

use proofbook_checks::inventory::{Completeness, Listing, Reason, Request};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use serde_json::{Value as Json, json};

use super::api::{Api, Ask, Trouble};
use super::list::escape;
use super::reviews::{self, Access};
use crate::bounded::each;
use crate::observed::Unread;

/// How many nodes are asked at a time.
const AT_ONCE: usize = 4;

/// Whether a resource is read from kubelets.
pub(super) fn is_read_by(resource: &Resource) -> bool {
    *resource == Resource::kubelet_configurations()
}

/// The listing where the workspace does not allow to ask: the API server itself serves no such resource.
pub(super) const fn not_allowed() -> Listing {
    Listing::without_objects(Completeness::NotServed)
}

/// The path that is asked of a node.
pub(super) fn path(node: &str) -> String {
    format!("/api/v1/nodes/{node}/proxy/configz")
}

/// Asks every node of a listing.
pub(super) async fn read(api: &Api, projection: &Projection, nodes: &Listing, log: &mut Vec<Request>) -> Listing {
    match &nodes.completeness {
        Completeness::Complete => {}
        Completeness::Failed { reason, detail } => return Listing::failed(*reason, format!("the nodes cannot be listed: {detail}")),
        Completeness::NotServed | Completeness::NotCollected => {
            return Listing::failed(Reason::NotServed, "the server serves no nodes");
        }
    }
    let attributes = json!({"verb": "get", "group": "", "resource": "nodes", "subresource": "proxy"});
    match reviews::access(api, &attributes, "get nodes/proxy", log).await {
        // Where the server does not say, each node tells whether it was permitted.
        Ok(Access::Allowed | Access::Untold(_)) => {}
        Ok(Access::Refused) => return Listing::failed(Reason::NotPermitted, "the account may not get nodes/proxy"),
        Err(trouble) => return Listing::failed(trouble.reason, trouble.detail),
    }
    let names: Vec<String> =
        nodes.objects.iter().filter_map(|node| node.at(&["metadata", "name"]).and_then(Value::as_str)).map(str::to_owned).collect();
    let asking = names.iter().cloned().map(|name| {
        let api = api.clone();
        async move {
            let mut log = Vec::new();
            let read = configuration(&api, &name, &mut log).await;
            (name, read, log)
        }
    });
    let mut answers = Vec::new();
    let lost = each(asking, AT_ONCE, |answer| answers.push(answer)).await;
    if lost > 0 {
        return Listing::failed(Reason::IncompleteList, format!("{lost} nodes broke off while they were asked"));
    }
    answers.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let resource = Resource::kubelet_configurations();
    let objects = answers.into_iter().map(|(name, read, asked)| {
        log.extend(asked);
        let mut record = read.unwrap_or_else(|trouble| Unread::new(trouble.reason, trouble.detail).to_json());
        record["apiVersion"] = "kubelet.config.k8s.io/v1beta1".into();
        record["kind"] = "KubeletConfiguration".into();
        record["metadata"] = json!({"name": name});
        projection.project(&resource, &record)
    });
    Listing { completeness: Completeness::Complete, objects: objects.collect(), resource_version: None }
}

async fn configuration(api: &Api, node: &str, log: &mut Vec<Request>) -> Result<Json, Trouble> {
    let path = path(&escape(node));
    let mut body = Vec::new();
    let answer = api.ask(&Ask::get(&path), &mut body, log).await?;
    if !answer.status.is_success() {
        return Err(answer.trouble());
    }
    let told: Option<Json> = serde_json::from_slice(&body).ok();
    let configuration = told.and_then(|mut told| told.get_mut("kubeletconfig").map(Json::take)).filter(Json::is_object);
    configuration.ok_or_else(|| Trouble::new(Reason::ParseError, "the answer of the kubelet holds no `kubeletconfig`"))
}

/// What is read of nodes that no check reads: their names.
pub(super) fn names_only() -> Projection {
    let mut projection = Projection { mask: Arc::default(), controlled: None };
    projection.add_identity();
    projection
}
