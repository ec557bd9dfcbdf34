//! Retention: how long each class of evidence is kept, what has passed its time, and its deletion.
//!
//! Manifests and seals are kept for ever, since the chain hangs on them. Everything else goes by its class, never without a
//! tombstone that is on disk before the first byte is deleted, and never from the newest full run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Custody, Ledger, LedgerError, RunRef, Tombstone, TombstonedFile, sequence};
use crate::bundle::REQUESTS;

/// How long evidence is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// What was read, and the requests: 13 months where nothing is said.
    pub observations: Period,
    /// Findings, assessment, values and the rules that decided: 6 years where nothing is said. Manifests and seals stay for ever.
    pub records: Period,
    /// The bytes of what was exported: 6 years where nothing is said (32 CFR 170.17 and 170.18 ask for them).
    pub exports: Period,
    /// Whether the exact bytes of exports are kept, or only their digests.
    pub export_bytes: Kept,
}

impl Default for Retention {
    fn default() -> Self {
        let years = Period { count: 6, unit: PeriodUnit::Years };
        Self { observations: Period { count: 13, unit: PeriodUnit::Months }, records: years, exports: years, export_bytes: Kept::Bytes }
    }
}

impl Retention {
    /// The period of a class.
    #[must_use]
    pub const fn period(&self, class: RetentionClass) -> Period {
        match class {
            RetentionClass::Observations => self.observations,
            RetentionClass::Records => self.records,
            RetentionClass::Exports => self.exports,
        }
    }
}

/// What is kept of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// Its exact bytes.
    #[default]
    Bytes,
    /// Its digest.
    Digest,
}

/// A class of evidence by how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetentionClass {
    /// What was read, and the requests.
    Observations,
    /// What was made of it: findings, assessment, values, rules.
    Records,
    /// What was handed over.
    Exports,
}

impl RetentionClass {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observations => "observations",
            Self::Records => "records",
            Self::Exports => "exports",
        }
    }

    /// The class of a sealed file, or of one that was exported.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.starts_with("exports/") {
            Self::Exports
        } else if name == REQUESTS || name.starts_with("observations/") {
            Self::Observations
        } else {
            Self::Records
        }
    }
}

/// A span of the calendar: `12 hours`, `3 days`, `13 months`, `6 years`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: PeriodUnit,
}

/// The unit of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodUnit {
    /// Hours.
    Hours,
    /// Days of 24 hours.
    Days,
    /// Weeks.
    Weeks,
    /// Months of the calendar.
    Months,
    /// Years of the calendar.
    Years,
}

impl Period {
    /// The time that lies one period before `at`.
    #[must_use]
    pub fn before(self, at: Timestamp) -> Timestamp {
        self.shifted(at, -1).unwrap_or(Timestamp::MIN)
    }

    /// The time that lies one period after `at`.
    #[must_use]
    pub fn after(self, at: Timestamp) -> Timestamp {
        self.shifted(at, 1).unwrap_or(Timestamp::MAX)
    }

    /// The period in hours; none for months and years, whose length differs.
    #[must_use]
    pub const fn hours(self) -> Option<u32> {
        let hours = match self.unit {
            PeriodUnit::Hours => 1,
            PeriodUnit::Days => 24,
            PeriodUnit::Weeks => 7 * 24,
            PeriodUnit::Months | PeriodUnit::Years => return None,
        };
        self.count.checked_mul(hours)
    }

    fn shifted(self, at: Timestamp, sign: i64) -> Result<Timestamp, jiff::Error> {
        let count = sign * i64::from(self.count);
        let span = match self.unit {
            PeriodUnit::Hours => Span::new().try_hours(count),
            PeriodUnit::Days => Span::new().try_days(count),
            PeriodUnit::Weeks => Span::new().try_weeks(count),
            PeriodUnit::Months => Span::new().try_months(count),
            PeriodUnit::Years => Span::new().try_years(count),
        };
        Ok(at.to_zoned(TimeZone::UTC).checked_add(span?)?.timestamp())
    }
}

const FORM: &str = "expected a number of hours, days, weeks, months or years, such as `13 months`";

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no period: {FORM}");
        let text_trimmed = text.trim();
        let digits = text_trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text_trimmed.split_at(digits);
        let unit = match unit.trim() {
            "h" | "hour" | "hours" => PeriodUnit::Hours,
            "d" | "day" | "days" => PeriodUnit::Days,
            "week" | "weeks" => PeriodUnit::Weeks,
            "month" | "months" => PeriodUnit::Months,
            "year" | "years" => PeriodUnit::Years,
            _ => return Err(wrong()),
        };
        let count: u32 = count.parse().map_err(|_| wrong())?;
        if count == 0 || count > 100_000 { Err(wrong()) } else { Ok(Self { count, unit }) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            PeriodUnit::Hours => "hour",
            PeriodUnit::Days => "day",
            PeriodUnit::Weeks => "week",
            PeriodUnit::Months => "month",
            PeriodUnit::Years => "year",
        };
        write!(f, "{} {unit}{}", self.count, if self.count == 1 { "" } else { "s" })
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ ?(h|hours?|d|days?|weeks?|months?|years?)$",
            "description": "A span of the calendar: `12 hours`, `3 days`, `13 months`, `6 years`.",
        })
    }
}

/// Files of one run and class, or one export, whose time has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The run.
    #[serde(flatten)]
    pub run: RunRef,
    /// The class.
    pub class: RetentionClass,
    /// Since when they were kept.
    pub since: Timestamp,
    /// Until when they had to be kept.
    pub until: Timestamp,
    /// How long that is.
    pub period: Period,
    /// The files that are there.
    pub files: Vec<TombstonedFile>,
    /// How many bytes they have.
    pub bytes: u64,
    /// Whether a tombstone names them already: whoever wrote it did not come to delete them.
    pub tombstoned: bool,
}

/// What retention lets go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What is to be removed, the oldest first.
    pub removals: Vec<Removal>,
    /// The run that is never touched.
    pub newest_full: Option<RunRef>,
}

impl Ledger {
    /// What has passed its time as of `at`.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn plan_removal(&self, retention: &Retention, at: Timestamp) -> Result<Plan, LedgerError> {
        let mut stones: BTreeSet<(String, String)> = BTreeSet::new();
        for link in self.tombstones().entries(None)? {
            let Tombstone { run_id, files, .. } = link.event;
            stones.extend(files.into_iter().map(|file| (run_id.clone(), file.name)));
        }
        let newest_full = self.newest_full_run()?;
        let mut removals = Vec::new();
        for record in self.records(None)? {
            let run = record.run();
            let passed = |class| retention.period(class).after(record.clock) <= at;
            let classes = [RetentionClass::Observations, RetentionClass::Records].into_iter().filter(|class| passed(*class));
            let classes: Vec<_> = classes.collect();
            if classes.is_empty() || newest_full.as_ref() == Some(&run) {
                continue;
            }
            let manifest = self.entry_of(&run)?.manifest;
            let there = self.sizes_of(&run.run_id)?;
            for class in classes {
                let mut parts: BTreeMap<bool, (Vec<TombstonedFile>, u64)> = BTreeMap::new();
                for file in manifest.subject.iter().filter(|file| RetentionClass::of(&file.name) == class) {
                    let Some(size) = there.get(&file.name) else { continue };
                    let known = stones.contains(&(run.run_id.clone(), file.name.clone()));
                    let (files, bytes) = parts.entry(known).or_default();
                    files.push(TombstonedFile { name: file.name.clone(), sha256: file.digest.sha256.clone() });
                    *bytes += size;
                }
                let period = retention.period(class);
                removals.extend(parts.into_iter().map(|(tombstoned, (files, bytes))| {
                    let (since, until) = (record.clock, period.after(record.clock));
                    Removal { run: run.clone(), class, since, until, period, files, bytes, tombstoned }
                }));
            }
        }
        removals.extend(self.exports_passed(retention.exports, at, &stones)?);
        removals.sort_by(|a, b| (a.since, &a.run.run_id, a.class).cmp(&(b.since, &b.run.run_id, b.class)));
        Ok(Plan { removals, newest_full })
    }

    fn exports_passed(&self, period: Period, at: Timestamp, stones: &BTreeSet<(String, String)>) -> Result<Vec<Removal>, LedgerError> {
        // The same bytes may have been handed over several times: the last time counts.
        let mut kept: BTreeMap<String, (Timestamp, RunRef, TombstonedFile, u64)> = BTreeMap::new();
        for link in self.custody().entries(None)? {
            if let Custody::Exported { run_id, manifest_sha256, file, kept: Some(name), .. } = link.event {
                let stone = TombstonedFile { name: name.clone(), sha256: file.sha256 };
                kept.insert(name, (link.at, RunRef { run_id, manifest_sha256 }, stone, file.size));
            }
        }
        let mut out = Vec::new();
        for (name, (since, run, file, bytes)) in kept {
            let until = period.after(since);
            if until <= at && self.is_kept(&name)? {
                let tombstoned = stones.contains(&(run.run_id.clone(), name));
                out.push(Removal { run, class: RetentionClass::Exports, since, until, period, files: vec![file], bytes, tombstoned });
            }
        }
        Ok(out)
    }

    /// Deletes what has passed its time as of `at`; `now` is when it is done, `actor` who does it. Gives what was deleted.
    ///
    /// # Errors
    /// What cannot be read, written or deleted. What was deleted until then has its tombstones.
    pub fn remove_passed(&self, retention: &Retention, at: Timestamp, now: Timestamp, actor: &str) -> Result<Plan, LedgerError> {
        let writer = self.writer()?;
        let plan = self.plan_removal(retention, at)?;
        for removal in &plan.removals {
            let Removal { run, class, since, files, .. } = removal;
            if !removal.tombstoned {
                let reason = format!("retention: {} are kept for {}", class.as_str(), removal.period);
                let tombstone = Tombstone {
                    run_id: run.run_id.clone(),
                    manifest_sha256: run.manifest_sha256.clone(),
                    class: *class,
                    reason,
                    since: *since,
                    files: files.clone(),
                };
                let link = self.tombstones().append(now, actor, tombstone)?;
                let deleted = Custody::Deleted { of: run.run_id.clone(), tombstone: link.position };
                self.custody().append(now, actor, deleted)?;
            }
            self.delete(&run.run_id, *class, files)?;
        }
        drop(writer);
        Ok(plan)
    }

    fn delete(&self, run_id: &str, class: RetentionClass, files: &[TombstonedFile]) -> Result<(), LedgerError> {
        let within = |file: &TombstonedFile| match class {
            RetentionClass::Exports => file.name.clone(),
            RetentionClass::Observations | RetentionClass::Records => format!("{run_id}/{}", file.name),
        };
        if let Some(objects) = &self.objects {
            objects.delete(&files.iter().map(within).collect::<Vec<_>>())?;
        }
        let root = if class == RetentionClass::Exports { self.dir.clone() } else { self.bundle_path(run_id) };
        files.iter().try_for_each(|file| sequence::remove_if_there(&root.join(&file.name)))
    }
}
