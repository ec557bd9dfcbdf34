//! Files of a workspace: registers that people keep, results of other tools, configuration that no interface shows.
//!
//! A register says what no program can read out of a document and pins the document by its digest. Paths stay within the
//! workspace. What is read here is as supplied: nobody vouches for it but who put it there. Kinds of records: `Policy`,
//! `PenetrationTest`, `Assurance`, `Procedure`, `Agreement` and `Subscription` from registers of documents; `Supplier`, `Store`
//! and `Register`; one record for each register of people and process; `Benchmark`, `AuditPolicy`, `EncryptionConfig`,
//! `ServerHealth`, `LogPipeline` and `ApiKeyExport` from what other programs wrote; `AuditTrail` and `AdminAccess` from audit
//! events, in files or in a Loki.

mod agent;
mod audit_policy;
mod benchmark;
mod encryption;
mod kept;
mod keys;
mod reading;
mod records;
mod registers;
pub(crate) mod rights;
mod settings;
mod streamed;
mod trail;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proofbook_checks::inventory::{Actor, Assurance as Trust, Inventory, Request, Target, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use sha2::{Digest, Sha256};

use self::kept::Register;
pub use self::kept::{
    AccessReviewRegister, ContractRegister, DeletionRegister, DisclosureRegister, ExerciseRegister, IncidentRegister, NetworkTrialRegister,
    ProcessingRegister, RequestRegister, RiskRegister, StaffRegister, TicketRegister,
};
pub use self::keys::ApiKeyFile;
use self::reading::Read;
use self::records::{Record, Records};
pub use self::registers::{DocumentRegister, ModuleRegister, StoreRegister, SupplierRegister};
pub use self::settings::{AuditEvents, FileTarget, RegisterFiles};
pub use self::streamed::AuditStream;
use self::streamed::{Stream, Streamed};
pub use self::trail::Staff;
use self::trail::Trail;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread};
use crate::text::hex;

/// The collector of files.
#[derive(Debug)]
pub struct FileCollector {
    target: String,
    root: PathBuf,
    settings: FileTarget,
    streams: Vec<Stream>,
}

/// Makes records of a file.
type Reader<'s> = Box<dyn Fn(&Path, &str, &Read) -> Records + Send + Sync + 's>;

/// One kind of file: what it is for, which records come out of it, and how.
struct Kind<'s> {
    what: &'static str,
    paths: &'s [PathBuf],
    records: &'static [&'static str],
    /// Whether of files that differ in the date of their names only the newest counts.
    newest: bool,
    read: Reader<'s>,
}

impl<'s> Kind<'s> {
    fn new(
        what: &'static str,
        paths: &'s [PathBuf],
        records: &'static [&'static str],
        read: impl Fn(&Path, &str, &Read) -> Records + Send + Sync + 's,
    ) -> Self {
        Self { what, paths, records, newest: false, read: Box::new(read) }
    }

    // Exports are written again and again, with the day in their names.
    fn newest(self) -> Self {
        Self { newest: true, ..self }
    }
}

fn register<'s, R: Register + 's>(what: &'static str, paths: &'s [PathBuf]) -> Kind<'s> {
    Kind::new(what, paths, const { &[R::KIND] }, kept::read::<R>).newest()
}

impl FileCollector {
    fn new(target: &str, root: &Path, settings: FileTarget, streams: Vec<Stream>) -> Self {
        Self { target: target.to_owned(), root: root.to_owned(), settings, streams }
    }

    fn kinds(&self) -> Vec<Kind<'_>> {
        let settings = &self.settings;
        let registers = &settings.registers;
        let documents = &["Policy", "PenetrationTest", "Assurance", "Procedure", "Agreement", "Subscription"];
        let benchmark =
            |_: &Path, name: &str, file: &Read| Ok(vec![("Benchmark", String::new(), benchmark::read(&file_name(name), file)?)]);
        let audit_policy = |_: &Path, name: &str, file: &Read| Ok(vec![("AuditPolicy", name.to_owned(), audit_policy::read(name, file)?)]);
        let mut kinds = vec![
            Kind::new("a register of documents", &settings.documents, documents, records::documents),
            Kind::new("a register of suppliers", &settings.suppliers, &["Supplier", "Register"], records::suppliers),
            Kind::new("a register of stores", &settings.stores, &["Store"], records::stores),
            Kind::new("a register of modules", &settings.modules, &["Register"], records::modules),
            Kind::new("a result of a benchmark", &settings.benchmarks, &["Benchmark"], benchmark).newest(),
            Kind::new("an audit policy", &settings.audit_policies, &["AuditPolicy"], audit_policy),
            Kind::new("how the API server encrypts", &settings.encryption, encryption::KINDS, |_, name, file| encryption::read(name, file))
                .newest(),
            Kind::new("pipelines of logs", &settings.log_pipelines, agent::KINDS, |_, name, file| agent::read(name, file)),
            register::<kept::DisclosureRegister>("a register of reports of weaknesses", &registers.disclosures),
            register::<kept::IncidentRegister>("a register of incidents", &registers.incidents),
            register::<kept::RequestRegister>("a register of requests about data", &registers.requests),
            register::<kept::TicketRegister>("a register of tickets for access", &registers.tickets),
            register::<kept::StaffRegister>("a register of staff", &registers.staff),
            register::<kept::AccessReviewRegister>("a register of reviews of access", &registers.access_reviews),
            register::<kept::ExerciseRegister>("a register of exercises", &registers.exercises),
            register::<kept::RiskRegister>("a register of risks", &registers.risks),
            register::<kept::ContractRegister>("a register of contracts", &registers.contracts),
            register::<kept::ProcessingRegister>("a record of processing", &registers.processing),
            register::<kept::DeletionRegister>("a register of trials of deletion", &registers.deletions),
            register::<kept::NetworkTrialRegister>("a register of trials of the network", &registers.connections),
        ];
        kinds.extend(settings.api_keys.iter().map(|export| {
            let paths = std::slice::from_ref(&export.file);
            Kind::new("an export of API keys", paths, keys::KINDS, move |_, name, file| keys::read(name, file, export)).newest()
        }));
        kinds
    }

    fn gather(&self, wanted: &Wanted, streamed: Vec<Streamed>, progress: &dyn Progress) -> Inventory {
        let mut observed = Observed::new(Source::File);
        let mut digest = Sha256::new();
        let mut read_any = false;
        if let Some(events) = self.settings.audit_events.as_ref().filter(|_| wants(wanted, trail::KINDS)) {
            read_any |= !events.files.is_empty();
            trail::KINDS.iter().for_each(|record| observed.listed(record));
            for one in streamed {
                observed.requests(one.requests);
                observed.target(one.target);
                progress.advanced(&self.target, "services", 1);
                trail_records(&one.name, one.trail).into_iter().for_each(|(kind, named, content)| observed.record(kind, &named, content));
            }
            for (name, trail) in self.trails(events) {
                observed.requests([self.trail_request(&name, &trail)]);
                if let Ok(trail) = &trail {
                    digest.update(format!("{} {name}\n", trail.sha256));
                }
                progress.advanced(&self.target, "files", 1);
                trail_records(&name, trail).into_iter().for_each(|(kind, named, content)| observed.record(kind, &named, content));
            }
        }
        for kind in self.kinds().into_iter().filter(|kind| !kind.paths.is_empty() && wants(wanted, kind.records)) {
            read_any = true;
            kind.records.iter().for_each(|record| observed.listed(record));
            for (name, path) in self.files(&kind) {
                let file = path.and_then(|path| reading::read(&self.root, &path));
                let found = file.as_ref().map_err(Clone::clone).and_then(|file| (kind.read)(&self.root, &name, file));
                observed.requests([self.request(&name, &file, &found)]);
                if let Ok(file) = &file {
                    digest.update(format!("{} {name}\n", file.sha256));
                }
                progress.advanced(&self.target, "files", 1);
                for (record, named, content) in found.unwrap_or_else(|unread| unreadable(&kind, &name, &unread)) {
                    let named = if record == "Benchmark" { run_name(&name) } else { named };
                    observed.record(record, &named, content);
                }
            }
        }
        if read_any {
            observed.target(Target {
                source: Source::File,
                name: self.target.clone(),
                identity: format!("sha256:{}", hex(&digest.finalize())),
                version: String::new(),
                actor: Actor { identity: "as-supplied".to_owned(), auth: "none".to_owned(), rights_sha256: None },
                clock_offset_ms: None,
                assurance: Trust::AsSupplied,
            });
        }
        observed.finish(wanted)
    }

    async fn streamed(&self, wanted: &Wanted) -> Vec<Streamed> {
        let Some(events) = self.settings.audit_events.as_ref().filter(|_| wants(wanted, trail::KINDS)) else { return Vec::new() };
        let mut streamed = Vec::new();
        for stream in &self.streams {
            streamed.push(stream.read(&events.staff).await);
        }
        streamed
    }

    // All files that some paths mean, by their names. A pattern that meets nothing is told, not passed over.
    fn matching(&self, patterns: &[PathBuf]) -> BTreeMap<String, Result<PathBuf, Unread>> {
        let mut found: BTreeMap<String, Result<PathBuf, Unread>> = BTreeMap::new();
        for pattern in patterns {
            match reading::matching(&self.root, pattern) {
                Ok(paths) => found.extend(paths.into_iter().map(|path| (path.display().to_string(), Ok(path)))),
                Err(unread) => {
                    found.insert(pattern.display().to_string(), Err(unread));
                }
            }
        }
        found
    }

    fn trails(&self, events: &AuditEvents) -> Vec<(String, Result<Trail, Unread>)> {
        let files = self.matching(&events.files).into_iter();
        files.map(|(name, path)| (name, path.and_then(|path| trail::read(&self.root, &path, &events.staff)))).collect()
    }

    fn trail_request(&self, name: &str, trail: &Result<Trail, Unread>) -> Request {
        Request {
            status: trail.as_ref().map_or_else(|unread| unread.reason.as_str(), |_| "ok".to_owned()),
            items: trail.as_ref().map_or(0, |trail| trail.records.len() as u64),
            response_sha256: trail.as_ref().ok().map(|trail| trail.sha256.clone()),
            bytes: trail.as_ref().map_or(0, |trail| trail.bytes),
            ..Request::new(Source::File, &self.target, "READ", name)
        }
    }

    // The files of a kind by their names; of several runs or exports the newest alone.
    fn files(&self, kind: &Kind<'_>) -> Vec<(String, Result<PathBuf, Unread>)> {
        let found = self.matching(kind.paths);
        if !kind.newest {
            return found.into_iter().collect();
        }
        let mut newest = BTreeMap::new();
        for (name, path) in found {
            let run = (benchmark::date_in(&file_name(&name)), name.clone());
            let ending = Path::new(&name).extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_owned();
            let series = (Path::new(&name).with_file_name(run_name(&name)), ending);
            let kept = newest.entry(series).or_insert_with(|| (run.clone(), path.clone()));
            if run > kept.0 {
                *kept = (run, path);
            }
        }
        newest.into_values().map(|((_, name), path)| (name, path)).collect()
    }

    fn request(&self, name: &str, file: &Result<Read, Unread>, found: &Records) -> Request {
        let status = found.as_ref().map_or_else(|unread| unread.reason.as_str(), |_| "ok".to_owned());
        Request {
            status,
            items: found.as_ref().map_or(0, |records| records.len() as u64),
            response_sha256: file.as_ref().ok().map(|file| file.sha256.clone()),
            bytes: file.as_ref().map_or(0, |file| file.bytes.len() as u64),
            ..Request::new(Source::File, &self.target, "READ", name)
        }
    }
}

// A trail that cannot be read may hold any entry.
fn trail_records(name: &str, trail: Result<Trail, Unread>) -> Vec<Record> {
    let unread = |unread: Unread| trail::KINDS.iter().map(|kind| (*kind, name.to_owned(), unread.to_json())).collect();
    trail.map_or_else(unread, |trail| trail.records)
}

// A register that cannot be read may hold any of its records.
fn unreadable(kind: &Kind<'_>, name: &str, unread: &Unread) -> Vec<Record> {
    kind.records.iter().map(|record| (*record, name.to_owned(), unread.to_json())).collect()
}

fn file_name(name: &str) -> String {
    Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name).to_owned()
}

// What runs of one node share; where nothing is left of a name without its date, the whole name.
fn run_name(name: &str) -> String {
    Some(benchmark::series(Path::new(name))).filter(|series| !series.is_empty()).unwrap_or_else(|| file_name(name))
}

fn wants(wanted: &Wanted, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| wanted.contains_key(&Resource::of_object(&format!("{GROUP}{}", Source::File), kind)))
}

impl Collector for FileCollector {
    fn source(&self) -> Source {
        Source::File
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let planned = |path: &PathBuf, what: &str| PlannedRequest {
            source: Source::File,
            target: self.target.clone(),
            method: "READ".to_owned(),
            query: path.display().to_string(),
            reason: what.to_owned(),
        };
        let kinds = self.kinds();
        let of_kinds = kinds.iter().filter(|kind| wants(wanted, kind.records));
        let of_kinds = of_kinds.flat_map(|kind| kind.paths.iter().map(|path| planned(path, kind.what)));
        let events = self.settings.audit_events.iter().filter(|_| wants(wanted, trail::KINDS));
        let of_events = events.flat_map(|events| events.files.iter().map(|path| planned(path, "audit events of the API server")));
        let streams = self.streams.iter().filter(|_| wants(wanted, trail::KINDS)).map(Stream::plan);
        of_kinds.chain(of_events).chain(streams).collect()
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(async move { self.gather(wanted, self.streamed(wanted).await, progress) })
    }
}
