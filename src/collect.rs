//! From the workspace's targets to collectors, and from those to one inventory.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_sources::collector::Collector;
use proofbook_sources::dump::Dump;
use proofbook_sources::kubernetes::{Kubernetes, KubeSettings};
use proofbook_sources::tls::{TlsCollector, TlsSettings};

use crate::cmd::scan::Targets;
use crate::config::{Environment, KubernetesTarget, TlsTarget};
use crate::progress::Bars;
use crate::workspace::Workspace;

/// What a run looks at.
pub(crate) struct Sources {
    pub(crate) collectors: Vec<Box<dyn Collector>>,
    /// When a dump was taken, where it says so.
    pub(crate) collected_at: Option<Timestamp>,
}

/// The collectors of an environment; targets on the command line take the place of the workspace's cluster.
pub(crate) fn sources(workspace: &Workspace, environment: &Environment, targets: &Targets) -> Result<Sources> {
    let mut sources = Sources { collectors: Vec::new(), collected_at: None };
    let given = KubernetesTarget { dump: targets.dump.clone(), kubeconfig: targets.kubeconfig.clone(), context: targets.context.clone() };
    let on_command_line = given.dump.is_some() || given.kubeconfig.is_some() || given.context.is_some();
    let cluster = if on_command_line { Some(given) } else { environment.kubernetes.clone().map(|target| target.below(workspace)) };
    match cluster {
        Some(KubernetesTarget { dump: Some(path), .. }) => {
            let dump = Dump::open(&path).with_context(|| format!("opening the dump {}", path.display()))?;
            sources.collected_at = dump.collected_at();
            sources.collectors.push(Box::new(dump));
        }
        Some(KubernetesTarget { kubeconfig, context, dump: None }) => {
            let settings = KubeSettings { kubeconfig, context, ..KubeSettings::default() };
            sources.collectors.push(Box::new(Kubernetes::new("kubernetes", settings)?));
        }
        None => {}
    }
    if let Some(tls) = &environment.tls {
        sources.collectors.push(Box::new(TlsCollector::new("endpoints", settings(workspace, tls)?)?));
    }
    Ok(sources)
}

impl KubernetesTarget {
    fn below(mut self, workspace: &Workspace) -> Self {
        for path in [&mut self.dump, &mut self.kubeconfig].into_iter().flatten() {
            *path = workspace.root.join(&*path);
        }
        self
    }
}

fn settings(workspace: &Workspace, target: &TlsTarget) -> Result<TlsSettings> {
    let mut settings = TlsSettings { ca_file: target.ca_file.as_ref().map(|path| workspace.root.join(path)), ..TlsSettings::default() };
    for endpoint in &target.endpoints {
        let place = format!("{}:{}", crate::workspace::FILE, endpoint.span.line);
        settings.endpoints.push(endpoint.value.parse().with_context(|| place)?);
    }
    if let Some(seconds) = target.deadline_seconds {
        settings.deadline = Duration::from_secs(seconds);
    }
    Ok(settings)
}

/// Reads all targets at once; what one cannot give never hides the others.
pub(crate) fn collect(sources: &Sources, wanted: &Wanted, bars: &Bars) -> Result<Inventory> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("starting the runtime")?;
    Ok(runtime.block_on(async {
        let mut inventory = Inventory::default();
        let mut collections: Vec<_> = sources.collectors.iter().map(|collector| collector.collect(wanted, bars)).collect();
        // A handful of targets: each future is polled in turn by one task, and the heavy work lies in their own tasks.
        for found in join_all(&mut collections).await {
            inventory.extend(found);
        }
        inventory
    }))
}

async fn join_all(collections: &mut [proofbook_sources::collector::Collecting<'_>]) -> Vec<Inventory> {
    let mut found: Vec<Option<Inventory>> = collections.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (collection, slot) in collections.iter_mut().zip(&mut found) {
            if slot.is_none()
                && let std::task::Poll::Ready(inventory) = collection.as_mut().poll(context)
            {
                *slot = Some(inventory);
            }
        }
        if found.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    found.into_iter().flatten().collect()
}
