//! `docs claims` and `docs check` from end to end, on documents and a bundle that the test makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const CLUSTER: &str = "tests/data/cluster-small";

fn proofbook(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofbook")).current_dir(dir).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn check_json(dir: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let all: Vec<&str> = ["docs", "check", "--format", "json", "--quiet"].into_iter().chain(arguments.iter().copied()).collect();
    let output = proofbook(dir, &all);
    let text = stdout(&output);
    let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), value)
}

fn verdicts(outcome: &Value) -> Vec<(u64, String)> {
    let list = outcome["diagnostics"].as_array().unwrap();
    list.iter().map(|notice| (notice["line"].as_u64().unwrap(), notice["code"].as_str().unwrap().to_owned())).collect()
}

// A bundle of the small cluster, in which some volumes are not encrypted.
fn bundle(dir: &Path) -> PathBuf {
    let cluster = Path::new(env!("CARGO_MANIFEST_DIR")).join(CLUSTER);
    let made = proofbook(dir, &["scan", "--quiet", "--dump", cluster.to_str().unwrap(), "--at", "2026-11-20T03:00:00Z"]);
    let path = PathBuf::from(stdout(&made).trim());
    assert!(
        path.join("manifest.json").exists() || dir.join(&path).join("manifest.json").exists(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    if path.is_absolute() { path } else { dir.join(path) }
}

#[test]
fn claims_are_printed_one_a_line_with_their_values() {
    let text = "# Security\n\nAll connections use TLS 1.2 or higher. Logs are kept for thirty days.\n\n```\nTLS 1.0\n```\n\nYou should rotate your keys.\n";
    let dir = workspace(&[("docs/a.md", text)]);
    let output = proofbook(dir.path(), &["docs", "claims", "docs", "--format", "json", "--quiet"]);
    assert!(output.status.success());
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let promises: Vec<&Value> = lines.iter().filter(|line| line["reported"] == true).collect();
    let values: Vec<&str> = promises.iter().map(|line| line["value"].as_str().unwrap_or_default()).collect();
    assert_eq!(values, ["tls>=1.2", "30d"]);
    assert_eq!(promises[0]["path"], "docs/a.md");
    assert_eq!((promises[1]["line"].as_u64(), promises[1]["column"].as_u64()), (Some(3), Some(40)));
    assert_eq!(promises[1]["kind"], "retention");
    assert!(lines.iter().any(|line| line["class"] == "customer-duty" && line["reported"] == false));
}

#[test]
fn promises_are_held_against_the_newest_bundle() {
    let claims = "claims:\n  - id: encrypted-classes\n    statement: Every StorageClass encrypts its volumes.\n    kind: algorithm\n    checks: [storageclass-encrypted]\n  - id: nodes-in-the-union\n    statement: All nodes run in the European Union.\n    kind: residency\n    value: EU\n    values: [node-region.region]\n";
    let doc = "# Security\n\nEvery StorageClass encrypts its volumes. <!-- claim: encrypted-classes -->\n\nWe are SOC 2 certified.\n\nAll nodes run in Japan. <!-- claim: nodes-in-the-union -->\n";
    let dir = workspace(&[("proofbook.yaml", "workspace: docs\n"), ("claims.yaml", claims), ("docs/a.md", doc)]);
    bundle(dir.path());
    let (code, outcome) = check_json(dir.path(), &["--at", "2026-11-20T04:00:00Z"]);
    let found = verdicts(&outcome);
    assert!(found.contains(&(7, "contradicted".to_owned())), "{outcome:#}");
    assert!(found.contains(&(5, "category-error".to_owned())), "{outcome:#}");
    assert!(found.iter().any(|(line, code)| *line == 3 && code != "unregistered"), "{outcome:#}");
    assert_eq!(code, Some(1));
    // A year later nothing is backed any more.
    let (_, outcome) = check_json(dir.path(), &["--at", "2027-11-20T04:00:00Z"]);
    assert!(verdicts(&outcome).iter().all(|(_, code)| code != "backed"), "{outcome:#}");
}

#[test]
fn a_published_bundle_is_enough_and_a_changed_one_is_refused() {
    let dir = workspace(&[("proofbook.yaml", "workspace: docs\n"), ("docs/a.md", "All nodes run in Japan.\n")]);
    let whole = bundle(dir.path());
    let published = dir.path().join("published");
    fs::create_dir(&published).unwrap();
    for file in ["manifest.json", "values.ndjson"] {
        fs::copy(whole.join(file), published.join(file)).unwrap();
    }
    let (code, outcome) = check_json(dir.path(), &["--bundle", "published", "--at", "2026-11-20T04:00:00Z"]);
    assert_eq!((code, verdicts(&outcome)), (Some(1), vec![(1, "contradicted".to_owned())]), "{outcome:#}");
    fs::write(published.join("values.ndjson"), "{}\n").unwrap();
    let output = proofbook(dir.path(), &["docs", "check", "--bundle", "published"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not what was sealed"), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn conflicts_suppressions_and_baselines() {
    let first = "Access logs are retained for 30 days.\n";
    let second = "Access logs are retained for 90 days.\n";
    let dir = workspace(&[("docs/a.md", first), ("docs/b.md", second)]);
    let (code, outcome) = check_json(dir.path(), &["docs", "--no-evidence"]);
    assert_eq!(code, Some(1), "{outcome:#}");
    // Known notices are left out, new ones are not.
    let (code, _) = check_json(dir.path(), &["docs", "--no-evidence", "--baseline", "known.json", "--update-baseline"]);
    assert_eq!(code, Some(0));
    fs::write(dir.path().join("docs/c.md"), "Access logs are retained for 60 days.\n").unwrap();
    let (code, _) = check_json(dir.path(), &["docs", "--no-evidence", "--baseline", "known.json"]);
    assert_eq!(code, Some(1));
    fs::remove_file(dir.path().join("docs/c.md")).unwrap();
    // A suppression needs an end that is not past.
    let suppressed = |until: &str| format!("<!-- proofbook-ignore reason=\"moving\" owner=\"docs\" until=\"{until}\" -->\n\n{second}");
    fs::write(dir.path().join("docs/b.md"), suppressed("2030-01-01")).unwrap();
    let (code, outcome) = check_json(dir.path(), &["docs", "--no-evidence", "--at", "2026-11-20T04:00:00Z"]);
    assert_eq!(code, Some(0), "{outcome:#}");
    fs::write(dir.path().join("docs/b.md"), suppressed("2026-01-01")).unwrap();
    let (code, outcome) = check_json(dir.path(), &["docs", "--no-evidence", "--at", "2026-11-20T04:00:00Z"]);
    assert_eq!(code, Some(1));
    assert!(verdicts(&outcome).iter().any(|(_, code)| code == "suppression-expired"), "{outcome:#}");
}

#[test]
fn every_format_is_well_formed() {
    let dir = workspace(&[(
        "docs/a.md",
        "Logs are retained for 30 days.\n\nLogs are retained for 90 days, 50% of <them>.\n\nWe are HIPAA certified.\n",
    )]);
    let print = |format: &str| stdout(&proofbook(dir.path(), &["docs", "check", "docs", "--quiet", "--format", format]));
    let sarif: Value = serde_json::from_str(&print("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .any(|result| result["ruleId"] == "category-error" && result["locations"][0]["physicalLocation"]["region"]["startLine"] == 5)
    );
    assert!(print("junit").contains("<testsuite name=\"docs/a.md\""));
    let github = print("github");
    assert!(github.lines().any(|line| line.starts_with("::warning file=docs/a.md,line=5,")), "{github}");
    assert!(print("markdown").contains("| `docs/a.md:5` |"));
    let text = print("text");
    assert!(text.contains("--> docs/a.md:5:1") && text.contains("^^^"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}

#[test]
fn what_could_not_be_looked_at_is_told_in_every_form() {
    let dir = workspace(&[("docs/a.md", "Access logs are retained for 30 days.\n")]);
    for (format, told) in [
        ("text", "could not look: there is no bundle"),
        ("json", "\"not_looked_at\": [\n    \"there is no bundle"),
        ("github", "::error title=could not look::there is no bundle"),
        ("sarif", "\"executionSuccessful\": false"),
        ("junit", "errors=\"1\""),
        ("markdown", "could not look: there is no bundle"),
    ] {
        let made = proofbook(dir.path(), &["docs", "check", "docs", "--quiet", "--format", format]);
        assert_eq!(made.status.code(), Some(3), "{format}");
        assert!(stdout(&made).contains(told), "{format}: {}", stdout(&made));
        let made = proofbook(dir.path(), &["docs", "check", "docs", "--quiet", "--no-evidence", "--format", format]);
        assert_eq!(made.status.code(), Some(0), "{format}");
    }
    // A mistyped anchor fails, whatever the statement is.
    fs::write(dir.path().join("docs/a.md"), "Hello. <!-- claim: nothing -->\n").unwrap();
    let (code, outcome) = check_json(dir.path(), &["docs", "--no-evidence"]);
    assert_eq!((code, verdicts(&outcome)), (Some(1), vec![(1, "unknown-anchor".to_owned())]), "{outcome:#}");
}

#[test]
fn bad_input_ends_in_a_result_with_places() {
    let long = format!("Data is encrypted. {}\n", "x ".repeat(60_000));
    let deep = "> ".repeat(2_000) + "All data is encrypted with AES-256.\n";
    let files: Vec<(&str, String)> = vec![
        ("docs/long.md", long),
        ("docs/deep.md", deep),
        ("docs/front.md", "---\ntitle: [\n\nAll data is encrypted with AES-256.\n".to_owned()),
        ("docs/fence.md", "```\nAll data is encrypted.\n".to_owned()),
        ("docs/mdx.mdx", "{{{{ <A b={ x\n\n<Note>All data is encrypted with AES-256.\n".to_owned()),
        ("docs/table.md", "<table><tr><td>Logs</td><td>30 days\n\n| a | b |\n|--|\n".to_owned()),
        ("docs/crlf.md", "\u{feff}# A\r\n\r\nLogs are kept for 30 days.\r\n".to_owned()),
        ("docs/scripts.md", "数据在静止时加密。\n\nجميع البيانات مشفرة.\n".to_owned()),
        ("docs/empty.md", String::new()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let dir = workspace(&files);
    fs::write(dir.path().join("docs/bytes.md"), b"Logs \xff\xfe are kept for 30 days.\n").unwrap();
    let output = proofbook(dir.path(), &["docs", "claims", "docs", "--format", "json"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    for told in ["front.md:1:1", "fence.md:1:1", "bytes.md:1:6"] {
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    let crlf = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["path"] == "docs/crlf.md" && line["reported"] == true);
    assert_eq!(crlf.map(|line| (line["line"].clone(), line["value"].clone())), Some((3.into(), "30d".into())));
    let missing = proofbook(dir.path(), &["docs", "check", "nowhere"]);
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn fix_writes_numbers_and_anchors_and_no_prose() {
    let claims = "claims:\n  - id: logs\n    statement: Logs are kept for 30 days.\n    kind: retention\n    value: 30d\n";
    let doc = "# Logs\n\nLogs are kept for 30 days.\n";
    let dir = workspace(&[("proofbook.yaml", "workspace: docs\n"), ("claims.yaml", claims), ("docs/a.md", doc)]);
    let dry = proofbook(dir.path(), &["docs", "check", "docs", "--fix", "--dry-run"]);
    assert!(
        String::from_utf8_lossy(&dry.stderr).contains("+Logs are kept for 30 days. <!-- claim: logs -->"),
        "{}",
        String::from_utf8_lossy(&dry.stderr)
    );
    assert_eq!(fs::read_to_string(dir.path().join("docs/a.md")).unwrap(), doc);
    proofbook(dir.path(), &["docs", "check", "docs", "--fix"]);
    let written = fs::read_to_string(dir.path().join("docs/a.md")).unwrap();
    assert_eq!(written, "# Logs\n\nLogs are kept for 30 days. <!-- claim: logs -->\n");
    // Written once, it stays as it is.
    proofbook(dir.path(), &["docs", "check", "docs", "--fix"]);
    assert_eq!(fs::read_to_string(dir.path().join("docs/a.md")).unwrap(), written);
}

#[test]
fn since_looks_at_changed_lines() {
    let dir = workspace(&[("docs/a.md", "Logs are retained for 30 days.\n\nLogs are retained for 90 days.\n")]);
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .current_dir(dir.path())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let (code, outcome) = check_json(dir.path(), &["docs", "--no-evidence", "--since", "HEAD"]);
    assert_eq!((code, verdicts(&outcome).len()), (Some(0), 0), "{outcome:#}");
    let text = fs::read_to_string(dir.path().join("docs/a.md")).unwrap() + "\nWe are HIPAA certified.\n";
    fs::write(dir.path().join("docs/a.md"), text).unwrap();
    for (key, value) in [("diff.mnemonicPrefix", "true"), ("diff.noprefix", "true"), ("diff.external", "true")] {
        assert!(Command::new("git").current_dir(dir.path()).args(["config", key, value]).status().unwrap().success());
    }
    let (_, outcome) = check_json(dir.path(), &["docs", "--no-evidence", "--since", "HEAD"]);
    assert_eq!(verdicts(&outcome), [(5, "category-error".to_owned())], "{outcome:#}");
}
