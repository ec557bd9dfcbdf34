//! What a provider publishes about itself: its endpoints and algorithms, and the keys that it signs with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proofbook_checks::inventory::Reason;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

use crate::observed::Unread;
use crate::tls::bits;
use crate::web::Web;

/// The endpoints whose transport matters, as the document names them.
const ENDPOINTS: [&str; 10] = [
    "authorization_endpoint",
    "backchannel_authentication_endpoint",
    "device_authorization_endpoint",
    "end_session_endpoint",
    "introspection_endpoint",
    "jwks_uri",
    "pushed_authorization_request_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "token_endpoint",
];

/// The document of a provider.
#[derive(Clone, Debug)]
pub(super) struct Discovery {
    document: Json,
    pub(super) clock_offset_ms: Option<i64>,
}

/// Where the document lies: the issuer, letter by letter, and the well-known path.
pub(super) fn url(issuer: &str) -> Result<Url, Unread> {
    let text = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    text.parse().map_err(|_| Unread::new(Reason::ParseError, "the issuer is no URL"))
}

impl Discovery {
    pub(super) async fn read(web: &Web, issuer: &str) -> Result<Self, Unread> {
        let answer = web.get(&url(issuer)?, &HeaderMap::new()).await?;
        let clock_offset_ms = answer.clock_offset_ms;
        let document = answer.ok()?.json()?;
        if !document.is_object() {
            return Err(Unread::new(Reason::ParseError, "the discovery document is no object"));
        }
        Ok(Self { document, clock_offset_ms })
    }

    /// The record's part on discovery.
    pub(super) fn told(&self, issuer: &str) -> Json {
        let endpoints = ENDPOINTS.iter().filter_map(|name| Some((name, self.document[name].as_str()?)));
        let endpoints = endpoints.map(|(name, url)| json!({"name": name, "https": url.starts_with("https://")}));
        json!({
            "issuer_matches": self.document["issuer"].as_str() == Some(issuer),
            "endpoints": endpoints.collect::<Vec<_>>(),
            "pkce": self.texts("code_challenge_methods_supported"),
            "response_types": self.texts("response_types_supported"),
            "signing_algorithms": self.texts("id_token_signing_alg_values_supported"),
            "backchannel_logout": self.document["backchannel_logout_supported"].as_bool().unwrap_or(false),
        })
    }

    /// An endpoint that the document names.
    pub(super) fn endpoint(&self, name: &str) -> Result<Url, Unread> {
        let url = self.document[name].as_str().and_then(|url| url.parse().ok());
        url.ok_or_else(|| Unread::new(Reason::ParseError, format!("the discovery document names no `{name}`")))
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        self.document[name].as_array().into_iter().flatten().filter_map(Json::as_str).collect()
    }
}

/// The keys of a provider, without the keys themselves.
pub(super) async fn keys(web: &Web, discovery: &Discovery) -> Result<Json, Unread> {
    let url = discovery.endpoint("jwks_uri")?;
    let document = web.get(&url, &HeaderMap::new()).await?.ok()?.json()?;
    let keys = document["keys"].as_array().ok_or_else(|| Unread::new(Reason::ParseError, "the key set has no `keys`"))?;
    Ok(keys.iter().map(key).collect())
}

fn key(key: &Json) -> Json {
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    let kind = text("kty");
    let bits = match kind {
        "RSA" => URL_SAFE_NO_PAD.decode(text("n").trim_end_matches('=')).map_or(0, |modulus| bits(&modulus)),
        "EC" | "OKP" => match text("crv") {
            "P-256" | "secp256k1" | "Ed25519" | "X25519" => 256,
            "P-384" => 384,
            "P-521" => 521,
            "Ed448" | "X448" => 448,
            _ => 0,
        },
        _ => 0,
    };
    json!({
        "id": text("kid"),
        "type": kind,
        "algorithm": text("alg"),
        "use": text("use"),
        "curve": text("crv"),
        "bits": bits,
        // A private or symmetric part in a set that everybody may read.
        "private": key["d"].is_string() || key["k"].is_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_without_the_key() {
        let rsa = key(
            &json!({"kty": "RSA", "kid": "a", "use": "sig", "alg": "RS256", "n": URL_SAFE_NO_PAD.encode([0, 0x80, 1, 2]), "e": "AQAB"}),
        );
        let expected = json!({"id": "a", "type": "RSA", "algorithm": "RS256", "use": "sig", "curve": "", "bits": 24, "private": false});
        assert_eq!(rsa, expected);
        let leaked = key(&json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "s3cr3t"}));
        assert_eq!((&leaked["bits"], &leaked["private"]), (&json!(256), &json!(true)));
        assert!(!leaked.to_string().contains("s3cr3t"));
        assert_eq!(key(&json!({"kty": "oct", "k": "s3cr3t"}))["private"], true);
    }

    #[test]
    fn the_document_lies_below_the_issuer() {
        assert_eq!(url("https://id.example.com/realms/a").unwrap().path(), "/realms/a/.well-known/openid-configuration");
        assert_eq!(url("https://id.example.com/").unwrap().path(), "/.well-known/openid-configuration");
    }
}
