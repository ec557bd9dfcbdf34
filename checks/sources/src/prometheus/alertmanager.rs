//! Alertmanager: its receivers by their kinds, where alerts of each severity go, silences, and the watchdog.
//!
//! The configuration that it shows may hold URLs with tokens in them; nothing of it is kept but names of receivers and their kinds.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::routing::{Matcher, Route};
use super::{Found, Read};
use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::service::Service;
use crate::text::yaml;
use crate::wanted::Asked;

/// The kinds of records that an Alertmanager gives.
pub(super) const KINDS: &[&str] = &["Alertmanager"];

const STATUS: &str = "api/v2/status";
const SILENCES: &str = "api/v2/silences";
const ALERTS: &str = "api/v2/alerts";

/// Severities that are asked for although no route names them.
const USUAL: [&str; 6] = ["critical", "error", "info", "none", "page", "warning"];

#[derive(Debug)]
pub(super) struct Alertmanager {
    pub service: Service,
    pub severity_label: String,
    pub watchdog: String,
}

/// The paths that records take, and what for.
pub(super) fn paths(asked: &Asked<'_>) -> Vec<(&'static str, &'static str)> {
    let mut paths = Vec::new();
    if asked.kind("Alertmanager") {
        paths.push((STATUS, "receivers and routes"));
    }
    if asked.part("Alertmanager", "severities") {
        paths.push((SILENCES, "what is silenced"));
    }
    if asked.part("Alertmanager", "watchdog") {
        paths.push((ALERTS, "whether the watchdog arrives"));
    }
    paths
}

impl Alertmanager {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let filter = self.filter();
        let query = |path: &str| if path == ALERTS { vec![("filter", filter.as_str())] } else { Vec::new() };
        paths(asked).into_iter().map(|(path, reason)| self.service.planned(path, &query(path), reason)).collect()
    }

    fn filter(&self) -> String {
        format!("alertname=\"{}\"", self.watchdog)
    }

    pub(super) async fn read(&self, asked: &Asked<'_>) -> Read {
        let silences = async { if asked.part("Alertmanager", "severities") { self.silences().await } else { Ok(Vec::new()) } };
        let watchdog = async { if asked.part("Alertmanager", "watchdog") { Some(part(self.watchdog().await)) } else { None } };
        let (status, silences, watchdog) = tokio::join!(self.service.json(STATUS, &[]), silences, watchdog);
        let mut version = String::new();
        let content = match status {
            Err(unread) => unread.to_json(),
            Ok(status) => {
                version = status["versionInfo"]["version"].as_str().unwrap_or_default().to_owned();
                let config = status["config"]["original"].as_str();
                let config = config.ok_or_else(|| Unread::new(Reason::ParseError, format!("{STATUS}: no configuration")));
                let config = config.and_then(|text| yaml("the configuration of Alertmanager", text));
                let mut content = json!({
                    "receivers": part(config.clone().and_then(|config| receivers(&config)).map(|receivers| json!(receivers))),
                    "severities": part(config.and_then(|config| self.severities(&config, &silences?))),
                });
                if let Some(watchdog) = watchdog {
                    content["watchdog"] = watchdog;
                }
                content
            }
        };
        let found = vec![Found::new("Alertmanager", self.service.name.clone(), content)];
        Read { found, target: self.service.met(&version), requests: self.service.requests() }
    }

    fn severities(&self, config: &Json, silences: &[Vec<Matcher>]) -> Result<Json, Unread> {
        let kinds = receivers(config)?;
        let route = Route::parse(&config["route"], None)?;
        let named = route.values(&self.severity_label);
        let severities: BTreeSet<&str> = named.iter().map(String::as_str).chain(USUAL).collect();
        let mut out = Vec::new();
        for severity in severities {
            // An alert of which nothing but the severity is known: what is routed or silenced by other labels does not count.
            let labels = [("alertname", "any"), (self.severity_label.as_str(), severity)];
            let mut ways = Vec::new();
            for way in route.ways(&labels) {
                let kinds = kinds.get(&way.receiver);
                let kinds = kinds.ok_or_else(|| Unread::new(Reason::ParseError, format!("no receiver is called {}", way.receiver)))?;
                ways.push(json!({"receiver": way.receiver, "kinds": kinds, "timed": way.timed}));
            }
            let silenced = silences.iter().filter(|silence| silence.iter().all(|matcher| matcher.matches(&labels))).count();
            out.push(json!({"severity": severity, "ways": ways, "silences": silenced}));
        }
        Ok(json!(out))
    }

    async fn silences(&self) -> Result<Vec<Vec<Matcher>>, Unread> {
        let told = self.service.json(SILENCES, &[]).await?;
        let silences = told.as_array().ok_or_else(|| Unread::new(Reason::ParseError, format!("{SILENCES}: no list")))?;
        let matcher = |matcher: &Json| {
            let text = |key: &str| matcher[key].as_str().unwrap_or_default();
            Matcher::new(text("name"), text("value"), matcher["isRegex"] == true, matcher["isEqual"] == false)
        };
        let active = silences.iter().filter(|silence| silence["status"]["state"] == "active");
        active.map(|silence| silence["matchers"].as_array().into_iter().flatten().map(matcher).collect()).collect()
    }

    async fn watchdog(&self) -> Result<Json, Unread> {
        let told = self.service.json(ALERTS, &[("filter", &self.filter())]).await?;
        let alerts = told.as_array().ok_or_else(|| Unread::new(Reason::ParseError, format!("{ALERTS}: no list")))?;
        let alert = |alert: &Json| {
            let receivers = alert["receivers"].as_array().into_iter().flatten().map(|receiver| receiver["name"].clone());
            json!({"updated_at": alert["updatedAt"], "state": alert["status"]["state"], "receivers": receivers.collect::<Vec<_>>()})
        };
        Ok(json!({"alerts": alerts.iter().map(alert).collect::<Vec<_>>()}))
    }
}

// The receivers with the kinds of their integrations: `pagerduty`, `email`.
fn receivers(config: &Json) -> Result<BTreeMap<String, Vec<String>>, Unread> {
    let fault = || Unread::new(Reason::ParseError, "the configuration of Alertmanager names no receivers");
    let receivers = config["receivers"].as_array().ok_or_else(fault)?;
    let receiver = |receiver: &Json| {
        let entries = receiver.as_object()?;
        let used = entries.iter().filter(|(_, value)| value.as_array().is_some_and(|list| !list.is_empty()));
        let kinds = used.filter_map(|(key, _)| key.strip_suffix("_configs").map(str::to_owned)).collect();
        Some((receiver["name"].as_str()?.to_owned(), kinds))
    };
    receivers.iter().map(|found| receiver(found).ok_or_else(fault)).collect()
}
