//! Web servers: what a browser is told by each address of a host, security.txt, status pages, and the filter at the edge.
//!
//! Every address behind a name is asked by itself, with the name in `Host` and in the handshake. Redirects are recorded; only
//! those that stay on the same origin are followed, and no further than five. Values of cookies, bodies of pages and the
//! queries of redirects are never kept. What a certificate is worth is the business of the TLS source, so none is looked at
//! here. Zones of a content network are asked at its own API. The probe of the filter at the edge is sent only where a check that must be asked for by name wants its answer.

mod address;
mod edge;
mod follow;
mod headers;
mod hsts;
mod security_txt;
mod site;
mod status_page;
mod target;
mod zone;

use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use proofbook_checks::inventory::{Inventory, Reason, Request, Target, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use reqwest::Url;
use serde_json::{Value as Json, json};

use self::address::Addresses;
pub use self::target::{HttpTarget, SecurityTxtSettings, SiteSettings, StatusPageSettings};
pub use self::zone::ZoneSettings;
use self::zone::{EDGE_NAME, ZONE, Zone};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread, anonymous};
use crate::web::{Web, WebSettings};

/// Hosts that are looked at together at most.
const CONCURRENCY: usize = 16;

/// How often a request is made at most, where the other side asks for patience.
const ATTEMPTS: u32 = 3;

/// The pages of hosts, as people's browsers get them.
const SITE: &str = "Site";
/// What the filter at the edge does with a request that looks like an attack.
const EDGE_PROBE: &str = "EdgeProbe";
/// Files by RFC 9116.
const SECURITY_TXT: &str = "SecurityTxt";
/// Status pages.
const STATUS_PAGE: &str = "StatusPage";

/// One URL to look at, with the addresses to ask where they are given.
#[derive(Clone, Debug)]
struct Place {
    url: Url,
    addresses: Vec<IpAddr>,
    /// Why it is not, or not everywhere, looked at.
    withheld: Option<Unread>,
}

/// A site to look at.
#[derive(Clone, Debug)]
struct Site {
    place: Place,
    plain_port: u16,
    api: bool,
}

/// A status page to look at.
#[derive(Clone, Debug)]
struct StatusPage {
    place: Place,
    machine_readable: bool,
}

/// What to look at, and how.
#[derive(Clone, Debug)]
struct Settings {
    sites: Vec<Site>,
    security_txt: Vec<Place>,
    status_pages: Vec<StatusPage>,
    deadline: Duration,
    allow_link_local: bool,
}

/// The collector of web servers.
#[derive(Debug)]
pub struct HttpCollector {
    target: String,
    settings: Settings,
    zones: Vec<Zone>,
}

/// One piece of work.
type Work = Pin<Box<dyn Future<Output = Looked> + Send>>;

/// What came of one place: the record, and the requests behind it.
struct Looked {
    kind: &'static str,
    name: String,
    content: Json,
    requests: Vec<Request>,
}

/// One place at one of its addresses; none where the name has no address.
#[derive(Clone)]
struct Spot {
    place: Place,
    address: Result<IpAddr, Unread>,
}

impl Place {
    /// The host, and the port and path where they are not those that everybody expects.
    fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path = Some(self.url.path()).filter(|path| *path != "/").unwrap_or_default();
        format!("{host}{port}{path}")
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    fn at(&self) -> (String, u16) {
        (self.host().to_owned(), self.url.port_or_known_default().unwrap_or_default())
    }
}

impl Spot {
    fn name(&self) -> String {
        match &self.address {
            Ok(address) => format!("{}@{address}", self.place.name()),
            Err(_) => self.place.name(),
        }
    }

    /// A record's beginning: where was looked.
    fn head(&self) -> serde_json::Map<String, Json> {
        let mut head = serde_json::Map::new();
        head.insert("host".to_owned(), self.place.host().into());
        head.insert("url".to_owned(), self.place.url.as_str().into());
        if let Ok(address) = &self.address {
            head.insert("address".to_owned(), address.to_string().into());
        }
        head
    }
}

impl HttpCollector {
    fn wants(&self, wanted: &Wanted, kind: &str) -> bool {
        wanted.contains_key(&resource(kind))
    }

    // A client that asks this one address.
    fn web(&self, address: IpAddr, attempts: u32) -> Result<Web, Unread> {
        let settings = WebSettings {
            deadline: self.settings.deadline,
            any_certificate: true,
            allow_link_local: self.settings.allow_link_local,
            address: Some(address),
            attempts,
            ..WebSettings::new(Source::Http, &self.target)
        };
        Web::new(settings).map_err(|detail| Unread::new(Reason::Unreachable, detail))
    }

    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        if !wanted.keys().any(|resource| resource.source == Source::Http) {
            return Inventory::default();
        }
        let mut observed = Observed::new(Source::Http);
        let addresses = Addresses::of(&self.asked(wanted), &self.target, self.settings.deadline).await;
        observed.requests(addresses.requests.iter().cloned());
        let work = self.work(wanted, &addresses);
        for kind in self.asked_kinds().filter(|kind| self.wants(wanted, kind)) {
            observed.listed(kind);
        }
        let lost = each(work, CONCURRENCY, |looked: Looked| {
            observed.record(looked.kind, &looked.name, looked.content);
            observed.requests(looked.requests);
            progress.advanced(&self.target, "web servers", 1);
        })
        .await;
        if lost > 0 {
            for kind in self.asked_kinds() {
                let detail = format!("{lost} pieces of work broke off");
                observed.failed(kind, Unread::new(Reason::IncompleteList, detail));
            }
        }
        if self.wants(wanted, ZONE) || self.wants(wanted, EDGE_NAME) {
            for zone in &self.zones {
                let read = zone.read().await;
                read.records.into_iter().for_each(|(kind, name, content)| observed.record(kind, &name, content));
                observed.requests(read.requests);
                observed.target(read.target);
                progress.advanced(&self.target, "zones", 1);
            }
        }
        if self.places().next().is_some() {
            observed.target(self.met());
        }
        observed.finish(wanted)
    }

    // One piece of work for each place at each address.
    fn work(&self, wanted: &Wanted, addresses: &Addresses) -> Vec<Work> {
        let mut work: Vec<Work> = Vec::new();
        let web = |spot: &Spot, attempts| spot.address.clone().and_then(|address| self.web(address, attempts));
        for site in &self.settings.sites {
            for spot in addresses.spots(&site.place) {
                if self.wants(wanted, EDGE_PROBE) {
                    // Once a run, whatever comes of it.
                    work.push(Box::pin(edge::look(spot.clone(), web(&spot, 1))));
                }
                if self.wants(wanted, SITE) {
                    let reach = site::Reach { target: self.target.clone(), deadline: self.settings.deadline };
                    work.push(Box::pin(site::look(site.clone(), spot.clone(), web(&spot, ATTEMPTS), reach)));
                }
            }
        }
        for place in self.settings.security_txt.iter().filter(|_| self.wants(wanted, SECURITY_TXT)) {
            for spot in addresses.spots(place) {
                work.push(Box::pin(security_txt::look(spot.clone(), web(&spot, ATTEMPTS))));
            }
        }
        for page in self.settings.status_pages.iter().filter(|_| self.wants(wanted, STATUS_PAGE)) {
            let spots = addresses.spots(&page.place);
            if let Some(first) = spots.first() {
                let web = web(first, ATTEMPTS);
                work.push(Box::pin(status_page::look(page.clone(), spots, web)));
            }
        }
        work
    }

    // The places that are looked at for what is wanted.
    fn asked(&self, wanted: &Wanted) -> Vec<&Place> {
        let sites = self.settings.sites.iter().map(|site| (self.wants(wanted, SITE) || self.wants(wanted, EDGE_PROBE), &site.place));
        let files = self.settings.security_txt.iter().map(|place| (self.wants(wanted, SECURITY_TXT), place));
        let pages = self.settings.status_pages.iter().map(|page| (self.wants(wanted, STATUS_PAGE), &page.place));
        sites.chain(files).chain(pages).filter_map(|(wanted, place)| wanted.then_some(place)).collect()
    }

    // The kinds of which the workspace names something; a listing of the others is not collected, and never empty.
    fn asked_kinds(&self) -> impl Iterator<Item = &'static str> {
        [
            (SITE, !self.settings.sites.is_empty()),
            (EDGE_PROBE, !self.settings.sites.is_empty()),
            (SECURITY_TXT, !self.settings.security_txt.is_empty()),
            (STATUS_PAGE, !self.settings.status_pages.is_empty()),
            (ZONE, !self.zones.is_empty()),
            (EDGE_NAME, !self.zones.is_empty()),
        ]
        .into_iter()
        .filter_map(|(kind, named)| named.then_some(kind))
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        let sites = self.settings.sites.iter().map(|site| &site.place);
        let pages = self.settings.status_pages.iter().map(|page| &page.place);
        sites.chain(&self.settings.security_txt).chain(pages)
    }

    fn met(&self) -> Target {
        let looked_at = self.places().map(|place| {
            let addresses: Vec<String> = place.addresses.iter().map(ToString::to_string).collect();
            format!("{} {}", place.url, addresses.join(" "))
        });
        anonymous(Source::Http, &self.target, looked_at)
    }
}

impl Collector for HttpCollector {
    fn source(&self) -> Source {
        Source::Http
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let mut plan = Vec::new();
        let mut add = |method: &str, query: String, reason: &str| {
            plan.push(PlannedRequest {
                source: Source::Http,
                target: self.target.clone(),
                method: method.to_owned(),
                query,
                reason: reason.to_owned(),
            });
        };
        for site in &self.settings.sites {
            if self.wants(wanted, SITE) {
                add("GET", site::plain_url(site).to_string(), "whether plain HTTP is redirected or closed");
                add(
                    "tcp-connect",
                    format!("{}:{}", site.place.host(), site.plain_port),
                    "only where nothing answers: whether it is refused",
                );
                add("GET", site.place.url.to_string(), "headers and cookies; redirects on the same origin are followed");
            }
            if self.wants(wanted, EDGE_PROBE) {
                for (url, reason) in edge::urls(&site.place.url) {
                    add("GET", url.to_string(), reason);
                }
            }
        }
        if self.wants(wanted, SECURITY_TXT) {
            for place in &self.settings.security_txt {
                add("GET", security_txt::url(&place.url).to_string(), "the contact for reports of weaknesses");
            }
        }
        if self.wants(wanted, STATUS_PAGE) {
            for page in &self.settings.status_pages {
                add("GET", page.place.url.to_string(), "whether the status page answers");
                for url in page.machine_readable.then(|| status_page::urls(&page.place.url)).into_iter().flatten() {
                    add("GET", url.to_string(), "components and incidents in machine-readable form");
                }
            }
        }
        for place in self.asked(wanted).into_iter().filter(|place| address::needs_look_up(place)) {
            add("resolve", place.host().to_owned(), "every address behind the name is asked");
        }
        if self.wants(wanted, ZONE) || self.wants(wanted, EDGE_NAME) {
            plan.extend(self.zones.iter().flat_map(Zone::plan));
        }
        plan.sort();
        plan.dedup();
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }
}

fn resource(kind: &str) -> Resource {
    Resource::of_object(&format!("{GROUP}{}", Source::Http), kind)
}

/// The record of a place of which nothing could be asked.
fn unasked(kind: &'static str, spot: &Spot, unread: &Unread) -> Looked {
    let mut content = spot.head();
    if let Json::Object(told) = unread.to_json() {
        content.extend(told);
    }
    Looked { kind, name: spot.name(), content: Json::Object(content), requests: Vec::new() }
}

/// A request that is none of HTTP.
fn request(target: &str, method: &str, query: String, status: &str, items: usize) -> Request {
    Request {
        status: status.to_owned(),
        items: u64::try_from(items).unwrap_or(u64::MAX),
        ..Request::new(Source::Http, target, method, query)
    }
}

/// Requests as they are kept: a redirect may carry what is nobody's business in its query.
fn without_queries(mut requests: Vec<Request>) -> Vec<Request> {
    for request in &mut requests {
        if let Some(end) = request.query.find('?') {
            request.query.truncate(end);
        }
    }
    requests
}

/// Where an answer leads, without query and fragment.
fn location(answer: &crate::web::Answer, base: &Url) -> Option<(Url, Json)> {
    let url = base.join(answer.header("location")?).ok()?;
    let host = url.host_str().unwrap_or_default();
    let shown = json!({"scheme": url.scheme(), "host": host, "path": url.path()});
    Some((url, shown))
}
