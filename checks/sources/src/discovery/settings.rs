//! Discovery as the workspace writes it.

use std::time::Duration;

use proofbook_controls::yaml::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Discovery;
use super::bounds::Bounds;
use crate::settings::{SettingsError, Setup};

/// Targets that the cluster announces: hosts of its Ingresses, Gateways and routes, addresses of its load balancers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoverSettings {
    /// Whether they become TLS endpoints.
    #[serde(default)]
    pub tls: bool,
    /// Whether the hosts become sites.
    #[serde(default)]
    pub http: bool,
    /// Whether the hosts become names of the domain name system.
    #[serde(default)]
    pub dns: bool,
    /// What may be contacted: names (`app.example.com`), all names below one (`*.example.com`), ranges of addresses
    /// (`203.0.113.0/24`). Nothing else is. Private and loopback addresses need a range here, whatever name leads to them.
    pub allow: Vec<Spanned<String>>,
    /// What may not be contacted although it is allowed.
    #[serde(default)]
    pub deny: Vec<Spanned<String>>,
    /// Seconds that looking up a name may take; 5 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

impl DiscoverSettings {
    /// Makes the discovery ready; contacts nobody. `ports` says that addresses are also looked for to try their ports.
    ///
    /// # Errors
    /// When the lists cannot be understood, or nothing is allowed.
    pub fn open(&self, ports: bool, setup: &Setup<'_>) -> Result<Discovery, SettingsError> {
        if self.allow.is_empty() {
            let detail = "`allow` is empty, so that nothing may be contacted; name the hosts and ranges that are yours";
            return Err(SettingsError { target: format!("{}: discover", setup.file), detail: detail.to_owned() });
        }
        Ok(Discovery {
            tls: self.tls,
            http: self.http,
            dns: self.dns,
            ports,
            bounds: Bounds::read(&self.allow, &self.deny, setup)?,
            deadline: Duration::from_secs(self.deadline_seconds.unwrap_or(5)),
        })
    }
}
