//! Keys and certificates made by openssl, and signatures by them, as cosign would write them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The digest of content, as registries write it.
pub(crate) fn digest(data: &[u8]) -> String {
    let hex: String = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output().expect("install openssl");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A private key in a folder; `<name>.pub` beside it is the public one.
pub(crate) struct Key {
    folder: PathBuf,
    name: String,
}

impl Key {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        openssl(folder, &format!("ecparam -name prime256v1 -genkey -noout -out {name}.key"));
        openssl(folder, &format!("ec -in {name}.key -pubout -out {name}.pub"));
        Self { folder: folder.to_owned(), name: name.to_owned() }
    }

    /// A key of RSA.
    pub(crate) fn rsa(folder: &Path, name: &str) -> Self {
        openssl(folder, &format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out {name}.key"));
        Self { folder: folder.to_owned(), name: name.to_owned() }
    }

    /// A signature as JOSE has it: PS256 of a key of RSA, ES256 of one on P-256.
    pub(crate) fn sign_jws(&self, algorithm: &str, message: &str) -> Vec<u8> {
        fs::write(self.folder.join("message"), message).unwrap();
        let padding = if algorithm == "PS256" { "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest" } else { "" };
        openssl(&self.folder, &format!("dgst -sha256 {padding} -sign {}.key -out signature message", self.name));
        let signature = fs::read(self.folder.join("signature")).unwrap();
        if algorithm == "PS256" {
            return signature;
        }
        // Two numbers in DER: each with its tag and its length, a zero before it or some too few.
        let (first, second) = signature[4..].split_at(usize::from(signature[3]));
        let half = |number: &[u8]| {
            let number = &number[number.len().saturating_sub(32)..];
            [vec![0; 32 - number.len()], number.to_vec()].concat()
        };
        [half(first), half(&second[2..])].concat()
    }

    /// A signature in base64.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        fs::write(self.folder.join("message"), message).unwrap();
        openssl(&self.folder, &format!("dgst -sha256 -sign {}.key -out signature message", self.name));
        STANDARD.encode(fs::read(self.folder.join("signature")).unwrap())
    }
}

/// An authority that certifies identities; `authority.pem` is its certificate, `stranger.pem` that of another.
pub(crate) struct Authority {
    folder: PathBuf,
}

/// A key with its short-lived certificate.
pub(crate) struct Identity {
    pub(crate) key: Key,
    /// In DER.
    pub(crate) certificate: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(folder: &Path) -> Self {
        for name in ["authority", "stranger"] {
            openssl(
                folder,
                &format!(
                    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name}"
                ),
            );
        }
        Self { folder: folder.to_owned() }
    }

    /// A certificate for a key that signs for Notation, with some extensions: the chain in DER, leaf first.
    pub(crate) fn signer(&self, key: &str, extensions: &str, days: i32) -> Vec<Vec<u8>> {
        fs::write(self.folder.join("signer.ext"), extensions).unwrap();
        openssl(&self.folder, &format!("req -new -key {key}.key -subj /O=Example/CN=Release -out signer.csr"));
        openssl(
            &self.folder,
            &format!(
                "x509 -req -in signer.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days {days} -extfile signer.ext -outform DER -out signer.der"
            ),
        );
        openssl(&self.folder, "x509 -in authority.pem -outform DER -out authority.der");
        ["signer.der", "authority.der"].map(|file| fs::read(self.folder.join(file)).unwrap()).to_vec()
    }

    pub(crate) fn identity(&self, uri: &str) -> Identity {
        let key = Key::new(&self.folder, "leaf");
        let extensions = format!(
            "extendedKeyUsage=codeSigning\nsubjectAltName=critical,URI:{uri}\n1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://issuer.example\n"
        );
        fs::write(self.folder.join("leaf.ext"), extensions).unwrap();
        openssl(&self.folder, "req -new -key leaf.key -subj / -out leaf.csr");
        openssl(
            &self.folder,
            "x509 -req -in leaf.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 1 -extfile leaf.ext -outform DER -out leaf.der",
        );
        Identity { key, certificate: fs::read(self.folder.join("leaf.der")).unwrap() }
    }
}
