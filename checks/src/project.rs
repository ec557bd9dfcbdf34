//! Projection: keeps of an object only what the mask asks for, while it is parsed.
//!
//! What nobody reads is skipped by the parser and never becomes a value. Strings at sensitive paths (Secret and
//! ConfigMap data, environment values, commands and arguments, annotations off the allow-list) become a class record
//! that tells kind, length class and detector hits, and never the text; so does any other string in which a detector
//! is certain to see a credential. An exact name that a check lists in `reads:` is kept if no detector objects.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::gathered::{self, Gathered};
use crate::mask::{Mask, Step};
use crate::resource::Resource;
use crate::sensitive;
use crate::value::{Entry, Name, Value, from_u64, intern_unless};

/// What to keep of the objects of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    /// For objects in general.
    pub mask: Arc<Mask>,
    /// For objects that a controller owns, where that differs: the template of a Pod that a Deployment owns is judged
    /// at the Deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controlled: Option<Arc<Mask>>,
}

impl Projection {
    /// Adds the fields by which every object is identified.
    pub fn add_identity(&mut self) {
        for mask in std::iter::once(&mut self.mask).chain(self.controlled.as_mut()) {
            let mask = Arc::make_mut(mask);
            for key in ["apiVersion", "kind"] {
                mask.add(&[Step::key(key)], true);
            }
            for key in ["name", "namespace", "uid", "resourceVersion", "generation"] {
                mask.add(&[Step::key("metadata"), Step::key(key)], true);
            }
        }
    }

    /// Adds all that `other` keeps.
    pub fn merge(&mut self, other: &Self) {
        let mine = self.controlled.take();
        if mine.is_some() || other.controlled.is_some() {
            let mut controlled = mine.unwrap_or_else(|| Arc::clone(&self.mask));
            Arc::make_mut(&mut controlled).merge(other.controlled.as_deref().unwrap_or(&other.mask));
            self.controlled = Some(controlled);
        }
        Arc::make_mut(&mut self.mask).merge(&other.mask);
    }

    /// The seed that reads one object of `resource`.
    #[must_use]
    pub fn seed(&self, resource: &Resource) -> ObjectSeed<'_> {
        ObjectSeed { projection: self, place: root_place(resource), typed: None }
    }

    /// Puts the masks back on an object that was projected before and read back from evidence.
    #[must_use]
    pub fn remask(&self, object: &Value) -> Value {
        let owned = object.get("metadata").is_some_and(is_judged_at_owner);
        prune(object, self.controlled.as_ref().filter(|_| owned).unwrap_or(&self.mask))
    }

    /// Projects a value that is already parsed, by the same rules.
    #[must_use]
    pub fn project(&self, resource: &Resource, json: &serde_json::Value) -> Value {
        // A JSON tree deserialises without errors into any value.
        self.seed(resource).deserialize(json).unwrap_or(Value::Opaque)
    }
}

/// Where in an object the parser stands, as far as sensitivity is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Plain,
    /// The root of a Secret or ConfigMap.
    DataHolder,
    /// `data` of a Secret or ConfigMap.
    Data,
    Metadata,
    Annotations,
    Containers,
    Env,
    Exec,
    /// A list of command-line words.
    Words,
    /// A string that must not be kept.
    Sensitive,
    /// A sensitive string that a check names exactly: kept if no detector objects.
    Revealed,
}

fn root_place(resource: &Resource) -> Place {
    match &*resource.name {
        "secrets" | "configmaps" => Place::DataHolder,
        _ => Place::Plain,
    }
}

impl Place {
    fn enter(self, key: &str) -> Self {
        match (self, key) {
            (Self::DataHolder, "data" | "stringData" | "binaryData") => Self::Data,
            (Self::Data, _) | (Self::Env, "value") => Self::Sensitive,
            (Self::Metadata, "annotations") => Self::Annotations,
            (Self::Annotations, key) if !sensitive::annotation_is_public(key) => Self::Sensitive,
            (Self::Containers | Self::Exec, "command" | "args") => Self::Words,
            (_, "metadata") => Self::Metadata,
            (_, "containers" | "initContainers" | "ephemeralContainers") => Self::Containers,
            (_, "env") => Self::Env,
            (_, "exec") => Self::Exec,
            (Self::Sensitive | Self::Revealed, _) => Self::Sensitive,
            _ => Self::Plain,
        }
    }
}

/// Reads one object through its projection.
pub struct ObjectSeed<'m> {
    projection: &'m Projection,
    place: Place,
    typed: Option<(&'static str, &'static str)>,
}

impl ObjectSeed<'_> {
    /// Sets `apiVersion` and `kind` where the object does not carry them: items of a typed list (`PodList`) do not.
    #[must_use]
    pub const fn typed(mut self, api_version: &'static str, kind: &'static str) -> Self {
        self.typed = Some((api_version, kind));
        self
    }
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut active = &self.projection.mask;
        let mut entries = gathered::entries();
        let mut late = false;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let Some((mask, name)) = kept(active, &key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value_seed(Seed { mask, place: self.place.enter(&key) })?;
            if &*key == "metadata"
                && let Some(controlled) = &self.projection.controlled
                && is_judged_at_owner(&value)
            {
                // Normally metadata comes before spec; where it does not, what was read too much is cut off below.
                late = entries.any(|(key, _)| *key != "apiVersion" && *key != "kind");
                active = controlled;
                push(&mut entries, name, &key, prune(&value, controlled.child("metadata").unwrap_or(controlled)));
                continue;
            }
            push(&mut entries, name, &key, value);
        }
        if let Some((api_version, kind)) = self.typed {
            for (key, text) in [("apiVersion", api_version), ("kind", kind)] {
                if !entries.any(|(known, _)| *known == key) {
                    entries.push((key, Value::str(text)));
                }
            }
        }
        let mask = (!active.whole).then(|| Arc::clone(active));
        let value = Value::masked_map(entries.finish(), mask);
        Ok(if late { prune(&value, active) } else { value })
    }
}

/// Kinds whose pod template is read where it is declared, so that what they control need not be judged again.
const TEMPLATE_OWNERS: [&str; 7] = ["CronJob", "DaemonSet", "Deployment", "Job", "Node", "ReplicaSet", "StatefulSet"];

/// The controller that an object's metadata names.
#[must_use]
pub fn controller(metadata: &Value) -> Option<&Value> {
    let owners = metadata.get("ownerReferences").and_then(Value::as_list)?;
    owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
}

/// Whether the object's pod template is judged at its owner. A static Pod belongs to its Node and is the control plane's.
#[must_use]
pub fn is_judged_at_owner(metadata: &Value) -> bool {
    let kind = controller(metadata).and_then(|owner| owner.get("kind")).and_then(Value::as_str);
    kind.is_some_and(|kind| TEMPLATE_OWNERS.contains(&kind))
}

// What is kept of a member, and its name where the mask knows it.
fn kept<'m>(mask: &'m Arc<Mask>, key: &str) -> Option<(&'m Arc<Mask>, Option<Name>)> {
    if mask.whole {
        return Some((mask, None));
    }
    match mask.keys.get_key_value(key) {
        Some((name, child)) => Some((child, Some(*name))),
        None => mask.each.as_ref().map(|each| (each, None)),
    }
}

// In the Kubernetes API a null field is an absent one: Go writes `rules: null` for a role without rules.
fn push(entries: &mut Gathered<Entry>, name: Option<Name>, key: &str, value: Value) {
    if !matches!(value, Value::Null(_)) {
        entries.push((name.unwrap_or_else(|| key.into()).as_str(), value));
    }
}

// Cuts a value down to a smaller mask.
fn prune(value: &Value, mask: &Arc<Mask>) -> Value {
    if mask.whole {
        return value.clone();
    }
    match value {
        Value::Map(map) => Value::masked_map(
            map.entries().iter().filter_map(|(key, value)| mask.child(key).map(|child| (*key, prune(value, child)))).collect(),
            Some(Arc::clone(mask)),
        ),
        Value::List(list) => {
            let empty = Arc::default();
            let each = mask.each.as_ref().unwrap_or(&empty);
            Value::list(list.iter().map(|item| prune(item, each)).collect())
        }
        Value::Null(_) => value.clone(),
        _ => Value::Opaque,
    }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }

    fn visit_string<E>(self, key: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key))
    }
}

struct Seed<'m> {
    mask: &'m Arc<Mask>,
    place: Place,
}

impl Seed<'_> {
    // Scalars that no expression reads leave only the fact that they are there.
    fn scalar(&self, value: Value) -> Value {
        if self.mask.whole { value } else { Value::Opaque }
    }

    fn text(&self, text: &str) -> Value {
        if !self.mask.whole {
            Value::Opaque
        } else if self.place == Place::Sensitive || self.place == Place::Words {
            sensitive::class_record(text)
        } else if self.place == Place::Revealed {
            if sensitive::may_hold_credential(text) { sensitive::class_record(text) } else { Value::str(text) }
        } else {
            intern_unless(text, sensitive::is_certain_credential)
                .map_or_else(|| sensitive::class_record(text), |kept| Value::Str(kept.into()))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(self.scalar(Value::from(flag)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(self.scalar(Value::from(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(self.scalar(from_u64(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(self.scalar(Value::Double(number.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(self.text(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        static NOTHING: LazyLock<Arc<Mask>> = LazyLock::new(Arc::default);
        if self.place == Place::Words && self.mask.whole {
            return read_words(&self.mask.reveal, seq);
        }
        let mask = match (&self.mask.each, self.mask.whole) {
            (_, true) => self.mask,
            (Some(each), false) => each,
            (None, false) => &NOTHING,
        };
        let mut items = gathered::items();
        while let Some(item) = seq.next_element_seed(Seed { mask, place: self.place })? {
            items.push(item);
        }
        Ok(Value::list(items.finish()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = gathered::entries();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            // Server-side apply's bookkeeping repeats every field name and is nobody's evidence.
            let unread = self.place == Place::Metadata && &*key == "managedFields";
            let Some((mask, name)) = kept(self.mask, &key).filter(|_| !unread) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let mut place = self.place.enter(&key);
            if place == Place::Sensitive && self.mask.reveal.iter().any(|name| **name == *key) {
                place = Place::Revealed;
            }
            let value = map.next_value_seed(Seed { mask, place })?;
            push(&mut entries, name, &key, value);
        }
        Ok(Value::masked_map(entries.finish(), (!self.mask.whole).then(|| Arc::clone(self.mask))))
    }
}

// Command-line words: a word is kept only if the exact name of its flag is revealed and no detector objects.
fn read_words<'de, A: SeqAccess<'de>>(reveal: &[Box<str>], mut seq: A) -> Result<Value, A::Error> {
    let mut items = Vec::new();
    let mut revealed_before = false;
    while let Some(word) = seq.next_element::<Cow<'de, str>>()? {
        let name = word.split_once('=').map_or(&*word, |(name, _)| name);
        let named = reveal.iter().any(|known| **known == *name);
        let is_value = revealed_before && !word.starts_with('-');
        let keep = (named || is_value) && !sensitive::may_hold_credential(&word);
        revealed_before = named && !word.contains('=');
        items.push(if keep { Value::str(&word) } else { sensitive::class_record(&word) });
    }
    Ok(Value::list(items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Step;

    fn project(paths: &[(&[&str], bool)], object: serde_json::Value) -> String {
        let mut mask = Mask::default();
        for (path, whole) in paths {
            let steps: Vec<Step> = path.iter().map(|step| if *step == "*" { Step::Each } else { Step::key(step) }).collect();
            mask.add(&steps, *whole);
        }
        let projection = Projection { mask: Arc::new(mask), controlled: None };
        projection.project(&Resource::kubernetes("pods"), &object).to_json().to_string()
    }

    #[test]
    fn only_what_the_mask_names_is_kept() {
        let object = serde_json::json!({"spec": {"a": 1, "list": [{"x": "kept", "y": "cut"}]}, "status": {"b": 2}});
        assert_eq!(project(&[(&["spec", "list", "*", "x"], true)], object), r#"{"spec":{"list":[{"x":"kept"}]}}"#);
    }

    #[test]
    fn an_object_that_escapes_is_kept_whole() {
        let object = serde_json::json!({"metadata": {"labels": {"b": "c"}, "name": "a"}});
        assert_eq!(project(&[(&[], true), (&["metadata", "name"], true)], object.clone()), object.to_string());
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(project(&[(&["spec", "a"], true)], serde_json::json!({"spec": {"a": null}})), r#"{"spec":{}}"#);
    }

    #[test]
    fn sensitive_text_becomes_a_class_record() {
        let object = serde_json::json!({"spec": {"containers": [{"env": [{"name": "A", "value": "hunter22"}]}]}});
        let kept = project(&[(&["spec", "containers", "*", "env", "*", "value"], true)], object);
        assert!(kept.contains("short") && !kept.contains("hunter22"), "{kept}");
    }

    #[test]
    fn a_revealed_key_is_kept_unless_a_detector_objects() {
        let mut mask = Mask::default();
        mask.add(&[Step::key("data"), Step::Each], true);
        mask.reveal(&[Step::key("data")], "a");
        mask.reveal(&[Step::key("data")], "b");
        let projection = Projection { mask: Arc::new(mask), controlled: None };
        let object = serde_json::json!({"data": {"a": "retention: 30d", "b": "db.password = hunter22", "c": "plain"}});
        let kept = projection.project(&Resource::kubernetes("configmaps"), &object);
        assert_eq!(kept.at(&["data", "a"]).and_then(Value::as_str), Some("retention: 30d"));
        for key in ["b", "c"] {
            assert!(kept.at(&["data", key, "kind"]).is_some(), "{key} is a class record");
        }
    }
}
