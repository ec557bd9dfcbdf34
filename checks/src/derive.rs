//! Field derivation: which parts of which objects an expression reads, told from its syntax tree.
//!
//! The tree is walked with places instead of values: `subject.spec.containers.exists(c, has(c.image))` walks to
//! `spec.containers.*.image`. A value that escapes (compared, passed to a function, put in a literal) keeps its
//! subtree; one that is only tested for presence keeps its shell. A dynamic index keeps the keys that the resolved
//! parameters name; where that cannot be told, it is an error unless `reads:` lists the path.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::operators as op;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use serde_json::Value as Json;

use crate::functions;
use crate::mask::{FieldPath, Step, path_text};

/// What a place belongs to: the subject, or a join by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// The subject.
    Subject,
    /// The join with this position.
    Join(usize),
}

/// A place in an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    root: Root,
    path: FieldPath,
}

impl Place {
    fn then(&self, step: Step) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { root: self.root, path }
    }
}

/// What an expression may stand for, as far as reading is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Abs(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Computed from what was already recorded.
    Computed,
    /// One of these constants.
    Const(Vec<Json>),
    /// The value at one of these places.
    At(BTreeSet<Place>),
    /// A list whose elements stand for this.
    Items(Box<Kind>),
    /// The variable of a loop over one of these places: an element of a list, or a key of a map.
    Element(BTreeSet<Place>),
}

impl Abs {
    /// Something computed.
    #[must_use]
    pub const fn computed() -> Self {
        Self(Kind::Computed)
    }

    /// A constant.
    #[must_use]
    pub fn constant(value: Json) -> Self {
        Self(Kind::Const(vec![value]))
    }

    /// The root object itself.
    #[must_use]
    pub fn object(root: Root) -> Self {
        Self(Kind::At(BTreeSet::from([Place { root, path: Vec::new() }])))
    }

    /// A list of root objects.
    #[must_use]
    pub fn objects(root: Root) -> Self {
        Self(Kind::Items(Box::new(Self::object(root).0)))
    }
}

/// A fault of an expression, with the id of the node where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeriveError {
    /// The node in the syntax tree.
    pub node: u64,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

/// The reads of the expressions of one check.
#[derive(Clone, Debug, Default)]
pub struct Reads {
    /// Path and whether its subtree is kept, by root.
    pub paths: BTreeMap<Root, BTreeMap<FieldPath, bool>>,
    /// Paths under which any key may be read, because `reads:` says so.
    pub open: BTreeSet<(Root, FieldPath)>,
}

impl Reads {
    /// Records that the subtree at a path is read, or only its presence.
    pub fn add(&mut self, root: Root, path: &[Step], whole: bool) {
        let known = self.paths.entry(root).or_default().entry(path.to_vec()).or_insert(whole);
        *known |= whole;
    }
}

/// Names that an expression may use.
pub type Scope = BTreeMap<String, Abs>;

/// Walks `expr` and records what it reads. Returns what it stands for, for `let`.
///
/// # Errors
/// An unknown name, an unknown parameter, or a dynamic key that cannot be told.
pub fn derive(expr: &IdedExpr, scope: &Scope, reads: &mut Reads) -> Result<Abs, DeriveError> {
    Walk { reads, depth: 0 }.expr(expr, scope).map(Abs)
}

/// Records that all of what `abs` stands for is read.
pub fn escape(abs: &Abs, reads: &mut Reads) {
    Walk { reads, depth: 0 }.escape(&abs.0);
}

/// Comprehensions may be nested this deep.
pub const MAX_NESTING: usize = 4;
/// A literal list over which an expression loops may be this long.
pub const MAX_LITERAL: usize = 100;

struct Walk<'r> {
    reads: &'r mut Reads,
    depth: usize,
}

type Result<T, E = DeriveError> = std::result::Result<T, E>;

fn error<T>(node: u64, message: String, help: &str) -> Result<T> {
    Err(DeriveError { node, message, help: help.to_owned() })
}

impl Walk<'_> {
    fn expr(&mut self, expr: &IdedExpr, scope: &Scope) -> Result<Kind> {
        match &expr.expr {
            Expr::Ident(name) => match scope.get(name) {
                Some(abs) => Ok(abs.0.clone()),
                None => {
                    let known: Vec<&str> = scope.keys().map(String::as_str).filter(|name| !name.starts_with('@')).collect();
                    error(expr.id, format!("unknown name `{name}`"), &format!("known here: {}", known.join(", ")))
                }
            },
            Expr::Literal(literal) => Ok(literal_kind(literal)),
            Expr::Select(select) => self.select(expr.id, select, scope),
            Expr::Call(call) => self.call(expr.id, call, scope),
            Expr::Comprehension(comprehension) => self.comprehension(expr.id, comprehension, scope),
            Expr::List(list) => {
                let mut kinds = Vec::new();
                for element in &list.elements {
                    let kind = self.expr(element, scope)?;
                    // It is put into the list even where only the list's length is asked for.
                    self.presence(&kind);
                    kinds.push(kind);
                }
                Ok(list_kind(kinds))
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        for part in [&entry.key, &entry.value] {
                            let kind = self.expr(part, scope)?;
                            self.escape(&kind);
                        }
                    }
                }
                Ok(Kind::Computed)
            }
            Expr::Struct(_) | Expr::Unspecified => error(expr.id, "message types are not part of checks".to_owned(), "use a map"),
        }
    }

    fn select(&mut self, node: u64, select: &SelectExpr, scope: &Scope) -> Result<Kind> {
        let operand = self.expr(&select.operand, scope)?;
        let found = self.field(node, &operand, &select.field)?;
        if select.test {
            self.presence(&found);
            return Ok(Kind::Computed);
        }
        Ok(found)
    }

    fn field(&mut self, node: u64, kind: &Kind, field: &str) -> Result<Kind> {
        match kind {
            Kind::Computed => Ok(Kind::Computed),
            Kind::Const(values) => {
                let found: Vec<Json> = values.iter().filter_map(|value| value.get(field).cloned()).collect();
                if found.is_empty() && values.iter().any(Json::is_object) {
                    let known: Vec<&String> = values.iter().filter_map(Json::as_object).flat_map(|map| map.keys()).collect();
                    return error(node, format!("unknown parameter `{field}`"), &format!("declared: {known:?}"));
                }
                Ok(Kind::Const(found))
            }
            Kind::At(places) => Ok(Kind::At(places.iter().map(|place| place.then(Step::key(field))).collect())),
            Kind::Element(places) => {
                let elements = places.iter().map(|place| place.then(Step::Each).then(Step::key(field)));
                Ok(Kind::At(elements.collect()))
            }
            // A member of a list is reached by an index first; `.field` on a list is the optional of an element.
            Kind::Items(inner) => self.field(node, inner, field),
        }
    }

    fn index(&mut self, node: u64, operand: &Kind, index: &Kind) -> Result<Kind> {
        match (operand, index) {
            (Kind::Computed, _) => {
                self.escape(index);
                Ok(Kind::Computed)
            }
            (Kind::Items(inner), _) => {
                self.escape(index);
                Ok((**inner).clone())
            }
            (Kind::Const(values), Kind::Const(keys)) => {
                Ok(Kind::Const(values.iter().flat_map(|value| keys.iter().filter_map(move |key| const_index(value, key))).collect()))
            }
            (Kind::Const(_), _) => {
                self.escape(index);
                Ok(Kind::Computed)
            }
            (Kind::At(places), Kind::Const(keys)) => {
                Ok(Kind::At(places.iter().flat_map(|place| keys.iter().map(|key| place.then(const_step(key)))).collect()))
            }
            (Kind::At(places), Kind::Element(ranges)) if places.is_subset(ranges) => {
                Ok(Kind::At(places.iter().map(|place| place.then(Step::Each)).collect()))
            }
            (Kind::At(places), _) => {
                self.escape(index);
                let open = places.iter().all(|place| self.reads.open.contains(&(place.root, place.path.clone())));
                if open {
                    return Ok(Kind::At(places.iter().map(|place| place.then(Step::Each)).collect()));
                }
                let at: Vec<String> = places.iter().map(|place| path_text(&place.path)).collect();
                error(
                    node,
                    format!("the key of `{}` cannot be told from the parameters", at.join("`, `")),
                    "index with a literal or a parameter, loop over the map itself, or list the path with `.*` under `reads:`",
                )
            }
            (Kind::Element(places), _) => {
                let elements = Kind::At(places.iter().map(|place| place.then(Step::Each)).collect());
                self.index(node, &elements, index)
            }
        }
    }

    fn call(&mut self, node: u64, call: &CallExpr, scope: &Scope) -> Result<Kind> {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (op::INDEX | op::OPT_INDEX, None, [operand, index]) => {
                let operand = self.expr(operand, scope)?;
                let index = self.expr(index, scope)?;
                self.index(node, &operand, &index)
            }
            (op::OPT_SELECT, None, [operand, field]) => {
                let operand = self.expr(operand, scope)?;
                match &field.expr {
                    Expr::Literal(LiteralValue::String(name)) => self.field(node, &operand, name.inner()),
                    _ => error(node, "an optional field must be named".to_owned(), "write `.?name`"),
                }
            }
            (op::CONDITIONAL, None, [condition, yes, no]) => {
                let condition = self.expr(condition, scope)?;
                self.escape(&condition);
                let (yes, no) = (self.expr(yes, scope)?, self.expr(no, scope)?);
                Ok(self.join(yes, no))
            }
            (op::ADD, None, [left, right]) => {
                let (left, right) = (self.expr(left, scope)?, self.expr(right, scope)?);
                match (&left, &right) {
                    // The elements of both; a sum that is compared or printed escapes both places by that.
                    (Kind::Items(_), _) | (_, Kind::Items(_)) | (Kind::At(_), Kind::At(_)) => Ok(self.join(left, right)),
                    (Kind::At(_), Kind::Const(list)) | (Kind::Const(list), Kind::At(_)) if list.iter().all(Json::is_array) => {
                        Ok(self.join(left, right))
                    }
                    _ => {
                        self.escape(&left);
                        self.escape(&right);
                        Ok(Kind::Computed)
                    }
                }
            }
            ("orValue", Some(target), [default]) => {
                let (found, default) = (self.expr(target, scope)?, self.expr(default, scope)?);
                Ok(self.join(found, default))
            }
            ("or", Some(target), [other]) => {
                let (found, other) = (self.expr(target, scope)?, self.expr(other, scope)?);
                Ok(self.join(found, other))
            }
            ("value", Some(target), []) => self.expr(target, scope),
            ("hasValue", Some(target), []) => {
                let found = self.expr(target, scope)?;
                self.presence(&found);
                Ok(Kind::Computed)
            }
            ("size", Some(target), []) | ("size", None, [target]) => {
                let found = self.expr(target, scope)?;
                self.shape(&found);
                Ok(Kind::Computed)
            }
            (name, _, _) if !functions::is_known(name) => {
                error(node, format!("unknown function `{name}`"), "see the CEL language definition; functions are listed in the guide")
            }
            (_, target, args) => {
                for part in target.into_iter().chain(args) {
                    let kind = self.expr(part, scope)?;
                    self.escape(&kind);
                }
                Ok(Kind::Computed)
            }
        }
    }

    fn comprehension(&mut self, node: u64, loops: &ComprehensionExpr, scope: &Scope) -> Result<Kind> {
        if self.depth >= MAX_NESTING {
            return error(
                node,
                format!("comprehensions are nested more than {MAX_NESTING} deep"),
                "split the expression with `let`, or join by a key",
            );
        }
        let range = self.expr(&loops.iter_range, scope)?;
        if matches!(&range, Kind::Const(values) if values.iter().filter_map(Json::as_array).any(|list| list.len() > MAX_LITERAL)) {
            return error(node, format!("the loop runs over more than {MAX_LITERAL} constants"), "use a set test with `in`");
        }
        self.depth += 1;
        let mut inner = scope.clone();
        self.shape(&range);
        inner.insert(loops.iter_var.clone(), Abs(element_of(range)));
        if let Some(second) = &loops.iter_var2 {
            inner.insert(second.clone(), Abs::computed());
        }
        let mut accumulated = self.expr(&loops.accu_init, scope)?;
        // Twice, so that what one step adds is known to the next.
        for _ in 0..2 {
            inner.insert(loops.accu_var.clone(), Abs(accumulated.clone()));
            let condition = self.expr(&loops.loop_cond, &inner)?;
            self.escape_unless_list(&condition);
            let step = self.expr(&loops.loop_step, &inner)?;
            accumulated = self.join(accumulated, step);
        }
        inner.insert(loops.accu_var.clone(), Abs(accumulated));
        let result = self.expr(&loops.result, &inner);
        self.depth -= 1;
        result
    }

    // Either of two: what cannot be described together is read in full.
    fn join(&mut self, a: Kind, b: Kind) -> Kind {
        match (a, b) {
            (Kind::At(mut a), Kind::At(b)) => {
                a.extend(b);
                Kind::At(a)
            }
            (Kind::Const(mut a), Kind::Const(b)) => {
                a.extend(b.into_iter().filter(|value| !a.contains(value)).collect::<Vec<_>>());
                Kind::Const(a)
            }
            // A default such as `[]` or `""` reads nothing.
            (Kind::At(places), Kind::Const(_) | Kind::Computed) | (Kind::Const(_) | Kind::Computed, Kind::At(places)) => Kind::At(places),
            (Kind::Items(a), Kind::Items(b)) => Kind::Items(Box::new(self.join(*a, *b))),
            (Kind::Items(inner), Kind::Const(values)) | (Kind::Const(values), Kind::Items(inner)) => {
                let constants = values.into_iter().filter_map(|value| value.as_array().cloned()).flatten().collect::<Vec<_>>();
                if constants.is_empty() {
                    Kind::Items(inner)
                } else {
                    let joined = self.join(*inner, Kind::Const(constants));
                    Kind::Items(Box::new(joined))
                }
            }
            (Kind::Items(inner), Kind::Computed) | (Kind::Computed, Kind::Items(inner)) => Kind::Items(inner),
            (a, b) if a == b => a,
            (a, b) => {
                self.escape(&a);
                self.escape(&b);
                Kind::Computed
            }
        }
    }

    fn presence(&mut self, kind: &Kind) {
        self.each_place(kind, |reads, place| reads.add(place.root, &place.path, false));
    }

    // How many there are, and which keys: the elements themselves are not read.
    fn shape(&mut self, kind: &Kind) {
        if let Kind::Items(_) = kind {
            return;
        }
        self.each_place(kind, |reads, place| {
            let mut path = place.path.clone();
            path.push(Step::Each);
            reads.add(place.root, &path, false);
        });
    }

    fn escape_unless_list(&mut self, kind: &Kind) {
        if !matches!(kind, Kind::Items(_)) {
            self.escape(kind);
        }
    }

    fn escape(&mut self, kind: &Kind) {
        self.each_place(kind, |reads, place| reads.add(place.root, &place.path, true));
    }

    fn each_place(&mut self, kind: &Kind, mut record: impl FnMut(&mut Reads, &Place)) {
        fn visit(kind: &Kind, reads: &mut Reads, record: &mut dyn FnMut(&mut Reads, &Place)) {
            match kind {
                Kind::Computed | Kind::Const(_) => {}
                Kind::At(places) => places.iter().for_each(|place| record(reads, place)),
                Kind::Element(places) => places.iter().for_each(|place| record(reads, &place.then(Step::Each))),
                Kind::Items(inner) => visit(inner, reads, record),
            }
        }
        visit(kind, self.reads, &mut record);
    }
}

fn element_of(range: Kind) -> Kind {
    match range {
        Kind::Computed => Kind::Computed,
        Kind::Const(values) => Kind::Const(
            values
                .iter()
                .flat_map(|value| match value {
                    Json::Array(items) => items.clone(),
                    Json::Object(map) => map.keys().map(|key| Json::String(key.clone())).collect(),
                    _ => Vec::new(),
                })
                .collect(),
        ),
        Kind::At(places) => Kind::Element(places),
        Kind::Element(places) => Kind::Element(places.iter().map(|place| place.then(Step::Each)).collect()),
        Kind::Items(inner) => *inner,
    }
}

fn list_kind(kinds: Vec<Kind>) -> Kind {
    let constants: Option<Vec<Json>> = kinds
        .iter()
        .map(|kind| match kind {
            Kind::Const(values) if values.len() == 1 => values.first().cloned(),
            _ => None,
        })
        .collect();
    if let Some(constants) = constants {
        return Kind::Const(vec![Json::Array(constants)]);
    }
    let mut places = BTreeSet::new();
    let mut element = None;
    for kind in kinds {
        match kind {
            Kind::At(at) => places.extend(at),
            Kind::Element(at) => places.extend(at.iter().map(|place| place.then(Step::Each))),
            Kind::Computed | Kind::Const(_) => {}
            nested @ Kind::Items(_) => element = Some(nested),
        }
    }
    if let Some(nested) = element {
        return Kind::Items(Box::new(nested));
    }
    Kind::Items(Box::new(if places.is_empty() { Kind::Computed } else { Kind::At(places) }))
}

fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::String(text) => Kind::Const(vec![Json::String(text.inner().to_owned())]),
        LiteralValue::Int(number) => Kind::Const(vec![Json::from(*number.inner())]),
        LiteralValue::Boolean(flag) => Kind::Const(vec![Json::from(*flag.inner())]),
        _ => Kind::Computed,
    }
}

fn const_index(value: &Json, key: &Json) -> Option<Json> {
    match key {
        Json::String(key) => value.get(key).cloned(),
        Json::Number(at) => at.as_u64().and_then(|at| value.get(usize::try_from(at).ok()?).cloned()),
        _ => None,
    }
}

fn const_step(key: &Json) -> Step {
    match key {
        Json::String(key) => Step::key(key),
        _ => Step::Each,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(source: &str) -> Vec<(String, bool)> {
        let ast = functions::environment().compile(source).expect("the expression is well-formed");
        let mut reads = Reads::default();
        let scope = Scope::from([("subject".to_owned(), Abs::object(Root::Subject))]);
        derive(ast.expression(), &scope, &mut reads).expect("its places can be told");
        reads.paths.into_values().flatten().map(|(path, whole)| (path_text(&path), whole)).collect()
    }

    #[test]
    fn what_is_put_into_a_list_is_collected_even_if_only_its_length_is_asked_for() {
        let of_all = reads("size(subject.items.map(e, e.name))");
        assert!(of_all.contains(&("items.*.name".to_owned(), false)), "{of_all:?}");
        let of_some = reads("size(subject.items.filter(e, e.on).map(e, e.name)) == 0");
        assert!(of_some.contains(&("items.*.name".to_owned(), false)), "{of_some:?}");
    }
}
