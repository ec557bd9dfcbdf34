//! Dumps: every form in which a cluster may be handed over as files, recordings, and files that are broken.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod broken;
#[path = "../../../../tests/support/changes.rs"]
mod changes;
mod forms;
mod hostile;
mod recordings;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proofbook_checks::inventory::{Completeness, Inventory, Reason, Wanted};
use proofbook_checks::mask::{Mask, Step};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use proofbook_sources::collector::Unwatched;
use proofbook_sources::dump::Dump;

/// A folder of the repository's test data.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
        bytes = plain;
    }
    bytes
}

/// The files of the small cluster by resource, and its truth.
fn cluster_files() -> BTreeMap<String, PathBuf> {
    let files = fs::read_dir(data("cluster-small")).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter_map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap();
            let name = name.trim_end_matches(".gz").strip_suffix(".json")?.to_owned();
            Some((name, path))
        })
        .collect()
}

/// The resources of the small cluster.
fn kinds() -> Vec<String> {
    cluster_files().into_keys().filter(|name| name != "truth").collect()
}

/// Fields of the kind that checks read.
fn projection() -> Projection {
    let mut mask = Mask::default();
    for path in
        [&["spec"][..], &["rules"], &["subjects"], &["roleRef"], &["data"], &["metadata", "labels"], &["metadata", "ownerReferences"]]
    {
        mask.add(&path.iter().map(|key| Step::key(key)).collect::<Vec<_>>(), true);
    }
    mask.add(&[Step::key("status")], false);
    let mut projection = Projection { mask: Arc::new(mask), controlled: None };
    projection.add_identity();
    projection
}

fn wanted(names: &[&str]) -> Wanted {
    names.iter().map(|name| (Resource::kubernetes(name), projection())).collect()
}

fn all_wanted() -> Wanted {
    kinds().iter().map(|name| (Resource::kubernetes(name), projection())).collect()
}

fn read(path: &Path, wanted: &Wanted) -> Inventory {
    Dump::open("test", path).unwrap().read(wanted, &Unwatched)
}

/// A folder with these files, read.
fn read_files(files: &[(&str, &[u8])], names: &[&str]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), files);
    read(folder.path(), &wanted(names))
}

fn write_files(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn completeness<'i>(inventory: &'i Inventory, name: &str) -> &'i Completeness {
    inventory.completeness(&Resource::kubernetes(name))
}

fn failure(inventory: &Inventory, name: &str) -> (Reason, String) {
    match completeness(inventory, name) {
        Completeness::Failed { reason, detail } => (*reason, detail.clone()),
        other => panic!("{name}: {other:?}"),
    }
}

/// The names of the objects of a resource that was read in full.
fn names(inventory: &Inventory, name: &str) -> Vec<String> {
    assert_eq!(*completeness(inventory, name), Completeness::Complete, "{name}");
    let text = |object: &Value, key| object.at(&["metadata", key]).and_then(Value::as_str).map(str::to_owned);
    let objects = inventory.objects(&Resource::kubernetes(name)).iter();
    objects.map(|object| [text(object, "namespace"), text(object, "name")].into_iter().flatten().collect::<Vec<_>>().join("/")).collect()
}

/// Everything but where it came from.
fn assert_same(left: &Inventory, right: &Inventory) {
    assert_eq!(left.listings.keys().collect::<Vec<_>>(), right.listings.keys().collect::<Vec<_>>());
    for (resource, listing) in &left.listings {
        let other = &right.listings[resource];
        assert_eq!(listing.completeness, other.completeness, "{resource}");
        assert_eq!(listing.resource_version, other.resource_version, "{resource}");
        assert_eq!(listing.objects, other.objects, "{resource}");
    }
}
