//! Recordings: what a scan wrote reads back as it was, and never as more than it was.

use std::fs;
use std::sync::Arc;

use proofbook_checks::inventory::{Completeness, Inventory, Listing, Reason, Wanted};
use proofbook_checks::mask::{Mask, Step};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_sources::collector::Unwatched;
use proofbook_sources::dump::{Dump, record};

use super::{all_wanted, assert_same, completeness, data, failure, names, projection, read};

const AT: &str = "2026-06-01T00:00:00Z";

/// The small cluster with listings in every state.
fn inventory(wanted: &mut Wanted) -> Inventory {
    let mut inventory = read(&data("cluster-small"), wanted);
    for (name, listing) in [
        ("absent.example", Listing { resource_version: Some("7".to_owned()), ..Listing::without_objects(Completeness::Complete) }),
        ("backups.velero.io", Listing::without_objects(Completeness::NotServed)),
        ("others.example", Listing::without_objects(Completeness::NotCollected)),
        ("podtemplates", Listing::failed(Reason::Throttled, "429 (5 times)")),
    ] {
        wanted.insert(Resource::kubernetes(name), projection());
        inventory.listings.insert(Resource::kubernetes(name), listing);
    }
    inventory
}

fn only(names: &[&str], mask: Mask) -> Wanted {
    let mut projection = Projection { mask: Arc::new(mask), controlled: None };
    projection.add_identity();
    names.iter().map(|name| (Resource::kubernetes(name), projection.clone())).collect()
}

#[test]
fn what_was_written_reads_back_the_same() {
    let mut wanted = all_wanted();
    let before = inventory(&mut wanted);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/recording");
    fs::create_dir(folder.path().join("new")).unwrap();
    record(&before, &wanted, AT, &path).unwrap();
    let dump = Dump::open("test", &path).unwrap();
    assert_eq!(dump.collected_at(), Some(AT));
    let after = dump.read(&wanted, &Unwatched);
    assert_same(&after, &before);
    assert!(after.requests.iter().all(|request| request.status == "read"));
    assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1, "nothing else may be left");
    // The same scan writes the same bytes.
    let again = folder.path().join("again");
    record(&after, &wanted, AT, &again).unwrap();
    for name in ["recording.json", "kubernetes/pods.ndjson"] {
        assert_eq!(fs::read(path.join(name)).unwrap(), fs::read(again.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn no_secret_is_written() {
    let mut wanted = all_wanted();
    let before = inventory(&mut wanted);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    record(&before, &wanted, AT, &path).unwrap();
    for entry in fs::read_dir(path.join("kubernetes")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        // The generator marks the credentials that it plants; Secret data is redacted as UkVEQUNURUQ=.
        assert!(!text.contains("EXAMPLE") && !text.contains("UkVEQUNURUQ"), "{text}");
    }
    assert!(fs::read_to_string(path.join("kubernetes/secrets.ndjson")).unwrap().contains("\"length\""));
}

#[test]
fn a_recording_answers_for_fewer_fields_but_never_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut some = Mask::default();
    some.add(&[Step::key("spec"), Step::key("containers"), Step::Each, Step::key("image")], true);
    some.add(&[Step::key("spec"), Step::key("hostNetwork")], true);
    let recorded = only(&["pods"], some);
    record(&read(&data("cluster-small"), &recorded), &recorded, AT, &path).unwrap();

    let mut fewer = Mask::default();
    fewer.add(&[Step::key("spec"), Step::key("containers"), Step::Each, Step::key("image")], true);
    let fewer = only(&["pods"], fewer);
    assert_same(&read(&path, &fewer), &read(&data("cluster-small"), &fewer));

    let mut more = Mask::default();
    more.add(&[Step::key("spec"), Step::key("hostPID")], true);
    let mut whole = Mask::default();
    whole.add(&[Step::key("spec"), Step::key("containers")], true);
    let mut revealing = Mask::default();
    revealing.add(&[Step::key("spec"), Step::key("containers"), Step::Each, Step::key("image")], true);
    revealing.reveal(&[Step::key("spec"), Step::key("containers")], "--retention");
    for mask in [more, whole, revealing] {
        let (why, detail) = failure(&read(&path, &only(&["pods"], mask)), "pods");
        assert_eq!(why, Reason::NotCollected);
        assert!(detail.contains("fewer fields"), "{detail}");
    }
    assert_eq!(*completeness(&read(&path, &only(&["nodes"], Mask::all())), "nodes"), Completeness::NotCollected);
}

#[test]
fn a_damaged_recording_is_no_shorter_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let wanted = all_wanted();
    record(&read(&data("cluster-small"), &wanted), &wanted, AT, &path).unwrap();
    let pods = path.join("kubernetes/pods.ndjson");
    let text = fs::read_to_string(&pods).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&pods, lines[1..].join("\n")).unwrap();
    fs::write(path.join("kubernetes/nodes.ndjson"), "{\n").unwrap();
    fs::remove_file(path.join("kubernetes/services.ndjson")).unwrap();
    let inventory = read(&path, &wanted);
    assert_eq!(failure(&inventory, "pods").0, Reason::IncompleteList);
    assert!(failure(&inventory, "nodes").1.contains("not an observation (line 1)"));
    assert!(failure(&inventory, "services").1.contains("is not there"));
    assert!(!names(&inventory, "deployments.apps").is_empty());
    fs::write(path.join("recording.json"), "{").unwrap();
    assert!(Dump::open("test", &path).unwrap_err().to_string().contains("recording.json"));
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "x").unwrap();
    let fault = record(&Inventory::default(), &Wanted::new(), AT, folder.path()).unwrap_err().to_string();
    assert!(fault.contains("not empty") && fault.contains(folder.path().to_str().unwrap()), "{fault}");
    let fault = record(&Inventory::default(), &Wanted::new(), AT, &folder.path().join("mine/x")).unwrap_err().to_string();
    assert!(fault.contains("mine"), "{fault}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
