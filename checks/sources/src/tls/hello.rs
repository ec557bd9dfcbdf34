//! Client hellos made by hand, each for one protocol version alone.
//!
//! Client libraries refuse old versions by themselves, so what they report says nothing about the server. These hellos
//! offer every suite that a server might still accept, weak ones included, or a part of them: the question is what the
//! server takes. The fallback signal (`TLS_FALLBACK_SCSV`) is left out on purpose, as it makes servers refuse what they
//! else accept. A hello of TLS 1.3 may come without a key (RFC 8446, 4.2.8: an empty list of shares asks for a
//! HelloRetryRequest): the server then names suite and group and has computed nothing yet.

use std::borrow::Cow;

use super::names::Version;

/// How many random bytes one hello takes: client random, session id, key share.
pub(super) const RANDOM_BYTES: usize = 96;

/// What a hello offers.
#[derive(Clone, Debug)]
pub(super) struct Offer<'a> {
    /// The version, and no other.
    pub(super) version: Version,
    /// The suites.
    pub(super) suites: Cow<'a, [u16]>,
    /// The groups for the key exchange.
    pub(super) groups: Cow<'a, [u16]>,
    /// Whether a hello of TLS 1.3 brings a key.
    pub(super) key: bool,
}

impl Offer<'_> {
    /// All that there is in a version.
    pub(super) const fn whole(version: Version) -> Self {
        let (suites, groups) = if matches!(version, Version::Tls13) { (SUITES_13, GROUPS_13) } else { (SUITES, GROUPS) };
        Self { version, suites: Cow::Borrowed(suites), groups: Cow::Borrowed(groups), key: true }
    }
}

/// The bytes of a ClientHello.
pub(super) fn client_hello(offer: &Offer<'_>, server_name: Option<&str>, random: &[u8; RANDOM_BYTES]) -> Vec<u8> {
    let version = offer.version;
    let (nonce, rest) = random.split_at(32);
    let (session, share) = rest.split_at(32);
    let modern = version == Version::Tls13;

    let mut body = Vec::with_capacity(640);
    // TLS 1.3 says 1.2 here and tells the truth in supported_versions.
    body.extend(version.number().min(Version::Tls12.number()).to_be_bytes());
    body.extend(nonce);
    // Middleboxes let TLS 1.3 pass if it looks like the resumption of a session.
    with_length_8(&mut body, |out| out.extend(if modern { session } else { &[] }));
    with_length_16(&mut body, |out| {
        let signal = (!modern).then_some(RENEGOTIATION_SIGNAL);
        out.extend(offer.suites.iter().copied().chain(signal).flat_map(u16::to_be_bytes));
    });
    // Compression: DEFLATE is offered to see whether it is taken; TLS 1.3 allows no such offer.
    body.extend(if modern { &[1, 0][..] } else { &[2, 1, 0] });
    // SSLv3 knows no extensions, and some of its servers fail on them.
    if version > Version::Ssl3 {
        with_length_16(&mut body, |out| extensions(out, offer, server_name, share));
    }

    let mut hello = vec![22];
    hello.extend(version.number().min(Version::Tls10.number()).to_be_bytes());
    with_length_16(&mut hello, |out| {
        // A handshake message: type 1, and a length of 24 bits.
        out.extend([1, 0]);
        with_length_16(out, |out| out.append(&mut body));
    });
    hello
}

fn extensions(out: &mut Vec<u8>, offer: &Offer<'_>, server_name: Option<&str>, share: &[u8]) {
    let version = offer.version;
    let modern = version == Version::Tls13;
    if let Some(name) = server_name {
        extension(out, 0, |out| {
            with_length_16(out, |out| {
                out.push(0);
                with_length_16(out, |out| out.extend(name.as_bytes()));
            });
        });
    }
    extension(out, 10, |out| list_16(out, &offer.groups));
    if version >= Version::Tls12 {
        extension(out, 13, |out| list_16(out, SIGNATURES));
    }
    if modern {
        extension(out, 43, |out| with_length_8(out, |out| out.extend(version.number().to_be_bytes())));
        extension(out, 45, |out| with_length_8(out, |out| out.push(1)));
        // Any 32 bytes are a public key of x25519. Nobody holds the private one: the answer is read, never decrypted.
        extension(out, 51, |out| {
            with_length_16(out, |out| {
                if offer.key {
                    out.extend(X25519.to_be_bytes());
                    with_length_16(out, |out| out.extend(share));
                }
            });
        });
    } else {
        extension(out, 11, |out| with_length_8(out, |out| out.push(0)));
        // Extended master secret, and tickets for sessions: asked for without one.
        extension(out, 23, |_| {});
        extension(out, 35, |_| {});
    }
}

fn extension(out: &mut Vec<u8>, kind: u16, content: impl FnOnce(&mut Vec<u8>)) {
    out.extend(kind.to_be_bytes());
    with_length_16(out, content);
}

fn list_16(out: &mut Vec<u8>, numbers: &[u16]) {
    with_length_16(out, |out| out.extend(numbers.iter().flat_map(|number| number.to_be_bytes())));
}

fn with_length_8(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    content(out);
    out[at] = u8::try_from(out.len() - at - 1).expect("the lists of a hello are shorter than 256 bytes");
}

fn with_length_16(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0, 0]);
    content(out);
    let length = u16::try_from(out.len() - at - 2).expect("a hello is shorter than 64 KiB");
    out[at..at + 2].copy_from_slice(&length.to_be_bytes());
}

const X25519: u16 = 29;

/// Groups for TLS 1.3, with the post-quantum ones; a server that prefers another than x25519 asks for it by name.
const GROUPS_13: &[u16] = &[0x11ec, 0x11eb, 0x11ed, X25519, 23, 24, 25, 30, 31, 32, 33, 256, 257, 258, 259, 260];

/// Curves for older versions. Finite-field groups are left out, so that a server shows the parameters it was given.
const GROUPS: &[u16] = &[X25519, 23, 24, 25, 30, 26, 27, 28, 22, 21, 19];

/// Signature algorithms, old ones included.
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601, 0x081a, 0x081b, 0x081c,
    0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602, 0x0203, 0x0201, 0x0202, 0x0101,
];

const SUITES_13: &[u16] = &[0x1302, 0x1303, 0x1301, 0x1304, 0x1305];

/// Suites for SSL 3.0 to TLS 1.2, the strongest first, as many servers take the first that they know. Fewer than 128,
/// since some old servers do not read on.
#[rustfmt::skip]
const SUITES: &[u16] = &[
    // forward secrecy with authenticated encryption: AES-GCM, ChaCha20, CCM, ARIA, Camellia
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009f, 0xccaa, 0xc0ac, 0xc0ad, 0xc0ae, 0xc0af, 0xc09e, 0xc09f,
    0xc05c, 0xc05d, 0xc060, 0xc061, 0xc086, 0xc087, 0xc08a, 0xc08b, 0x00a2, 0x00a3,
    // forward secrecy with CBC
    0xc023, 0xc027, 0xc024, 0xc028, 0xc009, 0xc013, 0xc00a, 0xc014, 0x0067, 0x006b, 0x0033, 0x0039, 0x0040, 0x006a, 0x0032,
    0x0038, 0xc072, 0xc076, 0xc073, 0xc077, 0x00be, 0x00c4, 0x0045, 0x0088, 0x0044, 0x0087, 0x009a, 0x0099,
    // RSA key exchange
    0x009c, 0x009d, 0xc09c, 0xc09d, 0xc0a0, 0xc0a1, 0xc050, 0xc051, 0x003c, 0x003d, 0x002f, 0x0035, 0x00ba, 0x00c0, 0x0041,
    0x0084, 0x0096, 0x0007,
    // static Diffie-Hellman
    0xc02d, 0xc031, 0xc02e, 0xc032, 0xc004, 0xc00e, 0xc005, 0xc00f, 0x003f, 0x0069, 0x0031, 0x0037,
    // triple DES, RC4, DES
    0xc008, 0xc012, 0x0016, 0x0013, 0x000a, 0xc003, 0xc00d, 0xc007, 0xc011, 0x0005, 0x0004, 0x0015, 0x0012, 0x0009,
    // without authentication
    0x00a6, 0x006c, 0x0034, 0x003a, 0x001b, 0x0018, 0xc018, 0xc019, 0xc017, 0xc016,
    // without encryption
    0xc006, 0xc010, 0x003b, 0x0002, 0x0001,
    // export grade
    0x0014, 0x0011, 0x0008, 0x0006, 0x0003, 0x0019, 0x0017,
];

/// The signal for secure renegotiation (RFC 5746), which stands among the suites and is none.
const RENEGOTIATION_SIGNAL: u16 = 0x00ff;

#[cfg(test)]
mod tests {
    use tls_parser::{TlsExtension, TlsMessage, TlsMessageHandshake, TlsVersion, parse_tls_client_hello_extensions, parse_tls_plaintext};

    use super::*;

    fn read_back(version: Version, name: Option<&str>, look: impl FnOnce(u16, TlsMessageHandshake<'_>)) {
        let bytes = client_hello(&Offer::whole(version), name, &[7; RANDOM_BYTES]);
        let (rest, record) = parse_tls_plaintext(&bytes).unwrap();
        assert!(rest.is_empty(), "one record and nothing more");
        let Some(TlsMessage::Handshake(hello)) = record.msg.into_iter().next() else { panic!("no handshake") };
        look(record.hdr.version.0, hello);
    }

    #[test]
    fn each_version_asks_for_itself_alone() {
        for version in Version::ALL {
            read_back(version, Some("app.example.com"), |record_version, hello| {
                let TlsMessageHandshake::ClientHello(hello) = hello else { panic!("no hello") };
                assert_eq!(hello.version.0, version.number().min(0x0303));
                assert!(record_version <= 0x0301);
                if version == Version::Ssl3 {
                    assert_eq!(hello.ext, None, "SSLv3 has no extensions");
                    return;
                }
                let (rest, extensions) = parse_tls_client_hello_extensions(hello.ext.unwrap()).unwrap();
                assert!(rest.is_empty());
                assert!(extensions.iter().any(|e| matches!(e, TlsExtension::SNI(names) if names[0].1 == b"app.example.com")));
                let versions = extensions.iter().find_map(|e| if let TlsExtension::SupportedVersions(v) = e { Some(v) } else { None });
                assert_eq!(versions, (version == Version::Tls13).then(|| vec![TlsVersion(0x0304)]).as_ref());
                let signatures = extensions.iter().any(|e| matches!(e, TlsExtension::SignatureAlgorithms(_)));
                assert_eq!(signatures, version >= Version::Tls12);
            });
        }
    }

    #[test]
    fn an_address_sends_no_server_name() {
        read_back(Version::Tls12, None, |_, hello| {
            let TlsMessageHandshake::ClientHello(hello) = hello else { panic!("no hello") };
            let (_, extensions) = parse_tls_client_hello_extensions(hello.ext.unwrap()).unwrap();
            assert!(!extensions.iter().any(|e| matches!(e, TlsExtension::SNI(_))));
        });
    }

    #[test]
    fn a_hello_without_a_key_has_an_empty_list_of_shares() {
        let offer = Offer { groups: Cow::Borrowed(&[0x11ec]), key: false, ..Offer::whole(Version::Tls13) };
        let bytes = client_hello(&offer, None, &[7; RANDOM_BYTES]);
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(has(&[0, 51, 0, 2, 0, 0]) && has(&[0, 10, 0, 4, 0, 2, 0x11, 0xec]));
    }

    #[test]
    fn suites_are_known_unique_and_few_enough_for_old_servers() {
        let mut sorted = SUITES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), SUITES.len());
        assert!(SUITES.len() < 128, "{}", SUITES.len());
        for suite in SUITES.iter().chain(SUITES_13) {
            assert!(!super::super::names::suite(*suite).starts_with("suite-"), "{suite:#06x}");
        }
        assert!(!SUITES.contains(&0x5600), "the fallback signal makes servers refuse");
    }
}
