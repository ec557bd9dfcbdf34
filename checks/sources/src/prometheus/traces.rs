//! Tempo: for how long traces are kept.
//!
//! The compactor deletes blocks when they are old enough; a tenant may have a time of its own. Overrides by tenant stand in a file
//! that Tempo shows under another path, which needs no right of its own.

use proofbook_checks::functions::parse_hours;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::{Found, Read};
use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::service::Service;
use crate::text::yaml;
use crate::wanted::Asked;

/// The kinds of records that a Tempo gives.
pub(super) const KINDS: &[&str] = &["TraceStore"];

/// Where the configuration is shown.
pub(super) const CONFIG: &str = "status/config";
const BUILD: &str = "api/status/buildinfo";

#[derive(Debug)]
pub(super) struct Tempo {
    pub service: Service,
    pub overrides: Option<Vec<u8>>,
}

impl Tempo {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        if !asked.kind("TraceStore") {
            return Vec::new();
        }
        vec![self.service.planned(BUILD, &[], "which version answers"), self.service.planned(CONFIG, &[], "for how long traces are kept")]
    }

    pub(super) async fn read(&self) -> Read {
        let (version, config) = tokio::join!(self.service.json(BUILD, &[]), self.config());
        let found = config.map_or_else(|unread| vec![Found::unread("TraceStore", &self.service, &unread)], |config| self.stores(&config));
        let version = version.ok().and_then(|told| Some(told["version"].as_str()?.to_owned()));
        Read { found, target: self.service.met(version.as_deref().unwrap_or_default()), requests: self.service.requests() }
    }

    async fn config(&self) -> Result<Json, Unread> {
        let told = |unread: Unread| Unread::new(unread.reason, format!("{CONFIG}: {}", unread.detail));
        let answer = self.service.get(CONFIG, &[]).await.and_then(crate::web::Answer::ok).map_err(told)?;
        yaml("the configuration of Tempo", answer.text()?)
    }

    fn stores(&self, config: &Json) -> Vec<Found> {
        let name = &self.service.name;
        let of_compactor = &config["compactor"]["compaction"]["block_retention"];
        // The newer form of the overrides has the defaults in a part of their own.
        let overrides = &config["overrides"];
        let of_all = [&overrides["defaults"]["compaction"]["block_retention"], &overrides["block_retention"]];
        let default = of_all.into_iter().find(|period| is_set(period)).unwrap_or(of_compactor);
        let mut found = vec![store(name, default)];
        let file = overrides["per_tenant_override_config"].as_str().filter(|file| !file.is_empty());
        match (&self.overrides, file) {
            (Some(text), _) => found.extend(self.tenants(text)),
            (None, Some(_)) => {
                let detail = "Tempo reads overrides by tenant from a file that it does not show here; name a copy of it under `overrides`";
                found.push(Found::new("TraceStore", format!("{name}/overrides"), Unread::new(Reason::NotServed, detail).to_json()));
            }
            (None, None) => {}
        }
        found
    }

    fn tenants(&self, text: &[u8]) -> Vec<Found> {
        let name = &self.service.name;
        let text = std::str::from_utf8(text).map_err(|_| Unread::new(Reason::ParseError, "the overrides of Tempo are no UTF-8"));
        let told = match text.and_then(|text| yaml("the overrides of Tempo", text)) {
            Err(unread) => return vec![Found::new("TraceStore", format!("{name}/overrides"), unread.to_json())],
            Ok(told) => told,
        };
        let tenants = told["overrides"].as_object().into_iter().flatten();
        let periods = tenants.filter_map(|(tenant, limits)| {
            let periods = [&limits["compaction"]["block_retention"], &limits["block_retention"]];
            Some((tenant, periods.into_iter().find(|period| is_set(period))?))
        });
        periods.map(|(tenant, period)| store(&format!("{name}/{tenant}"), period)).collect()
    }
}

// Zero means that the time of the compactor holds.
fn is_set(period: &Json) -> bool {
    !period.is_null() && period.as_str().and_then(parse_hours) != Some(0.0) && period.as_f64() != Some(0.0)
}

fn store(name: &str, period: &Json) -> Found {
    let hours = period.as_str().and_then(parse_hours).filter(|hours| *hours > 0.0);
    let hours =
        hours.map_or_else(|| Unread::new(Reason::ParseError, "the retention of blocks is no duration").to_json(), |hours| json!(hours));
    Found::new(
        "TraceStore",
        name,
        json!({"store": name, "product": "tempo", "deletes": true, "retention_hours": hours.clone(), "at_most_hours": hours}),
    )
}
