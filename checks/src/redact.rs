//! The second net: credentials that a collector let through are taken out before anything is evaluated or kept.
//!
//! Collectors mask by the place where a text stands ([`crate::project`]). Some texts come another way: a recording is read back as
//! it lies there, and names, queries, details of a failure and keys of maps are no values of a projection. What a detector is
//! certain of is found here in all of them. It is taken out of the inventory, so that rules see the same now and when the bundle is
//! evaluated again. What was taken out is counted, whoever did it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::inventory::{Completeness, Inventory};
use crate::sensitive::{SHORTEST_CREDENTIAL, class_record, detectors, is_certain_credential, is_class_record};
use crate::settings::Settings;
use crate::value::{Value, intern, intern_unless};

/// How many values of what a run observed are not kept, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redactions {
    /// Values that are or may be secret: masked.
    #[serde(default)]
    pub secret: u64,
    /// Names of people: a pseudonym stands in their place.
    #[serde(default)]
    pub personal: u64,
}

impl Redactions {
    /// Whether nothing was taken out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// As a document states it: `3 values removed: 2 secrets, 1 personal`.
impl fmt::Display for Redactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.secret + self.personal;
        let s = |number| if number == 1 { "" } else { "s" };
        let secrets = (self.secret > 0).then(|| format!("{} secret{}", self.secret, s(self.secret)));
        let personal = (self.personal > 0).then(|| format!("{} personal", self.personal));
        let kinds: Vec<String> = secrets.into_iter().chain(personal).collect();
        match total {
            0 => f.write_str("no value removed"),
            _ => write!(f, "{total} value{} removed: {}", s(total), kinds.join(", ")),
        }
    }
}

/// Takes every certain credential out of what was collected. Returns how many values of it are masked then, those included that
/// collectors masked.
pub fn sweep(inventory: &mut Inventory) -> u64 {
    let mut masked = 0;
    for listing in inventory.listings.values_mut() {
        for object in &mut listing.objects {
            let mut found = Found::default();
            found.look(object);
            masked += found.masked + found.credentials;
            if found.credentials > 0 {
                *object = without(object);
            }
        }
        if let Completeness::Failed { detail, .. } = &mut listing.completeness {
            masked += hide(detail);
        }
        masked += listing.resource_version.as_mut().map_or(0, hide);
    }
    for request in &mut inventory.requests {
        let texts = [&mut request.target, &mut request.method, &mut request.query, &mut request.status];
        masked += texts.into_iter().chain(&mut request.resource_version).map(hide).sum::<u64>();
    }
    for target in &mut inventory.targets {
        let texts = [&mut target.name, &mut target.identity, &mut target.version, &mut target.actor.identity, &mut target.actor.auth];
        masked += texts.into_iter().map(hide).sum::<u64>();
    }
    masked
}

/// The first parameter of a workspace that holds a certain credential: its name, with that of its check before it where it is of one
/// check alone.
///
/// Parameters are sealed as they are, and another value would be another rule: such a run must not be.
#[must_use]
pub fn credential_in(settings: &Settings) -> Option<String> {
    let of_all = settings.parameters.iter().map(|(name, setting)| (name.clone(), setting));
    let of_checks =
        settings.checks.iter().flat_map(|(check, own)| own.params.iter().map(move |(name, setting)| (format!("{check}: {name}"), setting)));
    let mut all = of_all.chain(of_checks);
    all.find(|(_, setting)| json_holds(setting.value())).map(|(name, _)| name)
}

fn json_holds(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => is_certain_credential(text),
        serde_json::Value::Array(items) => items.iter().any(json_holds),
        serde_json::Value::Object(map) => map.iter().any(|(key, value)| is_certain_credential(key) || json_holds(value)),
        _ => false,
    }
}

#[derive(Default)]
struct Found {
    // Class records that stand there already.
    masked: u64,
    credentials: u64,
}

impl Found {
    fn look(&mut self, value: &Value) {
        match value {
            Value::Str(text) => self.credentials += u64::from(is_credential(text.inner())),
            Value::List(items) => items.iter().for_each(|item| self.look(item)),
            Value::Map(_) if is_class_record(value) => self.masked += 1,
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    self.credentials += u64::from(is_credential(key));
                    self.look(value);
                }
            }
            _ => {}
        }
    }
}

// Each distinct text is looked at once in the life of the process, and most are too short to be looked at.
fn is_credential(text: &str) -> bool {
    text.len() >= SHORTEST_CREDENTIAL && intern_unless(text, is_certain_credential).is_none()
}

fn without(value: &Value) -> Value {
    match value {
        Value::Str(text) if is_credential(text.inner()) => class_record(text.inner()),
        Value::List(items) => Value::list(items.iter().map(without).collect()),
        Value::Map(map) => {
            let mut removed = 0;
            let entries = map.entries().iter().map(|(key, value)| {
                let key = if is_credential(key) {
                    removed += 1;
                    // Two keys of one map stay two.
                    intern(&format!("{} {removed}", notice(key)))
                } else {
                    *key
                };
                (key, without(value))
            });
            let entries = entries.collect();
            Value::masked_map(entries, map.mask().cloned())
        }
        other => other.clone(),
    }
}

fn hide(text: &mut String) -> u64 {
    let found = is_certain_credential(text);
    if found {
        *text = notice(text);
    }
    u64::from(found)
}

// What stands in place of a text that can be no record. All of the text goes: nobody knows where in it the credential ends.
fn notice(text: &str) -> String {
    format!("[removed: {}]", detectors(text).join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::{Actor, Assurance, Listing, Reason, Request, Target};
    use crate::resource::{Resource, Source};

    const TOKEN: &str = "ghp_zQ7xKv9wT4mB2nR8zQ7xKv9w";

    fn listing(object: &serde_json::Value) -> Listing {
        Listing { completeness: Completeness::Complete, objects: vec![Value::from_json(object)], resource_version: None }
    }

    #[test]
    fn a_credential_is_taken_out_wherever_it_stands() {
        let url = "postgres://app:zQ7xKv9wT4mB2nR8@db:5432/x";
        let object = json!({
            "kind": "Answer", "headers": [{"name": "x-debug", "value": format!("Bearer {TOKEN}")}], "txt": ["v=spf1 -all", TOKEN],
            "settings": {"primary_conninfo": url, TOKEN: 1, format!("{TOKEN}2"): 2}, "lines": {"motd": "welcome"}});
        let failed = Listing::failed(Reason::ParseError, format!("no such path /{TOKEN}"));
        let mut request = Request::new(Source::Http, "shop", "GET", format!("/?key={TOKEN}"));
        request.status = "200".to_owned();
        let actor = Actor { identity: url.to_owned(), ..Actor::default() };
        let target = Target {
            source: Source::Http,
            name: "shop".to_owned(),
            identity: "shop.example".to_owned(),
            version: String::new(),
            actor,
            clock_offset_ms: None,
            assurance: Assurance::Live,
        };
        let mut inventory = Inventory {
            listings: [(Resource::kubernetes("a"), listing(&object)), (Resource::kubernetes("b"), failed)].into(),
            targets: vec![target],
            requests: vec![request],
        };
        // Header, text, setting, two keys; detail, query and actor.
        assert_eq!(sweep(&mut inventory), 8);
        let shown = format!("{inventory:?}");
        assert!(!shown.contains("zQ7xKv9wT4mB2nR8"), "{shown}");
        let object = inventory.objects(&Resource::kubernetes("a"))[0].to_json();
        assert_eq!(object["txt"][0], "v=spf1 -all");
        assert_eq!(object["lines"]["motd"], "welcome");
        assert_eq!(object["settings"].as_object().unwrap().len(), 3, "{object}");
        assert_eq!(object["headers"][0]["value"]["detectors"], json!(["bearer-token", "service-token"]));
        assert_eq!(inventory.requests[0].query, "[removed: service-token]");
        assert_eq!((inventory.requests[0].target.as_str(), inventory.requests[0].status.as_str()), ("shop", "200"));
        // A second sweep takes nothing more: of the values, what was masked is counted again; keys and texts are as any other now.
        assert_eq!(sweep(&mut inventory), 3);
        assert_eq!(inventory.objects(&Resource::kubernetes("a"))[0].to_json(), object);
    }

    #[test]
    fn what_nobody_has_to_hide_stays_the_same_object() {
        let resource = Resource::kubernetes("a");
        let object = json!({"kind": "Pod", "image": "registry.example/app@sha256:0123abcd", "url": "https://app@shop.example/x"});
        let mut inventory = Inventory { listings: [(resource.clone(), listing(&object))].into(), ..Inventory::default() };
        let before = inventory.objects(&resource)[0].clone();
        assert_eq!(sweep(&mut inventory), 0);
        assert!(inventory.objects(&resource)[0].is_same(&before));
    }

    #[test]
    fn a_parameter_that_holds_a_credential_is_named() {
        let text = format!(r#"{{"parameters": {{"a": "x"}}, "checks": {{"pss-enforced": {{"params": {{"b": ["{TOKEN}"]}}}}}}}}"#);
        let settings: Settings = serde_json::from_str(&text).unwrap();
        assert_eq!(credential_in(&settings).as_deref(), Some("pss-enforced: b"));
        assert_eq!(credential_in(&Settings::default()), None);
    }

    #[test]
    fn the_statement_counts_in_words() {
        let said = |secret, personal| Redactions { secret, personal }.to_string();
        assert_eq!(said(2, 1), "3 values removed: 2 secrets, 1 personal");
        assert_eq!(said(1, 0), "1 value removed: 1 secret");
        assert_eq!(said(0, 2), "2 values removed: 2 personal");
        assert_eq!(said(0, 0), "no value removed");
    }
}
