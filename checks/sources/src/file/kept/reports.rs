//! Registers of what came in and was answered: reports of weaknesses, incidents, requests about data, tickets for access.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Register;

/// Reports of weaknesses from outside.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisclosureRegister {
    /// The day to which the register is complete.
    #[schemars(with = "String")]
    pub as_of: Date,
    /// The reports; none where there were none.
    pub reports: Vec<Report>,
}

/// A report of a weakness.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Its number.
    pub id: String,
    /// When it came in, RFC 3339.
    #[schemars(with = "String")]
    pub received_at: Timestamp,
    /// When a person first answered; an automatic reply is no answer.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub answered_at: Option<Timestamp>,
    /// When a machine confirmed that it came in.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub confirmed_at: Option<Timestamp>,
    /// Whether it is a test message of our own.
    #[serde(default)]
    pub test: bool,
}

impl Register for DisclosureRegister {
    const KIND: &'static str = "DisclosureRegister";
    const ENTRIES: &'static str = "reports";

    fn names(&self) -> Vec<&str> {
        self.reports.iter().map(|report| report.id.as_str()).collect()
    }
}

/// Incidents of security and of personal data.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentRegister {
    /// The day to which the register is complete.
    #[schemars(with = "String")]
    pub as_of: Date,
    /// The incidents; none where there were none.
    pub incidents: Vec<Incident>,
}

/// An incident.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Its number.
    pub id: String,
    /// When we became aware of it, RFC 3339.
    #[schemars(with = "String")]
    pub aware_at: Timestamp,
    /// Whether customers had to be told.
    pub customers_due: bool,
    /// When the last of the customers concerned was told.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub customers_told_at: Option<Timestamp>,
    /// Whether an authority had to be told by us.
    pub authority_due: bool,
    /// When the authority was told.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub authority_told_at: Option<Timestamp>,
    /// When the incident was reviewed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub reviewed_on: Option<Date>,
}

impl Register for IncidentRegister {
    const KIND: &'static str = "IncidentRegister";
    const ENTRIES: &'static str = "incidents";

    fn names(&self) -> Vec<&str> {
        self.incidents.iter().map(|incident| incident.id.as_str()).collect()
    }
}

/// Requests of customers to delete or to hand out data.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRegister {
    /// The day to which the register is complete.
    #[schemars(with = "String")]
    pub as_of: Date,
    /// The requests; none where there were none.
    pub requests: Vec<DataRequest>,
}

/// A request about data.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataRequest {
    /// Its number.
    pub id: String,
    /// What was asked for.
    pub kind: RequestKind,
    /// When it came in.
    #[schemars(with = "String")]
    pub received_on: Date,
    /// When it was done.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub done_on: Option<Date>,
    /// For an export: whether somebody opened it and found what was asked for.
    #[serde(default)]
    pub opened: Option<bool>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestKind {
    /// That data are deleted.
    Deletion,
    /// That data are handed out in a form that a machine reads.
    Export,
    /// Help with any other right of a data subject.
    Assistance,
}

impl Register for RequestRegister {
    const KIND: &'static str = "RequestRegister";
    const ENTRIES: &'static str = "requests";

    fn names(&self) -> Vec<&str> {
        self.requests.iter().map(|request| request.id.as_str()).collect()
    }
}

/// Tickets and instructions on which staff enter the environments of customers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRegister {
    /// The day to which the register is complete.
    #[schemars(with = "String")]
    pub as_of: Date,
    /// The tickets.
    pub tickets: Vec<Ticket>,
}

/// A ticket for access.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Its number.
    pub id: String,
    /// The namespaces that may be entered; `*` stands for any text.
    pub namespaces: Vec<String>,
    /// From when, RFC 3339.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Until when.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Whose instruction or approval it rests on: `customer`, or a role.
    pub approved_by: String,
}

impl Register for TicketRegister {
    const KIND: &'static str = "TicketRegister";
    const ENTRIES: &'static str = "tickets";

    fn names(&self) -> Vec<&str> {
        self.tickets.iter().map(|ticket| ticket.id.as_str()).collect()
    }
}
