//! Addresses: those that stand in URLs, those behind names, those that are not contacted unless the workspace allows it, and
//! ranges of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use proofbook_checks::inventory::Reason;
use reqwest::Url;

use crate::observed::Unread;
use crate::text::one_line;

/// What is said of an address that is off limits.
pub(crate) const OFF_LIMITS: &str =
    "link-local, metadata, unspecified and multicast addresses are not contacted unless the workspace allows it";

/// Names under which clouds serve metadata of a machine, its credentials among them.
const METADATA_NAMES: [&str; 6] = [
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "instance-data.ec2.internal",
];

/// The address that a URL names in place of a host.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// The addresses behind a name, each once and in order; that there is none within the deadline is never an empty answer.
pub(crate) async fn look_up(host: &str, deadline: Duration) -> Result<Vec<IpAddr>, Unread> {
    let mut addresses: Vec<IpAddr> = match tokio::time::timeout(deadline, tokio::net::lookup_host((host, 0))).await {
        Ok(Ok(found)) => found.map(|socket| socket.ip()).collect(),
        Ok(Err(error)) => {
            return Err(Unread::new(Reason::Unreachable, format!("the name has no address: {}", one_line(&error.to_string()))));
        }
        Err(_) => return Err(Unread::new(Reason::Timeout, "the resolver did not answer within the deadline")),
    };
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() { Err(Unread::new(Reason::Unreachable, "the name has no address")) } else { Ok(addresses) }
}

/// Whether a name is one under which a cloud serves metadata.
pub(crate) fn is_metadata_name(host: &str) -> bool {
    METADATA_NAMES.contains(&host.trim_end_matches('.').to_ascii_lowercase().as_str())
}

/// Whether an address is nobody's to contact by default: link-local, that of a cloud's metadata service, unspecified, multicast or
/// reserved; also where an IPv6 form wraps the IPv4 address.
///
/// Metadata: `169.254.169.254` and all of `169.254.0.0/16` (most clouds), `fd00:ec2::254` (AWS), `100.100.100.200` (Alibaba),
/// `168.63.129.16` (Azure), `192.0.0.192` (Oracle).
pub(crate) fn is_off_limits(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(v4) => {
            let metadata = [[100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]].contains(&v4.octets());
            // 0.0.0.0/8 means this machine, 224.0.0.0/4 is multicast, 240.0.0.0/4 is reserved and ends with the broadcast address.
            v4.is_link_local() || metadata || v4.octets()[0] == 0 || v4.octets()[0] >= 224
        }
        IpAddr::V6(v6) => {
            let metadata = v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
            v6.is_unicast_link_local() || metadata || v6.is_unspecified() || v6.is_multicast()
        }
    }
}

/// Whether an address is of this machine or of a private network, so that a name of the outside has no business to lead there.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match unwrapped(address) {
        // 100.64.0.0/10 is shared between a carrier and its customers.
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64,
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

// The IPv4 address within an IPv6 one: mapped (::ffff:0:0/96), or translated (64:ff9b::/96).
fn unwrapped(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => match v6.octets() {
            [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            _ => IpAddr::V6(v6),
        },
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A range of addresses: `203.0.113.0/24`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    network: IpAddr,
    prefix: u8,
}

impl Range {
    /// Whether an address lies in the range.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let shift = width - u32::from(self.prefix);
            shift >= 128 || a.checked_shr(shift) == b.checked_shr(shift)
        };
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => same(network.to_bits().into(), address.to_bits().into(), 32),
            (IpAddr::V6(network), IpAddr::V6(address)) => same(network.to_bits(), address.to_bits(), 128),
            _ => false,
        }
    }

    /// Whether it is all addresses of a family.
    pub(crate) const fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || format!("`{text}` is neither an address nor a range of addresses such as 203.0.113.0/24");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let network: IpAddr = address.parse().map_err(|_| fault())?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map_err(|_| fault())?,
            Some(_) => return Err(fault()),
        };
        if prefix > width { Err(fault()) } else { Ok(Self { network, prefix }) }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_that_are_off_limits_are_known_in_every_form() {
        for refused in [
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(is_off_limits(address(refused)), "{refused}");
        }
        for allowed in ["127.0.0.1", "10.0.0.1", "::1", "fd00:ec2::253", "fec0::1", "169.253.0.1", "100.100.100.201", "223.255.255.255"] {
            assert!(!is_off_limits(address(allowed)), "{allowed}");
        }
        assert!(is_metadata_name("Metadata.Google.Internal.") && !is_metadata_name("metadata.example.com"));
    }

    #[test]
    fn private_addresses_are_known_in_every_form() {
        for private in
            ["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "172.31.0.1", "192.168.0.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"]
        {
            assert!(is_private(address(private)), "{private}");
        }
        for public in ["203.0.113.7", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
            assert!(!is_private(address(public)), "{public}");
        }
    }

    #[tokio::test]
    async fn a_name_has_each_address_once_and_in_order_or_says_why_not() {
        let second = Duration::from_secs(5);
        let found = look_up("localhost", second).await.unwrap();
        assert!(!found.is_empty() && found.is_sorted_by(|a, b| a < b), "{found:?}");
        assert_eq!(look_up("127.0.0.7", second).await, Ok(vec![address("127.0.0.7")]));
        let unread = look_up("no-such-host.invalid", second).await.unwrap_err();
        assert!(unread.reason == Reason::Unreachable && unread.detail.starts_with("the name has no address"), "{unread:?}");
    }

    #[test]
    fn ranges_hold_their_addresses_and_no_others() {
        let holds = |range: &str, text: &str| range.parse::<Range>().unwrap().contains(address(text));
        assert!(holds("203.0.113.0/24", "203.0.113.255") && holds("203.0.113.7", "203.0.113.7") && holds("0.0.0.0/0", "1.2.3.4"));
        assert!(holds("2001:db8::/32", "2001:db8:1::7") && holds("203.0.113.0/24", "::ffff:203.0.113.7") && holds("::/0", "2001:db8::1"));
        assert!(!holds("203.0.113.0/24", "203.0.114.0") && !holds("2001:db8::/32", "203.0.113.7") && !holds("203.0.113.7", "203.0.113.6"));
        for wrong in ["203.0.113.0/33", "203.0.113/24", "a/24", "203.0.113.0/", "203.0.113.0/+8", "::/129", ""] {
            assert!(wrong.parse::<Range>().is_err(), "{wrong}");
        }
    }
}
