//! From the syntax tree of an expression to the short way's own form of it.

use std::borrow::Borrow;
use std::cmp::Ordering;

use cel::common::ast::operators as op;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

use super::{Loop, LoopKind, Node};
use crate::functions;
use crate::value::Value;

/// The form of an expression; none where a part of it is not known to the short way.
pub(super) fn node(tree: &IdedExpr) -> Option<Node> {
    match &tree.expr {
        Expr::Literal(literal) => constant(literal).map(Node::Constant),
        Expr::Ident(name) => Some(Node::Name(name.as_str().into())),
        Expr::Select(SelectExpr { operand, field, test }) => {
            let (of, name) = (boxed(operand)?, field.as_str().into());
            Some(if *test { Node::Has(of, name) } else { Node::Field(of, name) })
        }
        Expr::Call(call) => call_node(call),
        Expr::Comprehension(loops) => loop_node(loops),
        Expr::List(list) if list.optional_indices.is_empty() => list_node(&list.elements),
        Expr::Map(map) if map.entries.is_empty() => Some(Node::Constant(Value::map(Vec::new()))),
        _ => None,
    }
}

fn boxed(tree: &IdedExpr) -> Option<Box<Node>> {
    node(tree).map(Box::new)
}

fn pair(left: &IdedExpr, right: &IdedExpr) -> Option<Box<[Node; 2]>> {
    Some(Box::new([node(left)?, node(right)?]))
}

fn three(parts: [&IdedExpr; 3]) -> Option<Box<[Node; 3]>> {
    Some(Box::new([node(parts[0])?, node(parts[1])?, node(parts[2])?]))
}

fn constant(literal: &LiteralValue) -> Option<Value> {
    match literal {
        LiteralValue::Boolean(flag) => Some(Value::Bool(*flag)),
        LiteralValue::Double(number) => Some(Value::Double(*number)),
        LiteralValue::Int(number) => Some(Value::Int(*number)),
        LiteralValue::Null => Some(Value::NULL),
        LiteralValue::String(text) => Some(Value::str(text.inner())),
        LiteralValue::Bytes(_) | LiteralValue::UInt(_) => None,
    }
}

fn list_node(elements: &[IdedExpr]) -> Option<Node> {
    let nodes = elements.iter().map(node).collect::<Option<Box<[Node]>>>()?;
    let constants = nodes.iter().map(|node| if let Node::Constant(value) = node { Some(value.clone()) } else { None });
    let constants: Option<Vec<Value>> = constants.collect();
    Some(constants.map_or(Node::List(nodes), |values| Node::Constant(Value::list(values))))
}

fn call_node(call: &CallExpr) -> Option<Node> {
    match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
        (op::CONDITIONAL, None, [condition, yes, no]) => Some(Node::Choice(Box::new([node(condition)?, node(yes)?, node(no)?]))),
        (op::LOGICAL_NOT, None, [flag]) => boxed(flag).map(Node::Not),
        (op::OPT_SELECT, None, [of, field]) => match &field.expr {
            Expr::Literal(LiteralValue::String(name)) => Some(Node::OptionalField(boxed(of)?, name.inner().into())),
            _ => None,
        },
        (name @ (op::INDEX | op::OPT_INDEX), None, [of, key]) => {
            Some(Node::Index { of: boxed(of)?, key: boxed(key)?, optional: name == op::OPT_INDEX })
        }
        (name, None, [left, right]) => binary(name, left, right),
        ("orValue", Some(of), [default]) => Some(Node::OrValue(boxed(of)?, boxed(default)?)),
        ("or", Some(of), [other]) => Some(Node::OrOptional(boxed(of)?, boxed(other)?)),
        ("hasValue", Some(of), []) => boxed(of).map(Node::HasValue),
        ("size", Some(of), []) | ("size", None, [of]) => boxed(of).map(Node::Size),
        ("flatten", Some(of), []) => boxed(of).map(Node::Flatten),
        ("distinct", Some(of), []) => boxed(of).map(Node::Distinct),
        ("join", Some(of), [between]) => pair(of, between).map(Node::Join),
        ("replace", Some(of), [from, to]) => three([of, from, to]).map(Node::Replaced),
        ("trim", Some(of), []) => Some(Node::Changed(boxed(of)?, |text| text.trim().to_owned())),
        ("lowerAscii", Some(of), []) => Some(Node::Changed(boxed(of)?, str::to_ascii_lowercase)),
        ("upperAscii", Some(of), []) => Some(Node::Changed(boxed(of)?, str::to_ascii_uppercase)),
        ("startsWith", Some(of), [part]) => Some(Node::Text(pair(of, part)?, |text, part| text.starts_with(part))),
        ("endsWith", Some(of), [part]) => Some(Node::Text(pair(of, part)?, |text, part| text.ends_with(part))),
        ("contains", Some(of), [part]) => Some(Node::Text(pair(of, part)?, |text, part| text.contains(part))),
        (name, None, args) => native(name, args),
        _ => None,
    }
}

fn binary(name: &str, left: &IdedExpr, right: &IdedExpr) -> Option<Node> {
    Some(match name {
        op::LOGICAL_AND => Node::And(pair(left, right)?),
        op::LOGICAL_OR => Node::Or(pair(left, right)?),
        op::EQUALS => Node::Equal(pair(left, right)?, true),
        op::NOT_EQUALS => Node::Equal(pair(left, right)?, false),
        op::LESS => Node::Compare(pair(left, right)?, Ordering::is_lt),
        op::LESS_EQUALS => Node::Compare(pair(left, right)?, Ordering::is_le),
        op::GREATER => Node::Compare(pair(left, right)?, Ordering::is_gt),
        op::GREATER_EQUALS => Node::Compare(pair(left, right)?, Ordering::is_ge),
        op::IN => Node::In(pair(left, right)?),
        op::ADD => Node::Add(pair(left, right)?),
        op::SUBSTRACT => Node::Subtract(pair(left, right)?),
        op::MULTIPLY => Node::Multiply(pair(left, right)?),
        _ => native(name, &[left, right])?,
    })
}

fn native<T: Borrow<IdedExpr>>(name: &str, args: &[T]) -> Option<Node> {
    let native = functions::native(name, args.len())?;
    let args = args.iter().map(|arg| node(arg.borrow())).collect::<Option<Box<[Node]>>>()?;
    Some(Node::Call(native, args))
}

// The macros of the language expand to loops of exactly these forms; any other loop is the library's.
fn loop_node(loops: &ComprehensionExpr) -> Option<Node> {
    if loops.iter_var2.is_some() || !is_name(&loops.result, &loops.accu_var) {
        return None;
    }
    let kind = match &loops.accu_init.expr {
        Expr::Literal(LiteralValue::Boolean(start)) => search(loops, *start.inner())?,
        Expr::List(list) if list.elements.is_empty() => collect(loops)?,
        _ => return None,
    };
    Some(Node::Loop(Box::new(Loop { range: node(&loops.iter_range)?, variable: loops.iter_var.as_str().into(), kind })))
}

fn is_name(tree: &IdedExpr, expected: &str) -> bool {
    matches!(&tree.expr, Expr::Ident(name) if name == expected)
}

// The arguments of a call of `name` without a target.
fn args<'t>(tree: &'t IdedExpr, name: &str) -> Option<&'t [IdedExpr]> {
    match &tree.expr {
        Expr::Call(call) if call.func_name == name && call.target.is_none() => Some(&call.args),
        _ => None,
    }
}

fn search(loops: &ComprehensionExpr, start: bool) -> Option<LoopKind> {
    let [goes_on] = args(&loops.loop_cond, op::NOT_STRICTLY_FALSE)? else { return None };
    let goes_on = if start { goes_on } else { args(goes_on, op::LOGICAL_NOT)?.first()? };
    let [so_far, test] = args(&loops.loop_step, if start { op::LOGICAL_AND } else { op::LOGICAL_OR })? else { return None };
    let known = is_name(goes_on, &loops.accu_var) && is_name(so_far, &loops.accu_var);
    known.then(|| node(test)).flatten().map(|test| LoopKind::Search { test, ended_by: !start })
}

fn collect(loops: &ComprehensionExpr) -> Option<LoopKind> {
    if !matches!(&loops.loop_cond.expr, Expr::Literal(LiteralValue::Boolean(flag)) if *flag.inner()) {
        return None;
    }
    let (keep, step) = match args(&loops.loop_step, op::CONDITIONAL) {
        Some([keep, step, otherwise]) if is_name(otherwise, &loops.accu_var) => (Some(node(keep)?), step),
        Some(_) => return None,
        None => (None, &loops.loop_step),
    };
    let [so_far, added] = args(step, op::ADD)? else { return None };
    match &added.expr {
        Expr::List(list) if is_name(so_far, &loops.accu_var) && list.optional_indices.is_empty() => match list.elements.as_slice() {
            [item] => Some(LoopKind::Collect { keep, item: node(item)? }),
            _ => None,
        },
        _ => None,
    }
}
