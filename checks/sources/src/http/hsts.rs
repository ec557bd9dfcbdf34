//! The header `Strict-Transport-Security`, read as a browser reads it (RFC 6797, sections 6.1 and 8.1).

use reqwest::header::{HeaderMap, STRICT_TRANSPORT_SECURITY};
use serde_json::{Value as Json, json};

/// What the header promises; nothing where it is not sent, `problem` where a browser ignores it.
pub(super) fn told(headers: &HeaderMap) -> Option<Json> {
    // Of several headers a browser takes the first.
    let header = headers.get(STRICT_TRANSPORT_SECURITY)?;
    Some(parse(&String::from_utf8_lossy(header.as_bytes())).unwrap_or_else(|problem| json!({"problem": problem})))
}

fn parse(header: &str) -> Result<Json, &'static str> {
    let (mut max_age, mut include_subdomains, mut preload) = (None, false, false);
    for directive in header.split(';').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (name, value) = directive.split_once('=').map_or((directive, ""), |(name, value)| (name.trim(), value.trim()));
        match name.to_ascii_lowercase().as_str() {
            "max-age" if max_age.is_some() => return Err("max-age stands twice"),
            "max-age" => {
                let digits = value.trim_matches('"');
                max_age = Some(digits.parse::<u64>().map_err(|_| "max-age is no number of seconds")?);
            }
            "includesubdomains" => include_subdomains = true,
            "preload" => preload = true,
            _ => {}
        }
    }
    let max_age = max_age.ok_or("max-age is missing")?;
    Ok(json!({"max_age": max_age, "include_subdomains": include_subdomains, "preload": preload}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_a_browser_reads_it() {
        let good = |max_age: u64, subdomains: bool| Ok(json!({"max_age": max_age, "include_subdomains": subdomains, "preload": false}));
        for (header, expected) in [
            ("max-age=31536000; includeSubDomains", good(31_536_000, true)),
            ("MAX-AGE = \"600\" ;", good(600, false)),
            ("max-age=0", good(0, false)),
            ("max-age=1; something-new=2", good(1, false)),
            ("includeSubDomains", Err("max-age is missing")),
            ("max-age=1; max-age=2", Err("max-age stands twice")),
            ("max-age=one year", Err("max-age is no number of seconds")),
            ("max-age=-1", Err("max-age is no number of seconds")),
            ("", Err("max-age is missing")),
        ] {
            assert_eq!(parse(header), expected, "{header}");
        }
        assert_eq!(told(&HeaderMap::new()), None);
    }
}
