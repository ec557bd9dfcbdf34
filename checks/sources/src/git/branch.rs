//! The rules that guard a branch, in one shape for all services: each rule with what it asks for, and who may pass it by.

use serde_json::{Value as Json, json};

use crate::observed::{Unread, part};

/// One rule, or one setting that acts as a rule.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub(super) struct Rule {
    /// Where it comes from: `classic`, `ruleset 7`.
    pub source: String,
    /// How many others must approve.
    pub approvals: u64,
    /// Whether a new commit takes approvals back.
    pub dismisses_stale: bool,
    pub blocks_force_push: bool,
    pub blocks_deletion: bool,
    /// The names of the checks that must have passed.
    pub checks: Vec<String>,
    pub signatures: bool,
    /// The kinds of those who may pass it by.
    pub bypass: Vec<String>,
}

impl Rule {
    fn to_json(&self) -> Json {
        json!({
            "source": self.source,
            "approvals": self.approvals,
            "dismisses_stale": self.dismisses_stale,
            "blocks_force_push": self.blocks_force_push,
            "blocks_deletion": self.blocks_deletion,
            "checks": self.checks,
            "signatures": self.signatures,
            "bypass": self.bypass,
        })
    }
}

/// The record of a branch.
pub(super) fn record(repository: &str, branch: &str, rules: Result<Vec<Rule>, Unread>) -> Json {
    let rules = rules.map(|rules| rules.iter().map(Rule::to_json).collect());
    json!({"repository": repository, "branch": branch, "rules": part(rules)})
}
