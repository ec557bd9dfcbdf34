//! Trials of deletion: what the platform's own job made, deleted through the product, and expects to be gone.
//!
//! Proofbook only looks. Who plants and deletes is the platform's job, in an environment that is nobody's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Register;

/// Trials of deletion.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionRegister {
    /// The trials.
    pub trials: Vec<DeletionTrial>,
}

/// A trial of deletion.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionTrial {
    /// Its name.
    pub id: String,
    /// When it was seen that everything listed below existed, RFC 3339.
    #[schemars(with = "String")]
    pub planted_at: Timestamp,
    /// When it was deleted through the product.
    #[schemars(with = "String")]
    pub deleted_at: Timestamp,
    /// Volume claims that must be gone, as `namespace/name`.
    #[serde(default)]
    pub claims: Vec<String>,
    /// Volumes that must be gone, by name: those that the claims were bound to.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Snapshots that must be gone, as `namespace/name`.
    #[serde(default)]
    pub snapshots: Vec<String>,
    /// Prefixes under which a bucket must hold nothing, as `bucket/prefix`; name them under `trials` of the object storage too.
    #[serde(default)]
    pub prefixes: Vec<String>,
}

impl Register for DeletionRegister {
    const KIND: &'static str = "DeletionRegister";
    const ENTRIES: &'static str = "trials";

    fn names(&self) -> Vec<&str> {
        self.trials.iter().map(|trial| trial.id.as_str()).collect()
    }
}
