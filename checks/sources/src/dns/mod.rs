//! The domain name system: addresses and aliases of names, who may issue certificates, signatures, and mail.
//!
//! Names are asked of the configured resolvers, and an answer is taken as they give it to everybody. Signatures are checked by
//! ourselves, from the trust anchor down; the resolver's word is not taken. A name that does not exist is an answer; a resolver
//! that fails, refuses or is silent is none, and never reads as an absent record.

mod dnssec;
mod exchange;
mod mail;
mod name;
mod target;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_net::proto::rr::{Name, RData, RecordType};
use proofbook_checks::inventory::{Inventory, Reason, Target, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use serde_json::{Value as Json, json};

use self::dnssec::Anchors;
use self::exchange::{Resolvers, text};
use self::name::Addresses;
pub use self::target::{DnsTarget, DomainSettings};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread, anonymous, part};

/// Names that are looked at together at most.
const CONCURRENCY: usize = 8;

/// A host's name.
const NAME: &str = "Name";
/// A domain: its zone, and mail in its name.
const DOMAIN: &str = "Domain";
/// One name that another depends on.
const REFERENCE: &str = "Reference";

/// A domain to look at.
#[derive(Clone, Debug)]
struct Domain {
    name: Name,
    sends_mail: bool,
    dkim_selectors: Vec<String>,
}

/// The collector of the domain name system.
pub struct DnsCollector {
    target: String,
    servers: Vec<SocketAddr>,
    anchors: Anchors,
    names: Vec<Name>,
    domains: Vec<Domain>,
    deadline: Duration,
}

impl fmt::Debug for DnsCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsCollector").field("target", &self.target).field("servers", &self.servers).finish_non_exhaustive()
    }
}

/// Records of one piece of work: kind, name, content.
type Records = Vec<(&'static str, String, Json)>;

impl DnsCollector {
    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        if !wanted.keys().any(|resource| resource.source == Source::Dns) {
            return Inventory::default();
        }
        let mut observed = Observed::new(Source::Dns);
        let resolvers = Resolvers::new(&self.target, self.servers.clone(), self.deadline);
        let wants = |kind: &str| wanted.contains_key(&resource(kind));
        let mut work: Vec<std::pin::Pin<Box<dyn Future<Output = Records> + Send>>> = Vec::new();
        if wants(NAME) || wants(REFERENCE) {
            for name in self.names.iter().cloned() {
                work.push(Box::pin(of_name(resolvers.clone(), name)));
            }
        }
        if wants(DOMAIN) || wants(REFERENCE) {
            for domain in self.domains.iter().cloned() {
                work.push(Box::pin(of_domain(resolvers.clone(), self.anchors.clone(), domain, wants(DOMAIN))));
            }
        }
        for kind in self.asked_kinds() {
            observed.listed(kind);
        }
        let lost = each(work, CONCURRENCY, |records: Records| {
            for (kind, name, content) in records {
                observed.record(kind, &name, content);
            }
            progress.advanced(&self.target, "names", 1);
        })
        .await;
        if lost > 0 {
            for kind in self.asked_kinds() {
                observed.failed(kind, Unread::new(Reason::IncompleteList, format!("{lost} pieces of work broke off")));
            }
        }
        observed.requests(resolvers.requests());
        observed.target(self.met());
        observed.finish(wanted)
    }

    // The kinds of which the workspace names something; a listing of the others is not collected, and never empty.
    fn asked_kinds(&self) -> impl Iterator<Item = &'static str> {
        let (names, domains) = (!self.names.is_empty(), !self.domains.is_empty());
        [(NAME, names), (DOMAIN, domains), (REFERENCE, names || domains)].into_iter().filter_map(|(kind, named)| named.then_some(kind))
    }

    fn met(&self) -> Target {
        let names = self.names.iter().chain(self.domains.iter().map(|domain| &domain.name));
        anonymous(Source::Dns, &self.target, names.map(text))
    }
}

impl Collector for DnsCollector {
    fn source(&self) -> Source {
        Source::Dns
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let wants = |kind: &str| wanted.contains_key(&resource(kind));
        let mut plan = Vec::new();
        let mut add = |what: &str, name: String, reason: &str| {
            plan.push(PlannedRequest {
                source: Source::Dns,
                target: self.target.clone(),
                method: format!("query {what}"),
                query: name,
                reason: reason.to_owned(),
            });
        };
        let ancestors =
            |name: &Name| std::iter::successors(Some(name.clone()), |name| Some(name.base_name())).take_while(|name| !name.is_root());
        for name in self.names.iter().filter(|_| wants(NAME) || wants(REFERENCE)) {
            for record_type in ["A", "AAAA"] {
                add(record_type, text(name), "all addresses, and the names it stands for");
            }
            for name in ancestors(name) {
                add("CAA", text(&name), "who may issue certificates; asked upwards until there is an answer");
            }
        }
        for domain in self.domains.iter().filter(|_| wants(DOMAIN) || wants(REFERENCE)) {
            let name = text(&domain.name);
            add("SOA", name.clone(), "the zone that the domain lies in");
            for record_type in ["NS", "MX"] {
                add(record_type, name.clone(), "the hosts that the domain depends on");
            }
            for record_type in ["A", "AAAA"] {
                add(record_type, format!("name servers and mail hosts of {name}"), "whether they exist");
            }
            if !wants(DOMAIN) {
                continue;
            }
            for record_type in ["DNSKEY", "DS", "NS"] {
                add(record_type, format!("{name} and the zones above it"), "whether the signatures of the zone hold");
            }
            add("TXT", format!("{name} and the domains it redirects to"), "SPF");
            for name in ancestors(&domain.name) {
                add("TXT", format!("_dmarc.{}", text(&name)), "DMARC; asked upwards until there is an answer");
            }
            for selector in &domain.dkim_selectors {
                add("TXT", format!("{selector}._domainkey.{name}"), "the key for signatures of mail");
            }
        }
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }
}

fn resource(kind: &str) -> Resource {
    Resource::of_object(&format!("{GROUP}{}", Source::Dns), kind)
}

async fn of_name(resolvers: Resolvers, name: Name) -> Records {
    let (content, addresses) = name::look(&resolvers, &name).await;
    let from = text(&name);
    let last = addresses.as_ref().ok().and_then(|found| found.aliases.last().cloned());
    let (how, to) = last.map_or_else(|| ("address", from.clone()), |last| ("CNAME", last));
    vec![(NAME, from.clone(), content), reference(&from, how, &to, addresses)]
}

async fn of_domain(resolvers: Resolvers, anchors: Anchors, domain: Domain, whole: bool) -> Records {
    let from = text(&domain.name);
    let zone = match dnssec::zone_of(&resolvers, &domain.name).await {
        Ok(zone) => zone.ok_or_else(|| Unread::new(Reason::NotServed, "there is no such domain")),
        Err(unread) => Err(unread),
    };
    let zone = match zone {
        Ok(zone) => zone,
        // Of what the domain depends on nothing is known either.
        Err(unread) => return [DOMAIN, REFERENCE].map(|kind| (kind, from.clone(), unread.to_json())).to_vec(),
    };
    let mut records = Records::new();
    if whole {
        let content = json!({
            "domain": from,
            "sends_mail": domain.sends_mail,
            "dnssec": part(dnssec::look(&resolvers, &anchors, &zone).await),
            "mail": mail::look(&resolvers, &domain).await,
        });
        records.push((DOMAIN, from.clone(), content));
    }
    for (how, hosts) in [("NS", name_servers(&resolvers, &zone).await), ("MX", mail::exchangers(&resolvers, &domain.name).await)] {
        match hosts {
            Ok(hosts) => {
                for host in hosts {
                    records.push(reference(&from, how, &text(&host), name::addresses(&resolvers, &host).await));
                }
            }
            Err(unread) => records.push((REFERENCE, format!("{from} {how}"), unread.to_json())),
        }
    }
    records
}

async fn name_servers(resolvers: &Resolvers, zone: &Name) -> Result<Vec<Name>, Unread> {
    let answer = resolvers.ask(zone, RecordType::NS).await?;
    let hosts = answer.records.into_iter().filter_map(|record| match record.data {
        RData::NS(host) => Some(host.0),
        _ => None,
    });
    Ok(hosts.collect())
}

fn reference(from: &str, how: &str, to: &str, addresses: Result<Addresses, Unread>) -> (&'static str, String, Json) {
    let target = part(addresses.map(|found| json!({"addresses": found.count()})));
    (REFERENCE, format!("{from} {how} {to}"), json!({"from": from, "type": how, "to": to, "target": target}))
}
