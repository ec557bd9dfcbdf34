//! The history of findings: for every check and subject its states, each from the first to the last run that saw it. A state that
//! a thousand runs saw is one line.

use std::collections::BTreeMap;
use std::mem;

use jiff::Timestamp;
use proofbook_checks::{Finding, Subject};
use proofbook_controls::CheckId;

/// One state of a finding, over runs that follow each other.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What was found, the same in every run of the state: verdict, reason, message, measured values, exceptions.
    pub finding: Finding,
    /// When the first run that saw it looked.
    pub first_seen: Timestamp,
    /// When the last run that saw it looked.
    pub last_seen: Timestamp,
    /// How many full runs saw it.
    pub runs: u64,
    /// When the first full run looked that saw something else, or nothing; none where the last run still saw it.
    pub over_by: Option<Timestamp>,
}

/// The states as far as runs were added.
#[derive(Debug, Default)]
pub struct States {
    // What the run before the present one saw.
    before: BTreeMap<(CheckId, Subject), State>,
    // What the present run sees.
    now: BTreeMap<(CheckId, Subject), State>,
    over: Vec<State>,
    clock: Option<Timestamp>,
}

impl States {
    /// Begins the next full run: runs are added in the order in which they looked.
    pub fn begin(&mut self, clock: Timestamp) {
        self.turn();
        self.clock = Some(clock);
    }

    /// Adds a finding of the run that was begun.
    pub fn add(&mut self, finding: Finding) {
        let Some(clock) = self.clock else { return };
        let key = (finding.check.clone(), finding.subject);
        let state = match self.before.remove(&key) {
            Some(state) if state.finding == finding => State { last_seen: clock, runs: state.runs + 1, ..state },
            Some(state) => {
                self.over.push(State { over_by: Some(clock), ..state });
                first_seen(finding, clock)
            }
            None => first_seen(finding, clock),
        };
        self.now.insert(key, state);
    }

    /// All states by check, subject and time.
    #[must_use]
    pub fn finish(mut self) -> Vec<State> {
        self.turn();
        let mut states = self.over;
        states.extend(self.before.into_values());
        states.sort_by(|a, b| {
            let key = |state: &State| (state.finding.subject, state.first_seen);
            a.finding.check.cmp(&b.finding.check).then_with(|| key(a).cmp(&key(b)))
        });
        states
    }

    // What the present run did not see again is over, and what it saw is what the next one is held to.
    fn turn(&mut self) {
        let (clock, gone) = (self.clock, mem::replace(&mut self.before, mem::take(&mut self.now)));
        self.over.extend(gone.into_values().map(|state| State { over_by: clock, ..state }));
    }
}

fn first_seen(finding: Finding, clock: Timestamp) -> State {
    State { finding, first_seen: clock, last_seen: clock, runs: 1, over_by: None }
}

#[cfg(test)]
mod tests {
    use proofbook_checks::Verdict;
    use proofbook_checks::inventory::Reason;
    use proofbook_checks::value::Name;

    use super::*;

    fn finding(name: &str, verdict: Verdict) -> Finding {
        Finding {
            check: CheckId::new("some-check").unwrap(),
            subject: Subject { kind: Name::from("Thing"), namespace: None, name: Name::from(name), uid: None },
            verdict,
            reason_code: Reason::AsPromised,
            message: String::new(),
            measured: BTreeMap::new(),
            exceptions: Vec::new(),
        }
    }

    #[test]
    fn a_state_lasts_as_long_as_runs_in_a_row_see_it() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let mut states = States::default();
        let runs: [&[(&str, Verdict)]; 5] = [
            &[("a", Verdict::Pass), ("b", Verdict::Fail)],
            &[("a", Verdict::Pass), ("b", Verdict::Fail)],
            &[("a", Verdict::Fail)],
            &[("a", Verdict::Pass), ("b", Verdict::Fail)],
            &[("a", Verdict::Pass)],
        ];
        for (hour, findings) in runs.iter().enumerate() {
            states.begin(at(i64::try_from(hour).unwrap()));
            for (name, verdict) in *findings {
                states.add(finding(name, *verdict));
            }
        }
        let told: Vec<_> = states
            .finish()
            .into_iter()
            .map(|state| {
                let hour = |at: Timestamp| at.as_second() / 3600;
                let name = state.finding.subject.name.as_str();
                (name, state.finding.verdict, hour(state.first_seen), hour(state.last_seen), state.runs, state.over_by.map(hour))
            })
            .collect();
        assert_eq!(
            told,
            [
                ("a", Verdict::Pass, 0, 1, 2, Some(2)),
                ("a", Verdict::Fail, 2, 2, 1, Some(3)),
                ("a", Verdict::Pass, 3, 4, 2, None),
                ("b", Verdict::Fail, 0, 1, 2, Some(2)),
                ("b", Verdict::Fail, 3, 3, 1, Some(4)),
            ]
        );
    }
}
