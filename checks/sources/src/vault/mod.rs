//! Vault and OpenBao: whether the store of secrets is open and recorded, how long what it issues lives, and how its keys rotate.
//!
//! Records, each of its own resource:
//!
//! * `Server`: seal, audit devices, and the leases of its secret engines;
//! * `AuthMethod`: how long tokens of a way to log in live;
//! * `TransitKey`: how a key of a transit engine rotates, and whether it may leave.
//!
//! Only settings are read, and no secret, no key and no list of secrets. A store that is sealed is asked for nothing else.

mod read;
pub mod rights;

use std::collections::BTreeSet;
use std::sync::Arc;

use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use reqwest::header::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use self::read::{KINDS, Store};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, Comparing, PlannedRequest, Progress};
use crate::observed::Observed;
use crate::service::{Access, Service};
use crate::settings::{SettingsError, Setup, TargetSettings};
use crate::wanted::Asked;

/// How many stores are asked at a time.
const CONCURRENCY: usize = 4;

/// Stores of secrets: Vault and OpenBao.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultTarget {
    /// The servers; of a cluster, the address of the whole.
    pub servers: Vec<VaultSettings>,
}

/// A Vault or an OpenBao.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultSettings {
    /// A name for it.
    pub name: Spanned<String>,
    /// Where it is: what stands before `/v1`.
    pub url: Spanned<String>,
    /// Who asks: a token of a policy that may read `sys/audit` (with `sudo`), `sys/mounts`, `sys/auth`, and the keys of transit engines.
    #[serde(default)]
    pub access: Access,
    /// The namespace to look at.
    #[serde(default)]
    pub namespace: Option<Spanned<String>>,
}

impl TargetSettings for VaultTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        let mut stores = Vec::new();
        let mut names = BTreeSet::new();
        for server in &self.servers {
            if server.name.value.trim().is_empty() || !names.insert(&server.name.value) {
                let detail = "each server has a name of its own, by which its records are told apart".to_owned();
                return Err(SettingsError { target: setup.place(&server.name), detail });
            }
            let mut service = Service::open(Source::Vault, name, &server.name.value, &server.url, &server.access, setup)?;
            service.headers_mut().insert(HeaderName::from_static("x-vault-request"), HeaderValue::from_static("true"));
            if let Some(namespace) = &server.namespace {
                let fault =
                    |_| SettingsError { target: setup.place(namespace), detail: "the namespace cannot stand in a header".to_owned() };
                let value = HeaderValue::from_str(&namespace.value).map_err(fault)?;
                service.headers_mut().insert(HeaderName::from_static("x-vault-namespace"), value);
            }
            stores.push(Arc::new(Store { service }));
        }
        Ok(Box::new(Vault { target: name.to_owned(), stores }))
    }
}

/// The collector of stores of secrets.
#[derive(Debug)]
pub struct Vault {
    target: String,
    stores: Vec<Arc<Store>>,
}

impl Collector for Vault {
    fn source(&self) -> Source {
        Source::Vault
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let asked = Asked::of(Source::Vault, wanted);
        self.stores.iter().flat_map(|store| store.plan(&asked)).collect()
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }

    fn compare<'a>(&'a self, wanted: &'a Wanted) -> Comparing<'a> {
        Box::pin(async {
            let mut found = Vec::new();
            for store in &self.stores {
                found.extend(rights::compare(store, wanted).await);
            }
            found
        })
    }
}

impl Vault {
    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let mut observed = Observed::new(Source::Vault);
        let asked = Asked::of(Source::Vault, wanted);
        if KINDS.iter().any(|kind| asked.kind(kind)) && !self.stores.is_empty() {
            KINDS.iter().for_each(|kind| observed.listed(kind));
            let shared = Arc::new(wanted.clone());
            let mut work = Vec::new();
            for store in &self.stores {
                let (store, wanted) = (Arc::clone(store), Arc::clone(&shared));
                work.push(async move { store.read(&Asked::of(Source::Vault, &wanted)).await });
            }
            let lost = each(work, CONCURRENCY, |read: read::Read| {
                observed.target(read.target);
                observed.requests(read.requests);
                read.records.into_iter().for_each(|(kind, name, content)| observed.record(kind, &name, content));
                progress.advanced(&self.target, "stores", 1);
            })
            .await;
            if lost > 0 {
                observed.broke_off(&format!("the reading of {lost} stores broke off"));
            }
        }
        observed.finish(wanted)
    }
}
