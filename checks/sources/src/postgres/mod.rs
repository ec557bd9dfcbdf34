//! PostgreSQL servers: settings, rules of authentication, roles, and what the catalogs tell of tables.
//!
//! Every question is asked in a read-only transaction with a time limit, by a role that is no superuser; what such a role
//! may not see is told as unread where it is missing. No table of a user is read. Kinds of records: `Server`, and in the
//! namespace of their server `Role`, `Database`, `Table` and `Partitioning`.

mod bounds;
mod fault;
mod queries;
mod records;
pub mod rights;
mod rules;
mod session;
mod settings;
mod tls;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Reason, Target, Wanted};
use proofbook_checks::mask::Mask;
use proofbook_checks::resource::{GROUP, Resource, Source};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use self::queries::{CALLER, DATABASES, ROLES};
use self::records::{DATABASE_KINDS, Record, SERVER_PARTS};
use self::session::{Log, Query, Session, one_space};
use self::settings::Server;
pub use self::settings::{PostgresServer, PostgresTarget, Storage, TlsUse};
use crate::bounded::each;
use crate::clock::our_clock;
use crate::collector::{Collecting, Collector, Comparing, PlannedRequest, Progress};
use crate::observed::{Observed, Unread};
use crate::text::hex;

/// How many servers are read at a time; each by one session.
const CONCURRENCY: usize = 16;

/// All kinds of records.
const KINDS: [&str; 5] = ["Server", "Role", "Database", "Table", "Partitioning"];

/// The collector of PostgreSQL servers.
#[derive(Debug)]
pub struct PostgresCollector {
    target: String,
    servers: Vec<Server>,
}

/// What one server brought.
struct Brought {
    records: Vec<Record>,
    log: Log,
    target: Target,
}

impl PostgresCollector {
    fn new(target: &str, servers: Vec<Server>) -> Self {
        Self { target: target.to_owned(), servers }
    }

    async fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let wants = wants(wanted);
        let mut observed = Observed::new(Source::Postgres);
        if wants.is_empty() || self.servers.is_empty() {
            return observed.finish(wanted);
        }
        KINDS.into_iter().filter(|kind| wants.contains_key(kind)).for_each(|kind| observed.listed(kind));
        let reading = self.servers.iter().cloned().map(|server| {
            let wants = wants.clone();
            async move { read(&server, &wants).await }
        });
        let mut brought = Vec::new();
        let lost = each(reading, CONCURRENCY, |found: Brought| {
            progress.advanced(&self.target, "servers", 1);
            brought.push(found);
        })
        .await;
        brought.sort_by(|a, b| a.target.name.cmp(&b.target.name));
        for found in brought {
            found.records.into_iter().for_each(|(kind, name, record)| observed.record(kind, &name, record));
            observed.requests(std::mem::take(&mut *found.log.lock().unwrap_or_else(PoisonError::into_inner)));
            observed.target(found.target);
        }
        if lost > 0 {
            for kind in wants.keys() {
                observed.failed(kind, Unread::new(Reason::IncompleteList, format!("{lost} servers broke off while they were read")));
            }
        }
        observed.finish(wanted)
    }
}

// What of each kind of record is asked for.
fn wants(wanted: &Wanted) -> BTreeMap<&'static str, Arc<Mask>> {
    let mask = |kind: &'static str| {
        let resource = Resource::of_object(&format!("{GROUP}{}", Source::Postgres), kind);
        wanted.get(&resource).map(|projection| (kind, Arc::clone(&projection.mask)))
    };
    KINDS.into_iter().filter_map(mask).collect()
}

async fn read(server: &Server, wants: &BTreeMap<&'static str, Arc<Mask>>) -> Brought {
    let log = Log::default();
    let session = Session::open(server, &server.database, &log).await;
    let target = met(server, &session).await;
    let mut found = Vec::new();
    if let Some(mask) = wants.get("Server") {
        found.push(records::server(server, &session, |name| mask.covers(name)).await);
    }
    if wants.contains_key("Role") {
        found.extend(records::roles(server, &session).await);
    }
    let inside: Vec<_> = DATABASE_KINDS.into_iter().filter(|(kind, _)| wants.contains_key(kind)).collect();
    if !inside.is_empty() {
        match databases(server, &session).await {
            Ok(databases) => {
                for database in databases {
                    let session = Session::open(server, &database, &log).await;
                    for (kind, query) in &inside {
                        found.extend(records::in_database(server, &session, &database, (*kind, *query)).await);
                    }
                }
            }
            Err(unread) => found.extend(inside.iter().map(|(kind, _)| records::whole(kind, server, "(all)", &unread))),
        }
    }
    Brought { records: found, log, target }
}

async fn databases(server: &Server, session: &Result<Session, Unread>) -> Result<Vec<String>, Unread> {
    if !server.databases.is_empty() {
        return Ok(server.databases.clone());
    }
    let rows = session.as_ref().map_err(Clone::clone)?.rows(&DATABASES).await?;
    Ok(rows.iter().filter_map(|row| row["name"].as_str()).map(str::to_owned).collect())
}

// Who was met, as the server tells.
async fn met(server: &Server, session: &Result<Session, Unread>) -> Target {
    let caller = match session {
        Ok(session) => session.row(&CALLER).await.unwrap_or_default(),
        Err(_) => Json::Null,
    };
    let text = |key: &str| caller[key].as_str().unwrap_or_default().to_owned();
    let millis = |time: SystemTime| jiff::Timestamp::try_from(time).map(jiff::Timestamp::as_millisecond).ok();
    let rights = text("rights");
    Target {
        source: Source::Postgres,
        name: server.name.clone(),
        identity: server.place(),
        version: text("version"),
        actor: Actor {
            identity: text("name"),
            auth: if server.password.is_some() { "password" } else { "none" }.to_owned(),
            rights_sha256: Some(rights).filter(|rights| !rights.is_empty()).map(|rights| hex(&Sha256::digest(rights))),
        },
        clock_offset_ms: caller["clock"].as_f64().zip(millis(our_clock())).map(|(theirs, ours)| whole_millis(theirs) - ours),
        assurance: Assurance::Live,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a date in milliseconds fits; what does not becomes the furthest date")]
fn whole_millis(millis: f64) -> i64 {
    millis as i64
}

impl Collector for PostgresCollector {
    fn source(&self) -> Source {
        Source::Postgres
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let wants = wants(wanted);
        let mut plan = Vec::new();
        for server in self.servers.iter().filter(|_| !wants.is_empty()) {
            let planned = |method: &str, query: String, reason: &str| PlannedRequest {
                source: Source::Postgres,
                target: server.name.clone(),
                method: method.to_owned(),
                query,
                reason: reason.to_owned(),
            };
            let ask = |database: &str, query: &Query| planned("SELECT", format!("{database}: {}", one_space(query.sql)), query.needs);
            plan.push(planned("CONNECT", format!("{}/{}", server.place(), server.database), "the session"));
            plan.push(ask(&server.database, &CALLER));
            if let Some(mask) = wants.get("Server") {
                let parts = SERVER_PARTS.iter().filter(|(name, _)| mask.covers(name));
                plan.extend(parts.map(|(_, query)| ask(&server.database, query)));
            }
            if wants.contains_key("Role") {
                plan.push(ask(&server.database, &ROLES));
            }
            let inside: Vec<_> = DATABASE_KINDS.iter().filter(|(kind, _)| wants.contains_key(kind)).collect();
            if inside.is_empty() {
                continue;
            }
            if server.databases.is_empty() {
                plan.push(ask(&server.database, &DATABASES));
            }
            let names = if server.databases.is_empty() { vec!["DATABASE".to_owned()] } else { server.databases.clone() };
            for name in names {
                plan.push(planned("CONNECT", format!("{}/{name}", server.place()), "a session with each database"));
                plan.extend(inside.iter().map(|(_, query)| ask(&name, query)));
            }
        }
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(self.gather(wanted, progress))
    }

    fn compare<'a>(&'a self, wanted: &'a Wanted) -> Comparing<'a> {
        Box::pin(async {
            let mut found = Vec::new();
            for server in self.servers.iter().filter(|_| !wants(wanted).is_empty()) {
                found.push(rights::compare(server, wanted).await);
            }
            found
        })
    }
}
