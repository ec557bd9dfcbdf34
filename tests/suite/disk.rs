//! Disks that are full or not to be written to: the command says so, and the last good state stays.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::contents::files_below;
use crate::support::{AT, Workspace, data, facts, skipped};

fn workspace() -> Workspace {
    // One framework, so that two builds fit a small disk.
    Workspace::with_settings(&json!({"workspace": "w", "facts": facts(), "frameworks": ["soc2-tsc-2017"]}))
}

fn scan(at: &str) -> String {
    format!("scan --dump {} --at {at} --fail-on nothing", data("cluster-small").display())
}

const LATER: &str = "2026-11-02T00:00:00Z";

#[test]
fn a_ledger_that_cannot_be_written() {
    let workspace = workspace();
    // A file where the folder should be: it stops an administrator too.
    workspace.write("ws/evidence", "");
    let ran = workspace.run(&scan(AT));
    assert!(ran.code >= 2, "{ran:?}");
    let _ = ran.without_result().says(&["ws/evidence"]);

    std::fs::remove_file(workspace.path("ws/evidence")).unwrap();
    let first = workspace.run(&scan(AT)).ends_with(0).path();
    std::fs::create_dir(workspace.path("ws/evidence/w/default/.staging-1")).unwrap();
    workspace.write("ws/evidence/w/default/.staging-1/manifest.json", "{");
    // What a killed process left is never read, and goes with the next run.
    assert!(workspace.run("verify").ends_with(0).stdout.contains(&first.display().to_string()));
    let second = workspace.run(&scan(LATER)).ends_with(0).path();
    assert!(!workspace.path("ws/evidence/w/default/.staging-1").exists());
    let _ = workspace.run(&format!("verify {}", second.display())).ends_with(0);
}

#[test]
fn files_that_cannot_be_written() {
    let workspace = workspace();
    for (args, says) in
        [("--findings nowhere/f.ndjson", "nowhere/f.ndjson"), ("--findings ws", "ws"), ("--record ws/proofbook.yaml", "ws/proofbook.yaml")]
    {
        let _ = workspace.run(&format!("{} {args}", scan(AT))).ends_with(2).without_result().says(&[says]);
    }
    let _ = workspace.run(&scan(AT)).ends_with(0);
    workspace.write("taken", "a file");
    for (args, says) in [
        ("build --out taken".to_owned(), "taken"),
        ("export --format sarif --out ws".to_owned(), "ws"),
        ("export --format sarif --out nowhere/x".to_owned(), "nowhere/x"),
        ("schema --out taken".to_owned(), "taken"),
    ] {
        let _ = workspace.run(&args).ends_with(2).without_result().says(&[says]);
    }
    assert_eq!(std::fs::read_to_string(workspace.path("taken")).unwrap(), "a file");
}

#[test]
fn a_full_disk_under_stdout_and_findings() {
    if !Path::new("/dev/full").exists() {
        skipped("a full disk under stdout", "there is no /dev/full");
        return;
    }
    let workspace = workspace();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for args in [&["checks", "list"][..], &["frameworks", "show", "iso27001-2022", "--format", "json"], &["schema", "check"], &["rbac"]] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_proofbook"));
        let output =
            program.current_dir(workspace.folder()).args(args).args(["-C", "ws"]).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains("No space left"), "{args:?}: {output:?}");
    }
    let _ = workspace.run(&format!("{} --findings /dev/full", scan(AT))).ends_with(2).without_result().says(&["No space left"]);
    let _ = workspace.run("verify").ends_with(0);
}

#[test]
fn a_full_disk_leaves_the_last_build() {
    let workspace = workspace();
    let out = workspace.path("out");
    let Some(_disk) = SmallDisk::mount(&out, "48m") else {
        skipped("a full disk under what is built", "mounting a small file system needs an administrator");
        return;
    };
    let _ = workspace.run(&scan(AT)).ends_with(0);
    let _ = workspace.run(&format!("build --out out --at {AT}")).ends_with(0);
    let before = files_below(&out);
    let mut filler = std::fs::File::create(out.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let _ = workspace.run(&format!("build --out out --at {LATER}")).ends_with(2).without_result().says(&["No space left"]);
    drop(filler);
    std::fs::remove_file(out.join("filler")).unwrap();
    let customer =
        |files: Vec<(String, Vec<u8>)>| files.into_iter().filter(|(name, _)| name.contains("/out/customer/")).collect::<Vec<_>>();
    assert!(customer(files_below(&out)) == before, "what was built before has changed");
    let _ = workspace.run(&format!("build --out out --at {LATER}")).ends_with(0);
    assert!(!out.join("customer.new").exists() && !out.join("customer.old").exists());
}

/// A small disk of its own, given back at the end.
struct SmallDisk<'p>(&'p Path);

impl<'p> SmallDisk<'p> {
    fn mount(at: &'p Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0).status());
    }
}

#[test]
fn a_full_disk_leaves_the_last_good_state() {
    let workspace = workspace();
    let evidence = workspace.path("ws/evidence");
    let Some(_disk) = SmallDisk::mount(&evidence, "4m") else {
        skipped("a full disk under the ledger", "mounting a small file system needs an administrator");
        return;
    };
    let first = workspace.run(&scan(AT)).ends_with(0).path();
    let filler = evidence.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    for free in [0, 2, 8] {
        file.set_len(std::fs::metadata(&filler).unwrap().len().saturating_sub(free * 4096)).unwrap();
        let ran = workspace.run(&scan(LATER));
        assert!(ran.code >= 2, "{free}: {ran:?}");
        let _ = ran.without_result().says(&["No space left"]);
        let runs = std::fs::read_dir(evidence.join("w/default")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let runs: Vec<String> = runs.filter(|name| name.starts_with("20")).collect();
        assert_eq!(runs, [first.file_name().unwrap().to_str().unwrap()]);
        let _ = workspace.run(&format!("verify {}", first.display())).ends_with(0);
    }
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    let second = workspace.run(&scan(LATER)).ends_with(0).path();
    let _ = workspace.run(&format!("verify {}", second.display())).ends_with(0);
}

#[test]
fn a_ledger_that_may_only_be_read_can_be_published_from() {
    let workspace = workspace();
    let evidence = workspace.path("ws/evidence");
    let Some(_disk) = SmallDisk::mount(&evidence, "8m") else {
        skipped("a ledger that may only be read", "mounting a small file system needs an administrator");
        return;
    };
    let first = workspace.run(&scan(AT)).ends_with(0).path();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&evidence).status().unwrap();
    assert!(remounted.success());
    let ran = workspace.run(&scan(LATER));
    assert!(ran.code >= 2, "{ran:?}");
    let _ = ran.without_result().says(&["Read-only file system"]);
    let _ = workspace.run("verify --ledger").ends_with(0);
    assert!(workspace.run("log").ends_with(0).stdout.contains(first.file_name().unwrap().to_str().unwrap()));
    let told = "the custody log was not written";
    let _ = workspace.run(&format!("export --format sarif --at {AT} --out a.sarif")).ends_with(0).says(&[told, "the bytes are not kept"]);
    let _ = workspace.run(&format!("build --out out --at {AT}")).ends_with(0).says(&[told]);
    let _ = workspace.run("gc").ends_with(2).says(&["Read-only file system"]);
}
