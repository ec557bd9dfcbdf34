//! Repositories and hosting services, as the workspace writes them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::command::is_clone;
use super::repository::Repository;
use super::{Host, Repositories};
use crate::collector::Collector;
use crate::service::{Access, Service};
use crate::settings::{SettingsError, Setup, TargetSettings};

/// Repositories: clones on this machine, and the services that host them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitTarget {
    /// Clones on this machine.
    #[serde(default)]
    pub repositories: Vec<RepositorySettings>,
    /// Services that host repositories.
    #[serde(default)]
    pub hosts: Vec<HostSettings>,
}

/// A clone on this machine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositorySettings {
    /// A name for it.
    pub name: Spanned<String>,
    /// Its folder, relative to the workspace.
    pub path: Spanned<PathBuf>,
    /// The branch or commit to look at; what is checked out where nothing is said.
    #[serde(default)]
    pub branch: Option<Spanned<String>>,
    /// File of SSH keys whose signatures of commits count (`ssh-keygen(1)`, ALLOWED SIGNERS), relative to the workspace.
    #[serde(default)]
    pub signers: Option<PathBuf>,
    /// Whether every file that was ever in the repository is looked through for secrets, and not only those of the branch.
    #[serde(default)]
    pub history: bool,
    /// How many of the latest commits are looked at for their signatures; 100 where nothing is said.
    #[serde(default)]
    pub commits: Option<u32>,
}

/// The product of a hosting service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostProduct {
    /// GitHub, or GitHub Enterprise Server.
    Github,
    /// GitLab.
    Gitlab,
}

/// A service that hosts repositories.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// A name for it.
    pub name: Spanned<String>,
    /// The product.
    pub product: HostProduct,
    /// Where its API is: `https://api.github.com`, `https://gitlab.example`.
    pub url: Spanned<String>,
    /// Who asks; a token.
    #[serde(default)]
    pub access: Access,
    /// The repositories: `owner/name`, or the full path of a project.
    pub repositories: Vec<Spanned<String>>,
    /// The branch that is to be guarded; the default branch of each where nothing is said.
    #[serde(default)]
    pub branch: Option<Spanned<String>>,
    /// Days of the population of changes; 90 where nothing is said.
    #[serde(default)]
    pub change_days: Option<u32>,
}

impl TargetSettings for GitTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        let fault = |place: String, detail: &str| SettingsError { target: place, detail: detail.to_owned() };
        let mut names = BTreeSet::new();
        let mut named = |name: &Spanned<String>| {
            let sound = !name.value.trim().is_empty() && names.insert(name.value.clone());
            if sound { Ok(()) } else { Err(fault(setup.place(name), "each has a name of its own, by which records are told apart")) }
        };
        let mut clones = Vec::new();
        for repository in &self.repositories {
            named(&repository.name)?;
            let path = setup.root.join(&repository.path.value);
            if !is_clone(&path) {
                return Err(fault(setup.place(&repository.path), "no clone is there; name its folder, relative to the workspace"));
            }
            if let Some(branch) = repository.branch.as_ref().filter(|branch| !is_reference(&branch.value)) {
                return Err(fault(setup.place(branch), "expected the name of a branch or a commit"));
            }
            clones.push(Repository {
                name: repository.name.value.clone(),
                path: path.canonicalize().unwrap_or(path),
                signers: repository.signers.as_ref().map(|file| setup.root.join(file)),
                branch: repository.branch.as_ref().map_or_else(|| "HEAD".to_owned(), |branch| branch.value.clone()),
                history: repository.history,
                commits: repository.commits.unwrap_or(100).max(1),
            });
        }
        let mut hosts = Vec::new();
        for host in &self.hosts {
            named(&host.name)?;
            let mut service = Service::open(Source::Git, name, &host.name.value, &host.url, &host.access, setup)?;
            if host.product == HostProduct::Github {
                service.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
                service.headers_mut().insert(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));
            }
            for repository in &host.repositories {
                let parts: Vec<&str> = repository.value.split('/').collect();
                if parts.len() < 2 || !parts.iter().all(|part| is_reference(part)) {
                    return Err(fault(setup.place(repository), "expected `owner/name`, or the full path of a project"));
                }
            }
            if let Some(branch) = host.branch.as_ref().filter(|branch| !is_reference(&branch.value)) {
                return Err(fault(setup.place(branch), "expected the name of a branch"));
            }
            hosts.push(Host {
                service,
                product: host.product,
                repositories: host.repositories.iter().map(|repository| repository.value.clone()).collect(),
                branch: host.branch.as_ref().map(|branch| branch.value.clone()),
                days: host.change_days.unwrap_or(90).max(1),
            });
        }
        Ok(Box::new(Repositories { target: name.to_owned(), clones, hosts }))
    }
}

// A name that can stand in a path and as an argument of git.
fn is_reference(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-/+".contains(c);
    !name.is_empty() && !name.starts_with(['-', '.', '/']) && !name.contains("..") && name.chars().all(sound)
}
