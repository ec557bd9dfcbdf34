//! Numbers with units, percentages, and counts; what a time is for is told by the words around it.

use std::ops::Range;

use proofbook_evidence::claims::{Comparator, Kind};

use super::super::scan::{Found, Scan};
use super::super::vocabulary::{Cue, Sense, holds};
use super::{Beside, Value, bound, free, has_any, has_word, sign};

// Numbers with units, percentages, and counts.
pub(super) fn amounts(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < scan.tokens.len() {
        // "On the next working day".
        if matches!(scan.tokens.text(at), "next" | "following" | "same" | "nächsten")
            && let Some(("bd", end)) = unit(scan, at + 1)
        {
            let kind = role(scan, beside, &(at..end), Some(Comparator::AtMost)).or(Some(Kind::Sla));
            out.push(Value {
                kind: kind.filter(|kind| *kind != Kind::Retention).or(Some(Kind::Sla)),
                text: "<=1bd".to_owned(),
                tokens: at..end,
            });
            at = end;
            continue;
        }
        let Some((number, after)) = number(scan, at) else {
            at += 1;
            continue;
        };
        // 24/7 is no number, and neither is what was taken already.
        if scan.tokens.text(after) == "/" && scan.tokens.is_number(after + 1) || !free(taken, &(at..after)) {
            at = after + if scan.tokens.text(after) == "/" { 2 } else { 0 };
            continue;
        }
        let mut upper = None;
        let mut end = after;
        if matches!(scan.tokens.text(after), "-" | "to" | "bis" | "à" | "and" | "until" | "und" | "et") {
            // A range, where a unit follows the second number.
            if let Some((second, beyond)) = self::number(scan, after + 1)
                && (unit(scan, beyond).is_some() || scan.tokens.text(beyond) == "%")
                && second > number
                && (matches!(scan.tokens.text(after), "-" | "to" | "bis" | "à" | "until")
                    || has_word(scan, &["between", "zwischen", "entre"]))
            {
                upper = Some(second);
                end = beyond;
            }
        }
        if let Some((name, beyond)) = unit(scan, end) {
            let range = at..beyond;
            // "Between two weeks and one month": each end has its unit.
            let between = has_word(scan, &["between", "from", "zwischen", "entre"])
                && matches!(scan.tokens.text(beyond), "and" | "to" | "und" | "et" | "bis");
            if let (true, Some((second, after))) = (between && upper.is_none(), self::number(scan, beyond + 1))
                && let Some((second_unit, end)) = unit(scan, after)
            {
                let range = at..end;
                let kind = role(scan, beside, &range, None).or(Some(Kind::Retention));
                out.push(Value { kind, text: format!("{}..{}", normal(number, name), normal(second, second_unit)), tokens: range.clone() });
                taken.push(range);
                at = end;
                continue;
            }
            if let Some(value) = duration(scan, beside, number, upper, name, &range) {
                out.push(value);
            }
            taken.push(range);
            at = beyond;
            continue;
        }
        if matches!(scan.tokens.text(end), "%" | "percent" | "prozent")
            || (scan.tokens.text(end) == "per" && scan.tokens.text(end + 1) == "cent")
            || (scan.tokens.text(end) == "pour" && scan.tokens.text(end + 1) == "cent")
        {
            if let Some(value) = percentage(scan, beside, number, at..end + 1) {
                out.push(value);
            }
            at = end + 1;
            continue;
        }
        if let Some(value) = count(scan, beside, number, at..after) {
            at = value.tokens.end.max(after);
            out.push(value);
            continue;
        }
        at = after;
    }
}

// A number in digits or words.
fn number(scan: &Scan<'_>, at: usize) -> Option<(f64, usize)> {
    let tokens = &scan.tokens;
    if tokens.is_number(at) {
        return Some((tokens.text(at).parse().ok()?, at + 1));
    }
    let words = scan.found().filter(|found| found.start == at && matches!(found.sense, Sense::Number(_)));
    let Found { sense: Sense::Number(number), end, .. } = words.max_by_key(|found| found.end)? else { return None };
    // "a" counts only before a unit.
    let article =
        matches!(tokens.text(at), "a" | "an" | "un" | "une" | "ein" | "eine" | "einem" | "einen" | "einer" | "eines" | "one" | "single")
            && end == at + 1;
    if article && unit(scan, end).is_none() && tokens.text(at) != "one" {
        return None;
    }
    Some((*number, end))
}

fn unit<'v>(scan: &Scan<'v>, at: usize) -> Option<(&'v str, usize)> {
    // "14 (fourteen) days", "another 30 calendar days", "7 full days".
    let mut at = at;
    if scan.tokens.text(at) == "(" && scan.tokens.text(at + 2) == ")" {
        at += 3;
    }
    if matches!(scan.tokens.text(at), "full" | "consecutive" | "more" | "further" | "additional" | "volle" | "weitere" | "whole") {
        at += 1;
    }
    // "A second person" is no time.
    if scan.tokens.text(at) == "second" && at > 0 && matches!(scan.tokens.text(at - 1), "a" | "one" | "an") {
        return None;
    }
    let found = scan.found().filter(|found| found.start == at && matches!(found.sense, Sense::Unit(_)));
    let Found { sense: Sense::Unit(name), end, start } = found.max_by_key(|found| found.end)? else { return None };
    // Single letters are units only directly behind their number.
    let letter = scan.tokens.text(start).len() == 1 && end == start + 1;
    let close = start > 0
        && scan.tokens.is_number(start - 1)
        && (scan.tokens.touches(start - 1) || matches!(scan.tokens.text(start), "h" | "d" | "s" | "y"));
    (!letter || close).then_some((&**name, end))
}

// The normal form of a duration.
fn normal(number: f64, unit: &str) -> String {
    // A whole number is printed without a point.
    let whole = |value: f64| format!("{}", if (value - value.round()).abs() < 1e-9 { value.round() } else { value });
    match unit {
        "wk" => format!("{}d", whole(number * 7.0)),
        "mo" => {
            let years = (number / 12.0).floor();
            format!("{}d", whole(years * 365.0 + (number - years * 12.0) * 30.0))
        }
        "qt" => format!("{}d", whole(number * 90.0)),
        "yr" => format!("{}d", whole((number * 365.0).round())),
        unit => format!("{}{unit}", whole(number)),
    }
}

fn duration(scan: &Scan<'_>, beside: Beside<'_, '_>, number: f64, upper: Option<f64>, unit: &str, range: &Range<usize>) -> Option<Value> {
    let tokens = &scan.tokens;
    let before = |back: usize| range.start.checked_sub(back).map_or("", |at| tokens.text(at));
    // "3 years ago" and "2 days old" tell of the past or of an age.
    if matches!(tokens.text(range.end), "ago" | "earlier" | "later") {
        return None;
    }
    let amount = normal(number, unit);
    let every = matches!(before(1), "every" | "each" | "alle" | "per" | "jede" | "jeden")
        || (matches!(before(1), "les") && matches!(before(2), "toutes" | "tous"))
        || matches!(before(1), "of") && matches!(before(2), "intervals" | "interval");
    let comparator = bound(scan, range.clone());
    if every && upper.is_none() {
        let at_least = scan.found().any(|found| {
            matches!(found.sense, Sense::Before(Comparator::AtLeast)) && found.end + 3 >= range.start && found.end < range.start
        });
        let text = if at_least || comparator == Some(Comparator::AtLeast) { format!("<={amount}") } else { amount };
        return Some(Value { kind: Some(Kind::Frequency), text, tokens: range.clone() });
    }
    if let Some(upper) = upper {
        let text = format!("{amount}..{}", normal(upper, unit));
        return Some(Value { kind: role(scan, beside, range, None).or(Some(Kind::Retention)), text, tokens: range.clone() });
    }
    let kind = role(scan, beside, range, comparator);
    let target = kind == Some(Kind::Sla) && comparator.is_none();
    let text = match comparator {
        Some(comparator) => format!("{}{amount}", sign(comparator).trim_start_matches('=')),
        None if target => format!("<={amount}"),
        None => amount,
    };
    Some(Value { kind, text, tokens: range.clone() })
}

// What a duration is for, by the nearest telling word in the statement, and by what stands beside it.
fn role(scan: &Scan<'_>, beside: Beside<'_, '_>, range: &Range<usize>, comparator: Option<Comparator>) -> Option<Kind> {
    let lists = &scan.vocabulary.words;
    let nearest = |words: &[String]| -> Option<usize> {
        let mut best: Option<usize> = None;
        for (at, text) in scan.tokens.iter() {
            if holds(words, text) {
                let distance = if at < range.start { range.start - at } else { at.saturating_sub(range.end) * 2 + 1 };
                // Beyond a comma or semicolon it belongs to something else.
                let between = if at < range.start { at..range.start } else { range.end..at };
                let signs = between.filter(|at| matches!(scan.tokens.text(*at), ";" | ".")).count();
                let distance = distance + signs * 20;
                best = Some(best.map_or(distance, |known| known.min(distance)));
            }
        }
        best
    };
    if nearest(&lists.targets).is_some() || beside.scans.iter().any(|scan| has_any(scan, &lists.targets)) && scan.words() <= 8 {
        return Some(Kind::Sla);
    }
    let (keep, soon, session) = (nearest(&lists.keep), nearest(&lists.soon), nearest(&lists.session));
    let far = usize::MAX;
    let (keep, soon, session) = (keep.unwrap_or(far), soon.unwrap_or(far), session.unwrap_or(far));
    let within = matches!(comparator, Some(Comparator::AtMost | Comparator::Less));
    let about_access =
        scan.topic().is_some_and(|(topic, _)| matches!(scan.vocabulary.topics[topic].id.as_str(), "authentication" | "authorisation"));
    // What expires is a session or a token where one is named, and data elsewhere.
    if scan.tokens.iter().any(|(_, text)| matches!(text, "expire" | "expires" | "expired" | "expiry" | "expirent")) {
        let other = beside.scans.first().is_some_and(|scan| has_any(scan, &lists.session));
        return Some(if session != far || keep == far && other { Kind::AccessControl } else { Kind::Retention });
    }
    let idle = scan
        .tokens
        .iter()
        .any(|(_, text)| matches!(text, "inactive" | "dormant" | "idle" | "inactivity" | "session" | "sessions" | "lock" | "locked"));
    if keep < session && !idle && !(within && soon < keep) {
        return Some(Kind::Retention);
    }
    if session != far
        && (about_access || session < keep && session < soon)
        && !(within && soon < session)
        && (keep == far || about_access)
        && (soon == far || !within)
    {
        return Some(Kind::AccessControl);
    }
    if keep != far && (keep <= soon || !within) && !(within && soon != far && soon < keep) {
        return Some(Kind::Retention);
    }
    if soon != far && within {
        return Some(Kind::Sla);
    }
    if session != far && about_access {
        return Some(Kind::AccessControl);
    }
    if keep == far && soon == far && session == far || scan.words() <= 6 {
        for other in beside.scans {
            if has_any(other, &lists.targets) {
                return Some(Kind::Sla);
            }
            if other.weight_of("retention") >= 2 || has_any(other, &lists.keep) {
                return Some(Kind::Retention);
            }
            if has_any(other, &lists.session) {
                return Some(Kind::AccessControl);
            }
            if has_word(other, &["frequency", "interval", "often", "schedule", "cadence", "häufigkeit", "turnus", "intervall", "fréquence"])
            {
                return Some(Kind::Frequency);
            }
            if has_any(other, &lists.soon)
                || has_word(
                    other,
                    &["severity", "priority", "quickly", "soon", "deadline", "deadlines", "target", "targets", "frist", "délai"],
                )
            {
                return Some(Kind::Sla);
            }
        }
    }
    if within {
        return Some(Kind::Sla);
    }
    None
}

fn percentage(scan: &Scan<'_>, beside: Beside<'_, '_>, number: f64, range: Range<usize>) -> Option<Value> {
    let about_uptime = scan.weight_of("availability") > 0 || beside.weight_of("availability") > 0;
    let credit = has_word(scan, &["credit", "credits", "discount", "fee", "fees", "refund", "gutschrift"])
        || beside.scans.first().is_some_and(|scan| has_word(scan, &["credit", "credits", "gutschrift", "refund"]));
    if !about_uptime || number < 50.0 || credit {
        return None;
    }
    Some(Value { kind: Some(Kind::Sla), text: format!(">={number}%"), tokens: range })
}

// A number of characters, people, replicas and the like; ports; levels of SLSA.
fn count(scan: &Scan<'_>, beside: Beside<'_, '_>, number: f64, range: Range<usize>) -> Option<Value> {
    let tokens = &scan.tokens;
    let before = range.start.checked_sub(1).map_or("", |at| tokens.text(at));
    if number.fract() != 0.0 {
        return None;
    }
    if matches!(before, "port" | "ports") {
        let allowed = scan.has(Cue::Only);
        return allowed.then(|| Value { kind: Some(Kind::Other), text: format!("{number}"), tokens: range });
    }
    // The number of a section: "E.2 Employees".
    if before == "." {
        return None;
    }
    let slsa = (range.start.saturating_sub(4)..range.start).any(|at| tokens.text(at) == "slsa");
    if slsa {
        return Some(Value { kind: Some(Kind::SupplyChain), text: format!("slsa-{number}"), tokens: range });
    }
    // A cell that holds a number alone counts what its column names.
    if tokens.len() == 1
        && beside
            .scans
            .first()
            .is_some_and(|column| column.words() <= 4 && column.found().any(|found| matches!(found.sense, Sense::Counted(_))))
    {
        return Some(Value { kind: None, text: format!("{number}"), tokens: range });
    }
    let counted =
        scan.found().filter(|found| matches!(found.sense, Sense::Counted(_)) && found.start >= range.end && found.start <= range.end + 3);
    let Found { start, end, .. } = counted.min_by_key(|found| found.start)?;
    // Only plain words stand between the number and what it counts.
    if (range.end..start).any(|at| !tokens.is_word(at) || matches!(tokens.text(at), "and" | "or" | "of" | "the" | "in")) {
        return None;
    }
    let comparator = bound(scan, range.clone()).or_else(|| bound(scan, range.start..end));
    let text = match comparator {
        Some(comparator) => format!("{}{number}", sign(comparator).trim_start_matches('=')),
        None => format!("{number}"),
    };
    Some(Value { kind: None, text, tokens: range.start..end })
}
