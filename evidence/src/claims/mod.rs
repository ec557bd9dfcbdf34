//! Claims: what documentation promises, in a form that can be held against evidence.
//!
//! Here are the model, the registry of a workspace and the store of measured values. How documents are read and how
//! statements are bound and compared is the matter of the crate `proofbook-claims`.

pub mod area;
mod model;
mod promise;
mod registry;
mod store;

pub use model::{Class, Kind, Party, Quantifier};
pub use promise::{Amount, Comparator, Promise, PromiseError, Term, Unit, version, version_number};
pub use registry::{Claim, ClaimPlace, ClaimsFile, Registry};
pub use store::{StoreError, StoredValue, ValueStore};
