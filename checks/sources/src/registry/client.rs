//! A client of the distribution API of registries, which only pulls.
//!
//! Who asks is settled as registries do it: the first answer of 401 names where a token is had, and for what. A name and a password
//! go only to the registry itself and to where it says that tokens are had, and never over plain HTTP where the registry is asked over
//! TLS. Whatever has a digest is held against it. Blobs may lie elsewhere: one redirect is followed, without any credential.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proofbook_checks::inventory::{Reason, Request};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LINK, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Method, Url};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::challenge::{Challenge, challenge};
use crate::observed::Unread;
use crate::settings::Secret;
use crate::text::hex;
use crate::web::{Answer, Web, sensitive_header};

/// What manifests are taken as.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// How many pages a list may have.
const PAGES: usize = 1000;

/// Who asks.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub user: String,
    pub password: Option<Secret>,
    pub token: Option<Secret>,
}

/// A client of one registry.
#[derive(Debug)]
pub(super) struct Client {
    pub base: Url,
    pub web: Web,
    pub account: Account,
    // Headers by what they allow: a repository, or the registry as a whole.
    tokens: Mutex<BTreeMap<String, String>>,
    // Manifests by repository and digest; what a digest names does not change.
    manifests: Mutex<BTreeMap<(String, String), Manifest>>,
}

/// A manifest, or an index of them.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub digest: String,
    pub body: Json,
}

impl Client {
    pub(super) const fn new(base: Url, web: Web, account: Account) -> Self {
        Self { base, web, account, tokens: Mutex::new(BTreeMap::new()), manifests: Mutex::new(BTreeMap::new()) }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.web.requests()
    }

    /// A manifest by tag or digest; none where the registry does not have it.
    pub(super) async fn manifest(&self, repository: &str, reference: &str) -> Result<Option<Manifest>, Unread> {
        let known = (repository.to_owned(), reference.to_owned());
        if let Some(manifest) = self.manifests.lock().unwrap_or_else(PoisonError::into_inner).get(&known) {
            return Ok(Some(manifest.clone()));
        }
        let path = format!("v2/{repository}/manifests/{reference}");
        let answer = self.get(repository, &self.url(&path)?, Some(MANIFESTS)).await.map_err(|unread| told(&path, unread))?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.ok().map_err(|unread| told(&path, unread))?;
        let digest = format!("sha256:{}", hex(&Sha256::digest(&answer.body)));
        let said = if reference.starts_with("sha256:") { Some(reference) } else { answer.header("docker-content-digest") };
        if said.is_some_and(|said| said.starts_with("sha256:") && said != digest) {
            return Err(told(&path, Unread::new(Reason::ParseError, "the manifest is not what its digest says")));
        }
        let manifest = Manifest { digest: digest.clone(), body: answer.json().map_err(|unread| told(&path, unread))? };
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).insert((known.0, digest), manifest.clone());
        Ok(Some(manifest))
    }

    /// A blob.
    pub(super) async fn blob(&self, repository: &str, digest: &str) -> Result<Vec<u8>, Unread> {
        let path = format!("v2/{repository}/blobs/{digest}");
        let url = self.url(&path)?;
        let mut answer = self.get(repository, &url, None).await.map_err(|unread| told(&path, unread))?;
        if matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            let place = answer.header(LOCATION.as_str()).and_then(|place| url.join(place).ok());
            let place = place.ok_or_else(|| told(&path, Unread::new(Reason::ParseError, "a redirect to nowhere")))?;
            answer = self.web.get(&place, &HeaderMap::new()).await.map_err(|unread| told(&path, unread))?;
        }
        let answer = answer.ok().map_err(|unread| told(&path, unread))?;
        if digest != format!("sha256:{}", hex(&Sha256::digest(&answer.body))) {
            return Err(told(&path, Unread::new(Reason::ParseError, "the blob is not what its digest says")));
        }
        Ok(answer.body)
    }

    /// The tags of a repository.
    pub(super) async fn tags(&self, repository: &str) -> Result<Vec<String>, Unread> {
        let path = format!("v2/{repository}/tags/list");
        let mut url = self.url(&path)?;
        let mut tags = Vec::new();
        for _ in 0..PAGES {
            let answer = self.get(repository, &url, None).await.map_err(|unread| told(&path, unread))?;
            let next = next_page(&url, &answer);
            let body = answer.ok().and_then(|answer| answer.json()).map_err(|unread| told(&path, unread))?;
            tags.extend(body["tags"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned));
            match next {
                Some(next) => url = next,
                None => return Ok(tags),
            }
        }
        Err(told(&path, Unread::new(Reason::IncompleteList, format!("more than {PAGES} pages"))))
    }

    /// What refers to a digest: by the API, or where the registry does not have it, by the tag that stands in for it.
    pub(super) async fn referrers(&self, repository: &str, digest: &str) -> Result<Vec<Json>, Unread> {
        let path = format!("v2/{repository}/referrers/{digest}");
        let answer = self.get(repository, &self.url(&path)?, Some("application/vnd.oci.image.index.v1+json")).await;
        let answer = answer.map_err(|unread| told(&path, unread))?;
        let index = match answer.status {
            404 | 405 => self.manifest(repository, &digest.replace(':', "-")).await?.map(|manifest| manifest.body),
            _ => Some(answer.ok().and_then(|answer| answer.json()).map_err(|unread| told(&path, unread))?),
        };
        Ok(index.map(|index| index["manifests"].as_array().cloned().unwrap_or_default()).unwrap_or_default())
    }

    /// Any path of the registry's own API, as JSON.
    pub(super) async fn api(&self, path: &str) -> Result<(Json, HeaderMap), Unread> {
        let answer = self.get("", &self.url(path)?, None).await.map_err(|unread| told(path, unread))?;
        let headers = answer.headers.clone();
        let body = answer.ok().and_then(|answer| answer.json()).map_err(|unread| told(path, unread))?;
        Ok((body, headers))
    }

    fn url(&self, path: &str) -> Result<Url, Unread> {
        self.base.join(path).map_err(|_| Unread::new(Reason::ParseError, format!("`{path}` makes no URL")))
    }

    async fn get(&self, repository: &str, url: &Url, accept: Option<&'static str>) -> Result<Answer, Unread> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(repository).cloned();
        let token = || self.account.token.as_ref().map(|token| format!("Bearer {}", token.reveal()));
        // The own APIs of registries do not all ask for what they want to see.
        let first = known.or_else(token).or_else(|| self.basic().filter(|_| repository.is_empty()));
        let answer = self.ask(url, &headers, first.as_deref()).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let asked_for = answer.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).find_map(challenge);
        let Some(authorization) = self.authorize(asked_for, repository).await? else { return Ok(answer) };
        let again = self.ask(url, &headers, Some(&authorization)).await?;
        if again.status != 401 {
            self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(repository.to_owned(), authorization);
        }
        Ok(again)
    }

    async fn ask(&self, url: &Url, headers: &HeaderMap, authorization: Option<&str>) -> Result<Answer, Unread> {
        let mut headers = headers.clone();
        if let Some(authorization) = authorization {
            sensitive_header(&mut headers, AUTHORIZATION, authorization).map_err(|detail| Unread::new(Reason::NotPermitted, detail))?;
        }
        self.web.request(Method::GET, url, &headers, None).await
    }

    fn basic(&self) -> Option<String> {
        let password = self.account.password.as_ref()?;
        Some(format!("Basic {}", STANDARD.encode(format!("{}:{}", self.account.user, password.reveal()))))
    }

    // The header that answers a challenge; none where there is no answer.
    async fn authorize(&self, asked_for: Option<Challenge>, repository: &str) -> Result<Option<String>, Unread> {
        let (realm, service) = match asked_for {
            None => return Ok(None),
            Some(Challenge::Basic) => return Ok(self.basic()),
            Some(Challenge::Bearer { realm, service }) => (realm, service),
        };
        let fault = |detail: &str| Unread::new(Reason::NotPermitted, format!("the registry sends for a token, {detail}"));
        let mut url = Url::parse(&realm).map_err(|_| fault("to no URL"))?;
        if url.scheme() != "https" && self.base.scheme() == "https" {
            return Err(fault("over plain HTTP"));
        }
        if !service.is_empty() {
            url.query_pairs_mut().append_pair("service", &service);
        }
        if !repository.is_empty() {
            url.query_pairs_mut().append_pair("scope", &format!("repository:{repository}:pull"));
        }
        let answer = self.ask(&url, &HeaderMap::new(), self.basic().as_deref()).await?;
        let told = answer.ok().and_then(|answer| answer.json()).map_err(|unread| fault(&format!("and there {}", unread.detail)))?;
        let token = told["token"].as_str().or_else(|| told["access_token"].as_str());
        Ok(Some(format!("Bearer {}", token.ok_or_else(|| fault("and gets none"))?)))
    }
}

fn told(path: &str, unread: Unread) -> Unread {
    Unread::new(unread.reason, format!("{path}: {}", unread.detail))
}

// `</v2/app/tags/list?last=b&n=2>; rel="next"`, below the same registry.
fn next_page(url: &Url, answer: &Answer) -> Option<Url> {
    let link = answer.header(LINK.as_str())?;
    let target = link.split(',').find(|link| link.contains("rel=\"next\""))?;
    let next = url.join(target.trim().strip_prefix('<')?.split_once('>')?.0).ok()?;
    (next.origin() == url.origin()).then_some(next)
}
