//! Headers that tell a browser what to refuse, and the attributes of cookies.

use jiff::Timestamp;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::{Value as Json, json};

use crate::clock::our_clock;

/// The headers that are kept; every other may hold anything.
const KEPT: [&str; 10] = [
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
];

/// The kept headers of an answer, in the order of their names; one that is sent twice stands twice.
pub(super) fn kept(headers: &HeaderMap) -> Json {
    let all = KEPT.iter().flat_map(|name| headers.get_all(*name).iter().map(move |value| (name, value)));
    all.map(|(name, value)| json!({"name": name, "value": String::from_utf8_lossy(value.as_bytes())})).collect()
}

/// Cookies that an answer sets: names and attributes, never values.
pub(super) fn cookies(headers: &HeaderMap) -> Vec<Json> {
    let now = Timestamp::try_from(our_clock()).unwrap_or_default();
    headers.get_all(SET_COOKIE).iter().filter_map(|header| cookie(&String::from_utf8_lossy(header.as_bytes()), now)).collect()
}

// RFC 6265, section 5.2: attributes are told by name, without regard to case; the last of equal ones counts.
fn cookie(header: &str, now: Timestamp) -> Option<Json> {
    let mut parts = header.split(';');
    let (name, _) = parts.next()?.split_once('=')?;
    let (mut secure, mut http_only, mut same_site, mut removed) = (false, false, "", false);
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match attribute.trim().to_ascii_lowercase().as_str() {
            "secure" => secure = true,
            "httponly" => http_only = true,
            "samesite" => {
                same_site = match value.to_ascii_lowercase().as_str() {
                    "strict" => "Strict",
                    "lax" => "Lax",
                    "none" => "None",
                    _ => "",
                };
            }
            // How a server asks a browser to forget a cookie.
            "max-age" => removed |= value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
            "expires" => {
                let end = jiff::fmt::rfc2822::parse(&value.replace('-', " "));
                removed |= end.is_ok_and(|end| end.timestamp() < now);
            }
            _ => {}
        }
    }
    Some(json!({"name": name.trim(), "secure": secure, "http_only": http_only, "same_site": same_site, "removed": removed}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_keep_their_attributes_and_lose_their_values() {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        let told = |header: &str| cookie(header, now).unwrap();
        assert_eq!(
            told("SESSION=s3cr3t=; Path=/; secure; HttpOnly; SameSite=lax"),
            json!({"name": "SESSION", "secure": true, "http_only": true, "same_site": "Lax", "removed": false})
        );
        assert_eq!(told("a=b; SameSite=sometimes")["same_site"], "");
        assert_eq!(told("a=; Max-Age=0")["removed"], true);
        assert_eq!(told("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")["removed"], true);
        assert_eq!(told("a=; Expires=Mon, 23-Nov-2026 23:59:59 GMT")["removed"], true);
        assert_eq!(told("a=b; Max-Age=3600; Expires=Thu, 01 Jan 2099 00:00:00 GMT")["removed"], false);
        assert_eq!(cookie("no-cookie", now), None);
        assert!(!told("a=s3cr3t; HttpOnly").to_string().contains("s3cr3t"));
    }

    #[test]
    fn only_known_headers_are_kept() {
        let mut headers = HeaderMap::new();
        headers.insert("x-frame-options", "DENY".parse().unwrap());
        headers.append("content-security-policy", "default-src 'self'".parse().unwrap());
        headers.append("content-security-policy", "frame-ancestors 'none'".parse().unwrap());
        headers.insert("x-internal-token", "s3cr3t".parse().unwrap());
        assert_eq!(
            kept(&headers),
            json!([
                {"name": "content-security-policy", "value": "default-src 'self'"},
                {"name": "content-security-policy", "value": "frame-ancestors 'none'"},
                {"name": "x-frame-options", "value": "DENY"},
            ])
        );
    }
}
