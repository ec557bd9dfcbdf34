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
        match keeps(promise, kind, quantifier, name, value) {
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
    compared.then_some(comparison)
}

#[derive(Clone, Copy)]
struct Kept {
    kept: bool,
    beyond: bool,
}

fn keeps(promise: &Promise, kind: Kind, quantifier: Option<Quantifier>, name: &str, measured: &Value) -> Option<Kept> {
    match promise.terms() {
        [term] => match &term.amount {
            Amount::Version(_) => versions(promise.terms(), name, measured),
            Amount::Number(..) => numbers(term, kind, quantifier, name, measured),
            Amount::Word(word) => words(&[word.as_str()], kind, measured),
        },
        terms if terms.iter().all(|term| matches!(term.amount, Amount::Version(_))) => versions(terms, name, measured),
        terms => {
            let list: Vec<&str> =
                terms.iter().filter_map(|term| if let Amount::Word(word) = &term.amount { Some(word.as_str()) } else { None }).collect();
            if list.len() == terms.len() { words(&list, kind, measured) } else { None }
        }
    }
}

// A measure with such a word in its name is the least of what was found; what lies above it was not counted.
fn is_floor(name: &str) -> bool {
    name.split('_').any(|word| matches!(word, "floor" | "lowest" | "min" | "minimum" | "length"))
}

// A floor that is promised holds for the lowest version that was found, a ceiling for the highest. "TLS 1.3" alone promises 1.3 and
// better where the measure is a floor, and exactly what it says elsewhere.
fn versions(terms: &[Term], name: &str, measured: &Value) -> Option<Kept> {
    let texts: Vec<&str> = match measured {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let found: Vec<f64> = texts.iter().filter_map(|text| version_of(text)).collect();
    let lowest = found.iter().copied().reduce(f64::min)?;
    let highest = found.iter().copied().reduce(f64::max)?;
    let number = |amount: &Amount| if let Amount::Version(parts) = amount { Some(version_number(parts)) } else { None };
    let promised: Vec<f64> = terms.iter().filter_map(|term| number(&term.amount)).collect();
    let least = promised.iter().copied().reduce(f64::min)?;
    let kept = match terms {
        [Term { comparator: Comparator::AtLeast, .. }] => lowest >= least,
        [Term { comparator: Comparator::More, .. }] => lowest > least,
        [Term { comparator: Comparator::AtMost, .. }] if !is_floor(name) => highest <= least,
        [Term { comparator: Comparator::Less, .. }] if !is_floor(name) => highest < least,
        [Term { comparator: Comparator::Range, upper: Some(upper), .. }] if !is_floor(name) => lowest >= least && highest <= number(upper)?,
        [Term { comparator: Comparator::AtMost | Comparator::Less | Comparator::Range, .. }] => return None,
        _ if is_floor(name) => lowest >= least,
        // "1.34" is kept by "1.34.2".
        _ => {
            let exact = |found: &[u32]| terms.iter().any(|term| matches!(&term.amount, Amount::Version(parts) if found.starts_with(parts)));
            texts.iter().all(|text| parts_of(text).is_some_and(|found| exact(&found)))
        }
    };
    Some(Kept { kept, beyond: lowest > least })
}

// "tls1.2", "TLSv1.2", "VersionTLS12", "1.2"; SSL is below all of TLS.
fn parts_of(text: &str) -> Option<Vec<u32>> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("ssl") {
        return Some(vec![0]);
    }
    let digits = lower.trim_start_matches(|c: char| !c.is_ascii_digit()).replace('_', ".");
    let digits = match digits.as_str() {
        "10" | "11" | "12" | "13" => format!("1.{}", &digits[1..]),
        _ => digits,
    };
    version(&digits)
}

fn version_of(text: &str) -> Option<f64> {
    parts_of(text).map(|parts| version_number(&parts))
}

fn numbers(term: &Term, kind: Kind, quantifier: Option<Quantifier>, name: &str, measured: &Value) -> Option<Kept> {
    let Amount::Number(promised, unit) = term.amount else { return None };
    let found = numbers_of(measured, unit, name)?;
    // What was not measured is written as a negative number.
    if found.iter().any(|found| *found < 0.0) {
        return None;
    }
    let (lowest, highest) = (found.iter().copied().reduce(f64::min)?, found.iter().copied().reduce(f64::max)?);
    let comparator = match (term.comparator, kind) {
        // Numbers in a list are no count: ports, sizes, codes.
        (comparator, _) if unit == Unit::Count && measured.is_array() && found.len() > 1 => comparator,
        // "Only two people" is a ceiling, whatever "two people" is.
        (Comparator::Equal, _) if unit == Unit::Count && quantifier == Some(Quantifier::Only) => Comparator::AtMost,
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
    let kept = bounded.admits(lowest, slack) && bounded.admits(highest, slack);
    let beyond = match comparator {
        Comparator::AtLeast | Comparator::More => lowest > promised,
        Comparator::AtMost | Comparator::Less => highest < promised,
        Comparator::Equal | Comparator::Range => false,
    };
    Some(Kept { kept, beyond })
}

// The measured numbers in the unit of the promise: durations in seconds, by the name of the measure or the text of the value.
fn numbers_of(measured: &Value, unit: Unit, name: &str) -> Option<Vec<f64>> {
    match measured {
        Value::Number(number) => Some(vec![in_unit(number.as_f64()?, unit, name)]),
        Value::String(text) => {
            let promise = Promise::new(text).ok()?;
            match promise.terms() {
                [Term { amount: Amount::Number(number, found), .. }] if *found == unit || unit != Unit::Seconds => Some(vec![*number]),
                _ => None,
            }
        }
        // A list of numbers keeps a promise with each of them; a list of things by how many they are.
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_number) => {
            list.iter().map(|number| number.as_f64().map(|number| in_unit(number, unit, name))).collect()
        }
        Value::Array(list) if unit == Unit::Count => Some(vec![f64::from(u32::try_from(list.len()).ok()?)]),
        _ => None,
    }
}

fn in_unit(number: f64, unit: Unit, name: &str) -> f64 {
    if unit != Unit::Seconds || number < 0.0 {
        return number;
    }
    let factors = [("seconds", 1.0), ("minutes", 60.0), ("hours", 3_600.0), ("days", 86_400.0), ("ms", 0.001)];
    let factor = factors.iter().find(|(word, _)| name.split('_').any(|own| own == *word)).map_or(1.0, |(_, factor)| *factor);
    number * factor
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
    if !matches!(kind, Kind::Residency | Kind::Algorithm | Kind::ProtocolVersion | Kind::CertificationStatus) {
        return None;
    }
    let fits = |word: &str| match kind {
        Kind::Residency => place_fits(promised, word),
        Kind::Algorithm => algorithm_fits(promised, word),
        Kind::CertificationStatus => scheme_fits(promised, word),
        _ => Some(promised.iter().any(|protocol| same_protocol(protocol, word))),
    };
    let all: Vec<Option<bool>> = found.into_iter().map(fits).collect();
    if all.contains(&Some(false)) {
        return Some(Kept { kept: false, beyond: false });
    }
    // One of which nothing is known leaves the whole undecided.
    all.iter().all(Option::is_some).then_some(Kept { kept: true, beyond: false })
}

fn squeezed(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

// None where nobody knows in which country a place lies.
fn place_fits(promised: &[&str], found: &str) -> Option<bool> {
    let fits = promised.iter().any(|area| area::lies_in(found, area) || area.eq_ignore_ascii_case(found));
    (fits || area::is_place(found)).then_some(fits)
}

// What providers of encryption use, by their own documentation: the names in configurations of Kubernetes, S3 and cloud KMS. Where a
// key of several sizes is possible, the name stands without its size.
const PROVIDERS: [(&str, &str); 6] = [
    ("aes256", "aes256gcm"),
    ("aescbc", "aes"),
    ("aesgcm", "aes"),
    ("awskms", "aes256gcm"),
    ("awskmsdsse", "aes256gcm"),
    ("secretbox", "xsalsa20poly1305"),
];

// None where the size of the key is not known.
fn algorithm_fits(promised: &[&str], found: &str) -> Option<bool> {
    let found = squeezed(found);
    let used = PROVIDERS.iter().find(|(name, _)| *name == found).map_or(found.as_str(), |(_, used)| *used);
    let promised: Vec<String> = promised.iter().map(|algorithm| squeezed(algorithm)).collect();
    if promised.iter().any(|promised| used.starts_with(promised.as_str()) || found == *promised) {
        return Some(true);
    }
    // "aes" may be what was promised, and may not.
    let open = promised.iter().any(|promised| promised.starts_with(used));
    (!open).then_some(false)
}

// `soc2-type-2` is the scheme of `soc2-type2:attested`; of any other word nothing is known.
fn scheme_fits(promised: &[&str], found: &str) -> Option<bool> {
    let scheme = |promised: &&str| squeezed(promised.split(':').next().unwrap_or_default()) == squeezed(found);
    promised.iter().any(scheme).then_some(true)
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
        by(None, promise, kind, id, distinct)
    }

    fn by(quantifier: Option<Quantifier>, promise: &str, kind: Kind, id: &str, distinct: Vec<(Value, u64)>) -> Option<usize> {
        let measured = MeasuredValue { id: id.to_owned(), check: "c".to_owned(), population: None, distinct };
        let stored = StoredValue { measured, verdict: None, fresh_until: Timestamp::MAX };
        compare(&Promise::new(promise).unwrap(), kind, quantifier, &stored).map(|comparison| comparison.against.len())
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
    fn exact_values_and_ceilings_are_not_read_as_floors() {
        let version = |promise: &str, name: &str, found: Value| against(promise, Kind::ProtocolVersion, name, vec![(found, 1)]);
        assert_eq!(version("tls=1.3", "tls.accepted", json!(["tls1.2", "tls1.3"])), Some(1));
        assert_eq!(version("tls=1.2,tls=1.3", "tls.accepted", json!(["tls1.2", "tls1.3"])), Some(0));
        assert_eq!(version("tls<=1.2", "tls.accepted", json!(["tls1.3"])), Some(1));
        assert_eq!(version("tls<=1.2", "tls-min-version.lowest", json!("tls1.2")), None);
        assert_eq!(version("1.34", "k8s.version", json!("v1.34.2")), Some(0));
        assert_eq!(version("1.34", "k8s.version", json!("v1.35.0")), Some(1));
        let admins = |quantifier, found: i64| by(quantifier, "2", Kind::AccessControl, "admins.holders", vec![(json!(found), 1)]);
        assert_eq!((admins(None, 3), admins(Some(Quantifier::Only), 3), admins(Some(Quantifier::Only), 2)), (Some(0), Some(1), Some(0)));
        let ages = vec![(json!([3, 40]), 1)];
        assert_eq!(against("<=30d", Kind::SupplyChain, "images.age_days", ages), Some(1));
    }

    #[test]
    fn names_of_providers_stand_for_what_they_use_and_unknown_places_for_none() {
        let algorithm = |promise: &str, found: &str| against(promise, Kind::Algorithm, "x.provider", vec![(json!(found), 1)]);
        assert_eq!((algorithm("aes-256", "aws:kms"), algorithm("aes-256-gcm", "AES256")), (Some(0), Some(0)));
        assert_eq!((algorithm("aes-256", "secretbox"), algorithm("xsalsa20-poly1305", "secretbox")), (Some(1), Some(0)));
        assert_eq!((algorithm("aes-256", "aescbc"), algorithm("aes", "aescbc")), (None, Some(0)));
        let place = |promise: &str, found: &str| against(promise, Kind::Residency, "node-region.region", vec![(json!(found), 1)]);
        assert_eq!((place("EU", "eu-zurich-1"), place("EU", "eu-unheard-of-1")), (Some(1), None));
        assert_eq!((place("BE", "europe-west10"), place("DE", "europe-west10")), (Some(1), Some(0)));
    }

    #[test]
    fn what_was_not_measured_keeps_nothing() {
        assert_eq!(against("1d", Kind::Frequency, "backup-recency.age_hours", vec![(json!(-1), 3)]), None);
        assert_eq!(against("1d", Kind::Frequency, "backup-recency.age_hours", vec![(json!(3), 3), (json!(-1), 1)]), Some(1));
    }
}
