//! `/.well-known/security.txt`, read by the letter of RFC 9116.

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

use super::follow::follow;
use super::{Looked, SECURITY_TXT, Spot, location, unasked, without_queries};
use crate::observed::{Unread, part};
use crate::web::{Answer, Web};

/// The file's place on the origin of a URL.
pub(super) fn url(origin: &Url) -> Url {
    let mut url = origin.clone();
    url.set_path("/.well-known/security.txt");
    url.set_query(None);
    url
}

pub(super) async fn look(spot: Spot, web: Result<Web, Unread>) -> Looked {
    let web = match web {
        Ok(web) => web,
        Err(unread) => return unasked(SECURITY_TXT, &spot, &unread),
    };
    let url = url(&spot.place.url);
    let file = follow(&web, &url, &HeaderMap::new()).await.map(|way| file(way.last(), &way.url, &url));
    let mut content = spot.head();
    content.insert("file".to_owned(), part(file));
    Looked { kind: SECURITY_TXT, name: spot.name(), content: Json::Object(content), requests: without_queries(web.requests()) }
}

// `named` is where everybody looks for the file, `url` where it was found.
fn file(answer: &Answer, url: &Url, named: &Url) -> Json {
    let mut told = json!({"status": answer.status});
    if let Some((_, shown)) = location(answer, url) {
        told["location"] = shown;
    }
    if answer.status != 200 {
        return told;
    }
    let content_type = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
    told["media_type"] = media_type.trim().into();
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    told["charset"] = charset.unwrap_or_default().trim_matches('"').into();
    let text = std::str::from_utf8(&answer.body);
    let parsed = text.map_or_else(
        |_| Parsed { problems: vec!["it is not UTF-8".to_owned()], ..Parsed::default() },
        |text| Parsed::of(text.trim_start_matches('\u{feff}')),
    );
    told["signed"] = parsed.signed.into();
    told["contacts"] = parsed.contacts.iter().map(|scheme| json!({"scheme": scheme})).collect();
    told["expires"] = parsed.expires.iter().map(ToString::to_string).collect();
    told["names_itself"] =
        (parsed.canonical.is_empty() || parsed.canonical.iter().any(|canonical| canonical == url || canonical == named)).into();
    told["encryption"] = parsed.encryption.into();
    told["policy"] = parsed.policy.into();
    told["problems"] = parsed.problems.into();
    told
}

/// What the file says, as far as a check wants to know: of contacts the scheme alone.
#[derive(Debug, Default, PartialEq)]
struct Parsed {
    signed: bool,
    contacts: Vec<String>,
    expires: Vec<Timestamp>,
    canonical: Vec<Url>,
    encryption: bool,
    policy: bool,
    languages: usize,
    problems: Vec<String>,
}

impl Parsed {
    fn of(text: &str) -> Self {
        let mut parsed = Self::default();
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end())).peekable();
        if lines.next_if(|(_, line)| *line == "-----BEGIN PGP SIGNED MESSAGE-----").is_some() {
            parsed.signed = true;
            // The armour's own headers end with an empty line.
            for _ in lines.by_ref().take_while(|(_, line)| !line.is_empty()) {}
        }
        for (number, line) in lines {
            if parsed.signed && line == "-----BEGIN PGP SIGNATURE-----" {
                break;
            }
            let line = if parsed.signed { line.strip_prefix("- ").unwrap_or(line) } else { line };
            if !line.is_empty() && !line.starts_with('#') {
                parsed.field(number, line);
            }
        }
        if parsed.languages > 1 {
            parsed.problems.push("Preferred-Languages stands more than once".to_owned());
        }
        parsed
    }

    fn field(&mut self, number: usize, line: &str) {
        let Some((name, value)) = line.split_once(':') else {
            self.problems.push(format!("line {number} is neither a field nor a comment"));
            return;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "contact" => match uri(value, &["https", "mailto", "tel"]) {
                Some(url) => self.contacts.push(url.scheme().to_owned()),
                None => self.problems.push(format!("the contact of line {number} is no https, mailto or tel URI")),
            },
            "expires" => match value.parse() {
                Ok(expires) => self.expires.push(expires),
                Err(_) => self.problems.push(format!("the date of line {number} is not as RFC 3339 has it")),
            },
            "canonical" => match uri(value, &["https"]) {
                Some(url) => self.canonical.push(url),
                None => self.problems.push(format!("the canonical place of line {number} is no https URL")),
            },
            "encryption" => self.encryption = true,
            "policy" => self.policy = true,
            "preferred-languages" => self.languages += 1,
            _ => {}
        }
    }
}

fn uri(text: &str, schemes: &[&str]) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let complete = url.has_host() || !url.path().is_empty();
    (schemes.contains(&url.scheme()) && complete && !text.contains(char::is_whitespace)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_file_signed_or_not() {
        let plain = "# Reports\r\nContact: mailto:security@example.com\r\nContact: https://example.com/report\r\n\
                     Expires: 2026-12-31T23:00:00.000Z\r\nEncryption: https://example.com/key\r\nCanonical: https://example.com/.well-known/security.txt\r\n\
                     Preferred-Languages: en, de\r\nX-Later: yes\r\n";
        let parsed = Parsed::of(plain);
        assert_eq!((parsed.contacts.as_slice(), parsed.expires.len()), (&["mailto".to_owned(), "https".to_owned()][..], 1));
        assert!(parsed.problems.is_empty() && parsed.encryption && !parsed.policy && !parsed.signed, "{parsed:?}");

        let signed = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- # dashed\n{plain}-----BEGIN PGP SIGNATURE-----\nnot: a field\n-----END"
        );
        assert_eq!(Parsed::of(&signed), Parsed { signed: true, ..parsed });
    }

    #[test]
    fn faults_are_told_by_line() {
        for (text, problem) in [
            ("Contact: security@example.com", "the contact of line 1 is no https, mailto or tel URI"),
            ("Contact: http://example.com/report", "the contact of line 1 is no https, mailto or tel URI"),
            ("Contact: mailto:", "the contact of line 1 is no https, mailto or tel URI"),
            ("\nExpires: 31.12.2026", "the date of line 2 is not as RFC 3339 has it"),
            ("Expires: Thu, 31 Dec 2026 18:37:07 -0800", "the date of line 1 is not as RFC 3339 has it"),
            ("Canonical: http://example.com/security.txt", "the canonical place of line 1 is no https URL"),
            ("<!doctype html>", "line 1 is neither a field nor a comment"),
            ("Preferred-Languages: en\nPreferred-Languages: de", "Preferred-Languages stands more than once"),
        ] {
            assert_eq!(Parsed::of(text).problems, [problem], "{text}");
        }
    }
}
