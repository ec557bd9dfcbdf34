//! Registries of container images: what their tags name, who signed it, how it was built, and how the registry guards it.
//!
//! Records, each of its own resource:
//!
//! * `Image`: a digest with its tags, its base, and the signatures and attestations that are attached to it;
//! * `Project`: a project of a Harbor, or a repository of Amazon ECR or Google Artifact Registry, with its rules of immutability and its
//!   scanning;
//! * `Storage`: the bucket in which a registry stores images, as the workspace names it; the S3 source tells how it is kept.
//!
//! A signature counts only against the keys, or the authorities and the log, that the workspace names.

mod arrivals;
mod attachments;
mod challenge;
mod client;
mod clouds;
mod harbor;
mod image;
mod keys;
mod notation;
pub mod rights;
mod sigstore;
mod statement;
mod target;

use std::sync::Arc;

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Target, Wanted};
use proofbook_checks::resource::Source;
use serde_json::json;

use self::client::Client;
use self::clouds::Cloud;
pub use self::clouds::{ArtifactRegistrySettings, EcrSettings};
use self::harbor::Harbor;
use self::image::{Images, Parts, Wish};
use self::sigstore::Trust;
pub use self::target::{KeySettings, Product, RegistrySettings, RegistryTarget};
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::Observed;
use crate::wanted::Asked;

/// A registry.
#[derive(Debug)]
struct Registry {
    host: String,
    target: String,
    client: Arc<Client>,
    wishes: Vec<Wish>,
    /// Projects whose settings the registry's own API tells.
    projects: Vec<String>,
    /// Where it stores images.
    bucket: Option<String>,
}

/// The collector of registries.
#[derive(Debug)]
pub struct Registries {
    target: String,
    registries: Vec<Registry>,
    clouds: Vec<Cloud>,
    trust: Arc<Trust>,
}

impl Collector for Registries {
    fn source(&self) -> Source {
        Source::Registry
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let asked = Asked::of(Source::Registry, wanted);
        let clouds = self.clouds.iter().filter(|_| asked.kind("Project")).flat_map(|cloud| cloud.plan(&asked));
        self.registries.iter().flat_map(|registry| registry.plan(&asked)).chain(clouds).collect()
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }
}

impl Registries {
    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let asked = Asked::of(Source::Registry, wanted);
        let mut observed = Observed::new(Source::Registry);
        for registry in &self.registries {
            let mut met = false;
            if asked.kind("Image") && !registry.wishes.is_empty() {
                met = true;
                observed.listed("Image");
                let images = Images {
                    client: Arc::clone(&registry.client),
                    trust: Arc::clone(&self.trust),
                    host: registry.host.clone(),
                    parts: parts(&asked),
                };
                for (name, content) in Arc::new(images).read(&registry.wishes).await {
                    observed.record("Image", &name, content);
                    progress.advanced(&self.target, "images", 1);
                }
            }
            if asked.kind("Project") && !registry.projects.is_empty() {
                met = true;
                observed.listed("Project");
                let harbor = Harbor { client: &registry.client, host: &registry.host };
                for project in &registry.projects {
                    let (name, content) = harbor.project(project, &asked).await;
                    observed.record("Project", &name, content);
                    progress.advanced(&self.target, "projects", 1);
                }
            }
            if let Some(bucket) = registry.bucket.as_ref().filter(|_| asked.kind("Storage")) {
                observed.record("Storage", &registry.host, json!({"registry": registry.host, "bucket": bucket}));
            }
            if met {
                observed.requests(registry.client.requests());
                observed.target(registry.met());
            }
        }
        for cloud in self.clouds.iter().filter(|_| asked.kind("Project")) {
            observed.listed("Project");
            let read = cloud.read(&asked).await;
            read.records.into_iter().for_each(|(name, content)| observed.record("Project", &name, content));
            observed.requests(read.requests);
            observed.target(read.target);
            progress.advanced(&self.target, "projects", 1);
        }
        observed.finish(wanted)
    }
}

fn parts(asked: &Asked<'_>) -> Parts {
    let read = |part: &str| asked.part("Image", part);
    Parts { attachments: read("signatures") || read("attestations"), config: read("base") || read("created") }
}

impl Registry {
    fn met(&self) -> Target {
        let account = &self.client.account;
        let (identity, auth) = match (&account.token, &account.password) {
            (Some(_), _) => ("holder of the token".to_owned(), "bearer"),
            (None, Some(_)) => (account.user.clone(), "basic"),
            (None, None) => ("anonymous".to_owned(), "none"),
        };
        Target {
            source: Source::Registry,
            name: self.target.clone(),
            identity: self.client.base.to_string(),
            version: String::new(),
            actor: Actor { identity, auth: auth.to_owned(), rights_sha256: None },
            clock_offset_ms: self.client.web.clock_offset_ms(&self.client.base),
            assurance: Assurance::Live,
        }
    }

    fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let planned = |path: &str, reason: &str| PlannedRequest {
            source: Source::Registry,
            target: self.target.clone(),
            method: "GET".to_owned(),
            query: format!("{}{path}", self.client.base),
            reason: reason.to_owned(),
        };
        let mut plan = Vec::new();
        if asked.kind("Image") {
            let parts = parts(asked);
            for wish in &self.wishes {
                let repository = &wish.repository;
                let mut add = |wanted: bool, path: &str, reason: &str| {
                    if wanted {
                        plan.push(planned(&format!("v2/{repository}/{path}"), reason));
                    }
                };
                let listed = wish.digest.is_none() && wish.tags.as_ref().is_none_or(|tags| tags.contains('*'));
                add(listed, "tags/list", "which tags there are");
                add(true, "manifests/{tag or digest}", "which digest a tag names, and which platforms it has");
                add(parts.attachments, "referrers/{digest}", "signatures and attestations");
                add(parts.attachments, "manifests/sha256-{digest}", "what refers to the image, where the registry lacks that API");
                add(parts.attachments, "manifests/sha256-{digest}.sig", "signatures by the tag scheme of cosign");
                add(parts.attachments, "manifests/sha256-{digest}.att", "attestations by the tag scheme of cosign");
                add(parts.attachments || parts.config, "blobs/{digest}", "signatures, statements, and the labels of the image");
            }
            if !self.wishes.is_empty() {
                let reason = "only where the registry answers 401 and says so: a token to pull";
                plan.push(PlannedRequest { query: "the realm that the registry names".to_owned(), ..planned("", reason) });
            }
        }
        if asked.kind("Project") {
            let harbor = Harbor { client: &self.client, host: &self.host };
            plan.extend(self.projects.iter().flat_map(|project| harbor.plan(project, asked)).map(|(path, reason)| planned(&path, reason)));
        }
        plan
    }
}
