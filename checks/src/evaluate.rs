//! Evaluation: from what was collected to a finding for every subject, as a pure function.
//!
//! A verdict needs its whole population. Where a listing behind a check is not complete, the check says why in one
//! `error` about the population; where a rule cannot be evaluated, the subject's verdict is `error`. Neither is ever
//! read as absent or as a pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cel::common::types::CelTimestamp;

use crate::cel_view;
use crate::compile::{Check, Join, Match, Origin, Part};
use crate::definition::{JoinOn, View};
use crate::expression::{Bindings, Trouble, eval, fill, holds};
use crate::finding::{CheckResult, Exclusion, Finding, ListingState, Population, Subject, Verdict};
use crate::index::Index;
use crate::inventory::{Completeness, Inventory, Reason};
use crate::plan::Planned;
use crate::resource::{Resource, Source};
use crate::settings::Settings;
use crate::unread;
use crate::value::{Name, Value};
use crate::views::{self, Need, ViewObjects};

/// Steps that the expressions of one check may take for one subject.
pub const BUDGET: u64 = 2_000_000;

/// The version of evaluation and roll-up; raised whenever the same observations could lead to another verdict.
pub const SEMANTICS: u32 = 2;

/// An inventory made ready for evaluation: views and indexes that several checks share are built once.
pub struct Evaluation<'i> {
    inventory: &'i Inventory,
    settings: &'i Settings,
    now: CelTimestamp,
    views: [OnceLock<ViewObjects>; View::COUNT],
    // Ready-made joins do not depend on the check, so checks share their indexes.
    indexes: Mutex<BTreeMap<(Origin, JoinOn), Arc<Index>>>,
    subjects: Mutex<BTreeMap<Origin, Arc<[Enumerated]>>>,
}

/// An object that checks may be about.
struct Enumerated {
    subject: Subject,
    object: Value,
    damage: Option<&'static str>,
}

impl<'i> Evaluation<'i> {
    /// Prepares the evaluation of `inventory` as of `now`.
    #[must_use]
    pub fn new(inventory: &'i Inventory, settings: &'i Settings, now: jiff::Timestamp) -> Self {
        let now = chrono::DateTime::from_timestamp(now.as_second(), 0).unwrap_or_default().fixed_offset();
        let views = [const { OnceLock::new() }; View::COUNT];
        Self { inventory, settings, now: CelTimestamp::from(now), views, indexes: Mutex::default(), subjects: Mutex::default() }
    }

    /// What a check says about every subject.
    #[must_use]
    pub fn check(&self, planned: &Planned<'_>) -> CheckResult {
        let params = Value::from_json(&planned.params_json());
        let run = Run { evaluation: self, planned, check: planned.check, params: &params };
        run.evaluate()
    }

    fn view(&self, view: View) -> &ViewObjects {
        self.views[view as usize].get_or_init(|| view.objects(self.inventory))
    }

    fn shared_index(&self, origin: &Origin, on: JoinOn) -> Arc<Index> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = indexes.entry((origin.clone(), on));
        Arc::clone(known.or_insert_with(|| Arc::new(Index::on(on, self.objects(origin)))))
    }

    // The objects of an origin in the order in which findings about them are told.
    fn enumerated(&self, origin: &Origin) -> Arc<[Enumerated]> {
        let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        let known = subjects.entry(origin.clone()).or_insert_with(|| {
            let workloads = *origin == Origin::View(View::Workload);
            let enumerated = |object: &Value| Enumerated {
                subject: subject_of(object),
                object: object.clone(),
                damage: views::damage(object).filter(|_| workloads),
            };
            let mut found: Vec<Enumerated> = self.objects(origin).iter().map(enumerated).collect();
            found.sort_by_key(|enumerated| enumerated.subject);
            found.into()
        });
        Arc::clone(known)
    }

    fn objects(&self, origin: &Origin) -> &[Value] {
        match origin {
            Origin::Resource(resource) => self.inventory.objects(resource),
            Origin::View(view) => &self.view(*view).subjects,
        }
    }
}

/// Whether the objects of an origin may be judged.
enum Standing {
    Complete,
    // Declared absent, with the reason.
    Absent(String),
    // Not served, and nobody said that it is absent.
    NotServed(Resource),
    Incomplete(Trouble),
}

struct Run<'r, 'i> {
    evaluation: &'r Evaluation<'i>,
    planned: &'r Planned<'r>,
    check: &'r Check,
    params: &'r Value,
}

impl<'r> Run<'r, '_> {
    fn evaluate(&self) -> CheckResult {
        let mut population = self.population();
        let declared = match self.standing(&self.check.origin) {
            Standing::Complete => None,
            Standing::Absent(reason) => Some((Verdict::NotApplicable, Reason::DeclaredAbsent, format!("declared absent: {reason}"))),
            Standing::NotServed(resource) => {
                let message = format!("{resource} is not served; declare it under `expect_absent` if the platform has none");
                Some((Verdict::Error, Reason::NotServed, message))
            }
            Standing::Incomplete(trouble) => Some((Verdict::Error, trouble.reason, trouble.detail)),
        };
        if let Some((verdict, reason, message)) = declared {
            population.complete = verdict != Verdict::Error;
            return self.about_population(population, verdict, reason, message);
        }
        let indexes = match self.indexes() {
            Ok(indexes) => indexes,
            Err(trouble) => {
                population.complete = false;
                return self.about_population(population, Verdict::Error, trouble.reason, trouble.detail);
            }
        };
        let mut findings = Vec::new();
        let mut outside = 0;
        let mut excluded = vec![0_u64; self.planned.settings.exclude.len()];
        let measures: Vec<Name> = self.check.measure.iter().map(|(name, _)| Name::from(name.as_str())).collect();
        let mut bindings = Bindings::new(self.params, Some(&self.evaluation.now));
        for Enumerated { subject, object, damage } in &*self.evaluation.enumerated(&self.check.origin) {
            cel_view::start_budget(BUDGET);
            bindings.clear();
            bindings.set("subject", object.clone());
            let within = self.check.filter.as_ref().map_or(Ok(true), |filter| holds(filter, &bindings));
            if let Ok(false) = within {
                outside += 1;
                continue;
            }
            if let Some(at) = self.excluded(subject) {
                excluded[at] += 1;
                continue;
            }
            // Whether a subject belongs here is unknown where that part of it could not be read.
            let within = within.map_err(|trouble| self.is_read(&self.check.origin, object).err().unwrap_or(trouble));
            let judged = within.and_then(|_| match damage {
                Some(damage) => Err(Trouble { reason: Reason::ParseError, detail: (*damage).to_owned() }),
                None => self.judge(object, &indexes, &measures, &mut bindings),
            });
            findings.push(self.finding(*subject, judged));
        }
        let orphans = self.orphans();
        if !orphans.is_empty() {
            findings.extend(orphans);
            findings.sort_by_key(|finding| finding.subject);
        }
        self.exclusions(&mut population, outside, &excluded);
        population.subjects = findings.len() as u64;
        if findings.is_empty() {
            return match &self.planned.settings.expect_empty {
                Some(reason) => {
                    let message = format!("declared empty: {reason}");
                    self.about_population(population, Verdict::NotApplicable, Reason::DeclaredEmpty, message)
                }
                None => {
                    let message = format!(
                        "nothing was found that the check is about ({}); if that is right, say so under `expect_empty`",
                        self.check.definition.subject.population
                    );
                    self.about_population(population, Verdict::Error, Reason::EmptyPopulation, message)
                }
            };
        }
        CheckResult { population, findings }
    }

    // The exclusion that names a subject.
    fn excluded(&self, subject: &Subject) -> Option<usize> {
        let rules = &self.planned.settings.exclude;
        if rules.is_empty() {
            return None;
        }
        let text = subject.to_string();
        rules.iter().position(|rule| rule.matches(&text))
    }

    fn judge(
        &self,
        subject: &Value,
        indexes: &[Option<Arc<Index>>],
        measures: &[Name],
        bindings: &mut Bindings<'r>,
    ) -> Result<Judgement, Trouble> {
        self.is_read(&self.check.origin, subject)?;
        for (join, index) in self.check.joins.iter().zip(indexes) {
            let found = match index {
                Some(index) => index.find(join, subject, &self.check.origin, bindings)?,
                None => Value::list(Vec::new()),
            };
            for record in found.as_list().unwrap_or_default() {
                self.is_read(&join.origin, record)?;
            }
            bindings.set(&join.name, found);
        }
        for (name, rule) in &self.check.lets {
            let found = eval(rule, bindings)?;
            bindings.set(name, found);
        }
        let mut measured = BTreeMap::new();
        for (name, (_, rule)) in measures.iter().zip(&self.check.measure) {
            measured.insert(*name, eval(rule, bindings)?.to_value());
        }
        for outcome in &self.check.outcomes {
            let chosen = match &outcome.when {
                Some(when) => holds(when, bindings)?,
                None => true,
            };
            if chosen {
                let message = fill(&outcome.message, bindings)?;
                return Ok(Judgement { verdict: outcome.verdict, reason: outcome.code, message, measured });
            }
        }
        Err(Trouble::rule("no outcome holds".to_owned()))
    }

    // Fails where the check reads a part of the record that could not be read.
    fn is_read(&self, origin: &Origin, record: &Value) -> Result<(), Trouble> {
        let Origin::Resource(resource) = origin else { return Ok(()) };
        let projection = self.planned.wanted.get(resource).filter(|_| unread::is_told(resource));
        projection.and_then(|projection| unread::first(record, &projection.mask)).map_or(Ok(()), Err)
    }

    fn finding(&self, subject: Subject, judged: Result<Judgement, Trouble>) -> Finding {
        let judgement = judged.unwrap_or_else(|trouble| Judgement {
            verdict: Verdict::Error,
            reason: trouble.reason,
            message: trouble.detail,
            measured: BTreeMap::new(),
        });
        Finding {
            check: self.check.id().clone(),
            subject,
            verdict: judgement.verdict,
            reason_code: judgement.reason,
            message: judgement.message,
            measured: judgement.measured,
            exceptions: Vec::new(),
        }
    }

    // A pod template that nobody judges, as its owner was not collected, is an error and no pass.
    fn orphans(&self) -> Vec<Finding> {
        let Origin::View(view) = &self.check.origin else {
            return Vec::new();
        };
        let orphan = |object: &Value| {
            let trouble =
                Trouble { reason: Reason::NotCollected, detail: "the owner that declares this pod template was not collected".to_owned() };
            self.finding(subject_of(object), Err(trouble))
        };
        self.evaluation.view(*view).orphans.iter().map(orphan).collect()
    }

    fn indexes(&self) -> Result<Vec<Option<Arc<Index>>>, Trouble> {
        self.check.joins.iter().map(|join| self.index(join)).collect()
    }

    fn index(&self, join: &Join) -> Result<Option<Arc<Index>>, Trouble> {
        match self.standing(&join.origin) {
            Standing::Complete => {
                let objects = self.evaluation.objects(&join.origin);
                match &join.matching {
                    Match::On(on) => Ok(Some(self.evaluation.shared_index(&join.origin, *on))),
                    Match::Key(rules) => {
                        // Keys are evaluated over every object before any subject is looked at.
                        cel_view::start_budget(BUDGET.saturating_mul(1 + objects.len() as u64));
                        Index::by_key(&rules.1, objects, self.params).map(|index| Some(Arc::new(index)))
                    }
                }
            }
            Standing::Absent(_) => Ok(None),
            Standing::NotServed(_) if join.optional => Ok(None),
            Standing::NotServed(resource) => Err(Trouble {
                reason: Reason::NotServed,
                detail: format!(
                    "{resource}, which the check needs beside its subjects, is not served; declare it under `expect_absent` if the platform has none"
                ),
            }),
            Standing::Incomplete(trouble) => Err(trouble),
        }
    }

    fn standing(&self, origin: &Origin) -> Standing {
        match origin {
            Origin::Resource(resource) => self.resource_standing(resource),
            Origin::View(view) => {
                for member in view.members().iter().filter(|member| member.need() != Need::Spare) {
                    let standing = self.resource_standing(&Resource::kubernetes(member.resource));
                    match standing {
                        Standing::Complete | Standing::Absent(_) => {}
                        Standing::NotServed(_) if member.need() == Need::IfServed => {}
                        _ => return standing,
                    }
                }
                // The others may be missing; one that is there and could not be listed may hold subjects that nobody saw.
                let failed = |member: &&views::Member| {
                    let completeness = self.evaluation.inventory.completeness(&Resource::kubernetes(member.resource));
                    matches!(completeness, Completeness::Failed { .. })
                };
                let failed = view.members().iter().find(failed);
                failed.map_or(Standing::Complete, |member| self.resource_standing(&Resource::kubernetes(member.resource)))
            }
        }
    }

    fn resource_standing(&self, resource: &Resource) -> Standing {
        let completeness = self.evaluation.inventory.completeness(resource);
        let absence = self.evaluation.settings.absence(resource);
        match (completeness, absence) {
            (Completeness::Complete, _) => Standing::Complete,
            (Completeness::NotServed | Completeness::NotCollected, Some(absence)) => Standing::Absent(absence.reason.clone()),
            (Completeness::NotServed, None) => Standing::NotServed(resource.clone()),
            (Completeness::NotCollected, None) => {
                let help = match resource.source {
                    Source::Kubernetes => String::new(),
                    source => {
                        format!("; name a target of `{source}`, or declare `{source}/*` under `expect_absent` if the platform has none")
                    }
                };
                Standing::Incomplete(Trouble { reason: Reason::NotCollected, detail: format!("{resource} was not collected{help}") })
            }
            (Completeness::Failed { reason, detail }, _) => {
                Standing::Incomplete(Trouble { reason: *reason, detail: format!("{resource}: {detail}") })
            }
        }
    }

    fn population(&self) -> Population {
        let definition = &self.check.definition.subject;
        let enumerated = self.evaluation.objects(&self.check.origin).len() as u64;
        let origins = std::iter::once(&self.check.origin).chain(self.check.joins.iter().map(|join| &join.origin));
        let mut resources = BTreeSet::new();
        for origin in origins {
            match origin {
                Origin::Resource(resource) => {
                    resources.insert(resource.clone());
                }
                Origin::View(view) => resources.extend(view.members().iter().map(|member| Resource::kubernetes(member.resource))),
            }
        }
        let listings = resources.into_iter().map(|resource| ListingState {
            resource: resource.to_string(),
            state: state_text(self.evaluation.inventory.completeness(&resource)),
            count: self.evaluation.inventory.objects(&resource).len() as u64,
        });
        Population {
            check: self.check.id().clone(),
            definition: definition.population.clone(),
            enumerated,
            subjects: 0,
            complete: true,
            excluded: Vec::new(),
            listings: listings.collect(),
        }
    }

    fn exclusions(&self, population: &mut Population, outside: u64, excluded: &[u64]) {
        if let (Some(filter), true) = (&self.check.filter, outside > 0) {
            population.excluded.push(Exclusion {
                rule: format!("not ({})", filter.text),
                count: outside,
                reason: "outside the population".to_owned(),
            });
        }
        for (rule, count) in self.planned.settings.exclude.iter().zip(excluded) {
            population.excluded.push(Exclusion { rule: rule.subject.clone(), count: *count, reason: rule.reason.clone() });
        }
        if let Origin::View(view) = &self.check.origin {
            let view = self.evaluation.view(*view);
            for (rule, count, reason) in [
                ("controlled by another workload", view.judged_at_owner, "judged at the owner that declares the pod template"),
                ("static Pod", view.static_pods, "belongs to its Node; judged by the checks of the control plane"),
            ] {
                if count > 0 {
                    population.enumerated += count;
                    population.excluded.push(Exclusion { rule: rule.to_owned(), count, reason: reason.to_owned() });
                }
            }
        }
    }

    fn about_population(&self, population: Population, verdict: Verdict, reason_code: Reason, message: String) -> CheckResult {
        let check = self.check.id();
        let subject = Subject { kind: "Population".into(), namespace: None, name: check.as_str().into(), uid: None };
        let finding =
            Finding { check: check.clone(), subject, verdict, reason_code, message, measured: BTreeMap::new(), exceptions: Vec::new() };
        CheckResult { population, findings: vec![finding] }
    }
}

struct Judgement {
    verdict: Verdict,
    reason: Reason,
    message: String,
    measured: BTreeMap<Name, Value>,
}

fn state_text(completeness: &Completeness) -> String {
    match completeness {
        Completeness::Complete => "complete".to_owned(),
        Completeness::NotServed => Reason::NotServed.as_str(),
        Completeness::NotCollected => Reason::NotCollected.as_str(),
        Completeness::Failed { reason, .. } => reason.as_str(),
    }
}

/// The subject that an object stands for.
#[must_use]
pub fn subject_of(object: &Value) -> Subject {
    let metadata = object.get("metadata");
    let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)).and_then(Name::of);
    Subject {
        kind: object.get("kind").and_then(Name::of).unwrap_or_else(|| "Object".into()),
        namespace: text("namespace"),
        name: text("name").unwrap_or_default(),
        uid: text("uid"),
    }
}

/// The manual command of a check with its placeholders: `kubectl get networkpolicy -n <metadata.name>`.
#[must_use]
pub fn manual_template(check: &Check) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Rule(rule) => format!("<{}>", placeholder(&rule.text)),
    };
    check.manual.parts.iter().map(part).collect()
}

// The first path that an expression reads names what stands there; a reader does not want the whole expression.
fn placeholder(expression: &str) -> String {
    let of = |root: &str| expression.split_once(root).map(|(_, rest)| rest);
    let path = of("subject.").or_else(|| of("params.")).unwrap_or(expression).replace('?', "");
    let end = path.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')).unwrap_or(path.len());
    let path = path[..end].trim_end_matches('.');
    path.strip_suffix(".orValue").unwrap_or(path).to_owned()
}

impl Evaluation<'_> {
    /// The objects that a check may be about, in the fields that it reads, by subject.
    #[must_use]
    pub fn subjects_of(&self, planned: &Planned<'_>) -> BTreeMap<Subject, Value> {
        let origin = &planned.check.origin;
        let projection = match origin {
            Origin::Resource(resource) => planned.wanted.get(resource),
            // Objects of a view are made from several resources, and hold what the view puts there.
            Origin::View(_) => None,
        };
        let read = |object: &Value| projection.map_or_else(|| object.clone(), |projection| projection.remask(object));
        self.enumerated(origin).iter().map(|enumerated| (enumerated.subject, read(&enumerated.object))).collect()
    }

    /// The manual command of a check, filled in for each subject that is `wanted`; none for one whose command cannot be filled in.
    #[must_use]
    pub fn manual_commands(&self, planned: &Planned<'_>, wanted: impl Fn(&Subject) -> bool) -> BTreeMap<Subject, String> {
        let params = Value::from_json(&planned.params_json());
        let mut bindings = Bindings::new(&params, None);
        let mut out = BTreeMap::new();
        for Enumerated { subject, object, .. } in self.enumerated(&planned.check.origin).iter().filter(|one| wanted(&one.subject)) {
            cel_view::start_budget(BUDGET);
            bindings.clear();
            bindings.set("subject", object.clone());
            if let Ok(command) = fill(&planned.check.manual, &bindings) {
                out.insert(*subject, command);
            }
        }
        out
    }
}
