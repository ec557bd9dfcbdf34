//! What may be contacted of what a platform announces: names and ranges that the workspace allows, less what it denies.
//!
//! An announcement comes from objects that tenants may write, so it is nobody's permission. A name is judged as it stands and
//! every address behind it once more; a private or loopback address only counts where a range on the allow-list holds it, and
//! an address that is off limits never does.

use std::net::IpAddr;

use proofbook_controls::yaml::Spanned;

use crate::address::{OFF_LIMITS, Range, is_metadata_name, is_off_limits, is_private};
use crate::settings::{SettingsError, Setup};

/// Why something is not contacted. The list is closed: records and a check name every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is on the list of what is denied.
    Denied,
    /// It is not on the list of what is allowed.
    NotAllowed,
    /// It is nobody's to contact, whatever is allowed.
    OffLimits,
}

impl Refusal {
    /// The name in records.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotAllowed => "not-allowed",
            Self::OffLimits => "off-limits",
        }
    }

    /// What is said of an address.
    pub(super) const fn of_address(self) -> &'static str {
        match self {
            Self::Denied => "it lies in a range that `discover.deny` names",
            Self::NotAllowed => "no range of `discover.allow` holds it, which a private address needs, and one without an allowed name",
            Self::OffLimits => OFF_LIMITS,
        }
    }
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Name(String),
    /// All names below one.
    Below(String),
    Range(Range),
}

/// What is allowed, less what is denied.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    allow: Vec<Entry>,
    deny: Vec<Entry>,
}

impl Bounds {
    pub(super) fn read(allow: &[Spanned<String>], deny: &[Spanned<String>], setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let read = |list: &[Spanned<String>]| -> Result<Vec<Entry>, SettingsError> {
            let entry = |given: &Spanned<String>| {
                given.value.parse::<Entry>().map_err(|detail| SettingsError { target: setup.place(given), detail })
            };
            list.iter().map(entry).collect()
        };
        Ok(Self { allow: read(allow)?, deny: read(deny)? })
    }

    /// Whether a name may be looked up and contacted, as far as it stands there.
    pub(super) fn name(&self, name: &str) -> Result<(), Refusal> {
        let holds = |list: &[Entry]| {
            list.iter().any(|entry| match entry {
                Entry::Name(known) => known == name,
                Entry::Below(parent) => name.strip_suffix(parent.as_str()).is_some_and(|front| front.len() > 1 && front.ends_with('.')),
                Entry::Range(_) => false,
            })
        };
        if is_metadata_name(name) {
            Err(Refusal::OffLimits)
        } else if holds(&self.deny) {
            Err(Refusal::Denied)
        } else if holds(&self.allow) {
            Ok(())
        } else {
            Err(Refusal::NotAllowed)
        }
    }

    /// Whether an address may be contacted; `named` says that it stands behind a name that may be.
    pub(super) fn address(&self, address: IpAddr, named: bool) -> Result<(), Refusal> {
        let holds = |list: &[Entry]| list.iter().any(|entry| matches!(entry, Entry::Range(range) if range.contains(address)));
        if is_off_limits(address) {
            Err(Refusal::OffLimits)
        } else if holds(&self.deny) {
            Err(Refusal::Denied)
        } else if holds(&self.allow) || named && !is_private(address) {
            Ok(())
        } else {
            Err(Refusal::NotAllowed)
        }
    }
}

impl std::str::FromStr for Entry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "write a name (app.example.com), all names below one (*.example.com), or a range of addresses (203.0.113.0/24)";
        if text.contains('/') || text.parse::<IpAddr>().is_ok() {
            let range: Range = text.parse()?;
            return if range.is_everything() {
                Err(format!("`{text}` holds every address, so it is no bound; {expected}"))
            } else {
                Ok(Self::Range(range))
            };
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let (below, name) = name.strip_prefix("*.").map_or((false, name.as_str()), |parent| (true, parent));
        if name.is_empty() || !is_name(name) || below && !name.contains('.') {
            return Err(format!("`{text}` is no name or range, or holds too much; {expected}"));
        }
        Ok(if below { Self::Below(name.to_owned()) } else { Self::Name(name.to_owned()) })
    }
}

/// Whether a text is a name of the domain name system, in lower case and without an end dot.
pub(super) fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        let letters = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_');
        (1..=63).contains(&label.len()) && letters && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label) && text.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(allow: &[&str], deny: &[&str]) -> Bounds {
        let read = |list: &[&str]| list.iter().map(|text| text.parse().unwrap_or_else(|error| panic!("{error}"))).collect();
        Bounds { allow: read(allow), deny: read(deny) }
    }

    #[test]
    fn names_are_allowed_by_themselves_or_below_another() {
        let bounds = bounds(&["*.Example.com", "example.org"], &["internal.example.com", "*.internal.example.com"]);
        for (name, told) in [
            ("app.example.com", Ok(())),
            ("a.b.example.com", Ok(())),
            ("example.org", Ok(())),
            ("example.com", Err(Refusal::NotAllowed)),
            ("badexample.com", Err(Refusal::NotAllowed)),
            (".example.com", Err(Refusal::NotAllowed)),
            ("app.example.org", Err(Refusal::NotAllowed)),
            ("example.com.evil.test", Err(Refusal::NotAllowed)),
            ("internal.example.com", Err(Refusal::Denied)),
            ("a.internal.example.com", Err(Refusal::Denied)),
            ("metadata.google.internal", Err(Refusal::OffLimits)),
        ] {
            assert_eq!(bounds.name(name), told, "{name}");
        }
    }

    #[test]
    fn addresses_are_judged_after_the_name() {
        let bounds = bounds(&["*.example.com", "10.1.0.0/16", "203.0.113.0/24", "169.254.0.0/16"], &["203.0.113.66", "10.1.9.0/24"]);
        let told = |text: &str, named| bounds.address(text.parse().unwrap(), named);
        assert_eq!((told("203.0.113.7", false), told("198.51.100.1", true), told("10.1.2.3", true)), (Ok(()), Ok(()), Ok(())));
        // Without a name, or on a private network, the range must be named.
        assert_eq!(told("198.51.100.1", false), Err(Refusal::NotAllowed));
        for private in ["10.2.0.1", "127.0.0.1", "::1", "192.168.1.1", "fd00::1", "::ffff:127.0.0.1"] {
            assert_eq!(told(private, true), Err(Refusal::NotAllowed), "{private}");
        }
        assert_eq!((told("203.0.113.66", true), told("10.1.9.9", false)), (Err(Refusal::Denied), Err(Refusal::Denied)));
        // No list opens these.
        for never in ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254"] {
            assert_eq!(told(never, true), Err(Refusal::OffLimits), "{never}");
        }
    }

    #[test]
    fn a_list_that_allows_everything_is_none() {
        for wrong in ["*", "*.", "*.com", "", "0.0.0.0/0", "::/0", "a b", "https://app.example.com", "app.*.example.com", "-a.example.com"]
        {
            assert!(wrong.parse::<Entry>().is_err(), "{wrong}");
        }
    }
}
