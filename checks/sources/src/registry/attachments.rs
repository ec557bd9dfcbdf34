//! What is attached to an image: signatures and attestations, by the referrers API and by the tags of cosign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::client::{Client, Manifest};
use super::notation;
use super::sigstore::{LogEntry, Signature, Signer, Trust, certificates, pre_authentication};
use super::statement::statement;
use crate::clock::our_clock;
use crate::observed::Unread;

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// The statement that a signature of the bundle form signs.
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

/// What is attached to one digest.
#[derive(Clone, Debug, Default)]
pub(super) struct Attachments {
    pub signatures: Vec<Json>,
    pub attestations: Vec<Json>,
}

/// Where attachments of an image are looked for.
pub(super) struct Search<'s> {
    pub client: &'s Client,
    pub trust: &'s Trust,
    pub repository: &'s str,
    pub digest: &'s str,
}

impl Search<'_> {
    /// Reads all that is attached.
    pub(super) async fn all(&self) -> Result<Attachments, Unread> {
        let mut found = Attachments::default();
        for referrer in self.client.referrers(self.repository, self.digest).await? {
            let kind = referrer["artifactType"].as_str().unwrap_or_default();
            let digest = referrer["digest"].as_str().unwrap_or_default();
            let manifest = self.client.manifest(self.repository, digest).await?;
            if kind.starts_with(notation::KIND) {
                found.signatures.push(self.notation(manifest.as_ref()).await?.to_json("notation"));
            } else if let Some(manifest) = manifest {
                self.layers(&manifest, "referrers", &mut found).await?;
            }
        }
        for suffix in ["sig", "att"] {
            let tag = format!("{}.{suffix}", self.digest.replace(':', "-"));
            if let Some(manifest) = self.client.manifest(self.repository, &tag).await? {
                self.layers(&manifest, "tag", &mut found).await?;
            }
        }
        Ok(found)
    }

    /// Reads the layers of a manifest that are signatures or statements; what is something else is passed over.
    pub(super) async fn layers(&self, manifest: &Manifest, found_by: &str, out: &mut Attachments) -> Result<(), Unread> {
        for layer in manifest.body["layers"].as_array().into_iter().flatten() {
            let kind = layer["mediaType"].as_str().unwrap_or_default();
            if ![SIMPLE_SIGNING, ENVELOPE, IN_TOTO].contains(&kind) && !kind.starts_with(BUNDLE) {
                continue;
            }
            let digest = layer["digest"].as_str().unwrap_or_default();
            let blob = self.client.blob(self.repository, digest).await?;
            match kind {
                SIMPLE_SIGNING => out.signatures.push(self.simple(&blob, &layer["annotations"]).to_json(&format!("cosign-{found_by}"))),
                IN_TOTO => self.attest(&blob, &unsigned(), found_by, out),
                ENVELOPE => self.envelope(&parse(&blob)?, &layer["annotations"], found_by, out),
                _ => self.bundle(&parse(&blob)?, found_by, out),
            }
        }
        Ok(())
    }

    // A signature of Notation is the one layer of its manifest.
    async fn notation(&self, manifest: Option<&Manifest>) -> Result<Signer, Unread> {
        let Some([layer]) = manifest.and_then(|manifest| manifest.body["layers"].as_array()).map(Vec::as_slice) else {
            return Ok(Signer { problem: "the signature is not there, or has not the form of one".to_owned(), ..Signer::default() });
        };
        let now = Timestamp::try_from(our_clock()).map_err(|_| Unread::new(Reason::RuleError, "this machine has no time"))?;
        let envelope = self.client.blob(self.repository, layer["digest"].as_str().unwrap_or_default()).await?;
        let kind = layer["mediaType"].as_str().unwrap_or_default();
        Ok(notation::judge(kind, &envelope, self.digest, &self.trust.notation, now))
    }

    // A simple-signing payload; its signature stands beside it.
    fn simple(&self, payload: &[u8], beside: &Json) -> Signer {
        let text = |key: &str| beside[key].as_str();
        let Some(signature) = text("dev.cosignproject.cosign/signature") else {
            return Signer { problem: "no signature goes with the payload".to_owned(), ..Signer::default() };
        };
        let said: Json = serde_json::from_slice(payload).unwrap_or_default();
        if said["critical"]["image"]["docker-manifest-digest"] != self.digest {
            return Signer { problem: "the signature is of another image".to_owned(), ..Signer::default() };
        }
        self.trust.judge(&Signature { message: payload, payload, signature, ..beside_signature(beside) })
    }

    fn envelope(&self, envelope: &Json, beside: &Json, found_by: &str, out: &mut Attachments) {
        let Some(payload) = envelope["payload"].as_str().and_then(|text| STANDARD.decode(text).ok()) else { return };
        let kind = envelope["payloadType"].as_str().unwrap_or_default();
        let message = pre_authentication(kind, &payload);
        let signatures = envelope["signatures"].as_array().into_iter().flatten().filter_map(|told| told["sig"].as_str());
        let judged = signatures
            .map(|signature| self.trust.judge(&Signature { message: &message, payload: &payload, signature, ..beside_signature(beside) }));
        self.attest(&payload, &best(judged), found_by, out);
    }

    fn bundle(&self, bundle: &Json, found_by: &str, out: &mut Attachments) {
        let material = &bundle["verificationMaterial"];
        let of_chain = material["x509CertificateChain"]["certificates"].as_array();
        let raw = std::iter::once(&material["certificate"]).chain(of_chain.into_iter().flatten());
        let certificates: Vec<Vec<u8>> = raw.filter_map(|told| STANDARD.decode(told["rawBytes"].as_str()?).ok()).collect();
        let log_entry = material["tlogEntries"].as_array().and_then(|entries| LogEntry::of_bundle(entries.first()?));
        let envelope = &bundle["dsseEnvelope"];
        let Some(payload) = envelope["payload"].as_str().and_then(|text| STANDARD.decode(text).ok()) else { return };
        let message = pre_authentication(envelope["payloadType"].as_str().unwrap_or_default(), &payload);
        let signatures = envelope["signatures"].as_array().into_iter().flatten().filter_map(|told| told["sig"].as_str());
        let judged = signatures.map(|signature| {
            let (certificates, log_entry) = (certificates.clone(), log_entry.clone());
            self.trust.judge(&Signature { message: &message, payload: &payload, signature, certificates, log_entry })
        });
        self.attest(&payload, &best(judged), found_by, out);
    }

    // A statement about subjects; one that only says "signed" is a signature.
    fn attest(&self, payload: &[u8], signer: &Signer, found_by: &str, out: &mut Attachments) {
        let Ok(told) = serde_json::from_slice::<Json>(payload) else { return };
        let hex = self.digest.trim_start_matches("sha256:");
        let about = told["subject"].as_array().into_iter().flatten().any(|subject| subject["digest"]["sha256"] == hex);
        let mut signer = signer.clone();
        if !about {
            signer.verified = false;
            signer.problem = "the statement is about another image".to_owned();
        }
        if told["predicateType"] == SIGNED {
            out.signatures.push(signer.to_json(&format!("bundle-{found_by}")));
            return;
        }
        let mut attestation = signer.to_json(found_by);
        if let (Some(attestation), Json::Object(statement)) = (attestation.as_object_mut(), statement(&told)) {
            attestation.insert("about_image".to_owned(), json!(about));
            attestation.extend(statement);
        }
        out.attestations.push(attestation);
    }
}

fn parse(blob: &[u8]) -> Result<Json, Unread> {
    serde_json::from_slice(blob).map_err(|_| Unread::new(Reason::ParseError, "a signature is no JSON"))
}

// What nobody signed.
fn unsigned() -> Signer {
    Signer { problem: "the statement is not signed".to_owned(), ..Signer::default() }
}

// Of several signatures over one payload, the one that holds.
fn best(judged: impl Iterator<Item = Signer>) -> Signer {
    let mut judged: Vec<Signer> = judged.collect();
    let at = judged.iter().position(|signer| signer.verified).unwrap_or(0);
    if judged.is_empty() { unsigned() } else { judged.swap_remove(at) }
}

// Certificates and log entry, as annotations of the layer have them.
fn beside_signature(beside: &Json) -> Signature<'static> {
    let text = |key: &str| beside[key].as_str().unwrap_or_default();
    let mut all = certificates(text("dev.sigstore.cosign/certificate"));
    all.extend(certificates(text("dev.sigstore.cosign/chain")));
    Signature {
        message: &[],
        payload: &[],
        signature: "",
        certificates: all,
        log_entry: LogEntry::of_annotation(text("dev.sigstore.cosign/bundle")),
    }
}
