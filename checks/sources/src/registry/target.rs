//! Registries and who signs their images, as the workspace writes it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{Account, Client};
use super::clouds::{ArtifactRegistrySettings, EcrSettings};
use super::image::Wish;
use super::keys::PublicKey;
use super::sigstore::{Trust, certificates};
use super::{Registries, Registry};
use crate::collector::Collector;
use crate::service::Access;
use crate::settings::{SettingsError, Setup, TargetSettings};
use crate::web::{Web, WebSettings};

/// Registries of container images.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryTarget {
    /// The registries.
    #[serde(default)]
    pub registries: Vec<RegistrySettings>,
    /// Registries of AWS accounts (ECR), for the settings of their repositories.
    #[serde(default)]
    pub ecr: Vec<EcrSettings>,
    /// Artifact Registries of Google Cloud projects, for the settings of their repositories.
    #[serde(default)]
    pub artifact_registry: Vec<ArtifactRegistrySettings>,
    /// The public keys whose signatures count.
    #[serde(default)]
    pub keys: Vec<KeySettings>,
    /// PEM file of the authorities that certify identities of signers (for sigstore, the root and the intermediate of Fulcio), where
    /// images are signed without keys.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// PEM file of the authorities that certify signers of Notation.
    #[serde(default)]
    pub notation_authorities: Option<PathBuf>,
    /// PEM file of the public key of the log that records such signatures (for sigstore, that of Rekor).
    #[serde(default)]
    pub log_key: Option<PathBuf>,
}

/// A public key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// A name for it, as signers are printed.
    pub name: String,
    /// PEM file, relative to the workspace.
    pub file: Spanned<PathBuf>,
}

/// A product whose own API tells more than the distribution API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// Harbor.
    Harbor,
}

/// A registry.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrySettings {
    /// The host as it stands in references of images: `registry.example.com`.
    pub host: Spanned<String>,
    /// Where it is asked, where that is elsewhere; `https://` and the host where nothing is said.
    #[serde(default)]
    pub url: Option<Spanned<String>>,
    /// Who asks: a user with a password, or a token.
    #[serde(default)]
    pub access: Access,
    /// The images: `team/app` for every tag, `team/app:1.*`, `team/app@sha256:…`.
    #[serde(default)]
    pub images: Vec<Spanned<String>>,
    /// The product, where its own API is asked too.
    #[serde(default)]
    pub product: Option<Product>,
    /// The projects whose settings are asked for; needs a `product`.
    #[serde(default)]
    pub projects: Vec<Spanned<String>>,
    /// The bucket in which the registry stores images, as the S3 source knows it.
    #[serde(default)]
    pub storage_bucket: Option<String>,
}

impl TargetSettings for RegistryTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        let mut trust = Trust::default();
        for key in &self.keys {
            let fault = || SettingsError { target: setup.place(&key.file), detail: "expected a public key in PEM form".to_owned() };
            let public = PublicKey::from_pem(&setup.file(name, &key.file.value)?).ok_or_else(fault)?;
            trust.keys.push((key.name.clone(), public));
        }
        let fault =
            |what: &str| SettingsError { target: name.to_owned(), detail: format!("`{what}` holds nothing of this kind in PEM form") };
        let of_file = |file: &Option<PathBuf>, what: &str| {
            let Some(file) = file else { return Ok(Vec::new()) };
            let found = certificates(&String::from_utf8_lossy(&setup.file(name, file)?));
            if found.is_empty() { Err(fault(what)) } else { Ok(found) }
        };
        trust.authorities = of_file(&self.authorities, "authorities")?;
        trust.notation = of_file(&self.notation_authorities, "notation_authorities")?;
        if let Some(file) = &self.log_key {
            trust.log = Some(PublicKey::from_pem(&setup.file(name, file)?).ok_or_else(|| fault("log_key"))?);
        }
        let registries = self.registries.iter().map(|registry| registry.open(name, setup)).collect::<Result<_, _>>()?;
        let amazon = self.ecr.iter().map(|registry| registry.open(name, setup));
        let google = self.artifact_registry.iter().map(|registry| registry.open(name, setup));
        let clouds = amazon.chain(google).collect::<Result<_, _>>()?;
        Ok(Box::new(Registries { target: name.to_owned(), registries, clouds, trust: Arc::new(trust) }))
    }
}

impl RegistrySettings {
    fn open(&self, target: &str, setup: &Setup<'_>) -> Result<Registry, SettingsError> {
        let fault = |place: String, detail: &str| SettingsError { target: place, detail: detail.to_owned() };
        let host = self.host.value.trim();
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return Err(fault(setup.place(&self.host), "expected the host of a registry, with its port where it has one"));
        }
        let place = self.url.as_ref().map_or_else(|| setup.place(&self.host), |url| setup.place(url));
        let text = self.url.as_ref().map_or_else(|| format!("https://{host}/"), |url| format!("{}/", url.value.trim_end_matches('/')));
        let base = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| fault(place.clone(), "expected a URL that starts with https:// or http://"))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(fault(place, "a URL never holds a credential; name it under `access`"));
        }
        let label = format!("{target}/{host}");
        let mut settings = WebSettings::new(Source::Registry, &label);
        if let Some(seconds) = self.access.deadline_seconds {
            settings.deadline = Duration::from_secs(seconds.max(1));
        }
        settings.roots = self.access.ca_file.as_ref().map(|path| setup.file(&label, path)).transpose()?;
        let secret = |credential: &Option<_>| credential.as_ref().map(|credential| setup.secret(&label, credential)).transpose();
        let account = Account {
            user: self.access.user.clone().unwrap_or_default(),
            password: secret(&self.access.password)?,
            token: secret(&self.access.token)?,
        };
        let web = Web::new(settings).map_err(|detail| fault(place, &detail))?;
        let mut wishes = Vec::new();
        for image in &self.images {
            let wish = Wish::parse(&image.value);
            wishes.push(wish.ok_or_else(|| {
                fault(setup.place(image), "expected a repository, with a tag, a pattern of tags or a digest: `team/app:1.*`")
            })?);
        }
        if let (Some(project), None) = (self.projects.first(), self.product) {
            return Err(fault(setup.place(project), "say which `product` the registry is, so that its projects can be asked for"));
        }
        for project in &self.projects {
            let sound = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if project.value.is_empty() || !project.value.chars().all(sound) {
                return Err(fault(setup.place(project), "expected the name of a project"));
            }
        }
        Ok(Registry {
            host: host.to_owned(),
            target: label,
            client: Arc::new(Client::new(base, web, account)),
            wishes,
            projects: self.projects.iter().map(|project| project.value.clone()).collect(),
            bucket: self.storage_bucket.clone(),
        })
    }
}
