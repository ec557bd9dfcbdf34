//! Fixtures: cases beside each check that must pass, fail, not apply and be an error, and the run that holds a check
//! to them.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_controls::diagnostic::{Diagnostics, Span};
use proofbook_controls::yaml::{self, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::compile::Check;
use crate::definition::ReasonName;
use crate::evaluate::Evaluation;
use crate::finding::{Finding, Verdict};
use crate::inventory::{Completeness, Inventory, Listing, Wanted};
use crate::plan::{self, Planned};
use crate::resource::Resource;
use crate::settings::{Absence, CheckSettings, ParamSetting, Settings};
use crate::value::Value;

/// The clock of cases that name none.
const NOW: &str = "2026-06-01T00:00:00Z";

/// The fixtures of one check.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixtures {
    /// The cases.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, in words.
    pub name: Spanned<String>,
    /// Which kind of case it is.
    pub covers: Covers,
    /// Parameter values.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// The clock.
    #[serde(default)]
    pub now: Option<String>,
    /// Why an empty population is right.
    #[serde(default)]
    pub expect_empty: Option<String>,
    /// Resources that are declared absent.
    #[serde(default)]
    pub expect_absent: Vec<Absence>,
    /// States of listings that are not complete, by `plural.group` (`endpoints` for TLS, `buckets` for S3): `not-served`, `not-collected` or a reason.
    #[serde(default)]
    pub lists: BTreeMap<String, ReasonName>,
    /// Kubernetes objects, and records of other sources (`apiVersion: proofbook.dev/<source>`).
    #[serde(default)]
    pub objects: Vec<serde_json::Value>,
    /// Exactly the findings that come out.
    pub expect: Vec<Expected>,
}

/// The kinds of cases that every check needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Covers {
    /// As promised.
    Pass,
    /// Not as promised.
    Fail,
    /// Nearly as promised, or a trap: looks like one thing and is the other.
    NearMiss,
    /// The check does not apply.
    NotApplicable,
    /// Could not look, or could not tell.
    Error,
    /// A field that is not there at all.
    AbsentField,
}

impl Covers {
    const ALL: [(Self, &str); 6] = [
        (Self::Pass, "pass"),
        (Self::Fail, "fail"),
        (Self::NearMiss, "near-miss"),
        (Self::NotApplicable, "not-applicable"),
        (Self::Error, "error"),
        (Self::AbsentField, "absent-field"),
    ];
}

/// An expected finding.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// `Kind/namespace/name` or `Kind/name`; `Population/<check>` for the population.
    pub subject: Spanned<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason code.
    #[serde(default)]
    pub code: Option<ReasonName>,
    /// A part of the message.
    #[serde(default)]
    pub message: Option<String>,
    /// Measured values; others may be there besides.
    #[serde(default)]
    pub measured: BTreeMap<String, serde_json::Value>,
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// Its place in the file.
    pub span: Span,
    /// Each way in which the findings differ from what was expected; none where the case passed.
    pub differences: Vec<String>,
}

impl Fixtures {
    /// Reads fixtures.
    ///
    /// # Errors
    /// The fault of the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        yaml::parse(file, text).map_err(Diagnostics::from)
    }

    /// The kinds of cases that are not there.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let there: BTreeSet<Covers> = self.cases.iter().map(|case| case.covers).collect();
        Covers::ALL.iter().filter(|(kind, _)| !there.contains(kind)).map(|(_, name)| *name).collect()
    }

    /// Runs every case against `check`.
    #[must_use]
    pub fn run(&self, check: &Check) -> Vec<Outcome> {
        let outcome = |case: &Case| Outcome {
            name: case.name.value.clone(),
            span: case.name.span,
            differences: case.run(check).unwrap_or_else(|error| vec![error]),
        };
        self.cases.iter().map(outcome).collect()
    }
}

impl Case {
    fn run(&self, check: &Check) -> Result<Vec<String>, String> {
        let params = self.params.iter().map(|(name, value)| (name.clone(), ParamSetting::Plain(value.clone()))).collect();
        let own = CheckSettings { params, expect_empty: self.expect_empty.clone(), ..CheckSettings::default() };
        let settings = Settings { expect_absent: self.expect_absent.clone(), ..Settings::default() };
        if let Some(unknown) = self.params.keys().find(|name| !check.definition.params.contains_key(*name)) {
            return Err(format!("the check has no parameter `{unknown}`"));
        }
        let params = plan::resolve(check, &settings, &own);
        let wanted = plan::wanted(check, &params).map_err(|errors| errors.to_string())?;
        let inventory = self.inventory(&wanted)?;
        let now = self.now.as_deref().unwrap_or(NOW);
        let now: jiff::Timestamp = now.parse().map_err(|error| format!("`now` is no RFC 3339 time: {error}"))?;
        let planned = Planned { check, params, settings: own, wanted };
        let result = Evaluation::new(&inventory, &settings, now).check(&planned);
        Ok(self.differences(&result.findings))
    }

    fn inventory(&self, wanted: &Wanted) -> Result<Inventory, String> {
        let mut inventory = Inventory::default();
        for resource in wanted.keys() {
            let listing = match self.lists.get(&*resource.name).map(|name| name.0) {
                None => Listing::without_objects(Completeness::Complete),
                Some(crate::Reason::NotServed) => Listing::without_objects(Completeness::NotServed),
                Some(crate::Reason::NotCollected) => Listing::without_objects(Completeness::NotCollected),
                Some(reason) => Listing::failed(reason, "as the case says"),
            };
            inventory.listings.insert(resource.clone(), listing);
        }
        if let Some(unknown) = self.lists.keys().find(|name| !wanted.keys().any(|resource| *resource.name == **name)) {
            return Err(format!("the check does not read `{unknown}`"));
        }
        let mut add = |resource: Resource, object: &serde_json::Value| -> Result<(), String> {
            let Some(projection) = wanted.get(&resource) else {
                return Err(format!("the check does not read {resource}"));
            };
            if let Some(listing) = inventory.listings.get_mut(&resource) {
                listing.objects.push(projection.project(&resource, object));
            }
            Ok(())
        };
        for object in &self.objects {
            let text = |key: &str| object.get(key).and_then(serde_json::Value::as_str).ok_or_else(|| format!("an object has no `{key}`"));
            add(Resource::of_object(text("apiVersion")?, text("kind")?), object)?;
        }
        Ok(inventory)
    }

    fn differences(&self, findings: &[Finding]) -> Vec<String> {
        let mut out = Vec::new();
        let mut found: BTreeMap<String, &Finding> = findings.iter().map(|finding| (finding.subject.to_string(), finding)).collect();
        for expected in &self.expect {
            let subject = &expected.subject.value;
            match found.remove(subject) {
                Some(finding) => expected.compare(finding, &mut out),
                None => out.push(format!("{subject}: expected {}, found nothing", expected.verdict)),
            }
        }
        for (subject, finding) in found {
            out.push(format!("{subject}: unexpected {} ({}): {}", finding.verdict, finding.reason_code.as_str(), finding.message));
        }
        out
    }
}

impl Expected {
    fn compare(&self, finding: &Finding, out: &mut Vec<String>) {
        let subject = &self.subject.value;
        if finding.verdict != self.verdict {
            let code = finding.reason_code.as_str();
            out.push(format!("{subject}: expected {}, found {} ({code}): {}", self.verdict, finding.verdict, finding.message));
            return;
        }
        if let Some(code) = self.code.map(|code| code.0).filter(|code| *code != finding.reason_code) {
            out.push(format!("{subject}: expected the code {}, found {}", code.as_str(), finding.reason_code.as_str()));
        }
        if let Some(message) = self.message.as_ref().filter(|message| !finding.message.contains(message.as_str())) {
            out.push(format!("{subject}: expected `{message}` in the message, found `{}`", finding.message));
        }
        for (name, wanted) in &self.measured {
            let measured = finding.measured.get(name.as_str()).map_or(serde_json::Value::Null, Value::to_json);
            if measured != *wanted {
                out.push(format!("{subject}: expected {name} = {wanted}, measured {measured}"));
            }
        }
    }
}
