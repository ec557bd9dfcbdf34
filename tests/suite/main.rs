//! The program from end to end: the command line is run as scripts run it, on input whose truth is known.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bad_input;
mod bad_targets;
mod bundles;
mod contract;
mod coverage;
mod crosswalk;
mod disk;
mod editions;
mod explain;
mod import;
mod layering;
mod platforms;
mod recordings;
mod rights;
mod schemas;
mod scope;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod truth;
