//! The verbs, one file each.

pub(crate) mod build;
pub(crate) mod completions;
pub(crate) mod coverage;
pub(crate) mod crosswalk;
pub(crate) mod diff;
pub(crate) mod docs;
pub(crate) mod editions;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod import;
pub(crate) mod library;
pub(crate) mod log;
pub(crate) mod rbac;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod schema;
pub(crate) mod sign;
pub(crate) mod soa;
pub(crate) mod sprs;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod timestamp;
pub(crate) mod verify;
