//! One port of one address: a connection, paced.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use proofbook_checks::inventory::Reason;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::observed::Unread;

/// What a port does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It takes a connection.
    Open,
    /// The connection is refused: the address is there, and nobody listens.
    Closed,
    /// Nothing comes back, or something on the way says that it does not let this through.
    Filtered,
    /// It could not be asked.
    Trouble(Unread),
}

impl State {
    /// The name in records.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Filtered => "filtered",
            Self::Trouble(_) => "not-asked",
        }
    }
}

/// Makes connections, no more of them a second than it may.
#[derive(Debug)]
pub(super) struct Prober {
    deadline: Duration,
    pace: Mutex<Interval>,
}

impl Prober {
    pub(super) fn new(deadline: Duration, per_second: u32) -> Self {
        let mut pace = interval(Duration::from_secs(1) / per_second.max(1));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { deadline, pace: Mutex::new(pace) }
    }

    /// Asks one port; a silent one twice.
    pub(super) async fn ask(&self, socket: SocketAddr) -> State {
        match self.once(socket).await {
            State::Filtered => self.once(socket).await,
            state => state,
        }
    }

    async fn once(&self, socket: SocketAddr) -> State {
        self.pace.lock().await.tick().await;
        match timeout(self.deadline, TcpStream::connect(socket)).await {
            Ok(Ok(_)) => State::Open,
            Ok(Err(error)) => match error.kind() {
                ErrorKind::ConnectionRefused => State::Closed,
                // The port is served, by something that does not like us.
                ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => State::Open,
                // A router or firewall says that the host cannot be reached; a machine without a network says otherwise.
                ErrorKind::HostUnreachable | ErrorKind::TimedOut => State::Filtered,
                _ => State::Trouble(Unread::new(Reason::Unreachable, format!("this machine cannot ask the address: {error}"))),
            },
            Err(_) => State::Filtered,
        }
    }
}
