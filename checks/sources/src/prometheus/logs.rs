//! Loki: for how long it keeps which logs, whether it deletes them then, and the alert rules of its ruler.
//!
//! A period does nothing unless the compactor (or, in old versions, the table manager) deletes. A tenant's or a stream's own period
//! is a record of its own. Overrides by tenant stand in a file that Loki does not show: without a copy of it they could not be read.

use proofbook_checks::functions::parse_hours;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::markers::{self, Marker};
use super::{Found, Read, rules};
use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::service::Service;
use crate::text::yaml;
use crate::wanted::Asked;

// The kinds of records that a Loki gives; without a register of markers nobody can say that there are none.
const KINDS: &[&str] = &["LogStream", "Ruler"];
const WITH_MARKERS: &[&str] = &["LogStream", "Ruler", "Marker"];

const CONFIG: &str = "config";
const RULES: &str = "prometheus/api/v1/rules";
const BUILD: &str = "loki/api/v1/status/buildinfo";

#[derive(Debug)]
pub(super) struct Loki {
    pub service: Service,
    pub overrides: Option<Vec<u8>>,
    /// The markers that are looked for here, where the workspace keeps a register of them.
    pub markers: Option<Vec<Marker>>,
}

/// The paths that records take, and what for.
pub(super) fn paths(asked: &Asked<'_>) -> Vec<(&'static str, &'static str)> {
    let mut paths = Vec::new();
    if asked.kind("LogStream") {
        paths.push((CONFIG, "for how long logs are kept, and whether they are deleted then"));
    }
    if asked.part("Ruler", "alerts") {
        paths.push((RULES, "the alert rules on logs and their health"));
    }
    paths
}

impl Loki {
    pub(super) const fn kinds(&self) -> &'static [&'static str] {
        if self.markers.is_some() { WITH_MARKERS } else { KINDS }
    }

    fn markers(&self, asked: &Asked<'_>) -> &[Marker] {
        self.markers.as_deref().filter(|_| asked.kind("Marker")).unwrap_or_default()
    }

    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let mut plan: Vec<_> = paths(asked).into_iter().map(|(path, reason)| self.service.planned(path, &[], reason)).collect();
        plan.extend(markers::plan(&self.service, "loki", self.markers(asked)));
        if !plan.is_empty() {
            plan.push(self.service.planned(BUILD, &[], "which version answers"));
        }
        plan
    }

    pub(super) async fn read(&self, asked: &Asked<'_>) -> Read {
        let streams = async { if asked.kind("LogStream") { self.streams().await } else { Vec::new() } };
        let ruler = async {
            let wanted = asked.part("Ruler", "alerts");
            if wanted { Some(part(rules::alerts(&self.service, RULES).await.map(Json::Array))) } else { None }
        };
        let marked = markers::read(&self.service, "loki", self.markers(asked));
        let (version, mut found, alerts, marked) = tokio::join!(self.service.json(BUILD, &[]), streams, ruler, marked);
        found.extend(marked);
        if let Some(alerts) = alerts {
            found.push(Found::new("Ruler", self.service.name.clone(), json!({"product": "loki", "alerts": alerts})));
        }
        let version = version.ok().and_then(|told| Some(told["version"].as_str()?.to_owned()));
        Read { found, target: self.service.met(version.as_deref().unwrap_or_default()), requests: self.service.requests() }
    }

    async fn streams(&self) -> Vec<Found> {
        let told = |unread: Unread| Unread::new(unread.reason, format!("{CONFIG}: {}", unread.detail));
        let answer = self.service.get(CONFIG, &[]).await.and_then(crate::web::Answer::ok).map_err(told);
        let config = answer.and_then(|answer| yaml("the configuration of Loki", answer.text()?));
        match config {
            Err(unread) => vec![Found::unread("LogStream", &self.service, &unread)],
            Ok(config) => self.of_config(&config),
        }
    }

    fn of_config(&self, config: &Json) -> Vec<Found> {
        let limits = &config["limits_config"];
        let by_compactor = config["compactor"]["retention_enabled"] == true;
        let by_tables = config["table_manager"]["retention_deletes_enabled"] == true;
        let deletes = by_compactor || by_tables;
        let period = if by_tables && !by_compactor { &config["table_manager"]["retention_period"] } else { &limits["retention_period"] };
        let mut found = vec![self.stream("", deletes, period)];
        found.extend(self.selected("", deletes, limits));
        let files = [&config["runtime_config"]["file"], &limits["per_tenant_override_config"]];
        let file = files.into_iter().filter_map(Json::as_str).find(|file| !file.is_empty());
        match (&self.overrides, file) {
            (Some(text), _) => found.extend(self.overrides(text, deletes)),
            (None, Some(_)) => {
                let detail = "Loki reads overrides by tenant from a file that it does not show; name a copy of it under `overrides`";
                let unread = Unread::new(Reason::NotServed, detail);
                found.push(Found::new("LogStream", format!("{}/overrides", self.service.name), unread.to_json()));
            }
            (None, None) => {}
        }
        found
    }

    fn overrides(&self, text: &[u8], deletes: bool) -> Vec<Found> {
        let text = std::str::from_utf8(text).map_err(|_| Unread::new(Reason::ParseError, "the overrides of Loki are no UTF-8"));
        let read = text.and_then(|text| yaml("the overrides of Loki", text));
        let tenants = match &read {
            Err(unread) => return vec![Found::new("LogStream", format!("{}/overrides", self.service.name), unread.to_json())],
            Ok(read) => read["overrides"].as_object(),
        };
        let mut found = Vec::new();
        for (tenant, limits) in tenants.into_iter().flatten() {
            if !limits["retention_period"].is_null() {
                found.push(self.stream(tenant, deletes, &limits["retention_period"]));
            }
            found.extend(self.selected(tenant, deletes, limits));
        }
        found
    }

    // Streams with a period of their own.
    fn selected(&self, tenant: &str, deletes: bool, limits: &Json) -> Vec<Found> {
        let rules = limits["retention_stream"].as_array().into_iter().flatten();
        let name = |rule: &Json| format!("{tenant}{}", rule["selector"].as_str().unwrap_or_default());
        rules.map(|rule| self.stream(&name(rule), deletes, &rule["period"])).collect()
    }

    fn stream(&self, name: &str, deletes: bool, period: &Json) -> Found {
        let mut content = json!({"store": self.service.name, "product": "loki", "deletes": deletes});
        let read = retention(period);
        match read {
            // A period of zero means for ever.
            Ok(Some(hours)) => {
                content["retention_hours"] = json!(hours);
                content["at_most_hours"] = json!(hours);
            }
            Ok(None) => {}
            Err(unread) => content["retention_hours"] = unread.to_json(),
        }
        // The period that holds where nothing else is said has the name of the store.
        let name = if name.is_empty() { self.service.name.clone() } else { format!("{}/{name}", self.service.name) };
        Found::new("LogStream", name, content)
    }
}

fn retention(period: &Json) -> Result<Option<f64>, Unread> {
    let text = match period {
        Json::Null => return Ok(None),
        Json::Number(number) if number.as_f64() == Some(0.0) => return Ok(None),
        period => period.as_str().unwrap_or_default(),
    };
    match parse_hours(text) {
        Some(hours) if hours > 0.0 => Ok(Some(hours)),
        Some(_) => Ok(None),
        None if text == "0" => Ok(None),
        None => Err(Unread::new(Reason::ParseError, "a retention period of Loki is no duration")),
    }
}
