//! Which rights of Kubernetes reading takes, and which of them an account has.
//!
//! A list takes `list` on its resource over all namespaces. Discovery and reviews of oneself need no grant: every
//! authenticated account has them, and they are neither needed nor surplus here. The configuration of kubelets is no
//! resource of the API server: it is read through `nodes/proxy`, which lets its holder run commands in every Pod of a node.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proofbook_checks::inventory::{Reason, Wanted};
use proofbook_checks::resource::{Resource, Source};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::api::{Api, Ask, Trouble};
use super::{kubelet, reviews};
use crate::bounded::each;
use crate::rights::{Comparison, Platform, Right};

/// How many namespaces are asked about at the same time.
const AT_ONCE: usize = 4;
/// A surplus that is found in more namespaces than this is told by their number.
const NAMED: usize = 5;

/// A rule of a ClusterRole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRule {
    /// API groups; the empty one is the core group.
    pub api_groups: Vec<String>,
    /// Plural names, with a subresource behind a slash.
    pub resources: Vec<String>,
    /// Names, where the rule is about single objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// What may be done.
    pub verbs: Vec<String>,
}

/// One right: a verb on a resource, or on one object of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Access {
    verb: String,
    group: String,
    // With the subresource: `nodes/proxy`.
    resource: String,
    name: Option<String>,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.group.is_empty() { "" } else { "." };
        write!(f, "{} {}{dot}{}", self.verb, self.resource, self.group)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " named {name}"))
    }
}

impl Access {
    fn new(verb: &str, group: &str, resource: &str) -> Self {
        Self { verb: verb.to_owned(), group: group.to_owned(), resource: resource.to_owned(), name: None }
    }

    // Whether having this right, nobody needs to be granted `other`.
    fn covers(&self, other: &Self) -> bool {
        let same = (&self.verb, &self.group, &self.resource) == (&other.verb, &other.group, &other.resource);
        same && (self.name.is_none() || self.name == other.name)
    }

    // Whether it changes things, gives other rights, or shows secrets.
    fn is_grave(&self) -> bool {
        let reads = ["get", "list", "watch"].contains(&self.verb.as_str());
        let opens = ["secrets", "nodes/proxy", "pods/exec", "pods/attach", "pods/portforward", "services/proxy", "pods/proxy"];
        let any = [&self.verb, &self.group, &self.resource].into_iter().any(|part| part.contains('*'));
        !reads || any || opens.contains(&self.resource.as_str())
    }
}

/// What of a wanted set may be read: without `nodes_proxy` no kubelet is asked.
#[must_use]
pub fn readable(wanted: &Wanted, nodes_proxy: bool) -> Wanted {
    let mut wanted = wanted.clone();
    wanted.retain(|resource, _| nodes_proxy || !kubelet::is_read_by(resource));
    wanted
}

fn accesses(wanted: &Wanted) -> BTreeMap<Access, Right> {
    let resources = || wanted.keys().filter(|resource| resource.source == Source::Kubernetes);
    let mut out = BTreeMap::new();
    let mut add = |access: Access, right: Right| {
        out.entry(access).or_insert(right);
    };
    for resource in resources().filter(|resource| !kubelet::is_read_by(resource)) {
        let access = Access::new("list", resource.group(), resource.plural());
        let right = Right::new(access.to_string(), "every object of the resource");
        let right = match resource.name.as_ref() {
            "secrets" => right.warning("it shows the content of every Secret to the account; Proofbook keeps none of it"),
            _ => right,
        };
        add(access, right);
    }
    if resources().any(kubelet::is_read_by) {
        let nodes = Access::new("list", "", "nodes");
        add(nodes.clone(), Right::new(nodes.to_string(), "the names of the nodes"));
        let proxy = Access::new("get", "", "nodes/proxy");
        let right = Right::new(proxy.to_string(), "the configuration in force of every kubelet").warning(
            "it opens the kubelet's whole interface, with which commands can be run in every Pod of every node, past admission and \
             the audit log",
        );
        add(proxy, right);
    }
    // The list of namespaces names the cluster too.
    if !wanted.contains_key(&Resource::kubernetes("namespaces")) {
        let system = Access { name: Some(reviews::SYSTEM.to_owned()), ..Access::new("get", "", "namespaces") };
        let right = Right::new(system.to_string(), "its uid identifies the cluster; no check needs it");
        add(system, right);
    }
    out
}

/// The rights that reading takes.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    if !wanted.keys().any(|resource| resource.source == Source::Kubernetes) {
        return Vec::new();
    }
    accesses(wanted).into_values().collect()
}

/// The rules of the ClusterRole that grants what is needed, by group; what opens more than is read stands apart, with its warning.
#[must_use]
pub fn rules(wanted: &Wanted) -> Vec<(PolicyRule, Option<&'static str>)> {
    let mut rules: Vec<(PolicyRule, Option<&'static str>)> = Vec::new();
    for (access, right) in accesses(wanted) {
        let names: Vec<String> = access.name.into_iter().collect();
        let fits = |(rule, warning): &&mut (PolicyRule, Option<&'static str>)| {
            let same = rule.verbs == [access.verb.as_str()] && rule.api_groups == [access.group.as_str()];
            same && rule.resource_names == names && *warning == right.warning
        };
        match rules.iter_mut().find(fits) {
            Some((rule, _)) => rule.resources.push(access.resource),
            None => {
                let (api_groups, resources, verbs) = (vec![access.group], vec![access.resource], vec![access.verb]);
                rules.push((PolicyRule { api_groups, resources, resource_names: names, verbs }, right.warning));
            }
        }
    }
    rules.sort_by_key(|(_, warning)| *warning);
    rules
}

/// Compares what the server says that we may do with what is needed.
pub(super) async fn compare(api: &Api, wanted: &Wanted, account: String) -> Comparison {
    let needed: Vec<Access> = accesses(wanted).into_keys().collect();
    let mut found = Comparison { account, ..Comparison::new(Platform::Kubernetes, &api.target) };
    for access in &needed {
        match may(api, access).await {
            Ok(held) => found.note(access.to_string(), held),
            Err(trouble) => found.unknown.push(format!("whether the account may {access}: {}", trouble.detail)),
        }
    }
    let namespaces = match namespaces(api).await {
        Ok(namespaces) => namespaces,
        Err(trouble) => {
            let detail = trouble.detail;
            found.unknown.push(format!("which rights hold in single namespaces, as these cannot be listed: {detail}"));
            // It exists everywhere, and rights that hold in the whole cluster are told with those in it.
            vec!["default".to_owned()]
        }
    };
    let mut surplus: BTreeMap<Access, BTreeSet<String>> = BTreeMap::new();
    let asked = namespaces.len();
    let asking = namespaces.into_iter().map(|namespace| {
        let api = api.clone();
        async move { (reviews::rules_in(&api, &namespace, &mut Vec::new()).await, namespace) }
    });
    let lost = each(asking, AT_ONCE, |(review, namespace)| match review {
        Ok(review) => {
            if review.pointer("/status/incomplete").and_then(Json::as_bool) == Some(true) {
                let told = "what an authorizer grants that does not list its rules: the server says that its list is incomplete";
                found.unknown.push(told.to_owned());
            }
            for access in granted(&review).filter(|access| !is_base(access) && !needed.iter().any(|needed| needed.covers(access))) {
                surplus.entry(access).or_default().insert(namespace.clone());
            }
        }
        Err(trouble) => found.unknown.push(format!("the rights in the namespace {namespace}: {}", trouble.detail)),
    })
    .await;
    if lost > 0 {
        found.unknown.push(format!("the rights in {lost} namespaces: the questions broke off"));
    }
    for (access, namespaces) in surplus {
        let place = if namespaces.len() == asked {
            String::new()
        } else if namespaces.len() <= NAMED {
            format!(" in {}", namespaces.into_iter().collect::<Vec<_>>().join(", "))
        } else {
            format!(" in {} of {asked} namespaces", namespaces.len())
        };
        found.more(format!("{access}{place}"), access.is_grave());
    }
    found.sorted()
}

async fn may(api: &Api, access: &Access) -> Result<bool, Trouble> {
    let (resource, subresource) = access.resource.split_once('/').unwrap_or((&access.resource, ""));
    let mut attributes = json!({"verb": access.verb, "group": access.group, "resource": resource});
    if !subresource.is_empty() {
        attributes["subresource"] = subresource.into();
    }
    if let Some(name) = &access.name {
        attributes["name"] = name.as_str().into();
        // A namespace is authorised as an object in itself.
        attributes["namespace"] = name.as_str().into();
    }
    match reviews::access(api, &attributes, &access.to_string(), &mut Vec::new()).await? {
        reviews::Access::Allowed => Ok(true),
        reviews::Access::Refused => Ok(false),
        reviews::Access::Untold(told) => Err(Trouble::new(Reason::NotPermitted, told)),
    }
}

/// The media types by which a list comes without what is in its objects; older servers give the whole.
const NAMES_ALONE: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

async fn namespaces(api: &Api) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    let mut token = String::new();
    let mut log = Vec::new();
    loop {
        let path = format!("/api/v1/namespaces?limit=500{token}");
        let mut body = Vec::new();
        let answer = api.ask(&Ask { accept: NAMES_ALONE, ..Ask::get(&path) }, &mut body, &mut log).await?;
        if !answer.status.is_success() {
            return Err(answer.trouble());
        }
        let unread = || Trouble::new(Reason::ParseError, "the answer is no list of namespaces");
        let list: Json = serde_json::from_slice(&body).map_err(|_| unread())?;
        let items = list["items"].as_array().ok_or_else(unread)?;
        names.extend(items.iter().filter_map(|item| item["metadata"]["name"].as_str()).map(str::to_owned));
        match list["metadata"]["continue"].as_str().filter(|next| !next.is_empty()) {
            Some(next) => token = format!("&continue={}", super::list::escape(next)),
            None => return Ok(names),
        }
    }
}

// Every right that a review of rules tells.
fn granted(review: &Json) -> impl Iterator<Item = Access> {
    let texts = |rule: &Json, key: &str| -> Vec<String> {
        rule[key].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let mut out = BTreeSet::new();
    for rule in review["status"]["resourceRules"].as_array().into_iter().flatten() {
        let names = texts(rule, "resourceNames");
        let names: Vec<Option<String>> = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        for verb in texts(rule, "verbs") {
            for group in texts(rule, "apiGroups") {
                for resource in texts(rule, "resources") {
                    let access = |name: &Option<String>| Access { name: name.clone(), ..Access::new(&verb, &group, &resource) };
                    out.extend(names.iter().map(access));
                }
            }
        }
    }
    for rule in review["status"]["nonResourceRules"].as_array().into_iter().flatten() {
        for verb in texts(rule, "verbs") {
            out.extend(texts(rule, "nonResourceURLs").into_iter().map(|url| Access::new(&verb, "", &url)));
        }
    }
    out.into_iter()
}

/// Paths that every authenticated account may get: discovery, health and version (`system:discovery`,
/// `system:public-info-viewer`, `system:service-account-issuer-discovery`).
const PUBLIC: [&str; 9] = ["/api", "/apis", "/healthz", "/livez", "/readyz", "/openapi", "/version", "/.well-known", "/openid"];

// What the server grants to every account by itself.
fn is_base(access: &Access) -> bool {
    if access.resource.starts_with('/') {
        let path = access.resource.trim_end_matches('*').trim_end_matches('/');
        let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        return access.verb == "get" && PUBLIC.iter().any(|root| below(root));
    }
    let own = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];
    let reviews =
        ["authorization.k8s.io", "authentication.k8s.io"].contains(&access.group.as_str()) && own.contains(&access.resource.as_str());
    // `system:cluster-trust-bundle-discovery` is for all service accounts.
    let bundles = access.group == "certificates.k8s.io" && access.resource == "clustertrustbundles";
    reviews && access.verb == "create" || bundles && ["get", "list", "watch"].contains(&access.verb.as_str())
}

#[cfg(test)]
mod tests {
    use proofbook_checks::project::Projection;

    use super::*;

    fn wanted(names: &[&str]) -> Wanted {
        names.iter().map(|name| (Resource::kubernetes(name), Projection::default())).collect()
    }

    fn names(wanted: &Wanted) -> Vec<String> {
        Platform::Kubernetes.rights(wanted).into_iter().map(|right| right.name).collect()
    }

    #[test]
    fn a_list_takes_list_and_nothing_else() {
        let lists = wanted(&["deployments.apps", "namespaces", "pods"]);
        assert_eq!(names(&lists), ["list deployments.apps", "list namespaces", "list pods"]);
        // Where namespaces are not listed, one of them is looked at.
        assert_eq!(names(&wanted(&["pods"])), ["get namespaces named kube-system", "list pods"]);
        assert_eq!(names(&Wanted::new()), [""; 0]);
        let rules = rules(&lists);
        assert_eq!(rules.len(), 2);
        assert!(rules.iter().all(|(rule, warning)| rule.verbs == ["list"] && rule.resource_names.is_empty() && warning.is_none()));
    }

    #[test]
    fn what_opens_more_stands_in_a_rule_of_its_own() {
        let rules = rules(&wanted(&["namespaces", "secrets", "kubeletconfigurations.kubelet.config.k8s.io"]));
        let grave: Vec<_> = rules.iter().filter(|(_, warning)| warning.is_some()).map(|(rule, _)| rule.resources.clone()).collect();
        assert_eq!(grave.concat().into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(["nodes/proxy".to_owned(), "secrets".to_owned()]));
        assert!(rules.iter().any(|(rule, warning)| rule.resources == ["namespaces", "nodes"] && warning.is_none()), "{rules:?}");
    }

    #[test]
    fn discovery_is_neither_needed_nor_surplus() {
        let review = json!({"status": {
            "resourceRules": [
                {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]},
                {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"]},
                {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]},
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [
                {"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis/*", "/healthz", "/version/", "/openid/v1/jwks", "/.well-known/openid-configuration/"]},
                {"verbs": ["get"], "nonResourceURLs": ["/apiserver", "/metrics"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }});
        let pods = Access::new("list", "", "pods");
        let more: Vec<Access> = granted(&review).filter(|access| !is_base(access) && !pods.covers(access)).collect();
        let shown: Vec<String> = more.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["* *", "* *.*", "create subjectaccessreviews.authorization.k8s.io", "get /apiserver", "get /metrics", "get pods named a"]
        );
        let grave: Vec<bool> = more.iter().map(Access::is_grave).collect();
        assert_eq!(grave, [true, true, true, false, false, false]);
    }
}
