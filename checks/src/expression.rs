//! One expression over its bindings: what it may name, how it is evaluated, and why it has no result.
//!
//! Most expressions take the short way ([`crate::shortcut`]); the CEL library decides all others. Faults of the engine
//! outrank a result on both ways.

use std::sync::Arc;

use cel::common::types::{CelBool, CelDuration, CelOptional, CelTimestamp};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use crate::cel_view::{self, Fault};
use crate::compile::{Part, Rule, Template};
use crate::evaluate::BUDGET;
use crate::functions;
use crate::inventory::Reason;
use crate::shortcut::Item;
use crate::value::Value;

/// A value that an expression may name.
pub(crate) enum Bound {
    /// A value as it is observed.
    Value(Value),
    /// Timestamps, durations and optionals have no place in observations, but `let` may name them.
    Typed(Box<dyn Val>),
}

impl Bound {
    pub(crate) fn of(found: &dyn Val) -> Option<Self> {
        if let Some(at) = found.downcast_ref::<CelTimestamp>() {
            return Some(Self::Typed(Box::new(CelTimestamp::from(*at.inner()))));
        }
        if let Some(length) = found.downcast_ref::<CelDuration>() {
            return Some(Self::Typed(Box::new(CelDuration::from(*length.inner()))));
        }
        if let Some(optional) = found.downcast_ref::<CelOptional>() {
            return match optional.inner().map(Value::from_val) {
                None => Some(Self::optional(None)),
                Some(value) => value.map(|value| Self::optional(Some(value))),
            };
        }
        Value::from_val(found).map(Self::Value)
    }

    fn optional(value: Option<Value>) -> Self {
        Self::Typed(Box::new(value.map_or_else(CelOptional::none, |value| CelOptional::of(value.to_val()))))
    }

    /// The value in the form of observations.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Typed(typed) => Value::from_val(typed.as_ref()).unwrap_or(Value::NULL),
        }
    }
}

impl From<Item<'_>> for Bound {
    fn from(found: Item<'_>) -> Self {
        match found {
            Item::Plain(value) => Self::Value(value.into_owned()),
            Item::Optional(value) => Self::optional(value.map(std::borrow::Cow::into_owned)),
        }
    }
}

/// The names that the expressions of one check know for one subject.
pub(crate) struct Bindings<'c> {
    params: &'c Value,
    now: Option<&'c CelTimestamp>,
    entries: Vec<(&'c str, Bound)>,
}

impl<'c> Bindings<'c> {
    /// Nothing but the parameters, and the clock of the run where it may be named.
    pub(crate) const fn new(params: &'c Value, now: Option<&'c CelTimestamp>) -> Self {
        Self { params, now, entries: Vec::new() }
    }

    /// Forgets what was bound, for the next subject.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn set(&mut self, name: &'c str, value: impl Into<Bound>) {
        self.entries.push((name, value.into()));
    }

    /// The observed value of a name; none where it names nothing, or a value of another form.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        match name {
            "params" => Some(self.params),
            "now" if self.now.is_some() => None,
            _ => self.entries.iter().find(|(known, _)| *known == name).and_then(|(_, bound)| match bound {
                Bound::Value(value) => Some(value),
                Bound::Typed(_) => None,
            }),
        }
    }
}

impl From<Value> for Bound {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl VariableResolver for Bindings<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        match (name, self.now) {
            ("params", _) => Some(CowVal::Borrowed(self.params.as_val())),
            ("now", Some(now)) => Some(CowVal::Borrowed(now)),
            _ => self.entries.iter().find(|(known, _)| *known == name).map(|(_, bound)| match bound {
                Bound::Value(value) => CowVal::Borrowed(value.as_val()),
                Bound::Typed(typed) => CowVal::Borrowed(typed.as_ref()),
            }),
        }
    }
}

/// Why an expression has no result.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// The reason code.
    pub reason: Reason,
    /// What happened, in one line.
    pub detail: String,
}

impl Trouble {
    pub(crate) const fn rule(detail: String) -> Self {
        Self { reason: Reason::RuleError, detail }
    }
}

/// Evaluates one expression.
pub(crate) fn eval(rule: &Rule, bindings: &Bindings<'_>) -> Result<Bound, Trouble> {
    match short(rule, bindings) {
        Some(found) => Ok(found.into()),
        None => with_library(rule, bindings, |found| bound(rule, found)),
    }
}

/// Evaluates a condition.
pub(crate) fn holds(rule: &Rule, bindings: &Bindings<'_>) -> Result<bool, Trouble> {
    if let Some(Item::Plain(found)) = short(rule, bindings)
        && let Some(flag) = found.as_bool()
    {
        return Ok(flag);
    }
    with_library(rule, bindings, |found| {
        found
            .downcast_ref::<CelBool>()
            .map(|flag| *flag.inner())
            .ok_or_else(|| Trouble::rule(format!("`{}` is not true or false", rule.text)))
    })
}

/// Fills in the expressions of a template.
pub(crate) fn fill(template: &Template, bindings: &Bindings<'_>) -> Result<String, Trouble> {
    let mut out = String::new();
    for part in &template.parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Rule(rule) => out.push_str(&printed(&eval(rule, bindings)?.to_value())),
        }
    }
    Ok(out)
}

fn bound(rule: &Rule, found: &dyn Val) -> Result<Bound, Trouble> {
    Bound::of(found).ok_or_else(|| Trouble::rule(format!("`{}` has no value that can be kept", rule.text)))
}

fn short<'a>(rule: &'a Rule, bindings: &'a Bindings<'_>) -> Option<Item<'a>> {
    let shortcut = rule.shortcut()?;
    #[cfg(test)]
    crate::shortcut::tests::compare(rule, shortcut, bindings);
    shortcut.answer(bindings)
}

/// Evaluates one expression by the library alone.
#[cfg(test)]
pub(crate) fn by_library(rule: &Rule, bindings: &Bindings<'_>) -> Result<Bound, Trouble> {
    with_library(rule, bindings, |found| bound(rule, found))
}

fn with_library<T>(rule: &Rule, bindings: &Bindings<'_>, take: impl FnOnce(&dyn Val) -> Result<T, Trouble>) -> Result<T, Trouble> {
    let mut context = cel::Context::with_env(Arc::clone(functions::environment()));
    context.set_variable_resolver(bindings);
    let result = cel::Value::resolve_val(rule.tree(), &context);
    match cel_view::fault() {
        Some(Fault::Budget) => {
            return Err(Trouble { reason: Reason::BudgetExceeded, detail: format!("more than {BUDGET} steps in `{}`", rule.text) });
        }
        Some(Fault::OutsideMask) => return Err(Trouble::rule(format!("`{}` reads a field that was not collected", rule.text))),
        None => {}
    }
    match result {
        Ok(found) => take(found.as_ref()),
        Err(error) => Err(Trouble::rule(format!("`{}`: {error}", rule.text))),
    }
}

fn printed(value: &Value) -> String {
    match (value.as_str(), value.as_list()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(items)) => items.iter().map(printed).collect::<Vec<_>>().join(", "),
        (None, None) => value.to_json().to_string(),
    }
}
