//! The requests behind a check, grouped: the pages of one listing are one line, and so are equal handshakes with a hundred hosts.
//!
//! Each request by itself is sealed in the bundle. A record that named all of them would repeat the requests of a whole cluster
//! for every object of it.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::inventory::Request;
use proofbook_checks::resource::{Resource, Source};
use serde::{Deserialize, Serialize};

use crate::bundle::manifest::sha256_hex;

/// Requests of one target that differ only in the page or in the object that they ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestGroup {
    /// The source.
    pub source: Source,
    /// The target's name in the workspace.
    pub target: String,
    /// What was asked: `GET`, `LIST`, `client-hello tls1.2`.
    pub method: String,
    /// The path without its query, where all share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The status that came back.
    pub status: String,
    /// How many requests they are.
    pub requests: u64,
    /// How many items they brought.
    pub items: u64,
    /// For lists, whether the continue tokens were exhausted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_exhausted: Option<bool>,
    /// The versions of the answers; more than one means that the list changed underway.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resource_versions: BTreeSet<String>,
    /// Size of the raw answers in bytes.
    pub bytes: u64,
    /// SHA-256 over the digests of the raw answers, sorted, each with a line feed; none where an answer has no digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses_sha256: Option<String>,
}

// Source, target, method, path (of Kubernetes alone) and status.
type GroupKey<'r> = (Source, &'r str, &'r str, Option<&'r str>, &'r str);

/// The requests of the sources of `resources`. Of Kubernetes, where every listing has a path of its own, only those that
/// the resources were read by.
pub(super) fn grouped(requests: &[Request], resources: &BTreeSet<Resource>) -> Vec<RequestGroup> {
    let mut groups: BTreeMap<GroupKey<'_>, Vec<&Request>> = BTreeMap::new();
    for request in requests {
        let path = request.query.split('?').next().unwrap_or_default();
        let kubernetes = request.source == Source::Kubernetes;
        let is_read = |resource: &Resource| resource.source == request.source && (!kubernetes || is_path_of(path, resource));
        if resources.iter().any(is_read) {
            let path = kubernetes.then_some(path);
            groups
                .entry((request.source, request.target.as_str(), request.method.as_str(), path, request.status.as_str()))
                .or_default()
                .push(request);
        }
    }
    groups.into_values().filter_map(|members| group(&members)).collect()
}

fn group(members: &[&Request]) -> Option<RequestGroup> {
    let first = members.first()?;
    let path = |request: &Request| request.query.split('?').next().unwrap_or_default().to_owned();
    let shared = path(first);
    let mut digests: Vec<&str> = members.iter().filter_map(|request| request.response_sha256.as_deref()).collect();
    digests.sort_unstable();
    let all_have_digests = digests.len() == members.len();
    let text: String = digests.iter().flat_map(|digest| [*digest, "\n"]).collect();
    // Of the pages of one listing all but the last have a successor.
    let exhausted = members.iter().filter_map(|request| request.continue_exhausted).reduce(|a, b| a || b);
    Some(RequestGroup {
        source: first.source,
        target: first.target.clone(),
        method: first.method.clone(),
        path: members.iter().all(|request| path(request) == shared).then_some(shared),
        status: first.status.clone(),
        requests: members.len() as u64,
        items: members.iter().map(|request| request.items).sum(),
        continue_exhausted: exhausted,
        resource_versions: members.iter().filter_map(|request| request.resource_version.clone()).collect(),
        bytes: members.iter().map(|request| request.bytes).sum(),
        responses_sha256: all_have_digests.then(|| sha256_hex(text.as_bytes())),
    })
}

// `/api/v1/pods`, `/apis/apps/v1/deployments`; of a kubelet, `/api/v1/nodes/<name>/proxy/configz`.
fn is_path_of(path: &str, resource: &Resource) -> bool {
    if *resource == Resource::kubelet_configurations() {
        return path.ends_with("/proxy/configz");
    }
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api", _, plural] => resource.group().is_empty() && resource.plural() == *plural,
        ["apis", group, _, plural] => resource.group() == *group && resource.plural() == *plural,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(source: Source, query: &str, exhausted: Option<bool>, digest: Option<&str>) -> Request {
        Request {
            source,
            target: "t".to_owned(),
            method: "LIST".to_owned(),
            query: query.to_owned(),
            status: "200".to_owned(),
            items: 2,
            continue_exhausted: exhausted,
            resource_version: Some("7".to_owned()),
            response_sha256: digest.map(str::to_owned),
            bytes: 10,
        }
    }

    #[test]
    fn pages_of_a_listing_are_one_line_and_other_listings_are_left_out() {
        let kubernetes = |query: &str, exhausted| request(Source::Kubernetes, query, Some(exhausted), Some("aa"));
        let requests = [
            kubernetes("/api/v1/pods?limit=2", false),
            kubernetes("/api/v1/pods?limit=2&continue=x", true),
            kubernetes("/apis/apps/v1/deployments?limit=2", true),
            kubernetes("/apis/other.io/v1/pods?limit=2", true),
        ];
        let found = grouped(&requests, &BTreeSet::from([Resource::kubernetes("pods")]));
        assert_eq!(found.len(), 1, "{found:?}");
        let pods = &found[0];
        assert_eq!((pods.requests, pods.items, pods.bytes, pods.continue_exhausted), (2, 4, 20, Some(true)));
        assert_eq!(pods.path.as_deref(), Some("/api/v1/pods"));
        assert_eq!(pods.responses_sha256.as_deref(), Some(&*sha256_hex(b"aa\naa\n")));
        assert_eq!(grouped(&requests[..1], &BTreeSet::from([Resource::kubernetes("pods")]))[0].continue_exhausted, Some(false));
    }

    #[test]
    fn hosts_are_one_line_and_a_missing_digest_is_told() {
        let requests = [request(Source::Tls, "a:443", None, Some("aa")), request(Source::Tls, "b:443", None, None)];
        let found = grouped(&requests, &BTreeSet::from([Resource::tls_endpoints()]));
        assert_eq!((found.len(), found[0].requests, &found[0].path, &found[0].responses_sha256), (1, 2, &None, &None));
        assert!(grouped(&requests, &BTreeSet::from([Resource::kubernetes("pods")])).is_empty());
    }
}
