//! The sealed files: every byte is what the manifest says, none is missing, none is too many.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Deleted, DeviationKind, Report, Withheld, retention};
use crate::bundle::manifest::{MANIFEST, Manifest, SEAL, hex, is_plain_name, sha256_hex};
use crate::bundle::{BundleError, SealedFiles, VALUES};
use crate::ledger::{RunRef, Tombstones};

/// Reads the manifest and holds it to its form; gives its bytes too.
pub(super) fn manifest(path: &Path, report: &mut Report) -> Option<(Manifest, Vec<u8>)> {
    let sealed = SealedFiles::new(path);
    if !sealed.path(MANIFEST).exists() {
        report.deviate(DeviationKind::Missing, MANIFEST, "the folder has no manifest");
        return None;
    }
    let bytes = match sealed.bytes(MANIFEST) {
        Ok(bytes) => bytes,
        Err(error) => {
            report.deviate(DeviationKind::Malformed, MANIFEST, error.to_string());
            return None;
        }
    };
    report.manifest_sha256 = Some(sha256_hex(&bytes));
    let manifest: Manifest = match serde_json::from_slice(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            report.deviate(DeviationKind::Malformed, MANIFEST, error.to_string());
            return None;
        }
    };
    report.run_id = Some(manifest.predicate.run_id.clone());
    report.files = manifest.subject.len();
    if !manifest.is_ours() {
        report.deviate(DeviationKind::Malformed, MANIFEST, "no statement about a run of this program");
    }
    if manifest.to_bytes().map_or(true, |canonical| canonical != bytes) {
        report.deviate(DeviationKind::Changed, MANIFEST, "not in canonical form (RFC 8785), as it was written");
    }
    Some((manifest, bytes))
}

/// Compares the folder with the manifest; the tombstones of the ledger are not looked at where the bundle is looked at alone.
pub(super) fn files(path: &Path, manifest: &Manifest, alone: bool, report: &mut Report) -> Result<(), BundleError> {
    let mut found = BTreeSet::new();
    walk(path, "", &mut found, report)?;
    let names_by_digest: BTreeMap<&str, &str> =
        manifest.subject.iter().map(|sealed| (sealed.digest.sha256.as_str(), sealed.name.as_str())).collect();
    let links = if alone { Vec::new() } else { retention::tombstones(path, report) };
    let stones = Tombstones::new(&links);
    let run = RunRef { run_id: manifest.predicate.run_id.clone(), manifest_sha256: report.manifest_sha256.clone().unwrap_or_default() };
    // What was handed over by choice is the values alone; any other file that is not there was lost or taken.
    let withholding = found.iter().eq([VALUES]) && manifest.subject.len() > 1;
    let mut named = BTreeSet::new();
    for sealed in &manifest.subject {
        let name = sealed.name.as_str();
        if !named.insert(name) {
            report.deviate(DeviationKind::Malformed, name, "named twice by the manifest");
        } else if !is_plain_name(name) || name == MANIFEST {
            report.deviate(DeviationKind::Malformed, name, "cannot be the name of a sealed file");
        } else if !found.contains(name) && withholding {
            report.withheld.push(Withheld { file: name.to_owned(), deleted: None });
        } else if !found.contains(name) {
            match stones.of(&run, name, &sealed.digest.sha256).map(Deleted::by) {
                Some(deleted) => report.withheld.push(Withheld { file: name.to_owned(), deleted: Some(deleted) }),
                None => report.deviate(DeviationKind::Missing, name, "named by the manifest, and not there"),
            }
        } else {
            file(path, manifest, name, &sealed.digest.sha256, &names_by_digest, report);
        }
    }
    for name in found.iter().filter(|name| !named.contains(name.as_str())) {
        report.deviate(DeviationKind::Added, name, "not named by the manifest");
    }
    if !manifest.subject.is_sorted_by(|a, b| a.name < b.name) {
        report.deviate(DeviationKind::Reordered, MANIFEST, "the sealed files are not listed in order");
    }
    if !manifest.predicate.sizes.keys().map(String::as_str).eq(named.iter().copied()) {
        report.deviate(DeviationKind::Malformed, MANIFEST, "the sizes are not those of the files that it names");
    }
    Ok(())
}

fn file(path: &Path, manifest: &Manifest, name: &str, sealed: &str, names_by_digest: &BTreeMap<&str, &str>, report: &mut Report) {
    let (digest, size) = match digest(&path.join(name)) {
        Ok(measured) => measured,
        Err(error) => {
            report.deviate(DeviationKind::Malformed, name, error.to_string());
            return;
        }
    };
    if digest == sealed {
        if manifest.predicate.sizes.get(name).is_some_and(|known| *known != size) {
            report.deviate(DeviationKind::Malformed, name, format!("has {size} bytes, which is not what the manifest says"));
        }
    } else if let Some(other) = names_by_digest.get(digest.as_str()) {
        report.deviate(DeviationKind::Reordered, name, format!("has the content that was sealed as {other}"));
    } else {
        report.deviate(DeviationKind::Changed, name, format!("sealed as sha256:{sealed}, found sha256:{digest}"));
    }
}

// Every file below the bundle but the manifest and what lies in `seal/`; links lead out of it and are refused.
fn walk(dir: &Path, prefix: &str, found: &mut BTreeSet<String>, report: &mut Report) -> Result<(), BundleError> {
    for entry in fs::read_dir(dir).map_err(BundleError::file(dir))? {
        let entry = entry.map_err(BundleError::file(dir))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(BundleError::file(dir))?;
        if kind.is_dir() {
            if name != SEAL {
                walk(&entry.path(), &format!("{name}/"), found, report)?;
            }
        } else if !kind.is_file() {
            report.deviate(DeviationKind::Added, name, "neither a file nor a folder");
        } else if name != MANIFEST {
            found.insert(name);
        }
    }
    Ok(())
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hex(&digest.finalize()), size));
        }
        digest.update(&buffer[..read]);
        size += read as u64;
    }
}
