//! Names of what travels as a number: alerts, groups, suites and versions, as the registries spell them.

use tls_parser::TlsCipherSuite;

/// A protocol version that one ClientHello asks for. The list is closed: it is the history of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Ssl3,
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl Version {
    /// Every version, oldest first.
    pub(super) const ALL: [Self; 5] = [Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The name in records and requests.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ssl3 => "ssl3",
            Self::Tls10 => "tls1.0",
            Self::Tls11 => "tls1.1",
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
    }

    /// The number on the wire.
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }
}

/// The name of an alert, such as `protocol_version`.
pub(super) fn alert(number: u8) -> String {
    let name = match number {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        other => return format!("alert-{other}"),
    };
    name.to_owned()
}

/// The name of a group for key exchange, such as `x25519`.
pub(super) fn group(number: u16) -> String {
    let name = match number {
        19 => "secp192r1",
        21 => "secp224r1",
        22 => "secp256k1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        31 => "brainpoolP256r1tls13",
        32 => "brainpoolP384r1tls13",
        33 => "brainpoolP512r1tls13",
        41 => "curveSM2",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        other => return format!("group-{other:#06x}"),
    };
    name.to_owned()
}

/// The IANA name of a cipher suite.
pub(super) fn suite(number: u16) -> String {
    TlsCipherSuite::from_id(number).map_or_else(|| format!("suite-{number:#06x}"), |suite| suite.name.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_have_the_names_of_the_registries() {
        assert_eq!(super::alert(70), "protocol_version");
        assert_eq!(super::alert(200), "alert-200");
        assert_eq!(super::group(29), "x25519");
        assert_eq!(super::group(0x11ec), "X25519MLKEM768");
        assert_eq!(super::group(1), "group-0x0001");
        assert_eq!(super::suite(0x1302), "TLS_AES_256_GCM_SHA384");
        assert_eq!(super::suite(0xc030), "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
        assert_eq!(super::suite(0xfefe), "suite-0xfefe");
    }
}
