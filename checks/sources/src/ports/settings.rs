//! Ports and vantage as the workspace writes them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

/// From where this machine looks. Nobody can check it but the person who writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Vantage {
    /// From the internet: without a way into the platform's networks, and from none of the networks that it admits.
    External,
    /// From inside, or from a network that the platform admits.
    Internal,
}

/// A port, or ports from one to another: `443`, `30000-32767`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PortRange {
    pub(super) from: u16,
    pub(super) to: u16,
}

impl PortRange {
    pub(super) const fn one(port: u16) -> Self {
        Self { from: port, to: port }
    }

    pub(super) const fn contains(self, port: u16) -> bool {
        self.from <= port && port <= self.to
    }

    pub(super) fn numbers(self) -> impl Iterator<Item = u16> + use<> {
        self.from..=self.to
    }
}

/// The ports that are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub(super) Vec<PortRange>);

/// Remote access, web, etcd, Cilium, PostgreSQL, the API server, monitoring, the kubelet, and node ports.
impl Default for Ports {
    fn default() -> Self {
        let single = [22, 80, 443, 2379, 2380, 4240, 5432, 6443, 8443, 9090, 9345, 10250].map(PortRange::one);
        Self(single.into_iter().chain([PortRange { from: 30000, to: 32767 }]).collect())
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(u16),
            Range(String),
        }
        let mut ranges = Vec::new();
        for written in Vec::<Written>::deserialize(deserializer)? {
            let range = match &written {
                Written::One(port) => Some(PortRange::one(*port)),
                Written::Range(text) => {
                    text.split_once('-').and_then(|(from, to)| Some(PortRange { from: from.parse().ok()?, to: to.parse().ok()? }))
                }
            };
            let sound = range.filter(|range| range.from > 0 && range.from <= range.to);
            ranges.push(
                sound.ok_or_else(|| serde::de::Error::custom("a port is a number from 1 to 65535, or a range such as `30000-32767`"))?,
            );
        }
        // Each port once, whatever overlaps.
        ranges.sort_unstable();
        let mut joined: Vec<PortRange> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.from <= last.to => last.to = last.to.max(range.to),
                _ => joined.push(range),
            }
        }
        if joined.is_empty() {
            Err(serde::de::Error::custom("no port is named; leave `ports` out to try the usual ones"))
        } else {
            Ok(Self(joined))
        }
    }
}

impl JsonSchema for Ports {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "array",
            "items": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "string", "pattern": "^[0-9]+-[0-9]+$"}]},
        })
    }
}

/// Ranges as they are printed: `22,80,30000-32767`.
pub(super) fn ranges_text(ranges: impl Iterator<Item = PortRange>) -> String {
    let text = |range: PortRange| if range.from == range.to { range.from.to_string() } else { format!("{}-{}", range.from, range.to) };
    ranges.map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_ranges_are_read_once_each() {
        let read = |text: &str| serde_json::from_str::<Ports>(text).map(|ports| ranges_text(ports.0.into_iter()));
        assert_eq!(read(r#"[443, "80-90", 85, "90-100", 22]"#).unwrap(), "22,80-100,443");
        for wrong in ["[0]", r#"["90-80"]"#, r#"["a-b"]"#, r#"["80"]"#, "[70000]", "[]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Ports::default().0.iter().map(|range| range.numbers().count()).sum::<usize>(), 12 + 2768);
    }
}
