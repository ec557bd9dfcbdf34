//! Recordings: an inventory written as files, and read back as it was.
//!
//! A recording holds what a scan kept, not what the cluster sent: projected objects, one a line, and beside them which
//! fields were kept of each resource. A check that reads more than that finds an error, never an absent field.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proofbook_checks::inventory::{Completeness, Inventory, Listing, Reason, Wanted};
use proofbook_checks::mask::Mask;
use proofbook_checks::project::Projection;
use proofbook_checks::resource::{Resource, Source};
use proofbook_checks::value::Value;
use serde::{Deserialize, Serialize};

use super::files::DumpFile;
use super::{DumpError, RECORDING};

/// What stands beside the objects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recording {
    /// When it was collected, RFC 3339.
    pub collected_at: String,
    /// The resources by `source/name`.
    pub resources: BTreeMap<String, Recorded>,
}

/// One resource as it was recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recorded {
    completeness: Completeness,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_version: Option<String>,
    objects: usize,
    projection: Projection,
}

/// Why a recording cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the recording {}: {cause}", path.display())]
pub struct RecordError {
    /// What was to be written.
    pub path: PathBuf,
    /// Why it could not.
    pub cause: io::Error,
}

/// Writes an inventory as a dump into the new folder `folder`, which appears only when all of it is written.
///
/// # Errors
/// When the folder holds something already, or cannot be written.
pub fn record(inventory: &Inventory, wanted: &Wanted, collected_at: &str, folder: &Path) -> Result<(), RecordError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |cause| RecordError { path, cause }
    };
    match fs::remove_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::DirectoryNotEmpty => {
            let cause = io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty; name a new one");
            return Err(RecordError { path: folder.to_owned(), cause });
        }
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(RecordError { path: folder.to_owned(), cause }),
        _ => {}
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(folder.file_name().unwrap_or(folder.as_os_str()));
    name.push(".partial");
    let partial = folder.with_file_name(name);
    let written = write_all(inventory, wanted, collected_at, &partial);
    let published = written.and_then(|()| fs::rename(&partial, folder).map_err(fault(folder)));
    if published.is_err() {
        // What is left of a failed attempt is of no use; the fault that is reported is the first one.
        drop(fs::remove_dir_all(&partial));
    }
    published
}

fn write_all(inventory: &Inventory, wanted: &Wanted, collected_at: &str, folder: &Path) -> Result<(), RecordError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |cause| RecordError { path, cause }
    };
    let mut recording = Recording { collected_at: collected_at.to_owned(), ..Recording::default() };
    for (resource, listing) in &inventory.listings {
        recording.resources.insert(
            resource.to_string(),
            Recorded {
                completeness: listing.completeness.clone(),
                resource_version: listing.resource_version.clone(),
                objects: listing.objects.len(),
                projection: wanted.get(resource).cloned().unwrap_or_default(),
            },
        );
        if listing.completeness == Completeness::Complete {
            let path = folder.join(file_of(resource));
            write_objects(&listing.objects, &path).map_err(fault(&path))?;
        }
    }
    let path = folder.join(RECORDING);
    let mut text = serde_json::to_vec_pretty(&recording).map_err(|cause| RecordError { path: path.clone(), cause: cause.into() })?;
    text.push(b'\n');
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(fault(&path))
}

fn write_objects(objects: &[Value], path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = BufWriter::new(File::create(path)?);
    for object in objects {
        serde_json::to_writer(&mut file, object)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

fn file_of(resource: &Resource) -> String {
    format!("{}/{}.ndjson", resource.source, resource.name)
}

impl Recording {
    /// Reads what stands beside the objects of a folder, if it is a recording.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, DumpError> {
        let path = folder.join(RECORDING);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(DumpError::unreadable(&path, cause)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|cause| DumpError::Description { path, cause: cause.to_string() })
    }

    /// The listing of a resource as far as `projection` asks for it; the objects come from `objects`.
    pub(super) fn listing(&self, resource: &Resource, projection: &Projection, objects: Result<Vec<Value>, String>) -> Listing {
        let Some(recorded) = self.resources.get(&resource.to_string()) else {
            return Listing::without_objects(Completeness::NotCollected);
        };
        if recorded.completeness != Completeness::Complete {
            return Listing::without_objects(recorded.completeness.clone());
        }
        if !covers(&recorded.projection, projection) {
            let detail = "the recording holds fewer fields of it than the checks read; record again with these checks selected";
            return Listing::failed(Reason::NotCollected, detail);
        }
        match objects {
            Ok(objects) if objects.len() == recorded.objects => Listing {
                completeness: Completeness::Complete,
                objects: objects.iter().map(|object| projection.remask(object)).collect(),
                resource_version: recorded.resource_version.clone(),
            },
            Ok(objects) => {
                let detail = format!("{}: {} of {} objects are there", file_of(resource), objects.len(), recorded.objects);
                Listing::failed(Reason::IncompleteList, detail)
            }
            Err(trouble) => Listing::failed(Reason::ParseError, format!("{}: {trouble}", file_of(resource))),
        }
    }

    /// Whether it holds resources of a source.
    pub(super) fn holds(&self, source: Source) -> bool {
        let prefix = format!("{source}/");
        self.resources.keys().any(|name| name.starts_with(&prefix))
    }
}

/// The wanted resource that a file of a recording holds.
pub(super) fn resource_of<'w>(file: &DumpFile, wanted: &'w Wanted) -> Option<&'w Resource> {
    wanted.keys().find(|resource| file_of(resource) == file.name)
}

/// Reads observations, one a line.
pub(super) fn read_objects(file: impl io::Read) -> Result<Vec<Value>, String> {
    let mut objects = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|cause| super::unreadable(&cause))?;
        let object = serde_json::from_str(&line).map_err(|_| format!("not an observation (line {})", number + 1))?;
        objects.push(object);
    }
    Ok(objects)
}

// Whether an object projected by `have` holds all that one projected by `want` would.
fn covers(have: &Projection, want: &Projection) -> bool {
    let controlled = |projection: &Projection| Arc::clone(projection.controlled.as_ref().unwrap_or(&projection.mask));
    mask_covers(&have.mask, &want.mask) && mask_covers(&controlled(have), &controlled(want))
}

fn mask_covers(have: &Mask, want: &Mask) -> bool {
    let revealed = want.reveal.iter().all(|name| have.reveal.contains(name));
    if !revealed || (want.whole && !have.whole) {
        return false;
    }
    // Below a whole node everything is kept, and what is revealed is what that node reveals.
    let below = |key: Option<&str>| {
        let named = key.map_or(have.each.as_ref(), |key| have.child(key)).map(AsRef::as_ref);
        if have.whole { Some(have) } else { named }
    };
    want.each.as_ref().is_none_or(|each| below(None).is_some_and(|have| mask_covers(have, each)))
        && want.keys.iter().all(|(key, mask)| below(Some(key)).is_some_and(|have| mask_covers(have, mask)))
}
