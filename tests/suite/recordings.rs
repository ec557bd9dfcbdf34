//! What a real API server answered, served again over HTTP to the real client: the verdicts are those that the planted
//! violations and traps call for, and what an account may not list is an error.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::support::server::Server;
use crate::support::{Finding, Workspace, read_yaml};

/// `tests/recordings.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    now: String,
    workspace: serde_json::Map<String, Json>,
    errors: BTreeMap<String, BTreeMap<String, String>>,
    verdicts: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    check: String,
    #[serde(default)]
    must_fail: Vec<String>,
    #[serde(default)]
    must_not_fail: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    code: Option<String>,
    #[serde(default)]
    measured: BTreeMap<String, Json>,
}

fn expected() -> Expected {
    read_yaml("recordings.yaml")
}

impl Expected {
    fn workspace(&self) -> Workspace {
        let mut settings = self.workspace.clone();
        settings.insert("workspace".to_owned(), json!("recordings"));
        Workspace::with_settings(&settings.into())
    }

    /// Scans the replayed server as an account, and judges what was read by the time of the recording.
    fn scan(&self, server: &Server, account: &str) -> Vec<Finding> {
        let workspace = self.workspace();
        let kubeconfig = server.kubeconfig(workspace.folder(), account);
        let (ran, _) = workspace.scan(&format!("--kubeconfig {} --record recorded", kubeconfig.display()));
        let _ = ran.ends_with(3);
        let (ran, findings) = workspace.scan(&format!("--dump recorded --at {}", self.now));
        let _ = ran.ends_with(3);
        findings
    }

    /// What the account cannot judge, with the reason.
    fn errors(&self, account: &str) -> BTreeMap<&str, &str> {
        let lists = [&self.errors["both"], &self.errors[account]];
        lists.into_iter().flatten().map(|(check, reason)| (check.as_str(), reason.as_str())).collect()
    }
}

/// The finding of a check about a subject.
fn about<'f>(findings: &'f [Finding], check: &str, subject: &str) -> Option<&'f Finding> {
    findings.iter().find(|finding| finding.check == check && finding.subject() == subject)
}

fn verdicts_are_those_of_the_readme(account: &str) {
    let expected = expected();
    let findings = expected.scan(&Server::start(), account);

    let found: BTreeMap<&str, &str> = findings
        .iter()
        .filter(|finding| finding.verdict == "error" && !finding.message.contains("name a target of"))
        .map(|finding| (finding.check.as_str(), finding.reason_code.as_str()))
        .collect();
    let errors = expected.errors(account);
    assert_eq!(found, errors);

    let failing = |findings: &mut dyn Iterator<Item = (String, String)>| findings.collect::<BTreeSet<_>>();
    let judged = || expected.verdicts.iter().filter(|entry| !errors.contains_key(entry.check.as_str()));
    let planted = failing(&mut judged().flat_map(|entry| entry.must_fail.iter().map(|subject| (entry.check.clone(), subject.clone()))));
    let fails = findings.iter().filter(|finding| finding.verdict == "fail");
    let found = failing(&mut fails.map(|finding| (finding.check.clone(), finding.subject())));
    let missed: Vec<_> = planted.difference(&found).collect();
    let unplanted: Vec<_> = found.difference(&planted).collect();
    assert!(missed.is_empty() && unplanted.is_empty(), "missed: {missed:#?}\nnot planted: {unplanted:#?}");

    for Entry { id, check, must_fail, must_not_fail, absent, code, measured } in judged() {
        for subject in must_fail {
            let finding = about(&findings, check, subject).unwrap();
            assert!(code.as_ref().is_none_or(|code| *code == finding.reason_code), "{id}: {finding:?}");
            let differs = measured.iter().find(|(name, value)| finding.measured.get(*name) != Some(value));
            assert!(differs.is_none(), "{id}: {differs:?} in {finding:?}");
        }
        for subject in must_not_fail {
            let finding = about(&findings, check, subject).unwrap_or_else(|| panic!("{id}: {check} says nothing about {subject}"));
            assert!(["pass", "not-applicable"].contains(&finding.verdict.as_str()), "{id}: {finding:?}");
        }
        for subject in absent {
            assert!(about(&findings, check, subject).is_none(), "{id}: {check} judges {subject}");
        }
    }
}

#[test]
fn the_reader_sees_the_planted_violations() {
    verdicts_are_those_of_the_readme("reader");
}

#[test]
fn an_administrator_sees_the_planted_violations() {
    verdicts_are_those_of_the_readme("admin");
}

#[test]
fn every_planted_violation_and_trap_is_expected() {
    let expected = expected();
    // Together: V05a and V05b are parts of V05.
    let ids: BTreeSet<&str> = expected.verdicts.iter().flat_map(|entry| entry.id.split('+')).map(|id| id.get(..3).unwrap_or(id)).collect();
    for number in 1..=24 {
        assert!(ids.contains(format!("V{number:02}").as_str()), "V{number:02}");
    }
    for number in 1..=7 {
        assert!(ids.contains(format!("T{number:02}").as_str()), "T{number:02}");
    }
}

#[test]
fn an_account_without_rights_sees_no_pass_and_no_fail() {
    let expected = expected();
    let server = Server::start();
    // The narrow account may list two resources of one namespace; without a token, or with a wrong one, nothing.
    for account in ["narrow", "", "no-token-at-all"] {
        let findings = expected.scan(&server, account);
        assert!(findings.len() > 60, "{account}: {}", findings.len());
        for finding in findings {
            let declared = finding.verdict == "not-applicable" && finding.reason_code == "declared-absent";
            assert!(finding.verdict == "error" || declared, "{account}: {finding:?}");
            assert_eq!(finding.subject.kind, "Population", "{account}: {finding:?}");
        }
    }
}

#[test]
fn a_recorded_scan_gives_the_same_findings_again() {
    let expected = expected();
    let server = Server::start();
    let workspace = expected.workspace();
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let text = |findings: Vec<Finding>| findings.iter().map(|finding| format!("{finding:?}")).collect::<Vec<_>>();
    let (_, live) = workspace.scan(&format!("--kubeconfig {} --record recorded", kubeconfig.display()));
    drop(server);
    let (ran, again) = workspace.scan("--dump recorded");
    assert!(live.len() > 500, "{ran:?}");
    assert_eq!(text(again), text(live));
}
