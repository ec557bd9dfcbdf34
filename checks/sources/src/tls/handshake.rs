//! One complete handshake with a library, for what the hellos cannot see.
//!
//! From TLS 1.3 on certificates are encrypted, and whether a server insists on a client certificate shows only after it
//! got none. The verifier records what it is given and lets the handshake go on, so that an expired certificate is seen
//! and not merely refused; the chain is judged afterwards. Nothing is sent on the connection, with one exception: where
//! the server asks for a client certificate and lets the handshake pass without one, a single `GET /` shows whether it
//! turns the request down for that (as nginx does, which asks in the handshake and refuses in HTTP). Where somebody reads
//! which protocol is chosen inside TLS (ALPN), `h2` and `http/1.1` are offered; a server that refuses both, or chooses the
//! one in which the request cannot be made, is met once more without that offer.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::names;
use super::reply::LIMIT;
use crate::text::one_line;

/// Whether the server wants a certificate of the client. The list is closed: a record and its checks name every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ClientCertificate {
    /// It does not ask.
    #[default]
    None,
    /// It asks; that it insists was not seen.
    Requested,
    /// It refuses a client that has none.
    Required,
}

/// What one handshake brought.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// The certificates, leaf first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether the server signed the handshake with another key than that of its leaf.
    pub(super) badly_signed: bool,
    /// What it wants of the client.
    pub(super) client_certificate: ClientCertificate,
    /// Why the handshake did not complete.
    pub(super) failure: Option<String>,
    /// How the one request ended, where one was made.
    pub(super) request: Option<&'static str>,
    /// Whether the handshake completed.
    pub(super) completed: bool,
    /// The protocol that the server chose inside TLS, where it was asked and chose one.
    pub(super) alpn: Option<String>,
    /// The server's own proof that its certificate was not revoked (OCSP), in DER; empty where it sent none.
    pub(super) staple: Vec<u8>,
}

/// What is offered to speak inside TLS.
const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];

/// The alert of a server that speaks none of them.
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// Runs a handshake with `address`; `name` is what the certificate should be for.
pub(super) async fn run(
    address: SocketAddr,
    name: ServerName<'static>,
    provider: &Arc<CryptoProvider>,
    alpn: bool,
    deadline: Duration,
) -> Handshake {
    if alpn {
        let (offered, failure) = once(address, name.clone(), provider, &PROTOCOLS, deadline).await;
        let refused = matches!(failure, Some(Failure::Alert(NO_APPLICATION_PROTOCOL)));
        let unasked = offered.client_certificate == ClientCertificate::Requested && offered.alpn.as_deref() == Some(PROTOCOLS[0]);
        if !refused && !unasked {
            return offered;
        }
        let (mut plain, _) = once(address, name, provider, &[], deadline).await;
        plain.alpn = offered.alpn;
        return plain;
    }
    once(address, name, provider, &[], deadline).await.0
}

/// Runs one handshake that offers `protocols` inside TLS; tells why it did not complete, where it did not.
pub(super) async fn once(
    address: SocketAddr,
    name: ServerName<'static>,
    provider: &Arc<CryptoProvider>,
    protocols: &[&str],
    deadline: Duration,
) -> (Handshake, Option<Failure>) {
    let deadline = Instant::now() + deadline;
    let recorder = Arc::new(Recorder { provider: Arc::clone(provider), seen: Mutex::default() });
    let host = name.to_str().into_owned();
    let outcome = match open(address, name, &recorder, protocols, deadline).await {
        Ok(mut wire) => {
            let outcome = wire.complete().await;
            let chosen = wire.connection.alpn_protocol().map(|chosen| one_line(&String::from_utf8_lossy(chosen)));
            let askable = chosen.as_deref() != Some(PROTOCOLS[0]);
            let requested = recorder.seen().client_certificate == ClientCertificate::Requested;
            if outcome.is_ok() && requested && askable {
                let answer = wire.ask(&host).await;
                let mut seen = recorder.seen();
                if answer == Asked::Refused {
                    seen.client_certificate = ClientCertificate::Required;
                }
                seen.request = Some(answer.as_str());
            }
            wire.close().await;
            let mut seen = recorder.seen();
            seen.completed = outcome.is_ok();
            seen.alpn = chosen;
            outcome
        }
        Err(failure) => Err(failure),
    };
    let mut handshake = std::mem::take(&mut *recorder.seen());
    let failure = outcome.err();
    if let Some(failure) = &failure {
        if failure.refuses_the_client() && handshake.client_certificate == ClientCertificate::Requested {
            handshake.client_certificate = ClientCertificate::Required;
        }
        handshake.failure = Some(failure.to_string());
    }
    (handshake, failure)
}

async fn open(
    address: SocketAddr,
    name: ServerName<'static>,
    recorder: &Arc<Recorder>,
    protocols: &[&str],
    deadline: Instant,
) -> Result<Wire, Failure> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&recorder.provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::protocol(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(recorder) as Arc<dyn ServerCertVerifier>)
        .with_client_cert_resolver(Arc::clone(recorder) as Arc<dyn ResolvesClientCert>);
    config.resumption = Resumption::disabled();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|error| Failure::protocol(&error))?;
    let stream = timeout_at(deadline, TcpStream::connect(address)).await.map_err(|_| Failure::Timeout)??;
    Ok(Wire { stream, connection, deadline, received: 0, plaintext: Vec::new() })
}

/// A connection with its two sides: the socket and the protocol.
struct Wire {
    stream: TcpStream,
    connection: ClientConnection,
    deadline: Instant,
    received: usize,
    plaintext: Vec<u8>,
}

impl Wire {
    async fn complete(&mut self) -> Result<(), Failure> {
        loop {
            self.send().await?;
            if !self.connection.is_handshaking() {
                return Ok(());
            }
            if let Err(failure) = self.receive().await {
                // The library may have an alert for the server; whether it arrives changes nothing.
                let _ = self.send().await;
                return Err(failure);
            }
        }
    }

    /// Makes one request, to see whether it is turned down for want of a client certificate.
    async fn ask(&mut self, host: &str) -> Asked {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: proofbook\r\nConnection: close\r\n\r\n");
        if self.connection.writer().write_all(request.as_bytes()).is_err() {
            return Asked::Unclear;
        }
        // A server that has already closed may have said why: read on although the sending failed.
        let _ = self.send().await;
        loop {
            match self.receive().await {
                Ok(()) => {}
                Err(failure) if failure.refuses_the_client() => return Asked::Refused,
                Err(_) => return judge_response(&self.plaintext).unwrap_or(Asked::Unclear),
            }
            if let Some(asked) = judge_response(&self.plaintext) {
                return asked;
            }
        }
    }

    async fn close(&mut self) {
        self.connection.send_close_notify();
        let _ = self.send().await;
    }

    async fn send(&mut self) -> Result<(), Failure> {
        while self.connection.wants_write() {
            let mut bytes = Vec::new();
            self.connection.write_tls(&mut bytes)?;
            timeout_at(self.deadline, self.stream.write_all(&bytes)).await.map_err(|_| Failure::Timeout)??;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        let mut chunk = [0; 4096];
        let length = timeout_at(self.deadline, self.stream.read(&mut chunk)).await.map_err(|_| Failure::Timeout)??;
        self.received += length;
        if length == 0 {
            return Err(Failure::Closed);
        }
        if self.received > LIMIT {
            return Err(Failure::TooLong);
        }
        let mut rest = &chunk[..length];
        while !rest.is_empty() {
            if self.connection.read_tls(&mut rest)? == 0 {
                return Err(Failure::Closed);
            }
            match self.connection.process_new_packets() {
                Ok(_) => {}
                Err(Error::AlertReceived(alert)) => return Err(Failure::Alert(alert.into())),
                Err(error) => return Err(Failure::protocol(&error)),
            }
            // Ends with an error that says that there is no more for now.
            let _ = self.connection.reader().read_to_end(&mut self.plaintext);
        }
        Ok(())
    }
}

/// How a request without a client certificate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Refused,
    Answered,
    Unclear,
}

impl Asked {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "client-certificate-required",
            Self::Answered => "answered",
            Self::Unclear => "no-answer",
        }
    }
}

/// What a response says so far; nothing while that is open.
fn judge_response(response: &[u8]) -> Option<Asked> {
    const REFUSAL: &[u8] = b"No required SSL certificate was sent";
    const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 ";
    if response.windows(REFUSAL.len()).any(|part| part == REFUSAL) {
        return Some(Asked::Refused);
    }
    let known = response.len().min(BAD_REQUEST.len());
    let other = response[..known] != BAD_REQUEST[..known];
    let ended = response.windows(7).any(|part| part.eq_ignore_ascii_case(b"</html>"));
    (other || ended).then_some(Asked::Answered)
}

/// Why a handshake did not complete.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("alert {}", names::alert(*.0))]
    Alert(u8),
    #[error("the server closed the connection")]
    Closed,
    #[error("no answer within the deadline")]
    Timeout,
    #[error("the server sends more than {LIMIT} bytes")]
    TooLong,
    #[error("{0}")]
    Protocol(String),
    #[error("{}", one_line(&.0.to_string()))]
    Connection(#[from] std::io::Error),
}

impl Failure {
    fn protocol(error: &Error) -> Self {
        Self::Protocol(one_line(&error.to_string()))
    }

    /// Whether this is how a server turns down a client without a certificate.
    const fn refuses_the_client(&self) -> bool {
        // handshake_failure, no_certificate to certificate_unknown, unknown_ca, access_denied, certificate_required
        matches!(self, Self::Alert(40..=46 | 48 | 49 | 116))
    }
}

/// Notes what the server shows, and refuses nothing.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Handshake>,
}

impl Recorder {
    fn seen(&self) -> MutexGuard<'_, Handshake> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_signature(&self, valid: bool) -> HandshakeSignatureValid {
        self.seen().badly_signed = !valid;
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let mut seen = self.seen();
        seen.chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        seen.staple = ocsp_response.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Ok(self.note_signature(verify_tls12_signature(message, certificate, signature, algorithms).is_ok()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        Ok(self.note_signature(verify_tls13_signature(message, certificate, signature, algorithms).is_ok()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Recorder {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen().client_certificate = ClientCertificate::Requested;
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
