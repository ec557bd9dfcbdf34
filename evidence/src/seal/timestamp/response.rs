//! The answer of an authority, taken apart (RFC 3161 section 2.4.2, CMS of RFC 5652): what it says, and over which bytes.
//!
//! Nothing is judged here but the form. Signatures and digests are over raw bytes, so the parts keep theirs.

use der::asn1::ObjectIdentifier;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::der::{
    BIT_STRING, BOOLEAN, CONTEXT, CONTEXT_PRIMITIVE, Element, Fields, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE, SET,
};
use super::request::{algorithm, imprint};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// The content type of a token.
pub(super) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// An answer.
#[derive(Debug)]
pub(super) struct Response<'a> {
    /// 0 granted, 1 granted with changes, anything else refused.
    pub(super) status: u64,
    /// What the authority says to it.
    pub(super) words: Vec<String>,
    pub(super) token: Option<Token<'a>>,
}

/// A token: CMS SignedData by one signer around a [`TstInfo`].
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// The bytes of the TSTInfo, which were signed by way of a digest.
    pub(super) content: &'a [u8],
    pub(super) info: TstInfo,
    /// The certificates that came along, each in DER.
    pub(super) certificates: Vec<&'a [u8]>,
    pub(super) signer: Signer<'a>,
}

/// What a token says.
#[derive(Debug)]
pub(super) struct TstInfo {
    pub(super) policy: Vec<u8>,
    pub(super) digest: [u8; 32],
    pub(super) serial: Vec<u8>,
    pub(super) time: Timestamp,
    /// In microseconds.
    pub(super) accuracy: Option<u64>,
    pub(super) nonce: Option<Vec<u8>>,
}

/// Who signed a token, and how.
#[derive(Debug)]
pub(super) struct Signer<'a> {
    pub(super) certificate: SignerId<'a>,
    pub(super) digest_algorithm: &'a [u8],
    /// The whole element of the signed attributes, with its implicit tag.
    pub(super) attributes: &'a [u8],
    pub(super) signature_algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

/// How the signer's certificate is named.
#[derive(Clone, Copy, Debug)]
pub(super) enum SignerId<'a> {
    /// By issuer (the whole name) and the content of its serial number.
    Issuer { name: &'a [u8], serial: &'a [u8] },
    /// By its subject key identifier.
    Key(&'a [u8]),
}

/// Takes an answer apart.
pub(super) fn read(bytes: &[u8]) -> Result<Response<'_>, String> {
    const WHAT: &str = "the answer";
    let mut fields = Element::only(bytes, SEQUENCE, WHAT)?.fields(WHAT)?;
    let mut about = fields.required(SEQUENCE)?.fields("the status")?;
    let status = unsigned(about.required(INTEGER)?.value).ok_or("the status: no small number")?;
    let mut words = Vec::new();
    if let Some(texts) = about.optional(SEQUENCE)? {
        let mut texts = texts.fields("the status")?;
        while let Some(text) = texts.any()? {
            words.push(String::from_utf8_lossy(text.value).chars().filter(|c| !c.is_control()).take(200).collect());
        }
    }
    about.optional(BIT_STRING)?;
    about.end()?;
    let token = fields.optional(SEQUENCE)?.map(token).transpose()?;
    fields.end()?;
    Ok(Response { status, words, token })
}

fn token(of: Element<'_>) -> Result<Token<'_>, String> {
    const WHAT: &str = "the token";
    let mut fields = of.fields(WHAT)?;
    if fields.required(OID)?.value != SIGNED_DATA.as_bytes() {
        return Err(format!("{WHAT}: no CMS SignedData"));
    }
    let signed = Element::only(fields.required(CONTEXT)?.value, SEQUENCE, WHAT)?;
    fields.end()?;
    let mut fields = signed.fields(WHAT)?;
    fields.required(INTEGER)?;
    fields.required(SET)?;
    let content = content(fields.required(SEQUENCE)?)?;
    let mut certificates = Vec::new();
    if let Some(set) = fields.optional(CONTEXT)? {
        let mut set = set.fields("the certificates")?;
        while let Some(certificate) = set.any()? {
            // Other choices are attribute certificates and the like, which no chain needs.
            if certificate.tag == SEQUENCE {
                certificates.push(certificate.raw);
            }
        }
    }
    fields.optional(CONTEXT | 1)?;
    let mut signers = fields.required(SET)?.fields("the signers")?;
    fields.end()?;
    let signer = signer(signers.required(SEQUENCE)?)?;
    signers.end()?;
    Ok(Token { content, info: info(content)?, certificates, signer })
}

fn content(of: Element<'_>) -> Result<&[u8], String> {
    const WHAT: &str = "the token's content";
    let mut fields = of.fields(WHAT)?;
    if fields.required(OID)?.value != TST_INFO.as_bytes() {
        return Err(format!("{WHAT}: no time stamp"));
    }
    let content = Element::only(fields.required(CONTEXT)?.value, OCTET_STRING, WHAT)?;
    fields.end()?;
    Ok(content.value)
}

fn info(bytes: &[u8]) -> Result<TstInfo, String> {
    const WHAT: &str = "the time stamp";
    let mut fields = Element::only(bytes, SEQUENCE, WHAT)?.fields(WHAT)?;
    if fields.required(INTEGER)?.value != [1] {
        return Err(format!("{WHAT}: not of version 1"));
    }
    let policy = fields.required(OID)?.value.to_vec();
    let digest = imprint(fields.required(SEQUENCE)?)?;
    let serial = fields.required(INTEGER)?.value.to_vec();
    let time = gen_time(fields.required(GENERALIZED_TIME)?.value).ok_or_else(|| format!("{WHAT}: the time is none"))?;
    let accuracy = fields.optional(SEQUENCE)?.map(accuracy).transpose()?;
    fields.optional(BOOLEAN)?;
    let nonce = fields.optional(INTEGER)?.map(|nonce| nonce.value.to_vec());
    fields.optional(CONTEXT)?;
    fields.optional(CONTEXT | 1)?;
    fields.end()?;
    Ok(TstInfo { policy, digest, serial, time, accuracy, nonce })
}

// Seconds, milliseconds, microseconds; each may be left out.
fn accuracy(of: Element<'_>) -> Result<u64, String> {
    const WHAT: &str = "the accuracy";
    let mut fields = of.fields(WHAT)?;
    let mut micros: u64 = 0;
    for (tag, unit) in [(INTEGER, 1_000_000), (CONTEXT_PRIMITIVE, 1_000), (CONTEXT_PRIMITIVE | 1, 1)] {
        if let Some(part) = fields.optional(tag)? {
            let part = unsigned(part.value).and_then(|part| part.checked_mul(unit));
            micros = part.and_then(|part| micros.checked_add(part)).ok_or_else(|| format!("{WHAT}: no small number"))?;
        }
    }
    fields.end()?;
    Ok(micros)
}

fn signer(of: Element<'_>) -> Result<Signer<'_>, String> {
    const WHAT: &str = "the signer";
    let mut fields = of.fields(WHAT)?;
    fields.required(INTEGER)?;
    let certificate = match fields.optional(SEQUENCE)? {
        Some(issuer) => issuer_and_serial(issuer.fields(WHAT)?)?,
        None => SignerId::Key(fields.required(CONTEXT_PRIMITIVE)?.value),
    };
    let digest_algorithm = algorithm(fields.required(SEQUENCE)?)?;
    let attributes = fields.required(CONTEXT)?.raw;
    let signature_algorithm = algorithm(fields.required(SEQUENCE)?)?;
    let signature = fields.required(OCTET_STRING)?.value;
    fields.optional(CONTEXT | 1)?;
    fields.end()?;
    Ok(Signer { certificate, digest_algorithm, attributes, signature_algorithm, signature })
}

fn issuer_and_serial(mut fields: Fields<'_>) -> Result<SignerId<'_>, String> {
    let name = fields.required(SEQUENCE)?.raw;
    let serial = fields.required(INTEGER)?.value;
    fields.end()?;
    Ok(SignerId::Issuer { name, serial })
}

/// The value of a signed attribute; it must be there once, with one value.
pub(super) fn attribute(attributes: &[u8], wanted: ObjectIdentifier) -> Result<Option<Element<'_>>, String> {
    const WHAT: &str = "the signed attributes";
    let mut all = Element::only(attributes, CONTEXT, WHAT)?.fields(WHAT)?;
    let mut found = None;
    while let Some(attribute) = all.any()? {
        let mut fields = attribute.fields(WHAT)?;
        if fields.required(OID)?.value != wanted.as_bytes() {
            continue;
        }
        let mut values = fields.required(SET)?.fields(WHAT)?;
        let value = values.any()?.ok_or_else(|| format!("{WHAT}: {wanted} has no value"))?;
        values.end()?;
        fields.end()?;
        if found.replace(value).is_some() {
            return Err(format!("{WHAT}: {wanted} is there twice"));
        }
    }
    Ok(found)
}

fn unsigned(content: &[u8]) -> Option<u64> {
    let significant = if let [0, rest @ ..] = content { rest } else { content };
    let small = !content.is_empty() && content[0] < 0x80 && significant.len() <= 7;
    small.then(|| significant.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

// `YYYYMMDDhhmmss[.f…]Z`, as RFC 3161 asks for; fractions beyond the microsecond are cut.
fn gen_time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || fraction.is_some_and(|fraction| fraction.is_empty() || !digits(fraction)) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole[range].parse::<i16>().ok();
    let small = |range: std::ops::Range<usize>| whole[range].parse::<i8>().ok();
    let date = Date::new(part(0..4)?, small(4..6)?, small(6..8)?).ok()?;
    let micros: String = fraction.unwrap_or_default().chars().chain(std::iter::repeat('0')).take(6).collect();
    let nanos = micros.parse::<i32>().ok()? * 1000;
    let time = jiff::civil::Time::new(small(8..10)?, small(10..12)?, small(12..14)?, nanos).ok()?;
    Some(date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_microsecond_and_only_in_the_form_of_the_standard() {
        let read = |text: &str| gen_time(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(read("20260601030405Z").as_deref(), Some("2026-06-01T03:04:05Z"));
        assert_eq!(read("20260601030405.5Z").as_deref(), Some("2026-06-01T03:04:05.5Z"));
        assert_eq!(read("20260601030405.1234567Z").as_deref(), Some("2026-06-01T03:04:05.123456Z"));
        for text in
            ["", "Z", "20260601030405", "202606010304Z", "20260601030405.Z", "20261301030405Z", "20260230030405Z", "2026060103040+Z"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_small_and_positive() {
        for (content, number) in
            [(&[0][..], Some(0)), (&[0, 200], Some(200)), (&[1, 0], Some(256)), (&[], None), (&[0x80], None), (&[1; 8], None)]
        {
            assert_eq!(unsigned(content), number, "{content:?}");
        }
    }
}
