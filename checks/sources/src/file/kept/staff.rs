//! The register of staff: who was there when, and when each was trained and bound to confidentiality.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Register;

/// The people who work for the provider, contractors included.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffRegister {
    /// The day to which the register is complete.
    #[schemars(with = "String")]
    pub as_of: Date,
    /// The people.
    pub people: Vec<Person>,
}

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// A number or name that tells people apart. It is read, and not kept.
    #[serde(skip_serializing)]
    pub id: String,
    /// The first day.
    #[schemars(with = "String")]
    pub joined_on: Date,
    /// The last day, for those who left.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub left_on: Option<Date>,
    /// Whether the person is a contractor.
    #[serde(default)]
    pub contractor: bool,
    /// When the last training in security and data protection was completed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub trained_on: Option<Date>,
    /// When the commitment to confidentiality was signed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub committed_on: Option<Date>,
}

impl Register for StaffRegister {
    const KIND: &'static str = "StaffRegister";
    const ENTRIES: &'static str = "people";

    fn names(&self) -> Vec<&str> {
        self.people.iter().map(|person| person.id.as_str()).collect()
    }
}
