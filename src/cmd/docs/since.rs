//! The lines of documents that changed since a revision, as Git tells them.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The changed lines of each path, as first and last line; a file that Git does not know is changed as a whole.
///
/// Whatever Git is configured to print, paths are those of the arguments; a change that belongs to none of them is an error and not
/// passed over.
pub(super) fn changed_lines(revision: &str, paths: &[&str]) -> Result<BTreeMap<String, Vec<(u32, u32)>>> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision");
    }
    let mut out: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
    let shape = ["--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", "--unified=0"];
    let diff = git(&[&["diff", "--relative"], shape.as_slice(), &[revision, "--"]].concat(), paths)?;
    let known: BTreeMap<String, &str> = paths.iter().map(|path| (plain(path), *path)).collect();
    let path_of = |name: &str| {
        let name = name.trim_end_matches('\t');
        known
            .get(&plain(name))
            .map(|path| (*path).to_owned())
            .with_context(|| format!("git tells of a change of `{name}`, which is none of the documents"))
    };
    let mut path = None;
    // The header of a file ends at its first hunk, and a line of a hunk that begins with `+++` is text.
    let mut left = 0_u32;
    for line in diff.lines() {
        if left > 0 && line.starts_with(['+', '-', '\\']) {
            left -= u32::from(!line.starts_with('\\'));
        } else if let Some(file) = line.strip_prefix("+++ ") {
            path = match file.strip_prefix("b/") {
                Some(name) => Some(path_of(name)?),
                // The file is gone.
                None => None,
            };
        } else if let Some(hunk) = line.strip_prefix("@@ ") {
            // "@@ -1,2 +3,4 @@": the lines of the old side and of the new one.
            let (_, removed) = range(hunk, '-').with_context(|| format!("git says `{line}`"))?;
            let (start, count) = range(hunk, '+').with_context(|| format!("git says `{line}`"))?;
            left = removed + count;
            if let Some(path) = path.as_ref().filter(|_| count > 0) {
                out.entry(path.clone()).or_default().push((start, start + count - 1));
            }
        }
    }
    for untracked in git(&["ls-files", "--others", "--exclude-standard", "--"], paths)?.lines() {
        out.entry(path_of(untracked)?).or_default().push((1, u32::MAX));
    }
    Ok(out)
}

fn range(hunk: &str, sign: char) -> Option<(u32, u32)> {
    let part = hunk.split(' ').find_map(|part| part.strip_prefix(sign))?;
    let (start, count) = part.split_once(',').unwrap_or((part, "1"));
    Some((start.parse().ok()?, count.parse().ok()?))
}

// Without `./` and what goes up again.
fn plain(path: &str) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut parts: Vec<std::ffi::OsString> = Vec::new();
    for part in absolute.components() {
        match part {
            std::path::Component::ParentDir => drop(parts.pop()),
            other => parts.push(other.as_os_str().to_owned()),
        }
    }
    parts.iter().collect::<std::path::PathBuf>().to_string_lossy().into_owned()
}

fn git(arguments: &[&str], paths: &[&str]) -> Result<String> {
    let made = Command::new("git")
        .args(["-c", "core.quotePath=false", "-c", "diff.mnemonicPrefix=false", "-c", "diff.noprefix=false"])
        .args(arguments)
        .args(paths)
        .output()
        .context("running git; --since needs it")?;
    if !made.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&made.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&made.stdout).into_owned())
}
