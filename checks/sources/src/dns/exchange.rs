//! Questions to resolvers: UDP first, TCP where the answer is cut off, the next resolver where one does not answer.
//!
//! Every exchange is recorded. A resolver that checks signatures hides what it found wrong; for our own check of signatures it
//! is asked not to (`unchecked`), for everything else it answers as it does for everybody.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use hickory_net::NetError;
use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_net::proto::rr::{Name, Record, RecordType};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tcp::TcpClientStream;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsHandle, FirstAnswer};
use proofbook_checks::inventory::{Reason, Request};
use proofbook_checks::resource::Source;
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::observed::Unread;
use crate::text::{hex, one_line};

/// The resolvers, and what was asked of them.
#[derive(Clone)]
pub(super) struct Resolvers {
    shared: Arc<Shared>,
    unchecked: bool,
    // Whether an exchange brought nothing that can be judged.
    failed: Arc<AtomicBool>,
}

struct Shared {
    target: String,
    servers: Vec<SocketAddr>,
    deadline: Duration,
    // Its tasks drive the connections and end with it.
    runtime: TokioRuntimeProvider,
    log: Mutex<Vec<Request>>,
}

/// What a name has of a type.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Whether the name, or the name that it stands for, exists.
    pub(super) exists: bool,
    /// All records of the answer: aliases, and what was asked for.
    pub(super) records: Vec<Record>,
    /// Records that speak for the zone.
    pub(super) authorities: Vec<Record>,
}

impl Resolvers {
    pub(super) fn new(target: &str, servers: Vec<SocketAddr>, deadline: Duration) -> Self {
        let runtime = TokioRuntimeProvider::new();
        let shared = Shared { target: target.to_owned(), servers, deadline, runtime, log: Mutex::default() };
        Self { shared: Arc::new(shared), unchecked: false, failed: Arc::default() }
    }

    /// The same resolvers, asked not to check signatures, with a memory of their own of what failed.
    pub(super) fn unchecked(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), unchecked: true, failed: Arc::default() }
    }

    /// Whether an exchange through this handle or a clone of it brought nothing.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// What the name has of the type, by the resolver's word.
    pub(super) async fn ask(&self, name: &Name, record_type: RecordType) -> Result<Answer, Unread> {
        let request = DnsRequest::from_query(Query::query(name.clone(), record_type), DnsRequestOptions::default());
        let response = self.exchange(request).await.map_err(|error| unread(&error))?;
        let exists = match response.metadata.response_code {
            ResponseCode::NoError => true,
            ResponseCode::NXDomain => false,
            code => return Err(refusal(code)),
        };
        let message = response.into_message();
        Ok(Answer { exists, records: message.answers, authorities: message.authorities })
    }

    /// The requests that were made; they are handed over once.
    pub(super) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn exchange(&self, mut request: DnsRequest) -> Result<DnsResponse, NetError> {
        request.metadata.checking_disabled = self.unchecked;
        let mut last = Err(NetError::NoConnections);
        for server in &self.shared.servers {
            last = self.one(*server, &request).await;
            let answered =
                |response: &DnsResponse| matches!(response.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
            if last.as_ref().is_ok_and(answered) {
                return last;
            }
        }
        self.failed.store(true, Ordering::Relaxed);
        last
    }

    async fn one(&self, server: SocketAddr, request: &DnsRequest) -> Result<DnsResponse, NetError> {
        let deadline = self.shared.deadline;
        let runtime = || self.shared.runtime.clone();
        let udp = UdpClientStream::builder(server, runtime()).with_timeout(Some(deadline)).exchange();
        let mut outcome = timeout(deadline, udp.send(request.clone()).first_answer()).await.unwrap_or(Err(NetError::Timeout));
        self.note(server, request, "udp", &outcome);
        if outcome.as_ref().is_ok_and(|response| response.metadata.truncation) {
            let over_tcp = async {
                let tcp = TcpClientStream::exchange(server, None, deadline, None, runtime()).await?;
                tcp.send(request.clone()).first_answer().await
            };
            outcome = timeout(deadline, over_tcp).await.unwrap_or(Err(NetError::Timeout));
            self.note(server, request, "tcp", &outcome);
        }
        outcome
    }

    fn note(&self, server: SocketAddr, request: &DnsRequest, transport: &str, outcome: &Result<DnsResponse, NetError>) {
        let Some(query) = request.queries.first() else { return };
        let (status, items, digest, bytes) = match outcome {
            Ok(response) => {
                let buffer = response.as_buffer();
                let status = response.metadata.response_code.to_string();
                (status, response.answers.len() as u64, Some(hex(&Sha256::digest(buffer))), buffer.len() as u64)
            }
            Err(error) => (unread(error).reason.as_str(), 0, None, 0),
        };
        let checked = if self.unchecked { " unchecked" } else { "" };
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).push(Request {
            status,
            items,
            response_sha256: digest,
            bytes,
            ..Request::new(
                Source::Dns,
                &self.shared.target,
                format!("query {}", query.query_type()),
                format!("{} @{server}/{transport}{checked}", text(query.name())),
            )
        });
    }
}

/// For the library's check of signatures, which asks what it needs through this.
impl DnsHandle for Resolvers {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let resolvers = self.clone();
        Box::pin(stream::once(async move { resolvers.exchange(request).await }))
    }
}

/// A name as it is kept and printed: lower case, without the last dot.
pub(super) fn text(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    if text == "." { text } else { text.trim_end_matches('.').to_owned() }
}

/// Why an exchange brought no answer.
pub(super) fn unread(error: &NetError) -> Unread {
    match error {
        NetError::Timeout => Unread::new(Reason::Timeout, "no resolver answered within the deadline"),
        NetError::Proto(error) => Unread::new(Reason::ParseError, format!("the resolver's answer cannot be read: {error}")),
        error => Unread::new(Reason::Unreachable, one_line(&error.to_string())),
    }
}

fn refusal(code: ResponseCode) -> Unread {
    let reason = match code {
        ResponseCode::Refused | ResponseCode::NotAuth => Reason::NotPermitted,
        ResponseCode::FormErr | ResponseCode::NotImp => Reason::ParseError,
        _ => Reason::Unreachable,
    };
    Unread::new(reason, format!("the resolver answers `{code}`"))
}
