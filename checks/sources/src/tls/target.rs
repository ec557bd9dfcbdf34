//! TLS endpoints as the workspace writes them.

use std::path::PathBuf;
use std::time::Duration;

use proofbook_controls::yaml::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Endpoint, TlsCollector, TlsSettings};
use crate::collector::Collector;
use crate::discovery::FoundPlace;
use crate::settings::{SettingsError, Setup, TargetSettings};

/// TLS endpoints.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsTarget {
    /// `host`, `host:port` or `[address]:port`; port 443 where nothing is said.
    #[serde(default)]
    pub endpoints: Vec<Spanned<String>>,
    /// PEM file of the trusted authorities, relative to the workspace; the web's where nothing is said.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Seconds that an endpoint may take to answer; 5 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

impl TargetSettings for TlsTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        self.open_with(name, setup, &[])
    }
}

impl TlsTarget {
    /// Opens the target together with what was discovered; what the workspace names itself is looked at as it says.
    ///
    /// # Errors
    /// As [`TargetSettings::open`].
    pub fn open_with(&self, name: &str, setup: &Setup<'_>, found: &[FoundPlace]) -> Result<Box<dyn Collector>, SettingsError> {
        let fault = |place: String, detail: String| SettingsError { target: place, detail };
        let mut settings = TlsSettings { ca_file: self.ca_file.as_ref().map(|path| setup.root.join(path)), ..TlsSettings::default() };
        for endpoint in &self.endpoints {
            let parsed = endpoint.value.parse().map_err(|error| fault(setup.place(endpoint), format!("{error}")))?;
            settings.endpoints.push(parsed);
        }
        let named = settings.endpoints.clone();
        let is_new = |place: &&FoundPlace| !named.iter().any(|known: &Endpoint| known.host == place.host && known.port == place.port);
        for place in found.iter().filter(is_new) {
            let addresses = place.addresses.clone();
            let endpoint = Endpoint { host: place.host.clone(), port: place.port, server_name: None, addresses, origin: place.origin };
            let withheld = place.withheld.iter().map(|(address, unread)| (endpoint.clone(), *address, unread.clone()));
            settings.withheld.extend(withheld);
            // Without addresses it would be looked up once more, and may then lead elsewhere.
            if !endpoint.addresses.is_empty() {
                settings.endpoints.push(endpoint);
            }
        }
        if let Some(seconds) = self.deadline_seconds {
            settings.deadline = Duration::from_secs(seconds);
        }
        let collector = TlsCollector::new(name, settings).map_err(|error| fault(name.to_owned(), error.to_string()))?;
        Ok(Box::new(collector))
    }
}
