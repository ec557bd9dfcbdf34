//! What a workspace settles for the checks: parameter values, exclusions, and absences declared with a reason.

use std::collections::BTreeMap;

use proofbook_controls::CheckId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::{Resource, Source};

/// A parameter's value, with the claim that it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ParamSetting {
    /// The value with its origin.
    Sourced(SourcedParam),
    /// The value alone.
    Plain(serde_json::Value),
}

/// A parameter's value with the promise that it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcedParam {
    /// The value.
    pub value: serde_json::Value,
    /// The id of the claim in the documentation that promises it.
    pub claim: String,
}

// By hand: serde's untagged form would also read a list of two texts as value and claim.
impl<'de> Deserialize<'de> for ParamSetting {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let sourced = value.as_object().filter(|map| map.len() == 2).and_then(|map| {
            let claim = map.get("claim")?.as_str()?;
            Some(SourcedParam { value: map.get("value")?.clone(), claim: claim.to_owned() })
        });
        Ok(sourced.map_or(Self::Plain(value), Self::Sourced))
    }
}

impl ParamSetting {
    /// The value.
    #[must_use]
    pub const fn value(&self) -> &serde_json::Value {
        match self {
            Self::Sourced(sourced) => &sourced.value,
            Self::Plain(value) => value,
        }
    }

    /// `workspace`, or `claim:<id>`.
    #[must_use]
    pub fn source(&self) -> String {
        match self {
            Self::Sourced(sourced) => format!("claim:{}", sourced.claim),
            Self::Plain(_) => "workspace".to_owned(),
        }
    }
}

/// Subjects that a check leaves out, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcludeRule {
    /// The subject as `Kind/namespace/name` or `Kind/name`; `*` stands for any text within one part. A lone `*` is refused.
    pub subject: String,
    /// Why it is left out.
    pub reason: String,
}

/// An absence that was declared, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The resource: `plural.group`, or `*.group` for a whole API group of Kubernetes; `s3/buckets` or `s3/*` of another source.
    pub resource: String,
    /// Why the platform has none.
    pub reason: String,
}

/// Settings of one check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckSettings {
    /// Parameter values for this check alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, ParamSetting>,
    /// Subjects that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<ExcludeRule>,
    /// Why an empty population is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect_empty: Option<String>,
    /// Select a check that must be asked for by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Settings of all checks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Parameter values for every check that has a parameter of the name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParamSetting>,
    /// Settings by check.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<CheckId, CheckSettings>,
    /// Resources that the platform does not have, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expect_absent: Vec<Absence>,
}

impl Settings {
    /// The declared reason for the absence of a resource.
    #[must_use]
    pub fn absence(&self, resource: &Resource) -> Option<&Absence> {
        self.expect_absent.iter().find(|absence| {
            let named = absence.resource.as_str();
            match named.split_once('/') {
                Some((source, name)) => source == resource.source.as_str() && (name == "*" || name == &*resource.name),
                None if resource.source != Source::Kubernetes => false,
                None => {
                    named == &*resource.name || named.strip_prefix("*.").is_some_and(|group| !group.is_empty() && group == resource.group())
                }
            }
        })
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut tail: Option<&str> = None;
    for part in parts {
        if let Some(middle) = tail.take()
            && !middle.is_empty()
        {
            let Some(at) = rest.find(middle) else {
                return false;
            };
            rest = &rest[at + middle.len()..];
        }
        tail = Some(part);
    }
    tail.map_or(rest.is_empty(), |tail| rest.ends_with(tail))
}

impl ExcludeRule {
    /// Whether the rule names the subject written as `Kind/namespace/name` or `Kind/name`.
    #[must_use]
    pub fn matches(&self, subject: &str) -> bool {
        let (rule, text): (Vec<_>, Vec<_>) = (self.subject.split('/').collect(), subject.split('/').collect());
        rule.len() == text.len() && rule.iter().zip(&text).all(|(rule, part)| glob(rule, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_map_of_value_and_claim_names_its_claim() {
        let read = |json: &str| serde_json::from_str::<ParamSetting>(json).unwrap();
        for list in [r#"["a"]"#, r#"["a", "b"]"#, r#"["a", "b", "c"]"#, r#"{"value": 1}"#] {
            assert_eq!(read(list).source(), "workspace", "{list}");
        }
        assert_eq!(read(r#"{"value": ["a", "b"], "claim": "c-1"}"#).source(), "claim:c-1");
    }

    #[test]
    fn absence_is_declared_by_resource_group_or_source() {
        let absent = |resource: &str| Settings {
            expect_absent: vec![Absence { resource: resource.into(), reason: "none".into() }],
            ..Settings::default()
        };
        let policies = Resource::kubernetes("networkpolicies.networking.k8s.io");
        let buckets = Resource { source: Source::S3, name: "buckets".into() };
        for (declared, of_policies, of_buckets) in [
            ("networkpolicies.networking.k8s.io", true, false),
            ("*.networking.k8s.io", true, false),
            ("kubernetes/networkpolicies.networking.k8s.io", true, false),
            ("*.", false, false),
            ("buckets", false, false),
            ("s3/buckets", false, true),
            ("s3/*", false, true),
            ("dns/*", false, false),
        ] {
            let settings = absent(declared);
            assert_eq!(
                (settings.absence(&policies).is_some(), settings.absence(&buckets).is_some()),
                (of_policies, of_buckets),
                "{declared}"
            );
        }
    }

    #[test]
    fn globs() {
        assert!(glob("a*c", "abbc") && glob("*", "") && glob("a*b*c", "aXbYbc") && glob("abc", "abc"));
        assert!(!glob("a*c", "abb") && !glob("abc", "abcd") && !glob("a*b*c", "acb"));
    }

    #[test]
    fn exclusions_match_part_by_part() {
        let rule = ExcludeRule { subject: "DaemonSet/kube-system/*".into(), reason: "CNI".into() };
        assert!(rule.matches("DaemonSet/kube-system/cilium"));
        assert!(!rule.matches("DaemonSet/kube-system-x/cilium"));
        assert!(!rule.matches("DaemonSet/cilium"));
    }
}
