//! What comes after a scan: the ledger's chain, verification of every sealed byte, what is published of a bundle, and its
//! foreign forms.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::support::contents::files_below;
use crate::support::{AT, Workspace, data, facts, is_reason, read_yaml, root, skipped};

/// A workspace with the committed cluster, scanned once; the path of its bundle.
fn scanned() -> (Workspace, PathBuf) {
    let truth: Json = read_yaml("truth.yaml");
    let mut settings = truth["workspace"].clone();
    settings["workspace"] = "bundles".into();
    settings["facts"] = facts();
    let workspace = Workspace::with_settings(&settings);
    let bundle = scan(&workspace, AT);
    (workspace, bundle)
}

fn scan(workspace: &Workspace, at: &str) -> PathBuf {
    let ran = workspace.run(&format!("scan --dump {} --at {at} --fail-on nothing", data("cluster-small").display())).ends_with(0);
    workspace.folder().join(ran.path())
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn manifest(bundle: &Path) -> Json {
    serde_json::from_slice(&fs::read(bundle.join("manifest.json")).unwrap()).unwrap()
}

fn verify(workspace: &Workspace, bundle: &Path) -> (i32, Json) {
    let ran = workspace.bare(["verify".as_ref(), bundle.as_os_str(), "--format".as_ref(), "json".as_ref()]);
    (ran.code, ran.json())
}

#[test]
fn reasons_come_from_a_closed_list() {
    let (workspace, bundle) = scanned();
    let sealed = fs::read(bundle.join("assessment.json")).unwrap();
    let assessment: Json = serde_json::from_slice(&sealed).unwrap();
    let reasons: Vec<&str> = assessment["checks"].as_object().unwrap().values().map(|check| check["reason"].as_str().unwrap()).collect();
    assert!(reasons.len() > 200 && reasons.iter().all(|reason| is_reason(reason)), "{reasons:?}");
    // Every finding that a test reads is held to the list.
    let (_, findings) = workspace.scan(&format!("--dump {} --at {AT} --fail-on nothing", data("cluster-small").display()));
    assert!(findings.iter().any(|finding| finding.reason_code != "as-promised"), "{findings:#?}");
    assert!(!is_reason("made-up") && !is_reason(""));
}

#[test]
fn runs_are_chained_and_partial_ones_are_never_chosen() {
    let (workspace, first) = scanned();
    let second = scan(&workspace, "2026-11-02T00:00:00Z");
    assert_eq!(manifest(&first)["predicate"]["previous"], Json::Null);
    assert_eq!(manifest(&second)["predicate"]["previous"], sha256(&first.join("manifest.json")).as_str());
    let partial = workspace
        .run(&format!("scan --dump {} --at 2026-11-03T00:00:00Z --check pss-enforced", data("cluster-small").display()))
        .ends_with(1);
    assert_eq!(manifest(&workspace.folder().join(partial.path()))["predicate"]["previous"], sha256(&second.join("manifest.json")).as_str());
    // Nothing said means the newest full run.
    let verified = workspace.run("verify --format json").ends_with(0).json();
    assert_eq!(verified["run_id"], second.file_name().unwrap().to_str().unwrap());
    for bundle in [&first, &second] {
        assert_eq!(verify(&workspace, bundle).0, 0);
    }
}

#[test]
fn an_intact_bundle_verifies_wherever_it_lies() {
    let (workspace, bundle) = scanned();
    let (code, report) = verify(&workspace, &bundle);
    assert_eq!(
        (code, &report["replayed"], &report["signed"], &report["deviations"]),
        (0, &json!(true), &json!(false), &json!([])),
        "{report}"
    );
    assert!(report["findings"].as_u64().unwrap() > 600 && report["files"].as_u64().unwrap() > 40, "{report}");
    let text = workspace.bare(["verify".as_ref(), bundle.as_os_str()]).ends_with(0).stdout;
    assert!(text.contains("UNSIGNED") && !text.contains("DEVIATION"), "{text}");
    let moved = workspace.path("moved").join(bundle.file_name().unwrap());
    fs::create_dir(workspace.path("moved")).unwrap();
    fs::rename(&bundle, &moved).unwrap();
    assert_eq!(verify(&workspace, &moved).0, 0);
}

#[test]
fn every_change_of_a_sealed_file_is_found() {
    let (workspace, bundle) = scanned();
    let name = |path: &str| Path::new(path).strip_prefix(&bundle).unwrap().to_str().unwrap().to_owned();
    for (path, bytes) in files_below(&bundle) {
        let mut flipped = bytes.clone();
        let at = bytes.len() * 2 / 3;
        flipped[at] ^= 1;
        for changed in [Some(flipped), Some(bytes[..bytes.len() - 1].to_vec()), Some([&bytes[..], b"\n"].concat()), Some(Vec::new()), None]
        {
            match &changed {
                Some(changed) => fs::write(&path, changed).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let (code, report) = verify(&workspace, &bundle);
            let file = name(&path);
            // A manifest that does not parse is itself the deviation; all else is named by it.
            let named = report["deviations"].as_array().unwrap().iter().any(|found| found["file"] == file.as_str());
            assert!(code == 1 && named, "{file}: {report}");
        }
        fs::write(&path, bytes).unwrap();
    }
    fs::write(bundle.join("notes.txt"), "hello").unwrap();
    assert_eq!(verify(&workspace, &bundle).0, 1);
    fs::remove_file(bundle.join("notes.txt")).unwrap();
    let observations = bundle.join("observations/kubernetes");
    let (pods, nodes) = (observations.join("pods.ndjson.zst"), observations.join("nodes.ndjson.zst"));
    let (kept, other) = (fs::read(&pods).unwrap(), fs::read(&nodes).unwrap());
    fs::write(&pods, &other).unwrap();
    fs::write(&nodes, &kept).unwrap();
    assert_eq!(verify(&workspace, &bundle).0, 1);
    fs::write(&pods, &kept).unwrap();
    fs::write(&nodes, &other).unwrap();
    assert_eq!(verify(&workspace, &bundle).0, 0);
}

#[test]
fn a_build_prints_the_promised_tree() {
    let (workspace, bundle) = scanned();
    let ran = workspace.run(&format!("build --out out --profile customer,assessor --at {AT}")).ends_with(0);
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), ["out/customer", "out/assessor"], "{ran:?}");
    let subject = "DaemonSet/kube-system/cilium";
    for profile in ["customer", "assessor"] {
        let folder = workspace.path("out").join(profile);
        for file in ["site/index.html", "site/responsibility.html", "documents/evidence-report.pdf", "portal.json"] {
            assert!(folder.join(file).is_file(), "{file}");
        }
        let portal: Json = serde_json::from_slice(&fs::read(folder.join("portal.json")).unwrap()).unwrap();
        assert_eq!((&portal["profile"], &portal["as_of"]), (&json!(profile), &json!(AT)));
        assert_eq!(portal["run_id"], bundle.file_name().unwrap().to_str().unwrap());
        assert_eq!(portal["manifest_sha256"], sha256(&bundle.join("manifest.json")).as_str());
        for file in portal["files"].as_array().unwrap() {
            let path = folder.join(file["path"].as_str().unwrap());
            assert_eq!(file["sha256"], sha256(&path).as_str());
            assert_eq!(file["bytes"], fs::metadata(&path).unwrap().len());
        }
        for (name, bytes) in files_below(&folder) {
            let text = String::from_utf8_lossy(&bytes);
            if name.ends_with(".html") {
                assert!(!text.contains("src=\"http") && !text.contains("<link rel=\"stylesheet\" href=\"http"), "{name} fetches something");
            }
        }
    }
    // Names of subjects are for assessors alone.
    let names = |profile: &str| {
        let files = files_below(&workspace.path("out").join(profile).join("site"));
        files.iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(subject)).count()
    };
    assert!(names("customer") == 0 && names("assessor") > 1, "{} {}", names("customer"), names("assessor"));

    // The same input, facts and time: the same bytes. Findings do not make `run` fail.
    let before = files_below(&workspace.path("out/customer"));
    let ran = workspace.run(&format!("run --dump {} --out out --at {AT}", data("cluster-small").display())).ends_with(0);
    assert_eq!(ran.stdout, "out/customer\n", "{ran:?}");
    let after = files_below(&workspace.path("out/customer"));
    let differing: Vec<&String> =
        before.iter().zip(&after).filter(|(before, after)| before != after).map(|(before, _)| &before.0).collect();
    assert!(before.len() == after.len() && differing.is_empty(), "{differing:?}");

    // Nothing is printed from a bundle that is not intact, and what was printed stays.
    let assessment = bundle.join("assessment.json");
    fs::write(&assessment, fs::read_to_string(&assessment).unwrap().replacen("fail", "pass", 1)).unwrap();
    let _ = workspace.run(&format!("build --out out --at {AT}")).ends_with(2).without_result().says(&[
        "not intact",
        "assessment.json",
        "proofbook verify",
    ]);
    assert_eq!(files_below(&workspace.path("out/customer")), after);
    for format in ["auditor-zip", "oscal-ar", "records", "sarif"] {
        let _ = workspace.run(&format!("export --format {format} --at {AT}")).ends_with(2).without_result().says(&["not intact"]);
    }
}

#[test]
fn exports_have_their_foreign_shapes() {
    let (workspace, bundle) = scanned();
    let export = |format: &str| {
        let out = format!("export.{format}");
        let _ = workspace.run(&format!("export --format {format} --at {AT} --out {out}")).ends_with(0).without_result();
        fs::read(workspace.path(&out)).unwrap()
    };
    let sarif: Json = serde_json::from_slice(&export("sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(sarif["runs"][0]["results"].as_array().unwrap().len() > 50);
    assert_eq!(workspace.run(&format!("export --format sarif --at {AT}")).ends_with(0).json(), sarif);

    let zip = export("auditor-zip");
    assert!(zip == export("auditor-zip"), "the archive differs from run to run");
    let entries = crate::support::contents::unpacked("zip", zip);
    for name in ["index.html", "findings.csv", "coverage.csv", "ipe.md", "populations.csv"] {
        assert!(entries.iter().any(|(path, _)| path.ends_with(name)), "{name}");
    }
    let packed = entries.iter().find(|(path, _)| path.ends_with("bundle/manifest.json")).unwrap();
    assert_eq!(packed.1, fs::read(bundle.join("manifest.json")).unwrap());

    let results: Json = serde_json::from_slice(&export("oscal-ar")).unwrap();
    let schemas = root().parent().unwrap().join("shared/oscal-schema");
    if !schemas.is_dir() {
        skipped("OSCAL's own schemas", "they do not lie beside the repository");
        return;
    }
    for version in ["v1.1.3", "v1.2.1"] {
        let schema = fs::read(schemas.join(version).join("oscal_assessment-results_schema.json")).unwrap();
        let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&results).take(5).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{version}: {faults:#?}");
    }
}
