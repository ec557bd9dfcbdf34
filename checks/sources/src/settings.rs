//! What the targets of all sources have in common in a workspace: where credentials lie, and how a target is opened.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use proofbook_controls::yaml::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::Collector;

/// Where a credential is kept. The workspace's file never holds one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Credential {
    /// The name of an environment variable.
    Env(String),
    /// A file, relative to the workspace; white space around its content is left out.
    File(PathBuf),
}

/// A credential that was read. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for the request that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a target cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{target}: {detail}")]
pub struct SettingsError {
    /// The target's name, or the place in the workspace's file.
    pub target: String,
    /// What is wrong, and how to mend it.
    pub detail: String,
}

/// Where a target is opened.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'s> {
    /// The workspace's folder, from which relative paths start.
    pub root: &'s Path,
    /// The name of the workspace's file, for places in errors.
    pub file: &'s str,
}

impl Setup<'_> {
    /// Where a setting stands, for an error about it.
    #[must_use]
    pub fn place<T>(&self, setting: &Spanned<T>) -> String {
        format!("{}:{}:{}", self.file, setting.span.line, setting.span.column)
    }

    /// Reads a credential.
    ///
    /// # Errors
    /// When the variable is not set, the file cannot be read, or nothing is in it.
    pub fn secret(&self, target: &str, credential: &Credential) -> Result<Secret, SettingsError> {
        let fault = |detail: String| SettingsError { target: target.to_owned(), detail };
        let text = match credential {
            Credential::Env(name) => {
                env::var(name).map_err(|_| fault(format!("the environment variable {name} is not set; set it to the credential")))?
            }
            Credential::File(path) => {
                let path = self.root.join(path);
                fs::read_to_string(&path)
                    .map_err(|cause| fault(format!("cannot read {}: {cause}; name a readable file", path.display())))?
            }
        };
        match text.trim() {
            "" => Err(fault("the credential is empty; fill it in, or leave it out".to_owned())),
            text => Ok(Secret(text.to_owned())),
        }
    }

    /// Reads a file that a target names, such as a PEM file of trusted roots.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(&self, target: &str, path: &Path) -> Result<Vec<u8>, SettingsError> {
        let path = self.root.join(path);
        fs::read(&path).map_err(|cause| SettingsError {
            target: target.to_owned(),
            detail: format!("cannot read {}: {cause}; name a readable file, relative to the workspace", path.display()),
        })
    }
}

/// A target of one source, as the workspace writes it.
pub trait TargetSettings {
    /// The collector for it; contacts nobody.
    ///
    /// # Errors
    /// When the settings cannot be used, with what is wrong and how to mend it.
    fn open(&self, name: &str, setup: &Setup<'_>) -> Result<Box<dyn Collector>, SettingsError>;
}
