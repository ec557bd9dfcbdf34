//! The addresses behind the names of web servers, each name looked up once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use proofbook_checks::inventory::{Reason, Request};

use super::{CONCURRENCY, Place, Spot, request};
use crate::address::{literal, look_up};
use crate::bounded::each;
use crate::observed::Unread;

/// What was found behind names.
pub(super) struct Addresses {
    known: BTreeMap<String, Result<Vec<IpAddr>, Unread>>,
    /// The look-ups that were made.
    pub(super) requests: Vec<Request>,
}

impl Addresses {
    /// Looks up the names of all places that need it.
    pub(super) async fn of(places: &[&Place], target: &str, deadline: Duration) -> Self {
        let hosts: BTreeSet<String> = places.iter().filter(|place| needs_look_up(place)).map(|place| place.host().to_owned()).collect();
        let work = hosts.into_iter().map(|host| async move {
            let found = look_up(&host, deadline).await;
            (host, found)
        });
        let mut addresses = Self { known: BTreeMap::new(), requests: Vec::new() };
        each(work, CONCURRENCY, |(host, found)| {
            let (status, items) = found.as_ref().map_or(("unresolved", 0), |found| ("resolved", found.len()));
            addresses.requests.push(request(target, "resolve", host.clone(), status, items));
            addresses.known.insert(host, found);
        })
        .await;
        addresses
    }

    /// A place at each of its addresses; one spot without an address where it has none.
    pub(super) fn spots(&self, place: &Place) -> Vec<Spot> {
        let nobody_looked = || Err(Unread::new(Reason::IncompleteList, "the look-up of the name broke off"));
        if let Some(unread) = &place.withheld {
            let mut spots: Vec<Spot> = place.addresses.iter().map(|address| Spot { place: place.clone(), address: Ok(*address) }).collect();
            spots.push(Spot { place: place.clone(), address: Err(unread.clone()) });
            return spots;
        }
        let found = match literal(&place.url) {
            _ if !place.addresses.is_empty() => Ok(place.addresses.clone()),
            Some(address) => Ok(vec![address]),
            None => self.known.get(place.host()).cloned().unwrap_or_else(nobody_looked),
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
}

/// Whether the addresses of a place are found behind its name.
pub(super) fn needs_look_up(place: &Place) -> bool {
    place.addresses.is_empty() && place.withheld.is_none() && literal(&place.url).is_none()
}
