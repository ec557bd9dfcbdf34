//! Accounts of object stores as the workspace writes them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::S3Collector;
use super::account::Account;
use super::services::{Services, is_region};
use super::signing::Signer;
use crate::collector::Collector;
use crate::settings::{Credential, SettingsError, Setup, TargetSettings};
use crate::web::{Web, WebSettings};

/// Object storage that speaks the S3 API.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Target {
    /// The accounts.
    pub accounts: Vec<S3Account>,
    /// Whether link-local and metadata addresses may be contacted.
    #[serde(default)]
    pub allow_link_local: bool,
}

/// An account of an object store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Account {
    /// A name for the account: letters, digits and dashes.
    pub name: Spanned<String>,
    /// The region that signatures name, and in which Amazon is asked; `auto` for Cloudflare R2.
    pub region: Spanned<String>,
    /// The store's URL; Amazon's of the region where nothing is said.
    #[serde(default)]
    pub endpoint: Option<Spanned<String>>,
    /// Whose store it is; told by the endpoint's host where nothing is said.
    #[serde(default)]
    pub provider: Option<Provider>,
    /// Whether buckets are named in the host or in the path; in the host at Amazon and in the path elsewhere where nothing is said.
    #[serde(default)]
    pub style: Option<Style>,
    /// The id of the access key.
    pub access_key_id: Credential,
    /// The secret of the access key.
    pub secret_access_key: Credential,
    /// The token of temporary keys.
    #[serde(default)]
    pub session_token: Option<Credential>,
    /// The buckets; all that the account lists where nothing is said.
    #[serde(default)]
    pub buckets: Vec<String>,
    /// Places under which the platform's own trials of deletion put something, as `bucket/prefix`; only whether anything is left there is
    /// asked.
    #[serde(default)]
    pub trials: Vec<Spanned<String>>,
    /// The URL of a key service that speaks the API of AWS KMS, for a store that is not Amazon's.
    #[serde(default)]
    pub kms: Option<Spanned<String>>,
    /// The URL of an identity service that speaks the API of AWS STS, for a store that is not Amazon's.
    #[serde(default)]
    pub sts: Option<Spanned<String>>,
    /// The URL of the account's own settings (S3 Control), for a store that is not Amazon's.
    #[serde(default)]
    pub control: Option<Spanned<String>>,
    /// PEM file of the trusted authorities, relative to the workspace; those of the machine where nothing is said.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Seconds that an answer may take; 10 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

/// Whose store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Amazon S3, or a store that behaves like it in every answer.
    Aws,
    /// Cloudflare R2.
    R2,
    /// MinIO.
    Minio,
    /// Any other.
    Other,
}

impl Provider {
    /// The name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::R2 => "r2",
            Self::Minio => "minio",
            Self::Other => "other",
        }
    }

    fn of_host(host: &str) -> Self {
        match host {
            _ if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") => Self::Aws,
            _ if host.ends_with(".r2.cloudflarestorage.com") => Self::R2,
            _ => Self::Other,
        }
    }
}

/// Where a request names its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// `https://store.example.com/bucket`.
    Path,
    /// `https://bucket.store.example.com/`; names with dots go into the path all the same.
    VirtualHost,
}

/// How long an answer may take where nothing is said.
const DEADLINE: u64 = 10;

impl TargetSettings for S3Target {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        let mut known = BTreeSet::new();
        let mut accounts = Vec::new();
        for account in &self.accounts {
            let fault = |detail: &str| SettingsError { target: setup.place(&account.name), detail: detail.to_owned() };
            let written = &account.name.value;
            if written.is_empty() || !written.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                return Err(fault("the name of an account has letters, digits and dashes only"));
            }
            if !known.insert(written) {
                return Err(fault("another account has the same name; give each its own"));
            }
            accounts.push(account.open(setup, self.allow_link_local)?);
        }
        Ok(Box::new(S3Collector::new(name, accounts)))
    }
}

impl S3Account {
    fn open(&self, setup: &Setup<'_>, allow_link_local: bool) -> Result<Account, SettingsError> {
        let name = format!("s3/{}", self.name.value);
        let fault = |detail: String| SettingsError { target: name.clone(), detail };
        if !is_region(&self.region.value) {
            let detail = "a region has small letters, digits and dashes only".to_owned();
            return Err(SettingsError { target: setup.place(&self.region), detail });
        }
        let services = Services {
            s3: url(setup, self.endpoint.as_ref())?,
            control: url(setup, self.control.as_ref())?,
            kms: url(setup, self.kms.as_ref())?,
            sts: url(setup, self.sts.as_ref())?,
        };
        let host = services.s3.as_ref().and_then(Url::host_str);
        let provider = self.provider.or_else(|| host.map(Provider::of_host)).unwrap_or(Provider::Aws);
        let of_place = if services.is_amazon() || provider == Provider::Aws && host.is_some_and(|host| host.contains("amazonaws.com")) {
            Style::VirtualHost
        } else {
            Style::Path
        };
        let session = self.session_token.as_ref().map(|token| setup.secret(&name, token)).transpose()?;
        let signer =
            Signer::new(&setup.secret(&name, &self.access_key_id)?, &setup.secret(&name, &self.secret_access_key)?, session.as_ref());
        let web = WebSettings {
            deadline: Duration::from_secs(self.deadline_seconds.unwrap_or(DEADLINE)),
            roots: self.ca_file.as_deref().map(|path| setup.file(&name, path)).transpose()?,
            allow_link_local,
            ..WebSettings::new(Source::S3, &self.name.value)
        };
        let mut trials = Vec::new();
        for place in &self.trials {
            let detail = "a trial is `bucket/prefix`, with letters, digits, `/`, `-`, `.` and `_` in the prefix".to_owned();
            let fault = SettingsError { target: setup.place(place), detail };
            let (bucket, prefix) = place.value.split_once('/').filter(|(_, prefix)| !prefix.is_empty()).ok_or(fault)?;
            if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._".contains(&byte)) {
                let detail = format!("the prefix `{prefix}` has other characters than letters, digits, `/`, `-`, `.` and `_`");
                return Err(SettingsError { target: setup.place(place), detail });
            }
            trials.push((bucket.to_owned(), prefix.to_owned()));
        }
        let mut buckets = self.buckets.clone();
        buckets.sort();
        buckets.dedup();
        Ok(Account {
            name: self.name.value.clone(),
            provider,
            style: self.style.unwrap_or(of_place),
            region: self.region.value.clone(),
            services,
            buckets,
            trials,
            signer,
            web: Web::new(web).map_err(fault)?,
            regions: std::sync::Mutex::default(),
        })
    }
}

fn url(setup: &Setup<'_>, text: Option<&Spanned<String>>) -> Result<Option<Url>, SettingsError> {
    let Some(text) = text else { return Ok(None) };
    let fault = |detail: &str| SettingsError { target: setup.place(text), detail: detail.to_owned() };
    let url = Url::parse(&text.value).map_err(|_| fault("it is no URL; write `https://host` or `https://host:port`"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fault("a URL of a store begins with `https://` or `http://` and names a host"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(fault("a URL of a store holds no credentials and no query; keys have settings of their own"));
    }
    Ok(Some(url))
}
