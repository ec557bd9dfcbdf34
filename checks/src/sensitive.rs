//! What must never be kept: detectors of credentials, and the class record that takes a sensitive string's place.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

use crate::value::Value;

// Annotations whose values are configuration by definition. Everything else may hold anything, so it is classed.
const PUBLIC_ANNOTATIONS: &[&str] = &[
    "sidecar.istio.io/inject",
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/excludeOutboundPorts",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "storageclass.kubernetes.io/is-default-class",
    "kubernetes.io/config.source",
    "kubernetes.io/ingress.class",
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer",
];

/// Whether an annotation's value is configuration that may be kept.
#[must_use]
pub fn annotation_is_public(key: &str) -> bool {
    PUBLIC_ANNOTATIONS.contains(&key) || key.starts_with("pod-security.kubernetes.io/")
}

struct Detector {
    name: &'static str,
    // A cheap test that must hold before the expression is tried.
    hint: fn(&str) -> bool,
    matches: fn(&str) -> bool,
}

macro_rules! regex {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a literal expression, compiled by the tests"));
    };
}

regex!(PEM, r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----");
regex!(AWS, r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}");
regex!(JWT, r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*");
regex!(URL, r"[a-z][a-z0-9+]*://[^\s/:@]+:[^\s/@$]+@");
regex!(
    TOKEN,
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|hvs\.[A-Za-z0-9_-]{20,})"
);
regex!(BEARER, r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9+/._~-]{16,}");
regex!(WORD, r"(?i)password|passwd|token|secret|api[_-]?key");
regex!(ASSIGNED, r"(?im)^[ \t]*(?:--?)?[\w.-]*(?:password|token|secret)[ \t]*[:=][ \t]*(\S+)");

regex!(
    NAMED,
    r#"(?i)(?:password|passwd|pwd|token|secret|credential|(?:api|access|account|private|encryption)[_-]?key)[\w.-]*["']?\s*[:=]\s*["']?([^\s"',}\]]+)"#
);

/// Detectors in the order in which their names are listed.
static DETECTORS: [Detector; 7] = [
    Detector { name: "aws-access-key", hint: |text| text.contains("AKIA") || text.contains("ASIA"), matches: |text| AWS.is_match(text) },
    Detector { name: "bearer-token", hint: |text| text.len() > 20, matches: |text| BEARER.is_match(text) },
    Detector { name: "credential-assignment", hint: |text| text.len() > 6 && WORD.is_match(text), matches: assigns_credential },
    Detector { name: "jwt", hint: |text| text.contains("eyJ"), matches: |text| JWT.is_match(text) },
    Detector { name: "pem-private-key", hint: |text| text.contains("PRIVATE KEY-----"), matches: |text| PEM.is_match(text) },
    Detector { name: "service-token", hint: |text| text.len() > 14, matches: |text| TOKEN.is_match(text) },
    Detector { name: "url-password", hint: |text| text.contains("://") && text.contains('@'), matches: |text| URL.is_match(text) },
];

// `password: x`, `api.token=x`.
fn assigns_credential(text: &str) -> bool {
    ASSIGNED.captures_iter(text).any(|found| !is_harmless(&found[1]))
}

// A reference to elsewhere (`${X}`, a URL, a path) is not a credential, and neither is a switch: `use-account-credentials=true`.
fn is_harmless(value: &str) -> bool {
    matches!(value, "true" | "false") || ["${", "http:", "https:", "/"].iter().any(|reference| value.starts_with(reference))
}

/// The names of the detectors that see a credential in `text`, sorted.
#[must_use]
pub fn detectors(text: &str) -> Vec<&'static str> {
    DETECTORS.iter().filter(|detector| (detector.hint)(text) && (detector.matches)(text)).map(|detector| detector.name).collect()
}

/// Whether a text that a check asks for by its exact name holds a credential anywhere, in whatever notation.
///
/// Such a text is kept word for word, so the look is stricter than that of [`detectors`]: not only at the start of a line,
/// quoted keys too, and every usual name of a credential.
#[must_use]
pub fn may_hold_credential(text: &str) -> bool {
    let named = || NAMED.captures_iter(text).any(|found| !is_harmless(&found[1]));
    !detectors(text).is_empty() || named()
}

/// No text shorter than this, in bytes, is a credential beyond doubt.
pub const SHORTEST_CREDENTIAL: usize = 12;

/// Whether `text` is a credential beyond doubt, so that it is not kept wherever it stands.
#[must_use]
pub fn is_certain_credential(text: &str) -> bool {
    if text.len() < SHORTEST_CREDENTIAL {
        return false;
    }
    // One pass over the bytes decides for nearly every string that no expression has to look.
    let suspicious = text.contains("://") && text.contains('@')
        || text.contains("eyJ")
        || text.contains("AKIA")
        || text.contains("ASIA")
        || text.contains("-----BEGIN")
        || ["ghp_", "gho_", "glpat-", "xox", "AIza", "hvs."].iter().any(|mark| text.contains(mark))
        || ["earer ", "asic "].iter().any(|mark| text.contains(mark));
    suspicious
        && DETECTORS.iter().any(|detector| detector.name != "credential-assignment" && (detector.hint)(text) && (detector.matches)(text))
}

/// What stands in evidence in place of a sensitive string: kind, length class and detector hits.
///
/// There are few different records, so equal ones are shared.
#[must_use]
pub fn class_record(text: &str) -> Value {
    type Records = HashMap<(&'static str, Vec<&'static str>), Value>;
    static RECORDS: LazyLock<Mutex<Records>> = LazyLock::new(Mutex::default);
    let length = match text.len() {
        0 => "empty",
        1..=15 => "short",
        16..=63 => "medium",
        64..=1023 => "long",
        _ => "very-long",
    };
    let found = detectors(text);
    let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
    let new = |(length, found): &(&'static str, Vec<&'static str>)| {
        let detectors = Value::list(found.iter().copied().map(Value::str).collect());
        Value::map(vec![("kind", Value::str("string")), ("length", Value::str(length)), ("detectors", detectors)])
    };
    records.entry((length, found)).or_insert_with_key(new).clone()
}

/// Whether a value is the record that took a sensitive string's place.
#[must_use]
pub fn is_class_record(value: &Value) -> bool {
    value.as_map().is_some_and(|entries| {
        entries.iter().map(|(key, _)| *key).eq(["detectors", "kind", "length"]) && entries[1].1.as_str() == Some("string")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_sees_its_own_kind() {
        for (text, name) in [
            ("key AKIAEXAMPLE1234567", "aws-access-key"),
            ("Authorization: Bearer abcdefghijklmnopqrstuvwx", "bearer-token"),
            ("db.password = hunter22", "credential-assignment"),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJleGFtcGxlIn0.x", "jwt"),
            ("-----BEGIN RSA PRIVATE KEY-----", "pem-private-key"),
            ("glpat-EXAMPLEexample123456", "service-token"),
            ("postgres://app:hunter22@db:5432/x", "url-password"),
        ] {
            assert!(detectors(text).contains(&name), "{name} in {text}: {:?}", detectors(text));
        }
    }

    #[test]
    fn what_is_kept_word_for_word_is_looked_at_more_strictly() {
        for text in [
            "--storage.tsdb.retention.time=400d --web.auth-password=hunter22",
            "secret_access_key: hunter22",
            "redis: {\"password\": \"hunter22\"}",
            "- password: hunter22",
            "token=true1234",
        ] {
            assert!(may_hold_credential(text), "{text}");
        }
        for text in [
            "--storage.tsdb.retention.time=400d",
            "retention_period: 2160h",
            "password: ${FROM_ENV}",
            "tokens=/var/run/secrets/token",
            "--use-service-account-credentials=true",
            r#"["server","--kube-apiserver-arg","extend-token-expiration=false"]"#,
        ] {
            assert!(!may_hold_credential(text), "{text}");
        }
    }

    #[test]
    fn references_are_not_credentials() {
        for text in ["password: ${DB_PASSWORD}", "token=/var/run/token", "secret: https://vault/x", "max_tokens: 5"] {
            assert!(detectors(text).is_empty(), "{text}: {:?}", detectors(text));
        }
    }

    #[test]
    fn the_class_record_never_holds_the_text() {
        let record = serde_json::to_string(&class_record("password: hunter22")).unwrap();
        assert!(!record.contains("hunter22"), "{record}");
        assert!(record.contains("credential-assignment"), "{record}");
    }
}
