//! Registers of what is looked at or practised from time to time: access, exercises, risks.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Proof, Register};

/// Reviews of access.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessReviewRegister {
    /// The reviews.
    pub reviews: Vec<AccessReview>,
}

/// A review of access.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessReview {
    /// Its name.
    pub id: String,
    /// When it was finished.
    #[schemars(with = "String")]
    pub on: Date,
    /// The groups of accounts that were looked at.
    pub scope: Vec<String>,
    /// The list of accounts that was looked at, as it was taken from the systems.
    pub population: Proof,
    /// The role of who reviewed.
    pub reviewed_by: String,
    /// How many accounts were on the list.
    pub accounts: u32,
    /// How many were kept as they are.
    pub kept: u32,
    /// How many were to be withdrawn or changed.
    pub changed: u32,
    /// When the last of those changes was made.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub changes_done_on: Option<Date>,
}

impl Register for AccessReviewRegister {
    const KIND: &'static str = "AccessReviewRegister";
    const ENTRIES: &'static str = "reviews";

    fn names(&self) -> Vec<&str> {
        self.reviews.iter().map(|review| review.id.as_str()).collect()
    }

    fn proofs(&self) -> Vec<(usize, &'static str, &Proof)> {
        self.reviews.iter().enumerate().map(|(at, review)| (at, "population", &review.population)).collect()
    }
}

/// Exercises of what is done when things go wrong.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExerciseRegister {
    /// The exercises.
    pub exercises: Vec<Exercise>,
}

/// An exercise, or a real event that was handled and reviewed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// Its name.
    pub id: String,
    /// What was practised.
    pub kind: ExerciseKind,
    /// When.
    #[schemars(with = "String")]
    pub on: Date,
    /// What was supposed to have happened.
    pub scenario: String,
    /// The roles that took part.
    pub roles: Vec<String>,
    /// How it came out.
    pub outcome: ExerciseOutcome,
    /// The record of it.
    pub record: Proof,
    /// What was found wanting.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

/// What an exercise is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExerciseKind {
    /// Recovery of the service elsewhere or from backups.
    DisasterRecovery,
    /// The procedure for incidents.
    Incident,
}

/// How an exercise came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExerciseOutcome {
    /// The aims were met.
    Met,
    /// They were met in part.
    Partly,
    /// They were not met.
    Failed,
}

/// Something that was found wanting.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Its number.
    pub id: String,
    /// The role that mends it.
    pub owner: String,
    /// Until when.
    #[schemars(with = "String")]
    pub due_on: Date,
    /// When it was mended.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub done_on: Option<Date>,
}

impl Register for ExerciseRegister {
    const KIND: &'static str = "ExerciseRegister";
    const ENTRIES: &'static str = "exercises";

    fn names(&self) -> Vec<&str> {
        self.exercises.iter().map(|exercise| exercise.id.as_str()).collect()
    }

    fn proofs(&self) -> Vec<(usize, &'static str, &Proof)> {
        self.exercises.iter().enumerate().map(|(at, exercise)| (at, "record", &exercise.record)).collect()
    }
}

/// Risks and what is done about them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskRegister {
    /// When the risks were last assessed as a whole.
    #[schemars(with = "String")]
    pub assessed_on: Date,
    /// The role that approved the assessment and the plan of treatment.
    pub approved_by: String,
    /// When the statement of applicability was last brought in line with it; said where the provider keeps one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub applicability_on: Option<Date>,
    /// The risks.
    pub risks: Vec<Risk>,
}

/// A risk.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// Its number.
    pub id: String,
    /// How grave it is before treatment.
    pub level: RiskLevel,
    /// What is done about it.
    pub treatment: Treatment,
    /// The role that owns it.
    pub owner: String,
    /// Until when the treatment is done.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub due_on: Option<Date>,
    /// When it was done.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub done_on: Option<Date>,
    /// The role that accepted it, where it is accepted.
    #[serde(default)]
    pub accepted_by: Option<String>,
}

/// How grave a risk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RiskLevel {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// What is done about a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// Measures lower it.
    Reduce,
    /// What causes it is given up.
    Avoid,
    /// Somebody else bears a part of it.
    Share,
    /// It is borne.
    Accept,
}

impl Register for RiskRegister {
    const KIND: &'static str = "RiskRegister";
    const ENTRIES: &'static str = "risks";

    fn names(&self) -> Vec<&str> {
        self.risks.iter().map(|risk| risk.id.as_str()).collect()
    }
}
