//! Targets by discovery: what a cluster announces to the outside becomes endpoints, sites and names to look at.
//!
//! Hosts come from Ingresses, Gateways and routes (Gateway API, Istio, Traefik), addresses from load balancers and, where ports
//! are tried, from nodes. Three things are guaranteed. Nothing is contacted that the workspace does not allow: names and
//! addresses are held to its lists (`bounds`), addresses after the look-up, and it is the looked-up addresses that are
//! contacted, so that a name cannot lead elsewhere later. Nothing is left out in silence: whatever is announced is a record that
//! says what became of it. And where a listing that announces is not whole, the population of what is discovered is not known:
//! [`Discovery::announced`] fails, and no target of it is judged.

mod announced;
mod bounds;
mod found;
mod objects;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use proofbook_checks::inventory::{Inventory, Reason, Wanted};
use proofbook_checks::resource::{Resource, Source};

pub use self::announced::Announced;
use self::announced::Announcement;
use self::bounds::{Bounds, Refusal, is_name};
use self::found::request;
pub use self::found::{Found, FoundAddress, FoundPlace};
pub use self::settings::DiscoverSettings;
use crate::address::look_up;
use crate::bounded::each;
use crate::observed::Unread;
use crate::tls::{DEFAULT_PORT, Origin};

/// The target under which look-ups and decisions are recorded.
const TARGET: &str = "discovery";
/// Stands in a plan for addresses that were not looked up; nobody contacts it.
const NOWHERE: [u8; 4] = [0, 0, 0, 0];
/// Stand in a plan for what was not discovered; RFC 6761 keeps such names from existing.
const ANY_HOST: &str = "host.discovered.invalid";
const ANY_ADDRESS: &str = "address.discovered.invalid";
/// Names that are looked up together at most.
const CONCURRENCY: usize = 16;

/// What is discovered, and within which bounds.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one kind of target, any of them may be on")]
pub struct Discovery {
    tls: bool,
    http: bool,
    dns: bool,
    ports: bool,
    bounds: Bounds,
    deadline: Duration,
}

/// The addresses behind names.
type LookedUp = BTreeMap<String, Result<Vec<IpAddr>, Unread>>;

impl Discovery {
    /// Whether a check reads anything that discovery finds.
    #[must_use]
    pub fn is_wanted(&self, wanted: &Wanted) -> bool {
        self.depends(wanted).next().is_some()
    }

    /// What must be read of the cluster to discover.
    #[must_use]
    pub fn reads(&self) -> Wanted {
        announced::reads(self.ports)
    }

    /// Those of the wanted resources that hold what was discovered: without it their population is not known.
    pub fn depends<'w>(&self, wanted: &'w Wanted) -> impl Iterator<Item = &'w Resource> {
        let found = [
            (self.tls || self.http || self.dns || self.ports, Source::Tls, "discoveries"),
            (self.tls, Source::Tls, "endpoints"),
            (self.ports, Source::Tls, "addresses"),
            (self.http, Source::Http, "sites"),
            (self.http, Source::Http, "edgeprobes"),
            (self.dns, Source::Dns, "names"),
            (self.dns, Source::Dns, "references"),
        ];
        wanted
            .keys()
            .filter(move |resource| found.iter().any(|(on, source, name)| *on && resource.source == *source && *name == &*resource.name))
    }

    /// What the cluster announces, by listings that are whole; `is_absent` says what the workspace declares not to exist.
    ///
    /// # Errors
    /// Where a listing is not whole, or an object in it cannot be read.
    pub fn announced(&self, inventory: &Inventory, is_absent: &dyn Fn(&Resource) -> bool) -> Result<Announced, Unread> {
        Announced::read(inventory, self.ports, is_absent)
    }

    /// Holds what is announced to the bounds and looks up the names that may be; contacts nobody else.
    pub async fn look(&self, announced: Announced) -> Found {
        let names: BTreeSet<String> = announced.0.keys().map(|(host, _)| host.clone()).filter(|host| self.judge(host).is_ok()).collect();
        let names = names.into_iter().filter(|host| host.parse::<IpAddr>().is_err());
        let deadline = self.deadline;
        let work = names.map(|host| async move {
            let found = look_up(&host, deadline).await;
            (host, found)
        });
        let mut requests = Vec::new();
        let mut looked_up = BTreeMap::new();
        each(work, CONCURRENCY, |(host, looked)| {
            let (status, items) = looked.as_ref().map_or(("unresolved", 0), |found| ("resolved", found.len()));
            requests.push(request("resolve", host.clone(), status, items));
            looked_up.insert(host, looked);
        })
        .await;
        let mut found = self.assemble(announced, &looked_up, |address| self.bounds.address(address, true));
        found.requests.extend(requests);
        found
    }

    // Decides on each announcement; `judge` holds an address behind a name to the bounds.
    fn assemble(&self, announced: Announced, looked_up: &LookedUp, judge: impl Fn(IpAddr) -> Result<(), Refusal>) -> Found {
        let mut found = Found::default();
        let mut ports: BTreeMap<IpAddr, BTreeSet<&'static str>> = BTreeMap::new();
        for ((host, port), announcement) in announced.0 {
            let decided = self.decide(&host, &announcement, looked_up, &judge);
            found.take(self, host, port, announcement, decided, &mut ports);
        }
        found.ports = ports.into_iter().map(|(address, roles)| FoundAddress { address, roles }).collect();
        found
    }

    /// The same without a look-up, to tell what would be asked: a name stands at the address `0.0.0.0`, which nobody contacts.
    #[must_use]
    pub fn foretell(&self, announced: Announced) -> Found {
        let nowhere = |host: &String| (host.clone(), Ok(vec![IpAddr::from(NOWHERE)]));
        let looked_up = announced.0.keys().map(|(host, _)| nowhere(host)).collect();
        self.assemble(announced, &looked_up, |_| Ok(()))
    }

    /// What would be found, for a plan that contacts nobody: one of each kind, under names that [`Self::untemplated`] replaces.
    #[must_use]
    pub fn template() -> Found {
        let place = |host: &str, origin| FoundPlace {
            host: host.to_owned(),
            port: DEFAULT_PORT,
            origin,
            addresses: vec![IpAddr::from(NOWHERE)],
            withheld: Vec::new(),
        };
        let host = place(ANY_HOST, Origin::Host);
        Found {
            tls: vec![host.clone(), place(ANY_ADDRESS, Origin::Address)],
            http: vec![host],
            dns: vec![ANY_HOST.to_owned()],
            ports: vec![FoundAddress { address: IpAddr::from(NOWHERE), roles: BTreeSet::new() }],
            records: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// The text of a planned request with what is not known named by what it is.
    #[must_use]
    pub fn untemplated(query: &str) -> String {
        let query = query.replace(ANY_HOST, "<host of each Ingress, Gateway and route>");
        query.replace(ANY_ADDRESS, "<address of each load balancer>").replace("0.0.0.0", "<address of each load balancer and node>")
    }

    // Whether something may be contacted as it stands there, before any look-up.
    fn judge(&self, host: &str) -> Result<(), (&'static str, String)> {
        let refused = |refusal: Refusal, detail: &str| (refusal.as_str(), detail.to_owned());
        if let Ok(address) = host.parse() {
            return self.bounds.address(address, false).map_err(|refusal| refused(refusal, refusal.of_address()));
        }
        if host.contains('*') {
            return Err(("wildcard", "a wildcard stands for no host that could be contacted".to_owned()));
        }
        if !is_name(host) {
            return Err(("no-name", "it is no name of a host".to_owned()));
        }
        self.bounds.name(host).map_err(|refusal| match refusal {
            Refusal::Denied => refused(refusal, "`discover.deny` names it"),
            Refusal::NotAllowed => refused(refusal, "no entry of `discover.allow` names it"),
            Refusal::OffLimits => refused(refusal, "clouds serve metadata under this name"),
        })
    }

    fn decide(
        &self,
        host: &str,
        announcement: &Announcement,
        looked_up: &LookedUp,
        judge: &impl Fn(IpAddr) -> Result<(), Refusal>,
    ) -> Decided {
        let mut decided = Decided { decision: "looked-at", ..Decided::default() };
        if let Err((decision, detail)) = self.judge(host) {
            return Decided { decision, detail, ..decided };
        }
        match host.parse::<IpAddr>() {
            Ok(address) => decided.addresses.push(address),
            Err(_) => match looked_up.get(host) {
                Some(Ok(found)) => {
                    for address in found {
                        match judge(*address) {
                            Ok(()) => decided.addresses.push(*address),
                            Err(refusal) => decided.withhold(*address, refusal),
                        }
                    }
                }
                Some(Err(unread)) => decided.withheld.push((None, unread.clone())),
                None => decided.withheld.push((None, Unread::new(Reason::IncompleteList, "the look-up of the name broke off"))),
            },
        }
        // What the cluster says serves the host is asked too where its range is allowed; where not, it is an announcement of its own.
        decided.addresses.extend(announcement.addresses.iter().filter(|address| self.bounds.address(**address, false).is_ok()));
        decided.addresses.sort_unstable();
        decided.addresses.dedup();
        if let Some((_, unread)) = decided.withheld.first() {
            decided.detail.clone_from(&unread.detail);
            decided.decision = if decided.withheld[0].0.is_none() { "no-address" } else { "withheld" };
        }
        decided
    }
}

/// What becomes of one announcement.
#[derive(Default)]
struct Decided {
    decision: &'static str,
    detail: String,
    addresses: Vec<IpAddr>,
    withheld: Vec<(Option<IpAddr>, Unread)>,
}

impl Decided {
    fn withhold(&mut self, address: IpAddr, refusal: Refusal) {
        self.withheld.push((Some(address), Unread::new(Reason::NotCollected, refusal.of_address())));
    }
}

#[cfg(test)]
mod tests;
