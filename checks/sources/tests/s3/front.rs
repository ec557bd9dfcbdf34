//! A small HTTP server that answers as a test says, and hands everything else to a server behind it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as far as tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    /// The region in the signature.
    pub(crate) fn region(&self) -> String {
        let scope = self.header("authorization").split("Credential=").nth(1).unwrap_or_default().to_owned();
        scope.split('/').nth(2).unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next().unwrap_or_default()
    }

    /// Whether it asks for a subresource of a bucket.
    pub(crate) fn asks(&self, query: &str) -> bool {
        self.target.ends_with(&format!("?{query}")) || self.target.ends_with(&format!("?{query}="))
    }
}

/// What is answered.
pub(crate) enum Reply {
    /// A status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
    /// Nothing for as long as a test lives.
    Silence,
    /// The connection is closed.
    Close,
    /// What the server behind says.
    Forward,
}

impl Reply {
    pub(crate) fn xml(status: u16, body: &str) -> Self {
        Self::Answer(status, Vec::new(), format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"))
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::xml(status, &format!("<Error><Code>{code}</Code><Message>as documented</Message><RequestId>1</RequestId></Error>"))
    }
}

/// The server, on a free port of the loopback.
pub(crate) struct Front {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Vec<Request>>>,
}

impl Front {
    /// Answers by `reply`; `behind` is the port that the rest goes to.
    pub(crate) fn start(behind: u16, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (reply, log) = (Arc::new(reply), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, log) = (Arc::clone(&reply), Arc::clone(&log));
                thread::spawn(move || serve(stream, behind, &*reply, &log));
            }
        });
        Self { url, seen }
    }
}

fn serve(mut stream: TcpStream, behind: u16, reply: &dyn Fn(&Request) -> Reply, log: &Mutex<Vec<Request>>) {
    let Some((raw, request)) = read(&mut stream) else { return };
    let found = reply(&request);
    let head_only = request.method == "HEAD";
    log.lock().expect("no thread panics while it writes").push(request);
    let bytes = match found {
        Reply::Answer(status, headers, body) => {
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let shown = if head_only { "" } else { body.as_str() };
            format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{shown}", body.len()).into_bytes()
        }
        Reply::Bytes(bytes) => bytes,
        Reply::Silence => {
            thread::sleep(Duration::from_mins(1));
            return;
        }
        Reply::Close => return,
        Reply::Forward => forward(&raw, behind).unwrap_or_default(),
    };
    let _ = stream.write_all(&bytes);
}

fn read(stream: &mut TcpStream) -> Option<(Vec<u8>, Request)> {
    let mut raw = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(end) = raw.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&raw[..end]).into_owned();
            let mut words = head.split_whitespace();
            let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
            let mut request = Request { method, target, head, body: String::new() };
            let length: usize = request.header("content-length").parse().unwrap_or(0);
            if raw.len() >= end + 4 + length {
                request.body = String::from_utf8_lossy(&raw[end + 4..]).into_owned();
                return Some((raw, request));
            }
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => raw.extend_from_slice(&chunk[..count]),
        }
    }
}

fn forward(raw: &[u8], port: u16) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let end = raw.windows(2).position(|window| window == b"\r\n").unwrap_or(raw.len());
    stream.write_all(&raw[..end])?;
    stream.write_all(b"\r\nconnection: close")?;
    stream.write_all(&raw[end..])?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
