//! Finding the documents below the paths that were named, in a stable order, without leaving them and without going in circles.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The documents that were found, and what was passed over.
#[derive(Debug, Default)]
pub struct Found {
    /// The files in the order of their paths.
    pub files: Vec<PathBuf>,
    /// What cannot be read, and why.
    pub passed: Vec<(PathBuf, String)>,
}

/// Finds the Markdown files at `paths`: a file is taken whatever its name, a folder with all that lies below it. Hidden folders,
/// `node_modules` and `target` are left out; links that lead out of a folder are passed over, and so are those in circles.
#[must_use]
pub fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        match path.canonicalize() {
            Ok(root) if root.is_dir() => walk(path, &root, &mut seen, &mut found),
            Ok(file) => {
                if seen.insert(file) {
                    found.files.push(path.clone());
                }
            }
            Err(error) => found.passed.push((path.clone(), error.to_string())),
        }
    }
    found
}

fn walk(dir: &Path, root: &Path, seen: &mut BTreeSet<PathBuf>, found: &mut Found) {
    let Ok(real) = dir.canonicalize() else { return };
    if !real.starts_with(root) {
        found.passed.push((dir.to_path_buf(), "the link leads out of the folder".to_owned()));
        return;
    }
    // A link back into a folder that was walked: all of it was seen.
    if !seen.insert(real) {
        return;
    }
    let mut entries: Vec<PathBuf> = match fs::read_dir(dir) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => {
            found.passed.push((dir.to_path_buf(), error.to_string()));
            return;
        }
    };
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') || name == "node_modules" || name == "target" {
            continue;
        }
        if path.is_dir() {
            walk(&path, root, seen, found);
        } else if is_document(&path) {
            match path.canonicalize() {
                Ok(real) if !real.starts_with(root) => found.passed.push((path, "the link leads out of the folder".to_owned())),
                Ok(real) => {
                    if seen.insert(real) {
                        found.files.push(path);
                    }
                }
                Err(error) => found.passed.push((path, error.to_string())),
            }
        }
    }
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["md", "mdx", "markdown"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_in_circles_and_out_of_the_folder_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let docs = dir.path().join("docs");
        fs::create_dir_all(docs.join("a")).unwrap();
        fs::write(docs.join("a/x.md"), "x").unwrap();
        fs::write(dir.path().join("secret.md"), "x").unwrap();
        std::os::unix::fs::symlink(&docs, docs.join("a/loop")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret.md"), docs.join("out.md")).unwrap();
        std::os::unix::fs::symlink(docs.join("nowhere"), docs.join("gone.md")).unwrap();
        let found = find(&[docs.clone(), docs.join("a/x.md"), dir.path().join("missing.md")]);
        assert_eq!(found.files, [docs.join("a/x.md")]);
        assert_eq!(found.passed.len(), 3, "{:?}", found.passed);
    }
}
