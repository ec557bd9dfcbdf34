//! From what a person wrote to what can be evaluated: every expression compiled, every name known, or an error with
//! its place.

use std::sync::Arc;

use cel::common::ast::IdedExpr;
use cel::{Env, Program};
use proofbook_controls::CheckId;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use proofbook_controls::yaml::{self, Spanned};

use crate::definition::{CheckDefinition, Expr, JoinDefinition, JoinOn, View};
use crate::finding::Verdict;
use crate::functions;
use crate::inventory::Reason;
use crate::resource::Resource;
use crate::shortcut::Shortcut;

/// A compiled expression with the place it came from.
#[derive(Debug)]
pub struct Rule {
    /// The expression as written.
    pub text: String,
    /// Where it stands in the file.
    pub span: Span,
    program: Program,
    shortcut: Option<Shortcut>,
}

impl Rule {
    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// A rule without a file, for tests of the engine.
    #[cfg(test)]
    pub(crate) fn compiled(text: &str) -> Self {
        let program = functions::environment().compile(text).unwrap();
        Self { text: text.to_owned(), span: Span::START, shortcut: Shortcut::of(program.expression()), program }
    }

    /// The short way through it, where there is one.
    pub(crate) const fn shortcut(&self) -> Option<&Shortcut> {
        self.shortcut.as_ref()
    }

    /// The syntax tree.
    #[must_use]
    pub fn tree(&self) -> &IdedExpr {
        self.program.expression()
    }

    /// The place of a node of the syntax tree in the file.
    #[must_use]
    pub fn span_of(&self, node: u64) -> Span {
        let Some((start, stop)) = self.program.source_info().offset_for(node) else {
            return self.span;
        };
        within(self.span, &self.text, start as usize, stop as usize)
    }
}

// Moves a span to a part of its text; exact for expressions on one line, the first line of the expression otherwise.
fn within(span: Span, text: &str, start: usize, stop: usize) -> Span {
    let before: String = text.chars().take(start).collect();
    let lines = u32::try_from(before.matches('\n').count()).unwrap_or(0);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    let width = u32::try_from(stop.saturating_sub(start)).unwrap_or(0).max(1);
    let base = if lines == 0 { span.column } else { 1 };
    let column = base + u32::try_from(column).unwrap_or(0);
    Span { line: span.line + lines, column, end_column: column + width }
}

/// A text with expressions in `{{ }}`.
#[derive(Debug, Default)]
pub struct Template {
    /// The text as written.
    pub text: String,
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Debug)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// An expression.
    Rule(Rule),
}

/// Where subjects or joined objects come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A resource.
    Resource(Resource),
    /// A view over several resources.
    View(View),
}

/// How a join finds its objects.
#[derive(Debug)]
pub enum Match {
    /// By one of the ready-made ways.
    On(JoinOn),
    /// By equal keys: over the subject, and over the object.
    Key(Box<(Rule, Rule)>),
}

/// A compiled join.
#[derive(Debug)]
pub struct Join {
    /// The name that expressions use.
    pub name: String,
    /// Where its objects come from.
    pub origin: Origin,
    /// How they are found.
    pub matching: Match,
    /// Whether the resource may be missing from the platform.
    pub optional: bool,
}

/// A compiled outcome.
#[derive(Debug)]
pub struct Outcome {
    /// The condition.
    pub when: Option<Rule>,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub code: Reason,
    /// The sentence.
    pub message: Template,
}

/// A check that can be evaluated.
#[derive(Debug)]
pub struct Check {
    /// The definition.
    pub definition: CheckDefinition,
    /// The folder in the library: the domain.
    pub domain: String,
    /// The file, as it is named in errors.
    pub file: String,
    /// The file's text: the rule itself, as it is sealed and printed.
    pub source: String,
    /// Where subjects come from.
    pub origin: Origin,
    /// Which of them the check is about.
    pub filter: Option<Rule>,
    /// The joins in order.
    pub joins: Vec<Join>,
    /// The named expressions in order.
    pub lets: Vec<(String, Rule)>,
    /// The outcomes in order.
    pub outcomes: Vec<Outcome>,
    /// The measured values.
    pub measure: Vec<(String, Rule)>,
    /// The manual command.
    pub manual: Template,
}

impl Check {
    /// The id.
    #[must_use]
    pub const fn id(&self) -> &CheckId {
        &self.definition.id
    }

    /// Reads and compiles a check; all errors come at once.
    ///
    /// # Errors
    /// What the file does wrong, each with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        let definition: CheckDefinition = yaml::parse(file, text).map_err(|error| Diagnostics(vec![error]))?;
        let mut compiler = Compiler { file, text, errors: Diagnostics::default() };
        let check = compiler.check(definition);
        match check {
            Some(check) if compiler.errors.is_empty() => Ok(check),
            _ => Err(compiler.errors),
        }
    }
}

// Resources name files of the evidence: nothing but what the names of an API are made of.
fn is_resource(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    name.bytes().all(allowed) && name.split('.').all(|part| !part.is_empty())
}

struct Compiler<'t> {
    file: &'t str,
    text: &'t str,
    errors: Diagnostics,
}

impl Compiler<'_> {
    fn check(&mut self, definition: CheckDefinition) -> Option<Check> {
        self.file_name(&definition);
        let subject = &definition.subject;
        let origin = self.origin("subject", subject.source, subject.resource.as_ref(), subject.view);
        let filter = subject.filter.as_ref().and_then(|expr| self.rule(expr));
        let joins: Vec<Option<Join>> = definition.with.iter().map(|(name, join)| self.join(name, join)).collect();
        let lets: Vec<_> = self.rules(&definition.lets);
        let measure = self.rules(&definition.measure);
        for name in definition.publish.iter().filter(|name| !definition.measure.contains_key(&name.value)) {
            let help = did_you_mean(&name.value, definition.measure.keys().map(String::as_str), "name an entry of `measure:`");
            self.error("unknown-measure", yaml::span_of(name), format!("`{}` is no measure of the check", name.value), &help);
        }
        let outcomes = self.outcomes(&definition);
        let manual = self.template(&definition.manual, Span { line: 1, column: 1, end_column: 2 });
        Some(Check {
            domain: self.file.rsplit('/').nth(1).unwrap_or_default().to_owned(),
            file: self.file.to_owned(),
            source: self.text.to_owned(),
            origin: origin?,
            filter,
            joins: joins.into_iter().collect::<Option<_>>()?,
            lets,
            outcomes,
            measure,
            manual,
            definition,
        })
    }

    fn error(&mut self, code: &'static str, span: Span, message: String, help: &str) {
        let found = Diagnostic::new(code, self.file, message).at(span).help(help).with_source(self.text);
        self.errors.push(found);
    }

    fn file_name(&mut self, definition: &CheckDefinition) {
        let stem = self.file.rsplit('/').next().and_then(|name| name.strip_suffix(".yaml"));
        if stem != Some(definition.id.as_str()) {
            let line = self.text.lines().position(|line| line.starts_with("id:")).and_then(|line| u32::try_from(line + 1).ok());
            let id = line.map_or(Span::START, |line| Span { line, column: 1, end_column: 3 });
            let message = format!("the check `{}` stands in a file of another name", definition.id);
            self.error("file-name", id, message, "name the file after the id");
        }
    }

    fn origin(
        &mut self,
        what: &str,
        source: crate::resource::Source,
        resource: Option<&Spanned<String>>,
        view: Option<View>,
    ) -> Option<Origin> {
        match (resource, view) {
            (Some(resource), None) if !is_resource(&resource.value) => {
                let message = format!("`{}` is no resource", resource.value);
                self.error(
                    "resource",
                    yaml::span_of(resource),
                    message,
                    "write the plural name and the group: `networkpolicies.networking.k8s.io`, `pods`",
                );
                None
            }
            (Some(resource), None) => Some(Origin::Resource(Resource { source, name: resource.value.as_str().into() })),
            (None, Some(view)) => Some(Origin::View(view)),
            (both, _) => {
                let span = both.map_or(Span { line: 1, column: 1, end_column: 2 }, yaml::span_of);
                self.error("origin", span, format!("`{what}` needs either `resource` or `view`"), "name one of the two");
                None
            }
        }
    }

    fn join(&mut self, name: &str, join: &JoinDefinition) -> Option<Join> {
        let origin = self.origin(name, join.source, join.resource.as_ref(), join.view);
        let matching = match (join.on, &join.key) {
            (Some(on), None) => Some(Match::On(on)),
            (None, Some((subject, object))) => match (self.rule(subject), self.rule(object)) {
                (Some(subject), Some(object)) => Some(Match::Key(Box::new((subject, object)))),
                _ => None,
            },
            _ => {
                let span = join.resource.as_ref().map_or(Span { line: 1, column: 1, end_column: 2 }, yaml::span_of);
                self.error("join", span, format!("the join `{name}` needs either `on` or `key`"), "say how its objects are found");
                None
            }
        };
        Some(Join { name: name.to_owned(), origin: origin?, matching: matching?, optional: join.optional })
    }

    fn rules(&mut self, rules: &indexmap::IndexMap<String, Expr>) -> Vec<(String, Rule)> {
        rules.iter().filter_map(|(name, expr)| self.rule(expr).map(|rule| (name.clone(), rule))).collect()
    }

    fn outcomes(&mut self, definition: &CheckDefinition) -> Vec<Outcome> {
        let last = definition.outcomes.len().saturating_sub(1);
        let start = Span { line: 1, column: 1, end_column: 2 };
        if definition.outcomes.is_empty() {
            self.error("outcomes", start, "a check needs outcomes".to_owned(), "end with one that has no `when`");
        }
        let mut out = Vec::new();
        for (at, outcome) in definition.outcomes.iter().enumerate() {
            let span = outcome.when.as_ref().map_or(start, |when| yaml::span_of(&when.0));
            if outcome.when.is_some() == (at == last) {
                self.error("outcomes", span, format!("outcome {} is out of place", at + 1), "all outcomes but the last one have a `when`");
            }
            let verdict = Verdict::from(outcome.verdict);
            let message = match &outcome.message {
                Some(message) => self.template(message.text(), yaml::span_of(&message.0)),
                None if verdict == Verdict::Pass => Template::default(),
                None => {
                    self.error("outcomes", span, format!("outcome {} needs a message", at + 1), "say what was found");
                    Template::default()
                }
            };
            let code = outcome.code.map_or_else(
                || match verdict {
                    Verdict::Pass => Reason::AsPromised,
                    Verdict::NotApplicable => Reason::OutOfScope,
                    Verdict::Error => Reason::ParseError,
                    _ => Reason::NotAsPromised,
                },
                |code| code.0,
            );
            let when = outcome.when.as_ref().and_then(|when| self.rule(when));
            if outcome.when.is_some() == when.is_some() {
                out.push(Outcome { when, verdict, code, message });
            }
        }
        out
    }

    fn template(&mut self, text: &str, span: Span) -> Template {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inside, tail)) = after.split_once("}}") else {
                self.error("template", span, "`{{` is not closed".to_owned(), "close it with `}}`");
                break;
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            if let Some(rule) = self.compile(inside.trim(), span) {
                parts.push(Part::Rule(rule));
            }
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Template { text: text.to_owned(), parts }
    }

    fn rule(&mut self, expr: &Expr) -> Option<Rule> {
        let span = yaml::span_of(&expr.0);
        let line = self.text.lines().nth(span.line.saturating_sub(1) as usize).unwrap_or_default();
        let quoted = line.chars().nth(span.column.saturating_sub(1) as usize).is_some_and(|first| first == '\'' || first == '"');
        let column = span.column + u32::from(quoted);
        self.compile(expr.text(), Span { column, ..span })
    }

    fn compile(&mut self, text: &str, span: Span) -> Option<Rule> {
        if text.len() > functions::MAX_SOURCE {
            let message = format!("the expression is longer than {} characters", functions::MAX_SOURCE);
            self.error("expression", span, message, "split it with `let`");
            return None;
        }
        let env: &Arc<Env> = functions::environment();
        match env.compile(text) {
            Ok(program) => Some(Rule { text: text.to_owned(), span, shortcut: Shortcut::of(program.expression()), program }),
            Err(errors) => {
                for error in &errors.errors {
                    let [line, column] = [error.pos.0, error.pos.1].map(|at| usize::try_from(at).unwrap_or(1).max(1));
                    let start: usize =
                        text.split_inclusive('\n').take(line - 1).map(|line| line.chars().count()).sum::<usize>() + column - 1;
                    let at = within(span, text, start, start + 1);
                    let message = format!("the expression does not compile: {}", error.msg);
                    self.error("expression", at, message, "see the CEL language definition; functions are listed in the guide");
                }
                None
            }
        }
    }
}
