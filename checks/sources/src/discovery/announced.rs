//! What a cluster announces to the outside, read from its objects.
//!
//! A pure function of listings that are whole. Where one of them is not, nothing is known of what the cluster announces, and
//! the error says which. An object that cannot be read is such a case too: what it announces would be missed in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_checks::mask::{Mask, Step};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;

use super::objects::{Gateway, Ingress, IstioGateway, Listener, Node, NodeAddress, Objects, Route, Service, TraefikRoute, VirtualService};
use crate::address::{is_off_limits, is_private};
use crate::observed::Unread;
use crate::tls::{DEFAULT_PORT, Origin};

const INGRESSES: &str = "ingresses.networking.k8s.io";
const SERVICES: &str = "services";
const NODES: &str = "nodes";
const GATEWAYS: &str = "gateways.gateway.networking.k8s.io";
const ROUTES: [&str; 3] =
    ["httproutes.gateway.networking.k8s.io", "tlsroutes.gateway.networking.k8s.io", "grpcroutes.gateway.networking.k8s.io"];
const ISTIO_GATEWAYS: &str = "gateways.networking.istio.io";
const VIRTUAL_SERVICES: &str = "virtualservices.networking.istio.io";
const TRAEFIK: [&str; 2] = ["ingressroutes.traefik.io", "ingressroutetcps.traefik.io"];

/// What is read of each kind.
const READS: [(&str, &[&str]); 9] = [
    (INGRESSES, &["spec.rules.*.host", "spec.tls.*.hosts.*", "status.loadBalancer.ingress.*.ip", "status.loadBalancer.ingress.*.hostname"]),
    (
        SERVICES,
        &[
            "spec.type",
            "spec.externalIPs.*",
            "spec.ports.*.name",
            "spec.ports.*.port",
            "spec.ports.*.protocol",
            "spec.ports.*.appProtocol",
            "status.loadBalancer.ingress.*.ip",
            "status.loadBalancer.ingress.*.hostname",
        ],
    ),
    (
        GATEWAYS,
        &[
            "spec.listeners.*.name",
            "spec.listeners.*.hostname",
            "spec.listeners.*.port",
            "spec.listeners.*.protocol",
            "status.addresses.*.value",
        ],
    ),
    (ROUTES[0], ROUTE),
    (ROUTES[1], ROUTE),
    (ROUTES[2], ROUTE),
    (ISTIO_GATEWAYS, &["spec.servers.*.hosts.*", "spec.servers.*.port.number", "spec.servers.*.port.protocol"]),
    (VIRTUAL_SERVICES, &["spec.hosts.*", "spec.gateways.*"]),
    (NODES, &["status.addresses.*.type", "status.addresses.*.address"]),
];

const ROUTE: &[&str] = &[
    "spec.hostnames.*",
    "spec.parentRefs.*.name",
    "spec.parentRefs.*.namespace",
    "spec.parentRefs.*.sectionName",
    "spec.parentRefs.*.port",
];

/// What is read to find targets; of nodes only where their addresses are looked for.
pub(super) fn reads(nodes: bool) -> Wanted {
    let traefik = TRAEFIK.iter().map(|kind| (*kind, &["spec.routes.*.match"][..]));
    let kinds = READS.into_iter().filter(|(kind, _)| nodes || *kind != NODES).chain(traefik);
    let projection = |paths: &[&str]| {
        let mut mask = Mask::default();
        for path in paths {
            let steps: Vec<Step> = path.split('.').map(|step| if step == "*" { Step::Each } else { Step::key(step) }).collect();
            mask.add(&steps, true);
        }
        let mut projection = Projection { mask: Arc::new(mask), controlled: None };
        projection.add_identity();
        projection
    };
    kinds.map(|(kind, paths)| (Resource::kubernetes(kind), projection(paths))).collect()
}

/// Where an address belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    LoadBalancer,
    Node,
}

/// One thing that is announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announcement {
    /// The objects that announce it.
    pub(super) by: BTreeSet<String>,
    /// How it would be known as an endpoint.
    pub(super) origin: Origin,
    /// Addresses that the cluster says serve the host, besides those behind its name.
    pub(super) addresses: BTreeSet<IpAddr>,
    /// What its ports are tried for.
    pub(super) roles: BTreeSet<Role>,
}

/// All that is announced, by host or address and by port; without a port where only the address matters.
#[derive(Clone, Debug, Default)]
pub struct Announced(pub(super) BTreeMap<(String, Option<u16>), Announcement>);

impl Announced {
    /// Reads what a cluster announces; `is_absent` says whether the workspace declares that a kind does not exist.
    pub(super) fn read(inventory: &Inventory, nodes: bool, is_absent: &dyn Fn(&Resource) -> bool) -> Result<Self, Unread> {
        let objects = Objects { inventory, is_absent };
        let mut announced = Self::default();
        announced.of_ingresses(&objects)?;
        announced.of_services(&objects)?;
        announced.of_gateways(&objects)?;
        announced.of_istio(&objects)?;
        announced.of_traefik(&objects)?;
        if nodes {
            announced.of_nodes(&objects)?;
        }
        Ok(announced)
    }

    fn host(&mut self, host: &str, port: u16, by: &str, addresses: &[String]) {
        let found = self.entry(host, Some(port), by, Origin::Host);
        found.addresses.extend(addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok()));
    }

    fn load_balancer(&mut self, addresses: &[String], tls_ports: &[u16], by: &str) {
        for address in addresses {
            self.entry(address, None, by, Origin::Address).roles.insert(Role::LoadBalancer);
            for port in tls_ports {
                self.entry(address, Some(*port), by, Origin::Address);
            }
        }
    }

    fn entry(&mut self, host: &str, port: Option<u16>, by: &str, origin: Origin) -> &mut Announcement {
        let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
        let found = self.0.entry((host, port)).or_insert_with(|| Announcement { origin, ..Announcement::default() });
        found.by.insert(by.to_owned());
        if origin == Origin::Host {
            found.origin = origin;
        }
        found
    }

    fn of_ingresses(&mut self, objects: &Objects<'_>) -> Result<(), Unread> {
        for (by, _, ingress) in objects.all::<Ingress>(INGRESSES, "Ingress")? {
            let addresses = ingress.status.load_balancer.addresses();
            let named = ingress.spec.tls.iter().flat_map(|tls| &tls.hosts);
            for host in ingress.spec.rules.iter().filter_map(|rule| rule.host.as_ref()).chain(named).filter(|host| !host.is_empty()) {
                self.host(host, DEFAULT_PORT, &by, &addresses);
            }
            self.load_balancer(&addresses, &[], &by);
        }
        Ok(())
    }

    fn of_services(&mut self, objects: &Objects<'_>) -> Result<(), Unread> {
        for (by, _, service) in objects.all::<Service>(SERVICES, "Service")? {
            // Every kind of Service answers on its external addresses (`externalIPs`), on each node that they are routed to.
            let mut addresses: Vec<String> = service.spec.external_ips.into_iter().filter(|address| !address.is_empty()).collect();
            if service.spec.kind == "LoadBalancer" {
                addresses.extend(service.status.load_balancer.addresses());
            }
            let tls: Vec<u16> = service.spec.ports.iter().filter(|port| port.speaks_tls()).map(|port| port.port).collect();
            self.load_balancer(&addresses, &tls, &by);
        }
        Ok(())
    }

    fn of_gateways(&mut self, objects: &Objects<'_>) -> Result<(), Unread> {
        let mut gateways = BTreeMap::new();
        for (by, at, gateway) in objects.all::<Gateway>(GATEWAYS, "Gateway")? {
            let addresses: Vec<String> = gateway.status.addresses.iter().map(|address| address.value.clone()).collect();
            let secure: Vec<&Listener> = gateway.spec.listeners.iter().filter(|listener| listener.speaks_tls()).collect();
            for listener in &gateway.spec.listeners {
                let elsewhere = secure.iter().any(|other| other.hostname == listener.hostname);
                let port = if listener.speaks_tls() { listener.port } else { DEFAULT_PORT };
                match listener.hostname.as_deref().filter(|hostname| !hostname.is_empty()) {
                    Some(hostname) if listener.speaks_tls() || listener.protocol == "HTTP" && !elsewhere => {
                        self.host(hostname, port, &by, &addresses);
                    }
                    None if listener.speaks_tls() => self.load_balancer(&addresses, &[port], &by),
                    _ => {}
                }
            }
            self.load_balancer(&addresses, &[], &by);
            gateways.insert(at, (gateway, addresses));
        }
        for (kind, name) in ROUTES.into_iter().zip(["HTTPRoute", "TLSRoute", "GRPCRoute"]) {
            for (by, (namespace, _), route) in objects.all::<Route>(kind, name)? {
                let (mut ports, mut addresses) = (BTreeSet::new(), BTreeSet::new());
                for parent in &route.spec.parents {
                    let at = (parent.namespace.clone().unwrap_or_else(|| namespace.clone()), parent.name.clone());
                    let Some((gateway, of_gateway)) = gateways.get(&at) else { continue };
                    let meant = |listener: &&Listener| {
                        parent.section.as_ref().is_none_or(|section| *section == listener.name)
                            && parent.port.is_none_or(|port| port == listener.port)
                    };
                    let listeners = gateway.spec.listeners.iter().filter(|listener| listener.speaks_tls());
                    ports.extend(listeners.filter(meant).map(|listener| listener.port));
                    addresses.extend(of_gateway.iter().cloned());
                }
                if ports.is_empty() {
                    ports.insert(DEFAULT_PORT);
                }
                let addresses: Vec<String> = addresses.into_iter().collect();
                for host in &route.spec.hostnames {
                    ports.iter().for_each(|port| self.host(host, *port, &by, &addresses));
                }
            }
        }
        Ok(())
    }

    fn of_istio(&mut self, objects: &Objects<'_>) -> Result<(), Unread> {
        // A host may stand behind a namespace: `shop/app.example.com`.
        let bare = |host: &String| host.rsplit('/').next().unwrap_or_default().to_owned();
        for (by, _, gateway) in objects.all::<IstioGateway>(ISTIO_GATEWAYS, "Gateway")? {
            let secure = gateway.spec.servers.iter().filter(|server| server.speaks_tls());
            let hosts: BTreeSet<String> = secure.flat_map(|server| server.hosts.iter().map(bare)).collect();
            for server in &gateway.spec.servers {
                for host in server.hosts.iter().map(bare) {
                    if server.speaks_tls() {
                        self.host(&host, server.port.number, &by, &[]);
                    } else if server.port.protocol.to_ascii_uppercase().starts_with("HTTP") && !hosts.contains(&host) {
                        self.host(&host, DEFAULT_PORT, &by, &[]);
                    }
                }
            }
        }
        for (by, _, service) in objects.all::<VirtualService>(VIRTUAL_SERVICES, "VirtualService")? {
            // Without a gateway a virtual service is for the mesh alone.
            if service.spec.gateways.iter().any(|gateway| gateway != "mesh") {
                service.spec.hosts.iter().for_each(|host| self.host(host, DEFAULT_PORT, &by, &[]));
            }
        }
        Ok(())
    }

    fn of_traefik(&mut self, objects: &Objects<'_>) -> Result<(), Unread> {
        for (kind, name) in TRAEFIK.into_iter().zip(["IngressRoute", "IngressRouteTCP"]) {
            for (by, _, route) in objects.all::<TraefikRoute>(kind, name)? {
                for host in route.spec.routes.iter().flat_map(|route| hosts_of_rule(&route.rule)) {
                    self.host(&host, DEFAULT_PORT, &by, &[]);
                }
            }
        }
        Ok(())
    }

    fn of_nodes(&mut self, objects: &Objects<'_>) -> Result<(), Unread> {
        for (by, _, node) in objects.all::<Node>(NODES, "Node")? {
            // Where a node stands in the open, its own address is often told as an internal one.
            let is_public = |text: &str| text.parse().is_ok_and(|address| !is_private(address) && !is_off_limits(address));
            let is_outside = |address: &&NodeAddress| match address.kind.as_str() {
                "ExternalIP" => true,
                "InternalIP" => is_public(&address.address),
                _ => false,
            };
            for address in node.status.addresses.iter().filter(is_outside) {
                self.entry(&address.address, None, &by, Origin::Address).roles.insert(Role::Node);
            }
        }
        Ok(())
    }
}

// The hosts of a rule of Traefik, such as Host(`a.example.com`) && PathPrefix(`/`). A pattern stays recognisable as one.
fn hosts_of_rule(rule: &str) -> Vec<String> {
    let mut hosts = Vec::new();
    for (start, matcher) in ["Host(", "HostSNI(", "HostRegexp(", "HostSNIRegexp("].iter().flat_map(|name| rule.match_indices(name)) {
        if rule[..start].ends_with(|c: char| c.is_ascii_alphanumeric()) {
            continue;
        }
        let mut rest = &rule[start + matcher.len()..];
        while let Some(quote) = rest.trim_start_matches([' ', ',']).chars().next().filter(|c| matches!(c, '`' | '"' | '\'')) {
            let Some((_, after)) = rest.split_once(quote) else { break };
            let Some((host, after)) = after.split_once(quote) else { break };
            hosts.push(if matcher.contains("Regexp") { format!("*{host}") } else { host.to_owned() });
            rest = after;
        }
    }
    hosts
}

#[cfg(test)]
pub(super) mod tests;
