//! Which roles reading a realm of Keycloak takes, and whether an account has exactly these.
//!
//! They are roles of the client `realm-management` of the realm (of `master`, of the client named after the realm). Tokens name
//! the roles of an account with those that they contain, so missing and surplus roles are told by our own token.

use std::collections::BTreeSet;

use proofbook_checks::inventory::Wanted;
use serde_json::{Value as Json, json};

use super::discovery::Discovery;
use super::{ACCOUNT, CLIENT, IDENTITY_PROVIDER, PROVIDER, Provider, REALM, Wants, token};
use crate::rights::{Comparison, Platform, Right};

/// What each kind of record takes.
const TABLE: [(&str, &str, &str); 6] = [
    (REALM, "view-realm", "the realm's settings: lifetimes, lock-out, passwords, events, steps of the login"),
    (CLIENT, "view-clients", "the settings of clients"),
    (IDENTITY_PROVIDER, "view-identity-providers", "the identity providers that the realm trusts"),
    (ACCOUNT, "view-realm", "whether the realm keeps events of logins"),
    (ACCOUNT, "view-users", "ids and ages of accounts"),
    (ACCOUNT, "view-events", "the last login of each account"),
];

/// Roles that are part of another: `view-clients` contains `query-clients`.
const PARTS: [(&str, &str); 3] = [("view-clients", "query-clients"), ("view-users", "query-users"), ("view-users", "query-groups")];

/// The roles that reading takes.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    let wants = Wants::of(wanted);
    let mut out: Vec<Right> = TABLE.iter().filter(|(kind, ..)| wants.has(kind)).map(|(_, role, why)| Right::new(*role, why)).collect();
    if wants.has(PROVIDER) && wants.configured {
        out.push(Right::new("view-realm", "the algorithm that the realm is set to sign with"));
    }
    out
}

/// The service account's roles as the import of a realm takes them: a part of a realm's representation.
#[must_use]
pub fn roles(wanted: &Wanted, client: &str) -> Json {
    let roles: Vec<String> = Platform::Keycloak.rights(wanted).into_iter().map(|right| right.name).collect();
    json!({
        "clients": [{
            "clientId": client, "publicClient": false, "serviceAccountsEnabled": true, "standardFlowEnabled": false,
            "directAccessGrantsEnabled": false, "fullScopeAllowed": true,
        }],
        "users": [{
            "username": format!("service-account-{client}"), "enabled": true, "serviceAccountClientId": client,
            "clientRoles": {"realm-management": roles},
        }],
    })
}

/// Compares the roles that our token names with those that are needed; nothing for providers that are no realms of Keycloak.
pub(super) async fn compare(provider: &Provider, wanted: &Wanted) -> Option<Comparison> {
    let admin = provider.admin.as_ref()?;
    let needed: BTreeSet<String> = needed(wanted).into_iter().map(|right| right.name).collect();
    let mut found = Comparison::new(Platform::Keycloak, &provider.issuer);
    let discovery = Discovery::read(&provider.web, &provider.issuer).await;
    let token = match super::token(provider, &discovery).await? {
        Ok(token) => token,
        Err(unread) => {
            found.unknown.push(format!("which roles the account has: {unread}"));
            return Some(found);
        }
    };
    token.identity().unwrap_or_default().clone_into(&mut found.account);
    let Some(roles) = token::Token::rights(&token, &admin.realm) else {
        found.unknown.push("which roles the account has: the token names none; turn off lightweight tokens for the client".to_owned());
        return Some(found);
    };
    for role in &needed {
        let what = role.trim_start_matches("view-");
        // Who may manage may look.
        let held =
            [role.clone(), format!("manage-{what}"), "realm-admin".to_owned(), "admin".to_owned()].iter().any(|role| roles.contains(role));
        found.note(role.clone(), held);
    }
    for role in roles.difference(&needed) {
        let contained = PARTS.iter().any(|(whole, part)| part == role && needed.contains(*whole));
        if !contained {
            found.more(role.clone(), !role.starts_with("view-") && !role.starts_with("query-"));
        }
    }
    Some(found.sorted())
}
