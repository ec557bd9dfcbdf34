//! Repositories, as clones on this machine and at the service that hosts them.
//!
//! Records, each of its own resource:
//!
//! * `Repository`: a clone: signatures of its commits, secrets in its files, how its builds take dependencies;
//! * `Branch`: a branch at a hosting service, with the rules that guard it and who may pass them by;
//! * `ChangeSet`: what was merged into a branch over a period, with its approvals and checks, and what came past review.
//!
//! Names and addresses of people are not kept, nor any text of a secret: only its place.

mod branch;
mod changes;
mod command;
mod dependencies;
mod github;
mod gitlab;
mod repository;
pub mod rights;
mod secrets;
mod target;

use std::sync::Arc;

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Reason, Request, Target, Wanted};
use proofbook_checks::resource::Source;

use self::github::GitHub;
use self::gitlab::GitLab;
use self::repository::{Parts, Repository};
pub use self::target::{GitTarget, HostProduct, HostSettings, RepositorySettings};
use crate::bounded::each;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread};
use crate::service::Service;
use crate::wanted::Asked;

/// How many clones are read at a time; each keeps a processor busy.
const CLONES: usize = 2;

/// A service that hosts repositories.
#[derive(Debug)]
struct Host {
    service: Service,
    product: HostProduct,
    repositories: Vec<String>,
    branch: Option<String>,
    days: u32,
}

/// The collector of repositories.
#[derive(Debug)]
pub struct Repositories {
    target: String,
    clones: Vec<Repository>,
    hosts: Vec<Host>,
}

impl Collector for Repositories {
    fn source(&self) -> Source {
        Source::Git
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let asked = Asked::of(Source::Git, wanted);
        let mut plan = Vec::new();
        if asked.kind("Repository") {
            plan.extend(self.clones.iter().map(|clone| PlannedRequest {
                source: Source::Git,
                target: format!("{}/{}", self.target, clone.name),
                method: "read".to_owned(),
                query: clone.path.display().to_string(),
                reason: "commits and files of the clone, by the git binary".to_owned(),
            }));
        }
        for host in &self.hosts {
            for repository in &host.repositories {
                plan.extend(host.plan(repository, &asked));
            }
        }
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }
}

impl Repositories {
    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let asked = Asked::of(Source::Git, wanted);
        let mut observed = Observed::new(Source::Git);
        if asked.kind("Repository") && !self.clones.is_empty() {
            self.clones(&asked, &mut observed, progress).await;
        }
        for host in &self.hosts {
            host.gather(&asked, &mut observed).await;
            progress.advanced(&self.target, "hosts", 1);
        }
        observed.finish(wanted)
    }

    async fn clones(&self, asked: &Asked<'_>, observed: &mut Observed, progress: &dyn Progress) {
        let read = |part: &str| asked.part("Repository", part);
        let parts = Parts { signatures: read("signatures"), secrets: read("secrets"), dependencies: read("dependencies") };
        observed.listed("Repository");
        let mut work = Vec::new();
        for clone in &self.clones {
            let clone = Arc::new(clone.clone());
            work.push(async move {
                let reading = Arc::clone(&clone);
                let read = tokio::task::spawn_blocking(move || reading.read(parts)).await;
                (clone, read.map_err(|_| Unread::new(Reason::IncompleteList, "the reading of the clone broke off")))
            });
        }
        let lost = each(work, CLONES, |(clone, read)| {
            let (content, head) = read.unwrap_or_else(|unread| (unread.to_json(), String::new()));
            observed.requests([self.request(&clone, &head)]);
            observed.target(self.met(&clone, &head));
            observed.record("Repository", &clone.name, content);
            progress.advanced(&self.target, "clones", 1);
        })
        .await;
        if lost > 0 {
            observed.failed("Repository", Unread::new(Reason::IncompleteList, format!("the reading of {lost} clones broke off")));
        }
    }

    fn request(&self, clone: &Repository, head: &str) -> Request {
        Request {
            status: if head.is_empty() { "failed" } else { "ok" }.to_owned(),
            items: u64::from(!head.is_empty()),
            resource_version: (!head.is_empty()).then(|| head.to_owned()),
            ..Request::new(Source::Git, format!("{}/{}", self.target, clone.name), "read", &clone.branch)
        }
    }

    fn met(&self, clone: &Repository, head: &str) -> Target {
        Target {
            source: Source::Git,
            name: format!("{}/{}", self.target, clone.name),
            identity: format!("git:{head}"),
            version: String::new(),
            actor: Actor { identity: "as-supplied".to_owned(), auth: "none".to_owned(), rights_sha256: None },
            clock_offset_ms: None,
            assurance: Assurance::AsSupplied,
        }
    }
}

impl Host {
    fn plan(&self, repository: &str, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        match self.product {
            HostProduct::Github => GitHub { service: &self.service, repository }.plan(asked),
            HostProduct::Gitlab => GitLab { service: &self.service, repository }.plan(asked),
        }
    }

    async fn gather(&self, asked: &Asked<'_>, observed: &mut Observed) {
        let (branches, changes) = (asked.kind("Branch"), asked.kind("ChangeSet") && self.product == HostProduct::Github);
        if !branches && !changes {
            return;
        }
        for (wanted, kind) in [(branches, "Branch"), (changes, "ChangeSet")] {
            if wanted {
                observed.listed(kind);
            }
        }
        for repository in &self.repositories {
            let name = |branch: &str| format!("{}/{repository}@{branch}", self.service.name);
            let branch = self.branch(repository).await;
            let branch = match branch {
                Ok(branch) => branch,
                Err(unread) => {
                    for (wanted, kind) in [(branches, "Branch"), (changes, "ChangeSet")] {
                        if wanted {
                            observed.record(kind, &format!("{}/{repository}", self.service.name), unread.to_json());
                        }
                    }
                    continue;
                }
            };
            if branches {
                let rules = match self.product {
                    HostProduct::Github => GitHub { service: &self.service, repository }.rules(&branch).await,
                    HostProduct::Gitlab => GitLab { service: &self.service, repository }.rules(&branch).await,
                };
                observed.record("Branch", &name(&branch), branch::record(repository, &branch, rules));
            }
            if changes {
                let read = changes::Changes { service: &self.service, repository, branch: &branch, days: self.days }.read().await;
                observed.record("ChangeSet", &name(&branch), read.unwrap_or_else(|unread| unread.to_json()));
            }
        }
        observed.requests(self.service.requests());
        observed.target(self.service.met(""));
    }

    async fn branch(&self, repository: &str) -> Result<String, Unread> {
        if let Some(branch) = &self.branch {
            return Ok(branch.clone());
        }
        match self.product {
            HostProduct::Github => GitHub { service: &self.service, repository }.default_branch().await,
            HostProduct::Gitlab => GitLab { service: &self.service, repository }.default_branch().await,
        }
    }
}
