//! Servers for the tests: certificates by openssl, nginx, `openssl s_server`, and listeners that misbehave.
//!
//! Everything is started on a free port of the loopback, in a folder of its own, and ended when its guard is dropped.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection};
use tempfile::TempDir;

/// A certificate with its key.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// A certificate authority in a folder that goes away with it.
pub(crate) struct Pki {
    dir: TempDir,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let pki = Self { dir };
        fs::write(pki.path("ca.cnf"), CA_CONFIG).expect(WRITABLE);
        fs::write(pki.path("index.txt"), "").expect(WRITABLE);
        pki.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Root");
        pki
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The file with the root to trust.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A leaf for app.example.test and the loopback addresses; `key` as for `openssl req -newkey`.
    pub(crate) fn leaf(&self, name: &str, key: &str) -> Identity {
        self.issue(name, key, "20240101000000Z", "20990101000000Z")
    }

    /// A leaf whose time is over.
    pub(crate) fn expired(&self) -> Identity {
        self.issue("expired", P256, "20240101000000Z", "20240201000000Z")
    }

    /// A leaf that vouches for itself.
    pub(crate) fn self_signed(&self) -> Identity {
        self.openssl(&format!(
            "req -x509 -newkey {P256} -nodes -keyout self.key -out self.pem -days 30 -subj /CN=app.example.test \
             -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:app.example.test"
        ));
        Identity { certificate: self.path("self.pem"), key: self.path("self.key") }
    }

    /// Parameters for Diffie-Hellman over a field of 1024 bits: those of RFC 2409, group 2, so that none need be made.
    pub(crate) fn dh_parameters(&self) -> PathBuf {
        let path = self.path("dh.pem");
        fs::write(&path, DH_1024).expect(WRITABLE);
        path
    }

    /// An OCSP response about a leaf, as the authority would give it: `good` or `revoked`.
    pub(crate) fn staple(&self, leaf: &str, status: &str) -> PathBuf {
        let serial = openssl_says(&self.path(&format!("{leaf}.pem")), "-serial").replace("serial=", "");
        let (letter, revoked) = if status == "revoked" { ("R", "250101000000Z") } else { ("V", "") };
        fs::write(self.path("ocsp.txt"), format!("{letter}\t990101000000Z\t{revoked}\t{serial}\tunknown\t/CN=app.example.test\n"))
            .expect(WRITABLE);
        self.openssl(&format!("ocsp -issuer ca.pem -cert {leaf}.pem -reqout request.der -no_nonce"));
        self.openssl("ocsp -index ocsp.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin request.der -respout response.der -ndays 7");
        let path = self.path(&format!("{status}.der"));
        fs::rename(self.path("response.der"), &path).expect(WRITABLE);
        path
    }

    fn issue(&self, name: &str, key: &str, from: &str, to: &str) -> Identity {
        self.openssl(&format!("req -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /CN=app.example.test"));
        self.openssl(&format!("ca -batch -config ca.cnf -in {name}.csr -out {name}.pem -notext -startdate {from} -enddate {to}"));
        Identity { certificate: self.path(&format!("{name}.pem")), key: self.path(&format!("{name}.key")) }
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(self.dir.path()).output();
        let output = output.expect("install openssl");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

const DH_1024: &str = "-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
";

pub(crate) const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
pub(crate) const P521: &str = "ec -pkeyopt ec_paramgen_curve:P-521";
pub(crate) const RSA: &str = "rsa:2048";

const WRITABLE: &str = "the temporary folder can be written to";

const CA_CONFIG: &str = "
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:app.example.test,DNS:*.wild.example.test,IP:127.0.0.1,IP:::1
";

/// A server process that ends with its guard.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    _dir: Option<TempDir>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// nginx with one `server` block; `listen` is the address, `directives` what else the block says.
pub(crate) fn nginx(listen: &str, tls: Option<&Identity>, directives: &str) -> Server {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let tls_lines = tls.map_or_else(String::new, |identity| {
        format!("ssl_certificate {}; ssl_certificate_key {};", identity.certificate.display(), identity.key.display())
    });
    let ssl = if tls.is_some() { " ssl" } else { "" };
    // One process, so that ending it ends everything.
    let config = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr emerg;
         events {{ worker_connections 512; }}
         http {{
           access_log off;
           client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
           uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
           server {{ listen {listen}:{port}{ssl} backlog=1024; {tls_lines} {directives} location / {{ return 200 'ok'; }} }}
         }}",
        folder = dir.path().display(),
    );
    let file = dir.path().join("nginx.conf");
    fs::write(&file, config).expect(WRITABLE);
    let mut command = Command::new("nginx");
    command.arg("-e").arg("stderr").arg("-p").arg(dir.path()).arg("-c").arg(&file);
    let process = start(command, "install nginx (Debian: nginx-light)");
    ready(process, listen, port, Some(dir))
}

/// `openssl s_server`, answering HTTP so that it needs no terminal.
pub(crate) fn s_server(identity: &Identity, arguments: &str) -> Server {
    let port = free_port();
    let mut command = Command::new("openssl");
    command.arg("s_server").arg("-www").arg("-accept").arg(format!("127.0.0.1:{port}"));
    command.arg("-cert").arg(&identity.certificate).arg("-key").arg(&identity.key);
    command.args(arguments.split_whitespace());
    let process = start(command, "install openssl");
    ready(process, "127.0.0.1", port, None)
}

fn start(mut command: Command, remedy: &str) -> Child {
    // Distributions raise the floor of their own servers in this file; here the posture is what the test says.
    command.env("OPENSSL_CONF", "/dev/null").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("{remedy}: {error}"))
}

fn ready(mut process: Child, listen: &str, port: u16, dir: Option<TempDir>) -> Server {
    let host = if listen == "0.0.0.0" { "127.0.0.1" } else { listen };
    let address: SocketAddr = format!("{host}:{port}").parse().expect("an address and a port");
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        if process.try_wait().is_ok_and(|status| status.is_some()) || Instant::now() > until {
            let _ = process.kill();
            let mut errors = String::new();
            let _ = process.stderr.take().map(|mut stderr| stderr.read_to_string(&mut errors));
            panic!("the server does not start: {errors}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Server { process, port, _dir: dir }
}

/// A port on which nobody listens. Taken from below the range that the system gives to connections, so that it stays
/// free until the test uses it.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 100).expect("below 100") * 100;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

fn bind() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("a bound listener has an address").port();
    (listener, port)
}

/// A server by the library that the collector uses, for what openssl cannot: `group` alone for the key exchange, and a
/// certificate that need not belong to the key.
pub(crate) fn library_server(certificate: &Path, key: &Path, group: &'static dyn SupportedKxGroup) -> u16 {
    let provider = CryptoProvider { kx_groups: vec![group], ..aws_lc_rs::default_provider() };
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let key = provider.key_provider.load_private_key(key).expect("a key of a known kind");
    let identity = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("the group serves every version")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity));
    let config = Arc::new(config);
    let (listener, port) = bind();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                let mut connection = ServerConnection::new(config).expect("a sound configuration");
                let _ = connection.complete_io(&mut stream);
                // What the library still has to say, such as an alert.
                let _ = connection.complete_io(&mut stream);
                wait_for_the_end(&mut stream);
            });
        }
    });
    port
}

/// A server of the library that takes so many connections and then closes its port.
pub(crate) fn vanishing(identity: &Identity, connections: usize) -> u16 {
    let behind = library_server(&identity.certificate, &identity.key, aws_lc_rs::kx_group::X25519);
    let (listener, port) = bind();
    thread::spawn(move || {
        for stream in listener.incoming().flatten().take(connections) {
            thread::spawn(move || {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)) else { return };
                let (mut up, mut down) = (stream.try_clone().expect(SOCKET), server.try_clone().expect(SOCKET));
                thread::spawn(move || std::io::copy(&mut up, &mut down).and_then(|_| down.shutdown(Shutdown::Write)));
                let _ = std::io::copy(&mut &server, &mut &stream);
                let _ = stream.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

const SOCKET: &str = "a connected socket has a handle";

/// How a listener treats who connects.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Says nothing and keeps the connection.
    Silent,
    /// Resets it at once.
    Reset,
    /// Reads the hello and closes.
    Close,
    /// Reads the hello and sends these bytes.
    Say(&'static [u8]),
    /// Sends a record of handshake messages again and again.
    Endless,
    /// Sends one byte of a record now and then.
    Trickle,
    /// Accepts SSL 3.0 and nothing else.
    OnlySsl3,
}

/// A listener that lives as long as the test process; its threads wait for connections and hold nothing else.
pub(crate) fn listener(manner: Manner) -> u16 {
    let (listener, port) = bind();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, manner));
        }
    });
    port
}

fn serve(mut stream: TcpStream, manner: Manner) {
    match manner {
        Manner::Silent => wait_for_the_end(&mut stream),
        Manner::Reset => reset(stream),
        Manner::Close => {
            hello(&mut stream);
        }
        Manner::Say(bytes) => {
            hello(&mut stream);
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(Shutdown::Write);
            wait_for_the_end(&mut stream);
        }
        Manner::Endless => {
            let record = [&[22, 3, 3, 0x0f, 0xa0][..], &[0; 4000]].concat();
            while stream.write_all(&record).is_ok() {}
        }
        Manner::Trickle => {
            let record = [&[22, 3, 3, 0x0f, 0xa0][..], &[0; 4000]].concat();
            for byte in record {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        Manner::OnlySsl3 => {
            let asked = hello(&mut stream);
            let is_ssl3 = asked.get(9..11) == Some(&[3, 0]);
            let _ = stream.write_all(if is_ssl3 { SSL3_FLIGHT } else { &[21, 3, 0, 0, 2, 2, 40] });
            wait_for_the_end(&mut stream);
        }
    }
}

/// What a server of SSL 3.0 sends: its hello with the suite 10, then that it is done.
const SSL3_FLIGHT: &[u8] = &[
    22, 3, 0, 0, 46, 2, 0, 0, 38, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
    28, 29, 30, 31, 32, 0, 0, 10, 0, 14, 0, 0, 0,
];

fn hello(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 5];
    if stream.read_exact(&mut head).is_err() {
        return Vec::new();
    }
    let mut rest = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    let _ = stream.read_exact(&mut rest);
    [&head[..], &rest].concat()
}

fn wait_for_the_end(stream: &mut TcpStream) {
    let mut bytes = [0; 1024];
    while stream.read(&mut bytes).is_ok_and(|length| length > 0) {}
}

fn reset(stream: TcpStream) {
    // The standard library cannot set this option yet.
    stream.set_nonblocking(true).expect("a connected socket");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let _entered = runtime.enter();
    let stream = tokio::net::TcpStream::from_std(stream).expect("a connected socket");
    stream.set_zero_linger().expect("a connected socket");
}

/// Whether this machine has the IPv6 loopback.
pub(crate) fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// An address of 127.0.0.0/8, by its last two numbers.
pub(crate) fn loopback(high: u8, low: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, high, low))
}

/// Runs openssl's own view of a certificate file, to compare with.
pub(crate) fn openssl_says(certificate: &Path, what: &str) -> String {
    let output = Command::new("openssl").args(["x509", "-noout", what, "-in"]).arg(certificate).output().expect("install openssl");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
