//! Addresses: those that stand in URLs, and those that are not contacted unless the workspace allows it.

use std::net::{IpAddr, Ipv6Addr};

use reqwest::Url;

/// The address that a URL names in place of a host.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether an address is link-local or that of a cloud's metadata service: `169.254.0.0/16`, `fe80::/10`, `fd00:ec2::254`,
/// also where an IPv6 form wraps the IPv4 address.
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_and_metadata_addresses_are_known_in_every_form() {
        for refused in ["169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "fd00:ec2::254", "::ffff:169.254.169.254"] {
            assert!(is_link_local(refused.parse().unwrap()), "{refused}");
        }
        for allowed in ["127.0.0.1", "10.0.0.1", "::1", "fd00:ec2::253", "fec0::1", "169.253.0.1"] {
            assert!(!is_link_local(allowed.parse().unwrap()), "{allowed}");
        }
    }
}
