//! The live Kubernetes source: lists what is wanted from an API server, and proves that nothing is missing.
//!
//! A resource is complete only if the server says that the account may list it over all namespaces, served every page,
//! and all pages are of one resource version. Anything else is a listing that says what was in the way. Requests are GET,
//! LIST and reviews of ourselves; nothing is written, watched or read from a cache.

mod api;
mod discovery;
mod kubelet;
mod list;
mod reviews;
pub mod rights;
mod settings;

use std::collections::{BTreeMap, VecDeque};

use kube::Client;
use proofbook_checks::inventory::{Assurance, Completeness, Inventory, Listing, Reason, Request, Target, Wanted};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::{Resource, Source};
use proofbook_checks::value::Value;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use self::api::{Api, Trouble};
use self::discovery::Found;
use self::list::Task;
use self::reviews::Permission;
pub use self::settings::{KubeSettings, KubeconfigFault};
use crate::clock::skew;
use crate::collector::{Collecting, Collector, Comparing, PlannedRequest, Progress};
use crate::rights::{Comparison, Platform};

/// How many resources are listed at the same time.
const AT_ONCE: usize = 4;

/// A cluster as a target.
#[derive(Clone)]
pub struct Kubernetes {
    settings: KubeSettings,
    config: kube::Config,
    auth: &'static str,
}

impl std::fmt::Debug for Kubernetes {
    // The configuration holds credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kubernetes").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Kubernetes {
    /// Finds the way to the cluster; the cluster is not contacted yet.
    ///
    /// # Errors
    /// When there is no usable kubeconfig or service account.
    pub async fn open(settings: KubeSettings) -> Result<Self, KubeconfigFault> {
        let way = settings::find(&settings).await?;
        Ok(Self { settings, config: way.config, auth: way.auth })
    }

    async fn read(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let wanted: Vec<(&Resource, &Projection)> = wanted.iter().filter(|(resource, _)| resource.source == Source::Kubernetes).collect();
        let mut inventory = Inventory::default();
        let met = match self.connect().await {
            Ok(api) => self.meet(&api, &wanted, progress, &mut inventory).await,
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = met {
            for (resource, _) in wanted {
                inventory.listings.insert(resource.clone(), Listing::failed(trouble.reason, trouble.detail.clone()));
            }
        }
        inventory
    }

    // Making a client runs the kubeconfig's credential plugin, which may take its time, or for ever: it gets a thread of its
    // own, for which nothing waits at the end.
    async fn connect(&self) -> Result<Api, Trouble> {
        let (done, client) = oneshot::channel();
        let (config, runtime) = (self.config.clone(), Handle::current());
        std::thread::spawn(move || {
            let _entered = runtime.enter();
            // Nobody waits any more only when the deadline has passed.
            drop(done.send(Client::try_from(config)));
        });
        match tokio::time::timeout(self.settings.deadline, client).await {
            Ok(Ok(Ok(client))) => Ok(Api { client, target: self.settings.name.clone(), deadline: self.settings.deadline }),
            Ok(Ok(Err(kube::Error::Auth(_)))) => {
                Err(Trouble::new(Reason::NotPermitted, "the credentials that the kubeconfig names cannot be obtained"))
            }
            Ok(_) => Err(Trouble::new(Reason::Unreachable, "the kubeconfig's cluster or credentials cannot be used to connect")),
            Err(_) => Err(Trouble::new(Reason::Timeout, "the kubeconfig's credential plugin did not answer within the deadline")),
        }
    }

    // Fills the inventory; an error says that the cluster as a whole cannot be read.
    async fn meet(
        &self,
        api: &Api,
        wanted: &[(&Resource, &Projection)],
        progress: &dyn Progress,
        inventory: &mut Inventory,
    ) -> Result<(), Trouble> {
        let log = &mut inventory.requests;
        let greeting = reviews::greet(api, log).await?;
        let actor = reviews::actor(api, self.auth, log).await;
        // Where all namespaces are listed, one of them tells.
        let namespaces = wanted.iter().any(|(resource, _)| **resource == Resource::kubernetes("namespaces"));
        let uid = if namespaces { None } else { reviews::cluster_uid(api, log).await };
        inventory.targets.push(Target {
            source: Source::Kubernetes,
            name: self.settings.name.clone(),
            identity: uid.unwrap_or_default(),
            version: greeting.version,
            actor,
            clock_offset_ms: greeting.clock_offset_ms,
            assurance: Assurance::Live,
        });
        if let Some(skew) = skew(greeting.clock_offset_ms) {
            return Err(Trouble::new(Reason::ClockSkew, format!("the server's {skew}")));
        }
        let (kubelets, wanted): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(|(resource, _)| kubelet::is_read_by(resource));
        let names_only = kubelet::names_only();
        let nodes = Resource::kubernetes("nodes");
        let mut listed = wanted.clone();
        let extra = !kubelets.is_empty() && self.settings.nodes_proxy && !wanted.iter().any(|(resource, _)| **resource == nodes);
        if extra {
            listed.push((&nodes, &names_only));
        }
        let resources: Vec<&Resource> = listed.iter().map(|(resource, _)| *resource).collect();
        let found = discovery::discover(api, &resources, log).await;
        self.list_all(api, &listed, found, progress, inventory).await;
        for (resource, projection) in kubelets {
            let listing = match inventory.listings.get(&nodes).filter(|_| self.settings.nodes_proxy) {
                Some(nodes) => kubelet::read(api, projection, nodes, &mut inventory.requests).await,
                None => kubelet::not_allowed(),
            };
            inventory.listings.insert(resource.clone(), listing);
        }
        if extra {
            inventory.listings.remove(&nodes);
        }
        if let Some(target) = inventory.targets.last_mut().filter(|target| target.identity.is_empty()) {
            let listed = inventory.listings.get(&Resource::kubernetes("namespaces")).and_then(|namespaces| uid_among(&namespaces.objects));
            target.identity = listed.unwrap_or_else(|| format!("unidentified, at {}", host(&self.config)));
        }
        Ok(())
    }

    async fn compare_rights(&self, wanted: &Wanted) -> Comparison {
        let met = async {
            let api = self.connect().await?;
            let log = &mut Vec::new();
            reviews::greet(&api, log).await?;
            let actor = reviews::actor(&api, self.auth, log).await;
            Ok::<_, Trouble>(rights::compare(&api, wanted, actor.identity).await)
        };
        met.await.unwrap_or_else(|trouble| {
            let unknown = vec![format!("the cluster cannot be asked: {}", trouble.detail)];
            Comparison { unknown, ..Comparison::new(Platform::Kubernetes, &self.settings.name) }
        })
    }

    // Lists several resources at a time; the record keeps the order of the resources all the same.
    async fn list_all(
        &self,
        api: &Api,
        wanted: &[(&Resource, &Projection)],
        mut found: BTreeMap<Resource, Found>,
        progress: &dyn Progress,
        inventory: &mut Inventory,
    ) {
        let mut waiting = VecDeque::new();
        for (resource, projection) in wanted {
            match found.remove(*resource) {
                Some(Found::Served { path, of }) => waiting.push_back(Task {
                    resource: (*resource).clone(),
                    projection: (*projection).clone(),
                    path,
                    of,
                    page_size: self.settings.page_size,
                }),
                Some(Found::Unknown(trouble)) => {
                    inventory.listings.insert((*resource).clone(), Listing::failed(trouble.reason, trouble.detail));
                }
                Some(Found::NotServed) | None => {
                    inventory.listings.insert((*resource).clone(), Listing::without_objects(Completeness::NotServed));
                }
            }
        }
        let (heard, mut news) = mpsc::unbounded_channel::<(String, u64)>();
        let mut running = JoinSet::new();
        let mut logs: BTreeMap<Resource, Vec<Request>> = BTreeMap::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(task) = waiting.pop_front()
            {
                running.spawn(read_resource(api.clone(), task, heard.clone()));
            }
            tokio::select! {
                Some((what, items)) = news.recv() => progress.advanced(&self.settings.name, &what, items),
                done = running.join_next() => match done {
                    Some(Ok((resource, listing, log))) => {
                        inventory.listings.insert(resource.clone(), listing);
                        logs.insert(resource, log);
                    }
                    Some(Err(_)) => {}
                    None => break,
                },
            }
        }
        drop(heard);
        while let Some((what, items)) = news.recv().await {
            progress.advanced(&self.settings.name, &what, items);
        }
        for (resource, _) in wanted {
            // A task that broke off without an answer is no empty list.
            inventory
                .listings
                .entry((*resource).clone())
                .or_insert_with(|| Listing::failed(Reason::IncompleteList, "the collector broke off"));
        }
        inventory.requests.extend(logs.into_values().flatten());
    }
}

async fn read_resource(api: Api, task: Task, heard: mpsc::UnboundedSender<(String, u64)>) -> (Resource, Listing, Vec<Request>) {
    let mut log = Vec::new();
    let name = task.resource.name.to_string();
    // Nobody listens any more only when the whole collection was given up.
    let advanced = move |items| drop(heard.send((name.clone(), items)));
    let listing = match reviews::may_list(&api, &task.resource, &mut log).await {
        Ok(Permission::Granted) => list::list(&api, &task, &mut log, &advanced).await,
        Ok(Permission::Unconfirmed(told)) => {
            let listing = list::list(&api, &task, &mut log, &advanced).await;
            if listing.completeness == Completeness::Complete && listing.objects.is_empty() {
                let detail = format!("the list is empty, and the server does not confirm that we may see what is in it: {told}");
                Listing::failed(Reason::NotPermitted, detail)
            } else {
                listing
            }
        }
        Ok(Permission::Denied(trouble)) | Err(trouble) => Listing::failed(trouble.reason, trouble.detail),
    };
    (task.resource, listing, log)
}

fn uid_among(namespaces: &[Value]) -> Option<String> {
    let system =
        namespaces.iter().find(|namespace| namespace.at(&["metadata", "name"]).and_then(Value::as_str) == Some(reviews::SYSTEM))?;
    system.at(&["metadata", "uid"]).and_then(Value::as_str).map(str::to_owned)
}

fn host(config: &kube::Config) -> String {
    let port = config.cluster_url.port_u16().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{port}", config.cluster_url.host().unwrap_or_default())
}

impl Collector for Kubernetes {
    fn source(&self) -> Source {
        Source::Kubernetes
    }

    fn target(&self) -> &str {
        &self.settings.name
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        plan(&self.settings, wanted)
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.read(wanted, progress))
    }

    fn compare<'a>(&'a self, wanted: &'a Wanted) -> Comparing<'a> {
        Box::pin(async { vec![self.compare_rights(&rights::readable(wanted, self.settings.nodes_proxy)).await] })
    }
}

/// Every request that reading a cluster under these settings makes. Versions are known only once the server was asked.
#[must_use]
pub fn plan(settings: &KubeSettings, wanted: &Wanted) -> Vec<PlannedRequest> {
    let (kubelets, mut resources): (Vec<&Resource>, Vec<&Resource>) =
        wanted.keys().filter(|resource| resource.source == Source::Kubernetes).partition(|resource| kubelet::is_read_by(resource));
    let kubelets = !kubelets.is_empty() && settings.nodes_proxy;
    let nodes = Resource::kubernetes("nodes");
    if kubelets && !resources.contains(&&nodes) {
        resources.push(&nodes);
    }
    let planned = |method: &str, query: String, reason: &str| PlannedRequest {
        source: Source::Kubernetes,
        target: settings.name.clone(),
        method: method.to_owned(),
        query,
        reason: reason.to_owned(),
    };
    let mut requests = vec![
        planned("GET", "/version".to_owned(), "version of the server, and its clock"),
        planned("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews".to_owned(), "who we are to the server"),
        planned("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews".to_owned(), "digest of our rights"),
    ];
    if !resources.contains(&&Resource::kubernetes("namespaces")) {
        requests.push(planned("GET", format!("/api/v1/namespaces/{}", reviews::SYSTEM), "identity of the cluster"));
    }
    if kubelets {
        let access = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews (get nodes/proxy)".to_owned();
        requests.push(planned("POST", access, "whether kubelets may be asked"));
        requests.push(planned("GET", kubelet::path("{node}"), "the configuration in force of each kubelet (get nodes/proxy)"));
    }
    if resources.iter().any(|resource| resource.group().is_empty()) {
        requests.push(planned("GET", "/api".to_owned(), "discovery of the core group (of an older server also each of its versions)"));
    }
    if resources.iter().any(|resource| !resource.group().is_empty()) {
        requests.push(planned(
            "GET",
            "/apis".to_owned(),
            "discovery of the groups (of an older server also each version of those that are read)",
        ));
    }
    for resource in resources {
        let access = format!("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews (list {})", resource.name);
        requests.push(planned("POST", access, "proof that an empty list means that there are none"));
        let root = match resource.group() {
            "" => "/api/{version}".to_owned(),
            group => format!("/apis/{group}/{{version}}"),
        };
        let query = format!("{root}/{}?limit={}", resource.plural(), settings.page_size);
        requests.push(planned("LIST", query, "what the selected checks read, page by page"));
    }
    requests
}
