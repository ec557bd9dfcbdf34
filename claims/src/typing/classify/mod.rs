//! Classification: first what is silent by its form and its words, then how a promise is meant.

mod duty;
mod grammar;
mod surroundings;
mod tense;

use proofbook_evidence::claims::{Class, Kind};

use super::scan::Scan;
use super::values::Value;
use super::vocabulary::{Cue, Sense, holds};
use crate::document::{Form, Statement};
use duty::{condition, duty};
use grammar::{about_us, acts, has_verb, is_passive};
pub(crate) use surroundings::Surroundings;
use surroundings::{Asked, Part};
use tense::past;

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
    if let Some(class) = by_part(scan, statement, around) {
        return class;
    }
    if around.names_party && scan.words() <= 4 && values.is_empty() {
        let both =
            scan.tokens.iter().any(|(_, text)| matches!(text, "both" | "shared" | "beide" | "gemeinsam" | "partagé" | "/" | "+" | "and"));
        return if scan.has(Cue::Customer) && !both { Class::CustomerDuty } else { Class::Assertion };
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
    promise(scan, values)
}

// What the part of the document decides.
fn by_part(scan: &Scan<'_>, statement: &Statement, around: &Surroundings) -> Option<Class> {
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
        Part::Provider | Part::Plain => None,
    }
}

// A short answer takes its meaning from the question.
fn answer(scan: &Scan<'_>, statement: &Statement, around: &Surroundings, values: &[Value]) -> Option<Class> {
    if around.question == Some(Asked::Meaning) && values.is_empty() && !scan.has(Cue::FirstPerson) {
        return Some(Class::Definition);
    }
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
        (Asked::Plan | Asked::Good | Asked::Meaning, false) => Class::NegativeStatus,
        _ => Class::Assertion,
    })
}

// What is silent by its words.
fn silent(scan: &Scan<'_>, text: &str, statement: &Statement, around: &Surroundings, values: &[Value]) -> Option<Class> {
    let tokens = &scan.tokens;
    let provider = scan.has(Cue::FirstPerson);
    let typed = !values.is_empty();
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
    others(scan, statement, typed).or_else(|| states(scan, statement, values))
}

// Facts about somebody else, and meanings of terms.
fn others(scan: &Scan<'_>, statement: &Statement, typed: bool) -> Option<Class> {
    let tokens = &scan.tokens;
    let provider = scan.has(Cue::FirstPerson);
    if let Some(subject) = scan.first(Cue::ThirdParty)
        && (!provider || scan.first(Cue::FirstPerson).is_some_and(|we| we.start > subject.end + 8))
        && (statement.form == Form::Sentence || scan.words() > 6)
        && has_verb(scan)
        && acts(scan, subject.end)
        && !about_us(scan)
    {
        return Some(Class::ThirdParty);
    }
    if let Some(at) = scan.first(Cue::Definition)
        && !(provider && typed)
        && (at.start < 8 || !typed)
        && !(tokens.text(at.start) == "means" && at.start > 0 && holds(&scan.vocabulary.words.before_means, tokens.text(at.start - 1)))
    {
        return Some(Class::Definition);
    }
    // A list of terms: "Component: a piece of software".
    let instance = tokens.iter().any(|(at, text)| text == "for" && matches!(tokens.text(at + 1), "instance" | "example"));
    if matches!(statement.form, Form::Item | Form::Sentence)
        && (!typed || instance)
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
    None
}

// The past, plans, what is not there, and praise.
fn states(scan: &Scan<'_>, statement: &Statement, values: &[Value]) -> Option<Class> {
    let tokens = &scan.tokens;
    let typed = !values.is_empty();
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
    let numbered = |value: &Value| value.tokens.clone().any(|at| tokens.is_number(at));
    let measured =
        values.iter().any(|value| value.kind.is_some_and(|kind| kind != Kind::Frequency && kind != Kind::Residency || numbered(value)));
    if scan.has(Cue::Marketing) && !measured && scan.topic().is_none_or(|(_, weight)| weight < 6) {
        return Some(Class::Marketing);
    }
    // A title or a label alone promises nothing.
    let quantified = [Cue::All, Cue::Only, Cue::None].into_iter().any(|cue| scan.has(cue));
    let alone = !typed && !quantified && !statement.context.first_answer;
    if statement.form == Form::Sentence && alone && !has_verb(scan) {
        return Some(Class::Heading);
    }
    None
}

// Whether a statement is about security at all, by its own words or by what stands around it.
fn is_about_security(scan: &Scan<'_>, statement: &Statement, around: &Surroundings, values: &[Value]) -> bool {
    let own: u32 = scan.weights().iter().map(|(_, weight, _)| *weight).sum();
    let near = around.nearest.iter().take(3).filter_map(Scan::topic).map(|(_, weight)| weight).max().unwrap_or(0);
    let far = around.nearest.iter().filter_map(Scan::topic).map(|(_, weight)| weight).max().unwrap_or(0);
    let status = scan.words() <= 4
        && scan.found().any(|found| matches!(found.sense, Sense::Status(_)))
        && around.nearest.iter().any(|scan| scan.weight_of("certification") >= 2);
    let decided = status && statement.form == Form::Cell || values.iter().any(|value| value.kind.is_some());
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
                || far >= 2 && (own >= 1 || quantified || scan.has(Cue::FirstPerson) || is_passive(scan) || statement.context.first_answer)
                || own >= 1 && scan.has(Cue::FirstPerson)
                || statement.context.first_answer && quantified
        }
    }
}

// How a promise is meant.
fn promise(scan: &Scan<'_>, values: &[Value]) -> Class {
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
pub(crate) fn kind_without_value(around: &Surroundings, by_topic: Kind) -> Kind {
    if around.responsibility {
        return Kind::Responsibility;
    }
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
