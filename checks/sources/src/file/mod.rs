//! Files of a workspace: registers that people keep, results of other tools, configuration that no interface shows.
//!
//! A register says what no program can read out of a document and pins the document by its digest. Paths stay within the
//! workspace. What is read here is as supplied: nobody vouches for it but who put it there. Kinds of records: `Policy`,
//! `PenetrationTest` and `Assurance` from registers of documents, `Supplier`, `Store`, `Register`, `Benchmark` and
//! `AuditPolicy`.

mod audit_policy;
mod benchmark;
mod reading;
mod records;
mod registers;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proofbook_checks::inventory::{Actor, Assurance as Trust, Inventory, Request, Target, Wanted};
use proofbook_checks::resource::{GROUP, Resource, Source};
use sha2::{Digest, Sha256};

use self::reading::Read;
use self::records::{Record, Records};
pub use self::registers::{DocumentRegister, ModuleRegister, StoreRegister, SupplierRegister};
pub use self::settings::FileTarget;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread};
use crate::text::hex;

/// The collector of files.
#[derive(Debug)]
pub struct FileCollector {
    target: String,
    root: PathBuf,
    settings: FileTarget,
}

/// One kind of file: what it is for, which records come out of it, and how.
struct Kind<'s> {
    what: &'static str,
    paths: &'s [PathBuf],
    records: &'static [&'static str],
    read: fn(&Path, &str, &Read) -> Records,
}

impl FileCollector {
    fn new(target: &str, root: &Path, settings: FileTarget) -> Self {
        Self { target: target.to_owned(), root: root.to_owned(), settings }
    }

    fn kinds(&self) -> [Kind<'_>; 6] {
        let settings = &self.settings;
        let documents = &["Policy", "PenetrationTest", "Assurance"];
        [
            Kind { what: "a register of documents", paths: &settings.documents, records: documents, read: records::documents },
            Kind {
                what: "a register of suppliers",
                paths: &settings.suppliers,
                records: &["Supplier", "Register"],
                read: records::suppliers,
            },
            Kind { what: "a register of stores", paths: &settings.stores, records: &["Store"], read: records::stores },
            Kind { what: "a register of modules", paths: &settings.modules, records: &["Register"], read: records::modules },
            Kind {
                what: "a result of a benchmark",
                paths: &settings.benchmarks,
                records: &["Benchmark"],
                read: |_, name, file| Ok(vec![("Benchmark", String::new(), benchmark::read(&file_name(name), file)?)]),
            },
            Kind {
                what: "an audit policy",
                paths: &settings.audit_policies,
                records: &["AuditPolicy"],
                read: |_, name, file| Ok(vec![("AuditPolicy", name.to_owned(), audit_policy::read(name, file)?)]),
            },
        ]
    }

    fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let mut observed = Observed::new(Source::File);
        let mut digest = Sha256::new();
        let mut read_any = false;
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

    // The files of a kind by their names; of several runs of a benchmark the newest alone.
    fn files(&self, kind: &Kind<'_>) -> Vec<(String, Result<PathBuf, Unread>)> {
        let mut found: BTreeMap<String, Result<PathBuf, Unread>> = BTreeMap::new();
        for pattern in kind.paths {
            match reading::matching(&self.root, pattern) {
                Ok(paths) => found.extend(paths.into_iter().map(|path| (path.display().to_string(), Ok(path)))),
                Err(unread) => {
                    found.insert(pattern.display().to_string(), Err(unread));
                }
            }
        }
        if kind.records != ["Benchmark"] {
            return found.into_iter().collect();
        }
        let mut newest = BTreeMap::new();
        for (name, path) in found {
            let run = (benchmark::date_in(&file_name(&name)), name.clone());
            let series = Path::new(&name).with_file_name(run_name(&name));
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
            source: Source::File,
            target: self.target.clone(),
            method: "READ".to_owned(),
            query: name.to_owned(),
            status,
            items: found.as_ref().map_or(0, |records| records.len() as u64),
            continue_exhausted: None,
            resource_version: None,
            response_sha256: file.as_ref().ok().map(|file| file.sha256.clone()),
            bytes: file.as_ref().map_or(0, |file| file.bytes.len() as u64),
        }
    }
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
        let kinds = self.kinds().into_iter().filter(|kind| wants(wanted, kind.records));
        let planned = kinds.flat_map(|kind| {
            kind.paths.iter().map(move |path| PlannedRequest {
                source: Source::File,
                target: self.target.clone(),
                method: "READ".to_owned(),
                query: path.display().to_string(),
                reason: kind.what.to_owned(),
            })
        });
        planned.collect()
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(async move { self.gather(wanted, progress) })
    }
}
