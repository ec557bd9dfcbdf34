//! Evaluation on the short way: every `None` here means "let the library decide".

use std::borrow::Cow;
use std::cmp::Ordering;

use cel::common::traits::{Container, Sizer};
use cel::common::types::CelString;

use super::{Item, Loop, LoopKind, Node};
use crate::cel_view::step;
use crate::expression::Bindings;
use crate::value::{Map, Value};

impl<'a> Item<'a> {
    fn plain(self) -> Option<Cow<'a, Value>> {
        match self {
            Self::Plain(value) => Some(value),
            Self::Optional(_) => None,
        }
    }

    fn present(self) -> Option<Self> {
        match self {
            Self::Optional(Some(value)) => Some(Self::Plain(value)),
            _ => None,
        }
    }

    fn own(value: Value) -> Self {
        Self::Plain(Cow::Owned(value))
    }

    fn bool(flag: bool) -> Self {
        Self::own(Value::from(flag))
    }
}

/// The names that an expression knows: its bindings, and the variables of the loops around it.
pub(super) enum Scope<'s, 'a> {
    Bindings(&'a Bindings<'a>),
    Loop { variable: &'a str, value: Cow<'a, Value>, outer: &'s Self },
}

impl<'a> Scope<'_, 'a> {
    fn find(&self, name: &str) -> Option<Item<'a>> {
        match self {
            Self::Loop { variable, value, .. } if *variable == name => Some(Item::Plain(value.clone())),
            Self::Loop { outer, .. } => outer.find(name),
            Self::Bindings(bindings) => bindings.value(name).map(|value| Item::Plain(Cow::Borrowed(value))),
        }
    }
}

impl Node {
    /// What the expression yields; none where the library must decide.
    pub(super) fn run<'a>(&'a self, scope: &Scope<'_, 'a>) -> Option<Item<'a>> {
        match self {
            Self::Constant(value) => Some(Item::Plain(Cow::Borrowed(value))),
            Self::Name(name) => scope.find(name),
            Self::Field(of, name) => match of.run(scope)? {
                Item::Plain(of) => member(of, name)?.present(),
                Item::Optional(Some(of)) => member(of, name),
                Item::Optional(None) => Some(Item::Optional(None)),
            },
            Self::OptionalField(of, name) => match of.run(scope)? {
                Item::Plain(of) | Item::Optional(Some(of)) => member(of, name),
                Item::Optional(None) => Some(Item::Optional(None)),
            },
            Self::Has(of, name) => match of.run(scope)? {
                Item::Plain(of) | Item::Optional(Some(of)) => Some(Item::bool(member(of, name)?.present().is_some())),
                Item::Optional(None) => Some(Item::bool(false)),
            },
            Self::Index { of, key, optional } => index(of.run(scope)?, || key.run(scope)?.plain(), *optional),
            Self::OrValue(of, default) => {
                // The library evaluates the default in any case, and an error in it is an error.
                let default = default.run(scope)?;
                match of.run(scope)? {
                    Item::Optional(found) => Some(found.map_or(default, Item::Plain)),
                    Item::Plain(_) => None,
                }
            }
            Self::OrOptional(of, other) => match (other.run(scope)?, of.run(scope)?) {
                (Item::Optional(other), Item::Optional(found)) => Some(Item::Optional(found.or(other))),
                _ => None,
            },
            Self::HasValue(of) => match of.run(scope)? {
                Item::Optional(found) => Some(Item::bool(found.is_some())),
                Item::Plain(_) => None,
            },
            Self::Choice(parts) => parts[if parts[0].flag(scope)? { 1 } else { 2 }].run(scope),
            Self::And(parts) => Some(Item::bool(parts[0].flag(scope)? && parts[1].flag(scope)?)),
            Self::Or(parts) => Some(Item::bool(parts[0].flag(scope)? || parts[1].flag(scope)?)),
            Self::Not(of) => Some(Item::bool(!of.flag(scope)?)),
            Self::Equal(parts, expected) => {
                let [left, right] = both(parts, scope)?;
                Some(Item::bool(scalar_equal(&left, &right)? == *expected))
            }
            Self::Compare(parts, holds) => {
                let [left, right] = both(parts, scope)?;
                Some(Item::bool(holds(order(&left, &right)?)))
            }
            Self::In(parts) => {
                let [left, right] = both(parts, scope)?;
                is_scalar(&left).then(|| right.contains(left.as_val()).ok()).flatten().map(Item::bool)
            }
            Self::Add(parts) => {
                let [left, right] = both(parts, scope)?;
                add(left, &right).map(Item::Plain)
            }
            Self::Subtract(parts) => whole_numbers(parts, scope, i64::checked_sub),
            Self::Multiply(parts) => whole_numbers(parts, scope, i64::checked_mul),
            Self::Size(of) => size(&*of.run(scope)?.plain()?).map(Item::own),
            Self::Text(parts, holds) => {
                let [left, right] = both(parts, scope)?;
                Some(Item::bool(holds(left.as_str()?, right.as_str()?)))
            }
            Self::Changed(of, changed) => of.run(scope)?.plain()?.as_str().map(|text| Item::own(text_value(changed(text)))),
            Self::Replaced(parts) => {
                let [text, from, to] = [parts[0].run(scope)?.plain()?, parts[1].run(scope)?.plain()?, parts[2].run(scope)?.plain()?];
                Some(Item::own(text_value(text.as_str()?.replace(from.as_str()?, to.as_str()?))))
            }
            Self::Join(parts) => {
                let [list, between] = both(parts, scope)?;
                join(&list, between.as_str()?).map(Item::own)
            }
            Self::Flatten(of) => flatten(&*of.run(scope)?.plain()?).map(Item::own),
            Self::Distinct(of) => distinct(&*of.run(scope)?.plain()?).map(Item::own),
            Self::List(elements) => {
                let values = elements.iter().map(|element| element.run(scope)?.plain().map(Cow::into_owned));
                values.collect::<Option<Vec<Value>>>().map(|values| Item::own(Value::list(values)))
            }
            Self::Call(native, args) => {
                let args = args.iter().map(|arg| arg.run(scope)?.plain()).collect::<Option<Vec<_>>>()?;
                native.call(&args).map(Item::own)
            }
            Self::Loop(loops) => loops.run(scope),
        }
    }

    fn flag<'a>(&'a self, scope: &Scope<'_, 'a>) -> Option<bool> {
        self.run(scope)?.plain()?.as_bool()
    }
}

impl Loop {
    fn run<'a>(&'a self, scope: &Scope<'_, 'a>) -> Option<Item<'a>> {
        match self.range.run(scope)?.plain()? {
            Cow::Borrowed(Value::List(list)) => self.over(list.iter().map(Cow::Borrowed), scope),
            Cow::Owned(Value::List(list)) => self.over(list.iter().cloned().map(Cow::Owned), scope),
            _ => None,
        }
    }

    fn over<'a>(&'a self, values: impl Iterator<Item = Cow<'a, Value>>, scope: &Scope<'_, 'a>) -> Option<Item<'a>> {
        let inner = |value| Scope::Loop { variable: &self.variable, value, outer: scope };
        // Asking for an element behind the last one is a step as well.
        steps(1)?;
        match &self.kind {
            LoopKind::Search { test, ended_by } => {
                for value in values {
                    steps(1)?;
                    if test.flag(&inner(value))? == *ended_by {
                        return Some(Item::bool(*ended_by));
                    }
                }
                Some(Item::bool(!ended_by))
            }
            LoopKind::Collect { keep, item } => {
                // The library asks how long the list is.
                steps(1)?;
                let mut found = Vec::new();
                for value in values {
                    steps(1)?;
                    let inner = inner(value);
                    if keep.as_ref().map_or(Some(true), |keep| keep.flag(&inner))? {
                        found.push(item.run(&inner)?.plain()?.into_owned());
                    }
                }
                Some(Item::own(Value::list(found)))
            }
        }
    }
}

fn steps(count: usize) -> Option<()> {
    (0..count).all(|_| step()).then_some(())
}

// The member `name` of a map, or that it has none; only where the mask says that it would be there.
fn member<'a>(of: Cow<'a, Value>, name: &str) -> Option<Item<'a>> {
    steps(1)?;
    let told = |map: &Map, found: Option<Cow<'a, Value>>| (found.is_some() || map.tells_absence(name)).then_some(Item::Optional(found));
    match of {
        Cow::Borrowed(Value::Map(map)) => told(map, map.get(name).map(Cow::Borrowed)),
        Cow::Owned(Value::Map(map)) => told(&map, map.get(name).cloned().map(Cow::Owned)),
        _ => None,
    }
}

fn element(of: Cow<'_, Value>, at: i64) -> Option<Item<'_>> {
    steps(1)?;
    let at = usize::try_from(at).ok();
    match of {
        Cow::Borrowed(Value::List(list)) => Some(Item::Optional(at.and_then(|at| list.get(at)).map(Cow::Borrowed))),
        Cow::Owned(Value::List(list)) => Some(Item::Optional(at.and_then(|at| list.get(at)).cloned().map(Cow::Owned))),
        _ => None,
    }
}

fn index<'a>(of: Item<'a>, key: impl FnOnce() -> Option<Cow<'a, Value>>, optional: bool) -> Option<Item<'a>> {
    let (of, optional) = match of {
        Item::Plain(of) => (of, optional),
        Item::Optional(Some(of)) => (of, true),
        Item::Optional(None) => return Some(Item::Optional(None)),
    };
    let found = match &*key()? {
        Value::Str(name) => member(of, name.inner())?,
        Value::Int(at) => element(of, *at.inner())?,
        _ => return None,
    };
    if optional { Some(found) } else { found.present() }
}

fn both<'a>(parts: &'a [Node; 2], scope: &Scope<'_, 'a>) -> Option<[Cow<'a, Value>; 2]> {
    Some([parts[0].run(scope)?.plain()?, parts[1].run(scope)?.plain()?])
}

const fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_) | Value::Opaque)
}

// Of containers the library decides: to it a list that an expression made is not the like of one that was observed.
fn scalar_equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => Some(left.inner() == right.inner()),
        _ => (is_scalar(left) && is_scalar(right)).then(|| left.as_val().equals(right.as_val())),
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.inner().cmp(right.inner())),
        (Value::Double(left), Value::Double(right)) => left.inner().partial_cmp(right.inner()),
        (Value::Str(left), Value::Str(right)) => Some(left.inner().cmp(right.inner())),
        _ => None,
    }
}

fn text_value(text: String) -> Value {
    Value::Str(CelString::from(text))
}

fn add<'a>(left: Cow<'a, Value>, right: &Value) -> Option<Cow<'a, Value>> {
    let sum = match (&*left, right) {
        (Value::List(first), Value::List(second)) => {
            steps(second.len() + 1)?;
            if second.is_empty() {
                return Some(left);
            }
            Value::list(first.iter().chain(&**second).cloned().collect())
        }
        (Value::Str(first), Value::Str(second)) => text_value([first.inner(), second.inner()].concat()),
        (Value::Int(first), Value::Int(second)) => Value::from(first.inner().checked_add(*second.inner())?),
        _ => return None,
    };
    Some(Cow::Owned(sum))
}

fn whole_numbers<'a>(parts: &'a [Node; 2], scope: &Scope<'_, 'a>, of: fn(i64, i64) -> Option<i64>) -> Option<Item<'a>> {
    let [left, right] = both(parts, scope)?;
    of(left.as_int()?, right.as_int()?).map(|number| Item::own(Value::from(number)))
}

fn size(of: &Value) -> Option<Value> {
    match of {
        Value::Str(text) => Some(Value::Int(text.size())),
        Value::List(_) | Value::Map(_) => Some(Value::Int(of.size())),
        _ => None,
    }
}

fn join(of: &Value, between: &str) -> Option<Value> {
    let items = of.as_list()?;
    steps(items.len() + 1)?;
    let texts = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
    Some(text_value(texts.join(between)))
}

fn distinct(of: &Value) -> Option<Value> {
    let items = of.as_list()?;
    steps(items.len() + 1)?;
    let mut found: Vec<Value> = Vec::new();
    for item in items.iter().filter(|item| is_scalar(item)) {
        if !found.iter().any(|known| scalar_equal(item, known) == Some(true)) {
            found.push(item.clone());
        }
    }
    items.iter().all(is_scalar).then(|| Value::list(found))
}

fn flatten(of: &Value) -> Option<Value> {
    let items = of.as_list()?;
    steps(items.len() + 1)?;
    let mut flat = Vec::new();
    for item in items {
        if let Value::List(inner) = item {
            steps(inner.len() + 1)?;
            flat.extend(inner.iter().cloned());
        } else {
            flat.push(item.clone());
        }
    }
    Some(Value::list(flat))
}
