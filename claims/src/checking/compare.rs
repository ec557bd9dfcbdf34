//! Comparing a promised value with what was measured: each distinct value of the population either keeps the promise or does not.

use proofbook_evidence::claims::{Amount, Comparator, Kind, Promise, Quantifier, StoredValue, Term, Unit, area, version, version_number};
use serde_json::Value;

/// What a comparison comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// How many subjects were measured.
    pub(crate) subjects: u64,
    /// The values that do not keep the promise, each with its number of subjects.
    pub(crate) against: Vec<(Value, u64)>,
    /// Whether every subject goes strictly beyond the promise.
    pub(crate) beyond: bool,
}

/// Compares; none where the two cannot be compared.
pub(crate) fn compare(promise: &Promise, kind: Kind, quantifier: Option<Quantifier>, stored: &StoredValue) -> Option<Comparison> {
    let name = stored.measured.id.rsplit('.').next().unwrap_or_default();
    let mut comparison = Comparison { subjects: 0, against: Vec::new(), beyond: true };
    let mut compared = false;
    for (value, count) in &stored.measured.distinct {
        comparison.subjects += count;
        match keeps(promise, kind, name, value) {
            Some(kept) => {
                compared = true;
                comparison.beyond &= kept.beyond;
                if !kept.kept {
                    comparison.against.push((value.clone(), *count));
                }
            }
            // What cannot be compared with the promise does not keep it, where others can be.
            None => comparison.against.push((value.clone(), *count)),
        }
    }
    let _ = quantifier;
    compared.then_some(comparison)
}

#[derive(Clone, Copy)]
struct Kept {
    kept: bool,
    beyond: bool,
}

fn keeps(promise: &Promise, kind: Kind, name: &str, measured: &Value) -> Option<Kept> {
    match promise.terms() {
        [term] => match &term.amount {
            Amount::Version(_) => versions(promise.terms(), measured),
            Amount::Number(..) => numbers(term, kind, name, measured),
            Amount::Word(word) => words(&[word.as_str()], kind, measured),
        },
        terms if terms.iter().all(|term| matches!(term.amount, Amount::Version(_))) => versions(terms, measured),
        terms => {
            let list: Vec<&str> =
                terms.iter().filter_map(|term| if let Amount::Word(word) = &term.amount { Some(word.as_str()) } else { None }).collect();
            if list.len() == terms.len() { words(&list, kind, measured) } else { None }
        }
    }
}

// The lowest version that was accepted must not be below the lowest that is promised; "TLS 1.3" alone promises 1.3 and better.
fn versions(terms: &[Term], measured: &Value) -> Option<Kept> {
    let texts: Vec<&str> = match measured {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let found: Vec<f64> = texts.iter().filter_map(|text| version_of(text)).collect();
    let lowest = found.into_iter().reduce(f64::min)?;
    let promised = terms
        .iter()
        .filter_map(|term| if let Amount::Version(parts) = &term.amount { Some(version_number(parts)) } else { None })
        .reduce(f64::min)?;
    let above = terms.iter().any(|term| term.comparator == Comparator::More);
    Some(Kept { kept: if above { lowest > promised } else { lowest >= promised }, beyond: lowest > promised })
}

// "tls1.2", "TLSv1.2", "VersionTLS12", "1.2"; SSL is below all of TLS.
fn version_of(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("ssl") {
        return Some(0.0);
    }
    let digits = lower.trim_start_matches(|c: char| !c.is_ascii_digit()).replace('_', ".");
    let digits = match digits.as_str() {
        "10" | "11" | "12" | "13" => format!("1.{}", &digits[1..]),
        _ => digits,
    };
    version(&digits).map(|parts| version_number(&parts))
}

fn numbers(term: &Term, kind: Kind, name: &str, measured: &Value) -> Option<Kept> {
    let Amount::Number(promised, unit) = term.amount else { return None };
    let found = number_of(measured, unit, name)?;
    // What was not measured is written as a negative number.
    if found < 0.0 {
        return None;
    }
    let comparator = match (term.comparator, kind) {
        // An interval, an age or a time that is promised is the longest that is allowed.
        (Comparator::Equal, Kind::Frequency | Kind::Sla) => Comparator::AtMost,
        (Comparator::Equal, Kind::AccessControl) if unit == Unit::Seconds => Comparator::AtMost,
        (Comparator::Equal, Kind::AccessControl | Kind::SupplyChain | Kind::Other | Kind::Backup) if unit == Unit::Count => {
            Comparator::AtLeast
        }
        (comparator, _) => comparator,
    };
    // A schedule may run late: a tenth, and two hours at most.
    let slack = match kind {
        Kind::Frequency if unit == Unit::Seconds => (promised * 0.1).min(7_200.0).max(if promised >= 86_400.0 { 7_200.0 } else { 0.0 }),
        _ if unit == Unit::Seconds => promised * 0.02,
        _ => 0.0,
    };
    let bounded = Term { comparator, ..term.clone() };
    let slack = if matches!(comparator, Comparator::Equal | Comparator::Range) || kind == Kind::Frequency { slack } else { 0.0 };
    let kept = bounded.admits(found, slack);
    let beyond = match comparator {
        Comparator::AtLeast | Comparator::More => found > promised,
        Comparator::AtMost | Comparator::Less => found < promised,
        Comparator::Equal | Comparator::Range => false,
    };
    Some(Kept { kept, beyond })
}

// The measured number in the unit of the promise: durations in seconds, by the name of the measure or the text of the value.
fn number_of(measured: &Value, unit: Unit, name: &str) -> Option<f64> {
    match measured {
        Value::Number(number) => {
            let number = number.as_f64()?;
            if unit != Unit::Seconds {
                return Some(number);
            }
            let words: Vec<&str> = name.split('_').collect();
            let factor = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3_600.0), ("days", 86_400.0), ("ms", 0.001)];
            let factor = factor.iter().find(|(word, _)| words.contains(word)).map_or(1.0, |(_, factor)| *factor);
            Some(if number < 0.0 { -1.0 } else { number * factor })
        }
        Value::String(text) => {
            let promise = Promise::new(text).ok()?;
            match promise.terms() {
                [Term { amount: Amount::Number(number, found), .. }] if *found == unit || unit != Unit::Seconds => Some(*number),
                _ => None,
            }
        }
        Value::Array(list) if unit == Unit::Count => {
            let numbers: Vec<f64> = list.iter().filter_map(Value::as_f64).collect();
            // A list of numbers keeps a promise by its least; a list of things by how many they are.
            if !numbers.is_empty() && numbers.len() == list.len() {
                return numbers.into_iter().reduce(f64::min);
            }
            Some(f64::from(u32::try_from(list.len()).ok()?))
        }
        _ => None,
    }
}

// Algorithms, places, states: every measured word must be one of the promised ones, or lie in one of them.
fn words(promised: &[&str], kind: Kind, measured: &Value) -> Option<Kept> {
    let found: Vec<&str> = match measured {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    if found.is_empty() || found.iter().all(|word| word.is_empty()) {
        return None;
    }
    // What a word of another kind means beside a measured one is not known.
    if !matches!(kind, Kind::Residency | Kind::Algorithm | Kind::ProtocolVersion) {
        return None;
    }
    let fits = |word: &&str| match kind {
        Kind::Residency => promised.iter().any(|area| area::lies_in(word, area) || area.eq_ignore_ascii_case(word)),
        Kind::Algorithm => promised.iter().any(|algorithm| same_algorithm(algorithm, word)),
        Kind::ProtocolVersion => promised.iter().any(|protocol| same_protocol(protocol, word)),
        _ => promised.iter().any(|promised| promised.eq_ignore_ascii_case(word)),
    };
    Some(Kept { kept: found.iter().all(fits), beyond: false })
}

fn squeezed(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn same_algorithm(promised: &str, found: &str) -> bool {
    let (promised, found) = (squeezed(promised), squeezed(found));
    // Providers name what they use without its size: their AES is AES-256.
    let by_provider = matches!(found.as_str(), "awskms" | "awskmsdsse" | "aes256" | "secretbox" | "aescbc" | "aesgcm");
    found == promised || found.starts_with(&promised) || promised.starts_with("aes") && by_provider && promised != "aes128"
}

fn same_protocol(promised: &str, found: &str) -> bool {
    let (promised, found) = (squeezed(promised), squeezed(found));
    found == promised
        || promised == "mtls" && matches!(found.as_str(), "strict" | "mutual" | "mtlsstrict")
        || promised == "https" && matches!(found.as_str(), "tls" | "redirect" | "closed" | "redirected")
}

/// Whether a measured value of a promise without a number says that something is there that should not be: a non-empty list, a
/// count above zero, or `true`. None where the value cannot say it.
pub(crate) fn present(measured: &Value) -> Option<bool> {
    match measured {
        Value::Array(list) => Some(!list.is_empty()),
        Value::Number(number) => number.as_f64().map(|number| number > 0.0),
        Value::Bool(set) => Some(*set),
        _ => None,
    }
}

/// A measured value in words.
pub(crate) fn shown(value: &Value, name: &str) -> String {
    match value {
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(|value| shown(value, "")).collect::<Vec<_>>().join(", "),
        Value::Number(number) => {
            let unit =
                ["seconds", "minutes", "hours", "days", "percent"].into_iter().find(|unit| name.split('_').any(|word| word == *unit));
            match (unit, number.as_f64()) {
                (Some("hours"), Some(hours)) if hours >= 48.0 && hours % 24.0 == 0.0 => format!("{} days", hours / 24.0),
                (Some("seconds"), Some(seconds)) if seconds >= 3_600.0 && seconds % 3_600.0 == 0.0 => {
                    format!("{} hours", seconds / 3_600.0)
                }
                (Some("percent"), _) => format!("{number} %"),
                (Some(unit), _) => format!("{number} {unit}"),
                _ => number.to_string(),
            }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proofbook_evidence::values::MeasuredValue;
    use serde_json::json;

    use super::*;

    fn against(promise: &str, kind: Kind, id: &str, distinct: Vec<(Value, u64)>) -> Option<usize> {
        let measured = MeasuredValue { id: id.to_owned(), check: "c".to_owned(), distinct };
        let stored = StoredValue { measured, verdict: None, fresh_until: Timestamp::MAX };
        compare(&Promise::new(promise).unwrap(), kind, None, &stored).map(|comparison| comparison.against.len())
    }

    #[test]
    fn values_keep_a_promise_or_do_not() {
        let tls = |promise: &str, found: &str| against(promise, Kind::ProtocolVersion, "tls-min-version.lowest", vec![(json!(found), 1)]);
        assert_eq!(tls("tls>=1.3", "1.2"), Some(1));
        assert_eq!(tls("tls=1.2,tls=1.3", "tls1.2"), Some(0));
        assert_eq!(tls("tls>=1.2", "ssl3"), Some(1));
        let kept = |promise: &str, hours: i64| against(promise, Kind::Retention, "log-retention.retention_hours", vec![(json!(hours), 1)]);
        assert_eq!(kept("30d", 720), Some(0));
        assert_eq!(kept("30d", 168), Some(1));
        assert_eq!(kept("<=30d", 2160), Some(1));
        assert_eq!(kept("14d..30d", 504), Some(0));
        let places = |promise: &str, found: &str| against(promise, Kind::Residency, "node-region.region", vec![(json!(found), 1)]);
        assert_eq!(places("EU", "eu-central-1"), Some(0));
        assert_eq!(places("DE", "us-east-1"), Some(1));
        assert_eq!(against("1d", Kind::Frequency, "backup-recency.age_hours", vec![(json!(25), 3), (json!(73), 1)]), Some(1));
        assert_eq!(against("aes-256", Kind::Algorithm, "s3-encryption.algorithm", vec![(json!("AES256"), 3)]), Some(0));
        assert_eq!(against("mtls", Kind::ProtocolVersion, "mesh-mtls-strict.mode", vec![(json!(["PERMISSIVE"]), 1)]), Some(1));
    }

    #[test]
    fn what_was_not_measured_keeps_nothing() {
        assert_eq!(against("1d", Kind::Frequency, "backup-recency.age_hours", vec![(json!(-1), 3)]), None);
        assert_eq!(against("1d", Kind::Frequency, "backup-recency.age_hours", vec![(json!(3), 3), (json!(-1), 1)]), Some(1));
    }
}
