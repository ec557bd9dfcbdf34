//! Time stamps, made by `openssl ts` and by `openssl cms` where a proper authority would refuse: each fault has its reason.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use proofbook_evidence::bundle::manifest::sha256_hex;
use proofbook_evidence::deviation::DeviationKind;
use proofbook_evidence::seal::timestamp::{self, Circumstances, Fault, Granted, Request};
use proofbook_evidence::seal::trust::Trust;
use proofbook_evidence::verify::{self, Demands, StampState};

use crate::authority::{Authority, Kind, trusted_authority};
use crate::platform::one_run;
use crate::sealing::{demands, kinds, now, stamp, trust};

const RUN: &str = "2026-06-01T00:00:00Z";
const OVER: &[u8] = b"a manifest";

fn request() -> Request {
    Request::over(OVER, [3; 8], None).unwrap()
}

fn circumstances<'c>(request: &'c Request, trust: &'c Trust) -> Circumstances<'c> {
    Circumstances {
        digest: request.digest,
        request,
        not_before: RUN.parse().unwrap(),
        not_after: Some(now()),
        authorities: trust.authorities(),
    }
}

fn trusting(authority: &Authority) -> Trust {
    trust(&trusted_authority(&authority.root()))
}

fn judge(answer: &[u8], authority: &Authority) -> Result<Granted, Fault> {
    let (request, trust) = (request(), trusting(authority));
    timestamp::verify(answer, &circumstances(&request, &trust))
}

#[track_caller]
fn refused(answer: &[u8], authority: &Authority, kind: DeviationKind) -> String {
    let fault = judge(answer, authority).unwrap_err();
    assert_eq!(fault.kind, kind, "{fault}");
    fault.detail
}

#[test]
fn stamps_of_every_kind_of_key_are_accepted() {
    for kind in [Kind::Rsa, Kind::P256, Kind::P384] {
        let authority = Authority::new(kind);
        let request = request();
        let granted = judge(&authority.answer(&request.to_der()), &authority).unwrap_or_else(|fault| panic!("{kind:?}: {fault}"));
        assert_eq!(granted.authority.as_deref(), Some("Test authority"));
        assert_eq!((granted.accuracy_us, granted.policy.as_str()), (Some(1_500_000), "1.2.3.4.1"));
        assert!(granted.signer.contains("Test stamps"), "{granted:?}");
        assert!(granted.time > RUN.parse::<Timestamp>().unwrap());
        // The attribute of the first version, by SHA-1, is what older authorities write.
        judge(&authority.answer_as("sha1.cnf", &request.to_der()), &authority).unwrap();
    }
}

#[test]
fn a_policy_that_was_asked_for_is_held_to() {
    let authority = Authority::new(Kind::P256);
    let trust = trusting(&authority);
    let asked = Request::over(OVER, [3; 8], Some("1.2.3.4.5")).unwrap();
    let answer = authority.answer(&asked.to_der());
    assert_eq!(timestamp::verify(&answer, &circumstances(&asked, &trust)).unwrap().policy, "1.2.3.4.5");
    let other = Request::over(OVER, [3; 8], Some("1.2.3.4.9")).unwrap();
    let fault = timestamp::verify(&answer, &circumstances(&other, &trust)).unwrap_err();
    assert_eq!(fault.kind, DeviationKind::TimestampPolicy);
    // An authority that does not know the policy refuses.
    let fault = timestamp::verify(&authority.answer(&other.to_der()), &circumstances(&other, &trust)).unwrap_err();
    assert_eq!(fault.kind, DeviationKind::TimestampRefused, "{fault}");
}

#[test]
fn another_imprint_another_nonce_and_a_refusal_are_named() {
    let authority = Authority::new(Kind::P256);
    let other = Request::over(b"another manifest", [3; 8], None).unwrap();
    let detail = refused(&authority.answer(&other.to_der()), &authority, DeviationKind::TimestampImprint);
    assert!(detail.contains(&sha256_hex(OVER)) && detail.contains(&sha256_hex(b"another manifest")), "{detail}");
    let replayed = Request::over(OVER, [4; 8], None).unwrap();
    refused(&authority.answer(&replayed.to_der()), &authority, DeviationKind::TimestampNonce);
    for answer in [&[0x30, 5, 0x30, 3, 2, 1, 2][..], &[0x30, 12, 0x30, 10, 2, 1, 2, 0x30, 5, 12, 3, b'n', b'a', b'y']] {
        refused(answer, &authority, DeviationKind::TimestampRefused);
    }
    refused(&[0x30, 5, 0x30, 3, 2, 1, 0], &authority, DeviationKind::TimestampMalformed);
    for answer in [&b""[..], b"<html>", &[0x30, 0x80, 0, 0]] {
        refused(answer, &authority, DeviationKind::TimestampMalformed);
    }
}

#[test]
fn the_certificate_must_be_for_time_stamps_alone() {
    let authority = Authority::new(Kind::P256);
    let content = authority.content(&authority.answer(&request().to_der()));
    let signed = |name: &str| authority.signed(&content, name, &["-cades"]);
    judge(&signed("tsa"), &authority).unwrap_or_else(|fault| panic!("the certificate itself is right: {fault}"));
    for (name, extensions) in [
        ("none", "keyUsage = digitalSignature\n"),
        ("other", "extendedKeyUsage = critical, codeSigning\n"),
        ("both", "extendedKeyUsage = critical, timeStamping, codeSigning\n"),
        ("strange", "extendedKeyUsage = critical, timeStamping, 1.2.3.4\n"),
        ("lax", "extendedKeyUsage = timeStamping\n"),
    ] {
        authority.reissue(name, extensions);
        refused(&signed(name), &authority, DeviationKind::TimestampKeyUsage);
    }
}

#[test]
fn the_stamp_must_be_tied_to_its_certificate() {
    let authority = Authority::new(Kind::P256);
    // Before the time of the stamp: a certificate that is younger would not be valid then.
    authority.reissue("twin", "extendedKeyUsage = critical, timeStamping\nsubjectKeyIdentifier = hash\n");
    authority.reissue("first", "extendedKeyUsage = critical, timeStamping\nsubjectKeyIdentifier = hash\nnsComment = one\n");
    let content = authority.content(&authority.answer(&request().to_der()));
    let detail = refused(&authority.signed(&content, "tsa", &[]), &authority, DeviationKind::TimestampCertificate);
    assert!(detail.contains("signing-certificate"), "{detail}");
    refused(&authority.signed(&content, "tsa", &["-cades", "-nocerts"]), &authority, DeviationKind::TimestampCertificate);
    // Another certificate over the same key, put in the place of the one that the stamp is tied to.
    let answer = authority.signed(&content, "first", &["-cades", "-keyid", "-nocerts", "-certfile", "twin.pem"]);
    refused(&answer, &authority, DeviationKind::TimestampCertificate);
    judge(&authority.signed(&content, "first", &["-cades", "-keyid"]), &authority).unwrap();
}

#[test]
fn what_was_signed_must_be_what_stands_there() {
    let authority = Authority::new(Kind::Rsa);
    let answer = authority.answer(&request().to_der());
    // The serial number of the stamp is the first INTEGER behind the imprint.
    let at = answer.windows(32).position(|window| window == request().digest).unwrap() + 32;
    assert_eq!(answer[at], 2);
    let mut changed = answer.clone();
    changed[at + 2] ^= 1;
    refused(&changed, &authority, DeviationKind::TimestampSignature);
    let mut changed = answer.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    refused(&changed, &authority, DeviationKind::TimestampSignature);
    // Data of another type, signed by the same certificate.
    let content = authority.content(&answer);
    let data = authority.signed_as("1.2.840.113549.1.7.1", &content, "tsa", &["-cades"]);
    refused(&data, &authority, DeviationKind::TimestampMalformed);
}

#[test]
fn the_chain_must_lead_to_a_root_of_the_reader_and_hold_at_the_time() {
    let (ours, theirs) = (Authority::new(Kind::P256), Authority::new(Kind::P256));
    let answer = ours.answer(&request().to_der());
    let (request, trust) = (request(), trusting(&theirs));
    let fault = timestamp::verify(&answer, &circumstances(&request, &trust)).unwrap_err();
    assert_eq!(fault.kind, DeviationKind::TimestampChain, "{fault}");
    // Among several authorities the right one is found.
    let both = format!("{}  - name: Ours\n    roots: |\n{}", trusted_authority(&theirs.root()), indented(&ours.root()));
    let trust = self::trust(&both);
    assert_eq!(timestamp::verify(&answer, &circumstances(&request, &trust)).unwrap().authority.as_deref(), Some("Ours"));
    // Before the certificate was made, and after it has run out.
    let content = ours.content(&answer);
    for time in ["20260701000000Z", "20600101000000Z"] {
        let changed = at_time(&content, time);
        refused(&ours.signed(&changed, "tsa", &["-cades"]), &ours, DeviationKind::TimestampExpired);
    }
}

#[test]
fn the_time_must_be_one_at_which_the_run_was_there() {
    let authority = Authority::new(Kind::P256);
    let (request, trust) = (request(), trusting(&authority));
    let answer = authority.answer(&request.to_der());
    let granted = judge(&answer, &authority).unwrap();
    let later = granted.time + jiff::SignedDuration::from_secs(120);
    let before = Circumstances { not_before: later, ..circumstances(&request, &trust) };
    assert_eq!(timestamp::verify(&answer, &before).unwrap_err().kind, DeviationKind::TimestampTime);
    let earlier = granted.time - jiff::SignedDuration::from_secs(120);
    let to_come = Circumstances { not_after: Some(earlier), ..circumstances(&request, &trust) };
    assert_eq!(timestamp::verify(&answer, &to_come).unwrap_err().kind, DeviationKind::TimestampTime);
    // Within what clocks may differ by.
    let close = granted.time + jiff::SignedDuration::from_secs(30);
    let near = Circumstances { not_before: close, ..circumstances(&request, &trust) };
    timestamp::verify(&answer, &near).unwrap();
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}\n")).collect()
}

// The time stamp with another time: the only GeneralizedTime in it.
fn at_time(content: &[u8], time: &str) -> Vec<u8> {
    let at = content.windows(4).position(|window| window[0] == 0x18 && window[1] == 15 && window[2] == b'2').unwrap();
    let mut changed = content.to_vec();
    changed[at + 2..at + 17].copy_from_slice(time.as_bytes());
    changed
}

fn stamped_run() -> (tempfile::TempDir, PathBuf, Authority) {
    let (ledger, path) = one_run();
    let authority = Authority::new(Kind::P256);
    stamp(&path, &authority);
    (ledger, path, authority)
}

#[test]
fn stamps_of_a_bundle_are_told_from_pending_to_valid() {
    let (_ledger, path, authority) = stamped_run();
    let trust = trusting(&authority);
    let required = Demands { require_timestamp: true, ..demands(&trust) };
    let report = verify::verify_against(&path, &required).unwrap();
    assert!(report.is_intact() && report.timestamps[0].state == StampState::Valid, "{report}");
    assert!(report.to_string().contains("manifest.json was there by"), "{report}");
    // Without a trust file the authority is nobody's.
    let report = verify::verify(&path).unwrap();
    assert!(report.is_intact() && report.to_string().contains("NOT ANCHORED"), "{report}");
    let answer = fs::read(path.join("seal/timestamp.tsr")).unwrap();
    fs::remove_file(path.join("seal/timestamp.tsr")).unwrap();
    let report = verify::verify_against(&path, &demands(&trust)).unwrap();
    assert!(report.is_intact() && report.to_string().contains("PENDING"), "{report}");
    assert_eq!(kinds(&verify::verify_against(&path, &required).unwrap()), [DeviationKind::TimestampMissing]);
    // The answer without its request: nobody can say that it answers one.
    fs::write(path.join("seal/timestamp.tsr"), answer).unwrap();
    fs::remove_file(path.join("seal/timestamp.tsq")).unwrap();
    assert_eq!(kinds(&verify::verify_against(&path, &demands(&trust)).unwrap()), [DeviationKind::TimestampNonce]);
    fs::write(path.join("seal/timestamp.tsq"), Request::over(b"x", [7; 8], None).unwrap().to_der()).unwrap();
    assert_eq!(kinds(&verify::verify_against(&path, &demands(&trust)).unwrap()), [DeviationKind::TimestampImprint]);
    fs::write(path.join("seal/timestamp.tsq"), "x").unwrap();
    assert_eq!(kinds(&verify::verify_against(&path, &demands(&trust)).unwrap()), [DeviationKind::TimestampMalformed]);
    // A run that is to come.
    let early = Demands { at: Some("2026-05-31T23:58:59Z".parse().unwrap()), ..Demands::default() };
    assert!(kinds(&verify::verify_against(&path, &early).unwrap()).contains(&DeviationKind::RunTime));
    let close = Demands { at: Some("2026-05-31T23:59:00Z".parse().unwrap()), ..Demands::default() };
    assert!(!kinds(&verify::verify_against(&path, &close).unwrap()).contains(&DeviationKind::RunTime));
    // A stamp over a signature that is not there.
    let other = path.join(format!("seal/{}.tsq", "0a".repeat(32)));
    fs::write(&other, Request::over(b"x", [7; 8], None).unwrap().to_der()).unwrap();
    assert!(kinds(&verify::verify(&path).unwrap()).contains(&DeviationKind::TimestampImprint));
}
