//! Where to look: an endpoint as a person writes it.
//!
//! A name stays a name until the probe resolves it, so that every address behind it is looked at. Addresses are checked
//! after resolution and then contacted as numbers, so that a name cannot lead the probe to a metadata service.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use rustls::pki_types::ServerName;
use serde::Serialize;

/// The port that is meant where none is written.
pub const DEFAULT_PORT: u16 = 443;

const EXPECTED: &str = "expected `host:port`, `host` (port 443), `192.0.2.7:443` or `[2001:db8::7]:443`";

/// One host and port to look at. Written `host:port`, `host` (port 443) or `[::1]:443`.
///
/// The fields are open, so that a workspace can set the name that is asked for and the addresses to use; the collector
/// checks them once more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// A DNS name in lower case, or an IP address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The name to ask for (SNI) and to hold the certificate against, where it is not the host.
    pub server_name: Option<String>,
    /// The addresses to contact instead of those that the host resolves to.
    pub addresses: Vec<IpAddr>,
    /// How it is known.
    pub origin: Origin,
}

/// How an endpoint is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The workspace names it.
    #[default]
    Configured,
    /// The platform announces the host.
    Host,
    /// The platform announces an address or the name of a load balancer, so that no name of a customer is asked for.
    Address,
}

impl Endpoint {
    /// The name that the certificate must cover.
    #[must_use]
    pub fn expected_name(&self) -> &str {
        self.server_name.as_deref().unwrap_or(&self.host)
    }

    /// The name for the server-name extension; an address has none.
    pub(super) fn sni(&self) -> Option<&str> {
        Some(self.expected_name()).filter(|name| name.parse::<IpAddr>().is_err())
    }

    /// The name of the record of one address; without an address, that of the endpoint as a whole.
    pub(super) fn record_name(&self, address: Option<IpAddr>) -> String {
        let mut name = self.to_string();
        if let Some(address) = address {
            name.push('@');
            name.push_str(&address.to_string());
        }
        if let Some(server_name) = self.server_name.as_ref().filter(|asked| **asked != self.host) {
            name.push('#');
            name.push_str(server_name);
        }
        name
    }

    /// Checks what a caller may have set by hand.
    pub(super) fn check(&self) -> Result<(), EndpointError> {
        check_host(&self.host)?;
        self.server_name.as_deref().map_or(Ok(()), check_host)?;
        if self.port == 0 { Err(EndpointError::Port("0".to_owned())) } else { Ok(()) }
    }
}

/// `host:port`, with an IPv6 address in brackets.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.contains('/') {
            return Err(EndpointError::Url(text.to_owned()));
        }
        let (host, port) = split_port(text)?;
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let endpoint = Self { host, port, server_name: None, addresses: Vec::new(), origin: Origin::Configured };
        endpoint.check()?;
        Ok(endpoint)
    }
}

/// Why a text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A URL, or a path behind the host.
    #[error("`{0}` is a URL or has a path; {EXPECTED}")]
    Url(String),
    /// Neither a DNS name nor an IP address.
    #[error("`{0}` is neither a DNS name nor an IP address; {EXPECTED}; a name with other letters is written in its `xn--` form")]
    Host(String),
    /// An IPv6 address without brackets, so that its port cannot be told from it.
    #[error("`{0}` is an IPv6 address without brackets; write `[{0}]:443`")]
    Brackets(String),
    /// No port number.
    #[error("`{0}` is not a port; expected a number from 1 to 65535")]
    Port(String),
}

fn split_port(text: &str) -> Result<(&str, u16), EndpointError> {
    if let Some(inside) = text.strip_prefix('[') {
        let (host, rest) = inside.split_once(']').ok_or_else(|| EndpointError::Host(text.to_owned()))?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err(EndpointError::Host(host.to_owned()));
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, parse_port(port)?)),
            None if rest.is_empty() => Ok((host, DEFAULT_PORT)),
            None => Err(EndpointError::Host(text.to_owned())),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(EndpointError::Brackets(text.to_owned()));
    }
    match text.rsplit_once(':') {
        Some((host, port)) => Ok((host, parse_port(port)?)),
        None => Ok((text, DEFAULT_PORT)),
    }
}

fn parse_port(text: &str) -> Result<u16, EndpointError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u16>().ok().filter(|port| digits && *port != 0).ok_or_else(|| EndpointError::Port(text.to_owned()))
}

fn check_host(host: &str) -> Result<(), EndpointError> {
    ServerName::try_from(host).map(|_| ()).map_err(|_| EndpointError::Host(host.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Endpoint {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_three_forms_are_read() {
        for (text, host, port, shown) in [
            ("app.example.com:8443", "app.example.com", 8443, "app.example.com:8443"),
            ("app.example.com", "app.example.com", 443, "app.example.com:443"),
            ("App.Example.com.:443", "app.example.com", 443, "app.example.com:443"),
            ("192.0.2.7", "192.0.2.7", 443, "192.0.2.7:443"),
            ("[::1]:6443", "::1", 6443, "[::1]:6443"),
            ("[2001:db8::7]", "2001:db8::7", 443, "[2001:db8::7]:443"),
            ("under_score.example:1", "under_score.example", 1, "under_score.example:1"),
        ] {
            let endpoint = parsed(text);
            assert_eq!((endpoint.host.as_str(), endpoint.port), (host, port), "{text}");
            assert_eq!(endpoint.to_string(), shown);
        }
    }

    #[test]
    fn what_is_not_an_endpoint_says_what_is_expected() {
        for (text, part) in [
            ("https://app.example.com", "is a URL"),
            ("app.example.com/path", "has a path"),
            ("", "neither a DNS name nor an IP address"),
            (":443", "neither a DNS name nor an IP address"),
            ("b\u{fc}cher.example", "`xn--` form"),
            ("a b", "neither a DNS name"),
            ("[app.example.com]:443", "neither a DNS name"),
            ("[::1", "neither a DNS name"),
            ("[::1]443", "neither a DNS name"),
            ("2001:db8::7", "write `[2001:db8::7]:443`"),
            ("app.example.com:", "is not a port"),
            ("app.example.com:0", "is not a port"),
            ("app.example.com:65536", "is not a port"),
            ("app.example.com:+443", "is not a port"),
        ] {
            let error = text.parse::<Endpoint>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_record_is_named_by_address_and_by_a_differing_server_name() {
        let mut endpoint = parsed("[::1]:443");
        assert_eq!(endpoint.record_name(None), "[::1]:443");
        assert_eq!(endpoint.record_name(Some("::1".parse().unwrap())), "[::1]:443@::1");
        assert_eq!(endpoint.sni(), None);
        endpoint.server_name = Some("app.example.com".to_owned());
        assert_eq!(endpoint.record_name(Some("::1".parse().unwrap())), "[::1]:443@::1#app.example.com");
        assert_eq!(endpoint.sni(), Some("app.example.com"));
    }
}
