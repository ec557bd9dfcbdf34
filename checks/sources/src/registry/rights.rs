//! Which rights reading a registry takes: to pull, which any registry knows, and what the interfaces of Harbor, of Amazon and of Google
//! take besides.

use proofbook_checks::inventory::Wanted;
use proofbook_checks::resource::Source;
use serde_json::{Value as Json, json};

use crate::rights::{Platform, Right};
use crate::wanted::Asked;

/// The rights that reading takes, as resource and action of a robot account of Harbor.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    let asked = Asked::of(Source::Registry, wanted);
    let mut out = Vec::new();
    if asked.kind("Image") {
        out.push(Right::new("repository pull", "images, their signatures and attestations"));
    }
    if asked.part("Project", "scan_on_push") {
        out.push(Right::new("project read", "whether images are scanned on arrival"));
    }
    if asked.part("Project", "immutable") {
        out.push(Right::new("immutable-tag list", "which tags cannot be overwritten"));
    }
    if asked.part("Project", "latest") {
        out.push(Right::new("repository list", "where the latest image arrived"));
        out.push(Right::new("artifact list", "when it arrived and was scanned"));
    }
    out
}

/// A robot account of Harbor, as `POST /api/v2.0/robots` takes it.
#[must_use]
pub fn robot(wanted: &Wanted, name: &str, projects: &[String]) -> Json {
    let access: Vec<Json> = Platform::Harbor
        .rights(wanted)
        .iter()
        .filter_map(|right| right.name.split_once(' '))
        .map(|(resource, action)| json!({"resource": resource, "action": action}))
        .collect();
    let every = ["*".to_owned()];
    let projects = if projects.is_empty() { &every[..] } else { projects };
    let permission = |project: &String| json!({"kind": "project", "namespace": project, "access": access});
    json!({"name": name, "level": "system", "duration": 90, "permissions": projects.iter().map(permission).collect::<Vec<_>>()})
}

/// The actions that reading Amazon's registry takes.
pub(crate) fn ecr(wanted: &Wanted) -> Vec<Right> {
    let asked = Asked::of(Source::Registry, wanted);
    let mut out = Vec::new();
    if asked.kind("Project") {
        out.push(Right::new("ecr:DescribeRepositories", "the repositories, and whether tags are immutable"));
    }
    if asked.part("Project", "scan_on_push") {
        out.push(Right::new("ecr:GetRegistryScanningConfiguration", "whether images are scanned on arrival"));
    }
    if asked.part("Project", "latest") {
        out.push(Right::new("ecr:DescribeImages", "which image arrived last, and when it was scanned"));
    }
    out
}

/// The permissions that reading Google's registry takes.
pub(crate) fn artifact_registry(wanted: &Wanted) -> Vec<Right> {
    let asked = Asked::of(Source::Registry, wanted);
    let mut out = Vec::new();
    if asked.kind("Project") {
        out.push(Right::new("artifactregistry.repositories.list", "the repositories, whether tags are immutable and images are scanned"));
    }
    if asked.part("Project", "latest") {
        out.push(Right::new("artifactregistry.dockerimages.list", "which image arrived last"));
        out.push(Right::new("containeranalysis.occurrences.list", "when it was scanned"));
    }
    out
}

/// A policy of Amazon's identity service that allows what reading the registry takes. The configuration of scanning is that of the whole
/// registry, so the resource is not narrowed.
#[must_use]
pub fn policy(wanted: &Wanted) -> Json {
    let actions: Vec<String> = Platform::Ecr.rights(wanted).into_iter().map(|right| right.name).collect();
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

/// A role of Google Cloud, as `gcloud iam roles create ID --project PROJECT --file FILE` takes it.
#[must_use]
pub fn role(wanted: &Wanted, name: &str) -> Json {
    let permissions: Vec<String> = Platform::ArtifactRegistry.rights(wanted).into_iter().map(|right| right.name).collect();
    json!({
        "title": name,
        "description": "What checks of Artifact Registry read, and nothing else.",
        "stage": "GA",
        "includedPermissions": permissions,
    })
}
