//! Bundles, their ledger, their verification and their views, over a small made-up platform.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod authority;
mod bundle;
#[path = "../../../tests/support/changes.rs"]
mod changes;
mod coverage;
mod crosswalk;
mod diff;
mod edits;
mod exceptions;
#[path = "../../../checks/sources/tests/s3/front.rs"]
#[expect(dead_code, reason = "the tests of the S3 source use all of it")]
mod front;
mod hostile;
mod ledger;
mod moto;
mod objects;
mod platform;
mod records;
mod rollup;
mod sample;
mod scope;
mod sealing;
mod soa;
mod sprs;
mod stamps;
mod tampering;
mod views;
