//! A session with a database: read-only, with a deadline for each question, and a record of each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proofbook_checks::inventory::{Reason, Request};
use proofbook_checks::resource::Source;
use rustls::ClientConfig;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, SimpleQueryMessage};

use super::fault;
use super::settings::Server;
use super::tls::Connect;
use crate::address::is_off_limits;
use crate::observed::Unread;
use crate::text::hex;

/// How much longer we wait than the server was told to work.
const GRACE: Duration = Duration::from_secs(2);

/// A question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    /// A short name.
    pub(super) name: &'static str,
    /// The SQL that yields the rows.
    pub(super) sql: &'static str,
    /// The right that it takes.
    pub(super) needs: &'static str,
}

/// The requests that were made of one server.
pub(super) type Log = Arc<Mutex<Vec<Request>>>;

/// A session with one database of a server.
pub(super) struct Session {
    client: Client,
    driver: AbortHandle,
    target: String,
    database: String,
    deadline: Duration,
    log: Log,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    /// Begins a session.
    pub(super) async fn open(server: &Server, database: &str, log: &Log) -> Result<Self, Unread> {
        let opening = timeout(server.deadline, Self::begin(server, database, log)).await;
        let opened = opening.unwrap_or_else(|_| Err(Unread::new(Reason::Timeout, "connecting: no answer within the deadline")));
        let status = opened.as_ref().map_or_else(|unread| unread.reason.as_str(), |_| "ok".to_owned());
        record(log, request(&server.name, "CONNECT", &format!("{}/{database}", server.place()), status));
        opened
    }

    async fn begin(server: &Server, database: &str, log: &Log) -> Result<Self, Unread> {
        let stream = connect(server).await?;
        let mut config = Config::new();
        config.user(&server.user).dbname(database).application_name("proofbook");
        if let Some(password) = &server.password {
            config.password(password.reveal());
        }
        config.ssl_mode(if server.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        let tls = Connect { config: server.tls.clone().unwrap_or_else(no_tls), host: server.host.clone() };
        let connected = config.connect_raw(stream, tls).await;
        let (client, connection) = connected.map_err(|error| fault::unread(&error, "connecting"))?;
        let driver = tokio::spawn(async move {
            // How a session ends is told by the question that was open.
            let _ = connection.await;
        });
        Ok(Self {
            client,
            driver: driver.abort_handle(),
            target: server.name.clone(),
            database: database.to_owned(),
            deadline: server.deadline,
            log: Arc::clone(log),
        })
    }

    /// The rows that a question yields. Each is asked in a read-only transaction of its own.
    pub(super) async fn rows(&self, query: &Query) -> Result<Vec<Json>, Unread> {
        let sql = format!(
            "START TRANSACTION READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
             SELECT coalesce(json_agg(q), '[]')::text FROM ({}) q; COMMIT",
            self.deadline.as_millis(),
            query.sql
        );
        let asked = timeout(self.deadline + GRACE, self.client.simple_query(&sql)).await;
        let text = match asked {
            Ok(Ok(messages)) => answer(&messages).ok_or_else(|| Unread::new(Reason::ParseError, format!("{}: no row came", query.name))),
            Ok(Err(error)) => {
                // A failed transaction would refuse every question after it.
                let _ = timeout(GRACE, self.client.simple_query("ROLLBACK")).await;
                Err(fault::unread(&error, &format!("{} ({})", query.name, query.needs)))
            }
            Err(_) => Err(Unread::new(Reason::Timeout, format!("{}: no answer within the deadline", query.name))),
        };
        let rows = text.as_ref().map_err(Clone::clone).and_then(|text| parse(text));
        let status = rows.as_ref().map_or_else(|unread| unread.reason.as_str(), |_| "ok".to_owned());
        let mut asked = request(&self.target, "SELECT", &format!("{}: {}", self.database, one_space(query.sql)), status);
        if let (Ok(text), Ok(rows)) = (&text, &rows) {
            asked.items = rows.len() as u64;
            asked.bytes = text.len() as u64;
            asked.response_sha256 = Some(hex(&Sha256::digest(text)));
        }
        record(&self.log, asked);
        rows
    }

    /// The one row that a question yields.
    pub(super) async fn row(&self, query: &Query) -> Result<Json, Unread> {
        let rows = self.rows(query).await?;
        rows.into_iter().next().ok_or_else(|| Unread::new(Reason::ParseError, format!("{}: no row came", query.name)))
    }
}

fn answer(messages: &[SimpleQueryMessage]) -> Option<String> {
    messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

fn parse(text: &str) -> Result<Vec<Json>, Unread> {
    serde_json::from_str(text).map_err(|error| Unread::new(Reason::ParseError, format!("the answer cannot be read: {error}")))
}

async fn connect(server: &Server) -> Result<TcpStream, Unread> {
    let unreachable = |detail: String| Unread::new(Reason::Unreachable, format!("connecting: {detail}"));
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await.map_err(|error| unreachable(error.to_string()))?;
    let mut last = unreachable("the name has no address that may be contacted".to_owned());
    for address in found.filter(|address| server.allow_link_local || !is_off_limits(address.ip())) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = unreachable(error.to_string()),
        }
    }
    Err(last)
}

// Never used: a session without TLS does not begin one.
fn no_tls() -> Arc<ClientConfig> {
    Arc::new(super::tls::encrypting().unwrap_or_else(|error| unreachable!("the versions of the library are its own: {error}")))
}

fn request(target: &str, method: &str, query: &str, status: String) -> Request {
    Request { status, ..Request::new(Source::Postgres, target, method, query) }
}

fn record(log: &Log, request: Request) {
    log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
}

/// SQL as one line.
pub(super) fn one_space(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
