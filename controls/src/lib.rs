//! Frameworks, controls, the mappings between them and crosswalks: pure graphs of ids, read from YAML.
//!
//! The crate knows the ids of checks, and no check. What it loads is whole or not at all: every reference inside it
//! resolves, and every fault of a load is reported at once with its place. It reads no clock, network or environment.

pub mod control;
pub mod crosswalk;
pub mod diagnostic;
pub mod edition;
pub mod files;
pub mod framework;
pub mod id;
pub mod library;
mod load;
pub mod mapping;
pub mod yaml;

pub use control::{AttestationNeed, Control, Layer, Split};
pub use crosswalk::{Correspondences, Crosswalk};
pub use framework::{Binds, Framework, Requirement};
pub use id::{CheckId, ControlId, CrosswalkId, FrameworkId, RequirementId};
pub use library::Controls;
pub use mapping::{Mapping, Relation};
