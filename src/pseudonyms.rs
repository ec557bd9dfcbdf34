//! Pseudonyms from the command line: where the workspace's key comes from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use proofbook_checks::pseudonym::{Pseudonyms, SHORTEST_KEY};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where the key is from which pseudonyms are made. Name exactly one of `key` and `key_env`. Any text of at least 32 bytes serves;
/// who has it can tell whether a pseudonym is of a name, so it belongs into no repository and no export.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PseudonymKey {
    /// A file, relative to the workspace.
    #[serde(default)]
    pub(crate) key: Option<PathBuf>,
    /// An environment variable.
    #[serde(default)]
    pub(crate) key_env: Option<String>,
}

impl PseudonymKey {
    /// Whoever makes the pseudonyms; files are found below `root`.
    pub(crate) fn open(&self, root: &Path) -> Result<Pseudonyms> {
        let (from, key) = match (&self.key, &self.key_env) {
            (Some(file), None) => {
                let path = root.join(file);
                let key = std::fs::read(&path).with_context(|| format!("reading the key of pseudonyms {}", path.display()))?;
                (path.display().to_string(), key)
            }
            (None, Some(name)) => {
                let key =
                    std::env::var(name).with_context(|| format!("the environment variable `{name}` shall hold the key of pseudonyms"))?;
                (format!("the environment variable `{name}`"), key.into_bytes())
            }
            _ => bail!("pseudonyms: name either `key`, a file, or `key_env`, an environment variable"),
        };
        // The end of the line is no part of a key that was written with an editor.
        let key = key.trim_ascii();
        let length = key.len();
        Pseudonyms::new(key).with_context(|| {
            format!("{from} holds {length} bytes, and a key has at least {SHORTEST_KEY}; make one with `openssl rand -hex 32`")
        })
    }
}
