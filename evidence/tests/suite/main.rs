//! Bundles, their ledger, their verification and their views, over a small made-up platform.

mod bundle;
mod ledger;
mod platform;
mod rollup;
mod tampering;
mod views;
