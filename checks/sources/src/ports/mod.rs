//! Open ports: which ports of an address take a connection from where this machine stands.
//!
//! A port is asked by a TCP connection that is closed at once, and nothing is sent. It is open, closed (the connection is refused) or
//! filtered (nothing comes back, or a firewall says so); what is silent is asked a second time, since a packet may be lost.
//! Open ports of the web at origins are met once more under the public names that the workspace states, by TLS and HTTP.
//! Connections are made at a bounded rate, port by port over all addresses, so that no host is met by a burst. The workspace
//! states the vantage, and the statement is kept with each record: what is seen from inside says nothing of the outside. A witness,
//! a port that is known to be open, is asked before and after: without one, an address that never answers cannot be told from
//! a machine that has no way out.

mod probe;
mod settings;
mod target;
mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use proofbook_checks::inventory::{Inventory, Reason, Request, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use serde_json::{Value as Json, json};

use self::probe::{Prober, State};
use self::settings::{PortRange, ranges_text};
pub use self::settings::{Ports, Vantage};
pub use self::target::PortsTarget;
use self::web::{Call, HANDSHAKE, handshake_query, urls};
use crate::address::{OFF_LIMITS, is_off_limits, look_up};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread, anonymous};

/// An address and its ports.
const ADDRESS: &str = "Address";
/// Connections that may be under way at a time.
const CONCURRENCY: usize = 64;
/// Handshakes that may be under way at a time.
const CALLS: usize = 8;
/// What lies behind a content network.
const ORIGINS: [&str; 3] = ["origin", "load-balancer", "node"];

/// What an address, or a name that leads to some, is looked at for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Purpose {
    roles: BTreeSet<&'static str>,
    /// Ports of an API server.
    api_ports: BTreeSet<u16>,
}

/// What to look at, and how.
#[derive(Clone, Debug)]
struct Settings {
    vantage: Vantage,
    spots: BTreeMap<String, Purpose>,
    ports: Vec<PortRange>,
    /// Names under which open ports of origins are met.
    names: BTreeSet<String>,
    /// The ports on which they are.
    web_ports: BTreeSet<u16>,
    witness: Option<(String, u16)>,
    deadline: Duration,
    /// Of one handshake or request under a name.
    web_deadline: Duration,
    per_second: u32,
}

/// The collector of open ports.
#[derive(Debug)]
pub struct PortsCollector {
    target: String,
    settings: Settings,
}

/// What is known of one address.
#[derive(Clone, Debug, Default)]
struct Seen {
    roles: BTreeSet<&'static str>,
    api_ports: BTreeSet<u16>,
    open: BTreeSet<u16>,
    closed: u32,
    filtered: u32,
    trouble: Option<Unread>,
    /// What open ports say under public names.
    web: Vec<Json>,
}

impl PortsCollector {
    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let own: Wanted =
            wanted.iter().filter(|(known, _)| **known == resource()).map(|(known, mask)| (known.clone(), mask.clone())).collect();
        let mut observed = Observed::new(Source::Tls);
        let mut addresses = self.addresses(&mut observed).await;
        let prober = Arc::new(Prober::new(self.settings.deadline, self.settings.per_second));
        let before = self.ask_witness(&prober, &mut observed).await;

        let pieces = self.sockets(&addresses).map(|socket| {
            let prober = Arc::clone(&prober);
            async move { (socket, prober.ask(socket).await) }
        });
        let lost = each(pieces, CONCURRENCY, |(socket, state)| {
            if let Some(seen) = addresses.get_mut(&socket.ip()) {
                seen.note(socket.port(), state);
            }
            progress.advanced(&self.target, "ports", 1);
        })
        .await;
        let unmet = self.meet(&mut addresses, &mut observed).await;
        let after = self.ask_witness(&prober, &mut observed).await;

        for (address, seen) in &addresses {
            observed.requests(seen.trouble.is_none().then(|| self.request(*address, seen)));
            observed.record(ADDRESS, &address.to_string(), self.record(*address, seen, before.as_ref().zip(after.as_ref())));
        }
        observed.listed(ADDRESS);
        if lost + unmet > 0 {
            observed.failed(ADDRESS, Unread::new(Reason::IncompleteList, format!("{} connections broke off", lost + unmet)));
        }
        observed.target(anonymous(Source::Tls, &self.target, self.looked_at()));
        observed.finish(&own)
    }

    // What is asked, port by port over all addresses.
    fn sockets(&self, addresses: &BTreeMap<IpAddr, Seen>) -> impl Iterator<Item = SocketAddr> + Send + use<> {
        let asked = addresses.iter().filter(|(_, seen)| seen.trouble.is_none());
        let unlisted: Vec<SocketAddr> =
            asked.clone().flat_map(|(address, seen)| self.unlisted(&seen.api_ports).map(|port| SocketAddr::new(*address, port))).collect();
        let asked: Arc<[IpAddr]> = asked.map(|(address, _)| *address).collect();
        let listed: Vec<PortRange> = self.settings.ports.clone();
        let listed = listed.into_iter().flat_map(PortRange::numbers).flat_map(move |port| {
            let asked = Arc::clone(&asked);
            (0..asked.len()).map(move |at| SocketAddr::new(asked[at], port))
        });
        listed.chain(unlisted)
    }

    // Meets what is open at origins under every public name; returns how many of the meetings broke off.
    async fn meet(&self, addresses: &mut BTreeMap<IpAddr, Seen>, observed: &mut Observed) -> usize {
        let mut calls = Vec::new();
        for (address, seen) in addresses.iter().filter(|(_, seen)| seen.trouble.is_none() && is_origin(&seen.roles)) {
            for port in seen.open.intersection(&self.settings.web_ports) {
                let call = |name: &String| Call { address: *address, port: *port, name: name.clone() };
                calls.extend(self.settings.names.iter().map(call));
            }
        }
        let (target, deadline) = (self.target.clone(), self.settings.web_deadline);
        let calls = calls.into_iter().map(|call| {
            let target = target.clone();
            async move {
                let (told, requests) = call.make(&target, deadline).await;
                (call, told, requests)
            }
        });
        let mut met = Vec::new();
        let unmet = each(calls, CALLS, |done: (Call, Json, Vec<Request>)| met.push(done)).await;
        met.sort_by(|(a, ..), (b, ..)| (a.address, a.port, &a.name).cmp(&(b.address, b.port, &b.name)));
        for (call, told, requests) in met {
            observed.requests(requests);
            if let Some(seen) = addresses.get_mut(&call.address) {
                seen.web.push(told);
            }
        }
        unmet
    }

    // Every address once, with all that it is looked at for.
    async fn addresses(&self, observed: &mut Observed) -> BTreeMap<IpAddr, Seen> {
        let mut addresses: BTreeMap<IpAddr, Seen> = BTreeMap::new();
        for (host, purpose) in &self.settings.spots {
            let found = match host.parse() {
                Ok(address) => Ok(vec![address]),
                Err(_) => self.look_up(host, observed).await,
            };
            match found {
                Ok(found) => {
                    for address in found {
                        let seen = addresses.entry(address).or_default();
                        seen.roles.extend(&purpose.roles);
                        seen.api_ports.extend(&purpose.api_ports);
                        if is_off_limits(address) {
                            seen.trouble = Some(Unread::new(Reason::Unreachable, OFF_LIMITS));
                        }
                    }
                }
                Err(unread) => {
                    let mut content = unread.to_json();
                    content["roles"] = json!(purpose.roles);
                    observed.record(ADDRESS, host, content);
                }
            }
        }
        addresses
    }

    async fn look_up(&self, host: &str, observed: &mut Observed) -> Result<Vec<IpAddr>, Unread> {
        let found = look_up(host, self.settings.deadline).await;
        let status = if found.is_ok() { "resolved" } else { "unresolved" };
        observed.requests([self.told("resolve", host.to_owned(), status.to_owned(), found.as_ref().map_or(0, Vec::len))]);
        found
    }

    async fn ask_witness(&self, prober: &Prober, observed: &mut Observed) -> Option<State> {
        let (host, port) = self.settings.witness.as_ref()?;
        let mut state = State::Trouble(Unread::new(Reason::Unreachable, "the witness has no address"));
        let found = look_up(host, self.settings.deadline).await;
        for address in found.into_iter().flatten().filter(|address| !is_off_limits(*address)) {
            state = prober.ask(SocketAddr::new(address, *port)).await;
            if state == State::Open {
                break;
            }
        }
        observed.requests([self.told("tcp-connect", format!("{host}:{port}"), state.as_str().to_owned(), 1)]);
        Some(state)
    }

    fn record(&self, address: IpAddr, seen: &Seen, witness: Option<(&State, &State)>) -> Json {
        let mut record = json!({
            "address": address.to_string(),
            "vantage": self.settings.vantage,
            "roles": seen.roles,
            "api_ports": seen.api_ports,
            "tried": self.tried(seen),
            "web": seen.web,
        });
        if let Some((before, after)) = witness {
            record["witness"] = json!({"before": before.as_str(), "after": after.as_str()});
        }
        let told = match &seen.trouble {
            Some(unread) => unread.to_json(),
            None => json!({"open": seen.open, "closed": seen.closed, "filtered": seen.filtered}),
        };
        record["answers"] = told;
        record
    }

    fn tried(&self, seen: &Seen) -> Vec<Json> {
        let ranges = self.settings.ports.iter().copied().chain(self.unlisted(&seen.api_ports).map(PortRange::one));
        ranges.map(|range| json!({"from": range.from, "to": range.to})).collect()
    }

    fn request(&self, address: IpAddr, seen: &Seen) -> Request {
        let status = format!("{} open, {} closed, {} filtered", seen.open.len(), seen.closed, seen.filtered);
        self.told("tcp-connect", format!("{address} ports {}", self.ports_text(&seen.api_ports)), status, seen.open.len())
    }

    fn ports_text(&self, api_ports: &BTreeSet<u16>) -> String {
        ranges_text(self.settings.ports.iter().copied().chain(self.unlisted(api_ports).map(PortRange::one)))
    }

    // Those of some ports that are not tried anyway.
    fn unlisted<'p>(&'p self, ports: &'p BTreeSet<u16>) -> impl Iterator<Item = u16> + 'p {
        ports.iter().copied().filter(|port| !self.settings.ports.iter().any(|range| range.contains(*port)))
    }

    fn told(&self, method: &str, query: String, status: String, items: usize) -> Request {
        Request { status, items: u64::try_from(items).unwrap_or(u64::MAX), ..Request::new(Source::Tls, &self.target, method, query) }
    }

    fn looked_at(&self) -> impl Iterator<Item = String> {
        let ports = ranges_text(self.settings.ports.iter().copied());
        self.settings.spots.iter().map(move |(host, purpose)| format!("{host} {ports} {:?}", purpose.api_ports))
    }
}

impl Seen {
    fn note(&mut self, port: u16, state: State) {
        match state {
            State::Open => {
                self.open.insert(port);
            }
            State::Closed => self.closed += 1,
            State::Filtered => self.filtered += 1,
            State::Trouble(unread) => self.trouble = Some(unread),
        }
    }
}

impl Collector for PortsCollector {
    fn source(&self) -> Source {
        Source::Tls
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let mut plan = Vec::new();
        if !wanted.contains_key(&resource()) {
            return plan;
        }
        let mut add = |method: &str, query: String, reason: &str| {
            plan.push(PlannedRequest {
                source: Source::Tls,
                target: self.target.clone(),
                method: method.to_owned(),
                query,
                reason: reason.to_owned(),
            });
        };
        if let Some((host, port)) = &self.settings.witness {
            add("tcp-connect", format!("{host}:{port}"), "before and after: whether this machine has a way out");
        }
        for (host, purpose) in &self.settings.spots {
            if host.parse::<IpAddr>().is_err() {
                add("resolve", host.clone(), "every address behind the name is tried");
            }
            let query = format!("{host} ports {}", self.ports_text(&purpose.api_ports));
            add("tcp-connect", query, "whether the ports are open; nothing is sent");
            if is_origin(&purpose.roles) {
                for (port, name) in
                    self.settings.web_ports.iter().flat_map(|port| self.settings.names.iter().map(move |name| (*port, name)))
                {
                    add(HANDSHAKE, handshake_query(host, port, name), "whether an open port lets strangers in under the public name");
                    for url in urls(name, port).into_iter().flatten() {
                        add("GET", url.to_string(), "whether the origin answers for the name, where the handshake does not turn us away");
                    }
                }
            }
        }
        plan.sort();
        plan.dedup();
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(async move { if wanted.contains_key(&resource()) { self.gather(wanted, progress).await } else { Inventory::default() } })
    }
}

fn is_origin(roles: &BTreeSet<&'static str>) -> bool {
    ORIGINS.iter().any(|role| roles.contains(role))
}

fn resource() -> Resource {
    Resource::of_object(&format!("{GROUP}{}", Source::Tls), ADDRESS)
}
