//! `proofbook.yaml`: the workspace as its owner writes it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proofbook_checks::resource::Source;
use proofbook_checks::settings::{Absence, CheckSettings, ParamSetting, Settings};
use proofbook_controls::yaml::Spanned;
use proofbook_controls::{CheckId, ControlId};
use proofbook_evidence::approval::{Approval, Role};
use proofbook_evidence::facts::Facts;
use proofbook_evidence::freshness::ControlWindows;
use proofbook_evidence::ledger::{Period, Retention};
use proofbook_sources::discovery::DiscoverSettings;
use proofbook_sources::dns::DnsTarget;
use proofbook_sources::file::FileTarget;
use proofbook_sources::git::GitTarget;
use proofbook_sources::http::HttpTarget;
use proofbook_sources::oidc::OidcTarget;
use proofbook_sources::ports::PortsTarget;
use proofbook_sources::postgres::PostgresTarget;
use proofbook_sources::prometheus::PrometheusTarget;
use proofbook_sources::registry::RegistryTarget;
use proofbook_sources::s3::S3Target;
use proofbook_sources::sbom::SbomTarget;
use proofbook_sources::settings::TargetSettings;
use proofbook_sources::tls::TlsTarget;
use proofbook_sources::vault::VaultTarget;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ledger::Place;
use crate::pseudonyms::PseudonymKey;
use crate::scope::Choice;
use crate::sealing::{Signing, Timestamps};

/// A workspace.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The name: part of the ledger's path, so letters, digits and dashes.
    pub(crate) workspace: Spanned<String>,
    /// What is stated for publication; needed by `build`.
    #[serde(default)]
    pub(crate) facts: Option<Facts>,
    /// The documentation that `docs check` reads: files or folders, relative to the workspace; `docs` where nothing is said.
    #[serde(default)]
    pub(crate) docs: Vec<PathBuf>,
    /// The frameworks in scope, each whole or with a level and what is tailored out; all of the library where nothing is said.
    #[serde(default)]
    pub(crate) frameworks: Vec<Spanned<Choice>>,
    /// The environments by name.
    #[serde(default)]
    pub(crate) environments: BTreeMap<String, Environment>,
    /// Parameter values for every check that has a parameter of the name.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, ParamSetting>,
    /// Settings by check.
    #[serde(default)]
    pub(crate) checks: BTreeMap<CheckId, CheckSettings>,
    /// Resources that the platform does not have, with the reason.
    #[serde(default)]
    pub(crate) expect_absent: Vec<Absence>,
    /// For how long results count for a control, in place of the window of each check: `12 hours`, `3 days`.
    #[serde(default)]
    pub(crate) freshness: BTreeMap<ControlId, Spanned<Period>>,
    /// The roles that sign and approve, with who holds them.
    #[serde(default)]
    pub(crate) roles: BTreeMap<String, Role>,
    /// How many days an exception lasts at most; 180 where nothing is said.
    #[serde(default)]
    pub(crate) longest_exception_days: Option<u32>,
    /// How long evidence is kept; `proofbook gc` deletes what has passed its time.
    #[serde(default)]
    pub(crate) retention: Retention,
    /// Where the key is from which people's names become pseudonyms before anything is kept; names stay as they are where nothing is
    /// said.
    #[serde(default)]
    pub(crate) pseudonyms: Option<PseudonymKey>,
    /// How `scan` and `run` sign the bundles that they seal; not at all where nothing is said.
    #[serde(default)]
    pub(crate) signing: Option<Signing>,
    /// Who is asked for a time stamp over each bundle; nobody where nothing is said.
    #[serde(default)]
    pub(crate) timestamps: Option<Timestamps>,
    /// The trust file, relative to the workspace: whose signatures and time stamps count when bundles are verified here.
    #[serde(default)]
    pub(crate) trust: Option<PathBuf>,
}

/// An environment: what is looked at.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// Where the ledger is: a folder or object storage; `evidence` in the workspace where nothing is said.
    #[serde(default)]
    pub(crate) ledger: Option<Place>,
    /// A Kubernetes cluster.
    #[serde(default)]
    pub(crate) kubernetes: Option<KubernetesTarget>,
    /// TLS endpoints.
    #[serde(default)]
    pub(crate) tls: Option<TlsTarget>,
    /// Web servers: sites, security.txt and status pages.
    #[serde(default)]
    pub(crate) http: Option<HttpTarget>,
    /// The domain name system: names and domains.
    #[serde(default)]
    pub(crate) dns: Option<DnsTarget>,
    /// OpenID Connect providers, realms of Keycloak among them.
    #[serde(default)]
    pub(crate) oidc: Option<OidcTarget>,
    /// Object storage that speaks the S3 API.
    #[serde(default)]
    pub(crate) s3: Option<S3Target>,
    /// PostgreSQL servers.
    #[serde(default)]
    pub(crate) postgres: Option<PostgresTarget>,
    /// Monitoring: Prometheus, Alertmanager, stores of logs, pipelines of telemetry.
    #[serde(default)]
    pub(crate) prometheus: Option<PrometheusTarget>,
    /// Registries of container images.
    #[serde(default)]
    pub(crate) registry: Option<RegistryTarget>,
    /// Stores of secrets: Vault and OpenBao.
    #[serde(default)]
    pub(crate) vault: Option<VaultTarget>,
    /// Bills of materials and reports of vulnerability scanners.
    #[serde(default)]
    pub(crate) sbom: Option<SbomTarget>,
    /// Repositories, and the services that host them.
    #[serde(default)]
    pub(crate) git: Option<GitTarget>,
    /// Registers, reports and configuration in files.
    #[serde(default)]
    pub(crate) file: Option<FileTarget>,
    /// Addresses whose ports are tried; what is open is seen from where this machine stands.
    #[serde(default)]
    pub(crate) ports: Option<PortsTarget>,
    /// Targets that the cluster announces, within what may be contacted.
    #[serde(default)]
    pub(crate) discover: Option<DiscoverSettings>,
    /// Resources that this environment does not have, besides those of the workspace.
    #[serde(default)]
    pub(crate) expect_absent: Vec<Absence>,
}

/// A Kubernetes cluster: live, or as a dump.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KubernetesTarget {
    /// A folder or file of objects as `kubectl get -o json` prints them, relative to the workspace.
    #[serde(default)]
    pub(crate) dump: Option<PathBuf>,
    /// A kubeconfig, relative to the workspace; the usual places where nothing is said.
    #[serde(default)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; the current one where nothing is said.
    #[serde(default)]
    pub(crate) context: Option<String>,
    /// Whether each kubelet may be asked for its configuration. It takes the right to get `nodes/proxy`, with which commands can be
    /// run in every Pod.
    #[serde(default)]
    pub(crate) nodes_proxy: bool,
}

impl Environment {
    /// What is looked at besides Kubernetes and what may be discovered there, by source. Adding a source is a field above and a
    /// line here.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (Source, &dyn TargetSettings)> {
        let targets: [(Source, Option<&dyn TargetSettings>); _] = [
            (Source::Oidc, self.oidc.as_ref().map(|target| target as _)),
            (Source::S3, self.s3.as_ref().map(|target| target as _)),
            (Source::Postgres, self.postgres.as_ref().map(|target| target as _)),
            (Source::Prometheus, self.prometheus.as_ref().map(|target| target as _)),
            (Source::Registry, self.registry.as_ref().map(|target| target as _)),
            (Source::Vault, self.vault.as_ref().map(|target| target as _)),
            (Source::Sbom, self.sbom.as_ref().map(|target| target as _)),
            (Source::File, self.file.as_ref().map(|target| target as _)),
            (Source::Git, self.git.as_ref().map(|target| target as _)),
        ];
        targets.into_iter().filter_map(|(source, target)| Some((source, target?)))
    }
}

impl Config {
    /// The windows of controls in hours.
    pub(crate) fn windows(&self) -> ControlWindows {
        self.freshness.iter().filter_map(|(id, period)| Some((id.clone(), period.value.hours()?))).collect()
    }

    /// Who may sign and approve, and how long an exception may last.
    pub(crate) fn approval(&self) -> Approval {
        let usual = Approval::default();
        Approval { roles: self.roles.clone(), longest_days: self.longest_exception_days.unwrap_or(usual.longest_days) }
    }

    /// The settings of the checks in one environment.
    pub(crate) fn settings(&self, environment: &Environment) -> Settings {
        Settings {
            parameters: self.parameters.clone(),
            checks: self.checks.clone(),
            expect_absent: self.expect_absent.iter().chain(&environment.expect_absent).cloned().collect(),
        }
    }
}
