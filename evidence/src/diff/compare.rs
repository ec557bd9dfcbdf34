//! The comparison of two sides, check by check.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::inventory::{Assurance, Target};
use proofbook_checks::resource::Source;
use proofbook_checks::settings::ExcludeRule;
use proofbook_checks::{Finding, Population, Verdict};
use proofbook_controls::CheckId;

use super::side::{CheckSide, Side};
use super::{ChangeClass, Diff, FindingChange, Incomparable, ParameterChange, PopulationChange, RightsChange, RuleChange, Size, Told};
use crate::assessment::Counts;

/// What changed from `older` to `newer`.
#[must_use]
pub fn compare(older: &Side, newer: &Side) -> Diff {
    let mut diff = Diff {
        older: older.name.clone(),
        newer: newer.name.clone(),
        findings: Vec::new(),
        incomparable: Vec::new(),
        populations: Vec::new(),
        parameters: Vec::new(),
        rules: Vec::new(),
        rights: rights(&older.targets, &newer.targets),
    };
    let scopes = Scopes { older: &older.targets, newer: &newer.targets };
    let engine = older.name.semantics != newer.name.semantics;
    let ids: BTreeSet<&CheckId> = older.checks.keys().chain(newer.checks.keys()).collect();
    for id in ids {
        match (older.checks.get(id), newer.checks.get(id)) {
            (Some(a), Some(b)) => Pair { id, older: a, newer: b, scopes: &scopes, engine }.compare(&mut diff),
            (Some(a), None) => {
                diff.rules.push(RuleChange { check: id.to_string(), older_version: Some(a.version), newer_version: None });
                diff.incomparable.push(whole(id, "the newer run did not select the check", false, Some(a), None));
            }
            (None, Some(b)) => {
                diff.rules.push(RuleChange { check: id.to_string(), older_version: None, newer_version: Some(b.version) });
                diff.incomparable.push(whole(id, "the older run did not select the check", false, None, Some(b)));
            }
            (None, None) => {}
        }
    }
    diff.findings.sort_by(|a, b| (a.class, &a.check, &a.subject).cmp(&(b.class, &b.check, &b.subject)));
    diff
}

/// The targets that the two sides looked at.
struct Scopes<'s> {
    older: &'s [Target],
    newer: &'s [Target],
}

impl Scopes<'_> {
    /// Why what one side saw in a source cannot be missed or found on the other, if so.
    fn differ(&self, source: Source) -> Option<String> {
        // A dump is another one every time that it is made; only live targets tell what they are.
        let live =
            |targets: &[Target]| targets.iter().filter(|target| target.source == source).all(|target| target.assurance == Assurance::Live);
        let by_identity = live(self.older) && live(self.newer);
        let of = |targets: &[Target]| -> BTreeSet<String> {
            let own = targets.iter().filter(|target| target.source == source);
            own.map(|target| if by_identity { format!("{} {}", target.name, target.identity) } else { target.name.clone() }).collect()
        };
        (of(self.older) != of(self.newer)).then(|| format!("the targets of {source} are not the same"))
    }
}

/// A check that both sides have.
struct Pair<'s> {
    id: &'s CheckId,
    older: &'s CheckSide,
    newer: &'s CheckSide,
    scopes: &'s Scopes<'s>,
    engine: bool,
}

impl Pair<'_> {
    fn compare(&self, diff: &mut Diff) {
        let (older, newer) = (self.older, self.newer);
        let rule_changed = older.rule_sha256 != newer.rule_sha256;
        if rule_changed {
            let (older_version, newer_version) = (Some(older.version), Some(newer.version));
            diff.rules.push(RuleChange { check: self.id.to_string(), older_version, newer_version });
        }
        let before = diff.parameters.len();
        self.parameters(&mut diff.parameters);
        let values_changed = diff.parameters[before..]
            .iter()
            .any(|change| change.older.as_ref().map(|p| &p.value) != change.newer.as_ref().map(|p| &p.value));
        let (a, b) = (size(&older.population), size(&newer.population));
        if a != b {
            diff.populations.push(PopulationChange { check: self.id.to_string(), older: a, newer: b });
        }
        let mut beside = Vec::new();
        for (changed, what) in [(rule_changed, "rule"), (values_changed, "parameters"), (self.engine, "version of evaluation")] {
            if changed {
                beside.push(what.to_owned());
            }
        }
        if let Some((why, lost_sight)) = self.incomparable() {
            // What is told about the population on both sides, with equal words, is no change.
            if !same(&older.findings, &newer.findings) {
                diff.incomparable.push(whole(self.id, &why, lost_sight, Some(older), Some(newer)));
            }
            return;
        }
        self.subjects(&beside, diff);
    }

    /// Why the findings of the two sides are not about the same, and whether the newer one lost sight of something.
    fn incomparable(&self) -> Option<(String, bool)> {
        let (older, newer) = (self.older, self.newer);
        if let Some(first) = newer.unseen.first().or_else(|| older.unseen.first()) {
            return Some((format!("the rule reads what was not collected: {first}"), false));
        }
        if self.sources().contains(&Source::Kubernetes)
            && let Some(why) = self.scopes.differ(Source::Kubernetes)
        {
            return Some((why, false));
        }
        if !newer.population.complete {
            let lost = older.population.complete;
            return Some((format!("the newer run could not look at all of it: {}", unfinished(newer)), lost));
        }
        if !older.population.complete {
            return Some((format!("the older run could not look at all of it: {}", unfinished(older)), false));
        }
        match (whole_population(older), whole_population(newer)) {
            (None, Some(about)) => Some((format!("the newer run has no subjects: {}", about.message), about.verdict == Verdict::Error)),
            (Some(about), None) => Some((format!("the older run had no subjects: {}", about.message), false)),
            _ => None,
        }
    }

    fn sources(&self) -> BTreeSet<Source> {
        let listings = self.older.population.listings.iter().chain(&self.newer.population.listings);
        let named = |resource: &str| Source::ALL.into_iter().find(|source| resource.split('/').next() == Some(source.as_str()));
        listings.filter_map(|listing| named(&listing.resource)).collect()
    }

    fn parameters(&self, out: &mut Vec<ParameterChange>) {
        let names: BTreeSet<&String> = self.older.params.keys().chain(self.newer.params.keys()).collect();
        for name in names {
            let (older, newer) = (self.older.params.get(name).cloned(), self.newer.params.get(name).cloned());
            if older != newer {
                out.push(ParameterChange { check: self.id.to_string(), parameter: name.clone(), older, newer });
            }
        }
    }

    fn subjects(&self, beside: &[String], diff: &mut Diff) {
        let (older, newer) = (by_subject(&self.older.findings), by_subject(&self.newer.findings));
        let redefined = beside.first().map(|what| format!("the {what} changed, and with it perhaps what the check is about"));
        let moved = self.sources().into_iter().find_map(|source| self.scopes.differ(source));
        let subjects: BTreeSet<&String> = older.keys().chain(newer.keys()).collect();
        for subject in subjects {
            let (a, b) = (older.get(subject).copied(), newer.get(subject).copied());
            let why = match (a, b) {
                (Some(a), Some(b)) => unjudged(a, b),
                (Some(_), None) => left_out(&self.newer.exclude, subject).or_else(|| redefined.clone()).or_else(|| moved.clone()),
                // Whether a new failure was there before is not known, and it is a failure all the same.
                (None, Some(b)) if is_bad(b.verdict) => None,
                (None, _) => left_out(&self.older.exclude, subject).or_else(|| redefined.clone()).or_else(|| moved.clone()),
            };
            if let Some(why) = why {
                let count = |finding: Option<&Finding>| finding.map(|finding| Counts::from([(finding.verdict, 1)])).unwrap_or_default();
                diff.incomparable.push(Incomparable {
                    check: self.id.to_string(),
                    subject: Some(subject.clone()),
                    why,
                    lost_sight: a.is_some_and(|a| a.verdict != Verdict::Error) && b.is_some_and(|b| b.verdict == Verdict::Error),
                    older: count(a),
                    newer: count(b),
                });
            } else if let Some((class, worse)) = class(a, b) {
                diff.findings.push(FindingChange {
                    check: self.id.to_string(),
                    subject: subject.clone(),
                    class,
                    worse,
                    beside: beside.to_vec(),
                    older: a.map(told),
                    newer: b.map(told),
                });
            }
        }
    }
}

/// How a verdict changed and whether that is for the worse; none where it did not.
fn class(older: Option<&Finding>, newer: Option<&Finding>) -> Option<(ChangeClass, bool)> {
    let (a, b) = match (older, newer) {
        (None, None) => return None,
        (Some(_), None) => return Some((ChangeClass::Gone, false)),
        (None, Some(b)) => return Some((ChangeClass::New, is_bad(b.verdict))),
        (Some(a), Some(b)) => (a, b),
    };
    let same = a.verdict == b.verdict && a.reason_code == b.reason_code && a.measured == b.measured;
    match (a.verdict, b.verdict) {
        _ if same => None,
        (a, b) if a != b && is_bad(b) => Some((ChangeClass::Regressed, true)),
        (Verdict::Fail | Verdict::Exception, Verdict::Pass) => Some((ChangeClass::Fixed, false)),
        // An exception that ran out is a failure, and caught above; one that was granted mends nothing.
        _ => Some((ChangeClass::Changed, false)),
    }
}

const fn is_bad(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Error | Verdict::Stale)
}

// A failure that could not be looked at again is neither fixed nor another failure.
fn unjudged(older: &Finding, newer: &Finding) -> Option<String> {
    let lost = newer.verdict == Verdict::Error && is_known_bad(older.verdict);
    lost.then(|| format!("the newer run could not tell: {}", newer.message))
}

const fn is_known_bad(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Exception)
}

fn left_out(rules: &[ExcludeRule], subject: &str) -> Option<String> {
    rules.iter().find(|rule| rule.matches(subject)).map(|rule| format!("left out by `{}`: {}", rule.subject, rule.reason))
}

// Subjects of one name, as in two clusters, count as the worst of them.
fn by_subject(findings: &[Finding]) -> BTreeMap<String, &Finding> {
    let mut out: BTreeMap<String, &Finding> = BTreeMap::new();
    for finding in findings {
        let known = out.entry(finding.subject.to_string()).or_insert(finding);
        if finding.verdict < known.verdict {
            *known = finding;
        }
    }
    out
}

fn whole_population(side: &CheckSide) -> Option<&Finding> {
    side.findings.iter().find(|finding| &*finding.subject.kind == "Population")
}

fn unfinished(side: &CheckSide) -> String {
    let listings = side.population.listings.iter().filter(|listing| listing.state != "complete");
    let states: Vec<String> = listings.map(|listing| format!("{} is {}", listing.resource, listing.state)).collect();
    if states.is_empty() { whole_population(side).map(|finding| finding.message.clone()).unwrap_or_default() } else { states.join(", ") }
}

fn same(older: &[Finding], newer: &[Finding]) -> bool {
    older
        .iter()
        .map(|finding| (finding.subject.to_string(), finding.verdict, finding.reason_code))
        .eq(newer.iter().map(|finding| (finding.subject.to_string(), finding.verdict, finding.reason_code)))
}

fn whole(id: &CheckId, why: &str, lost_sight: bool, older: Option<&CheckSide>, newer: Option<&CheckSide>) -> Incomparable {
    Incomparable { check: id.to_string(), subject: None, why: why.to_owned(), lost_sight, older: counts(older), newer: counts(newer) }
}

fn counts(side: Option<&CheckSide>) -> Counts {
    let mut out = Counts::new();
    for finding in side.into_iter().flat_map(|side| &side.findings) {
        *out.entry(finding.verdict).or_insert(0) += 1;
    }
    out
}

fn size(population: &Population) -> Size {
    Size {
        enumerated: population.enumerated,
        subjects: population.subjects,
        excluded: population.excluded.iter().map(|rule| rule.count).sum(),
        complete: population.complete,
    }
}

fn told(finding: &Finding) -> Told {
    Told {
        verdict: finding.verdict,
        reason_code: finding.reason_code.as_str(),
        message: finding.message.clone(),
        measured: finding.measured.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect(),
    }
}

// What is told of a target, if anything is.
type PartOfTarget = fn(&Target) -> Option<String>;

fn rights(older: &[Target], newer: &[Target]) -> Vec<RightsChange> {
    let by_name = |targets: &[Target]| -> BTreeMap<String, Target> {
        targets.iter().map(|target| (format!("{}/{}", target.source, target.name), target.clone())).collect()
    };
    let (older, newer) = (by_name(older), by_name(newer));
    let names: BTreeSet<&String> = older.keys().chain(newer.keys()).collect();
    let mut out = Vec::new();
    for name in names {
        let (a, b) = (older.get(name), newer.get(name));
        let parts: [(&'static str, PartOfTarget); 4] = [
            // The digest of a dump tells nothing about who looked.
            ("target", |target| (target.assurance == Assurance::Live).then(|| target.identity.clone())),
            ("identity", |target| Some(target.actor.identity.clone())),
            ("auth", |target| Some(target.actor.auth.clone())),
            ("rights", |target| target.actor.rights_sha256.clone()),
        ];
        for (what, part) in parts {
            let (older, newer) = (a.and_then(part), b.and_then(part));
            if older != newer {
                out.push(RightsChange { target: name.clone(), what, older, newer });
            }
        }
    }
    out
}
