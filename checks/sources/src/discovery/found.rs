//! What discovery brought: targets for the collectors, and a record of every announcement with what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proofbook_checks::inventory::{Inventory, Request, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use serde_json::json;

use super::announced::{Announcement, Role};
use super::{Decided, Discovery, TARGET};
use crate::collector::PlannedRequest;
use crate::observed::{Observed, Unread};
use crate::tls::Origin;

/// What was announced, and what became of it.
pub(super) const DISCOVERY: &str = "Discovery";

/// Something that was discovered and may be contacted, at least in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPlace {
    /// A name, or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How it is known.
    pub origin: Origin,
    /// The addresses to contact, and no others.
    pub addresses: Vec<IpAddr>,
    /// Addresses that must not be contacted, or that the name has none, with the reason.
    pub withheld: Vec<(Option<IpAddr>, Unread)>,
}

/// An address whose ports may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAddress {
    /// The address.
    pub address: IpAddr,
    /// `load-balancer`, `node`.
    pub roles: BTreeSet<&'static str>,
}

/// What discovery brought.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Endpoints of TLS.
    pub tls: Vec<FoundPlace>,
    /// Sites.
    pub http: Vec<FoundPlace>,
    /// Names.
    pub dns: Vec<String>,
    /// Addresses whose ports are tried.
    pub ports: Vec<FoundAddress>,
    pub(super) records: Vec<Record>,
    pub(super) requests: Vec<Request>,
}

/// One announcement and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) by: BTreeSet<String>,
    pub(super) decision: &'static str,
    pub(super) detail: String,
    pub(super) addresses: Vec<String>,
    pub(super) withheld: Vec<String>,
}

impl Found {
    pub(super) fn take(
        &mut self,
        discovery: &Discovery,
        host: String,
        port: Option<u16>,
        announcement: Announcement,
        decided: Decided,
        ports: &mut BTreeMap<IpAddr, BTreeSet<&'static str>>,
    ) {
        let name = match port {
            Some(port) if host.contains(':') => format!("[{host}]:{port}"),
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        self.requests.push(request("found", name.clone(), decided.decision, decided.addresses.len()));
        let texts = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect();
        let withheld: Vec<IpAddr> = decided.withheld.iter().filter_map(|(address, _)| *address).collect();
        self.records.push(Record {
            name,
            host: host.clone(),
            port,
            by: announcement.by,
            decision: decided.decision,
            detail: decided.detail,
            addresses: texts(&decided.addresses),
            withheld: texts(&withheld),
        });
        for address in &decided.addresses {
            for role in &announcement.roles {
                let role = if *role == Role::Node { "node" } else { "load-balancer" };
                ports.entry(*address).or_default().insert(role);
            }
        }
        let Some(port) = port.filter(|_| !decided.addresses.is_empty() || !decided.withheld.is_empty()) else { return };
        let place = FoundPlace { host, port, origin: announcement.origin, addresses: decided.addresses, withheld: decided.withheld };
        if place.origin == Origin::Host {
            if discovery.dns {
                self.dns.push(place.host.clone());
            }
            if discovery.http {
                self.http.push(place.clone());
            }
        }
        if discovery.tls {
            self.tls.push(place);
        }
    }

    /// The records of what was announced, as far as checks read them, with the requests behind them.
    #[must_use]
    pub fn inventory(&self, wanted: &Wanted) -> Inventory {
        let resource = Resource::of_object(&format!("{GROUP}{}", Source::Tls), DISCOVERY);
        let mut observed = Observed::new(Source::Tls);
        observed.listed(DISCOVERY);
        observed.requests(self.requests.iter().cloned());
        for record in &self.records {
            let mut content = json!({
                "host": record.host,
                "announced_by": record.by,
                "decision": record.decision,
                "detail": record.detail,
                "addresses": record.addresses,
                "withheld": record.withheld,
            });
            if let Some(port) = record.port {
                content["port"] = port.into();
            }
            observed.record(DISCOVERY, &record.name, content);
        }
        observed
            .finish(&wanted.iter().filter(|(known, _)| **known == resource).map(|(known, mask)| (known.clone(), mask.clone())).collect())
    }

    /// What was announced and is not, or not wholly, looked at: its name, and why.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, &str)> {
        self.records.iter().filter(|record| record.decision != "looked-at").map(|record| (record.name.as_str(), record.detail.as_str()))
    }

    /// The look-ups that [`Discovery::look`] makes, told from [`Discovery::foretell`].
    #[must_use]
    pub fn plan(&self) -> Vec<PlannedRequest> {
        let named = self.records.iter().filter(|record| record.decision == "looked-at" && record.host.parse::<IpAddr>().is_err());
        let hosts: BTreeSet<&String> = named.map(|record| &record.host).collect();
        let planned = |host: &String| PlannedRequest {
            source: Source::Tls,
            target: TARGET.to_owned(),
            method: "resolve".to_owned(),
            query: host.clone(),
            reason: "every address behind an announced name is asked".to_owned(),
        };
        hosts.into_iter().map(planned).collect()
    }

    /// How many announcements there were.
    #[must_use]
    pub const fn announced(&self) -> usize {
        self.records.len()
    }
}

pub(super) fn request(method: &str, query: String, status: &str, items: usize) -> Request {
    Request {
        status: status.to_owned(),
        items: u64::try_from(items).unwrap_or(u64::MAX),
        ..Request::new(Source::Tls, TARGET, method, query)
    }
}
