//! PostgreSQL servers as the workspace writes them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proofbook_controls::yaml::Spanned;
use rustls::ClientConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use super::PostgresCollector;
use super::tls;
use crate::collector::Collector;
use crate::settings::{Credential, Secret, SettingsError, Setup, TargetSettings};

/// PostgreSQL servers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresTarget {
    /// The servers.
    pub servers: Vec<PostgresServer>,
    /// Whether link-local and metadata addresses may be contacted.
    #[serde(default)]
    pub allow_link_local: bool,
}

/// A PostgreSQL server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresServer {
    /// A name for the server: letters, digits and dashes.
    pub name: Spanned<String>,
    /// The host, which the server's certificate must name.
    pub host: String,
    /// The port; 5432 where nothing is said.
    #[serde(default)]
    pub port: Option<u16>,
    /// The role to log in as: one that only reads, see the guide.
    pub user: String,
    /// Its password.
    #[serde(default)]
    pub password: Option<Credential>,
    /// The database to log in to; `postgres` where nothing is said.
    #[serde(default)]
    pub database: Option<String>,
    /// The databases whose tables and extensions are looked at; all that allow connections where nothing is said.
    #[serde(default)]
    pub databases: Vec<String>,
    /// How the connection is protected; `verify` where nothing is said.
    #[serde(default)]
    pub tls: TlsUse,
    /// PEM file of the trusted authorities, relative to the workspace; those of the machine where nothing is said.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The claims of storage in Kubernetes that hold its data; the server itself cannot tell.
    #[serde(default)]
    pub storage: Option<Storage>,
    /// Seconds that a question may take; 10 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsUse {
    /// TLS, and the certificate must lead to a trusted authority and name the host.
    #[default]
    Verify,
    /// TLS, whatever the certificate is.
    Encrypt,
    /// None. A server may then ask for the password in the clear: only within one machine.
    Plain,
}

/// Where a server's data lies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// The namespace.
    pub namespace: String,
    /// Names of PersistentVolumeClaims, as patterns.
    pub claims: Vec<String>,
}

/// How long a question may take where nothing is said.
const DEADLINE: u64 = 10;

/// A server, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    pub(super) database: String,
    pub(super) databases: Vec<String>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) storage: Option<Storage>,
    pub(super) deadline: Duration,
    pub(super) allow_link_local: bool,
}

impl Server {
    /// Host and port.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl TargetSettings for PostgresTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        let mut known = BTreeSet::new();
        let mut servers = Vec::new();
        for server in &self.servers {
            let fault = |detail: &str| SettingsError { target: setup.place(&server.name), detail: detail.to_owned() };
            let written = &server.name.value;
            if written.is_empty() || !written.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                return Err(fault("the name of a server has letters, digits and dashes only"));
            }
            if !known.insert(written) {
                return Err(fault("another server has the same name; give each its own"));
            }
            servers.push(server.open(setup, self.allow_link_local)?);
        }
        Ok(Box::new(PostgresCollector::new(name, servers)))
    }
}

impl PostgresServer {
    fn open(&self, setup: &Setup<'_>, allow_link_local: bool) -> Result<Server, SettingsError> {
        let name = format!("postgres/{}", self.name.value);
        let fault = |detail: String| SettingsError { target: name.clone(), detail };
        let roots = self.ca_file.as_deref().map(|path| setup.file(&name, path)).transpose()?;
        let tls = match self.tls {
            TlsUse::Verify => Some(tls::verifying(roots.as_deref()).map_err(fault)?),
            TlsUse::Encrypt => Some(tls::encrypting().map_err(fault)?),
            TlsUse::Plain => None,
        };
        let mut databases = self.databases.clone();
        databases.sort();
        databases.dedup();
        Ok(Server {
            name: self.name.value.clone(),
            host: self.host.clone(),
            port: self.port.unwrap_or(5432),
            user: self.user.clone(),
            password: self.password.as_ref().map(|password| setup.secret(&name, password)).transpose()?,
            database: self.database.clone().unwrap_or_else(|| "postgres".to_owned()),
            databases,
            tls: tls.map(Arc::new),
            storage: self.storage.clone(),
            deadline: Duration::from_secs(self.deadline_seconds.unwrap_or(DEADLINE)),
            allow_link_local,
        })
    }
}
