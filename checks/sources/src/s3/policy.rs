//! Bucket policies in one form: every scalar a list, names in lower case, and of principals only whether anyone is meant.

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use crate::observed::Unread;
use crate::web::Answer;

/// What is kept of a policy.
pub(super) fn read(answer: &Answer) -> Result<Json, Unread> {
    let policy: Json = answer.json()?;
    let statements = match policy.get("Statement") {
        Some(Json::Array(statements)) => statements.clone(),
        Some(statement @ Json::Object(_)) => vec![statement.clone()],
        _ => return Err(Unread::new(Reason::ParseError, "the policy has no statements")),
    };
    let statements: Vec<Json> = statements.iter().map(statement).collect();
    Ok(json!({"statements": statements}))
}

fn statement(statement: &Json) -> Json {
    let text = |key: &str| statement.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let inverted = ["NotPrincipal", "NotAction", "NotResource"].iter().any(|key| statement.get(*key).is_some());
    let actions: Vec<String> = texts(statement.get("Action")).into_iter().map(|action| action.to_ascii_lowercase()).collect();
    json!({
        "id": text("Sid"),
        "effect": text("Effect"),
        "anyone": statement.get("Principal").is_some_and(is_anyone),
        "inverted": inverted,
        "actions": actions,
        "resources": texts(statement.get("Resource")),
        "conditions": conditions(statement.get("Condition")),
    })
}

// `"*"`, `{"AWS": "*"}`, `{"AWS": ["*", …]}`.
fn is_anyone(principal: &Json) -> bool {
    match principal {
        Json::Object(kinds) => kinds.values().any(|kind| texts(Some(kind)).iter().any(|name| name == "*")),
        other => texts(Some(other)).iter().any(|name| name == "*"),
    }
}

fn conditions(conditions: Option<&Json>) -> Vec<Json> {
    let mut found = Vec::new();
    for (operator, keys) in conditions.and_then(Json::as_object).into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values: Vec<String> = texts(Some(values)).into_iter().map(|value| value.to_ascii_lowercase()).collect();
            found.push(json!({
                "operator": operator.to_ascii_lowercase(),
                "key": key.to_ascii_lowercase(),
                "values": values,
            }));
        }
    }
    found
}

// A text, a number or a boolean, or a list of them.
fn texts(value: Option<&Json>) -> Vec<String> {
    let one = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items.iter().map(one).collect(),
        Some(value) => vec![one(value)],
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn policy(body: &Json) -> Result<Json, Unread> {
        read(&Answer { status: 200, headers: HeaderMap::new(), body: body.to_string().into_bytes(), clock_offset_ms: None })
    }

    #[test]
    fn every_spelling_comes_to_one_form() {
        let found = policy(&json!({"Version": "2012-10-17", "Statement": {
            "Sid": "tls", "Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": "s3:*",
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "Condition": {"Bool": {"aws:SecureTransport": false}},
        }}));
        assert_eq!(
            found.unwrap()["statements"],
            json!([{
                "id": "tls", "effect": "Deny", "anyone": true, "inverted": false, "actions": ["s3:*"],
                "resources": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                "conditions": [{"operator": "bool", "key": "aws:securetransport", "values": ["false"]}],
            }])
        );
    }

    #[test]
    fn who_is_meant_is_told_by_the_star_alone() {
        for (principal, anyone) in [
            (json!("*"), true),
            (json!({"AWS": "*"}), true),
            (json!({"AWS": ["arn:aws:iam::1:root", "*"]}), true),
            (json!({"AWS": "arn:aws:iam::1:root"}), false),
            (json!({"Service": "logging.s3.amazonaws.com"}), false),
        ] {
            let found = policy(&json!({"Statement": [{"Effect": "Allow", "Principal": principal}]})).unwrap();
            assert_eq!(found["statements"][0]["anyone"], anyone, "{principal}");
        }
        let inverted = policy(&json!({"Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": "x"}}]})).unwrap();
        assert_eq!((&inverted["statements"][0]["anyone"], &inverted["statements"][0]["inverted"]), (&json!(false), &json!(true)));
        assert_eq!(policy(&json!({"Version": "x"})).unwrap_err().reason, Reason::ParseError);
    }
}
