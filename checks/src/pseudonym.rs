//! Pseudonyms: people's names are replaced before anything is evaluated or kept, by what only the holder of the workspace's key can
//! make again.
//!
//! A plain digest of a name is found by guessing; an HMAC under a key that no export holds is not. The same name gets the same
//! pseudonym everywhere, in what was observed and in what the workspace expects, so that every rule decides as before.

use std::borrow::Cow;
use std::sync::LazyLock;

use aws_lc_rs::hmac;
use regex::Regex;
use serde_json::Value as Json;

use crate::inventory::Inventory;
use crate::resource::Source;
use crate::settings::{ParamSetting, Settings};
use crate::value::{Map, Value};

// What these sources read is published to everybody: an address there is a contact.
const PUBLISHED: [Source; 3] = [Source::Dns, Source::Http, Source::Tls];

/// The shortest key, in bytes: as long as what HMAC-SHA256 gives (RFC 2104, section 3).
pub const SHORTEST_KEY: usize = 32;

// Mail addresses as people have them: a local part of RFC 5322's atoms, and a domain with a dot.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[A-Za-z0-9.!#$%&'+=?^_{|}~-]*[A-Za-z0-9_]@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]*[A-Za-z0-9])+")
        .expect("a literal expression, compiled by the tests")
});

/// Makes pseudonyms under one key.
#[derive(Debug)]
pub struct Pseudonyms {
    key: hmac::Key,
}

impl Pseudonyms {
    /// Pseudonyms under `key`; none where the key is shorter than [`SHORTEST_KEY`].
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        (key.len() >= SHORTEST_KEY).then(|| Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) })
    }

    /// What tells one key from another without telling either: the pseudonym of a fixed text.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.of("proofbook pseudonym key").split_off(2)
    }

    /// The pseudonym of a name: `u_` and the first 16 hexadecimal digits of its HMAC-SHA256.
    #[must_use]
    pub fn of(&self, name: &str) -> String {
        let tag = hmac::sign(&self.key, name.as_bytes());
        let digits: String = tag.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("u_{digits}")
    }

    /// The text with a pseudonym in the place of every mail address.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains('@') {
            return Cow::Borrowed(text);
        }
        let replace = |found: &regex::Captures<'_>| {
            if is_of_a_machine(&found[0]) { found[0].to_owned() } else { self.of(&found[0]) }
        };
        match ADDRESS.replace_all(text, replace) {
            // Replaced by itself is not replaced.
            Cow::Owned(same) if same == text => Cow::Borrowed(text),
            other => other,
        }
    }

    // A user of a cluster is a person unless the name is one of the system's own. What holds an address is that address.
    fn user(&self, name: &str) -> String {
        match self.text(name) {
            Cow::Owned(changed) => changed,
            Cow::Borrowed(name) if name.is_empty() || name.contains(':') || is_pseudonym(name) => name.to_owned(),
            Cow::Borrowed(name) => self.of(name),
        }
    }

    /// Replaces people's names in all that was collected, the requests and those who looked included. Returns how many texts
    /// changed.
    pub fn inventory(&self, inventory: &mut Inventory) -> usize {
        let mut changed = 0;
        let listings = inventory.listings.iter_mut().filter(|(resource, _)| !PUBLISHED.contains(&resource.source));
        for object in listings.flat_map(|(_, listing)| &mut listing.objects) {
            if let Some(new) = self.value(object, &mut changed) {
                *object = new;
            }
        }
        let requests = inventory.requests.iter_mut().flat_map(|request| [&mut request.target, &mut request.query]);
        let actors = inventory.targets.iter_mut().map(|target| &mut target.actor.identity);
        for text in requests.chain(actors) {
            if let Cow::Owned(new) = self.text(text) {
                *text = new;
                changed += 1;
            }
        }
        changed
    }

    /// Replaces people's names in what the workspace settles: values of parameters and subjects of exclusions.
    pub fn settings(&self, settings: &mut Settings) {
        let of_checks = settings.checks.values_mut().flat_map(|check| check.params.values_mut());
        for param in settings.parameters.values_mut().chain(of_checks) {
            let (ParamSetting::Plain(value) | ParamSetting::Sourced(crate::settings::SourcedParam { value, .. })) = param;
            self.json(value);
        }
        for rule in settings.checks.values_mut().flat_map(|check| &mut check.exclude) {
            rule.subject = match rule.subject.strip_prefix("User/") {
                Some(name) if !name.contains('*') => format!("User/{}", self.user(name)),
                _ => self.text(&rule.subject).into_owned(),
            };
        }
    }

    fn json(&self, value: &mut Json) {
        match value {
            Json::String(text) => {
                if let Cow::Owned(new) = self.text(text) {
                    *text = new;
                } else if let Some(name) = text.strip_prefix("User/") {
                    *text = format!("User/{}", self.user(name));
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(map) => map.values_mut().for_each(|value| self.json(value)),
            _ => {}
        }
    }

    // The value with its names replaced; none where nothing is to be replaced, so that what is shared stays shared.
    fn value(&self, value: &Value, changed: &mut usize) -> Option<Value> {
        match value {
            Value::Str(text) => match self.text(text.inner()) {
                Cow::Owned(new) => {
                    *changed += 1;
                    Some(Value::str(&new))
                }
                Cow::Borrowed(_) => None,
            },
            Value::List(items) => {
                let new: Vec<Option<Value>> = items.iter().map(|item| self.value(item, changed)).collect();
                new.iter()
                    .any(Option::is_some)
                    .then(|| Value::list(new.into_iter().zip(items.iter()).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect()))
            }
            Value::Map(map) => self.map(map, changed),
            _ => None,
        }
    }

    fn map(&self, map: &Map, changed: &mut usize) -> Option<Value> {
        let is_user = map.get("kind").and_then(Value::as_str) == Some("User") && map.get("metadata").is_none();
        let mut any = false;
        let entries = map.entries().iter().map(|(key, value)| {
            let new = match value.as_str() {
                Some(name) if is_user && *key == "name" => {
                    let new = self.user(name);
                    (new != name).then(|| {
                        *changed += 1;
                        Value::str(&new)
                    })
                }
                _ => self.value(value, changed),
            };
            any |= new.is_some();
            (*key, new.unwrap_or_else(|| value.clone()))
        });
        let entries: Vec<_> = entries.collect();
        any.then(|| Value::masked_map(entries, map.mask().cloned()))
    }
}

// The account by which Git is reached, and the accounts of programs at Google Cloud.
fn is_of_a_machine(address: &str) -> bool {
    address.starts_with("git@") || address.ends_with(".gserviceaccount.com")
}

/// Whether a text is a pseudonym.
#[must_use]
pub fn is_pseudonym(text: &str) -> bool {
    text.strip_prefix("u_").is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::{Completeness, Listing};
    use crate::resource::Resource;

    fn pseudonyms(key: u8) -> Pseudonyms {
        Pseudonyms::new(&[key; 32]).unwrap()
    }

    fn replaced(objects: &[Json]) -> (usize, Vec<Json>) {
        let bindings = Resource::kubernetes("rolebindings.rbac.authorization.k8s.io");
        let listing = Listing {
            completeness: Completeness::Complete,
            objects: objects.iter().map(Value::from_json).collect(),
            resource_version: None,
        };
        let mut inventory = Inventory { listings: [(bindings.clone(), listing)].into(), ..Inventory::default() };
        let changed = pseudonyms(1).inventory(&mut inventory);
        (changed, inventory.objects(&bindings).iter().map(|value| serde_json::to_value(value).unwrap()).collect())
    }

    #[test]
    fn one_name_has_one_pseudonym_under_one_key() {
        let (first, second) = (pseudonyms(1), pseudonyms(2));
        assert_eq!(first.of("alice"), first.of("alice"));
        assert_ne!(first.of("alice"), first.of("bob"));
        assert_ne!(first.of("alice"), second.of("alice"));
        assert_ne!(first.key_id(), second.key_id());
        assert!(is_pseudonym(&first.of("alice")));
        assert!(Pseudonyms::new(b"short").is_none());
        // RFC 4231, test case 1: the key is twenty bytes there, so it is asked of the tag alone.
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[0x0b; 20]);
        assert_eq!(hmac::sign(&key, b"Hi There").as_ref()[..4], [0xb0, 0x34, 0x4c, 0x61]);
    }

    #[test]
    fn addresses_are_replaced_wherever_they_stand() {
        let own = pseudonyms(1);
        let alice = own.of("alice.b@example.com");
        assert_eq!(own.text("owner alice.b@example.com, on call"), format!("owner {alice}, on call"));
        // To a cluster these are two users, so they stay two.
        assert_ne!(own.text("Alice.B@example.com"), alice);
        assert_eq!(own.text(&format!("{alice}, again")), format!("{alice}, again"));
        for text in [
            "registry.example.com/app@sha256:0123abcd",
            "postgres://app@db:5432/x",
            "a @ b",
            "@scope/package",
            "plain",
            "git@github.com:org/repo",
            "app@project.iam.gserviceaccount.com",
        ] {
            assert_eq!(own.text(text), text);
        }
    }

    #[test]
    fn users_are_people_and_the_systems_own_accounts_are_not() {
        let binding = json!({"kind": "RoleBinding", "metadata": {"name": "x"}, "subjects": [
            {"kind": "User", "name": "alice"}, {"kind": "User", "name": "system:kube-scheduler"},
            {"kind": "Group", "name": "ops"}, {"kind": "User", "name": "alice@example.com"}]});
        let (changed, objects) = replaced(&[binding, json!({"kind": "RoleBinding", "note": "x"})]);
        let own = pseudonyms(1);
        let names: Vec<_> = objects[0]["subjects"].as_array().unwrap().iter().map(|subject| subject["name"].clone()).collect();
        assert_eq!(names, [own.of("alice"), "system:kube-scheduler".into(), "ops".into(), own.of("alice@example.com")]);
        assert_eq!(changed, 2);
    }

    #[test]
    fn what_is_expected_gets_the_same_pseudonyms() {
        let own = pseudonyms(1);
        let text = r#"{"parameters": {"admins": ["User/alice@example.com", "User/bob", "Group/ops"]},
            "checks": {"rbac-cluster-admin": {"exclude": [{"subject": "User/bob", "reason": "x"}, {"subject": "User/*", "reason": "x"}]}}}"#;
        let mut settings: Settings = serde_json::from_str(text).unwrap();
        own.settings(&mut settings);
        let bob = format!("User/{}", own.of("bob"));
        assert_eq!(settings.parameters["admins"].value(), &json!([format!("User/{}", own.of("alice@example.com")), bob, "Group/ops"]));
        let subjects: Vec<_> = settings.checks.values().flat_map(|check| &check.exclude).map(|rule| rule.subject.as_str()).collect();
        assert_eq!(subjects, [bob.as_str(), "User/*"]);
    }
}
