//! moto's S3 on the loopback.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The server, with one bucket that is called `bucket`.
pub(crate) struct Moto {
    process: Child,
    pub(crate) port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let moto = Self { process: command.spawn().expect("install moto[server] from PyPI"), port };
        let until = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "moto did not come up");
            thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(ask(port, "PUT", "/bucket", &[], b"").0, 200);
        moto
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The names of all objects.
    pub(crate) fn names(&self) -> Vec<String> {
        let (_, body) = ask(self.port, "GET", "/bucket?list-type=2", &[], b"");
        body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).map(str::to_owned).collect()
    }

    /// Writes an object.
    pub(crate) fn put(&self, name: &str, body: &[u8]) {
        assert_eq!(ask(self.port, "PUT", &format!("/bucket/{name}"), &[], body).0, 200);
    }
}

// It does not check a signature, but asks for one.
const SIGNED: &str =
    "authorization: AWS4-HMAC-SHA256 Credential=id/20260601/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n";

/// Asks it something with a signature that it does not check: the status, and the whole answer.
pub(crate) fn ask(port: u16, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut head =
        format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{SIGNED}content-length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"\r\n").unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    (text.split_whitespace().nth(1).unwrap().parse().unwrap(), text)
}
