//! Requests over HTTP that only read, for every source that speaks it.
//!
//! Any status is an answer; only what never became one is an [`Unread`]. Redirects are not followed, bodies are bounded,
//! every exchange has a deadline, and only 429 and 5xx are asked again, after a pause; 501 is a last word. Every exchange
//! is recorded with the digest of its answer. Names that lead to link-local, metadata, unspecified or multicast addresses are
//! refused unless the workspace allows it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use proofbook_checks::inventory::{Reason, Request};
use proofbook_checks::resource::Source;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Method, Url, redirect};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::address::{OFF_LIMITS, is_metadata_name, is_off_limits, literal};
use crate::clock::{clock_offset, our_clock};
use crate::observed::Unread;
use crate::text::hex;

/// How often a request is made at most where nothing else is said.
const ATTEMPTS: u32 = 3;

/// The pause before the second attempt; it doubles with each.
const PAUSE: Duration = Duration::from_millis(250);

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// The source, for the record of requests.
    pub source: Source,
    /// The target's name, for the record of requests.
    pub target: String,
    /// How long one exchange may take, from the attempt to the last byte.
    pub deadline: Duration,
    /// PEM certificates to trust in place of those of the machine.
    pub roots: Option<Vec<u8>>,
    /// Whether certificates are looked at; what they are worth is the business of the TLS source.
    pub any_certificate: bool,
    /// Whether link-local and metadata addresses may be contacted.
    pub allow_link_local: bool,
    /// The address to contact whatever the name leads to; the name stays in `Host` and in the handshake.
    pub address: Option<IpAddr>,
    /// How often a request is made at most, where the other side asks for patience.
    pub attempts: u32,
    /// How many bytes of a body are read; a longer one could not be read.
    pub largest_body: usize,
}

impl WebSettings {
    /// Five seconds an exchange, three attempts, the roots of the machine, 16 MiB a body.
    #[must_use]
    pub fn new(source: Source, target: &str) -> Self {
        Self {
            source,
            target: target.to_owned(),
            deadline: Duration::from_secs(5),
            roots: None,
            any_certificate: false,
            allow_link_local: false,
            address: None,
            attempts: ATTEMPTS,
            largest_body: 16 << 20,
        }
    }
}

/// A client that only reads.
#[derive(Debug)]
pub struct Web {
    client: Client,
    settings: WebSettings,
    log: Mutex<Vec<Request>>,
    // By how much the clock of each origin was ahead when it answered last.
    clocks: Mutex<BTreeMap<String, i64>>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// By how many milliseconds the other side's clock is ahead, where it tells the time.
    pub clock_offset_ms: Option<i64>,
}

impl Answer {
    /// A header as text; none where it is missing or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Json, Unread> {
        serde_json::from_slice(&self.body).map_err(|cause| Unread::new(Reason::ParseError, format!("the answer is no JSON: {cause}")))
    }

    /// The body as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<&str, Unread> {
        std::str::from_utf8(&self.body).map_err(|cause| Unread::new(Reason::ParseError, format!("the answer is no UTF-8: {cause}")))
    }

    /// The answer where its status is 200, else why it is none.
    ///
    /// # Errors
    /// 401 and 403 are `not-permitted`, 404 is `not-served`, 429 `throttled`, any other status `unreachable`.
    pub fn ok(self) -> Result<Self, Unread> {
        let reason = match self.status {
            200 => return Ok(self),
            401 | 403 => Reason::NotPermitted,
            404 => Reason::NotServed,
            429 => Reason::Throttled,
            _ => Reason::Unreachable,
        };
        Err(Unread::new(reason, format!("the answer is {}", self.status)))
    }
}

impl Web {
    /// A client; contacts nobody.
    ///
    /// # Errors
    /// When the roots are no PEM certificates.
    pub fn new(settings: WebSettings) -> Result<Self, String> {
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(settings.deadline)
            .user_agent(concat!("proofbook/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guarded { allow_link_local: settings.allow_link_local, address: settings.address });
        if let Some(roots) = &settings.roots {
            let roots =
                Certificate::from_pem_bundle(roots).map_err(|error| format!("the trusted roots are no PEM certificates: {error}"))?;
            builder = builder.tls_certs_only(roots);
        }
        if settings.any_certificate {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let client = builder.build().map_err(|error| format!("no HTTP client: {}", innermost(&error)))?;
        Ok(Self { client, settings, log: Mutex::default(), clocks: Mutex::default() })
    }

    /// Gets a URL.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn get(&self, url: &Url, headers: &HeaderMap) -> Result<Answer, Unread> {
        self.request(Method::GET, url, headers, None).await
    }

    /// Makes a request and waits for its answer, again where the other side asks for patience.
    ///
    /// # Errors
    /// When no answer came, or its body is too long.
    pub async fn request(&self, method: Method, url: &Url, headers: &HeaderMap, body: Option<Vec<u8>>) -> Result<Answer, Unread> {
        self.check_address(url)?;
        let mut pause = PAUSE;
        for attempt in 1.. {
            let answer = self.once(method.clone(), url, headers, body.clone()).await;
            let again = matches!(&answer, Ok(answer) if answer.status == 429 || answer.status >= 500 && answer.status != 501);
            if !again || attempt >= self.settings.attempts {
                return answer;
            }
            let asked = answer.ok().and_then(|answer| answer.header(RETRY_AFTER.as_str())?.trim().parse().ok().map(Duration::from_secs));
            tokio::time::sleep(asked.unwrap_or(pause).min(self.settings.deadline)).await;
            pause *= 2;
        }
        unreachable!("the last attempt returns")
    }

    /// The requests that were made, in the order in which they ended; they are handed over once.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// By how many milliseconds the clock behind a URL was ahead when it answered last, where it told the time.
    #[must_use]
    pub fn clock_offset_ms(&self, url: &Url) -> Option<i64> {
        let clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        clocks.get(&url.origin().ascii_serialization()).copied()
    }

    async fn once(&self, method: Method, url: &Url, headers: &HeaderMap, body: Option<Vec<u8>>) -> Result<Answer, Unread> {
        let mut request = self.client.request(method.clone(), url.clone()).headers(headers.clone());
        if let Some(body) = body {
            request = request.body(body);
        }
        let outcome = self.exchange(request).await;
        let (status, digest, bytes) = match &outcome {
            Ok(answer) => (answer.status.to_string(), Some(hex(&Sha256::digest(&answer.body))), answer.body.len() as u64),
            Err(unread) => (unread.reason.as_str(), None, 0),
        };
        if let Some(offset) = outcome.as_ref().ok().and_then(|answer| answer.clock_offset_ms) {
            self.clocks.lock().unwrap_or_else(PoisonError::into_inner).insert(url.origin().ascii_serialization(), offset);
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(Request {
            status,
            items: u64::from(outcome.is_ok()),
            response_sha256: digest,
            bytes,
            ..Request::new(
                self.settings.source,
                &self.settings.target,
                method.to_string(),
                format!("{}{}{query}", url.origin().ascii_serialization(), url.path()),
            )
        });
        outcome
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Answer, Unread> {
        let asked_at = our_clock();
        let mut response = request.send().await.map_err(|error| fault(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let clock_offset_ms = clock_offset(&headers, asked_at, our_clock());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > self.settings.largest_body {
                let detail = format!("the answer is longer than {} bytes", self.settings.largest_body);
                return Err(Unread::new(Reason::ParseError, detail));
            }
        }
        Ok(Answer { status, headers, body, clock_offset_ms })
    }

    // A URL may hold an address instead of a name; names are checked when they are resolved.
    fn check_address(&self, url: &Url) -> Result<(), Unread> {
        let refused = literal(url).map_or_else(|| url.host_str().is_some_and(is_metadata_name), is_off_limits);
        if refused && !self.settings.allow_link_local { Err(Unread::new(Reason::Unreachable, OFF_LIMITS)) } else { Ok(()) }
    }
}

/// A header that carries a credential and is never printed.
///
/// # Errors
/// When the text cannot stand in a header.
pub fn sensitive_header(headers: &mut HeaderMap, name: HeaderName, text: &str) -> Result<(), String> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| format!("the credential has characters that cannot stand in the header {name}"))?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

// Resolves names by the machine's own means or to the one given address, and leaves out what must not be contacted.
struct Guarded {
    allow_link_local: bool,
    address: Option<IpAddr>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow, given) = (self.allow_link_local, self.address);
        Box::pin(async move {
            let found: Vec<SocketAddr> = match given {
                Some(address) => vec![SocketAddr::new(address, 0)],
                None => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            let allowed: Vec<SocketAddr> = found.iter().copied().filter(|found| allow || !is_off_limits(found.ip())).collect();
            if allowed.is_empty() && !found.is_empty() {
                return Err(OFF_LIMITS.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn fault(error: &reqwest::Error) -> Unread {
    let reason = if error.is_timeout() { Reason::Timeout } else { Reason::Unreachable };
    let detail = if error.is_timeout() { "no answer within the deadline".to_owned() } else { innermost(error) };
    Unread::new(reason, detail)
}

// The cause that says something; the outer errors repeat the URL, which may hold what must not be printed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
