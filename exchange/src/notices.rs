//! Notices on documents in foreign formats: SARIF 2.1.0 for code scanning, JUnit for test reports.

use std::collections::BTreeMap;

use proofbook_evidence::notice::{Level, Notice, NoticeKind};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::ExportError;

/// SARIF 2.1.0: a rule a kind of notice, a result a notice that is more than information.
///
/// # Errors
/// None that a notice can cause.
pub fn sarif(notices: &[Notice], kinds: &[&NoticeKind], tool_version: &str) -> Result<Vec<u8>, ExportError> {
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
            "results": results,
        }],
    });
    let mut out = serde_json::to_vec_pretty(&log)?;
    out.push(b'\n');
    Ok(out)
}

fn result(notice: &Notice, kinds: &[&NoticeKind]) -> Value {
    let kind = if notice.level == Level::Note { "pass" } else { "fail" };
    let level = if notice.level == Level::Note { "none" } else { notice.level.as_str() };
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

/// JUnit: a suite a document, a case a statement; what fails is what `fails` says.
///
/// # Errors
/// A text that XML cannot hold.
pub fn junit(notices: &[Notice], fails: &dyn Fn(&Notice) -> bool) -> Result<Vec<u8>, ExportError> {
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
            } else {
                TestCaseStatus::success()
            };
            let words: String = notice.text.chars().take(80).collect();
            let mut case = TestCase::new(format!("{}:{} {} {words}", notice.line, notice.column, notice.code), status);
            case.set_classname(notice.claim.clone().unwrap_or_else(|| path.to_owned()));
            suite.add_test_case(case);
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
