//! Who we are to the server, what we may do there, and which server it is. All of it is the server's own answer.

use std::collections::BTreeSet;

use proofbook_checks::inventory::{Actor, Reason, Request};
use proofbook_checks::resource::Resource;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::api::{Api, Ask, Trouble};
use crate::text::hex;

/// What `/version` told.
pub(super) struct Greeting {
    pub version: String,
    pub clock_offset_ms: Option<i64>,
}

/// Asks for the version, which shows whether the server can be reached, takes our credentials, and what time it has.
pub(super) async fn greet(api: &Api, log: &mut Vec<Request>) -> Result<Greeting, Trouble> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    let mut body = Vec::new();
    let answer = api.ask(&Ask::get("/version"), &mut body, log).await?;
    if !answer.status.is_success() {
        return Err(answer.trouble());
    }
    let version: Version = serde_json::from_slice(&body)
        .map_err(|_| Trouble::new(Reason::ParseError, "the answer to /version is not that of an API server"))?;
    Ok(Greeting { version: version.git_version, clock_offset_ms: answer.clock_offset_ms })
}

/// Asks who we are and what we may do.
pub(super) async fn actor(api: &Api, auth: &str, log: &mut Vec<Request>) -> Actor {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let told = review_ourselves(api, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &review, log).await;
    let identity = told.ok().and_then(|review| review.pointer("/status/userInfo/username").and_then(Json::as_str).map(str::to_owned));
    let auth = match (auth, &identity) {
        ("token", Some(name)) if name.starts_with("system:serviceaccount:") => "sa-token",
        ("token", _) => "bearer-token",
        (auth, _) => auth,
    };
    // Rights on cluster-wide resources are reported with those in any namespace; `default` exists everywhere.
    let rights = rules_in(api, "default", log).await;
    Actor {
        identity: identity.unwrap_or_else(|| "not reported".to_owned()),
        auth: auth.to_owned(),
        rights_sha256: rights.ok().and_then(|review| rights_digest(&review)),
    }
}

/// Asks for all rules that hold in a namespace, those of the whole cluster among them.
pub(super) async fn rules_in(api: &Api, namespace: &str, log: &mut Vec<Request>) -> Result<Json, Trouble> {
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}});
    review_ourselves(api, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &review, log).await
}

/// Whether the account may do something.
pub(super) enum Access {
    /// The server says yes.
    Allowed,
    /// The server says no.
    Refused,
    /// The server does not say, as behind a proxy that lets only GET through.
    Untold(String),
}

/// Asks whether we may do something; `shown` stands in the record.
pub(super) async fn access(api: &Api, attributes: &Json, shown: &str, log: &mut Vec<Request>) -> Result<Access, Trouble> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let ask = Ask { shown: format!("{path} ({shown})"), ..Ask::review(path, &review) };
    let mut body = Vec::new();
    let answer = api.ask(&ask, &mut body, log).await?;
    if !answer.status.is_success() {
        return Ok(Access::Untold(answer.told()));
    }
    let told: Option<Json> = serde_json::from_slice(&body).ok();
    Ok(match told.as_ref().and_then(|told| told.pointer("/status/allowed")).and_then(Json::as_bool) {
        Some(true) => Access::Allowed,
        Some(false) => Access::Refused,
        None => Access::Untold("its answer is no access review".to_owned()),
    })
}

/// Whether the account may list a resource over all namespaces.
pub(super) enum Permission {
    /// The server says yes: a list without items means that there are none.
    Granted,
    /// The server says no: whatever a list would hold means nothing.
    Denied(Trouble),
    /// The server does not say, as behind a proxy that lets only GET through: a list with items was permitted, one without
    /// may as well be empty for want of permission.
    Unconfirmed(String),
}

/// Asks whether we may list a resource over all namespaces.
pub(super) async fn may_list(api: &Api, resource: &Resource, log: &mut Vec<Request>) -> Result<Permission, Trouble> {
    let attributes = json!({"verb": "list", "group": resource.group(), "resource": resource.plural()});
    Ok(match access(api, &attributes, &format!("list {}", resource.name), log).await? {
        Access::Allowed => Permission::Granted,
        Access::Refused => {
            let detail = format!("the account may not list {} over all namespaces", resource.name);
            Permission::Denied(Trouble::new(Reason::NotPermitted, detail))
        }
        Access::Untold(told) => Permission::Unconfirmed(told),
    })
}

/// The namespace whose uid identifies a cluster.
pub(super) const SYSTEM: &str = "kube-system";

/// Asks for what identifies the cluster: the uid of its namespace `kube-system`.
pub(super) async fn cluster_uid(api: &Api, log: &mut Vec<Request>) -> Option<String> {
    let mut body = Vec::new();
    let answer = api.ask(&Ask::get(&format!("/api/v1/namespaces/{SYSTEM}")), &mut body, log).await.ok()?;
    let namespace: Json = serde_json::from_slice(&body).ok().filter(|_| answer.status.is_success())?;
    namespace.pointer("/metadata/uid").and_then(Json::as_str).map(str::to_owned)
}

async fn review_ourselves(api: &Api, path: &str, review: &Json, log: &mut Vec<Request>) -> Result<Json, Trouble> {
    let mut body = Vec::new();
    let answer = api.ask(&Ask::review(path, review), &mut body, log).await?;
    if !answer.status.is_success() {
        return Err(answer.trouble());
    }
    serde_json::from_slice(&body).map_err(|_| Trouble::new(Reason::ParseError, "the answer to a self-review is not JSON"))
}

// The server reports rules and what is in them in any order, so all of it is sorted before the digest is taken.
fn rights_digest(review: &Json) -> Option<String> {
    let status = review.get("status")?;
    let mut lines = BTreeSet::new();
    for list in ["resourceRules", "nonResourceRules"] {
        for rule in status.get(list).and_then(Json::as_array).into_iter().flatten() {
            let mut parts = Vec::new();
            for (key, values) in rule.as_object()? {
                let mut values: Vec<&str> = values.as_array()?.iter().filter_map(Json::as_str).collect();
                values.sort_unstable();
                parts.push(format!("{key}={}", values.join(",")));
            }
            parts.sort_unstable();
            lines.insert(format!("{list} {}\n", parts.join(" ")));
        }
    }
    let incomplete = status.get("incomplete").and_then(Json::as_bool).unwrap_or(false);
    let mut digest = Sha256::new();
    digest.update(format!("incomplete={incomplete}\n"));
    for line in lines {
        digest.update(line);
    }
    Some(hex(&digest.finalize()))
}
