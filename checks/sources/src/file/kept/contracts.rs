//! Registers about customers: the contracts with them, and the processing on their behalf.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Register;

/// Contracts with customers, as far as financial law asks for clauses in them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractRegister {
    /// The day to which the register is complete.
    #[schemars(with = "String")]
    pub as_of: Date,
    /// The contracts.
    pub contracts: Vec<Contract>,
}

/// A contract with a customer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The number of the contract; not the customer's name.
    pub id: String,
    /// Whether the customer is a financial entity (Regulation (EU) 2022/2554, Article 2).
    pub financial_entity: bool,
    /// Whether the service supports a critical or important function of the customer; not known where nothing is said.
    #[serde(default)]
    pub critical_function: Option<bool>,
    /// The clauses that the contract holds, by the points of Article 30 that they answer: `2.a` to `2.i`, `3.a` to `3.f`.
    #[serde(default)]
    pub clauses: Vec<String>,
}

impl Register for ContractRegister {
    const KIND: &'static str = "ContractRegister";
    const ENTRIES: &'static str = "contracts";

    fn names(&self) -> Vec<&str> {
        self.contracts.iter().map(|contract| contract.id.as_str()).collect()
    }
}

/// The record of a processor (Regulation (EU) 2016/679, Article 30(2)).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessingRegister {
    /// When it was last reviewed.
    #[schemars(with = "String")]
    pub reviewed_on: Date,
    /// Whether it names the processors with their contacts, their representatives and data protection officers.
    pub processors_named: bool,
    /// Whether it names each controller on whose behalf data are processed, or where the list of them is.
    pub controllers_named: bool,
    /// The processing.
    pub activities: Vec<Activity>,
}

/// A category of processing that is carried out for controllers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Its name.
    pub id: String,
    /// The categories of processing.
    pub categories: Vec<String>,
    /// The suppliers that take part, by their names in the register of suppliers.
    #[serde(default)]
    pub subprocessors: Vec<String>,
    /// Transfers to third countries.
    #[serde(default)]
    pub transfers: Vec<Transfer>,
    /// Where the technical and organisational measures are described.
    #[serde(default)]
    pub measures: Option<String>,
}

/// A transfer to a third country.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The country, ISO 3166 alpha-2.
    pub country: String,
    /// What it rests on: `adequacy`, `standard-clauses`, `binding-rules`, or the documented safeguard.
    pub safeguard: String,
}

impl Register for ProcessingRegister {
    const KIND: &'static str = "ProcessingRegister";
    const ENTRIES: &'static str = "activities";

    fn names(&self) -> Vec<&str> {
        self.activities.iter().map(|activity| activity.id.as_str()).collect()
    }
}
