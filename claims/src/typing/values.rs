//! Typed values: numbers with their units and bounds, versions, algorithms, places, frameworks with their status.
//!
//! Each extractor reads the scan of one statement. What a number is for (how long, how often, how soon) is told by the words
//! around it, and by the headings and cells beside it where the statement itself says nothing.

use std::collections::BTreeSet;
use std::ops::Range;

use proofbook_evidence::claims::{Comparator, Kind, area};

use super::scan::{Found, Scan};
use super::vocabulary::{Cue, Sense, holds};

/// A value that was found in a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    /// The kind that the value decides; none where the topic does.
    pub(crate) kind: Option<Kind>,
    /// The normal form.
    pub(crate) text: String,
    /// The tokens.
    pub(crate) tokens: Range<usize>,
}

/// What stands above and beside the statement, as far as it decides what a value is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside<'s, 'v> {
    /// Scans of what is nearest first: column, row, lead-in, question, headings.
    pub(crate) scans: &'s [&'s Scan<'v>],
}

impl Beside<'_, '_> {
    fn weight_of(&self, topic: &str) -> u32 {
        self.scans.iter().map(|scan| scan.weight_of(topic)).max().unwrap_or(0)
    }

    fn has_word(&self, words: &[&str]) -> bool {
        self.scans.iter().any(|scan| has_word(scan, words))
    }
}

/// All values of a statement, in the order of their places.
pub(crate) fn values(scan: &Scan<'_>, text: &str, beside: Beside<'_, '_>) -> Vec<Value> {
    let mut out = Vec::new();
    let mut taken: Vec<Range<usize>> = Vec::new();
    versions(scan, beside, &mut out, &mut taken);
    schemes(scan, beside, &mut out, &mut taken);
    algorithms(scan, beside, &mut out, &mut taken);
    places(scan, text, beside, &mut out, &mut taken);
    frequencies(scan, beside, &mut out, &mut taken);
    terms(scan, &mut out);
    amounts(scan, beside, &mut out, &mut taken);
    out.sort_by_key(|value| value.tokens.start);
    out
}

fn free(taken: &[Range<usize>], tokens: &Range<usize>) -> bool {
    !taken.iter().any(|taken| taken.start < tokens.end && tokens.start < taken.end)
}

fn has_word(scan: &Scan<'_>, words: &[&str]) -> bool {
    scan.tokens.iter().any(|(_, text)| words.contains(&text))
}

fn has_any(scan: &Scan<'_>, words: &[String]) -> bool {
    scan.tokens.iter().any(|(_, text)| holds(words, text))
}

// The longest of overlapping senses that `take` wants.
fn longest<'v, T>(scan: &Scan<'v>, take: impl Fn(&'v Sense) -> Option<T>) -> Vec<(T, Range<usize>)> {
    let mut found: Vec<(T, Range<usize>)> = Vec::new();
    for Found { sense, start, end } in scan.found() {
        let Some(value) = take(sense) else { continue };
        match found.iter_mut().find(|(_, known)| known.start < end && start < known.end) {
            Some(known) if end - start > known.1.len() => *known = (value, start..end),
            Some(_) => {}
            None => found.push((value, start..end)),
        }
    }
    found.sort_by_key(|(_, tokens)| tokens.start);
    found
}

// Versions of protocols, and protocols without one.
fn versions(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let tokens = &scan.tokens;
    let protocols = longest(scan, |sense| if let Sense::Protocol(name) = sense { Some(&**name) } else { None });
    let mut listed: Vec<(String, bool, Comparator, Range<usize>)> = Vec::new();
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
            while skipped < 4
                && !tokens.is_number(at_number)
                && matches!(
                    tokens.text(at_number),
                    "version"
                        | "versions"
                        | "v"
                        | "("
                        | "/"
                        | ","
                        | "and"
                        | "or"
                        | "tls"
                        | "und"
                        | "oder"
                        | "et"
                        | "ou"
                        | "protocol"
                        | "at"
                        | "least"
                        | "minimum"
                        | "en"
                        | "mit"
                        | "in"
                        | ":"
                        | "ab"
                )
            {
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
    let kept: Vec<&(String, bool, Comparator, Range<usize>)> = listed.iter().filter(|(_, denied, ..)| !denied).collect();
    let text = match kept.as_slice() {
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
    };
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

const fn sign(comparator: Comparator) -> &'static str {
    match comparator {
        Comparator::AtLeast => ">=",
        Comparator::AtMost => "<=",
        Comparator::More => ">",
        Comparator::Less => "<",
        Comparator::Equal | Comparator::Range => "=",
    }
}

// How the amount in some tokens is bounded by the words directly before and behind it.
fn bound(scan: &Scan<'_>, amount: Range<usize>) -> Option<Comparator> {
    let mut before: Option<(usize, Comparator)> = None;
    let mut after: Option<(usize, Comparator)> = None;
    for Found { sense, start, end } in scan.found() {
        match sense {
            Sense::Before(comparator) if end <= amount.start => {
                let gap: Vec<&str> = (end..amount.start).map(|at| scan.tokens.text(at)).collect();
                let near = gap.iter().all(|word| {
                    matches!(
                        *word,
                        "the"
                            | "a"
                            | "an"
                            | "further"
                            | "another"
                            | "next"
                            | "first"
                            | "about"
                            | "of"
                            | "every"
                            | "once"
                            | "den"
                            | "von"
                            | "einem"
                            | "einer"
                            | "="
                            | ":"
                            | "version"
                            | "des"
                            | "les"
                            | "prochains"
                            | "("
                            | "last"
                            | "all"
                            | "longer"
                            | "another's"
                            | "our"
                            | "to"
                            | "alle"
                            | "toutes"
                            | "one"
                            | "per"
                            | "each"
                            | "protocol"
                            | "tls"
                            | "length"
                            | "weitere"
                            | "weiteren"
                            | "is"
                            | "at"
                            | "most"
                            | "more"
                            | "than"
                            | "."
                    )
                });
                if near && gap.len() < 4 && before.is_none_or(|(length, _)| end - start > length) {
                    before = Some((end - start, *comparator));
                }
            }
            Sense::After(comparator)
                if start >= amount.end && start <= amount.end + 1 && after.is_none_or(|(length, _)| end - start > length) =>
            {
                // One word may stand between, such as "characters" or a closing bracket.
                let between = scan.tokens.text(amount.end);
                if start == amount.end || !matches!(between, "," | "." | ";" | "-" | "and" | "or") {
                    after = Some((end - start, *comparator));
                }
            }
            _ => {}
        }
    }
    after.or(before).map(|(_, comparator)| comparator)
}

// Whether what is named is what is refused: "TLS 1.0 and 1.1 are disabled", "anything older than TLS 1.2 is rejected".
fn denied(scan: &Scan<'_>, amount: Range<usize>) -> bool {
    
    
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

// Frameworks, each with the status that the words give it.
fn schemes(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let own = longest(scan, |sense| if let Sense::Scheme(name) = sense { Some(&**name) } else { None });
    let mut named: Vec<(&str, Range<usize>)> = own;
    for (_, range) in &named {
        taken.push(range.clone());
    }
    let in_cell = named.is_empty();
    if in_cell {
        // A cell or answer that gives the status of what stands beside it.
        let status = statuses(scan);
        let short = scan.words() <= 6;
        if status.is_empty() && !is_yes(scan) || !short {
            return;
        }
        for other in beside.scans {
            let beside_named = longest(other, |sense| if let Sense::Scheme(name) = sense { Some(&**name) } else { None });
            if !beside_named.is_empty() {
                let end = scan.tokens.len();
                named = beside_named.into_iter().map(|(name, _)| (name, 0..end)).collect();
                break;
            }
        }
    }
    if named.is_empty() {
        return;
    }
    let all: Vec<String> = statuses(scan);
    let mut beside_statuses: Vec<String> = Vec::new();
    if all.is_empty() {
        beside_statuses = beside.scans.iter().map(|scan| statuses(scan)).find(|found| !found.is_empty()).unwrap_or_default();
    }
    let found = if all.is_empty() { &beside_statuses } else { &all };
    let mut parts: Vec<(String, Range<usize>)> = Vec::new();
    for (name, range) in &named {
        let scheme = if *name == "soc2" && !in_cell { soc2_type(scan, range) } else { (*name).to_owned() };
        let status = status_of(name, found, in_cell && is_yes(scan));
        let part = format!("{scheme}:{status}");
        if !parts.iter().any(|(known, _)| *known == part) {
            parts.push((part, range.clone()));
        }
    }
    let start = parts.iter().map(|(_, range)| range.start).min().unwrap_or(0);
    let end = parts.iter().map(|(_, range)| range.end).max().unwrap_or(0);
    let text = parts.into_iter().map(|(part, _)| part).collect::<Vec<_>>().join(",");
    out.push(Value { kind: Some(Kind::CertificationStatus), text, tokens: start..end });
}

// "SOC 2 ... Type 2" with words between.
fn soc2_type(scan: &Scan<'_>, range: &Range<usize>) -> String {
    for at in range.end..scan.tokens.len().min(range.end + 12) {
        if scan.tokens.text(at) == "type" {
            return match scan.tokens.text(at + 1) {
                "1" | "i" => "soc2-type1".to_owned(),
                "2" | "ii" => "soc2-type2".to_owned(),
                _ => "soc2".to_owned(),
            };
        }
    }
    "soc2".to_owned()
}

fn is_yes(scan: &Scan<'_>) -> bool {
    matches!(scan.tokens.text(0), "yes" | "ja" | "oui" | "✓" | "✔" | "✅")
}

fn statuses(scan: &Scan<'_>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for Found { sense, .. } in scan.found() {
        if let Sense::Status(name) = sense
            && !out.iter().any(|known| known == &**name)
        {
            out.push(name.to_string());
        }
    }
    out
}

// The status of a framework by the words around it; what bare names mean depends on what they name.
fn status_of(scheme: &str, found: &[String], yes: bool) -> &'static str {
    let has = |status: &str| found.iter().any(|known| known == status);
    let report =
        matches!(scheme, "soc1-type1" | "soc1-type2" | "soc2" | "soc2-type1" | "soc2-type2" | "soc3" | "c5" | "c5-type1" | "c5-type2");
    let law = matches!(scheme, "gdpr" | "hipaa" | "dora" | "nis2" | "pci-dss" | "ccpa");
    let guide = matches!(scheme, "nist-csf" | "nist-800-53" | "nist-800-171" | "cis");
    if has("none") {
        "none"
    } else if has("planned") && !has("certified") || has("planned") && !has("attested") && report {
        "planned"
    } else if has("in-progress") {
        "in-progress"
    } else if has("attested") && report {
        "attested"
    } else if has("certified") {
        "certified"
    } else if has("self-declared") {
        "self-declared"
    } else if has("aligned") {
        "aligned"
    } else if report {
        "attested"
    } else if law || yes && law {
        "self-declared"
    } else if guide {
        "aligned"
    } else if has("attested") || yes {
        "certified"
    } else {
        "certified"
    }
}

// Algorithms with sizes and modes; those of one statement are one value.
fn algorithms(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let tokens = &scan.tokens;
    let found = longest(scan, |sense| if let Sense::Algorithm(name) = sense { Some(&**name) } else { None });
    let mut parts: Vec<(String, Range<usize>)> = Vec::new();
    let window = |from: usize, length: usize| from..tokens.len().min(from + length);
    let mut bare_size: Option<(u32, usize)> = None;
    if found.is_empty() {
        // "AES" stands in the question or the row, "256-bit keys" in the answer.
        bare_size = (0..tokens.len()).find_map(|at| {
            Some((tokens.text(at).parse().ok().filter(|bits| matches!(bits, 128 | 192 | 256))?, at))
                .filter(|_| matches!(tokens.text(at + 1), "bit" | "bits" | "bits-keys"))
        });
        let aes_beside = beside.has_word(&["aes"]);
        if let (Some((bits, at)), true) = (bare_size, aes_beside) {
            parts.push((format!("aes-{bits}"), at..at + 2));
        }
    }
    let _ = bare_size;
    for (name, at) in found {
        let near = |sizes: &[u32], behind: usize, before: usize| -> Option<(u32, usize)> {
            let size = |at: usize| {
                tokens
                    .is_number(at)
                    .then(|| tokens.text(at).parse().ok())
                    .flatten()
                    .filter(|size| sizes.contains(size))
                    .map(|size| (size, at))
            };
            let mut ahead = None;
            for next in window(at.end, behind) {
                // Another algorithm begins.
                if next > at.end && matches!(tokens.text(next), "rsa" | "aes" | "sha" | "ecdsa" | "tls" | ";") {
                    break;
                }
                if let Some(found) = size(next) {
                    ahead = Some(found);
                    break;
                }
            }
            ahead.or_else(|| (at.start.saturating_sub(before)..at.start).rev().find_map(size))
        };
        let (text, end) = match name {
            "aes" => {
                let size = near(&[128, 192, 256], 9, 3);
                let mode = window(at.start.saturating_sub(2), 14).find_map(|next| match tokens.text(next) {
                    mode @ ("gcm" | "cbc" | "xts" | "ctr" | "siv" | "ccm") => Some(mode),
                    _ => None,
                });
                let mut text = "aes".to_owned();
                if let Some((size, _)) = size {
                    text += &format!("-{size}");
                    if let Some(mode) = mode {
                        text += &format!("-{mode}");
                    }
                }
                (text, size.map_or(at.end, |(_, size)| at.end.max(size + 1)))
            }
            "rsa" => match near(&[1024, 2048, 3072, 4096, 8192], 8, 3) {
                Some((size, number)) => {
                    let comparator = bound(scan, number..number + 1).or_else(|| bound(scan, number..number + 2));
                    let text = match comparator {
                        Some(comparator @ (Comparator::AtLeast | Comparator::More)) => format!("rsa{}{size}", sign(comparator)),
                        _ => format!("rsa-{size}"),
                    };
                    (text, at.end.max(number + 1))
                }
                None => ("rsa".to_owned(), at.end),
            },
            "ecdsa" => match near(&[256, 384, 521], 4, 0) {
                Some((size, number)) => (format!("ecdsa-p{size}"), number + 1),
                None => ("ecdsa".to_owned(), at.end),
            },
            "sha" | "hmac" => match near(&[224, 256, 384, 512], 3, 0) {
                Some((size, number)) => (if name == "sha" { format!("sha-{size}") } else { format!("hmac-sha{size}") }, number + 1),
                None if name == "hmac" => ("hmac".to_owned(), at.end),
                None => continue,
            },
            other => (other.to_owned(), at.end),
        };
        let range = at.start..end;
        // Weak ones are named to be refused.
        let weak = matches!(name, "sha-1" | "md5" | "des" | "rc4");
        taken.push(range.clone());
        if (weak && (scan.has(Cue::None) || denied(scan, at.clone()))) || parts.iter().any(|(known, _)| *known == text) {
            continue;
        }
        parts.push((text, range));
    }
    // A size without a name beside a named one is the same again.
    if parts.iter().any(|(text, _)| text.starts_with("aes-")) {
        parts.retain(|(text, _)| text != "aes");
    }
    if parts.is_empty() {
        return;
    }
    let start = parts.iter().map(|(_, range)| range.start).min().unwrap_or(0);
    let end = parts.iter().map(|(_, range)| range.end).max().unwrap_or(0);
    let text = parts.into_iter().map(|(text, _)| text).collect::<Vec<_>>().join(",");
    out.push(Value { kind: Some(Kind::Algorithm), text, tokens: start..end });
}

// Places, where the statement is about where something is.
fn places(scan: &Scan<'_>, text: &str, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut covered: Vec<Range<usize>> = Vec::new();
    let mut tokens: Option<Range<usize>> = None;
    // Regions of clouds as they are written.
    let mut at = 0;
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let start = at;
        at += word.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
        let mut parts = word.split('-');
        let named = parts.next().is_some_and(|first| first.len() == 2 && first.bytes().all(|byte| byte.is_ascii_lowercase()))
            && parts.next().is_some_and(|middle| middle.len() >= 3 && middle.bytes().all(|byte| byte.is_ascii_lowercase()))
            && parts.next().is_some_and(|last| last.len() <= 2 && last.starts_with(|c: char| c.is_ascii_digit()))
            && parts.next().is_none();
        let region = named
            || word.len() > 3
                && word.bytes().any(|byte| byte.is_ascii_digit() || byte == b'-')
                && word.bytes().any(|byte| byte.is_ascii_digit());
        if named || region && area::country_of(&word.to_ascii_lowercase()).is_some() {
            names.insert(word.to_ascii_lowercase());
            covered.push(start..start + word.len());
        }
    }
    for (place, range) in longest(scan, |sense| if let Sense::Place(name) = sense { Some(&**name) } else { None }) {
        let bytes = scan.bytes(range.clone());
        if covered.iter().any(|covered| covered.start <= bytes.start && bytes.end <= covered.end) || !free(taken, &range) {
            continue;
        }
        // "us" and "it" are words; an area is written with a capital.
        if !scan.tokens.get(range.start).is_some_and(|token| token.capital) {
            continue;
        }
        names.insert(place.to_owned());
        tokens = Some(tokens.map_or(range.clone(), |known| known.start.min(range.start)..known.end.max(range.end)));
    }
    if names.is_empty() {
        return;
    }
    // A country beside the area that holds it says the same more exactly.
    let exact: BTreeSet<String> = names.iter().filter(|name| !matches!(name.as_str(), "EU" | "EEA" | "Europe")).cloned().collect();
    let wide: Vec<String> = names.iter().filter(|name| matches!(name.as_str(), "EU" | "EEA" | "Europe")).cloned().collect();
    if !exact.is_empty() && wide.iter().all(|wide| exact.iter().all(|place| area::lies_in(place, wide))) {
        names = exact;
    }
    let about_place = scan.weight_of("residency") > 0
        || has_word(
            scan,
            &[
                "in",
                "within",
                "outside",
                "from",
                "hosted",
                "stored",
                "based",
                "located",
                "located",
                "leave",
                "leaves",
                "region",
                "regions",
                "en",
                "aus",
                "innerhalb",
                "außerhalb",
                "hors",
                "à",
                "au",
                "aux",
                "dans",
                "inside",
                "into",
            ],
        )
        || beside.weight_of("residency") > 0
        || beside.has_word(&[
            "where", "location", "region", "country", "place", "wo", "où", "ort", "lieu", "pays", "land", "city", "seat", "sitz",
        ])
        || scan.words() <= 4;
    if !about_place {
        return;
    }
    let tokens = tokens.unwrap_or(0..scan.tokens.len().min(1));
    taken.push(tokens.clone());
    out.push(Value { kind: Some(Kind::Residency), text: names.into_iter().collect::<Vec<_>>().join(","), tokens });
}

// Intervals: daily, every 6 hours, twice a year.
fn frequencies(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
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
    let _ = beside;
}

// Times that are no numbers: the term of the contract. Levels of SLSA that are written as words.
fn terms(scan: &Scan<'_>, out: &mut Vec<Value>) {
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

// Numbers with units, percentages, and counts.
fn amounts(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < scan.tokens.len() {
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
    if article && unit(scan, end).is_none() && !(tokens.text(at) == "one") {
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
        && (scan.tokens.touches(start - 1) || matches!(scan.tokens.text(start), "h" | "d" | "s"));
    (!letter || close).then_some((&**name, end))
}

// The normal form of a duration.
fn normal(number: f64, unit: &str) -> String {
    let whole = |value: f64| if (value - value.round()).abs() < 1e-9 { format!("{}", value.round() as i64) } else { format!("{value}") };
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
    let within = comparator == Some(Comparator::AtMost);
    let kind = role(scan, beside, range, comparator);
    let target = kind == Some(Kind::Sla) && comparator.is_none();
    let text = match comparator {
        Some(comparator) => format!("{}{amount}", sign(comparator).trim_start_matches('=')),
        None if target => format!("<={amount}"),
        None => amount,
    };
    // An age of accounts or logs is no promise by itself; what is done then is.
    let _ = within;
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
    let Found { sense: Sense::Counted(what), start, end } = counted.min_by_key(|found| found.start)? else { return None };
    // Only plain words stand between the number and what it counts.
    if (range.end..start).any(|at| !tokens.is_word(at) || matches!(tokens.text(at), "and" | "or" | "of" | "the" | "in")) {
        return None;
    }
    let comparator = bound(scan, range.clone()).or_else(|| bound(scan, range.start..end));
    let text = match comparator {
        Some(comparator) => format!("{}{number}", sign(comparator).trim_start_matches('=')),
        None => format!("{number}"),
    };
    let _ = what;
    Some(Value { kind: None, text, tokens: range.start..end })
}
