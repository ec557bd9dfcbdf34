//! Sets of ports: what a rule of a policy opens, and what two rules open together.

use std::fmt;

use crate::value::{Name, Value};

/// Ports of one protocol, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Range {
    protocol: Name,
    first: u16,
    last: u16,
}

/// A set of ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Ports {
    /// Every port of every protocol.
    All,
    /// These, in order, none overlapping another.
    Some(Vec<Range>),
}

impl Ports {
    pub(super) const NONE: Self = Self::Some(Vec::new());

    fn of(mut ranges: Vec<Range>) -> Self {
        ranges.sort_unstable();
        let mut out: Vec<Range> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match out.last_mut() {
                Some(last) if last.protocol == range.protocol && u32::from(range.first) <= u32::from(last.last) + 1 => {
                    last.last = last.last.max(range.last);
                }
                _ => out.push(range),
            }
        }
        Self::Some(out)
    }

    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Some(ranges) if ranges.is_empty())
    }

    /// Either of both.
    pub(super) fn or(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Some(mut own), Self::Some(others)) => {
                own.extend(others);
                Self::of(own)
            }
            _ => Self::All,
        }
    }

    /// What is in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, set) | (set, Self::All) => set.clone(),
            (Self::Some(own), Self::Some(others)) => {
                let both = |a: &Range, b: &Range| {
                    let (first, last) = (a.first.max(b.first), a.last.min(b.last));
                    (a.protocol == b.protocol && first <= last).then_some(Range { protocol: a.protocol, first, last })
                };
                Self::of(own.iter().flat_map(|a| others.iter().filter_map(move |b| both(a, b))).collect())
            }
        }
    }

    /// As checks see it: `["any"]`, or `TCP/8080`, `UDP/5000-5010`, `TCP/any`.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::All => Value::list(vec![Value::str("any")]),
            Self::Some(ranges) => Value::list(ranges.iter().map(|range| Value::str(&range.to_string())).collect()),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (0, u16::MAX) => write!(f, "{}/any", self.protocol),
            (first, last) if first == last => write!(f, "{}/{first}", self.protocol),
            (first, last) => write!(f, "{}/{first}-{last}", self.protocol),
        }
    }
}

/// The ports of a rule, those of them that only a pod can resolve by name.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    fixed: Ports,
    named: Vec<(Name, Name)>,
}

/// A port that a pod's containers name: protocol, name, number.
pub(super) type Named = (Name, Name, u16);

impl Opened {
    /// Reads `ports` of a rule. None or an empty list are all ports; what cannot be read is every port of its protocol.
    pub(super) fn of(ports: Option<&Value>) -> Self {
        let items = ports.and_then(Value::as_list).unwrap_or_default();
        if items.is_empty() {
            return Self { fixed: Ports::All, named: Vec::new() };
        }
        let (mut ranges, mut named) = (Vec::new(), Vec::new());
        for item in items {
            let protocol = protocol_of(item);
            let number = |key: &str| item.get(key).and_then(Value::as_int).and_then(|port| u16::try_from(port).ok());
            match item.get("port") {
                Some(port) if port.as_str().is_some() => named.push((protocol, Name::from(port.as_str().unwrap_or_default()))),
                _ => {
                    let (first, last) = match number("port") {
                        Some(first) => (first, number("endPort").unwrap_or(first).max(first)),
                        None => (0, u16::MAX),
                    };
                    ranges.push(Range { protocol, first, last });
                }
            }
        }
        Self { fixed: Ports::of(ranges), named }
    }

    /// Whether the ports depend on the pod that is reached.
    pub(super) const fn is_named(&self) -> bool {
        !self.named.is_empty()
    }

    /// The ports of a pod whose containers name these.
    pub(super) fn at(&self, of_pod: &[Named]) -> Ports {
        if self.named.is_empty() {
            return self.fixed.clone();
        }
        let found = |(protocol, name): &(Name, Name)| {
            let number = of_pod.iter().find(|port| port.0 == *protocol && port.1 == *name).map(|port| port.2)?;
            Some(Range { protocol: *protocol, first: number, last: number })
        };
        self.fixed.clone().or(&Ports::of(self.named.iter().filter_map(found).collect()))
    }
}

/// The protocol of a port of a rule or of a container.
pub(super) fn protocol_of(port: &Value) -> Name {
    Name::from(port.get("protocol").and_then(Value::as_str).unwrap_or("TCP"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn opened(ports: &Json) -> Opened {
        Opened::of(Some(&Value::from_json(ports)))
    }

    fn shown(ports: &Ports) -> Json {
        ports.to_value().to_json()
    }

    #[test]
    fn a_rule_opens_what_the_api_says() {
        assert_eq!(Opened::of(None).at(&[]), Ports::All);
        assert_eq!(opened(&json!([])).at(&[]), Ports::All);
        let several = json!([{"port": 443}, {"protocol": "UDP", "port": 5000, "endPort": 5010}, {"protocol": "SCTP"}, {"port": 444}]);
        assert_eq!(shown(&opened(&several).at(&[])), json!(["SCTP/any", "TCP/443-444", "UDP/5000-5010"]));
    }

    #[test]
    fn a_name_is_a_port_of_the_pod_that_has_it() {
        let rule = opened(&json!([{"port": "http"}, {"protocol": "UDP", "port": "dns"}]));
        let pod = [("TCP".into(), "http".into(), 8080), ("TCP".into(), "dns".into(), 53)];
        assert_eq!(shown(&rule.at(&pod)), json!(["TCP/8080"]));
        assert!(rule.at(&[]).is_empty());
    }

    #[test]
    fn both_directions_must_open_the_port() {
        let of = |ports: Json| opened(&ports).at(&[]);
        let both = of(json!([{"port": 8000, "endPort": 8100}])).and(&of(json!([{"port": 8080}, {"port": 9000}, {"protocol": "UDP"}])));
        assert_eq!(shown(&both), json!(["TCP/8080"]));
        assert!(of(json!([{"port": 1}])).and(&of(json!([{"protocol": "UDP", "port": 1}]))).is_empty());
        assert_eq!(shown(&of(json!([{"port": 1}])).and(&Ports::All)), json!(["TCP/1"]));
    }
}
