//! The rights as each platform takes them: a ClusterRole, a policy, SQL.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;
use proofbook_checks::resource::Source;
use proofbook_sources::rights::{Platform, Right};
use proofbook_sources::{git, kubernetes, oidc, postgres, prometheus, registry, s3, vault};
use serde::Serialize;
use serde_json::Value as Json;

use super::{Asked, pretty};
use crate::cli::Format;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::counted;

/// What stands in the JSON about one platform.
#[derive(Serialize)]
struct Granted<'a> {
    platform: Platform,
    rights: Vec<Needed<'a>>,
    /// What the platform takes: JSON as it is, anything else as text.
    document: Json,
}

/// A right with the checks that need it.
#[derive(Serialize)]
struct Needed<'a> {
    #[serde(flatten)]
    right: Right,
    checks: Vec<&'a str>,
}

/// A document in the form in which its platform takes it.
enum Document {
    Text(String),
    Json(Json),
}

impl Document {
    fn text(&self) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text.trim_end().to_owned()),
            Self::Json(json) => pretty(json),
        }
    }
}

impl Asked<'_> {
    /// Prints the rights of each platform that is meant. One alone comes as its platform takes it; several come under headings.
    pub(super) fn print(&self, output: &Output) -> Result<Exit> {
        let mut found = Vec::new();
        for platform in &self.platforms {
            let rights = platform.rights(&self.wanted);
            if rights.is_empty() {
                output.say(format_args!("{platform}: no selected check takes a right there"));
                continue;
            }
            found.push((*platform, rights, self.document(*platform)));
        }
        if self.rbac.format == Format::Json {
            let granted = |(platform, rights, document): (Platform, Vec<Right>, Document)| Granted {
                platform,
                rights: rights.into_iter().map(|right| Needed { checks: self.checks(platform, &right.name), right }).collect(),
                document: match document {
                    Document::Text(text) => text.into(),
                    Document::Json(json) => json,
                },
            };
            output.json(&found.into_iter().map(granted).collect::<Vec<_>>())?;
            return Ok(Exit::Held);
        }
        let several = found.len() > 1;
        for (platform, _, document) in found {
            if several {
                output.result(format_args!("# ---- {platform}: alone by `proofbook rbac --for {platform}`"))?;
            }
            output.result(document.text()?)?;
            if several {
                output.result("")?;
            }
        }
        Ok(Exit::Held)
    }

    // The checks that take a right.
    fn checks(&self, platform: Platform, right: &str) -> Vec<&str> {
        let takes =
            |planned: &proofbook_checks::plan::Planned<'_>| platform.rights(&planned.wanted).iter().any(|needed| needed.name == right);
        self.plan.checks.values().filter(|planned| takes(planned)).map(|planned| planned.check.id().as_str()).collect()
    }

    fn document(&self, platform: Platform) -> Document {
        let (wanted, name) = (&self.wanted, &self.rbac.name);
        match platform {
            Platform::Kubernetes => Document::Text(self.cluster_role()),
            Platform::Aws => {
                let accounts = self.environment.s3.iter().flat_map(|s3| &s3.accounts);
                // An account without names of buckets has all of them.
                let named = accounts.clone().all(|account| !account.buckets.is_empty());
                let trials = accounts.clone().flat_map(|account| account.trials.iter().map(|trial| trial.value.clone()));
                let trials: BTreeSet<String> = trials.collect();
                let buckets = accounts.filter(|_| named).flat_map(|account| account.buckets.iter().cloned());
                Document::Json(s3::rights::policy(wanted, &buckets.collect(), &trials))
            }
            Platform::Postgres => {
                let servers = self.environment.postgres.iter().flat_map(|postgres| &postgres.servers);
                let databases: BTreeSet<String> = servers.flat_map(|server| server.databases.iter().cloned()).collect();
                Document::Text(postgres::rights::role(wanted, name, &databases))
            }
            Platform::Keycloak => Document::Json(oidc::rights::roles(wanted, name)),
            Platform::Vault => Document::Text(vault::rights::policy(wanted)),
            Platform::Harbor => {
                let registries = self.environment.registry.iter().flat_map(|registry| &registry.registries);
                let projects: BTreeSet<String> =
                    registries.flat_map(|registry| registry.projects.iter().map(|project| project.value.clone())).collect();
                Document::Json(registry::rights::robot(wanted, name, &projects.into_iter().collect::<Vec<_>>()))
            }
            Platform::Ecr => Document::Json(registry::rights::policy(wanted)),
            Platform::ArtifactRegistry => Document::Json(registry::rights::role(wanted, name)),
            Platform::Elasticsearch => {
                let all = self.environment.prometheus.iter().flat_map(|monitoring| &monitoring.elasticsearch);
                let indices: BTreeSet<String> =
                    all.filter_map(|elasticsearch| elasticsearch.indices.as_ref()).map(|indices| indices.value.clone()).collect();
                let indices = if indices.is_empty() { vec!["logs-*".to_owned()] } else { indices.into_iter().collect() };
                Document::Json(prometheus::rights::role(wanted, &indices))
            }
            Platform::Github => Document::Json(git::rights::permissions(wanted)),
            Platform::Prometheus | Platform::AuditTrail | Platform::Gitlab => {
                let line = |right: Right| format!("{}  # {}", right.name, right.why);
                Document::Text(platform.rights(wanted).into_iter().map(line).collect::<Vec<_>>().join("\n"))
            }
        }
    }

    // JSON is YAML: each rule stands on one line, and no value can break out of its quotes.
    fn cluster_role(&self) -> String {
        let (name, namespace) = (&self.rbac.name, &self.rbac.namespace);
        let reads =
            |planned: &&proofbook_checks::plan::Planned<'_>| planned.wanted.keys().any(|resource| resource.source == Source::Kubernetes);
        let checks = counted(self.plan.checks.values().filter(reads).count(), "check");
        let mut out = format!("# The rights that {checks} need, and no others. Made by `proofbook rbac`.\n");
        let _ = writeln!(out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\nrules:");
        for (rule, warning) in kubernetes::rights::rules(&self.wanted) {
            if let Some(warning) = warning {
                let _ = writeln!(out, "{}", crate::text::paragraph("  # ", &format!("Warning: {warning}.")).replace("\n    ", "\n  # "));
            }
            let _ = writeln!(out, "  - {}", serde_json::to_string(&rule).unwrap_or_default());
        }
        let _ = writeln!(
            out,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: {name}\n\
             roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {name}\n\
             subjects:\n  - kind: ServiceAccount\n    name: {name}\n    namespace: {namespace}"
        );
        out
    }
}
