//! Secrets in the files of a repository, by the detectors that also guard evidence. Of what is found only the place is kept.

use std::collections::{BTreeMap, BTreeSet};

use proofbook_checks::sensitive;
use serde_json::{Value as Json, json};

use super::command::LocalClone;
use crate::observed::Unread;

/// Larger files are counted and not looked at.
const LARGEST: u64 = 5 << 20;

/// Longer lines are machine-made.
const LONGEST_LINE: usize = 20_000;

/// How many findings are kept; more are counted.
const KEPT: usize = 1000;

/// A file: its object, its size where it is known, and its path.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub object: String,
    pub size: Option<u64>,
    pub path: String,
}

/// The files of a commit.
pub(super) fn files(clone: &LocalClone, commit: &str) -> Result<Vec<File>, Unread> {
    let listed = clone.ask(&["ls-tree", "-r", "-z", "-l", "--full-tree", commit])?;
    let file = |line: &str| {
        let (head, path) = line.split_once('\t')?;
        let mut words = head.split_whitespace().skip(1);
        let kind = words.next()?;
        let (object, size) = (words.next()?, words.next()?);
        (kind == "blob").then(|| File { object: object.to_owned(), size: size.parse().ok(), path: path.to_owned() })
    };
    Ok(listed.split('\0').filter_map(file).collect())
}

/// Every file that was ever in a repository, once for each content.
pub(super) fn history(clone: &LocalClone) -> Result<Vec<File>, Unread> {
    let listed = clone.ask(&["rev-list", "--objects", "--all", "--filter=object:type=blob", "--filter-provided-objects"])?;
    let file = |line: &str| {
        let (object, path) = line.split_once(' ')?;
        (!path.is_empty()).then(|| File { object: object.to_owned(), size: None, path: path.to_owned() })
    };
    Ok(listed.lines().filter_map(file).collect())
}

/// Looks through files; `now` are those of the commit that is looked at.
pub(super) fn scan(clone: &LocalClone, all: &[File], now: &[File]) -> Result<Json, Unread> {
    let current: BTreeSet<&str> = now.iter().map(|file| file.object.as_str()).collect();
    let looked_at: Vec<&File> = all.iter().filter(|file| file.size.is_none_or(|size| size <= LARGEST)).collect();
    let names: Vec<String> = looked_at.iter().map(|file| file.object.clone()).collect();
    let (mut findings, mut total, mut skipped, mut lost) = (Vec::new(), 0_usize, all.len() - looked_at.len(), 0_usize);
    clone.blobs(&names, |at, content| {
        let Some(content) = content else {
            lost += 1;
            return;
        };
        if content.len() as u64 > LARGEST {
            skipped += 1;
            return;
        }
        let file = looked_at[at];
        for (detector, line) in detected(content) {
            total += 1;
            if findings.len() < KEPT {
                let in_tree = current.contains(file.object.as_str());
                findings.push(json!({"path": file.path, "line": line, "detector": detector, "object": file.object, "in_tree": in_tree}));
            }
        }
    })?;
    if lost > 0 {
        let detail = format!("{lost} objects are not in the clone; it may be a partial one");
        return Err(Unread::new(proofbook_checks::inventory::Reason::IncompleteList, detail));
    }
    Ok(json!({"files": looked_at.len(), "too_large": skipped, "total": total, "findings": findings}))
}

// The detectors that see something, each with the first line. Binary content has none.
fn detected(content: &[u8]) -> BTreeMap<&'static str, usize> {
    let mut out = BTreeMap::new();
    if content.iter().take(8000).any(|byte| *byte == 0) {
        return out;
    }
    for (at, line) in String::from_utf8_lossy(content).lines().enumerate().filter(|(_, line)| line.len() <= LONGEST_LINE) {
        for detector in sensitive::detectors(line) {
            out.entry(detector).or_insert(at + 1);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_and_binary_content_is_passed_over() {
        let text = format!("a\nkey = {}\nb\n", "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB");
        assert_eq!(detected(text.as_bytes()), BTreeMap::from([("service-token", 2)]));
        let mut binary = text.into_bytes();
        binary.insert(0, 0);
        assert!(detected(&binary).is_empty());
    }
}
