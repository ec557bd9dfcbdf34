//! Audit policies of Kubernetes: each rule with what it matches as `group/resource` patterns, and whether it holds for
//! everybody or only under conditions. Names of users and groups are conditions, and are not kept.

use proofbook_checks::inventory::Reason;
use proofbook_controls::yaml;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::reading::Read;
use crate::observed::Unread;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    api_version: String,
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    omit_stages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    level: String,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    user_groups: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    resources: Vec<Resources>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default, rename = "nonResourceURLs")]
    urls: Vec<String>,
    #[serde(default)]
    omit_stages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resources {
    #[serde(default)]
    group: String,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    resource_names: Vec<String>,
}

/// What is kept of a policy.
pub(super) fn read(name: &str, file: &Read) -> Result<Json, Unread> {
    let policy: Policy = yaml::parse(name, file.text()?).map_err(|fault| Unread::new(Reason::ParseError, fault.message))?;
    if policy.kind != "Policy" || !policy.api_version.starts_with("audit.k8s.io/") {
        let detail = format!("it is no audit policy but a `{}` of `{}`", policy.kind, policy.api_version);
        return Err(Unread::new(Reason::ParseError, detail));
    }
    if policy.api_version != "audit.k8s.io/v1" {
        return Err(Unread::new(Reason::UnsupportedVersion, format!("{} is not known", policy.api_version)));
    }
    let rules: Vec<Json> = policy.rules.iter().enumerate().map(|(at, rule)| kept(at, rule, &policy.omit_stages)).collect();
    Ok(json!({"rules": rules, "sha256": file.sha256}))
}

fn kept(at: usize, rule: &Rule, omitted: &[String]) -> Json {
    // A rule with URLs alone is about no resource; one with neither is about everything.
    let matches: Vec<String> = match (rule.resources.is_empty(), rule.urls.is_empty()) {
        (true, true) => vec!["*".to_owned()],
        (true, false) => Vec::new(),
        _ => rule.resources.iter().flat_map(patterns).collect(),
    };
    let named = rule.resources.iter().any(|resources| !resources.resource_names.is_empty());
    let narrowed = [&rule.users, &rule.user_groups, &rule.verbs, &rule.namespaces].iter().any(|list| !list.is_empty());
    // A rule that leaves out every stage tells nothing.
    let silent = ["RequestReceived", "ResponseStarted", "ResponseComplete"]
        .iter()
        .all(|stage| rule.omit_stages.iter().chain(omitted).any(|other| other == stage));
    json!({"at": at, "level": if silent { "None" } else { &rule.level }, "conditional": narrowed || named, "matches": matches})
}

// The core group is called so; a group alone is about all of its resources.
fn patterns(resources: &Resources) -> Vec<String> {
    let group = if resources.group.is_empty() { "core" } else { &resources.group };
    if resources.resources.is_empty() {
        return vec![format!("{group}/*")];
    }
    resources.resources.iter().map(|resource| format!("{group}/{resource}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Result<Json, Unread> {
        read("policy.yaml", &Read { bytes: text.as_bytes().to_vec(), sha256: "x".to_owned() })
    }

    #[test]
    fn rules_tell_what_they_match_and_for_whom() {
        let found = policy(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n\
             - {level: None, users: ['system:kube-proxy'], verbs: [watch], resources: [{group: '', resources: [endpoints]}]}\n\
             - {level: None, nonResourceURLs: ['/healthz*']}\n\
             - {level: Metadata, resources: [{group: '', resources: [secrets, pods/exec]}, {group: rbac.authorization.k8s.io}]}\n\
             - {level: Request, resources: [{group: apps, resources: [deployments], resourceNames: [a]}]}\n\
             - {level: Metadata, omitStages: [ResponseStarted, ResponseComplete]}\n\
             - {level: Metadata}\n",
        );
        let found = found.unwrap();
        let rule = |at: usize| found["rules"][at].clone();
        assert_eq!(rule(0), json!({"at": 0, "level": "None", "conditional": true, "matches": ["core/endpoints"]}));
        assert_eq!(rule(1)["matches"], json!([]));
        assert_eq!(rule(2)["matches"], json!(["core/secrets", "core/pods/exec", "rbac.authorization.k8s.io/*"]));
        assert_eq!((&rule(2)["conditional"], &rule(3)["conditional"]), (&json!(false), &json!(true)));
        assert_eq!((&rule(4)["level"], &rule(5)["level"]), (&json!("None"), &json!("Metadata")));
        assert!(!found.to_string().contains("kube-proxy"));
    }

    #[test]
    fn what_is_no_policy_is_not_read_as_an_empty_one() {
        for (text, reason) in [
            ("", Reason::ParseError),
            ("kind: Pod\napiVersion: v1\n", Reason::ParseError),
            ("apiVersion: audit.k8s.io/v2\nkind: Policy\nrules: []\n", Reason::UnsupportedVersion),
            ("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: [}]\n", Reason::ParseError),
            ("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{verbs: [get]}]\n", Reason::ParseError),
        ] {
            assert_eq!(policy(text).unwrap_err().reason, reason, "{text}");
        }
    }
}
