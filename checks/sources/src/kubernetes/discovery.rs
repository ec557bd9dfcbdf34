//! Which of the wanted resources the server serves, and under which path.
//!
//! A resource counts as not served only if the server answered for its group and the resource is not in it. A group
//! whose discovery fails, or is stale because its own server does not answer, says nothing about its resources.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use proofbook_checks::inventory::{Reason, Request};
use proofbook_checks::resource::Resource;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::api::{Api, Ask, Trouble};
use crate::sorter::ObjectType;

/// What discovery says of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is served.
    Served {
        /// The path of its list over all namespaces.
        path: String,
        /// The type of its objects.
        of: ObjectType,
    },
    /// The server does not know it.
    NotServed,
    /// The server does not say.
    Unknown(Trouble),
}

/// The media types by which the server is asked for all groups in one answer; older servers give the plain form.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// Asks for the groups of `wanted`.
pub(super) async fn discover(api: &Api, wanted: &[&Resource], log: &mut Vec<Request>) -> BTreeMap<Resource, Found> {
    let (core, grouped): (Vec<&Resource>, Vec<&Resource>) = wanted.iter().partition(|resource| resource.group().is_empty());
    let mut found = BTreeMap::new();
    for (root, members) in [("/api", core), ("/apis", grouped)] {
        if members.is_empty() {
            continue;
        }
        match groups(api, root, &members, log).await {
            Ok(groups) => found.extend(members.iter().map(|resource| ((*resource).clone(), groups.find(resource)))),
            Err(trouble) => {
                let trouble = Trouble { detail: format!("discovery failed: {}", trouble.detail), ..trouble };
                found.extend(members.iter().map(|resource| ((*resource).clone(), Found::Unknown(trouble.clone()))));
            }
        }
    }
    found
}

/// Groups by name, each with its versions in the server's order of preference, or why they are not known.
#[derive(Default)]
struct Groups(BTreeMap<String, Result<Vec<Version>, Trouble>>);

struct Version {
    name: String,
    stale: bool,
    resources: Vec<Served>,
}

struct Served {
    plural: String,
    kind: String,
    listable: bool,
}

impl Groups {
    fn find(&self, resource: &Resource) -> Found {
        let versions = match self.0.get(resource.group()) {
            None => return Found::NotServed,
            Some(Err(trouble)) => return Found::Unknown(trouble.clone()),
            Some(Ok(versions)) => versions,
        };
        for version in versions {
            let Some(served) = version.resources.iter().find(|served| served.plural == resource.plural()) else { continue };
            if !served.listable {
                return Found::Unknown(Trouble::new(Reason::NotServed, "the server does not let this resource be listed"));
            }
            let (root, api_version) = match resource.group() {
                "" => ("/api", version.name.clone()),
                group => ("/apis", format!("{group}/{}", version.name)),
            };
            let path = format!("{root}/{api_version}/{}", served.plural);
            return Found::Served { path, of: ObjectType::new(&api_version, &served.kind) };
        }
        if versions.iter().any(|version| version.stale) {
            let detail = format!("discovery of the group {} is stale: the server behind it does not answer", resource.group());
            return Found::Unknown(Trouble::new(Reason::Unreachable, detail));
        }
        Found::NotServed
    }
}

#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Answer {
    #[serde(rename = "APIGroupDiscoveryList")]
    Aggregated(Aggregated),
    #[serde(rename = "APIVersions")]
    CoreVersions { versions: Vec<String> },
    #[serde(rename = "APIGroupList")]
    Groups { groups: Vec<Group> },
}

#[derive(Deserialize)]
struct Aggregated {
    items: Vec<AggregatedGroup>,
}

#[derive(Deserialize)]
struct AggregatedGroup {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<AggregatedVersion>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct AggregatedVersion {
    version: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    #[serde(default)]
    response_kind: Kind,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Kind {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    versions: Vec<GroupVersion>,
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<ListedResource>,
}

#[derive(Deserialize)]
struct ListedResource {
    name: String,
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
}

async fn groups(api: &Api, root: &str, members: &[&Resource], log: &mut Vec<Request>) -> Result<Groups, Trouble> {
    let mut groups = Groups::default();
    match get(api, root, AGGREGATED, log).await?.ok_or_else(|| Trouble::new(Reason::ParseError, format!("{root} is not there")))? {
        Answer::Aggregated(list) => {
            groups.0.extend(
                list.items.into_iter().map(|group| (group.metadata.name, Ok(group.versions.into_iter().map(Version::from).collect()))),
            );
        }
        Answer::CoreVersions { versions } => {
            groups.0.insert(String::new(), versions_of(api, root, &versions, log).await);
        }
        Answer::Groups { groups: list } => {
            let wanted: BTreeSet<&str> = members.iter().map(|resource| resource.group()).collect();
            for group in list.into_iter().filter(|group| wanted.contains(group.name.as_str())) {
                let mut names: Vec<String> = group.preferred_version.into_iter().map(|version| version.version).collect();
                let others = group.versions.into_iter().map(|version| version.version);
                names.extend(others.filter(|name| !names.contains(name)).collect::<Vec<_>>());
                let versions = versions_of(api, &format!("{root}/{}", group.name), &names, log).await;
                groups.0.insert(group.name, versions);
            }
        }
    }
    Ok(groups)
}

async fn versions_of(api: &Api, root: &str, names: &[String], log: &mut Vec<Request>) -> Result<Vec<Version>, Trouble> {
    let mut versions = Vec::new();
    for name in names {
        if let Some(list) = get::<ResourceList>(api, &format!("{root}/{name}"), "application/json", log).await? {
            versions.push(Version::of(name, list));
        }
    }
    Ok(versions)
}

// Nothing where the server says 404.
async fn get<T: DeserializeOwned>(api: &Api, path: &str, accept: &'static str, log: &mut Vec<Request>) -> Result<Option<T>, Trouble> {
    let mut body = Vec::new();
    let answer = api.ask(&Ask { accept, ..Ask::get(path) }, &mut body, log).await?;
    match answer.status {
        StatusCode::OK => serde_json::from_slice(&body)
            .map(Some)
            .map_err(|_| Trouble::new(Reason::ParseError, format!("the answer to {path} is not what discovery answers"))),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(answer.trouble()),
    }
}

impl From<AggregatedVersion> for Version {
    fn from(version: AggregatedVersion) -> Self {
        let served = |resource: AggregatedResource| Served {
            listable: resource.verbs.iter().any(|verb| verb == "list"),
            plural: resource.resource,
            kind: resource.response_kind.kind,
        };
        Self { stale: version.freshness == "Stale", name: version.version, resources: version.resources.into_iter().map(served).collect() }
    }
}

impl Version {
    fn of(name: &str, list: ResourceList) -> Self {
        let served = |resource: ListedResource| Served {
            listable: resource.verbs.iter().any(|verb| verb == "list"),
            plural: resource.name,
            kind: resource.kind,
        };
        Self { name: name.to_owned(), stale: false, resources: list.resources.into_iter().map(served).collect() }
    }
}
