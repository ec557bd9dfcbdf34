//! Views: subjects that several resources share. Bindings and roles are plain unions (an aggregated ClusterRole with the rules
//! that it gathers); a workload is whatever declares a pod template at the top; a running image is what containers of pods that
//! have not ended say they run. Effective access (`access`) and reachability (`reach`) are computed.
//!
//! The template of a Deployment is repeated by its ReplicaSets and Pods, and must be judged once. So a workload is a
//! Deployment, StatefulSet, DaemonSet or CronJob; a ReplicaSet or Job that none of these controls; and a Pod whose
//! template nobody else declares. A static Pod belongs to its Node and is judged by the checks of the control plane.

use std::collections::{BTreeMap, BTreeSet};

use crate::access;
use crate::definition::View;
use crate::inventory::{Completeness, Inventory};
use crate::mask::{FieldPath, Step};
use crate::project;
use crate::reach;
use crate::resource::Resource;
use crate::value::Value;

/// A resource behind a view.
#[derive(Debug)]
pub struct Member {
    /// `plural.group`.
    pub resource: &'static str,
    shape: Shape,
    /// What the view itself reads of every object, whatever a check reads of the subjects; `*` stands for every element.
    always: &'static [&'static [&'static str]],
    need: Need,
    /// Whether some of its objects are judged at their owner.
    pub owned: bool,
}

/// Whether a view can be judged without a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its listing must be complete.
    Required,
    /// A platform that does not serve it has none; a listing that was refused, cut short or not collected counts.
    IfServed,
    /// What is missed by its absence is told object by object.
    Spare,
}

#[derive(Debug)]
enum Shape {
    // The objects as they are.
    Whole,
    // Declares a pod template at this path, and `spec.replicas` counts or does not.
    Template { path: &'static [&'static str], replicas: bool },
    // Subjects are made of what the view always reads.
    Derived,
}

const fn whole(resource: &'static str) -> Member {
    Member { resource, shape: Shape::Whole, always: &[], need: Need::Required, owned: false }
}

const fn template(resource: &'static str, path: &'static [&'static str], replicas: bool) -> Member {
    Member { resource, shape: Shape::Template { path, replicas }, always: &[], need: Need::Required, owned: false }
}

const fn owned(resource: &'static str, path: &'static [&'static str], replicas: bool, need: Need) -> Member {
    Member { resource, shape: Shape::Template { path, replicas }, always: &[], need, owned: true }
}

const fn derived(resource: &'static str, always: &'static [&'static [&'static str]]) -> Member {
    Member { resource, shape: Shape::Derived, always, need: Need::Required, owned: false }
}

const fn derived_if_served(resource: &'static str, always: &'static [&'static [&'static str]]) -> Member {
    Member { resource, shape: Shape::Derived, always, need: Need::IfServed, owned: false }
}

const WORKLOADS: [Member; 7] = [
    template("deployments.apps", &["spec", "template"], true),
    template("statefulsets.apps", &["spec", "template"], true),
    template("daemonsets.apps", &["spec", "template"], false),
    template("cronjobs.batch", &["spec", "jobTemplate", "spec", "template"], false),
    owned("replicasets.apps", &["spec", "template"], true, Need::Spare),
    owned("jobs.batch", &["spec", "template"], false, Need::Spare),
    owned("pods", &[], false, Need::Required),
];

const IMAGES: [Member; 1] = [derived(
    "pods",
    &[
        &["status", "phase"],
        &["status", "initContainerStatuses", "*", "image"],
        &["status", "initContainerStatuses", "*", "imageID"],
        &["status", "containerStatuses", "*", "image"],
        &["status", "containerStatuses", "*", "imageID"],
        &["status", "ephemeralContainerStatuses", "*", "image"],
        &["status", "ephemeralContainerStatuses", "*", "imageID"],
    ],
)];

const BINDINGS: [Member; 2] = [whole("clusterrolebindings.rbac.authorization.k8s.io"), whole("rolebindings.rbac.authorization.k8s.io")];

// What gathers the rules of an aggregated ClusterRole.
const GATHERED: &[&[&str]] = &[&["aggregationRule"], &["rules"], &["metadata", "labels"]];

const ROLES: [Member; 2] =
    [Member { always: GATHERED, ..whole("clusterroles.rbac.authorization.k8s.io") }, whole("roles.rbac.authorization.k8s.io")];

const GIVEN: &[&[&str]] = &[&["roleRef"], &["subjects"], &["metadata", "labels"]];

const ACCESS: [Member; 4] = [
    derived("clusterroles.rbac.authorization.k8s.io", GATHERED),
    derived("roles.rbac.authorization.k8s.io", &[&["rules"]]),
    derived("clusterrolebindings.rbac.authorization.k8s.io", GIVEN),
    derived("rolebindings.rbac.authorization.k8s.io", GIVEN),
];

macro_rules! of_pod_spec {
    ([$($to:literal),*]; $($more:expr),*) => {
        &[
            &[$($to,)* "metadata", "labels"],
            &[$($to,)* "spec", "hostNetwork"],
            &[$($to,)* "spec", "containers", "*", "ports", "*", "name"],
            &[$($to,)* "spec", "containers", "*", "ports", "*", "containerPort"],
            &[$($to,)* "spec", "containers", "*", "ports", "*", "protocol"],
            &[$($to,)* "spec", "initContainers", "*", "ports", "*", "name"],
            &[$($to,)* "spec", "initContainers", "*", "ports", "*", "containerPort"],
            &[$($to,)* "spec", "initContainers", "*", "ports", "*", "protocol"],
            $($more,)*
        ]
    };
}

const TEMPLATE_OF: &[&[&str]] = of_pod_spec!(["spec", "template"];);

// Which pods a policy of a kind that is not evaluated selects.
const SELECTING: &[&[&str]] = &[&["spec", "subject"]];
const SELECTING_NODES: &[&[&str]] = &[&["spec", "nodeSelector"], &["specs", "*", "nodeSelector"]];

const REACH: [Member; 18] = [
    derived("namespaces", &[&["metadata", "labels"]]),
    derived("networkpolicies.networking.k8s.io", &[&["spec"]]),
    derived("deployments.apps", TEMPLATE_OF),
    derived("statefulsets.apps", TEMPLATE_OF),
    derived("daemonsets.apps", TEMPLATE_OF),
    derived("cronjobs.batch", of_pod_spec!(["spec", "jobTemplate", "spec", "template"];)),
    derived("pods", of_pod_spec!([]; &["status", "phase"], &["status", "podIP"], &["status", "podIPs", "*", "ip"])),
    derived_if_served("adminnetworkpolicies.policy.networking.k8s.io", SELECTING),
    derived_if_served("baselineadminnetworkpolicies.policy.networking.k8s.io", SELECTING),
    derived_if_served("clusternetworkpolicies.policy.networking.k8s.io", SELECTING),
    derived_if_served("ciliumnetworkpolicies.cilium.io", &[]),
    derived_if_served("ciliumclusterwidenetworkpolicies.cilium.io", SELECTING_NODES),
    derived_if_served("networkpolicies.crd.projectcalico.org", &[]),
    derived_if_served("globalnetworkpolicies.crd.projectcalico.org", &[]),
    derived_if_served("networkpolicies.projectcalico.org", &[]),
    derived_if_served("globalnetworkpolicies.projectcalico.org", &[]),
    derived_if_served("networkpolicies.crd.antrea.io", &[]),
    derived_if_served("clusternetworkpolicies.crd.antrea.io", &[]),
];

impl View {
    /// How many views there are.
    pub const COUNT: usize = 6;

    /// The resources behind the view.
    #[must_use]
    pub const fn members(self) -> &'static [Member] {
        match self {
            Self::Workload => &WORKLOADS,
            Self::RbacBinding => &BINDINGS,
            Self::RbacRole => &ROLES,
            Self::RunningImage => &IMAGES,
            Self::EffectiveAccess => &ACCESS,
            Self::Reachability => &REACH,
        }
    }

    /// The name in population definitions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::RbacBinding => "rbac-binding",
            Self::RbacRole => "rbac-role",
            Self::RunningImage => "running-image",
            Self::EffectiveAccess => "effective-access",
            Self::Reachability => "reachability",
        }
    }

    /// The subjects of the view.
    #[must_use]
    pub fn objects(self, inventory: &Inventory) -> ViewObjects {
        let subjects = match self {
            Self::Workload => return workloads(inventory),
            Self::RunningImage => running_images(inventory),
            Self::RbacBinding => {
                let objects = self.members().iter().flat_map(|member| inventory.objects(&Resource::kubernetes(member.resource)));
                objects.cloned().collect()
            }
            Self::RbacRole => access::roles(inventory),
            Self::EffectiveAccess => access::subjects(inventory),
            Self::Reachability => reach::namespaces(inventory),
        };
        ViewObjects { subjects, ..ViewObjects::default() }
    }
}

impl Member {
    /// Whether the view can be judged without it.
    #[must_use]
    pub const fn need(&self) -> Need {
        self.need
    }

    /// Whether the view asks who owns the object.
    #[must_use]
    pub const fn asks_for_owner(&self) -> bool {
        matches!(self.shape, Shape::Template { .. })
    }

    /// What the view reads of every object, whatever a check reads.
    pub fn always(&self) -> impl Iterator<Item = FieldPath> {
        let step = |key: &&str| if *key == "*" { Step::Each } else { Step::key(key) };
        self.always.iter().map(move |path| path.iter().map(step).collect())
    }

    /// Where a path of the view lies in the member's objects; more than one where the member splits it, none where the
    /// subject is made by the view.
    #[must_use]
    pub fn paths(&self, path: &[Step]) -> Vec<FieldPath> {
        if matches!(self.shape, Shape::Derived) {
            return Vec::new();
        }
        let (Shape::Template { path: template, replicas }, Some((Step::Key(first), rest))) = (&self.shape, path.split_first()) else {
            return vec![path.to_vec()];
        };
        match &**first {
            "replicas" if *replicas => vec![vec![Step::key("spec"), Step::key("replicas")]],
            "replicas" => Vec::new(),
            "template" if template.is_empty() && rest.is_empty() => vec![vec![Step::key("metadata")], vec![Step::key("spec")]],
            "template" => vec![template.iter().map(|key| Step::key(key)).chain(rest.iter().cloned()).collect()],
            _ => vec![path.to_vec()],
        }
    }
}

/// An image while its users are counted.
#[derive(Default)]
struct Use {
    references: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    pods: u64,
}

fn running_images(inventory: &Inventory) -> Vec<Value> {
    let mut images: BTreeMap<String, Use> = BTreeMap::new();
    for pod in inventory.objects(&Resource::kubernetes("pods")) {
        let status = pod.get("status").unwrap_or(&Value::NULL);
        if matches!(status.get("phase").and_then(Value::as_str), Some("Succeeded" | "Failed")) {
            continue;
        }
        let kinds = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
        let containers = kinds.iter().filter_map(|kind| status.get(kind).and_then(Value::as_list)).flatten();
        let mut of_pod: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for container in containers {
            let text = |key: &str| container.get(key).and_then(Value::as_str).unwrap_or_default();
            let reference = text("image");
            // A container that has not been pulled yet runs nothing. An image without a digest was loaded past any registry.
            let id = text("imageID").rsplit("://").next().filter(|id| !id.is_empty());
            if let Some(id) = id {
                let name = if id.contains('@') { id.to_owned() } else { format!("{reference} ({id})") };
                of_pod.entry(name).or_default().insert(reference.to_owned());
            }
        }
        let namespace = pod.at(&["metadata", "namespace"]).and_then(Value::as_str).unwrap_or_default();
        for (name, references) in of_pod {
            let image = images.entry(name).or_default();
            image.references.extend(references);
            image.namespaces.insert(namespace.to_owned());
            image.pods += 1;
        }
    }
    let subject = |(name, used): (String, Use)| {
        let texts = |texts: BTreeSet<String>| Value::list(texts.iter().map(|text| Value::str(text)).collect());
        let (repository, digest) = match name.split_once('@') {
            Some((repository, digest)) => (repository, digest),
            None => (used.references.first().map_or("", |reference| without_tag(reference)), ""),
        };
        Value::map(vec![
            ("kind", Value::str("Image")),
            ("metadata", Value::map(vec![("name", Value::str(&name))])),
            ("repository", Value::str(repository)),
            ("digest", Value::str(digest)),
            ("references", texts(used.references)),
            ("namespaces", texts(used.namespaces)),
            ("pods", Value::from_json(&used.pods.into())),
        ])
    };
    images.into_iter().map(subject).collect()
}

// `r.example:5000/app:1` is of the repository `r.example:5000/app`.
fn without_tag(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => reference,
    }
}

/// The subjects of a view.
#[derive(Debug, Default)]
pub struct ViewObjects {
    /// One value a subject, with `template`, `replicas`, `metadata`, `kind` and `apiVersion`.
    pub subjects: Vec<Value>,
    /// Objects that stand for another one's template, by the kind of their controller, and are not subjects.
    pub judged_at_owner: u64,
    /// Static Pods.
    pub static_pods: u64,
    /// Objects whose owner was not collected, so that nobody judges their template.
    pub orphans: Vec<Value>,
}

fn workloads(inventory: &Inventory) -> ViewObjects {
    let mut out = ViewObjects::default();
    let collected: BTreeSet<&str> = WORKLOADS
        .iter()
        .filter(|member| *inventory.completeness(&Resource::kubernetes(member.resource)) == Completeness::Complete)
        .map(|member| member.resource)
        .collect();
    for member in &WORKLOADS {
        for object in inventory.objects(&Resource::kubernetes(member.resource)) {
            let metadata = object.get("metadata").unwrap_or(&Value::NULL);
            if !member.owned || !project::is_judged_at_owner(metadata) {
                out.subjects.push(subject(member, object));
                continue;
            }
            let owner = project::controller(metadata).and_then(|owner| owner.get("kind")).and_then(Value::as_str);
            match owner {
                Some("Node") => out.static_pods += 1,
                Some("Job") if !collected.contains("jobs.batch") => out.orphans.push(object.clone()),
                Some("ReplicaSet") if !collected.contains("replicasets.apps") => out.orphans.push(object.clone()),
                _ => out.judged_at_owner += 1,
            }
        }
    }
    out
}

/// What makes a workload unfit to be judged: the API refuses a template without containers, so what has none is damaged, and
/// a rule about all containers would hold of it.
#[must_use]
pub fn damage(workload: &Value) -> Option<&'static str> {
    let containers = workload.at(&["template", "spec", "containers"])?;
    containers.as_list().is_none_or(<[_]>::is_empty).then_some("the pod template has no list of containers; the object is damaged")
}

fn subject(member: &Member, object: &Value) -> Value {
    let Shape::Template { path, replicas } = member.shape else {
        return object.clone();
    };
    let mut entries = Vec::with_capacity(7);
    for key in ["apiVersion", "kind", "metadata", "spec", "status"] {
        if let Some(value) = object.get(key) {
            entries.push((key, value.clone()));
        }
    }
    let template = if path.is_empty() {
        let parts = ["metadata", "spec"].iter().filter_map(|key| object.get(key).map(|value| (*key, value.clone())));
        Some(Value::map(parts.collect()))
    } else {
        object.at(path).cloned()
    };
    entries.extend(template.map(|template| ("template", template)));
    if replicas && let Some(replicas) = object.at(&["spec", "replicas"]) {
        entries.push(("replicas", replicas.clone()));
    }
    Value::map(entries)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::Listing;

    #[test]
    fn images_are_told_by_what_runs() {
        let pod = |namespace: &str, phase: &str, containers: serde_json::Value| {
            Value::from_json(&json!({"metadata": {"namespace": namespace}, "status": {"phase": phase, "containerStatuses": containers}}))
        };
        let app = json!([{"image": "r.example/app:1", "imageID": "docker-pullable://r.example/app@sha256:aa"}]);
        let objects = vec![
            pod("a", "Running", app.clone()),
            pod("b", "Running", app.clone()),
            pod("c", "Succeeded", json!([{"image": "r.example/job:1", "imageID": "r.example/job@sha256:bb"}])),
            pod("c", "Pending", json!([{"image": "r.example/late:1", "imageID": ""}])),
            pod("d", "Running", json!([{"image": "local:dev", "imageID": "sha256:cc"}])),
            Value::from_json(&json!({"metadata": {"namespace": "e"}})),
        ];
        let listing = Listing { completeness: Completeness::Complete, objects, resource_version: None };
        let inventory = Inventory { listings: [(Resource::kubernetes("pods"), listing)].into(), ..Inventory::default() };
        let subjects: Vec<_> = View::RunningImage.objects(&inventory).subjects.iter().map(Value::to_json).collect();
        let expected = [
            json!({
                "kind": "Image", "metadata": {"name": "local:dev (sha256:cc)"}, "repository": "local", "digest": "",
                "references": ["local:dev"], "namespaces": ["d"], "pods": 1,
            }),
            json!({
                "kind": "Image", "metadata": {"name": "r.example/app@sha256:aa"}, "repository": "r.example/app", "digest": "sha256:aa",
                "references": ["r.example/app:1"], "namespaces": ["a", "b"], "pods": 2,
            }),
        ];
        assert_eq!(subjects, expected);
    }
}
