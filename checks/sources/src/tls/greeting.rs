//! Whether an address lets a stranger in under a name: one handshake, for sources that ask nothing else of TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;

use super::handshake::{ClientCertificate, Failure, once};

/// How an address met a handshake under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// The handshake completed.
    Completed,
    /// It refuses a client that has no certificate.
    ClientCertificate,
    /// It does not serve this name, or not to us, and says so by an alert.
    TurnedAway(String),
    /// It speaks TLS and refused by another alert, such as for a version: that says nothing of the name.
    Alert(String),
    /// It does not speak TLS, or not in time.
    Failed(String),
}

/// Greets an address by a name. Nothing is sent besides, but for a `GET /` where a certificate of the client is asked for.
pub(crate) async fn greet(address: SocketAddr, name: &str, deadline: Duration) -> Greeting {
    let Ok(server_name) = ServerName::try_from(name.to_owned()) else {
        return Greeting::Failed("the name cannot stand in a handshake".to_owned());
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (handshake, failure) = once(address, server_name, &provider, &[], deadline).await;
    match failure {
        _ if handshake.client_certificate == ClientCertificate::Required => Greeting::ClientCertificate,
        None => Greeting::Completed,
        // access_denied, unrecognized_name (RFC 6066, 3), certificate_required
        Some(failure @ Failure::Alert(49 | 112 | 116)) => Greeting::TurnedAway(failure.to_string()),
        Some(failure @ Failure::Alert(_)) => Greeting::Alert(failure.to_string()),
        Some(failure) => Greeting::Failed(failure.to_string()),
    }
}
