//! Names of what is read: a source and, within it, a resource.
//!
//! Kubernetes resources are written `plural.group` (`networkpolicies.networking.k8s.io`, `pods`), the form that RBAC
//! rules and `kubectl get` use, so that the least-privilege role can be generated without a cluster at hand.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of thing that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Objects of a Kubernetes API server.
    #[default]
    Kubernetes,
    /// Handshakes with TLS endpoints.
    Tls,
    /// Answers of web servers.
    Http,
    /// OpenID Connect providers, and the administration of Keycloak.
    Oidc,
    /// The domain name system.
    Dns,
    /// Object storage that speaks the S3 API.
    S3,
    /// PostgreSQL servers.
    Postgres,
    /// Prometheus, Alertmanager, Loki and their like.
    Prometheus,
    /// Vault and OpenBao.
    Vault,
    /// Registries of container images (OCI).
    Registry,
    /// Bills of materials and reports of vulnerability scanners.
    Sbom,
    /// Repositories, and the service that hosts them.
    Git,
    /// Documents: policies, reports, certificates.
    File,
    /// What the program knows of itself: the run, the ledger, the files of the workspace.
    Proofbook,
}

/// The group of records that are none of Kubernetes, followed by the name of their source.
pub const GROUP: &str = "proofbook.dev/";

impl Source {
    /// Every source, in the order in which they are printed.
    pub const ALL: [Self; 14] = [
        Self::Kubernetes,
        Self::Tls,
        Self::Http,
        Self::Oidc,
        Self::Dns,
        Self::S3,
        Self::Postgres,
        Self::Prometheus,
        Self::Vault,
        Self::Registry,
        Self::Sbom,
        Self::Git,
        Self::File,
        Self::Proofbook,
    ];

    /// The name in files and paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Oidc => "oidc",
            Self::Dns => "dns",
            Self::S3 => "s3",
            Self::Postgres => "postgres",
            Self::Prometheus => "prometheus",
            Self::Vault => "vault",
            Self::Registry => "registry",
            Self::Sbom => "sbom",
            Self::Git => "git",
            Self::File => "file",
            Self::Proofbook => "proofbook",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One listable resource of a source. Displayed as `kubernetes/pods`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// Where it is read.
    pub source: Source,
    /// Its name there; for Kubernetes `plural.group`, or the plural alone in the core group.
    pub name: Box<str>,
}

impl Resource {
    /// A resource of Kubernetes by `plural.group`.
    #[must_use]
    pub fn kubernetes(name: &str) -> Self {
        Self { source: Source::Kubernetes, name: name.into() }
    }

    /// The resource of an object, told from its `apiVersion` and `kind` without asking a server: `proofbook.dev/s3` and `Bucket` are
    /// the buckets of the source `s3`; every other group is one of Kubernetes.
    ///
    /// The plural is built by the rule that Kubernetes itself uses for names it has to guess; `Endpoints` is its own plural.
    #[must_use]
    pub fn of_object(api_version: &str, kind: &str) -> Self {
        let plural = plural_of(kind);
        if let Some(name) = api_version.strip_prefix(GROUP)
            && let Some(source) = Source::ALL.into_iter().find(|source| source.as_str() == name)
        {
            return Self { source, name: plural.into() };
        }
        match api_version.split_once('/') {
            Some((group, _)) => Self::kubernetes(&format!("{plural}.{group}")),
            None => Self::kubernetes(&plural),
        }
    }

    /// The handshakes with TLS endpoints.
    #[must_use]
    pub fn tls_endpoints() -> Self {
        Self { source: Source::Tls, name: "endpoints".into() }
    }

    /// The configurations in force of kubelets: objects of Kubernetes that its API server does not serve, but each kubelet.
    #[must_use]
    pub fn kubelet_configurations() -> Self {
        Self::kubernetes("kubeletconfigurations.kubelet.config.k8s.io")
    }

    /// For Kubernetes, the plural name.
    #[must_use]
    pub fn plural(&self) -> &str {
        self.name.split_once('.').map_or(&self.name, |(plural, _)| plural)
    }

    /// For Kubernetes, the API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.name.split_once('.').map_or("", |(_, group)| group)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.name)
    }
}

fn plural_of(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    if lower == "endpoints" {
        return lower;
    }
    let vowel_before_y = lower.strip_suffix('y').and_then(|stem| stem.chars().last()).is_some_and(|c| "aeiou".contains(c));
    match lower.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{stem}ies"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| lower.ends_with(end)) => format!("{lower}es"),
        _ => format!("{lower}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_the_api() {
        for (api_version, kind, name) in [
            ("v1", "Pod", "pods"),
            ("v1", "Endpoints", "endpoints"),
            ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies.networking.k8s.io"),
            ("networking.k8s.io/v1", "Ingress", "ingresses.networking.k8s.io"),
            ("storage.k8s.io/v1", "StorageClass", "storageclasses.storage.k8s.io"),
            ("gateway.networking.k8s.io/v1", "Gateway", "gateways.gateway.networking.k8s.io"),
            ("kyverno.io/v1", "ClusterPolicy", "clusterpolicies.kyverno.io"),
        ] {
            assert_eq!(Resource::of_object(api_version, kind), Resource::kubernetes(name));
        }
        assert_eq!(Resource::of_object("proofbook.dev/tls", "Endpoint"), Resource::tls_endpoints());
    }
}
