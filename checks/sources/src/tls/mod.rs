//! TLS endpoints: which versions an address accepts, with which suites and groups, and which certificate it shows.
//!
//! The versions are asked with hellos of our own, one a version and connection, since client libraries
//! refuse old versions by themselves; a library then completes one handshake for what is encrypted. Every address behind
//! a name is a record of its own. A port that is closed, silent, speaks HTTP or wants a client certificate is an outcome
//! and never mistaken for one that refused a version. Nothing is sent but handshakes and, where a client certificate is
//! asked for, one `GET /`. Work is bounded by a number of connections, and every connection by a deadline; what costs
//! further handshakes (every suite, every group) is asked for only where a check reads it.

mod certificate;
mod chain;
mod endpoint;
mod facts;
mod greeting;
mod handshake;
mod hello;
mod names;
mod probe;
mod record;
mod reply;
mod staple;
mod target;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proofbook_checks::inventory::{Completeness, Inventory, Listing, Reason, Target, Wanted};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::{Resource, Source};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::UnixTime;
use tokio::sync::Semaphore;

use self::chain::Trust;
pub use self::endpoint::{DEFAULT_PORT, Endpoint, EndpointError, Origin};
use self::facts::Facts;
pub(crate) use self::greeting::{Greeting, greet};
use self::names::Version;
use self::probe::Prober;
use self::record::EndpointRecord;
pub use self::target::TlsTarget;
use crate::address::{OFF_LIMITS, is_off_limits};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Unread, anonymous};

/// What to look at, and how.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Addresses of endpoints that are known and must not be asked, or names that have none, with the reason.
    pub withheld: Vec<(Endpoint, Option<IpAddr>, Unread)>,
    /// A PEM file with the roots to trust, instead of those of the machine.
    pub ca_file: Option<PathBuf>,
    /// How long one connection may take, from the attempt to the last byte.
    pub deadline: Duration,
    /// How many connections may be open at a time.
    pub concurrency: usize,
    /// Whether link-local addresses and those of metadata services may be contacted.
    pub allow_link_local: bool,
}

/// No endpoint, the roots of the machine, five seconds a connection, 32 connections at a time.
impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            withheld: Vec::new(),
            ca_file: None,
            deadline: Duration::from_secs(5),
            concurrency: 32,
            allow_link_local: false,
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// An endpoint that is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The file with the trusted roots.
    #[error("cannot take the trusted roots from {path}: {detail}; expected certificates in PEM form")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// The collector of TLS endpoints.
pub struct TlsCollector {
    target: String,
    settings: TlsSettings,
    trust: Option<Arc<Trust>>,
    provider: Arc<CryptoProvider>,
}

impl TlsCollector {
    /// A collector by the name that the workspace gives it; contacts nobody.
    ///
    /// # Errors
    /// When an endpoint is not one, or the file with the trusted roots cannot be read.
    pub fn new(target: impl Into<String>, mut settings: TlsSettings) -> Result<Self, TlsError> {
        for endpoint in settings.endpoints.iter().chain(settings.withheld.iter().map(|(endpoint, ..)| endpoint)) {
            endpoint.check()?;
        }
        settings.endpoints.sort();
        settings.endpoints.dedup();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let trust = settings.ca_file.as_deref().map(|path| Trust::from_file(path, algorithms)).transpose()?;
        Ok(Self { target: target.into(), settings, trust: trust.map(Arc::new), provider })
    }

    // Probes every endpoint for what the projection reads.
    async fn probe(&self, projection: &Projection, progress: &dyn Progress) -> Inventory {
        let trust = self.trust.clone().unwrap_or_else(|| Arc::new(Trust::of_machine(self.provider.signature_verification_algorithms)));
        let limit = self.settings.concurrency.max(1);
        let prober = Arc::new(Prober {
            target: self.target.clone(),
            deadline: self.settings.deadline,
            connections: Semaphore::new(limit),
            provider: Arc::clone(&self.provider),
            facts: facts_of(projection),
        });
        let mut gathered = Gathered::default();
        gathered.records.extend(self.settings.withheld.iter().map(|(endpoint, address, unread)| {
            let outcome = if address.is_none() { "unresolved" } else { "unreachable" };
            EndpointRecord::unasked(endpoint, *address, outcome, unread.detail.clone())
        }));

        let mut places = Vec::new();
        let resolving = self.settings.endpoints.iter().cloned().map(|endpoint| {
            let prober = Arc::clone(&prober);
            async move {
                let resolved = prober.resolve(&endpoint).await;
                (endpoint, resolved)
            }
        });
        gathered.lost += each(resolving, limit, |(endpoint, (addresses, request))| {
            gathered.inventory.requests.extend(request);
            match addresses {
                Ok(addresses) => places.extend(addresses.into_iter().map(|address| (endpoint.clone(), address))),
                Err(detail) => gathered.records.push(EndpointRecord::unasked(&endpoint, None, "unresolved", detail)),
            }
        })
        .await;

        // Two endpoints may lead to the same address in the same name.
        places.sort_by_cached_key(|(endpoint, address)| endpoint.record_name(Some(*address)));
        places.dedup_by_key(|(endpoint, address)| endpoint.record_name(Some(*address)));
        if !self.settings.allow_link_local {
            places.retain(|(endpoint, address)| {
                let refused = is_off_limits(*address);
                if refused {
                    gathered.records.push(EndpointRecord::unasked(endpoint, Some(*address), "unreachable", OFF_LIMITS.to_owned()));
                }
                !refused
            });
        }
        progress.advanced(&self.target, WHAT, count(gathered.records.len()));

        let probing = places.into_iter().map(|(endpoint, address)| {
            let (prober, trust) = (Arc::clone(&prober), Arc::clone(&trust));
            async move {
                let mut probe = prober.probe(&endpoint, address).await;
                let requests = std::mem::take(&mut probe.requests);
                (EndpointRecord::probed(&endpoint, address, probe, &trust, prober.deadline, UnixTime::now()), requests)
            }
        });
        gathered.lost += each(probing, limit, |(record, requests)| {
            gathered.inventory.requests.extend(requests);
            gathered.records.push(record);
            progress.advanced(&self.target, WHAT, 1);
        })
        .await;
        gathered.finish(self.met(), projection)
    }

    fn met(&self) -> Target {
        let looked_at = self.settings.endpoints.iter().map(|endpoint| {
            let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
            format!("{} {}", endpoint.record_name(None), addresses.join(" "))
        });
        anonymous(Source::Tls, &self.target, looked_at)
    }
}

impl Collector for TlsCollector {
    fn source(&self) -> Source {
        Source::Tls
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let Some(projection) = wanted.get(&Resource::tls_endpoints()) else { return Vec::new() };
        let facts = facts_of(projection);
        let planned = |method: &str, query: String, reason: &str| PlannedRequest {
            source: Source::Tls,
            target: self.target.clone(),
            method: method.to_owned(),
            query,
            reason: reason.to_owned(),
        };
        let mut plan = Vec::new();
        for endpoint in &self.settings.endpoints {
            let is_name = endpoint.host.parse::<IpAddr>().is_err();
            if is_name && endpoint.addresses.is_empty() {
                plan.push(planned("resolve", endpoint.host.clone(), "every address behind the name is asked"));
            }
            for version in Version::ALL {
                plan.push(planned(&format!("client-hello {}", version.as_str()), endpoint.to_string(), "whether the version is accepted"));
            }
            for (what, version) in facts.asked(&Version::ALL) {
                let method = format!("client-hello {} {}", version.as_str(), what.as_str());
                let reason = format!("only where the version is accepted: all {}, one a hello", what.as_str());
                plan.push(planned(&method, endpoint.to_string(), &reason));
            }
            plan.push(planned("handshake", endpoint.to_string(), "certificate, chain, and whether a client certificate is asked for"));
            plan.push(planned("GET /", endpoint.to_string(), "only where a client certificate is asked for: whether it is required"));
        }
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(async move {
            match wanted.get(&Resource::tls_endpoints()) {
                Some(projection) => self.probe(projection, progress).await,
                None => Inventory::default(),
            }
        })
    }
}

/// The facts that are read.
fn facts_of(projection: &Projection) -> Facts {
    let reads = |part| projection.mask.covers(part);
    Facts { suites: reads("suites") || reads("dh_bits"), groups: reads("groups"), alpn: reads("alpn") }
}

/// The unit of progress.
const WHAT: &str = "endpoints";

/// What a run has gathered so far.
#[derive(Default)]
struct Gathered {
    inventory: Inventory,
    records: Vec<EndpointRecord>,
    lost: usize,
}

impl Gathered {
    fn finish(mut self, target: Target, projection: &Projection) -> Inventory {
        self.records.sort_by(|a, b| a.name().cmp(b.name()));
        let completeness = if self.lost == 0 {
            Completeness::Complete
        } else {
            Completeness::Failed { reason: Reason::IncompleteList, detail: format!("{} probes broke off", self.lost) }
        };
        let objects = self.records.iter().map(|record| record.project(projection)).collect();
        self.inventory.listings.insert(Resource::tls_endpoints(), Listing { completeness, objects, resource_version: None });
        self.inventory.requests.sort();
        self.inventory.targets.push(target);
        self.inventory
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// How many bits a number has that is written in bytes.
pub(crate) fn bits(number: &[u8]) -> usize {
    let significant = number.iter().position(|byte| *byte != 0).map_or(&[][..], |start| &number[start..]);
    significant.first().map_or(0, |first| significant.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_probe_that_breaks_off_leaves_the_list_incomplete() {
        let pieces = (0..5).map(|number| async move {
            assert!(number != 3, "the piece that breaks off");
            number
        });
        let mut results = Vec::new();
        let lost = each(pieces, 2, |number| results.push(number)).await;
        results.sort_unstable();
        assert_eq!((results, lost), (vec![0, 1, 2, 4], 1));

        let collector = TlsCollector::new("endpoints", TlsSettings::default()).unwrap();
        let inventory = Gathered { lost, ..Gathered::default() }.finish(collector.met(), &Projection::default());
        let completeness = inventory.completeness(&Resource::tls_endpoints());
        assert!(matches!(completeness, Completeness::Failed { reason: Reason::IncompleteList, .. }), "{completeness:?}");
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        assert_eq!([bits(&[]), bits(&[0, 0]), bits(&[1]), bits(&[0, 0x80, 0])], [0, 0, 1, 16]);
    }
}
