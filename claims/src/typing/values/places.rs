//! Areas, countries, and regions of clouds.

use std::collections::BTreeSet;
use std::ops::Range;

use proofbook_evidence::claims::{Kind, area};

use super::super::scan::Scan;
use super::super::vocabulary::Sense;
use super::{Beside, Value, free, has_word, longest};

// Places, where the statement is about where something is.
pub(super) fn places(scan: &Scan<'_>, text: &str, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
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
