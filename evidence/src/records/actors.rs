//! Who looked and by which clock, for each target that a record rests on.

use proofbook_checks::inventory::{Assurance, Target};
use serde::{Deserialize, Serialize};

/// Who looked at a target, as the target reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorRecord {
    /// The target, as `source/name identity`.
    pub target: String,
    /// The identity that the target reports; `anonymous` where nobody logs in, `as-supplied` for a dump.
    pub identity: String,
    /// How the account authenticated.
    pub auth: String,
    /// SHA-256 over the rights that the target reports, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes_digest: Option<String>,
    /// Whether the run read the target itself.
    pub assurance: Assurance,
}

impl ActorRecord {
    pub(super) fn of(target: &Target) -> Self {
        Self {
            target: format!("{}/{} {}", target.source, target.name, target.identity),
            identity: target.actor.identity.clone(),
            auth: target.actor.auth.clone(),
            scopes_digest: target.actor.rights_sha256.clone(),
            assurance: target.assurance,
        }
    }
}

/// How the clocks of collector and target stood to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeSource {
    /// The target, as `source/name`.
    pub target: String,
    /// Offset of the target's clock against the collector's in milliseconds; none where it does not tell the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_ms: Option<i64>,
}

impl TimeSource {
    pub(super) fn of(target: &Target) -> Self {
        Self { target: format!("{}/{}", target.source, target.name), offset_ms: target.clock_offset_ms }
    }
}
