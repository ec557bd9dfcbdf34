//! Least privilege: the ClusterRole that grants exactly what the selected checks read, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::inventory::Wanted;
use crate::resource::Source;

/// A rule of a ClusterRole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRule {
    /// API groups; the empty one is the core group.
    pub api_groups: Vec<String>,
    /// Plural names.
    pub resources: Vec<String>,
    /// Names, where the rule is about single objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// What may be done.
    pub verbs: Vec<String>,
}

/// The rules for what is wanted: `list` on every Kubernetes resource, by group, and `get` on the namespace whose uid
/// identifies the cluster. Discovery and self-reviews need no rule: every authenticated account has them.
#[must_use]
pub fn rules(wanted: &Wanted) -> Vec<PolicyRule> {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for resource in wanted.keys().filter(|resource| resource.source == Source::Kubernetes) {
        groups.entry(resource.group()).or_default().insert(resource.plural());
    }
    let identity = PolicyRule {
        api_groups: vec![String::new()],
        resources: vec!["namespaces".to_owned()],
        resource_names: vec!["kube-system".to_owned()],
        verbs: vec!["get".to_owned()],
    };
    let lists = groups.into_iter().map(|(group, resources)| PolicyRule {
        api_groups: vec![group.to_owned()],
        resources: resources.into_iter().map(str::to_owned).collect(),
        resource_names: Vec::new(),
        verbs: vec!["list".to_owned()],
    });
    std::iter::once(identity).chain(lists).collect()
}
