//! The answer for groups of pods against a plain one for every pair of pods, and the traps of the API one by one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::inventory::{Completeness, Listing};

fn inventory(objects: &[Json]) -> Inventory {
    let mut inventory = Inventory::default();
    for object in objects {
        let resource = Resource::of_object(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        let complete = || Listing::without_objects(Completeness::Complete);
        inventory.listings.entry(resource).or_insert_with(complete).objects.push(Value::from_json(object));
    }
    inventory
}

fn namespace(name: &str) -> Json {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"name": name, "zone": if name < "c" { "1" } else { "2" }}}})
}

fn pod(namespace: &str, name: &str, labels: &Json, spec: &Json, address: &str) -> Json {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec,
        "status": {"phase": "Running", "podIP": address}})
}

fn policy(namespace: &str, name: &str, spec: &Json) -> Json {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

/// `to <- from: ports` of all paths.
fn paths(objects: &[Json]) -> Vec<String> {
    let mut out = Vec::new();
    for record in namespaces(&inventory(objects)) {
        let record = record.to_json();
        for path in record["reached_from"].as_array().unwrap() {
            let ports: Vec<&str> = path["ports"].as_array().unwrap().iter().map(|port| port.as_str().unwrap()).collect();
            let sure = if path["certain"] == json!(true) { "" } else { "?" };
            out.push(format!(
                "{} <- {}: {}{sure}",
                record["metadata"]["name"].as_str().unwrap(),
                path["namespace"].as_str().unwrap(),
                ports.join(" ")
            ));
        }
    }
    out
}

fn two(policies: &[Json]) -> Vec<String> {
    let container = json!({"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]});
    let mut objects = vec![
        namespace("a"),
        namespace("b"),
        pod("a", "web", &json!({"app": "web"}), &container, "10.42.0.1"),
        pod("b", "web", &json!({"app": "web"}), &container, "10.42.0.2"),
    ];
    objects.extend_from_slice(policies);
    paths(&objects)
}

#[test]
fn what_the_api_means() {
    let deny = |namespace: &str| policy(namespace, "deny", &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
    let ingress =
        |namespace: &str, rules: Json| policy(namespace, "in", &json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": rules}));
    let egress =
        |namespace: &str, rules: Json| policy(namespace, "out", &json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}));
    let from_b = json!([{"from": [{"namespaceSelector": {"matchLabels": {"name": "b"}}}]}]);
    // Without policies everybody reaches everybody.
    assert_eq!(two(&[]), ["a <- b: any", "b <- a: any"]);
    // Default-deny of one namespace closes both of its directions.
    assert_eq!(two(&[deny("a")]), Vec::<String>::new());
    // Without policyTypes a policy governs ingress alone, unless it has a rule for egress.
    assert_eq!(two(&[policy("a", "x", &json!({"podSelector": {}}))]), ["b <- a: any"]);
    assert_eq!(two(&[policy("a", "x", &json!({"podSelector": {}, "egress": [{"ports": [{"port": 53}]}]}))]), ["b <- a: TCP/53"]);
    // Rules for ingress in a policy that governs egress alone mean nothing.
    assert_eq!(
        two(&[deny("a"), policy("a", "x", &json!({"podSelector": {}, "policyTypes": ["Egress"], "ingress": [{}]}))]),
        Vec::<String>::new()
    );
    // Policies add up, and both sides must open the port.
    assert_eq!(two(&[deny("a"), ingress("a", from_b.clone())]), ["a <- b: any"]);
    assert_eq!(two(&[deny("a"), deny("b"), ingress("a", from_b)]), Vec::<String>::new());
    let http = json!([{"ports": [{"port": "http"}, {"port": 9000, "endPort": 9010}], "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}]}]);
    assert_eq!(two(&[ingress("a", http.clone())])[0], "a <- b: TCP/8080 TCP/9000-9010");
    assert_eq!(two(&[ingress("a", http), egress("b", json!([{"ports": [{"port": 9005}]}]))]), ["a <- b: TCP/9005", "b <- a: any"]);
    // An empty rule is everything; a rule for one's own pods is nothing to others; an absent list is nothing.
    assert_eq!(two(&[deny("a"), ingress("a", json!([{}]))]), ["a <- b: any"]);
    assert_eq!(two(&[ingress("a", json!([{"from": [{"podSelector": {}}]}]))]), ["b <- a: any"]);
    // A block that holds addresses of pods lets pods in, one with the right exception does not.
    let world = |except: Json| json!([{"from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": except}}]}]);
    assert_eq!(two(&[deny("a"), ingress("a", world(json!([])))]), ["a <- b: any"]);
    assert_eq!(two(&[ingress("a", world(json!(["10.0.0.0/8"])))]), ["b <- a: any"]);
    // Every namespace has a label with its name.
    let by_name = json!([{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}}}]}]);
    assert_eq!(two(&[deny("a"), ingress("a", by_name)]), ["a <- b: any"]);
    // A policy for some pods leaves the others open.
    assert_eq!(two(&[policy("a", "x", &json!({"podSelector": {"matchLabels": {"app": "db"}}}))]), ["a <- b: any", "b <- a: any"]);
    let not_db = json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["db"]}]}});
    assert_eq!(two(&[policy("a", "x", &not_db)]), ["b <- a: any"]);
}

#[test]
fn the_host_network_is_held_by_nobody() {
    let deny = |namespace: &str| policy(namespace, "deny", &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
    let host = pod("b", "agent", &json!({}), &json!({"hostNetwork": true}), "10.0.0.1");
    assert_eq!(two(&[deny("a"), deny("b"), host.clone()]), ["a <- b: any"]);
    // It is reached by whoever may send to nodes.
    let out = json!([{"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}]);
    let out = policy("a", "out", &json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": out}));
    assert_eq!(two(&[deny("a"), deny("b"), out, host]), ["a <- b: any", "b <- a: any"]);
}

#[test]
fn what_is_not_evaluated_is_not_certain() {
    let deny = policy("a", "deny", &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
    let cilium = |namespace: &str| json!({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "x", "namespace": namespace}});
    // In the namespace that is reached nothing is known; elsewhere what is denied stays denied.
    assert_eq!(two(&[deny.clone(), cilium("a")]), ["a <- b: any?", "b <- a: any?"]);
    assert_eq!(two(&[deny, cilium("b")]), Vec::<String>::new());
    assert_eq!(two(&[cilium("b")]), ["a <- b: any?", "b <- a: any?"]);
    let clusterwide = |spec: Json| json!({"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "x"}, "spec": spec});
    assert_eq!(two(&[clusterwide(json!({"nodeSelector": {}}))]), ["a <- b: any", "b <- a: any"]);
    assert_eq!(two(&[clusterwide(json!({"endpointSelector": {}}))]), ["a <- b: any?", "b <- a: any?"]);
    let admin = |subject: Json| json!({"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy", "metadata": {"name": "x"}, "spec": {"subject": subject}});
    assert_eq!(two(&[admin(json!({"namespaces": {"matchLabels": {"name": "c"}}}))]), ["a <- b: any", "b <- a: any"]);
    assert_eq!(
        two(&[admin(json!({"pods": {"namespaceSelector": {"matchLabels": {"name": "b"}}, "podSelector": {}}}))]),
        ["a <- b: any?", "b <- a: any?"]
    );
    let shown =
        json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy", "metadata": {"name": "knp.default.deny", "namespace": "a"}});
    assert_eq!(two(&[shown]), ["a <- b: any", "b <- a: any"]);
}

// -- every pair of pods, by the words of the API alone --

fn selects(selector: &Json, labels: &Json) -> bool {
    let plain = selector["matchLabels"].as_object().is_none_or(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)));
    plain
        && selector["matchExpressions"].as_array().is_none_or(|expressions| {
            expressions.iter().all(|expression| {
                let found = labels.get(expression["key"].as_str().unwrap());
                let listed = expression["values"].as_array().is_some_and(|values| found.is_some_and(|found| values.contains(found)));
                match expression["operator"].as_str().unwrap() {
                    "In" => listed,
                    "NotIn" => !listed,
                    "Exists" => found.is_some(),
                    _ => found.is_none(),
                }
            })
        })
}

const PROBES: [(&str, u16); 4] = [("TCP", 80), ("TCP", 8080), ("UDP", 53), ("TCP", 9090)];

struct Plain<'p> {
    namespaces: BTreeMap<&'p str, &'p Json>,
    pods: Vec<&'p Json>,
    policies: Vec<&'p Json>,
}

impl<'p> Plain<'p> {
    fn new(objects: &'p [Json]) -> Self {
        let of = |kind: &str| objects.iter().filter(|object| object["kind"] == *kind).collect::<Vec<_>>();
        let namespaces =
            of("Namespace").into_iter().map(|namespace| (namespace["metadata"]["name"].as_str().unwrap(), namespace)).collect();
        Self { namespaces, pods: of("Pod"), policies: of("NetworkPolicy") }
    }

    fn peer(&self, peer: &Json, home: &Json, other: &Json) -> bool {
        if let Some(block) = peer.get("ipBlock") {
            let holds = |cidr: &Json| {
                let (base, length) = cidr.as_str().unwrap().split_once('/').unwrap();
                let number = |text: &str| u32::from(text.parse::<std::net::Ipv4Addr>().unwrap());
                // One pod's address stands for all: any pod may have it next.
                let shift = 32 - length.parse::<u32>().unwrap();
                self.pods
                    .iter()
                    .filter(|pod| host(pod) == host(other))
                    .map(|pod| number(pod["status"]["podIP"].as_str().unwrap()))
                    .filter(move |address| u64::from(*address) >> shift == u64::from(number(base)) >> shift)
                    .collect::<BTreeSet<u32>>()
            };
            let out: BTreeSet<u32> = block["except"].as_array().into_iter().flatten().flat_map(holds).collect();
            return holds(&block["cidr"]).difference(&out).next().is_some();
        }
        let space = &self.namespaces[other["metadata"]["namespace"].as_str().unwrap()]["metadata"]["labels"];
        let fits = match peer.get("namespaceSelector") {
            Some(selector) => selects(selector, space),
            None => home["metadata"]["namespace"] == other["metadata"]["namespace"],
        };
        fits && !host(other) && peer.get("podSelector").is_none_or(|selector| selects(selector, &other["metadata"]["labels"]))
    }

    fn allows(&self, direction: &str, pod: &Json, other: &Json, target: &Json, probe: (&str, u16)) -> bool {
        let (key, peers) = if direction == "Ingress" { ("ingress", "from") } else { ("egress", "to") };
        let governs = |spec: &Json| match spec["policyTypes"].as_array() {
            Some(types) => types.contains(&json!(direction)),
            None => direction == "Ingress" || spec["egress"].as_array().is_some_and(|rules| !rules.is_empty()),
        };
        let mine = self.policies.iter().filter(|policy| {
            policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
                && governs(&policy["spec"])
                && selects(&policy["spec"]["podSelector"], &pod["metadata"]["labels"])
        });
        let mine: Vec<_> = mine.collect();
        let port = |port: &Json| {
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            let number = match &port["port"] {
                Json::String(name) => target["spec"]["containers"][0]["ports"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|one| one["name"] == **name)
                    .map(|one| one["containerPort"].as_u64().unwrap()),
                other => other.as_u64().map(|_| other.as_u64().unwrap()),
            };
            let last = port["endPort"].as_u64().or(number);
            protocol == probe.0
                && (port.get("port").is_none() || number.is_some_and(|first| (first..=last.unwrap()).contains(&u64::from(probe.1))))
        };
        let rule = |rule: &Json| {
            rule[peers].as_array().is_none_or(|all| all.is_empty() || all.iter().any(|peer| self.peer(peer, pod, other)))
                && rule["ports"].as_array().is_none_or(|all| all.is_empty() || all.iter().any(port))
        };
        mine.is_empty() || mine.iter().any(|policy| policy["spec"][key].as_array().is_some_and(|rules| rules.iter().any(rule)))
    }

    fn reached(&self) -> BTreeSet<(String, String, &'static str, u16)> {
        let name = |pod: &Json| pod["metadata"]["namespace"].as_str().unwrap().to_owned();
        let mut out = BTreeSet::new();
        for source in &self.pods {
            for target in self.pods.iter().filter(|target| name(target) != name(source)) {
                for probe in PROBES {
                    let sent = host(source) || self.allows("Egress", source, target, target, probe);
                    let taken = host(source) || host(target) || self.allows("Ingress", target, source, target, probe);
                    if sent && taken {
                        out.insert((name(target), name(source), probe.0, probe.1));
                    }
                }
            }
        }
        out
    }
}

fn host(pod: &Json) -> bool {
    pod["spec"]["hostNetwork"] == json!(true)
}

/// The same, of the records.
fn reached(objects: &[Json]) -> BTreeSet<(String, String, &'static str, u16)> {
    let mut out = BTreeSet::new();
    for record in namespaces(&inventory(objects)) {
        let record = record.to_json();
        for path in record["reached_from"].as_array().unwrap() {
            for port in path["ports"].as_array().unwrap() {
                let port = port.as_str().unwrap();
                for (protocol, number) in PROBES {
                    let within = port.strip_prefix(protocol).and_then(|rest| rest.strip_prefix('/')).is_some_and(|range| {
                        let (first, last) = range.split_once('-').unwrap_or((range, range));
                        range == "any" || (first.parse::<u16>().unwrap()..=last.parse().unwrap()).contains(&number)
                    });
                    if port == "any" || within {
                        let name = |value: &Json| value.as_str().unwrap().to_owned();
                        out.insert((name(&record["metadata"]["name"]), name(&path["namespace"]), protocol, number));
                    }
                }
            }
        }
    }
    out
}

fn selector() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!({})),
        "[ab]".prop_map(|app| json!({"matchLabels": {"app": app}})),
        ("(In|NotIn)", "[ab]")
            .prop_map(|(operator, app)| json!({"matchExpressions": [{"key": "app", "operator": operator, "values": [app]}]})),
        "(Exists|DoesNotExist)".prop_map(|operator| json!({"matchExpressions": [{"key": "tier", "operator": operator}]})),
    ]
}

fn spaces() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!({})),
        "[abcd]".prop_map(|name| json!({"matchLabels": {"name": name}})),
        "[12]".prop_map(|zone| json!({"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]})),
    ]
}

fn peer() -> impl Strategy<Value = Json> {
    prop_oneof![
        selector().prop_map(|pods| json!({"podSelector": pods})),
        spaces().prop_map(|spaces| json!({"namespaceSelector": spaces})),
        (spaces(), selector()).prop_map(|(spaces, pods)| json!({"namespaceSelector": spaces, "podSelector": pods})),
        prop_oneof![
            Just(json!({"cidr": "0.0.0.0/0"})),
            Just(json!({"cidr": "0.0.0.0/0", "except": ["10.42.0.0/16"]})),
            Just(json!({"cidr": "10.42.0.0/29", "except": ["10.42.0.0/30"]})),
            Just(json!({"cidr": "192.0.2.0/24"})),
        ]
        .prop_map(|block| json!({"ipBlock": block})),
    ]
}

fn port() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!({"port": 80})),
        Just(json!({"port": "http"})),
        Just(json!({"protocol": "UDP", "port": 53})),
        Just(json!({"port": 8000, "endPort": 9090})),
        Just(json!({"protocol": "UDP"})),
    ]
}

fn rules(peers: &'static str) -> impl Strategy<Value = Json> {
    let rule = (prop::collection::vec(peer(), 0..3), prop::collection::vec(port(), 0..3)).prop_map(move |(all, ports)| {
        let mut rule = json!({});
        if !all.is_empty() {
            rule[peers] = json!(all);
        }
        if !ports.is_empty() {
            rule["ports"] = json!(ports);
        }
        rule
    });
    prop::collection::vec(rule, 0..3).prop_map(|rules| json!(rules))
}

fn any_policy() -> impl Strategy<Value = Json> {
    let types = prop_oneof![Just(json!(null)), Just(json!(["Ingress"])), Just(json!(["Egress"])), Just(json!(["Ingress", "Egress"]))];
    ("[abcd]", selector(), types, rules("from"), rules("to")).prop_map(|(space, pods, types, ingress, egress)| {
        let mut spec = json!({"podSelector": pods, "ingress": ingress, "egress": egress});
        if !types.is_null() {
            spec["policyTypes"] = types;
        }
        policy(&space, "p", &spec)
    })
}

fn any_pod() -> impl Strategy<Value = Json> {
    let ports = prop_oneof![
        Just(json!([{"name": "http", "containerPort": 80}])),
        Just(json!([{"name": "http", "containerPort": 8080}])),
        Just(json!([]))
    ];
    ("[abcd]", prop::option::of("[ab]"), any::<bool>(), prop::bool::weighted(0.1), ports, 1_u8..12).prop_map(
        |(space, app, tier, host, ports, address)| {
            let mut labels = json!({});
            if let Some(app) = app {
                labels["app"] = json!(app);
            }
            if tier {
                labels["tier"] = json!("x");
            }
            let address = if host { format!("10.0.0.{address}") } else { format!("10.42.0.{address}") };
            pod(&space, "p", &labels, &json!({"hostNetwork": host, "containers": [{"ports": ports}]}), &address)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn groups_answer_as_pairs_do(pods in prop::collection::vec(any_pod(), 1..10), policies in prop::collection::vec(any_policy(), 0..6)) {
        // Where there is no address of a kind at all, private ranges stand in; one of each is always there.
        let mut objects: Vec<Json> = ["a", "b", "c", "d"].into_iter().map(namespace).collect();
        objects.push(pod("d", "one", &json!({}), &json!({"containers": [{"ports": []}]}), "10.42.0.1"));
        objects.push(pod("d", "two", &json!({}), &json!({"hostNetwork": true, "containers": [{"ports": []}]}), "10.0.0.1"));
        objects.extend(pods);
        objects.extend(policies);
        prop_assert_eq!(reached(&objects), Plain::new(&objects).reached());
    }
}
