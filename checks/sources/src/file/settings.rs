//! Files as the workspace names them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::FileCollector;
use crate::collector::Collector;
use crate::settings::{SettingsError, Setup, TargetSettings};

/// Registers, reports and configuration in files, relative to the workspace.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileTarget {
    /// Registers of documents: policies, penetration tests, reports and certificates.
    #[serde(default)]
    pub documents: Vec<PathBuf>,
    /// Registers of suppliers and subprocessors.
    #[serde(default)]
    pub suppliers: Vec<PathBuf>,
    /// Registers of places where data lies.
    #[serde(default)]
    pub stores: Vec<PathBuf>,
    /// Registers of cryptographic modules.
    #[serde(default)]
    pub modules: Vec<PathBuf>,
    /// Results of kube-bench with a date in their names; `*` in the name stands for any text, and of several runs the newest counts.
    #[serde(default)]
    pub benchmarks: Vec<PathBuf>,
    /// Audit policies as the API server is started with.
    #[serde(default)]
    pub audit_policies: Vec<PathBuf>,
}

impl TargetSettings for FileTarget {
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError> {
        Ok(Box::new(FileCollector::new(name, setup.root, self.clone())))
    }
}
