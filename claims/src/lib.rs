//! Holds documentation against evidence: reads documents, finds the statements that promise something, types them, binds them
//! to controls and checks, and compares what they promise with what was measured.
//!
//! Everything is a function of the documents, the registry and the values of a sealed bundle: no network, no clock, no model.

pub mod checking;
pub mod directives;
pub mod document;
pub mod typing;
