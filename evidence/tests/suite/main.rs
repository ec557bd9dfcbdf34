//! Bundles, their ledger, their verification and their views, over a small made-up platform.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bundle;
mod coverage;
mod ledger;
mod platform;
mod rollup;
mod scope;
mod soa;
mod sprs;
mod tampering;
mod views;
