//! A server that gives recorded answers, or misbehaves: it is slow, answers garbage, hangs up, refuses.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What comes back for a path.
#[derive(Clone, Debug)]
pub(crate) enum Canned {
    /// A status, headers, and a body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Nothing, until the other side gives up.
    Silence,
    /// The connection is closed in the middle of the body.
    HangUp,
}

impl Canned {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Answer(status, vec![("Content-Type", "application/json".to_owned())], body.to_string().into_bytes())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Answer(status, vec![("Content-Type", "text/plain".to_owned())], body.as_bytes().to_vec())
    }
}

/// A running server; its thread ends with the test.
pub(crate) struct CannedServer {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl CannedServer {
    /// Answers by path with query, else by path, else by `*`, else with 404.
    pub(crate) fn start(answers: impl IntoIterator<Item = (&'static str, Canned)>) -> Self {
        let answers: Arc<BTreeMap<String, Canned>> =
            Arc::new(answers.into_iter().map(|(path, canned)| (path.to_owned(), canned)).collect());
        Self::answering(move |_, path, _| {
            let plain = path.split('?').next().unwrap_or_default();
            let found = answers.get(path).or_else(|| answers.get(plain)).or_else(|| answers.get("*"));
            found.cloned().unwrap_or_else(|| Canned::text(404, "not found"))
        })
    }

    /// Answers by a function of method, path with query, and head (all header lines).
    pub(crate) fn answering(answer: impl Fn(&str, &str, &str) -> Canned + Send + Sync + 'static) -> Self {
        Self::answering_with_body(move |method, path, head, _| answer(method, path, head))
    }

    /// Answers by a function of method, path with query, head, and body.
    pub(crate) fn answering_with_body(answer: impl Fn(&str, &str, &str, &[u8]) -> Canned + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far, as `METHOD /path?query` and its head.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

type Answering = dyn Fn(&str, &str, &str, &[u8]) -> Canned + Send + Sync;

fn serve(stream: TcpStream, answer: &Answering, log: &Mutex<Vec<String>>) {
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match reader.read_line(&mut head) {
                Ok(read) if read > 0 => {}
                _ => return,
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|rest| rest.trim().parse().unwrap_or(0)));
        let mut body = vec![0; length.unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        log.lock().unwrap().push(head.trim_end().to_owned());
        match answer(method, path, &head, &body) {
            Canned::Answer(status, headers, body) => {
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let head = format!("HTTP/1.1 {status} Canned\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
                let sent = if method == "HEAD" { Vec::new() } else { body };
                if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&sent)).is_err() {
                    return;
                }
            }
            Canned::Silence => {
                thread::sleep(Duration::from_secs(30));
                return;
            }
            Canned::HangUp => {
                let _ = writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\"");
                return;
            }
        }
    }
}
