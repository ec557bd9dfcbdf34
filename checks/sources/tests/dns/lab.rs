//! A small domain name system: a signed root and zones below it by nsd, a checking resolver by unbound, and resolvers that
//! misbehave.
//!
//! Everything runs on free ports of the loopback, in a folder of its own, and ends when its guard is dropped.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The servers of the laboratory.
pub(crate) struct Lab {
    dir: TempDir,
    /// The resolver that checks signatures.
    pub(crate) resolver: String,
    /// The authoritative server itself.
    pub(crate) authority: String,
    _processes: [Process; 2],
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const HEAD: &str = "$TTL 300\n@ SOA ns.infra.lab. admin.infra.lab. 1 3600 600 86400 300\n@ NS ns.infra.lab.\n";

const GOOD: &str = "
@ MX 10 mx
@ CAA 0 issue \"letsencrypt.org\"
@ CAA 0 iodef \"mailto:ca@good.lab\"
@ TXT \"v=spf1 mx -all\"
@ TXT \"some-site-verification=abc\"
_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@good.lab\"
s1._domainkey TXT \"v=DKIM1; k=rsa; p=\" \"MIIBIjANBgkqh\"
s2._domainkey TXT \"v=DKIM1; p=\"
app A 127.0.0.1
app A 127.0.0.2
app AAAA ::1
www CNAME app
mx A 127.0.0.3
strict CNAME strict.other.good.lab.
strict.other A 127.0.0.4
strict.other CAA 0 issue \"ca.other.example\"
";

const PLAIN: &str = "
@ MX 10 mx.gone.good.lab.
@ TXT \"v=spf1 +all\"
_dmarc TXT \"v=DMARC1; p=none\"
app A 127.0.0.1
old CNAME gone.good.lab.
";

const PARKED: &str = "
@ MX 0 .
@ TXT \"v=spf1 redirect=_spf.good.lab\"
_dmarc TXT \"v=DMARC1; p=quarantine\"
";

impl Lab {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path();
        let good = format!("{GOOD}_spf TXT \"v=spf1 -all\"\n{}", long_text());
        let mut root = "ns.infra.lab. A 127.0.0.1\n".to_owned();
        for (zone, text) in [("good.lab", good.as_str()), ("bogus.lab", GOOD), ("plain.lab", PLAIN), ("parked.lab", PARKED)] {
            fs::write(path.join(zone), format!("$ORIGIN {zone}.\n{HEAD}{text}")).expect("the folder can be written to");
            let _ = writeln!(root, "{zone}. NS ns.infra.lab.");
            match zone {
                "plain.lab" => {
                    fs::copy(path.join(zone), path.join("plain.lab.signed")).expect("the folder can be written to");
                }
                // Signatures that ended long ago.
                "bogus.lab" => root.push_str(&sign(path, zone, "-i 20200101000000 -e 20200201000000")),
                "parked.lab" => root.push_str(&sign(path, zone, "-n")),
                _ => root.push_str(&sign(path, zone, "")),
            }
        }
        fs::write(path.join("root"), format!("$ORIGIN .\n{HEAD}{root}")).expect("the folder can be written to");
        sign(path, "root", "-o .");
        let (authority, resolver) = (free_port(), free_port());
        let processes = [nsd(path, authority), unbound(path, authority, resolver)];
        Self { dir, resolver: format!("127.0.0.1:{resolver}"), authority: format!("127.0.0.1:{authority}"), _processes: processes }
    }

    /// The folder; `anchors` in it holds the keys of the root.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }
}

// A set of texts that no UDP answer holds.
fn long_text() -> String {
    (0..12).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "long TXT \"{number} {}\"", "x".repeat(200));
        text
    })
}

// Signs a zone with a key of its own, and returns the record for the zone above; the root's key becomes the anchor.
fn sign(dir: &Path, zone: &str, arguments: &str) -> String {
    let name = if zone == "root" { "." } else { zone };
    let keygen = |flags: &str| run(dir, "ldns-keygen", &format!("-a ECDSAP256SHA256 {flags} {name}"));
    let (signer, zone_key) = (keygen("-k"), keygen(""));
    run(dir, "ldns-signzone", &format!("{arguments} {zone} {zone_key} {signer}"));
    if zone == "root" {
        let key = fs::read_to_string(dir.join(format!("{signer}.key"))).expect("the key was made");
        fs::write(dir.join("anchors"), key).expect("the folder can be written to");
        return String::new();
    }
    fs::read_to_string(dir.join(format!("{signer}.ds"))).expect("the key was made")
}

fn run(dir: &Path, program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split_whitespace()).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("install {program} (Debian: ldnsutils): {error}"));
    assert!(output.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn nsd(dir: &Path, port: u16) -> Process {
    let folder = dir.display();
    let mut config = format!(
        "server:\n ip-address: 127.0.0.1\n port: {port}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
         pidfile: \"{folder}/nsd.pid\"\n xfrdfile: \"{folder}/xfrd\"\n zonelistfile: \"{folder}/zones\"\n server-count: 1\n\
         remote-control:\n control-enable: no\n"
    );
    for (zone, file) in
        [(".", "root"), ("good.lab", "good.lab"), ("bogus.lab", "bogus.lab"), ("plain.lab", "plain.lab"), ("parked.lab", "parked.lab")]
    {
        let _ = write!(config, "zone:\n name: \"{zone}\"\n zonefile: \"{file}.signed\"\n");
    }
    start("nsd", &write(dir, "nsd.conf", &config), port)
}

fn unbound(dir: &Path, authority: u16, port: u16) -> Process {
    let folder = dir.display();
    let mut config = format!(
        "server:\n interface: 127.0.0.1\n port: {port}\n username: \"\"\n chroot: \"\"\n directory: \"{folder}\"\n \
         pidfile: \"{folder}/unbound.pid\"\n use-syslog: no\n do-daemonize: no\n do-ip6: no\n do-not-query-localhost: no\n \
         trust-anchor-file: \"{folder}/anchors\"\nremote-control:\n control-enable: no\n"
    );
    for zone in [".", "good.lab", "bogus.lab", "plain.lab", "parked.lab"] {
        let _ = write!(config, "stub-zone:\n name: \"{zone}\"\n stub-addr: 127.0.0.1@{authority}\n");
    }
    start("unbound", &write(dir, "unbound.conf", &config), port)
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).expect("the folder can be written to");
    path
}

fn start(program: &str, config: &Path, port: u16) -> Process {
    let mut command = Command::new(program);
    command.arg("-d").arg("-c").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap_or_else(|error| panic!("install {program}: {error}"));
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if process.try_wait().is_ok_and(|status| status.is_some()) || Instant::now() > until {
            let _ = process.kill();
            let output = process.wait_with_output().map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
            panic!("{program} does not start: {output:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Process(process)
}

/// A port that is free for UDP and TCP, below the range that the system gives to connections.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 10_000 + u16::try_from(std::process::id() % 100).expect("below 100") * 100;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// How a resolver misbehaves.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Says nothing.
    Silent,
    /// Answers with bytes that are no message.
    Garbage,
    /// Answers every question with this code.
    Code(u8),
}

/// A resolver that misbehaves, for as long as the test process lives.
pub(crate) fn resolver(manner: Manner) -> String {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = socket.local_addr().expect("a bound socket has an address").to_string();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let answer = match manner {
                Manner::Silent => continue,
                Manner::Garbage => [&bytes[..2], b"garbage that is no message"].concat(),
                Manner::Code(code) => {
                    let mut answer = bytes[..length].to_vec();
                    answer[2] |= 0x80;
                    answer[3] = (answer[3] & 0xf0) | code;
                    answer
                }
            };
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}
