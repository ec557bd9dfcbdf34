//! What every source has in common: a target that says what it would ask, and then asks it.
//!
//! Collecting never fails as a whole. What could not be read stands in the inventory as a listing that says why, so that
//! one closed door neither hides the rest nor reads as an empty room. Collectors only read: lists, gets, self-reviews and
//! handshakes, every one of them named by [`Collector::plan`].

use std::future::Future;
use std::pin::Pin;

use proofbook_checks::inventory::{Inventory, Wanted};
use proofbook_checks::resource::Source;
use serde::Serialize;

use crate::rights::Comparison;

/// A collection under way.
pub type Collecting<'a> = Pin<Box<dyn Future<Output = Inventory> + Send + 'a>>;

/// A comparison of rights under way.
pub type Comparing<'a> = Pin<Box<dyn Future<Output = Vec<Comparison>> + Send + 'a>>;

/// One target of one source.
pub trait Collector: Send + Sync {
    /// The kind of thing that is read.
    fn source(&self) -> Source;

    /// The target's name in the workspace.
    fn target(&self) -> &str;

    /// Every request that [`Self::collect`] would make; nothing is contacted to tell.
    fn plan(&self, wanted: &Wanted) -> Vec<PlannedRequest>;

    /// Reads what is wanted of this source; resources of other sources are passed over.
    fn collect<'a>(&'a self, wanted: &'a Wanted, progress: &'a dyn Progress) -> Collecting<'a>;

    /// Asks the platform which rights the account has, and compares them with those that reading what is wanted takes. Asked are
    /// reviews of ourselves and reads that a collection makes too. Nothing is said by sources whose platform cannot be asked.
    fn compare<'a>(&'a self, _wanted: &'a Wanted) -> Comparing<'a> {
        Box::pin(async { Vec::new() })
    }
}

/// One request that a collector would make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PlannedRequest {
    /// The source.
    pub source: Source,
    /// The target's name in the workspace.
    pub target: String,
    /// What would be asked: `GET`, `LIST`, `client-hello tls1.2`.
    pub method: String,
    /// The path and query, or the resource.
    pub query: String,
    /// What the answer is needed for.
    pub reason: String,
}

/// Who wants to hear how far a collection has come.
pub trait Progress: Send + Sync {
    /// `items` more of `what` have been read of `target`.
    fn advanced(&self, target: &str, what: &str, items: u64);
}

/// Progress that nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn advanced(&self, _target: &str, _what: &str, _items: u64) {}
}
