//! Servers that tests start: on a free port of the loopback, in a folder of their own, and ended with their guard.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take until it answers; machines of builds are slow.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// A running server.
pub(crate) struct Running {
    child: Child,
    /// Its folder.
    pub(crate) folder: TempDir,
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
}

impl Running {
    /// Starts a program in a folder; `prepare` writes its files and gives its arguments.
    pub(crate) fn start(program: &str, prepare: impl Fn(&Path, u16) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let arguments = prepare(folder.path(), port);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .args(&arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; `./check` installs it"));
        let mut running = Self { child, folder, port };
        running.wait(program);
        running
    }

    fn wait(&mut self, program: &str) {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && started.elapsed() < STARTS_WITHIN, "{program} did not start: {}", log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Asks again and again until the answer is as wanted; what it was last is told where it never is.
pub(crate) async fn until<T: std::fmt::Debug, F: Future<Output = T>>(ask: impl Fn() -> F, wanted: impl Fn(&T) -> bool) -> T {
    let started = Instant::now();
    loop {
        let answer = ask().await;
        if wanted(&answer) {
            return answer;
        }
        assert!(started.elapsed() < STARTS_WITHIN, "to the end the answer was {answer:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
