//! What verification can find: a closed list of reasons, each told apart from the others.

use std::fmt;

use serde::Serialize;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Deviation {
    /// What kind.
    pub kind: DeviationKind,
    /// The file.
    pub file: String,
    /// What was expected and what was found.
    pub detail: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal,)+) => {
        /// The kinds of deviations.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum DeviationKind {
            $($(#[$doc])* #[serde(rename = $code)] $kind,)+
        }

        impl DeviationKind {
            /// All of them, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The reason code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)+
                }
            }
        }
    };
}

kinds! {
    /// A sealed file has other bytes.
    Changed = "changed",
    /// A sealed file is not there.
    Missing = "missing",
    /// A file is there that the manifest does not name, or that is no part of a seal.
    Added = "added",
    /// What was sealed is there, in another place.
    Reordered = "reordered",
    /// A file cannot be read as what it must be.
    Malformed = "malformed",
    /// The link to the run before does not hold, or the folder is not that of the run.
    Chain = "chain",
    /// Deciding again gives something else.
    Replay = "replay",
    /// The bundle was decided by a version of evaluation that this program does not have.
    EngineUnavailable = "engine-unavailable",
    /// A signature was asked for, and there is none.
    Unsigned = "unsigned",
    /// What lies in the seal as a signature cannot be read as one.
    SignatureMalformed = "signature-malformed",
    /// The signature is over another manifest.
    SignaturePayload = "signature-payload",
    /// The signature is not one of the key that it names.
    SignatureInvalid = "signature-invalid",
    /// The trust file does not name the key.
    KeyUnknown = "key-unknown",
    /// The trust file names the key for other workspaces or environments.
    KeyOutOfScope = "key-out-of-scope",
    /// The run is older than the key.
    KeyNotYetValid = "key-not-yet-valid",
    /// Nothing shows that the signature was made before the key's time was over.
    KeyExpired = "key-expired",
    /// Nothing shows that the signature was made before the key was revoked.
    KeyRevoked = "key-revoked",
    /// A time stamp was asked for, and there is none that counts.
    TimestampMissing = "timestamp-missing",
    /// A request or an answer cannot be read as such.
    TimestampMalformed = "timestamp-malformed",
    /// The authority did not grant the stamp.
    TimestampRefused = "timestamp-refused",
    /// The stamp is over something else.
    TimestampImprint = "timestamp-imprint",
    /// The stamp does not answer the request that lies beside it.
    TimestampNonce = "timestamp-nonce",
    /// The stamp was made under another policy than was asked for.
    TimestampPolicy = "timestamp-policy",
    /// The stamp does not hold to the certificate of who signed it.
    TimestampCertificate = "timestamp-certificate",
    /// The certificate is not one for time stamps alone.
    TimestampKeyUsage = "timestamp-key-usage",
    /// The signature of the stamp does not hold.
    TimestampSignature = "timestamp-signature",
    /// The certificate does not lead to a root of the trust file.
    TimestampChain = "timestamp-chain",
    /// A certificate was not valid at the time that the stamp tells.
    TimestampExpired = "timestamp-expired",
    /// The stamp tells a time before the run, or one to come.
    TimestampTime = "timestamp-time",
    /// The run tells a time to come.
    RunTime = "run-time",
}

impl fmt::Display for DeviationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
