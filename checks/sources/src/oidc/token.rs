//! A token of our own: how it is asked for, how long it lives, how it is signed, and which rights it carries.
//!
//! The token itself never leaves this module but in the header of a request. What is kept of it is its algorithm and lifetime.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proofbook_checks::inventory::Reason;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value as Json, json};

use crate::address::literal;
use crate::observed::Unread;
use crate::settings::Secret;
use crate::web::{Web, sensitive_header};

/// Who logs in, and where.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) secret: Secret,
}

/// A token that was given to us.
pub(super) struct Token {
    text: String,
    expires_in: Option<i64>,
    header: Option<Json>,
    claims: Json,
}

impl Login {
    /// Asks for a token by the client's own credentials (RFC 6749, section 4.4).
    pub(super) async fn token(&self, web: &Web, endpoint: &Url) -> Result<Token, Unread> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let pair = format!("{}:{}", form(&self.client_id), form(self.secret.reveal()));
        let fault = |detail: String| Unread::new(Reason::NotPermitted, detail);
        sensitive_header(&mut headers, AUTHORIZATION, &format!("Basic {}", STANDARD.encode(pair))).map_err(fault)?;
        let body = b"grant_type=client_credentials".to_vec();
        let answer = web.request(Method::POST, endpoint, &headers, Some(body)).await?;
        if matches!(answer.status, 400 | 401 | 403) {
            // RFC 6749, section 5.2: the error is a word of a short list. Nothing else of the answer is repeated.
            let word = answer.json().ok().and_then(|body| body["error"].as_str().map(str::to_owned)).unwrap_or_default();
            let known = ["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_grant"];
            let word = known.into_iter().find(|known| *known == word).unwrap_or("no reason given");
            return Err(Unread::new(Reason::NotPermitted, format!("the client gets no token: {word} ({})", answer.status)));
        }
        let body = answer.ok()?.json()?;
        let text = body["access_token"].as_str();
        let text = text.ok_or_else(|| Unread::new(Reason::ParseError, "the answer to the login holds no access token"))?.to_owned();
        let mut parts = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()));
        let (header, claims) = match (parts.next().flatten(), parts.next().flatten()) {
            (Some(header), Some(claims)) => (Some(header), claims),
            _ => (None, Json::Null),
        };
        Ok(Token { text, expires_in: body["expires_in"].as_i64(), header, claims })
    }
}

impl Token {
    /// The header of requests that carry the token.
    pub(super) fn header(&self) -> Result<HeaderMap, Unread> {
        let mut headers = HeaderMap::new();
        let fault = |detail: String| Unread::new(Reason::ParseError, detail);
        sensitive_header(&mut headers, AUTHORIZATION, &format!("Bearer {}", self.text)).map_err(fault)?;
        Ok(headers)
    }

    /// What is kept of the token: form, algorithm and lifetime.
    pub(super) fn told(&self) -> Json {
        let mut told = json!({"form": if self.header.is_some() { "jwt" } else { "opaque" }});
        if let Some(algorithm) = self.header.as_ref().and_then(|header| header["alg"].as_str()) {
            told["algorithm"] = algorithm.into();
        }
        // What the token says of itself counts more than what the answer says.
        let own = self.claims["exp"].as_i64().zip(self.claims["iat"].as_i64()).map(|(end, start)| end - start);
        if let Some(seconds) = own.or(self.expires_in) {
            told["lifetime_seconds"] = seconds.into();
        }
        told
    }

    /// Whom the token speaks of.
    pub(super) fn identity(&self) -> Option<&str> {
        self.claims["preferred_username"].as_str().or_else(|| self.claims["azp"].as_str()).or_else(|| self.claims["sub"].as_str())
    }

    /// The rights over a realm of Keycloak that the token carries; none where it names no rights at all.
    pub(super) fn rights(&self, realm: &str) -> Option<BTreeSet<String>> {
        let mut rights = BTreeSet::new();
        let named = self.claims["resource_access"].is_object() || self.claims["realm_access"].is_object();
        // A realm's own clients hold them in one place, clients of the realm `master` in another.
        for client in ["realm-management".to_owned(), format!("{realm}-realm")] {
            let roles = self.claims["resource_access"][&client]["roles"].as_array().into_iter().flatten();
            rights.extend(roles.filter_map(Json::as_str).map(str::to_owned));
        }
        if self.claims["realm_access"]["roles"].as_array().is_some_and(|roles| roles.iter().any(|role| role == "admin")) {
            rights.insert("admin".to_owned());
        }
        named.then_some(rights)
    }
}

/// Whether a secret or a token may be sent to a URL: over TLS, or without leaving this machine.
pub(super) fn may_carry_secrets(url: &Url) -> bool {
    url.scheme() == "https" || literal(url).is_some_and(|address| address.is_loopback())
}

// As the standard wants ids and secrets before they are joined.
fn form(text: &str) -> String {
    reqwest::Url::parse_with_params("x:/", [("", text)])
        .ok()
        .and_then(|url| url.query().map(|query| query.trim_start_matches('=').to_owned()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &Json, claims: &Json) -> Token {
        let text = format!("{}.{}.x", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        Token { text, expires_in: Some(60), header: Some(header.clone()), claims: claims.clone() }
    }

    #[test]
    fn of_a_token_its_algorithm_and_lifetime_are_kept() {
        let jwt = token(&json!({"alg": "ES256"}), &json!({"iat": 1000, "exp": 1300, "sub": "s3cr3t"}));
        assert_eq!(jwt.told(), json!({"form": "jwt", "algorithm": "ES256", "lifetime_seconds": 300}));
        let opaque = Token { text: "abc".to_owned(), expires_in: Some(60), header: None, claims: Json::Null };
        assert_eq!(opaque.told(), json!({"form": "opaque", "lifetime_seconds": 60}));
        assert!(jwt.header().unwrap()[AUTHORIZATION].is_sensitive());
    }

    #[test]
    fn rights_stand_in_one_of_three_places() {
        let rights = |claims: Json| token(&json!({"alg": "RS256"}), &claims).rights("main");
        let own = rights(json!({"resource_access": {"realm-management": {"roles": ["view-realm"]}, "account": {"roles": ["x"]}}}));
        assert_eq!(own, Some(BTreeSet::from(["view-realm".to_owned()])));
        let master =
            rights(json!({"resource_access": {"main-realm": {"roles": ["view-users"]}, "other-realm": {"roles": ["view-realm"]}}}));
        assert_eq!(master, Some(BTreeSet::from(["view-users".to_owned()])));
        assert_eq!(rights(json!({"realm_access": {"roles": ["admin"]}})), Some(BTreeSet::from(["admin".to_owned()])));
        assert_eq!(rights(json!({"sub": "x"})), None);
    }

    #[test]
    fn ids_and_secrets_are_encoded_as_in_a_form() {
        assert_eq!(form("a:b c+d%é"), "a%3Ab+c%2Bd%25%C3%A9");
    }
}
