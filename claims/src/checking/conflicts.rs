//! Conflicts between statements: the same measure of the same thing with two values, and wordings that exclude each other.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_evidence::claims::{Class, Kind, Promise, area};

use super::Said;
use super::words::Wordings;

// A statement is compared with so many earlier ones of its kind for each of its words; more that differ in what they speak of are
// seldom of the same thing.
const MOST: usize = 40;

/// A conflict with another statement.
#[derive(Debug)]
pub(crate) struct Conflict {
    /// Why the two cannot both be true.
    pub(crate) message: String,
    /// The number of the other statement.
    pub(crate) with: usize,
}

/// The statements that conflict with an earlier one, by their number.
pub(crate) fn find(said: &[&Said], wordings: &Wordings) -> BTreeMap<usize, Conflict> {
    let mut out = BTreeMap::new();
    by_value(said, &mut out);
    by_wording(said, wordings, &mut out);
    out
}

fn by_value(said: &[&Said], out: &mut BTreeMap<usize, Conflict>) {
    let mut groups: BTreeMap<(Kind, u64), Vec<usize>> = BTreeMap::new();
    for (number, own) in said.iter().enumerate() {
        let firm = matches!(own.reading.class, Class::Assertion | Class::Capability | Class::Hedged);
        let Some(value) = own.reading.value.as_ref().filter(|_| firm && !own.words.is_empty()) else { continue };
        let earlier: BTreeSet<usize> =
            own.words.iter().filter_map(|word| groups.get(&(own.reading.kind, *word))).flatten().copied().collect();
        let mut known = false;
        for (earlier, other) in earlier.into_iter().map(|earlier| (earlier, said[earlier])).filter(|(_, other)| same_subject(own, other)) {
            let Some(other_value) = &other.reading.value else { continue };
            if value.equals(other_value) {
                known = true;
            } else if excludes(own.reading.kind, value, other_value) && (own.place.line != other.place.line || own.path != other.path) {
                // Two values in one row or sentence are said of two things: what is usual and what is possible, for example.
                let message = format!(
                    "says {value}, and {}:{} says {other_value} of the same: \"{}\"",
                    other.path,
                    other.place.line,
                    short(&other.reading.text)
                );
                out.entry(number).or_insert(Conflict { message, with: earlier });
                break;
            }
        }
        if !known {
            for word in &own.words {
                let group = groups.entry((own.reading.kind, *word)).or_default();
                if group.len() < MOST {
                    group.push(number);
                }
            }
        }
    }
}

// Most words of both are the same. A question or a row that both stand under makes them no more alike than they are themselves:
// "logs for 90 days" and "backups for 30 days" answer one question about two things.
fn same_subject(a: &Said, b: &Said) -> bool {
    let common = shared(&a.words, &b.words);
    let all = a.words.len() + b.words.len() - common;
    let parted = !a.own_words.is_empty() && !b.own_words.is_empty() && shared(&a.own_words, &b.own_words) == 0;
    common > 0 && common * 10 >= all * 6 && !parted
}

fn shared(a: &[u64], b: &[u64]) -> usize {
    a.iter().filter(|word| b.binary_search(word).is_ok()).count()
}

fn excludes(kind: Kind, a: &Promise, b: &Promise) -> bool {
    match kind {
        // A place within the other is more exact, unless one speaks of everything; that cannot be told here.
        Kind::Residency => !within(a, b) && !within(b, a),
        Kind::Algorithm => !a.implies(b) && !b.implies(a),
        Kind::CertificationStatus => {
            let names = |promise: &Promise| {
                promise.as_str().split(',').map(|part| part.split(':').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
            };
            let (own, other) = (names(a), names(b));
            let overlap = own.iter().any(|name| other.contains(name));
            // Two lists of frameworks that differ, or two states of the same one.
            overlap && (own.len() > 1 || other.len() > 1 || own == other)
        }
        _ => a.unit() == b.unit(),
    }
}

// Whether every place of one lies in a place of the other.
fn within(a: &Promise, b: &Promise) -> bool {
    a.as_str().split(',').all(|place| b.as_str().split(',').any(|area| area::lies_in(place, area)))
}

fn by_wording(said: &[&Said], wordings: &Wordings, out: &mut BTreeMap<usize, Conflict>) {
    // The statements on each side of an opposite.
    let mut sides: BTreeMap<(usize, bool), Vec<usize>> = BTreeMap::new();
    for (number, own) in said.iter().enumerate() {
        for (opposite, side) in wordings.sides(&own.reading.text, &own.beside) {
            let mut others = sides.get(&(opposite, !side)).into_iter().flatten().copied();
            let met = others.find(|earlier| {
                let other = said[*earlier];
                (other.place != own.place || other.path != own.path) && about_the_same(own, other)
            });
            if let Some(earlier) = met {
                // A plan is no fault where it stands: what is promised already is.
                let (at, other) = if own.reading.class == Class::Future { (earlier, number) } else { (number, earlier) };
                let why = &wordings.opposite(opposite).why;
                let text = said[other];
                let message =
                    format!("does not go together with {}:{} \"{}\": {why}", text.path, text.place.line, short(&text.reading.text));
                out.entry(at).or_insert(Conflict { message, with: other });
            }
            let same_side = sides.entry((opposite, side)).or_default();
            if same_side.len() < MOST {
                same_side.push(number);
            }
        }
    }
}

fn about_the_same(a: &Said, b: &Said) -> bool {
    a.words.iter().any(|word| b.words.binary_search(word).is_ok()) || a.reading.topic == b.reading.topic
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(80).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
