//! `dump.yaml`: what the files of a dump cannot say themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::DumpError;

/// What whoever made the dump says about it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// When the dump was made, RFC 3339.
    pub collected_at: Option<String>,
    /// Resources (`plural.group`) that were asked for, and of which there are none.
    #[serde(default)]
    pub absent: BTreeSet<Box<str>>,
    /// Resources that the server does not serve.
    #[serde(default)]
    pub not_served: BTreeSet<Box<str>>,
}

impl Description {
    /// Reads the description in a folder; a folder without one says nothing.
    pub(super) fn read(folder: &Path) -> Result<Self, DumpError> {
        let path = folder.join(super::DESCRIPTION);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(cause) => return Err(DumpError::unreadable(&path, cause)),
        };
        let options = serde_saphyr::options! { strict_booleans: true };
        let description: Self = serde_saphyr::from_str_with_options(&text, options)
            .map_err(|cause| DumpError::Description { path: path.clone(), cause: cause.to_string() })?;
        if let Some(Err(cause)) = description.collected_at.as_deref().map(str::parse::<jiff::Timestamp>) {
            return Err(DumpError::Description { path, cause: format!("`collected_at` is not a time in RFC 3339: {cause}") });
        }
        if let Some(both) = description.absent.intersection(&description.not_served).next() {
            let cause = format!("{both} stands under `absent` and under `not_served`");
            return Err(DumpError::Description { path, cause });
        }
        Ok(description)
    }
}
