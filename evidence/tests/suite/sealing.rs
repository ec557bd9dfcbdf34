//! Signatures and trust: who may vouch for what, until when, and what is told where nobody does.

use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use proofbook_evidence::seal::dsse::Envelope;
use proofbook_evidence::seal::key::{KeyError, PrivateKey, PublicKey, SignError, Signer};
use proofbook_evidence::seal::timestamp::Request;
use proofbook_evidence::seal::trust::Trust;
use proofbook_evidence::seal::{self, minisign};
use proofbook_evidence::verify::{self, Demands, DeviationKind, Report, SignatureState, StampState};

use crate::authority::{Authority, Kind, SigningKey, openssl, trusted_authority};
use crate::platform::{Platform, one_run};

/// The reader's time.
pub(crate) fn now() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn signer(key: &SigningKey) -> PrivateKey {
    PrivateKey::from_pem(&fs::read(key.private()).unwrap()).unwrap()
}

pub(crate) fn trust(text: &str) -> Trust {
    Trust::parse("trust.yaml", text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn trusting(key: &SigningKey, more: &str) -> Trust {
    trust(&format!("keys:\n{}", key.entry(&signer(key).public_key().id(), more)))
}

pub(crate) fn demands(trust: &Trust) -> Demands<'_> {
    Demands { trust: Some(trust), at: Some(now()), ..Demands::default() }
}

fn held(bundle: &Path, trust: &Trust) -> Report {
    verify::verify_against(bundle, &Demands { require_signature: true, ..demands(trust) }).unwrap()
}

pub(crate) fn kinds(report: &Report) -> Vec<DeviationKind> {
    report.deviations.iter().map(|deviation| deviation.kind).collect()
}

fn envelope_of(bundle: &Path, key: &SigningKey) -> std::path::PathBuf {
    bundle.join(format!("seal/{}.dsse.json", signer(key).public_key().id()))
}

/// Has everything in the bundle stamped.
pub(crate) fn stamp(bundle: &Path, authority: &Authority) {
    for stamped in seal::stampable(bundle).unwrap() {
        let over = fs::read(bundle.join(stamped.file())).unwrap();
        let request = Request::over(&over, [7; 8], None).unwrap().to_der();
        seal::write(bundle, &stamped.request(), &request).unwrap();
        seal::write(bundle, &stamped.response(), &authority.answer(&request)).unwrap();
    }
}

#[test]
fn a_signature_of_either_kind_of_key_counts_where_the_reader_trusts_it() {
    for key in [SigningKey::ed25519(), SigningKey::p256()] {
        let (_ledger, path) = one_run();
        assert_eq!(verify::signature(&path, &demands(&trusting(&key, ""))).unwrap(), None);
        let file = seal::sign(&path, &signer(&key)).unwrap();
        assert_eq!(file, envelope_of(&path, &key));
        let state = |trust: Option<&Trust>| verify::signature(&path, &Demands { trust, at: Some(now()), ..Demands::default() }).unwrap();
        assert_eq!(state(None), Some(SignatureState::NotChecked));
        assert_eq!(state(Some(&trusting(&key, ""))), Some(SignatureState::Valid));
        assert_eq!(state(Some(&trusting(&SigningKey::ed25519(), ""))), Some(SignatureState::DoesNotCount));
        let report = held(&path, &trusting(&key, ""));
        assert!(report.is_intact() && report.replayed && report.signatures[0].state == SignatureState::Valid, "{report}");
        assert!(report.to_string().contains("of Test team"), "{report}");
        assert!(report.to_string().contains("as trust.yaml says at 2030-01-01T00:00:00Z"), "{report}");
        // Without a trust file it is told, and counts for nothing.
        let report = verify::verify(&path).unwrap();
        assert!(report.is_intact() && report.signatures[0].state == SignatureState::NotChecked, "{report}");
        assert!(report.to_string().contains("NOT CHECKED") && !report.to_string().contains("valid:"), "{report}");
    }
}

#[test]
fn openssl_accepts_what_was_signed_and_we_accept_what_openssl_signs() {
    let (_ledger, path) = one_run();
    let manifest = fs::read(path.join("manifest.json")).unwrap();
    for (key, ed25519) in [(SigningKey::ed25519(), true), (SigningKey::p256(), false)] {
        let signer = signer(&key);
        let dir = tempfile::tempdir().unwrap();
        let envelope = Envelope::sign(&manifest, &signer).unwrap();
        fs::write(dir.path().join("pae"), proofbook_evidence::seal::dsse::pae(&manifest)).unwrap();
        fs::write(dir.path().join("sig"), &envelope.signature).unwrap();
        let (public, private) = (key.public(), key.private());
        let [public, private] = [&public, &private].map(|path| path.to_str().unwrap());
        let (check, make): (Vec<&str>, Vec<&str>) = if ed25519 {
            (
                vec!["pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", "pae", "-sigfile", "sig"],
                vec!["pkeyutl", "-sign", "-inkey", private, "-rawin", "-in", "pae", "-out", "theirs"],
            )
        } else {
            (
                vec!["dgst", "-sha256", "-verify", public, "-signature", "sig", "pae"],
                vec!["dgst", "-sha256", "-sign", private, "-out", "theirs", "pae"],
            )
        };
        openssl(dir.path(), &check);
        openssl(dir.path(), &make);
        let theirs = Envelope { signature: fs::read(dir.path().join("theirs")).unwrap(), ..envelope };
        assert!(theirs.verifies(signer.public_key()));
        // The id is what openssl and sha256sum come to.
        let der = openssl(dir.path(), &["pkey", "-pubin", "-in", public, "-outform", "DER"]);
        assert_eq!(signer.public_key().id(), proofbook_evidence::bundle::manifest::sha256_hex(&der));
        assert_eq!(&PublicKey::from_pem(&fs::read(public).unwrap()).unwrap(), signer.public_key());
    }
}

#[test]
fn minisign_accepts_the_signature_in_its_own_form() {
    let (_ledger, path) = one_run();
    let key = SigningKey::ed25519();
    let file = seal::sign_minisign(&path, "a run", &signer(&key)).unwrap();
    let public = minisign::public_key(signer(&key).public_key()).unwrap();
    let verify = |manifest: &Path| {
        let ran = Command::new("minisign").args(["-V", "-P", &public, "-x"]).arg(&file).arg("-m").arg(manifest).output();
        ran.expect("minisign is installed").status.success()
    };
    assert!(verify(&path.join("manifest.json")));
    let other = path.with_file_name("other.json");
    fs::write(&other, "{}").unwrap();
    assert!(!verify(&other));
    // It is held to the trust file too.
    let report = held(&path, &trusting(&key, ""));
    assert!(report.is_intact() && report.signatures[0].state == SignatureState::Valid, "{report}");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("a run", "another")).unwrap();
    assert!(kinds(&held(&path, &trusting(&key, ""))).contains(&DeviationKind::SignatureInvalid));
    let refused = seal::sign_minisign(&path, "a run", &signer(&SigningKey::p256())).unwrap_err();
    assert!(refused.to_string().contains("Ed25519"), "{refused}");
}

#[test]
fn an_unsigned_bundle_is_told_and_deviates_where_a_signature_is_asked_for() {
    let (_ledger, path) = one_run();
    let trust = trusting(&SigningKey::ed25519(), "");
    let report = verify::verify_against(&path, &demands(&trust)).unwrap();
    assert!(report.is_intact() && report.to_string().contains("UNSIGNED"), "{report}");
    assert_eq!(kinds(&held(&path, &trust)), [DeviationKind::Unsigned]);
}

#[test]
fn a_key_counts_only_as_far_as_the_trust_file_says() {
    let (_ledger, path) = one_run();
    let key = SigningKey::ed25519();
    seal::sign(&path, &signer(&key)).unwrap();
    let of = |more: &str| kinds(&held(&path, &trusting(&key, more)));
    assert_eq!(of(""), []);
    assert_eq!(of("    workspaces: [made]\n    environments: [prod, staging]\n"), []);
    let times = |from: &str, to: &str| format!("    not_before: {from}\n    not_after: {to}\n");
    for (more, kind) in [
        ("    workspaces: [other]\n".to_owned(), DeviationKind::KeyOutOfScope),
        ("    environments: [staging]\n".to_owned(), DeviationKind::KeyOutOfScope),
        (times("2026-07-01T00:00:00Z", "2036-01-01T00:00:00Z"), DeviationKind::KeyNotYetValid),
        (times("2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z"), DeviationKind::KeyExpired),
        ("    revoked_at: 2028-01-01T00:00:00Z\n    revocation_reason: lost laptop\n".to_owned(), DeviationKind::KeyRevoked),
    ] {
        assert_eq!(of(&more), [DeviationKind::Unsigned, kind].into_iter().collect::<Vec<_>>(), "{more}");
    }
    // A time to look at does not undo a revocation: the clock is the reader's, and what has no stamp may have been signed today.
    let revoked = trusting(&key, "    revoked_at: 2028-01-01T00:00:00Z\n");
    for at in ["2026-07-01T00:00:00Z", "2027-12-31T23:59:59Z", "2028-01-01T00:00:00Z"] {
        let demands = Demands { at: Some(at.parse().unwrap()), ..demands(&revoked) };
        assert_eq!(kinds(&verify::verify_against(&path, &demands).unwrap()), [DeviationKind::KeyRevoked], "{at}");
    }
    // Another key than the one that is trusted.
    assert_eq!(kinds(&held(&path, &trusting(&SigningKey::ed25519(), ""))), [DeviationKind::Unsigned, DeviationKind::KeyUnknown]);
}

#[test]
fn a_stamp_shows_that_a_signature_is_older_than_the_revocation_of_its_key() {
    let (_ledger, path) = one_run();
    let (key, authority) = (SigningKey::ed25519(), Authority::new(Kind::P256));
    let id = signer(&key).public_key().id();
    let with = |more: &str| trust(&format!("keys:\n{}{}", key.entry(&id, more), trusted_authority(&authority.root())));
    let revoked = "    revoked_at: 2029-01-01T00:00:00Z\n    revocation_reason: lost laptop\n";
    // A stamp over the manifest alone shows nothing of the signature, which may be younger.
    stamp(&path, &authority);
    seal::sign(&path, &signer(&key)).unwrap();
    assert_eq!(kinds(&held(&path, &with(revoked))), [DeviationKind::Unsigned, DeviationKind::KeyRevoked]);
    stamp(&path, &authority);
    let report = held(&path, &with(revoked));
    assert!(report.is_intact() && report.signatures[0].not_later_than.is_some(), "{report}");
    assert!(report.timestamps.iter().all(|stamp| stamp.state == StampState::Valid), "{report}");
    // It may be off by its accuracy, and shows no more than `not later than`.
    let told = report.timestamps.iter().find(|stamp| stamp.over.ends_with(".dsse.json")).unwrap().granted.as_ref().unwrap().time;
    let latest = told + jiff::SignedDuration::from_millis(1500);
    assert_eq!(report.signatures[0].not_later_than, Some(latest));
    let at = |time: Timestamp| format!("    revoked_at: {time}\n");
    assert_eq!(kinds(&held(&path, &with(&at(latest)))), [DeviationKind::Unsigned, DeviationKind::KeyRevoked]);
    assert_eq!(kinds(&held(&path, &with(&at(latest + jiff::SignedDuration::from_secs(1))))), []);
    // A stamp after the revocation does not help.
    let early = "    revoked_at: 2026-02-01T00:00:00Z\n";
    assert!(kinds(&held(&path, &with(early))).contains(&DeviationKind::KeyRevoked));
    // Nor does one of an authority that the reader does not trust.
    assert!(kinds(&held(&path, &trusting(&key, revoked))).contains(&DeviationKind::KeyRevoked));
}

#[test]
fn one_signature_that_counts_is_enough_and_a_broken_one_is_told_all_the_same() {
    let (_ledger, path) = one_run();
    let (ours, theirs) = (SigningKey::ed25519(), SigningKey::p256());
    seal::sign(&path, &signer(&ours)).unwrap();
    seal::sign(&path, &signer(&theirs)).unwrap();
    let trust = trusting(&ours, "");
    let report = held(&path, &trust);
    assert!(report.is_intact(), "{report}");
    let state = |report: &Report, key: &SigningKey| {
        let id = signer(key).public_key().id();
        report.signatures.iter().find(|signature| signature.key == id).unwrap().state
    };
    assert_eq!((state(&report, &ours), state(&report, &theirs)), (SignatureState::Valid, SignatureState::DoesNotCount));
    fs::write(envelope_of(&path, &theirs), "{}").unwrap();
    assert_eq!(kinds(&held(&path, &trust)), [DeviationKind::SignatureMalformed]);
}

#[test]
fn an_envelope_that_was_moved_swapped_or_forged_is_named() {
    let ledger = tempfile::tempdir().unwrap();
    let first = Platform::new().seal(ledger.path()).path;
    let second = Platform::new().at("2026-06-02T00:00:00Z").seal(ledger.path()).path;
    let (key, other) = (SigningKey::ed25519(), SigningKey::ed25519());
    for path in [&first, &second] {
        seal::sign(path, &signer(&key)).unwrap();
    }
    let trust = trusting(&key, "");
    let (a, b) = (envelope_of(&first, &key), envelope_of(&second, &key));
    let (own, foreign) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
    fs::write(&a, &foreign).unwrap();
    assert_eq!(kinds(&held(&first, &trust)), [DeviationKind::Unsigned, DeviationKind::SignaturePayload]);
    // Even without a trust file: what was signed is not this manifest.
    assert_eq!(kinds(&verify::verify(&first).unwrap()), [DeviationKind::SignaturePayload]);
    // A signature of another key under the name of the trusted one.
    let envelope = Envelope::read(&own).unwrap();
    let by_other = Envelope::sign(&envelope.payload, &signer(&other)).unwrap();
    fs::write(&a, Envelope { signature: by_other.signature.clone(), ..envelope }.to_bytes()).unwrap();
    assert!(kinds(&held(&first, &trust)).contains(&DeviationKind::SignatureInvalid));
    fs::write(&a, by_other.to_bytes()).unwrap();
    assert!(kinds(&held(&first, &trust)).contains(&DeviationKind::SignatureMalformed));
    // Signing again mends it, and a signature that holds is left as it is.
    assert_eq!(fs::read(seal::sign(&first, &signer(&key)).unwrap()).unwrap(), own);
}

#[test]
fn a_signature_that_is_made_again_loses_the_stamp_that_was_over_the_old_one() {
    let (_ledger, path) = one_run();
    let (key, authority) = (SigningKey::p256(), Authority::new(Kind::P256));
    seal::sign(&path, &signer(&key)).unwrap();
    stamp(&path, &authority);
    let envelope = envelope_of(&path, &key);
    let before = fs::read(&envelope).unwrap();
    seal::sign(&path, &signer(&key)).unwrap();
    assert_eq!(fs::read(&envelope).unwrap(), before, "a signature that holds is left as it is");
    fs::write(&envelope, "{}").unwrap();
    seal::sign(&path, &signer(&key)).unwrap();
    let report = held(&path, &trusting(&key, ""));
    assert!(report.is_intact() && report.timestamps.len() == 1 && report.signatures[0].not_later_than.is_none(), "{report}");
}

#[test]
fn foreign_files_in_the_seal_are_named_and_leftovers_are_not_read() {
    let (_ledger, path) = one_run();
    let key = SigningKey::ed25519();
    seal::sign(&path, &signer(&key)).unwrap();
    for name in ["key.pem", "manifest.dsse.json", "notes"] {
        fs::write(path.join("seal").join(name), "x").unwrap();
        let report = verify::verify(&path).unwrap();
        assert_eq!(kinds(&report), [DeviationKind::Added], "{report}");
        fs::remove_file(path.join("seal").join(name)).unwrap();
    }
    fs::write(path.join("seal/.timestamp.tsr.new"), "x").unwrap();
    let report = verify::verify(&path).unwrap();
    assert!(report.is_intact() && report.notes.iter().any(|note| note.contains("interrupted")), "{report}");
}

struct Odd(PrivateKey, Vec<u8>);

impl Signer for Odd {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.1.clone())
    }
}

#[test]
fn a_signature_that_nobody_could_check_is_never_written() {
    let (_ledger, path) = one_run();
    let key = SigningKey::ed25519();
    for given in [Vec::new(), vec![0; 64], b"hello".to_vec()] {
        assert!(seal::sign(&path, &Odd(signer(&key), given)).is_err());
        assert!(!path.join("seal").exists());
    }
}

#[test]
fn keys_that_cannot_be_used_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    openssl(dir, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sec1.pem"]);
    openssl(dir, &["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret", "-out", "encrypted.pem"]);
    openssl(dir, &["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem"]);
    openssl(dir, &["genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "p384.pem"]);
    openssl(dir, &["pkey", "-in", "rsa.pem", "-pubout", "-out", "rsa.pub"]);
    let private = |name: &str| PrivateKey::from_pem(&fs::read(dir.join(name)).unwrap()).unwrap_err();
    assert!(matches!(private("sec1.pem"), KeyError::Sec1));
    assert!(matches!(private("encrypted.pem"), KeyError::Encrypted));
    assert!(matches!(private("rsa.pem"), KeyError::PrivateKind));
    assert!(matches!(private("p384.pem"), KeyError::PrivateKind));
    assert!(matches!(private("rsa.pub"), KeyError::NoPrivateKey));
    assert!(matches!(PublicKey::from_pem(&fs::read(dir.join("rsa.pub")).unwrap()), Err(KeyError::PublicKind)));
    assert!(matches!(PublicKey::from_pem(b""), Err(KeyError::NoPublicKey)));
}

#[test]
fn faults_of_a_trust_file_are_named_with_their_place() {
    let key = SigningKey::ed25519();
    let id = signer(&key).public_key().id();
    let entry = |id: &str, more: &str| format!("keys:\n{}", key.entry(id, more));
    let backwards = "    not_before: 2027-01-01T00:00:00Z\n    not_after: 2026-01-01T00:00:00Z\n";
    for (text, said) in [
        ("keys: []\n".to_owned(), "trusts nobody"),
        (entry(&"0".repeat(64), ""), "has the id"),
        (entry(&id, backwards), "ends before it begins"),
        (entry(&id, "    revocation_reason: lost\n"), "without its time"),
        (entry(&id, "") + &key.entry(&id, ""), "twice"),
        (entry(&id, "").replace("PUBLIC KEY", "CERTIFICATE"), "no public key"),
        ("timestamp_authorities:\n  - {name: A, roots: ''}\n".to_owned(), "no root"),
        (trusted_authority("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "cannot be read"),
    ] {
        let errors = Trust::parse("trust.yaml", &text).unwrap_err().to_string();
        assert!(errors.contains(said) && errors.contains("trust.yaml:"), "{errors}\n{text}");
    }
}

#[test]
fn values_handed_over_alone_are_told_as_withheld_and_nothing_else_passes_for_it() {
    let (_ledger, path) = one_run();
    let key = SigningKey::ed25519();
    seal::sign(&path, &signer(&key)).unwrap();
    let sealed = crate::platform::manifest(&path).subject.len();
    for file in crate::platform::manifest(&path).subject {
        if file.name != "values.ndjson" {
            fs::remove_file(path.join(&file.name)).unwrap();
        }
    }
    let trust = trusting(&key, "");
    let report = held(&path, &trust);
    assert!(report.is_intact() && !report.is_whole() && !report.replayed && report.withheld.len() == sealed - 1, "{report}");
    assert!(report.to_string().contains("WITHHELD"), "{report}");
    // What is there is still held to its digest.
    let values = fs::read(path.join("values.ndjson")).unwrap();
    fs::write(path.join("values.ndjson"), [&values[..], b" "].concat()).unwrap();
    assert_eq!(kinds(&held(&path, &trust)), [DeviationKind::Changed]);
    // One file more, and the rest is missing: a part that somebody chose is not what was handed over.
    fs::write(path.join("values.ndjson"), &values).unwrap();
    fs::write(path.join("verify.txt"), "x").unwrap();
    assert!(kinds(&held(&path, &trust)).contains(&DeviationKind::Missing));
    fs::remove_file(path.join("verify.txt")).unwrap();
    fs::remove_file(path.join("values.ndjson")).unwrap();
    assert!(kinds(&held(&path, &trust)).contains(&DeviationKind::Missing));
}

#[test]
fn alone_nothing_but_bundle_and_trust_file_is_looked_at() {
    let ledger = tempfile::tempdir().unwrap();
    let first = Platform::new().seal(ledger.path()).path;
    Platform::new().at("2026-06-02T00:00:00Z").seal(ledger.path());
    let third = Platform::new().at("2026-06-03T00:00:00Z").seal(ledger.path()).path;
    fs::remove_dir_all(&first).unwrap();
    let second =
        fs::read_dir(ledger.path()).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().contains("0602T"));
    let second = second.unwrap();
    assert_eq!(kinds(&verify::verify(&second).unwrap()), [DeviationKind::Chain]);
    let alone = Demands { alone: true, ..Demands::default() };
    for path in [&second, &third] {
        let report = verify::verify_against(path, &alone).unwrap();
        assert!(report.is_intact() && !report.replayed && report.to_string().contains("not decided again"), "{report}");
    }
    fs::write(second.join("values.ndjson"), "x").unwrap();
    assert_eq!(kinds(&verify::verify_against(&second, &alone).unwrap()), [DeviationKind::Changed]);
}

#[test]
fn every_reason_has_a_code_of_its_own() {
    let codes: Vec<&str> = DeviationKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let mut distinct = codes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), codes.len());
    for kind in DeviationKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
}
