//! The verdicts on statements, with what stands once for each.

use proofbook_evidence::notice::{Level, NoticeKind};
use serde::Serialize;

macro_rules! verdicts {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $level:ident, $summary:literal, $help:literal;)+) => {
        /// What the evidence says of a statement.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum ClaimVerdict { $($(#[$doc])* $variant,)+ }

        impl ClaimVerdict {
            /// All of them, the worst first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// What stands once for all notices with this verdict.
            #[must_use]
            pub const fn kind(self) -> &'static NoticeKind {
                match self {
                    $(Self::$variant => &NoticeKind { code: $code, summary: $summary, help: $help, level: Level::$level },)+
                }
            }

            /// The name in files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                self.kind().code
            }
        }
    };
}

verdicts! {
    /// The evidence shows something else.
    Contradicted = "contradicted", Error,
        "The evidence shows something else than the document promises.",
        "Mend the platform, or promise what the evidence shows.";
    /// Two statements cannot both be true.
    Conflict = "conflict", Error,
        "Two statements of the documentation cannot both be true.",
        "Say the same in both places, or say to what each applies.";
    /// The words cannot be true whatever the evidence is.
    CategoryError = "category-error", Warning,
        "The words promise something that cannot be had.",
        "Use the pattern that the notice names.";
    /// The evidence is too old to count.
    Stale = "stale", Warning,
        "The evidence for the promise is older than the time for which it counts.",
        "Scan again and commit the new bundle.";
    /// The statement goes further than what backs it.
    OverClaim = "over-claim", Warning,
        "The statement goes further than the registered promise that backs it.",
        "Name the scope, the plan or the condition that the registered promise has.";
    /// Nothing shows it.
    Unbacked = "unbacked", Warning,
        "No check and no attestation in force shows the promise.",
        "Bind the claim to a check or an attestation, or take the sentence out.";
    /// It is not in the registry.
    Unregistered = "unregistered", Note,
        "The statement promises something that is not in the registry of claims.",
        "Add it to claims.yaml, or put an anchor to the claim that it repeats.";
    /// The statement promises less than the registry.
    UnderClaim = "under-claim", Note,
        "The statement promises less than the registered promise, which holds.",
        "Say the stronger value, if the sentence is meant to be the whole promise.";
    /// People attested it.
    Attested = "attested", Note,
        "A signed attestation in force shows the promise.",
        "Nothing is to be done until it expires.";
    /// The evidence shows it.
    Backed = "backed", Note,
        "The evidence shows the promise.",
        "Nothing is to be done.";
}
