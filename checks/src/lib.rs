//! Checks: their definition, the CEL engine that evaluates them, the fields they read, and what was collected for them.
//!
//! Everything here is pure: no network, no clock, no environment. Collectors (`proofbook-sources`) fill an
//! [`inventory::Inventory`]; [`evaluate`] turns it into findings.

mod access;
pub mod catalog;
pub mod cel_view;
pub mod compile;
mod cron;
pub mod definition;
pub mod derive;
pub mod evaluate;
mod expression;
pub mod finding;
pub mod fixture;
pub mod functions;
mod gathered;
mod index;
pub mod inventory;
pub mod mask;
pub mod plan;
pub mod project;
pub mod pseudonym;
mod reach;
pub mod redact;
pub mod resource;
pub mod sensitive;
pub mod settings;
mod shortcut;
pub mod unread;
pub mod value;
pub mod views;

pub use catalog::Catalog;
pub use finding::{CheckResult, Finding, Population, Subject, Verdict};
pub use inventory::{Inventory, Reason};
pub use plan::Plan;
