//! Classification: first what is silent by its form and its words, then how a promise is meant.

use proofbook_evidence::claims::{Class, Kind};

use super::scan::Scan;
use super::values::Value;
use super::vocabulary::{Cue, Sense, Vocabulary, holds};
use crate::document::{Context, Form, Statement};

/// What stands around a statement, scanned once for all statements of a block.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// What is nearest first: column, row, label, lead-in, question, headings from the inside out.
    pub(crate) nearest: Vec<Scan<'static>>,
    /// Whether a table or list gives duties to a side, and this is the provider's.
    pub(crate) responsibility: bool,
    topic: Option<usize>,
    // Whether a heading says that instructions follow.
    steps: bool,
    // Whether the table is a register of companies.
    register: bool,
    // Whether the table gives rights to roles.
    has_roles: bool,
    part: Part,
    question: Option<Asked>,
}

// Whose or what part of a document this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Plain,
    Customer,
    Provider,
    Plans,
    Absent,
    Past,
    Examples,
    Steps,
    Definition,
}

// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Good,
    Harm,
    Plan,
    Customer,
}

impl Surroundings {
    pub(crate) fn of(vocabulary: &'static Vocabulary, context: &Context, form: Form) -> Self {
        let scan = |text: &str| Scan::of(vocabulary, text);
        let cell = form == Form::Cell;
        let column = context.column.as_deref().filter(|_| cell).map(scan);
        let row = context.row.as_deref().filter(|_| cell).map(scan);
        let label = context.label.as_deref().map(scan);
        let lead_in = context.lead_in.as_deref().map(scan);
        let question = context.question.as_deref().map(scan);
        let headings: Vec<Scan<'static>> = context.headings.iter().rev().map(|heading| scan(heading)).collect();
        let asked = question.as_ref().map(|question| {
            if question.has(Cue::Future) || question.has(Cue::InProgress) {
                Asked::Plan
            } else if question.has(Cue::Harm) {
                Asked::Harm
            } else if question.tokens.iter().any(|(_, text)| matches!(text, "should" | "must" | "need")) && question.has(Cue::Customer) {
                Asked::Customer
            } else {
                Asked::Good
            }
        });
        let headings_say_steps = headings.iter().take(2).any(|heading| heading.words() <= 6 && heading.has(Cue::StepsHeading));
        let (part, responsibility) = part(vocabulary, context, form, lead_in.as_ref(), &headings);
        let nearest: Vec<Scan<'static>> = [column, row, label, lead_in, question].into_iter().flatten().chain(headings).collect();
        let topic = nearest.iter().find_map(|scan| scan.topic().filter(|(_, weight)| *weight >= 2)).map(|(topic, _)| topic);
        let has_roles = cell
            && context.columns.first().is_some_and(|first| {
                let first = first.to_lowercase();
                ["role", "rolle", "rôle", "permission", "group"].iter().any(|word| first.contains(word))
            });
        let steps = headings_say_steps;
        let register = cell
            && context.columns.iter().take(3).any(|column| {
                let column = column.to_lowercase();
                [
                    "subprocessor",
                    "sub-processor",
                    "company",
                    "supplier",
                    "entity",
                    "firma",
                    "sous-traitant",
                    "dienstleister",
                    "unternehmen",
                    "variable",
                    "setting",
                    "endpoint",
                    "parameter",
                    "code",
                    "error",
                    "escalation",
                    "contact",
                    "field",
                    "flag",
                    "option",
                ]
                .iter()
                .any(|word| column.contains(word))
            });
        Self { nearest, responsibility, topic, steps, register, has_roles, part, question: asked }
    }

    pub(crate) const fn topic(&self) -> Option<usize> {
        self.topic
    }
}

// The part of the document, by the columns of the table, the lead-in, or the headings.
fn part(vocabulary: &'static Vocabulary, context: &Context, form: Form, lead_in: Option<&Scan<'_>>, headings: &[Scan<'_>]) -> (Part, bool) {
    if form == Form::Cell && context.columns.len() > 1 {
        let is = |text: &str, cue: Cue| {
            let scan = Scan::of(vocabulary, text);
            scan.has(cue) && scan.words() <= 5
        };
        // A table of duties has a column of the customer, and another that is the provider's.
        let customers = context.columns.iter().skip(1).any(|column| is(column, Cue::CustomerHeading));
        let others = context.columns.iter().skip(1).any(|column| {
            !is(column, Cue::CustomerHeading) && (is(column, Cue::ProviderHeading) || column.chars().next().is_some_and(char::is_uppercase))
        });
        let shared = context.columns.iter().any(|column| is(column, Cue::ProviderHeading));
        let topical =
            context.columns.iter().skip(1).any(|column| Scan::of(vocabulary, column).topic().is_some_and(|(_, weight)| weight >= 3));
        if customers && others && (shared || !topical) && context.columns.len() <= 5 {
            let own = context.column.as_deref().unwrap_or_default();
            return if is(own, Cue::CustomerHeading) { (Part::Customer, true) } else { (Part::Provider, true) };
        }
    }
    if let Some(lead_in) = lead_in {
        let duty = lead_in.tokens.iter().any(|(_, text)| {
            matches!(
                text,
                "responsible"
                    | "responsibility"
                    | "responsibilities"
                    | "must"
                    | "should"
                    | "shall"
                    | "duties"
                    | "verantwortlich"
                    | "responsable"
            )
        });
        let provider = lead_in.has(Cue::FirstPerson);
        let customer = lead_in.has(Cue::Customer);
        let advice =
            lead_in.tokens.iter().any(|(_, text)| matches!(text, "recommend" | "recommended" | "please" | "advise" | "empfehlen" | "sure"));
        if duty && customer && !provider || advice || lead_in.has(Cue::CustomerDuty) && customer && !provider {
            return (Part::Customer, true);
        }
        let responsible = lead_in.tokens.iter().any(|(_, text)| {
            matches!(text, "responsible" | "responsibility" | "responsibilities" | "duties" | "verantwortlich" | "responsable")
        });
        if duty && !customer {
            return (Part::Provider, responsible);
        }
        if provider {
            return (Part::Plain, false);
        }
        if lead_in.has(Cue::Future) {
            return (Part::Plans, false);
        }
        if lead_in
            .tokens
            .iter()
            .any(|(_, text)| matches!(text, "example" | "examples" | "instance" | "beispiel" | "exemple" | "steps" | "follows" | "terms"))
            && !lead_in.has(Cue::Present)
        {
            return (Part::Examples, false);
        }
    }
    if form == Form::Cell && context.column.as_deref().is_some_and(|column| is_meaning(column)) {
        return (Part::Definition, false);
    }
    for (depth, heading) in headings.iter().enumerate() {
        if heading.ends_with("?") {
            continue;
        }
        let short = heading.words() <= 6;
        // The title of a page says little of a section that has a heading of its own.
        let own = depth == 0 || depth == 1 && headings[0].words() <= 2;
        if short && own && heading.has(Cue::HistoryHeading) {
            return (Part::Past, false);
        }
        if short && depth == 0 && heading.has(Cue::PlansHeading) && form != Form::Sentence {
            return (Part::Plans, false);
        }
        if short && depth == 0 && heading.has(Cue::NegativeStatus) || depth == 0 && heading.words() == 1 && heading.tokens.text(0) == "no" {
            return (Part::Absent, false);
        }
        if short && depth < 2 && heading.has(Cue::ExampleHeading) {
            return (Part::Examples, false);
        }
        if short && depth < 2 && heading.has(Cue::DutyHeading) {
            return (Part::Customer, false);
        }
    }
    let steps = headings.iter().take(2).any(|heading| heading.words() <= 6 && heading.has(Cue::StepsHeading)) || context.numbered;
    (if steps { Part::Steps } else { Part::Plain }, false)
}

fn is_meaning(column: &str) -> bool {
    matches!(
        column.to_lowercase().as_str(),
        "meaning"
            | "description"
            | "definition"
            | "explanation"
            | "term"
            | "default"
            | "example"
            | "notes"
            | "variable"
            | "flag"
            | "bedeutung"
            | "beschreibung"
            | "signification"
            | "date"
            | "version"
            | "datum"
            | "owner"
            | "author"
            | "id"
            | "ref"
            | "no."
            | "#"
    )
}

/// How a statement is meant.
pub(crate) fn classify(scan: &Scan<'_>, text: &str, statement: &Statement, around: &Surroundings, values: &[Value]) -> Class {
    if scan.ends_with("?") {
        return Class::Question;
    }
    // The first cell of a row names what the others are about.
    if statement.form == Form::Cell && statement.context.row.is_none() {
        return Class::Heading;
    }
    let mark = matches!(scan.tokens.text(0), "✓" | "✔" | "✅" | "●" | "☑");
    if scan.words() == 0 && values.is_empty() && !mark {
        return Class::Metadata;
    }
    if let Some(class) = by_part(scan, statement, around, values) {
        return class;
    }
    if let Some(class) = answer(scan, statement, around, values) {
        return class;
    }
    if let Some(class) = silent(scan, text, statement, around, values) {
        return class;
    }
    if !is_about_security(scan, statement, around, values) {
        return if scan.has(Cue::Marketing) { Class::Marketing } else { Class::Metadata };
    }
    promise(scan, around, values)
}

// What the part of the document decides.
fn by_part(scan: &Scan<'_>, statement: &Statement, around: &Surroundings, values: &[Value]) -> Option<Class> {
    match around.part {
        Part::Customer => {
            // What the provider does may stand in the customer's part too.
            let provider = scan.has(Cue::FirstPerson) && !scan.has(Cue::CustomerDuty) && statement.form == Form::Sentence;
            let capability = scan.has(Cue::Capability) && statement.form == Form::Sentence;
            (!provider && !capability).then_some(Class::CustomerDuty)
        }
        Part::Past => {
            // Between the entries of a history, a sentence may speak of the present.
            let present = statement.form == Form::Sentence && !scan.has(Cue::Past) && has_verb(scan);
            (!present).then_some(Class::History)
        }
        Part::Absent => (statement.form == Form::Item).then_some(Class::NegativeStatus),
        Part::Plans => Some(Class::Future),
        Part::Examples => Some(Class::Definition),
        Part::Definition => Some(Class::Definition),
        Part::Steps => {
            let told = statement.form == Form::Item
                && statement.context.numbered
                && statement.context.question.is_none()
                && around.steps
                && !scan.has(Cue::Present)
                && values.is_empty()
                && !scan.has(Cue::FirstPerson);
            told.then_some(Class::CustomerDuty)
        }
        Part::Provider | Part::Plain => None,
    }
}

// A short answer takes its meaning from the question.
fn answer(scan: &Scan<'_>, statement: &Statement, around: &Surroundings, values: &[Value]) -> Option<Class> {
    if statement.position > 0 || !statement.context.first_answer {
        return None;
    }
    let asked = around.question?;
    // "A:" before the answer.
    let start = usize::from(matches!(scan.tokens.text(0), "a" | "answer" | "antwort" | "r" | "réponse") && scan.tokens.text(1) == ":") * 2;
    let first = scan.tokens.text(start);
    let yes = matches!(first, "yes" | "yep" | "ja" | "oui" | "always" | "absolutely" | "certainly" | "✓" | "y");
    let no = matches!(first, "no" | "nope" | "never" | "nein" | "non" | "n");
    let alone = scan.tokens.len() <= start + 2;
    if !(yes || no) || !(alone || scan.tokens.text(start + 1) == ",") {
        return None;
    }
    if asked == Asked::Customer {
        return Some(Class::CustomerDuty);
    }
    if !alone {
        // The rest says more than the first word.
        return (no && asked == Asked::Good && values.is_empty() && (scan.has(Cue::NegativeStatus) || scan.words() < 4))
            .then_some(Class::NegativeStatus);
    }
    Some(match (asked, yes) {
        (Asked::Plan, true) => Class::Future,
        (Asked::Plan | Asked::Good, false) => Class::NegativeStatus,
        _ => Class::Assertion,
    })
}

// What is silent by its words.
fn silent(scan: &Scan<'_>, text: &str, statement: &Statement, around: &Surroundings, values: &[Value]) -> Option<Class> {
    let tokens = &scan.tokens;
    let provider = scan.has(Cue::FirstPerson);
    let typed = !values.is_empty();
    let sentence = statement.form == Form::Sentence;
    // Laws and authorities speak.
    if scan.has(Cue::LawQuote) {
        return Some(Class::QuoteOfLaw);
    }
    if let Some(subject) = scan.first(Cue::LawSubject) {
        let under = matches!(tokens.text(subject.start), "under" | "according" | "nach" | "gemäß" | "laut" | "selon" | "aux");
        if under && !provider && scan.words() > 4 {
            return Some(Class::QuoteOfLaw);
        }
        let spoken_at = scan.all(Cue::LawVerb).find(|verb| verb.start >= subject.end.saturating_sub(1) && verb.start <= subject.end + 9);
        let first_person = scan.first(Cue::FirstPerson).is_some_and(|we| spoken_at.as_ref().is_none_or(|verb| we.start < verb.start));
        if spoken_at.is_some() && !first_person && scan.words() > 3 {
            return Some(Class::QuoteOfLaw);
        }
    }
    // Words in quotation marks are somebody else's.
    if text.starts_with(['"', '“', '„', '«']) && text.ends_with(['"', '”', '“', '»']) {
        return Some(Class::Hypothetical);
    }
    if let Some(class) = condition(scan, values) {
        return Some(class);
    }
    let would = tokens.iter().any(|(at, text)| {
        !(at > 0 && matches!(tokens.text(at - 1), "that" | "who" | "which"))
            && matches!(text, "would" | "could" | "might" | "würde" | "würden" | "könnte" | "könnten" | "pourrait" | "serait" | "aurait")
    });
    let imagined = matches!(tokens.text(0), "imagine" | "suppose" | "picture");
    if would || imagined || scan.has(Cue::Supposition) && !typed && !(provider && scan.words() > 12) {
        return Some(Class::Hypothetical);
    }
    if let Some(class) = duty(scan, statement, around, values) {
        return Some(class);
    }
    if scan.has(Cue::Metadata)
        && !(provider && typed)
        && (scan.first(Cue::Metadata).is_some_and(|at| at.start == 0) || !typed)
        && !scan.has(Cue::Only)
    {
        return Some(Class::Metadata);
    }
    let fragment = !has_verb(scan);
    if let Some(subject) = scan.first(Cue::ThirdParty)
        && (!provider || scan.first(Cue::FirstPerson).is_some_and(|we| we.start > subject.end + 8))
        && (sentence || scan.words() > 6)
        && !fragment
        && !about_us(scan)
    {
        return Some(Class::ThirdParty);
    }
    if let Some(at) = scan.first(Cue::Definition)
        && !(provider && typed)
        && (at.start < 8 || !typed)
        && !(matches!(tokens.text(at.start), "means")
            && at.start > 0
            && matches!(tokens.text(at.start - 1), "which" | "that" | "this" | "by" | ","))
    {
        return Some(Class::Definition);
    }
    // A list of terms: "Component: a piece of software".
    if statement.form == Form::Item
        && !typed
        && !provider
        && (1..4).any(|at| {
            tokens.text(at) == ":"
                && matches!(
                    tokens.text(at + 1),
                    "a" | "an" | "the" | "any" | "what" | "who" | "how" | "where" | "when" | "reachable" | "whether"
                )
        })
    {
        return Some(Class::Definition);
    }
    if past(scan, values) {
        return Some(Class::History);
    }
    let certificate = values.iter().find(|value| value.kind == Some(Kind::CertificationStatus));
    if let Some(value) = certificate {
        let all = |status: &str| value.text.split(',').all(|part| part.ends_with(status));
        if all(":none") {
            return Some(Class::NegativeStatus);
        }
        if all(":planned") {
            return Some(Class::Future);
        }
        if value.text.ends_with(":in-progress") {
            return Some(Class::InProgress);
        }
    }
    if scan.has(Cue::Future) && !scan.has(Cue::InProgress) {
        return Some(Class::Future);
    }
    let quantified = typed && scan.words() <= 1;
    if scan.has(Cue::NegativeStatus) && !quantified && !(typed && (scan.has(Cue::Only) || values.len() > 1)) {
        return Some(Class::NegativeStatus);
    }
    if matches!(statement.form, Form::Cell)
        && !typed
        && matches!(tokens.text(0), "no" | "none" | "nein" | "non" | "keine" | "aucun")
        && scan.words() <= 2
    {
        return Some(Class::NegativeStatus);
    }
    let measured = values.iter().any(|value| value.kind.is_some_and(|kind| kind != Kind::Frequency && kind != Kind::Residency));
    if scan.has(Cue::Marketing) && !measured && scan.topic().is_none_or(|(_, weight)| weight < 6) {
        return Some(Class::Marketing);
    }
    // A title or a label alone promises nothing.
    if fragment
        && sentence
        && !typed
        && !statement.context.first_answer
        && !(scan.has(Cue::All) || scan.has(Cue::Only) || scan.has(Cue::None))
    {
        return Some(Class::Heading);
    }
    None
}

// Conditions: of a promise, of a duty, or a mere supposition.
fn condition(scan: &Scan<'_>, values: &[Value]) -> Option<Class> {
    scan.first(Cue::ConditionStart)?;
    let tokens = &scan.tokens;
    let main = (0..tokens.len()).find(|at| matches!(tokens.text(*at), "," | ":" | "then" | "-"))? + 1;
    let supposed = scan.all(Cue::Supposition).next().is_some()
        || matches!(tokens.text(0), "imagine" | "suppose" | "consider" | "assume" | "assuming" | "picture" | "say" | "take");
    let after = |cue: Cue| scan.all(cue).any(|at| at.start >= main);
    if after(Cue::CustomerDuty) || imperative_at(scan, main) {
        return Some(Class::CustomerDuty);
    }
    if supposed {
        return Some(Class::Hypothetical);
    }
    let ours = after(Cue::FirstPerson);
    let valued = values.iter().any(|value| value.tokens.start >= main);
    let weight: u32 = scan.weights().iter().filter(|(.., at)| *at >= main).map(|(_, weight, _)| *weight).sum();
    let reader = matches!(tokens.text(1), "you" | "your") && !ours;
    if ours || valued || (weight >= 3 && !reader) { None } else { Some(Class::Hypothetical) }
}

fn imperative_at(scan: &Scan<'_>, at: usize) -> bool {
    holds(&scan.vocabulary.words.commands, scan.tokens.text(at))
}

// Duties and advice.
fn duty(scan: &Scan<'_>, statement: &Statement, around: &Surroundings, values: &[Value]) -> Option<Class> {
    if around.part == Part::Provider {
        return None;
    }
    if let Some(at) = scan.first(Cue::CustomerDuty) {
        // "We recommend" is advice; "we must", "our staff should" and what we do beside it are not.
        let ours = scan.all(Cue::FirstPerson).find(|we| we.start < at.start);
        let advice = (at.start..at.end).any(|at| {
            matches!(
                scan.tokens.text(at),
                "recommend" | "advise" | "suggest" | "encourage" | "recommended" | "ask" | "empfehlen" | "recommandons" | "urge"
            )
        });
        let promise = ours.is_some() && values.iter().any(|value| value.tokens.end <= at.start);
        if advice || ours.is_none() || !promise && matches!(scan.tokens.text(at.start), "you" | "your" | "customers" | "customer") {
            return Some(Class::CustomerDuty);
        }
    }
    // What the reader does is no promise, unless it is what the product lets the reader do, or what the reader gets.
    let you = (0..scan.tokens.len().min(10)).find(|at| matches!(scan.tokens.text(*at), "you"));
    if let Some(you) = you {
        let next = (you + 1..you + 3).any(|at| {
            matches!(
                scan.tokens.text(at),
                "can" | "may" | "will" | "get" | "receive" | "hear" | "keep" | "have" | "are" | "own" | "choose" | "always"
            )
        });
        let opens = you == 0 || matches!(scan.tokens.text(you - 1), "," | ":" | "then");
        if opens && !next && values.iter().all(|value| value.kind.is_none()) {
            return Some(Class::CustomerDuty);
        }
    }
    // "In your identity provider, create an application".
    let introduced =
        matches!(scan.tokens.text(0), "in" | "on" | "to" | "from" | "after" | "for" | "before" | "once" | "when" | "under" | "at" | "with");
    if introduced {
        let comma = scan.tokens.iter().find(|(_, text)| *text == ",").map(|(at, _)| at);
        if comma.is_some_and(|comma| {
            imperative_at(scan, comma + 1)
                && matches!(scan.tokens.text(comma + 2), "the" | "a" | "an" | "your" | "it" | "them" | "that" | "all" | "this")
        }) {
            return Some(Class::CustomerDuty);
        }
    }
    let listed = scan.first(Cue::Imperative);
    let next = listed.as_ref().map_or(1, |at| at.end);
    if (listed.is_some() && is_instruction(scan, next, statement) || is_command(scan)) && !promises_too(scan, values) {
        return Some(Class::CustomerDuty);
    }
    None
}

// "Acknowledge the page": a plain word at the beginning and an article behind it, and no verb that would make the word a noun.
fn is_command(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    let first = tokens.text(0);
    let plain = tokens.is_word(0)
        && first.len() > 2
        && !["s", "ed", "ing", "ly", "ally"].iter().any(|ending| first.ends_with(ending))
        && !holds(&scan.vocabulary.words.leading, first);
    plain
        && matches!(tokens.text(1), "the" | "a" | "an" | "your" | "any" | "each" | "every" | "it" | "them" | "this" | "that" | "their")
        && !has_finite_verb_after(scan, 1)
}

// "Delete your account and it is gone after 30 days": what follows the instruction is promised.
fn promises_too(scan: &Scan<'_>, values: &[Value]) -> bool {
    let outcome = scan.tokens.iter().find(|(at, text)| {
        *at > 1
            && matches!(*text, "and" | ",")
            && matches!(scan.tokens.text(at + 1), "it" | "we" | "you" | "they" | "all" | "our" | "everything" | "and")
    });
    outcome.is_some_and(|(at, _)| values.iter().any(|value| value.kind.is_some() && value.tokens.start > at))
}

// An imperative is followed by an object; a noun of the same form by a verb or a preposition.
fn is_instruction(scan: &Scan<'_>, next: usize, statement: &Statement) -> bool {
    let tokens = &scan.tokens;
    let word = tokens.text(next);
    let object = matches!(
        word,
        "the"
            | "a"
            | "an"
            | "your"
            | "all"
            | "any"
            | "every"
            | "each"
            | "it"
            | "them"
            | "this"
            | "that"
            | "these"
            | "those"
            | "to"
            | "only"
            | "at"
            | "in"
            | "on"
            | "up"
            | "off"
            | "out"
            | "us"
            | "what"
            | "who"
            | "how"
            | "which"
            | "whether"
            | "one"
            | "two"
            | "no"
            | "for"
            | "with"
            | "into"
            | "sure"
            | "as"
            | "by"
            | "from"
            | "our"
            | "new"
            | "and"
            | "or"
            | "not"
            | "never"
            | "back"
            | "over"
            | "down"
            | "another"
            | "people"
            | "strong"
            | "unique"
            | "their"
            | "its"
            | "where"
            | "when"
            | "multi"
            | "mfa"
            | "2fa"
            | "sso"
            | "access"
            | "there"
            | "if"
    );
    let noun = matches!(
        word,
        "is" | "are"
            | "was"
            | "were"
            | "has"
            | "have"
            | "can"
            | "will"
            | "must"
            | "may"
            | "of"
            | ":"
            | ","
            | "-"
            | "does"
            | "do"
            | "takes"
            | "runs"
            | "expire"
            | "expires"
            | ""
    );
    if noun {
        return false;
    }
    object && !has_finite_verb_after(scan, next)
        || statement.form == Form::Item && statement.context.numbered
        || object && !matches!(word, "for" | "of" | "in" | "on" | "at" | "by" | "and" | "or" | "from")
}

fn has_finite_verb_after(scan: &Scan<'_>, at: usize) -> bool {
    (at..scan.tokens.len().min(at + 6)).any(|at| matches!(scan.tokens.text(at), "is" | "are" | "has" | "have" | "can" | "will"))
}

// Whether a statement about somebody else is about the provider's use of it.
fn about_us(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    tokens.iter().any(|(at, text)| text == "data" && at > 0 && matches!(tokens.text(at - 1), "customer" | "our" | "your" | "client"))
}

// Past tense without a present one.
fn past(scan: &Scan<'_>, values: &[Value]) -> bool {
    if let Some(at) = scan.first(Cue::History) {
        let present_after =
            scan.all(Cue::Present).any(|present| present.start >= at.end) && values.iter().any(|value| value.tokens.start >= at.end);
        if !present_after || scan.has(Cue::Past) {
            return true;
        }
    }
    !scan.has(Cue::Present) && (scan.has(Cue::Past) && finite_past(scan) || active_past(scan))
}

// "The cluster served the old port": a participle with an object behind it is a past verb.
fn active_past(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    tokens.iter().skip(1).any(|(at, text)| {
        text.len() > 4
            && text.ends_with("ed")
            && matches!(
                tokens.text(at + 1),
                "the" | "a" | "an" | "our" | "us" | "its" | "their" | "his" | "her" | "two" | "three" | "one" | "some" | "that"
            )
            && !matches!(tokens.text(at - 1), "," | "(" | "and" | "is" | "are" | "be" | "been" | "called" | "not")
    })
}

// "Kept" and "held" are participles as well: a past verb needs its subject right before it, or an auxiliary.
fn finite_past(scan: &Scan<'_>) -> bool {
    let tokens = &scan.tokens;
    scan.all(Cue::Past).any(|at| {
        let word = tokens.text(at.start);
        let auxiliary = matches!(
            word,
            "was"
                | "were"
                | "had"
                | "did"
                | "went"
                | "took"
                | "began"
                | "became"
                | "came"
                | "gave"
                | "saw"
                | "caused"
                | "wurde"
                | "wurden"
                | "hatte"
                | "hatten"
                | "war"
                | "waren"
                | "était"
                | "étaient"
                | "avait"
                | "avaient"
                | "avons"
                | "fut"
        );
        let subject = at.start.checked_sub(1).map_or("", |before| tokens.text(before));
        auxiliary
            || (word == "cost" && tokens.text(at.start + 1) == "us")
            || matches!(
                subject,
                "we" | "it" | "they" | "he" | "she" | "i" | "that" | "nous" | "wir" | "who" | "which" | "also" | "then" | "one"
            )
    })
}

/// Whether a text has a verb that makes it a sentence.
fn has_verb(scan: &Scan<'_>) -> bool {
    if scan.has(Cue::Present) || scan.has(Cue::Past) {
        return true;
    }
    // Third person or a plain verb behind a subject: any word in -s, -en, -t is a guess; a subject in the first person is not.
    let tokens = &scan.tokens;
    if tokens.iter().take(4).any(|(_, text)| {
        matches!(text, "we" | "you" | "they" | "nobody" | "everyone" | "nothing" | "it" | "wir" | "nous" | "i" | "who" | "whoever" | "that")
    }) {
        return true;
    }
    let words = &scan.vocabulary.words;
    tokens.iter().skip(1).take(14).any(|(at, text)| {
        tokens.is_word(at)
            && !tokens.get(at).is_some_and(|token| token.capital)
            && (text.ends_with("s") && is_object(tokens.text(at + 1)) && !holds(&words.prepositions, tokens.text(at - 1))
                || is_object(tokens.text(at + 1)) && at > 1 && !holds(&words.prepositions, text) && !text.ends_with("ing")
                || text.ends_with("s") && holds(&words.third_person, text.trim_end_matches('s'))
                || text.ends_with("es") && holds(&words.third_person, text.trim_end_matches("es"))
                || holds(&words.plural, text)
                || text.ends_with("ies"))
    })
}

fn is_object(text: &str) -> bool {
    matches!(text, "the" | "a" | "an" | "its" | "their" | "his" | "her" | "our" | "your" | "every" | "each" | "any" | "no")
}



// Whether a statement is about security at all, by its own words or by what stands around it.
fn is_about_security(scan: &Scan<'_>, statement: &Statement, around: &Surroundings, values: &[Value]) -> bool {
    let own: u32 = scan.weights().iter().map(|(_, weight, _)| *weight).sum();
    let near = around.nearest.iter().take(3).filter_map(|scan| scan.topic()).map(|(_, weight)| weight).max().unwrap_or(0);
    let far = around.nearest.iter().filter_map(|scan| scan.topic()).map(|(_, weight)| weight).max().unwrap_or(0);
    let decided = values.iter().any(|value| value.kind.is_some());
    match statement.form {
        Form::Cell => {
            let yes = matches!(scan.tokens.text(0), "yes" | "ja" | "oui" | "✓" | "✔" | "✅" | "enabled" | "implemented" | "enforced");
            decided
                && (!around.register
                    || values.iter().any(|value| value.kind == Some(Kind::Residency) || value.kind == Some(Kind::CertificationStatus)))
                || own >= 3 && !around.register
                || around.responsibility
                || !around.register
                    && (yes || statement.context.question.is_some() || has_verb(scan) || !values.is_empty() || around.has_roles)
                    && (own >= 1 || near >= 2)
        }
        Form::Item => {
            let told = has_verb(scan);
            around.responsibility
                || own >= 3
                || decided && (own >= 1 || near >= 1)
                || told && (own >= 2 || own >= 1 && far >= 2)
                || !told && own >= 2 && near >= 2
        }
        _ => {
            let quantified = scan.has(Cue::None) || scan.has(Cue::Only) || scan.has(Cue::All);
            own >= 2
                || decided && (own >= 1 || far >= 1)
                || far >= 2 && (own >= 1 || quantified || scan.has(Cue::FirstPerson))
                || own >= 1 && scan.has(Cue::FirstPerson)
                || statement.context.first_answer && quantified
        }
    }
}

// How a promise is meant.
fn promise(scan: &Scan<'_>, around: &Surroundings, values: &[Value]) -> Class {
    let _ = around;
    if scan.has(Cue::InProgress) {
        Class::InProgress
    } else if scan.has(Cue::Optional) {
        Class::Optional
    } else if scan.has(Cue::PlanGated) {
        Class::PlanGated
    } else if scan.has(Cue::Hedged) && values.is_empty() {
        Class::Hedged
    } else if scan.has(Cue::Capability) && !scan.has(Cue::None) && !scan.has(Cue::Only) {
        Class::Capability
    } else if scan.has(Cue::Umbrella) && values.is_empty() {
        Class::Umbrella
    } else {
        Class::Assertion
    }
}

/// The kind of a statement without a typed value.
pub(crate) fn kind_without_value(scan: &Scan<'_>, around: &Surroundings, by_topic: Kind) -> Kind {
    if around.responsibility {
        return Kind::Responsibility;
    }
    let _ = scan;
    by_topic
}

/// What narrows a statement: the plan of a promise that is there for one, else the first words before its verb.
pub(crate) fn scope(scan: &Scan<'_>, text: &str, class: Class) -> String {
    if class == Class::PlanGated {
        let at = scan.found().find(|found| *found.sense == Sense::Cue(Cue::PlanGated));
        return at.map(|found| text[scan.bytes(found.start..found.end)].to_owned()).unwrap_or_default();
    }
    let verb = scan.all(Cue::Present).map(|at| at.start).find(|at| *at > 0 && *at <= 8);
    verb.map(|verb| text[scan.bytes(0..verb)].to_owned()).unwrap_or_default()
}
