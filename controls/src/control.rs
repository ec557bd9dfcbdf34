//! Controls: what a platform does about a requirement. The hub of all mapping.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::id::{CheckId, ControlId};
use crate::yaml::Spanned;

/// One thing that a platform does, with who does which part of it and what shows that it is done.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The id, equal to the file's name.
    pub id: ControlId,
    /// A short title.
    pub title: String,
    /// What is reached when the control works, in one sentence.
    pub objective: String,
    /// The layer of the responsibility matrix.
    pub layer: Layer,
    /// Who does what.
    pub responsibility: Responsibility,
    /// The checks that show it.
    #[serde(default)]
    pub checks: ControlChecks,
    /// What only a person can state, with evidence.
    #[serde(default)]
    pub attestations: Vec<AttestationNeed>,
    /// Why neither a check nor an attestation shows it, where that is so.
    #[serde(default)]
    pub no_evidence: Option<String>,
    /// From whom the provider itself inherits it, where it does: the operator of the data centre.
    #[serde(default)]
    pub inherited_from: Option<String>,
    /// After how many months people look at the control again.
    pub review_months: u32,
}

/// The seven layers of the shared-responsibility matrix, from the building to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Buildings, power, hardware.
    Facilities,
    /// Edge, ingress, networks.
    Network,
    /// The platform's API, its access and its policies.
    ControlPlane,
    /// Nodes and what runs on them.
    Workloads,
    /// Data at rest, backups, retention, residency.
    Data,
    /// Secrets and keys.
    Secrets,
    /// Logs, detection, response and governance.
    Operations,
}

impl Layer {
    /// All layers in the order of the matrix.
    pub const ALL: [Self; 7] =
        [Self::Facilities, Self::Network, Self::ControlPlane, Self::Workloads, Self::Data, Self::Secrets, Self::Operations];

    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Facilities => "facilities",
            Self::Network => "network",
            Self::ControlPlane => "control-plane",
            Self::Workloads => "workloads",
            Self::Data => "data",
            Self::Secrets => "secrets",
            Self::Operations => "operations",
        }
    }

    /// The name for readers.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Facilities => "Facilities and hardware",
            Self::Network => "Network and ingress",
            Self::ControlPlane => "Control plane and access",
            Self::Workloads => "Nodes and workloads",
            Self::Data => "Data, backups and residency",
            Self::Secrets => "Secrets and keys",
            Self::Operations => "Logging, response and governance",
        }
    }
}

/// Who does what. Both sides have sentences that begin with a verb; "N/A" is refused.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Responsibility {
    /// On whom the control rests.
    pub split: Split,
    /// What the provider does.
    pub provider: Vec<String>,
    /// What the customer does, or what it inherits.
    pub customer: Vec<String>,
    /// Those of the control's checks that a customer can repeat by hand with rights over its own namespaces alone.
    #[serde(default)]
    pub customer_checks: Vec<Spanned<CheckId>>,
}

/// On whom a control rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The provider; the customer inherits it.
    Provider,
    /// The customer; the provider offers the means.
    Customer,
    /// Each side for its sentences.
    Shared,
}

impl Split {
    /// The name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Customer => "customer",
            Self::Shared => "shared",
        }
    }
}

/// The checks of a control.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ControlChecks {
    /// All must be green.
    pub required: Vec<Spanned<CheckId>>,
    /// They inform, and never make a control green alone.
    pub supporting: Vec<Spanned<CheckId>>,
}

/// A statement that a person must sign.
#[derive(Clone, Debug, Deserialize, JsonSchema, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationNeed {
    /// The id, unique in the library.
    pub id: String,
    /// What must be stated and shown.
    pub statement: String,
    /// How long a statement counts, in days.
    pub valid_days: u32,
    /// Whether a statement without evidence is enough, as little hangs on it; it is then shown as an assertion.
    #[serde(default)]
    pub assertion_suffices: bool,
}
