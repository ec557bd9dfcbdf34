//! Ports to try, as the workspace writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use proofbook_controls::yaml::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

use super::settings::{Ports, Vantage};
use super::{PortsCollector, Purpose, Settings};
use crate::collector::Collector;
use crate::discovery::FoundAddress;
use crate::settings::{SettingsError, Setup, TargetSettings};
use crate::tls::Endpoint;

/// The port of an API server where none is written.
const API_PORT: u16 = 6443;

/// Addresses whose ports are tried. Name only what is yours.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortsTarget {
    /// From where this machine looks: `external` or `internal`. It is kept as a statement with everything that was seen.
    pub vantage: Vantage,
    /// Addresses or names.
    #[serde(default)]
    pub addresses: Vec<Spanned<String>>,
    /// Addresses behind a content network or tunnel, which must not answer by themselves.
    #[serde(default)]
    pub origins: Vec<Spanned<String>>,
    /// Public names under which open ports of origins, load balancers and nodes are met: by a TLS handshake, and by `GET /` where it
    /// completes.
    #[serde(default)]
    pub public_names: Vec<Spanned<String>>,
    /// The ports on which they are met; 80 and 443 where nothing is said.
    #[serde(default)]
    pub web_ports: Option<BTreeSet<u16>>,
    /// API servers, as `host:port`; port 6443 where none is written.
    #[serde(default)]
    pub api_servers: Vec<Spanned<String>>,
    /// Whether the addresses of load balancers and of nodes that the cluster announces are tried too, within `discover.allow`.
    #[serde(default)]
    pub discovered: bool,
    /// The ports, as numbers and ranges (`30000-32767`); those of remote access, web, databases, Kubernetes and its node ports
    /// where nothing is said.
    #[serde(default)]
    pub ports: Option<Ports>,
    /// A port that is known to be open to this machine, as `host:port`, such as your own site. It is tried before and after, to show
    /// that silence is not for want of a way out.
    #[serde(default)]
    pub witness: Option<Spanned<String>>,
    /// Seconds after which a port counts as silent; 2 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
    /// How many connections are made a second, all addresses together; 200 where nothing is said.
    #[serde(default)]
    pub per_second: Option<u32>,
}

impl TargetSettings for PortsTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        self.open_with(name, setup, &[])
    }
}

impl PortsTarget {
    /// Opens the target together with addresses that were discovered.
    ///
    /// # Errors
    /// As [`TargetSettings::open`].
    pub fn open_with(&self, name: &str, setup: &Setup<'_>, found: &[FoundAddress]) -> Result<Box<dyn Collector>, SettingsError> {
        let mut spots: BTreeMap<String, Purpose> = BTreeMap::new();
        for (list, role) in [(&self.addresses, "address"), (&self.origins, "origin")] {
            for given in list {
                spots.entry(host(setup, given)?).or_default().roles.insert(role);
            }
        }
        for given in &self.api_servers {
            let (host, port) = endpoint(setup, given, API_PORT)?;
            let purpose = spots.entry(host).or_default();
            purpose.roles.insert("api-server");
            purpose.api_ports.insert(port);
        }
        for address in found {
            spots.entry(address.address.to_string()).or_default().roles.extend(&address.roles);
        }
        let settings = Settings {
            vantage: self.vantage,
            spots,
            ports: self.ports.clone().unwrap_or_default().0,
            names: self.public_names.iter().map(|given| public_name(setup, given)).collect::<Result<_, _>>()?,
            web_ports: self.web_ports.clone().unwrap_or_else(|| BTreeSet::from([80, 443])),
            web_deadline: Duration::from_secs(self.deadline_seconds.unwrap_or(2).max(5)),
            witness: self.witness.as_ref().map(|given| endpoint(setup, given, 443)).transpose()?,
            deadline: Duration::from_secs(self.deadline_seconds.unwrap_or(2)),
            per_second: self.per_second.unwrap_or(200),
        };
        Ok(Box::new(PortsCollector { target: name.to_owned(), settings }))
    }
}

fn host(setup: &Setup<'_>, given: &Spanned<String>) -> Result<String, SettingsError> {
    if let Ok(address) = given.value.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let fault = || SettingsError {
        target: setup.place(given),
        detail: format!("`{}` is neither an address nor a name; ports stand under `ports`", given.value),
    };
    let parsed: Endpoint = given.value.parse().map_err(|_| fault())?;
    if given.value.contains(':') { Err(fault()) } else { Ok(parsed.host) }
}

fn public_name(setup: &Setup<'_>, given: &Spanned<String>) -> Result<String, SettingsError> {
    let name = host(setup, given)?;
    if name.parse::<IpAddr>().is_ok() || name.contains('*') {
        let detail = format!("`{}` is not a name under which the platform is reached, such as app.example.com", given.value);
        return Err(SettingsError { target: setup.place(given), detail });
    }
    Ok(name)
}

fn endpoint(setup: &Setup<'_>, given: &Spanned<String>, port: u16) -> Result<(String, u16), SettingsError> {
    let text = given.value.trim();
    let has_port = text.rsplit_once(':').is_some_and(|(front, digits)| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && (!front.contains(':') || front.ends_with(']'))
    });
    let parsed: Endpoint = text.parse().map_err(|error| SettingsError { target: setup.place(given), detail: format!("{error}") })?;
    Ok((parsed.host, if has_port { parsed.port } else { port }))
}
