//! The sealed library: what decided, as a tar archive that anybody can open.

use std::io::Read;

use proofbook_checks::settings::Settings;
use proofbook_controls::CheckId;
use proofbook_controls::files::Files;
use serde::{Deserialize, Serialize};

use super::BundleError;
use super::read::Sealed;
use super::staging::Staging;

pub(crate) const LIBRARY: &str = "library.tar.zst";
const SETTINGS: &str = "settings.json";
// A library of a thousand checks has a few megabytes.
const MAX_ENTRY: u64 = 16 * 1024 * 1024;
const MAX_ENTRIES: usize = 100_000;

/// What the checks were asked, besides the files of the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedSettings {
    /// The workspace's settings.
    pub(crate) settings: Settings,
    /// The checks that ran.
    pub(crate) selection: Vec<CheckId>,
}

pub(crate) fn write(staging: &mut Staging, files: &Files, settings: &SealedSettings) -> Result<(), BundleError> {
    let settings = serde_json_canonicalizer::to_vec(settings)?;
    staging.write_zst(LIBRARY, |out| {
        let mut archive = tar::Builder::new(out);
        archive.mode(tar::HeaderMode::Deterministic);
        let mut add = |path: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            archive.append_data(&mut header, path, bytes).map_err(BundleError::Write)
        };
        files.iter().try_for_each(|(path, text)| add(path, text.as_bytes()))?;
        add(SETTINGS, &settings)?;
        archive.finish().map_err(BundleError::Write)
    })
}

/// Reads the archive into memory; nothing is unpacked to disk.
pub(crate) fn read(sealed: &Sealed) -> Result<(Files, SealedSettings), BundleError> {
    let bad = |detail: String| BundleError::Malformed { file: LIBRARY.to_owned(), detail };
    let mut archive = tar::Archive::new(sealed.lines(LIBRARY)?);
    let mut files = Files::default();
    let mut settings = None;
    let io = BundleError::file(&sealed.path(LIBRARY));
    for (count, entry) in archive.entries().map_err(&io)?.enumerate() {
        let mut entry = entry.map_err(&io)?;
        let path = entry.path().map_err(&io)?.to_string_lossy().into_owned();
        let safe = !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !entry.header().entry_type().is_file() || !safe {
            return Err(bad(format!("`{path}` is no plain file below the archive")));
        }
        if entry.size() > MAX_ENTRY || count >= MAX_ENTRIES {
            return Err(bad(format!("`{path}` is beyond what a library holds")));
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(&io)?;
        if path == SETTINGS {
            settings = Some(serde_json::from_str(&text)?);
        } else {
            files.insert(path, text);
        }
    }
    let settings = settings.ok_or_else(|| bad(format!("`{SETTINGS}` is missing")))?;
    Ok((files, settings))
}
