//! Prometheus, and what answers like it: retention, rules, and results of instant queries.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use proofbook_checks::functions::parse_hours;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::measured::{self, Queries};
use super::{Found, Read, rules};
use crate::clock::our_clock;
use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::service::Service;
use crate::wanted::Asked;

/// The kinds of records that a server gives.
pub(super) const KINDS: &[&str] =
    &["Server", "Ruler", "NodeClock", "CertificateAuthority", "Capacity", "Availability", "Sample", measured::POPULATION];

const BUILD: &str = "api/v1/status/buildinfo";
const RUNTIME: &str = "api/v1/status/runtimeinfo";
const RULES: &str = "api/v1/rules";
const NAMES: &str = "api/v1/label/__name__/values";
const ALERTMANAGERS: &str = "api/v1/alertmanagers";
const METRICS: &str = "metrics";

/// A metric counts as delivered when it had a series within this time.
const RECENT: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(super) struct Server {
    pub service: Service,
    pub queries: Queries,
}

/// The paths that records take, and what for.
pub(super) fn paths(asked: &Asked<'_>) -> Vec<(&'static str, &'static str)> {
    let mut paths = Vec::new();
    if asked.part("Server", "retention") {
        paths.push((RUNTIME, "for how long metrics are kept"));
        paths.push((METRICS, "only where a size limits retention: how old the oldest metrics are"));
    }
    if asked.part("Server", "alertmanagers") {
        paths.push((ALERTMANAGERS, "whether alerts are sent to anybody"));
    }
    if asked.part("Ruler", "alerts") {
        paths.push((RULES, "the alert rules and their health"));
        paths.push((NAMES, "whether there are data for the rules"));
    }
    paths
}

impl Server {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let plan = std::iter::once((BUILD, "which version answers")).chain(paths(asked));
        let mut plan: Vec<PlannedRequest> = plan.map(|(path, reason)| self.service.planned(path, &[], reason)).collect();
        plan.extend(measured::plan(&self.service, &self.queries, asked));
        if plan.len() == 1 { Vec::new() } else { plan }
    }

    pub(super) async fn read(&self, asked: &Asked<'_>) -> Read {
        let version = async {
            let told = data(&self.service, BUILD, &[]).await?;
            Ok::<_, Unread>(told["version"].as_str().unwrap_or_default().to_owned())
        };
        let (version, server, ruler, measured) =
            tokio::join!(version, self.server(asked), self.ruler(asked), measured::read(&self.service, &self.queries, asked));
        let mut found: Vec<Found> = server.into_iter().chain(ruler).collect();
        found.extend(measured);
        // That a server keeps its version to itself harms no check; one that answers nothing is told by every part.
        let target = self.service.met(version.as_deref().unwrap_or_default());
        Read { found, target, requests: self.service.requests() }
    }

    async fn server(&self, asked: &Asked<'_>) -> Option<Found> {
        if !asked.kind("Server") {
            return None;
        }
        let mut content = json!({});
        if asked.part("Server", "retention") {
            content["retention"] = part(self.retention().await);
        }
        if asked.part("Server", "alertmanagers") {
            content["alertmanagers"] = part(self.alertmanagers().await);
        }
        Some(Found::new("Server", self.service.name.clone(), content))
    }

    async fn retention(&self) -> Result<Json, Unread> {
        let told = data(&self.service, RUNTIME, &[]).await?;
        let text = told["storageRetention"].as_str().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Unread::new(Reason::ParseError, format!("{RUNTIME}: no storageRetention")))?;
        let mut retention = parse_retention(text)?;
        if retention["size"].is_string() {
            let metrics = self.service.get(METRICS, &[]).await.and_then(crate::web::Answer::ok);
            let metrics = metrics.map_err(|unread| Unread::new(unread.reason, format!("{METRICS}: {}", unread.detail)))?;
            let metrics = metrics.text()?;
            let oldest = metric(metrics, "prometheus_tsdb_lowest_timestamp_seconds");
            let oldest = oldest.and_then(timestamp);
            retention["oldest"] = oldest.map_or(Json::Null, Json::String);
            retention["cuts_by_size"] = metric(metrics, "prometheus_tsdb_size_retentions_total").map_or(Json::Null, Json::from);
        }
        Ok(retention)
    }

    async fn alertmanagers(&self) -> Result<Json, Unread> {
        let told = data(&self.service, ALERTMANAGERS, &[]).await?;
        let active = told["activeAlertmanagers"].as_array();
        active.map(|active| json!(active.len())).ok_or_else(|| Unread::new(Reason::ParseError, format!("{ALERTMANAGERS}: no list")))
    }

    async fn ruler(&self, asked: &Asked<'_>) -> Option<Found> {
        if !asked.kind("Ruler") {
            return None;
        }
        let mut content = json!({"product": "prometheus"});
        if asked.part("Ruler", "alerts") {
            content["alerts"] = part(self.alerts().await.map(Json::Array));
        }
        Some(Found::new("Ruler", self.service.name.clone(), content))
    }

    async fn alerts(&self) -> Result<Vec<Json>, Unread> {
        let since = our_clock().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(RECENT).as_secs().to_string();
        let query = [("start", since.as_str())];
        let (alerts, names) = tokio::join!(rules::alerts(&self.service, RULES), data(&self.service, NAMES, &query));
        let (mut alerts, names) = (alerts?, names?);
        let names = names.as_array().ok_or_else(|| Unread::new(Reason::ParseError, format!("{NAMES}: no list of names")))?;
        let names: BTreeSet<String> = names.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        rules::add_silent(&mut alerts, &names);
        Ok(alerts)
    }
}

/// The data of an answer of the API of Prometheus; an answer with warnings is not whole.
pub(super) async fn data(service: &Service, path: &str, query: &[(&str, &str)]) -> Result<Json, Unread> {
    let told = |reason: Reason, detail: &str| Unread::new(reason, format!("{path}: {detail}"));
    let answer = service.get(path, query).await.map_err(|unread| told(unread.reason, &unread.detail))?;
    let status = answer.status;
    let mut body = match answer.json() {
        Ok(body) => body,
        Err(_) if status != 200 => {
            return answer.ok().and_then(|answer| answer.json()).map_err(|unread| told(unread.reason, &unread.detail));
        }
        Err(unread) => return Err(told(unread.reason, &unread.detail)),
    };
    if status == 200 && body["status"] == "success" {
        let warnings = body["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
        return match warnings.first().and_then(Json::as_str) {
            Some(warning) => Err(told(Reason::IncompleteList, &format!("answered with a warning: {warning}"))),
            None => Ok(body["data"].take()),
        };
    }
    let message = body["error"].as_str().unwrap_or("no reason given").to_owned();
    let reason = match (status, body["errorType"].as_str()) {
        (_, Some("timeout")) => Reason::Timeout,
        // The query itself is wrong, or brings what cannot be computed.
        (_, Some("bad_data" | "execution")) => Reason::RuleError,
        (200, _) => Reason::ParseError,
        _ => match answer.ok() {
            Err(unread) => unread.reason,
            Ok(_) => Reason::ParseError,
        },
    };
    Err(told(reason, &format!("the answer is {status}: {message}")))
}

// `15d`, `50GiB`, `15d or 50GiB`.
fn parse_retention(text: &str) -> Result<Json, Unread> {
    let mut out = json!({"text": text});
    for limit in text.split(" or ") {
        match parse_hours(limit) {
            Some(hours) => out["hours"] = json!(hours),
            None if limit.ends_with('B') => out["size"] = json!(limit),
            None => return Err(Unread::new(Reason::ParseError, format!("{RUNTIME}: a storageRetention of `{text}`"))),
        }
    }
    Ok(out)
}

// The value of a metric without labels in the text format.
fn metric(text: &str, name: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.split_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Seconds since 1970 as a time; none where it is none.
#[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates, and what is out of range makes no time")]
pub(super) fn timestamp(seconds: f64) -> Option<String> {
    jiff::Timestamp::from_second(seconds as i64).ok().filter(|_| seconds > 0.0).map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_a_time_a_size_or_both() {
        assert_eq!(parse_retention("15d").unwrap(), json!({"text": "15d", "hours": 360.0}));
        assert_eq!(parse_retention("1y1d or 5GiB").unwrap(), json!({"text": "1y1d or 5GiB", "hours": 8784.0, "size": "5GiB"}));
        assert_eq!(parse_retention("50GB").unwrap(), json!({"text": "50GB", "size": "50GB"}));
        assert_eq!(parse_retention("for ever").unwrap_err().reason, Reason::ParseError);
    }

    #[test]
    fn metrics_are_read_off_the_text_format() {
        let text = "# HELP prometheus_x y\nprometheus_x_total 3\nprometheus_x 1.795559692e+09\nnan NaN\n";
        assert_eq!(metric(text, "prometheus_x"), Some(1_795_559_692.0));
        assert_eq!((metric(text, "nan"), metric(text, "none")), (None, None));
        assert_eq!(timestamp(1_795_559_692.0).as_deref(), Some("2026-11-24T22:34:52Z"));
        assert_eq!((timestamp(0.0), timestamp(1e300)), (None, None));
    }
}
