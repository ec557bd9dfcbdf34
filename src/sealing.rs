//! Sealing from the command line: where keys come from, who is asked for time stamps, and whom the reader trusts.
//!
//! A key is read from a file or the environment, or stays where it is: then a command signs for us, and the key never
//! passes through this program.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proofbook_evidence::bundle::Sealed;
use proofbook_evidence::bundle::manifest::sha256_hex;
use proofbook_evidence::ledger::Ledger;
use proofbook_evidence::seal::key::{PrivateKey, PublicKey, SignError, Signer};
use proofbook_evidence::seal::timestamp::{self, Circumstances, Granted, Request};
use proofbook_evidence::seal::trust::Trust;
use proofbook_evidence::seal::{self, SealError, Stamped, minisign};
use proofbook_evidence::verify::{self, Demands};
use proofbook_sources::timestamp::TimestampAuthority;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::exit::Exit;
use crate::output::Output;
use crate::workspace::Workspace;

/// How bundles are signed. Name exactly one of `key`, `key_env` and `signer`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signing {
    /// A file with the private key in PKCS#8 PEM, relative to the workspace.
    #[serde(default)]
    pub(crate) key: Option<PathBuf>,
    /// An environment variable that holds the private key in PKCS#8 PEM.
    #[serde(default)]
    pub(crate) key_env: Option<String>,
    /// A command that signs what it is handed.
    #[serde(default)]
    pub(crate) signer: Option<SignerCommand>,
    /// Whether a signature in the form of minisign is written too; Ed25519 keys alone can.
    #[serde(default)]
    pub(crate) minisign: bool,
}

/// A command that holds a key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignerCommand {
    /// The command with its arguments, split at blanks; no shell reads it. It gets what shall be signed on stdin, the
    /// SHA-256 of that in `PROOFBOOK_SHA256`, and prints the signature in base64.
    pub(crate) command: String,
    /// A file with the public key in PEM, relative to the workspace.
    pub(crate) public_key: PathBuf,
}

/// Who is asked for time stamps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timestamps {
    /// The URL of an authority that speaks RFC 3161 over HTTP.
    pub(crate) tsa: String,
    /// The policy to ask for, as an object identifier.
    #[serde(default)]
    pub(crate) policy: Option<String>,
}

impl Signing {
    /// Whether anything says how to sign.
    pub(crate) const fn is_given(&self) -> bool {
        self.key.is_some() || self.key_env.is_some() || self.signer.is_some()
    }

    /// Whoever signs; files are found below `root`.
    pub(crate) fn open(&self, root: &Path) -> Result<Box<dyn Signer>> {
        match (&self.key, &self.key_env, &self.signer) {
            (Some(file), None, None) => {
                let path = root.join(file);
                let pem = std::fs::read(&path).with_context(|| format!("reading the key {}", path.display()))?;
                Ok(Box::new(PrivateKey::from_pem(&pem).with_context(|| path.display().to_string())?))
            }
            (None, Some(name), None) => {
                let pem = std::env::var(name).with_context(|| format!("the environment variable `{name}` shall hold the key"))?;
                Ok(Box::new(PrivateKey::from_pem(pem.as_bytes()).with_context(|| format!("the environment variable `{name}`"))?))
            }
            (None, None, Some(signer)) => Ok(Box::new(External::open(signer, root)?)),
            (None, None, None) => bail!("nothing says how to sign: name a key, or a command that holds one"),
            _ => bail!("name one of a key file, an environment variable with the key, and a signer command"),
        }
    }
}

/// How long a signer command may take: somebody may have to touch a token.
const PATIENCE: Duration = Duration::from_mins(2);
/// How much it may print.
const LARGEST: u64 = 64 * 1024;

struct External {
    program: String,
    arguments: Vec<String>,
    key: PublicKey,
}

impl External {
    fn open(signer: &SignerCommand, root: &Path) -> Result<Self> {
        let path = root.join(&signer.public_key);
        let pem = std::fs::read(&path).with_context(|| format!("reading the public key {}", path.display()))?;
        let key = PublicKey::from_pem(&pem).with_context(|| path.display().to_string())?;
        let mut words = signer.command.split_whitespace().map(str::to_owned);
        let program = words.next().context("the signer command is empty")?;
        Ok(Self { program, arguments: words.collect(), key })
    }

    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env("PROOFBOOK_SHA256", sha256_hex(message));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().map_err(|error| format!("`{}` cannot be started: {error}", self.program))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let message = message.to_vec();
        let asking = thread::spawn(move || {
            // A command that reads the digest alone closes its end: that is no fault.
            stdin.map(|mut stdin| stdin.write_all(&message))
        });
        let reading = thread::spawn(move || {
            let mut out = Vec::new();
            let read = stdout.map(|stdout| stdout.take(LARGEST).read_to_end(&mut out));
            read.is_some_and(|read| read.is_ok()).then_some(out)
        });
        let ended = wait(&mut child).map_err(|error| format!("`{}`: {error}", self.program))?;
        drop(asking.join());
        let printed = reading.join().ok().flatten().ok_or_else(|| format!("what `{}` prints cannot be read", self.program))?;
        if !ended {
            return Err(format!("`{}` failed, and says why above", self.program));
        }
        let text: Vec<u8> = printed.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        STANDARD.decode(text).map_err(|error| format!("what `{}` prints is no base64: {error}", self.program))
    }
}

impl Signer for External {
    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.ask(message).map_err(SignError::Refused)
    }
}

// Whether the process ended well; one that does not end is killed.
fn wait(child: &mut Child) -> Result<bool, String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("gave no signature within {} seconds", PATIENCE.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// What was written to sign a bundle.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Signed {
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// The id of the key.
    pub(crate) key: String,
    /// The key as `minisign -P` takes it, where such a signature was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minisign_public_key: Option<String>,
}

/// Signs a bundle.
pub(crate) fn sign(bundle: &Path, run_id: &str, signing: &Signing, signer: &dyn Signer) -> Result<Signed, SealError> {
    let mut files = vec![seal::sign(bundle, signer)?];
    let mut minisign_public_key = None;
    if signing.minisign {
        files.push(seal::sign_minisign(bundle, run_id, signer)?);
        minisign_public_key = Some(minisign::public_key(signer.public_key())?);
    }
    Ok(Signed { files, key: signer.public_key().id(), minisign_public_key })
}

/// Asks for stamps.
pub(crate) struct Stamper<'s> {
    pub(crate) authority: Option<&'s str>,
    pub(crate) policy: Option<&'s str>,
    pub(crate) trust: Option<&'s Trust>,
}

/// What became of one stamp.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stamping {
    /// What was to be stamped.
    pub(crate) over: String,
    /// The file of the request.
    pub(crate) request: String,
    /// The file of the answer, where one came.
    pub(crate) response: Option<String>,
    /// What the authority granted.
    pub(crate) granted: Option<Granted>,
    /// Why there is no answer yet.
    pub(crate) pending: Option<String>,
    /// Why the answer that came does not count; it was not kept.
    pub(crate) refused: Option<String>,
    /// Why the stamp that lay there does not count, and was asked for anew.
    pub(crate) broken: Option<String>,
}

impl Stamping {
    fn over(stamped: &Stamped) -> Self {
        Self { over: stamped.file(), request: stamped.request(), response: None, granted: None, pending: None, refused: None, broken: None }
    }

    /// The exit code that it calls for.
    pub(crate) const fn exit(&self) -> Exit {
        match (&self.refused, &self.pending) {
            (Some(_), _) => Exit::NotAsPromised,
            (None, Some(_)) => Exit::CouldNotLook,
            (None, None) => Exit::Held,
        }
    }

    /// Tells a person.
    pub(crate) fn tell(&self, output: &Output) {
        if let Some(why) = &self.broken {
            output.warn(format_args!("the time stamp over {} that lay there does not hold, and was asked for anew: {why}", self.over));
        }
        if let Some(granted) = &self.granted {
            output.say(format_args!("timestamp  {} was there by {}", self.over, granted.time));
            if granted.authority.is_none() {
                output.warn(format_args!("the time stamp over {} is NOT ANCHORED: no trust file names an authority to believe", self.over));
            }
        }
        if let Some(why) = &self.pending {
            output.warn(format_args!("the time stamp over {} is PENDING: {why}", self.over));
        }
        if let Some(why) = &self.refused {
            output.warn(format_args!("no time stamp over {}: what the authority answered does not hold: {why}", self.over));
        }
    }
}

impl Stamper<'_> {
    /// Asks for every stamp that the bundle lacks, or whose answer does not hold. A request that is pending is sent again as it is.
    /// A stamp that holds is left as it is; one that no authority vouches for is told.
    pub(crate) fn stamp(&self, bundle: &Path, run: Timestamp) -> Result<Vec<Stamping>> {
        let demands = Demands { trust: self.trust, at: Some(clock::now()), ..Demands::default() };
        let mut out = Vec::new();
        for stamped in seal::stampable(bundle)? {
            let mut broken = None;
            if bundle.join(stamped.response()).exists() {
                match verify::stamp(bundle, run, &stamped, &demands) {
                    Ok(Some(granted)) if granted.authority.is_some() => continue,
                    Ok(granted) => {
                        out.push(Stamping { granted, ..Stamping::over(&stamped) });
                        continue;
                    }
                    Err(fault) => broken = Some(fault.to_string()),
                }
            }
            out.push(Stamping { broken, ..self.one(bundle, &stamped, run)? });
        }
        Ok(out)
    }

    fn one(&self, bundle: &Path, stamped: &Stamped, run: Timestamp) -> Result<Stamping> {
        let request = self.request(bundle, stamped)?;
        let mut out = Stamping::over(stamped);
        let Some(url) = self.authority else {
            out.pending = Some("no authority is named; name one, or have the request answered and put the answer beside it".to_owned());
            return Ok(out);
        };
        let authority = TimestampAuthority::new(url).map_err(anyhow::Error::msg)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
        let answer = match runtime.block_on(authority.ask(request.to_der())) {
            Ok(answer) => answer,
            Err(why) => {
                out.pending = Some(why);
                return Ok(out);
            }
        };
        let circumstances = Circumstances {
            digest: request.digest,
            request: &request,
            not_before: run,
            not_after: Some(clock::now()),
            authorities: self.trust.map(Trust::authorities).unwrap_or_default(),
        };
        match timestamp::verify(&answer, &circumstances) {
            Ok(granted) => {
                seal::write(bundle, &stamped.response(), &answer)?;
                (out.response, out.granted) = (Some(stamped.response()), Some(granted));
            }
            Err(fault) => out.refused = Some(fault.to_string()),
        }
        Ok(out)
    }

    // The request that is pending, or a new one.
    fn request(&self, bundle: &Path, stamped: &Stamped) -> Result<Request> {
        let over = seal::read(bundle, &stamped.file())?;
        let nonce = proofbook_sources::timestamp::nonce().map_err(anyhow::Error::msg)?;
        let fresh = Request::over(&over, nonce, self.policy).map_err(anyhow::Error::msg)?;
        let pending = seal::read(bundle, &stamped.request()).ok().and_then(|bytes| Request::read(&bytes).ok());
        if let Some(pending) = pending.filter(|pending| pending.asks_the_same(&fresh)) {
            return Ok(pending);
        }
        seal::write(bundle, &stamped.request(), &fresh.to_der())?;
        Ok(fresh)
    }
}

/// The trust file that the arguments name, or that of the workspace.
pub(crate) fn trust(given: Option<&Path>, workspace: Option<&Workspace>) -> Result<Option<Trust>> {
    let path = match (given, workspace) {
        (Some(path), _) => path.to_path_buf(),
        (None, Some(workspace)) => match &workspace.config.trust {
            Some(path) => workspace.root.join(path),
            None => return Ok(None),
        },
        (None, None) => return Ok(None),
    };
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading the trust file {}", path.display()))?;
    Ok(Some(Trust::parse(&path.display().to_string(), &text)?))
}

/// Signs and stamps what a run sealed, as the workspace says. The bundle stays sealed whatever becomes of that.
pub(crate) fn seal(workspace: &Workspace, ledger: &Ledger, sealed: &Sealed, run: Timestamp, output: &Output) -> Exit {
    let config = &workspace.config;
    let (bundle, run_id) = (&*sealed.path, &*sealed.run_id);
    let mut exit = Exit::Held;
    if let Some(signing) = &config.signing {
        let signed = signing.open(&workspace.root).and_then(|signer| Ok(sign(bundle, run_id, signing, &*signer)?));
        match signed {
            Ok(signed) => output.say(format_args!("signed     by the key {}", signed.key)),
            Err(error) => {
                output.warn(format_args!("the bundle is sealed and UNSIGNED: {error:#}; sign it later with `proofbook sign`"));
                exit = Exit::CouldNotLook;
            }
        }
    }
    if let Some(timestamps) = &config.timestamps {
        let stamped = trust(None, Some(workspace)).and_then(|trust| {
            let stamper = Stamper { authority: Some(&timestamps.tsa), policy: timestamps.policy.as_deref(), trust: trust.as_ref() };
            stamper.stamp(bundle, run)
        });
        match stamped {
            Ok(stampings) => {
                for stamping in stampings {
                    stamping.tell(output);
                    exit = exit.max(if stamping.exit() == Exit::Held { Exit::Held } else { Exit::CouldNotLook });
                }
            }
            Err(error) => {
                output.warn(format_args!("no time stamp was asked for: {error:#}; ask later with `proofbook timestamp`"));
                exit = Exit::CouldNotLook;
            }
        }
    }
    if config.signing.is_some() || config.timestamps.is_some() {
        exit = exit.max(share(ledger, run_id, bundle, output));
    }
    exit
}

/// Brings what was added to the seal of a bundle to the ledger that it is a part of, so that it is there at other machines too.
pub(crate) fn share(ledger: &Ledger, run_id: &str, bundle: &Path, output: &Output) -> Exit {
    match ledger.share_seal(run_id, bundle) {
        Ok(()) => Exit::Held,
        Err(error) => {
            let what = "what was signed and stamped lies in the bundle on this machine, and is NOT IN THE LEDGER";
            output.warn(format_args!("{what}: {error}; run `proofbook sign` or `proofbook timestamp` again"));
            Exit::CouldNotLook
        }
    }
}
