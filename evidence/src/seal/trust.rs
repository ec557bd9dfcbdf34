//! The trust file: which keys may sign which bundles, for how long, and whose time stamps count.
//!
//! It is the reader's. Verification takes keys and roots from here and from nowhere else; what a bundle says of its own
//! signer is worth nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span};
use proofbook_controls::yaml::{self, Spanned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use schemars::JsonSchema;
use serde::Deserialize;

use super::key::PublicKey;
use crate::deviation::DeviationKind;

/// A trust file as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustFile {
    /// The keys that may sign bundles.
    #[serde(default)]
    pub keys: Vec<TrustedKeyEntry>,
    /// The authorities whose time stamps count.
    #[serde(default)]
    pub timestamp_authorities: Vec<AuthorityEntry>,
}

/// A key that may sign bundles.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedKeyEntry {
    /// SHA-256 of the key's SubjectPublicKeyInfo in lower-case hex: `openssl pkey -pubin -in KEY -outform DER | sha256sum`.
    pub id: Spanned<String>,
    /// Whose key it is, in words for the report.
    pub owner: String,
    /// The key, as `openssl pkey -pubout` prints it.
    pub public_key: String,
    /// The first moment of its time, RFC 3339.
    #[schemars(with = "String")]
    pub not_before: Timestamp,
    /// The last moment of its time, RFC 3339. A signature counts beyond it if a time stamp shows that it was made before.
    #[schemars(with = "String")]
    pub not_after: Timestamp,
    /// From when on the key may be in other hands, RFC 3339. A signature counts only if a time stamp shows that it was made before.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked.
    #[serde(default)]
    pub revocation_reason: Option<String>,
    /// The workspaces that it may sign for; all where nothing is said.
    #[serde(default)]
    pub workspaces: Option<BTreeSet<String>>,
    /// The environments that it may sign for; all where nothing is said.
    #[serde(default)]
    pub environments: Option<BTreeSet<String>>,
}

/// An authority whose time stamps count.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorityEntry {
    /// Its name, for the report.
    pub name: Spanned<String>,
    /// Its root certificates in PEM, one after the other.
    pub roots: String,
}

/// A trust file that was read and holds together.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Where it was read from, for the report.
    pub name: String,
    keys: Vec<TrustedKey>,
    authorities: Vec<Authority>,
}

/// A key with what it is trusted for.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// What the file says of it.
    pub entry: TrustedKeyEntry,
}

/// An authority with its roots.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Its name.
    pub name: String,
    anchors: Vec<TrustAnchor<'static>>,
}

impl Authority {
    pub(super) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }
}

impl Trust {
    /// Reads a trust file.
    ///
    /// # Errors
    /// All faults: keys that cannot be read, ids that are not those of their keys, times out of order, roots that are none.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        let read: TrustFile = yaml::parse(file, text).map_err(Diagnostics::from)?;
        let mut errors = Diagnostics::default();
        let mut fault = |span, message: String, help: &str| {
            errors.push(Diagnostic::new("trust", file, message).at(span).help(help).with_source(text));
        };
        let mut trust = Self { name: file.to_owned(), keys: Vec::new(), authorities: Vec::new() };
        let mut known = BTreeSet::new();
        for entry in read.keys {
            if !known.insert(entry.id.value.clone()) {
                fault(entry.id.span, format!("the key `{}` is there twice", entry.id.value), "say once what it is trusted for");
            }
            trust.keys.extend(trusted(entry, &mut fault));
        }
        for entry in read.timestamp_authorities {
            trust.authorities.extend(authority(entry, &mut fault));
        }
        if trust.keys.is_empty() && trust.authorities.is_empty() {
            fault(Span::START, "the file trusts nobody".to_owned(), "name at least one key or one time-stamping authority");
        }
        errors.into_result(trust)
    }

    /// The authorities whose time stamps count.
    #[must_use]
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// The key of an id.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&TrustedKey> {
        self.keys.iter().find(|known| known.entry.id.value == id)
    }
}

impl TrustedKey {
    /// Whether a signature of the key counts for a run, given the moment by which a time stamp shows that it was there, and that of
    /// the reader. Within the key's time the reader's moment is enough; a revocation is undone by a stamp alone.
    ///
    /// # Errors
    /// The reason why not.
    pub fn counts(
        &self,
        workspace: &str,
        environment: &str,
        run: Timestamp,
        stamped: Option<Timestamp>,
        at: Option<Timestamp>,
    ) -> Result<(), (DeviationKind, String)> {
        let TrustedKeyEntry { not_before, not_after, revoked_at, workspaces, environments, .. } = &self.entry;
        let may = |names: &Option<BTreeSet<String>>, name: &str| names.as_ref().is_none_or(|names| names.contains(name));
        if !may(workspaces, workspace) || !may(environments, environment) {
            let detail = format!("the key is not trusted for {workspace}/{environment}");
            return Err((DeviationKind::KeyOutOfScope, detail));
        }
        if run < *not_before {
            return Err((DeviationKind::KeyNotYetValid, format!("the run is of {run}, and the key's time begins at {not_before}")));
        }
        if let Some(revoked_at) = revoked_at.filter(|revoked_at| stamped.is_none_or(|stamped| stamped >= *revoked_at)) {
            let why = self.entry.revocation_reason.as_deref().unwrap_or("no reason is given");
            let detail = format!("the key was revoked at {revoked_at} ({why}), and no time stamp shows that the signature is older");
            return Err((DeviationKind::KeyRevoked, detail));
        }
        // Without a stamp nothing shows that it is older than this moment; without a moment, than the end of time.
        if stamped.or(at).unwrap_or(Timestamp::MAX) > *not_after {
            let detail = format!("the key's time ended at {not_after}, and no time stamp shows that the signature is older");
            return Err((DeviationKind::KeyExpired, detail));
        }
        Ok(())
    }
}

type Report<'e> = dyn FnMut(Span, String, &str) + 'e;

fn trusted(entry: TrustedKeyEntry, fault: &mut Report<'_>) -> Option<TrustedKey> {
    let span = entry.id.span;
    let key = match PublicKey::from_pem(entry.public_key.as_bytes()) {
        Ok(key) => key,
        Err(error) => {
            fault(span, error.to_string(), "write the public key as a block (`|`) in PEM");
            return None;
        }
    };
    if key.id() != entry.id.value {
        fault(span, format!("the key that stands here has the id {}", key.id()), "one of the two is another key's");
    }
    if entry.not_after <= entry.not_before {
        fault(span, "the key's time ends before it begins".to_owned(), "set `not_after` after `not_before`");
    }
    if entry.revocation_reason.is_some() && entry.revoked_at.is_none() {
        fault(span, "a reason for a revocation without its time".to_owned(), "set `revoked_at`");
    }
    if entry.owner.trim().is_empty() {
        fault(span, "`owner` is empty".to_owned(), "say whose key it is");
    }
    Some(TrustedKey { key, entry })
}

fn authority(entry: AuthorityEntry, fault: &mut Report<'_>) -> Option<Authority> {
    let span = entry.name.span;
    let mut anchors = Vec::new();
    for found in CertificateDer::pem_slice_iter(entry.roots.as_bytes()) {
        let anchor = found.map_err(|error| error.to_string()).and_then(|certificate| {
            let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|error| error.to_string())?;
            Ok(anchor.to_owned())
        });
        match anchor {
            Ok(anchor) => anchors.push(anchor),
            Err(error) => fault(span, format!("a root of `{}` cannot be read: {error}", entry.name.value), "write certificates in PEM"),
        }
    }
    if anchors.is_empty() {
        fault(span, format!("`{}` has no root certificate", entry.name.value), "write its roots as a block (`|`) in PEM");
        return None;
    }
    Some(Authority { name: entry.name.value, anchors })
}
