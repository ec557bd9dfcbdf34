//! Whether dependencies are taken by checksum: which manifests have a lock file, whether it holds checksums, and which commands of a
//! pipeline pass it by.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value as Json, json};

use super::command::LocalClone;
use super::secrets::File;
use crate::observed::Unread;
use crate::text::one_line;

/// A kind of manifest.
struct Ecosystem {
    manifest: &'static str,
    locks: &'static [&'static str],
    /// Whether a lock file above serves the folders below it.
    shared: bool,
    /// What stands in a lock file that holds checksums.
    marks: &'static [&'static str],
    /// What stands in a manifest that has dependencies.
    depends: &'static str,
}

const ECOSYSTEMS: [Ecosystem; 7] = [
    Ecosystem {
        manifest: "package.json",
        locks: &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"],
        shared: true,
        marks: &["\"integrity\"", "integrity ", "integrity:", "checksum:", "sha512-"],
        depends: "ependencies\"",
    },
    Ecosystem { manifest: "Cargo.toml", locks: &["Cargo.lock"], shared: true, marks: &["checksum ="], depends: "dependencies" },
    Ecosystem { manifest: "go.mod", locks: &["go.sum"], shared: false, marks: &["h1:"], depends: "require" },
    Ecosystem {
        manifest: "pyproject.toml",
        locks: &["poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"],
        shared: true,
        marks: &["hash =", "hash=", "sha256:"],
        depends: "dependencies",
    },
    Ecosystem { manifest: "Pipfile", locks: &["Pipfile.lock"], shared: false, marks: &["sha256:"], depends: "[packages]" },
    Ecosystem { manifest: "Gemfile", locks: &["Gemfile.lock"], shared: false, marks: &["sha256="], depends: "gem " },
    Ecosystem {
        manifest: "composer.json",
        locks: &["composer.lock"],
        shared: false,
        marks: &["\"shasum\"", "\"reference\""],
        depends: "\"require\"",
    },
];

/// Reads manifests, lock files and pipelines of a commit.
pub(super) fn read(clone: &LocalClone, files: &[File]) -> Result<Json, Unread> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut wanted: Vec<(&File, Role<'_>)> = Vec::new();
    for file in files {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        if let Some(ecosystem) = ECOSYSTEMS.iter().find(|ecosystem| ecosystem.manifest == name) {
            wanted.push((file, Role::Manifest(ecosystem, lock(&paths, folder, ecosystem))));
        } else if name.starts_with("requirements") && name.ends_with(".txt") {
            wanted.push((file, Role::Requirements));
        } else if ECOSYSTEMS.iter().any(|ecosystem| ecosystem.locks.contains(&name)) {
            wanted.push((file, Role::Lock));
        } else if is_pipeline(&file.path) {
            wanted.push((file, Role::Pipeline));
        }
    }
    let names: Vec<String> = wanted.iter().map(|(file, _)| file.object.clone()).collect();
    let mut texts: Vec<Option<String>> = vec![None; names.len()];
    clone.blobs(&names, |at, content| texts[at] = content.map(|content| String::from_utf8_lossy(content).into_owned()))?;
    let text_of = |path: &str| wanted.iter().position(|(file, _)| file.path == path).and_then(|at| texts[at].as_deref());
    let (mut manifests, mut commands) = (Vec::new(), Vec::new());
    for ((file, role), text) in wanted.iter().zip(&texts) {
        let text = text.as_deref().unwrap_or_default();
        match role {
            Role::Manifest(ecosystem, lock) if text.contains(ecosystem.depends) => {
                let locked = lock.as_deref().and_then(text_of);
                let verified = locked.is_some_and(|locked| ecosystem.marks.iter().any(|mark| locked.contains(mark)));
                manifests.push(json!({"path": file.path, "lock": lock, "verified": verified}));
            }
            Role::Requirements if text.lines().any(is_requirement) => {
                manifests.push(json!({"path": file.path, "lock": file.path, "verified": text.contains("--hash=")}));
            }
            Role::Pipeline => commands.extend(suspicious(&file.path, text)),
            _ => {}
        }
    }
    Ok(json!({"manifests": manifests, "commands": commands}))
}

enum Role<'e> {
    Manifest(&'e Ecosystem, Option<String>),
    Requirements,
    Lock,
    Pipeline,
}

// The lock file of a manifest: beside it, or above it where it may serve several.
fn lock(paths: &BTreeSet<&str>, folder: &str, ecosystem: &Ecosystem) -> Option<String> {
    let mut folder = Some(folder);
    while let Some(here) = folder {
        let at = |name: &&str| if here.is_empty() { (*name).to_owned() } else { format!("{here}/{name}") };
        if let Some(found) = ecosystem.locks.iter().map(at).find(|path| paths.contains(path.as_str())) {
            return Some(found);
        }
        folder = if !ecosystem.shared || here.is_empty() { None } else { Some(here.rsplit_once('/').map_or("", |(above, _)| above)) };
    }
    None
}

fn is_requirement(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with(['#', '-'])
}

fn is_pipeline(path: &str) -> bool {
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    let named = [".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml", "Jenkinsfile", "bitbucket-pipelines.yml"];
    named.contains(&path) || yaml && (path.starts_with(".github/workflows/") || path.starts_with(".gitlab/"))
}

/// What passes a lock file by, or runs what it fetched without looking: the kind, what shows it, and what excuses it.
static PATTERNS: LazyLock<[(&str, Regex, Option<Regex>); 6]> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(pattern).expect("a literal expression, compiled by the tests");
    [
        ("piped", regex(r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b"), None),
        ("unfrozen", regex(r"\bnpm\s+(?:install|i|add|update)\b"), None),
        ("unfrozen", regex(r"\byarn\s+(?:install|add|upgrade)\b"), Some(regex(r"--(?:immutable|frozen-lockfile)\b"))),
        ("unfrozen", regex(r"\bcargo\s+(?:build|test|run|install|check|clippy)\b"), Some(regex(r"--(?:locked|frozen)\b"))),
        ("unfrozen", regex(r"\bpip3?\s+install\b"), Some(regex(r"--require-hashes\b"))),
        ("unfrozen", regex(r"\bgo\s+get\b|\bgo\s+install\s+\S+@latest\b"), None),
    ]
});

fn suspicious(path: &str, text: &str) -> Vec<Json> {
    let mut out = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with('#') || code.starts_with("//") {
            continue;
        }
        let found =
            PATTERNS.iter().find(|(_, shows, excuse)| shows.is_match(code) && !excuse.as_ref().is_some_and(|excuse| excuse.is_match(code)));
        if let Some((kind, _, _)) = found {
            let short: String = one_line(code).chars().take(120).collect();
            out.push(json!({"path": path, "line": at + 1, "kind": kind, "command": short}));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_pass_the_lock_file_by_are_told() {
        let kinds =
            |line: &str| suspicious("ci.yml", line).into_iter().map(|told| told["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        for (line, kind) in [
            ("  - run: npm install", Some("unfrozen")),
            ("  - run: npm ci", None),
            ("  - run: cargo build --release", Some("unfrozen")),
            ("  - run: cargo build --locked", None),
            ("  - run: pip install -r requirements.txt", Some("unfrozen")),
            ("  - run: pip install --require-hashes -r requirements.txt", None),
            ("  - run: curl -sSf https://sh.example | sh", Some("piped")),
            ("  - run: curl -s https://x.example | sudo bash -s", Some("piped")),
            ("  - run: curl -s https://x.example | jq .", None),
            ("  # npm install", None),
            ("  - run: yarn install --immutable", None),
            ("  - run: go install example.com/x@latest", Some("unfrozen")),
        ] {
            assert_eq!(kinds(line).first().map(String::as_str), kind, "{line}");
        }
    }

    #[test]
    fn a_lock_file_serves_its_folder_and_where_it_may_those_below() {
        let paths = BTreeSet::from(["Cargo.lock", "a/go.sum", "web/package-lock.json"]);
        let found = |folder: &str, manifest: &str| {
            lock(&paths, folder, ECOSYSTEMS.iter().find(|ecosystem| ecosystem.manifest == manifest).unwrap())
        };
        assert_eq!(found("crates/x", "Cargo.toml").as_deref(), Some("Cargo.lock"));
        assert_eq!(found("web/packages/y", "package.json").as_deref(), Some("web/package-lock.json"));
        assert_eq!((found("a", "go.mod").as_deref(), found("a/b", "go.mod")), (Some("a/go.sum"), None));
        assert_eq!(found("", "package.json"), None);
    }
}
