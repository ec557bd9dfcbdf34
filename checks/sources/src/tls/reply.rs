//! Reads what a server sends after a ClientHello, piece by piece, and says what kind of answer it is.
//!
//! Whatever arrives is untrusted: it is cut by its stated lengths, never beyond [`LIMIT`] bytes in all, and what does not
//! parse is an answer of its own (`not-tls`), never a panic. A version counts as accepted when the server's hello names the
//! version that was asked for and no fatal alert follows; a server of TLS 1.0 answers a hello of 1.2 with its own version,
//! which is a different answer. Up to TLS 1.2 the certificates pass in clear and are kept.

use serde::Serialize;
use sha2::{Digest, Sha256};
use tls_parser::{TlsCipherAu, TlsCipherKx, TlsCipherSuite, TlsMessageHandshake, parse_dh_params};
use tls_parser::{parse_tls_handshake_msg_certificate, parse_tls_handshake_server_hello};

use super::names::{self, Version};

/// The most bytes that one answer may have; what comes after is not read.
pub(super) const LIMIT: usize = 64 * 1024;

/// The answer to one hello. The list is closed: records and checks name every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The server goes on in the version that was asked for.
    Accepted(Accepted),
    /// The server goes on in another version.
    OtherVersion(u16),
    /// The server refuses with an alert.
    Alert(u8),
    /// The server speaks HTTP without TLS.
    PlainHttp,
    /// The server speaks, and it is not TLS.
    NotTls,
    /// The connection was reset.
    Reset,
    /// The server closed the connection without an answer.
    Closed,
    /// Nothing decisive came within the deadline.
    Timeout(Stage),
    /// Nobody listens on the port.
    Refused,
    /// There is no way to the address.
    Unreachable(String),
    /// No hello was sent, as earlier ones met nobody.
    NotProbed,
}

/// How far a connection had come when its deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Connected,
}

/// What an accepting server chose and showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The suite's number.
    pub(super) cipher: u16,
    /// The group of the key exchange; RSA key exchange has none.
    pub(super) group: Option<String>,
    /// The certificates in DER, leaf first, where they passed in clear.
    pub(super) certificates: Vec<Vec<u8>>,
    /// Whether the server asked in clear for a client certificate.
    pub(super) certificate_requested: bool,
    /// How the session is protected, up to TLS 1.2.
    pub(super) session: Session,
}

/// How a session up to TLS 1.2 is protected, as the ServerHello says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Session {
    /// Renegotiation is bound to the session (RFC 5746).
    pub(super) secure_renegotiation: bool,
    /// The master secret is bound to the whole handshake (RFC 7627).
    pub(super) extended_master_secret: bool,
    /// The server compresses before it encrypts (RFC 3749), which lets secrets leak by their length.
    pub(super) compression: bool,
    /// The server hands out tickets to resume by (RFC 5077).
    pub(super) tickets: bool,
}

/// How the reading of an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer said all that is needed, or more than it may.
    Enough,
    Closed,
    Reset,
    Timeout,
}

/// An answer while it comes in.
pub(super) struct Reply {
    asked: Version,
    brief: bool,
    pending: Vec<u8>,
    handshake: Vec<u8>,
    accepted: Option<Accepted>,
    warning: Option<u8>,
    decided: Option<Answer>,
    total: usize,
    digest: Sha256,
}

impl Reply {
    pub(super) fn to(asked: Version) -> Self {
        Self {
            asked,
            brief: false,
            pending: Vec::new(),
            handshake: Vec::new(),
            accepted: None,
            warning: None,
            decided: None,
            total: 0,
            digest: Sha256::new(),
        }
    }

    /// The same for suite and group alone: no certificate is kept, and nothing is read that comes after them. A finite field whose
    /// size was not told is no such answer.
    pub(super) fn brief(asked: Version) -> Self {
        Self { brief: true, ..Self::to(asked) }
    }

    /// Takes in what was read; true when nothing more is needed.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> bool {
        let bytes = &bytes[..bytes.len().min(LIMIT - self.total)];
        self.total += bytes.len();
        self.digest.update(bytes);
        self.pending.extend_from_slice(bytes);
        let mut finished = self.cut_records();
        if self.total == LIMIT {
            finished = true;
        }
        finished
    }

    /// How many bytes came, and their digest in hex, if any came.
    pub(super) fn trace(&self) -> (u64, Option<String>) {
        let digest = (self.total > 0).then(|| crate::text::hex(&self.digest.clone().finalize()));
        (u64::try_from(self.total).unwrap_or(u64::MAX), digest)
    }

    /// The answer, given how the reading ended.
    pub(super) fn finish(self, ending: Ending) -> Answer {
        if let Some(answer) = self.decided {
            return answer;
        }
        if let Some(accepted) = self.accepted {
            // The size of the field is part of what is accepted; a server that closes here refuses nothing.
            let untold = self.brief && accepted.group.is_none() && has_field(accepted.cipher);
            return match ending {
                Ending::Timeout if untold => Answer::Timeout(Stage::Connected),
                _ if untold => Answer::NotTls,
                _ => Answer::Accepted(accepted),
            };
        }
        if let Some(alert) = self.warning {
            return Answer::Alert(alert);
        }
        if self.pending.first().is_some_and(|kind| !matches!(*kind, ALERT | HANDSHAKE)) {
            return foreign(&self.pending);
        }
        match ending {
            Ending::Enough => Answer::NotTls,
            Ending::Closed => Answer::Closed,
            Ending::Reset => Answer::Reset,
            Ending::Timeout => Answer::Timeout(Stage::Connected),
        }
    }

    fn cut_records(&mut self) -> bool {
        while let [kind, major, _, high, low, ..] = *self.pending.as_slice() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let first = self.handshake.is_empty() && self.accepted.is_none() && self.warning.is_none();
            if major != 3 || length > LONGEST_RECORD || !matches!(kind, ALERT | HANDSHAKE) {
                // After a ServerHello it is the server's affair what it sends; before one it is not TLS.
                if self.accepted.is_none() {
                    self.decided = Some(if first { foreign(&self.pending) } else { Answer::NotTls });
                }
                return true;
            }
            if self.pending.len() < 5 + length {
                return false;
            }
            let rest = self.pending.split_off(5 + length);
            let record = std::mem::replace(&mut self.pending, rest);
            let content = &record[5..];
            let finished = if kind == ALERT { self.alerts(content) } else { self.messages(content) };
            if finished {
                return true;
            }
        }
        false
    }

    fn alerts(&mut self, content: &[u8]) -> bool {
        for alert in content.chunks_exact(2) {
            // A warning other than the notice of closing may be followed by a ServerHello.
            if alert[0] == 1 && alert[1] != 0 {
                self.warning = Some(alert[1]);
            } else {
                self.decided = Some(Answer::Alert(alert[1]));
                return true;
            }
        }
        false
    }

    fn messages(&mut self, content: &[u8]) -> bool {
        self.handshake.extend_from_slice(content);
        let mut at = 0;
        let mut finished = false;
        while let Some([kind, a, b, c]) = self.handshake.get(at..at + 4).and_then(|head| <[u8; 4]>::try_from(head).ok()) {
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if length > LIMIT {
                finished = true;
                break;
            }
            let Some(body) = self.handshake.get(at + 4..at + 4 + length) else { break };
            let step = read_message(self.asked, self.brief, self.accepted.as_mut(), kind, body);
            at += 4 + length;
            match step {
                Step::More => continue,
                Step::Hello(accepted) => self.accepted = Some(accepted),
                Step::Final(accepted) => {
                    self.accepted = Some(accepted);
                    finished = true;
                }
                Step::Done => finished = true,
                Step::Decided(answer) => {
                    self.decided = Some(answer);
                    finished = true;
                }
            }
            if finished {
                break;
            }
        }
        self.handshake.drain(..at);
        finished
    }
}

/// What one handshake message means for the answer.
enum Step {
    More,
    Hello(Accepted),
    Final(Accepted),
    Done,
    Decided(Answer),
}

fn read_message(asked: Version, brief: bool, accepted: Option<&mut Accepted>, kind: u8, body: &[u8]) -> Step {
    let Some(accepted) = accepted else {
        // A request to start anew is empty and may come before anything else.
        return match kind {
            SERVER_HELLO => match server_hello(asked, body) {
                Step::Hello(accepted) if brief && !has_key_exchange(accepted.cipher) => Step::Final(accepted),
                step => step,
            },
            HELLO_REQUEST => Step::More,
            _ => Step::Decided(Answer::NotTls),
        };
    };
    match kind {
        CERTIFICATE if brief => {}
        CERTIFICATE => {
            if let Ok((_, TlsMessageHandshake::Certificate(message))) = parse_tls_handshake_msg_certificate(body) {
                accepted.certificates = message.cert_chain.iter().map(|certificate| certificate.data.to_vec()).collect();
            }
        }
        SERVER_KEY_EXCHANGE => {
            accepted.group = key_exchange_group(accepted.cipher, body);
            if brief {
                return Step::Done;
            }
        }
        CERTIFICATE_REQUEST => accepted.certificate_requested = true,
        SERVER_HELLO_DONE => return Step::Done,
        _ => {}
    }
    Step::More
}

fn server_hello(asked: Version, body: &[u8]) -> Step {
    let Ok((_, hello)) = parse_tls_handshake_server_hello(body) else {
        return Step::Decided(Answer::NotTls);
    };
    let extensions = hello.ext.unwrap_or_default();
    let version = extension(extensions, SUPPORTED_VERSIONS).and_then(number).unwrap_or(hello.version.0);
    if version != asked.number() {
        return Step::Decided(Answer::OtherVersion(version));
    }
    // A HelloRetryRequest is a ServerHello too: it names version, suite and group all the same.
    let group = extension(extensions, KEY_SHARE).and_then(number).map(names::group);
    let has = |wanted| extension(extensions, wanted).is_some();
    let session = Session {
        secure_renegotiation: has(RENEGOTIATION_INFO),
        extended_master_secret: has(EXTENDED_MASTER_SECRET),
        compression: hello.compression.0 != 0,
        tickets: has(SESSION_TICKET),
    };
    let accepted = Accepted { cipher: hello.cipher.0, group, session, ..Accepted::default() };
    if asked == Version::Tls13 { Step::Final(accepted) } else { Step::Hello(accepted) }
}

/// The content of an extension. Cut by hand, since one that does not parse must not hide those behind it.
fn extension(mut extensions: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (head, rest) = extensions.split_first_chunk::<4>()?;
        let (content, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes([head[2], head[3]])))?;
        if u16::from_be_bytes([head[0], head[1]]) == wanted {
            return Some(content);
        }
        extensions = behind;
    }
}

fn number(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk::<2>().map(|pair| u16::from_be_bytes(*pair))
}

/// Whether the server says more about the key exchange of a suite than its name does.
fn has_key_exchange(cipher: u16) -> bool {
    use TlsCipherKx::{Aecdh, Dh, Dhe, Ecdh, Ecdhe};
    TlsCipherSuite::from_id(cipher).is_some_and(|suite| {
        let ephemeral = matches!(suite.kx, Ecdhe | Aecdh | Dhe);
        ephemeral || matches!(suite.kx, Dh | Ecdh) && suite.au == TlsCipherAu::Null
    })
}

/// Whether the server tells the finite field of a suite's key exchange.
fn has_field(cipher: u16) -> bool {
    has_key_exchange(cipher) && TlsCipherSuite::from_id(cipher).is_some_and(|suite| matches!(suite.kx, TlsCipherKx::Dhe | TlsCipherKx::Dh))
}

fn key_exchange_group(cipher: u16, body: &[u8]) -> Option<String> {
    match TlsCipherSuite::from_id(cipher)?.kx {
        TlsCipherKx::Ecdhe | TlsCipherKx::Ecdh | TlsCipherKx::Aecdh => match body {
            [NAMED_CURVE, rest @ ..] => number(rest).map(names::group),
            _ => None,
        },
        TlsCipherKx::Dhe | TlsCipherKx::Dh => {
            let (_, parameters) = parse_dh_params(body).ok()?;
            Some(format!("dh{}", super::bits(parameters.dh_p)))
        }
        _ => None,
    }
}

/// What an answer is that is not TLS.
fn foreign(bytes: &[u8]) -> Answer {
    let http = [&b"HTTP/"[..], b"<html", b"<!doc"]
        .iter()
        .any(|start| bytes.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)));
    if http { Answer::PlainHttp } else { Answer::NotTls }
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// 2^14 bytes and what encryption may add.
const LONGEST_RECORD: usize = 16_384 + 2_048;
const HELLO_REQUEST: u8 = 0;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
const NAMED_CURVE: u8 = 3;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SESSION_TICKET: u16 = 35;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
