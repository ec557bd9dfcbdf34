//! From the workspace's targets to collectors, and from those to one inventory.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::join_all;
use jiff::Timestamp;
use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_checks::resource::Source;
use proofbook_sources::collector::Collector;
use proofbook_sources::dump::Dump;
use proofbook_sources::kubernetes::{KubeSettings, Kubernetes};
use proofbook_sources::rights::Comparison;
use proofbook_sources::settings::Setup;
use tokio::runtime::Runtime;

use crate::cmd::scan::Targets;
use crate::config::{Environment, KubernetesTarget};
use crate::progress::Bars;
use crate::workspace::Workspace;

/// How long a name server that hangs may hold the end of the program.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// What a run looks at.
pub(crate) struct Sources {
    pub(crate) collectors: Vec<Box<dyn Collector>>,
    /// When a dump was taken, where it says so.
    pub(crate) collected_at: Option<Timestamp>,
    runtime: Runtime,
}

/// The collectors of those sources of an environment that are meant; targets on the command line take the place of the workspace's
/// cluster.
pub(crate) fn sources(
    workspace: &Workspace,
    environment: &Environment,
    targets: &Targets,
    is_meant: impl Fn(Source) -> bool,
) -> Result<Sources> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("starting the runtime")?;
    let mut sources = Sources { collectors: Vec::new(), collected_at: None, runtime };
    let mut recorded = Vec::new();
    let given = KubernetesTarget {
        dump: targets.dump.clone(),
        kubeconfig: targets.kubeconfig.clone(),
        context: targets.context.clone(),
        nodes_proxy: environment.kubernetes.as_ref().is_some_and(|target| target.nodes_proxy),
    };
    let on_command_line = given.dump.is_some() || given.kubeconfig.is_some() || given.context.is_some();
    let cluster = if on_command_line { Some(given) } else { environment.kubernetes.clone().map(|target| target.below(workspace)) };
    match cluster.filter(|_| is_meant(Source::Kubernetes)) {
        Some(KubernetesTarget { dump: Some(path), .. }) => {
            let dump = Dump::open("kubernetes", &path)?;
            let at = dump
                .collected_at()
                .map(|at| at.parse().with_context(|| format!("{}: `collected_at` is no RFC 3339 time: {at}", path.display())));
            sources.collected_at = at.transpose()?;
            recorded.extend(Source::ALL.into_iter().filter(|source| dump.holds(*source)));
            sources.collectors.push(Box::new(dump));
        }
        Some(KubernetesTarget { kubeconfig, context, nodes_proxy, dump: None }) => {
            let settings = KubeSettings { kubeconfig, context, nodes_proxy, ..KubeSettings::new("kubernetes") };
            let cluster = sources.runtime.block_on(Kubernetes::open(settings))?;
            sources.collectors.push(Box::new(cluster));
        }
        None => {}
    }
    // A recording that holds observations of a source stands in for its targets too.
    let setup = Setup { root: &workspace.root, file: crate::workspace::FILE };
    for (source, target) in environment.targets().filter(|(source, _)| is_meant(*source) && !recorded.contains(source)) {
        sources.collectors.push(target.open(source.as_str(), &setup)?);
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

impl Sources {
    /// Asks the platforms behind the sources which rights our accounts have, all at once.
    pub(crate) fn compare(self, wanted: &Wanted) -> Vec<Comparison> {
        let found = self.runtime.block_on(join_all(self.collectors.iter().map(|collector| collector.compare(wanted))));
        self.runtime.shutdown_timeout(SHUTDOWN);
        found.into_iter().flatten().collect()
    }

    /// Reads all targets at once; what one cannot give never hides the others.
    pub(crate) fn collect(self, wanted: &Wanted, bars: &Bars) -> Inventory {
        let mut inventory = Inventory::default();
        let found = self.runtime.block_on(join_all(self.collectors.iter().map(|collector| collector.collect(wanted, bars))));
        for found in found {
            inventory.extend(found);
        }
        self.runtime.shutdown_timeout(SHUTDOWN);
        inventory
    }
}
