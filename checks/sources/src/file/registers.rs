//! Registers as people keep them: of documents, of suppliers, of places where data lies, of cryptographic modules.
//!
//! A register says of a document what no program can read out of it, and pins the file by its digest, so that the statement
//! is about these bytes and no others.

use std::path::PathBuf;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A register of documents.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentRegister {
    /// The documents.
    pub documents: Vec<Document>,
}

/// A document. It is one of: a policy, a penetration test, an assurance, a procedure, an agreement, a subscription.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// A name within the register: letters, digits and dashes.
    pub name: String,
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The SHA-256 of the file in lower-case hex.
    pub sha256: String,
    /// Whether a newer document has taken its place: it is kept, and not judged.
    #[serde(default)]
    pub superseded: bool,
    /// A policy that management approved.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// The summary of a penetration test.
    #[serde(default)]
    pub penetration_test: Option<PenetrationTest>,
    /// A report or certificate by which somebody independent vouches.
    #[serde(default)]
    pub assurance: Option<Assurance>,
    /// A procedure for incidents.
    #[serde(default)]
    pub procedure: Option<Procedure>,
    /// An agreement on the processing of personal data that is offered to customers.
    #[serde(default)]
    pub agreement: Option<Agreement>,
    /// A subscription of a protective service.
    #[serde(default)]
    pub subscription: Option<Subscription>,
}

/// What is said of a procedure for incidents.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// The version.
    pub version: String,
    /// When it was approved or last reviewed.
    #[schemars(with = "String")]
    pub approved_on: Date,
    /// The role that approved it.
    pub approved_by: String,
    /// Within how many hours after becoming aware customers are told, by this procedure.
    pub notice_hours: u32,
}

/// What is said of an agreement on the processing of personal data.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// The version.
    pub version: String,
    /// Since when it is offered in this version.
    #[schemars(with = "String")]
    pub published_on: Date,
    /// Where customers find it.
    pub published_at: String,
    /// Whether it is open to every customer whose personal data are processed, whatever the plan.
    pub for_all_customers: bool,
    /// Within how many hours customers are told of a breach, by this agreement.
    pub notice_hours: u32,
    /// The subprocessors that it lists, by their names in the register of suppliers.
    pub subprocessors: Vec<String>,
    /// Whether it describes the technical and organisational measures.
    pub measures: bool,
    /// Days after which backups are gone, by this agreement.
    #[serde(default)]
    pub backup_days: Option<u32>,
}

/// What is said of a subscription.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// What it protects from.
    pub protects_from: Threat,
    /// Who provides it.
    pub provider: String,
    /// The plan.
    pub plan: String,
    /// What it covers: names of hosts and addresses, `*` for any text in names, blocks of addresses.
    pub covers: Vec<String>,
    /// The last day; one that renews itself has none.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub valid_until: Option<Date>,
}

/// What a subscription protects from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Threat {
    /// Floods of requests or packets.
    Ddos,
}

/// What is said of a policy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The version.
    pub version: String,
    /// When it was approved or last reviewed.
    #[schemars(with = "String")]
    pub approved_on: Date,
    /// The role that approved it.
    pub approved_by: String,
}

/// What is said of a penetration test.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PenetrationTest {
    /// Who tested.
    pub tester: String,
    /// Whether people did it who are independent of the provider; an automated scan is no such test.
    pub independent: bool,
    /// The first day.
    #[schemars(with = "String")]
    pub from: Date,
    /// The last day.
    #[schemars(with = "String")]
    pub to: Date,
    /// The services that were tested.
    pub scope: Vec<String>,
    /// How many findings there were, by severity.
    pub findings: Findings,
    /// How many of them are open.
    pub open: Findings,
    /// When the mending was tested.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub retested_on: Option<Date>,
}

/// Numbers of findings.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// Critical ones.
    pub critical: u32,
    /// High ones.
    pub high: u32,
    /// Medium ones.
    #[serde(default)]
    pub medium: u32,
    /// Low ones.
    #[serde(default)]
    pub low: u32,
}

/// What is said of a report or certificate.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assurance {
    /// The standard with its kind: `soc2-type-1`, `soc2-type-2`, `iso27001-2022`, `en50600`.
    pub standard: String,
    /// Who vouches.
    pub issuer: String,
    /// The supplier whose assurance it is; our own where nothing is said.
    #[serde(default)]
    pub supplier: Option<String>,
    /// The services that it covers.
    #[serde(default)]
    pub services: Vec<String>,
    /// The sites that it covers.
    #[serde(default)]
    pub sites: Vec<String>,
    /// The period that a report is about.
    #[serde(default)]
    pub period: Option<Period>,
    /// The day that a report is about.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Date>,
    /// The last day on which a certificate is valid.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub valid_until: Option<Date>,
    /// Until when a letter of the management bridges the time after the period.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub bridged_until: Option<Date>,
    /// Whether the opinion is without qualification; said of reports.
    #[serde(default)]
    pub unqualified: Option<bool>,
}

/// A period.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first day.
    #[schemars(with = "String")]
    pub from: Date,
    /// The last day.
    #[schemars(with = "String")]
    pub to: Date,
}

/// A register of suppliers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplierRegister {
    /// The suppliers.
    pub suppliers: Vec<Supplier>,
}

/// A supplier.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Supplier {
    /// A name within the register: letters, digits and dashes.
    pub name: String,
    /// The legal entity.
    pub legal_entity: String,
    /// The country of its registration, ISO 3166 alpha-2.
    pub country: String,
    /// What it does.
    pub service: String,
    /// Whether it processes personal data of customers: then it is a subprocessor.
    pub subprocessor: bool,
    /// Whether the service depends on it.
    pub critical: bool,
    /// The countries where it processes data, ISO 3166 alpha-2.
    pub locations: Vec<String>,
    /// Since when it is used.
    #[schemars(with = "String")]
    pub since: Date,
    /// When customers were told.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub announced_on: Option<Date>,
    /// When it was last reviewed.
    #[schemars(with = "String")]
    pub reviewed_on: Date,
    /// By what a scan sees it: provisioners of volumes, schemes of machines (`hcloud`), hosts of object stores; as patterns.
    #[serde(default)]
    pub seen_as: Vec<String>,
    /// Who owns it, and from where it is operated.
    #[serde(default)]
    pub ownership: Option<Ownership>,
}

/// Who owns a supplier.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// The ultimate parent company.
    pub parent: String,
    /// Its country, ISO 3166 alpha-2.
    pub parent_country: String,
    /// The countries from which it is operated, ISO 3166 alpha-2.
    pub operated_from: Vec<String>,
    /// The proof.
    pub proof: Proof,
}

/// A file that proves something.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The SHA-256 of the file in lower-case hex.
    pub sha256: String,
    /// The date of the proof.
    #[schemars(with = "String")]
    pub on: Date,
}

/// A register of places where data lies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreRegister {
    /// The places.
    pub stores: Vec<Store>,
}

/// A place where data of customers lies or passes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// A name within the register: letters, digits and dashes.
    pub name: String,
    /// What it is for: database, registry, logs, metrics, backup, e-mail, support.
    pub purpose: String,
    /// The supplier that runs it, by its name in the register; ourselves where nothing is said.
    #[serde(default)]
    pub supplier: Option<String>,
    /// The country, ISO 3166 alpha-2.
    pub country: String,
    /// The data centre or site.
    pub site: String,
    /// What shows that it is there.
    pub evidence: Evidence,
    /// When that was last looked at.
    #[schemars(with = "String")]
    pub verified_on: Date,
}

/// What shows where a place is, from strong to weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The interface of its operator tells it.
    Api,
    /// A contract says it.
    Contract,
    /// The location that a database gives for an address.
    Geolocation,
    /// Nothing yet.
    None,
}

/// A register of cryptographic modules.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModuleRegister {
    /// The modules.
    pub modules: Vec<Module>,
}

/// A cryptographic module in use.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// The component that uses it.
    pub component: String,
    /// What it protects: `tls`, `storage`, `vpn`, `signing`.
    pub purpose: String,
    /// The module with its version.
    pub module: String,
    /// The standard of its validation: `140-3`, `140-2`; empty where there is none.
    pub standard: String,
    /// The number of its certificate; empty where there is none.
    pub certificate: String,
    /// The status of the certificate on the day of the look-up: `active`, `historical`, `revoked`, `none`.
    pub status: String,
    /// Whether the module runs in its approved mode.
    pub approved_mode: bool,
    /// When the status was looked up.
    #[schemars(with = "String")]
    pub looked_up_on: Date,
    /// A deviation that was decided.
    #[serde(default)]
    pub deviation: Option<Deviation>,
}

/// A deviation that was decided.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Why.
    pub reason: String,
    /// Until when.
    #[schemars(with = "String")]
    pub expires_on: Date,
    /// The role that decided.
    pub approved_by: String,
}
