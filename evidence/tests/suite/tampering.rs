//! Every change to a sealed bundle is found and named.

use std::fs;
use std::path::{Path, PathBuf};

use proofbook_evidence::bundle::Bundle;
use proofbook_evidence::verify::{self, Deviation, DeviationKind};

use crate::platform::{Platform, contents, edit, manifest, one_run, reseal, write_manifest};

fn deviations(bundle: &Path) -> Vec<Deviation> {
    verify::verify(bundle).unwrap().deviations
}

#[track_caller]
fn found(bundle: &Path, kind: DeviationKind, file: &str) -> String {
    let all = deviations(bundle);
    let hit = all.iter().find(|deviation| deviation.kind == kind && deviation.file == file);
    hit.unwrap_or_else(|| panic!("no {kind:?} of {file} in {all:#?}")).detail.clone()
}

fn two_runs() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (ledger, first) = one_run();
    let second = Platform::new().at("2026-06-02T00:00:00Z").seal(ledger.path()).path;
    (ledger, first, second)
}

#[test]
fn any_changed_byte_is_found() {
    let (ledger, _, path) = two_runs();
    // Alone, without the run before it: the bundle must find it by itself.
    let alone = ledger.path().join("elsewhere").join(path.file_name().unwrap());
    fs::create_dir(alone.parent().unwrap()).unwrap();
    fs::rename(&path, &alone).unwrap();
    assert!(verify::integrity(&alone).unwrap().is_intact());
    for (name, bytes) in contents(&alone) {
        let file = alone.join(&name);
        // Every byte of the manifest and of small files, a sample of the larger ones.
        let step = if name == "manifest.json" || bytes.len() < 1500 { 1 } else { 7 };
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << (at % 8);
            fs::write(&file, &changed).unwrap();
            let report = verify::integrity(&alone).unwrap();
            // A change of the manifest that hits a file's name or digest is told of that file.
            let named = name == "manifest.json" || report.deviations.iter().any(|deviation| deviation.file == name);
            assert!(!report.is_intact() && named, "{name} at {at}: {report}");
        }
        fs::write(&file, &bytes).unwrap();
    }
    assert!(verify::verify(&alone).unwrap().is_intact());
}

#[test]
fn files_that_are_missing_added_cut_or_swapped_are_named() {
    let (_ledger, path) = one_run();
    let originals = contents(&path);
    for (name, bytes) in &originals {
        let file = path.join(name);
        fs::remove_file(&file).unwrap();
        found(&path, DeviationKind::Missing, name);
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&file, &bytes[..cut]).unwrap();
            assert!(deviations(&path).iter().any(|deviation| deviation.file == *name), "{name} cut to {cut}");
        }
        fs::write(&file, [bytes.as_ref(), b"\n"].concat()).unwrap();
        assert!(deviations(&path).iter().any(|deviation| deviation.file == *name), "{name} made longer");
        fs::write(&file, bytes).unwrap();
    }
    for extra in ["extra.json", ".hidden", "observations/kubernetes/secrets.ndjson.zst", "seal.json", "observations/seal"] {
        fs::write(path.join(extra), "x").unwrap();
        found(&path, DeviationKind::Added, extra);
        fs::remove_file(path.join(extra)).unwrap();
    }
    let (a, b) = ("observations/kubernetes/namespaces.ndjson.zst", "observations/kubernetes/resourcequotas.ndjson.zst");
    fs::rename(path.join(a), path.join("swap")).unwrap();
    fs::rename(path.join(b), path.join(a)).unwrap();
    fs::rename(path.join("swap"), path.join(b)).unwrap();
    assert!(found(&path, DeviationKind::Reordered, a).contains(b));
    assert!(found(&path, DeviationKind::Reordered, b).contains(a));
}

#[cfg(unix)]
#[test]
fn links_are_no_sealed_files() {
    let (ledger, path) = one_run();
    let outside = ledger.path().join("values.ndjson");
    fs::rename(path.join("values.ndjson"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, path.join("values.ndjson")).unwrap();
    found(&path, DeviationKind::Missing, "values.ndjson");
    found(&path, DeviationKind::Added, "values.ndjson");
}

#[test]
fn a_manifest_in_another_order_is_named() {
    let (_ledger, path) = one_run();
    let mut forged = manifest(&path);
    forged.subject.swap(0, 1);
    let path = write_manifest(&path, forged);
    found(&path, DeviationKind::Reordered, "manifest.json");
}

#[test]
fn a_manifest_cannot_name_files_outside_the_bundle() {
    let (ledger, path) = one_run();
    fs::write(ledger.path().join("secret"), "s").unwrap();
    let mut forged = manifest(&path);
    forged.subject[0].name = "../secret".to_owned();
    let path = write_manifest(&path, forged);
    found(&path, DeviationKind::Malformed, "../secret");
}

#[test]
fn an_older_bundle_in_the_place_of_a_newer_one_is_named() {
    let (_ledger, first, second) = two_runs();
    fs::remove_dir_all(&second).unwrap();
    fs::rename(&first, &second).unwrap();
    found(&second, DeviationKind::Chain, "manifest.json");
}

#[test]
fn a_run_that_was_taken_out_is_missed_by_the_next_one() {
    let (ledger, first, second) = two_runs();
    Platform::new().at("2026-06-03T00:00:00Z").seal(ledger.path());
    fs::remove_dir_all(&second).unwrap();
    let third = fs::read_dir(ledger.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("20260603T"))
        .unwrap();
    found(&third, DeviationKind::Chain, "manifest.json");
    assert!(found(&first, DeviationKind::Chain, "manifest.json").contains("20260603T"));
}

#[test]
fn a_run_beside_it_that_cannot_be_read_is_not_called_not_at_hand() {
    let (_ledger, first, second) = two_runs();
    let manifest = first.join("manifest.json");
    fs::write(&manifest, "{}").unwrap();
    assert!(found(&second, DeviationKind::Chain, "manifest.json").contains("cannot be read"));
    fs::remove_file(&manifest).unwrap();
    assert!(found(&second, DeviationKind::Chain, "manifest.json").contains("cannot be read"));
}

#[test]
fn a_run_that_was_sealed_anew_does_not_fit_the_chain() {
    let (ledger, first, _) = two_runs();
    let third = Platform::new().at("2026-06-03T00:00:00Z").seal(ledger.path()).path;
    let mut forged = manifest(&first);
    forged.predicate.tool_version = "9.9.9".to_owned();
    let first = write_manifest(&first, forged);
    found(&first, DeviationKind::Chain, "manifest.json");
    assert!(verify::verify(&third).unwrap().is_intact(), "its own link holds");
}

#[test]
fn a_verdict_that_was_changed_and_sealed_anew_is_decided_otherwise() {
    let (_ledger, path) = one_run();
    edit(&path, "findings.ndjson.zst", |text| text.replacen(r#""verdict":"fail""#, r#""verdict":"pass""#, 1));
    let path = reseal(&path);
    let detail = found(&path, DeviationKind::Replay, "findings.ndjson.zst");
    assert!(detail.contains("sealed pass of Namespace/b by ns-owner; decided fail"), "{detail}");
}

#[test]
fn findings_that_were_left_out_added_or_reordered_are_named() {
    let lines = |text: &str| text.lines().map(|line| format!("{line}\n")).collect::<Vec<_>>();
    let (_ledger, path) = one_run();
    edit(&path, "findings.ndjson.zst", |text| lines(text)[1..].concat());
    let path = reseal(&path);
    found(&path, DeviationKind::Replay, "findings.ndjson.zst");

    let (_ledger, path) = one_run();
    edit(&path, "findings.ndjson.zst", |text| [lines(text).concat(), lines(text)[0].clone()].concat());
    let path = reseal(&path);
    assert!(found(&path, DeviationKind::Replay, "findings.ndjson.zst").contains("not decided again"));

    let (_ledger, path) = one_run();
    edit(&path, "findings.ndjson.zst", |text| {
        let mut all = lines(text);
        all.swap(0, 2);
        all.concat()
    });
    let path = reseal(&path);
    found(&path, DeviationKind::Reordered, "findings.ndjson.zst");
    let report = verify::verify(&path).unwrap();
    assert!(report.replayed && !report.replay_equal && report.to_string().contains("NOT ALL EQUAL"), "{report}");
}

#[test]
fn assessment_and_values_that_were_changed_and_sealed_anew_are_named() {
    let (_ledger, path) = one_run();
    for (file, from, to) in
        [("assessment.json", r#""status":"fail""#, r#""status":"pass""#), ("values.ndjson", r#"["ann",2]"#, r#"["ann",3]"#)]
    {
        let text = fs::read_to_string(path.join(file)).unwrap();
        fs::write(path.join(file), text.replacen(from, to, 1)).unwrap();
    }
    let path = reseal(&path);
    assert!(found(&path, DeviationKind::Replay, "assessment.json").contains("check ns-owner"));
    found(&path, DeviationKind::Replay, "values.ndjson");
}

#[test]
fn observations_and_rules_that_were_changed_and_sealed_anew_decide_otherwise() {
    let (_ledger, path) = one_run();
    edit(&path, "observations/kubernetes/namespaces.ndjson.zst", |text| {
        text.replacen(r#""tenant":"y""#, r#""owner":"bob","tenant":"y""#, 1)
    });
    found(&reseal(&path), DeviationKind::Replay, "findings.ndjson.zst");

    let (_ledger, path) = one_run();
    // One more object than was counted.
    edit(&path, "observations/kubernetes/namespaces.ndjson.zst", |text| format!("{text}{text}"));
    found(&reseal(&path), DeviationKind::Malformed, "replay");

    let (_ledger, path) = one_run();
    edit(&path, "library.tar.zst", |text| text.replacen("verdict: fail, message: 'nobody", "verdict: pass, message: 'nobody", 1));
    found(&reseal(&path), DeviationKind::Replay, "findings.ndjson.zst");

    let (_ledger, path) = one_run();
    // A listing that was refused, made to look empty and complete.
    edit(&path, "observations/listings.ndjson.zst", |text| {
        text.replacen(r#"{"state":"failed","reason":"not-permitted","detail":"403 for pods"}"#, r#"{"state":"complete"}"#, 1)
    });
    found(&reseal(&path), DeviationKind::Replay, "findings.ndjson.zst");
}

#[test]
fn another_semantics_is_not_called_equal() {
    let (_ledger, path) = one_run();
    let mut forged = manifest(&path);
    forged.predicate.semantics += 1;
    let path = write_manifest(&path, forged);
    found(&path, DeviationKind::EngineUnavailable, "manifest.json");
    assert!(!verify::verify(&path).unwrap().replayed);
}

#[test]
fn hostile_archives_are_refused() {
    let with = |path: &str, kind: tar::EntryType, content: &[u8]| {
        let mut out = Vec::new();
        let mut archive = tar::Builder::new(&mut out);
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if kind.is_symlink() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        archive.append(&header, content).unwrap();
        archive.finish().unwrap();
        drop(archive);
        out
    };
    let regular = tar::EntryType::Regular;
    let zeros = vec![0; 65 * 1024 * 1024];
    for (what, tar) in [
        ("../evil.yaml", with("../evil.yaml", regular, b"x")),
        ("/evil.yaml", with("/evil.yaml", regular, b"x")),
        ("a link", with("controls/library/a.yaml", tar::EntryType::Symlink, b"")),
        ("a bomb", with("controls/library/a.yaml", regular, &zeros)),
        ("no settings", with("a.yaml", regular, b"x")),
        ("no archive", b"not a tar".to_vec()),
    ] {
        let (_ledger, path) = one_run();
        fs::write(path.join("library.tar.zst"), zstd::encode_all(&*tar, 3).unwrap()).unwrap();
        let report = verify::verify(&reseal(&path)).unwrap();
        assert_eq!(
            report.deviations.iter().map(|deviation| deviation.kind).collect::<Vec<_>>(),
            [DeviationKind::Malformed],
            "{what}: {report}"
        );
    }
}

#[test]
fn a_line_without_end_is_refused() {
    let (_ledger, path) = one_run();
    let line = zstd::encode_all(&*vec![b' '; 65 * 1024 * 1024], 3).unwrap();
    fs::write(path.join("findings.ndjson.zst"), line).unwrap();
    let path = reseal(&path);
    found(&path, DeviationKind::Malformed, "replay");
    assert!(Bundle::open(&path).unwrap().findings(|_| {}).unwrap_err().to_string().contains("longer than any record"));
}

#[test]
fn a_folder_that_is_no_bundle_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    found(dir.path(), DeviationKind::Missing, "manifest.json");
    assert!(verify::verify(&dir.path().join("nowhere")).is_err());
    fs::write(dir.path().join("manifest.json"), "{\"a\":1}").unwrap();
    found(dir.path(), DeviationKind::Malformed, "manifest.json");
}
