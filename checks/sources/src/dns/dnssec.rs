//! Whether a domain's zone is signed, and whether its signatures hold, by our own check from the trust anchor down.
//!
//! The resolver only fetches: it is asked not to check, and its word (the AD bit) is not taken. So neither a lying resolver nor
//! one that does not check can make a zone look signed. What the resolver keeps back shows at the trust anchor first, and then
//! nothing is said about the zone.

use std::collections::BTreeSet;
use std::sync::Arc;

use hickory_net::DnsError;
use hickory_net::NetError;
use hickory_net::dnssec::DnssecDnsHandle;
use hickory_net::proto::dnssec::rdata::DNSSECRData;
use hickory_net::proto::dnssec::{Proof, TrustAnchors};
use hickory_net::proto::op::{DnsRequestOptions, Query, ResponseCode};
use hickory_net::proto::rr::{Name, RData, RecordType};
use hickory_net::xfer::{DnsHandle, FirstAnswer};
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::exchange::{Answer, Resolvers, text, unread};
use crate::observed::Unread;

/// Keys that are trusted, and the names that they are for.
#[derive(Clone)]
pub(super) struct Anchors {
    keys: Arc<TrustAnchors>,
    names: BTreeSet<Name>,
}

impl Anchors {
    /// The keys of the root zone, as they came with the program.
    pub(super) fn of_the_root() -> Self {
        Self { keys: Arc::new(TrustAnchors::default()), names: BTreeSet::from([Name::root()]) }
    }

    /// DNSKEY records in the form of zone files.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let keys: TrustAnchors = text.parse().map_err(|error| format!("{error}"))?;
        let lines = text.lines().filter(|line| line.contains("DNSKEY")).filter_map(|line| line.split_whitespace().next());
        let mut names = BTreeSet::new();
        for name in lines {
            let mut name = Name::from_ascii(name).map_err(|error| format!("`{name}`: {error}"))?;
            name.set_fqdn(true);
            names.insert(name.to_lowercase());
        }
        if names.is_empty() { Err("there is no DNSKEY record".to_owned()) } else { Ok(Self { keys: Arc::new(keys), names }) }
    }

    // The closest name above with a trusted key.
    fn above(&self, name: &Name) -> Option<&Name> {
        self.names.iter().filter(|anchor| anchor.zone_of(name)).max_by_key(|anchor| anchor.num_labels())
    }
}

/// The zone that a domain lies in: the owner of the SOA that speaks for it. None where the domain does not exist.
pub(super) async fn zone_of(resolvers: &Resolvers, domain: &Name) -> Result<Option<Name>, Unread> {
    // Of a zone whose signatures are wrong, too, it is to be known that it is there.
    let Answer { exists, records, authorities } = resolvers.unchecked().ask(domain, RecordType::SOA).await?;
    if !exists {
        return Ok(None);
    }
    let owner = records.iter().chain(&authorities).find(|record| record.record_type() == RecordType::SOA);
    let zone = owner.map(|record| record.name.to_lowercase());
    zone.map(Some).ok_or_else(|| Unread::new(Reason::ParseError, "the answer names no zone that the domain lies in"))
}

/// The record's part on signatures.
pub(super) async fn look(resolvers: &Resolvers, anchors: &Anchors, zone: &Name) -> Result<Json, Unread> {
    let anchor = anchors.above(zone).ok_or_else(|| Unread::new(Reason::NotCollected, "no trust anchor is given for the zone"))?;
    let fetching = resolvers.unchecked();
    let checking = DnssecDnsHandle::with_trust_anchor(fetching.clone(), Arc::clone(&anchors.keys));
    match proof(&checking, anchor, RecordType::DNSKEY).await? {
        Proof::Secure => {}
        _ if fetching.has_failed() => return Err(Unread::new(Reason::Unreachable, "the keys of the trust anchor could not be fetched")),
        _ => {
            let detail = format!("the resolver hands over no signatures, or the trust anchor `{}` is out of date", text(anchor));
            return Err(Unread::new(Reason::Unreachable, detail));
        }
    }
    let validation = match proof(&checking, zone, RecordType::SOA).await? {
        Proof::Secure => "secure",
        Proof::Insecure => "insecure",
        // A key that could not be fetched is not a wrong one.
        _ if fetching.has_failed() => return Err(Unread::new(Reason::Unreachable, "not all keys on the way to the zone could be fetched")),
        Proof::Bogus => "bogus",
        Proof::Indeterminate => return Err(Unread::new(Reason::Unreachable, "the signatures could be neither confirmed nor refuted")),
    };
    let (delegation, keys) = tokio::join!(fetching.ask(zone, RecordType::DS), fetching.ask(zone, RecordType::DNSKEY));
    let mut signers: Vec<Json> = Vec::new();
    let mut algorithms: BTreeSet<u8> = BTreeSet::new();
    for record in delegation?.records.iter().chain(&keys?.records) {
        match &record.data {
            RData::DNSSEC(DNSSECRData::DS(ds)) => {
                signers.push(
                    json!({"key_tag": ds.key_tag(), "algorithm": u8::from(ds.algorithm()), "digest_type": u8::from(ds.digest_type())}),
                );
            }
            RData::DNSSEC(DNSSECRData::DNSKEY(key)) => {
                algorithms.insert(u8::from(hickory_net::proto::dnssec::PublicKey::algorithm(key.public_key())));
            }
            _ => {}
        }
    }
    signers.sort_by_key(Json::to_string);
    Ok(json!({"zone": text(zone), "validation": validation, "anchor": text(anchor), "ds": signers, "algorithms": algorithms}))
}

async fn proof(checking: &DnssecDnsHandle<Resolvers>, name: &Name, record_type: RecordType) -> Result<Proof, Unread> {
    match checking.lookup(Query::query(name.clone(), record_type), DnsRequestOptions::default()).first_answer().await {
        Ok(response) if response.metadata.response_code == ResponseCode::NoError => {
            let found = response.answers.iter().filter(|record| record.record_type() == record_type && record.name == *name);
            Ok(found.map(|record| record.proof).min().unwrap_or(Proof::Bogus))
        }
        Ok(response) => Err(Unread::new(Reason::Unreachable, format!("the resolver answers `{}`", response.metadata.response_code))),
        Err(NetError::Dns(DnsError::Nsec { proof, .. })) => Ok(proof),
        Err(error) => Err(unread(&error)),
    }
}
