//! Instant queries whose results are observations: clocks of nodes, the authorities of meshes, capacity, availability.
//!
//! Each query has a name, by which a workspace may put its own in its place; names that are none of ours are queries of the
//! workspace for its own checks. A query that fails leaves one record of its kind that says so.

use std::collections::BTreeMap;

use proofbook_checks::inventory::Reason;
use serde_json::{Map, Value as Json, json};

use super::Found;
use super::server::{data, timestamp};
use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::service::Service;
use crate::wanted::Asked;

const PATH: &str = "api/v1/query";

/// A query of ours.
struct Known {
    name: &'static str,
    kind: &'static str,
    query: &'static str,
    reason: &'static str,
}

const KNOWN: [Known; 12] = [
    Known { name: "nodes", kind: "NodeClock", query: "kube_node_info", reason: "which nodes there are" },
    Known { name: "node-names", kind: "NodeClock", query: "node_uname_info", reason: "which node an exporter runs on" },
    Known {
        name: "clock-synchronised",
        kind: "NodeClock",
        query: "node_timex_sync_status",
        reason: "whether the clocks of nodes are synchronised",
    },
    Known { name: "clock-offset", kind: "NodeClock", query: "node_timex_offset_seconds", reason: "how far the clocks of nodes are off" },
    Known {
        name: "istio-root-expiry",
        kind: "CertificateAuthority",
        query: "citadel_server_root_cert_expiry_timestamp",
        reason: "when the root of Istio expires",
    },
    Known {
        name: "istio-chain-expiry",
        kind: "CertificateAuthority",
        query: "citadel_server_cert_chain_expiry_timestamp",
        reason: "when the issuer of Istio expires",
    },
    Known {
        name: "linkerd-issuer-expiry",
        kind: "CertificateAuthority",
        query: "issuer_cert_ttl_seconds + time()",
        reason: "when the issuer of Linkerd expires",
    },
    Known {
        name: "allocatable",
        kind: "Capacity",
        query: "sum by (resource, label_topology_kubernetes_io_zone) (kube_node_status_allocatable{resource=~\"cpu|memory\"} \
                * on (node) group_left () (kube_node_status_condition{condition=\"Ready\",status=\"true\"} == 1) \
                * on (node) group_left (label_topology_kubernetes_io_zone) kube_node_labels)",
        reason: "what the ready nodes of each zone can take",
    },
    Known {
        name: "requested",
        kind: "Capacity",
        query: "sum by (resource) (kube_pod_container_resource_requests{resource=~\"cpu|memory\"} \
                * on (namespace, pod) group_left () (kube_pod_status_phase{phase=~\"Pending|Running\"} == 1))",
        reason: "what the pods ask for",
    },
    Known {
        name: "availability",
        kind: "Availability",
        query: "avg_over_time(probe_success[$period])",
        reason: "which share of the probes succeeded",
    },
    Known {
        name: "availability-hours",
        kind: "Availability",
        query: "count_over_time(probe_success[$period:1h])",
        reason: "in how many hours of the period anything was measured",
    },
    // More than one kube-state-metrics may tell of the same pod.
    Known {
        name: "pods",
        kind: POPULATION,
        query: "count(count by (namespace, pod, uid) (kube_pod_info))",
        reason: "how many pods there are, to hold the list of pods against",
    },
];

/// The kind of the records that count a population which another source lists: not a check's, but what completeness is shown by.
pub const POPULATION: &str = "Population";

/// The queries of one server.
#[derive(Clone, Debug)]
pub(super) struct Queries {
    own: BTreeMap<String, String>,
    period_days: u32,
}

impl Queries {
    pub(super) fn new(own: &BTreeMap<String, String>, period_days: u32) -> Self {
        let period = format!("{period_days}d");
        Self { own: own.iter().map(|(name, query)| (name.clone(), query.replace("$period", &period))).collect(), period_days }
    }

    // A query of ours by its name, as the workspace has it.
    fn of(&self, known: &Known) -> String {
        self.own.get(known.name).cloned().unwrap_or_else(|| known.query.replace("$period", &format!("{}d", self.period_days)))
    }

    // The queries that are the workspace's own.
    fn samples(&self) -> impl Iterator<Item = (&String, &String)> {
        self.own.iter().filter(|(name, _)| KNOWN.iter().all(|known| known.name != **name))
    }
}

/// The path that every query takes, where one is asked.
pub(super) fn path(asked: &Asked<'_>) -> Option<(&'static str, &'static str)> {
    let any = KNOWN.iter().any(|known| asked.kind(known.kind)) || asked.kind("Sample");
    any.then_some((PATH, "results of instant queries"))
}

/// What would be asked.
pub(super) fn plan(service: &Service, queries: &Queries, asked: &Asked<'_>) -> Vec<PlannedRequest> {
    let known = KNOWN.iter().filter(|known| asked.kind(known.kind)).map(|known| (queries.of(known), known.reason));
    let own = queries.samples().filter(|_| asked.kind("Sample")).map(|(_, query)| (query.clone(), "a query of the workspace"));
    known.chain(own).map(|(query, reason)| service.planned(PATH, &[("query", &query)], reason)).collect()
}

/// Asks what is read.
pub(super) async fn read(service: &Service, queries: &Queries, asked: &Asked<'_>) -> Vec<Found> {
    let ask = Ask { service, queries, asked };
    let (clocks, authorities, capacity, availability, samples, populations) =
        tokio::join!(ask.clocks(), ask.authorities(), ask.capacity(), ask.availability(), ask.samples(), ask.populations());
    let kinds = [("NodeClock", clocks), ("CertificateAuthority", authorities), ("Capacity", capacity), ("Availability", availability)];
    let of_kind = |(kind, read): (&'static str, Result<Vec<Found>, Unread>)| {
        read.unwrap_or_else(|unread| vec![Found::unread(kind, service, &unread)])
    };
    kinds.into_iter().flat_map(of_kind).chain(samples).chain(populations).collect()
}

/// One result of an instant query.
struct Sample {
    labels: Map<String, Json>,
    // Not every value is a number of JSON.
    value: Json,
}

impl Sample {
    fn label(&self, name: &str) -> &str {
        self.labels.get(name).and_then(Json::as_str).unwrap_or_default()
    }
}

struct Ask<'a> {
    service: &'a Service,
    queries: &'a Queries,
    asked: &'a Asked<'a>,
}

impl Ask<'_> {
    async fn known(&self, name: &str) -> Result<Vec<Sample>, Unread> {
        let known = KNOWN.iter().find(|known| known.name == name);
        let query = known.map(|known| self.queries.of(known)).unwrap_or_default();
        instant(self.service, name, &query).await
    }

    fn name(&self, of: &str) -> String {
        format!("{}/{of}", self.service.name)
    }

    async fn clocks(&self) -> Result<Vec<Found>, Unread> {
        if !self.asked.kind("NodeClock") {
            return Ok(Vec::new());
        }
        let (nodes, names, synchronised, offsets) =
            tokio::join!(self.known("nodes"), self.known("node-names"), self.known("clock-synchronised"), self.known("clock-offset"));
        let clocks = Clocks { nodes: nodes?, names: names?, synchronised: synchronised?, offsets: offsets? };
        Ok(clocks.by_node().into_iter().map(|(node, content)| Found::new("NodeClock", self.name(&node), content)).collect())
    }

    async fn authorities(&self) -> Result<Vec<Found>, Unread> {
        if !self.asked.kind("CertificateAuthority") {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (what, name) in
            [("istio-root", "istio-root-expiry"), ("istio-chain", "istio-chain-expiry"), ("linkerd-issuer", "linkerd-issuer-expiry")]
        {
            for sample in self.known(name).await? {
                let expires_at = sample.value.as_f64().and_then(timestamp);
                let content = json!({"what": what, "expires_at": expires_at, "labels": sample.labels});
                let who = ["pod", "instance"].into_iter().map(|label| sample.label(label)).find(|label| !label.is_empty());
                found.push(Found::new("CertificateAuthority", self.name(&format!("{what}/{}", who.unwrap_or("all"))), content));
            }
        }
        Ok(found)
    }

    async fn capacity(&self) -> Result<Vec<Found>, Unread> {
        if !self.asked.kind("Capacity") {
            return Ok(Vec::new());
        }
        let (allocatable, requested) = tokio::join!(self.known("allocatable"), self.known("requested"));
        let (allocatable, requested) = (allocatable?, requested?);
        let mut zones: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        for sample in &allocatable {
            let of_resource = zones.entry(sample.label("resource")).or_default();
            *of_resource.entry(sample.label("label_topology_kubernetes_io_zone")).or_default() += number(&sample.value)?;
        }
        let mut found = Vec::new();
        for (resource, zones) in zones {
            let asked_for: Option<f64> = requested
                .iter()
                .filter(|sample| sample.label("resource") == resource)
                .map(|s| number(&s.value))
                .sum::<Result<f64, _>>()
                .ok();
            let total: f64 = zones.values().sum();
            let largest = zones.values().copied().fold(0.0, f64::max);
            let content = json!({
                "resource": resource,
                "zones": zones.keys().filter(|zone| !zone.is_empty()).collect::<Vec<_>>(),
                "outside_zones": zones.contains_key(""),
                "allocatable": total,
                "largest_zone": largest,
                "requested": asked_for.filter(|_| requested.iter().any(|sample| sample.label("resource") == resource)),
            });
            found.push(Found::new("Capacity", self.name(resource), content));
        }
        Ok(found)
    }

    async fn availability(&self) -> Result<Vec<Found>, Unread> {
        if !self.asked.kind("Availability") {
            return Ok(Vec::new());
        }
        let (shares, hours) = tokio::join!(self.known("availability"), self.known("availability-hours"));
        let hours = hours?;
        let found = |sample: Sample| {
            let same = hours.iter().find(|other| other.labels == sample.labels).map(|other| other.value.clone());
            let content = json!({
                "share": sample.value,
                "hours_measured": same,
                "period_hours": u64::from(self.queries.period_days) * 24,
                "labels": sample.labels,
            });
            Found::new("Availability", self.name(&named(&sample.labels)), content)
        };
        Ok(shares?.into_iter().map(found).collect())
    }

    async fn populations(&self) -> Option<Found> {
        if !self.asked.kind(POPULATION) {
            return None;
        }
        let query = KNOWN.iter().find(|known| known.kind == POPULATION).map(|known| self.queries.of(known));
        let counted = self.known("pods").await.and_then(|samples| count(&samples));
        let content = json!({"of": "kubernetes/pods", "query": query, "count": part(counted)});
        Some(Found::new(POPULATION, self.name("pods"), content))
    }

    async fn samples(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (name, query) in self.queries.samples().filter(|_| self.asked.kind("Sample")) {
            match instant(self.service, name, query).await {
                Ok(samples) => found.extend(samples.into_iter().map(|sample| {
                    let record = self.name(&format!("{name}/{}", named(&sample.labels)));
                    Found::new("Sample", record, json!({"query": name, "labels": sample.labels, "value": sample.value}))
                })),
                Err(unread) => {
                    let mut content = json!({"query": name});
                    content["value"] = unread.to_json();
                    found.push(Found::new("Sample", self.name(name), content));
                }
            }
        }
        found
    }
}

// Results of `pods`, as its one record.
fn count(samples: &[Sample]) -> Result<Json, Unread> {
    match samples {
        [] => Err(Unread::new(Reason::MissingObject, "the query pods: there is no series of kube_pod_info")),
        [one] => number(&one.value).map(Json::from),
        _ => Err(Unread::new(Reason::ParseError, "the query pods: expected one number")),
    }
}

async fn instant(service: &Service, name: &str, query: &str) -> Result<Vec<Sample>, Unread> {
    let told = |unread: Unread| Unread::new(unread.reason, format!("the query {name}: {}", unread.detail));
    let unknown = || told(Unread::new(Reason::ParseError, "the answer is no vector of samples"));
    let data = data(service, PATH, &[("query", query)]).await.map_err(told)?;
    let value = |pair: &Json| {
        let text = pair[1].as_str()?;
        let number = text.parse().ok().and_then(serde_json::Number::from_f64);
        Some(number.map_or_else(|| Json::from(text), Json::Number))
    };
    if data["resultType"] == "scalar" {
        return Ok(vec![Sample { labels: Map::new(), value: value(&data["result"]).ok_or_else(unknown)? }]);
    }
    if data["resultType"] != "vector" {
        return Err(unknown());
    }
    let results = data["result"].as_array().ok_or_else(unknown)?;
    let sample = |result: &Json| {
        let mut labels = result["metric"].as_object()?.clone();
        labels.remove("__name__");
        Some(Sample { labels, value: value(&result["value"])? })
    };
    results.iter().map(|result| sample(result).ok_or_else(unknown)).collect()
}

fn number(value: &Json) -> Result<f64, Unread> {
    value.as_f64().ok_or_else(|| Unread::new(Reason::ParseError, format!("a sample of {value} is no number")))
}

// What tells results of one query apart.
fn named(labels: &Map<String, Json>) -> String {
    let words: Vec<&str> = labels.iter().filter(|(label, _)| *label != "job").filter_map(|(_, value)| value.as_str()).collect();
    if words.is_empty() { "all".to_owned() } else { words.join(" ") }
}

struct Clocks {
    nodes: Vec<Sample>,
    names: Vec<Sample>,
    synchronised: Vec<Sample>,
    offsets: Vec<Sample>,
}

impl Clocks {
    // One record a node: every node that is known, and every exporter that told a clock. A node without a clock has no values.
    fn by_node(&self) -> BTreeMap<String, Json> {
        let mut out: BTreeMap<String, Json> = self.nodes.iter().map(|node| (node.label("node").to_owned(), json!({}))).collect();
        for (part, samples) in [("synchronised", &self.synchronised), ("offset_seconds", &self.offsets)] {
            for sample in samples {
                let record = out.entry(self.node_of(sample)).or_insert_with(|| json!({}));
                record[part] = if part == "synchronised" { json!(sample.value.as_f64() == Some(1.0)) } else { sample.value.clone() };
            }
        }
        out
    }

    // The name that Kubernetes has for the node of an exporter: by the kernel's host name, in full or up to the first dot, or by
    // the address that the exporter is asked at. Where neither is known, what the sample says of itself.
    fn node_of(&self, sample: &Sample) -> String {
        let instance = sample.label("instance");
        let host = self.names.iter().find(|name| name.label("instance") == instance).map(|name| name.label("nodename"));
        let address = instance.rsplit_once(':').map_or(instance, |(address, _)| address).trim_matches(['[', ']']);
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let known = self.nodes.iter().find(|node| {
            let name = node.label("node");
            host.is_some_and(|host| host == name) || node.label("internal_ip") == address || sample.label("node") == name
        });
        let known = known.or_else(|| self.nodes.iter().find(|node| host.is_some_and(|host| short(host) == short(node.label("node")))));
        match (known, host) {
            (Some(node), _) => node.label("node").to_owned(),
            (None, Some(host)) => host.to_owned(),
            (None, None) if !sample.label("node").is_empty() => sample.label("node").to_owned(),
            (None, None) => instance.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(labels: &[(&str, &str)], value: f64) -> Sample {
        Sample { labels: labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect(), value: json!(value) }
    }

    #[test]
    fn clocks_belong_to_nodes_and_a_node_without_one_stays() {
        let clocks = Clocks {
            nodes: vec![
                sample(&[("node", "worker-1"), ("internal_ip", "10.0.0.1")], 1.0),
                sample(&[("node", "worker-2.example"), ("internal_ip", "10.0.0.2")], 1.0),
                sample(&[("node", "worker-3"), ("internal_ip", "10.0.0.3")], 1.0),
                sample(&[("node", "worker-4"), ("internal_ip", "fd00::4")], 1.0),
            ],
            names: vec![
                sample(&[("instance", "10.1.0.1:9100"), ("nodename", "worker-1")], 1.0),
                sample(&[("instance", "10.1.0.2:9100"), ("nodename", "worker-2")], 1.0),
            ],
            synchronised: vec![
                sample(&[("instance", "10.1.0.1:9100")], 1.0),
                sample(&[("instance", "10.1.0.2:9100")], 0.0),
                sample(&[("instance", "[fd00::4]:9100")], 1.0),
                sample(&[("instance", "192.0.2.9:9100")], 1.0),
            ],
            offsets: vec![sample(&[("instance", "10.1.0.1:9100")], 0.002)],
        };
        let expected = BTreeMap::from([
            ("192.0.2.9:9100".to_owned(), json!({"synchronised": true})),
            ("worker-1".to_owned(), json!({"synchronised": true, "offset_seconds": 0.002})),
            ("worker-2.example".to_owned(), json!({"synchronised": false})),
            ("worker-3".to_owned(), json!({})),
            ("worker-4".to_owned(), json!({"synchronised": true})),
        ]);
        assert_eq!(clocks.by_node(), expected);
    }

    #[test]
    fn a_workspace_replaces_queries_by_their_names_and_adds_its_own() {
        let own = BTreeMap::from([
            ("availability".to_owned(), "slo:availability:ratio[$period]".to_owned()),
            ("queue-length".to_owned(), "max(queue_length)".to_owned()),
        ]);
        let queries = Queries::new(&own, 90);
        let of = |name: &str| queries.of(KNOWN.iter().find(|known| known.name == name).unwrap());
        assert_eq!(of("availability"), "slo:availability:ratio[90d]");
        assert_eq!(of("availability-hours"), "count_over_time(probe_success[90d:1h])");
        assert_eq!(queries.samples().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["queue-length"]);
    }
}
