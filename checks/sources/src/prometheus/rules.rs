//! Alert rules as the API of Prometheus tells them, which the ruler of Loki speaks too.

use std::collections::BTreeSet;

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::promql;
use super::server::data;
use crate::observed::Unread;
use crate::service::Service;
use crate::text::one_line;

/// The alert rules that a service evaluates, without the alerts that fire.
pub(super) async fn alerts(service: &Service, path: &str) -> Result<Vec<Json>, Unread> {
    let told = data(service, path, &[]).await?;
    let groups = told["groups"].as_array().ok_or_else(|| Unread::new(Reason::ParseError, format!("{path}: no list of groups")))?;
    let mut out = Vec::new();
    for group in groups {
        let rules = group["rules"].as_array().ok_or_else(|| Unread::new(Reason::ParseError, format!("{path}: a group has no rules")))?;
        for rule in rules.iter().filter(|rule| rule["type"] == "alerting") {
            let text = |key: &str| rule[key].as_str().unwrap_or_default();
            out.push(json!({
                "name": text("name"),
                "group": group["name"].as_str().unwrap_or_default(),
                "query": text("query"),
                "for_seconds": rule["duration"].as_f64().unwrap_or_default(),
                "labels": rule["labels"].as_object().cloned().unwrap_or_default(),
                "health": text("health"),
                "error": one_line(text("lastError")),
                "last_evaluation": text("lastEvaluation"),
            }));
        }
    }
    Ok(out)
}

/// Adds to each alert the metrics that keep it silent since nobody delivers them.
pub(super) fn add_silent(alerts: &mut [Json], names: &BTreeSet<String>) {
    for alert in alerts {
        let metrics = promql::metrics(alert["query"].as_str().unwrap_or_default());
        let silent = metrics.silent(|name| names.contains(name));
        alert["without_data"] = json!(silent);
    }
}
