//! What the end-to-end tests share: a workspace of their own, the program run in it, and the findings read back.
//!
//! The program gets no environment but what a test gives it, and every run is held to what always holds: it ends by
//! itself with a code of the contract, does not panic, and colours nothing that is not a terminal.

#[path = "../../checks/sources/tests/support/canned.rs"]
pub(crate) mod canned;
pub(crate) mod contents;
#[path = "../../checks/sources/tests/kubernetes/server.rs"]
#[expect(dead_code, reason = "the tests of the Kubernetes source use all of it")]
pub(crate) mod server;
pub(crate) mod xlsx;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file or folder of the test data.
pub(crate) fn data(name: &str) -> PathBuf {
    root().join("tests/data").join(name)
}

/// Reads a YAML file of the tests.
pub(crate) fn read_yaml<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = root().join("tests").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Facts that let `build` and `export` work.
pub(crate) fn facts() -> Json {
    json!({
        "organisation": {
            "legal_name": "Example Platforms Ltd", "address": "1 Example Street, Exampletown", "country": "IE",
            "register": "Example register 1", "security_contact": "security@platform.example", "privacy_contact": "privacy@platform.example",
        },
        "product": {"name": "Example Platform", "description": "A platform that tests look at."},
    })
}

/// How the program ended, and what it said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "exit code {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let shown: String = text.chars().filter(|c| !c.is_control() || *c == '\n').take(2000).collect();
            writeln!(f, "{name}: {shown}")?;
        }
        Ok(())
    }
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Asserts what stands on stderr.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is missing in:\n{}", self.stderr);
        }
        self
    }

    /// Asserts that nothing stands on stdout: no result came out.
    #[track_caller]
    pub(crate) fn without_result(self) -> Self {
        assert_eq!(self.stdout, "", "{self:?}");
        self
    }

    /// The JSON on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The path on stdout: its only line.
    #[track_caller]
    pub(crate) fn path(&self) -> PathBuf {
        let line = self.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("{self:?}"));
        assert!(!line.is_empty() && !line.contains('\n'), "{self:?}");
        PathBuf::from(line)
    }
}

/// One finding, as `--findings` writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finding {
    pub(crate) check: String,
    pub(crate) subject: Subject,
    pub(crate) verdict: String,
    pub(crate) reason_code: String,
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) measured: BTreeMap<String, Json>,
    #[serde(default)]
    pub(crate) exceptions: Vec<String>,
}

/// What a finding is about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "a part of the contract that tests read nothing from")]
    pub(crate) uid: Option<String>,
}

impl Finding {
    /// The subject as `Kind/namespace/name` or `Kind/name`.
    pub(crate) fn subject(&self) -> String {
        let Subject { kind, namespace, name, .. } = &self.subject;
        namespace.as_ref().map_or_else(|| format!("{kind}/{name}"), |namespace| format!("{kind}/{namespace}/{name}"))
    }
}

/// Findings that somebody wrote to a file.
pub(crate) fn read_findings(path: &Path) -> Vec<Finding> {
    let text = std::fs::read_to_string(path).unwrap();
    let read = |line: &str| -> Finding {
        let finding: Finding = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(is_reason(&finding.reason_code), "not of the closed list: {line}");
        finding
    };
    text.lines().map(read).collect()
}

/// Whether a text is a reason of the closed list.
pub(crate) fn is_reason(text: &str) -> bool {
    serde_json::from_value::<proofbook_checks::Reason>(text.into()).is_ok()
}

/// The time at which tests look, where they do not say.
pub(crate) const AT: &str = "2026-11-01T00:00:00Z";

/// A workspace in a folder of its own, which goes with the value.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// A workspace with this `proofbook.yaml`.
    pub(crate) fn new(yaml: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        workspace.write("ws/proofbook.yaml", yaml);
        std::fs::create_dir(workspace.path("tmp")).unwrap();
        workspace
    }

    /// A workspace with these settings (JSON is YAML).
    pub(crate) fn with_settings(settings: &Json) -> Self {
        Self::new(&settings.to_string())
    }

    /// The folder that holds everything that a test has on disk: the workspace is `ws` in it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program, to be run in the folder; its temporary files go below it too.
    pub(crate) fn program(&self) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_proofbook"));
        command.current_dir(self.folder()).env_clear().env("HOME", self.folder()).env("TMPDIR", self.path("tmp"));
        command.timeout(Duration::from_mins(5));
        command
    }

    /// Runs the program with these arguments.
    #[track_caller]
    pub(crate) fn bare<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        held(&self.program().args(args).output().unwrap())
    }

    /// Runs the program in the workspace; `args` are split at blanks.
    #[track_caller]
    pub(crate) fn run(&self, args: &str) -> Ran {
        self.bare(args.split_whitespace().chain(["-C", "ws"]))
    }

    /// Scans, and gives the findings too; without any where there is no result.
    #[track_caller]
    pub(crate) fn scan(&self, args: &str) -> (Ran, Vec<Finding>) {
        let path = self.path("findings.ndjson");
        drop(std::fs::remove_file(&path));
        let ran = self.run(&format!("scan --findings findings.ndjson {args}"));
        let findings = if path.exists() { read_findings(&path) } else { Vec::new() };
        (ran, findings)
    }
}

#[track_caller]
pub(crate) fn held(output: &std::process::Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let Some(code @ 0..=3) = output.status.code() else { panic!("{:?}\n{stdout}\n{stderr}", output.status) };
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!stderr.contains('\u{1b}') && !stdout.contains('\u{1b}'), "{stdout}\n{stderr}");
    Ran { code, stdout, stderr }
}

/// Tells, past the capture of the test runner, that something was left out and why.
pub(crate) fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr().lock(), "skipped: {what} ({why})");
}
