//! Changes of bytes as hostile input has them, for the tests of parsers. `PROOFBOOK_CASES` sets how many cases are tried.

#![allow(dead_code, reason = "each test uses a part of it")]

use proptest::prelude::*;
use proptest::sample::Index;

/// So many cases where nothing is said; what fails is kept by hand.
pub(crate) fn config(usual: u32) -> ProptestConfig {
    let cases = std::env::var("PROOFBOOK_CASES").ok().and_then(|number| number.parse().ok()).unwrap_or(usual);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const MARKS: &[u8] = b"\x00\x01\x02\x03\x0b\x0c\x0e\x15\x16\x30\x31\x7f\x80\x81\x82\x84\xa0\xa1\xff{}[]\",:-&*!|>'\\\n\t 09";

/// A change at a place that is told apart from the length.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Vec<u8>),
}

/// Some changes; bytes that mean something to DER, records and text come more often than others.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let index = any::<Index>;
    let change = prop_oneof![
        // Lengths and tags of DER, kinds of TLS messages, and what gives YAML and JSON their form.
        (index(), prop::sample::select(MARKS.to_vec())).prop_map(|(at, byte)| Change::Set(at, byte)),
        (index(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (index(), index()).prop_map(|(from, to)| Change::Cut(from, to)),
        (index(), index()).prop_map(|(from, to)| Change::Repeat(from, to)),
        (index(), prop::collection::vec(any::<u8>(), 1..12)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ];
    prop::collection::vec(change, 1..4)
}

/// A sample with changes.
pub(crate) fn changed(sample: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        let range = |from: &Index, to: &Index| {
            let (from, to) = (from.index(length), to.index(length));
            from.min(to)..from.max(to)
        };
        match change {
            Change::Set(at, byte) => bytes[at.index(length)] = *byte,
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Cut(from, to) => drop(bytes.drain(range(from, to))),
            Change::Repeat(from, to) => {
                let again = bytes[range(from, to)].to_vec();
                bytes.extend(again);
            }
            Change::Insert(at, more) => drop(bytes.splice(at.index(length)..at.index(length), more.iter().copied())),
        }
    }
    bytes
}
