//! The request for a time stamp (RFC 3161, section 2.4.1): a digest, a nonce, and that the certificates shall come along.

use der::asn1::ObjectIdentifier;

use super::der::{BOOLEAN, Element, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, element};
use crate::bundle::manifest::sha256;

/// SHA-256 (NIST).
pub(super) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// SHA-256 of what shall be stamped.
    pub digest: [u8; 32],
    // The content of the INTEGER; none in a request of another program.
    pub(super) nonce: Option<Vec<u8>>,
    // The content of the OBJECT IDENTIFIER.
    pub(super) policy: Option<Vec<u8>>,
}

impl Request {
    /// A request over the SHA-256 of these bytes.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn over(bytes: &[u8], random: [u8; 8], policy: Option<&str>) -> Result<Self, String> {
        Self::new(sha256(bytes), random, policy)
    }

    /// A request with eight random bytes, under a policy of the authority where one is asked for.
    ///
    /// # Errors
    /// A policy that is no object identifier, in words.
    pub fn new(digest: [u8; 32], random: [u8; 8], policy: Option<&str>) -> Result<Self, String> {
        let policy = policy.map(|text| {
            let known = ObjectIdentifier::new(text);
            known.map(|oid| oid.as_bytes().to_vec()).map_err(|_| format!("`{text}` is no object identifier, such as 1.2.3.4"))
        });
        // A positive INTEGER in its shortest form: the first bit is zero, and the first nine are not all zero.
        let mut nonce = random;
        nonce[0] = nonce[0] & 0x7f | 0x40;
        Ok(Self { digest, nonce: Some(nonce.to_vec()), policy: policy.transpose()? })
    }

    /// Whether both ask for the same: the nonce alone may differ.
    #[must_use]
    pub fn asks_the_same(&self, other: &Self) -> bool {
        self.digest == other.digest && self.policy == other.policy
    }

    /// The request as it is sent.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let algorithm = element(SEQUENCE, &[&element(OID, &[SHA256.as_bytes()]), &element(NULL, &[])]);
        let imprint = element(SEQUENCE, &[&algorithm, &element(OCTET_STRING, &[&self.digest])]);
        let policy = self.policy.as_ref().map(|policy| element(OID, &[policy])).unwrap_or_default();
        let nonce = self.nonce.as_ref().map(|nonce| element(INTEGER, &[nonce])).unwrap_or_default();
        element(SEQUENCE, &[&element(INTEGER, &[&[1]]), &imprint, &policy, &nonce, &element(BOOLEAN, &[&[0xff]])])
    }

    /// Reads a request.
    ///
    /// # Errors
    /// What is no request over a SHA-256, in words.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        const WHAT: &str = "the request";
        let mut fields = Element::only(bytes, SEQUENCE, WHAT)?.fields(WHAT)?;
        if fields.required(INTEGER)?.value != [1] {
            return Err(format!("{WHAT}: not of version 1"));
        }
        let digest = imprint(fields.required(SEQUENCE)?)?;
        let policy = fields.optional(OID)?.map(|policy| policy.value.to_vec());
        let nonce = fields.optional(INTEGER)?.map(|nonce| nonce.value.to_vec());
        if let Some(flag) = fields.optional(BOOLEAN)?
            && !matches!(flag.value, [0 | 0xff])
        {
            return Err(format!("{WHAT}: a truth value that is neither"));
        }
        fields.end()?;
        Ok(Self { digest, nonce, policy })
    }
}

/// Reads a message imprint; only SHA-256 is one.
pub(super) fn imprint(of: Element<'_>) -> Result<[u8; 32], String> {
    const WHAT: &str = "the message imprint";
    let mut fields = of.fields(WHAT)?;
    let algorithm = algorithm(fields.required(SEQUENCE)?)?;
    let digest = fields.required(OCTET_STRING)?.value;
    fields.end()?;
    if algorithm != SHA256.as_bytes() {
        return Err(format!("{WHAT}: not by SHA-256"));
    }
    digest.try_into().map_err(|_| format!("{WHAT}: {} bytes are no SHA-256", digest.len()))
}

/// The content of the OBJECT IDENTIFIER of an AlgorithmIdentifier; digests and signatures take no parameters but NULL.
pub(super) fn algorithm(of: Element<'_>) -> Result<&[u8], String> {
    const WHAT: &str = "an algorithm";
    let mut fields = of.fields(WHAT)?;
    let algorithm = fields.required(OID)?.value;
    if let Some(parameters) = fields.any()?
        && parameters.tag != NULL
    {
        return Err(format!("{WHAT}: with parameters that are not known here (RSASSA-PSS is not)"));
    }
    fields.end()?;
    Ok(algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_as_it_was() {
        for policy in [None, Some("1.2.3.4.1")] {
            for random in [[0; 8], [0xff; 8]] {
                let request = Request::new([7; 32], random, policy).unwrap();
                let bytes = request.to_der();
                assert_eq!(Request::read(&bytes).unwrap(), request);
                for cut in 0..bytes.len() {
                    assert!(Request::read(&bytes[..cut]).is_err());
                }
                assert!(Request::read(&[&bytes[..], &[0]].concat()).is_err());
            }
        }
        assert!(Request::new([7; 32], [1; 8], Some("no oid")).is_err());
    }
}
