//! From the workspace's targets to collectors, and from those to one inventory.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::join_all;
use jiff::Timestamp;
use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_checks::resource::Source;
use proofbook_evidence::bundle::Reconciliation;
use proofbook_sources::collector::{Collector, PlannedRequest, Progress, Unwatched};
use proofbook_sources::discovery::{Discovery, Found};
use proofbook_sources::dump::Dump;
use proofbook_sources::kubernetes::{KubeSettings, Kubernetes};
use proofbook_sources::observed::Unread;
use proofbook_sources::rights::Comparison;
use proofbook_sources::settings::Setup;
use tokio::runtime::Runtime;

use crate::cmd::scan::Targets;
use crate::config::{Environment, KubernetesTarget};
use crate::outside::{Outside, keep, with_discovery, without_population};
use crate::reconcile::{reconcile, with_counts};
use crate::workspace::Workspace;

/// How long a name server that hangs may hold the end of the program.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// What a run looks at.
pub(crate) struct Sources {
    /// The cluster, live or as a dump, with what a recording holds of other sources.
    cluster: Option<Box<dyn Collector>>,
    others: Vec<Box<dyn Collector>>,
    /// Whether the cluster is read live, so that what it lists can be held against what is counted at the same time.
    live: bool,
    outside: Outside,
    /// When a dump was taken, where it says so.
    pub(crate) collected_at: Option<Timestamp>,
    runtime: Runtime,
}

/// What a run gathered.
pub(crate) struct Collected {
    pub(crate) inventory: Inventory,
    /// Populations held against a second source.
    pub(crate) reconciled: Vec<Reconciliation>,
    /// What discovery has to tell: nothing without one, and where it failed, why.
    pub(crate) discovered: Option<Result<Found, Unread>>,
}

/// What a run would ask.
pub(crate) struct Foretold {
    pub(crate) requests: Vec<PlannedRequest>,
    /// How many requests were made to tell.
    pub(crate) made: usize,
    /// What discovery has to tell, as in [`Collected`].
    pub(crate) discovered: Option<Result<Found, Unread>>,
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
    let (mut cluster, mut collected_at): (Option<Box<dyn Collector>>, _) = (None, None);
    let (mut recorded, mut live) = (Vec::new(), false);
    let given = KubernetesTarget {
        dump: targets.dump.clone(),
        kubeconfig: targets.kubeconfig.clone(),
        context: targets.context.clone(),
        nodes_proxy: environment.kubernetes.as_ref().is_some_and(|target| target.nodes_proxy),
    };
    let on_command_line = given.dump.is_some() || given.kubeconfig.is_some() || given.context.is_some();
    let given = if on_command_line { Some(given) } else { environment.kubernetes.clone().map(|target| target.below(workspace)) };
    match given.filter(|_| is_meant(Source::Kubernetes)) {
        Some(KubernetesTarget { dump: Some(path), .. }) => {
            let dump = Dump::open("kubernetes", &path)?;
            let at = dump
                .collected_at()
                .map(|at| at.parse().with_context(|| format!("{}: `collected_at` is no RFC 3339 time: {at}", path.display())));
            collected_at = at.transpose()?;
            recorded.extend(Source::ALL.into_iter().filter(|source| dump.holds(*source)));
            cluster = Some(Box::new(dump));
        }
        Some(KubernetesTarget { kubeconfig, context, nodes_proxy, dump: None }) => {
            let settings = KubeSettings { kubeconfig, context, nodes_proxy, ..KubeSettings::new("kubernetes") };
            cluster = Some(Box::new(runtime.block_on(Kubernetes::open(settings))?));
            live = true;
        }
        None => {}
    }
    // A recording that holds observations of a source stands in for its targets too.
    let setup = Setup { root: &workspace.root, file: crate::workspace::FILE };
    let mut others = Vec::new();
    for (source, target) in environment.targets().filter(|(source, _)| is_meant(*source) && !recorded.contains(source)) {
        others.push(target.open(source.as_str(), &setup)?);
    }
    let outside = Outside::new(workspace, environment, cluster.is_some(), &recorded, is_meant)?;
    Ok(Sources { cluster, others, live, outside, collected_at, runtime })
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
    /// Asks the platforms behind the sources which rights our accounts have, all at once. What is asked from outside has none.
    pub(crate) fn compare(self, wanted: &Wanted) -> Vec<Comparison> {
        let collectors = self.cluster.iter().chain(&self.others);
        let found = self.runtime.block_on(join_all(collectors.map(|collector| collector.compare(wanted))));
        self.runtime.shutdown_timeout(SHUTDOWN);
        found.into_iter().flatten().collect()
    }

    /// Reads all targets at once, what is discovered after the cluster; what one cannot give never hides the others.
    pub(crate) fn collect(self, wanted: &Wanted, progress: &dyn Progress) -> Result<Collected> {
        let gathered = self.runtime.block_on(async {
            let asked = self.asked_of_others(wanted);
            let others = gather(&self.others, &asked, progress);
            let (others, collected) = futures_util::future::join(others, self.cluster_and_outside(wanted, progress)).await;
            let mut collected = collected?;
            collected.inventory.extend(others);
            collected.reconciled = reconcile(&mut collected.inventory);
            Ok(collected)
        });
        self.runtime.shutdown_timeout(SHUTDOWN);
        gathered
    }

    fn asked_of_others(&self, wanted: &Wanted) -> Wanted {
        if self.live { with_counts(wanted) } else { wanted.clone() }
    }

    async fn cluster_and_outside(&self, wanted: &Wanted, progress: &dyn Progress) -> Result<Collected> {
        let cluster = self.cluster.as_slice();
        let Some(discovery) = self.outside.discovery(wanted) else {
            let outside = self.outside.open(&Found::default())?;
            let (mut inventory, found) =
                futures_util::future::join(gather(cluster, wanted, progress), gather(&outside, wanted, progress)).await;
            inventory.extend(found);
            return Ok(Collected { inventory, reconciled: Vec::new(), discovered: None });
        };
        let mut inventory = gather(cluster, &with_discovery(wanted, discovery), progress).await;
        let announced = self.outside.announced(discovery, &inventory);
        keep(&mut inventory, wanted);
        let discovered = match announced {
            Ok(announced) => {
                let found = discovery.look(announced).await;
                inventory.extend(found.inventory(wanted));
                inventory.extend(gather(&self.outside.open(&found)?, wanted, progress).await);
                Ok(found)
            }
            Err(unread) => {
                // Of what was to be discovered nothing can be judged, so nobody is asked for it.
                let (rest, unknown) = without_population(discovery, wanted, &unread);
                inventory.extend(gather(&self.outside.open(&Found::default())?, &rest, progress).await);
                inventory.extend(unknown);
                Err(unread)
            }
        };
        Ok(Collected { inventory, reconciled: Vec::new(), discovered: Some(discovered) })
    }

    /// Every request that [`Self::collect`] would make. Discovery reads the cluster to tell whom it would ask; `offline` contacts
    /// nobody and names what is not known by what it is.
    pub(crate) fn plan(self, wanted: &Wanted, offline: bool) -> Result<Foretold> {
        let discovery = self.outside.discovery(wanted);
        let asked = discovery.map_or_else(|| wanted.clone(), |discovery| with_discovery(wanted, discovery));
        let mut requests: Vec<PlannedRequest> = self.cluster.iter().flat_map(|cluster| cluster.plan(&asked)).collect();
        let asked_of_others = self.asked_of_others(wanted);
        requests.extend(self.others.iter().flat_map(|collector| collector.plan(&asked_of_others)));
        let (mut made, mut discovered) = (0, None);
        if let Some(discovery) = discovery.filter(|_| !offline) {
            let inventory = self.runtime.block_on(gather(self.cluster.as_slice(), &discovery.reads(), &Unwatched));
            made = inventory.requests.len();
            discovered = Some(self.outside.announced(discovery, &inventory).map(|announced| discovery.foretell(announced)));
        }
        requests.extend(match (discovery, &discovered) {
            (Some(_), Some(Ok(found))) => [found.plan(), plans(&self.outside.open(found)?, wanted)].concat(),
            (Some(_), _) => {
                let template = Discovery::template();
                let mut planned = [template.plan(), plans(&self.outside.open(&template)?, wanted)].concat();
                planned.iter_mut().for_each(|request| request.query = Discovery::untemplated(&request.query));
                planned
            }
            (None, _) => plans(&self.outside.open(&Found::default())?, wanted),
        });
        requests.sort();
        requests.dedup();
        self.runtime.shutdown_timeout(SHUTDOWN);
        Ok(Foretold { requests, made, discovered })
    }
}

async fn gather(collectors: &[Box<dyn Collector>], wanted: &Wanted, progress: &dyn Progress) -> Inventory {
    let mut inventory = Inventory::default();
    for found in join_all(collectors.iter().map(|collector| collector.collect(wanted, progress))).await {
        inventory.extend(found);
    }
    inventory
}

fn plans(collectors: &[Box<dyn Collector>], wanted: &Wanted) -> Vec<PlannedRequest> {
    collectors.iter().flat_map(|collector| collector.plan(wanted)).collect()
}
