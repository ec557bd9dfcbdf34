//! From a target as a workspace writes it to findings by the checks of the library.

use std::collections::BTreeMap;
use std::path::Path;

use proofbook_checks::evaluate::Evaluation;
use proofbook_checks::inventory::Inventory;
use proofbook_checks::settings::{ParamSetting, Settings};
use proofbook_checks::{Catalog, Finding, Plan, Verdict};
use proofbook_controls::yaml;
use proofbook_sources::collector::{Collector, PlannedRequest, Unwatched};
use proofbook_sources::settings::{SettingsError, Setup, TargetSettings};
use serde_json::{Value, json};

/// What a run over one target came to.
pub(crate) struct Judged {
    pub(crate) inventory: Inventory,
    pub(crate) findings: Vec<Finding>,
    pub(crate) planned: Vec<PlannedRequest>,
}

/// Opens a target that is written as in a workspace.
pub(crate) fn open<T: TargetSettings + serde::de::DeserializeOwned>(
    name: &str,
    root: &Path,
    target: &Value,
) -> Result<Box<dyn Collector>, SettingsError> {
    // JSON is YAML, so places in errors are those of this text.
    let target: T = yaml::parse("proofbook.yaml", &target.to_string()).unwrap_or_else(|fault| panic!("{fault}"));
    target.open(name, &Setup { root, file: "proofbook.yaml" })
}

/// Collects what the checks need, and lets them judge it as of `now`.
pub(crate) async fn judge(collector: &dyn Collector, checks: &[&str], params: &Value, now: &str) -> Judged {
    let catalog = Catalog::load(&Catalog::embedded_files()).unwrap_or_else(|faults| panic!("{faults}"));
    let params = params.as_object().cloned().unwrap_or_default();
    let parameters = params.into_iter().map(|(name, value)| (name, ParamSetting::Plain(value))).collect();
    let settings = Settings { parameters, ..Settings::default() };
    let plan = Plan::new(&catalog, &settings, |check| checks.contains(&check.id().as_str())).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(plan.checks.len(), checks.len(), "a check of {checks:?} is not in the library");
    let wanted = plan.wanted();
    let planned = collector.plan(&wanted);
    let inventory = collector.collect(&wanted, &Unwatched).await;
    let evaluation = Evaluation::new(&inventory, &settings, now.parse().expect("a time"));
    let findings = plan.checks.values().flat_map(|planned| evaluation.check(planned).findings).collect();
    Judged { inventory, findings, planned }
}

impl Judged {
    /// The one finding of a check about a subject.
    pub(crate) fn finding(&self, check: &str, subject: &str) -> &Finding {
        let found: Vec<_> =
            self.findings.iter().filter(|finding| finding.check.as_str() == check && finding.subject.to_string() == subject).collect();
        assert_eq!(found.len(), 1, "{check} about {subject} among {:#?}", self.told());
        found[0]
    }

    /// Every finding as check, subject, verdict and reason.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = |finding: &Finding| {
            let reason = finding.reason_code.as_str();
            format!("{} {} {} ({reason}): {}", finding.check, finding.subject, finding.verdict, finding.message)
        };
        self.findings.iter().map(told).collect()
    }

    /// How many findings have each verdict.
    pub(crate) fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.verdict).or_insert(0) += 1;
        }
        counts
    }

    /// Asserts that every finding has the verdict, and that there are that many.
    pub(crate) fn all(&self, verdict: Verdict, count: usize) {
        assert_eq!(self.counts(), BTreeMap::from([(verdict, count)]), "{:#?}", self.told());
    }

    /// Requests that were made, as method and query.
    pub(crate) fn requests(&self) -> Vec<(&str, &str)> {
        self.inventory.requests.iter().map(|request| (request.method.as_str(), request.query.as_str())).collect()
    }

    /// Everything that would be kept, as one text, to look for what must not be in it.
    pub(crate) fn kept(&self) -> String {
        let objects: Vec<Value> = self
            .inventory
            .listings
            .values()
            .flat_map(|listing| listing.objects.iter().map(proofbook_checks::value::Value::to_json))
            .collect();
        json!({"objects": objects, "requests": self.inventory.requests, "targets": self.inventory.targets, "findings": self.findings})
            .to_string()
    }
}
