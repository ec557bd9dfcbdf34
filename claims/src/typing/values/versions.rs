//! Versions of protocols, and protocols without one.

use std::collections::BTreeSet;
use std::ops::Range;

use proofbook_evidence::claims::{Comparator, Kind};

use super::super::scan::Scan;
use super::super::vocabulary::{Sense, holds};
use super::{Beside, Value, bound, longest, sign};

// Versions of protocols, and protocols without one.
pub(super) fn versions(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let tokens = &scan.tokens;
    let protocols = longest(scan, |sense| if let Sense::Protocol(name) = sense { Some(&**name) } else { None });
    let mut listed: Vec<Listed> = Vec::new();
    for (name, at) in &protocols {
        let family = match *name {
            "tls" | "mtls" | "https" => "tls",
            "ssl" => "ssl",
            _ => continue,
        };
        let mut next = at.end;
        let mut first = true;
        loop {
            // "TLS version 1.2", "TLS (1.2", "TLS v1.2", "at least 1.2".
            let mut at_number = next;
            let mut skipped = 0;
            while skipped < 4 && !tokens.is_number(at_number) && holds(&scan.vocabulary.words.before_version, tokens.text(at_number)) {
                at_number += 1;
                skipped += 1;
            }
            let version = tokens.text(at_number);
            let is_version = tokens.is_number(at_number)
                && (version.len() == 3 && version.starts_with("1.") || (matches!(version, "2" | "3" | "2.0" | "3.0") && family == "ssl"));
            if !is_version || (!first && skipped == 0) {
                break;
            }
            first = false;
            let own = at_number..at_number + 1;
            let bound = bound(scan, at.start.min(at_number)..at_number + 1).or_else(|| bound(scan, own.clone()));
            let denied = denied(scan, at.start..at_number + 1);
            // "Over TLS 1.3" is a way, not a bound.
            let bound = bound.filter(|bound| *bound != Comparator::More).unwrap_or(Comparator::Equal);
            listed.push((version.to_owned(), denied, bound, at.start..at_number + 1));
            next = at_number + 1;
        }
    }
    // The cell of a table whose row or column names the protocol.
    if protocols.is_empty() && scan.words() <= 5 && beside.has_word(&["tls"]) {
        let version =
            (0..tokens.len()).find(|at| tokens.is_number(*at) && tokens.text(*at).len() == 3 && tokens.text(*at).starts_with("1."));
        if let Some(at) = version {
            let floor = beside.has_word(&["minimum", "lowest", "min", "least", "mindestens", "minimale", "oldest", "floor", "from"]);
            let bound = bound(scan, at..at + 1).filter(|bound| *bound != Comparator::More).unwrap_or(if floor {
                Comparator::AtLeast
            } else {
                Comparator::Equal
            });
            listed.push((tokens.text(at).to_owned(), denied(scan, at..at + 1), bound, at..at + 1));
        }
    }
    let text = promised(&listed);
    let range = listed.iter().map(|(.., range)| range.clone()).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
    if let (Some(text), Some(tokens)) = (text, range) {
        taken.push(tokens.clone());
        out.push(Value { kind: Some(Kind::ProtocolVersion), text, tokens });
    } else if let Some((name, at)) =
        protocols.iter().find(|(name, _)| *name == "mtls").or_else(|| protocols.iter().find(|(name, _)| *name != "ssl"))
    {
        let only_topic = *name == "mtls"
            || scan.topic().is_some_and(|(topic, _)| scan.vocabulary.topics[topic].id == "encryption-in-transit")
            || beside.weight_of("encryption-in-transit") > 2;
        let certificate =
            matches!(tokens.text(at.end), "certificate" | "certificates" | "key" | "keys" | "inspection") || denied(scan, at.clone());
        if only_topic && !certificate && *name != "ssh" {
            out.push(Value { kind: Some(Kind::ProtocolVersion), text: (*name).to_owned(), tokens: at.clone() });
        } else if only_topic && !certificate {
            out.push(Value { kind: None, text: "ssh".to_owned(), tokens: at.clone() });
        }
    }
}

// A version with what is said of it: whether it is refused, how it is bounded, and where it stands.
type Listed = (String, bool, Comparator, Range<usize>);

// What the versions of a statement promise together.
fn promised(listed: &[Listed]) -> Option<String> {
    let kept: Vec<&Listed> = listed.iter().filter(|(_, denied, ..)| !denied).collect();
    match kept.as_slice() {
        [] if !listed.is_empty() => {
            // What is refused gives the floor: the next version above.
            let highest = listed.iter().filter_map(|(version, ..)| version.strip_prefix("1.")?.parse::<u32>().ok()).max();
            let below = listed.iter().all(|(_, _, comparator, _)| *comparator == Comparator::Less);
            let floor = highest.map_or(0, |highest| if below { highest } else { highest + 1 });
            Some(format!("tls>=1.{floor}"))
        }
        [] => None,
        [(version, _, comparator, _)] => Some(format!("tls{}{version}", sign(*comparator))),
        several => {
            let floor = several.iter().find(|(_, _, comparator, _)| *comparator == Comparator::AtLeast);
            match floor {
                Some((version, ..)) => Some(format!("tls>={version}")),
                None => {
                    let versions: BTreeSet<&str> = several.iter().map(|(version, ..)| version.as_str()).collect();
                    Some(versions.iter().map(|version| format!("tls={version}")).collect::<Vec<_>>().join(","))
                }
            }
        }
    }
}

// Whether what is named is what is refused: "TLS 1.0 and 1.1 are disabled", "anything older than TLS 1.2 is rejected".
pub(super) fn denied(scan: &Scan<'_>, amount: Range<usize>) -> bool {
    let words = &scan.vocabulary.words;
    let text = |at: usize| scan.tokens.text(at);
    let stop = |word: &str| matches!(word, ";" | "." | ":");
    let before: Vec<&str> = (amount.start.saturating_sub(6)..amount.start).map(text).collect();
    let before = before.rsplit(|word| stop(word) || *word == ",").next().unwrap_or_default();
    // "no less than" and "not below" are floors.
    let floor = before.iter().any(|word| matches!(*word, "least" | "minimum"))
        || before.windows(2).any(|pair| matches!(pair, ["no" | "not", "less" | "lower" | "older" | "earlier" | "below"]));
    if before.iter().any(|word| holds(&words.refuses, word)) {
        return !floor;
    }
    let behind: Vec<&str> = (amount.end..(amount.end + 12).min(scan.tokens.len())).map(text).take_while(|word| !stop(word)).collect();
    let refused_at = behind.iter().position(|word| holds(&words.refused, word) || *word == "not" || *word == "nicht");
    // Another version in between is what is refused then, unless both are listed.
    let other = behind.iter().position(|word| word.starts_with("1."));
    refused_at.is_some_and(|refused| {
        other.is_none_or(|other| {
            other > refused
                || behind[..other].iter().all(|word| matches!(*word, "and" | "or" | "," | "tls" | "/" | "und" | "et" | "oder" | "ssl"))
        })
    })
}
