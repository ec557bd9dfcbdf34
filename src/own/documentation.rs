//! What the documentation says beside the newest full run: a record for each page.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_claims::checking::{ClaimVerdict, PASSED_OVER, UNKNOWN_ANCHOR};
use proofbook_evidence::claims::ValueStore;
use serde_json::{Value as Json, json};

use super::{API, Own, Records};
use crate::cmd::docs::held_against;

impl Own<'_> {
    pub(super) fn pages(&self) -> Records {
        self.judged().map_err(|error| format!("{error:#}"))
    }

    fn judged(&self) -> anyhow::Result<Vec<Json>> {
        let newest = self.ledger.newest_full()?;
        let store = newest.map(|path| ValueStore::open(&path, self.catalog)).transpose()?;
        let held = held_against(self.workspace, &self.workspace.docs(), self.catalog, self.attestations, store.as_ref(), self.clock)?;
        anyhow::ensure!(held.unseen.is_empty(), "not all of the documentation can be read: {}", held.unseen.join("; "));
        let root = self.workspace.root.display().to_string();
        let relative = |path: &str| path.strip_prefix(&root).map_or(path, |rest| rest.trim_start_matches('/')).to_owned();
        let mut found: BTreeMap<&str, BTreeMap<&str, BTreeSet<u32>>> = BTreeMap::new();
        for page in &held.read {
            found.insert(&page.path, BTreeMap::new());
        }
        for judgement in &held.outcome.notices {
            let notice = &judgement.notice;
            let state = if matches!(notice.code, PASSED_OVER | UNKNOWN_ANCHOR) { notice.code } else { notice.verdict };
            found.entry(&notice.path).or_default().entry(state).or_default().insert(notice.line);
        }
        let page = |(path, by_verdict): (&str, BTreeMap<&str, BTreeSet<u32>>)| {
            let lines = |state: &str| by_verdict.get(state).cloned().unwrap_or_default();
            json!({
                "apiVersion": API,
                "kind": "Page",
                "metadata": {"name": relative(path)},
                "run": store.as_ref().map(|store| store.run_id.as_str()).unwrap_or_default(),
                "contradicted": lines(ClaimVerdict::Contradicted.as_str()),
                "conflict": lines(ClaimVerdict::Conflict.as_str()),
                "stale": lines(ClaimVerdict::Stale.as_str()),
                "unbacked": lines(ClaimVerdict::Unbacked.as_str()),
                "unknown_anchors": lines(UNKNOWN_ANCHOR),
                "passed_over": lines(PASSED_OVER),
            })
        };
        Ok(found.into_iter().map(page).collect())
    }
}
