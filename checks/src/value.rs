//! The normalised value that checks read: a compact JSON tree that CEL walks without a copy.
//!
//! Scalars are stored as CEL's own types and containers are shared, so that handing an element to an expression costs
//! a reference count. Strings are interned for the life of the process: one platform's names, images and labels repeat
//! a hundred times, and a run reads one platform. Maps know whether they are whole; reading a key that the field mask
//! left out is an engine fault, never "absent" (see [`crate::cel_view`]).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use cel::common::types::{CelBool, CelDouble, CelInt, CelNull, CelString};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use triomphe::ThinArc;

use crate::mask::Mask;

/// The key under which an opaque value is written to evidence: it was present, and it was not read.
pub const OPAQUE_KEY: &str = "$present";

/// A normalised JSON value.
#[derive(Clone, Debug)]
pub enum Value {
    /// JSON `null`.
    Null(CelNull),
    /// A boolean.
    Bool(CelBool),
    /// An integer that fits 64 signed bits, which is every integer Kubernetes defines.
    Int(CelInt),
    /// Any other number.
    Double(CelDouble),
    /// A string: interned where it was observed, its own where an expression made it.
    Str(CelString<'static>),
    /// A list.
    List(Arc<[Value]>),
    /// A map with its keys sorted.
    Map(Map),
    /// Something is here, and the mask did not ask what.
    Opaque,
}

/// A member of a map.
pub type Entry = (&'static str, Value);

/// The entries of a map, sorted by key, with the mask that the map was projected by. One allocation, shared.
#[derive(Clone, Debug)]
pub struct Map(ThinArc<Option<Arc<Mask>>, Entry>);

impl Map {
    /// Entries sorted by key; keys are unique.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0.slice
    }

    /// The mask that the map was projected by; none where the map is whole.
    #[must_use]
    pub fn mask(&self) -> Option<&Arc<Mask>> {
        self.0.header.header.as_ref()
    }

    /// Whether both are the same map, not only alike.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.address() == other.address()
    }

    /// Where the map lies: equal only for maps that are the same.
    #[must_use]
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// Edits the values where they are, if nobody else holds the map; tells whether it did.
    pub fn edit(&mut self, mut each: impl FnMut(&'static str, &mut Value)) -> bool {
        self.0.with_arc_mut(|map| {
            let alone = triomphe::Arc::get_mut(map);
            alone.map(|map| map.slice_mut().iter_mut().for_each(|(key, value)| each(key, value))).is_some()
        })
    }

    /// Whether a `key` that is not here was not there either: the mask would have kept it.
    #[must_use]
    pub fn tells_absence(&self, key: &str) -> bool {
        self.mask().is_none_or(|mask| mask.covers(key))
    }

    /// The value of `key`, if the map has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let entries = self.entries();
        if entries.len() <= 8 {
            // Most keys of a length differ in their first letter, which spares comparing them.
            let may_be = |known: &str| known.len() == key.len() && known.as_bytes().first() == key.as_bytes().first();
            return entries.iter().find(|(known, _)| may_be(known) && *known == key).map(|(_, value)| value);
        }
        entries.binary_search_by(|(known, _)| (*known).cmp(key)).ok().map(|at| &entries[at].1)
    }
}

// Texts come from the platform, so the hash is seeded; it needs no more strength than that.
type Texts = HashMap<&'static str, bool, foldhash::fast::RandomState>;
type Table = Mutex<Texts>;

fn table(text: &str) -> MutexGuard<'static, Texts> {
    const SHARDS: usize = 16;
    static TABLES: LazyLock<[Table; SHARDS]> = LazyLock::new(|| std::array::from_fn(|_| Table::default()));
    let shard = text.bytes().last().map_or(0, usize::from) % SHARDS;
    TABLES[shard].lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the one copy of `text` that lives as long as the process.
#[must_use]
pub fn intern(text: &str) -> &'static str {
    let mut table = table(text);
    if let Some((known, _)) = table.get_key_value(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    table.insert(kept, false);
    kept
}

/// Interns `text` if `is_bad` does not object to it; each distinct text is asked about once.
#[must_use]
pub fn intern_unless(text: &str, is_bad: fn(&str) -> bool) -> Option<&'static str> {
    let mut table = table(text);
    if let Some((known, true)) = table.get_key_value(text) {
        return Some(known);
    }
    if is_bad(text) {
        return None;
    }
    let known = table.get_key_value(text).map(|(known, _)| *known);
    let kept = known.unwrap_or_else(|| Box::leak(text.to_owned().into_boxed_str()));
    table.insert(kept, true);
    Some(kept)
}

/// An interned text: what names subjects and measured values, which repeat from check to check.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(&'static str);

impl Name {
    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The text of a string; observed strings are interned already.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Str(text) => Some(text.as_borrowed().map_or_else(|| Self::from(text.inner()), Self)),
            _ => None,
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(intern(text))
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer).map(|text| Self::from(&*text))
    }
}

impl Value {
    /// JSON `null`.
    pub const NULL: Self = Self::Null(CelNull);

    /// A string value, interned.
    #[must_use]
    pub fn str(text: &str) -> Self {
        Self::Str(CelString::from(intern(text)))
    }

    /// A list value.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        static EMPTY: LazyLock<Arc<[Value]>> = LazyLock::new(Arc::default);
        Self::List(if items.is_empty() { Arc::clone(&EMPTY) } else { items.into() })
    }

    /// A whole map; of equal keys the last one stays.
    #[must_use]
    pub fn map(entries: Vec<Entry>) -> Self {
        Self::masked_map(entries, None)
    }

    /// A map projected by `mask`.
    #[must_use]
    pub fn masked_map(mut entries: Vec<Entry>, mask: Option<Arc<Mask>>) -> Self {
        entries.sort_by(|a, b| a.0.cmp(b.0));
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Self::Map(Map(ThinArc::from_header_and_iter(mask, entries.into_iter())))
    }

    /// Whether both are the same container, not only alike.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Map(a), Self::Map(b)) => a.is_same(b),
            (Self::List(a), Self::List(b)) => Arc::ptr_eq(a, b),
            _ => self == other,
        }
    }

    /// The value at `key`, where this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The value at a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The string, where this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text.inner()),
            _ => None,
        }
    }

    /// The boolean, where this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag.inner()),
            _ => None,
        }
    }

    /// The integer, where this is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number.inner()),
            _ => None,
        }
    }

    /// The elements, where this is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The entries sorted by key, where this is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[Entry]> {
        match self {
            Self::Map(map) => Some(map.entries()),
            _ => None,
        }
    }

    /// Builds a value from serde's JSON tree.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::NULL,
            Json::Bool(flag) => Self::from(*flag),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Self::Double(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))), Self::from)
            }
            Json::String(text) => Self::str(text),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Object(map) => Self::map(map.iter().map(|(k, v)| (intern(k), Self::from_json(v))).collect()),
        }
    }

    /// Copies the value into serde's JSON tree.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(CelBool::from(flag))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(CelInt::from(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null(_), Self::Null(_)) | (Self::Opaque, Self::Opaque) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a.entries() == b.entries(),
            _ => false,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null(_) => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag.inner()),
            Self::Int(number) => serializer.serialize_i64(*number.inner()),
            Self::Double(number) => serializer.serialize_f64(*number.inner()),
            Self::Str(text) => serializer.serialize_str(text.inner()),
            Self::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for item in &**list {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.entries().len()))?;
                for (key, value) in map.entries() {
                    out.serialize_entry(key, value)?;
                }
                out.end()
            }
            Self::Opaque => {
                let mut out = serializer.serialize_map(Some(1))?;
                out.serialize_entry(OPAQUE_KEY, &true)?;
                out.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl<'de> Visitor<'de> for WholeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::from(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(from_u64(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(CelDouble::from(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::str(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Value>()? {
            items.push(item);
        }
        Ok(Value::list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<std::borrow::Cow<'de, str>, Value>()? {
            entries.push((intern(&key), value));
        }
        if let [(OPAQUE_KEY, _)] = entries.as_slice() {
            return Ok(Value::Opaque);
        }
        Ok(Value::map(entries))
    }
}

/// An unsigned number as the value that CEL compares it as.
#[must_use]
pub fn from_u64(number: u64) -> Value {
    i64::try_from(number).map_or_else(
        #[expect(clippy::cast_precision_loss, reason = "beyond 2^63 only the magnitude matters")]
        |_| Value::Double(CelDouble::from(number as f64)),
        Value::from,
    )
}
