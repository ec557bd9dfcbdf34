//! The live Kubernetes source against a replayed API server: what it reads, and what it makes of everything that can go
//! wrong on the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod faults;
mod reading;
mod rights;
mod server;
mod ways;

use std::sync::Arc;
use std::time::Duration;

use proofbook_checks::inventory::{Completeness, Inventory, Reason, Wanted};
use proofbook_checks::mask::{Mask, Step};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_sources::collector::{Collector, Unwatched};
use proofbook_sources::kubernetes::{KubeSettings, Kubernetes};

use self::server::Server;

/// What a check might read of each resource.
fn wanted(names: &[&str]) -> Wanted {
    let mut mask = Mask::default();
    mask.add(&[Step::key("spec")], true);
    mask.add(&[Step::key("metadata"), Step::key("labels")], true);
    let mut projection = Projection { mask: Arc::new(mask), controlled: None };
    projection.add_identity();
    names.iter().map(|name| (Resource::kubernetes(name), projection.clone())).collect()
}

/// Settings with which a test need not wait.
fn settings(server: &Server, folder: &tempfile::TempDir, token: &str) -> KubeSettings {
    KubeSettings {
        kubeconfig: Some(server.kubeconfig(folder.path(), token)),
        deadline: Duration::from_secs(20),
        ..KubeSettings::new("test")
    }
}

fn collect_with(settings: KubeSettings, wanted: &Wanted) -> Inventory {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { Kubernetes::open(settings).await.unwrap().collect(wanted, &Unwatched).await })
}

/// Collects as the account of `token`.
fn collect(server: &Server, token: &str, names: &[&str]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    collect_with(settings(server, &folder, token), &wanted(names))
}

/// Why a resource could not be read.
fn failure(inventory: &Inventory, name: &str) -> (Reason, String) {
    match inventory.completeness(&Resource::kubernetes(name)) {
        Completeness::Failed { reason, detail } => (*reason, detail.clone()),
        other => panic!("{name}: {other:?}"),
    }
}

fn reason(inventory: &Inventory, name: &str) -> Reason {
    failure(inventory, name).0
}

fn is_complete(inventory: &Inventory, name: &str) -> bool {
    *inventory.completeness(&Resource::kubernetes(name)) == Completeness::Complete
}

fn count(inventory: &Inventory, name: &str) -> usize {
    inventory.objects(&Resource::kubernetes(name)).len()
}
