//! Intervals that are words, and times that are no numbers.

use std::ops::Range;

use proofbook_evidence::claims::{Comparator, Kind};

use super::super::scan::Scan;
use super::super::vocabulary::Sense;
use super::{Value, bound, free, has_word, longest};

// Intervals: daily, every 6 hours, twice a year.
pub(super) fn frequencies(scan: &Scan<'_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let tokens = &scan.tokens;
    let words = longest(scan, |sense| if let Sense::Frequency(interval) = sense { Some(&**interval) } else { None });
    let about_uptime = |range: &Range<usize>| {
        (range.end..tokens.len().min(range.end + 2)).any(|at| {
            matches!(
                tokens.text(at),
                "uptime"
                    | "availability"
                    | "verfügbarkeit"
                    | "disponibilité"
                    | "fee"
                    | "fees"
                    | "service"
                    | "subscription"
                    | "price"
                    | "plan"
                    | "recurring"
            )
        }) || has_word(scan, &["%", "uptime"])
    };
    for (interval, range) in words {
        if !free(taken, &range) || about_uptime(&range) {
            continue;
        }
        let next = tokens.text(range.end);
        if interval == "continuous" && matches!(next, "integration" | "delivery" | "deployment" | "improvement" | "access" | "compliance") {
            continue;
        }
        // "five a week" and "25 per month" count things, unless something is done so many times.
        if range.start > 0 && tokens.is_number(range.start - 1) && matches!(tokens.text(range.start), "per" | "a") {
            continue;
        }
        let at_most = bound(scan, range.clone()) == Some(Comparator::AtLeast);
        taken.push(range.clone());
        let text = if at_most { format!("<={interval}") } else { interval.to_owned() };
        out.push(Value { kind: Some(Kind::Frequency), text, tokens: range });
    }
}

// Times that are no numbers: the term of the contract. Levels of SLSA that are written as words.
pub(super) fn terms(scan: &Scan<'_>, out: &mut Vec<Value>) {
    for (term, tokens) in longest(scan, |sense| if let Sense::Term(name) = sense { Some(&**name) } else { None }) {
        out.push(Value { kind: Some(Kind::Retention), text: term.to_owned(), tokens });
    }
    if let Some(slsa) = scan.tokens.iter().find(|(_, text)| *text == "slsa").map(|(at, _)| at) {
        let level = (slsa + 1..slsa + 5).find_map(|at| {
            scan.tokens.text(at).strip_prefix('l').filter(|level| level.len() == 1 && level.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if let Some(level) = level {
            out.push(Value { kind: Some(Kind::SupplyChain), text: format!("slsa-{level}"), tokens: slsa..slsa + 1 });
        }
    }
}
