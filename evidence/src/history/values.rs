//! The history of measured values: since when each is what it is, how often it changed, and its lowest and highest over the period.
//! It answers whether a configuration stayed the same between two runs that tested it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use proofbook_checks::Subject;
use proofbook_checks::value::Name;
use proofbook_controls::CheckId;
use serde_json::Value as Json;

use super::State;

/// What a check measured of a subject under one name, over all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueHistory {
    /// The check.
    pub check: CheckId,
    /// The subject.
    pub subject: Subject,
    /// The name of the value.
    pub name: Name,
    /// When the first run that measured it looked.
    pub first_seen: Timestamp,
    /// When the last run that measured it looked.
    pub last_seen: Timestamp,
    /// How many full runs measured it.
    pub runs: u64,
    /// How often a run measured it anew after a run that had not: the value is not known for the time between.
    pub gaps: u64,
    /// The first value.
    pub first: Json,
    /// The last value.
    pub last: Json,
    /// How often it was another one than the time before.
    pub changes: u64,
    /// When the first run looked that measured the last change.
    pub last_changed: Option<Timestamp>,
    /// The lowest, where all values are numbers.
    pub min: Option<Json>,
    /// The highest, where all values are numbers.
    pub max: Option<Json>,
}

/// The values behind states that are in the order in which [`super::States::finish`] gives them.
#[must_use]
pub fn values(states: &[State]) -> Vec<ValueHistory> {
    let mut out = Vec::new();
    for of_subject in states.chunk_by(|a, b| a.finding.check == b.finding.check && a.finding.subject == b.finding.subject) {
        let mut known: BTreeMap<Name, (ValueHistory, Option<Timestamp>)> = BTreeMap::new();
        for state in of_subject {
            for (name, value) in &state.finding.measured {
                let value = value.to_json();
                match known.get_mut(name) {
                    Some((history, over_by)) => {
                        // The state before ended with the run that saw this one, or something lies between.
                        history.gaps += u64::from(*over_by != Some(state.first_seen));
                        history.add(state, value);
                        *over_by = state.over_by;
                    }
                    None => {
                        known.insert(*name, (ValueHistory::new(state, *name, value), state.over_by));
                    }
                }
            }
        }
        out.extend(known.into_values().map(|(history, _)| history));
    }
    out
}

impl ValueHistory {
    fn new(state: &State, name: Name, value: Json) -> Self {
        let number = value.is_number().then(|| value.clone());
        Self {
            check: state.finding.check.clone(),
            subject: state.finding.subject,
            name,
            first_seen: state.first_seen,
            last_seen: state.last_seen,
            runs: state.runs,
            gaps: 0,
            first: value.clone(),
            last: value,
            changes: 0,
            last_changed: None,
            min: number.clone(),
            max: number,
        }
    }

    fn add(&mut self, state: &State, value: Json) {
        self.last_seen = state.last_seen;
        self.runs += state.runs;
        self.min = self.min.take().and_then(|min| extreme(min, &value, Ordering::Less));
        self.max = self.max.take().and_then(|max| extreme(max, &value, Ordering::Greater));
        if self.last != value {
            self.changes += 1;
            self.last_changed = Some(state.first_seen);
            self.last = value;
        }
    }
}

fn extreme(known: Json, value: &Json, wanted: Ordering) -> Option<Json> {
    let beyond = value.as_f64()?.partial_cmp(&known.as_f64()?)? == wanted;
    Some(if beyond { value.clone() } else { known })
}
