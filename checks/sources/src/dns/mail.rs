//! What a domain says about mail in its name: SPF (RFC 7208), DMARC (RFC 7489), keys for signatures (DKIM, RFC 6376).

use std::collections::BTreeMap;

use hickory_net::proto::rr::{Name, RData, RecordType};
use serde_json::{Value as Json, json};

use super::Domain;
use super::exchange::{Answer, Resolvers, text};
use crate::observed::{Unread, part};

/// How many `redirect=` are followed.
const REDIRECTS: usize = 5;

/// The record's part on mail.
pub(super) async fn look(resolvers: &Resolvers, domain: &Domain) -> Json {
    let name = &domain.name;
    let mut keys = Vec::new();
    for selector in &domain.dkim_selectors {
        let key = dkim(resolvers, name, selector).await;
        keys.push(key.unwrap_or_else(|unread| unread.to_json()));
    }
    json!({
        "spf": part(spf(resolvers, name).await),
        "dmarc": part(dmarc(resolvers, name).await),
        "dkim": keys,
    })
}

/// The hosts that take mail for a domain; empty where it says that it takes none, or says nothing.
pub(super) async fn exchangers(resolvers: &Resolvers, name: &Name) -> Result<Vec<Name>, Unread> {
    let answer = resolvers.ask(name, RecordType::MX).await?;
    let hosts = answer.records.into_iter().filter_map(|record| match record.data {
        RData::MX(mx) if !mx.exchange.is_root() => Some(mx.exchange),
        _ => None,
    });
    Ok(hosts.collect())
}

fn texts(answer: &Answer) -> Vec<String> {
    let texts = answer.records.iter().filter_map(|record| match &record.data {
        RData::TXT(txt) => Some(txt.txt_data.concat()),
        _ => None,
    });
    texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

async fn spf(resolvers: &Resolvers, name: &Name) -> Result<Json, Unread> {
    let mut at = name.clone();
    for _ in 0..=REDIRECTS {
        let answer = resolvers.ask(&at, RecordType::TXT).await?;
        let policies: Vec<Spf> = texts(&answer).iter().filter_map(|text| Spf::of(text)).collect();
        let [policy] = policies.as_slice() else {
            return Ok(json!({"records": policies.len(), "at": text(&at)}));
        };
        // `redirect` counts only where nothing says what becomes of all others.
        match &policy.redirect {
            Some(target) if policy.all.is_none() => match Name::from_utf8(target) {
                Ok(mut target) => {
                    target.set_fqdn(true);
                    at = target;
                }
                Err(_) => return Ok(json!({"records": 1, "at": text(&at), "problem": "its redirect names no domain"})),
            },
            _ => return Ok(json!({"records": 1, "at": text(&at), "all": policy.all.unwrap_or("")})),
        }
    }
    Ok(json!({"records": 1, "at": text(&at), "problem": "its redirects go on and on"}))
}

/// An SPF policy, as far as it says what becomes of senders that it does not name.
#[derive(Debug, PartialEq)]
struct Spf {
    all: Option<&'static str>,
    redirect: Option<String>,
}

impl Spf {
    fn of(text: &str) -> Option<Self> {
        let mut terms = text.split_ascii_whitespace();
        if !terms.next()?.eq_ignore_ascii_case("v=spf1") {
            return None;
        }
        let mut policy = Self { all: None, redirect: None };
        for term in terms {
            let lower = term.to_ascii_lowercase();
            let all = match lower.as_str() {
                "-all" => "fail",
                "~all" => "softfail",
                "?all" => "neutral",
                "+all" | "all" => "pass",
                _ => {
                    if let Some(target) = lower.strip_prefix("redirect=") {
                        policy.redirect = Some(target.to_owned());
                    }
                    continue;
                }
            };
            // The first match decides, so nothing after the first `all` does.
            policy.all.get_or_insert(all);
        }
        Some(policy)
    }
}

// The policy of the domain itself, else that of the closest domain above which has one.
async fn dmarc(resolvers: &Resolvers, name: &Name) -> Result<Json, Unread> {
    let mut at = name.clone();
    while at.num_labels() > 1 {
        let Ok(place) = at.prepend_label("_dmarc") else {
            break;
        };
        let answer = resolvers.ask(&place, RecordType::TXT).await?;
        let policies: Vec<BTreeMap<String, String>> = texts(&answer).iter().filter_map(|text| tags(text, "DMARC1")).collect();
        if !policies.is_empty() {
            return Ok(policy(&text(&at), at != *name, &policies));
        }
        at = at.base_name();
    }
    Ok(json!({"records": 0}))
}

fn policy(at: &str, inherited: bool, policies: &[BTreeMap<String, String>]) -> Json {
    let mut told = json!({"at": at, "records": policies.len(), "inherited": inherited});
    if let [tags] = policies {
        let tag = |name: &str| tags.get(name).map(|value| value.to_ascii_lowercase());
        let own = tag("p").unwrap_or_default();
        let below = tag("sp").unwrap_or_else(|| own.clone());
        told["policy"] = if inherited { below.clone() } else { own }.into();
        told["subdomain_policy"] = below.into();
        told["percent"] = tag("pct").and_then(|percent| percent.parse::<u8>().ok()).unwrap_or(100).into();
        told["testing"] = (tag("t").as_deref() == Some("y")).into();
        told["reports"] = tags.contains_key("rua").into();
    }
    told
}

// `v=DMARC1; p=reject`; the version stands first.
fn tags(text: &str, version: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs = text.split(';').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.trim(), value.trim()));
    let (name, value) = pairs.next()?;
    if !name.eq_ignore_ascii_case("v") || value != version {
        return None;
    }
    Some(pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect())
}

async fn dkim(resolvers: &Resolvers, name: &Name, selector: &str) -> Result<Json, Unread> {
    let place = Name::from_utf8(format!("{selector}._domainkey")).and_then(|place| place.append_domain(name));
    let Ok(place) = place else {
        return Ok(json!({"selector": selector, "published": false}));
    };
    let answer = resolvers.ask(&place, RecordType::TXT).await?;
    // The version may be left out; a key without content is a revoked one.
    let key = texts(&answer).into_iter().find_map(|text| {
        text.split(';').filter_map(|pair| pair.split_once('=')).find(|(name, _)| name.trim() == "p").map(|(_, key)| !key.trim().is_empty())
    });
    Ok(json!({"selector": selector, "published": key == Some(true), "revoked": key == Some(false)}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spf_is_read_to_its_first_all() {
        let read = |text: &str| Spf::of(text).map(|policy| (policy.all, policy.redirect));
        assert_eq!(read("v=spf1 include:_spf.example.net -ALL"), Some((Some("fail"), None)));
        assert_eq!(read("v=spf1 ~all -all"), Some((Some("softfail"), None)));
        assert_eq!(read("v=spf1 all"), Some((Some("pass"), None)));
        assert_eq!(read("v=spf1 redirect=_spf.example.net"), Some((None, Some("_spf.example.net".to_owned()))));
        assert_eq!(read("v=spf1"), Some((None, None)));
        assert_eq!(read("v=spf10 -all"), None);
        assert_eq!(read("google-site-verification=x"), None);
    }

    #[test]
    fn dmarc_needs_its_version_first_and_inherits_what_is_said_for_those_below() {
        assert_eq!(tags("p=reject; v=DMARC1", "DMARC1"), None);
        assert_eq!(tags("v=DMARC10; p=reject", "DMARC1"), None);
        let read = |text: &str, inherited| policy("example.com", inherited, &[tags(text, "DMARC1").unwrap()]);
        let own = read("v=DMARC1;p=Reject;sp=none;rua=mailto:a@example.com", false);
        assert_eq!((&own["policy"], &own["reports"], &own["percent"]), (&json!("reject"), &json!(true), &json!(100)));
        assert_eq!(read("v=DMARC1;p=Reject;sp=none", true)["policy"], "none");
        assert_eq!(read("v=DMARC1; p=reject; pct=20", true)["policy"], "reject");
        assert_eq!(read("v=DMARC1; p=reject; pct=20; t=y", false)["percent"], 20);
        assert!(!own.to_string().contains("mailto"));
    }
}
