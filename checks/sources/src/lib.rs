//! Collectors: the only code of Proofbook that talks to a network or looks at a clock.
//!
//! Each source is a [`collector::Collector`] that fills an inventory with projected observations, the requests that
//! produced them and the proof that nothing is missing. A [`dump`] stands in for the sources where there is no way to
//! the platform itself.

pub mod collector;
pub mod discovery;
pub mod dns;
pub mod dump;
pub mod file;
pub mod git;
pub mod http;
pub mod kubernetes;
pub mod observed;
pub mod oidc;
pub mod ports;
pub mod postgres;
pub mod prometheus;
pub mod registry;
pub mod rights;
pub mod s3;
pub mod sbom;
pub mod service;
pub mod settings;
pub mod timestamp;
pub mod tls;
pub mod vault;
pub mod web;

mod address;
mod bounded;
mod clock;
mod sharing;
mod sorter;
mod splitter;
mod text;
mod wanted;
