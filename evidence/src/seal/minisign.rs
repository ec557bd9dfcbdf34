//! The signature in the form of minisign, in its legacy variant (`Ed`): Ed25519 over the file itself.
//!
//! The newer variant signs a BLAKE2b digest of the file and would need one more algorithm; `minisign -V` takes both. A
//! minisign key has an id of eight bytes; ours are the first eight of the SHA-256 that is the key's id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{Algorithm, PublicKey, SignError, Signer, signed};

const ALGORITHM: &[u8] = b"Ed";
const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// Signs a file; the comment is signed with it.
///
/// # Errors
/// A key of another kind, or no signature of the key.
pub fn sign(file: &[u8], comment: &str, signer: &dyn Signer) -> Result<String, SignError> {
    let key = signer.public_key();
    let short = short_id(key)?;
    let signature = signed(signer, file)?;
    let global = signed(signer, &[&signature, comment.as_bytes()].concat())?;
    let line = STANDARD.encode([ALGORITHM, &short, &signature].concat());
    Ok(format!("{UNTRUSTED}signature of manifest.json\n{line}\n{TRUSTED}{comment}\n{}\n", STANDARD.encode(global)))
}

/// The key as `minisign -P` takes it.
///
/// # Errors
/// A key of another kind.
pub fn public_key(key: &PublicKey) -> Result<String, SignError> {
    Ok(STANDARD.encode([ALGORITHM, &short_id(key)?, key.raw()].concat()))
}

/// Holds a signature to the file and the key.
///
/// # Errors
/// What is wrong with it, in words.
pub fn verify(text: &[u8], file: &[u8], key: &PublicKey) -> Result<(), String> {
    let text = std::str::from_utf8(text).map_err(|_| "no text".to_owned())?;
    let lines: Vec<&str> = text.split('\n').collect();
    let [untrusted, line, trusted, global, ""] = lines.as_slice() else {
        return Err("not the four lines of a minisign signature".to_owned());
    };
    let comment = trusted.strip_prefix(TRUSTED).filter(|_| untrusted.starts_with(UNTRUSTED));
    let comment = comment.ok_or_else(|| "the lines of comment are missing".to_owned())?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|error| format!("no base64: {error}"));
    let (line, global) = (decode(line)?, decode(global)?);
    let short = short_id(key).map_err(|error| error.to_string())?;
    let signature = line.strip_prefix(ALGORITHM).ok_or_else(|| "not of the variant `Ed`".to_owned())?;
    let signature = signature.strip_prefix(&short).ok_or_else(|| "by another key than its name says".to_owned())?;
    if !key.verifies(file, signature) {
        return Err("the signature does not hold over the manifest".to_owned());
    }
    if !key.verifies(&[signature, comment.as_bytes()].concat(), &global) {
        return Err("the signature over the comment does not hold".to_owned());
    }
    Ok(())
}

fn short_id(key: &PublicKey) -> Result<[u8; 8], SignError> {
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(SignError::Minisign(key.algorithm()));
    }
    let id = u64::from_str_radix(&key.id()[..16], 16).expect("a key id is hex");
    Ok(id.to_be_bytes())
}
