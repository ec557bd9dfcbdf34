//! The program from end to end: the command line is run as scripts run it, on input whose truth is known.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../evidence/tests/suite/authority.rs"]
#[expect(dead_code, reason = "the tests of evidence use all of it")]
mod authority;
mod bad_input;
mod bad_targets;
mod bundles;
mod contract;
mod coverage;
mod crosswalk;
mod directives;
mod discovery;
mod disk;
mod docs;
mod drift;
mod editions;
mod evidence_rules;
mod exceptions;
mod explain;
mod golden;
mod history;
mod import;
mod layering;
mod ledger;
mod matrix;
mod methods;
#[path = "../../evidence/tests/suite/moto.rs"]
#[expect(dead_code, reason = "the tests of the ledger use all of it")]
mod moto;
mod own_checks;
mod pages;
mod platform_docs;
mod platforms;
mod pseudonyms;
mod reconcile;
mod recordings;
mod rights;
mod sample;
mod schemas;
mod scope;
mod sealing;
mod second_net;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod truth;
