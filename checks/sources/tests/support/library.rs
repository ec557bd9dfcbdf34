//! The checks of the library over what a collector gathered: one line a finding, as tests assert it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proofbook_checks::Catalog;
use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::inventory::Inventory;
use proofbook_checks::plan::Plan;
use proofbook_checks::settings::{CheckSettings, ParamSetting, Settings};
use proofbook_controls::CheckId;
use proofbook_controls::files::Files;
use proofbook_sources::collector::{Collector, Unwatched};
use proofbook_sources::settings::{Setup, TargetSettings};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// The catalog as it lies on disk.
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let mut files = Files::default();
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../library");
        for domain in fs::read_dir(&library).unwrap() {
            let domain = domain.unwrap().path();
            for file in fs::read_dir(&domain).unwrap() {
                let path = file.unwrap().path();
                let name = format!("checks/library/{}", path.strip_prefix(&library).unwrap().display());
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
        Catalog::load_without_fixtures(&files).unwrap_or_else(|errors| panic!("{errors}"))
    })
}

/// Some checks with their parameters.
pub(crate) struct Judged {
    plan: Plan<'static>,
}

impl Judged {
    /// `params` by check: `{"alert-delivery": {"page_severities": ["page"]}}`.
    pub(crate) fn by(checks: &[&str], params: &Json) -> Self {
        let mut settings = Settings::default();
        for (check, params) in params.as_object().into_iter().flatten() {
            let plain = |(name, value): (&String, &Json)| (name.clone(), ParamSetting::Plain(value.clone()));
            let params = params.as_object().unwrap().iter().map(plain).collect::<BTreeMap<_, _>>();
            settings.checks.insert(check.parse::<CheckId>().unwrap(), CheckSettings { params, ..CheckSettings::default() });
        }
        for check in checks {
            assert!(catalog().checks.contains_key(*check), "no check {check}");
        }
        let plan = Plan::new(catalog(), &settings, |check| checks.contains(&check.id().as_str()));
        Self { plan: plan.unwrap_or_else(|errors| panic!("{errors}")) }
    }

    /// What the checks read.
    pub(crate) fn wanted(&self) -> proofbook_checks::inventory::Wanted {
        self.plan.wanted()
    }

    /// What the collector gathers of what the checks read.
    pub(crate) async fn inventory(&self, collector: &dyn Collector) -> Inventory {
        collector.collect(&self.plan.wanted(), &Unwatched).await
    }

    /// What the collector would ask.
    pub(crate) fn planned(&self, collector: &dyn Collector) -> Vec<String> {
        let planned = collector.plan(&self.plan.wanted());
        planned.into_iter().map(|request| format!("{} {} {}", request.target, request.method, request.query)).collect()
    }

    /// `check Kind/name verdict reason: message`, sorted.
    pub(crate) fn findings(&self, inventory: &Inventory, now: jiff::Timestamp) -> Vec<String> {
        let evaluation = Evaluation::new(inventory, &self.plan.settings, now);
        let mut lines = Vec::new();
        for planned in self.plan.checks.values() {
            for finding in evaluation.check(planned).findings {
                let (reason, message) = (finding.reason_code.as_str(), finding.message);
                lines.push(format!("{} {} {} {reason}: {message}", finding.check, finding.subject, finding.verdict.as_str()));
            }
        }
        lines.sort();
        lines
    }

    /// Gathers and judges at once.
    pub(crate) async fn run(&self, collector: &dyn Collector) -> Vec<String> {
        self.findings(&self.inventory(collector).await, now())
    }
}

/// The time of the test.
#[expect(clippy::disallowed_methods, reason = "servers that run now are judged now")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::try_from(std::time::SystemTime::now()).unwrap()
}

/// Opens a target as the workspace would write it.
pub(crate) fn open<T: TargetSettings + DeserializeOwned>(name: &str, yaml: &str, root: &Path) -> Box<dyn Collector> {
    let settings: T = proofbook_controls::yaml::parse("proofbook.yaml", yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    settings.open(name, &Setup { root, file: "proofbook.yaml" }).unwrap_or_else(|error| panic!("{error}"))
}

/// Asserts that the findings are exactly those that begin so, in the order of their lines.
#[track_caller]
pub(crate) fn assert_findings(found: &[String], expected: &[&str]) {
    let holds = found.len() == expected.len() && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(holds, "found:\n{}\nexpected:\n{}", found.join("\n"), expected.join("\n"));
}
