//! Keys of signatures: Ed25519, and ECDSA on P-256 with SHA-256, as `openssl` writes them.
//!
//! Keys are made by `openssl` or by the machine that holds them, never here. Only one form of each is read (PKCS#8 and
//! SubjectPublicKeyInfo, both as PEM, points uncompressed), so that a key has one id.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, UnparsedPublicKey,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::Serialize;

use crate::bundle::manifest::sha256_hex;

/// The algorithms that signatures are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5); signatures in DER.
    EcdsaP256,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::EcdsaP256 => "ECDSA P-256",
        })
    }
}

// What stands before the key itself in the SubjectPublicKeyInfo of each algorithm (RFC 8410, RFC 5480).
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No public key in PEM.
    #[error("no public key in PEM; write it with `openssl pkey -in KEY -pubout`")]
    NoPublicKey,
    /// Another kind of public key.
    #[error("the public key is neither Ed25519 nor an uncompressed point of P-256; these two can be used")]
    PublicKind,
    /// No private key in PEM.
    #[error("no private key in PKCS#8 PEM; make one with `openssl genpkey -algorithm ed25519`")]
    NoPrivateKey,
    /// A key under a passphrase.
    #[error("the private key is under a passphrase; take it off with `openssl pkcs8`, or let a signer command hold the key")]
    Encrypted,
    /// The older form of EC keys.
    #[error("the private key is in the older form `EC PRIVATE KEY`; convert it with `openssl pkcs8 -topk8 -nocrypt`")]
    Sec1,
    /// Another kind of private key.
    #[error("the private key is neither Ed25519 nor on P-256; these two can be used")]
    PrivateKind,
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    spki: Vec<u8>,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.id())
    }
}

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// No such key, or one of another kind.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| KeyError::NoPublicKey)?;
        Self::from_spki(&spki)
    }

    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// A key of another kind.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let of = |prefix: &[u8], length: usize| spki.len() == prefix.len() + length && spki.starts_with(prefix);
        let algorithm = if of(ED25519_SPKI, 32) {
            Algorithm::Ed25519
        } else if of(P256_SPKI, 65) && spki[P256_SPKI.len()] == 4 {
            Algorithm::EcdsaP256
        } else {
            return Err(KeyError::PublicKind);
        };
        Ok(Self { algorithm, spki: spki.to_vec() })
    }

    fn from_raw(algorithm: Algorithm, raw: &[u8]) -> Self {
        Self { algorithm, spki: [prefix(algorithm), raw].concat() }
    }

    /// The key's id: SHA-256 of its SubjectPublicKeyInfo in lower-case hex.
    #[must_use]
    pub fn id(&self) -> String {
        sha256_hex(&self.spki)
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key without what says its kind: 32 bytes of Ed25519, or an uncompressed point.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.spki[prefix(self.algorithm).len()..]
    }

    /// Whether the signature is one of this key over the message.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, self.raw()).verify(message, signature).is_ok(),
            Algorithm::EcdsaP256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.raw()).verify(message, signature).is_ok(),
        }
    }
}

const fn prefix(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Ed25519 => ED25519_SPKI,
        Algorithm::EcdsaP256 => P256_SPKI,
    }
}

/// Why something was not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The signer says no.
    #[error("signing: {0}")]
    Refused(String),
    /// What came is no signature of the key that was announced.
    #[error("what the signer gave is no {algorithm} signature of the key {key} over what it was handed")]
    NotOurs {
        /// The key.
        key: String,
        /// Its algorithm.
        algorithm: Algorithm,
    },
    /// Minisign knows Ed25519 alone.
    #[error("a signature in the form of minisign takes an Ed25519 key, and this one is {0}")]
    Minisign(Algorithm),
}

/// Whoever signs: a key at hand, or a machine that holds one.
pub trait Signer {
    /// The key that signatures are checked with.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message.
    ///
    /// # Errors
    /// Where no signature came.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Signs, and holds the signature to the key: a signature that nobody can check is never written.
pub(crate) fn signed(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = signer.sign(message)?;
    let key = signer.public_key();
    if key.verifies(message, &signature) { Ok(signature) } else { Err(SignError::NotOurs { key: key.id(), algorithm: key.algorithm() }) }
}

/// A private key at hand.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "private key of {:?}", self.public)
    }
}

impl PrivateKey {
    /// Reads `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    /// No such key, or one that cannot be used; the text of the error holds nothing of the key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let Ok(pkcs8) = PrivatePkcs8KeyDer::from_pem_slice(pem) else {
            let has = |label: &[u8]| pem.windows(label.len()).any(|window| window == label);
            return Err(if has(b"BEGIN ENCRYPTED PRIVATE KEY") {
                KeyError::Encrypted
            } else if has(b"BEGIN EC PRIVATE KEY") {
                KeyError::Sec1
            } else {
                KeyError::NoPrivateKey
            });
        };
        let pkcs8 = pkcs8.secret_pkcs8_der();
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(pkcs8) {
            let public = PublicKey::from_raw(Algorithm::Ed25519, pair.public_key().as_ref());
            return Ok(Self { pair: Pair::Ed25519(pair), public });
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map_err(|_| KeyError::PrivateKind)?;
        let public = PublicKey::from_raw(Algorithm::EcdsaP256, pair.public_key().as_ref());
        Ok(Self { pair: Pair::EcdsaP256(pair), public })
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.try_sign(message),
            Pair::EcdsaP256(pair) => pair.sign(&SystemRandom::new(), message),
        };
        let signature = signature.map_err(|_| SignError::Refused("the key at hand does not sign".to_owned()))?;
        Ok(signature.as_ref().to_vec())
    }
}
