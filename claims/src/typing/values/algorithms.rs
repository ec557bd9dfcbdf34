//! Algorithms with their sizes and modes.

use std::ops::Range;

use proofbook_evidence::claims::{Comparator, Kind};

use super::super::scan::Scan;
use super::super::vocabulary::{Cue, Sense};
use super::versions::denied;
use super::{Beside, Value, bound, longest, sign};

// Algorithms with sizes and modes; those of one statement are one value.
pub(super) fn algorithms(scan: &Scan<'_>, beside: Beside<'_, '_>, out: &mut Vec<Value>, taken: &mut Vec<Range<usize>>) {
    let tokens = &scan.tokens;
    let found = longest(scan, |sense| if let Sense::Algorithm(name) = sense { Some(&**name) } else { None });
    let mut parts: Vec<(String, Range<usize>)> = Vec::new();
    let window = |from: usize, length: usize| from..tokens.len().min(from + length);
    if found.is_empty() {
        // "AES" stands in the question or the row, "256-bit keys" in the answer.
        let bare_size = (0..tokens.len()).find_map(|at| {
            Some((tokens.text(at).parse().ok().filter(|bits| matches!(bits, 128 | 192 | 256))?, at))
                .filter(|_| matches!(tokens.text(at + 1), "bit" | "bits" | "bits-keys"))
        });
        let aes_beside = beside.has_word(&["aes"]);
        if let (Some((bits, at)), true) = (bare_size, aes_beside) {
            parts.push((format!("aes-{bits}"), at..at + 2));
        }
    }
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
                    text.push_str(&["-", &size.to_string()].concat());
                    if let Some(mode) = mode {
                        text.push_str(&["-", mode].concat());
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
