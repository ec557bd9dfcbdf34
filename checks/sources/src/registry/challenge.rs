//! What a registry asks for with 401: `Bearer realm="https://auth.example/token",service="registry.example"`, or `Basic`.

/// How a registry wants to know who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: String },
}

/// Reads one `WWW-Authenticate` header; none for what cannot be answered.
pub(super) fn challenge(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Some(Challenge::Bearer { realm: parameter(rest, "realm")?, service: parameter(rest, "service").unwrap_or_default() })
}

// A parameter, quoted or not; commas may stand within quotes.
fn parameter(mut text: &str, name: &str) -> Option<String> {
    while let Some((key, rest)) = text.split_once('=') {
        let (value, next) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        if key.trim_matches([',', ' ']).eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        text = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_in_every_spelling() {
        let bearer = |realm: &str, service: &str| Some(Challenge::Bearer { realm: realm.to_owned(), service: service.to_owned() });
        for (header, expected) in [
            (r#"Bearer realm="https://a/t",service="r",scope="repository:a:pull,push""#, bearer("https://a/t", "r")),
            (r#"bearer scope="a,b", realm="https://a/t""#, bearer("https://a/t", "")),
            ("Bearer realm=https://a/t,service=r", bearer("https://a/t", "r")),
            (r#"Basic realm="Registry Realm""#, Some(Challenge::Basic)),
            ("Basic", Some(Challenge::Basic)),
            ("Negotiate", None),
            (r#"Bearer service="r""#, None),
            (r#"Bearer realm="unended"#, None),
        ] {
            assert_eq!(challenge(header), expected, "{header}");
        }
    }
}
