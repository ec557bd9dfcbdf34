//! Signing, stamping and verifying from the command line, against openssl as signer and as time-stamping authority, and what
//! the guide tells an auditor to type.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value as Json, json};

use crate::authority::{Authority, Kind, SigningKey, openssl, trusted_authority};
use crate::support::server::Server as ApiServer;
use crate::support::{AT, Ran, Workspace, data, facts, root};

/// How the authority behaves.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Good,
    /// Answers every request with the answer to another one.
    Replaying,
    Refusing,
    Webpage,
    Broken,
}

/// An authority behind HTTP on loopback.
struct Server {
    authority: Arc<Authority>,
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn new(mood: Mood) -> Self {
        Self::of(Arc::new(Authority::new(Kind::P256)), mood)
    }

    fn of(authority: Arc<Authority>, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (served, counted) = (authority.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(serve(stream, &served, mood));
            }
        });
        Self { authority, url, asked }
    }
}

fn serve(mut stream: TcpStream, authority: &Authority, mood: Mood) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut query) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
        query |= line == "content-type: application/timestamp-query";
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request)?;
    assert!(query, "the request says what it is");
    let (status, kind, body) = match mood {
        Mood::Good => ("200 OK", "application/timestamp-reply", authority.answer(&request)),
        Mood::Replaying => {
            let last = request.len() - 5;
            request[last] ^= 1;
            ("200 OK", "application/timestamp-reply", authority.answer(&request))
        }
        Mood::Refusing => ("200 OK", "application/timestamp-reply", vec![0x30, 5, 0x30, 3, 2, 1, 2]),
        Mood::Webpage => ("200 OK", "text/html; charset=utf-8", b"<html>welcome</html>".to_vec()),
        Mood::Broken => ("503 Service Unavailable", "text/plain", b"later".to_vec()),
    };
    write!(stream, "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

/// A workspace over the committed cluster with these settings more.
fn workspace(more: &Json) -> Workspace {
    let mut settings = json!({"workspace": "sealed"});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Workspace::with_settings(&settings)
}

/// Scans; gives the bundle.
fn scan(workspace: &Workspace) -> (Ran, PathBuf) {
    let dump = data("cluster-small");
    let ran = workspace.run(&format!("scan --dump {} --at {AT} --fail-on nothing", dump.display()));
    let path = workspace.folder().join(ran.path());
    (ran, path)
}

fn key_id(key: &SigningKey) -> String {
    let der = openssl(Path::new("/"), &["pkey", "-pubin", "-in", key.public().to_str().unwrap(), "-outform", "DER"]);
    sha256(&der)
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a trust file.
fn trust(workspace: &Workspace, keys: &[&SigningKey], more: &str, authority: Option<&Authority>) -> String {
    let entries: String = keys.iter().map(|key| key.entry(&key_id(key), more)).collect();
    let authorities = authority.map(|authority| trusted_authority(&authority.root())).unwrap_or_default();
    let text = if entries.is_empty() { authorities } else { format!("keys:\n{entries}{authorities}") };
    workspace.write("trust.yaml", text).display().to_string()
}

fn verify(workspace: &Workspace, bundle: &Path, args: &str) -> (i32, Json) {
    let words = args.split_whitespace().map(str::to_owned);
    let all = ["verify".to_owned(), bundle.display().to_string(), "--format".to_owned(), "json".to_owned()].into_iter().chain(words);
    let ran = workspace.bare(all);
    (ran.code, ran.json())
}

fn kinds(report: &Json) -> Vec<&str> {
    report["deviations"].as_array().unwrap().iter().map(|found| found["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_scan_signs_and_stamps_what_it_seals() {
    let (key, server) = (SigningKey::ed25519(), Server::new(Mood::Good));
    let signing = json!({"key": key.private(), "minisign": true});
    let workspace = workspace(&json!({"signing": signing, "timestamps": {"tsa": server.url}, "trust": "../trust.yaml"}));
    trust(&workspace, &[&key], "", Some(&server.authority));
    let (ran, bundle) = scan(&workspace);
    let id = key_id(&key);
    ran.ends_with(0).says(&["signed     by the key", &id, "manifest.json was there by"]);
    let seal: Vec<String> =
        fs::read_dir(bundle.join("seal")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(seal.len(), 6, "{seal:?}");
    // The workspace's own trust file is taken where none is named.
    let ran = workspace.run("verify --require-signature --require-timestamp").ends_with(0);
    for text in ["valid: Ed25519 key", "of Test team", "made not later than", "Test authority says", "all equal"] {
        assert!(ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ").contains(text), "{text}: {ran:?}");
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    // A scan that adds nothing asks nobody again.
    let asked = server.asked.load(Ordering::SeqCst);
    assert_eq!(scan(&workspace).1, bundle);
    assert_eq!(server.asked.load(Ordering::SeqCst), asked);
}

#[test]
fn a_bundle_that_could_not_be_signed_stays_sealed_and_is_told() {
    let workspace = workspace(&json!({"signing": {"key": "nowhere.pem"}}));
    let (ran, bundle) = scan(&workspace);
    ran.ends_with(3).says(&["UNSIGNED", "nowhere.pem", "proofbook sign"]);
    assert_eq!(verify(&workspace, &bundle, "").0, 0);
}

#[test]
fn a_time_stamp_is_pending_until_an_authority_answers() {
    let authority = Arc::new(Authority::new(Kind::Rsa));
    let workspace = workspace(&json!({}));
    let (_, bundle) = scan(&workspace);
    let file = trust(&workspace, &[], "", Some(&authority));
    let stamp = |args: &str| workspace.bare(format!("timestamp {} {args}", bundle.display()).split_whitespace());
    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    stamp(&format!("--tsa http://{closed}/")).ends_with(3).without_result().says(&["PENDING"]);
    let request = fs::read(bundle.join("seal/timestamp.tsq")).unwrap();
    let (code, report) = verify(&workspace, &bundle, &format!("--trust {file}"));
    assert_eq!((code, &report["timestamps"][0]["state"]), (0, &json!("pending")), "{report}");
    let (code, report) = verify(&workspace, &bundle, &format!("--trust {file} --require-timestamp"));
    assert_eq!((code, kinds(&report)), (1, vec!["timestamp-missing"]));
    for (mood, code, said) in [
        (Mood::Broken, 3, "503"),
        (Mood::Webpage, 3, "text/html"),
        (Mood::Refusing, 1, "timestamp-refused"),
        (Mood::Replaying, 1, "timestamp-nonce"),
    ] {
        let server = Server::of(authority.clone(), mood);
        stamp(&format!("--tsa {}", server.url)).ends_with(code).without_result().says(&[said]);
        assert!(!bundle.join("seal/timestamp.tsr").exists(), "{mood:?}");
    }
    // An authority that the reader does not know.
    let stranger = Server::new(Mood::Good);
    stamp(&format!("--tsa {} --trust {file}", stranger.url)).ends_with(1).says(&["timestamp-chain"]);
    let server = Server::of(authority.clone(), Mood::Good);
    let ran = stamp(&format!("--tsa {} --trust {file}", server.url)).ends_with(0);
    assert!(ran.path().ends_with("seal/timestamp.tsr"));
    assert_eq!(fs::read(bundle.join("seal/timestamp.tsq")).unwrap(), request, "the request that was pending is the one that was answered");
    let (code, report) = verify(&workspace, &bundle, &format!("--trust {file} --require-timestamp"));
    assert_eq!((code, &report["timestamps"][0]["authority"]), (0, &json!("Test authority")), "{report}");
    stamp(&format!("--tsa {}", server.url)).ends_with(0).without_result();
    // A stamp that lies there is judged: one that does not hold is asked for anew, and stays what it is where nobody answers.
    let good = fs::read(bundle.join("seal/timestamp.tsr")).unwrap();
    fs::write(bundle.join("seal/timestamp.tsr"), &good[..good.len() - 9]).unwrap();
    stamp(&format!("--tsa http://{closed}/ --trust {file}")).ends_with(3).without_result().says(&["does not hold", "PENDING"]);
    let asked = server.asked.load(Ordering::SeqCst);
    stamp(&format!("--tsa {} --trust {file}", server.url)).ends_with(0).says(&["does not hold", "asked for anew"]);
    assert_eq!(server.asked.load(Ordering::SeqCst), asked + 1);
    assert_eq!(verify(&workspace, &bundle, &format!("--trust {file} --require-timestamp")).0, 0);
    // One that holds is left alone; where no authority is trusted, that is told.
    stamp(&format!("--tsa {} --trust {file}", server.url)).ends_with(0).without_result().says(&["everything has its time stamp"]);
    stamp(&format!("--tsa {}", server.url)).ends_with(0).without_result().says(&["NOT ANCHORED"]);
    assert_eq!(server.asked.load(Ordering::SeqCst), asked + 1);
    // What openssl says to it.
    let [root, dir] = [authority.path().join("root.pem"), bundle.clone()].map(|path| path.display().to_string());
    openssl(Path::new(&dir), &["ts", "-verify", "-queryfile", "seal/timestamp.tsq", "-in", "seal/timestamp.tsr", "-CAfile", &root]);
}

#[cfg(unix)]
#[test]
fn a_command_can_hold_the_key() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = workspace(&json!({}));
    let (_, bundle) = scan(&workspace);
    let sign = |key: &SigningKey, script: &str| {
        let path = workspace.write("sign.sh", format!("#!/bin/bash\nset -e\nPATH=/usr/bin:/bin\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let (bundle, command, public) = (bundle.display().to_string(), path.display().to_string(), key.public().display().to_string());
        workspace.bare(["sign", &bundle, "--signer", &command, "--public-key", &public])
    };
    for (key, script) in [
        (SigningKey::ed25519(), "cat > pae; openssl pkeyutl -sign -inkey KEY -rawin -in pae | openssl base64"),
        // A machine that takes the digest alone.
        (
            SigningKey::p256(),
            "cat > /dev/null; printf \"$(sed 's/../\\\\x&/g' <<< $PROOFBOOK_SHA256)\" > digest
             openssl pkeyutl -sign -inkey KEY -in digest -pkeyopt digest:sha256 | openssl base64",
        ),
    ] {
        let ran = sign(&key, &script.replace("KEY", &key.private().display().to_string())).ends_with(0);
        assert!(ran.path().ends_with(format!("{}.dsse.json", key_id(&key))));
        let file = trust(&workspace, &[&key], "", None);
        assert_eq!(verify(&workspace, &bundle, &format!("--trust {file} --require-signature")).0, 0);
        fs::remove_dir_all(bundle.join("seal")).unwrap();
    }
    // A command that fails, one that gives no signature, and one that gives that of another key.
    let key = SigningKey::ed25519();
    for (script, said) in
        [("exit 7", "failed"), ("echo hello", "no base64"), ("echo aGVsbG8=", "no Ed25519 signature"), ("exec /no/such/program", "failed")]
    {
        sign(&key, script).ends_with(3).without_result().says(&[said, "not signed"]);
        assert!(!bundle.join("seal").exists());
    }
}

#[test]
fn signing_says_what_it_needs() {
    let workspace = workspace(&json!({}));
    let (_, bundle) = scan(&workspace);
    let sign = |args: &[&str]| workspace.bare(["sign", bundle.to_str().unwrap()].iter().chain(args));
    sign(&[]).ends_with(2).says(&["nothing says how to sign"]);
    sign(&["--key", "nowhere"]).ends_with(2).says(&["nowhere"]);
    sign(&["--key-env", "NO_SUCH_KEY"]).ends_with(2).says(&["NO_SUCH_KEY"]);
    let key = SigningKey::p256();
    let pem = fs::read_to_string(key.private()).unwrap();
    let mut program = workspace.program();
    let output = program.env("THE_KEY", &pem).args(["sign", bundle.to_str().unwrap(), "--key-env", "THE_KEY"]).output().unwrap();
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains("PRIVATE"));
    sign(&["--minisign", "--key", key.private().to_str().unwrap()]).ends_with(3).says(&["Ed25519"]);
    // Nobody vouches for what is not intact.
    fs::write(bundle.join("values.ndjson"), "x").unwrap();
    sign(&["--key", key.private().to_str().unwrap()]).ends_with(2).says(&["not intact", "changed: values.ndjson"]);
    workspace.bare(["verify", bundle.to_str().unwrap(), "--require-signature"]).ends_with(2).says(&["--trust"]);
    let keys_alone = trust(&workspace, &[&key], "", None);
    workspace
        .bare(["verify", bundle.to_str().unwrap(), "--trust", &keys_alone, "--require-timestamp"])
        .ends_with(2)
        .says(&["no time-stamping"]);
}

#[test]
fn keys_run_out_and_are_revoked() {
    let workspace = workspace(&json!({}));
    let (_, bundle) = scan(&workspace);
    let key = SigningKey::ed25519();
    workspace.bare(["sign", bundle.to_str().unwrap(), "--key", key.private().to_str().unwrap()]).ends_with(0);
    for (more, at, kind) in [
        ("    not_before: 2026-01-01T00:00:00Z\n    not_after: 2027-01-01T00:00:00Z\n", "2026-12-01T00:00:00Z", None),
        ("    not_before: 2026-01-01T00:00:00Z\n    not_after: 2027-01-01T00:00:00Z\n", "2027-12-01T00:00:00Z", Some("key-expired")),
        ("    revoked_at: 2026-11-20T00:00:00Z\n", "2026-12-01T00:00:00Z", Some("key-revoked")),
        // No time to look at undoes that: what has no stamp may have been signed after it.
        ("    revoked_at: 2026-11-20T00:00:00Z\n", "2026-11-10T00:00:00Z", Some("key-revoked")),
        ("    workspaces: [other]\n", "2026-12-01T00:00:00Z", Some("key-out-of-scope")),
        ("", "2026-10-31T23:58:00Z", Some("run-time")),
    ] {
        let file = trust(&workspace, &[&key], more, None);
        let (code, report) = verify(&workspace, &bundle, &format!("--trust {file} --at {at}"));
        assert_eq!((code, kinds(&report)), (i32::from(kind.is_some()), kind.into_iter().collect()), "{report}");
    }
}

#[test]
fn only_a_signature_that_counts_is_printed_as_signed() {
    let key = SigningKey::ed25519();
    let settings = |more: &Json| {
        let mut settings = json!({"facts": facts(), "signing": {"key": key.private()}});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    };
    for (more, trusted, page, forbidden) in [
        (json!({}), None, "carries a signature, not checked", "signed by a key"),
        (json!({"trust": "../trust.yaml"}), Some(&key), "signed by a key that the provider", "not checked"),
        (json!({"trust": "../trust.yaml"}), Some(&SigningKey::ed25519()), "carries a signature that does not count", "signed by a key"),
    ] {
        let workspace = workspace(&settings(&more));
        if let Some(trusted) = trusted {
            trust(&workspace, &[trusted], "", None);
        }
        let (_, bundle) = scan(&workspace);
        workspace.run(&format!("build --out out --at {AT}")).ends_with(0);
        let text = fs::read_to_string(workspace.path("out/customer/site/evidence.html")).unwrap();
        assert!(text.contains(page) && !text.contains(forbidden), "{page}: {text}");
        // A file that is called like a signature signs nothing.
        fs::write(bundle.join(format!("seal/{}.dsse.json", key_id(&key))), "{}").unwrap();
        workspace.run(&format!("build --out out --at {AT}")).ends_with(2).without_result();
    }
}

#[test]
fn a_run_is_of_the_time_at_which_it_looked() {
    let workspace = workspace(&json!({}));
    let dump = data("cluster-small");
    workspace
        .run(&format!("scan --dump {} --at 2999-01-01T00:00:00Z", dump.display()))
        .ends_with(2)
        .without_result()
        .says(&["2999-01-01T00:00:00Z", "to come"]);
    let server = ApiServer::start();
    let kubeconfig = server.kubeconfig(workspace.folder(), "reader");
    let live = format!("scan --kubeconfig {} --check pss-enforced --fail-on nothing", kubeconfig.display());
    workspace.run(&format!("{live} --at {AT}")).ends_with(2).without_result().says(&["--at", "dumps", "leave --at out"]);
    assert!(!workspace.path("ws/evidence").exists());
    workspace.run(&live).ends_with(0);
}

#[test]
fn values_alone_are_withheld_and_a_static_look_needs_nothing_else() {
    let workspace = workspace(&json!({}));
    let (_, bundle) = scan(&workspace);
    let key = SigningKey::ed25519();
    workspace.bare(["sign", bundle.to_str().unwrap(), "--key", key.private().to_str().unwrap()]).ends_with(0);
    let file = trust(&workspace, &[&key], "", None);
    let part = workspace.path("public").join(bundle.file_name().unwrap());
    fs::create_dir_all(part.join("seal")).unwrap();
    for name in ["manifest.json", "values.ndjson", &format!("seal/{}.dsse.json", key_id(&key))] {
        fs::copy(bundle.join(name), part.join(name)).unwrap();
    }
    for args in ["", "--static "] {
        let (code, report) = verify(&workspace, &part, &format!("{args}--require-signature --trust {file}"));
        let sealed = report["files"].as_u64().unwrap();
        assert_eq!((code, report["withheld"].as_array().unwrap().len() as u64), (0, sealed - 1), "{report}");
        assert_eq!(report["replayed"], false);
    }
    let text = workspace.bare(["verify", part.to_str().unwrap()]).ends_with(0).stdout;
    assert!(text.contains("WITHHELD") && text.contains("NOT CHECKED"), "{text}");
    workspace.bare(["export", "--format", "sarif", "--bundle", part.to_str().unwrap()]).ends_with(2).says(&["WITHHELD"]);
    let (code, report) = verify(&workspace, &bundle, &format!("--static --require-signature --trust {file}"));
    assert_eq!((code, &report["replayed"], &report["chain"]), (0, &json!(false), &json!("not-looked")), "{report}");
}

/// The blocks of commands in the guide behind a marker.
fn commands_of_the_guide(marker: &str) -> String {
    let guide = fs::read_to_string(root().join("docs/guide/evidence.md")).unwrap();
    let mut out = String::new();
    for part in guide.split(&format!("<!-- {marker} -->\n```sh\n")).skip(1) {
        out.push_str(part.split("```").next().unwrap());
    }
    assert!(!out.is_empty(), "the guide has no commands for {marker}");
    out
}

fn shell(dir: &Path, script: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new("bash");
    command.current_dir(dir).args(["-euo", "pipefail", "-c", script]).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

#[test]
fn an_auditor_verifies_with_openssl_and_the_guide_alone() {
    let server = Server::new(Mood::Good);
    for (key, marker) in [(SigningKey::ed25519(), "run: signature ed25519"), (SigningKey::p256(), "run: signature p256")] {
        let workspace = workspace(&json!({"signing": {"key": key.private()}, "timestamps": {"tsa": server.url}}));
        let (_, bundle) = scan(&workspace);
        let id = key_id(&key);
        let scratch = workspace.path("scratch");
        fs::create_dir(&scratch).unwrap();
        let (public, roots) = (key.public(), server.authority.path().join("root.pem"));
        let variables = [
            ("KEY", public.to_str().unwrap()),
            ("KEY_ID", id.as_str()),
            ("ROOTS", roots.to_str().unwrap()),
            ("T", scratch.to_str().unwrap()),
        ];
        let script: Vec<String> = ["run: files", "run: key", "run: envelope", marker, "run: timestamp"].map(commands_of_the_guide).into();
        let all = script.concat();
        let (held, said) = shell(&bundle, &all, &variables);
        assert!(held, "{said}");
        // Each part finds what it is there to find.
        let manifest = fs::read(bundle.join("manifest.json")).unwrap();
        let break_and_try = |name: &str, at: usize| {
            let path = bundle.join(name);
            let bytes = fs::read(&path).unwrap();
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            let (held, said) = shell(&bundle, &all, &variables);
            fs::write(&path, &bytes).unwrap();
            assert!(!held, "{name}: {said}");
        };
        break_and_try("values.ndjson", 3);
        break_and_try("manifest.json", manifest.len() / 2);
        let envelope = fs::read(bundle.join(format!("seal/{id}.dsse.json"))).unwrap();
        break_and_try(&format!("seal/{id}.dsse.json"), envelope.len() - 20);
        let answer = fs::read(bundle.join("seal/timestamp.tsr")).unwrap();
        break_and_try("seal/timestamp.tsr", answer.len() - 3);
        fs::write(bundle.join("extra"), "x").unwrap();
        assert!(!shell(&bundle, &all, &variables).0);
        // Another key than the one that signed.
        fs::remove_file(bundle.join("extra")).unwrap();
        let other = SigningKey::ed25519();
        let other = other.public();
        let variables = variables.map(|(name, value)| (name, if name == "KEY" { other.to_str().unwrap() } else { value }));
        assert!(!shell(&bundle, &all, &variables).0);
    }
}

#[test]
fn the_guide_names_every_reason_code() {
    let guide = fs::read_to_string(root().join("docs/guide/evidence.md")).unwrap();
    for kind in proofbook_evidence::deviation::DeviationKind::ALL {
        assert!(guide.contains(&format!("| `{kind}` |")), "`{kind}` is missing in the table of reason codes");
    }
}
