//! Bills of materials and reports of vulnerability scanners, as files that a pipeline left.
//!
//! Records, each of its own resource:
//!
//! * `Bill`: a CycloneDX or SPDX document, the image it is about, and how complete it is;
//! * `Scan`: a report of Grype or Trivy, when it was made with how old a database, and what it found;
//! * `KevCatalog`: the list of vulnerabilities that are known to be exploited, as it was supplied.
//!
//! Nothing is fetched: files are as supplied, and a file of no known form is told and never passed over. A report is about the digests
//! that it names itself; what it names by a tag only is about no image that runs.

mod bill;
mod files;
mod kev;
mod report;
mod scan;

use std::path::PathBuf;

use proofbook_checks::inventory::{Actor, Assurance, Inventory, Reason, Request, Target, Wanted};
use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use self::files::Found;
use self::kev::Exploited;
use self::report::Report;
use crate::collector::{Collecting, Collector, PlannedRequest, Progress};
use crate::observed::{Observed, Unread};
use crate::settings::{SettingsError, Setup, TargetSettings};
use crate::text::hex;
use crate::wanted::Asked;

/// Bills of materials and reports of scanners.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SbomTarget {
    /// Files, and folders of files, relative to the workspace: CycloneDX, SPDX, Grype and Trivy as JSON, plain or `.gz`.
    pub reports: Vec<Spanned<PathBuf>>,
    /// The catalog of vulnerabilities that are known to be exploited, as CISA publishes it as JSON.
    #[serde(default)]
    pub known_exploited: Option<PathBuf>,
}

impl TargetSettings for SbomTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        for path in &self.reports {
            if !setup.root.join(&path.value).exists() {
                let detail = format!("{} is not there; name a file or a folder, relative to the workspace", path.value.display());
                return Err(SettingsError { target: setup.place(path), detail });
            }
        }
        let reports = self.reports.iter().map(|path| (path.value.clone(), setup.root.join(&path.value))).collect();
        let known_exploited = self.known_exploited.as_ref().map(|path| setup.file(name, path)).transpose()?;
        Ok(Box::new(Reports { target: name.to_owned(), reports, known_exploited }))
    }
}

/// The collector of reports.
#[derive(Debug)]
pub struct Reports {
    target: String,
    /// As the workspace writes them, and where they are.
    reports: Vec<(PathBuf, PathBuf)>,
    known_exploited: Option<Vec<u8>>,
}

impl Collector for Reports {
    fn source(&self) -> Source {
        Source::Sbom
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest> {
        let asked = Asked::of(Source::Sbom, wanted);
        let planned = |query: String, reason: &str| PlannedRequest {
            source: Source::Sbom,
            target: self.target.clone(),
            method: "read".to_owned(),
            query,
            reason: reason.to_owned(),
        };
        let mut plan = Vec::new();
        if asked.kind("Bill") || asked.kind("Scan") {
            let files = self.reports.iter().map(|(shown, _)| shown.display().to_string());
            plan.extend(files.map(|path| planned(path, "bills of materials and reports of scanners")));
        }
        if self.known_exploited.is_some() && (asked.kind("KevCatalog") || asked.kind("Scan")) {
            plan.push(planned("the catalog of exploited vulnerabilities".to_owned(), "which of them are exploited"));
        }
        plan
    }

    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a> {
        Box::pin(async move { self.gather(wanted, progress) })
    }
}

impl Reports {
    fn gather(&self, wanted: &Wanted, progress: &dyn Progress) -> Inventory {
        let asked = Asked::of(Source::Sbom, wanted);
        let mut observed = Observed::new(Source::Sbom);
        let exploited = self.known_exploited.as_deref().map(Exploited::read);
        let mut digest = Sha256::new();
        if let Some(catalog) = &exploited {
            match catalog {
                Ok(catalog) => observed.record("KevCatalog", "known-exploited", catalog.to_json()),
                Err(unread) => observed.record("KevCatalog", "known-exploited", unread.to_json()),
            }
            digest.update(self.known_exploited.as_deref().unwrap_or_default());
        }
        if asked.kind("Bill") || asked.kind("Scan") {
            self.read_reports(exploited.and_then(Result::ok).as_ref(), &mut observed, &mut digest, progress);
        }
        observed.target(Target {
            source: Source::Sbom,
            name: self.target.clone(),
            identity: format!("sha256:{}", hex(&digest.finalize())),
            version: String::new(),
            actor: Actor { identity: "as-supplied".to_owned(), auth: "none".to_owned(), rights_sha256: None },
            clock_offset_ms: None,
            assurance: Assurance::AsSupplied,
        });
        observed.finish(wanted)
    }

    fn read_reports(&self, exploited: Option<&Exploited>, observed: &mut Observed, digest: &mut Sha256, progress: &dyn Progress) {
        for kind in ["Bill", "Scan"] {
            observed.listed(kind);
        }
        let mut scans = Vec::new();
        for (shown, path) in &self.reports {
            for found in files::below(shown, path) {
                let Found { name, content } = found;
                let content = match content {
                    Ok(content) => content,
                    Err(unread) => {
                        self.not_read(&name, &unread, observed);
                        continue;
                    }
                };
                digest.update(&content);
                observed.requests([self.request(&name, &content)]);
                progress.advanced(&self.target, "reports", 1);
                match Report::read(&content) {
                    Some(report) if report.is_bill() => observed.record("Bill", &name, bill::record(&report)),
                    Some(report) => scans.push((name, scan::scan(&report))),
                    None => self.not_read(&name, &Unread::new(Reason::ParseError, "a report of no known form"), observed),
                }
            }
        }
        scan::add_first_seen(&mut scans);
        for (name, scan) in scans {
            observed.record("Scan", &name, scan.to_json(exploited));
        }
    }

    // Nobody knows what it would have been.
    fn not_read(&self, name: &str, unread: &Unread, observed: &mut Observed) {
        for kind in ["Bill", "Scan"] {
            observed.record(kind, name, unread.to_json());
        }
    }

    fn request(&self, name: &str, content: &[u8]) -> Request {
        Request {
            status: "ok".to_owned(),
            items: 1,
            response_sha256: Some(hex(&Sha256::digest(content))),
            bytes: content.len() as u64,
            ..Request::new(Source::Sbom, &self.target, "read", name)
        }
    }
}
