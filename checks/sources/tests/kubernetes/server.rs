//! A replay of recorded API server exchanges over real HTTP, with faults injected. Standard library, `serde_json` and `jiff`
//! only, so that any test can include this file.
//!
//! The account is told by the bearer token: `reader`, `narrow`, `admin`, none, or any other string, which is no token.
//! Self-subject access reviews are answered from what the recording allowed that account to list.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value as Json, json};

/// One request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With query.
    pub(crate) path: String,
    pub(crate) account: String,
    pub(crate) body: String,
}

/// An answer, and what goes wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Close the connection after that many bytes of the body.
    pub(crate) cut_after: Option<usize>,
    /// Close the connection without an answer.
    pub(crate) hang_up: bool,
    /// Do not answer at all.
    pub(crate) silent: bool,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Json) -> Self {
        Self::text(status, &body.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec(), cut_after: None, hang_up: false, silent: false }
    }

    pub(crate) fn status(code: u16, reason: &str) -> Self {
        Self::json(
            code,
            &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": code}),
        )
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What a fault makes of the `n`-th request (from 0) to its path; nothing means the recorded answer, which it is given.
type Fault = Box<dyn Fn(usize, &Asked, &Reply) -> Option<Reply> + Send>;

/// Recorded exchanges by account, method and path with query.
type Recorded = BTreeMap<(String, String, String), Vec<Json>>;

struct State {
    recorded: &'static Recorded,
    faults: Vec<(String, usize, Fault)>,
    asked: Vec<Asked>,
}

/// A running replay; it ends with the value.
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    clock_offset: Arc<AtomicI64>,
    port: u16,
}

/// The recordings in the repository.
pub(crate) fn recordings() -> PathBuf {
    let mut folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    while !folder.join("tests/data/kube-recordings").is_dir() {
        folder = folder.parent().expect("the recordings lie in the repository");
    }
    folder.join("tests/data/kube-recordings")
}

impl Server {
    /// Serves the recordings on a free port of loopback.
    pub(crate) fn start() -> Self {
        let state = State { recorded: recorded(), faults: Vec::new(), asked: Vec::new() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { state: Arc::new(Mutex::new(state)), stop: Arc::default(), clock_offset: Arc::default(), port };
        let (state, stop, offset) = (Arc::clone(&server.state), Arc::clone(&server.stop), Arc::clone(&server.clock_offset));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (state, offset) = (Arc::clone(&state), Arc::clone(&offset));
                // A connection that breaks is what some tests are about.
                std::thread::spawn(move || stream.and_then(|stream| converse(stream, &state, &offset)).ok());
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A kubeconfig for an account, in `folder`.
    pub(crate) fn kubeconfig(&self, folder: &Path, token: &str) -> PathBuf {
        let path = folder.join(format!("kubeconfig-{token}"));
        let user = if token.is_empty() { json!({}) } else { json!({"token": token}) };
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "replay",
            "clusters": [{"name": "replay", "cluster": {"server": self.url()}}],
            "users": [{"name": "account", "user": user}],
            "contexts": [{"name": "replay", "context": {"cluster": "replay", "user": "account"}}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Injects a fault for the paths (with query) that begin with `prefix`.
    pub(crate) fn fault(&self, prefix: &str, fault: impl Fn(usize, &Asked, &Reply) -> Option<Reply> + Send + 'static) {
        self.state.lock().unwrap().faults.push((prefix.to_owned(), 0, Box::new(fault)));
    }

    /// Sets how far the server's clock is ahead, in seconds.
    pub(crate) fn set_clock(&self, ahead: i64) {
        self.clock_offset.store(ahead, Ordering::SeqCst);
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// The body of a recorded list as `account` saw it.
    pub(crate) fn recorded(&self, account: &str, path: &str) -> Option<Json> {
        let reply = self.state.lock().unwrap().find(account, "GET", path, "")?;
        (reply.status == 200).then(|| serde_json::from_slice(&reply.body).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn account_of(auth: &str) -> &'static str {
    match auth {
        "Bearer <token of serviceaccount platform/proofbook>" => "reader",
        "Bearer <token of serviceaccount platform/proofbook-narrow>" => "narrow",
        "Bearer <a string that is no token>" => "unknown",
        "none" => "",
        _ => "admin",
    }
}

// The recordings are read once for all servers of a test binary.
fn recorded() -> &'static Recorded {
    static RECORDED: OnceLock<Recorded> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let mut recorded = Recorded::new();
        for entry in std::fs::read_dir(recordings()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "jsonl") {
                continue;
            }
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let exchange: Json = serde_json::from_str(line).unwrap();
                let text = |key: &str| exchange[key].as_str().unwrap_or_default().to_owned();
                if exchange["body"].is_string() {
                    let key = (account_of(&text("auth")).to_owned(), text("method"), text("path"));
                    recorded.entry(key).or_default().push(exchange);
                }
            }
        }
        recorded
    })
}

impl State {
    // The exchange as recorded, for a list also without its limit; an administrator may see what the reader may.
    fn find(&self, account: &str, method: &str, path: &str, accept: &str) -> Option<Reply> {
        let accounts: &[&str] = if account == "admin" { &["admin", "reader"] } else { std::slice::from_ref(&account) };
        let bare = path.split("?limit=").next().unwrap_or(path);
        // The recorded list of all config maps leaves out those that are there for their number.
        let configmaps = format!("{bare}?fieldSelector=metadata.namespace!%3Dbulk");
        let mut found: Vec<&Json> = Vec::new();
        for account in accounts {
            for path in [path, bare, &configmaps] {
                let key = ((*account).to_owned(), method.to_owned(), path.to_owned());
                found.extend(self.recorded.get(&key).into_iter().flatten());
            }
        }
        let aggregated =
            |exchange: &Json| exchange["request_headers"]["Accept"].as_str().is_some_and(|accept| accept.contains("APIGroupDiscoveryList"));
        let wants_aggregated = accept.contains("APIGroupDiscoveryList");
        let plain = |exchange: &&&Json| exchange["request_headers"].get("If-None-Match").is_none() && exchange["status"] != 410;
        let best = found.iter().filter(plain).find(|exchange| aggregated(exchange) == wants_aggregated).or_else(|| found.first())?;
        let mut reply = Reply::text(u16::try_from(best["status"].as_u64()?).ok()?, best["body"].as_str()?);
        if let Some(kind) = best["response_headers"]["content-type"].as_str() {
            reply = reply.with_header("content-type", kind);
        }
        Some(reply)
    }

    fn answer(&self, asked: &Asked, accept: &str) -> Reply {
        if !["reader", "narrow", "admin", ""].contains(&asked.account.as_str()) {
            return self.find("unknown", "GET", "/version", "").expect("recorded");
        }
        let path = asked.path.split('?').next().unwrap_or_default();
        match path {
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" if !asked.account.is_empty() => return self.access_review(asked),
            "/apis/authentication.k8s.io/v1/selfsubjectreviews" if asked.account == "admin" => {
                return Reply::json(201, &json!({"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "admin"}}}));
            }
            _ => {}
        }
        self.find(&asked.account, &asked.method, &asked.path, accept)
            .or_else(|| (is_discovery(path) || path == "/version").then(|| self.find("reader", "GET", path, accept)).flatten())
            .unwrap_or_else(|| Reply::text(404, "404 page not found\n"))
    }

    fn access_review(&self, asked: &Asked) -> Reply {
        let review: Json = serde_json::from_str(&asked.body).unwrap_or_default();
        let attributes = &review["spec"]["resourceAttributes"];
        let (group, resource) = (attributes["group"].as_str().unwrap_or_default(), attributes["resource"].as_str().unwrap_or_default());
        let served = self.recorded.keys().map(|(_, _, path)| path.split('?').next().unwrap_or_default()).find(|path| {
            let parts: Vec<&str> = path.split('/').collect();
            match group {
                "" => parts.len() == 4 && parts[1] == "api" && parts[3] == resource,
                group => parts.len() == 5 && parts[2] == group && parts[4] == resource,
            }
        });
        let allowed = served.and_then(|path| self.find(&asked.account, "GET", path, "")).is_some_and(|reply| reply.status == 200);
        Reply::json(
            201,
            &json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": {"allowed": allowed}}),
        )
    }
}

fn is_discovery(path: &str) -> bool {
    matches!(path.split('/').collect::<Vec<_>>().as_slice(), ["", "api" | "apis"] | ["", "api" | "apis", _] | ["", "apis", _, _])
}

// Serves one connection until it closes.
fn converse(stream: TcpStream, state: &Mutex<State>, clock_offset: &AtomicI64) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some((asked, accept)) = read_request(&mut reader)? {
        let reply = {
            let mut state = state.lock().unwrap();
            state.asked.push(asked.clone());
            let recorded = state.answer(&asked, &accept);
            let mut faulty = None;
            for (prefix, count, fault) in &mut state.faults {
                if asked.path.starts_with(prefix.as_str()) {
                    faulty = faulty.or_else(|| fault(*count, &asked, &recorded));
                    *count += 1;
                }
            }
            faulty.unwrap_or(recorded)
        };
        if reply.hang_up {
            return Ok(());
        }
        if reply.silent {
            std::thread::sleep(Duration::from_mins(1));
            return Ok(());
        }
        #[expect(clippy::disallowed_methods, reason = "a server tells the time")]
        let date = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(clock_offset.load(Ordering::SeqCst));
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
        let mut head = format!("HTTP/1.1 {} x\r\ndate: {date}\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        writer.write_all(head.as_bytes())?;
        writer.write_all(b"\r\n")?;
        if let Some(length) = reply.cut_after {
            writer.write_all(&reply.body[..length.min(reply.body.len())])?;
            return Ok(());
        }
        writer.write_all(&reply.body)?;
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<(Asked, String)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut parts = line.split_whitespace().map(str::to_owned);
    let (method, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (mut account, mut accept, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => value.trim().trim_start_matches("Bearer ").clone_into(&mut account),
            "accept" => value.trim().clone_into(&mut accept),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((Asked { method, path, account, body: String::from_utf8_lossy(&body).into_owned() }, accept)))
}
