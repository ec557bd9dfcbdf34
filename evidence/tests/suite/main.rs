//! Bundles, their ledger, their verification and their views, over a small made-up platform.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bundle;
mod coverage;
mod crosswalk;
#[path = "../../../checks/sources/tests/s3/front.rs"]
#[expect(dead_code, reason = "the tests of the S3 source use all of it")]
mod front;
mod ledger;
mod moto;
mod objects;
mod platform;
mod rollup;
mod scope;
mod soa;
mod sprs;
mod tampering;
mod views;
