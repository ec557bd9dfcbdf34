//! Results of kube-bench, as its option `--json` prints them.
//!
//! They tell no time: the date must stand in the name of the file, since that of the file system is the date of a checkout.

use std::path::Path;

use jiff::civil::Date;
use proofbook_checks::inventory::Reason;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::reading::Read;
use crate::observed::{Unread, part};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    controls: Vec<Control>,
}

#[derive(Debug, Deserialize)]
struct Control {
    #[serde(default)]
    version: String,
    #[serde(default)]
    detected_version: String,
    #[serde(default)]
    node_type: String,
    #[serde(default)]
    tests: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    desc: String,
    #[serde(default)]
    results: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    test_number: String,
    status: String,
}

/// What is kept of a result; `name` is that of its file.
pub(super) fn read(name: &str, file: &Read) -> Result<Json, Unread> {
    let fault = |error: &dyn std::fmt::Display| Unread::new(Reason::ParseError, format!("it is no result of kube-bench: {error}"));
    let text = file.text()?;
    // Older versions print the list of controls alone.
    let controls: Vec<Control> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).map_err(|error| fault(&error))?,
        false => serde_json::from_str::<Report>(text).map_err(|error| fault(&error))?.controls,
    };
    let items = |status: &str, of_files: bool| -> Vec<String> {
        let groups = controls.iter().flat_map(|control| &control.tests).filter(|group| !of_files || is_of_files(group));
        let items = groups.flat_map(|group| &group.results).filter(|item| item.status == status);
        let mut found: Vec<String> = items.map(|item| item.test_number.clone()).collect();
        found.sort();
        found.dedup();
        found
    };
    let known = ["PASS", "FAIL", "WARN", "INFO"];
    let all = || controls.iter().flat_map(|control| &control.tests).flat_map(|group| &group.results);
    if let Some(odd) = all().find(|item| !known.contains(&item.status.as_str())) {
        return Err(fault(&format!("the item {} has the status `{}`", odd.test_number, odd.status)));
    }
    let texts = |pick: fn(&Control) -> &String| {
        let mut found: Vec<&String> = controls.iter().map(pick).filter(|text| !text.is_empty()).collect();
        found.sort();
        found.dedup();
        found.into_iter().cloned().collect::<Vec<String>>()
    };
    let ran = date_in(name).ok_or_else(|| {
        Unread::new(Reason::ParseError, "the name of the file holds no date (2026-06-01 or 20260601), and the result tells none")
    });
    Ok(json!({
        "benchmarks": texts(|control| &control.version),
        "kubernetes": texts(|control| &control.detected_version),
        "node_types": texts(|control| &control.node_type),
        "ran": part(ran.map(|date| json!({"on": date.to_string()}))),
        "sha256": file.sha256,
        "passed": items("PASS", false).len(),
        "failed": items("FAIL", false),
        "unjudged": items("WARN", false),
        "files": {"passed": items("PASS", true).len(), "failed": items("FAIL", true), "unjudged": items("WARN", true)},
    }))
}

// All benchmarks call the groups about modes and owners so, whatever their number is.
fn is_of_files(group: &Group) -> bool {
    group.desc.to_ascii_lowercase().contains("configuration files")
}

/// The name of a file without its date and ending: runs of one node share it.
pub(super) fn series(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let Some((at, length)) = date_at(stem) else { return stem.to_owned() };
    // A time of day may follow the date.
    let rest = stem[at + length..].trim_start_matches(|c: char| c.is_ascii_digit() || "TZ:-".contains(c));
    let joined = format!("{}{rest}", &stem[..at]);
    joined.trim_matches(|c: char| "-_.".contains(c)).to_owned()
}

/// The date in the name of a file.
pub(super) fn date_in(name: &str) -> Option<Date> {
    let (at, length) = date_at(name)?;
    date(&name[at..at + length])
}

fn date_at(name: &str) -> Option<(usize, usize)> {
    let starts = name.char_indices().map(|(at, _)| at);
    starts.flat_map(|at| [(at, 10), (at, 8)]).find(|(at, length)| {
        let before = name[..*at].chars().next_back();
        let alone = !before.is_some_and(|c| c.is_ascii_digit())
            && !name[at + length.min(&(name.len() - at))..].starts_with(|c: char| c.is_ascii_digit());
        alone && name.get(*at..at + length).and_then(date).is_some()
    })
}

fn date(text: &str) -> Option<Date> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let shape = text.len() == 8 || text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    if !shape || digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: i16 = digits[..4].parse().ok()?;
    let date = Date::new(year, digits[4..6].parse().ok()?, digits[6..].parse().ok()?).ok()?;
    (2000..2200).contains(&year).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Read {
        Read { bytes: text.as_bytes().to_vec(), sha256: "x".to_owned() }
    }

    #[test]
    fn dates_are_found_in_names_and_runs_of_a_node_belong_together() {
        for (name, on, series_of) in [
            ("kube-bench-worker-1-2026-06-01.json", Some("2026-06-01"), "kube-bench-worker-1"),
            ("20260601T031500Z_worker-2.json", Some("2026-06-01"), "worker-2"),
            ("worker.20260601.json", Some("2026-06-01"), "worker"),
            ("2026-06-01T03:15:00Z.json", Some("2026-06-01"), ""),
            ("kube-bench.json", None, "kube-bench"),
            ("node-10000000001.json", None, "node-10000000001"),
            ("node-20261301.json", None, "node-20261301"),
            ("größe-2026-06-01.json", Some("2026-06-01"), "größe"),
        ] {
            assert_eq!(date_in(name).map(|date| date.to_string()).as_deref(), on, "{name}");
            assert_eq!(series(Path::new(name)), series_of, "{name}");
        }
    }

    #[test]
    fn results_are_sorted_by_what_they_say() {
        let text = r#"{"Controls": [{"id": "1", "version": "cis-1.9", "detected_version": "1.29", "text": "x", "node_type": "master", "tests": [
            {"section": "1.1", "desc": "Control Plane Node Configuration Files", "results": [
              {"test_number": "1.1.1", "status": "PASS", "audit": "stat /etc/kubernetes"}, {"test_number": "1.1.2", "status": "FAIL"}]},
            {"section": "1.2", "desc": "API Server", "results": [
              {"test_number": "1.2.1", "status": "WARN"}, {"test_number": "1.2.2", "status": "FAIL"}, {"test_number": "1.2.3", "status": "INFO"}]}]}],
            "Totals": {"total_pass": 1, "total_fail": 2, "total_warn": 1, "total_info": 1}}"#;
        let found = read("a-2026-06-01.json", &file(text)).unwrap();
        assert_eq!(found["failed"], json!(["1.1.2", "1.2.2"]));
        assert_eq!(found["files"], json!({"passed": 1, "failed": ["1.1.2"], "unjudged": []}));
        assert_eq!((&found["passed"], &found["unjudged"], &found["ran"]), (&json!(1), &json!(["1.2.1"]), &json!({"on": "2026-06-01"})));
        assert!(!found.to_string().contains("/etc"), "what was looked at stays in the file");
        let old = read("a.json", &file(r#"[{"version": "1.6", "tests": []}]"#)).unwrap();
        assert_eq!((&old["benchmarks"], &old["ran"]["unread"]["reason"]), (&json!(["1.6"]), &json!("parse-error")));
        for broken in ["", "{}", r#"{"Controls": null}"#, r#"[{"tests": [{"results": [{"test_number": "1", "status": "OK"}]}]}]"#] {
            assert_eq!(read("a.json", &file(broken)).unwrap_err().reason, Reason::ParseError, "{broken}");
        }
    }
}
