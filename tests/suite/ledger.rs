//! The ledger from the command line: how it stands, what happened to evidence, what is deleted, and that it stays whole whatever
//! happens to a scan.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::moto::Moto;
use crate::support::{AT, Ran, Workspace, data, facts};

fn workspace(more: &Json) -> Workspace {
    let mut settings = json!({"workspace": "w", "facts": facts(), "frameworks": ["soc2-tsc-2017"]});
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    Workspace::with_settings(&settings)
}

fn scan_args(at: &str) -> String {
    format!("scan --dump {} --at {at} --fail-on nothing", data("cluster-small").display())
}

fn scan(workspace: &Workspace, at: &str) -> PathBuf {
    workspace.folder().join(workspace.run(&scan_args(at)).ends_with(0).path())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn custody(workspace: &Workspace) -> Vec<Json> {
    workspace.run("log --custody --limit 0 --format json").ends_with(0).json().as_array().unwrap().iter().rev().cloned().collect()
}

#[track_caller]
fn intact(workspace: &Workspace) -> Json {
    let report = workspace.run("verify --ledger --format json").ends_with(0).json();
    assert_eq!(report["deviations"], json!([]), "{report}");
    report
}

const LATER: &str = "2026-11-02T00:00:00Z";

#[test]
fn status_tells_what_counts_until_when() {
    let need = json!({
        "id": "restore-test", "control": "restore-test", "statement": "I restored it.", "role": "Head of operations", "person_ref": "p",
        "signed_at": "2026-10-01T00:00:00Z", "expires_at": "2026-11-20T00:00:00Z",
        "evidence": [{"file": "protocol.md", "sha256": "0".repeat(64), "description": "Protocol"}],
    });
    let workspace = workspace(&json!({}));
    workspace.write("ws/attestations/restore-test.yaml", need.to_string());
    let _ = workspace.run("status").ends_with(3);
    let _ = workspace.run(&format!("{} --check pss-enforced", scan_args(AT))).ends_with(0);
    let partial = workspace.run("status --format json").ends_with(3).json();
    assert!(partial[0]["state"].is_null() && partial[0]["head"].is_object(), "{partial}");
    let bundle = scan(&workspace, AT);
    let status = |at: &str| {
        let ran = workspace.run(&format!("status --at {at} --format json"));
        (ran.code, ran.json()[0].clone())
    };
    let (code, now) = status(AT);
    let state = &now["state"];
    assert_eq!(state["run_id"], bundle.file_name().unwrap().to_str().unwrap());
    assert_eq!((code, &state["stale"], &state["age_seconds"]), (1, &json!([]), &json!(0)), "the drifted cluster does not hold");
    assert_eq!(now["head"]["manifest_sha256"], sha256(&fs::read(bundle.join("manifest.json")).unwrap()).as_str());
    assert!(state["controls"]["fail"].as_u64().unwrap() > 0 && state["frameworks"]["soc2-tsc-2017"].is_object());
    let upcoming = state["upcoming"].as_array().unwrap();
    assert_eq!(upcoming[0]["at"], "2026-11-02T00:00:00Z");
    assert!(upcoming.windows(2).all(|two| two[0]["at"].as_str() < two[1]["at"].as_str()));
    // To the second: what counts until then counts no more from then on.
    assert_eq!(status("2026-11-01T23:59:59Z").1["state"]["stale"], json!([]));
    let (_, later) = status(LATER);
    let stale = later["state"]["stale"].as_array().unwrap();
    assert_eq!(stale.len(), upcoming[0]["ids"].as_array().unwrap().len());
    assert!(stale.iter().all(|passed| passed["last"] != "fail" && passed["since"] == LATER));
    assert!(later["state"]["controls"]["stale"].as_u64().unwrap() > 0);
    // The same statuses as everything that is printed at that time.
    let _ = workspace.run(&format!("export --format oscal-ar --at {LATER} --out ar.json")).ends_with(0);
    // A statement is brought to mind 30, 14 and 7 days before, and once it has run out.
    for (at, mark) in [
        ("2026-10-21T00:00:00Z", json!(30)),
        ("2026-11-06T00:00:00Z", json!(14)),
        ("2026-11-19T00:00:00Z", json!(7)),
        ("2026-11-20T00:00:00Z", json!(0)),
        ("2026-10-20T00:00:00Z", Json::Null),
    ] {
        assert_eq!(status(at).1["state"]["reminders"][0]["mark"], mark, "{at}");
    }
    let text = workspace.run(&format!("status --at {LATER}")).ends_with(1).stdout;
    assert!(text.contains("stale  ") && text.contains("statement") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn what_was_switched_off_is_told() {
    let workspace = workspace(&json!({"checks": {"netpol-default-deny": {"enabled": false}}}));
    scan(&workspace, AT);
    let state = workspace.run(&format!("status --at {AT} --format json")).ends_with(1).json()[0]["state"].clone();
    assert_eq!(state["switched_off"], json!(["netpol-default-deny"]), "{state}");
    let unseen = state["not_looked_at"].as_array().unwrap();
    assert!(!unseen.is_empty() && unseen.len() as u64 <= state["controls"]["skipped"].as_u64().unwrap(), "{state}");
    let text = workspace.run(&format!("status --at {AT}")).ends_with(1).stdout;
    assert!(
        text.contains("SWITCHED OFF ") && text.contains("not looked at") && text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let printed = workspace.run("explain netpol-default-deny --format json").ends_with(0).json();
    assert_eq!(printed["newest"]["reason"], "switched-off", "{printed}");
}

#[test]
fn windows_come_from_the_level_in_scope_and_from_the_workspace() {
    let state = |more: Json, at: &str| {
        let workspace = workspace(&more);
        scan(&workspace, AT);
        workspace.run(&format!("status --at {at} --format json")).json()[0]["state"].clone()
    };
    let level = |level: &str| json!({"frameworks": [{"id": "fedramp-20x", "level": level}]});
    let stale = |state: &Json| state["stale"].as_array().unwrap().len();
    // A level that allows more than the usual day makes no result last longer: other frameworks rest on it too.
    for more in [json!({}), level("class-c"), level("class-b")] {
        assert_eq!(stale(&state(more.clone(), "2026-11-01T23:59:59Z")), 0, "{more}");
        assert!(stale(&state(more.clone(), LATER)) > 10, "{more}");
    }
    // A control may have its own window.
    let own = json!({"freshness": {"network-isolation": "12 hours"}});
    let names = |state: &Json| state["stale"].as_array().unwrap().iter().map(|passed| passed["id"].clone()).collect::<Vec<_>>();
    assert!(names(&state(own.clone(), "2026-11-01T12:00:00Z")).iter().all(|id| id == "network-isolation"));
    let workspace = workspace(
        &json!({"freshness": {"encryption-in-transit": "5 days", "nothing": "1 day"}, "frameworks": [{"id": "fedramp-20x", "level": "class-c"}]}),
    );
    let _ =
        workspace.run(&scan_args(AT)).ends_with(2).without_result().says(&["72 hours", "unknown control `nothing`", "proofbook.yaml:1"]);
}

#[test]
fn the_log_tells_runs_and_custody() {
    let workspace = workspace(&json!({}));
    let first = scan(&workspace, AT);
    let second = scan(&workspace, LATER);
    let _ = workspace.run(&format!("{} --check pss-enforced", scan_args("2026-11-03T00:00:00Z"))).ends_with(0);
    let log = workspace.run("log --format json").ends_with(0).json();
    let full: Vec<bool> = log.as_array().unwrap().iter().map(|run| run["full"].as_bool().unwrap()).collect();
    assert_eq!(full, [false, true, true]);
    assert_eq!(log[1]["run_id"], second.file_name().unwrap().to_str().unwrap());
    assert!(log[1]["verdicts"]["pass"].as_u64().unwrap() > 100 && log[1]["carries_signature"] == false && log[1]["semantics"].is_u64());
    assert_eq!(workspace.run("log --limit 1 --format json").ends_with(0).json().as_array().unwrap().len(), 1);
    // A run is named by its id, or by how it begins, as long as that names one.
    assert_eq!(workspace.run("verify 20261101 --format json").ends_with(0).json()["run_id"], first.file_name().unwrap().to_str().unwrap());
    let _ = workspace.run("verify 20251101").ends_with(2).says(&["holds no run `20251101`"]);
    let _ = workspace.run("verify 202611").ends_with(2);
    let text = workspace.run("log").ends_with(0).stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80) && text.contains("partial") && text.contains("unsigned"), "{text}");

    let handed = "--to Assessor --purpose audit";
    let _ = workspace.run(&format!("export --format sarif --at {LATER} --out handed.sarif {handed}")).ends_with(0);
    let printed = workspace.run(&format!("export --format sarif --at {LATER}")).ends_with(0).stdout;
    let _ = workspace.run(&format!("build --out out --at {LATER} {handed}")).ends_with(0);
    let events = custody(&workspace);
    let kinds: Vec<&str> = events.iter().map(|link| link["event"]["type"].as_str().unwrap()).collect();
    let scanned = ["collected", "sealed"];
    let expected = [&scanned[..], &scanned, &["superseded"], &scanned, &["exported", "exported", "published"]].concat();
    assert_eq!(kinds, expected);
    assert_eq!(events[4]["event"]["run_id"], first.file_name().unwrap().to_str().unwrap());
    let bytes = fs::read(workspace.path("handed.sarif")).unwrap();
    let event = &events[7]["event"];
    assert_eq!((&event["to"], &event["purpose"], &event["file"]["name"]), (&json!("Assessor"), &json!("audit"), &json!("handed.sarif")));
    assert_eq!(
        (event["file"]["sha256"].as_str().unwrap(), event["file"]["size"].as_u64().unwrap()),
        (sha256(&bytes).as_str(), bytes.len() as u64)
    );
    let kept = workspace.path("ws/evidence/w/default").join(event["kept"].as_str().unwrap());
    assert_eq!(fs::read(&kept).unwrap(), bytes);
    assert!(printed.as_bytes() == bytes && events[8]["event"]["file"]["name"] == "sarif" && events[8]["event"]["to"].is_null());
    let files = events[9]["event"]["files"].as_array().unwrap();
    for file in files {
        let bytes = fs::read(workspace.path("out/customer").join(file["name"].as_str().unwrap())).unwrap();
        assert_eq!(file["sha256"], sha256(&bytes).as_str());
    }
    assert!(files.len() > 1);
    intact(&workspace);

    // The list for a certification: name, digest and algorithm of every artifact, and the digest of the list.
    let _ = workspace.run("log --custody --artifact-manifest list --to Assessor").ends_with(0);
    let list = fs::read_to_string(workspace.path("list/artifact-manifest.csv")).unwrap();
    assert!(list.starts_with("artifact,hash,algorithm") && list.contains(&format!("handed.sarif,{},SHA-256", sha256(&bytes))), "{list}");
    assert_eq!(list.lines().count(), 2 + files.len());
    let check =
        Command::new("sha256sum").args(["-c", "artifact-manifest.csv.sha256"]).current_dir(workspace.path("list")).output().unwrap();
    assert!(check.status.success(), "{check:?}");
    let _ =
        workspace.run("log --custody --artifact-manifest none --to Nobody").ends_with(2).says(&["nothing was handed over yet to Nobody"]);
    fs::remove_file(&kept).unwrap();
    let _ = workspace.run("log --custody --artifact-manifest list").ends_with(2).says(&["handed.sarif", "gone", "no tombstone"]);
    fs::write(&kept, "other").unwrap();
    let _ = workspace.run("log --custody --artifact-manifest list").ends_with(2).says(&["handed.sarif"]);
    let report = workspace.run("verify --ledger").ends_with(1).stdout;
    assert!(report.contains("DEVIATION  exports: "), "{report}");

    // A bundle that came from elsewhere is not of this ledger's custody.
    fs::create_dir(workspace.path("moved")).unwrap();
    let copied = Command::new("cp").args(["-r".as_ref(), second.as_os_str(), workspace.path("moved").as_os_str()]).status().unwrap();
    assert!(copied.success());
    let before = custody(&workspace).len();
    let other = Workspace::with_settings(&json!({"workspace": "other", "facts": facts()}));
    let moved = workspace.path("moved").join(second.file_name().unwrap());
    let _ = other.run(&format!("export --format sarif --bundle {}", moved.display())).ends_with(0);
    assert!(!other.path("ws/evidence").exists() && custody(&workspace).len() == before);
}

#[test]
fn a_digest_is_enough_where_the_workspace_says_so() {
    let workspace = workspace(&json!({"retention": {"export_bytes": "digest", "observations": "30 days"}}));
    scan(&workspace, AT);
    let _ = workspace.run("export --format sarif --out a.sarif").ends_with(0);
    assert!(custody(&workspace).last().unwrap()["event"]["kept"].is_null());
    assert!(!workspace.path("ws/evidence/w/default/exports").exists());
    intact(&workspace);
    for (wrong, says) in [(json!({"observations": "a while"}), "is no period"), (json!({"raw": "1 day"}), "unknown field")] {
        let workspace = self::workspace(&json!({"retention": wrong}));
        let _ = workspace.run("gc --dry-run").ends_with(2).says(&[says]);
    }
}

#[test]
fn gc_deletes_by_retention_alone() {
    let workspace = workspace(&json!({}));
    // As old as can be: the real clock decides what is deleted.
    let old = scan(&workspace, "2020-01-01T00:00:00Z");
    let new = scan(&workspace, "2020-01-02T00:00:00Z");
    let verified = |bundle: &PathBuf| workspace.bare(["verify".as_ref(), bundle.as_os_str(), "--format".as_ref(), "json".as_ref()]);
    let dry = workspace.run("gc --dry-run --format json --at 2021-02-01T00:00:00Z").ends_with(0).json();
    assert_eq!((dry["removals"].as_array().unwrap().len(), &dry["removals"][0]["class"]), (1, &json!("observations")), "{dry}");
    assert_eq!(verified(&old).ends_with(0).json()["replayed"], true);
    let _ = workspace.run("gc --at 2999-01-01T00:00:00Z").ends_with(2).says(&["--dry-run"]);
    let ran = workspace.run("gc --at 2021-02-01T00:00:00Z").ends_with(0);
    assert!(ran.stdout.contains("observations") && ran.stderr.contains("manifests and seals stay"), "{ran:?}");
    let report = verified(&old).ends_with(0).json();
    assert!(report["withheld"].as_array().unwrap().len() > 20 && report["replayed"] == false, "{report}");
    let text = workspace.bare(["verify".as_ref(), old.as_os_str()]).ends_with(0).stdout;
    assert!(text.contains("withheld   retention: observations are kept for 13 months") && text.contains("tombstone 1"), "{text}");
    assert_eq!(verified(&new).ends_with(0).json()["replayed"], true);
    let _ = workspace.run(&format!("export --format sarif --bundle {}", old.display())).ends_with(2).without_result().says(&["13 months"]);
    assert_eq!(custody(&workspace).last().unwrap()["event"]["type"], "deleted");
    assert_eq!(intact(&workspace)["tombstones"], 1);
    assert_eq!(workspace.run("gc --at 2021-02-01T00:00:00Z --format json").ends_with(0).json()["removals"], json!([]));
}

/// A program that is killed after a while, or ends by itself.
fn killed_after(workspace: &Workspace, args: &str, while_: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_proofbook"))
        .args(args.split_whitespace().chain(["-C", "ws", "--quiet"]))
        .current_dir(workspace.folder())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(while_);
    let killed = child.kill().is_ok() && !child.wait().unwrap().success();
    drop(child);
    killed
}

#[test]
fn a_scan_that_is_killed_at_any_moment_leaves_a_whole_ledger() {
    let workspace = workspace(&json!({}));
    let begun = Instant::now();
    scan(&workspace, AT);
    let whole = begun.elapsed();
    let mut runs = 1;
    for seed in 0..14_u64 {
        // Spread over the whole run, and denser at its end, where the run gets its place in the chain.
        let share = if seed % 2 == 0 { 50 + 60 * (seed * 37 % 14) / 14 } else { 85 + 25 * (seed * 23 % 14) / 14 };
        let at = format!("2026-11-02T00:00:{seed:02}Z");
        killed_after(&workspace, &scan_args(&at), whole * u32::try_from(share).unwrap() / 100);
        let log = workspace.run("log --limit 0 --format json").ends_with(0).json();
        let now = log.as_array().unwrap().len();
        assert!(now == runs || now == runs + 1, "{now} runs after {runs}");
        runs = now;
        let report = intact(&workspace);
        assert_eq!(report["head"]["run_id"], log[0]["run_id"]);
    }
    let _ = workspace.run("verify").ends_with(0);
    scan(&workspace, "2026-11-03T00:00:00Z");
    assert_eq!(intact(&workspace)["runs"], json!(runs + 1));
}

#[test]
fn two_scans_at_once_are_chained() {
    let workspace = workspace(&json!({}));
    std::thread::scope(|scope| {
        for second in 0..3 {
            let workspace = &workspace;
            scope.spawn(move || scan(workspace, &format!("2026-11-01T00:00:0{second}Z")));
        }
    });
    let report = intact(&workspace);
    assert_eq!((&report["runs"], &report["custody"]), (&json!(3), &json!(3 + 3 + 2)));
}

fn at_s3(moto: &Moto, ledger: &Json) -> Workspace {
    let mut place =
        json!({"url": "s3://bucket/evidence", "endpoint": moto.url(), "region": "eu-central-1", "timeout_seconds": 2, "retry_seconds": 4});
    for (key, value) in ledger.as_object().unwrap() {
        place[key] = value.clone();
    }
    workspace(&json!({"environments": {"prod": {"ledger": place}}}))
}

fn run(workspace: &Workspace, args: &str) -> Ran {
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "very-secret-key")];
    let output = workspace.program().envs(keys).args(args.split_whitespace().chain(["-C", "ws"])).output().unwrap();
    crate::support::held(&output)
}

#[test]
fn every_command_takes_its_bundle_from_object_storage() {
    let moto = Moto::start();
    let (one, other) = (at_s3(&moto, &json!({})), at_s3(&moto, &json!({})));
    let _ = run(&one, "status").ends_with(3);
    let path = run(&one, &scan_args(AT)).ends_with(0).path();
    assert!(path.starts_with("ws/evidence/.cache/w/prod"), "{}", path.display());
    assert_eq!(run(&one, &scan_args(LATER)).ends_with(0).stdout.lines().count(), 1);
    // Another machine has the same ledger.
    assert_eq!(run(&other, "log --format json").ends_with(0).json().as_array().unwrap().len(), 2);
    assert_eq!(run(&other, "verify --format json").ends_with(0).json()["replayed"], true);
    let _ = run(&other, &format!("status --at {LATER}")).ends_with(1);
    assert_eq!(run(&other, "verify 20261101 --format json").ends_with(0).json()["replayed"], true);
    let _ = run(&other, &format!("export --format sarif --at {LATER} --out a.sarif --to Assessor")).ends_with(0);
    let _ = run(&other, &format!("build --out out --at {LATER}")).ends_with(0);
    let _ = run(&other, "soa").ends_with(2);
    // A signature that is made at one machine is there at the other, whose copy of the bundle is older.
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(one.path("key.pem")).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let made = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(one.path("key.pem")).output().unwrap();
    let der = Command::new("openssl").args(["pkey", "-outform", "DER", "-pubout", "-in"]).arg(one.path("key.pem")).output().unwrap();
    let trusted = json!({"keys": [{
        "id": sha256(&der.stdout), "owner": "Test team", "public_key": String::from_utf8(made.stdout).unwrap(),
        "not_before": "2026-01-01T00:00:00Z", "not_after": "2126-01-01T00:00:00Z",
    }]});
    other.write("trust.yaml", trusted.to_string());
    let signed = "verify --require-signature --trust trust.yaml --format json";
    assert_eq!(run(&other, "log --limit 1 --format json").ends_with(0).json()[0]["carries_signature"], false);
    assert_eq!(run(&other, signed).ends_with(1).json()["deviations"][0]["kind"], "unsigned");
    let _ = run(&one, "sign --key key.pem").ends_with(0);
    assert_eq!(run(&other, "log --limit 1 --format json").ends_with(0).json()[0]["carries_signature"], true);
    let text = run(&other, "log --limit 1").ends_with(0).stdout;
    assert!(text.contains("carries a signature, not checked") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(run(&other, signed).ends_with(0).json()["signatures"][0]["state"], "valid");
    let events = run(&one, "log --custody --format json").ends_with(0).json();
    assert_eq!((&events[0]["event"]["type"], &events[1]["event"]["type"]), (&json!("published"), &json!("exported")));
    let kept = events[1]["event"]["kept"].as_str().unwrap();
    assert!(moto.names().iter().any(|name| name.ends_with(kept)));
    let report = run(&one, "verify --ledger --format json").ends_with(0).json();
    assert_eq!((&report["runs"], &report["custody"], &report["deviations"]), (&json!(2), &json!(7), &json!([])), "{report}");
    let gone = run(&one, "gc --dry-run --at 2040-01-01T00:00:00Z --format json").ends_with(0).json();
    assert!(
        gone["removals"]
            .as_array()
            .unwrap()
            .iter()
            .all(|removal| removal["class"] == "exports" || removal["run_id"] != report["head"]["run_id"])
    );
}

#[test]
fn storage_that_cannot_be_reached_is_no_empty_ledger() {
    let moto = Moto::start();
    let workspace = at_s3(&moto, &json!({"url": "s3://nowhere/evidence"}));
    for args in [scan_args(AT).as_str(), "status", "log", "verify --ledger", "build", "gc"] {
        let ran = run(&workspace, args);
        assert_eq!(ran.code, 3, "{args}: {ran:?}");
        let ran = ran.without_result().says(&["s3://nowhere/evidence"]);
        assert!(!ran.stderr.contains("very-secret-key"), "{ran:?}");
    }
    for (url, says) in [("s3://", "expected s3://bucket/prefix"), ("ftp://a/b", "expected s3://bucket/prefix")] {
        let workspace = at_s3(&moto, &json!({"url": url}));
        let _ = run(&workspace, "log").ends_with(2).says(&[says]);
    }
    let wrong = at_s3(&moto, &json!({"colour": "red"}));
    let _ = run(&wrong, "log").ends_with(2).says(&["colour"]);
}

#[test]
fn a_ledger_may_be_a_folder_elsewhere() {
    let workspace = workspace(&json!({"environments": {"prod": {"ledger": "../elsewhere"}}}));
    scan(&workspace, AT);
    assert!(workspace.path("elsewhere/w/prod/runs.ndjson").is_file() && !workspace.path("ws/evidence").exists());
    let _ = workspace.run("verify").ends_with(0);
}
