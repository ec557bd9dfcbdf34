//! Checks of the library over what a collector brought, for tests of whole sources.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;

use proofbook_checks::Catalog;
use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::finding::{Finding, Verdict};
use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_checks::plan::Plan;
use proofbook_checks::settings::{ParamSetting, Settings};
use proofbook_sources::collector::{Collector, Unwatched};
use serde_json::Value as Json;

/// Some checks of the library with parameters of a test.
pub(crate) struct Judge {
    catalog: Catalog,
    settings: Settings,
    checks: Vec<String>,
}

impl Judge {
    pub(crate) fn new(checks: &[&str], parameters: &[(&str, Json)]) -> Self {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), ParamSetting::Plain(value.clone()))).collect();
        Self {
            catalog: Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap_or_else(|errors| panic!("{errors}")),
            settings: Settings { parameters, ..Settings::default() },
            checks: checks.iter().map(|check| (*check).to_owned()).collect(),
        }
    }

    pub(crate) fn plan(&self) -> Plan<'_> {
        let plan = Plan::new(&self.catalog, &self.settings, |check| self.checks.iter().any(|id| id == check.id().as_str()));
        let plan = plan.unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(plan.checks.len(), self.checks.len(), "{:?}", self.checks);
        plan
    }

    pub(crate) fn wanted(&self) -> Wanted {
        self.plan().wanted()
    }

    /// What the collector brings of what the checks read.
    pub(crate) async fn collect(&self, collector: &dyn Collector) -> Inventory {
        collector.collect(&self.wanted(), &Unwatched).await
    }

    pub(crate) fn findings(&self, inventory: &Inventory, now: &str) -> Vec<Finding> {
        let plan = self.plan();
        let evaluation = Evaluation::new(inventory, &self.settings, now.parse().unwrap());
        plan.checks.values().flat_map(|planned| evaluation.check(planned).findings).collect()
    }

    /// The verdicts as `check subject` and `verdict (reason)`.
    pub(crate) fn verdicts(&self, inventory: &Inventory) -> BTreeMap<String, String> {
        let told = |finding: &Finding| {
            let verdict = match finding.verdict {
                Verdict::Pass => "pass".to_owned(),
                verdict => format!("{verdict} ({})", finding.reason_code.as_str()),
            };
            (format!("{} {}", finding.check, finding.subject), verdict)
        };
        self.findings(inventory, "2026-06-01T00:00:00Z").iter().map(told).collect()
    }
}

/// Holds verdicts to what is expected, one `check subject: verdict` a line; shows all that differ.
pub(crate) fn assert_verdicts(found: &BTreeMap<String, String>, expected: &str) {
    let found: Vec<String> = found.iter().map(|(what, verdict)| format!("{what}: {verdict}")).collect();
    let mut expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    expected.sort_unstable();
    let missing: Vec<&&str> = expected.iter().filter(|line| !found.iter().any(|other| other == **line)).collect();
    let surplus: Vec<&String> = found.iter().filter(|line| !expected.contains(&line.as_str())).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "expected and not found: {missing:#?}\nfound and not expected: {surplus:#?}");
}
