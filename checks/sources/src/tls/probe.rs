//! Asks one address of one endpoint: a hello a version, each on its own connection, then one complete handshake, and the
//! further facts that somebody reads.
//!
//! Every connection has the same deadline and counts against one limit for the whole run. The two newest versions are
//! asked at the same time and first: where both meet nobody, nothing more is sent, so that a port that never answers
//! costs one deadline and not six.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use proofbook_checks::inventory::Request;
use proofbook_checks::resource::Source;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::endpoint::Endpoint;
use super::facts::{self, Enumeration, Facts, What};
use super::handshake::{self, Handshake};
use super::hello::{Offer, RANDOM_BYTES, client_hello};
use super::names::Version;
use super::reply::{Answer, Ending, Reply, Stage};
use crate::address::look_up;
use crate::text::one_line;

/// What probing one address brought.
#[derive(Debug)]
pub(super) struct Probe {
    /// The answer to each version.
    pub(super) answers: BTreeMap<Version, Answer>,
    /// The complete handshake, where a version was accepted that the library speaks.
    pub(super) handshake: Option<Handshake>,
    /// The suites and groups that the server takes, by version; nothing where nobody asked.
    pub(super) enumerations: BTreeMap<(What, Version), Enumeration>,
    /// The connections that were made.
    pub(super) requests: Vec<Request>,
}

/// What all probes of a run share.
pub(super) struct Prober {
    pub(super) target: String,
    pub(super) deadline: Duration,
    pub(super) connections: Semaphore,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) facts: Facts,
}

impl Prober {
    /// The addresses of an endpoint, each once and in order, or why there is none.
    pub(super) async fn resolve(&self, endpoint: &Endpoint) -> (Result<Vec<IpAddr>, String>, Option<Request>) {
        let mut addresses = endpoint.addresses.clone();
        let mut request = None;
        if let Ok(address) = endpoint.host.parse() {
            if addresses.is_empty() {
                addresses.push(address);
            }
        } else if addresses.is_empty() {
            let found = look_up(&endpoint.host, self.deadline).await;
            let status = if found.is_ok() { "resolved" } else { "unresolved" };
            let items = found.as_ref().map_or(0, Vec::len);
            request = Some(self.request("resolve", endpoint.host.clone(), status.to_owned(), items));
            match found {
                Ok(found) => addresses = found,
                Err(unread) => return (Err(unread.detail), request),
            }
        }
        addresses.sort_unstable();
        addresses.dedup();
        (Ok(addresses), request)
    }

    /// Asks one address everything.
    pub(super) async fn probe(&self, endpoint: &Endpoint, address: IpAddr) -> Probe {
        let place = Place { socket: SocketAddr::new(address, endpoint.port), query: format!("{endpoint}@{address}"), sni: endpoint.sni() };
        let mut probe = Probe { answers: BTreeMap::new(), handshake: None, enumerations: BTreeMap::new(), requests: Vec::new() };

        let (newer, newest) = tokio::join!(self.hello(&place, Version::Tls12), self.hello(&place, Version::Tls13));
        let nobody = is_nobody(&newer.0) && is_nobody(&newest.0);
        probe.note(Version::Tls12, newer);
        probe.note(Version::Tls13, newest);
        if nobody {
            for version in [Version::Ssl3, Version::Tls10, Version::Tls11] {
                probe.answers.insert(version, Answer::NotProbed);
            }
            return probe;
        }
        let older =
            tokio::join!(self.hello(&place, Version::Ssl3), self.hello(&place, Version::Tls10), self.hello(&place, Version::Tls11),);
        probe.note(Version::Ssl3, older.0);
        probe.note(Version::Tls10, older.1);
        probe.note(Version::Tls11, older.2);

        let modern = [Version::Tls12, Version::Tls13];
        let accepted = modern.iter().any(|version| matches!(probe.answers.get(version), Some(Answer::Accepted(_))));
        // The endpoint's names were checked when the collector was made.
        if let (true, Ok(name)) = (accepted, ServerName::try_from(endpoint.expected_name().to_owned())) {
            let handshake = {
                let _permit = self.permit().await;
                handshake::run(place.socket, name, &self.provider, self.facts.alpn, self.deadline).await
            };
            let status = handshake.failure.clone().unwrap_or_else(|| "completed".to_owned());
            probe.requests.push(self.request("handshake", place.query.clone(), status, handshake.chain.len()));
            if let Some(answer) = handshake.request {
                probe.requests.push(self.request("GET /", place.query.clone(), answer.to_owned(), 0));
            }
            probe.handshake = Some(handshake);
        }
        Box::pin(self.enumerate(&place, &mut probe)).await;
        probe
    }

    // One after the other: the server is not to be tried harder than it takes.
    async fn enumerate(&self, place: &Place<'_>, probe: &mut Probe) {
        let accepted = probe.answers.iter().filter(|(_, answer)| matches!(answer, Answer::Accepted(_))).map(|(version, _)| *version);
        for (what, version) in self.facts.asked(&accepted.collect::<Vec<_>>()) {
            let found = facts::enumerate(what, version, |offer| self.ask(place, offer)).await;
            let status = found.broken.as_ref().map_or("enumerated", |answer| answer.result());
            let method = format!("client-hello {} {}", version.as_str(), what.as_str());
            let query = format!("{} ({} times)", place.query, found.hellos);
            let mut request = self.request(&method, query, status.to_owned(), found.taken.len());
            request.bytes = found.bytes;
            probe.requests.push(request);
            probe.enumerations.insert((what, version), found);
        }
    }

    // The answer to a hello that asks for suite and group alone, and how many bytes it had.
    async fn ask(&self, place: &Place<'_>, offer: Offer<'_>) -> (Answer, u64) {
        let mut reply = Reply::brief(offer.version);
        let ending = self.send(place, &offer, &mut reply).await;
        let (bytes, _) = reply.trace();
        (ending.map_or_else(|answer| answer, |ending| reply.finish(ending)), bytes)
    }

    async fn send(&self, place: &Place<'_>, offer: &Offer<'_>, reply: &mut Reply) -> Result<Ending, Answer> {
        let mut random = [0; RANDOM_BYTES];
        if self.provider.secure_random.fill(&mut random).is_err() {
            return Err(Answer::Unreachable("this machine has no random numbers".to_owned()));
        }
        let _permit = self.permit().await;
        exchange(place.socket, &client_hello(offer, place.sni, &random), reply, Instant::now() + self.deadline).await
    }

    async fn hello(&self, place: &Place<'_>, version: Version) -> (Answer, Request) {
        let mut reply = Reply::to(version);
        let ending = self.send(place, &Offer::whole(version), &mut reply).await;
        let (bytes, digest) = reply.trace();
        let answer = ending.map_or_else(|answer| answer, |ending| reply.finish(ending));
        let items = usize::from(matches!(answer, Answer::Accepted(_)));
        let method = format!("client-hello {}", version.as_str());
        let mut request = self.request(&method, place.query.clone(), answer.result().to_owned(), items);
        request.bytes = bytes;
        request.response_sha256 = digest;
        (answer, request)
    }

    async fn permit(&self) -> SemaphorePermit<'_> {
        self.connections.acquire().await.expect("the limit of connections is never closed")
    }

    fn request(&self, method: &str, query: String, status: String, items: usize) -> Request {
        Request { status, items: u64::try_from(items).unwrap_or(u64::MAX), ..Request::new(Source::Tls, &self.target, method, query) }
    }
}

impl Probe {
    fn note(&mut self, version: Version, (answer, request): (Answer, Request)) {
        self.answers.insert(version, answer);
        self.requests.push(request);
    }
}

/// One address of one endpoint, as the hellos need it.
struct Place<'a> {
    socket: SocketAddr,
    query: String,
    sni: Option<&'a str>,
}

/// Whether there is nobody to ask more.
const fn is_nobody(answer: &Answer) -> bool {
    matches!(answer, Answer::Timeout(_) | Answer::Refused | Answer::Unreachable(_))
}

/// Sends a hello and reads until the reply has enough, or says why there was no connection.
async fn exchange(to: SocketAddr, hello: &[u8], reply: &mut Reply, deadline: Instant) -> Result<Ending, Answer> {
    let mut stream = match timeout_at(deadline, TcpStream::connect(to)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(no_connection(&error)),
        Err(_) => return Err(Answer::Timeout(Stage::Connecting)),
    };
    // A server that closed at once may have said why: read on although the sending failed.
    let unsent = match timeout_at(deadline, stream.write_all(hello)).await {
        Ok(sent) => sent.is_err(),
        Err(_) => return Ok(Ending::Timeout),
    };
    // On the heap: many hellos wait at a time.
    let mut chunk = vec![0; 4096];
    loop {
        match timeout_at(deadline, stream.read(&mut chunk)).await {
            Ok(Ok(0)) => return Ok(if unsent { Ending::Reset } else { Ending::Closed }),
            Ok(Ok(length)) => {
                if reply.feed(&chunk[..length]) {
                    return Ok(Ending::Enough);
                }
            }
            Ok(Err(_)) => return Ok(Ending::Reset),
            Err(_) => return Ok(Ending::Timeout),
        }
    }
}

fn no_connection(error: &std::io::Error) -> Answer {
    match error.kind() {
        ErrorKind::ConnectionRefused => Answer::Refused,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Answer::Reset,
        ErrorKind::TimedOut => Answer::Timeout(Stage::Connecting),
        _ => Answer::Unreachable(one_line(&error.to_string())),
    }
}
