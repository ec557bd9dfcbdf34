//! The lines of documents that changed since a revision, as Git tells them.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The changed lines of each path, as first and last line; a file that Git does not know is changed as a whole.
pub(super) fn changed_lines(revision: &str, paths: &[&str]) -> Result<BTreeMap<String, Vec<(u32, u32)>>> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision");
    }
    let mut out: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
    let diff = git(&["diff", "--no-color", "--no-ext-diff", "--relative", "--unified=0", revision, "--"], paths)?;
    let mut path = String::new();
    for line in diff.lines() {
        if let Some(file) = line.strip_prefix("+++ ") {
            path = file.strip_prefix("b/").unwrap_or(file).trim_end_matches('\t').to_owned();
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            // "@@ -1,2 +3,4 @@": the lines of the new side.
            let new = hunk.split(' ').find_map(|part| part.strip_prefix('+')).unwrap_or_default();
            let (start, count) = new.split_once(',').unwrap_or((new, "1"));
            if let (Ok(start), Ok(count)) = (start.parse::<u32>(), count.parse::<u32>())
                && count > 0
            {
                out.entry(path.clone()).or_default().push((start, start + count - 1));
            }
        }
    }
    for untracked in git(&["ls-files", "--others", "--exclude-standard", "--"], paths)?.lines() {
        out.entry(untracked.to_owned()).or_default().push((1, u32::MAX));
    }
    Ok(out)
}

fn git(arguments: &[&str], paths: &[&str]) -> Result<String> {
    let made = Command::new("git")
        .arg("-c")
        .arg("core.quotePath=false")
        .args(arguments)
        .args(paths)
        .output()
        .context("running git; --since needs it")?;
    if !made.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&made.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&made.stdout).into_owned())
}
