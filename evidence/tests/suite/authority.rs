//! A time-stamping authority and signing keys made by `openssl`, which is another implementation than the one under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Runs `openssl` in a folder; it must succeed.
#[track_caller]
pub(crate) fn openssl(dir: &Path, args: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").current_dir(dir).args(args).output().expect("openssl is installed");
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The kinds of keys that authorities have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Rsa,
    P256,
    P384,
}

impl Kind {
    fn args(self) -> [&'static str; 4] {
        match self {
            Self::Rsa => ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
            Self::P256 => ["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Self::P384 => ["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        }
    }
}

/// An authority with a root, an issuing CA beneath it, and a certificate for time stamps.
pub(crate) struct Authority {
    dir: TempDir,
}

const EKU: &str = "extendedKeyUsage = critical, timeStamping\n";

impl Authority {
    pub(crate) fn new(kind: Kind) -> Self {
        let authority = Self { dir: tempfile::tempdir().unwrap() };
        let dir = authority.path();
        let key = |name: &str| openssl(dir, &[&["genpkey", "-out", name], &kind.args()[..]].concat());
        key("root.key");
        openssl(
            dir,
            &[
                "req",
                "-x509",
                "-key",
                "root.key",
                "-subj",
                "/CN=Test root",
                "-days",
                "3650",
                "-out",
                "root.pem",
                "-addext",
                "keyUsage=critical,keyCertSign",
            ],
        );
        key("ca.key");
        authority.issue("ca", "root", "/CN=Test issuer", "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n");
        key("tsa.key");
        authority.issue("tsa", "ca", "/O=Test/CN=Test stamps", EKU);
        fs::write(dir.join("serial"), "01").unwrap();
        let config = "[tsa]\ndefault_tsa = it\n[it]\nserial = serial\nsigner_cert = tsa.pem\ncerts = ca.pem\nsigner_key = tsa.key\nsigner_digest = sha256\n\
            default_policy = 1.2.3.4.1\nother_policies = 1.2.3.4.5\ndigests = sha256, sha512\naccuracy = secs:1, millisecs:500\nordering = yes\n\
            tsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";
        fs::write(dir.join("tsa.cnf"), config).unwrap();
        fs::write(dir.join("sha1.cnf"), config.replace("ess_cert_id_alg = sha256", "ess_cert_id_alg = sha1")).unwrap();
        authority
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Issues a certificate for a key that lies there.
    pub(crate) fn issue(&self, name: &str, issuer: &str, subject: &str, extensions: &str) {
        let dir = self.path();
        let (key, csr, pem, ext) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"), format!("{name}.ext"));
        let (issuer_pem, issuer_key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
        fs::write(dir.join(&ext), extensions).unwrap();
        openssl(dir, &["req", "-new", "-key", &key, "-subj", subject, "-out", &csr]);
        openssl(
            dir,
            &[
                "x509",
                "-req",
                "-in",
                &csr,
                "-CA",
                &issuer_pem,
                "-CAkey",
                &issuer_key,
                "-CAcreateserial",
                "-days",
                "3000",
                "-extfile",
                &ext,
                "-out",
                &pem,
            ],
        );
    }

    /// Makes a second certificate over the authority's key, with other extensions.
    pub(crate) fn reissue(&self, name: &str, extensions: &str) {
        fs::copy(self.path().join("tsa.key"), self.path().join(format!("{name}.key"))).unwrap();
        self.issue(name, "ca", "/O=Test/CN=Test stamps", extensions);
    }

    /// The root, as PEM.
    pub(crate) fn root(&self) -> String {
        fs::read_to_string(self.path().join("root.pem")).unwrap()
    }

    /// The answer to a request.
    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        self.answer_as("tsa.cnf", request)
    }

    /// The answer to a request under another configuration.
    pub(crate) fn answer_as(&self, config: &str, request: &[u8]) -> Vec<u8> {
        let dir = tempfile::tempdir_in(self.path()).unwrap();
        let (query, reply) = (dir.path().join("q.tsq"), dir.path().join("r.tsr"));
        fs::write(&query, request).unwrap();
        openssl(
            self.path(),
            &["ts", "-reply", "-config", config, "-section", "it", "-queryfile", query.to_str().unwrap(), "-out", reply.to_str().unwrap()],
        );
        fs::read(reply).unwrap()
    }

    /// The bytes of the time stamp in an answer.
    pub(crate) fn content(&self, answer: &[u8]) -> Vec<u8> {
        let dir = tempfile::tempdir_in(self.path()).unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("r.tsr"), answer).unwrap();
        openssl(dir.path(), &["ts", "-reply", "-in", "r.tsr", "-token_out", "-out", "token.der"]);
        openssl(dir.path(), &["cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", "token.der", "-out", "content.der"]);
        fs::read(path("content.der")).unwrap()
    }

    /// An answer around a time stamp that is signed with the certificate `name`: what `openssl ts` itself would not do.
    pub(crate) fn signed(&self, content: &[u8], name: &str, more: &[&str]) -> Vec<u8> {
        self.signed_as("1.2.840.113549.1.9.16.1.4", content, name, more)
    }

    /// The same around content of another type.
    pub(crate) fn signed_as(&self, kind: &str, content: &[u8], name: &str, more: &[&str]) -> Vec<u8> {
        let dir = tempfile::tempdir_in(self.path()).unwrap();
        let (input, out) = (dir.path().join("content.der"), dir.path().join("token.der"));
        fs::write(&input, content).unwrap();
        let (pem, key) = (format!("{name}.pem"), format!("{name}.key"));
        let fixed = [
            "cms",
            "-sign",
            "-binary",
            "-nodetach",
            "-outform",
            "DER",
            "-econtent_type",
            kind,
            "-md",
            "sha256",
            "-certfile",
            "ca.pem",
            "-signer",
            &pem,
            "-inkey",
            &key,
            "-in",
            input.to_str().unwrap(),
            "-out",
            out.to_str().unwrap(),
        ];
        openssl(self.path(), &[&fixed[..], more].concat());
        granted(&fs::read(out).unwrap())
    }
}

/// An answer that grants a token.
fn granted(token: &[u8]) -> Vec<u8> {
    let status = [0x30, 3, 2, 1, 0];
    let length = u16::try_from(status.len() + token.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82, length[0], length[1]], &status[..], token].concat()
}

/// A signing key on disk.
pub(crate) struct SigningKey {
    dir: TempDir,
}

impl SigningKey {
    pub(crate) fn ed25519() -> Self {
        Self::new(&["-algorithm", "ed25519"])
    }

    pub(crate) fn p256() -> Self {
        Self::new(&["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    fn new(kind: &[&str]) -> Self {
        let key = Self { dir: tempfile::tempdir().unwrap() };
        openssl(key.dir.path(), &[&["genpkey", "-out", "key.pem"], kind].concat());
        openssl(key.dir.path(), &["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]);
        key
    }

    pub(crate) fn private(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.dir.path().join("public.pem")
    }

    /// An entry of a trust file; `more` are further lines of it.
    pub(crate) fn entry(&self, id: &str, more: &str) -> String {
        let pem = indented(&fs::read_to_string(self.public()).unwrap());
        let times =
            if more.contains("not_after") { "" } else { "    not_before: 2026-01-01T00:00:00Z\n    not_after: 2036-01-01T00:00:00Z\n" };
        format!("  - id: {id}\n    owner: Test team\n    public_key: |\n{pem}{times}{more}")
    }
}

/// The part of a trust file that names an authority.
pub(crate) fn trusted_authority(root: &str) -> String {
    format!("timestamp_authorities:\n  - name: Test authority\n    roots: |\n{}", indented(root))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}
