//! OpenID Connect providers as the workspace writes them.

use std::path::PathBuf;
use std::time::Duration;

use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::keycloak::Admin;
use super::token::{Login, may_carry_secrets};
use super::{OidcCollector, Provider};
use crate::collector::Collector;
use crate::settings::{Credential, SettingsError, Setup, TargetSettings};
use crate::web::{Web, WebSettings};

/// OpenID Connect providers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcTarget {
    /// The providers.
    pub providers: Vec<ProviderSettings>,
    /// PEM file of the trusted authorities, relative to the workspace; the web's where nothing is said.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Seconds that an exchange may take; 5 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

/// A provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// The issuer, letter by letter as tokens name it: `https://id.example.com/realms/main`.
    pub issuer: Spanned<String>,
    /// A client of the provider that may ask for a token of its own (client credentials). The token is looked at and, for
    /// Keycloak, opens the interface for administration.
    #[serde(default)]
    pub client: Option<ClientSettings>,
    /// That the provider is a realm of Keycloak whose settings are to be read; needs `client`.
    #[serde(default)]
    pub keycloak: Option<KeycloakSettings>,
}

/// A client with its secret.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// The client's id.
    pub id: String,
    /// Where its secret lies.
    pub secret: Credential,
    /// The issuer at which the client logs in, where it belongs to another realm than the one that is looked at.
    #[serde(default)]
    pub issuer: Option<Spanned<String>>,
}

/// A realm of Keycloak.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeycloakSettings {
    /// Where the realm is administered: `https://id.example.com/admin/realms/main`; told from the issuer where nothing is said.
    #[serde(default)]
    pub admin_url: Option<Spanned<String>>,
    /// How many accounts are looked at; where there are more, nothing is said about them. 5,000 where nothing is said.
    #[serde(default)]
    pub max_accounts: Option<usize>,
}

impl TargetSettings for OidcTarget {
    fn open(&self, target: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        let roots = self.ca_file.as_ref().map(|path| setup.file(target, path)).transpose()?;
        let deadline = Duration::from_secs(self.deadline_seconds.unwrap_or(5));
        let web = || {
            let settings = WebSettings { deadline, roots: roots.clone(), ..WebSettings::new(Source::Oidc, target) };
            Web::new(settings).map_err(|detail| SettingsError { target: target.to_owned(), detail })
        };
        let mut providers = Vec::new();
        for provider in &self.providers {
            let issuer = url(setup, &provider.issuer)?;
            let login = provider.client.as_ref().map(|client| login(target, setup, client, &provider.issuer)).transpose()?;
            let admin = provider.keycloak.as_ref().map(|keycloak| admin(setup, keycloak, provider, &issuer)).transpose()?;
            providers.push(Provider { issuer: provider.issuer.value.clone(), login, admin, web: web()? });
        }
        providers.sort_by(|a, b| a.issuer.cmp(&b.issuer));
        providers.dedup_by(|a, b| a.issuer == b.issuer);
        Ok(Box::new(OidcCollector { target: target.to_owned(), providers: providers.into_iter().map(Into::into).collect() }))
    }
}

fn login(target: &str, setup: &Setup<'_>, client: &ClientSettings, issuer: &Spanned<String>) -> Result<Login, SettingsError> {
    let given = client.issuer.as_ref().unwrap_or(issuer);
    let at = url(setup, given)?;
    if !may_carry_secrets(&at) {
        let detail = format!("`{given}` is not https, and a secret is not sent in clear", given = given.value);
        return Err(SettingsError { target: setup.place(given), detail });
    }
    Ok(Login { issuer: given.value.clone(), client_id: client.id.clone(), secret: setup.secret(target, &client.secret)? })
}

fn admin(setup: &Setup<'_>, keycloak: &KeycloakSettings, provider: &ProviderSettings, issuer: &Url) -> Result<Admin, SettingsError> {
    let fault = |detail: &str| SettingsError { target: setup.place(&provider.issuer), detail: detail.to_owned() };
    if provider.client.is_none() {
        return Err(fault("the settings of a realm are read with an account: name a `client` with the roles view-realm, view-clients, …"));
    }
    // `…/realms/main` is administered at `…/admin/realms/main`, also where a prefix such as `/auth` stands before.
    let (prefix, realm) = issuer
        .path()
        .rsplit_once("/realms/")
        .filter(|(_, realm)| !realm.is_empty() && !realm.contains('/'))
        .ok_or_else(|| fault("the issuer does not end in /realms/NAME, so it is no realm of Keycloak"))?;
    let url = match &keycloak.admin_url {
        Some(given) => url(setup, given)?,
        None => {
            let mut url = issuer.clone();
            url.set_path(&format!("{prefix}/admin/realms/{realm}"));
            url
        }
    };
    if !may_carry_secrets(&url) {
        return Err(fault("the realm's administration is not https, and a token is not sent in clear"));
    }
    Ok(Admin { url, realm: realm.to_owned(), max_accounts: keycloak.max_accounts.unwrap_or(5_000) })
}

fn url(setup: &Setup<'_>, given: &Spanned<String>) -> Result<Url, SettingsError> {
    let fault = |detail: &str| SettingsError { target: setup.place(given), detail: format!("`{}` {detail}", given.value) };
    let url: Url = given.value.parse().map_err(|_| fault("is no URL; write it as https://id.example.com/realms/main"))?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err(fault("is no URL of a web server"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(fault("holds more than a place: take out user, password, query and fragment"));
    }
    Ok(url)
}
