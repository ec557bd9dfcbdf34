//! Rights: what an account must be allowed so that checks can be decided, and what it may do besides.
//!
//! Which right a request takes is told beside the collector that makes the request, in the module `rights` of each source;
//! here these tables get one shape. A right bears the name by which its platform grants it. The table is a pure function of
//! what the checks read, so that roles can be written before there is an account. Whether an account has exactly these rights is
//! asked of the platform itself by [`Collector::compare`](crate::collector::Collector::compare); what a platform does not tell
//! stands there as unknown, and is never taken for absence.

use std::collections::BTreeMap;
use std::fmt;

use proofbook_checks::inventory::Wanted;
use proofbook_checks::resource::Source;
use serde::Serialize;

use crate::{file, git, kubernetes, oidc, postgres, prometheus, registry, s3, vault};

/// Who grants rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// A Kubernetes API server.
    Kubernetes,
    /// Amazon's identity service, and object stores that know the same actions.
    Aws,
    /// A PostgreSQL server.
    Postgres,
    /// A realm of Keycloak.
    Keycloak,
    /// Vault or OpenBao.
    Vault,
    /// Harbor.
    Harbor,
    /// Amazon's identity service, for its registry ECR.
    Ecr,
    /// Google Cloud's identity service, for Artifact Registry.
    ArtifactRegistry,
    /// Prometheus, Alertmanager and Loki, behind a proxy that lets paths through.
    Prometheus,
    /// Elasticsearch.
    Elasticsearch,
    /// A Loki that holds the audit events of an API server, behind a proxy that lets paths through.
    AuditTrail,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
}

impl Platform {
    /// Every platform, in the order in which they are printed.
    pub const ALL: [Self; 13] = [
        Self::Kubernetes,
        Self::Aws,
        Self::Postgres,
        Self::Keycloak,
        Self::Vault,
        Self::Harbor,
        Self::Ecr,
        Self::ArtifactRegistry,
        Self::Prometheus,
        Self::Elasticsearch,
        Self::AuditTrail,
        Self::Github,
        Self::Gitlab,
    ];

    /// The name on the command line and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Aws => "aws",
            Self::Postgres => "postgres",
            Self::Keycloak => "keycloak",
            Self::Vault => "vault",
            Self::Harbor => "harbor",
            Self::Ecr => "ecr",
            Self::ArtifactRegistry => "artifact-registry",
            Self::Prometheus => "prometheus",
            Self::Elasticsearch => "elasticsearch",
            Self::AuditTrail => "audit-trail",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }

    /// In what form it grants rights, in a few words.
    #[must_use]
    pub const fn grants(self) -> &'static str {
        match self {
            Self::Kubernetes => "A ClusterRole, with its binding",
            Self::Aws => "A policy of Amazon's identity service",
            Self::Postgres => "A role of PostgreSQL, as SQL",
            Self::Keycloak => "A client of Keycloak with its roles, as a part of a realm",
            Self::Vault => "A policy of Vault or OpenBao",
            Self::Harbor => "A robot account of Harbor",
            Self::Ecr => "A policy of Amazon's identity service for ECR",
            Self::ArtifactRegistry => "A role of Google Cloud for Artifact Registry",
            Self::Prometheus => "Paths of Prometheus, Alertmanager and Loki that a proxy must let through",
            Self::Elasticsearch => "A role of Elasticsearch",
            Self::AuditTrail => "Paths of the Loki with audit events that a proxy must let through",
            Self::Github => "Permissions of a fine-grained token or an app of GitHub",
            Self::Gitlab => "The scope of a token of GitLab",
        }
    }

    /// The source that is read with its rights.
    #[must_use]
    pub const fn source(self) -> Source {
        match self {
            Self::Kubernetes => Source::Kubernetes,
            Self::Aws => Source::S3,
            Self::Postgres => Source::Postgres,
            Self::Keycloak => Source::Oidc,
            Self::Vault => Source::Vault,
            Self::Harbor | Self::Ecr | Self::ArtifactRegistry => Source::Registry,
            Self::Prometheus | Self::Elasticsearch => Source::Prometheus,
            Self::AuditTrail => Source::File,
            Self::Github | Self::Gitlab => Source::Git,
        }
    }

    /// The rights that reading what is wanted takes, each once, in the order of their names.
    #[must_use]
    pub fn rights(self, wanted: &Wanted) -> Vec<Right> {
        let rights = match self {
            Self::Kubernetes => kubernetes::rights::needed(wanted),
            Self::Aws => s3::rights::needed(wanted),
            Self::Postgres => postgres::rights::needed(wanted),
            Self::Keycloak => oidc::rights::needed(wanted),
            Self::Vault => vault::rights::needed(wanted),
            Self::Harbor => registry::rights::needed(wanted),
            Self::Ecr => registry::rights::ecr(wanted),
            Self::ArtifactRegistry => registry::rights::artifact_registry(wanted),
            Self::Prometheus => prometheus::rights::needed(wanted),
            Self::Elasticsearch => prometheus::rights::elasticsearch(wanted),
            Self::AuditTrail => file::rights::needed(wanted),
            Self::Github => git::rights::github(wanted),
            Self::Gitlab => git::rights::gitlab(wanted),
        };
        let by_name: BTreeMap<String, Right> = rights.into_iter().rev().map(|right| (right.name.clone(), right)).collect();
        by_name.into_values().collect()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A right that reading takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Right {
    /// Its name at the platform: `list pods`, `s3:GetBucketPolicy`, `view-realm`.
    pub name: String,
    /// What is read with it.
    pub why: &'static str,
    /// Whether it opens more than what is read with it, and what that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
}

impl Right {
    /// A right that opens what is read with it and no more than that.
    pub fn new(name: impl Into<String>, why: &'static str) -> Self {
        Self { name: name.into(), why, warning: None }
    }

    /// The same right, which opens more.
    #[must_use]
    pub const fn warning(mut self, warning: &'static str) -> Self {
        self.warning = Some(warning);
        self
    }
}

/// A right that an account has and that nothing needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Surplus {
    /// Its name at the platform, and where it holds if not everywhere.
    pub name: String,
    /// Whether it lets the account change things, take on other rights, or see secrets.
    pub grave: bool,
}

/// What comparing an account's rights with those that are needed came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Who grants the rights.
    pub platform: Platform,
    /// The target's name in the workspace.
    pub target: String,
    /// As whom the platform knows the account; empty where it does not tell.
    pub account: String,
    /// Needed rights that the account has.
    pub held: Vec<String>,
    /// Needed rights that it lacks.
    pub missing: Vec<String>,
    /// Rights that nothing needs.
    pub surplus: Vec<Surplus>,
    /// What could not be found out, a sentence each.
    pub unknown: Vec<String>,
}

impl Comparison {
    /// A comparison of which nothing is known yet.
    pub fn new(platform: Platform, target: impl Into<String>) -> Self {
        Self {
            platform,
            target: target.into(),
            account: String::new(),
            held: Vec::new(),
            missing: Vec::new(),
            surplus: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Whether the account has the needed rights and, as far as can be told, no others; false also where something is unknown.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty() && self.unknown.is_empty()
    }

    /// Notes whether a needed right is there.
    pub(crate) fn note(&mut self, right: impl Into<String>, held: bool) {
        if held { &mut self.held } else { &mut self.missing }.push(right.into());
    }

    /// Notes a right that nothing needs.
    pub(crate) fn more(&mut self, name: impl Into<String>, grave: bool) {
        self.surplus.push(Surplus { name: name.into(), grave });
    }

    /// Sorts what was noted and takes out what was noted twice.
    #[must_use]
    pub(crate) fn sorted(mut self) -> Self {
        for list in [&mut self.held, &mut self.missing, &mut self.unknown] {
            list.sort();
            list.dedup();
        }
        // What is grave comes first.
        self.surplus.sort_by(|a, b| (!a.grave, &a.name).cmp(&(!b.grave, &b.name)));
        self.surplus.dedup();
        self
    }
}
