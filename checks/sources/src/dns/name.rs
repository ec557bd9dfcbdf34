//! A host's name: the addresses and aliases behind it, and who may issue certificates for it.

use hickory_net::proto::rr::rdata::CAA;
use hickory_net::proto::rr::{Name, RData, Record, RecordType};
use serde_json::{Value as Json, json};

use super::exchange::{Answer, Resolvers, text};
use crate::observed::{Unread, part};

/// How many levels above a name are looked at for CAA; no name has more.
const LEVELS: usize = 127;

/// What a name leads to.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// The aliases on the way, in order.
    pub(super) aliases: Vec<String>,
    pub(super) ipv4: Vec<String>,
    pub(super) ipv6: Vec<String>,
}

impl Addresses {
    pub(super) const fn count(&self) -> usize {
        self.ipv4.len() + self.ipv6.len()
    }
}

/// All addresses of a name; none where it does not exist or has none.
pub(super) async fn addresses(resolvers: &Resolvers, name: &Name) -> Result<Addresses, Unread> {
    let (v4, v6) = tokio::join!(resolvers.ask(name, RecordType::A), resolvers.ask(name, RecordType::AAAA));
    let (v4, v6) = (v4?, v6?);
    let texts = |answer: &Answer, wanted: RecordType| {
        let found = answer.records.iter().filter(|record| record.record_type() == wanted);
        let mut texts: Vec<String> = found.filter_map(|record| Some(record.data.ip_addr()?.to_string())).collect();
        texts.sort();
        texts
    };
    let aliases = [aliases(name, &v4), aliases(name, &v6)].into_iter().max_by_key(Vec::len).unwrap_or_default();
    Ok(Addresses { aliases, ipv4: texts(&v4, RecordType::A), ipv6: texts(&v6, RecordType::AAAA) })
}

fn aliases(name: &Name, answer: &Answer) -> Vec<String> {
    let mut at = name.clone();
    let mut found = Vec::new();
    while let Some(next) = answer.records.iter().find_map(|record| alias_of(record, &at)) {
        // An alias that leads back to itself ends the chain.
        if found.contains(&text(next)) {
            break;
        }
        found.push(text(next));
        at = next.clone();
    }
    found
}

fn alias_of<'r>(record: &'r Record, name: &Name) -> Option<&'r Name> {
    match &record.data {
        RData::CNAME(target) if record.name == *name => Some(&target.0),
        _ => None,
    }
}

/// The record of a name.
pub(super) async fn look(resolvers: &Resolvers, name: &Name) -> (Json, Result<Addresses, Unread>) {
    let (addresses, caa) = tokio::join!(addresses(resolvers, name), caa(resolvers, name));
    let shown = addresses.clone().map(|found| json!({"aliases": found.aliases, "ipv4": found.ipv4, "ipv6": found.ipv6}));
    (json!({"name": text(name), "addresses": part(shown), "caa": part(caa)}), addresses)
}

// RFC 8659, section 3: the records at the name itself (an alias is followed), else at the closest name above that has some.
async fn caa(resolvers: &Resolvers, name: &Name) -> Result<Json, Unread> {
    let mut at = name.clone();
    for _ in 0..LEVELS {
        if at.is_root() {
            break;
        }
        let answer = resolvers.ask(&at, RecordType::CAA).await?;
        let found: Vec<&CAA> = answer
            .records
            .iter()
            .filter_map(|record| match &record.data {
                RData::CAA(caa) => Some(caa),
                _ => None,
            })
            .collect();
        if !found.is_empty() {
            return Ok(told(&text(&at), &found));
        }
        at = at.base_name();
    }
    Ok(json!({"records": 0}))
}

fn told(at: &str, found: &[&CAA]) -> Json {
    // The issuer stands before the first semicolon; an empty one forbids everybody.
    let issuers = |tag: &str| {
        let values = found.iter().filter(|caa| caa.tag.eq_ignore_ascii_case(tag)).map(|caa| String::from_utf8_lossy(&caa.value));
        let mut issuers: Vec<String> =
            values.map(|value| value.split(';').next().unwrap_or_default().trim().trim_end_matches('.').to_ascii_lowercase()).collect();
        issuers.sort();
        issuers
    };
    json!({
        "at": at,
        "records": found.len(),
        "issue": issuers("issue"),
        "issuewild": issuers("issuewild"),
    })
}
