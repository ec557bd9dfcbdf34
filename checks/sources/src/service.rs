//! A service that is asked over HTTP: where it is, how it is reached, and who asks.
//!
//! Sources that read a JSON API share this. Credentials are read when the target is opened, stand in headers that are never
//! printed, and are refused where they would stand in a URL.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proofbook_checks::inventory::{Actor, Assurance, Reason, Request, Target};
use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::settings::{Credential, SettingsError, Setup};
use crate::web::{Answer, Web, WebSettings, sensitive_header};

/// How a service is reached and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// A bearer token.
    #[serde(default)]
    pub token: Option<Credential>,
    /// The name of an account, where the service asks for name and password.
    #[serde(default)]
    pub user: Option<String>,
    /// The password of the account.
    #[serde(default)]
    pub password: Option<Credential>,
    /// PEM file of the trusted authorities, relative to the workspace; those of the machine where nothing is said.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Seconds that one answer may take; 5 where nothing is said.
    #[serde(default)]
    pub deadline_seconds: Option<u64>,
}

/// A service that can be asked.
#[derive(Debug)]
pub struct Service {
    /// Its name in the workspace, below that of its target.
    pub name: String,
    /// Where it is, with a slash at the end.
    pub base: Url,
    web: Web,
    headers: HeaderMap,
    source: Source,
    target: String,
    actor: Actor,
}

impl Service {
    /// Opens a service of a target; contacts nobody.
    ///
    /// # Errors
    /// When the URL is none, holds a credential, or a credential or file cannot be read.
    pub fn open(
        source: Source,
        target: &str,
        name: &str,
        url: &Spanned<String>,
        access: &Access,
        setup: &Setup<'_>,
    ) -> Result<Self, SettingsError> {
        let fault = |detail: String| SettingsError { target: setup.place(url), detail };
        let mut base = Url::parse(&url.value).map_err(|cause| fault(format!("`{}` is no URL: {cause}", without_user(&url.value))))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(fault("expected a URL that starts with https:// or http://".to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(fault("a URL never holds a credential; name it under `access`".to_owned()));
        }
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let label = format!("{target}/{name}");
        let mut settings = WebSettings::new(source, &label);
        if let Some(seconds) = access.deadline_seconds {
            settings.deadline = Duration::from_secs(seconds.max(1));
        }
        settings.roots = access.ca_file.as_ref().map(|path| setup.file(&label, path)).transpose()?;
        let (authorization, auth) = authorization(&label, access, setup)?;
        let mut headers = HeaderMap::new();
        if let Some(text) = authorization {
            sensitive_header(&mut headers, AUTHORIZATION, &text).map_err(fault)?;
        }
        let web = Web::new(settings).map_err(fault)?;
        let identity = access.user.clone().unwrap_or_else(|| if auth == "none" { "anonymous" } else { "holder of the token" }.to_owned());
        let actor = Actor { identity, auth: auth.to_owned(), rights_sha256: None };
        Ok(Self { name: name.to_owned(), base, web, headers, source, target: label, actor })
    }

    /// Its name below that of its target, as it stands in evidence.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.target
    }

    /// Headers that go with every request.
    pub const fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The URL of a path below the service, with a query; none where they make no URL.
    #[must_use]
    pub fn url(&self, path: &str, query: &[(&str, &str)]) -> Option<Url> {
        let mut url = self.base.join(path).ok()?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Some(url)
    }

    /// Gets a path; whatever the status, it is an answer.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Unread> {
        self.request(Method::GET, path, query, None).await
    }

    /// Makes a request that only reads.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn request(&self, method: Method, path: &str, query: &[(&str, &str)], body: Option<Vec<u8>>) -> Result<Answer, Unread> {
        let url = self.url(path, query).ok_or_else(|| Unread::new(Reason::ParseError, format!("`{path}` makes no URL")))?;
        self.web.request(method, &url, &self.headers, body).await
    }

    /// Gets a path as JSON.
    ///
    /// # Errors
    /// When the status is not 200, with what it means, or the answer is no JSON.
    pub async fn json(&self, path: &str, query: &[(&str, &str)]) -> Result<Json, Unread> {
        let told = |unread: Unread| Unread::new(unread.reason, format!("{path}: {}", unread.detail));
        let answer = self.get(path, query).await.map_err(told)?;
        answer.ok().and_then(|answer| answer.json()).map_err(told)
    }

    /// The requests that were made; they are handed over once.
    pub fn requests(&self) -> Vec<Request> {
        self.web.requests()
    }

    /// The target as it was met.
    #[must_use]
    pub fn met(&self, version: &str) -> Target {
        Target {
            source: self.source,
            name: self.target.clone(),
            identity: self.base.to_string(),
            version: version.to_owned(),
            actor: self.actor.clone(),
            clock_offset_ms: self.web.clock_offset_ms(&self.base),
            assurance: Assurance::Live,
        }
    }

    /// A request that would be made.
    #[must_use]
    pub fn planned(&self, path: &str, query: &[(&str, &str)], reason: &str) -> PlannedRequest {
        self.planned_as("GET", path, query, reason)
    }

    /// A request of another method that would be made.
    #[must_use]
    pub fn planned_as(&self, method: &str, path: &str, query: &[(&str, &str)], reason: &str) -> PlannedRequest {
        PlannedRequest {
            source: self.source,
            target: self.target.clone(),
            method: method.to_owned(),
            query: self.planned_url(path, query),
            reason: reason.to_owned(),
        }
    }

    // A place holder such as `{engine}` stays readable.
    fn planned_url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let url = self.url(path, query).map_or_else(|| path.to_owned(), |url| url.to_string());
        match (path.contains('{'), url.split_once('?')) {
            (false, _) => url,
            (true, None) => format!("{}{path}", self.base),
            (true, Some((_, query))) => format!("{}{path}?{query}", self.base),
        }
    }
}

fn authorization(label: &str, access: &Access, setup: &Setup<'_>) -> Result<(Option<String>, &'static str), SettingsError> {
    match (&access.token, &access.user, &access.password) {
        (None, None, None) => Ok((None, "none")),
        (Some(token), None, None) => Ok((Some(format!("Bearer {}", setup.secret(label, token)?.reveal())), "bearer")),
        (None, Some(user), Some(password)) => {
            let pair = format!("{user}:{}", setup.secret(label, password)?.reveal());
            Ok((Some(format!("Basic {}", STANDARD.encode(pair))), "basic"))
        }
        _ => {
            let detail = "name either a token, or a user with a password, or neither".to_owned();
            Err(SettingsError { target: label.to_owned(), detail })
        }
    }
}

// What stands before an `@` may be a credential.
fn without_user(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proofbook_controls::diagnostic::Span;

    use super::*;

    fn open(url: &str, access: &Access, root: &Path) -> Result<Service, SettingsError> {
        let url = Spanned { value: url.to_owned(), span: Span { line: 3, column: 7, end_column: 8 } };
        Service::open(Source::Prometheus, "prometheus", "main", &url, access, &Setup { root, file: "proofbook.yaml" })
    }

    #[test]
    fn urls_and_credentials_are_looked_at_before_anybody_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), " hush \n").unwrap();
        let none = Access::default();
        let service = open("https://prom.example/base", &none, folder.path()).unwrap();
        let url = service.url("api/v1/query", &[("query", "up{a=\"b\"}")]).unwrap();
        assert_eq!(url.as_str(), "https://prom.example/base/api/v1/query?query=up%7Ba%3D%22b%22%7D");

        for (url, told) in [("prom.example", "no URL"), ("ftp://prom.example", "https://"), ("https://a:hush@prom.example", "never holds")]
        {
            let error = open(url, &none, folder.path()).unwrap_err().to_string();
            assert!(error.starts_with("proofbook.yaml:3:7: ") && error.contains(told) && !error.contains("hush"), "{error}");
        }
        let token = Access { token: Some(Credential::File("token".into())), ..Access::default() };
        let service = open("https://prom.example/", &token, folder.path()).unwrap();
        assert!(!format!("{service:?}").contains("hush"));
        assert_eq!(service.headers.get(AUTHORIZATION).unwrap(), "Bearer hush");
        let half = Access { user: Some("u".to_owned()), ..Access::default() };
        assert!(open("https://prom.example/", &half, folder.path()).unwrap_err().detail.contains("user with a password"));
    }
}
