//! Bundles, their ledger, their verification and their views, over a small made-up platform.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod authority;
mod bundle;
mod coverage;
mod crosswalk;
mod edits;
mod hostile;
mod ledger;
mod platform;
mod rollup;
mod scope;
mod sealing;
mod soa;
mod sprs;
mod stamps;
mod tampering;
mod views;
