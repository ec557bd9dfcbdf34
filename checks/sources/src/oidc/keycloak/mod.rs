//! The administration of a realm of Keycloak, read with an account that may only look.
//!
//! Needed roles of the client `realm-management`: view-realm, view-clients, view-identity-providers, view-users, view-events.
//! Keycloak answers an account that lacks one with less instead of a refusal: the realm by its name alone, lists without what
//! may not be seen. So each part is read only where the token itself carries the right for it.

mod accounts;
mod clients;
mod flow;
mod realm;

use std::collections::BTreeSet;

use proofbook_checks::inventory::Reason;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

use super::token::Token;
use super::{ACCOUNT, CLIENT, IDENTITY_PROVIDER, REALM, Wants};
use crate::observed::Unread;
use crate::web::Web;

/// Where a realm is administered.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    pub(super) url: Url,
    pub(super) realm: String,
    pub(super) max_accounts: usize,
}

/// What was read of a realm.
pub(super) struct Read {
    /// Records by kind and name.
    pub(super) records: Vec<(&'static str, String, Json)>,
    /// With what the realm is set to sign, or what stands for it.
    pub(super) signing: Json,
}

/// One realm, with the means to ask.
struct Session<'s> {
    web: &'s Web,
    admin: &'s Admin,
    issuer: &'s str,
    headers: HeaderMap,
    rights: Option<BTreeSet<String>>,
}

impl Admin {
    /// What is asked below the realm, and why.
    pub(super) fn plan(&self, wants: &Wants) -> Vec<(&'static str, &'static str)> {
        let mut plan = Vec::new();
        if needs_realm(wants) {
            plan.push(("", "the settings of the realm (role view-realm)"));
        }
        if wants.has(REALM) {
            plan.push(("/authentication/flows/{browser flow}/executions", "the steps of the login (role view-realm)"));
            plan.push(("/authentication/config/{id}", "the role that a step of the login is for (role view-realm)"));
            plan.push(("/authentication/required-actions", "what new users must do (role view-realm)"));
        }
        if wants.has(CLIENT) {
            plan.push(("/clients", "the settings of clients (role view-clients)"));
        }
        if wants.has(IDENTITY_PROVIDER) {
            plan.push(("/identity-provider/instances", "the identity providers that the realm trusts (role view-identity-providers)"));
        }
        if wants.has(ACCOUNT) {
            plan.push(("/users", "ids and ages of accounts, page by page (role view-users)"));
            plan.push(("/events", "the last login of each account, and how far back events reach (role view-events)"));
        }
        plan
    }
}

/// Reads what is wanted.
pub(super) async fn look(web: &Web, admin: &Admin, token: &Token, issuer: &str, wants: &Wants) -> Read {
    let headers = match token.header() {
        Ok(headers) => headers,
        Err(unread) => return nothing(issuer, &unread),
    };
    let session = Session { web, admin, issuer, headers, rights: token.rights(&admin.realm) };
    let representation = if needs_realm(wants) { session.realm().await } else { Ok(Json::Null) };
    let signing = match &representation {
        Ok(representation) => json!({"algorithm": realm::default_algorithm(representation)}),
        Err(unread) => unread.to_json(),
    };
    let mut records = Vec::new();
    if wants.has(REALM) {
        records.push(match &representation {
            Ok(representation) => (REALM, issuer.to_owned(), realm::record(&session, representation).await),
            Err(unread) => session.unread(REALM, unread),
        });
    }
    if wants.has(CLIENT) {
        records.extend(clients::clients(&session).await.unwrap_or_else(|unread| vec![session.unread(CLIENT, &unread)]));
    }
    if wants.has(IDENTITY_PROVIDER) {
        let found = clients::identity_providers(&session).await;
        records.extend(found.unwrap_or_else(|unread| vec![session.unread(IDENTITY_PROVIDER, &unread)]));
    }
    if wants.has(ACCOUNT) {
        let found = match &representation {
            Ok(representation) => accounts::accounts(&session, representation).await,
            Err(unread) => Err(unread.clone()),
        };
        records.extend(found.unwrap_or_else(|unread| vec![session.unread(ACCOUNT, &unread)]));
    }
    Read { records, signing }
}

// Of accounts it is to be known whether their logins are kept; of a provider, what it is set to sign with.
fn needs_realm(wants: &Wants) -> bool {
    wants.configured || [REALM, ACCOUNT].into_iter().any(|kind| wants.has(kind))
}

/// What stands for a realm of which nothing could be read.
pub(super) fn nothing(issuer: &str, unread: &Unread) -> Read {
    let records = [REALM, CLIENT, IDENTITY_PROVIDER, ACCOUNT].map(|kind| unread_record(kind, issuer, unread)).to_vec();
    Read { records, signing: unread.to_json() }
}

// A record without a name of its own; the issuer lets joins find it.
fn unread_record(kind: &'static str, issuer: &str, unread: &Unread) -> (&'static str, String, Json) {
    let mut content = unread.to_json();
    content["issuer"] = issuer.into();
    (kind, issuer.to_owned(), content)
}

impl Session<'_> {
    fn unread(&self, kind: &'static str, unread: &Unread) -> (&'static str, String, Json) {
        unread_record(kind, self.issuer, unread)
    }

    // Whether the token carries a right; who may manage may look.
    fn may(&self, what: &str) -> Result<(), Unread> {
        let Some(rights) = &self.rights else {
            let detail =
                "the token names no rights, so it cannot be told whether lists are whole; turn off lightweight tokens for the client";
            return Err(Unread::new(Reason::NotPermitted, detail));
        };
        let enough = [format!("view-{what}"), format!("manage-{what}"), "admin".to_owned(), "realm-admin".to_owned()];
        if enough.iter().any(|right| rights.contains(right)) {
            return Ok(());
        }
        Err(Unread::new(Reason::NotPermitted, format!("the account lacks the role view-{what} of the realm {}", self.admin.realm)))
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Json, Unread> {
        let mut url = self.admin.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.web.get(&url, &self.headers).await?.ok()?.json()
    }

    async fn list(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Vec<Json>, Unread> {
        match self.get(path, query).await? {
            Json::Array(items) => Ok(items),
            _ => Err(Unread::new(Reason::ParseError, format!("the answer to `{}` is no list", path.join("/")))),
        }
    }

    async fn realm(&self) -> Result<Json, Unread> {
        self.may("realm")?;
        let realm = self.get(&[], &[]).await?;
        // Who may see the name alone gets the name alone, with status 200.
        if realm["accessTokenLifespan"].is_number() {
            Ok(realm)
        } else {
            Err(Unread::new(Reason::NotPermitted, "the answer holds the realm's name and none of its settings"))
        }
    }
}
