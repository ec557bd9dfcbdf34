//! The addresses behind the names of web servers, each name looked up once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use proofbook_checks::inventory::{Reason, Request};
use reqwest::Url;
use tokio::time::timeout;

use super::{Place, Spot, request};
use crate::observed::Unread;

/// Looks names up, and remembers what was found.
pub(super) struct Addresses {
    target: String,
    deadline: Duration,
    known: BTreeMap<String, Result<Vec<IpAddr>, Unread>>,
    requests: Vec<Request>,
}

impl Addresses {
    pub(super) fn new(target: &str, deadline: Duration) -> Self {
        Self { target: target.to_owned(), deadline, known: BTreeMap::new(), requests: Vec::new() }
    }

    /// A place at each of its addresses; one spot without an address where it has none.
    pub(super) async fn spots(&mut self, place: &Place) -> Vec<Spot> {
        let found = if !place.addresses.is_empty() {
            Ok(place.addresses.clone())
        } else if let Some(address) = literal(&place.url) {
            Ok(vec![address])
        } else {
            self.look_up(place.host()).await
        };
        match found {
            Ok(mut addresses) => {
                addresses.sort_unstable();
                addresses.dedup();
                addresses.into_iter().map(|address| Spot { place: place.clone(), address: Ok(address) }).collect()
            }
            Err(unread) => vec![Spot { place: place.clone(), address: Err(unread) }],
        }
    }

    /// The look-ups that were made; they are handed over once.
    pub(super) fn requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.requests)
    }

    async fn look_up(&mut self, host: &str) -> Result<Vec<IpAddr>, Unread> {
        if let Some(known) = self.known.get(host) {
            return known.clone();
        }
        let found = match timeout(self.deadline, tokio::net::lookup_host((host, 0))).await {
            Ok(Ok(found)) => Ok(found.map(|socket| socket.ip()).collect::<Vec<_>>()),
            Ok(Err(error)) => Err(Unread::new(Reason::Unreachable, format!("the name has no address: {error}"))),
            Err(_) => Err(Unread::new(Reason::Timeout, "the resolver did not answer within the deadline")),
        };
        let found = match found {
            Ok(addresses) if addresses.is_empty() => Err(Unread::new(Reason::Unreachable, "the name has no address")),
            found => found,
        };
        let (status, items) = found.as_ref().map_or(("unresolved", 0), |addresses| ("resolved", addresses.len()));
        self.requests.push(request(&self.target, "resolve", host.to_owned(), status, items));
        self.known.insert(host.to_owned(), found.clone());
        found
    }
}

/// The address that a URL names in place of a host.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
