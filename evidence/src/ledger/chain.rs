//! A chain of events: each entry carries the digest of the one before, so that none can be changed or taken out unseen by
//! anybody who holds a later one.

use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::sequence::{Put, Sequence};
use crate::bundle::manifest::sha256_hex;

/// How often an entry is offered before a writer gives up.
pub(super) const ROUNDS: u32 = 100;

/// A chain of events of one kind.
#[derive(Clone, Debug)]
pub struct Chain<E> {
    sequence: Sequence,
    events: PhantomData<E>,
}

/// One entry of a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link<E> {
    /// The place in the chain, counted from 1.
    pub position: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub actor: String,
    /// The SHA-256 of the entry before it, as its bytes stand in the chain.
    pub previous: Option<String>,
    /// What happened.
    pub event: E,
}

impl<E: Serialize + DeserializeOwned> Chain<E> {
    pub(super) const fn new(sequence: Sequence) -> Self {
        Self { sequence, events: PhantomData }
    }

    /// Where it is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        self.sequence.place()
    }

    /// Adds an event at the end, whoever else writes at the same time.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn append(&self, at: Timestamp, actor: &str, event: E) -> Result<Link<E>, LedgerError> {
        let mut link = Link { position: 0, at, actor: actor.to_owned(), previous: None, event };
        for _ in 0..ROUNDS {
            let last = self.sequence.tail(Some(1))?.pop();
            link.position = last.as_ref().map(|bytes| self.parse(bytes)).transpose()?.map_or(0, |last| last.position) + 1;
            link.previous = last.map(|bytes| sha256_hex(&bytes));
            if self.sequence.put(link.position, &serde_json_canonicalizer::to_vec(&link)?)? == Put::Done {
                return Ok(link);
            }
        }
        Err(LedgerError::Crowded { place: self.place(), rounds: ROUNDS })
    }

    /// The last `limit` entries, or all, in order.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn entries(&self, limit: Option<usize>) -> Result<Vec<Link<E>>, LedgerError> {
        self.sequence.tail(limit)?.iter().map(|bytes| self.parse(bytes)).collect()
    }

    /// All entries, with what does not hold of the chain, one sentence each.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn checked(&self) -> Result<(Vec<Link<E>>, Vec<String>), LedgerError> {
        let (mut links, mut faults) = (Vec::new(), Vec::new());
        let mut before: Option<String> = None;
        for (at, bytes) in self.sequence.tail(None)?.iter().enumerate() {
            let expected = at as u64 + 1;
            match self.parse(bytes) {
                Ok(link) => {
                    if link.position != expected {
                        faults.push(format!("entry {expected} calls itself {}", link.position));
                    }
                    if link.previous != before {
                        faults.push(format!("entry {expected} does not follow the one before it"));
                    }
                    if serde_json_canonicalizer::to_vec(&link)? != *bytes {
                        faults.push(format!("entry {expected} is not in canonical form (RFC 8785), as it was written"));
                    }
                    links.push(link);
                }
                Err(error) => faults.push(format!("entry {expected}: {error}")),
            }
            before = Some(sha256_hex(bytes));
        }
        Ok((links, faults))
    }

    fn parse(&self, bytes: &[u8]) -> Result<Link<E>, LedgerError> {
        serde_json::from_slice(bytes)
            .map_err(|error| LedgerError::Entry { place: self.place(), detail: format!("an entry cannot be read: {error}") })
    }
}
