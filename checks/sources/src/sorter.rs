//! Reads objects whose kind is not known beforehand, straight into the projection of the resource they belong to.
//!
//! An object names its kind somewhere among its members. What comes before is set aside, normally nothing or a
//! `ConfigMap`'s data; from there on the projection reads as it does for a live list, and an object of a kind that nobody
//! asked for is skipped without becoming a value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proofbook_checks::inventory::Wanted;
use proofbook_checks::project::{ObjectSeed, Projection};
use proofbook_checks::resource::Resource;
use proofbook_checks::value::{Name, Value, intern};
use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// An `apiVersion` and a `kind`, kept for the life of the process as the projected objects keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectType {
    /// `apps/v1`.
    pub api_version: &'static str,
    /// `Deployment`.
    pub kind: &'static str,
}

impl ObjectType {
    /// The type by its names.
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        Self { api_version: intern(api_version), kind: intern(kind) }
    }

    /// The type of the items of a typed list (`PodList`); none for a `List`, whose items carry their own.
    pub(crate) fn of_items(self) -> Option<Self> {
        let kind = self.kind.strip_suffix("List").filter(|kind| !kind.is_empty())?;
        Some(Self::new(self.api_version, kind))
    }
}

/// Namespace and name of an object.
pub(crate) fn identity(object: &Value) -> (Option<Name>, Option<Name>) {
    let metadata = object.get("metadata");
    let text = |key| metadata.and_then(|metadata| metadata.get(key)).and_then(Name::of);
    (text("namespace"), text("name"))
}

/// An object that was read.
#[derive(Debug)]
pub(crate) enum Sorted<'w> {
    /// It belongs to a wanted resource.
    Wanted(&'w Resource, Value),
    /// Nobody asked for its kind.
    Unwanted(ObjectType),
    /// It says neither what it is nor was that known: no Kubernetes object.
    Untyped,
}

/// Knows which resource an object belongs to, and what is wanted of it.
#[derive(Debug)]
pub(crate) struct Sorter<'w> {
    wanted: &'w Wanted,
    known: BTreeMap<ObjectType, Option<(&'w Resource, &'w Projection)>>,
}

impl<'w> Sorter<'w> {
    /// A sorter for what is wanted.
    pub(crate) const fn new(wanted: &'w Wanted) -> Self {
        Self { wanted, known: BTreeMap::new() }
    }

    /// The wanted Kubernetes resource `name` (`plural.group`).
    pub(crate) fn named(&self, name: &str) -> Option<&'w Resource> {
        self.wanted.get_key_value(&Resource::kubernetes(name)).map(|(resource, _)| resource)
    }

    /// The wanted resource that objects of a type belong to, and its projection.
    pub(crate) fn place(&mut self, of: ObjectType) -> Option<(&'w Resource, &'w Projection)> {
        *self.known.entry(of).or_insert_with(|| self.wanted.get_key_value(&Resource::of_object(of.api_version, of.kind)))
    }
}

/// Reads one object; `default` is the type that it has where it does not say.
pub(crate) struct AnyObject<'s, 'w> {
    /// Where it may belong.
    pub sorter: &'s mut Sorter<'w>,
    /// The type of the items of the list that it stands in.
    pub default: Option<ObjectType>,
}

impl<'de, 'w> DeserializeSeed<'de> for AnyObject<'_, 'w> {
    type Value = Sorted<'w>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, 'w> Visitor<'de> for AnyObject<'_, 'w> {
    type Value = Sorted<'w>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            members.read(key, &mut map)?;
            if let Some(of) = members.object_type() {
                return members.sort(self.sorter, of, Some(map));
            }
        }
        match self.default {
            Some(of) => members.sort(self.sorter, of, None::<A>),
            None => Ok(Sorted::Untyped),
        }
    }
}

/// The members of an object that were read before its type was known.
#[derive(Debug, Default)]
pub(crate) struct Members {
    api_version: Option<String>,
    kind: Option<String>,
    others: Vec<(String, serde_json::Value)>,
}

impl Members {
    /// Reads the value of the member `key`.
    pub(crate) fn read<'de, A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A) -> Result<(), A::Error> {
        match &*key {
            "apiVersion" => self.api_version = Some(map.next_value()?),
            "kind" => self.kind = Some(map.next_value()?),
            _ => self.others.push((key.into_owned(), map.next_value()?)),
        }
        Ok(())
    }

    /// The type, once both its members were read.
    pub(crate) fn object_type(&self) -> Option<ObjectType> {
        Some(ObjectType::new(self.api_version.as_deref()?, self.kind.as_deref()?))
    }

    /// A member that was set aside.
    pub(crate) fn other(&self, key: &str) -> Option<&serde_json::Value> {
        self.others.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Reads the rest of the object, of which the type is known now; without a rest all members were read already.
    pub(crate) fn sort<'de, 'w, A: MapAccess<'de>>(
        self,
        sorter: &mut Sorter<'w>,
        of: ObjectType,
        rest: Option<A>,
    ) -> Result<Sorted<'w>, A::Error> {
        let Some((resource, projection)) = sorter.place(of) else {
            if let Some(mut rest) = rest {
                while rest.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
            return Ok(Sorted::Unwanted(of));
        };
        let seed: ObjectSeed<'_> = projection.seed(resource).typed(of.api_version, of.kind);
        let value = seed.visit_map(Resumed { others: self.others.into_iter(), value: None, rest })?;
        Ok(Sorted::Wanted(resource, value))
    }
}

// An object's members: those set aside, then those still to come. The type is added by the seed.
struct Resumed<A> {
    others: std::vec::IntoIter<(String, serde_json::Value)>,
    value: Option<serde_json::Value>,
    rest: Option<A>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Resumed<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if let Some((key, value)) = self.others.next() {
            self.value = Some(value);
            return seed.deserialize(CowStrDeserializer::new(Cow::Owned(key))).map(Some);
        }
        self.rest.as_mut().map_or(Ok(None), |rest| rest.next_key_seed(seed))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match (self.value.take(), &mut self.rest) {
            (Some(value), _) => seed.deserialize(value).map_err(|_| A::Error::custom("a value that cannot be read")),
            (None, Some(rest)) => rest.next_value_seed(seed),
            (None, None) => Err(A::Error::custom("a value without a key")),
        }
    }
}
