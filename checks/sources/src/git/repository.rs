//! A clone on this machine: signatures of its commits, secrets in its files, and how it takes its dependencies.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::command::LocalClone;
use super::{dependencies, secrets};
use crate::observed::{Unread, part};

/// What is read of a clone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub signatures: bool,
    pub secrets: bool,
    pub dependencies: bool,
}

/// A clone, and what to look at in it.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    pub name: String,
    pub path: PathBuf,
    pub signers: Option<PathBuf>,
    pub branch: String,
    pub history: bool,
    pub commits: u32,
}

impl Repository {
    /// The record of the clone, and the commit that was looked at.
    pub(super) fn read(&self, parts: Parts) -> (Json, String) {
        let clone = LocalClone { path: self.path.clone(), signers: self.signers.clone() };
        let head = clone.ask(&["rev-parse", "--verify", "--end-of-options", &format!("{}^{{commit}}", self.branch)]);
        let head = match head {
            Ok(head) => head.trim().to_owned(),
            Err(unread) => return (unread.to_json(), String::new()),
        };
        let mut content = json!({"branch": self.branch, "head": head});
        if parts.signatures {
            content["signatures"] = part(self.signatures(&clone, &head));
        }
        if parts.secrets || parts.dependencies {
            let files = secrets::files(&clone, &head);
            if parts.secrets {
                content["secrets"] = part(files.clone().and_then(|files| self.secrets(&clone, &files)));
            }
            if parts.dependencies {
                content["dependencies"] = part(files.and_then(|files| dependencies::read(&clone, &files)));
            }
        }
        (content, head)
    }

    fn secrets(&self, clone: &LocalClone, now: &[secrets::File]) -> Result<Json, Unread> {
        if !self.history {
            return secrets::scan(clone, now, now);
        }
        if clone.ask(&["rev-parse", "--is-shallow-repository"])?.trim() == "true" {
            return Err(Unread::new(Reason::IncompleteList, "the clone is shallow, so its history is not there; fetch it whole"));
        }
        secrets::scan(clone, &secrets::history(clone)?, now)
    }

    // The latest commits by what their signatures are worth: git's letters, as words.
    fn signatures(&self, clone: &LocalClone, head: &str) -> Result<Json, Unread> {
        let count = self.commits.to_string();
        let told = clone.ask(&["log", "-n", &count, "--format=%H %G?", head, "--"])?;
        let mut states: BTreeMap<&str, u64> = BTreeMap::new();
        let mut others = Vec::new();
        let commits: Vec<(&str, &str)> = told.lines().filter_map(|line| line.split_once(' ')).collect();
        for (commit, letter) in &commits {
            let state = match *letter {
                "G" => "good",
                "B" => "bad",
                "X" | "Y" => "expired",
                "R" => "revoked",
                // A signature that holds, by a key that is on no list of signers, or that this machine does not trust: anybody's.
                "U" | "E" => "unknown-key",
                // Without a list of signers git calls an SSH signature none.
                _ if is_signed(clone, commit)? => "unknown-key",
                _ => "none",
            };
            *states.entry(state).or_default() += 1;
            if state != "good" && others.len() < 50 {
                others.push(json!({"commit": short(commit), "state": state}));
            }
        }
        let shallow = clone.ask(&["rev-parse", "--is-shallow-repository"])?.trim() == "true";
        if shallow && commits.len() < usize::try_from(self.commits).unwrap_or(usize::MAX) {
            return Err(Unread::new(Reason::IncompleteList, "the clone is shallow and does not reach back as far as is asked"));
        }
        Ok(json!({"checked": commits.len(), "states": states, "others": others}))
    }
}

/// The beginning of a commit's name, as people write it.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn is_signed(clone: &LocalClone, commit: &str) -> Result<bool, Unread> {
    let raw = clone.ask(&["cat-file", "commit", commit])?;
    let head = raw.split("\n\n").next().unwrap_or_default();
    Ok(head.lines().any(|line| line.starts_with("gpgsig")))
}
