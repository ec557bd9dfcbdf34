//! Time stamps by RFC 3161: an authority says that it saw a digest at a time, and so that what has the digest was there.
//!
//! A stamp proves `not later than`, never `when`. Requests are made and answers are judged here; they are carried by others,
//! or by hand where there is no way to an authority.

mod check;
mod der;
mod request;
mod response;

use jiff::Timestamp;
use serde::Serialize;

pub use request::Request;

use super::trust::Authority;
use crate::deviation::DeviationKind;

/// What a stamp is held to.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'c> {
    /// SHA-256 of what must have been stamped.
    pub digest: [u8; 32],
    /// The request that was made.
    pub request: &'c Request,
    /// The time of the run: no stamp of it can be older.
    pub not_before: Timestamp,
    /// The time at which the stamp is looked at, where it is known: no stamp can be younger.
    pub not_after: Option<Timestamp>,
    /// The authorities that the reader trusts; without any, the stamp is held to all but a root.
    pub authorities: &'c [Authority],
}

/// A stamp that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// The time that the authority tells.
    pub time: Timestamp,
    /// How far it may be off, in microseconds, where the authority says so.
    pub accuracy_us: Option<u64>,
    /// The policy of the authority, as an object identifier.
    pub policy: String,
    /// The serial number of the stamp, in hex.
    pub serial: String,
    /// The subject of the certificate that signed it.
    pub signer: String,
    /// The name that the trust file gives the authority; none where there was no trust file.
    pub authority: Option<String>,
}

/// Why a stamp does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Fault {
    /// The reason code.
    pub kind: DeviationKind,
    /// What was expected and what was found.
    pub detail: String,
}

impl Fault {
    fn new(kind: DeviationKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// Judges an answer.
///
/// # Errors
/// The first thing about it that does not hold.
pub fn verify(answer: &[u8], circumstances: &Circumstances<'_>) -> Result<Granted, Fault> {
    check::verify(answer, circumstances)
}
