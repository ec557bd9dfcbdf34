//! The short way through an expression: what most expressions consist of, evaluated without the CEL library.
//!
//! The library boxes every value on its way and finds names by text, which costs microseconds where a field is read in
//! nanoseconds. The short way knows fields, optional fields, comparisons, sums and loops over lists, and only as long as
//! they succeed. A missing field, a fault, a type that does not fit, an overflow, a name that it does not know: it has no
//! answer then, and the library decides as if the short way had never been tried. So it can be left out without changing
//! any result, and the library alone says what an error is. It takes at least as many steps of the budget as the library.

mod prepare;
mod run;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;

use cel::common::ast::IdedExpr;

use self::run::Scope;
use crate::cel_view;
use crate::expression::Bindings;
use crate::functions::Native;
use crate::value::Value;

/// An expression of which every part is known to the short way.
#[derive(Debug)]
pub(crate) struct Shortcut(Node);

impl Shortcut {
    /// Prepares an expression; none where a part of it is only known to the library.
    pub(crate) fn of(tree: &IdedExpr) -> Option<Self> {
        prepare::node(tree).map(Self)
    }

    /// What the expression yields; none where the library must decide.
    pub(crate) fn answer<'a>(&'a self, bindings: &'a Bindings<'_>) -> Option<Item<'a>> {
        let before = cel_view::mark();
        let found = self.0.run(&Scope::Bindings(bindings));
        // Whatever raised a fault raises it again in the library, which then has the last word.
        if found.is_none() || cel_view::fault().is_some() {
            cel_view::reset(before);
            return None;
        }
        found
    }
}

/// What an expression yields.
pub(crate) enum Item<'a> {
    /// A value.
    Plain(Cow<'a, Value>),
    /// An optional value.
    Optional(Option<Cow<'a, Value>>),
}

#[derive(Debug)]
enum Node {
    Constant(Value),
    Name(Box<str>),
    Field(Box<Node>, Box<str>),
    OptionalField(Box<Node>, Box<str>),
    Has(Box<Node>, Box<str>),
    Index { of: Box<Node>, key: Box<Node>, optional: bool },
    OrValue(Box<Node>, Box<Node>),
    OrOptional(Box<Node>, Box<Node>),
    HasValue(Box<Node>),
    Choice(Box<[Node; 3]>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Not(Box<Node>),
    Equal(Box<[Node; 2]>, bool),
    Compare(Box<[Node; 2]>, fn(Ordering) -> bool),
    In(Box<[Node; 2]>),
    Add(Box<[Node; 2]>),
    Multiply(Box<[Node; 2]>),
    Subtract(Box<[Node; 2]>),
    Size(Box<Node>),
    Text(Box<[Node; 2]>, fn(&str, &str) -> bool),
    Changed(Box<Node>, fn(&str) -> String),
    Replaced(Box<[Node; 3]>),
    Join(Box<[Node; 2]>),
    Flatten(Box<Node>),
    Distinct(Box<Node>),
    List(Box<[Node]>),
    Call(Native, Box<[Node]>),
    Loop(Box<Loop>),
}

/// A loop over the elements of a list.
#[derive(Debug)]
struct Loop {
    range: Node,
    variable: Box<str>,
    kind: LoopKind,
}

#[derive(Debug)]
enum LoopKind {
    /// `exists`, ended by the first true; or `all`, ended by the first false.
    Search { test: Node, ended_by: bool },
    /// `map` and `filter`.
    Collect { keep: Option<Node>, item: Node },
}
