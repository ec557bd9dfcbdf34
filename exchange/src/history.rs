//! What the runs of an environment add up to over time, as tables: the daily series, the history of findings, the history of
//! measured values. Every one is a pure function of what [`proofbook_evidence::history`] makes of the sealed runs.

use jiff::Timestamp;
use jiff::civil::date;
use proofbook_checks::Verdict;
use proofbook_evidence::history::{SeriesRow, State, values};
use serde_json::Value as Json;

use crate::ExportError;
use crate::csv_table;
use crate::parquet_table::{self, Column, Values};

/// A format of a history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryFormat {
    /// The name on the command line.
    pub name: &'static str,
    /// What it is, and for whom.
    pub doc: &'static str,
    /// Writes it.
    pub write: HistoryWriter,
}

/// What a history is made from.
#[derive(Clone, Copy, Debug)]
pub enum HistoryWriter {
    /// The daily series, from the assessments of the runs.
    Series(fn(&[SeriesRow]) -> Result<Vec<u8>, ExportError>),
    /// The states of findings, from the findings of the runs.
    States(fn(&[State]) -> Result<Vec<u8>, ExportError>),
}

/// All formats, sorted by name.
pub const HISTORIES: &[HistoryFormat] = &[
    HistoryFormat {
        name: "findings-parquet",
        doc: "every state of every finding over all full runs, as Parquet",
        write: HistoryWriter::States(findings_parquet),
    },
    HistoryFormat { name: "series", doc: "how each control and KSI stood day by day, as CSV", write: HistoryWriter::Series(series_csv) },
    HistoryFormat {
        name: "series-parquet",
        doc: "how each control and KSI stood day by day, as Parquet",
        write: HistoryWriter::Series(series_parquet),
    },
    HistoryFormat {
        name: "values-history",
        doc: "when each measured value changed last, how often, its lowest and highest, as CSV",
        write: HistoryWriter::States(values_csv),
    },
];

// The verdicts whose findings are counted, by the names of their columns.
const COUNTED: [(Verdict, &str); 8] = [
    (Verdict::Pass, "pass"),
    (Verdict::Fail, "fail"),
    (Verdict::Error, "error"),
    (Verdict::Stale, "stale"),
    (Verdict::Exception, "exception"),
    (Verdict::Manual, "manual"),
    (Verdict::NotApplicable, "not_applicable"),
    (Verdict::Skipped, "skipped"),
];

fn series_csv(rows: &[SeriesRow]) -> Result<Vec<u8>, ExportError> {
    let heading = [
        "day",
        "kind",
        "id",
        "status",
        "best",
        "worst",
        "runs",
        "last_run",
        "assurance",
        "pass",
        "fail",
        "error",
        "stale",
        "exception",
        "manual",
        "not_applicable",
        "skipped",
        "enumerated",
        "subjects",
        "subjects_min",
        "subjects_max",
        "complete",
    ];
    let cells = |row: &SeriesRow| {
        let count = |at: usize| row.findings.get(&COUNTED[at].0).unwrap_or(&0).to_string();
        [
            row.day.to_string(),
            row.kind.as_str().to_owned(),
            row.id.clone(),
            row.status.to_string(),
            row.best.to_string(),
            row.worst.to_string(),
            row.runs.to_string(),
            row.last_run.to_string(),
            row.assurance.as_str().to_owned(),
            count(0),
            count(1),
            count(2),
            count(3),
            count(4),
            count(5),
            count(6),
            count(7),
            row.enumerated.to_string(),
            row.subjects.to_string(),
            row.subjects_min.to_string(),
            row.subjects_max.to_string(),
            row.complete.to_string(),
        ]
    };
    csv_table::table(heading, rows.iter().map(cells))
}

fn series_parquet(rows: &[SeriesRow]) -> Result<Vec<u8>, ExportError> {
    let text = |name, of: fn(&SeriesRow) -> String| Column { name, values: Values::Text(rows.iter().map(of).collect()) };
    let whole = |name, of: fn(&SeriesRow) -> u64| Column { name, values: Values::Whole(rows.iter().map(of).collect()) };
    let mut columns = vec![
        Column { name: "day", values: Values::Day(rows.iter().map(|row| (row.day - date(1970, 1, 1)).get_days()).collect()) },
        text("kind", |row| row.kind.as_str().to_owned()),
        text("id", |row| row.id.clone()),
        text("status", |row| row.status.to_string()),
        text("best", |row| row.best.to_string()),
        text("worst", |row| row.worst.to_string()),
        whole("runs", |row| row.runs),
        Column { name: "last_run", values: Values::Time(rows.iter().map(|row| row.last_run.as_millisecond()).collect()) },
        text("assurance", |row| row.assurance.as_str().to_owned()),
    ];
    columns.extend(COUNTED.map(|(verdict, name)| {
        let counts = rows.iter().map(|row| row.findings.get(&verdict).copied().unwrap_or_default());
        Column { name, values: Values::Whole(counts.collect()) }
    }));
    columns.extend([
        whole("enumerated", |row| row.enumerated),
        whole("subjects", |row| row.subjects),
        whole("subjects_min", |row| row.subjects_min),
        whole("subjects_max", |row| row.subjects_max),
        Column { name: "complete", values: Values::Flag(rows.iter().map(|row| row.complete).collect()) },
    ]);
    parquet_table::table(columns)
}

fn findings_parquet(states: &[State]) -> Result<Vec<u8>, ExportError> {
    let text = |name, of: fn(&State) -> String| Column { name, values: Values::Text(states.iter().map(of).collect()) };
    let part = |name, of: fn(&State) -> Option<String>| Column { name, values: Values::MaybeText(states.iter().map(of).collect()) };
    let measured = states.iter().map(|state| serde_json::to_string(&state.finding.measured)).collect::<Result<Vec<_>, _>>()?;
    parquet_table::table(vec![
        text("check_id", |state| state.finding.check.to_string()),
        text("kind", |state| state.finding.subject.kind.to_string()),
        part("namespace", |state| state.finding.subject.namespace.map(|namespace| namespace.to_string())),
        text("name", |state| state.finding.subject.name.to_string()),
        part("uid", |state| state.finding.subject.uid.map(|uid| uid.to_string())),
        text("verdict", |state| state.finding.verdict.to_string()),
        text("reason_code", |state| state.finding.reason_code.as_str()),
        text("message", |state| state.finding.message.clone()),
        Column { name: "measured", values: Values::Text(measured) },
        text("exceptions", |state| state.finding.exceptions.join(" ")),
        Column { name: "first_seen", values: Values::Time(states.iter().map(|state| state.first_seen.as_millisecond()).collect()) },
        Column { name: "last_seen", values: Values::Time(states.iter().map(|state| state.last_seen.as_millisecond()).collect()) },
        Column {
            name: "over_by",
            values: Values::MaybeTime(states.iter().map(|state| state.over_by.map(Timestamp::as_millisecond)).collect()),
        },
        Column { name: "runs", values: Values::Whole(states.iter().map(|state| state.runs).collect()) },
    ])
}

fn values_csv(states: &[State]) -> Result<Vec<u8>, ExportError> {
    let heading = [
        "check_id",
        "subject",
        "value",
        "first_seen",
        "last_seen",
        "runs",
        "gaps",
        "first",
        "last",
        "changes",
        "last_changed",
        "min",
        "max",
    ];
    let rows = values(states).into_iter().map(|history| {
        let some = |value: &Option<Json>| value.as_ref().map(plain).unwrap_or_default();
        [
            history.check.to_string(),
            history.subject.to_string(),
            history.name.to_string(),
            history.first_seen.to_string(),
            history.last_seen.to_string(),
            history.runs.to_string(),
            history.gaps.to_string(),
            plain(&history.first),
            plain(&history.last),
            history.changes.to_string(),
            history.last_changed.map(|at| at.to_string()).unwrap_or_default(),
            some(&history.min),
            some(&history.max),
        ]
    });
    csv_table::table(heading, rows)
}

// A text as it is, anything else as JSON.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use proofbook_checks::definition::{Method, Severity};
    use proofbook_checks::inventory::{Assurance, Reason};
    use proofbook_checks::value::{Name, Value};
    use proofbook_checks::{Finding, Population, Subject};
    use proofbook_controls::{CheckId, ControlId, FrameworkId, RequirementId};
    use proofbook_evidence::assessment::{
        Assessment, Basis, CheckAssessment, ControlAssessment, Counts, Coverage, Excepted, Part, PartKind, RequirementAssessment,
    };
    use proofbook_evidence::history::{Series, States};

    use super::*;

    const DAYS: i64 = 548;
    const CHECKS: u64 = 170;

    /// Numbers that look thrown, and are the same at every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    fn start() -> Timestamp {
        "2025-01-01T00:00:00Z".parse().unwrap()
    }

    /// Checks of a cluster that grows: their populations change by the day, and now and then something fails.
    fn checks(dice: &mut Dice, day: i64) -> BTreeMap<CheckId, CheckAssessment> {
        let check = |number: u64| {
            let id = CheckId::new(&format!("check-{number}")).unwrap();
            let subjects = 20 + number * 7 % 900 + day.unsigned_abs() + dice.below(12);
            let fail = if dice.below(8) == 0 { dice.below(subjects) } else { 0 };
            let status = if fail > 0 { Verdict::Fail } else { Verdict::Pass };
            let population = Population {
                check: id.clone(),
                definition: String::new(),
                enumerated: subjects + dice.below(9),
                subjects,
                complete: true,
                excluded: Vec::new(),
                listings: Vec::new(),
            };
            let assessed = CheckAssessment {
                status,
                reason: Reason::AsPromised,
                counts: Counts::from([(Verdict::Pass, subjects - fail), (Verdict::Fail, fail)]),
                population,
                severity: Severity::High,
                method: Method::Examine,
                fresh_until: start(),
                excepted: BTreeMap::new(),
            };
            (id, assessed)
        };
        (0..CHECKS).map(check).collect()
    }

    /// A run a day over 18 months, with as many controls and KSIs as the library has, each with a check of its own.
    fn rows() -> Vec<SeriesRow> {
        let (mut dice, mut series) = (Dice(7), Series::default());
        for day in 0..DAYS {
            let checks = checks(&mut dice, day);
            let control = |number: u64| {
                let part = |at: u64| {
                    let id = format!("check-{}", (number * 3 + at) % CHECKS);
                    let status = checks[&CheckId::new(&id).unwrap()].status;
                    Part { kind: PartKind::Check, id, required: true, status, excepted: Excepted::new() }
                };
                let parts: Vec<Part> = (0..4).map(part).collect();
                let status = parts.iter().map(|part| part.status).min().unwrap();
                let assessed = ControlAssessment { status, basis: Basis::Automated, parts, disagree: Vec::new(), not_applicable: None };
                (ControlId::new(&format!("control-{number}")).unwrap(), assessed)
            };
            let controls: BTreeMap<ControlId, ControlAssessment> = (0..170).map(control).collect();
            let ksi = |number: usize| {
                let own: Vec<ControlId> = controls.keys().skip(number * 2).take(3).cloned().collect();
                let status = own.iter().map(|id| controls[id].status).min();
                let id = RequirementId::new(&format!("KSI-ABC-{number:03}")).unwrap();
                (id, RequirementAssessment { coverage: Coverage::Automated, status, controls: own })
            };
            let frameworks = BTreeMap::from([(FrameworkId::new("fedramp-20x").unwrap(), (0..65).map(ksi).collect())]);
            let clock = start() + SignedDuration::from_hours(day * 24);
            series.add(clock, Assurance::Live, &Assessment { checks, controls, frameworks, ..Assessment::default() });
        }
        series.into_rows()
    }

    #[test]
    fn eighteen_months_of_the_series_are_a_few_megabytes() {
        let rows = rows();
        assert_eq!(rows.len(), (170 + 65) * 548);
        assert!(rows.iter().all(|row| row.runs == 1 && row.subjects_min <= row.subjects && row.subjects <= row.subjects_max));
        let bytes = series_parquet(&rows).unwrap();
        let csv = series_csv(&rows).unwrap();
        assert!(bytes.len() < 4_000_000 && csv.len() < 25_000_000, "Parquet {} bytes, CSV {} bytes", bytes.len(), csv.len());
        assert_eq!(bytes, series_parquet(&rows).unwrap(), "the same runs give the same bytes");
        let file = std::env::temp_dir().join(format!("proofbook-series-{}.parquet", std::process::id()));
        std::fs::write(&file, &bytes).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), i64::try_from(rows.len()).unwrap());
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn eighteen_months_of_findings_are_a_few_megabytes() {
        let (mut dice, mut states) = (Dice(11), States::default());
        let mut levels = vec![0_u64; 2000];
        for day in 0..DAYS {
            let clock = start() + SignedDuration::from_hours(day * 24);
            states.begin(clock);
            for (number, level) in levels.iter_mut().enumerate() {
                if dice.below(100) == 0 {
                    *level = dice.below(4);
                }
                let verdict = if *level == 3 { Verdict::Fail } else { Verdict::Pass };
                states.add(Finding {
                    check: CheckId::new(&format!("check-{}", number / 100)).unwrap(),
                    subject: Subject {
                        kind: Name::from("Pod"),
                        namespace: Some(Name::from("shop")),
                        name: Name::from(&*format!("pod-{}", number % 100)),
                        uid: None,
                    },
                    verdict,
                    reason_code: if verdict == Verdict::Pass { Reason::AsPromised } else { Reason::AboveMax },
                    message: format!("has the level {level}"),
                    measured: BTreeMap::from([(Name::from("level"), Value::from_json(&(*level).into()))]),
                    exceptions: Vec::new(),
                });
            }
        }
        let states = states.finish();
        assert_eq!(states.iter().map(|state| state.runs).sum::<u64>(), 2000 * DAYS.unsigned_abs());
        let bytes = findings_parquet(&states).unwrap();
        assert!(bytes.len() < 4_000_000, "{} states are {} bytes", states.len(), bytes.len());
        let told = values(&states);
        assert_eq!((told.len(), told.iter().map(|value| value.changes).sum::<u64>()), (2000, states.len() as u64 - 2000));
        assert!(told.iter().all(|value| value.gaps == 0 && value.runs == DAYS.unsigned_abs()));
    }
}
