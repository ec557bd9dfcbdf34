//! Views: subjects that several resources share. Bindings and roles are plain unions; a workload is whatever declares a
//! pod template at the top.
//!
//! The template of a Deployment is repeated by its ReplicaSets and Pods, and must be judged once. So a workload is a
//! Deployment, StatefulSet, DaemonSet or CronJob; a ReplicaSet or Job that none of these controls; and a Pod whose
//! template nobody else declares. A static Pod belongs to its Node and is judged by the checks of the control plane.

use std::collections::BTreeSet;

use crate::definition::View;
use crate::inventory::{Completeness, Inventory};
use crate::mask::{FieldPath, Step};
use crate::project;
use crate::resource::Resource;
use crate::value::Value;

/// A resource behind a view.
#[derive(Debug)]
pub struct Member {
    /// `plural.group`.
    pub resource: &'static str,
    shape: Shape,
    /// Whether the view cannot be judged without it.
    pub required: bool,
    /// Whether some of its objects are judged at their owner.
    pub owned: bool,
}

#[derive(Debug)]
enum Shape {
    // The objects as they are.
    Whole,
    // Declares a pod template at this path, and `spec.replicas` counts or does not.
    Template { path: &'static [&'static str], replicas: bool },
}

const fn whole(resource: &'static str) -> Member {
    Member { resource, shape: Shape::Whole, required: true, owned: false }
}

const fn template(resource: &'static str, path: &'static [&'static str], replicas: bool) -> Member {
    Member { resource, shape: Shape::Template { path, replicas }, required: true, owned: false }
}

const fn owned(resource: &'static str, path: &'static [&'static str], replicas: bool, required: bool) -> Member {
    Member { resource, shape: Shape::Template { path, replicas }, required, owned: true }
}

const WORKLOADS: [Member; 7] = [
    template("deployments.apps", &["spec", "template"], true),
    template("statefulsets.apps", &["spec", "template"], true),
    template("daemonsets.apps", &["spec", "template"], false),
    template("cronjobs.batch", &["spec", "jobTemplate", "spec", "template"], false),
    owned("replicasets.apps", &["spec", "template"], true, false),
    owned("jobs.batch", &["spec", "template"], false, false),
    owned("pods", &[], false, true),
];

const BINDINGS: [Member; 2] = [whole("clusterrolebindings.rbac.authorization.k8s.io"), whole("rolebindings.rbac.authorization.k8s.io")];

const ROLES: [Member; 2] = [whole("clusterroles.rbac.authorization.k8s.io"), whole("roles.rbac.authorization.k8s.io")];

impl View {
    /// The resources behind the view.
    #[must_use]
    pub const fn members(self) -> &'static [Member] {
        match self {
            Self::Workload => &WORKLOADS,
            Self::RbacBinding => &BINDINGS,
            Self::RbacRole => &ROLES,
        }
    }

    /// The name in population definitions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::RbacBinding => "rbac-binding",
            Self::RbacRole => "rbac-role",
        }
    }

    /// The subjects of the view.
    #[must_use]
    pub fn objects(self, inventory: &Inventory) -> ViewObjects {
        match self {
            Self::Workload => workloads(inventory),
            Self::RbacBinding | Self::RbacRole => {
                let objects = self.members().iter().flat_map(|member| inventory.objects(&Resource::kubernetes(member.resource)));
                ViewObjects { subjects: objects.cloned().collect(), ..ViewObjects::default() }
            }
        }
    }
}

impl Member {
    /// Whether the view asks who owns the object.
    #[must_use]
    pub const fn asks_for_owner(&self) -> bool {
        matches!(self.shape, Shape::Template { .. })
    }

    /// Where a path of the view lies in the member's objects; more than one where the member splits it.
    #[must_use]
    pub fn paths(&self, path: &[Step]) -> Vec<FieldPath> {
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
