//! Files as the workspace names them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::FileCollector;
use super::keys::ApiKeyFile;
use super::streamed::AuditStream;
use super::trail::Staff;
use crate::collector::Collector;
use crate::settings::{SettingsError, Setup, TargetSettings};

/// Registers, reports and configuration in files, relative to the workspace.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileTarget {
    /// Registers of documents: policies, penetration tests, reports and certificates.
    #[serde(default)]
    pub documents: Vec<PathBuf>,
    /// Registers of suppliers and subprocessors.
    #[serde(default)]
    pub suppliers: Vec<PathBuf>,
    /// Registers of places where data lies.
    #[serde(default)]
    pub stores: Vec<PathBuf>,
    /// Registers of cryptographic modules.
    #[serde(default)]
    pub modules: Vec<PathBuf>,
    /// Results of kube-bench with a date in their names; `*` in the name stands for any text, and of several runs the newest counts.
    #[serde(default)]
    pub benchmarks: Vec<PathBuf>,
    /// Audit policies as the API server is started with.
    #[serde(default)]
    pub audit_policies: Vec<PathBuf>,
    /// Registers of people and process, by what they are about.
    #[serde(default)]
    pub registers: RegisterFiles,
    /// How the API server encrypts what it stores: its configuration, the status of k3s, a cluster as its cloud tells it, and the
    /// health of the API server with the day in the name of the file, of which the newest counts.
    #[serde(default)]
    pub encryption: Vec<PathBuf>,
    /// Configurations of what collects logs: OpenTelemetry collectors, Fluent Bit, Vector, Promtail.
    #[serde(default)]
    pub log_pipelines: Vec<PathBuf>,
    /// Exports of the keys of the product's own API.
    #[serde(default)]
    pub api_keys: Vec<ApiKeyFile>,
    /// Audit events of the API server, with who of those in them is staff.
    #[serde(default)]
    pub audit_events: Option<AuditEvents>,
}

/// Registers of people and process. Each is YAML; those of reports, incidents, requests, staff, tickets and contracts may be a table
/// (`.csv`) with the day in its name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterFiles {
    /// Reports of weaknesses from outside.
    #[serde(default)]
    pub disclosures: Vec<PathBuf>,
    /// Incidents of security and of personal data.
    #[serde(default)]
    pub incidents: Vec<PathBuf>,
    /// Requests of customers to delete or to hand out data.
    #[serde(default)]
    pub requests: Vec<PathBuf>,
    /// Tickets on which staff enter the environments of customers.
    #[serde(default)]
    pub tickets: Vec<PathBuf>,
    /// The people who work for the provider, with their training and commitments.
    #[serde(default)]
    pub staff: Vec<PathBuf>,
    /// Reviews of access.
    #[serde(default)]
    pub access_reviews: Vec<PathBuf>,
    /// Exercises of recovery and of the handling of incidents.
    #[serde(default)]
    pub exercises: Vec<PathBuf>,
    /// Risks and their treatment.
    #[serde(default)]
    pub risks: Vec<PathBuf>,
    /// Contracts with financial entities.
    #[serde(default)]
    pub contracts: Vec<PathBuf>,
    /// The record of processing on behalf of customers.
    #[serde(default)]
    pub processing: Vec<PathBuf>,
    /// Trials of deletion.
    #[serde(default)]
    pub deletions: Vec<PathBuf>,
    /// Trials of the network.
    #[serde(default)]
    pub connections: Vec<PathBuf>,
}

/// Audit events of the API server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditEvents {
    /// Files of events, one JSON document a line, plain or `.gz`; `*` in the name stands for any text.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Queries of a Loki that holds the events.
    #[serde(default)]
    pub loki: Vec<AuditStream>,
    /// Who is staff of the provider: at least one group or user.
    pub staff: Staff,
}

impl TargetSettings for FileTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        if self.audit_events.as_ref().is_some_and(|events| events.staff.is_nobody()) {
            let detail =
                "`audit_events` names nobody under `staff`, so that nobody's entry would count; name groups or users of the provider";
            return Err(SettingsError { target: name.to_owned(), detail: detail.to_owned() });
        }
        let streams = self.audit_events.iter().flat_map(|events| &events.loki).map(|stream| stream.open(name, setup));
        let streams = streams.collect::<Result<_, _>>()?;
        Ok(Box::new(FileCollector::new(name, setup.root, self.clone(), streams)))
    }
}
