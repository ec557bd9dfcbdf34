//! The git binary, asked for what a clone holds and for nothing else.
//!
//! A clone may be somebody else's: no hook, no monitor and no program that its configuration names is run, no file is written, and no
//! network is used.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proofbook_checks::inventory::Reason;

use crate::observed::Unread;

/// How long one command may take.
const DEADLINE: Duration = Duration::from_mins(5);

/// How much one command may print.
const LARGEST: u64 = 256 << 20;

/// What no configuration of a clone may settle.
const SETTLED: [&str; 7] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "gpg.program=gpg",
    "gpg.ssh.program=ssh-keygen",
    "gpg.x509.program=gpgsm",
    "log.showSignature=false",
    "protocol.allow=never",
];

/// A clone.
#[derive(Clone, Debug)]
pub(super) struct LocalClone {
    pub path: PathBuf,
    /// The file of SSH keys whose signatures count.
    pub signers: Option<PathBuf>,
}

impl LocalClone {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("--no-pager").arg("-C").arg(&self.path);
        for setting in SETTLED {
            command.args(["-c", setting]);
        }
        command.arg("-c").arg(format!("safe.directory={}", self.path.display()));
        if let Some(signers) = &self.signers {
            command.arg("-c").arg(format!("gpg.ssh.allowedSignersFile={}", signers.display()));
        }
        command
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What a command prints.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<String, Unread> {
        let mut child = self.command(arguments).spawn().map_err(|error| missing(&error))?;
        let printed = within_deadline(&mut child, |child| {
            let mut out = Vec::new();
            if let Some(stdout) = child {
                stdout.take(LARGEST + 1).read_to_end(&mut out)?;
            }
            Ok(out)
        })?;
        if printed.len() as u64 > LARGEST {
            return Err(Unread::new(Reason::IncompleteList, format!("git {} printed more than {LARGEST} bytes", arguments[0])));
        }
        let mut complaint = String::new();
        if let Some(stderr) = child.stderr.take() {
            let _ = stderr.take(4096).read_to_string(&mut complaint);
        }
        let ended = child.wait().map_err(|error| missing(&error))?;
        if !ended.success() {
            return Err(refused(arguments[0], &complaint));
        }
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }

    /// Hands over the content of objects one by one; none where one is not there or is no blob.
    pub(super) fn blobs(&self, names: &[String], mut take: impl FnMut(usize, Option<&[u8]>)) -> Result<(), Unread> {
        let mut command = self.command(&["cat-file", "--batch"]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| missing(&error))?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Unread::new(Reason::Unreachable, "git cat-file cannot be talked to"));
        };
        let asked: Vec<u8> = names.iter().flat_map(|name| format!("{name}\n").into_bytes()).collect();
        let asking = thread::spawn(move || stdin.write_all(&asked));
        let read = read_blobs(BufReader::new(stdout), names.len(), &mut take);
        let _ = child.kill();
        let _ = child.wait();
        let _ = asking.join();
        read.ok_or_else(|| Unread::new(Reason::IncompleteList, "git cat-file broke off"))
    }
}

// `<name> blob <size>\n<content>\n`, or `<name> missing\n`.
fn read_blobs(mut stdout: BufReader<impl Read>, count: usize, take: &mut impl FnMut(usize, Option<&[u8]>)) -> Option<()> {
    let mut content = Vec::new();
    for at in 0..count {
        let mut head = String::new();
        stdout.read_line(&mut head).ok().filter(|read| *read > 0)?;
        let mut words = head.split_whitespace().skip(1);
        let kind = words.next()?;
        let Some(size) = words.next().and_then(|size| size.parse::<usize>().ok()) else {
            take(at, None);
            continue;
        };
        content.clear();
        content.resize(size + 1, 0);
        stdout.read_exact(&mut content).ok()?;
        take(at, (kind == "blob").then(|| &content[..size]));
    }
    Some(())
}

// Reads what a child prints; one that takes too long is ended.
fn within_deadline(
    child: &mut Child,
    read: impl FnOnce(Option<std::process::ChildStdout>) -> std::io::Result<Vec<u8>> + Send + 'static,
) -> Result<Vec<u8>, Unread> {
    let stdout = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(read(stdout)));
    match receiver.recv_timeout(DEADLINE) {
        Ok(Ok(printed)) => Ok(printed),
        Ok(Err(error)) => Err(missing(&error)),
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(Unread::new(Reason::Timeout, format!("git took longer than {} s", DEADLINE.as_secs())))
        }
    }
}

fn missing(error: &std::io::Error) -> Unread {
    Unread::new(Reason::NotCollected, format!("git cannot be run: {error}; install it"))
}

fn refused(command: &str, complaint: &str) -> Unread {
    let reason = if complaint.contains("Permission denied") {
        Reason::NotPermitted
    } else if complaint.contains("not a git repository") {
        Reason::NotServed
    } else {
        Reason::Unreachable
    };
    let line = complaint.lines().next().unwrap_or("no reason given");
    Unread::new(reason, format!("git {command}: {line}"))
}

/// Whether a path is a clone at first sight.
pub(super) fn is_clone(path: &Path) -> bool {
    path.join(".git").exists() || path.join("HEAD").exists()
}
