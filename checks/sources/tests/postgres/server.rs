//! PostgreSQL servers on free ports of the loopback, each in a folder that goes away with it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A running server.
pub(crate) struct Server {
    dir: TempDir,
    pub(crate) port: u16,
}

/// The password of every role of the tests.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

impl Server {
    /// A server with these options of `initdb`, settings and rules of authentication; `sql` sets it up.
    pub(crate) fn start(options: &[&str], settings: &str, rules: &str, sql: &[(&str, &str)]) -> Self {
        let dir = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { dir, port };
        server.openssl();
        let data = server.path("data");
        let data = data.to_str().unwrap();
        fs::write(server.path("password"), PASSWORD).unwrap();
        server.owned();
        let password = server.path("password");
        let all = ["-D", data, "-U", "postgres", "--no-sync", "--encoding=UTF8", "--pwfile", password.to_str().unwrap()];
        run(&server.program("initdb", &[&all, options].concat()));
        let own = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\nssl_cert_file = '{}'\n\
             ssl_key_file = '{}'\n",
            server.dir.path().display(),
            server.path("server.pem").display(),
            server.path("server.key").display()
        );
        let config = server.path("data").join("postgresql.auto.conf");
        fs::write(&config, own + settings).unwrap();
        fs::write(server.path("data").join("pg_hba.conf"), format!("local all postgres trust\n{rules}")).unwrap();
        server.owned();
        let log = server.path("log");
        run(&server.program("pg_ctl", &["-D", data, "-l", log.to_str().unwrap(), "-w", "start"]));
        for (database, sql) in sql {
            server.sql(database, sql);
        }
        server
    }

    /// Runs SQL as the superuser, by the socket.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let (port, socket) = (self.port.to_string(), self.dir.path().to_str().unwrap().to_owned());
        let options = ["-h", &socket, "-p", &port, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-Atqc", sql];
        run(&self.program("psql", &options))
    }

    pub(crate) fn stop(&self) {
        let data = self.path("data");
        let _ = self.program("pg_ctl", &["-D", data.to_str().unwrap(), "-m", "immediate", "stop"]);
    }

    /// The certificate of the authority that vouches for the server.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("ca.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    // Programs of the server refuse to run as root.
    fn program(&self, name: &str, arguments: &[&str]) -> Output {
        let program = bin().join(name);
        let mut command = if is_root() { Command::new("runuser") } else { Command::new(&program) };
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(&program);
        }
        command.args(arguments).current_dir(self.dir.path()).output().expect("install postgresql")
    }

    fn owned(&self) {
        if is_root() {
            run(&Command::new("chown").args(["-R", "postgres"]).arg(self.dir.path()).output().unwrap());
        }
    }

    fn openssl(&self) {
        let new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for arguments in [
            format!("req -x509 {new} -keyout ca.key -out ca.pem -days 30 -subj /CN=Root"),
            format!("req {new} -keyout server.key -out server.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost"),
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -copy_extensions copy -out server.pem".to_owned(),
        ] {
            run(&Command::new("openssl")
                .args(arguments.split_whitespace())
                .current_dir(self.dir.path())
                .output()
                .expect("install openssl"));
        }
        fs::set_permissions(self.path("server.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(output: &Output) -> String {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{error}");
    out.trim().to_owned()
}

fn is_root() -> bool {
    String::from_utf8_lossy(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0"
}

// The newest version that is installed.
fn bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("install postgresql").flatten().map(|entry| entry.path().join("bin"));
    let mut versions: Vec<PathBuf> = versions.filter(|bin| Path::new(bin).join("initdb").exists()).collect();
    versions.sort();
    versions.pop().expect("install postgresql")
}
