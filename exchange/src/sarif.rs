//! SARIF 2.1.0: a rule a check, a result for every finding that is not as promised or could not be told.

use std::fmt::Write as _;

use proofbook_checks::definition::Severity;
use proofbook_checks::{Finding, Verdict};
use proofbook_evidence::views::{CheckView, Publication};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{ExportError, Input};

pub(crate) fn write(input: &Input<'_>) -> Result<Vec<u8>, ExportError> {
    let mut out = serde_json::to_vec_pretty(&log(input.publication))?;
    out.push(b'\n');
    Ok(out)
}

fn log(publication: &Publication) -> Value {
    let run = &publication.run;
    let rules: Vec<Value> = publication.checks.values().map(rule).collect();
    let results: Vec<Value> = publication
        .checks
        .values()
        .enumerate()
        .flat_map(|(index, check)| check.failing.iter().filter_map(move |finding| result(publication, check, index, finding)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Proofbook",
                "version": run.tool_version,
                "informationUri": "https://proofbook.dev",
                "rules": rules,
            }},
            "automationDetails": {"id": format!("proofbook/{}/{}/{}", run.workspace, run.environment, run.run_id)},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {"manifestSha256": run.manifest_sha256, "collectedAt": run.collected_at.to_string(), "asOf": run.as_of.to_string()},
        }],
    })
}

fn rule(check: &CheckView) -> Value {
    json!({
        "id": check.id,
        "name": name_of(&check.id),
        "shortDescription": {"text": sentence(&check.title)},
        "fullDescription": {"text": sentence(&format!("{} Does not prove: {}", check.proves.trim(), check.does_not_prove.trim()))},
        "help": {"text": sentence(&check.remedy)},
        "defaultConfiguration": {"level": level(check.severity)},
        "properties": {"severity": check.severity.as_str(), "security-severity": score(check.severity), "method": check.method.as_str(), "tags": [check.domain]},
    })
}

fn result(publication: &Publication, check: &CheckView, index: usize, finding: &Finding) -> Option<Value> {
    // SARIF tells a failure from what is open: could not be looked at.
    let (kind, level) = match finding.verdict {
        Verdict::Fail => ("fail", level(check.severity)),
        Verdict::Error | Verdict::Stale => ("open", "none"),
        _ => return None,
    };
    let subject = finding.subject.to_string();
    let fingerprint = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}/{subject}", check.id).as_bytes());
    // An accepted failure stays a result, and says who took it out of the open ones.
    let accepting = finding.exceptions.iter().filter_map(|id| publication.exceptions.get(id));
    let accepting = accepting.filter(|exception| exception.check.is_some() && exception.accepts());
    let suppressions: Vec<Value> = accepting
        .map(|exception| {
            let justification = format!("{} {}, until {}: {}", exception.kind, exception.id, exception.until, exception.reason);
            json!({"kind": "external", "status": "accepted", "justification": sentence(&justification)})
        })
        .collect();
    let mut properties = json!({"verdict": finding.verdict.as_str(), "reasonCode": finding.reason_code.as_str()});
    if !finding.exceptions.is_empty() {
        properties["exceptions"] = json!(finding.exceptions);
    }
    let mut result = json!({
        "ruleId": check.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": sentence(&format!("{subject}: {}", finding.message))},
        "locations": [{"logicalLocations": [{"name": finding.subject.name, "fullyQualifiedName": subject, "kind": "resource"}]}],
        "partialFingerprints": {"checkAndSubject/v1": fingerprint.to_string()},
        "properties": properties,
    });
    if !suppressions.is_empty() {
        result["suppressions"] = suppressions.into();
    }
    Some(result)
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

// The number by which code scanning sorts.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
        Severity::Info => "0.0",
    }
}

// Rule names are in Pascal case.
fn name_of(id: &str) -> String {
    id.split('-').fold(String::new(), |mut name, word| {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            let _ = write!(name, "{}{}", first.to_ascii_uppercase(), letters.as_str());
        }
        name
    })
}

fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
