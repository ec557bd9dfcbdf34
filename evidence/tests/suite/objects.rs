//! The ledger in object storage, at moto's S3, and behind a server that fails in the ways that networks and storages do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use proofbook_evidence::bundle::BundleError;
use proofbook_evidence::ledger::{
    Custody, Ledger, LedgerError, Lock, ObjectSettings, Objects, Period, PeriodUnit, Retention, RetentionClass, Tombstone, TombstonedFile,
};
use proofbook_evidence::verify;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::front::{Front, Reply, Request};
use crate::moto::{Moto, ask};
use crate::platform::{Platform, contents};

/// A machine that writes to the ledger: it has a cache of its own.
struct Machine {
    cache: TempDir,
    ledger: Ledger,
}

impl Machine {
    fn new(endpoint: &str) -> Self {
        Self::with(endpoint, None)
    }

    fn with(endpoint: &str, lock: Option<Lock>) -> Self {
        Self::with_cache(endpoint, lock, tempfile::tempdir().unwrap())
    }

    fn with_cache(endpoint: &str, lock: Option<Lock>, cache: TempDir) -> Self {
        let options = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let settings = ObjectSettings {
            url: "s3://bucket/evidence/made/prod/".to_owned(),
            options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            endpoint: Some(endpoint.to_owned()),
            region: Some("eu-central-1".to_owned()),
            lock,
            timeout: Duration::from_secs(2),
            retry_for: Duration::from_secs(20),
        };
        let objects = Objects::open(&settings, Arc::new(Runtime::new().unwrap())).unwrap();
        Self { ledger: Ledger::remote(objects, cache.path()), cache }
    }

    fn try_seal(&self, at: &str) -> Result<PathBuf, BundleError> {
        Platform::new().at(at).try_seal_in(&self.ledger, &mut |_| {}).map(|sealed| sealed.path)
    }

    fn seal(&self, at: &str) -> PathBuf {
        self.try_seal(at).unwrap_or_else(|error| panic!("{error}"))
    }

    fn chain(&self) -> Vec<String> {
        self.ledger.records(None).unwrap().into_iter().map(|record| record.run_id).collect()
    }

    /// The newest full run as another machine sees it: from the storage alone.
    fn newest(&self) -> PathBuf {
        self.ledger.newest_full().unwrap().unwrap()
    }

    #[track_caller]
    fn intact(&self) {
        let report = self.ledger.check().unwrap();
        assert!(report.is_intact(), "{report}");
    }
}

const DAYS: [&str; 4] = ["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z", "2026-06-04T00:00:00Z"];

#[test]
fn runs_in_object_storage_are_those_of_a_folder() {
    let moto = Moto::start();
    let (one, other) = (Machine::new(&moto.url()), Machine::new(&moto.url()));
    assert!(one.ledger.last().unwrap().is_none() && one.ledger.newest_full().unwrap().is_none());
    let first = one.seal(DAYS[0]);
    let second = other.seal(DAYS[1]);
    let partial = Platform { only: Some("ns-quota"), ..Platform::new().at(DAYS[2]) };
    partial.try_seal_in(&one.ledger, &mut |_| {}).unwrap();

    // The same runs, sealed into a folder, have the same bytes and the same records.
    let folder = tempfile::tempdir().unwrap();
    Platform::new().at(DAYS[0]).seal(folder.path());
    let sealed = Platform::new().at(DAYS[1]).seal(folder.path());
    partial.seal(folder.path());
    let local = Ledger::open(folder.path()).unwrap();
    assert_eq!(local.records(None).unwrap(), other.ledger.records(None).unwrap());
    assert_eq!(local.records(Some(2)).unwrap(), other.ledger.records(Some(2)).unwrap());
    assert!(contents(&sealed.path) == contents(&second));

    let third = Machine::new(&moto.url());
    let newest = third.newest();
    assert!(contents(&newest) == contents(&second));
    assert!(verify::verify(&newest).unwrap().is_intact());
    assert_eq!(third.ledger.head().unwrap().unwrap().manifest.predicate.previous.unwrap(), sealed.manifest_sha256);
    // An equal run adds nothing, wherever it ran.
    let again = other.ledger.records(None).unwrap().len();
    partial.try_seal_in(&third.ledger, &mut |_| {}).unwrap();
    assert_eq!(third.chain().len(), again);
    third.intact();
    assert_eq!(third.ledger.runs().unwrap().len(), 3);
    assert!(first.starts_with(one.cache.path()));
}

#[test]
fn writers_at_several_machines_do_not_fork() {
    let moto = Moto::start();
    let machines: Vec<Machine> = (0..4).map(|_| Machine::new(&moto.url())).collect();
    thread::scope(|scope| {
        for (at, machine) in machines.iter().enumerate() {
            scope.spawn(move || {
                for second in 0..3 {
                    machine.seal(&format!("2026-06-01T00:0{at}:0{second}Z"));
                    let event = Custody::Attested { attestation: format!("{at}-{second}"), sha256: String::new() };
                    machine.ledger.custody().append(DAYS[0].parse().unwrap(), "me", event).unwrap();
                }
            });
        }
    });
    let report = machines[0].ledger.check().unwrap();
    assert!(report.is_intact() && report.runs == 12 && report.custody == 12, "{report}");
    let chain = machines[0].chain();
    assert!(machines.iter().all(|machine| machine.chain() == chain));
}

/// The requests for which a front fails, and how often each has come.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<(String, String), usize>>);

impl Seen {
    fn times(&self, request: &Request) -> usize {
        let mut seen = self.0.lock().unwrap();
        let count = seen.entry((request.method.clone(), request.target.clone())).or_default();
        *count += 1;
        *count
    }
}

#[test]
fn storage_that_fails_for_a_moment_is_asked_again() {
    let moto = Moto::start();
    let seen = Seen::default();
    // Every request fails the first time: with an error of the server, no answer, or a closed connection.
    let front = Front::start(moto.port, move |request| match (seen.times(request), request.target.len() % 8) {
        (1, 0) => Reply::Silence,
        (1, 1 | 2) => Reply::Close,
        (1, 3) => Reply::error(503, "SlowDown"),
        (1, _) => Reply::error(500, "InternalError"),
        _ => Reply::Forward,
    });
    let machine = Machine::new(&front.url);
    machine.seal(DAYS[0]);
    machine.seal(DAYS[1]);
    let sound = Machine::new(&moto.url());
    assert_eq!(sound.chain().len(), 2);
    sound.intact();
    assert!(verify::verify(&Machine::new(&front.url).newest()).unwrap().is_intact());
}

#[test]
fn a_record_whose_answer_was_lost_is_looked_up() {
    let moto = Moto::start();
    let (port, lost) = (moto.port, AtomicUsize::new(0));
    let front = Front::start(moto.port, move |request| {
        if request.method == "PUT" && request.target.contains("/runs/") && lost.fetch_add(1, Ordering::SeqCst) == 0 {
            assert_eq!(request.header("if-none-match"), "*");
            assert_eq!(ask(port, "PUT", &request.target, &[("if-none-match", "*")], request.body.as_bytes()).0, 200);
            return Reply::Close;
        }
        Reply::Forward
    });
    let machine = Machine::new(&front.url);
    machine.seal(DAYS[0]);
    assert_eq!(machine.chain().len(), 1, "the run was sealed twice, or not at all");
    machine.intact();
}

#[test]
fn permission_that_is_lost_leaves_the_last_state_readable() {
    let moto = Moto::start();
    let sound = Machine::new(&moto.url());
    sound.seal(DAYS[0]);
    let front = Front::start(moto.port, |request| match request.method.as_str() {
        "PUT" | "POST" | "DELETE" => Reply::error(403, "AccessDenied"),
        _ => Reply::Forward,
    });
    let machine = Machine::new(&front.url);
    let error = machine.try_seal(DAYS[1]).unwrap_err();
    let BundleError::Ledger(error) = error else { panic!("{error}") };
    assert!(error.could_not_look() && error.to_string().contains("s3://bucket/evidence/made/prod"), "{error}");
    assert!(verify::verify(&machine.newest()).unwrap().is_intact());
    let keys: Vec<String> = moto.names();
    assert_eq!(keys.iter().filter(|name| name.ends_with("manifest.json")).count(), 1);
    // Without any right, nothing is known, and that is no empty ledger.
    let front = Front::start(moto.port, |_| Reply::error(403, "AccessDenied"));
    assert!(matches!(Machine::new(&front.url).ledger.last().unwrap_err(), LedgerError::Object { .. }));
}

#[test]
fn an_upload_that_breaks_off_is_no_run() {
    let moto = Moto::start();
    let sound = Machine::new(&moto.url());
    let first = sound.seal(DAYS[0]);
    // The connection is gone for good after so many objects.
    for after in [1, 5, 9] {
        let puts = AtomicUsize::new(0);
        let front = Front::start(moto.port, move |request| {
            let gone = request.method == "PUT" && puts.fetch_add(1, Ordering::SeqCst) >= after;
            if gone { Reply::error(403, "AccessDenied") } else { Reply::Forward }
        });
        assert!(Machine::new(&front.url).try_seal(DAYS[1]).is_err());
        assert_eq!(Machine::new(&moto.url()).newest().file_name(), first.file_name());
    }
    let report = sound.ledger.check().unwrap();
    assert!(report.is_intact() && report.notes.iter().any(|note| note.contains("no part of the chain")), "{report}");
    sound.seal(DAYS[1]);
    assert_eq!(sound.chain().len(), 2);
    sound.intact();
}

#[test]
fn objects_with_other_bytes_are_never_taken_for_evidence() {
    let moto = Moto::start();
    let machine = Machine::new(&moto.url());
    let sealed = machine.seal(DAYS[0]);
    let run_id = sealed.file_name().unwrap().to_str().unwrap();
    let object = |name: &str| format!("evidence/made/prod/{run_id}/{name}");
    for name in ["assessment.json", "manifest.json"] {
        let bytes = std::fs::read(sealed.join(name)).unwrap();
        for torn in [&bytes[..bytes.len() / 2], &[&bytes[..], b" "].concat()] {
            moto.put(&object(name), torn);
            let other = Machine::new(&moto.url());
            let error = other.ledger.newest_full().unwrap_err();
            assert!(matches!(error, LedgerError::Entry { .. }) && error.to_string().contains("sha256:"), "{error}");
            assert!(!other.cache.path().join(run_id).join(run_id).exists(), "what is torn stays in the cache");
            let report = other.ledger.check().unwrap();
            assert!(!report.is_intact(), "{report}");
        }
        moto.put(&object(name), &bytes);
    }
    // A file that is gone, and a record that is not the one of its place.
    ask(moto.port, "DELETE", &format!("/bucket/{}", object("values.ndjson")), &[], b"");
    assert!(Machine::new(&moto.url()).ledger.newest_full().is_err());
    let report = machine.ledger.check().unwrap();
    assert!(report.deviations.iter().any(|found| found.detail.contains("values.ndjson is gone")), "{report}");
    moto.put(&object("values.ndjson"), &std::fs::read(sealed.join("values.ndjson")).unwrap());
    machine.intact();
    let record = moto.names().into_iter().find(|name| name.contains("/runs/")).unwrap();
    let (_, answer) = ask(moto.port, "GET", &format!("/bucket/{record}"), &[], b"");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    moto.put(&record, body.replace("\"position\":1", "\"position\":7").as_bytes());
    assert!(machine.ledger.last().unwrap_err().to_string().contains("another position"));
}

/// Everything below a folder, as paths.
fn below(dir: &std::path::Path) -> Vec<String> {
    contents(dir).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn names_in_storage_lead_to_no_other_place_on_this_machine() {
    let moto = Moto::start();
    let machine = Machine::new(&moto.url());
    let sealed = machine.seal(DAYS[0]);
    let run_id = sealed.file_name().unwrap().to_str().unwrap().to_owned();
    let object = |name: &str| format!("evidence/made/prod/{run_id}/{name}");
    let record = moto.names().into_iter().find(|name| name.contains("/runs/")).unwrap();
    let (_, answer) = ask(moto.port, "GET", &format!("/bucket/{record}"), &[], b"");
    let recorded = answer.split("\r\n\r\n").nth(1).unwrap().to_owned();
    // Each machine has its cache in a folder of its own, beside something that is not its business.
    let hostile = |says: &str| {
        let around = tempfile::tempdir().unwrap();
        let machine = Machine::with_cache(&moto.url(), None, tempfile::tempdir_in(around.path()).unwrap());
        for victim in [around.path().join("victim/mine"), machine.cache.path().join("victim")] {
            std::fs::create_dir_all(victim.parent().unwrap()).unwrap();
            std::fs::write(victim, "mine").unwrap();
        }
        let error = machine.ledger.newest_full().unwrap_err();
        assert!(matches!(error, LedgerError::Entry { .. }) && error.to_string().contains(says), "{error}");
        let left = below(around.path());
        assert_eq!(left.iter().filter(|name| name.contains("victim")).count(), 2, "{left:?}");
        assert!(left.iter().all(|name| !name.contains("evil")), "{left:?}");
    };
    // A record of a run that is called like a way out.
    for name in ["..", "../victim", "/tmp/victim", "victim"] {
        moto.put(&record, recorded.replace(&run_id, name).as_bytes());
        hostile("no id of a run");
    }
    // A manifest, with a record that fits it, that seals a file somewhere else.
    let manifest = std::fs::read_to_string(sealed.join("manifest.json")).unwrap();
    let digest = |text: &str| proofbook_evidence::bundle::manifest::sha256_hex(text.as_bytes());
    for name in ["../../../evil", "/tmp/evil", "../../victim", ".evil", "manifest.json"] {
        let forged = manifest.replacen("\"values.ndjson\"", &format!("\"{name}\""), 2);
        moto.put(&object("manifest.json"), forged.as_bytes());
        moto.put(&record, recorded.replace(&digest(&manifest), &digest(&forged)).as_bytes());
        hostile("cannot be the name of a sealed file");
    }
    moto.put(&object("manifest.json"), manifest.as_bytes());
    moto.put(&record, recorded.as_bytes());
    // A tombstone of something that is no part of a bundle.
    let stone = Tombstone {
        run_id: run_id.clone(),
        manifest_sha256: digest(&manifest),
        class: RetentionClass::Records,
        reason: "r".to_owned(),
        since: DAYS[0].parse().unwrap(),
        files: vec![TombstonedFile { name: "../../victim".to_owned(), sha256: "0".repeat(64) }],
    };
    machine.ledger.tombstones().append(DAYS[1].parse().unwrap(), "me", stone).unwrap();
    hostile("no name of a file that is deleted");
    for name in moto.names().iter().filter(|name| name.contains("/tombstones/")) {
        ask(moto.port, "DELETE", &format!("/bucket/{name}"), &[], b"");
    }
    // A file in the seal that is no name of a file.
    moto.put(&object("seal/.evil"), b"x");
    hostile("no name of a file of a seal");
    ask(moto.port, "DELETE", &format!("/bucket/{}", object("seal/.evil")), &[], b"");
    assert!(verify::verify(&Machine::new(&moto.url()).newest()).unwrap().is_intact());
}

#[test]
fn a_seal_that_was_made_anew_takes_the_place_of_the_old_one() {
    let moto = Moto::start();
    let one = Machine::new(&moto.url());
    let sealed = one.seal(DAYS[0]);
    let run = one.ledger.newest_full_run().unwrap().unwrap();
    let id = "0a".repeat(32);
    let [envelope, request, answer] = [".dsse.json", ".tsq", ".tsr"].map(|ending| format!("{id}{ending}"));
    let write = |path: &std::path::Path, name: &str, text: &str| {
        std::fs::create_dir_all(path.join("seal")).unwrap();
        std::fs::write(path.join("seal").join(name), text).unwrap();
    };
    for name in [&envelope, &request, &answer, &".timestamp.tsr.new".to_owned()] {
        write(&sealed, name, "old");
    }
    one.ledger.share_seal(&run.run_id, &sealed).unwrap();
    let other = Machine::new(&moto.url());
    let fetched = other.newest();
    assert_eq!(below(&fetched.join("seal")), [&*envelope, &request, &answer], "what was not finished stays where it is");
    // Somebody else's signature that this machine has not seen stays.
    let theirs = format!("{}.dsse.json", "0b".repeat(32));
    write(&fetched, &theirs, "theirs");
    other.ledger.share_seal(&run.run_id, &fetched).unwrap();
    // Signed anew: the stamp over the old envelope is over nothing any more, here and there.
    write(&sealed, &envelope, "new");
    for name in [&request, &answer] {
        std::fs::remove_file(sealed.join("seal").join(name)).unwrap();
    }
    one.ledger.share_seal(&run.run_id, &sealed).unwrap();
    let mut left = one.ledger.seal_names(&run.run_id).unwrap();
    left.sort();
    assert_eq!(left, [envelope.clone(), theirs.clone()]);
    let fetched = other.newest();
    assert_eq!(below(&fetched.join("seal")), [envelope.clone(), theirs]);
    assert_eq!(std::fs::read_to_string(fetched.join("seal").join(&envelope)).unwrap(), "new");
    // Where storage cannot be written to, the seal was not shared, and that is told.
    let front = Front::start(moto.port, |request| match request.method.as_str() {
        "PUT" | "POST" | "DELETE" => Reply::error(403, "AccessDenied"),
        _ => Reply::Forward,
    });
    let refused = Machine::new(&front.url);
    let path = refused.newest();
    write(&path, "timestamp.tsq", "x");
    assert!(refused.ledger.share_seal(&run.run_id, &path).unwrap_err().could_not_look());
}

#[test]
fn storage_that_ignores_conditions_is_refused() {
    let moto = Moto::start();
    let port = moto.port;
    let front = Front::start(moto.port, move |request| {
        if request.method == "PUT" && !request.header("if-none-match").is_empty() {
            assert_eq!(ask(port, "PUT", &request.target, &[], request.body.as_bytes()).0, 200);
            return Reply::Answer(200, vec![("etag", "\"0\"".to_owned())], String::new());
        }
        Reply::Forward
    });
    let error = Machine::new(&front.url).try_seal(DAYS[0]).unwrap_err();
    assert!(error.to_string().contains("If-None-Match"), "{error}");
    assert!(moto.names().iter().all(|name| !name.contains("manifest.json")));
}

#[test]
fn every_object_gets_the_lock_that_was_asked_for() {
    let moto = Moto::start();
    let headers = [("x-amz-bucket-object-lock-enabled", "true")];
    ask(moto.port, "DELETE", "/bucket", &[], b"");
    assert_eq!(ask(moto.port, "PUT", "/bucket", &headers, b"").0, 200);
    let lock = Lock { mode: "COMPLIANCE".to_owned(), until: "2999-01-01T00:00:00Z".to_owned() };
    let machine = Machine::with(&moto.url(), Some(lock));
    machine.seal(DAYS[0]);
    let names = moto.names();
    assert!(names.iter().any(|name| name.contains("/runs/")) && names.len() > 8, "{names:?}");
    for name in names {
        let (status, body) = ask(moto.port, "GET", &format!("/bucket/{name}?retention"), &[], b"");
        assert!(status == 200 && body.contains("COMPLIANCE") && body.contains("2999-01-01"), "{name}: {body}");
    }
    machine.intact();
}

#[test]
fn retention_in_object_storage_leaves_a_tombstone() {
    let moto = Moto::start();
    let machine = Machine::new(&moto.url());
    let old = machine.seal(DAYS[0]);
    machine.seal(DAYS[1]);
    let reader = Machine::new(&moto.url());
    let run = reader.ledger.records(None).unwrap().remove(0).run();
    assert!(verify::verify(&reader.ledger.fetch(&run).unwrap()).unwrap().replayed);
    let retention = Retention { observations: Period { count: 30, unit: PeriodUnit::Days }, ..Retention::default() };
    let now = "2026-07-15T00:00:00Z".parse().unwrap();
    let plan = machine.ledger.remove_passed(&retention, now, now, "keeper").unwrap();
    assert!(plan.removals.len() == 1 && plan.removals[0].run == run, "{plan:?}");
    assert!(!old.join("observations/listings.ndjson.zst").exists(), "the cache keeps what was to be deleted");
    assert!(moto.names().iter().all(|name| !name.contains(&format!("{}/observations", run.run_id))));
    // The copy that another machine fetched before goes with the next look.
    for machine in [reader, Machine::new(&moto.url())] {
        let report = verify::verify(&machine.ledger.fetch(&run).unwrap()).unwrap();
        assert!(
            report.is_intact()
                && !report.replayed
                && report.withheld.iter().all(|one| one.deleted.as_ref().is_some_and(|deleted| deleted.tombstone == 1)),
            "{report}"
        );
        assert!(!report.withheld.is_empty());
    }
    machine.intact();
    assert!(verify::verify(&machine.newest()).unwrap().replayed);
}

#[test]
fn places_are_told_from_typing_errors() {
    let open = |url: &str, lock: Option<Lock>| {
        let settings = ObjectSettings {
            url: url.to_owned(),
            options: vec![
                ("AZURE_STORAGE_ACCOUNT_NAME".to_owned(), "a".to_owned()),
                ("AZURE_STORAGE_ACCOUNT_KEY".to_owned(), "a2V5".to_owned()),
                ("GOOGLE_SKIP_SIGNATURE".to_owned(), "true".to_owned()),
            ],
            endpoint: None,
            region: None,
            lock,
            timeout: Duration::from_secs(1),
            retry_for: Duration::from_secs(1),
        };
        Objects::open(&settings, Arc::new(Runtime::new().unwrap())).map(|objects| objects.url().to_owned())
    };
    for url in ["s3://bucket/prefix", "gs://bucket/prefix", "az://container/prefix", "s3://bucket"] {
        assert_eq!(open(url, None).unwrap(), url);
    }
    for url in ["s3:bucket", "s3://", "ftp://bucket/prefix", "https://bucket/prefix"] {
        assert!(matches!(open(url, None).unwrap_err(), LedgerError::Place { .. }), "{url}");
    }
    let lock = Lock { mode: "COMPLIANCE".to_owned(), until: DAYS[0].to_owned() };
    assert!(open("gs://bucket/prefix", Some(lock)).unwrap_err().to_string().contains("retention policy"));
}
