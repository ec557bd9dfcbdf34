//! What is kept of earlier runs: the ledger itself, how long the results of the newest full run counted, and what was published.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_evidence::bundle::{BundleError, Glance, VALUES};
use proofbook_evidence::ledger::{Custody, RunRef};
use proofbook_evidence::status::Status;
use serde_json::{Value as Json, json};

use super::{API, Own, Records};

impl Own<'_> {
    pub(super) fn ledgers(&self) -> Records {
        let report = self.ledger.check().map_err(|error| error.to_string())?;
        let deviations = report.deviations.iter().map(|found| json!({"part": found.part, "detail": found.detail}));
        Ok(vec![json!({
            "apiVersion": API,
            "kind": "Ledger",
            "metadata": {"name": self.environment},
            "runs": report.runs,
            "deviations": deviations.collect::<Vec<_>>(),
            "head": report.head.map(|head| head.run_id).unwrap_or_default(),
        })])
    }

    // What of the newest full run counts no more at the clock of this one.
    pub(super) fn standings(&self) -> Records {
        let standing = || -> Result<Json, BundleError> {
            let mut record = json!({"apiVersion": API, "kind": "Standing", "metadata": {"name": self.environment}, "run": ""});
            let Some(run) = self.ledger.newest_full_run()? else { return Ok(record) };
            let status = Status::of(&self.ledger.fetch(&run)?, run.clone(), self.clock)?;
            record["run"] = run.run_id.into();
            record["collected_at"] = status.collected_at.to_string().into();
            record["stale"] = status.stale.iter().map(|passed| json!({"id": passed.id, "since": passed.since.to_string()})).collect();
            Ok(record)
        };
        Ok(vec![standing().map_err(|error| error.to_string())?])
    }

    // The newest publication for each profile, beside the newest full run. Older ones were superseded by it.
    pub(super) fn publications(&self) -> Records {
        let (events, breaks) = self.ledger.custody().checked().map_err(|error| error.to_string())?;
        if let Some(broken) = breaks.first() {
            return Err(format!("the custody log cannot be relied on: {broken}"));
        }
        let mut newest: BTreeMap<String, (Timestamp, RunRef)> = BTreeMap::new();
        for link in events {
            if let Custody::Published { run_id, manifest_sha256, profile, .. } = link.event {
                newest.insert(profile, (link.at, RunRef { run_id, manifest_sha256 }));
            }
        }
        let run = self.ledger.newest_full_run().map_err(|error| error.to_string())?;
        let values = run.as_ref().map(|run| self.values(run)).transpose()?;
        let record = |(profile, (at, of)): (String, (Timestamp, RunRef))| -> Result<Json, String> {
            Ok(json!({
                "apiVersion": API,
                "kind": "Publication",
                "metadata": {"name": profile},
                "published_at": at.to_string(),
                "run": of.run_id,
                "newest_run": run.as_ref().map(|run| run.run_id.as_str()).unwrap_or_default(),
                "current": Some(self.values(&of)?) == values,
            }))
        };
        newest.into_iter().map(record).collect()
    }

    // The digest of the values of a run, as its manifest names it.
    fn values(&self, run: &RunRef) -> Result<String, String> {
        let told = |error: &dyn std::fmt::Display| format!("run {}: {error}", run.run_id);
        let bundle = self.ledger.fetch(run).map_err(|error| told(&error))?;
        let glance = Glance::open(&bundle, &run.manifest_sha256).map_err(|error| told(&error))?;
        let digest = glance.manifest().digest_of(VALUES).ok_or_else(|| told(&"its manifest names no values"))?;
        Ok(digest.to_owned())
    }
}
