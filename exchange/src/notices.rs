//! Notices on documents in foreign formats: SARIF 2.1.0 for code scanning, JUnit for test reports.

use std::collections::BTreeMap;

use proofbook_evidence::notice::{Level, Notice, NoticeKind};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::ExportError;

/// The verdicts that are good; anything else is at best not decided.
const GOOD: [&str; 2] = ["backed", "attested"];

/// SARIF 2.1.0: a rule a kind of notice, a result a notice that is more than information. `unseen` is what could not be looked at.
///
/// # Errors
/// None that a notice can cause.
pub fn sarif(notices: &[Notice], kinds: &[&NoticeKind], unseen: &[String], tool_version: &str) -> Result<Vec<u8>, ExportError> {
    let rules: Vec<Value> = kinds
        .iter()
        .map(|kind| {
            json!({
                "id": kind.code,
                "shortDescription": {"text": kind.summary},
                "help": {"text": kind.help},
                "defaultConfiguration": {"level": kind.level.as_str()},
            })
        })
        .collect();
    let results: Vec<Value> = notices.iter().map(|notice| result(notice, kinds)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Proofbook",
                "version": tool_version,
                "informationUri": "https://proofbook.dev",
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": unseen.is_empty(),
                "toolExecutionNotifications":
                    unseen.iter().map(|what| json!({"level": "error", "message": {"text": what}})).collect::<Vec<_>>(),
            }],
            "results": results,
        }],
    });
    let mut out = serde_json::to_vec_pretty(&log)?;
    out.push(b'\n');
    Ok(out)
}

fn result(notice: &Notice, kinds: &[&NoticeKind]) -> Value {
    // SARIF 2.1.0, section 3.27.9: a level belongs to `fail` alone, and what is neither good nor bad is `review`.
    let (kind, level) = match notice.level {
        _ if GOOD.contains(&notice.verdict) => ("pass", "none"),
        Level::Note => ("review", "none"),
        level => ("fail", level.as_str()),
    };
    let mut result = json!({
        "ruleId": notice.code,
        "kind": kind,
        "level": level,
        "message": {"text": format!("{} {}", sentence(&notice.message), notice.suggestion)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&notice.path)},
            "region": {
                "startLine": notice.line,
                "startColumn": notice.column,
                "endLine": notice.end_line,
                "endColumn": notice.end_column.max(if notice.line == notice.end_line { notice.column + 1 } else { 1 }),
            },
        }}],
        "partialFingerprints": {"statement/v1": notice.fingerprint},
        "properties": {"claim": notice.claim, "verdict": notice.verdict},
    });
    if let (Some(index), Some(object)) = (kinds.iter().position(|kind| kind.code == notice.code), result.as_object_mut()) {
        object.insert("ruleIndex".to_owned(), json!(index));
    }
    result
}

/// JUnit: a suite a document, a case a statement; what fails is what `fails` says, what is good passes, and the rest is skipped with the
/// reason. What could not be looked at is an error of a suite of its own.
///
/// # Errors
/// A text that XML cannot hold.
pub fn junit(notices: &[Notice], fails: &dyn Fn(&Notice) -> bool, unseen: &[String]) -> Result<Vec<u8>, ExportError> {
    let mut by_path: BTreeMap<&str, Vec<&Notice>> = BTreeMap::new();
    for notice in notices {
        by_path.entry(&notice.path).or_default().push(notice);
    }
    let mut report = Report::new("proofbook docs check");
    for (path, notices) in by_path {
        let mut suite = TestSuite::new(path);
        for notice in notices {
            let status = if fails(notice) {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_type(notice.code)
                    .set_message(notice.message.as_str())
                    .set_description(format!("{}\n{}", notice.text, notice.suggestion));
                status
            } else if GOOD.contains(&notice.verdict) {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::skipped();
                status.set_type(notice.code).set_message(notice.message.as_str());
                status
            };
            let words: String = notice.text.chars().take(80).collect();
            let mut case = TestCase::new(format!("{}:{} {} {words}", notice.line, notice.column, notice.code), status);
            case.set_classname(notice.claim.clone().unwrap_or_else(|| path.to_owned()));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    if !unseen.is_empty() {
        let mut suite = TestSuite::new("could not look");
        for what in unseen {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("could-not-look").set_message(what.as_str());
            suite.add_test_case(TestCase::new(what.as_str(), status));
        }
        report.add_test_suite(suite);
    }
    let mut out = Vec::new();
    report.serialize(&mut out)?;
    Ok(out)
}

// A path as a relative reference (RFC 3986): what may not stand there is written by its bytes.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
