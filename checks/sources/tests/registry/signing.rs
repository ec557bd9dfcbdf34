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
