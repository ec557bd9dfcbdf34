//! Monitoring: Prometheus and what answers like it, Alertmanager, the stores of logs, and pipelines of telemetry.
//!
//! Records, each of its own resource:
//!
//! * `Server`: version, retention, and how many Alertmanagers a Prometheus sends to;
//! * `Ruler`: the alert rules that a Prometheus or a Loki evaluates, with their health, and whether there are data for them;
//! * `Alertmanager`: where an alert of each severity goes, what is silenced, and whether the watchdog arrives;
//! * `LogStream`: for how long a Loki or an Elasticsearch keeps which logs, and whether it deletes them then;
//! * `TraceStore`: for how long a Tempo or an Elasticsearch keeps traces;
//! * `Marker`: a text that the platform's own job wrote into logs, and whether it is found;
//! * `Pipeline`: a pipeline of an OpenTelemetry collector, out of its configuration file;
//! * `NodeClock`, `CertificateAuthority`, `Capacity`, `Availability` and `Sample`: what instant queries measured;
//! * `Population`: how many objects that another source lists there are by the metrics; no check reads it.
//!
//! Only what a check reads, or a population is held against, is asked. URLs, keys and addresses of receivers are never kept.

mod alertmanager;
mod elasticsearch;
mod logs;
mod markers;
mod measured;
mod otel;
mod promql;
pub mod rights;
mod routing;
mod rules;
mod server;
mod target;
mod traces;

use std::sync::Arc;

use proofbook_checks::inventory::{Inventory, Target, Wanted};
use proofbook_checks::resource::Source;
use serde_json::Value as Json;

use self::alertmanager::Alertmanager;
use self::elasticsearch::Elasticsearch;
use self::logs::Loki;
pub use self::markers::{Marker, MarkerKind, MarkerRegister};
pub use self::measured::POPULATION;
use self::otel::OtelConfig;
use self::server::Server;
pub use self::target::{
    AlertmanagerSettings, ElasticsearchSettings, LokiSettings, OtelSettings, PrometheusTarget, ServerSettings, TempoSettings,
};
use self::traces::Tempo;
use crate::bounded::each;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread};
use crate::service::Service;
use crate::wanted::Asked;

/// How many services are asked at a time.
const CONCURRENCY: usize = 8;

/// One record of what was found.
struct Found {
    kind: &'static str,
    name: String,
    content: Json,
}

impl Found {
    fn new(kind: &'static str, name: impl Into<String>, content: Json) -> Self {
        Self { kind, name: name.into(), content }
    }

    // Stands for all records of a kind that a service could not give.
    fn unread(kind: &'static str, service: &Service, unread: &Unread) -> Self {
        Self::new(kind, service.name.clone(), unread.to_json())
    }
}

/// What one part of the target brought.
struct Read {
    found: Vec<Found>,
    target: Target,
    requests: Vec<proofbook_checks::inventory::Request>,
}

/// One part of the target: a service, or a file.
#[derive(Debug)]
enum Part {
    Server(Server),
    Alertmanager(Alertmanager),
    Loki(Loki),
    Elasticsearch(Elasticsearch),
    Otel(OtelConfig),
    Tempo(Tempo),
}

impl Part {
    /// The kinds of records that it can give.
    const fn kinds(&self) -> &'static [&'static str] {
        match self {
            Self::Server(_) => server::KINDS,
            Self::Alertmanager(_) => alertmanager::KINDS,
            Self::Loki(loki) => loki.kinds(),
            Self::Elasticsearch(elasticsearch) => elasticsearch.kinds(),
            Self::Otel(_) => otel::KINDS,
            Self::Tempo(_) => traces::KINDS,
        }
    }

    fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        match self {
            Self::Server(server) => server.plan(asked),
            Self::Alertmanager(alertmanager) => alertmanager.plan(asked),
            Self::Loki(loki) => loki.plan(asked),
            Self::Elasticsearch(elasticsearch) => elasticsearch.plan(asked),
            Self::Otel(config) => config.plan(asked),
            Self::Tempo(tempo) => tempo.plan(asked),
        }
    }

    async fn read(&self, asked: &Asked<'_>) -> Read {
        match self {
            Self::Server(server) => Box::pin(server.read(asked)).await,
            Self::Alertmanager(alertmanager) => alertmanager.read(asked).await,
            Self::Loki(loki) => loki.read(asked).await,
            Self::Elasticsearch(elasticsearch) => elasticsearch.read(asked).await,
            Self::Otel(config) => config.read(),
            Self::Tempo(tempo) => tempo.read().await,
        }
    }
}

/// The collector of monitoring.
#[derive(Debug)]
pub struct Monitoring {
    target: String,
    parts: Vec<Arc<Part>>,
}

impl Collector for Monitoring {
    fn source(&self) -> Source {
        Source::Prometheus
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let asked = Asked::of(Source::Prometheus, wanted);
        self.parts.iter().flat_map(|part| part.plan(&asked)).collect()
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }
}

impl Monitoring {
    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let mut observed = Observed::new(Source::Prometheus);
        let asked = Asked::of(Source::Prometheus, wanted);
        let parts: Vec<_> = self.parts.iter().filter(|part| part.kinds().iter().any(|kind| asked.kind(kind))).collect();
        for kind in parts.iter().flat_map(|part| part.kinds()) {
            observed.listed(kind);
        }
        let shared = Arc::new(wanted.clone());
        let mut work = Vec::new();
        for part in parts {
            let (part, wanted) = (Arc::clone(part), Arc::clone(&shared));
            work.push(async move { part.read(&Asked::of(Source::Prometheus, &wanted)).await });
        }
        let lost = each(work, CONCURRENCY, |read: Read| {
            observed.target(read.target);
            observed.requests(read.requests);
            for found in read.found {
                observed.record(found.kind, &found.name, found.content);
            }
            progress.advanced(&self.target, "services", 1);
        })
        .await;
        if lost > 0 {
            observed.broke_off(&format!("the reading of {lost} services broke off"));
        }
        observed.finish(wanted)
    }
}
