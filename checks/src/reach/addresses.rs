//! Address blocks of policies: whether a block reaches pods or nodes of the cluster.
//!
//! A block is meant for what lies outside of the cluster. But many network plugins match the addresses of pods too, so that
//! `0.0.0.0/0` lets a pod reach every other one; others (Cilium) do not. A block counts as reaching pods where it holds, outside of
//! its exceptions, an address that some pod of the cluster has: addresses change from start to start, and any pod may get it next.
//! Where no pod tells its address, the private ranges (RFC 1918, RFC 6598, RFC 4193) stand in.

use std::net::IpAddr;

use crate::value::Value;

/// An address block as the bits of its first and its last address.
#[derive(Clone, Copy)]
struct Block {
    v6: bool,
    first: u128,
    last: u128,
}

impl Block {
    fn of(text: &str) -> Option<Self> {
        let (base, length) = text.split_once('/')?;
        let base: IpAddr = base.parse().ok()?;
        let length: u32 = length.parse().ok()?;
        let (v6, bits, width) = bits(base);
        let host = width.checked_sub(length)?;
        let below = 1_u128.checked_shl(host).map_or(u128::MAX, |size| size - 1);
        Some(Self { v6, first: bits & !below, last: bits | below })
    }

    const fn holds(&self, other: &Self) -> bool {
        self.v6 == other.v6 && self.first <= other.first && other.last <= self.last
    }

    const fn overlaps(&self, other: &Self) -> bool {
        self.v6 == other.v6 && self.first <= other.last && other.first <= self.last
    }
}

fn bits(address: IpAddr) -> (bool, u128, u32) {
    match address {
        IpAddr::V4(address) => (false, u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (true, u128::from(address), 128),
    }
}

const PRIVATE: [&str; 5] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// The addresses that pods, or nodes, of the cluster have.
#[derive(Default)]
pub(super) struct Addresses(Vec<(bool, u128)>);

impl Addresses {
    /// Takes an address, if it is one.
    pub(super) fn take(&mut self, address: &str) {
        if let Ok(address) = address.parse() {
            let (v6, bits, _) = bits(address);
            self.0.push((v6, bits));
        }
    }

    /// Makes the addresses ready to be searched.
    pub(super) fn sort(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
    }

    /// Whether an `ipBlock` reaches one of the addresses. What cannot be read reaches all.
    pub(super) fn are_in(&self, block: &Value) -> bool {
        let Some(cidr) = block.get("cidr").and_then(Value::as_str).and_then(Block::of) else {
            return true;
        };
        let excepted = block.get("except").and_then(Value::as_list).unwrap_or_default();
        let excepted: Vec<Block> = excepted.iter().filter_map(Value::as_str).filter_map(Block::of).collect();
        if self.0.is_empty() {
            return PRIVATE
                .iter()
                .filter_map(|range| Block::of(range))
                .any(|range| cidr.overlaps(&range) && !excepted.iter().any(|except| except.holds(&range) || except.holds(&cidr)));
        }
        let start = self.0.partition_point(|address| *address < (cidr.v6, cidr.first));
        let within = self.0[start..].iter().take_while(|(v6, bits)| *v6 == cidr.v6 && *bits <= cidr.last);
        within.into_iter().any(|(v6, bits)| !excepted.iter().any(|except| except.holds(&Block { v6: *v6, first: *bits, last: *bits })))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reaches(addresses: &[&str], cidr: &str, except: &[&str]) -> bool {
        let mut known = Addresses::default();
        addresses.iter().for_each(|address| known.take(address));
        known.sort();
        known.are_in(&Value::from_json(&json!({"cidr": cidr, "except": except})))
    }

    #[test]
    fn a_block_reaches_the_pods_whose_addresses_it_holds() {
        let pods = ["10.42.0.7", "10.42.3.9", "2001:db8::7"];
        assert!(reaches(&pods, "0.0.0.0/0", &[]));
        assert!(reaches(&pods, "10.42.3.0/24", &[]));
        assert!(reaches(&pods, "0.0.0.0/0", &["10.42.0.0/24"]));
        assert!(reaches(&pods, "::/0", &["fc00::/7"]));
        assert!(!reaches(&pods, "0.0.0.0/0", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]));
        assert!(!reaches(&pods, "203.0.113.0/24", &[]));
        assert!(!reaches(&pods, "10.43.0.0/16", &[]));
        assert!(reaches(&pods, "nonsense", &[]));
    }

    #[test]
    fn without_addresses_the_private_ranges_count() {
        assert!(reaches(&[], "0.0.0.0/0", &[]));
        assert!(reaches(&[], "10.42.0.0/16", &["10.42.9.0/24"]));
        assert!(reaches(&[], "0.0.0.0/0", &["10.0.0.0/8"]));
        assert!(!reaches(&[], "0.0.0.0/0", &["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]));
        assert!(!reaches(&[], "203.0.113.0/24", &[]));
        assert!(!reaches(&[], "10.42.9.0/24", &["10.42.0.0/16"]));
    }
}
