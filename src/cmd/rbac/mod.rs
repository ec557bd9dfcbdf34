//! `proofbook rbac`: the rights that the selected checks take, as each platform grants them, and whether an account has these and
//! no others.
//!
//! Which right a request takes is known where the request is made, in the crate of sources; here it is chosen whose rights are
//! meant, and printed.

mod comparing;
mod documents;

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use proofbook_checks::inventory::Wanted;
use proofbook_checks::plan::Plan;
use proofbook_controls::{CheckId, ControlId, FrameworkId};
use proofbook_sources::kubernetes::rights::readable;
use proofbook_sources::rights::Platform;

use crate::cli::{Common, Format};
use crate::cmd::scan::{Selection, Targets};
use crate::config::Environment;
use crate::exit::Exit;
use crate::output::Output;
use crate::outside::read_of_cluster;
use crate::workspace::Workspace;

/// Arguments of `rbac`.
#[derive(Debug, Args)]
pub(crate) struct Rbac {
    /// Without an ID: ask the targets which rights the account has, and tell what is missing and what is too much (0 exact,
    /// 1 missing or too much, 3 something cannot be asked, or there is nothing to ask). With an ID: only what this check takes.
    #[arg(long = "check", value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    check: Vec<String>,
    /// Only what the checks of these controls take.
    #[arg(long = "control", value_name = "ID")]
    controls: Vec<ControlId>,
    /// Only what the checks of controls take that are mapped to what is in scope of these frameworks.
    #[arg(long = "framework", value_name = "ID")]
    frameworks: Vec<FrameworkId>,
    /// Whose rights; those of all targets of the environment where nothing is said.
    #[arg(long = "for", value_name = "PLATFORM", value_parser = platform(), value_delimiter = ',')]
    platforms: Vec<Platform>,
    #[command(flatten)]
    targets: Targets,
    /// The name of the role and of the account.
    #[arg(long, default_value = "proofbook")]
    name: String,
    /// The namespace of the service account of Kubernetes.
    #[arg(long, default_value = "proofbook")]
    namespace: String,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

// The platforms, by the names that they have everywhere.
fn platform() -> impl TypedValueParser<Value = Platform> {
    let values = Platform::ALL.map(|platform| PossibleValue::new(platform.as_str()).help(platform.grants()));
    let named = |name: String| Platform::ALL.into_iter().find(|platform| platform.as_str() == name);
    PossibleValuesParser::new(values).map(move |name| named(name).expect("a value that is possible names a platform"))
}

/// What is printed, and of what.
struct Asked<'a> {
    rbac: &'a Rbac,
    environment: &'a Environment,
    plan: &'a Plan<'a>,
    wanted: Wanted,
    platforms: Vec<Platform>,
}

impl Rbac {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<Exit> {
        let workspace = Workspace::open(common)?;
        let catalog = workspace.catalog()?;
        let (_, environment) = workspace.environment(common)?;
        let settings = workspace.config.settings(&environment);
        let named: Vec<CheckId> = self.check.iter().filter(|id| !id.is_empty()).map(|id| id.parse()).collect::<Result<_, _>>()?;
        let selection = Selection::of(named, self.controls.clone(), self.frameworks.clone());
        let chosen = selection.choose(&catalog, &settings, &workspace.scopes())?;
        let plan = Plan::new(&catalog, &settings, |check| chosen.contains(check.id()))?;
        let nodes_proxy = environment.kubernetes.as_ref().is_some_and(|cluster| cluster.nodes_proxy);
        let platforms = self.meant(&environment);
        let wanted = readable(&read_of_cluster(plan.wanted(), &environment, &workspace)?, nodes_proxy);
        let asked = Asked { rbac: self, environment: &environment, plan: &plan, wanted, platforms };
        // An option without a value asks, one with a value selects.
        if self.check.iter().any(String::is_empty) {
            return asked.compare(&workspace, output);
        }
        asked.print(output)
    }

    // Those that were named, in the order of platforms, else those of the targets; a cluster where there are no targets at all.
    fn meant(&self, environment: &Environment) -> Vec<Platform> {
        if !self.platforms.is_empty() {
            let named: BTreeSet<Platform> = self.platforms.iter().copied().collect();
            return named.into_iter().collect();
        }
        let on_command_line = self.targets.kubeconfig.is_some() || self.targets.context.is_some() || self.targets.dump.is_some();
        let mut configured: BTreeSet<Platform> =
            Platform::ALL.into_iter().filter(|platform| is_configured(*platform, environment)).collect();
        if configured.is_empty() || on_command_line {
            configured.insert(Platform::Kubernetes);
        }
        configured.into_iter().collect()
    }
}

// Whether the environment has a target at which the platform grants rights.
fn is_configured(platform: Platform, environment: &Environment) -> bool {
    use proofbook_sources::git::HostProduct;

    let hosts = |product: HostProduct| environment.git.as_ref().is_some_and(|git| git.hosts.iter().any(|host| host.product == product));
    let (monitoring, registries) = (environment.prometheus.as_ref(), environment.registry.as_ref());
    match platform {
        Platform::Kubernetes => environment.kubernetes.is_some(),
        Platform::Aws => environment.s3.as_ref().is_some_and(|s3| !s3.accounts.is_empty()),
        Platform::Postgres => environment.postgres.as_ref().is_some_and(|postgres| !postgres.servers.is_empty()),
        Platform::Keycloak => {
            environment.oidc.as_ref().is_some_and(|oidc| oidc.providers.iter().any(|provider| provider.keycloak.is_some()))
        }
        Platform::Vault => environment.vault.as_ref().is_some_and(|vault| !vault.servers.is_empty()),
        Platform::Harbor => registries.is_some_and(|registry| !registry.registries.is_empty()),
        Platform::Ecr => registries.is_some_and(|registry| !registry.ecr.is_empty()),
        Platform::ArtifactRegistry => registries.is_some_and(|registry| !registry.artifact_registry.is_empty()),
        Platform::Prometheus => {
            monitoring.is_some_and(|all| !(all.servers.is_empty() && all.alertmanagers.is_empty() && all.loki.is_empty()))
        }
        Platform::Elasticsearch => monitoring.is_some_and(|all| !all.elasticsearch.is_empty()),
        Platform::AuditTrail => {
            let events = environment.file.as_ref().and_then(|file| file.audit_events.as_ref());
            events.is_some_and(|events| !events.loki.is_empty())
        }
        Platform::Github => hosts(HostProduct::Github),
        Platform::Gitlab => hosts(HostProduct::Gitlab),
    }
}

// A value for people to read and for programs to parse.
fn pretty(value: &serde_json::Value) -> Result<String> {
    serde_json::to_string_pretty(value).context("printing JSON")
}
