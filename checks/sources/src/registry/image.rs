//! The images of a registry: which digests its tags name, what they are built on, and what is attached to them.
//!
//! An index of several platforms is a record, and so is each manifest in it: a node may report either digest. What is attached to the
//! index holds for its manifests too, since it names them by their digests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proofbook_checks::inventory::Reason;
use proofbook_checks::settings::glob;
use serde_json::{Value as Json, json};

use super::attachments::{Attachments, Search};
use super::client::{Client, Manifest};
use super::sigstore::Trust;
use crate::bounded::each;
use crate::observed::{Unread, part};

/// How many images are read at a time.
const CONCURRENCY: usize = 8;

/// Which images of a registry are looked at: `app` (every tag), `app:1.*`, `app@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub repository: String,
    pub tags: Option<String>,
    pub digest: Option<String>,
}

impl Wish {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest.to_owned())));
        let (repository, tags) = name.split_once(':').map_or((name, None), |(name, tags)| (name, Some(tags.to_owned())));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        let sound = !repository.is_empty() && repository.chars().all(plain) && !repository.contains("..");
        let digest_sound = digest.as_ref().is_none_or(|digest| digest.starts_with("sha256:") && digest.len() == 71);
        (sound && digest_sound).then(|| Self { repository: repository.to_owned(), tags, digest })
    }
}

/// What is read of images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub attachments: bool,
    pub config: bool,
}

/// The images of one registry.
pub(super) struct Images {
    pub client: Arc<Client>,
    pub trust: Arc<Trust>,
    pub host: String,
    pub parts: Parts,
}

/// One record: its name and content.
pub(super) type Record = (String, Json);

impl Images {
    /// Reads all images that are wished for; what cannot be read stands in its place.
    pub(super) async fn read(self: Arc<Self>, wishes: &[Wish]) -> Vec<Record> {
        let mut records = Vec::new();
        let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for wish in wishes {
            match self.resolve(wish).await {
                Ok(digests) => digests.into_iter().for_each(|(digest, tag)| {
                    found.entry((wish.repository.clone(), digest)).or_default().extend(tag);
                }),
                Err(unread) => records.push((format!("{}/{}", self.host, wish.repository), unread.to_json())),
            }
        }
        let mut work = Vec::new();
        for ((repository, digest), tags) in found {
            let images = Arc::clone(&self);
            work.push(async move { images.image(&repository, &digest, tags).await });
        }
        let lost = each(work, CONCURRENCY, |read: Vec<Record>| records.extend(read)).await;
        if lost > 0 {
            let unread = Unread::new(Reason::IncompleteList, format!("the reading of {lost} images broke off"));
            records.push((self.host.clone(), unread.to_json()));
        }
        merged(records)
    }

    // The digests of a wish, each with its tag.
    async fn resolve(&self, wish: &Wish) -> Result<Vec<(String, Option<String>)>, Unread> {
        if let Some(digest) = &wish.digest {
            return Ok(vec![(digest.clone(), wish.tags.clone())]);
        }
        let is_pattern = wish.tags.as_ref().is_none_or(|tags| tags.contains('*'));
        let tags = match &wish.tags {
            Some(tag) if !is_pattern => vec![tag.clone()],
            pattern => {
                let mut tags = self.client.tags(&wish.repository).await?;
                // Tags that only hold signatures name no image.
                tags.retain(|tag| !is_attachment(tag) && pattern.as_ref().is_none_or(|pattern| glob(pattern, tag)));
                tags
            }
        };
        let mut out = Vec::new();
        for tag in tags {
            let manifest = self.client.manifest(&wish.repository, &tag).await?;
            let gone = || Unread::new(Reason::NotServed, format!("the registry has no {}:{tag}", wish.repository));
            out.push((manifest.ok_or_else(gone)?.digest, Some(tag)));
        }
        Ok(out)
    }

    // An image, and where it is an index, the manifests in it.
    async fn image(&self, repository: &str, digest: &str, tags: BTreeSet<String>) -> Vec<Record> {
        let name = |digest: &str| format!("{}/{repository}@{digest}", self.host);
        let manifest = match self.client.manifest(repository, digest).await {
            Ok(Some(manifest)) => manifest,
            Ok(None) => {
                let gone = Unread::new(Reason::NotServed, format!("the registry has no {repository}@{digest}"));
                return vec![(name(digest), gone.to_json())];
            }
            Err(unread) => return vec![(name(digest), unread.to_json())],
        };
        let mut attached = self.attached(repository, digest).await;
        let children: Vec<&Json> = manifest.body["manifests"].as_array().into_iter().flatten().collect();
        let (statements, platforms): (Vec<&Json>, Vec<&Json>) = children.into_iter().partition(|child| is_statement(child));
        let mut records = Vec::new();
        let mut stated = Vec::new();
        for child in &platforms {
            let own = child["digest"].as_str().unwrap_or_default();
            let mut of_child = merge(self.attached(repository, own).await, &attached);
            for statement in statements.iter().filter(|statement| statement["annotations"]["vnd.docker.reference.digest"] == own) {
                let digest = statement["digest"].as_str().unwrap_or_default();
                of_child = self.statements(repository, own, digest, of_child).await;
            }
            let mut content = self.content(repository, own, of_child.as_ref());
            content["part_of"] = json!(digest);
            content["platform"] = json!(platform(child));
            if self.parts.config {
                self.add_config(repository, own, &mut content).await;
            }
            records.push((name(own), content));
            stated.push(of_child);
        }
        attached = with_statements(attached, &stated);
        let mut content = self.content(repository, digest, attached.as_ref());
        content["tags"] = json!(tags);
        if self.parts.config && platforms.is_empty() {
            self.add_config_of(repository, &manifest, &mut content).await;
        }
        if !platforms.is_empty() {
            content["platforms"] = platforms.iter().map(|child| json!(platform(child))).collect();
            if self.parts.config {
                // The platforms of one index share their base.
                let of_first = records.first().map(|(_, first)| (first["base"].clone(), first["created"].clone()));
                (content["base"], content["created"]) = of_first.unwrap_or_default();
            }
        }
        records.push((name(digest), content));
        records
    }

    fn content(&self, repository: &str, digest: &str, attached: Result<&Attachments, &Unread>) -> Json {
        let mut content = json!({"registry": self.host, "repository": repository, "digest": digest});
        if self.parts.attachments {
            let parts = attached.map(|attached| (json!(attached.signatures), json!(attached.attestations)));
            (content["signatures"], content["attestations"]) = parts.unwrap_or_else(|unread| (unread.to_json(), unread.to_json()));
        }
        content
    }

    async fn attached(&self, repository: &str, digest: &str) -> Result<Attachments, Unread> {
        if !self.parts.attachments {
            return Ok(Attachments::default());
        }
        Search { client: &self.client, trust: &self.trust, repository, digest }.all().await
    }

    // Statements that a builder put into the index, of one of its platforms.
    async fn statements(
        &self,
        repository: &str,
        digest: &str,
        of: &str,
        known: Result<Attachments, Unread>,
    ) -> Result<Attachments, Unread> {
        let mut attached = known?;
        if self.parts.attachments
            && let Some(manifest) = self.client.manifest(repository, of).await?
        {
            let search = Search { client: &self.client, trust: &self.trust, repository, digest };
            search.layers(&manifest, "index", &mut attached).await?;
        }
        Ok(attached)
    }

    async fn add_config(&self, repository: &str, digest: &str, content: &mut Json) {
        match self.client.manifest(repository, digest).await {
            Ok(Some(manifest)) => self.add_config_of(repository, &manifest, content).await,
            Ok(None) => content["base"] = Unread::new(Reason::NotServed, "the registry has no such manifest").to_json(),
            Err(unread) => content["base"] = unread.to_json(),
        }
    }

    async fn add_config_of(&self, repository: &str, manifest: &Manifest, content: &mut Json) {
        let digest = manifest.body["config"]["digest"].as_str().unwrap_or_default();
        let config = self.client.blob(repository, digest).await;
        let config = config.and_then(|blob| {
            serde_json::from_slice::<Json>(&blob).map_err(|_| Unread::new(Reason::ParseError, "the configuration of the image is no JSON"))
        });
        if let Ok(config) = &config {
            content["created"] = config["created"].clone();
        }
        content["base"] = part(config.map(|config| {
            let label = |name: &str| {
                let key = format!("org.opencontainers.image.base.{name}");
                [&config["config"]["Labels"][&key], &manifest.body["annotations"][&key]]
                    .into_iter()
                    .find(|label| label.is_string())
                    .cloned()
            };
            json!({"name": label("name"), "digest": label("digest")})
        }));
    }
}

// `sha256-….sig` and its like.
fn is_attachment(tag: &str) -> bool {
    tag.strip_prefix("sha256-").is_some_and(|rest| rest.get(..64).is_some_and(|hex| hex.bytes().all(|c| c.is_ascii_hexdigit())))
}

fn is_statement(child: &Json) -> bool {
    child["annotations"]["vnd.docker.reference.type"] == "attestation-manifest"
}

fn platform(child: &Json) -> String {
    let part = |key: &str| child["platform"][key].as_str().unwrap_or("unknown").to_owned();
    format!("{}/{}", part("os"), part("architecture"))
}

// What is attached to a manifest, and to the index that names it.
fn merge(own: Result<Attachments, Unread>, index: &Result<Attachments, Unread>) -> Result<Attachments, Unread> {
    let (mut own, index) = (own?, index.as_ref().map_err(Clone::clone)?);
    own.signatures.extend(index.signatures.iter().cloned());
    own.attestations.extend(index.attestations.iter().cloned());
    Ok(own)
}

// What the index states of each of its platforms holds for the index as well.
fn with_statements(index: Result<Attachments, Unread>, platforms: &[Result<Attachments, Unread>]) -> Result<Attachments, Unread> {
    let mut index = index?;
    let mut of_platforms = Vec::new();
    for platform in platforms {
        let attached = platform.as_ref().map_err(Clone::clone)?;
        of_platforms.push(attached.attestations.iter().filter(|told| told["scheme"] == "index").collect::<Vec<_>>());
    }
    for told in of_platforms.iter().flatten() {
        let everywhere = of_platforms.iter().all(|platform| platform.iter().any(|other| other["predicate_type"] == told["predicate_type"]));
        if everywhere && !index.attestations.contains(told) {
            index.attestations.push((*told).clone());
        }
    }
    Ok(index)
}

// One record a name: a manifest may be in several indexes, and carry tags besides.
fn merged(records: Vec<Record>) -> Vec<Record> {
    let mut out: BTreeMap<String, Json> = BTreeMap::new();
    for (name, content) in records {
        match out.get_mut(&name) {
            Some(known) => join(known, content),
            None => {
                out.insert(name, content);
            }
        }
    }
    out.into_iter().collect()
}

// Lists are put together; of anything else the first stays.
fn join(known: &mut Json, other: Json) {
    let (Json::Object(known), Json::Object(other)) = (known, other) else { return };
    for (key, value) in other {
        match (known.get_mut(&key), value) {
            (Some(Json::Array(list)), Json::Array(more)) => {
                let new: Vec<Json> = more.into_iter().filter(|item| !list.contains(item)).collect();
                list.extend(new);
            }
            // What could not be read one way is not whole.
            (Some(known), value @ Json::Object(_)) if known.is_array() => *known = value,
            (Some(_), _) => {}
            (None, value) => {
                known.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_in_their_three_forms() {
        let wish = |text: &str| Wish::parse(text).map(|wish| (wish.repository, wish.tags, wish.digest));
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(wish("team/app"), Some(("team/app".to_owned(), None, None)));
        assert_eq!(wish("app:1.*"), Some(("app".to_owned(), Some("1.*".to_owned()), None)));
        assert_eq!(wish(&format!("app:1@{digest}")), Some(("app".to_owned(), Some("1".to_owned()), Some(digest))));
        for bad in ["", "App", "app@sha256:1", "../x", "a b", "a?b"] {
            assert_eq!(wish(bad), None, "{bad}");
        }
    }

    #[test]
    fn tags_of_signatures_are_no_images() {
        assert!(is_attachment(&format!("sha256-{}.sig", "0".repeat(64))));
        assert!(is_attachment(&format!("sha256-{}", "0".repeat(64))));
        assert!(!is_attachment("sha256-of-something") && !is_attachment("1.0"));
    }
}
