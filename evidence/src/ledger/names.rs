//! Names that a ledger is read with. Whoever writes to a bucket or a folder writes what is read here, and every one of these names
//! is joined to a path on this machine: one that leads anywhere else is refused before anything is done with it.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::KEPT;
use crate::bundle::manifest::{MANIFEST, Manifest, SEAL, is_plain_name, is_run_id};
use crate::seal::is_key_id;

/// The id of a run.
pub(super) fn run_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if is_run_id(&name) { Ok(name) } else { Err(Error::custom(format!("`{name}` is no id of a run"))) }
}

/// A file that can be deleted: within a bundle, or an export. Manifests and seals are never deleted.
pub(super) fn deleted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let stays = name == MANIFEST || name.split('/').next() == Some(SEAL);
    if is_plain_name(&name) && !stays { Ok(name) } else { Err(Error::custom(format!("`{name}` is no name of a file that is deleted"))) }
}

/// The place of bytes that are kept.
pub(super) fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    match name {
        Some(name) if !name.strip_prefix(KEPT).and_then(|rest| rest.strip_prefix('/')).is_some_and(is_key_id) => {
            Err(Error::custom(format!("`{name}` is no place of what is kept: expected {KEPT}/ and a SHA-256 in lower-case hex")))
        }
        name => Ok(name),
    }
}

/// The sealed files of a run.
pub(super) fn sealed(manifest: &Manifest) -> Result<(), String> {
    let wrong = manifest.subject.iter().find(|file| !is_plain_name(&file.name) || file.name == MANIFEST);
    wrong.map_or(Ok(()), |file| Err(format!("the manifest names `{}`, which cannot be the name of a sealed file", file.name)))
}
