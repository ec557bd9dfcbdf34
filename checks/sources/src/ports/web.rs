//! What an open port of an origin says under a public name.
//!
//! A port that takes a connection may still turn everybody away who does not come by the content network. So the port is met by a
//! TLS handshake with the public name, and where that completes, by one `GET /` with the name in `Host`. A port that turns the
//! handshake down is not asked further; one that speaks no TLS is asked over plain HTTP. Certificates are not judged.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proofbook_checks::inventory::{Reason, Request};
use proofbook_checks::resource::Source;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

use crate::observed::Unread;
use crate::tls::{Greeting, greet};
use crate::web::{Web, WebSettings};

/// The method by which a handshake stands in the plan and in the record of requests.
pub(super) const HANDSHAKE: &str = "tls-handshake";

/// One name at one port of one address.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) name: String,
}

/// Where a name is asked at a port: over TLS, and over plain HTTP.
pub(super) fn urls(name: &str, port: u16) -> Option<[Url; 2]> {
    let url = |scheme: &str| Url::parse(&format!("{scheme}://{name}:{port}/")).ok();
    Some([url("https")?, url("http")?])
}

/// How a handshake is told: `198.51.100.20:443 as app.example.com`.
pub(super) fn handshake_query(host: &str, port: u16, name: &str) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("{host}:{port} as {name}")
}

impl Call {
    /// What the port does under the name, and the requests that it took.
    pub(super) async fn make(&self, target: &str, deadline: Duration) -> (Json, Vec<Request>) {
        let greeting = greet(SocketAddr::new(self.address, self.port), &self.name, deadline).await;
        let (status, detail) = match &greeting {
            Greeting::Completed => ("completed", ""),
            Greeting::ClientCertificate => ("client-certificate-required", ""),
            Greeting::TurnedAway(detail) => ("turned-away", detail.as_str()),
            Greeting::Alert(detail) => ("alert", detail.as_str()),
            Greeting::Failed(detail) => ("failed", detail.as_str()),
        };
        let query = handshake_query(&self.address.to_string(), self.port, &self.name);
        let mut requests = vec![Request { status: status.to_owned(), ..Request::new(Source::Tls, target, HANDSHAKE, query) }];
        let mut told = json!({"port": self.port, "name": self.name, "handshake": status});
        if !detail.is_empty() {
            told["detail"] = detail.into();
        }
        let over_tls = match greeting {
            Greeting::ClientCertificate | Greeting::TurnedAway(_) => {
                told["result"] = "turned-away".into();
                return (told, requests);
            }
            Greeting::Alert(_) => {
                told["result"] = "no-answer".into();
                return (told, requests);
            }
            Greeting::Completed => true,
            Greeting::Failed(_) => false,
        };
        let (answer, made) = self.get(over_tls, target, deadline).await;
        requests.extend(made);
        match answer {
            Ok(status) => {
                told["result"] = "answered".into();
                told["scheme"] = if over_tls { "https" } else { "http" }.into();
                told["status"] = status.into();
            }
            // It speaks neither; whether it would speak to somebody else cannot be told.
            Err(unread) => {
                told["result"] = "no-answer".into();
                told["detail"] = unread.detail.into();
            }
        }
        (told, requests)
    }

    async fn get(&self, over_tls: bool, target: &str, deadline: Duration) -> (Result<u16, Unread>, Vec<Request>) {
        let settings = WebSettings {
            deadline,
            any_certificate: true,
            address: Some(self.address),
            // One answer is enough, whatever it is.
            attempts: 1,
            ..WebSettings::new(Source::Tls, target)
        };
        let fault = |detail: String| (Err(Unread::new(Reason::Unreachable, detail)), Vec::new());
        let web = match Web::new(settings) {
            Ok(web) => web,
            Err(detail) => return fault(detail),
        };
        let Some([secure, plain]) = urls(&self.name, self.port) else { return fault("the name stands in no URL".to_owned()) };
        let answer = web.get(if over_tls { &secure } else { &plain }, &HeaderMap::new()).await;
        (answer.map(|answer| answer.status), web.requests())
    }
}
