//! Keycloak as its documentation and sources describe it: no package of it is to be had here, so these answers are written by
//! hand after the REST interface for administration and not recorded from a running one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The secret of the account that looks.
pub(crate) const SECRET: &str = "s3cr3t: of 'the' account";

/// Every right that may be needed.
pub(crate) const RIGHTS: [&str; 5] = ["view-realm", "view-clients", "view-identity-providers", "view-users", "view-events"];

/// An answer: status and body.
type Reply = (u16, String);

/// How the server answers; what a test does not change is as in a good realm.
#[derive(Clone)]
pub(crate) struct Posture {
    pub(crate) rights: Vec<&'static str>,
    /// Whether tokens name rights at all.
    pub(crate) names_rights: bool,
    replies: BTreeMap<String, Reply>,
    /// Paths that are answered after the deadline.
    pub(crate) slow: Vec<&'static str>,
}

impl Posture {
    pub(crate) fn compliant() -> Self {
        let files = [
            ("", include_str!("keycloak/realm.json")),
            ("/authentication/flows/browser%20with%20key/executions", include_str!("keycloak/executions.json")),
            ("/authentication/required-actions", include_str!("keycloak/required-actions.json")),
            ("/clients", include_str!("keycloak/clients.json")),
            ("/users", include_str!("keycloak/users.json")),
        ];
        let replies = files.into_iter().map(|(path, body)| (path.to_owned(), (200, body.to_owned()))).collect();
        let mut posture = Self { rights: RIGHTS.to_vec(), names_rights: true, replies, slow: Vec::new() };
        let saml = json!([{"alias": "corporate", "providerId": "saml", "enabled": true, "trustEmail": false,
            "config": {"validateSignature": "true", "clientSecret": "**********"}}]);
        posture.set("/identity-provider/instances", 200, saml.to_string());
        // The last login of two accounts, and how far back the record reaches.
        posture.set("/events?user=1", 200, json!([{"time": 1_795_000_000_000_i64, "type": "LOGIN", "ipAddress": "192.0.2.1"}]).to_string());
        posture.set("/events?user=3", 200, json!([{"time": 1_795_100_000_000_i64, "type": "LOGIN"}]).to_string());
        posture.set("/events?oldest", 200, json!([{"time": 1_780_000_000_000_i64, "type": "LOGIN"}]).to_string());
        posture
    }

    /// A realm as it is after its creation, with what careless people do to it.
    pub(crate) fn careless() -> Self {
        let mut posture = Self::compliant();
        posture.set("", 200, include_str!("keycloak/realm-new.json").to_owned());
        posture.set("/authentication/flows/browser/executions", 200, include_str!("keycloak/executions-new.json").to_owned());
        posture.set("/clients", 200, include_str!("keycloak/clients-new.json").to_owned());
        posture.set("/identity-provider/instances", 200, include_str!("keycloak/identity-providers-new.json").to_owned());
        posture.set("/events?user=1", 200, json!([{"time": 1_781_000_000_000_i64, "type": "LOGIN"}]).to_string());
        posture.set("/events?user=3", 200, "[]".to_owned());
        posture
    }

    pub(crate) fn set(&mut self, path: &str, status: u16, body: String) {
        self.replies.insert(path.to_owned(), (status, body));
    }
}

/// A server of one realm, `main`, for as long as the test process lives.
pub(crate) struct Keycloak {
    pub(crate) issuer: String,
    posture: Arc<Mutex<Posture>>,
    seen: Arc<Mutex<BTreeSet<String>>>,
}

impl Keycloak {
    pub(crate) fn start(posture: Posture) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let posture = Arc::new(Mutex::new(posture));
        let shared = Arc::clone(&posture);
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let log = Arc::clone(&seen);
        let at = origin.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (posture, log, origin) = (Arc::clone(&shared), Arc::clone(&log), at.clone());
                thread::spawn(move || while let Some(()) = serve(&stream, &posture, &log, &origin) {});
            }
        });
        Self { issuer: format!("{origin}/realms/main"), posture, seen }
    }

    /// What was asked since the last time, as `METHOD /path`.
    pub(crate) fn seen(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the server answers so.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Posture)) {
        change(&mut self.posture.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

struct Asked {
    method: String,
    path: String,
    query: String,
    authorization: String,
    body: String,
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let (method, rest) = line.split_once(' ')?;
    let target = rest.split(' ').next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut asked = Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        authorization: String::new(),
        body: String::new(),
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.trim().clone_into(&mut asked.authorization),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}

fn serve(mut stream: &TcpStream, posture: &Mutex<Posture>, seen: &Mutex<BTreeSet<String>>, origin: &str) -> Option<()> {
    let asked = read(stream)?;
    seen.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{} {}", asked.method, asked.path));
    let posture = posture.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if posture.slow.iter().any(|path| asked.path.ends_with(path)) {
        thread::sleep(Duration::from_secs(4));
    }
    let (status, body) = reply(&asked, &posture, origin);
    write!(stream, "HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()
}

fn reply(asked: &Asked, posture: &Posture, origin: &str) -> Reply {
    let issuer = format!("{origin}/realms/main");
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/realms/main/.well-known/openid-configuration") => (200, discovery(&issuer).to_string()),
        ("GET", "/realms/main/protocol/openid-connect/certs") => (200, keys().to_string()),
        ("POST", "/realms/main/protocol/openid-connect/token") => token(asked, posture),
        ("GET", path) => match path.strip_prefix("/admin/realms/main") {
            Some(_) if asked.authorization != format!("Bearer {}", jwt(posture)) => {
                (401, r#"{"error": "HTTP 401 Unauthorized"}"#.to_owned())
            }
            Some(path) => administration(path, &asked.query, posture),
            None => (404, r#"{"error": "Realm does not exist"}"#.to_owned()),
        },
        _ => (405, String::new()),
    }
}

/// The role that a path of the administration takes, after the description of its interface.
pub(crate) fn role(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        None | Some("authentication") => "view-realm",
        Some("clients") => "view-clients",
        Some("identity-provider") => "view-identity-providers",
        Some("users") => "view-users",
        Some("events") => "view-events",
        Some(other) => panic!("nobody knows which role /{other} takes"),
    }
}

fn administration(path: &str, query: &str, posture: &Posture) -> Reply {
    let may = |right: &str| posture.rights.contains(&right);
    // What the interface does with an account that lacks a right: less, and rarely a refusal.
    match path {
        "" if !may("view-realm") => return (200, r#"{"realm": "main"}"#.to_owned()),
        "/clients" if !may("view-clients") => return (200, "[]".to_owned()),
        "/users" if !may("view-users") => return (200, "[]".to_owned()),
        "/events" if !may("view-events") => return (403, r#"{"error": "HTTP 403 Forbidden"}"#.to_owned()),
        _ => {}
    }
    let key = match (path, query) {
        ("/events", query) if query.contains("direction=asc") => "/events?oldest".to_owned(),
        ("/events", query) => {
            let user = query.split('&').find_map(|pair| pair.strip_prefix("user=")).unwrap_or_default();
            format!("/events?user={}", user.chars().last().unwrap_or_default())
        }
        ("/users", query) if !query.contains("first=0&") => return (200, "[]".to_owned()),
        (path, _) => path.to_owned(),
    };
    posture.replies.get(&key).cloned().unwrap_or((404, r#"{"error": "Could not find resource"}"#.to_owned()))
}

fn token(asked: &Asked, posture: &Posture) -> Reply {
    // The id and the secret are encoded as in a form before they are joined (RFC 6749, section 2.3.1).
    let expected = STANDARD.encode("proofbook:s3cr3t%3A+of+%27the%27+account");
    if asked.authorization != format!("Basic {expected}") || asked.body != "grant_type=client_credentials" {
        return (
            401,
            r#"{"error": "unauthorized_client", "error_description": "Invalid client or Invalid client credentials"}"#.to_owned(),
        );
    }
    (200, json!({"access_token": jwt(posture), "expires_in": 300, "token_type": "Bearer", "scope": "profile email"}).to_string())
}

fn jwt(posture: &Posture) -> String {
    let mut claims =
        json!({"iat": 1_795_000_000, "exp": 1_795_000_300, "azp": "proofbook", "preferred_username": "service-account-proofbook"});
    if posture.names_rights {
        claims["resource_access"] = json!({"realm-management": {"roles": posture.rights}});
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256", "typ": "JWT", "kid": "k1"})), part(&claims))
}

fn discovery(issuer: &str) -> Value {
    let at = |path: &str| format!("{issuer}/protocol/openid-connect/{path}");
    json!({
        "issuer": issuer,
        "authorization_endpoint": at("auth"),
        "token_endpoint": at("token"),
        "revocation_endpoint": at("revoke"),
        "jwks_uri": at("certs"),
        "response_types_supported": ["code", "none", "id_token", "token", "id_token token"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "id_token_signing_alg_values_supported": ["PS384", "RS384", "EdDSA", "ES384", "HS256", "HS512", "ES256", "RS256", "HS384", "ES512"],
        "backchannel_logout_supported": true,
    })
}

fn keys() -> Value {
    let modulus = URL_SAFE_NO_PAD.encode([&[0xc0][..], &[1; 255]].concat());
    json!({"keys": [
        {"kid": "k1", "kty": "RSA", "alg": "RS256", "use": "sig", "n": modulus, "e": "AQAB"},
        {"kid": "k2", "kty": "RSA", "alg": "RSA-OAEP", "use": "enc", "n": modulus, "e": "AQAB"},
    ]})
}
