//! NetworkPolicies as sets of pods: whom each selects, whom each rule lets in or out, and on which ports.

use std::collections::HashMap;
use std::rc::Rc;

use super::pods::{Group, Pods, Wanted};
use super::ports::Opened;
use crate::functions::selector_matches;
use crate::inventory::Inventory;
use crate::resource::Resource;
use crate::value::{Name, Value};

/// A set of groups.
#[derive(Clone, Debug)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    pub(super) fn of(size: usize, members: impl Iterator<Item = usize>) -> Self {
        let mut bits = Self::none(size);
        members.for_each(|at| bits.0[at / 64] |= 1 << (at % 64));
        bits
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own |= other);
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Leaves only what is in both.
    pub(super) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
    }

    /// The first member from `at` on.
    pub(super) fn next(&self, at: usize) -> Option<usize> {
        let first = self.0.get(at / 64)? >> (at % 64);
        if first != 0 {
            return Some(at + first.trailing_zeros() as usize);
        }
        let later = self.0.iter().enumerate().skip(at / 64 + 1).find(|(_, word)| **word != 0);
        later.map(|(place, word)| place * 64 + word.trailing_zeros() as usize)
    }
}

/// One rule of a policy, as far as it leads to other namespaces.
pub(super) struct Rule {
    /// Who may come in, or who may be reached.
    pub peers: Rc<Bits>,
    /// On which ports of the pod that is reached.
    pub ports: Opened,
    /// The policy, as `NetworkPolicy/name`.
    pub policy: Name,
}

/// What holds a group in one direction.
#[derive(Default)]
pub(super) struct Side {
    /// Whether any policy selects the group: what no rule allows is denied then.
    pub governed: bool,
    pub rules: Vec<Rc<Rule>>,
}

/// What holds a group.
#[derive(Default)]
pub(super) struct Sides {
    pub ingress: Side,
    pub egress: Side,
}

/// The directions of a policy: without `policyTypes` ingress, and egress if it has rules for it.
fn governs(spec: &Value, direction: &str) -> bool {
    let types = spec.get("policyTypes").and_then(Value::as_list).unwrap_or_default();
    if !types.is_empty() {
        return types.iter().any(|named| named.as_str() == Some(direction));
    }
    direction == "Ingress" || spec.get("egress").and_then(Value::as_list).is_some_and(|rules| !rules.is_empty())
}

const DIRECTIONS: [(&str, &str, &str); 2] = [("Ingress", "ingress", "from"), ("Egress", "egress", "to")];

fn policies(inventory: &Inventory) -> &[Value] {
    inventory.objects(&Resource::kubernetes("networkpolicies.networking.k8s.io"))
}

fn rules<'v>(spec: &'v Value, key: &str) -> &'v [Value] {
    spec.get(key).and_then(Value::as_list).unwrap_or_default()
}

fn namespace_of(policy: &Value) -> Name {
    policy.at(&["metadata", "namespace"]).and_then(Name::of).unwrap_or_default()
}

/// What the policies ask of pods.
pub(super) fn wanted(inventory: &Inventory) -> Wanted {
    let mut wanted = Wanted::default();
    for policy in policies(inventory) {
        let spec = policy.get("spec").unwrap_or(&Value::NULL);
        if let Some(selector) = spec.get("podSelector") {
            wanted.own_keys.entry(namespace_of(policy)).or_default().extend(keys(selector));
        }
        for (_, key, peers) in DIRECTIONS {
            for rule in rules(spec, key) {
                wanted.named |= Opened::of(rule.get("ports")).is_named();
                let elsewhere = rules(rule, peers).iter().filter(|peer| peer.get("namespaceSelector").is_some());
                elsewhere.filter_map(|peer| peer.get("podSelector")).for_each(|selector| wanted.keys.extend(keys(selector)));
            }
        }
    }
    wanted
}

// The keys of labels that a selector looks at.
fn keys(selector: &Value) -> impl Iterator<Item = Name> {
    let plain = selector.get("matchLabels").and_then(Value::as_map).unwrap_or_default().iter().map(|(key, _)| Name::from(*key));
    let expressions = selector.get("matchExpressions").and_then(Value::as_list).unwrap_or_default();
    plain.chain(expressions.iter().filter_map(|expression| expression.get("key").and_then(Name::of)))
}

/// Resolves peers of rules to groups; what several rules name is resolved once.
pub(super) struct Resolver<'r> {
    namespaces: &'r [Value],
    labels: Vec<Value>,
    pods: &'r Pods,
    all: Rc<Bits>,
    none: Rc<Bits>,
    known: HashMap<String, Rc<Bits>>,
}

impl<'r> Resolver<'r> {
    pub(super) fn new(namespaces: &'r [Value], pods: &'r Pods) -> Self {
        let size = pods.groups.len();
        let (all, none) = (Rc::new(Bits::of(size, 0..size)), Rc::new(Bits::none(size)));
        Self { namespaces, labels: namespaces.iter().map(labels_of).collect(), pods, all, none, known: HashMap::new() }
    }

    /// What holds each group.
    pub(super) fn sides(&mut self, inventory: &Inventory) -> Vec<Sides> {
        let mut sides: Vec<Sides> = self.pods.groups.iter().map(|_| Sides::default()).collect();
        let mut members: HashMap<Name, Vec<usize>> = HashMap::new();
        for (at, group) in self.pods.groups.iter().enumerate().filter(|(_, group)| !group.host) {
            members.entry(name_of(&self.namespaces[group.namespace])).or_default().push(at);
        }
        for policy in policies(inventory) {
            let spec = policy.get("spec").unwrap_or(&Value::NULL);
            let selector = spec.get("podSelector");
            let selects = |at: &&usize| selector.is_none_or(|selector| selector_matches(selector, &self.pods.groups[**at].labels));
            let of_namespace = members.get(&namespace_of(policy)).map(Vec::as_slice).unwrap_or_default();
            let selected: Vec<usize> = of_namespace.iter().filter(selects).copied().collect();
            if selected.is_empty() {
                continue;
            }
            let name = policy.at(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
            let name = Name::from(format!("NetworkPolicy/{name}").as_str());
            for (direction, key, peers) in DIRECTIONS.into_iter().filter(|(direction, ..)| governs(spec, direction)) {
                let resolved = rules(spec, key).iter().map(|rule| Rule {
                    peers: self.peers(rules(rule, peers)),
                    ports: Opened::of(rule.get("ports")),
                    policy: name,
                });
                let resolved: Vec<Rc<Rule>> = resolved.filter(|rule| !rule.peers.is_empty()).map(Rc::new).collect();
                for at in &selected {
                    let side = if direction == "Ingress" { &mut sides[*at].ingress } else { &mut sides[*at].egress };
                    side.governed = true;
                    side.rules.extend(resolved.iter().cloned());
                }
            }
        }
        sides
    }

    // No peers are all of them. A peer without a namespaceSelector is of the policy's own namespace and leads nowhere else.
    fn peers(&mut self, peers: &[Value]) -> Rc<Bits> {
        if peers.is_empty() {
            return Rc::clone(&self.all);
        }
        let mut found = Rc::clone(&self.none);
        for peer in peers {
            let set = match (peer.get("ipBlock"), peer.get("namespaceSelector"), peer.get("podSelector")) {
                (Some(block), ..) => self.block(block),
                (None, Some(namespaces), pods) => self.selected(namespaces, pods),
                (None, None, Some(_)) => continue,
                // The API server refuses a peer that says nothing; whoever reads it must not take it for nobody.
                (None, None, None) => Rc::clone(&self.all),
            };
            if found.is_empty() {
                found = set;
            } else {
                Rc::make_mut(&mut found).add(&set);
            }
        }
        found
    }

    fn block(&mut self, block: &Value) -> Rc<Bits> {
        let (pods, hosts) = (self.pods.addresses.are_in(block), self.pods.host_addresses.are_in(block));
        self.known(format!("block {pods} {hosts}"), |_, group| if group.host { hosts } else { pods })
    }

    // Pods on the host network have the address of their node and are selected by nobody.
    fn selected(&mut self, namespaces: &Value, pods: Option<&Value>) -> Rc<Bits> {
        let key = format!("{} {}", namespaces.to_json(), pods.map(Value::to_json).unwrap_or_default());
        let mut last = (usize::MAX, false);
        self.known(key, |labels, group| {
            if last.0 != group.namespace {
                last = (group.namespace, selector_matches(namespaces, &labels[group.namespace]));
            }
            last.1 && !group.host && pods.is_none_or(|pods| selector_matches(pods, &group.labels))
        })
    }

    fn known(&mut self, key: String, mut belongs: impl FnMut(&[Value], &Group) -> bool) -> Rc<Bits> {
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let members = self.pods.groups.iter().enumerate().filter(|(_, group)| belongs(&self.labels, group)).map(|(at, _)| at);
        let bits = Rc::new(Bits::of(self.pods.groups.len(), members));
        self.known.insert(key, Rc::clone(&bits));
        bits
    }
}

/// The labels of a namespace. The API server gives each one a label with its name, whatever was written.
pub(super) fn labels_of(namespace: &Value) -> Value {
    let labels = namespace.at(&["metadata", "labels"]).and_then(Value::as_map).unwrap_or_default();
    let name = ("kubernetes.io/metadata.name", Value::str(&name_of(namespace)));
    Value::map(labels.iter().cloned().chain([name]).collect())
}

/// The name of a namespace.
pub(super) fn name_of(namespace: &Value) -> Name {
    namespace.at(&["metadata", "name"]).and_then(Name::of).unwrap_or_default()
}
