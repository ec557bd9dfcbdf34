//! Publication facts of a workspace: who runs the platform, for whom to say it, and what no check can know.

use std::collections::BTreeMap;

use proofbook_controls::FrameworkId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a workspace states about itself for publication.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The company that runs the platform.
    pub organisation: Organisation,
    /// The platform.
    pub product: Product,
    /// Where the platform runs.
    #[serde(default)]
    pub regions: Vec<Region>,
    /// Companies that process customers' personal data on the provider's behalf.
    #[serde(default)]
    pub subprocessors: Vec<Subprocessor>,
    /// Certificates and reports, with their true status.
    #[serde(default)]
    pub certifications: Vec<Certification>,
    /// The processing of personal data, for the data processing agreement.
    #[serde(default)]
    pub processing: Option<Processing>,
}

/// The company.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// The name in the register.
    pub legal_name: String,
    /// The postal address, one line.
    pub address: String,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country: String,
    /// Register and number.
    #[serde(default)]
    pub register: String,
    /// Mail address or page for security reports.
    pub security_contact: String,
    /// Mail address for data protection.
    pub privacy_contact: String,
    /// The data protection officer's contact, where there is one.
    #[serde(default)]
    pub dpo_contact: Option<String>,
}

/// The platform.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The name that customers know.
    pub name: String,
    /// One sentence on what it is.
    pub description: String,
    /// The public documentation.
    #[serde(default)]
    pub url: Option<String>,
    /// Where customers find documents.
    #[serde(default)]
    pub portal_url: Option<String>,
}

/// A place where the platform runs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The id in the platform: `eu-central-1`.
    pub id: String,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country: String,
    /// Who runs the data centre.
    pub operator: String,
    /// What runs there.
    pub purpose: String,
}

/// A company that processes personal data on the provider's behalf (GDPR Art. 28(2) and (4)).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subprocessor {
    /// The name in the register.
    pub name: String,
    /// ISO 3166-1 alpha-2 code of its seat.
    pub country: String,
    /// What it does.
    pub service: String,
    /// What data it sees.
    pub data: String,
    /// Where it processes.
    pub location: String,
    /// The ground of a transfer to a third country; `none needed` within the EEA.
    pub transfer: String,
    /// Since when, as a date.
    pub since: String,
}

/// A certificate or report, with its true status.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certification {
    /// The framework.
    pub framework: FrameworkId,
    /// The status: only `certified` may be printed as such.
    pub status: CertificationStatus,
    /// The level, baseline or type: `type1`, `type2`, `low`, `moderate`, `high`, `l1`, `l2`, `l3`.
    #[serde(default)]
    pub level: Option<String>,
    /// The last day on which it counts.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub valid_until: Option<jiff::civil::Date>,
    /// One sentence: body, number, period, scope.
    #[serde(default)]
    pub note: String,
}

/// The status of a certificate or report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificationStatus {
    /// Nobody external has looked; the framework guides the work.
    Aligned,
    /// An external assessment is under way.
    InProgress,
    /// A valid certificate or report exists.
    Certified,
}

/// The processing of personal data (GDPR Art. 28(3)).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Processing {
    /// The subject-matter.
    pub subject_matter: String,
    /// The duration.
    pub duration: String,
    /// The nature.
    pub nature: String,
    /// The purpose.
    pub purpose: String,
    /// Categories of personal data.
    pub data_categories: Vec<String>,
    /// Special categories (Art. 9), or that there are none.
    pub special_categories: String,
    /// Categories of data subjects.
    pub data_subjects: Vec<String>,
    /// Retention by category of data, in words.
    pub retention: BTreeMap<String, String>,
    /// How instructions are given.
    pub instructions: String,
    /// Days of notice before a new subprocessor.
    pub subprocessor_notice_days: u32,
    /// Hours until a customer is told of a breach.
    pub breach_notice_hours: u32,
    /// Days until data is deleted after the contract ends.
    pub deletion_days: u32,
    /// Until when all copies in backups have aged out, in days after deletion.
    pub backup_deletion_days: u32,
}
