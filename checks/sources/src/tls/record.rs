//! The record of one address: what the probe brought, in the form that checks read.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use proofbook_checks::inventory::Reason;
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use rustls::pki_types::{CertificateDer, UnixTime};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::certificate::CertificateRecord;
use super::chain::{ChainRecord, Trust, covers};
use super::endpoint::{Endpoint, Origin};
use super::facts::{Enumeration, What};
use super::handshake::{ClientCertificate, Handshake};
use super::names::{self, Version};
use super::probe::Probe;
use super::reply::{Answer, Session, Stage};
use super::staple::StapleRecord;
use crate::observed::Unread;

/// One record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndpointRecord {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    #[serde(flatten)]
    seen: Seen,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: String,
}

#[derive(Debug, Serialize)]
struct Seen {
    host: String,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The name that was asked for; absent where none was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<String>,
    outcome: &'static str,
    detail: String,
    versions: BTreeMap<&'static str, VersionRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lowest: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    highest: Option<&'static str>,
    client_certificate: ClientCertificate,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<ChainRecord>,
    /// Every suite by version, in the server's order; what could not be read says so.
    suites: BTreeMap<&'static str, Json>,
    /// Every group by version.
    groups: BTreeMap<&'static str, Json>,
    /// The smallest finite field that a key exchange offered, in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    dh_bits: Option<u64>,
    /// How sessions of the newest version up to TLS 1.2 are protected; absent where none is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpn: Option<String>,
    /// Absent where no handshake completed, so that nothing is known of a staple.
    #[serde(skip_serializing_if = "Option::is_none")]
    staple: Option<StapleRecord>,
    /// How the endpoint is known.
    origin: Origin,
}

#[derive(Debug, Default, Serialize)]
struct VersionRecord {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
}

impl EndpointRecord {
    /// The record of an address that was not asked, or of a name that has none.
    pub(super) fn unasked(endpoint: &Endpoint, address: Option<IpAddr>, outcome: &'static str, detail: String) -> Self {
        let answers = Version::ALL.iter().map(|version| (*version, Answer::NotProbed)).collect();
        Self::new(endpoint, address, &answers, (outcome, detail))
    }

    /// The record of an address that was asked.
    pub(super) fn probed(endpoint: &Endpoint, address: IpAddr, probe: Probe, trust: &Trust, deadline: Duration, now: UnixTime) -> Self {
        let handshake = probe.handshake.unwrap_or_default();
        let client_certificate = wanted_certificate(&probe.answers, &handshake);
        let outcome = outcome(&probe.answers, client_certificate, handshake.failure.as_deref(), deadline);
        let mut record = Self::new(endpoint, Some(address), &probe.answers, outcome);
        record.seen.client_certificate = client_certificate;
        record.seen.session = probe.answers.range(..Version::Tls13).rev().find_map(|(_, answer)| match answer {
            Answer::Accepted(accepted) => Some(accepted.session),
            _ => None,
        });
        for ((what, version), found) in &probe.enumerations {
            let list = if *what == What::Suites { &mut record.seen.suites } else { &mut record.seen.groups };
            list.insert(version.as_str(), enumerated(*what, found));
            record.seen.dh_bits = record.seen.dh_bits.into_iter().chain(found.dh_bits).min();
        }
        record.seen.staple = handshake.completed.then(|| StapleRecord::read(&handshake.staple));
        record.seen.alpn.clone_from(&handshake.alpn);

        let chain = if handshake.chain.is_empty() { chain_in_clear(&probe.answers) } else { handshake.chain };
        if let Some(leaf) = chain.first() {
            let certificate = CertificateRecord::read(leaf, covers(leaf, endpoint.expected_name()));
            let mut judged = trust.judge(&chain, now);
            if handshake.badly_signed {
                judged.verifies = Some(false);
                "the server does not hold the key of its certificate".clone_into(&mut judged.error);
            } else if judged.error == "unknown issuer" && certificate.is_self_signed() {
                "self-signed".clone_into(&mut judged.error);
            }
            record.seen.certificate = Some(certificate);
            record.seen.chain = Some(judged);
        }
        record
    }

    fn new(
        endpoint: &Endpoint,
        address: Option<IpAddr>,
        answers: &BTreeMap<Version, Answer>,
        (outcome, detail): (&'static str, String),
    ) -> Self {
        let mut accepted = answers.iter().filter(|(_, answer)| matches!(answer, Answer::Accepted(_))).map(|(version, _)| version.as_str());
        let lowest = accepted.next();
        Self {
            api_version: "proofbook.dev/tls",
            kind: "Endpoint",
            metadata: Metadata { name: endpoint.record_name(address) },
            seen: Seen {
                host: endpoint.host.clone(),
                port: endpoint.port,
                address: address.map(|address| address.to_string()),
                server_name: endpoint.sni().map(str::to_owned),
                outcome,
                detail,
                lowest,
                highest: accepted.next_back().or(lowest),
                versions: answers.iter().map(|(version, answer)| (version.as_str(), version_record(answer))).collect(),
                client_certificate: ClientCertificate::None,
                certificate: None,
                chain: None,
                suites: BTreeMap::new(),
                groups: BTreeMap::new(),
                dh_bits: None,
                session: None,
                alpn: None,
                staple: None,
                origin: endpoint.origin,
            },
        }
    }

    /// The name by which records are put in order.
    pub(super) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The record, as far as checks read it.
    pub(super) fn project(&self, projection: &Projection) -> Value {
        let whole = serde_json::to_value(self).expect("a record is made of strings, numbers and maps with string keys");
        projection.project(&Resource::tls_endpoints(), &whole)
    }
}

impl Answer {
    /// The result of a version.
    pub(super) const fn result(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::OtherVersion(_) => "other-version",
            Self::Alert(_) => "alert",
            Self::PlainHttp => "plain-http",
            Self::NotTls => "not-tls",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Timeout(_) => "timeout",
            Self::Refused | Self::Unreachable(_) => "unreachable",
            Self::NotProbed => "not-probed",
        }
    }
}

fn version_record(answer: &Answer) -> VersionRecord {
    let mut record = VersionRecord { result: answer.result(), ..VersionRecord::default() };
    match answer {
        Answer::Accepted(accepted) => {
            record.cipher = Some(names::suite(accepted.cipher));
            record.group.clone_from(&accepted.group);
        }
        Answer::Alert(alert) => record.alert = Some(names::alert(*alert)),
        _ => {}
    }
    record
}

/// What an enumeration brought, or why it has no end.
fn enumerated(what: What, found: &Enumeration) -> Json {
    let Some(broken) = &found.broken else { return json!(found.names(what)) };
    let reason = match broken {
        Answer::Timeout(_) => Reason::Timeout,
        Answer::Alert(_) | Answer::NotTls | Answer::PlainHttp | Answer::OtherVersion(_) => Reason::ParseError,
        _ => Reason::Unreachable,
    };
    let detail =
        format!("the {} were not told to the end: after {} hellos the answer was {}", what.as_str(), found.hellos, broken.result());
    Unread::new(reason, detail).to_json()
}

fn wanted_certificate(answers: &BTreeMap<Version, Answer>, handshake: &Handshake) -> ClientCertificate {
    let in_clear = answers.values().any(|answer| matches!(answer, Answer::Accepted(accepted) if accepted.certificate_requested));
    handshake.client_certificate.max(if in_clear { ClientCertificate::Requested } else { ClientCertificate::None })
}

/// The chain of the newest version that showed one.
fn chain_in_clear(answers: &BTreeMap<Version, Answer>) -> Vec<CertificateDer<'static>> {
    let chains = answers.values().rev().filter_map(|answer| match answer {
        Answer::Accepted(accepted) if !accepted.certificates.is_empty() => Some(&accepted.certificates),
        _ => None,
    });
    chains.take(1).flatten().map(|der| CertificateDer::from(der.clone())).collect()
}

/// The outcome of an address, and what is to be said about it. Where nothing was accepted, the answer that tells most
/// about the server decides, since a server that refuses one hello in words and drops another has still spoken.
fn outcome(
    answers: &BTreeMap<Version, Answer>,
    client_certificate: ClientCertificate,
    failure: Option<&str>,
    deadline: Duration,
) -> (&'static str, String) {
    if answers.values().any(|answer| matches!(answer, Answer::Accepted(_))) {
        if client_certificate == ClientCertificate::Required {
            return ("client-certificate-required", "a client without a certificate is refused".to_owned());
        }
        let detail = failure.map(|failure| format!("the complete handshake failed: {failure}"));
        return ("handshake", detail.unwrap_or_default());
    }
    answers.values().rev().min_by_key(|answer| rank(answer)).map_or_else(
        || ("unreachable", String::new()),
        |answer| {
            let (outcome, detail) = match answer {
                Answer::Alert(alert) => ("alert", format!("alert {}", names::alert(*alert))),
                Answer::PlainHttp => ("plain-http", "answers HTTP without TLS".to_owned()),
                Answer::NotTls => ("not-tls", "answers something that is not TLS".to_owned()),
                Answer::Accepted(_) | Answer::OtherVersion(_) => ("not-tls", "answers in versions that nobody asked for".to_owned()),
                Answer::Closed => ("closed", "closes the connection without an answer".to_owned()),
                Answer::Reset => ("reset", "resets the connection".to_owned()),
                Answer::Timeout(Stage::Connecting) => ("timeout", format!("no connection within {deadline:?}")),
                Answer::Timeout(Stage::Connected) => ("timeout", format!("no answer within {deadline:?}")),
                Answer::Refused => ("refused-connection", "nobody listens on the port".to_owned()),
                Answer::Unreachable(detail) => ("unreachable", detail.clone()),
                Answer::NotProbed => ("unreachable", "not asked".to_owned()),
            };
            (outcome, detail)
        },
    )
}

/// How much an answer tells; the lowest tells most.
const fn rank(answer: &Answer) -> u8 {
    match answer {
        Answer::Accepted(_) => 0,
        Answer::Alert(_) => 1,
        Answer::PlainHttp => 2,
        Answer::OtherVersion(_) => 3,
        Answer::NotTls => 4,
        Answer::Closed => 5,
        Answer::Reset => 6,
        Answer::Timeout(_) => 7,
        Answer::Refused => 8,
        Answer::Unreachable(_) => 9,
        Answer::NotProbed => 10,
    }
}
