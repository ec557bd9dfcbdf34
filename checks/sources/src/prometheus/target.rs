//! What is monitored by what, as the workspace writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use proofbook_checks::resource::Source;
use proofbook_controls::yaml::{self, Spanned};
use reqwest::header::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::alertmanager::Alertmanager;
use super::elasticsearch::Elasticsearch;
use super::logs::Loki;
use super::markers::{Marker, MarkerRegister};
use super::measured::Queries;
use super::otel::OtelConfig;
use super::server::Server;
use super::traces::Tempo;
use super::{Monitoring, Part};
use crate::collector::Collector;
use crate::service::{Access, Service};
use crate::settings::{SettingsError, Setup, TargetSettings};

/// Monitoring: Prometheus, Alertmanager, stores of logs, pipelines of telemetry.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusTarget {
    /// Prometheus servers, and what answers like one (Thanos, Mimir, VictoriaMetrics).
    #[serde(default)]
    pub servers: Vec<ServerSettings>,
    /// Alertmanagers; of a cluster of them, one.
    #[serde(default)]
    pub alertmanagers: Vec<AlertmanagerSettings>,
    /// Grafana Loki, asked at a component that shows its whole configuration.
    #[serde(default)]
    pub loki: Vec<LokiSettings>,
    /// Elasticsearch clusters that keep logs.
    #[serde(default)]
    pub elasticsearch: Vec<ElasticsearchSettings>,
    /// Grafana Tempo.
    #[serde(default)]
    pub tempo: Vec<TempoSettings>,
    /// A register of markers that the platform's own job plants in the stores of logs, relative to the workspace.
    #[serde(default)]
    pub markers: Option<Spanned<PathBuf>>,
    /// Configurations of OpenTelemetry collectors.
    #[serde(default)]
    pub otel: Vec<OtelSettings>,
}

/// A Prometheus server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// A name for it. Where a ConfigMap holds its arguments, give this name to the parameter `metrics_server` of `metrics-retention`: then
    /// both methods meet.
    pub name: Spanned<String>,
    /// Where it is: what stands before `/api/v1`.
    pub url: Spanned<String>,
    /// Who asks.
    #[serde(default)]
    pub access: Access,
    /// Queries in PromQL: those of Proofbook by their names (see the guide), where the platform needs others, and any of your own, whose
    /// results are the `samples` of your own checks. `$period` stands for the days of `availability_days`.
    #[serde(default)]
    pub queries: BTreeMap<String, String>,
    /// Days over which availability is measured; 30 where nothing is said.
    #[serde(default)]
    pub availability_days: Option<u32>,
}

/// An Alertmanager.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertmanagerSettings {
    /// A name for it.
    pub name: Spanned<String>,
    /// Where it is: what stands before `/api/v2`.
    pub url: Spanned<String>,
    /// Who asks.
    #[serde(default)]
    pub access: Access,
    /// The label that holds the severity of alerts; `severity` where nothing is said.
    #[serde(default)]
    pub severity_label: Option<String>,
    /// The alert that always fires; `Watchdog` where nothing is said.
    #[serde(default)]
    pub watchdog: Option<String>,
}

/// A Loki.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LokiSettings {
    /// A name for it. Where a ConfigMap holds its configuration, give this name to the parameter `logs_store` of `log-retention`: then
    /// both methods meet.
    pub name: Spanned<String>,
    /// Where it is: what stands before `/config`.
    pub url: Spanned<String>,
    /// Who asks.
    #[serde(default)]
    pub access: Access,
    /// The tenant whose alert rules are read, for the header `X-Scope-OrgID`.
    #[serde(default)]
    pub tenant: Option<Spanned<String>>,
    /// A copy of the file of overrides by tenant, where Loki has one; Loki does not show it.
    #[serde(default)]
    pub overrides: Option<PathBuf>,
}

/// An Elasticsearch cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElasticsearchSettings {
    /// A name for it.
    pub name: Spanned<String>,
    /// Where it is.
    pub url: Spanned<String>,
    /// Who asks; `user` and `password`, or `token` for a bearer token.
    #[serde(default)]
    pub access: Access,
    /// The data streams and indices of logs, as a pattern; `logs-*` where nothing is said.
    #[serde(default)]
    pub indices: Option<Spanned<String>>,
    /// The data streams and indices of traces, as a pattern (`jaeger-span-*`), where the cluster keeps some.
    #[serde(default)]
    pub traces: Option<Spanned<String>>,
}

/// A Tempo.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TempoSettings {
    /// A name for it.
    pub name: Spanned<String>,
    /// Where it is: what stands before `/status/config`.
    pub url: Spanned<String>,
    /// Who asks.
    #[serde(default)]
    pub access: Access,
    /// A copy of the file of overrides by tenant, where Tempo has one.
    #[serde(default)]
    pub overrides: Option<PathBuf>,
}

/// The configuration of an OpenTelemetry collector.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtelSettings {
    /// A name for the collector.
    pub name: Spanned<String>,
    /// The file, relative to the workspace.
    pub file: PathBuf,
}

impl TargetSettings for PrometheusTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        let mut opening = Opening { target: name, setup, names: BTreeSet::new() };
        let mut markers = self.markers(setup)?;
        let mut parts = Vec::new();
        for server in &self.servers {
            let service = opening.service(&server.name, &server.url, &server.access)?;
            let queries = Queries::new(&server.queries, server.availability_days.unwrap_or(30).max(1));
            parts.push(Part::Server(Server { service, queries }));
        }
        for alertmanager in &self.alertmanagers {
            let service = opening.service(&alertmanager.name, &alertmanager.url, &alertmanager.access)?;
            let severity_label = alertmanager.severity_label.clone().unwrap_or_else(|| "severity".to_owned());
            let watchdog = alertmanager.watchdog.clone().unwrap_or_else(|| "Watchdog".to_owned());
            parts.push(Part::Alertmanager(Alertmanager { service, severity_label, watchdog }));
        }
        for loki in &self.loki {
            let mut service = opening.service(&loki.name, &loki.url, &loki.access)?;
            if let Some(tenant) = &loki.tenant {
                let fault = |_| SettingsError { target: setup.place(tenant), detail: "the tenant cannot stand in a header".to_owned() };
                let value = HeaderValue::from_str(&tenant.value).map_err(fault)?;
                service.headers_mut().insert(HeaderName::from_static("x-scope-orgid"), value);
            }
            let overrides = loki.overrides.as_ref().map(|path| setup.file(&loki.name.value, path)).transpose()?;
            let markers = markers.as_mut().map(|markers| markers_of(markers, &loki.name.value));
            parts.push(Part::Loki(Loki { service, overrides, markers }));
        }
        for elasticsearch in &self.elasticsearch {
            let service = opening.service(&elasticsearch.name, &elasticsearch.url, &elasticsearch.access)?;
            let pattern = |indices: &Spanned<String>| {
                if indices.value.is_empty() || indices.value.contains(['/', '?', '#', ' ']) {
                    let detail = "expected names or patterns of indices, separated by commas: `logs-*,audit-*`".to_owned();
                    return Err(SettingsError { target: setup.place(indices), detail });
                }
                Ok(indices.value.clone())
            };
            let indices = elasticsearch.indices.as_ref().map(pattern).transpose()?.unwrap_or_else(|| "logs-*".to_owned());
            let traces = elasticsearch.traces.as_ref().map(pattern).transpose()?;
            let markers = markers.as_mut().map(|markers| markers_of(markers, &elasticsearch.name.value));
            parts.push(Part::Elasticsearch(Elasticsearch { service, indices, traces, markers }));
        }
        for tempo in &self.tempo {
            let service = opening.service(&tempo.name, &tempo.url, &tempo.access)?;
            let overrides = tempo.overrides.as_ref().map(|path| setup.file(&tempo.name.value, path)).transpose()?;
            parts.push(Part::Tempo(Tempo { service, overrides }));
        }
        if let (Some(file), Some(marker)) = (&self.markers, markers.and_then(|markers| markers.into_iter().next())) {
            let detail = format!("the marker {} lies in `{}`, which is no Loki or Elasticsearch of this target", marker.id, marker.store);
            return Err(SettingsError { target: setup.place(file), detail });
        }
        for config in &self.otel {
            opening.name(&config.name)?;
            let text = setup.file(&config.name.value, &config.file)?;
            parts.push(Part::Otel(OtelConfig { target: name.to_owned(), name: config.name.value.clone(), text }));
        }
        Ok(Box::new(Monitoring { target: name.to_owned(), parts: parts.into_iter().map(Arc::new).collect() }))
    }
}

impl PrometheusTarget {
    fn markers(&self, setup: &Setup<'_>) -> Result<Option<Vec<Marker>>, SettingsError> {
        let Some(file) = &self.markers else { return Ok(None) };
        let fault = |detail: String| SettingsError { target: setup.place(file), detail };
        let text = setup.file(&setup.place(file), &file.value)?;
        let name = file.value.display().to_string();
        let text = String::from_utf8(text).map_err(|_| fault(format!("{name} is no UTF-8")))?;
        let register: MarkerRegister = yaml::parse(&name, &text).map_err(|found| {
            let place = found.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
            fault(format!("{name}{place}: {}", found.message))
        })?;
        register.fault().map_or(Ok(Some(register.markers)), |detail| Err(fault(format!("{name}: {detail}"))))
    }
}

// Takes out of the markers those of one store.
fn markers_of(markers: &mut Vec<Marker>, store: &str) -> Vec<Marker> {
    let (own, others) = std::mem::take(markers).into_iter().partition(|marker| marker.store == store);
    *markers = others;
    own
}

struct Opening<'o> {
    target: &'o str,
    setup: &'o Setup<'o>,
    names: BTreeSet<&'o str>,
}

impl<'o> Opening<'o> {
    fn name(&mut self, name: &'o Spanned<String>) -> Result<(), SettingsError> {
        let detail = match (name.value.trim().is_empty(), self.names.insert(&name.value)) {
            (true, _) => "a name has at least one letter",
            (false, false) => "another part of the target has this name already; records are told apart by it",
            (false, true) => return Ok(()),
        };
        Err(SettingsError { target: self.setup.place(name), detail: detail.to_owned() })
    }

    fn service(&mut self, name: &'o Spanned<String>, url: &Spanned<String>, access: &Access) -> Result<Service, SettingsError> {
        self.name(name)?;
        Service::open(Source::Prometheus, self.target, &name.value, url, access, self.setup)
    }
}
