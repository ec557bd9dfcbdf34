//! The catalog of vulnerabilities that are known to be exploited, as CISA publishes it. It is supplied as a file, so its date counts.

use std::collections::BTreeMap;

use proofbook_checks::inventory::Reason;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::scan::time;
use crate::observed::Unread;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalog {
    catalog_version: Option<String>,
    date_released: String,
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    id: String,
    date_added: String,
    due_date: String,
}

/// The catalog by the numbers of vulnerabilities.
#[derive(Debug)]
pub(super) struct Exploited {
    released: String,
    version: Option<String>,
    dates: BTreeMap<String, (String, String)>,
}

impl Exploited {
    pub(super) fn read(content: &[u8]) -> Result<Self, Unread> {
        let fault = |detail: &str| Unread::new(Reason::ParseError, format!("the catalog of exploited vulnerabilities {detail}"));
        let catalog: Catalog = serde_json::from_slice(content).map_err(|_| fault("is not in the form of CISA"))?;
        if catalog.vulnerabilities.is_empty() {
            return Err(fault("names none"));
        }
        let released = time(&catalog.date_released).ok_or_else(|| fault("has no date of release"))?;
        let dates = catalog.vulnerabilities.into_iter().map(|entry| (entry.id, (entry.date_added, entry.due_date))).collect();
        Ok(Self { released, version: catalog.catalog_version, dates })
    }

    pub(super) fn to_json(&self) -> Json {
        json!({"released": self.released, "version": self.version, "count": self.dates.len()})
    }

    /// When a vulnerability was added, and when it is due; by any of its numbers.
    pub(super) fn of<'i>(&self, ids: impl IntoIterator<Item = &'i String>) -> Option<Json> {
        let (added, due) = ids.into_iter().find_map(|id| self.dates.get(id))?;
        Some(json!({"added": added, "due": due}))
    }
}
