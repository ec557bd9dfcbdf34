//! One request to the API server: its deadline, its repetitions, and the record of each attempt.
//!
//! A pause that the server asks for (429) is kept, bounded, at most [`TRIES_WHEN_THROTTLED`] times; a server error or a
//! broken connection is tried again at most [`TRIES`] times, as every request here only reads. Nothing else is repeated.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use proofbook_checks::inventory::{Reason, Request};
use proofbook_checks::resource::Source;
use sha2::{Digest, Sha256};

use crate::clock::{clock_offset, our_clock};
use crate::splitter::Malformed;
use crate::text::{hex, one_line};

const TRIES: u32 = 3;
const TRIES_WHEN_THROTTLED: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How much of an answer that is no success is read, to quote its message.
const LONGEST_MESSAGE: usize = 64 << 10;

/// The API server under one account.
#[derive(Clone)]
pub(super) struct Api {
    pub client: Client,
    pub target: String,
    pub deadline: Duration,
}

/// What is asked.
pub(super) struct Ask<'a> {
    /// How the record calls it: `GET`, `LIST`, `POST`.
    pub method: &'static str,
    /// The path and query that are sent.
    pub path: &'a str,
    /// The path and query as they are recorded.
    pub shown: String,
    /// The media types that are accepted.
    pub accept: &'static str,
    /// The body of a self-review.
    pub body: Option<Vec<u8>>,
}

impl<'a> Ask<'a> {
    /// Asks for a path.
    pub(super) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, shown: path.to_owned(), accept: "application/json", body: None }
    }

    /// Asks for a review of ourselves, which the server computes and does not keep.
    pub(super) fn review(path: &'a str, review: &serde_json::Value) -> Self {
        Self { method: "POST", body: Some(review.to_string().into_bytes()), ..Self::get(path) }
    }
}

/// Where the body of a successful answer goes.
pub(super) trait Sink: Send {
    /// A (new) answer begins; what came of an earlier attempt is void.
    fn begin(&mut self);
    /// The next part of the body.
    fn chunk(&mut self, bytes: &[u8]) -> Result<(), Trouble>;
    /// The body is complete.
    fn end(&mut self) -> Result<(), Trouble>;
    /// How many items it holds.
    fn items(&self) -> u64 {
        1
    }
}

impl Sink for Vec<u8> {
    fn begin(&mut self) {
        self.clear();
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.extend_from_slice(bytes);
        if self.len() > crate::splitter::MAX_PIECE {
            return Err(Trouble::new(Reason::ParseError, "the answer is longer than any that was expected"));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Trouble> {
        Ok(())
    }
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub reason: Reason,
    pub detail: String,
}

impl Trouble {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl From<Malformed> for Trouble {
    fn from(malformed: Malformed) -> Self {
        let reason = if malformed.cut { Reason::IncompleteList } else { Reason::ParseError };
        Self { reason, detail: format!("the answer cannot be read: {} ({})", malformed.what, malformed.place) }
    }
}

/// An answer whose body was read to its end.
pub(super) struct Answer {
    pub status: StatusCode,
    /// The message of an answer that is no success, in one line.
    pub message: String,
    /// The server's clock minus ours, in milliseconds, where the answer tells.
    pub clock_offset_ms: Option<i64>,
}

// One attempt that brought no usable answer.
struct Failure {
    trouble: Trouble,
    // Whether another attempt may bring one.
    passing: bool,
}

impl Api {
    /// Asks until there is an answer that counts, and records each attempt. An answer other than success is an `Answer`
    /// too: what it means depends on what was asked. The body of a success goes to `sink`.
    pub(super) async fn ask(&self, ask: &Ask<'_>, sink: &mut dyn Sink, log: &mut Vec<Request>) -> Result<Answer, Trouble> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut record = self.record(ask);
            let outcome = tokio::time::timeout(self.deadline, self.attempt(ask, sink, &mut record)).await;
            let failure = match outcome {
                Ok(Ok((answer, retry_after))) => {
                    record.status = answer.status.as_u16().to_string();
                    log.push(record);
                    let (throttled, broken) = (answer.status == StatusCode::TOO_MANY_REQUESTS, answer.status.is_server_error());
                    if !throttled && !broken {
                        return Ok(answer);
                    }
                    if tries >= if throttled { TRIES_WHEN_THROTTLED } else { TRIES } {
                        return Err(refused(&answer, tries));
                    }
                    tokio::time::sleep(retry_after.unwrap_or(FIRST_PAUSE * tries).min(LONGEST_PAUSE)).await;
                    continue;
                }
                Ok(Err(failure)) => failure,
                Err(_) => {
                    let detail = format!("no complete answer within {} s", self.deadline.as_secs_f32());
                    Failure { trouble: Trouble::new(Reason::Timeout, detail), passing: false }
                }
            };
            failure.trouble.reason.as_str().clone_into(&mut record.status);
            log.push(record);
            if !failure.passing || tries >= TRIES {
                return Err(failure.trouble);
            }
            tokio::time::sleep(FIRST_PAUSE * tries).await;
        }
    }

    async fn attempt(&self, ask: &Ask<'_>, sink: &mut dyn Sink, record: &mut Request) -> Result<(Answer, Option<Duration>), Failure> {
        sink.begin();
        let asked_at = our_clock();
        let unusable = || Failure { trouble: Trouble::new(Reason::ParseError, "a name in discovery is no part of a URL"), passing: false };
        let request = request(ask).ok_or_else(unusable)?;
        let response = self.client.send(request).await.map_err(|fault| connection_failure(&fault))?;
        let answered_at = our_clock();
        let status = response.status();
        let clock_offset_ms = clock_offset(response.headers(), asked_at, answered_at);
        let retry_after = retry_after(response.headers());
        let mut body = response.into_body();
        let mut digest = Sha256::new();
        let mut message = Vec::new();
        while let Some(frame) = body.frame().await {
            let cut = |_| Failure {
                trouble: Trouble::new(Reason::IncompleteList, "the connection broke in the middle of the answer"),
                passing: true,
            };
            let frame = frame.map_err(cut)?;
            let Some(bytes) = frame.data_ref() else { continue };
            digest.update(bytes);
            record.bytes += bytes.len() as u64;
            if status.is_success() {
                sink.chunk(bytes).map_err(|trouble| Failure { trouble, passing: false })?;
            } else if message.len() < LONGEST_MESSAGE {
                message.extend_from_slice(bytes);
            }
        }
        if status.is_success() {
            // A body that ends in the middle although the connection closed in order was cut as well.
            sink.end().map_err(|trouble| Failure { passing: trouble.reason == Reason::IncompleteList, trouble })?;
            record.items = sink.items();
        }
        record.response_sha256 = Some(hex(&digest.finalize()));
        Ok((Answer { status, message: message_of(&message), clock_offset_ms }, retry_after))
    }

    fn record(&self, ask: &Ask<'_>) -> Request {
        Request::new(Source::Kubernetes, &self.target, ask.method.to_owned(), &ask.shown)
    }
}

impl Answer {
    /// The trouble that an answer other than success means, where nothing more special is known about it.
    pub(super) fn trouble(&self) -> Trouble {
        let reason = match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Reason::NotPermitted,
            _ => Reason::ParseError,
        };
        Trouble::new(reason, self.told())
    }

    /// The status with its message.
    pub(super) fn told(&self) -> String {
        let status = self.status.canonical_reason().map_or_else(String::new, |words| format!(" {words}"));
        let message = if self.message.is_empty() { String::new() } else { format!(": {}", self.message) };
        format!("the server answered {}{status}{message}", self.status.as_u16())
    }
}

fn refused(answer: &Answer, tries: u32) -> Trouble {
    let reason = match answer.status {
        StatusCode::TOO_MANY_REQUESTS => Reason::Throttled,
        StatusCode::GATEWAY_TIMEOUT => Reason::Timeout,
        _ => Reason::Unreachable,
    };
    Trouble::new(reason, format!("{} ({tries} times)", answer.told()))
}

// Nothing where the path, of which the server gave a part, is none.
fn request(ask: &Ask<'_>) -> Option<http::Request<Body>> {
    let method = if ask.body.is_some() { http::Method::POST } else { http::Method::GET };
    let mut request = http::Request::new(Body::from(ask.body.clone().unwrap_or_default()));
    *request.method_mut() = method;
    *request.uri_mut() = ask.path.parse().ok()?;
    let headers = request.headers_mut();
    headers.insert(http::header::ACCEPT, http::HeaderValue::from_static(ask.accept));
    if ask.body.is_some() {
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
    Some(request)
}

// Only the innermost cause is told, and of a credential plugin nothing: it may quote its output.
fn connection_failure(fault: &kube::Error) -> Failure {
    let mut innermost: &dyn std::error::Error = fault;
    let mut credentials = matches!(fault, kube::Error::Auth(_));
    while let Some(cause) = innermost.source() {
        innermost = cause;
        credentials |= innermost.is::<kube::client::AuthError>();
    }
    if credentials {
        let trouble = Trouble::new(Reason::NotPermitted, "the credentials that the kubeconfig names cannot be obtained");
        return Failure { trouble, passing: false };
    }
    let cause = one_line(&innermost.to_string());
    Failure { trouble: Trouble::new(Reason::Unreachable, format!("no connection to the API server: {cause}")), passing: true }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

// The message of a Status, or the text itself.
fn message_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Status {
        message: Option<String>,
    }
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Status>(&text) {
        Ok(status) => one_line(&status.message.unwrap_or_default()),
        Err(_) => one_line(&text),
    }
}
