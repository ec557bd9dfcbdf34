//! The value store: what checks measured, each value with the number of subjects that have it.

use std::collections::BTreeMap;

use proofbook_checks::value::Value;
use proofbook_checks::{CheckResult, Verdict};
use serde::{Deserialize, Serialize};

/// One measured value of a check over its population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredValue {
    /// The id: `<check>.<name>`.
    pub id: String,
    /// The check.
    pub check: String,
    /// How many subjects the check looked at, with those that have no such value; none in bundles that were sealed before this was
    /// counted. Where the numbers in `distinct` do not add up to it, nothing is said of all subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<u64>,
    /// Each distinct value with its number of subjects, in the order of the values' text.
    pub distinct: Vec<(serde_json::Value, u64)>,
}

/// Adds up the measured values of one check.
#[must_use]
pub fn measured(result: &CheckResult) -> Vec<MeasuredValue> {
    let mut by_name: BTreeMap<&str, BTreeMap<String, (&Value, u64)>> = BTreeMap::new();
    let mut population = 0;
    for finding in result.findings.iter().filter(|finding| finding.verdict != Verdict::NotApplicable) {
        population += 1;
        for (name, value) in &finding.measured {
            // Every measured value has a JSON form: it was made from one.
            let text = serde_json::to_string(value).unwrap_or_default();
            by_name.entry(name).or_default().entry(text).or_insert((value, 0)).1 += 1;
        }
    }
    let check = &result.population.check;
    let value = |(name, distinct): (&str, BTreeMap<String, (&Value, u64)>)| MeasuredValue {
        id: format!("{check}.{name}"),
        check: check.to_string(),
        population: Some(population),
        distinct: distinct.into_values().map(|(value, count)| (value.to_json(), count)).collect(),
    };
    by_name.into_iter().map(value).collect()
}
