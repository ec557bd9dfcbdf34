//! The SPRS score (DoD Assessment Methodology, 32 CFR 170.24): what the evidence supports, with every deduction explained.
//!
//! The score starts at the number of scored requirements and loses the weight of each that is not met. Which requirements are
//! scored, and what each weighs, is data of the framework. Nothing that was not seen counts as met, and without the requirement
//! that is a prerequisite (the system security plan) there is no score. An assessor decides by the objectives beneath each
//! requirement; a mapping that covers a part of a requirement says so here.

use jiff::Timestamp;
use proofbook_checks::{Catalog, Verdict};
use proofbook_controls::framework::{PartialCredit, Poam, Score};
use proofbook_controls::{Framework, Mapping, Relation, Requirement};
use serde::Serialize;

use super::SignedView;
use crate::assessment::{Assessment, Coverage};
use crate::attestation::Attestations;
use crate::bundle::{Bundle, BundleError};
use crate::exception::Kind;
use crate::rollup;
use crate::scope::{Membership, Scopes};

/// A conditional status needs this share of the highest score, as numerator and denominator (32 CFR 170.21(a)(2)(i)).
const THRESHOLD: (i64, i64) = (4, 5);

/// The score with all that it is made from.
#[derive(Clone, Debug, Serialize)]
pub struct SprsView {
    /// The framework.
    pub framework: String,
    /// Its short title.
    pub title: String,
    /// The level of the scored requirements.
    pub level: String,
    /// Where the score starts: one point a requirement.
    pub start: i64,
    /// The lowest score there is.
    pub lowest: i64,
    /// The score that a conditional status needs.
    pub threshold: i64,
    /// The score; none where a prerequisite is not met.
    pub score: Option<i64>,
    /// What status the evidence supports.
    pub standing: Standing,
    /// Why, in one sentence.
    pub because: String,
    /// Requirements that are met, those that do not apply included.
    pub met: u64,
    /// Those among them that rest on statements of people.
    pub met_by_statement: u64,
    /// Those among them that count as met because they do not apply.
    pub met_as_not_applicable: u64,
    /// Those among them of which the mapped controls cover a part only.
    pub met_in_part_mapped: u64,
    /// Requirements that are not met.
    pub not_met: u64,
    /// The requirements, in the framework's order.
    pub requirements: Vec<SprsRow>,
}

/// What status of certification the evidence supports (32 CFR 170.16 to 170.18 and 170.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Every requirement is met.
    Final,
    /// The score is high enough, and whatever is open may stand on a plan of action for 180 days.
    Conditional,
    /// Neither.
    Open,
    /// There is no score.
    NoScore,
}

/// One scored requirement.
#[derive(Clone, Debug, Serialize)]
pub struct SprsRow {
    /// The requirement.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What was found.
    pub finding: SprsFinding,
    /// What is deducted where it is not met; none for a prerequisite.
    pub weight: Option<u32>,
    /// What was deducted.
    pub deduction: u32,
    /// Why it is met or not.
    pub because: String,
    /// Partial credit, where the framework knows one for it.
    pub partial: Option<SprsPartial>,
    /// The mapped controls.
    pub controls: Vec<SprsControl>,
    /// Whether it may stand open on a plan of action.
    pub poam: Poam,
    /// Whether it is open and may stay so for the time that the rule gives.
    pub may_stay_open: bool,
}

/// What an assessor would write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SprsFinding {
    /// All that is mapped was seen to hold, or is stated with evidence.
    Met,
    /// It does not apply, for a stated reason; it counts as met.
    NotApplicable,
    /// Anything else.
    NotMet,
}

/// The smaller deduction of a requirement that is met in part.
#[derive(Clone, Debug, Serialize)]
pub struct SprsPartial {
    /// What is deducted then.
    pub weight: u32,
    /// What must hold for it.
    pub when: String,
    /// Whether it is earned: a statement says so, with evidence, and counts.
    pub earned: bool,
    /// The statement, whether or not it counts.
    pub statement: Option<String>,
    /// Who signed it, and until when it counts.
    pub signed: Option<SignedView>,
}

/// A control that is mapped to a scored requirement.
#[derive(Clone, Debug, Serialize)]
pub struct SprsControl {
    /// The control.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: Verdict,
    /// How it stands to the requirement.
    pub relation: Relation,
}

impl SprsView {
    /// The score as of a time; none where no framework in scope has one.
    #[must_use]
    pub fn new(catalog: &Catalog, scopes: &Scopes, assessment: &Assessment, attestations: &Attestations, as_of: Timestamp) -> Option<Self> {
        let framework = catalog.controls.frameworks.values().find(|framework| is_scored_in(framework, scopes))?;
        let source = Source { catalog, framework, assessment, attestations, as_of };
        let by_requirement = rollup::by_requirement(&catalog.controls, &framework.id);
        let scored = scored(framework, scopes);
        let rows: Vec<(SprsRow, bool)> = scored
            .map(|(requirement, score, membership)| {
                let mappings = by_requirement.get(&requirement.id).map_or(&[][..], Vec::as_slice);
                (source.row(requirement, score, membership, mappings), score.prerequisite)
            })
            .collect();
        Some(Self::sum(framework, rows))
    }

    /// The score of a bundle as of a time.
    ///
    /// # Errors
    /// What of the bundle cannot be read.
    pub fn of(bundle: &Bundle, as_of: Timestamp) -> Result<Option<Self>, BundleError> {
        let attestations = bundle.attestations()?;
        let assessment = super::build::aged(bundle, bundle.assessment()?, &attestations, as_of);
        Ok(Self::new(bundle.catalog(), bundle.scopes(), &assessment, &attestations, as_of))
    }

    fn sum(framework: &Framework, rows: Vec<(SprsRow, bool)>) -> Self {
        let points = |rows: &[(SprsRow, bool)], of: fn(&SprsRow) -> u32| rows.iter().map(|(row, _)| i64::from(of(row))).sum::<i64>();
        let start = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let threshold = (start * THRESHOLD.0 + THRESHOLD.1 - 1) / THRESHOLD.1;
        let lowest = start - points(&rows, |row| row.weight.unwrap_or(0));
        let reached = start - points(&rows, |row| row.deduction);
        let missing = rows.iter().find(|(row, prerequisite)| *prerequisite && row.finding != SprsFinding::Met);
        let missing =
            missing.map(|(row, _)| format!("{} {} is not met, and without it there is no score: {}", row.id, row.title, row.because));
        let open = rows.iter().filter(|(row, _)| row.finding == SprsFinding::NotMet).count();
        let barred: Vec<&str> = rows
            .iter()
            .filter(|(row, _)| row.finding == SprsFinding::NotMet && !row.may_stay_open)
            .map(|(row, _)| row.id.as_str())
            .collect();
        let (standing, because) = match missing {
            Some(why) => (Standing::NoScore, why),
            None if open == 0 => (Standing::Final, "every requirement is met".to_owned()),
            None if reached < threshold => {
                (Standing::Open, format!("{reached} is below {threshold}, the score that a conditional status needs"))
            }
            None if barred.is_empty() => {
                let why =
                    format!("{reached} reaches {threshold}, and all {open} open requirements may stand on a plan of action for 180 days");
                (Standing::Conditional, why)
            }
            None => {
                let why = format!("{reached} reaches {threshold}, yet these may not stand open: {}", barred.join(", "));
                (Standing::Open, why)
            }
        };
        let count = |is: fn(&SprsRow) -> bool| rows.iter().filter(|(row, _)| is(row)).count() as u64;
        Self {
            framework: framework.id.to_string(),
            title: framework.short_title.clone(),
            level: level(framework),
            start,
            lowest,
            threshold,
            score: (standing != Standing::NoScore).then_some(reached),
            standing,
            because,
            met: count(|row| row.finding != SprsFinding::NotMet),
            met_by_statement: count(|row| row.finding == SprsFinding::Met && row.controls.iter().any(|one| one.status == Verdict::Manual)),
            met_as_not_applicable: count(|row| row.finding == SprsFinding::NotApplicable),
            met_in_part_mapped: count(|row| row.finding == SprsFinding::Met && !row.controls.iter().any(SprsControl::covers_all)),
            not_met: count(|row| row.finding == SprsFinding::NotMet),
            requirements: rows.into_iter().map(|(row, _)| row).collect(),
        }
    }
}

impl SprsControl {
    /// Whether the control alone covers the whole requirement.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        matches!(self.relation, Relation::Equal | Relation::Equivalent | Relation::Superset)
    }
}

/// The requirements of a framework that its score counts, as far as they are in scope.
fn scored<'a>(framework: &'a Framework, scopes: &'a Scopes) -> impl Iterator<Item = (&'a Requirement, &'a Score, Membership<'a>)> {
    let in_scope = rollup::in_scope(framework, scopes);
    in_scope.filter_map(|(requirement, membership)| {
        let score = requirement.score.as_ref().filter(|score| score.weight.is_some() || score.prerequisite)?;
        Some((requirement, score, membership))
    })
}

fn is_scored_in(framework: &Framework, scopes: &Scopes) -> bool {
    scopes.covers(&framework.id) && scored(framework, scopes).next().is_some()
}

// The title of the level that the scored requirements have in common.
fn level(framework: &Framework) -> String {
    let scored = framework.requirements.iter().find(|found| found.score.as_ref().is_some_and(|score| score.weight.is_some()));
    let id = scored.and_then(|found| found.levels.first());
    let level = framework.levels.iter().find(|level| Some(&level.id) == id);
    level.map_or_else(String::new, |level| level.title.clone())
}

/// What rows are made from.
struct Source<'s> {
    catalog: &'s Catalog,
    framework: &'s Framework,
    assessment: &'s Assessment,
    attestations: &'s Attestations,
    as_of: Timestamp,
}

impl Source<'_> {
    fn row(&self, requirement: &Requirement, score: &Score, membership: Membership<'_>, mappings: &[&Mapping]) -> SprsRow {
        let controls: Vec<SprsControl> = mappings.iter().map(|mapping| self.control(mapping)).collect();
        let (finding, because) = self.finding(requirement, score, membership, &controls);
        let partial = score.partial.as_ref().map(|credit| self.partial(requirement, credit));
        let open = finding == SprsFinding::NotMet;
        let earned = partial.as_ref().filter(|partial| open && partial.earned);
        let full = score.weight.unwrap_or(0);
        let may_stay_open = match score.poam {
            Poam::Never => false,
            Poam::Allowed => open,
            Poam::Conditional => earned.is_some(),
        };
        SprsRow {
            id: requirement.id.to_string(),
            title: requirement.title.clone(),
            finding,
            weight: score.weight,
            deduction: if open { earned.map_or(full, |partial| partial.weight) } else { 0 },
            because,
            partial,
            controls,
            poam: score.poam,
            may_stay_open,
        }
    }

    fn control(&self, mapping: &Mapping) -> SprsControl {
        SprsControl {
            id: mapping.control.to_string(),
            title: self.catalog.controls.controls.get(&mapping.control).map(|control| control.title.clone()).unwrap_or_default(),
            status: self.assessment.controls.get(&mapping.control).map_or(Verdict::Error, |control| control.status),
            relation: mapping.relation,
        }
    }

    fn finding(
        &self,
        requirement: &Requirement,
        score: &Score,
        membership: Membership<'_>,
        controls: &[SprsControl],
    ) -> (SprsFinding, String) {
        // What everything else stands on cannot be reasoned away.
        let absent = |why: String| if score.prerequisite { (SprsFinding::NotMet, why) } else { (SprsFinding::NotApplicable, why) };
        if let Membership::TailoredOut(reason) = membership {
            return absent(format!("tailored out: {reason}"));
        }
        let assessed = self.assessment.frameworks.get(&self.framework.id).and_then(|all| all.get(&requirement.id));
        let unmapped = match assessed.map(|assessed| assessed.coverage) {
            Some(Coverage::Customer) => "no evidence: it binds the customer, and no control is mapped",
            _ => "no evidence: no control is mapped",
        };
        let Some(status) = assessed.and_then(|assessed| assessed.status) else {
            return (SprsFinding::NotMet, unmapped.to_owned());
        };
        let with: Vec<&str> = controls.iter().filter(|control| control.status == status).map(|control| control.id.as_str()).collect();
        let with = with.join(", ");
        match status {
            Verdict::Pass => (SprsFinding::Met, "every mapped control passes".to_owned()),
            Verdict::Manual => (SprsFinding::Met, format!("stated with evidence: {with}")),
            Verdict::NotApplicable => absent(format!("does not apply, as the workspace declares: {with}")),
            // 32 CFR 170.4: what the security plan describes as an enduring exception or a temporary deficiency is scored as met.
            Verdict::Exception if with.split(", ").all(|control| self.is_described(control)) => {
                (SprsFinding::Met, format!("deviates as the security plan describes: {with}"))
            }
            Verdict::Exception => (SprsFinding::NotMet, format!("deviates by an exception that no security plan describes: {with}")),
            Verdict::Fail => (SprsFinding::NotMet, format!("fails: {with}")),
            Verdict::Error => (SprsFinding::NotMet, format!("could not be seen, or a statement is missing: {with}")),
            Verdict::Stale => (SprsFinding::NotMet, format!("the evidence is too old: {with}")),
            Verdict::Skipped => (SprsFinding::NotMet, format!("was left out of the scan: {with}")),
        }
    }

    // Whether all that deviates in a control does so by a kind that the security plan describes.
    fn is_described(&self, control: &str) -> bool {
        let parts = self.assessment.controls.get(control).map(|control| control.parts.as_slice()).unwrap_or_default();
        let deviating = parts.iter().filter(|part| part.required && part.status == Verdict::Exception);
        let mut ids = deviating.flat_map(|part| part.excepted.keys()).peekable();
        let kind = |id: &String| self.assessment.exceptions.get(id).map(|exception| exception.kind);
        ids.peek().is_some() && ids.all(|id| matches!(kind(id), Some(Kind::EnduringException | Kind::TemporaryDeficiency)))
    }

    fn partial(&self, requirement: &Requirement, credit: &PartialCredit) -> SprsPartial {
        let of = (self.framework.id.clone(), requirement.id.clone());
        let given = self.attestations.partial_credit.get(&of);
        SprsPartial {
            weight: credit.weight,
            when: credit.when.clone(),
            earned: given.is_some_and(|given| given.verdict(self.as_of) == Verdict::Manual),
            statement: given.map(|given| given.statement.clone()),
            signed: given.map(|given| SignedView { role: given.role.clone(), signed_at: given.signed_at, expires_at: given.expires_at() }),
        }
    }
}
