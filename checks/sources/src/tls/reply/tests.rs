//! The parser on bytes: what real servers send, cut in every way, and what no server should send.

use super::*;

pub(super) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &length[..], content].concat()
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

pub(super) fn server_hello_body(version: u16, cipher: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([9; 32]);
    body.push(0);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    message(SERVER_HELLO, &body)
}

pub(super) fn certificate_body(certificates: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = certificates.iter().flat_map(|der| message(0, der)[1..].to_vec()).collect();
    message(CERTIFICATE, &message(0, &list)[1..])
}

/// A flight of TLS 1.2 with two certificates, a key exchange on secp256r1, and a request for a client certificate.
pub(super) fn flight() -> Vec<u8> {
    [
        server_hello_body(0x0303, 0xc02f, &[0xff, 1, 0, 1, 0]),
        certificate_body(&[&[0x30; 700], &[0x31; 900]]),
        message(SERVER_KEY_EXCHANGE, &[NAMED_CURVE, 0, 23, 1, 4]),
        message(CERTIFICATE_REQUEST, &[1, 1, 0, 0, 0, 0]),
        message(SERVER_HELLO_DONE, &[]),
    ]
    .concat()
}

fn answer(asked: Version, bytes: &[u8], ending: Ending) -> Answer {
    let mut reply = Reply::to(asked);
    let ending = if reply.feed(bytes) { Ending::Enough } else { ending };
    reply.finish(ending)
}

fn accepted(answer: Answer) -> Accepted {
    match answer {
        Answer::Accepted(accepted) => accepted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flight_is_read_however_it_is_cut() {
    let flight = flight();
    for size in [1, 3, 17, 700, flight.len()] {
        let bytes: Vec<u8> = flight.chunks(size).flat_map(|part| record(HANDSHAKE, part)).collect();
        for step in [1, 5, 4096] {
            let mut reply = Reply::to(Version::Tls12);
            let mut steps = bytes.chunks(step).map(|part| reply.feed(part)).collect::<Vec<_>>();
            assert_eq!(steps.pop(), Some(true), "records of {size} in steps of {step}");
            assert!(steps.iter().all(|finished| !finished), "records of {size} in steps of {step}");
            let seen = accepted(reply.finish(Ending::Enough));
            assert_eq!(seen.cipher, 0xc02f);
            assert_eq!(seen.group.as_deref(), Some("secp256r1"));
            assert_eq!(seen.certificates, vec![vec![0x30; 700], vec![0x31; 900]]);
            assert!(seen.certificate_requested);
        }
    }
}

#[test]
fn a_brief_reading_ends_with_the_key_exchange_and_keeps_no_certificate() {
    let parts = [server_hello_body(0x0303, 0xc02f, &[0xff, 1, 0, 1, 0, 0, 23, 0, 0]), certificate_body(&[&[0x30; 700]])];
    let mut reply = Reply::brief(Version::Tls12);
    assert!(!parts.iter().any(|part| reply.feed(&record(HANDSHAKE, part))));
    assert!(reply.feed(&record(HANDSHAKE, &message(SERVER_KEY_EXCHANGE, &[NAMED_CURVE, 0, 23, 1, 4]))));
    let seen = accepted(reply.finish(Ending::Enough));
    assert_eq!((seen.group.as_deref(), seen.certificates.len()), (Some("secp256r1"), 0));
    let protected = Session { secure_renegotiation: true, extended_master_secret: true, ..Session::default() };
    assert_eq!(seen.session, protected);

    // RSA key exchange has no such message: nothing is waited for.
    let mut reply = Reply::brief(Version::Tls12);
    assert!(reply.feed(&record(HANDSHAKE, &server_hello_body(0x0303, 0x002f, &[]))));
    assert_eq!(accepted(reply.finish(Ending::Enough)).session, Session::default());
}

#[test]
fn a_brief_reading_without_the_field_of_its_suite_is_no_answer() {
    let hello = record(HANDSHAKE, &server_hello_body(0x0303, 0x0033, &[]));
    let brief = |exchange: Option<&[u8]>, ending| {
        let mut reply = Reply::brief(Version::Tls12);
        assert!(!reply.feed(&hello));
        assert!(exchange.is_none_or(|body| reply.feed(&record(HANDSHAKE, &message(SERVER_KEY_EXCHANGE, body)))));
        reply.finish(ending)
    };
    assert_eq!(brief(None, Ending::Timeout), Answer::Timeout(Stage::Connected));
    for ending in [Ending::Closed, Ending::Reset, Ending::Enough] {
        assert_eq!(brief(None, ending), Answer::NotTls, "{ending:?}");
    }
    assert_eq!(brief(Some(&[0, 9, 1]), Ending::Enough), Answer::NotTls);
    let prime = [&[0, 0x80][..], &[0x80; 128], &[0, 1, 2, 0, 1, 4]].concat();
    assert_eq!(accepted(brief(Some(&prime), Ending::Enough)).group.as_deref(), Some("dh1024"));
    // A curve is found among the groups, so its suite counts alone.
    let mut reply = Reply::brief(Version::Tls12);
    assert!(!reply.feed(&record(HANDSHAKE, &server_hello_body(0x0303, 0xc02f, &[]))));
    assert_eq!(accepted(reply.finish(Ending::Closed)).cipher, 0xc02f);
}

#[test]
fn a_hello_counts_where_the_flight_breaks_off_without_an_alert() {
    let hello = record(HANDSHAKE, &server_hello_body(0x0301, 0x002f, &[]));
    for ending in [Ending::Closed, Ending::Reset, Ending::Timeout] {
        let seen = accepted(answer(Version::Tls10, &hello, ending));
        assert_eq!((seen.cipher, seen.group), (0x002f, None));
    }
    let alert = [hello, record(ALERT, &[2, 80])].concat();
    assert_eq!(answer(Version::Tls10, &alert, Ending::Closed), Answer::Alert(80));
}

#[test]
fn tls_1_3_is_read_from_supported_versions() {
    let versions = [0, 43, 0, 2, 3, 4];
    let share = [&[0, 51, 0, 36, 0, 29, 0, 32][..], &[5; 32]].concat();
    let hello = record(HANDSHAKE, &server_hello_body(0x0303, 0x1302, &[&versions[..], &share].concat()));
    let seen = accepted(answer(Version::Tls13, &hello, Ending::Closed));
    assert_eq!((seen.cipher, seen.group.as_deref()), (0x1302, Some("x25519")));

    let retry = [&[0, 51, 0, 2, 0x11, 0xec][..], &versions].concat();
    let hello = record(HANDSHAKE, &server_hello_body(0x0303, 0x1301, &retry));
    let seen = accepted(answer(Version::Tls13, &hello, Ending::Closed));
    assert_eq!((seen.cipher, seen.group.as_deref()), (0x1301, Some("X25519MLKEM768")));

    // An extension that makes no sense must not hide the one behind it.
    let odd = [&[0, 16, 0, 1, 7][..], &versions].concat();
    let hello = record(HANDSHAKE, &server_hello_body(0x0303, 0x1301, &odd));
    accepted(answer(Version::Tls13, &hello, Ending::Closed));
}

#[test]
fn another_version_than_the_one_asked_for_is_an_answer_of_its_own() {
    for (asked, version) in [(Version::Tls12, 0x0301), (Version::Tls13, 0x0303), (Version::Tls11, 0x0300), (Version::Ssl3, 0x0301)] {
        let hello = record(HANDSHAKE, &server_hello_body(version, 0x002f, &[]));
        assert_eq!(answer(asked, &hello, Ending::Closed), Answer::OtherVersion(version), "{asked:?}");
    }
}

#[test]
fn sslv3_is_accepted_without_extensions() {
    let mut flight = server_hello_body(0x0300, 0x000a, &[]);
    flight.extend(certificate_body(&[&[0x30; 10]]));
    flight.extend(message(SERVER_HELLO_DONE, &[]));
    let seen = accepted(answer(Version::Ssl3, &record(HANDSHAKE, &flight), Ending::Closed));
    assert_eq!((seen.cipher, seen.group, seen.certificates.len()), (0x000a, None, 1));
}

#[test]
fn alerts_refuse_unless_they_only_warn() {
    assert_eq!(answer(Version::Tls12, &record(ALERT, &[2, 70]), Ending::Closed), Answer::Alert(70));
    assert_eq!(answer(Version::Tls12, &record(ALERT, &[1, 0]), Ending::Closed), Answer::Alert(0));
    let warning = record(ALERT, &[1, 112]);
    assert_eq!(answer(Version::Tls12, &warning, Ending::Closed), Answer::Alert(112));
    let both = [warning, record(HANDSHAKE, &flight())].concat();
    accepted(answer(Version::Tls12, &both, Ending::Closed));
}

#[test]
fn diffie_hellman_groups_are_told_by_their_size() {
    let prime = [&[0, 0x81][..], &[0], &[0x80; 128]].concat();
    let exchange = [&prime[..], &[0, 1, 2, 0, 1, 4]].concat();
    let flight = [server_hello_body(0x0303, 0x0033, &[]), message(SERVER_KEY_EXCHANGE, &exchange), message(SERVER_HELLO_DONE, &[])];
    let seen = accepted(answer(Version::Tls12, &record(HANDSHAKE, &flight.concat()), Ending::Closed));
    assert_eq!(seen.group.as_deref(), Some("dh1024"));
}

#[test]
fn other_protocols_are_told_apart() {
    for (bytes, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Answer::PlainHttp),
        (b"<html><head><title>400</title>", Answer::PlainHttp),
        (b"<!DOCTYPE HTML PUBLIC", Answer::PlainHttp),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", Answer::NotTls),
        (b"220", Answer::NotTls),
        (&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Answer::NotTls),
        (&[23, 3, 3, 0, 1, 0], Answer::NotTls),
        (&[22, 3, 3, 0, 4, 14, 0, 0, 0], Answer::NotTls),
        (&[22, 2, 0, 0, 4, 14, 0, 0, 0], Answer::NotTls),
        (&[22, 3, 3, 255, 255, 2], Answer::NotTls),
        (&[22, 3, 3, 0, 4, 2, 255, 255, 255], Answer::NotTls),
        (&[22, 3, 3, 0, 6, 2, 0, 0, 2, 3, 3], Answer::NotTls),
    ] {
        assert_eq!(answer(Version::Tls12, bytes, Ending::Closed), expected, "{bytes:?}");
    }
}

#[test]
fn silence_is_told_by_how_it_ended() {
    assert_eq!(answer(Version::Tls12, &[], Ending::Closed), Answer::Closed);
    assert_eq!(answer(Version::Tls12, &[], Ending::Reset), Answer::Reset);
    assert_eq!(answer(Version::Tls12, &[], Ending::Timeout), Answer::Timeout(Stage::Connected));
    assert_eq!(answer(Version::Tls12, &[22, 3], Ending::Timeout), Answer::Timeout(Stage::Connected));
}

#[test]
fn no_more_than_the_limit_is_read() {
    let endless = record(HANDSHAKE, &[0; 4000]).repeat(100);
    let mut reply = Reply::to(Version::Tls12);
    let finished = endless.chunks(1000).position(|part| reply.feed(part));
    assert_eq!(finished, Some(LIMIT / 1000));
    assert!(reply.feed(&[1, 2, 3]));
    assert_eq!(reply.trace().0, 65_536);
    assert_eq!(reply.finish(Ending::Enough), Answer::NotTls);
}

#[test]
fn nothing_that_arrives_makes_it_panic() {
    let good = record(HANDSHAKE, &flight());
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    for round in 0..30_000 {
        let mut bytes = good.clone();
        bytes.truncate(next(good.len()) + 1);
        for _ in 0..=next(6) {
            // Mostly in the heads, where lengths and kinds stand.
            let at = if round % 2 == 0 { next(bytes.len().min(80)) } else { next(bytes.len()) };
            bytes[at] = u8::try_from(next(256)).unwrap();
        }
        let version = Version::ALL[next(5)];
        let mut reply = Reply::to(version);
        let step = next(200) + 1;
        let enough = bytes.chunks(step).any(|part| reply.feed(part));
        reply.finish(if enough { Ending::Enough } else { Ending::Closed });
    }
}
