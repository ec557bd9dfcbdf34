//! Frameworks, each with the status that the words give it.

use std::ops::Range;

use proofbook_evidence::claims::Kind;

use super::super::scan::{Found, Scan};
use super::super::vocabulary::Sense;
use super::{Beside, Value, longest};

// Frameworks, each with the status that the words give it.
pub(super) fn schemes(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let own = longest(scan, |sense| if let Sense::Scheme(name) = sense { Some(&**name) } else { None });
    let mut named: Vec<(&str, Range<usize>)> = own;
    for (_, range) in &named {
        taken.push(range.clone());
    }
    let in_cell = named.is_empty();
    if in_cell {
        // A cell or answer that gives the status of what stands beside it.
        let status = statuses(scan);
        let short = scan.words() <= 6;
        if status.is_empty() && !is_yes(scan) || !short {
            return;
        }
        for other in beside.scans {
            let beside_named = longest(other, |sense| if let Sense::Scheme(name) = sense { Some(&**name) } else { None });
            if !beside_named.is_empty() {
                let end = scan.tokens.len();
                named = beside_named.into_iter().map(|(name, _)| (name, 0..end)).collect();
                break;
            }
        }
    }
    if named.is_empty() {
        return;
    }
    let all: Vec<String> = statuses(scan);
    let mut beside_statuses: Vec<String> = Vec::new();
    if all.is_empty() {
        beside_statuses = beside.scans.iter().map(|scan| statuses(scan)).find(|found| !found.is_empty()).unwrap_or_default();
    }
    let found = if all.is_empty() { &beside_statuses } else { &all };
    let mut parts: Vec<(String, Range<usize>)> = Vec::new();
    for (name, range) in &named {
        let scheme = if *name == "soc2" && !in_cell { soc2_type(scan, range) } else { (*name).to_owned() };
        let status = status_of(name, found);
        let part = format!("{scheme}:{status}");
        if !parts.iter().any(|(known, _)| *known == part) {
            parts.push((part, range.clone()));
        }
    }
    let start = parts.iter().map(|(_, range)| range.start).min().unwrap_or(0);
    let end = parts.iter().map(|(_, range)| range.end).max().unwrap_or(0);
    let text = parts.into_iter().map(|(part, _)| part).collect::<Vec<_>>().join(",");
    out.push(Value { kind: Some(Kind::CertificationStatus), text, tokens: start..end });
}

// "SOC 2 ... Type 2" with words between.
fn soc2_type(scan: &Scan<'_>, range: &Range<usize>) -> String {
    for at in range.end..scan.tokens.len().min(range.end + 12) {
        if scan.tokens.text(at) == "type" {
            return match scan.tokens.text(at + 1) {
                "1" | "i" => "soc2-type1".to_owned(),
                "2" | "ii" => "soc2-type2".to_owned(),
                _ => "soc2".to_owned(),
            };
        }
    }
    "soc2".to_owned()
}

fn is_yes(scan: &Scan<'_>) -> bool {
    matches!(scan.tokens.text(0), "yes" | "ja" | "oui" | "✓" | "✔" | "✅")
}

fn statuses(scan: &Scan<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for Found { sense, .. } in scan.found() {
        if let Sense::Status(name) = sense
            && !out.iter().any(|known| known == &**name)
        {
            out.push(name.to_string());
        }
    }
    out
}

// The status of a framework by the words around it; what bare names mean depends on what they name.
fn status_of(scheme: &str, found: &[String]) -> &'static str {
    let has = |status: &str| found.iter().any(|known| known == status);
    let report =
        matches!(scheme, "soc1-type1" | "soc1-type2" | "soc2" | "soc2-type1" | "soc2-type2" | "soc3" | "c5" | "c5-type1" | "c5-type2");
    let law = matches!(scheme, "gdpr" | "hipaa" | "dora" | "nis2" | "pci-dss" | "ccpa");
    let guide = matches!(scheme, "nist-csf" | "nist-800-53" | "nist-800-171" | "cis");
    if has("none") {
        return "none";
    }
    if has("in-progress") {
        return "in-progress";
    }
    if has("planned") && (!has("certified") || report && !has("attested")) {
        return "planned";
    }
    if has("attested") && report {
        return "attested";
    }
    // What words say, the stronger first; else what the bare name of such a thing means.
    let said = ["certified", "self-declared", "aligned"].into_iter().find(|status| has(status));
    let bare = if report {
        "attested"
    } else if law {
        "self-declared"
    } else if guide {
        "aligned"
    } else {
        "certified"
    };
    said.unwrap_or(bare)
}
