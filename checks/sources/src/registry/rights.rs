//! Which rights reading a registry takes: to pull, which any registry knows, and what the interface of Harbor takes besides.

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
