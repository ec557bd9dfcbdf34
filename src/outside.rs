//! What is looked at from outside: endpoints, sites, names and ports, those that the workspace names and those that are discovered.
//!
//! Discovery makes a scan have two phases: the cluster is read first, and only then is known who else to ask. Without it there
//! is nothing to wait for.

use std::path::PathBuf;

use anyhow::{Result, bail};
use proofbook_checks::inventory::{Inventory, Listing, Wanted};
use proofbook_checks::resource::Source;
use proofbook_checks::settings::Settings;
use proofbook_sources::collector::Collector;
use proofbook_sources::discovery::{Announced, DiscoverSettings, Discovery, Found};
use proofbook_sources::dns::DnsTarget;
use proofbook_sources::http::HttpTarget;
use proofbook_sources::observed::Unread;
use proofbook_sources::ports::PortsTarget;
use proofbook_sources::settings::Setup;
use proofbook_sources::tls::TlsTarget;

use crate::config::Environment;
use crate::workspace::{FILE, Workspace};

/// The targets that are asked from outside.
pub(crate) struct Outside {
    root: PathBuf,
    tls: Option<TlsTarget>,
    http: Option<HttpTarget>,
    dns: Option<DnsTarget>,
    ports: Option<PortsTarget>,
    discovery: Option<Discovery>,
    settings: Settings,
}

impl Outside {
    /// Those of an environment that are meant; a recording that holds observations of a source stands in for its targets, the
    /// discovered ones among them. Of the sources that it does not hold, targets are discovered as of a cluster.
    pub(crate) fn new(
        workspace: &Workspace,
        environment: &Environment,
        has_cluster: bool,
        recorded: &[Source],
        is_meant: impl Fn(Source) -> bool,
    ) -> Result<Self> {
        let live = |source: Source| is_meant(source) && !recorded.contains(&source);
        let mut outside = Self {
            root: workspace.root.clone(),
            tls: environment.tls.clone().filter(|_| live(Source::Tls)),
            http: environment.http.clone().filter(|_| live(Source::Http)),
            dns: environment.dns.clone().filter(|_| live(Source::Dns)),
            ports: environment.ports.clone().filter(|_| live(Source::Tls)),
            discovery: None,
            settings: workspace.config.settings(environment),
        };
        let ports = environment.ports.as_ref().is_some_and(|ports| ports.discovered);
        match &environment.discover {
            _ if !is_meant(Source::Tls) => {}
            None if ports => bail!("{FILE}: `ports.discovered` needs `discover` with what may be contacted under `allow`"),
            Some(discover) => {
                // What a recording holds of a source was discovered when it was made.
                let discover = DiscoverSettings {
                    tls: discover.tls && live(Source::Tls),
                    http: discover.http && live(Source::Http),
                    dns: discover.dns && live(Source::Dns),
                    ..discover.clone()
                };
                let ports = ports && live(Source::Tls);
                let discovery = discover.open(ports, &outside.setup())?;
                let any = discover.tls || discover.http || discover.dns || ports;
                if any && !has_cluster {
                    bail!("{FILE}: `discover` needs a cluster to read: name one under `kubernetes`, or with --dump");
                }
                outside.discovery = any.then_some(discovery);
                outside.tls = outside.tls.or_else(|| discover.tls.then(TlsTarget::default));
                outside.http = outside.http.or_else(|| discover.http.then(HttpTarget::default));
                outside.dns = outside.dns.or_else(|| discover.dns.then(DnsTarget::default));
            }
            None => {}
        }
        // What is wrong with the settings is told before anything is read.
        outside.open(&Found::default())?;
        Ok(outside)
    }

    /// The discovery, where somebody reads what it finds.
    pub(crate) fn discovery(&self, wanted: &Wanted) -> Option<&Discovery> {
        self.discovery.as_ref().filter(|discovery| discovery.is_wanted(wanted))
    }

    /// The collectors, with what was discovered.
    pub(crate) fn open(&self, found: &Found) -> Result<Vec<Box<dyn Collector>>> {
        let setup = self.setup();
        let mut collectors = Vec::new();
        if let Some(tls) = &self.tls {
            collectors.push(tls.open_with("tls", &setup, &found.tls)?);
        }
        if let Some(http) = &self.http {
            collectors.push(http.open_with("http", &setup, &found.http)?);
        }
        if let Some(dns) = &self.dns {
            collectors.push(dns.open_with("dns", &setup, &found.dns)?);
        }
        if let Some(ports) = &self.ports {
            collectors.push(ports.open_with("ports", &setup, &found.ports)?);
        }
        Ok(collectors)
    }

    /// What the cluster announces, where all of its listings are whole.
    pub(crate) fn announced(&self, discovery: &Discovery, inventory: &Inventory) -> Result<Announced, Unread> {
        discovery.announced(inventory, &|resource| self.settings.absence(resource).is_some())
    }

    fn setup(&self) -> Setup<'_> {
        Setup { root: &self.root, file: FILE }
    }
}

/// What is read of a cluster: what the checks read, and what discovery does.
pub(crate) fn with_discovery(wanted: &Wanted, discovery: &Discovery) -> Wanted {
    let mut all = wanted.clone();
    for (resource, projection) in discovery.reads() {
        match all.get_mut(&resource) {
            Some(known) => known.merge(&projection),
            None => {
                all.insert(resource, projection);
            }
        }
    }
    all
}

/// What a scan of an environment reads, with what discovery reads of the cluster.
pub(crate) fn read_of_cluster(wanted: Wanted, environment: &Environment, workspace: &Workspace) -> Result<Wanted> {
    let Some(discover) = &environment.discover else { return Ok(wanted) };
    let ports = environment.ports.as_ref().is_some_and(|ports| ports.discovered);
    let discovery = discover.open(ports, &Setup { root: &workspace.root, file: FILE })?;
    Ok(if discovery.is_wanted(&wanted) { with_discovery(&wanted, &discovery) } else { wanted })
}

/// Leaves in an inventory only what the checks read: what discovery needed besides is nobody's evidence.
pub(crate) fn keep(inventory: &mut Inventory, wanted: &Wanted) {
    inventory.listings.retain(|resource, _| wanted.contains_key(resource));
    for (resource, listing) in &mut inventory.listings {
        let projection = &wanted[resource];
        for object in &mut listing.objects {
            *object = projection.remask(object);
        }
    }
}

/// Splits what is wanted into what needs no discovery, and the listings that are not known for want of it.
pub(crate) fn without_population(discovery: &Discovery, wanted: &Wanted, unread: &Unread) -> (Wanted, Inventory) {
    let (mut rest, mut unknown) = (wanted.clone(), Inventory::default());
    for resource in discovery.depends(wanted) {
        rest.remove(resource);
        unknown.listings.insert(resource.clone(), Listing::failed(unread.reason, unread.detail.clone()));
    }
    (rest, unknown)
}
