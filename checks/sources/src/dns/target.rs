//! Names and domains as the workspace writes them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hickory_net::proto::rr::Name;
use proofbook_controls::yaml::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

use super::dnssec::Anchors;
use super::{DnsCollector, Domain};
use crate::collector::Collector;
use crate::settings::{SettingsError, Setup, TargetSettings};

/// Where the machine's resolvers are named.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The domain name system.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsTarget {
    /// Names of hosts: `app.example.com`.
    #[serde(default)]
    pub names: Vec<Spanned<String>>,
    /// Domains that are registered, those that send no mail included.
    #[serde(default)]
    pub domains: Vec<DomainSettings>,
    /// Resolvers, as `address` or `address:port`, in the order in which they are asked; those of the machine where nothing is said.
    #[serde(default)]
    pub resolvers: Vec<Spanned<String>>,
    /// A file with trusted DNSKEY records, relative to the workspace; the keys of the root zone where nothing is said.
    #[serde(default)]
    pub trust_anchors: Option<PathBuf>,
    /// Seconds that a resolver may take to answer; 5 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

/// A domain.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainSettings {
    /// The domain: `example.com`.
    pub name: Spanned<String>,
    /// Whether mail is sent in its name; true where nothing is said.
    #[serde(default)]
    pub sends_mail: Option<bool>,
    /// Selectors of the keys with which its mail is signed; they cannot be found out.
    #[serde(default)]
    pub dkim_selectors: Vec<String>,
}

impl TargetSettings for DnsTarget {
    fn open(&self, target: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        self.open_with(target, setup, &[])
    }
}

impl DnsTarget {
    /// Opens the target together with names that were discovered.
    ///
    /// # Errors
    /// As [`TargetSettings::open`].
    pub fn open_with(&self, target: &str, setup: &Setup<'_>, found: &[String]) -> Result<Box<dyn Collector>, SettingsError> {
        let fault = |detail: String| SettingsError { target: target.to_owned(), detail };
        let mut names: Vec<Name> = self.names.iter().map(|name| self::name(setup, name)).collect::<Result<_, _>>()?;
        // What was discovered was held to be a name before.
        names.extend(found.iter().filter_map(|name| Name::from_utf8(name).ok()).map(|mut name| {
            name.set_fqdn(true);
            name.to_lowercase()
        }));
        names.sort();
        names.dedup();
        let mut domains = Vec::new();
        for domain in &self.domains {
            domains.push(Domain {
                name: self::name(setup, &domain.name)?,
                sends_mail: domain.sends_mail.unwrap_or(true),
                dkim_selectors: domain.dkim_selectors.clone(),
            });
        }
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        domains.dedup_by(|a, b| a.name == b.name);
        let anchors = match &self.trust_anchors {
            None => Anchors::of_the_root(),
            Some(path) => {
                let text = setup.file(target, path)?;
                let text = String::from_utf8(text).map_err(|_| fault(format!("{} is not UTF-8", path.display())))?;
                Anchors::parse(&text)
                    .map_err(|detail| fault(format!("{}: {detail}; expected DNSKEY records as in a zone file", path.display())))?
            }
        };
        let mut servers = self.resolvers.iter().map(|given| resolver(setup, given)).collect::<Result<Vec<_>, _>>()?;
        if servers.is_empty() {
            let text = std::fs::read_to_string(RESOLV_CONF)
                .map_err(|cause| fault(format!("cannot read {RESOLV_CONF}: {cause}; name the resolvers under `resolvers`")))?;
            servers = of_the_machine(&text);
            if servers.is_empty() {
                return Err(fault(format!("{RESOLV_CONF} names no resolver; name one under `resolvers`")));
            }
        }
        let deadline = Duration::from_secs(self.deadline_seconds.unwrap_or(5));
        Ok(Box::new(DnsCollector { target: target.to_owned(), servers, anchors, names, domains, deadline }))
    }
}

fn name(setup: &Setup<'_>, given: &Spanned<String>) -> Result<Name, SettingsError> {
    let fault = |detail: String| SettingsError { target: setup.place(given), detail: format!("`{}` {detail}", given.value) };
    let mut name = Name::from_utf8(given.value.trim_end_matches('.')).map_err(|cause| fault(format!("is no name: {cause}")))?;
    if name.num_labels() == 0 || given.value.parse::<IpAddr>().is_ok() || given.value.contains(['/', ':', '*']) {
        return Err(fault("is no name of a host or domain; write it as app.example.com".to_owned()));
    }
    name.set_fqdn(true);
    Ok(name.to_lowercase())
}

fn resolver(setup: &Setup<'_>, given: &Spanned<String>) -> Result<SocketAddr, SettingsError> {
    let text = given.value.as_str();
    let socket = text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)));
    socket.map_err(|_| SettingsError {
        target: setup.place(given),
        detail: format!("`{text}` is no resolver; write its address, with `:port` where that is not 53"),
    })
}

fn of_the_machine(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    named.filter_map(|address| address.trim().parse::<IpAddr>().ok()).map(|address| SocketAddr::new(address, 53)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolvers_of_the_machine_are_read() {
        let text = "# comment\nsearch example.com\nnameserver 192.0.2.53\n nameserver  2001:db8::53\nnameserver broken\noptions ndots:5\n";
        assert_eq!(of_the_machine(text), ["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:53".parse().unwrap()]);
    }
}
