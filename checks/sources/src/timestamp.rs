//! Asking a time-stamping authority over HTTP (RFC 3161, section 3.4). What is asked and what an answer is worth is not
//! known here: the evidence crate makes requests and judges answers.

use proofbook_checks::resource::Source;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use rustls::crypto::aws_lc_rs;

use crate::web::{Web, WebSettings};

const QUERY: HeaderValue = HeaderValue::from_static("application/timestamp-query");
const REPLY: &str = "application/timestamp-reply";

/// An authority that can be asked.
#[derive(Debug)]
pub struct TimestampAuthority {
    web: Web,
    url: Url,
}

impl TimestampAuthority {
    /// The authority at a URL; contacts nobody.
    ///
    /// # Errors
    /// What is no http or https URL, in words.
    pub fn new(url: &str) -> Result<Self, String> {
        let parsed = Url::parse(url).map_err(|error| format!("`{url}` is no URL: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("`{url}` is neither http nor https"));
        }
        let web = Web::new(WebSettings { largest_body: 1 << 20, ..WebSettings::new(Source::Http, "timestamp") })?;
        Ok(Self { web, url: parsed })
    }

    /// Sends a request and gives the answer, whatever it says.
    ///
    /// # Errors
    /// Where no answer of a time-stamping authority came, in words.
    pub async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, String> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, QUERY)]);
        let answer = self.web.request(Method::POST, &self.url, &headers, Some(request)).await;
        let answer = answer.and_then(crate::web::Answer::ok).map_err(|unread| format!("{}: {}", self.url, unread.detail))?;
        let kind = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(REPLY) {
            return Err(format!("{}: the answer is `{essence}`, not `{REPLY}`", self.url));
        }
        Ok(answer.body)
    }
}

/// Eight random bytes, by which an answer is known as that of one request.
///
/// # Errors
/// Where the machine has no random bytes to give.
pub fn nonce() -> Result<[u8; 8], String> {
    let mut bytes = [0; 8];
    aws_lc_rs::default_provider().secure_random.fill(&mut bytes).map_err(|_| "the machine gives no random bytes".to_owned())?;
    Ok(bytes)
}
