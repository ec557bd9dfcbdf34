//! Web servers as the workspace writes them.

use std::net::IpAddr;
use std::time::Duration;

use proofbook_controls::yaml::Spanned;
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::zone::ZoneSettings;
use super::{HttpCollector, Place, Settings, Site, StatusPage};
use crate::collector::Collector;
use crate::discovery::FoundPlace;
use crate::observed::Unread;
use crate::settings::{SettingsError, Setup, TargetSettings};

/// Web servers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpTarget {
    /// Sites that people or programs of customers reach.
    #[serde(default)]
    pub sites: Vec<SiteSettings>,
    /// Sites that publish a contact for reports of weaknesses in `/.well-known/security.txt`.
    #[serde(default)]
    pub security_txt: Vec<SecurityTxtSettings>,
    /// Status pages.
    #[serde(default)]
    pub status_pages: Vec<StatusPageSettings>,
    /// Zones of a content network (Cloudflare) that stand before the sites.
    #[serde(default)]
    pub zones: Vec<ZoneSettings>,
    /// Seconds that an exchange may take; 5 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
    /// Whether link-local addresses and those of metadata services may be contacted.
    #[serde(default)]
    pub allow_link_local: bool,
}

/// A site.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteSettings {
    /// The page to look at: `https://app.example.com/login`. The host is also asked over plain HTTP.
    pub url: Spanned<String>,
    /// Addresses to ask in place of those that the name leads to.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The port of plain HTTP; 80 where nothing is said.
    #[serde(default)]
    pub plain_port: Option<u16>,
    /// Whether only programs call the host, so that what is told to browsers matters to nobody.
    #[serde(default)]
    pub api: bool,
}

/// A site with a security.txt.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityTxtSettings {
    /// The site: `https://example.com`.
    pub url: Spanned<String>,
    /// Addresses to ask in place of those that the name leads to.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// A status page.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusPageSettings {
    /// The page: `https://status.example.com/`.
    pub url: Spanned<String>,
    /// Addresses to ask in place of those that the name leads to.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// Whether the page has the usual interface for programs (`/api/v2/summary.json` and `/api/v2/incidents.json`); it is asked
    /// where nothing is said.
    #[serde(default)]
    pub machine_readable: Option<bool>,
}

impl TargetSettings for HttpTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        self.open_with(name, setup, &[])
    }
}

impl HttpTarget {
    /// Opens the target together with what was discovered. A host that the workspace names itself is looked at as it says.
    ///
    /// # Errors
    /// As [`TargetSettings::open`].
    pub fn open_with(&self, name: &str, setup: &Setup<'_>, found: &[FoundPlace]) -> Result<Box<dyn Collector>, SettingsError> {
        let sites = self.sites.iter().map(|site| {
            let place = place(setup, &site.url, &site.addresses)?;
            Ok(Site { place, plain_port: site.plain_port.unwrap_or(80), api: site.api })
        });
        let mut sites: Vec<Site> = sites.collect::<Result<_, _>>()?;
        let named: Vec<(String, u16)> = sites.iter().map(|site| site.place.at()).collect();
        let new = found.iter().filter(|place| !named.contains(&(place.host.clone(), place.port)));
        sites.extend(new.filter_map(discovered));
        let security_txt = self.security_txt.iter().map(|site| {
            let mut place = place(setup, &site.url, &site.addresses)?;
            place.url.set_path("/");
            Ok(place)
        });
        let status_pages = self.status_pages.iter().map(|page| {
            let place = place(setup, &page.url, &page.addresses)?;
            Ok(StatusPage { place, machine_readable: page.machine_readable.unwrap_or(true) })
        });
        let settings = Settings {
            sites: once(sites, |site: &Site| &site.place),
            security_txt: once(security_txt.collect::<Result<_, _>>()?, |place: &Place| place),
            status_pages: once(status_pages.collect::<Result<_, _>>()?, |page: &StatusPage| &page.place),
            deadline: Duration::from_secs(self.deadline_seconds.unwrap_or(5)),
            allow_link_local: self.allow_link_local,
        };
        let zones = self.zones.iter().map(|zone| zone.open(name, setup)).collect::<Result<_, _>>()?;
        Ok(Box::new(HttpCollector { target: name.to_owned(), settings, zones }))
    }
}

// A discovered host as a site. Whether only programs call it cannot be told, so it is taken for one that people see.
fn discovered(found: &FoundPlace) -> Option<Site> {
    let url: Url = format!("https://{}:{}/", found.host, found.port).parse().ok()?;
    let told: Vec<String> = found
        .withheld
        .iter()
        .map(|(address, unread)| match address {
            Some(address) => format!("{address}: {}", unread.detail),
            None => unread.detail.clone(),
        })
        .collect();
    let withheld = found.withheld.first().map(|(_, first)| Unread::new(first.reason, told.join("; ")));
    Some(Site { place: Place { url, addresses: found.addresses.clone(), withheld }, plain_port: 80, api: false })
}

// A place that is named twice is looked at once.
fn once<T>(mut items: Vec<T>, place: fn(&T) -> &Place) -> Vec<T> {
    items.sort_by_key(|item| place(item).name());
    items.dedup_by_key(|item| place(item).name());
    items
}

fn place(setup: &Setup<'_>, url: &Spanned<String>, addresses: &[IpAddr]) -> Result<Place, SettingsError> {
    let fault = |detail: &str| SettingsError { target: setup.place(url), detail: format!("`{}` {detail}", url.value) };
    let mut parsed: Url = url.value.parse().map_err(|_| fault("is no URL; write it as https://app.example.com/"))?;
    if parsed.scheme() != "https" || !parsed.has_host() {
        return Err(fault("does not begin with https:// and a host; plain HTTP is asked besides, by itself"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(fault("holds a user or a password; take them out"));
    }
    parsed.set_fragment(None);
    parsed.set_query(None);
    Ok(Place { url: parsed, addresses: addresses.to_vec(), withheld: None })
}
