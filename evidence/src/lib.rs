//! Evidence: assessment, sealed bundle, ledger, verification, and the views that everything published is printed from.
//!
//! The crate is pure but for the files of bundles and ledger. It reads no clock and no environment: times come in as
//! arguments, so that the same inputs give the same bytes.

pub mod approval;
pub mod assessment;
pub mod attestation;
pub mod audit;
pub mod bundle;
pub mod claims;
pub mod deviation;
pub mod diff;
pub mod exception;
pub mod facts;
pub mod freshness;
pub mod history;
pub mod ledger;
pub mod notice;
pub mod records;
pub mod rollup;
pub mod sample;
pub mod scope;
pub mod seal;
pub mod status;
pub mod values;
pub mod verify;
pub mod views;
