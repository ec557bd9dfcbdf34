//! CEL over normalised values, without a copy: [`Value`] is itself a value of the language.
//!
//! The library has no cost limit and no way to say "this field was not read", so both live here. Every index and every
//! element of an iteration counts as one step against a budget, and what must never pass silently (a key outside the
//! mask, a value that was not read) raises a fault that the evaluation asks for after each expression. Faults are kept
//! beside the expression's result because equality and iteration have no way to return an error.

use std::cell::Cell;
use std::collections::BTreeMap;

use cel::ExecutionError;
use cel::common::traits::{Adder, Container, Indexer, Iterable, Sizer, Zeroer};
use cel::common::types::{CelInt, CelList, CelMap, CelString, LIST_TYPE, MAP_TYPE, NULL_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};

use crate::value::{Entry, Map, Value};

/// Why an expression's result must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It took more steps than its budget.
    Budget,
    /// It read a field that the mask does not cover: the derivation of fields missed it.
    OutsideMask,
}

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Starts a new budget of `steps` for the expressions that follow on this thread.
pub fn start_budget(steps: u64) {
    STEPS.set(steps);
    FAULT.set(None);
}

/// The fault since the budget was started, if there was one.
#[must_use]
pub fn fault() -> Option<Fault> {
    FAULT.get()
}

/// How much of the budget is left.
pub(crate) fn mark() -> u64 {
    STEPS.get()
}

/// Takes back the steps since `mark`, and the fault that they raised.
pub(crate) fn reset(mark: u64) {
    STEPS.set(mark);
    FAULT.set(None);
}

fn raise(fault: Fault) {
    if FAULT.get().is_none() {
        FAULT.set(Some(fault));
    }
}

/// Takes a step; false where the budget is spent.
pub(crate) fn step() -> bool {
    match STEPS.get().checked_sub(1) {
        Some(left) => {
            STEPS.set(left);
            true
        }
        None => {
            raise(Fault::Budget);
            false
        }
    }
}

fn exhausted() -> ExecutionError {
    ExecutionError::InternalError("the expression exceeds its budget of steps".to_owned())
}

fn outside_mask() -> ExecutionError {
    raise(Fault::OutsideMask);
    ExecutionError::InternalError("the expression reads a field outside its mask".to_owned())
}

impl Value {
    /// The value as CEL handles it.
    #[must_use]
    pub fn as_val(&self) -> &(dyn Val + 'static) {
        match self {
            Self::Null(null) => null,
            Self::Bool(flag) => flag,
            Self::Int(number) => number,
            Self::Double(number) => number,
            Self::Str(text) => text,
            Self::List(_) | Self::Map(_) | Self::Opaque => self,
        }
    }

    /// An owned CEL value; containers are shared, not copied.
    #[must_use]
    pub fn to_val(&self) -> Box<dyn Val + 'static> {
        match self {
            Self::Null(null) => Box::new(*null),
            Self::Bool(flag) => Box::new(*flag),
            Self::Int(number) => Box::new(*number),
            Self::Double(number) => Box::new(*number),
            Self::Str(text) => Box::new(text.clone()),
            Self::List(_) | Self::Map(_) | Self::Opaque => Box::new(self.clone()),
        }
    }

    /// Copies a CEL result into a value; `None` where it has no JSON form.
    #[must_use]
    pub fn from_val(val: &dyn Val) -> Option<Self> {
        if let Some(value) = val.downcast_ref::<Self>() {
            return Some(value.clone());
        }
        if let Some(list) = val.downcast_ref::<CelList>() {
            let items = list.inner().iter().map(|item| Self::from_val(item.as_ref()));
            return items.collect::<Option<Vec<_>>>().map(Self::list);
        }
        if let Some(map) = val.downcast_ref::<CelMap>() {
            let json = cel_json(map)?;
            return Some(Self::from_json(&json));
        }
        if let Some(optional) = val.downcast_ref::<cel::common::types::CelOptional>() {
            return optional.inner().map_or(Some(Self::NULL), Self::from_val);
        }
        scalar(val)
    }
}

fn scalar(val: &dyn Val) -> Option<Value> {
    use cel::common::types::{CelBool, CelDouble, CelDuration, CelNull, CelTimestamp, CelUInt};
    if let Some(text) = val.downcast_ref::<CelString>() {
        return Some(Value::str(text.inner()));
    }
    if let Some(number) = val.downcast_ref::<CelInt>() {
        return Some(Value::Int(*number));
    }
    if let Some(flag) = val.downcast_ref::<CelBool>() {
        return Some(Value::Bool(*flag));
    }
    if let Some(number) = val.downcast_ref::<CelUInt>() {
        return Some(crate::value::from_u64(*number.inner()));
    }
    if let Some(number) = val.downcast_ref::<CelDouble>() {
        return Some(Value::Double(*number));
    }
    if let Some(at) = val.downcast_ref::<CelTimestamp>() {
        return Some(Value::str(&at.inner().format("%Y-%m-%dT%H:%M:%SZ").to_string()));
    }
    if let Some(length) = val.downcast_ref::<CelDuration>() {
        return Some(Value::str(&format!("{}s", length.inner().num_seconds())));
    }
    val.downcast_ref::<CelNull>().map(|_| Value::NULL)
}

fn cel_json(map: &CelMap<'_>) -> Option<serde_json::Value> {
    let mut out = BTreeMap::new();
    #[expect(clippy::iter_over_hash_type, reason = "the entries are sorted by their keys before anything sees them")]
    for (key, value) in map.inner() {
        let key = match cel::Value::try_from(key.inner()).ok()? {
            cel::Value::String(text) => text.to_string(),
            cel::Value::Int(number) => number.to_string(),
            cel::Value::UInt(number) => number.to_string(),
            cel::Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        out.insert(key, Value::from_val(value.as_ref())?.to_json());
    }
    Some(serde_json::Value::Object(out.into_iter().collect()))
}

impl StaticVal for Value {}

impl Val for Value {
    fn get_type(&self) -> &Type {
        match self {
            Self::List(_) => &LIST_TYPE,
            Self::Opaque => &NULL_TYPE,
            Self::Map(_) => &MAP_TYPE,
            scalar => scalar.as_val().get_type(),
        }
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        matches!(self, Self::List(_)).then_some(self as &(dyn Adder + 'v))
    }

    fn as_container(&self) -> Option<&dyn Container> {
        matches!(self, Self::List(_) | Self::Map(_)).then_some(self as &dyn Container)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        step();
        match self {
            Self::Opaque => {
                raise(Fault::OutsideMask);
                false
            }
            Self::List(list) => list_equals(list, other),
            Self::Map(map) => map_equals(map, other),
            scalar => scalar.as_val().equals(other),
        }
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        self.to_val()
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

fn list_equals(list: &[Value], other: &dyn Val) -> bool {
    if let Some(Value::List(other)) = other.downcast_ref::<Value>() {
        return list.len() == other.len() && list.iter().zip(&**other).all(|(a, b)| a.as_val().equals(b.as_val()));
    }
    other.downcast_ref::<CelList>().is_some_and(|other| {
        list.len() == other.inner().len() && list.iter().zip(other.inner()).all(|(a, b)| a.as_val().equals(b.as_ref()))
    })
}

fn map_equals(map: &Map, other: &dyn Val) -> bool {
    // A map that was cut down is not the map that was observed: comparing it would be a guess.
    if map.mask().is_some() {
        raise(Fault::OutsideMask);
        return false;
    }
    if let Some(Value::Map(other)) = other.downcast_ref::<Value>() {
        return map.entries().len() == other.entries().len()
            && map.entries().iter().all(|(key, a)| other.get(key).is_some_and(|b| a.as_val().equals(b.as_val())));
    }
    other.downcast_ref::<CelMap>().is_some_and(|other| {
        map.entries().len() == other.inner().len()
            && map.entries().iter().all(|(key, a)| {
                let index = CelString::from(*key);
                other.get(&index).is_ok_and(|b| a.as_val().equals(b.as_ref()))
            })
    })
}

impl Adder for Value {
    fn add<'b, 'v>(&'b self, rhs: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let mismatch = || ExecutionError::UnexpectedType { got: rhs.get_type().name().to_owned(), want: "list".to_owned() };
        let mut items: Vec<Box<dyn Val + 'v>> = self.as_list().unwrap_or_default().iter().map(|v| v.to_val() as _).collect();
        let iterable = rhs.as_iterable().ok_or_else(mismatch)?;
        let mut rest = iterable.iter();
        while let Some(item) = rest.next() {
            items.push(item.clone_as_boxed());
        }
        Ok(CowVal::owned(CelList::from(items)))
    }
}

impl Container for Value {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        if !step() {
            return Err(exhausted());
        }
        match self {
            Self::List(list) => Ok(list.iter().any(|item| item.as_val().equals(value))),
            Self::Map(map) => match value.downcast_ref::<CelString>() {
                Some(key) => find(map, key.inner()).map(|found| found.is_some()),
                None => Ok(false),
            },
            _ => Err(outside_mask()),
        }
    }
}

// A key that is missing from a cut-down map is absent only if the mask asked for it.
fn find<'m>(map: &'m Map, key: &str) -> Result<Option<&'m Value>, ExecutionError> {
    if let Some(value) = map.get(key) {
        return Ok(Some(value));
    }
    if map.tells_absence(key) { Ok(None) } else { Err(outside_mask()) }
}

impl Indexer for Value {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        if !step() {
            return Err(exhausted());
        }
        match self {
            Self::Map(map) => {
                let key = index
                    .downcast_ref::<CelString>()
                    .ok_or_else(|| ExecutionError::UnexpectedType { got: index.get_type().name().to_owned(), want: "string".to_owned() })?;
                let value = find(map, key.inner())?.ok_or_else(|| ExecutionError::no_such_key(key.inner()))?;
                Ok(CowVal::Borrowed(value.as_val()))
            }
            Self::List(list) => {
                let at = index
                    .downcast_ref::<CelInt>()
                    .ok_or_else(|| ExecutionError::UnexpectedType { got: index.get_type().name().to_owned(), want: "int".to_owned() })?;
                let item = usize::try_from(*at.inner()).ok().and_then(|at| list.get(at));
                item.map(|item| CowVal::Borrowed(item.as_val()))
                    .ok_or_else(|| ExecutionError::IndexOutOfBounds(cel::Value::Int(*at.inner())))
            }
            _ => Err(outside_mask()),
        }
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Indexer::get(self.as_ref(), index).map(|found| found.clone_as_boxed())
    }
}

impl Iterable for Value {
    fn iter<'b, 'v>(&'b self) -> Box<dyn cel::common::traits::Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        match self {
            Self::List(list) => Box::new(Items(list.iter())),
            Self::Map(map) => Box::new(Keys { map: map.clone(), entries: map.entries().iter() }),
            _ => {
                raise(Fault::OutsideMask);
                Box::new(Items([].iter()))
            }
        }
    }
}

struct Items<'b>(std::slice::Iter<'b, Value>);

impl<'b, 'v> cel::common::traits::Iterator<'b, 'v> for Items<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        if !step() {
            return None;
        }
        self.0.next().map(Value::as_val)
    }
}

struct Keys<'b> {
    map: Map,
    entries: std::slice::Iter<'b, Entry>,
}

impl<'b, 'v> cel::common::traits::Iterator<'b, 'v> for Keys<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        if !step() {
            return None;
        }
        if self.map.mask().is_some_and(|mask| mask.each.is_none()) {
            raise(Fault::OutsideMask);
            return None;
        }
        self.entries.next().map(|(key, _)| key_val(key))
    }
}

// Keys are handed out by reference, and only as many exist as there are interned keys.
fn key_val(key: &'static str) -> &'static (dyn Val + 'static) {
    use std::collections::HashMap;
    use std::sync::{LazyLock, PoisonError, RwLock};
    static KEYS: LazyLock<RwLock<HashMap<&'static str, &'static CelString<'static>>>> = LazyLock::new(RwLock::default);
    if let Some(known) = KEYS.read().unwrap_or_else(PoisonError::into_inner).get(key) {
        return *known;
    }
    let mut keys = KEYS.write().unwrap_or_else(PoisonError::into_inner);
    *keys.entry(key).or_insert_with(|| Box::leak(Box::new(CelString::from(key))))
}

impl Sizer for Value {
    fn size(&self) -> CelInt {
        step();
        let size = match self {
            Self::List(list) => list.len(),
            Self::Map(map) => {
                if map.mask().is_some_and(|mask| mask.each.is_none()) {
                    raise(Fault::OutsideMask);
                }
                map.entries().len()
            }
            _ => {
                raise(Fault::OutsideMask);
                0
            }
        };
        CelInt::from(i64::try_from(size).unwrap_or(i64::MAX))
    }
}

impl Zeroer for Value {
    fn is_zero_value(&self) -> bool {
        *self.size().inner() == 0
    }
}
