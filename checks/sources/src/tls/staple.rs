//! The proof that a certificate was not revoked, as the server brings it along (OCSP stapling, RFC 6960).
//!
//! The response is read for what it says and for how long; its signature is not looked at. So "revoked" is the server's own
//! word about its own certificate, and "good" is nothing that a verdict rests on.

use serde::Serialize;
use x509_parser::asn1_rs::{Any, FromDer, Tag};

/// The staple as it stands in the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct StapleRecord {
    /// Whether the server sent one.
    pub(super) sent: bool,
    /// `good`, `revoked` or `unknown`; absent where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// From when the statement holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    this_update: Option<String>,
    /// When a newer one is due; some statements do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update: Option<String>,
}

impl StapleRecord {
    /// Reads a response in DER; an empty one was not sent.
    pub(super) fn read(der: &[u8]) -> Self {
        if der.is_empty() {
            return Self::default();
        }
        single_response(der).unwrap_or(Self { sent: true, ..Self::default() })
    }
}

// OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] { type, OCTET STRING of BasicOCSPResponse } }
// BasicOCSPResponse ::= SEQUENCE { ResponseData, ... }
// ResponseData ::= SEQUENCE { version [0] OPTIONAL, responderID [1] or [2], producedAt, responses SEQUENCE OF SingleResponse, ... }
// SingleResponse ::= SEQUENCE { certID, certStatus [0] good, [1] revoked or [2] unknown, thisUpdate, nextUpdate [0] OPTIONAL, ... }
fn single_response(der: &[u8]) -> Option<StapleRecord> {
    let response = members(members(der)?.first()?.data)?;
    if response.first()?.data != [0] {
        return None;
    }
    let typed = members(members(response.get(1)?.data)?.first()?.data)?;
    let basic = members(members(typed.get(1)?.data)?.first()?.data)?;
    let data = members(basic.first()?.data)?;
    let responses = data.iter().find(|member| member.tag() == Tag::Sequence)?;
    let single = members(members(responses.data)?.first()?.data)?;
    let status = match single.get(1)?.tag().0 {
        0 => "good",
        1 => "revoked",
        _ => "unknown",
    };
    let next = single.get(3).filter(|member| member.tag().0 == 0).map(|member| members(member.data));
    Some(StapleRecord {
        sent: true,
        status: Some(status),
        this_update: time(single.get(2)?.data),
        next_update: next.flatten().and_then(|next| time(next.first()?.data)),
    })
}

// What follows one another in DER.
fn members(mut der: &[u8]) -> Option<Vec<Any<'_>>> {
    let mut members = Vec::new();
    while !der.is_empty() {
        let (rest, member) = Any::from_der(der).ok()?;
        members.push(member);
        der = rest;
    }
    Some(members)
}

// GeneralizedTime in the one form that RFC 6960 allows: YYYYMMDDHHMMSSZ.
fn time(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let digits = text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize, to: usize| &text[from..to];
    digits.then(|| format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u8::try_from(content.len()).unwrap();
        let head = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
        [head, content].concat()
    }

    fn response(status: &[u8], next: Option<&[u8]>) -> Vec<u8> {
        let at = |text: &[u8]| tlv(0x18, &[text]);
        let next = next.map_or_else(Vec::new, |next| tlv(0xa0, &[&at(next)]));
        let single = tlv(0x30, &[&tlv(0x30, &[&[2, 1, 7]]), status, &at(b"20260501000000Z"), &next]);
        let data = tlv(0x30, &[&tlv(0xa2, &[&tlv(4, &[b"key"])]), &at(b"20260501000000Z"), &tlv(0x30, &[&single])]);
        let basic = tlv(0x30, &[&data, &tlv(0x30, &[]), &[3, 1, 0]]);
        tlv(0x30, &[&[10, 1, 0], &tlv(0xa0, &[&tlv(0x30, &[&[6, 1, 42], &tlv(4, &[&basic])])])])
    }

    fn read(der: &[u8]) -> serde_json::Value {
        serde_json::to_value(StapleRecord::read(der)).unwrap()
    }

    #[test]
    fn what_a_staple_says_is_read() {
        let good = response(&[0x80, 0], Some(b"20260508000000Z"));
        let told = json!({"sent": true, "status": "good", "this_update": "2026-05-01T00:00:00Z", "next_update": "2026-05-08T00:00:00Z"});
        assert_eq!(read(&good), told);
        let revoked = response(&tlv(0xa1, &[&tlv(0x18, &[b"20260401000000Z"])]), None);
        assert_eq!(read(&revoked), json!({"sent": true, "status": "revoked", "this_update": "2026-05-01T00:00:00Z"}));
        assert_eq!(read(&response(&[0x82, 0], None))["status"], "unknown");
    }

    #[test]
    fn none_and_one_that_cannot_be_read_are_told_apart() {
        assert_eq!(read(&[]), json!({"sent": false}));
        // The responder asks to try later.
        assert_eq!(read(&tlv(0x30, &[&[10, 1, 3]])), json!({"sent": true}));
        let good = response(&[0x80, 0], None);
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0xff;
            assert_eq!(read(&damaged)["sent"], true);
            read(&good[..at]);
        }
    }
}
