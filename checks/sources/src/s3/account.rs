//! One account of an object store: how it is reached, and signed questions to its services.
//!
//! A bucket may be in another region than its account. Where the store tells so, the question is asked once more there;
//! the region is remembered. At a store that is not Amazon's only the signature changes: no host is taken from an answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use proofbook_checks::inventory::Reason;
use reqwest::{Method, Url};
use serde_json::{Value as Json, json};

use super::parts::{NO_ACCESS_BLOCK, Part, access_block, access_block_json};
use super::refusal::{code_of, other_region, refusal, told_region};
use super::services::{Service, Services};
use super::settings::{Provider, Style};
use super::signing::{Signer, Unsigned};
use super::xml;
use crate::clock::our_clock;
use crate::observed::Unread;
use crate::web::{Answer, Web};

/// An account, ready to be asked.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) provider: Provider,
    pub(super) style: Style,
    pub(super) region: String,
    pub(super) services: Services,
    pub(super) buckets: Vec<String>,
    pub(super) trials: Vec<(String, String)>,
    pub(super) signer: Signer,
    pub(super) web: Web,
    pub(super) regions: Mutex<BTreeMap<String, String>>,
}

/// Who the store says is asking.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// The account.
    pub(super) account: String,
    /// The identity in it.
    pub(super) identity: String,
}

/// The buckets of an account.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// Their names.
    pub(super) names: Vec<String>,
    /// Whose they are, where the store tells.
    pub(super) owner: String,
    /// The other side's clock, where it tells the time.
    pub(super) clock_offset_ms: Option<i64>,
}

impl Account {
    /// All buckets of the account.
    pub(super) async fn list(&self) -> Result<Buckets, Unread> {
        let mut found = Buckets::default();
        let mut token: Option<String> = None;
        loop {
            let mut url = self.url(Service::S3, &self.region, "")?;
            if let Some(token) = &token {
                url.query_pairs_mut().append_pair("continuation-token", token);
            }
            let answer = self.ask(Service::S3, &self.region, Method::GET, &url, HeaderMap::new(), Vec::new()).await?;
            if answer.status != 200 {
                return Err(refusal(&answer, "the list of buckets (s3:ListAllMyBuckets)"));
            }
            let page: xml::BucketList = xml::read(&answer, &["ListAllMyBucketsResult"])?;
            found.clock_offset_ms = answer.clock_offset_ms.or(found.clock_offset_ms);
            found.owner = page.owner.id;
            found.names.extend(page.buckets.bucket.into_iter().map(|bucket| bucket.name));
            match page.continuation_token.filter(|next| !next.is_empty() && token.as_ref() != Some(next)) {
                Some(next) => token = Some(next),
                None if page.is_truncated => {
                    return Err(Unread::new(Reason::IncompleteList, "the list of buckets is cut off and does not tell how it goes on"));
                }
                None => return Ok(found),
            }
        }
    }

    /// A part of a bucket's record.
    pub(super) async fn part(&self, bucket: &str, part: &Part) -> Result<Json, Unread> {
        let answer = self.ask_bucket(bucket, Method::GET, part.query).await?;
        if answer.status == 200 {
            return (part.read)(&answer);
        }
        if !part.absent.is_empty() && code_of(&answer) == part.absent {
            return Ok((part.unset)());
        }
        Err(refusal(&answer, &format!("GET ?{} ({})", part.query, part.permission)))
    }

    /// The region of a bucket by its headers, which are there whatever the answer is; for buckets that may be another's.
    pub(super) async fn region_of(&self, bucket: &str) -> Result<String, Unread> {
        let answer = self.ask_bucket(bucket, Method::HEAD, "").await?;
        told_region(&answer)
            .ok_or_else(|| refusal(&answer, &format!("HEAD of the bucket {bucket} (s3:ListBucket), whose region no header tells")))
    }

    /// Whether public access is blocked for all buckets; `None` where the account has no such service.
    pub(super) async fn access_block(&self, account_id: &str) -> Result<Option<Json>, Unread> {
        let Some(mut url) = self.services.url(Service::Control, &self.region, account_id) else { return Ok(None) };
        if account_id.is_empty() {
            return Err(Unread::new(Reason::NotCollected, "the account's number is not known, so its settings cannot be asked for"));
        }
        url.set_path("/v20180820/configuration/publicAccessBlock");
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-amz-account-id"), header(account_id)?);
        let answer = self.ask(Service::Control, &self.region, Method::GET, &url, headers, Vec::new()).await?;
        match answer.status {
            200 => access_block(&answer).map(Some),
            _ if code_of(&answer) == NO_ACCESS_BLOCK => Ok(Some(access_block_json(&xml::AccessBlock::default()))),
            _ => Err(refusal(&answer, "the account's block of public access (s3:GetAccountPublicAccessBlock)")),
        }
    }

    /// Who is asking; none where the account has no such service.
    pub(super) async fn caller(&self) -> Option<Result<Caller, Unread>> {
        let url = self.services.url(Service::Sts, &self.region, "")?;
        Some(self.caller_at(&url).await)
    }

    async fn caller_at(&self, url: &Url) -> Result<Caller, Unread> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = b"Action=GetCallerIdentity&Version=2011-06-15".to_vec();
        let answer = self.ask(Service::Sts, &self.region, Method::POST, url, headers, body).await?;
        if answer.status != 200 {
            return Err(refusal(&answer, "sts:GetCallerIdentity"));
        }
        let found: xml::CallerIdentity = xml::read(&answer, &["GetCallerIdentityResponse"])?;
        let caller = found.get_caller_identity_result;
        Ok(Caller { account: caller.account, identity: caller.arn })
    }

    /// An action of the key service in a region.
    pub(super) async fn key_service(&self, region: &str, action: &str, input: &Json) -> Result<Json, Unread> {
        let Some(url) = self.services.url(Service::Kms, region, "") else {
            return Err(Unread::new(Reason::NotCollected, "the workspace names no key service (`kms`) for this account"));
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        headers.insert(HeaderName::from_static("x-amz-target"), header(&format!("TrentService.{action}"))?);
        let answer = self.ask(Service::Kms, region, Method::POST, &url, headers, input.to_string().into_bytes()).await?;
        if answer.status != 200 {
            return Err(refusal(&answer, &format!("kms:{action}")));
        }
        answer.json()
    }

    /// Where the store is asked whether it answers without TLS; none where that is known beforehand.
    pub(super) fn plain_url(&self) -> Option<Url> {
        let mut url = self.services.url(Service::S3, &self.region, "").filter(|url| url.scheme() == "https")?;
        // Amazon answers without TLS at every endpoint; what it says to strangers there is a redirect to its web site.
        if self.provider == Provider::Aws {
            return None;
        }
        // The default port changes with the scheme; one that was named is asked as it is.
        url.set_scheme("http").ok()?;
        Some(url)
    }

    /// What a plain connection to the store comes to: `closed`, `redirected` or `answered`.
    pub(super) async fn plain_http(&self) -> Result<&'static str, Unread> {
        let Some(url) = self.plain_url() else { return Ok("answered") };
        match self.web.get(&url, &HeaderMap::new()).await {
            Ok(answer) => {
                let led_to = answer.header("location").and_then(|location| Url::parse(location).ok());
                let same = led_to.is_some_and(|led_to| led_to.scheme() == "https" && led_to.host_str() == url.host_str());
                let s3 = answer.text().ok().and_then(xml::error).is_some();
                Ok(match answer.status {
                    301 | 302 | 303 | 307 | 308 if same => "redirected",
                    // What a TLS port says to those who do not speak TLS.
                    400 if !s3 => "closed",
                    _ => "answered",
                })
            }
            Err(unread) if unread.reason == Reason::Unreachable => Ok("closed"),
            Err(unread) => Err(unread),
        }
    }

    /// The region in which a bucket is as far as was told.
    pub(super) fn known_region(&self, bucket: &str) -> String {
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions.get(bucket).unwrap_or(&self.region).clone()
    }

    /// Whether anything is left under a prefix: of the objects, and of their versions.
    pub(super) async fn left(&self, bucket: &str, prefix: &str) -> Result<Json, Unread> {
        let objects = self.objects_left(bucket, prefix).await?;
        Ok(json!({"objects": objects, "versions": self.versions_left(bucket, prefix).await?}))
    }

    /// Whether an object is left under a prefix.
    pub(super) async fn objects_left(&self, bucket: &str, prefix: &str) -> Result<bool, Unread> {
        let answer = self.ask_trial(bucket, "list-type=2", prefix, "s3:ListBucket").await?;
        let objects: xml::ObjectList = xml::read(&answer, &["ListBucketResult"])?;
        Ok(!objects.contents.is_empty())
    }

    /// Whether a version of an object is left under a prefix.
    pub(super) async fn versions_left(&self, bucket: &str, prefix: &str) -> Result<bool, Unread> {
        let answer = self.ask_trial(bucket, "versions", prefix, "s3:ListBucketVersions").await?;
        let versions: xml::VersionList = xml::read(&answer, &["ListVersionsResult"])?;
        // Marks of deletion stand before the versions that they hide.
        if versions.is_truncated && versions.version.is_empty() {
            let detail = format!("too many marks of deletion under {bucket}/{prefix} to see whether versions are left");
            return Err(Unread::new(Reason::IncompleteList, detail));
        }
        Ok(!versions.version.is_empty())
    }

    async fn ask_trial(&self, bucket: &str, what: &str, prefix: &str, permission: &str) -> Result<Answer, Unread> {
        let answer = self.ask_bucket(bucket, Method::GET, &trial_query(what, prefix)).await?;
        if answer.status == 200 { Ok(answer) } else { Err(refusal(&answer, &format!("GET ?{what} ({permission})"))) }
    }

    async fn ask_bucket(&self, bucket: &str, method: Method, query: &str) -> Result<Answer, Unread> {
        let region = self.known_region(bucket);
        let answer = self.ask_bucket_in(&region, bucket, method.clone(), query).await?;
        let Some(told) = other_region(&answer, &region) else { return Ok(answer) };
        self.regions.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket.to_owned(), told.clone());
        self.ask_bucket_in(&told, bucket, method, query).await
    }

    async fn ask_bucket_in(&self, region: &str, bucket: &str, method: Method, query: &str) -> Result<Answer, Unread> {
        let mut url = self.url(Service::S3, region, bucket)?;
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        self.ask(Service::S3, region, method, &url, HeaderMap::new(), Vec::new()).await
    }

    // The URL of a service, or of a bucket. The certificate of a virtual host covers names without dots only.
    fn url(&self, service: Service, region: &str, bucket: &str) -> Result<Url, Unread> {
        let fault = |detail: &str| Unread::new(Reason::ParseError, format!("no URL can be made for the bucket `{bucket}`: {detail}"));
        let mut url = self.services.url(service, region, "").ok_or_else(|| fault("the service is not known"))?;
        if bucket.is_empty() {
            return Ok(url);
        }
        let fits = bucket.len() >= 3 && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if !fits || bucket.contains("..") {
            return Err(fault("the name is no name of a bucket"));
        }
        if self.style == Style::VirtualHost && !bucket.contains(['.', '_']) {
            let host = format!("{bucket}.{}", url.host_str().unwrap_or_default());
            url.set_host(Some(&host)).map_err(|error| fault(&error.to_string()))?;
        } else {
            let path = format!("{}/{bucket}", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Ok(url)
    }

    async fn ask(
        &self,
        service: Service,
        region: &str,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, Unread> {
        let request = Unsigned { service, region, method: &method, url, body: &body };
        self.signer
            .sign(&request, &mut headers, our_clock())
            .map_err(|error| Unread::new(Reason::NotPermitted, format!("the request cannot be signed: {error}")))?;
        self.web.request(method, url, &headers, Some(body).filter(|body| !body.is_empty())).await
    }
}

/// The question what is left under a prefix.
pub(super) fn trial_query(what: &str, prefix: &str) -> String {
    format!("{what}&prefix={}", prefix.replace('/', "%2F"))
}

fn header(text: &str) -> Result<HeaderValue, Unread> {
    HeaderValue::from_str(text).map_err(|_| Unread::new(Reason::ParseError, "a text that cannot stand in a header"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::WebSettings;
    use proofbook_checks::resource::Source;

    fn account(endpoint: Option<&str>, style: Style) -> Account {
        Account {
            name: "a".to_owned(),
            provider: Provider::Aws,
            style,
            region: "eu-central-1".to_owned(),
            services: Services { s3: endpoint.map(|url| Url::parse(url).unwrap()), ..Services::default() },
            buckets: Vec::new(),
            trials: Vec::new(),
            signer: Signer::for_tests(),
            web: Web::new(WebSettings::new(Source::S3, "a")).unwrap(),
            regions: Mutex::default(),
        }
    }

    #[test]
    fn whether_a_store_answers_without_tls_is_asked_where_it_is_not_known() {
        let asked = |endpoint: Option<&str>, provider: Provider| {
            let account = Account { provider, ..account(endpoint, Style::Path) };
            account.plain_url().map(String::from)
        };
        assert_eq!(asked(None, Provider::Aws), None);
        assert_eq!(asked(Some("http://minio:9000"), Provider::Minio), None);
        assert_eq!(asked(Some("https://store.example.com"), Provider::Other).as_deref(), Some("http://store.example.com/"));
        assert_eq!(asked(Some("https://store.example.com:9000"), Provider::Minio).as_deref(), Some("http://store.example.com:9000/"));
    }

    #[test]
    fn a_bucket_stands_in_the_host_or_in_the_path() {
        let url = |account: &Account, bucket: &str| account.url(Service::S3, "eu-central-1", bucket).map(String::from);
        let amazon = account(None, Style::VirtualHost);
        assert_eq!(url(&amazon, "logs").unwrap(), "https://logs.s3.eu-central-1.amazonaws.com/");
        assert_eq!(url(&amazon, "logs.example.com").unwrap(), "https://s3.eu-central-1.amazonaws.com/logs.example.com");
        assert_eq!(url(&amazon, "").unwrap(), "https://s3.eu-central-1.amazonaws.com/");
        let own = account(Some("https://store.example.com:9000/base/"), Style::Path);
        assert_eq!(url(&own, "logs").unwrap(), "https://store.example.com:9000/base/logs");
        for name in ["a/b", "..", "a..b", "a?x", "a#x", "evil@", "é", "a"] {
            assert!(url(&own, name).is_err(), "{name}");
        }
    }
}
