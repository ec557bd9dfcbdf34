//! The settings of a realm: lifetimes, lock-out, passwords, events, and the steps of the login.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Session, flow};
use crate::observed::part;

/// The algorithm with which the realm signs where a client says nothing else; Keycloak leaves the name out where it is RS256.
pub(super) fn default_algorithm(realm: &Json) -> &str {
    realm["defaultSignatureAlgorithm"].as_str().filter(|name| !name.is_empty()).unwrap_or("RS256")
}

/// The record of a realm.
pub(super) async fn record(session: &Session<'_>, realm: &Json) -> Json {
    let number = |name: &str| realm[name].as_i64();
    let flag = |name: &str| realm[name].as_bool().unwrap_or(false);
    let mut lifetimes = serde_json::Map::new();
    for (name, seconds) in [
        ("access_token", number("accessTokenLifespan")),
        ("access_token_implicit", number("accessTokenLifespanForImplicitFlow")),
        ("session_idle", number("ssoSessionIdleTimeout")),
        ("session_max", number("ssoSessionMaxLifespan")),
        ("remember_me_idle", number("ssoSessionIdleTimeoutRememberMe").filter(|_| flag("rememberMe"))),
        ("remember_me_max", number("ssoSessionMaxLifespanRememberMe").filter(|_| flag("rememberMe"))),
        ("client_session_max", number("clientSessionMaxLifespan")),
        ("offline_idle", number("offlineSessionIdleTimeout")),
        ("offline_max", number("offlineSessionMaxLifespan").filter(|_| flag("offlineSessionMaxLifespanEnabled"))),
    ] {
        // For sessions of clients 0 means that the realm's own value holds.
        if let Some(seconds) = seconds.filter(|seconds| *seconds > 0 || !name.starts_with("remember_me") && name != "client_session_max") {
            lifetimes.insert(name.to_owned(), seconds.into());
        }
    }
    let browser_flow = realm["browserFlow"].as_str().unwrap_or("browser");
    json!({
        "issuer": session.issuer,
        "realm": session.admin.realm,
        "lifetimes": lifetimes,
        "refresh": {"revoked": flag("revokeRefreshToken"), "reuse": number("refreshTokenMaxReuse").unwrap_or(0)},
        "brute_force": {
            "protected": flag("bruteForceProtected"),
            "failures": number("failureFactor").unwrap_or(0),
            "permanent": flag("permanentLockout"),
            "max_wait": number("maxFailureWaitSeconds").unwrap_or(0),
        },
        "password_policy": policy(realm["passwordPolicy"].as_str().unwrap_or_default()),
        "events": {
            "enabled": flag("eventsEnabled"),
            "listeners": realm["eventsListeners"].as_array().cloned().unwrap_or_default(),
            "expiration": number("eventsExpiration").unwrap_or(0),
            "admin_enabled": flag("adminEventsEnabled"),
            "admin_details": flag("adminEventsDetailsEnabled"),
        },
        "login": part(flow::login(session, browser_flow).await),
        "required_actions": part(flow::required_actions(session).await),
    })
}

// `length(12) and passwordHistory(5) and notUsername(undefined)`; an empty text is no policy.
fn policy(text: &str) -> BTreeMap<String, String> {
    let rules = text.split(" and ").map(str::trim).filter(|rule| !rule.is_empty());
    let read = |rule: &str| match rule.split_once('(') {
        Some((name, value)) => (name.trim().to_owned(), value.trim().trim_end_matches(')').to_owned()),
        None => (rule.to_owned(), String::new()),
    };
    rules.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_rule_by_rule() {
        let read = policy("hashAlgorithm(argon2) and length(12) and notUsername(undefined) and notEmail and regexPattern(^(?=.*[A-Z]).*$)");
        assert_eq!(read["length"], "12");
        assert_eq!(read["hashAlgorithm"], "argon2");
        assert!(read.contains_key("notUsername") && read.contains_key("notEmail"));
        assert_eq!(policy("").len(), 0);
    }

    #[test]
    fn the_algorithm_that_is_not_named_is_rs256() {
        assert_eq!(default_algorithm(&json!({"defaultSignatureAlgorithm": "ES256"})), "ES256");
        assert_eq!(default_algorithm(&json!({"defaultSignatureAlgorithm": ""})), "RS256");
        assert_eq!(default_algorithm(&json!({})), "RS256");
    }
}
