//! Clients of a realm, and the identity providers that it trusts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proofbook_checks::inventory::Reason;
use reqwest::Url;
use serde_json::{Value as Json, json};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{CLIENT, IDENTITY_PROVIDER, Session};
use crate::address::literal;
use crate::observed::Unread;

type Records = Vec<(&'static str, String, Json)>;

pub(super) async fn clients(session: &Session<'_>) -> Result<Records, Unread> {
    session.may("clients")?;
    let clients = session.list(&["clients"], &[]).await?;
    clients.iter().map(|client| record(session, client)).collect()
}

fn record(session: &Session<'_>, client: &Json) -> Result<(&'static str, String, Json), Unread> {
    let id = client["clientId"].as_str().ok_or_else(|| Unread::new(Reason::ParseError, "a client has no id"))?;
    let flag = |name: &str| client[name].as_bool().unwrap_or(false);
    let attribute = |name: &str| client["attributes"][name].as_str().unwrap_or_default();
    let lifespan = attribute("access.token.lifespan").parse::<i64>().ok().filter(|seconds| *seconds > 0);
    let mut content = json!({
        "issuer": session.issuer,
        "client": id,
        "enabled": flag("enabled"),
        "public": flag("publicClient"),
        "bearer_only": flag("bearerOnly"),
        "code": flag("standardFlowEnabled"),
        "implicit": flag("implicitFlowEnabled"),
        "direct_grants": flag("directAccessGrantsEnabled"),
        "pkce": attribute("pkce.code.challenge.method"),
        "id_token_algorithm": attribute("id.token.signed.response.alg"),
        "redirects": client["redirectUris"].as_array().into_iter().flatten().filter_map(Json::as_str).map(redirect).collect::<Vec<_>>(),
        "own_login": client["authenticationFlowBindingOverrides"]["browser"].as_str().is_some_and(|flow| !flow.is_empty()),
    });
    if let Some(seconds) = lifespan {
        content["access_token_lifespan"] = seconds.into();
    }
    Ok((CLIENT, format!("{id}@{}", session.issuer), content))
}

// A place to which codes and tokens may be sent. `*` at the end stands for any path; anywhere before the path it opens other hosts.
fn redirect(text: &str) -> Json {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let any_host = text == "*" || scheme.is_some_and(|scheme| scheme.contains('*')) || authority.is_some_and(|host| host.contains('*'));
    let plain = text.starts_with("http://") && !is_loopback(text.trim_end_matches('*'));
    json!({"uri": text, "any_host": any_host, "plain_http": plain})
}

// Programs on a desktop listen on the loopback, where no TLS is needed (RFC 8252, section 7.3).
fn is_loopback(text: &str) -> bool {
    text.parse::<Url>().is_ok_and(|url| url.host_str() == Some("localhost") || literal(&url).is_some_and(|address| address.is_loopback()))
}

pub(super) async fn identity_providers(session: &Session<'_>) -> Result<Records, Unread> {
    session.may("identity-providers")?;
    let providers = session.list(&["identity-provider", "instances"], &[]).await?;
    let told = providers.iter().map(|provider| {
        let alias = provider["alias"].as_str().ok_or_else(|| Unread::new(Reason::ParseError, "an identity provider has no alias"))?;
        let setting = |name: &str| provider["config"][name].as_str();
        let mut content = json!({
            "issuer": session.issuer,
            "alias": alias,
            "provider": provider["providerId"].as_str().unwrap_or_default(),
            "enabled": provider["enabled"].as_bool().unwrap_or(false),
            "trust_email": provider["trustEmail"].as_bool().unwrap_or(false),
            "certificate_ends": setting("signingCertificate").map(ends).unwrap_or_default(),
        });
        // Absent for makes that have no such setting.
        if let Some(validates) = setting("validateSignature") {
            content["validates_signature"] = (validates == "true").into();
        }
        Ok((IDENTITY_PROVIDER, format!("{alias}@{}", session.issuer), content))
    });
    told.collect()
}

// When the certificates end with which a SAML provider signs; several are divided by commas.
fn ends(certificates: &str) -> Vec<String> {
    let decoded = certificates.split(',').filter_map(|certificate| {
        let text: String = certificate.split_whitespace().filter(|word| !word.contains("-----")).collect();
        STANDARD.decode(text).ok()
    });
    let ends = decoded.filter_map(|der| {
        let (_, certificate) = X509Certificate::from_der(&der).ok()?;
        let end = jiff::Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
        Some(end.to_string())
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_told_by_where_they_may_lead() {
        for (uri, any_host, plain_http) in [
            ("https://app.example.com/callback", false, false),
            ("https://app.example.com/*", false, false),
            ("/realms/main/account/*", false, false),
            ("com.example.app:/callback", false, false),
            ("http://localhost:8080/*", false, false),
            ("http://127.0.0.1/*", false, false),
            ("http://[::1]:3000/cb", false, false),
            ("*", true, false),
            ("https://*", true, false),
            ("https://*.example.com/callback", true, false),
            ("http*://app.example.com/", true, false),
            ("http://app.example.com/*", false, true),
            ("http://localhost.example.com/", false, true),
        ] {
            let told = redirect(uri);
            assert_eq!((&told["any_host"], &told["plain_http"]), (&json!(any_host), &json!(plain_http)), "{uri}");
        }
    }
}
