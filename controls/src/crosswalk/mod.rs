//! Crosswalks: which requirement of one framework corresponds to which of another, and who says so.
//!
//! Authoritative pairs are data, a file a source. From them, from profiles and from the mappings of the library,
//! [`Correspondences`] derives everything that a requirement corresponds to, each with the way it was derived. All of it is a
//! pure function of the library: same library, same list, in the same order.

mod derive;
mod source;
mod ways;

pub use derive::Correspondences;
pub use source::{Crosswalk, CrosswalkEntry, CrosswalkFile, Pair};
pub use ways::{Basis, Correspondence, Derivation, Node, Step, Way};
