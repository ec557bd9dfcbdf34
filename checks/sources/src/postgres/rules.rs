//! Rules of authentication in a form without addresses: from where a rule lets in, how, and for whom in general.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

/// What is kept of a rule.
pub(super) fn rule(row: &Json) -> Json {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    json!({
        "line": row["line"],
        "type": text("type"),
        "from": origin(text("type"), text("address"), text("netmask")),
        "family": family(text("address")),
        "method": text("method"),
        "all_users": row["all_users"],
        "all_databases": row["all_databases"],
        "client_certificate": row["client_certificate"],
        "broken": row["broken"],
    })
}

// `socket`, `loopback`, `anywhere` or `network`.
fn origin(kind: &str, address: &str, netmask: &str) -> &'static str {
    if kind == "local" {
        return "socket";
    }
    let open = |mask: &str| mask.parse::<IpAddr>().is_ok_and(|mask| mask.is_unspecified());
    match address.parse::<IpAddr>() {
        _ if address == "all" => "anywhere",
        _ if address == "samehost" => "loopback",
        Ok(_) if open(netmask) => "anywhere",
        // Only a whole network of loopback addresses, or one of them, is no more than loopback.
        Ok(IpAddr::V4(address)) if address.is_loopback() && netmask.starts_with("255.") => "loopback",
        Ok(IpAddr::V6(address)) if address.is_loopback() && netmask == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" => "loopback",
        // A host name or a network of ours.
        _ => "network",
    }
}

// `4` or `6` where the rule is about addresses of that kind alone.
fn family(address: &str) -> &'static str {
    match address.parse() {
        Ok(IpAddr::V4(_)) => "4",
        Ok(IpAddr::V6(_)) => "6",
        Err(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_by_where_it_lets_in() {
        for (kind, address, netmask, from) in [
            ("local", "", "", "socket"),
            ("host", "127.0.0.1", "255.255.255.255", "loopback"),
            ("host", "127.0.0.0", "255.0.0.0", "loopback"),
            ("host", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "loopback"),
            ("host", "127.0.0.0", "0.0.0.0", "anywhere"),
            ("hostssl", "0.0.0.0", "0.0.0.0", "anywhere"),
            ("hostssl", "::", "::", "anywhere"),
            ("host", "all", "", "anywhere"),
            ("host", "samehost", "", "loopback"),
            ("host", "samenet", "", "network"),
            ("hostssl", "10.0.0.0", "255.0.0.0", "network"),
            ("hostssl", "::1", "ffff::", "network"),
            ("hostssl", "db.example.com", "", "network"),
            ("host", "", "", "network"),
        ] {
            assert_eq!(origin(kind, address, netmask), from, "{kind} {address} {netmask}");
        }
    }
}
