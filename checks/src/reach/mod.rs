//! Reachability: from which other namespaces pods can be reached, as far as NetworkPolicies decide.
//!
//! A pure function of namespaces, policies, pods and pod templates. A pod reaches another where the rules for its egress and the
//! rules for the other's ingress open a port together; a pod that no policy selects for a direction is open in it. A pod on the
//! host network is held by no policy, and traffic between a node and its own pods is always let through, so it reaches everybody.
//! Nothing here says that policies are enforced: that is the network plugin's part.
//!
//! Where a policy of a kind that is not evaluated may select a pod, paths from and to it are told as uncertain.
//!
//! Pods are not compared pair by pair: [`pods`] gathers those that no policy can tell apart, [`senders`] those that are let out alike,
//! and a pair is looked at only where one side lets out and the other lets in.

mod addresses;
mod pods;
mod policies;
mod ports;
mod senders;
#[cfg(test)]
mod tests;
mod unjudged;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use self::pods::Pods;
use self::policies::{Bits, Resolver, Side, Sides, name_of};
use self::ports::Ports;
use self::senders::Senders;
use crate::inventory::Inventory;
use crate::resource::Resource;
use crate::value::{Name, Value};

/// What opens everything that is on the network of its node.
const ON_HOST: &str = "the host network";

/// So many kinds of pods that can be reached are named for each namespace.
const EXAMPLES: usize = 5;

/// One record a namespace.
pub(crate) fn namespaces(inventory: &Inventory) -> Vec<Value> {
    let namespaces = inventory.objects(&Resource::kubernetes("namespaces"));
    let numbers: HashMap<Name, usize> = namespaces.iter().enumerate().map(|(at, namespace)| (name_of(namespace), at)).collect();
    let pods = Pods::of(inventory, &numbers, &policies::wanted(inventory));
    let mut resolver = Resolver::new(namespaces, &pods);
    let sides = resolver.sides(inventory);
    let unjudged = unjudged::by_namespace(inventory, namespaces);
    let held = pods.groups.iter().zip(&sides).map(|(group, sides)| {
        let held = !group.host && sides.egress.governed && unjudged[group.namespace].is_empty();
        held.then_some(&sides.egress)
    });
    let network = Network {
        namespaces,
        members: members(&pods, namespaces.len()),
        pods: &pods,
        sides: &sides,
        unjudged: &unjudged,
        senders: Senders::of(pods.groups.len(), held),
        hosts: Bits::of(pods.groups.len(), pods.groups.iter().enumerate().filter(|(_, group)| group.host).map(|(at, _)| at)),
    };
    network.records()
}

// The groups of each namespace; groups stand in the order of their namespaces.
fn members(pods: &Pods, namespaces: usize) -> Vec<Range<usize>> {
    let mut at = 0;
    let of = |namespace| {
        let first = at;
        at += pods.groups[at..].iter().take_while(|group| group.namespace == namespace).count();
        first..at
    };
    (0..namespaces).map(of).collect()
}

/// All that decides who reaches whom.
struct Network<'n> {
    namespaces: &'n [Value],
    members: Vec<Range<usize>>,
    pods: &'n Pods,
    sides: &'n [Sides],
    unjudged: &'n [Vec<Value>],
    senders: Senders,
    hosts: Bits,
}

/// A way from one group to another.
struct Way {
    ports: Ports,
    certain: bool,
}

/// A kind of way in which a namespace is reached from another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    from: usize,
    certain: bool,
    ports: Ports,
    // The first of its groups that gets through, and what lets it out.
    pods: Name,
    opened_by: Name,
}

impl Network<'_> {
    fn records(&self) -> Vec<Value> {
        let mut known: BTreeMap<Path, Value> = BTreeMap::new();
        let none = Value::map(Vec::new());
        let record = |(at, namespace): (usize, &Value)| {
            let (paths, entrances) = self.paths_to(at);
            let path = |path: Path| known.entry(path).or_insert_with_key(|path| self.shown(path)).clone();
            let metadata = [("name", &["metadata", "name"]), ("uid", &["metadata", "uid"]), ("labels", &["metadata", "labels"])];
            let metadata = metadata.into_iter().filter_map(|(key, at)| Some((key, namespace.at(at)?.clone())));
            let mut metadata: Vec<_> = metadata.collect();
            if !metadata.iter().any(|(key, _)| *key == "labels") {
                metadata.push(("labels", none.clone()));
            }
            let kinds = i64::try_from(self.members[at].len()).unwrap_or(i64::MAX);
            Value::map(vec![
                ("apiVersion", Value::str("v1")),
                ("kind", Value::str("Namespace")),
                ("metadata", Value::map(metadata)),
                ("kinds_of_pods", Value::from(kinds)),
                ("reached_from", Value::list(paths.into_iter().map(path).collect())),
                ("entrances", Value::list(entrances)),
                ("unjudged", Value::list(self.unjudged[at].clone())),
            ])
        };
        self.namespaces.iter().enumerate().map(record).collect()
    }

    fn shown(&self, path: &Path) -> Value {
        let namespace = &self.namespaces[path.from];
        Value::map(vec![
            ("namespace", Value::str(&name_of(namespace))),
            ("labels", namespace.at(&["metadata", "labels"]).cloned().unwrap_or_else(|| Value::map(Vec::new()))),
            ("certain", Value::from(path.certain)),
            ("ports", path.ports.to_value()),
            ("pods", Value::str(&path.pods)),
            ("opened_by", Value::str(&path.opened_by)),
        ])
    }

    // How a namespace is reached from each other one, and which of its pods are.
    fn paths_to(&self, to: usize) -> (Vec<Path>, Vec<Value>) {
        // By the namespace it comes from, whether it comes over the host network, and whether it is certain: a check may allow one of
        // these, and must then still see the others.
        let mut found: BTreeMap<(usize, bool, bool), Path> = BTreeMap::new();
        let mut entrances: BTreeMap<Name, Name> = BTreeMap::new();
        for target in self.members[to].clone() {
            let senders = self.senders_to(target);
            let example = self.pods.groups[target].example;
            let mut next = senders.next(0);
            while let Some(source) = next {
                let from = self.pods.groups[source].namespace;
                let told = entrances.len() >= EXAMPLES || entrances.contains_key(&example);
                // Nothing can be added to what is open for certain and to all pods, and a namespace does not reach itself.
                let is_done = told && found.get(&(from, false, true)).is_some_and(|path| path.ports == Ports::All);
                if from == to || is_done {
                    next = senders.next(self.members[from].end);
                    continue;
                }
                next = senders.next(source + 1);
                let Some(way) = self.way(source, target) else { continue };
                let host = self.pods.groups[source].host;
                if !told {
                    let opened_by = if host { ON_HOST.into() } else { self.opened_by(&self.sides[target].ingress, target, source) };
                    entrances.insert(example, opened_by);
                }
                match found.entry((from, host, way.certain)) {
                    Entry::Occupied(mut known) => {
                        let path = known.get_mut();
                        path.ports = std::mem::replace(&mut path.ports, Ports::NONE).or(&way.ports);
                    }
                    Entry::Vacant(new) => {
                        let opened_by = self.opened_by(&self.sides[source].egress, source, target);
                        let pods = self.pods.groups[source].example;
                        new.insert(Path { from, certain: way.certain, ports: way.ports, pods, opened_by });
                    }
                }
            }
        }
        let entrance =
            |(pods, opened_by): (Name, Name)| Value::map(vec![("pods", Value::str(&pods)), ("opened_by", Value::str(&opened_by))]);
        (found.into_values().collect(), entrances.into_iter().map(entrance).collect())
    }

    // Who may send to a group, and is let in; those on the host network always are.
    fn senders_to(&self, target: usize) -> Bits {
        let mut senders = self.senders.to(target);
        let side = &self.sides[target].ingress;
        if side.governed && !self.is_unjudged(target) {
            let mut admitted = self.hosts.clone();
            side.rules.iter().for_each(|rule| admitted.add(&rule.peers));
            senders.keep(&admitted);
        }
        senders
    }

    // What lets the traffic through on one side of it.
    fn opened_by(&self, side: &Side, of: usize, peer: usize) -> Name {
        if self.pods.groups[of].host {
            return ON_HOST.into();
        }
        if self.is_unjudged(of) {
            return "a policy that is not evaluated".into();
        }
        let rule = side.rules.iter().find(|rule| rule.peers.has(peer));
        rule.map_or_else(|| "no policy".into(), |rule| rule.policy)
    }

    fn way(&self, source: usize, target: usize) -> Option<Way> {
        let ports = if self.pods.groups[source].host {
            Ports::All
        } else {
            let named = &self.pods.groups[target].named;
            let opened = |side: &Side, of: usize, peer: usize| {
                if !side.governed || self.is_unjudged(of) {
                    return Ports::All;
                }
                let open = side.rules.iter().filter(|rule| rule.peers.has(peer));
                open.fold(Ports::NONE, |ports, rule| ports.or(&rule.ports.at(named)))
            };
            let admitted = opened(&self.sides[target].ingress, target, source);
            if admitted.is_empty() {
                return None;
            }
            admitted.and(&opened(&self.sides[source].egress, source, target))
        };
        let certain = !self.is_unjudged(target) && !self.is_unjudged(source);
        (!ports.is_empty()).then_some(Way { ports, certain })
    }

    fn is_unjudged(&self, group: usize) -> bool {
        let group = &self.pods.groups[group];
        !group.host && !self.unjudged[group.namespace].is_empty()
    }
}
