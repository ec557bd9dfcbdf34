//! Collectors: the only code of Proofbook that talks to a network or looks at a clock.
//!
//! Each source is a [`collector::Collector`] that fills an inventory with projected observations, the requests that
//! produced them and the proof that nothing is missing. A [`dump`] stands in for the sources where there is no way to
//! the platform itself.

pub mod collector;
pub mod dump;
pub mod kubernetes;
pub mod tls;

mod sharing;
mod sorter;
mod splitter;

/// Bytes in lower-case hex.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}
