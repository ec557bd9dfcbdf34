//! The pods of the cluster, gathered into groups that no policy can tell apart.
//!
//! A group is a namespace, the labels that some selector asks for, whether the pods are on the host network, and the ports that
//! they name where a policy goes by names. So the work grows with the policies and not with the pods. Templates of workloads count
//! besides the pods that run: a CronJob has pods at night only.

use std::collections::{BTreeSet, HashMap};

use super::addresses::Addresses;
use super::ports::{Named, protocol_of};
use crate::inventory::Inventory;
use crate::resource::Resource;
use crate::value::{Name, Value};

/// Pods that no policy can tell apart.
pub(super) struct Group {
    /// The namespace, by its place in the listing.
    pub namespace: usize,
    /// On the network of the node: no policy holds them.
    pub host: bool,
    /// The labels that some selector asks for.
    pub labels: Value,
    /// The ports that their containers name, where some policy goes by names.
    pub named: Vec<Named>,
    /// One of them: `Deployment/web`, or a pod.
    pub example: Name,
}

/// What has to be known of pods to tell them apart.
#[derive(Default)]
pub(super) struct Wanted {
    /// Keys of labels that selectors ask for everywhere.
    pub keys: BTreeSet<Name>,
    /// Keys that the policies of a namespace ask for in it.
    pub own_keys: HashMap<Name, BTreeSet<Name>>,
    /// Whether a policy goes by names of ports.
    pub named: bool,
}

/// All groups in the order of their namespaces, and the addresses of pods and of nodes.
#[derive(Default)]
pub(super) struct Pods {
    pub groups: Vec<Group>,
    pub addresses: Addresses,
    pub host_addresses: Addresses,
}

/// What tells groups apart.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    namespace: usize,
    host: bool,
    labels: Vec<(Name, Name)>,
    named: Vec<Named>,
}

const TEMPLATES: [(&str, &[&str]); 4] = [
    ("deployments.apps", &["spec", "template"]),
    ("statefulsets.apps", &["spec", "template"]),
    ("daemonsets.apps", &["spec", "template"]),
    ("cronjobs.batch", &["spec", "jobTemplate", "spec", "template"]),
];

impl Pods {
    /// Gathers the pods of the namespaces.
    pub(super) fn of(inventory: &Inventory, namespaces: &HashMap<Name, usize>, wanted: &Wanted) -> Self {
        let keys: HashMap<Name, Vec<Name>> = namespaces
            .keys()
            .map(|namespace| {
                let own = wanted.own_keys.get(namespace).into_iter().flatten();
                (*namespace, wanted.keys.iter().chain(own).copied().collect::<BTreeSet<_>>().into_iter().collect())
            })
            .collect();
        let mut found: HashMap<Key, Name> = HashMap::new();
        let mut pods = Self::default();
        let mut take = |object: &Value, template: &Value, kind: &str| {
            let text = |key: &str| object.at(&["metadata", key]).and_then(Name::of).unwrap_or_default();
            let namespace = text("namespace");
            let Some((number, keys)) = namespaces.get(&namespace).zip(keys.get(&namespace)) else { return };
            let labels = template.at(&["metadata", "labels"]);
            let label = |key: &Name| Some((*key, labels?.get(key).and_then(Name::of)?));
            let spec = template.get("spec").unwrap_or(&Value::NULL);
            let key = Key {
                namespace: *number,
                host: is_on_host(spec),
                labels: keys.iter().filter_map(label).collect(),
                named: if wanted.named { named_ports(spec) } else { Vec::new() },
            };
            found.entry(key).or_insert_with(|| Name::from(format!("{kind}/{}", text("name")).as_str()));
        };
        for (resource, path) in TEMPLATES {
            for object in inventory.objects(&Resource::kubernetes(resource)) {
                let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
                if let Some(template) = object.at(path) {
                    take(object, template, kind);
                }
            }
        }
        for pod in inventory.objects(&Resource::kubernetes("pods")) {
            let status = pod.get("status").unwrap_or(&Value::NULL);
            if matches!(status.get("phase").and_then(Value::as_str), Some("Succeeded" | "Failed")) {
                continue;
            }
            take(pod, pod, "Pod");
            let on_host = pod.get("spec").is_some_and(is_on_host);
            let addresses = if on_host { &mut pods.host_addresses } else { &mut pods.addresses };
            let several = status.get("podIPs").and_then(Value::as_list).unwrap_or_default();
            let all = several.iter().filter_map(|address| address.get("ip")).chain(status.get("podIP"));
            all.filter_map(Value::as_str).for_each(|address| addresses.take(address));
        }
        let mut groups: Vec<(Key, Name)> = found.into_iter().collect();
        groups.sort_unstable_by(|(a, first), (b, second)| {
            (a.namespace, a.host, &a.labels, &a.named, first).cmp(&(b.namespace, b.host, &b.labels, &b.named, second))
        });
        let group = |(key, example): (Key, Name)| Group {
            namespace: key.namespace,
            host: key.host,
            labels: Value::map(key.labels.iter().map(|(key, value)| (key.as_str(), Value::str(value))).collect()),
            named: key.named,
            example,
        };
        pods.groups = groups.into_iter().map(group).collect();
        pods.addresses.sort();
        pods.host_addresses.sort();
        pods
    }
}

fn is_on_host(spec: &Value) -> bool {
    spec.get("hostNetwork").and_then(Value::as_bool) == Some(true)
}

fn named_ports(spec: &Value) -> Vec<Named> {
    let containers = ["containers", "initContainers"].iter().filter_map(|key| spec.get(key)?.as_list()).flatten();
    let ports = containers.filter_map(|container| container.get("ports")?.as_list()).flatten();
    let named = |port: &Value| {
        let number = port.get("containerPort").and_then(Value::as_int).and_then(|number| u16::try_from(number).ok())?;
        Some((protocol_of(port), port.get("name").and_then(Name::of)?, number))
    };
    let mut found: Vec<Named> = ports.filter_map(named).collect();
    found.sort_unstable();
    found.dedup();
    found
}
