//! Views: subjects that several resources share. A workload is whatever declares a pod template at the top.
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
    // Where the pod template is.
    template: &'static [&'static str],
    // Whether `spec.replicas` counts.
    replicas: bool,
    /// Whether the view cannot be judged without it.
    pub required: bool,
    /// Whether some of its objects are judged at their owner.
    pub owned: bool,
}

const MEMBERS: [Member; 7] = [
    Member { resource: "deployments.apps", template: &["spec", "template"], replicas: true, required: true, owned: false },
    Member { resource: "statefulsets.apps", template: &["spec", "template"], replicas: true, required: true, owned: false },
    Member { resource: "daemonsets.apps", template: &["spec", "template"], replicas: false, required: true, owned: false },
    Member { resource: "cronjobs.batch", template: &["spec", "jobTemplate", "spec", "template"], replicas: false, required: true, owned: false },
    Member { resource: "replicasets.apps", template: &["spec", "template"], replicas: true, required: false, owned: true },
    Member { resource: "jobs.batch", template: &["spec", "template"], replicas: false, required: false, owned: true },
    Member { resource: "pods", template: &[], replicas: false, required: true, owned: true },
];

impl View {
    /// The resources behind the view.
    #[must_use]
    pub const fn members(self) -> &'static [Member] {
        match self {
            Self::Workload => &MEMBERS,
        }
    }

    /// The name in population definitions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
        }
    }
}

impl Member {
    /// Where a path of the view lies in the member's objects; more than one where the member splits it.
    #[must_use]
    pub fn paths(&self, path: &[Step]) -> Vec<FieldPath> {
        let Some((Step::Key(first), rest)) = path.split_first() else {
            return Vec::new();
        };
        match &**first {
            "replicas" if self.replicas => vec![vec![Step::key("spec"), Step::key("replicas")]],
            "replicas" => Vec::new(),
            "template" if self.template.is_empty() && rest.is_empty() => vec![vec![Step::key("metadata")], vec![Step::key("spec")]],
            "template" => vec![self.template.iter().map(|key| Step::key(key)).chain(rest.iter().cloned()).collect()],
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

/// Builds the subjects of the workload view.
#[must_use]
pub fn workloads(inventory: &Inventory) -> ViewObjects {
    let mut out = ViewObjects::default();
    let collected: BTreeSet<&str> = MEMBERS
        .iter()
        .filter(|member| *inventory.completeness(&Resource::kubernetes(member.resource)) == Completeness::Complete)
        .map(|member| member.resource)
        .collect();
    for member in &MEMBERS {
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

fn subject(member: &Member, object: &Value) -> Value {
    let mut entries = Vec::with_capacity(6);
    for key in ["apiVersion", "kind", "metadata"] {
        if let Some(value) = object.get(key) {
            entries.push((key, value.clone()));
        }
    }
    let template = if member.template.is_empty() {
        let parts = ["metadata", "spec"].iter().filter_map(|key| object.get(key).map(|value| (*key, value.clone())));
        Some(Value::map(parts.collect()))
    } else {
        object.at(member.template).cloned()
    };
    entries.extend(template.map(|template| ("template", template)));
    if member.replicas
        && let Some(replicas) = object.at(&["spec", "replicas"])
    {
        entries.push(("replicas", replicas.clone()));
    }
    if let Some(spec) = object.get("spec") {
        entries.push(("spec", spec.clone()));
    }
    Value::map(entries)
}
