//! Trials of the network: connections that the platform's own job tried from one namespace to another, and how they ended.
//!
//! Proofbook connects to nobody's pods. The job does, and notes with each trial how the same port answered somebody who may reach
//! it, at the same time: silence of a port on which nobody listens says nothing of policies.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Register;

/// Trials of the network.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkTrialRegister {
    /// The trials.
    pub trials: Vec<NetworkTrial>,
}

/// A connection that was tried.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkTrial {
    /// Its name.
    pub id: String,
    /// When it was tried, RFC 3339.
    #[schemars(with = "String")]
    pub tried_at: Timestamp,
    /// The namespace of the pod that tried.
    pub from: String,
    /// The namespace of the pod that was tried, by the address of the pod itself.
    pub to: String,
    /// The port, as `TCP/8080`.
    pub port: String,
    /// How it ended.
    pub result: Ending,
    /// How the same port of the same pod answered, at the same time, to a pod that may reach it.
    pub witness: Ending,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It was taken.
    Connected,
    /// It was refused: by the pod, or by a network plugin that rejects instead of dropping.
    Refused,
    /// Nothing came back.
    TimedOut,
}

impl Register for NetworkTrialRegister {
    const KIND: &'static str = "NetworkTrialRegister";
    const ENTRIES: &'static str = "trials";

    fn names(&self) -> Vec<&str> {
        self.trials.iter().map(|trial| trial.id.as_str()).collect()
    }
}
