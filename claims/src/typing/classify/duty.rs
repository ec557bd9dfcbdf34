//! Conditions, duties and advice: what the reader is told to do, and what is only supposed.

use proofbook_evidence::claims::Class;

use super::super::scan::Scan;
use super::super::values::Value;
use super::super::vocabulary::{Cue, holds};
use super::grammar::has_verb;
use super::surroundings::{Part, Surroundings};
use crate::document::{Form, Statement};

// Conditions: of a promise, of a duty, or a mere supposition.
pub(super) fn condition(scan: &Scan<'_>, values: &[Value]) -> Option<Class> {
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
pub(super) fn duty(scan: &Scan<'_>, statement: &Statement, around: &Surroundings, values: &[Value]) -> Option<Class> {
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
    let plainly = holds(&scan.vocabulary.words.instructions, scan.tokens.text(0))
        && !matches!(scan.tokens.text(1), "is" | "are" | "of" | ":" | "," | "-" | "");
    if (plainly || listed.is_some() && is_instruction(scan, next, statement) || is_command(scan)) && !promises_too(scan, values) {
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
        || statement.form == Form::Item && statement.context.numbered && !has_verb(scan)
        || object && !matches!(word, "for" | "of" | "in" | "on" | "at" | "by" | "and" | "or" | "from")
}

fn has_finite_verb_after(scan: &Scan<'_>, at: usize) -> bool {
    (at..scan.tokens.len().min(at + 6)).any(|at| matches!(scan.tokens.text(at), "is" | "are" | "has" | "have" | "can" | "will"))
}
