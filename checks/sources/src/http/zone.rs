//! Zones of a content network, by its own API: which names it stands before, and where it may decrypt.
//!
//! Cloudflare is known. A name that is not proxied leads around it, whatever the plan promises. Where TLS is terminated is told by
//! the regional hostnames of the zone; a name without one is served wherever a visitor is near. Addresses behind the names are
//! not kept.

use proofbook_checks::inventory::{Reason, Request, Target};
use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::service::{Access, Service};
use crate::settings::{SettingsError, Setup};

/// The plan and the state of a zone.
pub(super) const ZONE: &str = "Zone";
/// A name of a zone that leads somewhere.
pub(super) const EDGE_NAME: &str = "EdgeName";

/// Where Cloudflare is asked.
const API: &str = "https://api.cloudflare.com/client/v4";

/// How many pages a list may have.
const PAGES: u64 = 100;

/// A zone of Cloudflare.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneSettings {
    /// The id of the zone, as its overview shows it.
    pub zone: Spanned<String>,
    /// Where the API is; Cloudflare's own where nothing is said.
    #[serde(default)]
    pub url: Option<Spanned<String>>,
    /// Who asks: a token with `Zone: Read` and `DNS: Read` for this zone.
    pub access: Access,
}

/// A zone to look at.
#[derive(Debug)]
pub(super) struct Zone {
    id: String,
    service: Service,
}

/// What came of a zone.
pub(super) struct Read {
    pub(super) records: Vec<(&'static str, String, Json)>,
    pub(super) requests: Vec<Request>,
    pub(super) target: Target,
}

impl ZoneSettings {
    pub(super) fn open(&self, target: &str, setup: &Setup<'_>) -> Result<Zone, SettingsError> {
        let id = &self.zone.value;
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let detail = "the id of a zone has letters and digits only".to_owned();
            return Err(SettingsError { target: setup.place(&self.zone), detail });
        }
        let url = self.url.clone().unwrap_or_else(|| Spanned { value: API.to_owned(), span: self.zone.span });
        Ok(Zone { id: id.clone(), service: Service::open(Source::Http, target, id, &url, &self.access, setup)? })
    }
}

impl Zone {
    pub(super) fn plan(&self) -> [PlannedRequest; 3] {
        [
            self.service.planned(&self.path(""), &[], "the plan and the state of the zone"),
            self.service.planned(&self.path("/dns_records"), &[("per_page", "100")], "which names are proxied"),
            self.service.planned(&self.path("/addressing/regional_hostnames"), &[], "where TLS of which name is terminated"),
        ]
    }

    fn path(&self, rest: &str) -> String {
        format!("zones/{}{rest}", self.id)
    }

    pub(super) async fn read(&self) -> Read {
        let (about, names, regions) = tokio::join!(self.result("", 1), self.names(), self.result("/addressing/regional_hostnames", 1));
        let regions = regions.map(|told| told["result"].as_array().cloned().unwrap_or_default());
        let mut records = Vec::new();
        let zone = about.as_ref().map(|told| told["result"]["name"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
        records.push((ZONE, self.id.clone(), about.map_or_else(|unread| unread.to_json(), |told| kept(&told["result"]))));
        match names {
            Err(unread) => records.push((EDGE_NAME, self.id.clone(), unread.to_json())),
            Ok(names) => records.extend(names.iter().map(|name| {
                let host = name["name"].as_str().unwrap_or_default().to_ascii_lowercase();
                let mut content = json!({"host": host, "zone": zone, "zone_id": self.id, "proxied": name["proxied"] == true});
                match &regions {
                    Err(unread) => content["region"] = unread.to_json(),
                    Ok(regions) => {
                        if let Some(region) = region_of(regions, &host) {
                            content["region"] = json!({"key": region});
                        }
                    }
                }
                (EDGE_NAME, format!("{host}/{}", name["type"].as_str().unwrap_or_default()), content)
            })),
        }
        // A name with several addresses is one name; it is proxied where all of them are.
        records.sort_by(|(kind, a, one), (other_kind, b, other)| {
            (kind, a, one["proxied"] == true).cmp(&(other_kind, b, other["proxied"] == true))
        });
        records.dedup_by(|(kind, a, _), (other_kind, b, _)| kind == other_kind && a == b);
        Read { records, requests: self.service.requests(), target: self.service.met("") }
    }

    // All names that lead to an address, page by page.
    async fn names(&self) -> Result<Vec<Json>, Unread> {
        let mut names = Vec::new();
        for page in 1..=PAGES {
            let told = self.result("/dns_records", page).await?;
            let list = told["result"].as_array().ok_or_else(|| Unread::new(Reason::ParseError, "the records of the zone are no list"))?;
            let leads = |name: &&Json| matches!(name["type"].as_str(), Some("A" | "AAAA" | "CNAME"));
            names.extend(list.iter().filter(leads).cloned());
            let pages = told["result_info"]["total_pages"].as_u64();
            let pages =
                pages.ok_or_else(|| Unread::new(Reason::IncompleteList, "the list of records does not tell how many pages it has"))?;
            if page >= pages {
                return Ok(names);
            }
        }
        Err(Unread::new(Reason::IncompleteList, format!("the zone has more than {PAGES} pages of records")))
    }

    async fn result(&self, rest: &str, page: u64) -> Result<Json, Unread> {
        let page = page.to_string();
        let paged = [("per_page", "100"), ("page", page.as_str())];
        let query: &[(&str, &str)] = if rest == "/dns_records" { &paged } else { &[] };
        let told = self.service.json(&self.path(rest), query).await?;
        if told["success"] == true { Ok(told) } else { Err(Unread::new(Reason::ParseError, "the answer tells no success")) }
    }
}

fn kept(zone: &Json) -> Json {
    json!({
        "provider": "cloudflare",
        "zone": zone["name"],
        "plan": zone["plan"]["legacy_id"],
        "active": zone["status"] == "active" && zone["paused"] != true,
    })
}

// The region of a name: its own, or that of a wildcard one level above.
fn region_of<'r>(regions: &'r [Json], host: &str) -> Option<&'r str> {
    let above = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    let of = |name: &str| regions.iter().find(|region| region["hostname"].as_str().is_some_and(|told| told.eq_ignore_ascii_case(name)));
    of(host).or_else(|| of(&above?)).and_then(|region| region["region_key"].as_str())
}
