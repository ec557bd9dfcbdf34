//! Exceptions and statements from the command line: written, applied, sealed, exported, and told once they are over.

use serde_json::{Value as Json, json};

use crate::support::{AT, Ran, Workspace, data, facts};

fn workspace() -> Workspace {
    let role = |approves: bool, person: &str| json!({"approves": approves, "holders": [{"person_ref": person, "from": "2024-01-01"}]});
    Workspace::with_settings(&json!({
        "workspace": "w", "facts": facts(), "frameworks": ["soc2-tsc-2017"],
        "roles": {"CISO": role(true, "p-1"), "Head of operations": role(false, "p-2")},
    }))
}

fn scan(workspace: &Workspace, more: &str) -> (Ran, Vec<crate::support::Finding>) {
    workspace.scan(&format!("--dump {} --at {AT} {more}", data("cluster-small").display()))
}

fn except(workspace: &Workspace, check: &str, subjects: &[String], approver: &str) -> Ran {
    let mut args = vec!["except", check, "--reason", "It goes away.", "--requester", "Head of operations", "--approver", approver];
    args.extend(["--ticket", "OPS-1", "--created", "2026-10-01T00:00:00Z", "--id", "EX-1", "-C", "ws"]);
    args.extend(subjects.iter().flat_map(|subject| ["--subject", subject.as_str()]));
    workspace.bare(args)
}

#[test]
fn an_exception_is_written_applied_and_over() {
    let workspace = workspace();
    let (_, findings) = scan(&workspace, "--fail-on nothing");
    let check = findings.iter().find(|finding| finding.verdict == "fail").map(|finding| finding.check.clone()).unwrap();
    let subjects: Vec<String> = findings
        .iter()
        .filter(|finding| finding.check == check && finding.verdict == "fail")
        .map(crate::support::Finding::subject)
        .collect();

    // Nobody approves what they may not, and nothing is written then.
    let _ = except(&workspace, &check, &subjects, "Head of operations").ends_with(2).without_result().says(&["approver"]);
    let _ = except(&workspace, &check, &["*".to_owned()], "CISO").ends_with(2).without_result().says(&["subjects"]);
    assert!(!workspace.path("ws/exceptions").exists());
    let _ = except(&workspace, &check, &subjects, "CISO").ends_with(0).says(&["commit"]);
    assert!(workspace.path("ws/exceptions/EX-1.yaml").is_file());
    let _ = except(&workspace, &check, &subjects, "CISO").ends_with(2).says(&["there already"]);
    let list = |at: &str| workspace.run(&format!("except --list --format json --at {at}"));
    assert_eq!(list(AT).ends_with(0).json()[0]["notes"][0], "not-applied");

    let (_, findings) = scan(&workspace, &format!("--check {check} --fail-on fail"));
    let covered: Vec<_> = findings.iter().filter(|finding| finding.verdict == "fail").collect();
    assert_eq!(covered.len(), subjects.len());
    assert!(covered.iter().all(|finding| finding.exceptions == ["EX-1"]));
    let (ran, _) = scan(&workspace, "--fail-on nothing --format json");
    assert_eq!(ran.ends_with(0).json()["verdicts"]["exception"], json!(subjects.len()));
    let _ = workspace.run("verify").ends_with(0);
    assert_eq!(list(AT).ends_with(0).json()[0]["findings"], json!(subjects.len()));

    let export = |format: &str, at: &str| -> Json {
        let _ = workspace.run(&format!("export --format {format} --out out.json --at {at}")).ends_with(0);
        serde_json::from_slice(&std::fs::read(workspace.path("out.json")).unwrap()).unwrap()
    };
    let suppressed = |log: &Json| {
        let results = log["runs"][0]["results"].as_array().unwrap();
        results.iter().filter(|result| result["suppressions"][0]["status"] == "accepted").count()
    };
    assert_eq!(suppressed(&export("sarif", AT)), subjects.len());
    let oscal = export("oscal-ar", AT);
    let result = &oscal["assessment-results"]["results"][0];
    assert_eq!(result["risks"][0]["status"], "deviation-approved");
    let risk = &result["risks"][0]["uuid"];
    let findings = result["findings"].as_array().unwrap();
    let related = findings.iter().filter(|finding| finding["related-risks"][0]["risk-uuid"] == *risk);
    assert!(related.clone().count() > 0 && related.clone().all(|finding| finding["target"]["status"]["state"] == "not-satisfied"));

    // Once it is over it covers nothing, neither in a run nor on a page of an older one.
    let over = "2027-04-01T00:00:00Z";
    assert_eq!(suppressed(&export("sarif", over)), 0);
    assert_eq!(list(over).ends_with(1).json()[0]["notes"][0], "expired");
    let late = format!("--dump {} --at {over} --check {check} --fail-on fail", data("cluster-small").display());
    let (ran, findings) = workspace.scan(&late);
    let _ = ran.ends_with(1).says(&["EX-1", "expired", "fails again"]);
    assert!(findings.iter().all(|finding| finding.exceptions.is_empty()));
}

#[test]
fn a_statement_is_written_with_the_digest_of_what_shows_it() {
    let workspace = workspace();
    workspace.write("ws/attestations/evidence/protocol.md", "It took 47 minutes.\n");
    let attest = |role: &str, file: &str| {
        let statement = "I restored the database on 2026-10-14.";
        let args = ["attest", "restore-test", "--role", role, "--statement", statement, "--evidence", file];
        workspace.bare(args.into_iter().chain(["--signed", "2026-10-15T09:00:00Z", "-C", "ws"]))
    };
    let file = "ws/attestations/evidence/protocol.md=Protocol of the test";
    let _ = attest("CTO", file).ends_with(2).without_result().says(&["nobody holds the role"]);
    workspace.write("elsewhere.md", "x");
    let _ = attest("CISO", "elsewhere.md").ends_with(2).without_result().says(&["outside of the workspace"]);
    let _ = attest("CISO", file).ends_with(0).says(&["commit"]);
    let _ = attest("CISO", file).ends_with(2).says(&["there already"]);
    let list = workspace.run(&format!("attest --list --format json --at {AT}")).ends_with(0).json();
    assert_eq!((list[0]["id"].as_str(), list[0]["notes"].as_array().map(Vec::len)), (Some("restore-test"), Some(0)), "{list}");
    let _ = workspace.run("attest --list --at 2027-12-01T00:00:00Z").ends_with(1).says(&[]);
    workspace.write("ws/attestations/evidence/protocol.md", "It took 46 minutes.\n");
    let (ran, _) = scan(&workspace, "--fail-on nothing");
    let _ = ran.ends_with(2).without_result().says(&["restore-test.yaml:", "protocol.md", "help:"]);
}
