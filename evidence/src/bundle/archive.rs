//! The sealed library: what decided, as a tar archive that anybody can open.
//!
//! It holds every file of the library but the fixtures, which prove a check once, when it is written. Settings are
//! plain JSON and not RFC 8785, which knows one kind of number: a parameter `1.0` must not come back as an integer.

use std::collections::BTreeSet;
use std::io::Read;

use proofbook_checks::settings::Settings;
use proofbook_controls::CheckId;
use proofbook_controls::files::Files;
use serde::{Deserialize, Serialize};

use super::BundleError;
use super::read::SealedFiles;
use super::staging::Staging;
use crate::approval::Approval;
use crate::freshness::ControlWindows;
use crate::scope::Scopes;

pub(crate) const LIBRARY: &str = "library.tar.zst";
const SETTINGS: &str = "settings.json";
const FIXTURES: &str = ".test.yaml";
// A library of a thousand checks has a few megabytes.
const MAX_LIBRARY: u64 = 64 * 1024 * 1024;

/// What checks and roll-up were asked, besides the files of the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedSettings {
    /// The workspace's settings.
    pub(crate) settings: Settings,
    /// The checks that ran.
    pub(crate) selection: BTreeSet<CheckId>,
    /// What the workspace answers for.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub(crate) scopes: Scopes,
    /// The windows that the workspace set for controls, in hours.
    #[serde(default, skip_serializing_if = "ControlWindows::is_empty")]
    pub(crate) freshness: ControlWindows,
    /// What tells the key by which people's names became pseudonyms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pseudonyms: Option<String>,
    /// Who may sign and approve.
    #[serde(default, skip_serializing_if = "Approval::is_default")]
    pub(crate) approval: Approval,
}

pub(crate) fn write(staging: &mut Staging, files: &Files, settings: &SealedSettings) -> Result<(), BundleError> {
    let mut out = staging.zst(LIBRARY)?;
    let mut archive = tar::Builder::new(&mut out);
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, path, bytes).map_err(BundleError::file(path.as_ref()))
    };
    files.iter().filter(|(path, _)| !path.ends_with(FIXTURES)).try_for_each(|(path, text)| add(path, text.as_bytes()))?;
    add(SETTINGS, &serde_json::to_vec(settings)?)?;
    archive.finish().map_err(BundleError::file(LIBRARY.as_ref()))?;
    drop(archive);
    staging.end_zst(out)
}

/// Reads the archive into memory; nothing is unpacked to disk.
pub(crate) fn read(sealed: &SealedFiles) -> Result<(Files, SealedSettings), BundleError> {
    let bad = |detail: String| BundleError::Malformed { file: LIBRARY.to_owned(), detail };
    let mut archive = tar::Archive::new(sealed.unpacked(LIBRARY, MAX_LIBRARY)?);
    let mut files = Files::default();
    let mut settings = None;
    let io = BundleError::file(&sealed.path(LIBRARY));
    for entry in archive.entries().map_err(&io)? {
        let mut entry = entry.map_err(&io)?;
        let path = entry.path().map_err(&io)?.to_string_lossy().into_owned();
        let safe = path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\\');
        if !entry.header().entry_type().is_file() || !safe {
            return Err(bad(format!("`{path}` is no plain file below the archive")));
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(&io)?;
        if path == SETTINGS && settings.is_none() {
            settings = Some(serde_json::from_str(&text).map_err(|error| bad(format!("`{SETTINGS}`: {error}")))?);
        } else if path == SETTINGS || files.get(&path).is_some() {
            return Err(bad(format!("`{path}` is there twice")));
        } else {
            files.insert(path, text);
        }
    }
    let settings = settings.ok_or_else(|| bad(format!("`{SETTINGS}` is missing")))?;
    Ok((files, settings))
}
